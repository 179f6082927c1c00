"""ClickHouse's `windowFunnel` in plain Python, for tests: what each of its modes answers.

Written from its documentation (aggregate functions, parametric, windowFunnel) and checked
against the values of its own functional test and against release 26.9.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

Row = tuple[int, str]  # second, the steps that it matches ("A", "A+B")


class Chain(NamedTuple):
    """Rows that match the steps 1 … k in order."""

    first: int  # second of the first row
    last: int
    rows: frozenset[int]


class Mark(NamedTuple):
    """One row as one step; place 0: a row that matches none."""

    at: int
    place: int
    row: int


def level(
    events: Sequence[Row], steps: Sequence[str], window: int, modes: Collection[str] = ()
) -> int:
    """The deepest step that a chain of rows reaches within `window` seconds of its first row.

    Args:
        events: The rows of one unit; equal times stand in the order of the steps.
        steps: Names of steps; one may stand several times.
        window: Seconds from the first row of a chain to its last, the end included.
        modes: `strict_increase`: each step later than the one before; `strict_once`: a row
            serves one step of a chain; `strict_deduplication`: a second row for a step that is
            reached ends the search, as long as it is not the first; `strict_order`: so does a
            row that matches no step, or a step that is not due yet; `allow_reentry`: the
            latter is passed over instead.
    """
    chains: list[list[Chain]] = [[] for _ in range(len(steps) + 1)]
    for mark in _marks(events, steps, "strict_order" in modes):
        if _ends(mark, chains, modes):
            break
        for chain in _longer(mark, chains, window, modes):
            # Without `strict_once` a step remembers only the latest chain.
            known = chains[mark.place] if "strict_once" in modes else []
            chains[mark.place] = [*known, chain]
    return max((place for place, found in enumerate(chains) if found), default=0)


def _marks(events: Sequence[Row], steps: Sequence[str], others: bool) -> list[Mark]:
    """Each row once per step that it matches, in the order of time, then of the steps."""
    marks = []
    for row, (at, names) in enumerate(events):
        places = [k for k, step in enumerate(steps, 1) if step in names.split("+")]
        if others and not places:
            places = [0]
        marks += [Mark(at, place, row) for place in places]
    return sorted(marks)


def _ends(mark: Mark, chains: list[list[Chain]], modes: Collection[str]) -> bool:
    """Whether the search stops here."""
    entered = bool(chains[1])
    if mark.place == 0:
        return entered
    if mark.place == 1:
        return False
    if "strict_deduplication" in modes and chains[mark.place]:
        return True
    if "strict_order" not in modes or "allow_reentry" in modes:
        return False
    return entered and not chains[mark.place - 1]


def _longer(
    mark: Mark, chains: list[list[Chain]], window: int, modes: Collection[str]
) -> list[Chain]:
    """The chains that this mark ends."""
    if mark.place == 0:
        return []
    if mark.place == 1:
        return [Chain(mark.at, mark.at, frozenset([mark.row]))]
    return [
        Chain(chain.first, mark.at, chain.rows | {mark.row})
        for chain in chains[mark.place - 1]
        if mark.at <= chain.first + window
        and ("strict_increase" not in modes or chain.last < mark.at)
        and ("strict_once" not in modes or mark.row not in chain.rows)
    ]
