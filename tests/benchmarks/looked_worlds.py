"""Worlds of tests with an end, and of treatments that share a control; see `error_rates`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from playbook.inference import compare, looks, several
from playbook.inference.arms import Arm
from playbook.inference.reached import Shape, reached

BASE = 0.3
WEEKS = 12
FRACTIONS = tuple(week / WEEKS for week in range(1, WEEKS + 1))
World = Callable[[np.random.Generator], bool]


def looked(
    rng: np.random.Generator,
    *,
    effects: tuple[float, ...],
    ends: bool = False,
    over: int | None = WEEKS,
    met: int = WEEKS,
    early: bool = True,
    n: int = 600,
    held: int = 600,
) -> bool:
    """Weekly looks at treatments that share a control.

    Args:
        rng: What is drawn.
        effects: What each treatment adds; no treatment is compared with another.
        ends: An end was declared.
        over: The week of the last look; None: a random one, whatever was seen.
        met: The week in which the plan is met.
        early: Looks before the last one count as well.
        n, held: The units of a treatment, and the held-out ones, in twelve weeks.

    Returns:
        Whether the interval of any treatment leaves out its truth at any look that counts.
    """
    over = over or int(rng.integers(1, WEEKS + 1))
    shares = np.array([BASE, *(BASE + effect for effect in effects)])
    sizes = np.array([held, *(n for _ in effects)]) // WEEKS
    did = rng.binomial(sizes, shares, (over, len(shares))).cumsum(axis=0)
    error = several.shared_error(held, [n] * len(effects))
    fractions = tuple(week / met for week in range(1, over + 1))
    for week in range(1, over + 1) if early else [over]:
        deviations = looks.planned_bound(
            fractions[:week] if early else (1.0,), ends=ends, last=week == over, error=error
        )
        held_out, *arms = [
            (int(s * week), int(y)) for s, y in zip(sizes, did[week - 1], strict=True)
        ]
        for effect, arm in zip(effects, arms, strict=True):
            found = compare.people(arm, held_out, deviations=deviations)
            if not found.low <= effect <= found.high:
                return True
    return False


def reached_weekly(rng: np.random.Generator, *, effect: float, n: int, held: int) -> bool:
    """Twelve looks at people of whom half got the message, the last the declared end."""
    keen = [rng.beta(2, 5, size) for size in (n, held)]
    told = rng.random(n) < np.clip(0.5 * keen[0] / (2 / 7), 0, 1)
    did = rng.random(n) < np.clip(keen[0] + effect * told, 0, 1), rng.random(held) < keen[1]
    for week in range(1, WEEKS + 1):
        of, off = n * week // WEEKS, held * week // WEEKS
        got, y = told[:of], did[0][:of]
        arms = (
            Arm.of_people(of, int(y.sum()), int(got.sum()), int((y & got).sum())),
            Arm.of_people(off, int(did[1][:off].sum())),
        )
        bound = looks.planned_bound(FRACTIONS[:week], ends=True, last=week == WEEKS)
        if left_out(reached(*arms, deviations=bound), effect):
            return True
    return False


def left_out(found, effect: float) -> bool:
    """Whether a region leaves out an effect."""
    if found is None or found.shape in (Shape.EVERYTHING, Shape.NOTHING):
        return found is not None and found.shape is Shape.NOTHING
    between = found.low <= effect <= found.high
    return between if found.shape is Shape.RAYS else not between


NONE = {1: "one treatment", 2: "two treatments", 3: "three treatments"}
WORLDS: dict[str, World] = {
    **{
        f"{name}, no effect, {how}": partial(looked, effects=(0.0,) * count, **given)
        for count, name in NONE.items()
        for how, given in {
            "weekly to the declared end": {"ends": True},
            "one look at the end": {"ends": True, "early": False},
            "ended at half, as fixed before": {"ends": True, "over": 6},
            "no end, stopped at a random look": {"over": None},
        }.items()
    },
    "one treatment, the plan met in half the time to the declared end": partial(
        looked, effects=(0.0,), ends=True, met=6
    ),
    "two treatments, one of them +10 points, weekly to the declared end": partial(
        looked, effects=(0.1, 0.0), ends=True
    ),
    "three treatments, a tenth held out, weekly to the declared end": partial(
        looked, effects=(0.0, 0.0, 0.0), ends=True, n=1200, held=360
    ),
    "among people reached, no effect, weekly to the declared end": partial(
        reached_weekly, effect=0, n=900, held=100
    ),
}
