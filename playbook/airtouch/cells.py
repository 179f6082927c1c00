"""Columns of Arrow from the simulator's numbers: ids, names and times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playbook.airtouch.milliseconds import NEVER, SECOND
from playbook.airtouch.truth import START

EPOCH = int((START - datetime(1970, 1, 1)).total_seconds()) * SECOND


def ids(numbers: np.ndarray, prefix: str, width: int) -> pa.Array:
    """Ids such as b0-u000012; a negative number is null."""
    text = pc.utf8_lpad(pc.cast(pa.array(numbers, mask=numbers < 0), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def names_at(names: Sequence[str], places: np.ndarray) -> pa.Array:
    """The name at each place; a negative place is null."""
    return pa.array(names, pa.string()).take(pa.array(places.astype(np.int32), mask=places < 0))


def known(names: Sequence[str], places: np.ndarray) -> pa.Array:
    """The name at each place, where "unknown", the last one, is null."""
    return names_at(names, np.where(places == len(names) - 1, -1, places))


def timestamps(since_start: np.ndarray) -> pa.Array:
    """Timestamps in UTC; NEVER is null."""
    values = (since_start + EPOCH) * 1000
    return pa.array(values, pa.timestamp("us"), mask=since_start >= NEVER)
