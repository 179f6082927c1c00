"""Step after step: what is reached of one, from what was reached of the step before it.

Of all entries from which a moment can be reached, the latest dominates: so a running maximum
over what was reached before is exact, and each step reads the rows of two steps only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.attempts.rules import Exclusion, Rules
from playbook.language.periods import Period, interval
from playbook.language.portable import count_if, united, when

KEY = ("unit", "held")  # an attempt is one unit's, with one held value if the rows hold any
BEFORE, STEP, BREAK = 0, 1, 2  # a row's role: a step that was reached, the next one, a break


def key_of(rows: ir.Table) -> list[str]:
    """The columns of `KEY` that the rows have."""
    return [column for column in KEY if column in rows.columns]


def starts(rows: ir.Table, steps: Sequence[str | int], rules: Rules, period: Period) -> ir.Table:
    """The starts: one row per event, `KEY`, `at`, `entry` (null: it lets nobody in)."""
    key = key_of(rows)
    found = rows.filter(_.event == steps[0]).select(*key, "at")
    entered = period.entered(_.at)
    if rules.entry == "first":
        return found.mutate(entered_=when(entered, _.at)).select(
            *key, "at", entry=when(_.at == _.entered_.min().over(ibis.window(group_by=key)), _.at)
        )
    if rules.entry == "first_ever":
        entered &= _.at == _.at.min().over(ibis.window(group_by=key))
    return found.mutate(entry=when(entered, _.at))


def ends(level: ir.Table) -> ir.Table:
    """Per unit the ends of what is reached of a step; asked for twice, and computed once.

    Of starts also when the unit `entered`, be its windows closed or not.
    """
    found = level.group_by(key_of(level))
    entered = {"entered": _.entered.min()} if "entered" in level.columns else {}
    reached_at = when(_.entry.notnull(), _.at)
    return found.aggregate(
        first=_.entry.min(), last=_.entry.max(), lo=reached_at.min(), hi=reached_at.max(), **entered
    )


def reached(
    rows: ir.Table,
    entries: ir.Table,
    steps: Sequence[str | int],
    *,
    within: timedelta,
    rules: Rules,
) -> tuple[list[ir.Table], list[ir.Table]]:
    """What is reached of each step, and the units whose attempts an exclusion has stopped.

    Args:
        rows: One row per event: `KEY`, `event`, `at`.
        entries: The starts, as `starts` gives them, less those that are still open.
        steps: Names of events, the entry first; one that stands twice stands twice in a row.
        within: The window.
        rules: How attempts are told.

    Returns:
        Per step one row per event that reaches it: `KEY`, `at`, `entry` (the latest that it is
        reached from; null: a start that does not count); and where exclusions leave units out,
        those that they stopped: `KEY` and the `depth` at which they did.
    """
    all_rows = entries  # of the latest step: those that reach it and those that do not
    found, stopped, required = [entries], [], entries
    for k in range(2, len(steps) + 1):
        window = rules.window(k, within)
        own = _same(steps, k, rules)
        walked = _walked(rows, required, all_rows if own else None, steps, k, window, rules)
        all_rows = _judged(walked, window, rules)
        found.append(all_rows.filter(_.entry.notnull()))
        if any(each.leaves_out for each in _breaking(rules, k)):
            stopped.append(_stopped(walked, k, window, rules))
        if k not in rules.optional:
            required = found[-1]
    return found, stopped


def in_any_order(
    rows: ir.Table,
    entries: ir.Table,
    steps: Sequence[str | int],
    *,
    within: timedelta,
    rules: Rules,
) -> tuple[list[ir.Table], list[ir.Table]]:
    """What is reached where the steps after the start may come in any order.

    Here no entry dominates another: an earlier one sees more of the past, a later one more of
    the future. So every entry looks for the next event of each step.

    Returns:
        Per number of steps the entries that reach as many: `KEY`, `at`, `entry`; and per step
        when it is reached from each entry: the same columns.
    """
    key = key_of(rows)
    starts_ = entries.filter(_.entry.notnull()).select(*key, "entry").distinct()
    bounds = starts_.group_by(key).aggregate(lo_=_.entry.min(), hi_=_.entry.max())
    found = [starts_.mutate(at=_.entry)]
    for k in range(2, len(steps) + 1):
        window = interval(rules.window(k, within))
        own = rows.filter(_.event == steps[k - 1]).join(bounds, key)
        near = own.filter(_.at >= _.lo_, _.at <= _.hi_ + window)
        both = united(
            [
                starts_.select(*key, "entry", at="entry", role=BEFORE),
                near.select(*key, entry=ibis.null(rows.at.type()), at="at", role=STEP),
            ]
        )
        later = ibis.window(group_by=key, order_by=["at", "role"], rows=(1, None))
        looked = both.mutate(next_at=when(_.role == STEP, _.at).min().over(later))
        hits = looked.filter(_.role == BEFORE, _.next_at <= _.entry + window)
        found.append(hits.select(*key, at="next_at", entry="entry"))
    aligned = [each.select(*key, "at", "entry") for each in found]
    depths = united(aligned).group_by([*key, "entry"]).aggregate(depth=_.count())
    levels = [
        depths.filter(_.depth >= k).select(*key, at="entry", entry="entry")
        for k in range(2, len(steps) + 1)
    ]
    return [entries, *levels], aligned


def _same(steps: Sequence[str | int], k: int, rules: Rules) -> bool:
    """Whether step k takes the events of the step before it: then each row plays both roles."""
    return steps[k - 1] == steps[k - 2] and rules.ties != "strict"


def _breaking(rules: Rules, k: int) -> list[Exclusion]:
    """The exclusions on the way to step k."""
    return [each for each in rules.exclude if each.after < k <= each.before]


def _walked(
    rows: ir.Table,
    before: ir.Table,
    own: ir.Table | None,
    steps: Sequence[str | int],
    k: int,
    window: timedelta,
    rules: Rules,
) -> ir.Table:
    """The rows of step k with what came before: `latest` entry and its step's time `since`."""
    key, breaking = key_of(rows), _breaking(rules, k)
    grace = timedelta(0) if own is not None else rules.grace
    # Most rows lie outside of what a unit's attempts can reach: they are never sorted.
    bounds = (
        ends(before)
        .filter(_.lo.notnull())
        .select(
            *key,
            lo_=_.lo - interval(grace) if grace else _.lo,
            hi_=(_.hi if rules.from_previous else _.last) + interval(window),
            last_="last",
            from_=ibis.ifelse(_.first == _.last, _.lo, _.hi),
        )
    )
    unknown = ibis.null(rows.at.type())
    served = before.filter(_.entry.notnull()).select(*key, "at", "entry", key=_.at, role=BEFORE)
    parts = [served] if own is None else []
    plain = own is None and not (rules.from_previous or breaking)
    if own is None:
        own = rows.filter(_.event == steps[k - 1]).select(*key, "at", entry=unknown)
    later = _.at + interval(grace) if grace else _.at
    near = own.join(bounds, [*key, own.at >= bounds.lo_, own.at <= bounds.hi_])
    if plain:
        # Nor are those from which on the latest entry is the last one: all, where there is but one.
        settled = later > _.from_ if rules.ties == "strict" else later >= _.from_
        last = near.filter(settled).select(*key, "at", role=STEP, latest="last_")
        near = near.filter(~settled)
        useful = near.group_by(key).aggregate(lo_=_.at.min() - interval(window), hi_=later.max())
        serve = [*key, served.entry >= useful.lo_, served.at <= useful.hi_]
        parts = [served.semi_join(useful, serve)]
    parts.append(near.select(*key, "at", "entry", key=later, role=STEP))
    for each in breaking:
        # A view: of the bare rows, Ibis cannot tell the two sides of the join apart.
        breaks = rows.view() if each.event is None else rows.filter(_.event == each.event)
        parts.append(
            breaks.semi_join(bounds, key).select(*key, "at", entry=unknown, key=later, role=BREAK)
        )
    # What breaks comes last among equal times, where it breaks nothing.
    strict = ibis.cases((_.role == STEP, 0), (_.role == BEFORE, 1), else_=2)
    order = ["key", strict if rules.ties == "strict" else "role"]
    upto = 0 if rules.reuse and steps[k - 1] == steps[k - 2] else -1
    earlier = ibis.window(group_by=key, order_by=order, rows=(None, upto))
    found = united(parts).mutate(latest=_.entry.max().over(earlier))
    if plain:
        return united([found.select(last.columns), last])
    return found.mutate(
        since=when(_.entry.notnull(), _.at).max().over(earlier),
        break_at=when(_.role == BREAK, _.at).max().over(earlier),
    )


