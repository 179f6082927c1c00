"""A random log with few ids, and the definition of an event's copies, as plainly as possible."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from playbook.data.sources import ORDER

Row = dict[str, Any]
START = datetime(2026, 1, 5)
DELAYS = (-61, -60, -1, 0, 60, 61, 3601, 86_401, 259_201)  # seconds from `at` to its arrival
TYPES = {
    "event_id": pa.string(),
    "user_id": pa.string(),
    "account_id": pa.string(),
    "session_id": pa.string(),
    "event": pa.string(),
    "at": pa.timestamp("us"),
    "received_at": pa.timestamp("us"),
    "source": pa.string(),
    "app_version": pa.string(),
    "is_bot": pa.bool_(),
    "draft": pa.string(),
    "size": pa.int64(),
}


def log(seed: int, n: int = 400, ids: int = 90) -> list[Row]:
    """Rows that share few ids; any value but the event may be missing."""
    draw = random.Random(seed)
    return [_row(draw, ids) for _place in range(n)]


def drawn(rows: Iterable[Row]) -> ir.Table:
    """The rows as a table."""
    found = ibis.memtable(pa.Table.from_pylist(list(rows), pa.schema(TYPES.items())))
    return found.mutate(**{c: found[c].cast("timestamp(6)") for c in ("at", "received_at")})


def once(rows: Iterable[Row]) -> list[Row]:
    """Each event that has a time once: of the rows with its id the first in order."""
    shared: dict[str, list[Row]] = defaultdict(list)
    found: list[Row] = []
    for row in rows:
        if row["at"] is not None:
            (found if row["event_id"] is None else shared[row["event_id"]]).append(row)
    return [*found, *(min(copies, key=_in_order) for copies in shared.values())]


def _in_order(row: Row) -> list[tuple]:
    columns = [*ORDER["events"], *TYPES]
    return [(row[column] is None, row[column]) for column in columns]


def _row(draw: random.Random, ids: int) -> Row:
    at = START + timedelta(hours=6 * draw.randrange(12)) if draw.random() < 0.9 else None
    delay = timedelta(seconds=draw.choice(DELAYS))
    return {
        "event_id": f"e{draw.randrange(ids)}" if draw.random() < 0.9 else None,
        "user_id": draw.choice(["ann", "bob", "cat", "zoe", None]),
        "account_id": draw.choice(["w1", "w2", None, None]),
        "session_id": draw.choice(["s1", None]),
        "event": draw.choice(["signed_up", "saved", "ran"]),
        "at": at,
        "received_at": (at or START) + delay if draw.random() < 0.8 else None,
        "source": draw.choice(["web", "server", None]),
        "app_version": draw.choice(["1", "2", None]),
        "is_bot": draw.random() < 0.2,
        "draft": draw.choice(["d1", "d2", "other", None]),
        "size": draw.choice([1, 5, 9, None]),
    }
