"""Sentences about how firm an answer is."""

from __future__ import annotations

from playbook.findings.markdown import Finding, bullets, plain, said
from playbook.language.wording import count, percent, times, too_few
from playbook.results import Answer, Result

TOOLS = ("PostHog", "Mixpanel", "Amplitude", "ClickHouse")


def firm(result: Answer, says: str) -> Finding:
    """How far the answer moves under other rules, and what other tools would show.

    Args:
        result: An answer by several ways to count, as `friction.firm` gives it.
        says: What the share is of: "of new people get as far as a first run".
    """
    return said(result, lambda rows: _firm(result, rows, says))


def _firm(result: Result, rows: list, says: str) -> str:
    ours, *others = rows
    if ours["n"] < max(result.min_n, 1):
        return f"As declared: {too_few(ours['n'])}."
    rules = [row for row in others if not row["counted"].startswith(TOOLS)]
    tools = [row for row in others if row["counted"].startswith(TOOLS)]
    known = [row for row in rules if row["share"] is not None]
    least, most = (end(known, key=lambda row: row["share"]) for end in (min, max))
    lines = [
        f"As declared, **{percent(ours['share'])}** {says}. With one rule changed it is between "
        f"{percent(least['share'])} ({plain(least['counted'])}) and {percent(most['share'])} "
        f"({plain(most['counted'])})."
    ]
    lines += [_tools(tools, ours["open"])] if tools else []
    same = [plain(row["counted"]) for row in rules if not row["differ"]]
    if same:
        lines.append(f"No outcome depends on: {'; '.join(same)}.")
    if differing := [row for row in rules if row["differ"]]:
        most = max(differing, key=lambda row: row["differ"])
        lines.append(
            f"Most outcomes depend on: {plain(most['counted'])}, which tells "
            f"{count(most['differ'])} otherwise, such as {plain(most['such_as'])}."
        )
    return bullets(lines)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _tools(tools: list, still_open: int) -> str:
    """What the tools would show, those that agree together."""
    by_answer: dict[tuple, list[str]] = {}
    for row in tools:
        by_answer.setdefault((row["reached"], row["n"]), []).append(plain(row["counted"]))
    said = [
        f"{percent(reached / n if n else None)} of {count(n)} in {_listed(names)}"
        for (reached, n), names in by_answer.items()
    ]
    most = max(row["differ"] for row in tools)
    differ = f"{times(most, 'outcome')} at most differ from ours" if most else "no outcome differs"
    waits = f", of which {count(still_open)} are still open: the tools do not wait for them"
    return f"Other tools would show {', '.join(said)}; {differ}{waits if still_open else ''}."
