"""The one engine of ordered steps in a window; shares, step charts and lists read its rows.

A unit converts if some entry in the period is followed by distinct events that match the other
steps, in time order (equal times count as in order), all within the window of that entry.
It equals ClickHouse's `windowFunnel(window, 'strict_once')` on every journey of the oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.periods import Period, interval
from playbook.portable import count_if, when

KEY = ["unit", "held"]


def attempts(
    rows: ir.Table,
    steps: Sequence[str],
    *,
    within: timedelta,
    period: Period,
    success: int | None = None,
) -> ir.Table:
    """One row per unit (and held value) that entered: its best attempt.

    The date range selects entries only; completion may come later. Only entries whose whole
    window lies inside the data count; a unit that has no other is `open`. So whether a unit
    is counted never depends on whether it converted.

    Args:
        rows: One row per event: `unit`, `held`, `event`, `at` (UTC).
        steps: Names of events, the entry first; a name may stand twice, and then takes two
            distinct events.
        within: From the entry to each later step; its end is included.
        period: When entries count, and how far the data goes.
        success: The step that makes an attempt `converted`; the last by default.

    Returns:
        `unit`, `held`, `started_at` (of the deepest attempt, then of the earliest), `depth`
        (how many steps it reached; 0: open) and `outcome`: `converted`, `dropped` (the window
        closed) or `open` (not closed at the watermark).
    """
    moments = _entries(_moments(rows, steps), steps, within=within, period=period)
    return _best(moments, len(steps), success or len(steps))


def timelines(
    rows: ir.Table, steps: Sequence[str], *, within: timedelta, period: Period
) -> ir.Table:
    """Attempts with the time of each step: `attempts`' columns, `step_1_at` … `step_n_at`.

    A step beyond the attempt's depth is null, and so is all of an open one. Arguments as for
    `attempts`.
    """
    moments = _entries(_moments(rows, steps), steps, within=within, period=period)
    best = _best(moments, len(steps), len(steps))
    reached = {
        f"step_{k}_at": when(_[f"entry_{k}"] == _.started_at, _.moment_at).min()
        for k in range(1, len(steps) + 1)
    }
    return (
        best.left_join(moments.rename(moment_at="at"), KEY)
        .group_by([*KEY, "started_at", "depth", "outcome"])
        .aggregate(**reached)
    )


def first_times(rows: ir.Table, start: str, goals: Sequence[str], *, period: Period) -> ir.Table:
    """One row per unit that started: when it first did each goal from its start on.

    Args:
        rows: One row per event: `unit`, `event`, `at` (UTC).
        start: The event that lets a unit in; its first one in the period counts.
        goals: Names of events, other than `start`.
        period: When starts count.

    Returns:
        `unit`, `started_at`, and for the i-th goal `goal_i_at` (the first at or after the
        start; null: never in the data) and `goal_i_before` (it had done so before).
    """
    started = (
        rows.filter(_.event == start, period.entered(_.at))
        .group_by("unit")
        .aggregate(started_at=_.at.min())
    )
    done = rows.filter(_.event.isin(list(goals))).select("unit", goal=_.event, goal_at=_.at)
    columns: dict[str, ir.Value] = {}
    for i, goal in enumerate(goals):
        after = (_.goal == goal) & (_.goal_at >= _.started_at)
        columns[f"goal_{i}_at"] = when(after, _.goal_at).min()
        columns[f"goal_{i}_before"] = count_if((_.goal == goal) & (_.goal_at < _.started_at)) > 0
    return started.left_join(done, "unit").group_by(["unit", "started_at"]).aggregate(**columns)


def _best(moments: ir.Table, count: int, success: int) -> ir.Table:
    """One row per unit that entered, from its moments.

    The first moment that reaches the deepest step holds the earliest of that step's entries,
    because a later moment never falls back to an earlier entry: so a minimum finds it.
    """
    places = range(1, count + 1)
    per_unit = moments.group_by(KEY).aggregate(
        first_at=_.entered_at.min(), **{f"reached_{k}": _[f"entry_{k}"].min() for k in places}
    )
    deepest = [per_unit[f"reached_{k}"] for k in reversed(places)]
    depth = sum(ibis.ifelse(per_unit[f"reached_{k}"].notnull(), 1, 0) for k in places)
    return (
        per_unit.select(
            *KEY, "first_at", started_at=ibis.coalesce(*deepest, per_unit.first_at), depth=depth
        )
        .filter(_.first_at.notnull())
        .drop("first_at")
        .mutate(
            outcome=ibis.cases(
                (_.depth == 0, "open"), (_.depth >= success, "converted"), else_="dropped"
            )
        )
    )


def _moments(rows: ir.Table, steps: Sequence[str]) -> ir.Table:
    """What units did, ready to be walked in the order of `at`, then `place`.

    Each row says how often it holds the event of each name (`done_<i>`). A row is an event,
    and equal times stand in step order. Only where a name comes back after another step can
    that order be wrong: there a row is a moment, with all that was done at that time.
    """
    names = list(dict.fromkeys(steps))
    relevant = rows.filter(_.event.isin(names))
    if not _comes_back(steps):
        return relevant.select(
            *KEY,
            "at",
            place=ibis.cases(*((_.event == name, i) for i, name in enumerate(names)), else_=0),
            **{f"done_{i}": ibis.ifelse(_.event == name, 1, 0) for i, name in enumerate(names)},
        )
    done = {f"done_{i}": count_if(_.event == name) for i, name in enumerate(names)}
    return relevant.group_by([*KEY, "at"]).aggregate(**done).mutate(place=0)


def _comes_back(steps: Sequence[str]) -> bool:
    """Whether a name stands at two places that are not neighbours."""
    runs = [name for name, before in zip(steps, [None, *steps], strict=False) if name != before]
    return len(set(runs)) < len(runs)


def _entries(
    moments: ir.Table, steps: Sequence[str], *, within: timedelta, period: Period
) -> ir.Table:
    """The moments with `entry_k`: the latest entry from which step k is reached there.

    A later entry dominates an earlier one, so one running maximum per step is exact. Several
    steps may fall into one moment, each with an event of its own.
    """
    found = moments.mutate(
        entered_at=when(_can(steps, 0, 1) & period.entered(_.at), _.at),
    ).mutate(may_enter=_.entered_at.notnull() & period.closed(_.at, within))
    found = found.mutate(entry_1=when(_.may_enter, _.at))
    earlier = ibis.window(group_by=KEY, order_by=["at", "place"], rows=(None, -1))
    several = _comes_back(steps)  # then several steps may fall into one row
    for k in range(2, len(steps) + 1):
        found = found.mutate(**{f"before_{k - 1}": _[f"entry_{k - 1}"].max().over(earlier)})
        # From the latest entry that is possible to the earliest: here, then before step k.
        choices = [
            when(
                _can(steps, j, k) & (_.at <= _[f"before_{j}"] + interval(within)), _[f"before_{j}"]
            )
            for j in range(1 if several else k - 1, k)
        ]
        if several:
            choices.insert(0, when(_.may_enter & _can(steps, 0, k), _.at))
        found = found.mutate(**{f"entry_{k}": ibis.coalesce(*choices)})
    return found


def _can(steps: Sequence[str], after: int, upto: int) -> ir.BooleanValue:
    """Whether one moment holds an event for each of the steps `after` + 1 … `upto`."""
    names, needed = list(dict.fromkeys(steps)), list(steps[after:upto])
    conditions = [
        _[f"done_{names.index(name)}"] >= needed.count(name) for name in dict.fromkeys(needed)
    ]
    return ibis.and_(*conditions)
