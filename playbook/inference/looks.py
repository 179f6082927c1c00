"""Looking often: what an interval must give for it, and the sample ratio at any time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import numpy as np

from playbook.inference import stats

MOST = 8.0  # deviations: where nothing may be spent, nothing less is shown
KEPT = 0.3  # of the error allowed: for looks after the plan is met
FEWEST_UNITS = 100  # before them, a confidence sequence promises what it cannot keep
CONCENTRATION = 1000  # how near the planned split a wrong one is expected to be
LEAST_NEW = 0.001  # of the information: a look that adds less is the look before
POINTS = 300  # where the paths that have not crossed are followed
SIDE = stats.SURE / 2
Spending = Callable[[float], float]


def obrien_fleming(fraction: float) -> float:
    """The error spent on one side by a fraction of the information: hardly any early.

    2 − 2 Φ(z / √t) (Lan and DeMets 1983, Biometrika 70), O'Brien and Fleming's type.
    """
    from scipy.stats import norm

    return float(2 * norm.sf(norm.isf(SIDE / 2) / math.sqrt(fraction)))


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
    found: list[float] = []
    before = spent = 0.0
    points, weights = np.zeros(1), np.ones(1)  # at no information, every path is at 0
    for fraction in fractions:
        if fraction - before < LEAST_NEW:
            found.append(found[-1] if found else MOST)
            continue
        now = max(spending(min(fraction, 1.0)), spent)
        found.append(_crossed_by(now - spent, points, weights, before, fraction))
        points, weights = _moved(points, weights, before, fraction, found[-1])
        before, spent = fraction, now
    return tuple(found)


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


def spent(fraction: float) -> float:
    """The error on one side that the looks so far may use up, by how much of the plan is there.

    Most is spent on the plan, O'Brien and Fleming's way. Plays run on when their plan is met: the
    rest is for the looks after it, of which (1 − planned / units) is spent. (An increasing
    function of the information alone: Lan and DeMets 1983, Biometrika 70.)
    """
    if fraction <= 1:
        return (1 - KEPT) * obrien_fleming(fraction)
    return SIDE * (1 - KEPT / fraction)


@lru_cache(maxsize=4096)
def planned_bound(fractions: tuple[float, ...]) -> float:
    """How many deviations the interval of the last look reaches on either side; see `spent`.

    Args:
        fractions: At each look the units that were mature, over those planned.
    """
    last = fractions[-1]
    if not last:
        return MOST
    # The bounds depend on ratios of information alone: the present look is made the whole.
    scaled = [fraction / last for fraction in fractions]
    return bound(scaled, spending=lambda part: spent(part * last))


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
