"""Sentences about what a stage puts into a table: the plan, the matrix, the plays, the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from playbook.findings.markdown import Finding, plain, said, together
from playbook.findings.sentences import of
from playbook.language.wording import interval, percent, points
from playbook.results import Answer, Result


def headline(result: Answer) -> Finding:
    """The answer to the product's headline question, after the question itself."""
    return answers([result])


def answers(results: Sequence[Answer]) -> Finding:
    """One line per question: what is asked, and the answer or why there is none."""
    lines = []
    for result in results:
        found = of(result)
        text = found.text.replace("\n", " ")
        asks = f"*{plain(result.asks)}* " if isinstance(result, Result) else ""
        lines.append(Finding(f"{asks}{text}", found.figures))
    return together(*lines)


def plan(result: Answer) -> Finding:
    """How many planned data points arrive, and what is dead, silent or unplanned."""
    return said(result, _plan)


def soundness(result: Answer) -> Finding:
    """The share of rows that each defect touches, the largest first."""

    def say(rows: list) -> str:
        worst = sorted((row for row in rows if row["rows"]), key=lambda row: -row["rows"])
        if not worst:
            return f"None of these defects touches any of {rows[0]['of']:,} rows."
        parts = [f"{percent(row['share'])} {row['what']}" for row in worst]
        return f"Of {rows[0]['of']:,} rows that arrived: {', '.join(parts)}."

    return said(result, say)


def outreach(result: Answer) -> Finding:
    """What became of the units that a play was meant for; doing the goal apart from the rest."""

    def say(rows: list) -> str:
        counts = {row["step"]: row for row in rows}
        ways = ", ".join(
            f"{row['n']:,} {plain(result.label(name))}"
            for name, row in counts.items()
            if name not in {"assigned", "did"}
        )
        did = counts["did"]
        share = f"**{percent(did['of_first'])}** ({interval(did['low'], did['high'])})"
        return (
            f"Of {counts['assigned']['n']:,} assigned, {ways}. {did['n']:,} did the goal in its "
            f"time, {share} of the assigned, whether or not they were reached."
        )

    return said(result, say)


def claims(result: Answer) -> Finding:
    """How many plays work, harm, or cannot tell; and the naive rate that misleads most."""

    def say(rows: list) -> str:
        counted: dict[str, list[str]] = {}
        for row in rows:
            counted.setdefault(row["verdict"], []).append(plain(row["label"]))
        parts = [f"{verdict} ({', '.join(names)})" for verdict, names in counted.items()]
        text = f"Of {len(rows)} plays: {'; '.join(parts)}."
        silent = [row for row in rows if row["verdict"] == "cannot tell"]
        if not silent:
            return text
        loud = max(silent, key=lambda row: row["treated"])
        return (
            f"{text} Beware of {plain(loud['label'])}: {percent(loud['treated'])} do its goal "
            f"after it is sent, and {percent(loud['holdout'])} do it without "
            f"({points(loud['difference'])} points)."
        )

    return said(result, say)


def _plan(rows: list) -> str:
    planned = [row for row in rows if row["status"] != "not planned"]
    arrives = [row for row in planned if row["status"] == "arrives"]
    text = f"**{len(arrives)} of {len(planned)}** planned data points arrive."
    for status, says in (
        ("dead", "Never seen"),
        ("stopped", "Fell silent"),
        ("not planned", "Arrive without a plan"),
    ):
        names = [
            plain(row["data point"])
            + (f" ({plain(row['note'])})" if status == "not planned" and row["note"] else "")
            for row in rows
            if row["status"] == status
        ]
        text += f" {says}: {', '.join(names)}." if names else ""
    return text
