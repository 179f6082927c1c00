"""The one engine of ordered steps in a window; shares, step charts and lists read its rows.

A unit converts if some entry in the period is followed by distinct events that match the other
steps, in time order (equal times count as in order), all within the window of that entry.
It equals ClickHouse's `windowFunnel(window, 'strict_once')` on every journey of the oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.attempts import chain, moments
from playbook.counting.attempts.chain import key_of
from playbook.counting.attempts.moments import comes_back
from playbook.counting.attempts.rules import DEFAULT, Exclusion, Rules, of
from playbook.language.periods import Period, interval
from playbook.language.portable import count_if, united, when

__all__ = ["Exclusion", "Rules", "attempts", "comes_back", "first_times", "key_of", "numbered"]
__all__ += ["numbers", "of", "timelines"]


def attempts(
    rows: ir.Table,
    steps: Sequence[str | int],
    *,
    within: timedelta,
    period: Period,
    success: int | None = None,
    rules: Rules = DEFAULT,
) -> ir.Table:
    """One row per unit (and held value) that entered: its best attempt.

    The date range selects entries only; completion may come later. Only entries whose whole
    window lies inside the data count; a unit that has no other is `open`. So whether a unit
    is counted never depends on whether it converted.

    Args:
        rows: One row per event: `unit`, `event`, `at` (UTC), and `held` if a value is held.
        steps: What `event` is of each, the entry first; one may stand twice, and then takes two
            distinct events.
        within: From the entry to each later step; its end is included.
        period: When entries count, and how far the data goes.
        success: The step that makes an attempt `converted`; the last by default.
        rules: What else an attempt must fulfil.

    Returns:
        `unit`, `held` if the rows have it, `started_at` (its first entry: what tells its week and
        its members must not depend on the outcome), `entry_at` (the entry of the deepest attempt,
        from which its steps are reached), `depth` (how many steps it reached; 0: open),
        `outcome`: `converted`, `dropped` (the window closed) or `open` (not closed at the
        watermark), and for each optional step `did_<k>`.
    """
    return _walked(rows, steps, within, period, success or len(steps), rules)[0]


def timelines(
    rows: ir.Table,
    steps: Sequence[str | int],
    *,
    within: timedelta,
    period: Period,
    success: int | None = None,
    rules: Rules = DEFAULT,
) -> ir.Table:
    """Attempts with the time of each step: `attempts`' columns, `step_1_at` … `step_n_at`.

    A step that the attempt did not reach is null, and so is all of an open one. Arguments as
    for `attempts`.
    """
    best, reached = _walked(rows, steps, within, period, success or len(steps), rules)
    key = key_of(best)
    times = united([each.select(*key, "at", "entry", step=k) for k, each in enumerate(reached, 1)])
    steps_at = {}
    for k in range(1, len(steps) + 1):
        mine = _own(rules, k, within) if k in rules.optional else _.entry == _.entry_at
        steps_at[f"step_{k}_at"] = when((_.step == k) & mine, _.at).min()
    joined = best.left_join(times, key)
    return joined.group_by(list(best.columns)).aggregate(**steps_at)


def numbers(rows: ir.Table) -> ir.Table:
    """One row per unit (and held value), in its order: `KEY`, and its `number` from 0 on.

    An engine sorts and joins whole numbers in half the time that texts take. To make them pays
    where the rows are kept, and counted more than once.
    """
    key = key_of(rows)
    place = ibis.row_number().over(ibis.window(order_by=key))
    return rows.select(*key).distinct().mutate(number=place)


def numbered(rows: ir.Table, numbers: ir.Table, events: Sequence[str] = ()) -> ir.Table:
    """The rows of the units that have a number, with it as their `unit` and nothing `held`.

    Where `events` are named, `event` is the place among them, or null: the steps of attempts are
    then told as places, too.
    """
    key = key_of(rows)
    if events:
        places = [(rows.event == name, ibis.literal(k, "int16")) for k, name in enumerate(events)]
        rows = rows.mutate(event=ibis.cases(*places, else_=None))
    others = [column for column in rows.columns if column not in key]
    return rows.join(numbers, key).select(*others, unit="number")


def first_times(
    rows: ir.Table, start: str, goals: Sequence[str], *, period: Period, ever: bool = False
) -> ir.Table:
    """One row per unit that started: when it first did each goal from its start on.

    Args:
        rows: One row per event: `unit`, `event`, `at` (UTC).
        start: The event that lets a unit in; its first one in the period counts.
        goals: Names of events. The start itself may be one: then it is done again, by another
            event than the one that lets the unit in.
        period: When starts count.
        ever: Whether the unit's first start ever must lie in the period.

    Returns:
        `unit`, `started_at`, and for the i-th goal `goal_i_at` (the first at or after the
        start; null: never in the data) and `goal_i_before` (it had done so before; a start that
        is done again is no goal before).
    """
    starts = rows.filter(_.event == start)
    started = (starts if ever else starts.filter(period.entered(_.at))).group_by("unit")
    started = started.aggregate(started_at=_.at.min())
    if ever:
        started = started.filter(period.entered(_.started_at))
    if not goals:
        return started
    done = rows.filter(_.event.isin(list(goals))).select("unit", goal=_.event, goal_at=_.at)
    columns: dict[str, ir.Value] = {}
    for i, goal in enumerate(goals):
        after = (_.goal == goal) & (_.goal_at >= _.started_at)
        before = (_.goal == goal) & (_.goal_at < _.started_at)
        if goal == start:  # one event of that moment is the start itself
            at_once = count_if((_.goal == goal) & (_.goal_at == _.started_at)) > 1
            later = when((_.goal == goal) & (_.goal_at > _.started_at), _.goal_at).min()
            columns[f"goal_{i}_at"] = ibis.ifelse(at_once, _.started_at.max(), later)
            columns[f"goal_{i}_before"] = ibis.literal(False)
            continue
        columns[f"goal_{i}_at"] = when(after, _.goal_at).min()
        columns[f"goal_{i}_before"] = count_if(before) > 0
    return started.left_join(done, "unit").group_by(["unit", "started_at"]).aggregate(**columns)


def _walked(
    rows: ir.Table,
    steps: Sequence[str | int],
    within: timedelta,
    period: Period,
    success: int,
    rules: Rules,
) -> tuple[ir.Table, list[ir.Table]]:
    """The best attempts, and what they and others reach of each step."""
    if rules.attempts:
        rows = _numbered(rows, steps, rules)
    walker = moments if comes_back(steps) else chain
    started = walker.starts(rows, steps, rules, period)
    if rules.unless:
        event, for_long = rules.unless
        started = _without(started, rows.filter(_.event == event), for_long)
    closed = period.closed(_.at, rules.span(len(steps), within))
    entries = started.mutate(entered=_.entry, entry=when(closed, _.entry))
    stopped: list[ir.Table] = []
    if rules.any_order:
        levels, reached = chain.in_any_order(rows, entries, steps, within=within, rules=rules)
    elif walker is moments:
        levels = reached = moments.reached(entries, steps, within=within, rules=rules)
    else:
        levels, stopped = chain.reached(rows, entries, steps, within=within, rules=rules)
        reached = levels
    best = _best(levels, success, rules)
    for k in sorted(rules.optional):
        best = _with_optional(best, reached[k - 1], k, _own(rules, k, within))
    if stopped:
        freely = replace(rules, exclude=())
        loose, _none = chain.reached(rows, entries, steps, within=within, rules=freely)
        further = _best(loose, success, freely).rename(loose="depth")
        best = _kept(best, further, united(stopped))
    return best, reached


def _without(started: ir.Table, did: ir.Table, within: timedelta) -> ir.Table:
    """The starts, of which those let nobody in whose window holds one of the events `did`."""
    key = key_of(started)
    own = started.filter(_.entry.notnull()).select(*key, "at").distinct()
    did = did.select(*key, did_at="at")
    near = own.join(did, [*key, own.at <= did.did_at, did.did_at <= own.at + interval(within)])
    out = near.select(*key, "at").distinct().mutate(out_=ibis.literal(True))
    marked = started.left_join(out, [*key, "at"])
    return marked.mutate(entry=when(_.out_.isnull(), _.entry)).select(*started.columns)


def _best(levels: Sequence[ir.Table], success: int, rules: Rules) -> ir.Table:
    """One row per unit that entered, from what is reached of each step, the starts first.

    The first moment that reaches the deepest step holds the earliest of that step's entries,
    because a later moment never falls back to an earlier entry: so a minimum finds it.
    """
    key = key_of(levels[0])
    required = {k: level for k, level in enumerate(levels, 1) if k not in rules.optional}
    entered = chain.ends(levels[0]).select(*key, entry="entered", step=0)
    firsts = [
        chain.ends(level).select(*key, entry="first", step=k) for k, level in required.items()
    ]
    per_unit = (
        united([entered, *firsts])
        .filter(_.entry.notnull())
        .group_by(key)
        .aggregate(**{f"entry_{k}": when(_.step == k, _.entry).min() for k in (0, *required)})
    )
    deepest = [(per_unit[f"entry_{k}"].notnull(), k) for k in reversed(required)]
    entries = [per_unit[f"entry_{k}"] for k in (*reversed(required), 0)]
    return per_unit.select(
        *key,
        started_at="entry_0",
        entry_at=ibis.coalesce(*entries),
        depth=ibis.cases(*deepest, else_=0),
    ).mutate(
        outcome=ibis.cases(
            (_.depth == 0, "open"), (_.depth >= success, "converted"), else_="dropped"
        )
    )


def _kept(best: ir.Table, further: ir.Table, stopped: ir.Table) -> ir.Table:
    """The attempts without the units that an exclusion leaves out.

    The attempt that would come furthest without it decides, a clean one first (as PostHog's
    tests have it): it was stopped earlier, or waits at a step at which all were stopped.
    """
    key = key_of(best)
    mine = best.left_join(further.select(*key, "loose"), key).select(*best.columns, "loose")
    at_step = stopped.mutate(stopped_=ibis.literal(True))
    both = mine.left_join(at_step, [*key, "depth"])
    out = (both.outcome == "dropped") & ((both.depth < both.loose) | both.stopped_.notnull())
    return both.filter(~out).select(*best.columns)


def _own(rules: Rules, k: int, within: timedelta) -> ir.BooleanValue:
    """Whether an attempt can reach what is reached of step k from a start no earlier than its."""
    return (_.entry >= _.entry_at) & (_.at <= _.entry_at + interval(rules.window(k, within)))


def _with_optional(best: ir.Table, reached: ir.Table, k: int, mine: ir.BooleanValue) -> ir.Table:
    """The attempts, with whether they reached a step that they could leave out."""
    key = key_of(best)
    both = best.join(reached, key).filter(mine)
    did = both.select(*key).distinct().mutate(did_=ibis.literal(True))
    found = best.left_join(did, key)
    return found.select(*best.columns, **{f"did_{k}": found.did_.notnull()})


def _numbered(rows: ir.Table, steps: Sequence[str | int], rules: Rules) -> ir.Table:
    """What units did after their first start, with the number of the attempt in `held`."""
    if all(each.event for each in rules.exclude):
        others = [each.event for each in rules.exclude] + [*(rules.unless or ())][:1]
        rows = rows.filter(_.event.isin([*steps, *others]))
    key = key_of(rows)
    starts = ibis.ifelse(_.event == steps[0], 1, 0)
    so_far = ibis.window(group_by=key, order_by=["at", _.start_.desc()], rows=(None, 0))
    numbered = rows.mutate(start_=starts).mutate(number_=_.start_.sum().over(so_far))
    number = numbered.number_.cast("int64").cast("string")
    held = numbered.held.concat("#", number) if "held" in rows.columns else number
    return numbered.mutate(held=held).filter(_.number_ > 0)
