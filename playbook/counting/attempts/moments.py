"""Where a step comes back after another: what units did, moment by moment.

There a chain could take one event for two steps that are no neighbours, if all between is at
one time. So a row is a moment, which says how often each event was done in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.attempts.chain import key_of
from playbook.counting.attempts.rules import Rules
from playbook.language.periods import Period, interval
from playbook.language.portable import count_if, when


def comes_back(steps: Sequence[str | int]) -> bool:
    """Whether a name stands at two places that are not neighbours."""
    runs = [name for name, before in zip(steps, [None, *steps], strict=False) if name != before]
    return len(set(runs)) < len(runs)


def starts(rows: ir.Table, steps: Sequence[str | int], rules: Rules, period: Period) -> ir.Table:
    """The moments, with `entry` where they let a unit in, and `done_<i>` for each name."""
    key, names = key_of(rows), list(dict.fromkeys(steps))
    done = {f"done_{i}": count_if(_.event == name) for i, name in enumerate(names)}
    found = rows.filter(_.event.isin(names)).group_by([*key, "at"]).aggregate(**done)
    start, entered = when(_can(steps, 0, 1), _.at), period.entered(_.at)
    mine = ibis.window(group_by=key)
    if rules.entry == "first":
        found = found.mutate(start_=when(entered, start))
        return found.mutate(entry=when(_.at == _.start_.min().over(mine), _.at)).drop("start_")
    if rules.entry == "first_ever":
        entered &= _.at == start.min().over(mine)
    return found.mutate(entry=when(entered, start))


def reached(
    moments: ir.Table, steps: Sequence[str | int], *, within: timedelta, rules: Rules
) -> list[ir.Table]:
    """What is reached of each step: `KEY`, `at`, `entry`, as `chain.reached` gives it.

    Several steps may fall into one moment, each with an event of its own, unless ties are strict.
    """
    key, found = key_of(moments), moments.rename(entry_1="entry")
    earlier = ibis.window(group_by=key, order_by="at", rows=(None, -1))
    for k in range(2, len(steps) + 1):
        window = interval(rules.window(k, within))
        found = found.mutate(**{f"before_{k - 1}": _[f"entry_{k - 1}"].max().over(earlier)})
        # From the latest entry that is possible to the earliest: here, then before step k.
        choices = [
            when(_can(steps, j, k) & (_.at <= _[f"before_{j}"] + window), _[f"before_{j}"])
            for j in range(k - 1 if rules.ties == "strict" else 1, k)
        ]
        if rules.ties != "strict":
            choices.insert(0, when(_.entry_1.notnull() & _can(steps, 0, k), _.at))
        found = found.mutate(**{f"entry_{k}": ibis.coalesce(*choices)})
    levels = [
        found.filter(_[f"entry_{k}"].notnull()).select(*key, "at", entry=f"entry_{k}")
        for k in range(2, len(steps) + 1)
    ]
    return [moments.select(*key, "at", "entry", "entered"), *levels]


def _can(steps: Sequence[str | int], after: int, upto: int) -> ir.BooleanValue:
    """Whether one moment holds an event for each of the steps `after` + 1 … `upto`."""
    names, needed = list(dict.fromkeys(steps)), list(steps[after:upto])
    conditions = [
        _[f"done_{names.index(name)}"] >= needed.count(name) for name in dict.fromkeys(needed)
    ]
    return ibis.and_(*conditions)
