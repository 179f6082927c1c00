"""What the events hold of what questions need: one scan, one row per event name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook.declare import Question
from playbook.periods import duration
from playbook.portable import count_if

UNIT_COLUMN = {"user": "user_id", "account": "account_id", "session": "session_id"}
BLOCKS_BELOW = 0.5  # with less than half of a data point there, no answer is worth printing
CAVEAT_BELOW = 0.99
SILENT = timedelta(days=7)


def per_event(events: ir.Table, properties: Mapping[str, str]) -> ir.Table:
    """One row per event name, each event once.

    Returns:
        `event`, `n` events, `first` and `last`, `inferred` (events whose account comes from
        their user), and for each id and declared property `with_<column>`: events that have it.
    """
    columns = [*UNIT_COLUMN.values(), *(name for name in properties if name in events.columns)]
    return events.aggregate(
        by="event",
        n=_.count(),
        first=_.at.min(),
        last=_.at.max(),
        inferred=count_if(_.is_inferred),
        **{f"with_{column}": count_if(_[column].notnull()) for column in columns},
    )


def need(
    question: Question, event: str, known: Mapping[str, Mapping[str, Any]], as_of: datetime
) -> tuple[str, str]:
    """How well an event serves a question: (status, what was seen).

    The status is `ok`, `caveat` (it fell silent before `as_of` for longer than a week and than
    the question's window, or some of its rows lack what the question needs) or `missing`.
    """
    row = known.get(event)
    if not row or not row["n"]:
        return "missing", "no such event arrives"
    column = UNIT_COLUMN[question.unit]
    if question.measure != "active" and (seen := _share(row, column)) < CAVEAT_BELOW:
        return _graded(seen, column)
    if question.hold and (seen := _share(row, question.hold)) < CAVEAT_BELOW:
        return _graded(seen, question.hold)
    if question.unit == "account" and (part := row["inferred"] / row["n"]) > 1 - CAVEAT_BELOW:
        return "caveat", f"{part:.1%} of its events name no account; it is taken from their user"
    window = duration(question.within) if question.within else SILENT
    if as_of - row["last"] > max(window, SILENT):
        return "caveat", f"it fell silent: last seen {row['last']:%d %b %Y}"
    return "ok", f"{row['n']:,} events"


def _share(row: Mapping[str, Any], column: str) -> float:
    return row.get(f"with_{column}", 0) / row["n"]


def _graded(seen: float, column: str) -> tuple[str, str]:
    status = "missing" if seen < BLOCKS_BELOW else "caveat"
    return status, f"{1 - seen:.1%} of its events have no {column}"
