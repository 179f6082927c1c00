"""The effect among those who got the message: assignment as the instrument."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from playbook.inference import compare, permuted, stats
from playbook.inference.arms import Arm
from playbook.inference.permuted import two_sided

NONE = 1e-12  # a difference of delivery that is none
FARTHEST = 1e6  # an effect that is as good as none too large
STEPS = 24  # halvings towards an end of the region
Square = tuple[float, float, float]  # a quadratic: of 1, of −2 b, of b²


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
    Rubin 1949): it holds as often as promised however few were reached. How far chance may take
    that difference is said as for the effect as assigned (see `compare`): by Wilson's interval of
    either arm, on the side that counts, with Student's t of the arm's own accounts, joined as
    Zou and Donner (2008, Statistics in Medicine 27) join them, here with what correlates. So a
    rare goal among few held-out units is not taken for certain, and where everybody was reached
    the region is the interval as assigned. In large samples it is Anderson and Rubin's. Where
    the interval as assigned draws few accounts again, so does this one: what is drawn again is
    the goal, less the effect for those reached (Imbens and Rosenbaum 2005, JRSS A 168). Either
    way 0 is left out where the effect as assigned leaves it out (but for a hair where accounts
    are counted themselves).

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
    effect = did / got if abs(got) > NONE else None
    low, high, shape = _region(did, got, _room(treated, holdout, deviations))
    few = min(treated.accounts, holdout.accounts) < compare.FEWEST_ACCOUNTS
    if few and treated.rows and holdout.rows and effect is not None:
        low, high, shape = _drawn_again(treated, holdout, effect, two_sided(deviations))
    v_got = float(treated.covariance[1, 1] + holdout.covariance[1, 1])
    return Reached(
        effect=effect,
        error=_error(treated, holdout, effect) / abs(got) or None if effect is not None else None,
        low=low,
        high=high,
        shape=shape,
        f=got**2 / v_got if v_got > 1e-15 else None,
        one_sided=not holdout.got,
        units_got=(treated.got, holdout.got),
    )


def _error(treated: Arm, holdout: Arm, effect: float) -> float:
    """The standard error of the goal less the effect, between the arms."""
    v_did = sum(_variance(arm) for arm in (treated, holdout))
    (_, v_both), (_, v_got) = (treated.covariance + holdout.covariance).tolist()
    return math.sqrt(max(v_did - 2 * effect * v_both + effect**2 * v_got, 0.0))


def _variance(arm: Arm) -> float:
    """Of the share that did: that between accounts, and no less than that of its people."""
    careful = (arm.did + 1) / (arm.n + 2)
    return max(float(arm.covariance[0, 0]), careful * (1 - careful) / (arm.n + 2))


def _room(treated: Arm, holdout: Arm, deviations: float) -> tuple[Square, Square]:
    """How far chance may take the difference for an effect b: upwards, downwards.

    Each is a quadratic in b, by its coefficients: 1, −2 b, b².
    """
    arms = (treated, True), (holdout, False)
    upwards, downwards = (
        [_chance(arm, deviations, below=below == up) for arm, below in arms] for up in (True, False)
    )
    return tuple(tuple(map(sum, zip(*each, strict=True))) for each in (upwards, downwards))


def _chance(arm: Arm, deviations: float, *, below: bool) -> Square:
    """How far chance may take the share that did, less b times that got, squared."""
    (v_did, v_both), (_, v_got) = arm.covariance.tolist()
    quantile = _quantile(arm, deviations)
    end = _wilson(arm, v_did, quantile)[0 if below else 1]
    did, got = abs(arm.share - end), quantile * math.sqrt(v_got)
    alike = v_both / math.sqrt(v_did * v_got) if min(v_did, v_got) > 1e-15 else 0.0
    return did**2, alike * did * got, got**2


def _wilson(arm: Arm, variance: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval of the share that did, of as many people alone as tell as much."""
    alone = arm.share * (1 - arm.share)
    # Accounts that happen to be alike tell no more than their people drawn alone would.
    n = alone / variance if variance * arm.n > alone and arm.accounts < arm.n else arm.n
    square = min(quantile**2, 1e100)
    middle = (arm.share / square + 1 / (2 * n)) / (1 / square + 1 / n)
    half = math.sqrt(alone / (n * square) + 1 / (4 * n**2)) / (1 / square + 1 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _quantile(arm: Arm, deviations: float) -> float:
    """Student's t for as many deviations, with the accounts of equal weight, less one."""
    from scipy.special import stdtrit

    if arm.accounts == arm.n:  # people drawn alone
        return deviations
    return -float(stdtrit(max(arm.effective - 1, 0.1), two_sided(deviations) / 2))


def _region(
    did: float, got: float, room: tuple[Square, Square]
) -> tuple[float | None, float | None, Shape]:
    """Every effect b with (did − b got)² no more than the room there, above 0 and below."""
    # Below the estimate what is left of the goal's difference is above 0, if got is.
    below, above = room if got >= 0 else room[::-1]
    if abs(got) < NONE:
        return _inside(did, got, room[0] if did > 0 else room[1])
    first, last = (_inside(did, got, each) for each in (below, above))
    if first[2] is Shape.INTERVAL:
        return first[0], last[1], Shape.INTERVAL
    # What is left out lies on one side of the estimate.
    if first[2] is Shape.RAYS and first[1] <= did / got:
        return first
    if last[2] is Shape.RAYS and last[0] >= did / got:
        return last
    return None, None, Shape.EVERYTHING


def _inside(did: float, got: float, room: Square) -> tuple[float | None, float | None, Shape]:
    """Every effect b with (did − b got)² ≤ room: a quadratic in b."""
    a = got**2 - room[2]
    half = did * got - room[1]
    c = did**2 - room[0]
    root = half**2 - a * c
    if abs(a) < 1e-15 and abs(half) < 1e-15:
        return None, None, Shape.EVERYTHING if c <= 0 else Shape.NOTHING
    if abs(a) < 1e-15:  # one end is out of sight: said as a ray would be
        a = -1e-15
        root = half**2 - a * c
    if root < 0:  # below 0 between the roots, of which there are none
        return None, None, Shape.EVERYTHING if a < 0 else Shape.NOTHING
    low, high = sorted((half + sign * math.sqrt(root)) / a for sign in (-1, 1))
    return low, high, Shape.INTERVAL if a > 0 else Shape.RAYS


def _drawn_again(
    treated: Arm, holdout: Arm, effect: float, error: float
) -> tuple[float | None, float | None, Shape]:
    """Every effect that the arms let stand, once who is treated is drawn again."""
    p_of = _test(treated, holdout)
    away = -math.copysign(1.0, effect)  # from the estimate to 0 and on

    def kept(effect: float) -> bool:
        return p_of(effect) > error

    def end(side: float) -> float:
        inside, far = effect, effect + side
        if side == away and effect:  # 0 is tried first: the region and the p value agree
            inside, far = (0.0, side) if kept(0.0) else (effect, 0.0)
        while kept(far) and abs(far) < FARTHEST:
            inside, far = far, far + 2 * (far - inside)
        return _edge(kept, inside, far)

    if not kept(math.inf):
        return *sorted((end(-1.0), end(1.0))), Shape.INTERVAL
    if kept(0.0):
        return None, None, Shape.EVERYTHING
    outside, far = 0.0, away
    while not kept(far) and abs(far) < FARTHEST:
        outside, far = far, 2 * far
    edges = _edge(kept, effect, 0.0), _edge(kept, far, outside)
    return *sorted(edges), Shape.RAYS


def _edge(kept: Callable[[float], bool], inside: float, outside: float) -> float:
    """The effect between two at which the test begins to refuse."""
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if kept(middle) else (inside, middle)
    return inside


def _test(treated: Arm, holdout: Arm) -> Callable[[float], float]:
    """An effect among those reached → the p value of the test that it is the true one.

    That of `permuted.difference`, but that an effect adds to those who got the message. Of an
    effect without end: that delivery does not differ.
    """
    n, did, got = np.array([*treated.rows, *holdout.rows], float).T
    finite = permuted.drawn_again(n, did, got, treated.accounts)
    endless = permuted.drawn_again(n, got, got, treated.accounts)(0.0)

    def p_of(effect: float) -> float:
        return endless if math.isinf(effect) else finite(effect)

    return p_of
