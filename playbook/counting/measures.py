"""The measures that questions name: attempts and first times, counted into a few shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.units import WEEK
from playbook.data.versions import FROM, UNTIL
from playbook.language.periods import Period, interval, moment
from playbook.language.portable import count_if, pieces, seconds, united

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
        horizon: Until when "later" counts; None: as far as the data goes, and then "never"
            means no more than "not so far".
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
    closed: ir.BooleanValue = ibis.literal(True)
    if horizon:
        later = (_.goal_0_at <= _.started_at + interval(horizon)).fill_null(False)
        closed = period.closed(_.started_at, horizon)
    position = ibis.cases(
        (~closed, last + 3), (_.goal_0_before, last + 2), *reached, (later, last), else_=last + 1
    )
    return first_times.mutate(position=position.cast("int64")).aggregate(
        by=[*by, "position"], n=_.count()
    )


def durations(
    first_times: ir.Table, *, horizon: timedelta, period: Period, by: Sequence[str] = ()
) -> ir.Table:
    """Hours to the goal, for a censored curve: everybody who started counts.

    Returns:
        One row per `by`, `hours` (rounded up; at most the horizon) and `reached`: `n` units
        that reached the goal then, or were last seen without it. Units that had reached it
        before their start are left out.
    """
    end = ibis.least(_.started_at + interval(horizon), moment(period.as_of))
    reached = (_.goal_0_at <= end).fill_null(False)
    seen = first_times.filter(~_.goal_0_before).mutate(
        reached=reached, ends_at=ibis.ifelse(reached, _.goal_0_at, end)
    )
    return seen.mutate(hours=pieces(seconds(_.started_at, _.ends_at), 3600)).aggregate(
        by=[*by, "hours", "reached"], n=_.count()
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


def active_things(
    rows: ir.Table,
    goal: str,
    *,
    within: timedelta,
    every: timedelta,
    origin: datetime,
    as_of: datetime,
    by: Sequence[str] = (),
) -> ir.Table:
    """How many things are active at the end of each stretch of time: a state, not an event.

    A thing is active at a moment if it did `goal` in the time `within` before it.

    Args:
        rows: One row per event: `held` (the thing), `event`, `at`, and the columns of `by`,
            which are the same in all rows of a thing.
        goal: The event that keeps a thing active.
        within: For how long one event does.
        every: The length of a stretch.
        origin: Where the first stretch begins; before the first event, or what is revived
            would count as new.
        as_of: Last moment that the data covers.
        by: Columns to break the result down by.

    Returns:
        One row per combination of `by` and stretch: `position` (0, 1 …), `active`, `new` (never
        before), `kept` (active at the end of the stretch before), `revived` (active earlier,
        not then), and `lost` (active at its end, not at the next). `active` is the sum of
        `new`, `kept` and `revived`.
    """
    size = int(every.total_seconds())
    runs = rows.filter(_.event == goal, _.at > moment(origin), _.at <= moment(as_of)).select(
        "held", *by, elapsed=seconds(moment(origin), _.at)
    )
    # The run at the very end of a stretch belongs to it; others to the end that follows.
    based = runs.mutate(base=pieces(_.elapsed, size))
    reach = int(within.total_seconds())
    reached = [
        based.filter((_.base + k) * size < _.elapsed + reach).select(
            "held", *by, position=_.base + k
        )
        for k in range(-(-reach // size))
    ]
    states = ibis.union(*reached, distinct=False).distinct()
    own = ibis.window(group_by="held", order_by="position")
    walked = states.mutate(earlier=_.position.lag().over(own), later=_.position.lead().over(own))
    return walked.aggregate(
        by=[*by, "position"],
        active=_.count(),
        new=count_if(_.earlier.isnull()),
        kept=count_if(_.earlier == _.position - 1),
        revived=count_if(_.earlier < _.position - 1),
        lost=count_if((_.later != _.position + 1) | _.later.isnull()),
    )


def did_within(first_times: ir.Table, within: timedelta) -> ir.Table:
    """The units that did the first goal within a time of their start: one row each, `unit`."""
    end = _.started_at + interval(within)
    return first_times.filter((_.goal_0_at <= end).fill_null(False)).select("unit")


def weekly(messages: ir.Table, *, most: int) -> ir.Table:
    """How many messages a week brings people and accounts, of the weeks that bring any.

    Args:
        messages: One row per message: `user_id`, `account_id` and `at`.
        most: So many messages, or more, are one class.

    Returns:
        `per` (`person` or `account`), `messages` (1 to `most`), how many `weeks` (from Monday,
        UTC) brought one so many, and `most`, the largest number of the class.
    """
    each = []
    for per, scope in (("person", "user_id"), ("account", "account_id")):
        got = messages.filter(_[scope].notnull())
        counted = got.group_by(scope=scope, week=_.at.truncate("W")).aggregate(n=_.count())
        classes = counted.group_by(messages=ibis.ifelse(_.n < most, _.n, most))
        classes = classes.aggregate(weeks=_.count(), most=_.n.max()).mutate(per=ibis.literal(per))
        each.append(classes.select("per", "messages", "weeks", "most"))
    return united(each)
