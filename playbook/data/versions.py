"""Users and accounts whose rows are copies over time: the newest, and when each of them holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.language.periods import ANCIENT, moment
from playbook.language.portable import joined, when

SINCE = "valid_from"  # the column that makes rows of one id a history
FROM, UNTIL = "from_", "until_"  # when a version holds: its end excluded
_ALWAYS = datetime(2200, 1, 1)


def newest(history: ir.Table, as_of: datetime | None = None) -> ir.Table:
    """Each id once: its newest row, by a moment if one is named; else its earliest."""
    since = history[SINCE].coalesce(moment(ANCIENT))
    known = since <= moment(as_of or _ALWAYS)
    began = ibis.ifelse(known, since, moment(ANCIENT))
    order = [ibis.ifelse(known, 0, 1), began.desc(), since, *_ordered(history)]
    own = ibis.window(group_by=history.columns[0], order_by=order)
    placed = history.mutate(place_=ibis.row_number().over(own))
    return placed.filter(_.place_ == 0).drop("place_")


def over_time(history: ir.Table) -> ir.Table:
    """Each row with when it holds: `from_`, and `until_` its end; the first holds earlier, too."""
    since = history[SINCE].coalesce(moment(ANCIENT))
    # Of rows of one time the last holds, and the others for no time at all: `newest` keeps it.
    order = [since, *(column.desc() for column in _ordered(history))]
    own = ibis.window(group_by=history.columns[0], order_by=order)
    first = ibis.row_number().over(own) == 0
    return history.mutate(
        **{
            FROM: ibis.ifelse(first, moment(ANCIENT), since),
            UNTIL: since.lead().over(own).coalesce(moment(_ALWAYS)),
        }
    )


def _ordered(history: ir.Table) -> Sequence[ir.Value]:
    """What decides between rows of one id and time: the same on every engine, in every run."""
    texts = [history[c].cast("string").fill_null("") for c in history.columns if c != SINCE]
    return [joined(texts)]


def known(messages: ir.Table, last: ir.TimestampScalar) -> ir.Table:
    """The messages with what was known of them at a moment: later times are null."""
    times = [name for name in messages.columns if name.endswith("_at")]
    seen = (messages.seen_at <= last).fill_null(False)
    return messages.mutate(
        seen_by_machine=when(seen, messages.seen_by_machine),
        **{name: when(messages[name] <= last, messages[name]) for name in times},
    )
