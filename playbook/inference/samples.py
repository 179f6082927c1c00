"""An arm of a metric beyond a share, by sums over what was drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

COLUMNS = ("base", "value", "base_before", "value_before")
BASE, VALUE, BASE_BEFORE, VALUE_BEFORE = range(4)
# What `Sample.of_sums` takes: its name → the columns whose product is summed over clusters.
SUMS = {
    "_".join(columns): columns
    for order in (1, 2, 3)
    for columns in itertools.combinations_with_replacement(COLUMNS, order)
}
Row = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sample:
    """One arm of one metric, which is a ratio of totals: Σ value / Σ base.

    A cluster is what was drawn independently: a person, or an account whole. Each has the four
    numbers of `COLUMNS`: `base`, its units for a mean, its visits or messages for a ratio;
    `value`, the metric, summed; and both again of the time before the trigger (for a mean,
    `base_before` is the units again). Nothing is 0, never null.

    Attributes:
        clusters: How many were drawn.
        units: The people in them.
        sums: Sums over clusters, in the order of `SUMS`.
        rows: The clusters themselves, where they are few.
    """

    clusters: int
    units: int
    sums: tuple[float, ...]
    rows: tuple[Row, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[Row], *, units: int) -> Sample:
        """The arm of clusters, one row of `COLUMNS` each, in which there are so many people."""
        kept = tuple(sorted(tuple(map(float, row)) for row in rows))
        table = dict(zip(COLUMNS, np.array(kept).reshape(-1, 4).T, strict=True))
        sums = (math.prod(table[name] for name in names).sum() for names in SUMS.values())
        return cls(len(kept), units, tuple(map(float, sums)), kept)

    @classmethod
    def of_sums(
        cls,
        clusters: int,
        units: int,
        sums: Mapping[str, float | None],
        rows: Iterable[Row] = (),
    ) -> Sample:
        """The arm of an engine's sums, by their names in `SUMS`.

        Those of the time before may be left out; null is 0, as the sum of no rows is null.
        """
        every = {name: 0 for name in SUMS if "before" in name} | dict(sums)
        kept = tuple(sorted(tuple(map(float, row)) for row in rows))
        return cls(clusters, units, tuple(float(every[name] or 0) for name in SUMS), kept)

    def moments(self, order: int) -> np.ndarray:
        """The sums of the products of so many columns, as a symmetric array."""
        sums = dict(zip(SUMS.values(), self.sums, strict=True))
        places = itertools.product(range(4), repeat=order)
        values = [sums[tuple(COLUMNS[i] for i in sorted(place))] for place in places]
        return np.array(values).reshape((4,) * order)

    def effective(self, column: int = BASE) -> float:
        """As many clusters of one size as would weigh alike: (Σ base)² / Σ base² (Kish 1965)."""
        total, squares = self.moments(1)[column], self.moments(2)[column, column]
        return float(total**2 / squares) if squares else 0.0
