"""Episodes: when the clock of a play that may come again starts anew."""

from __future__ import annotations

from datetime import timedelta
from math import ceil, log2

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.language.periods import interval
from playbook.language.portable import united, when
from playbook.run import Run

TRIGGER, LATER = 1, 0  # a row's role: a trigger, or the moment from which the next one counts


def episodes(run: Run, triggers: ir.Table, again: timedelta, name: str) -> ir.Table:
    """One row per episode: `user_no`, `began_at` and `episode`, from 1.

    The first trigger begins the first episode; the first one that comes at least `again` after
    the beginning of an episode begins the next. Triggers of one moment are one.

    Each trigger points to the one that would follow it. To follow the pointers from the first
    takes as many joins as a person has episodes; to double the steps in each join takes the
    logarithm of how many there can be, which the length of the log tells.

    Args:
        run: The opened run.
        triggers: One row per trigger event: `user_no`, `at`.
        again: How long after the beginning of an episode.
        name: What the tables that are kept meanwhile are called after.
    """
    times = triggers.select("user_no", "at").distinct()
    begun = times
    if again:
        begun = _following_pointers(run, times, again, name)
    numbered = ibis.row_number().over(ibis.window(group_by="user_no", order_by="at")) + 1
    return begun.select("user_no", began_at="at", episode=numbered.cast("int64"))


def _following_pointers(run: Run, times: ir.Table, again: timedelta, name: str) -> ir.Table:
    keep = run.warehouse.keep
    jumps = keep(_next(times, again), f"{name}_jumps_0")
    begun = times.group_by("user_no").aggregate(at=_.at.min())
    longest = run.period.as_of - run.log_begins
    for place in range(1, ceil(log2(max(longest / again, 1) + 1)) + 1):
        mine = begun.inner_join(jumps, ["user_no", "at"]).select("user_no", at="next_at")
        begun = keep(united([begun, mine]), f"{name}_begun_{place % 2}")
        further = jumps.select("user_no", next_at="at", last_at="next_at")
        both = jumps.inner_join(further, ["user_no", "next_at"])
        jumps = keep(both.select("user_no", "at", next_at="last_at"), f"{name}_jumps_{place % 2}")
    return begun


def _next(times: ir.Table, again: timedelta) -> ir.Table:
    """Triggers that another one would follow: `user_no`, `at`, `next_at`."""
    both = united(
        [
            times.mutate(role=TRIGGER, from_at=_.at),
            times.mutate(role=LATER, from_at=_.at + interval(again)),
        ]
    )
    later = ibis.window(group_by="user_no", order_by=["from_at", "role"], rows=(1, None))
    seen = both.mutate(next_at=when(_.role == TRIGGER, _.at).min().over(later))
    return seen.filter(_.role == LATER, _.next_at.notnull()).select("user_no", "at", "next_at")
