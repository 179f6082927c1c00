"""The definition of an attempt, written as plainly as possible: every chain of events is tried."""

from __future__ import annotations

from collections.abc import Sequence

Event = tuple[str, int]  # name, second


def depth(events: Sequence[Event], steps: Sequence[str], within: int) -> int:
    """The deepest step that some entry reaches.

    Each step takes an event of its own; times never fall; all lie within `within` seconds of
    the entry, its end included. Nothing depends on the order of the rows.
    """
    return max(
        (
            1 + _further(events, steps, 1, {i}, second, second + within)
            for i, (name, second) in enumerate(events)
            if name == steps[0]
        ),
        default=0,
    )


def _further(
    events: Sequence[Event],
    steps: Sequence[str],
    step: int,
    used: set[int],
    after: int,
    until: int,
) -> int:
    """How many more steps can follow, over every choice of the next event."""
    if step == len(steps):
        return 0
    return max(
        (
            1 + _further(events, steps, step + 1, used | {i}, second, until)
            for i, (name, second) in enumerate(events)
            if name == steps[step] and i not in used and after <= second <= until
        ),
        default=0,
    )
