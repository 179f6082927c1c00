"""Sentences about what people do: what goes with reaching the goal, and what they did instead."""

from __future__ import annotations

from playbook.findings.markdown import Finding, plain, said
from playbook.language.wording import count, interval, percent, points, too_few
from playbook.results import Answer, Result

NOTHING_ELSE = "*Nobody is left to compare, or nobody did anything else in that time.*"
NAMED = 3  # paths in a sentence


def drivers(result: Answer) -> Finding:
    """What goes with reaching the goal, the strongest first; an association, never a cause."""
    return said(result, lambda rows: _drivers(result, rows), empty=NOTHING_ELSE)


def instead(result: Answer) -> Finding:
    """How many did nothing more after the step before, and the paths that most others took."""
    return said(result, lambda rows: _instead(result, rows))


def _drivers(result: Result, rows: list) -> str:
    counted = dict(result.definition)
    compared = [row for row in rows if row["difference"] is not None]
    shown = [row for row in compared if row["verdict"] in {"more", "less"}]
    n = rows[0]["n_did"] + rows[0]["n_not"]
    whom = (
        f"{count(n)} {counted.get('unit', 'unit')}s who had not reached "
        f"“{_name(result, counted['goal'])}” {counted['behaviour']}"
    )
    few = len(rows) - len(compared)
    apart = f" Not compared: {few}, which too few did, or too few did not." if few else ""
    if not shown:
        none = f"none of {len(compared)} behaviours compared shows a difference"
        return f"Among {whom}, {none if compared else 'no behaviour can be compared'}.{apart}"
    first = shown[0]
    text = (
        f"Among {whom}, those who in that time “{_name(result, first['event'])}”{_times(first)} "
        f"reach it later {first['verdict']} often: **{points(first['difference'])} points** "
        f"({points(first['low'])} to {points(first['high'])}), {percent(first['share_did'])} of "
        f"{count(first['n_did'])} against {percent(first['share_not'])} of "
        f"{count(first['n_not'])}{_adjusted(first)}."
    )
    numbers = {word: sum(row["verdict"] == word for row in shown) for word in ("more", "less")}
    kinds = ", ".join(f"{word} often for {n}" for word, n in numbers.items() if n)
    text += f" Of {len(compared)} behaviours compared, the goal is shown to be reached {kinds}."
    if same := [row for row in shown if _vanishes(row)]:
        names = ", ".join(f"“{_name(result, row['event'])}”{_times(row)}" for row in same)
        text += f" Among units of the same persona no difference is left for {names}."
    return (
        f"{text}{apart} These are associations: they do not say what would change if more did it."
    )


def _name(result: Result, event: str) -> str:
    return plain(result.label(event))


def _times(row: dict) -> str:
    return " at least twice" if row["times"] == 2 else ""


def _adjusted(row: dict) -> str:
    if row["adjusted"] is None:
        return ""
    return f"; {points(row['adjusted'])} among units of the same persona"


def _vanishes(row: dict) -> bool:
    """Whether who they are accounts for the difference."""
    return row["adjusted"] is not None and row["adjusted_low"] <= 0 <= row["adjusted_high"]


def _instead(result: Result, rows: list) -> str:
    counted = dict(result.definition)
    closed = [row for row in rows if row["share"] is not None]
    still = sum(row["n"] for row in rows if row["share"] is None)
    apart = f" For {count(still)} that time is not over." if still else ""
    total = closed[0]["total"] if closed else 0
    if total < max(result.min_n, 1):
        return f"{too_few(total)}.{apart}"
    units = "attempts" if "hold" in counted else f"{counted.get('unit', 'unit')}s"
    stopped = "instead of" in counted
    went = "stopped before" if stopped else "went on to"
    step = _name(result, counted["instead of" if stopped else "before"])
    whom = f"the {count(total)} {units} that {went} “{step}”"
    nothing = next((row for row in closed if not row["position"]), None)
    idle = "**None**"
    if nothing:
        idle = f"**{percent(nothing['share'])}** ({interval(nothing['low'], nothing['high'])})"
    text = (
        f"{idle} of {whom} did nothing in the {counted['for']} after "
        f"“{_name(result, counted['after'])}”{_aside(result, counted)}"
    )
    paths = [row for row in closed if not row["label"].startswith("(")][:NAMED]
    if paths:
        named = ", ".join(f"{plain(row['label'])} ({percent(row['share'])})" for row in paths)
        text += f". What was done most often: {named}"
    return f"{text}.{apart}"


def _aside(result: Result, counted: dict) -> str:
    """What is passed over."""
    names = [f"“{_name(result, name)}”" for name in counted.get("passed over", "").split(", ")]
    return f", {', '.join(names)} aside" if counted.get("passed over") else ""
