"""Sentences of shapes that compare: effects, and segments against all others."""

from __future__ import annotations

from typing import Any

from playbook.language.wording import capital, count, plain, points
from playbook.results import Result
from playbook.results.changes import metric_change
from playbook.results.sentences import Told, bullets, named

DOING = {"ship": "Ship it", "stop": "Stop it", "redesign": "Redesign it", "mend": ""}
TOO_FEW = "Too few to say"
PRINTED = {
    "works",
    "harms",
    "harms some",
    "cannot tell",
    "not told apart",
}  # verdicts with an effect


def say_effect(result: Result, told: Told, _words: str = "") -> str:
    """Per play or segment: what changed, from what to what, the interval, verdict and grade."""
    lines = []
    for row in result.rows:
        told.segment = result.segment(row)
        lines.append(_effect_said(result, told, row))
    return bullets(lines)


def say_differences(result: Result, told: Told, words: str) -> str:
    """The segments that differ from all others together, and how many show no difference.

    Of steps the last is told. `words` say what the share is of: "get as far as a first run".
    """
    rows = result.rows
    if "step" in rows[0]:
        rows = [row for row in rows if row["step"] == rows[-1]["step"]]
    apart = [row for row in rows if row["verdict"] in {"higher", "lower"}]
    apart.sort(key=lambda row: -abs(row["difference"]))
    lines = [
        _difference_said(result, told, row, "" if place and words == result.words else words)
        for place, row in enumerate(apart)
    ]
    for verdict, says in (("no difference shown", "No difference shown"), ("too few", TOO_FEW)):
        if same := [named(result, row) for row in rows if row["verdict"] == verdict]:
            lines.append(f"{says}: {', '.join(same)}.")
    return bullets(lines)


def _effect_said(result: Result, told: Told, row: dict[str, Any]) -> str:
    label = str(row["label"])
    name = " · ".join(part for part in (plain(label), named(result, row)) if part)
    treated, held = (
        told.count(f"{label}.n_{arm}", row[f"n_{arm}"]) for arm in ("treated", "holdout")
    )
    sizes = f"{treated} treated, {held} held out"
    people = row["n_treated"] + row["n_holdout"]
    accounts = row.get("accounts_treated", 0) + row.get("accounts_holdout", 0)
    if 0 < accounts < people:
        sizes += f", in {told.count(f'{label}.accounts', accounts)} accounts"
    verdict = row["verdict"]
    if row.get("metric") and row["metric_difference"] is not None:
        return f"**{name}** {_metric_said(told, row, sizes)}"
    if verdict not in PRINTED:
        return f"**{name}** {_refused(told, row, sizes)}"
    treated, held = (
        told.share(f"{label}.{arm}", row[arm], row[f"n_{arm}"]) for arm in ("treated", "holdout")
    )
    changed = (
        f"**{points(row['difference'])} points** ({points(row['low'])} to {points(row['high'])}), "
        f"from {held} to {treated} ({sizes})"
    )
    todo, grade = what_to_do(row.get("action") or ""), _graded(row)
    if verdict == "works":
        text = f"works: {changed}. {todo + '; grade' if todo else 'Grade'} {grade}."
    elif verdict == "harms":
        text = f"harms: {changed}. {todo + '; grade' if todo else 'Grade'} {grade}."
    elif verdict == "harms some":
        text = f"harms some: on average {changed}. {todo}; grade {grade}."
    elif verdict == "cannot tell":
        text = (
            f"no effect shown: {changed}; anything in the interval fits the data, and "
            f"the tool would report {treated}. "
            f"{todo + '; grade' if todo else 'Grade'} {grade}."
        )
    else:
        text = f"not told apart from the others: {changed}."
    return f"**{name}** {text}"


def _metric_said(told: Told, row: dict[str, Any], sizes: str) -> str:
    """What is said of a play that is judged by a metric, and of its goal beside."""
    verdict = "no effect shown on" if row["verdict"] == "cannot tell" else f"{row['verdict']} on"
    change, treated, held = metric_change(told, row)
    goal = ""
    if row["difference"] is not None:
        goal = f" Its goal: {points(row['difference'])} points ({points(row['low'])} to "
        goal += f"{points(row['high'])})."
    todo = what_to_do(row.get("action") or "")
    return (
        f"{verdict} {plain(row['metric'])}: {change}, from {held} to {treated} "
        f"({sizes}).{goal} {todo + '; grade' if todo else 'Grade'} {_graded(row)}."
    )


def _graded(row: dict[str, Any]) -> str:
    """The grade of the claim, why it is no better, and whether the plan goes on all the same."""
    shown = row["verdict"] in ("works", "harms")
    interim = ", at an interim look" if shown and row.get("interim") else ""
    doubt = f", because {plain(row['doubt'])}" if row.get("doubt") else ""
    return f"{row['grade']}{doubt}{interim}"


def _refused(told: Told, row: dict[str, Any], sizes: str) -> str:
    """What is said of a play without an effect to print."""
    match row["verdict"]:
        case "too few":
            todo = what_to_do(row.get("action") or "")
            if not row["n_treated"] + row["n_holdout"] + (row.get("open") or 0):
                return "has nothing to measure: nobody has triggered it."
            return f"too few to say ({sizes}). {todo or 'Keep it running'}."
        case "not matured":
            still = told.count(f"{row['label']}.open", row["open"])
            return f"not matured ({sizes}, {still} open): {plain(row['why'])}."
        case "no such event":
            return f"cannot be measured: its goal never arrives ({sizes})."
        case "never sent":
            return f"was never sent to anybody who triggered it ({sizes}): nothing to measure."
        case "reached too few":
            return "the message reached too few to say."
    if row.get("why"):
        return f"a check failed, so there is no effect to print ({sizes}; {plain(row['why'])})."
    return f"a check failed, so there is no effect to print ({sizes})."


def what_to_do(action: str) -> str:
    """What to do, as the beginning of a sentence; "" where nothing is said."""
    _prefix, found, day = action.partition("keep running until ")
    return f"Keep it running until {day}" if found else DOING.get(action, capital(action))


def _difference_said(result: Result, told: Told, row: dict[str, Any], words: str) -> str:
    told.segment = result.segment(row)
    share = told.share("share", row["share"], row["n"])
    others = told.share("share_others", row["share_others"], row["n_others"])
    return (
        f"**{named(result, row)}**: {f'{share} {words}'.rstrip()}, against "
        f"{others} of all others: **{points(row['difference'])} points** "
        f"({points(row['low'])} to {points(row['high'])}, n = {count(row['n'])})."
    )
