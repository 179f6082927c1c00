"""Seeded draws that come out the same on every machine: uniforms, integers and comparisons only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Columns = dict[str, np.ndarray]


def between(
    rng: np.random.Generator,
    low: np.ndarray | int,
    high: np.ndarray | int,
    size: int,
    *,
    early: int = 1,
) -> np.ndarray:
    """Whole milliseconds from `low` up to `high`; the higher `early`, the nearer to `low`."""
    share = rng.random(size)
    power = share
    for _ in range(early - 1):
        power = power * share
    return np.floor(low + power * (np.maximum(high, low) - low)).astype(np.int64)


def pick(rng: np.random.Generator, weights: Sequence[float], size: int) -> np.ndarray:
    """A position in `weights` per row, with those probabilities."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.minimum(
        np.searchsorted(edges, rng.random(size) * edges[-1], side="right"), len(edges) - 1
    )


def pick_value(rng: np.random.Generator, weights: Mapping[float, float], size: int) -> np.ndarray:
    """A key of `weights` per row, with the probability beside it."""
    return np.asarray(list(weights))[pick(rng, list(weights.values()), size)]


def pick_by_row(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """A column of `weights` per row of it."""
    edges = np.cumsum(weights, axis=1)
    drawn = rng.random(len(weights))[:, None]
    return np.minimum((drawn >= edges).sum(axis=1), weights.shape[1] - 1)


def planted(rng: np.random.Generator, eligible: np.ndarray, target: float) -> np.ndarray:
    """Which of the eligible are drawn: `target` of them, its fraction decided by chance.

    Each of them has the same probability, target / n. Drawing a fixed number makes a planted
    share vary less from seed to seed than free draws would, so that every seed tells the story.
    """
    drawn, n = rng.random(len(eligible)), int(eligible.sum())
    wanted = min(max(int(target + rng.random()), 0), n)
    result = np.zeros(len(eligible), bool)
    result[np.argsort(np.where(eligible, drawn, 2.0), kind="stable")[:wanted]] = True
    return result


def repeated(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows that occur `times` each: which row it is, and its rank from 0 within the row."""
    rows = np.repeat(np.arange(len(times)), times)
    first = np.repeat(np.cumsum(times) - times, times)
    return rows, np.arange(len(rows)) - first


def stack(tables: Iterable[Columns]) -> Columns:
    """The rows of several tables with the same columns."""
    tables = list(tables)
    return {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}


def take(table: Columns, rows: np.ndarray) -> Columns:
    """Some rows of a table: a mask or positions."""
    return {name: values[rows] for name, values in table.items()}
