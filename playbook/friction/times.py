"""How long each step takes, over all who entered: those who have not reached it count, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.counting import attempts, curves, shaping
from playbook.friction.questions import step_titles, unfit
from playbook.language.periods import interval, moment
from playbook.language.portable import pieces, seconds, united
from playbook.language.wording import length, too_few
from playbook.results import Answer, Result, Rows, shown
from playbook.results.columns import COUNT, Column, with_ends
from playbook.results.section import section
from playbook.results.sentences import Told, bullets, named
from playbook.run import Run

MINUTE, HOUR, DAY = 60, 3600, 86_400
ROUNDING = 1e-9  # two of four may come out as a little less than half
CENSORED = (("times", "all who entered, for as long as they were seen (Kaplan–Meier)"),)
# Part of those who enter → the side of the curve that tells it, and the share.
PARTS = {
    "quarter": ("share", 0.25),
    "median": ("share", 0.5),
    "low": ("high", 0.5),
    "high": ("low", 0.5),
    "three_quarters": ("share", 0.75),
}
LENGTH = Column("hours", of="n")
TIMES = {
    "n": COUNT,
    "reached": COUNT,
    "quarter_hours": LENGTH,
    **with_ends("median_hours", LENGTH, ends=("low_hours", "high_hours")),
    "three_quarters_hours": LENGTH,
    "converters_hours": LENGTH,
}


@section("friction.{id}_times")
def times(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """How many hours each step takes from the entry, as censored quantiles.

    Everybody who entered counts: who did not reach a step was seen without it until the window
    closed, or until the data ends (Kaplan and Meier 1958). The entry is the start of the attempt
    that the steps count, so that without open attempts a step's curve ends at its share. A unit
    whose attempts are all open enters at its first start in the period, with the steps that the
    deepest of them has reached so far. Where units start once, as people sign up, that is one
    and the same.

    Times are whole minutes in the first day and whole hours later, rounded up.

    Returns:
        Shape `table`: one row per `by` and step after the first: `n` who entered, `reached` so
        far, `quarter_hours`, `median_hours` and `three_quarters_hours` (when that part has
        reached; null: not reached within the window), `low_hours` and `high_hours` (95 % of the
        median, by the curve's band: Brookmeyer and Crowley 1982), and `converters_hours`: the
        median of those who reached it, which everybody who never did is missing from.
    """
    asking = answers.asked(run, id, by=by, counted_by=("steps",))
    return _step_result(asking, "table", quantiles, own=TIMES, says=_say_times)


@section("friction.{id}_time_curves")
def time_curves(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The share that has reached each step by each hour, as `times` counts it: shape `curve`.

    It is broken down by `by` and by `step`.
    """
    asking = answers.asked(run, id, by=by, counted_by=("steps",))
    return _step_result(asking, "curve", step_curves)


def step_curves(rows: Rows, by: Sequence[str], within: timedelta) -> Rows:
    """The rows of a curve per `by` and step: `hours`, `share`, `low`, `high`, `n`.

    Args:
        rows: `by`, `step`, `seconds` from the entry, `reached` (the step then; else last seen
            without it) and `n` units.
        by: Columns to break the result down by.
        within: The window.
    """
    counted = [row | {"hours": row["seconds"] / HOUR} for row in rows]
    return curves.curves(counted, (*by, "step"), within.total_seconds() / HOUR)


def quantiles(rows: Rows, by: Sequence[str], within: timedelta) -> Rows:
    """Per `by` and step the times by which a quarter, half and three quarters have reached."""
    segment = (*by, "step")
    counted, found = shaping.grouped(rows, segment), []
    for key, points in shaping.grouped(step_curves(rows, by, within), segment).items():
        reached = [row for row in counted[key] if row["reached"]]
        found.append(
            dict(zip(segment, key, strict=True))
            | {"n": points[0]["n"], "reached": sum(row["n"] for row in reached)}
            | {f"{part}_hours": _hours_until(points, *at) for part, at in PARTS.items()}
            | {"converters_hours": _median_hours(reached)}
        )
    return found


def _step_result(
    asking: Asked,
    shape: str,
    shaped: Callable[[Rows, Sequence[str], timedelta], Rows],
    **given: Any,
) -> Result:
    if asking.question.order == "any":
        raise unfit(asking.question, "the time of each step needs `steps` in an order")
    steps = step_titles(asking.question)[1:]

    def finish(rows: Rows) -> Rows:
        drawn = shaped(rows, asking.by, asking.span)
        order = list(map(shown, steps))
        return sorted(drawn, key=lambda row: order.index(row["step"]))

    given |= {"by": (*asking.by, "step"), "told": CENSORED}
    given |= {"title": f"Time from the start to each step, {asking.phrases.whom}"}
    given |= {"words": f"of the {asking.said.counted} that enter"}
    return asking.result(shape, _times_spent(asking, steps), finish, **given)


def _say_times(result: Result, _told: Told, whose: str) -> str:
    """Per step how long it takes half of all who enter, or that half never get there."""
    return bullets(_time_taken(result, row, whose) for row in result.rows)


def _time_taken(result: Result, row: dict[str, Any], whose: str) -> str:
    name = named(result, row)
    if row["n"] < max(result.min_n, 1):
        return f"**{name}**: {too_few(row['n'])}."
    if row["median_hours"] is None:
        quarter = row["quarter_hours"]
        some = f", a quarter within {length(quarter)}" if quarter is not None else ""
        return f"**{name}**: not reached by half {whose}{some}."
    low, high = row["low_hours"], row["high_hours"]
    upto = f"{length(low)} to {length(high)}" if high is not None else f"from {length(low)} on"
    return f"**{name}**: half {whose} within **{length(row['median_hours'])}** ({upto})."


def _times_spent(asking: Asked, steps: Sequence[str]) -> ir.Table:
    """One row per `by`, step, time and outcome: `step`, `seconds`, `reached`, `n`."""
    ways = _step_moments(asking)
    parts = []
    for k, step in enumerate(steps, 2):
        at = ways[f"step_{k}_at"]
        ends_at = ibis.ifelse(at.notnull(), at, ways.ends_at)
        parts.append(
            ways.select(
                *asking.by,
                "entry_at",
                step=ibis.literal(step),
                reached=at.notnull(),
                ends_at=ends_at,
            )
        )
    # Where clocks may differ by a grace, a step may come before its entry.
    spent = united(parts).mutate(spent=ibis.greatest(seconds(_.entry_at, _.ends_at), 0))
    minutes, hours = pieces(_.spent, MINUTE) * MINUTE, pieces(_.spent, HOUR) * HOUR
    return spent.mutate(seconds=ibis.ifelse(_.spent <= DAY, minutes, hours)).aggregate(
        by=[*asking.by, "step", "seconds", "reached"], n=_.count()
    )


def _step_moments(asking: Asked) -> ir.Table:
    """One row per attempt: its start, when it was last seen, and when it reached each step."""
    rows, span, period = asking.counted_rows(), asking.span, asking.run.period
    shut = asking.timelines()
    # All that a unit with no closed attempt has done lies in the last window of the data; but
    # attempts are numbered from the first one on.
    lately = rows if asking.rules.attempts else rows.filter(_.at > moment(period.as_of - span))
    so_far = asking.timelines(lately, replace(period, as_of=period.as_of + span))
    key, places = attempts.key_of(shut), range(2, len(asking.question.steps) + 1)
    open_ones = so_far.select(*key, **{f"so_far_{k}": f"step_{k}_at" for k in places})
    joined = shut.left_join(open_ones, key)
    is_open = joined.depth == 0
    times = {
        f"step_{k}_at": ibis.ifelse(is_open, joined[f"so_far_{k}"], joined[f"step_{k}_at"])
        for k in places
    }
    ends_at = ibis.least(joined.entry_at + interval(span), moment(period.as_of))
    return asking.segmented(joined.select(*key, "started_at", "entry_at", ends_at=ends_at, **times))


def _hours_until(points: Rows, name: str, share: float) -> float | None:
    return next((row["hours"] for row in points if row[name] >= share - ROUNDING), None)


def _median_hours(rows: Rows) -> float | None:
    """The median hours of counted rows; null without any."""
    half, before = sum(row["n"] for row in rows) / 2, 0
    for row in sorted(rows, key=lambda row: row["seconds"]):
        before += row["n"]
        if before >= half:
            return row["seconds"] / HOUR
    return None
