"""Sentences about segments that differ, and about the time that steps take."""

from __future__ import annotations

from typing import Any

from playbook.findings.markdown import Finding, bullets, named, said
from playbook.language.wording import count, percent, points, times, too_few
from playbook.results import Answer, Result

DAY, LONG = 24, 72  # hours; from the second on a time is told in days


def differences(result: Answer, says: str) -> Finding:
    """The segments that differ from all others together, and how many show no difference.

    Args:
        result: Segments compared, as `friction.differences` gives them; of steps the last.
        says: What the share is of: "get as far as a first run".
    """
    return said(result, lambda rows: _differences(result, rows, says))


def steps_take(result: Answer, says: str = "of those who enter") -> Finding:
    """Per step how long it takes half of all who enter, or that half never get there."""

    def say(rows: list) -> str:
        return bullets(_takes(result, row, says) for row in rows)

    return said(result, say)


def length(hours: float) -> str:
    """A length of time in its own unit: "24 minutes", "6 hours", "3.5 days"."""
    if hours < 2:
        return times(round(hours * 60), "minute")
    if hours < LONG:
        return f"{hours:,.0f} hours"
    return f"{hours / DAY:,.1f}".removesuffix(".0") + " days"


def _differences(result: Result, rows: list, says: str) -> str:
    if "step" in rows[0]:
        rows = [row for row in rows if row["step"] == rows[-1]["step"]]
    told = [row for row in rows if row["verdict"] in {"higher", "lower"}]
    told.sort(key=lambda row: -abs(row["difference"]))
    lines = [_difference(result, row, says) for row in told]
    same = [row for row in rows if row["verdict"] == "no difference shown"]
    few = [row for row in rows if row["verdict"] == "too few"]
    if same:
        lines.append(f"No difference shown: {_listed(result, same)}.")
    if few:
        lines.append(f"Too few to say: {_listed(result, few)}.")
    return bullets(lines)


def _difference(result: Result, row: dict[str, Any], says: str) -> str:
    return (
        f"**{named(result, row)}**: {percent(row['share'])} {says}, against "
        f"{percent(row['share_others'])} of all others: **{points(row['difference'])} points** "
        f"({points(row['low'])} to {points(row['high'])}, n = {count(row['n'])})."
    )


def _listed(result: Result, rows: list) -> str:
    return ", ".join(named(result, row) for row in rows)


def _takes(result: Result, row: dict[str, Any], says: str) -> str:
    name = named(result, row)
    if row["n"] < max(result.min_n, 1):
        return f"**{name}**: {too_few(row['n'])}."
    if row["median_hours"] is None:
        quarter = row["quarter_hours"]
        some = f", a quarter within {length(quarter)}" if quarter is not None else ""
        return f"**{name}**: not reached by half {says}{some}."
    low, high = row["low_hours"], row["high_hours"]
    upto = f"{length(low)} to {length(high)}" if high is not None else f"from {length(low)} on"
    return f"**{name}**: half {says} within **{length(row['median_hours'])}** ({upto})."
