"""The effect among those who got the message: assignment as the instrument."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from playbook.inference import stats
from playbook.inference.arms import Arm


class Shape(StrEnum):
    """What an Anderson–Rubin region looks like."""

    INTERVAL = "interval"  # from low to high
    RAYS = "rays"  # everything but what is between low and high
    EVERYTHING = "everything"  # the message reached too few to say
    NOTHING = "nothing"  # no effect fits: delivery did not differ, but the goal did


@dataclass(frozen=True)
class Reached:
    """What the message changed for those who got it because they were treated.

    Attributes:
        effect: The difference that did, over the difference that got the message; None where as
            many held-out units got it.
        error: Its standard error.
        low, high: The ends of the Anderson–Rubin region at 95 %; see `shape`.
        shape: What that region looks like.
        f: The first stage: how far delivery differs, squared deviations. Below 10, weak.
        one_sided: No held-out unit got it: the effect is that on the treated (TOT). Else it is
            that on those whom the assignment decided for (LATE), and nobody else.
        units_got: Treated and held-out units that got it.
    """

    effect: float | None
    error: float | None
    low: float | None
    high: float | None
    shape: Shape
    f: float | None
    one_sided: bool
    units_got: tuple[int, int]


def reached(treated: Arm, holdout: Arm, *, deviations: float = stats.DEVIATIONS) -> Reached | None:
    """The effect among those reached, for people or accounts (see `arms`).

    The ratio of the two differences (Wald 1940; two-stage least squares with one instrument),
    with the error of the delta method between accounts. The region inverts the test that the
    goal, less the effect for those reached, differs by nothing between the arms (Anderson and
    Rubin 1949): it holds as often as promised however few were reached.

    It asks that the assignment works through the message alone. Opening it is no delivery:
    unopened messages work too.

    Args:
        treated, holdout: The arms, with who got the message.
        deviations: See `compare.people`.

    Returns:
        None with fewer than two accounts (people) in an arm, or where nobody got it.
    """
    if min(treated.accounts, holdout.accounts) < 2 or not treated.got + holdout.got:
        return None
    did = treated.share - holdout.share
    got = treated.got / treated.n - holdout.got / holdout.n
    covariance = treated.covariance + holdout.covariance
    square = _quantile(treated, holdout, deviations) ** 2
    low, high, shape = _region(did, got, covariance.tolist(), square)
    effect = did / got if abs(got) > 1e-12 else None
    error = None
    if effect is not None:
        (v_did, v_both), (_, v_got) = covariance.tolist()
        variance = v_did - 2 * effect * v_both + effect**2 * v_got
        error = math.sqrt(max(variance, 0.0)) / abs(got) or None
    v_got = float(covariance[1, 1])
    return Reached(
        effect=effect,
        error=error,
        low=low,
        high=high,
        shape=shape,
        f=got**2 / v_got if v_got > 1e-15 else None,
        one_sided=not holdout.got,
        units_got=(treated.got, holdout.got),
    )


def _quantile(treated: Arm, holdout: Arm, deviations: float) -> float:
    """Student's t for as many deviations, with the accounts of equal weight in both arms."""
    from scipy.stats import t

    # People drawn alone are accounts of one: a normal distribution but for a hair.
    freedom = max(treated.effective + holdout.effective - 2, 0.1)
    return float(t.isf(math.erfc(deviations / math.sqrt(2)) / 2, freedom))


def _region(
    did: float, got: float, covariance: list[list[float]], square: float
) -> tuple[float | None, float | None, Shape]:
    """Every effect b with (did − b got)² ≤ square × variance of it: a quadratic in b."""
    (v_did, v_both), (_, v_got) = covariance
    a = got**2 - square * v_got
    half = did * got - square * v_both
    c = did**2 - square * v_did
    room = half**2 - a * c
    if abs(a) < 1e-15 and abs(half) < 1e-15:
        return None, None, Shape.EVERYTHING if c <= 0 else Shape.NOTHING
    if abs(a) < 1e-15:  # one end is out of sight: said as a ray would be
        a = -1e-15
        room = half**2 - a * c
    if room < 0:  # below 0 between the roots, of which there are none
        return None, None, Shape.EVERYTHING if a < 0 else Shape.NOTHING
    low, high = sorted((half + sign * math.sqrt(room)) / a for sign in (-1, 1))
    return low, high, Shape.INTERVAL if a > 0 else Shape.RAYS