def _judged(walked: ir.Table, window: timedelta, rules: Rules) -> ir.Table:
    """The rows of a step with the entry that they are reached from; null: from none."""
    key = key_of(walked)
    if rules.from_previous:
        in_time = _.at <= _.since + interval(window)
    else:
        in_time = _.at <= _.latest + interval(window)
    if "break_at" in walked.columns:
        in_time &= _.break_at.isnull() | (_.since >= _.break_at)
    return walked.filter(_.role == STEP).select(*key, "at", entry=when(in_time, _.latest))


def _stopped(walked: ir.Table, k: int, window: timedelta, rules: Rules) -> ir.Table:
    """The units all of whose attempts at the step before k were stopped there by a break."""
    key = key_of(walked)
    # A break at the time of a step is no break: here it stands before it.
    later = ibis.window(group_by=key, order_by=["at", _.role.desc()], rows=(1, None))
    looked = walked.mutate(stop_at=when(_.role == BREAK, _.at).min().over(later))
    until = (_.at if rules.from_previous else _.entry) + interval(window)
    clean = count_if((_.role == BEFORE) & (_.stop_at.isnull() | (_.stop_at > until)))
    waiting = looked.filter(_.role == BEFORE).group_by(key).aggregate(clean=clean)
    return waiting.filter(_.clean == 0).select(*key, depth=ibis.literal(k - 1))
