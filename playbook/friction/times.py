"""How long each step takes, over all who entered: those who have not reached it count, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.answers import Asked, unfit
from playbook.counting import attempts, shaping
from playbook.counting.shaping import Rows
from playbook.friction.asking import asked, titles
from playbook.language.periods import interval, moment
from playbook.language.portable import pieces, seconds, united
from playbook.results import Answer, Unavailable
from playbook.run import Run

MINUTE, HOUR, DAY = 60, 3600, 86_400
ROUNDING = 1e-9  # two of four may come out as a little less than half
CENSORED = "all who entered, for as long as they were seen (Kaplan–Meier)"


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
    found = asked(run, id, "times", by=by)
    if isinstance(found, Unavailable):
        return found
    return _result(found, "table", quantiles)


def time_curves(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The share that has reached each step by each hour, as `times` counts it: shape `curve`.

    It is broken down by `by` and by `step`.
    """
    found = asked(run, id, "time_curves", by=by)
    if isinstance(found, Unavailable):
        return found
    return _result(found, "curve", curves)


def curves(rows: Rows, by: Sequence[str], within: timedelta) -> Rows:
    """The rows of a curve per `by` and step: `hours`, `share`, `low`, `high`, `n`.

    Args:
        rows: `by`, `step`, `seconds` from the entry, `reached` (the step then; else last seen
            without it) and `n` units.
        by: Columns to break the result down by.
        within: The window.
    """
    counted = [row | {"hours": row["seconds"] / HOUR} for row in rows]
    return shaping.curves(counted, (*by, "step"), within.total_seconds() / HOUR)


def quantiles(rows: Rows, by: Sequence[str], within: timedelta) -> Rows:
    """Per `by` and step the times by which a quarter, half and three quarters have reached."""
    segment = (*by, "step")
    drawn, counted = (shaping.grouped(each, segment) for each in (curves(rows, by, within), rows))
    return [
        dict(zip(segment, key, strict=True))
        | {"n": points[0]["n"]}
        | {"reached": sum(row["n"] for row in counted[key] if row["reached"])}
        | {"quarter_hours": _first(points, "share", 0.25)}
        | {"median_hours": _first(points, "share", 0.5)}
        | {"low_hours": _first(points, "high", 0.5), "high_hours": _first(points, "low", 0.5)}
        | {"three_quarters_hours": _first(points, "share", 0.75)}
        | {"converters_hours": _middle([row for row in counted[key] if row["reached"]])}
        for key, points in drawn.items()
    ]


def _result(
    asked: Asked, shape: str, shaped: Callable[[Rows, Sequence[str], timedelta], Rows]
) -> Answer:
    if asked.question.measure != "steps" or asked.question.order == "any":
        return unfit(asked.id, asked.question, "the time of each step needs `steps` in an order")
    steps = titles(asked.question)[1:]

    def finish(rows: Rows) -> Rows:
        drawn = shaped(rows, asked.by, asked.span)
        return sorted(drawn, key=lambda row: steps.index(row["step"]))

    made = asked.result(shape, _counted(asked), finish)
    said = (*made.definition, ("times", CENSORED))
    return replace(made, by=(*asked.by, "step"), definition=said)


def _counted(asked: Asked) -> ir.Table:
    """One row per `by`, step, time and outcome: `step`, `seconds`, `reached`, `n`."""
    ways = _ways(asked)
    parts = []
    for k, step in enumerate(titles(asked.question)[1:], 2):
        at = ways[f"step_{k}_at"]
        ends_at = ibis.ifelse(at.notnull(), at, ways.ends_at)
        parts.append(
            ways.select(
                *asked.by,
                "started_at",
                step=ibis.literal(step),
                reached=at.notnull(),
                ends_at=ends_at,
            )
        )
    # Where clocks may differ by a grace, a step may come before its entry.
    spent = united(parts).mutate(spent=ibis.greatest(seconds(_.started_at, _.ends_at), 0))
    minutes, hours = pieces(_.spent, MINUTE) * MINUTE, pieces(_.spent, HOUR) * HOUR
    return spent.mutate(seconds=ibis.ifelse(_.spent <= DAY, minutes, hours)).aggregate(
        by=[*asked.by, "step", "seconds", "reached"], n=_.count()
    )


def _ways(asked: Asked) -> ir.Table:
    """One row per attempt: its start, when it was last seen, and when it reached each step."""
    rows, span, period = asked.counted_rows(), asked.span, asked.run.period
    shut = asked.timelines()
    # All that a unit with no closed attempt has done lies in the last window of the data; but
    # attempts are numbered from the first one on.
    lately = rows if asked.rules.attempts else rows.filter(_.at > moment(period.as_of - span))
    so_far = asked.timelines(lately, replace(period, as_of=period.as_of + span))
    key, places = attempts.key_of(shut), range(2, len(asked.question.steps) + 1)
    open_ones = so_far.select(*key, **{f"so_far_{k}": f"step_{k}_at" for k in places})
    joined = shut.left_join(open_ones, key)
    is_open = joined.depth == 0
    times = {
        f"step_{k}_at": ibis.ifelse(is_open, joined[f"so_far_{k}"], joined[f"step_{k}_at"])
        for k in places
    }
    ends_at = ibis.least(joined.started_at + interval(span), moment(period.as_of))
    return asked.segmented(joined.select(*key, "started_at", ends_at=ends_at, **times))


def _first(points: Rows, name: str, share: float) -> float | None:
    return next((row["hours"] for row in points if row[name] >= share - ROUNDING), None)


def _middle(rows: Rows) -> float | None:
    """The median hours of counted rows; null without any."""
    half, before = sum(row["n"] for row in rows) / 2, 0
    for row in sorted(rows, key=lambda row: row["seconds"]):
        before += row["n"]
        if before >= half:
            return row["seconds"] / HOUR
    return None
