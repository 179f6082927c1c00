"""Looking often: what an interval must give for it, and the sample ratio at any time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import numpy as np

from playbook.inference import stats

MOST = 8.0  # deviations: where nothing may be spent, nothing less is shown
KEPT = 0.3  # of the error allowed: for looks after the plan is met
NEARLY = 0.8  # of the plan: from here on, some of the error waits for the declared end
FEWEST_UNITS = 100  # before them, a confidence sequence promises what it cannot keep
CONCENTRATION = 1000  # how near the planned split a wrong one is expected to be
LEAST_NEW = 0.001  # of the information: a look that adds less is the look before
POINTS = 300  # where the paths that have not crossed are followed
SIDE = stats.SURE / 2
Spending = Callable[[float], float]


def obrien_fleming(fraction: float, error: float = stats.SURE) -> float:
    """The error spent on one side by a fraction of the information: hardly any early.

    2 − 2 Φ(z / √t) (Lan and DeMets 1983, Biometrika 70), O'Brien and Fleming's type.

    Args:
        fraction: Of the information planned.
        error: Of all looks together, both sides.
    """
    from scipy.stats import norm

    return float(2 * norm.sf(norm.isf(error / 4) / math.sqrt(fraction)))


def bound(fractions: Sequence[float], *, spending: Spending = obrien_fleming) -> float:
    """How many deviations the interval of the last of several scheduled looks reaches.

    Args:
        fractions: At each look so far the units whose window had closed, over those planned.
        spending: How the 5 % are spent.

    Returns:
        Over all looks, intervals this wide (repeated confidence intervals: Jennison and Turnbull
        1989, JRSS B 51) all hold the effect in 95 % of experiments. A look without new units is
        the look before. The first look with all planned units spends what is left; a later one
        is no part of the plan, and gets 8 deviations.
    """
    return bounds(fractions, spending=spending)[-1]


def bounds(fractions: Sequence[float], *, spending: Spending = obrien_fleming) -> tuple[float, ...]:
    """The `bound` of every look, by recursive integration (Armitage et al. 1969, JRSS A 132)."""
    spends = [spending(min(fraction, 1.0)) if fraction > 0 else 0.0 for fraction in fractions]
    return _bounds(fractions, spends)


def sequence(
    difference: float, error: float, units: int, *, planned: int
) -> tuple[float, float, float] | None:
    """An interval that holds whenever one looks, and its p value.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024,
    Annals of Statistics 52), as GrowthBook computes it.

    Args:
        difference: The estimate.
        error: Its standard error.
        units: What was drawn independently, both arms together: people, or accounts.
        planned: How many units it is to be narrowest at.

    Returns:
        Low, high and p. None before 100 units.
    """
    if units < FEWEST_UNITS or not error > 0:
        return None
    tuned = -2 * math.log(stats.SURE)
    rho2 = (tuned + math.log(tuned + 1)) / planned
    scale = units * rho2 + 1
    half = error * math.sqrt(2 * scale / (units * rho2) * math.log(math.sqrt(scale) / stats.SURE))
    evidence = (difference / error) ** 2 * units * rho2 / (2 * scale)
    p = math.sqrt(scale) * math.exp(-min(evidence, 700))
    return difference - half, difference + half, min(p, 1.0)


def sample_ratio(observed: Sequence[int], expected: Sequence[float]) -> float:
    """The p value of the arms' sizes under the planned split, however often one looks.

    The inverse of the Bayes factor of a Dirichlet mixture around the split (Lindon and Malek
    2022, Anytime-valid inference for multinomial count data).

    Args:
        observed: Units by arm.
        expected: The planned split.
    """
    from scipy.special import gammaln

    counts, split = np.asarray(observed, float), np.asarray(expected, float)
    split = split / split.sum()
    prior = CONCENTRATION * split
    likely = gammaln(prior.sum()) - gammaln(prior.sum() + counts.sum())
    likely += float(np.sum(gammaln(prior + counts) - gammaln(prior) - counts * np.log(split)))
    return math.exp(-max(min(float(likely), 700.0), 0.0))


def spent(fraction: float, *, ends: bool = False, error: float = stats.SURE) -> float:
    """The error on one side that the looks so far may use up, by how much of the plan is there.

    An increasing function of the information alone (Lan and DeMets 1983, Biometrika 70), for
    looks that are not the last; that one spends what is left (see `planned_bound`).

    Plays run on when their plan is met. Without an end most is spent on the plan, O'Brien and
    Fleming's way; the rest is for the looks after it, of which (1 − planned / units) is spent.
    With an end all is spent on the plan. But units never come as planned: from four fifths of
    the plan on, 1 − 0.16 / fraction stands for the fraction, so that something is left for the
    last look even if the plan is met before the end.

    Args:
        fraction: The units that are mature, over those planned.
        ends: The test has an end that was declared before it began.
        error: Of all looks together, both sides.
    """
    if ends:
        nearly = 1 - NEARLY * (1 - NEARLY) / max(fraction, NEARLY)
        return obrien_fleming(min(fraction, nearly), error)
    if fraction <= 1:
        return (1 - KEPT) * obrien_fleming(fraction, error)
    return error / 2 * (1 - KEPT / fraction)


@lru_cache(maxsize=4096)
def planned_bound(
    fractions: tuple[float, ...],
    *,
    ends: bool = False,
    last: bool = False,
    error: float = stats.SURE,
) -> float:
    """How many deviations the interval of the last of these looks reaches on either side.

    Args:
        fractions: At each look the units that were mature, over those planned. Of a test that
            is over, those up to its last look: looks at it afterwards are that look again, and
            print the same interval.
        ends: The test has an end that was declared before it began: nothing is kept for looks
            after it; see `spent`.
        last: This is the last look, be it the declared end, an earlier one, or that of a
            campaign that sends no more. It spends all that is left of the error, however much
            of the plan is there: a single look that is the last reaches 1.96 at 5 %. Which look
            is the last must not hang on the effects seen so far: who calls a look the last one
            because its interval would then leave out 0 claims in a fifth of twelve-week tests
            without an effect. (Stopping because it looks bad is safe.)
        error: Of all looks together, both sides; less than 5 % where several arms share a
            control (see `several`).

    Returns:
        8 where nothing may be spent: nothing has come yet.
    """
    return planned_bounds(fractions, ends=ends, last=last, error=error)[-1]


@lru_cache(maxsize=64)
def planned_bounds(
    fractions: tuple[float, ...],
    *,
    ends: bool = False,
    last: bool = False,
    error: float = stats.SURE,
) -> tuple[float, ...]:
    """The `planned_bound` of every look; only the last of them may be the test's last."""
    whole = fractions[-1]
    if not whole:
        return (MOST,) * len(fractions)
    # The bounds depend on ratios of information alone: the present look is made the whole.
    scaled = [fraction / whole for fraction in fractions]
    spends = [spent(each, ends=ends, error=error) if each else 0.0 for each in fractions]
    if not last:
        return _bounds(scaled, spends)
    # Of looks at the same units the last has the narrowest interval: it stands for them all.
    new = [1 - fraction >= LEAST_NEW for fraction in scaled[:-1]]
    kept = sum(new)
    found = _bounds([*scaled[:kept], 1.0], [*spends[:kept], error / 2])
    return found[:-1] + found[-1:] * (len(fractions) - kept)


