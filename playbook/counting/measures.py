"""The measures that questions name: attempts and first times, counted into a few shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.units import WEEK
from playbook.data.versions import FROM, UNTIL
from playbook.language.periods import Period, interval
from playbook.language.portable import count_if

OPEN = "still open"


def segmented(starts: ir.Table, traits: ir.Table, by: Sequence[str]) -> ir.Table:
    """Attempts or first times with the columns to break down by, as of the start."""
    if WEEK in by:
        starts = starts.mutate(**{WEEK: starts.started_at.truncate("W").date()})
    wanted = [column for column in by if column != WEEK]
    if not wanted:
        return starts
    if UNTIL not in traits.columns:
        return starts.left_join(traits.select("unit", *wanted), "unit")
    # Copies over time: the one that held at the start.
    held = traits.select(*wanted, FROM, UNTIL, unit_="unit")
    then = [starts.unit == held.unit_, starts.started_at >= held[FROM]]
    joined = starts.left_join(held, [*then, starts.started_at < held[UNTIL]])
    return joined.drop("unit_", FROM, UNTIL)


def reached_within(attempts: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Share of units that reach the goal within a time of their start, and do it again.

    Args:
        attempts: Attempts whose steps are start, goal, goal; with the columns of `by`.
        by: Columns to break the result down by.

    Returns:
        One row per combination of `by`: `n` units with a closed window, `reached`, `repeated`
        (at least twice), and `open` units, which may still reach it.
    """
    return attempts.aggregate(
        by=list(by),
        n=count_if(_.depth >= 1),
        reached=count_if(_.depth >= 2),
        repeated=count_if(_.depth >= 3),
        open=count_if(_.depth == 0),
    )


def missed_within(attempts: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Share of units that do not reach the goal in time: the rest of `reached_within`."""
    return reached_within(attempts, by=by).mutate(
        reached=_.n - _.reached, repeated=ibis.null("int64")
    )


def did_before(
    first_times: ir.Table, *, within: timedelta, period: Period, by: Sequence[str] = ()
) -> ir.Table:
    """Share of units that do one thing before another, or without it.

    Args:
        first_times: First times of two goals: the one that must come first, and the other.
        within: How long from the start both are looked for; its end is included.
        period: How far the data goes.
        by: Columns to break the result down by.

    Returns:
        One row per combination of `by`: `n` units with a closed window, `reached` (did the
        first, and not the other earlier, nor before the start; equal times count), `repeated`
        (of these, did the other afterwards), `open`.
    """
    end = _.started_at + interval(within)
    first = (_.goal_0_at <= end).fill_null(False)
    then = (_.goal_1_at <= end).fill_null(False)
    in_order = first & ~_.goal_1_before & (~then | (_.goal_0_at <= _.goal_1_at).fill_null(False))
    closed = period.closed(_.started_at, within)
    return first_times.aggregate(
        by=list(by),
        n=count_if(closed),
        reached=count_if(closed & in_order),
        repeated=count_if(closed & in_order & then),
        open=count_if(~closed),
    )


def mix(
    first_times: ir.Table,
    names: Sequence[str],
    *,
    within: timedelta,
    period: Period,
    by: Sequence[str] = (),
) -> ir.Table:
    """What units did in their window: one class each.

    Args:
        first_times: First times of the goals.
        names: The goals' names, in their order.
        within: How long from the start; its end is included.
        period: How far the data goes.
        by: Columns to break the result down by.

    Returns:
        One row per `by` and class: `position` (the sum of 1 for the first goal that was done, 2
        for the second, 4 …; 0 is nothing; one more than all of them has no closed window) and
        `n`. Bits, because names may hold whatever would join them.
    """
    started = first_times.started_at
    done: ir.IntegerValue = ibis.literal(0, "int64")
    for i in range(len(names)):
        did = (first_times[f"goal_{i}_at"] <= started + interval(within)).fill_null(False)
        done = done + ibis.ifelse(did, ibis.literal(1 << i, "int64"), 0)
    closed = period.closed(started, within)
    placed = first_times.mutate(position=ibis.ifelse(closed, done, 1 << len(names)).cast("int64"))
    return placed.aggregate(by=[*by, "position"], n=_.count())


def time_to(
    first_times: ir.Table,
    edges: Sequence[timedelta],
    *,
    horizon: timedelta | None,
    period: Period,
    by: Sequence[str] = (),
) -> ir.Table:
    """When units first reach the goal, in buckets.

    Args:
        first_times: First times of one goal.
        edges: Ends of the buckets, each included.
        horizon: Until when "later" counts, and until when a window is open; None: a window is
            open up to the last edge, later counts as far as the data goes, and "never" means no
            more than "not so far".
        period: How far the data goes.
        by: Columns to break the result down by.

    Returns:
        One row per `by` and bucket: `position` (0 … the edges in order, then later, never,
        before the start, and last still open) and `n`.
    """
    last = len(edges)
    reached = [
        ((_.goal_0_at <= _.started_at + interval(edge)).fill_null(False), position)
        for position, edge in enumerate(edges)
    ]
    later = _.goal_0_at.notnull()
    if horizon:
        later = (_.goal_0_at <= _.started_at + interval(horizon)).fill_null(False)
    closed = period.closed(_.started_at, horizon or edges[-1])
    position = ibis.cases(
        (~closed, last + 3), (_.goal_0_before, last + 2), *reached, (later, last), else_=last + 1
    )
    return first_times.mutate(position=position.cast("int64")).aggregate(
        by=[*by, "position"], n=_.count()
    )


def steps(attempts: ir.Table, count: int, *, by: Sequence[str] = ()) -> ir.Table:
    """How many units reach each step, over closed windows.

    Returns:
        One row per combination of `by`: `step_1` … `step_count`, and `open`.
    """
    return attempts.aggregate(
        by=list(by),
        **{
            f"step_{k}": count_if(
                attempts[f"did_{k}"] if f"did_{k}" in attempts.columns else _.depth >= k
            )
            for k in range(1, count + 1)
        },
        open=count_if(_.depth == 0),
    )
