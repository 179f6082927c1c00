"""What is active at the ends of weeks or days, and what comes and goes: the measure `active`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import grouped
from playbook.language.periods import Period, moment
from playbook.language.portable import count_if, seconds, united, whole
from playbook.results import Rows

BEGINNING = datetime(1999, 12, 27)  # a Monday before every possible time
CHANGES = ("new", "revived", "lost")


def active_things(
    rows: ir.Table,
    *,
    within: timedelta,
    every: timedelta,
    by: Sequence[str] = (),
) -> ir.Table:
    """What comes and goes among what is active at the ends of stretches: a state, not an event.

    Something is active at the end of a stretch if a row of it lies in the time `within` before
    that end. Stretches follow each other from `BEGINNING`; each has its begin and not its end. A
    row keeps it active at the end of its own stretch, if that comes at most `within` later, and at
    the later ends that come sooner than that. At the ends of days, which are all that some logs
    know, exactly so much later is soon enough.

    Args:
        rows: One row per time that keeps something active: `held` (the thing or unit), `at` (not
            before `BEGINNING`), and the columns of `by`, the same in all its rows.
        within: For how long one row keeps it active.
        every: The length of a stretch.
        by: Columns to break the result down by.

    Returns:
        One row per combination of `by` and stretch at whose end the active ones are others than
        at the end before: `position` (1 is the first stretch), `new` (active, and its first row
        ever is of this stretch), `revived` (active, not at the end before, and older), and `lost`
        (not active, but at the end before).
    """
    size, reach = (int(length.total_seconds()) for length in (every, within))
    kept = (
        rows.mutate(position=whole(_elapsed(rows), size) + 1)
        .group_by(["held", *by, "position"])
        .aggregate(at=_.at.max())
    )
    # Stretches and windows have whole seconds: of a fraction it matters only whether there is one.
    until = _elapsed(kept) + reach
    if within > every >= timedelta(days=7):  # else the first end is the last, or the tie counts
        until = until - ibis.ifelse(kept.at > kept.at.truncate("s"), 0, 1)
    kept = kept.mutate(last=whole(until, size))
    own = ibis.window(group_by="held", order_by="position")
    walked = kept.mutate(
        before=_.last.lag().over(own),
        after=_.position.lead().over(own),
        after_last=_.last.lead().over(own),
    )
    # A window that is shorter than a stretch may end before it does: such a row keeps nothing.
    active = walked.filter(_.last >= _.position)
    older = _.before.notnull()
    goes_on = (_.after <= _.last + 1) & (_.after_last >= _.after)
    changes = active.group_by([*by, "position", "last"]).aggregate(
        new=count_if(~older),
        revived=count_if(older & (_.before < _.position - 1)),
        lost=count_if(~goes_on.fill_null(False)),
    )
    none = ibis.literal(0, "int64")
    came = changes.select(*by, "position", "new", "revived", lost=none)
    went = changes.select(*by, "lost", position=_.last + 1, new=none, revived=none)
    both = united([came, went.select(came.columns)])
    return (
        both.group_by([*by, "position"])
        .aggregate(**{name: _[name].sum() for name in CHANGES})
        .filter(ibis.or_(*(_[name] > 0 for name in CHANGES)))
    )


def _elapsed(rows: ir.Table) -> ir.IntegerValue:
    return seconds(moment(BEGINNING), rows.at)


def states(rows: Rows, every: timedelta, period: Period, by: Sequence[str] = ()) -> Rows:
    """What is active at the ends of stretches, with what came and went; see `active_things`.

    Stretches that are not over are left out. One without any, after the first with some of the
    segment, is a zero and no gap.
    """
    return [
        dict(zip(by, segment, strict=True)) | row
        for segment, own in grouped(rows, by).items()
        for row in _states(own, every, period)
    ]


def _states(rows: Rows, every: timedelta, period: Period) -> Rows:
    found: Rows = []
    changes = {row["position"]: row for row in rows}
    none, active = dict.fromkeys(CHANGES, 0), 0
    over = (period.as_of + period.late - BEGINNING) // every
    for position in range(min(changes), over + 1):
        change, end = changes.get(position, none), BEGINNING + every * position
        new, revived, lost = (change[name] for name in CHANGES)
        kept = active - lost
        active = new + kept + revived
        values = {"active": active, "new": new, "kept": kept, "revived": revived, "lost": lost}
        found += [
            {
                "period": (end - every).date().isoformat(),
                "series": series,
                "value": value,
                "n": active,
                "low": None,
                "high": None,
                "complete": True,
            }
            for series, value in values.items()
            if period.shown(end)
        ]
    return found