def power(drift: float, fractions: tuple[float, ...], bounds: tuple[float, ...]) -> float:
    """The chance that an interval lies above 0 at any of several looks.

    Args:
        drift: How many deviations the effect lies above 0 once all of the information is there.
        fractions: Of that information, at each look, growing.
        bounds: How many deviations the interval reaches at each look.

    Returns:
        The sum over looks of the chance to cross the bound there first (Armitage et al. 1969,
        JRSS A 132; Jennison and Turnbull 2000, Group Sequential Methods, section 19.3). Paths
        with a drift are as likely as paths without, times exp(drift x − drift² t / 2): so what
        the looks leave is followed once, whatever the drift.
    """
    from scipy.special import ndtr

    chance, before = 0.0, 0.0
    for fraction, bound, (points, weights) in zip(
        fractions, bounds, _paths(fractions, bounds), strict=True
    ):
        step = math.sqrt(fraction - before)
        likely = weights * np.exp(drift * points - drift**2 * before / 2)
        chance += float(likely @ ndtr((points - bound * math.sqrt(fraction)) / step + drift * step))
        before = fraction
    return min(chance, 1.0)


@lru_cache(maxsize=16)
def _paths(
    fractions: tuple[float, ...], bounds: tuple[float, ...]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Where the paths are before each look: points, and the weight at each, without a drift."""
    found = [(np.zeros(1), np.ones(1))]
    before = 0.0
    for fraction, bound in zip(fractions[:-1], bounds[:-1], strict=True):
        found.append(_moved(*found[-1], before, fraction, bound))
        before = fraction
    return found


def _bounds(fractions: Sequence[float], spends: Sequence[float]) -> tuple[float, ...]:
    """The bound of every look, by what may be spent on one side up to each."""
    found: list[float] = []
    before = spent = 0.0
    points, weights = np.zeros(1), np.ones(1)  # at no information, every path is at 0
    for fraction, spend in zip(fractions, spends, strict=True):
        if fraction - before < LEAST_NEW:
            found.append(found[-1] if found else MOST)
            continue
        now = max(spend, spent)
        found.append(_crossed_by(now - spent, points, weights, before, fraction))
        points, weights = _moved(points, weights, before, fraction, found[-1])
        before, spent = fraction, now
    return tuple(found)


def _crossed_by(
    error: float, points: np.ndarray, weights: np.ndarray, before: float, fraction: float
) -> float:
    """The bound that paths cross upwards now for the first time with this probability."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def over(bound: float) -> float:
        step = math.sqrt(fraction - before)
        return float(weights @ ndtr((points - bound * math.sqrt(fraction)) / step)) - error

    return float(brentq(over, 0.0, MOST)) if over(MOST) < 0 else MOST


def _moved(
    points: np.ndarray, weights: np.ndarray, before: float, fraction: float, bound: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where the paths are that have not crossed: points, and the weight at each."""
    nodes, widths = _nodes()
    edge, step = bound * math.sqrt(fraction), math.sqrt(fraction - before)
    there = nodes * edge
    kernel = np.exp(-0.5 * ((there[:, None] - points[None, :]) / step) ** 2)
    density = kernel @ weights / (step * math.sqrt(2 * math.pi))
    return there, density * widths * edge


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's points between −1 and 1, and their weights."""
    return np.polynomial.legendre.leggauss(POINTS)
