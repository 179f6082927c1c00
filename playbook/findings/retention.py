"""Sentences about who comes back, and whether more come than go."""

from __future__ import annotations

from dataclasses import replace

from playbook.findings.markdown import Finding, each_segment, said
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Answer, Result

SAID = (1, 4)  # the periods that are told, beside the last one


def retained(result: Answer, says: str) -> Finding:
    """The share that comes back in period 1, in period 4 and in the last one that is known.

    Args:
        result: Retention over all cohorts, as `friction.retained` gives it.
        says: What they do again: "of new workflows run again".
    """

    def say(rows: list) -> str:
        plain = [row for row in rows if row["kind"] == "on"]
        everybody = replace(result, by=tuple(c for c in result.by if c != "kind"))
        return each_segment(everybody, plain, lambda own: _retained(result, own, says))

    return said(result, say, empty="*No period is over for a whole week of starters so far.*")


def pulse(result: Answer, says: str) -> Finding:
    """Whether more things come than go: new and revived ones for each one that is lost.

    Amplitude calls it Pulse: (new + revived) / lost, of the last complete week.

    Args:
        result: The answer to an `active` question.
        says: What is counted: "workflows".
    """
    return said(
        result, lambda rows: each_segment(result, rows, lambda own: _pulse(result, own, says))
    )


def _retained(result: Result, rows: list, says: str) -> str:
    known = [row for row in rows if row["n"] >= max(result.min_n, 1)]
    if not known:
        return f"{too_few(max(row['n'] for row in rows))}."
    told = [row for row in known if int(row["period"]) in SAID]
    told += [known[-1]] if known[-1] not in told else []
    first, *others = told
    text = (
        f"**{percent(first['value'])}** ({interval(first['low'], first['high'])}, "
        f"n = {count(first['n'])}) {says} in period {first['period']}"
    )
    rest = [f"{percent(row['value'])} in period {row['period']}" for row in others]
    return ", ".join([text, *rest]) + "."


def _pulse(result: Result, rows: list, says: str) -> str:
    complete = [row for row in rows if row["complete"]]
    if not complete:
        return "no week is complete yet."
    week = complete[-1]["period"]
    counts = {row["series"]: row["value"] for row in complete if row["period"] == week}
    new, revived, lost = (counts[name] for name in ("new", "revived", "lost"))
    came = f"{count(new)} new and {count(revived)} revived {says} in the week of {week}"
    if lost < max(result.min_n, 1):
        return f"{came}, {count(lost) if lost else 'none'} lost."
    return f"**{(new + revived) / lost:.2f}** came for each one lost: {came}, {count(lost)} lost."
