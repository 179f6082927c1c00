"""Several treatments: the error each comparison may have, so that all together have 5 %."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from playbook.inference import stats

REACH = 9.0  # deviations: beyond them a normal distribution has nothing
MOST_ALIKE = 0.9999  # of the correlations' roots: a control of next to nobody


def shared_error(control: float, treated: Sequence[float]) -> float:
    """The error of each treatment's comparison with the control that all of them share.

    Whoever compares with one control is wrong about several treatments together, where the
    control happens to be off. Dunnett (1955, JASA 50; 1964, Biometrics 20): the largest of the
    comparisons' deviations stays below a bound in 95 % of experiments, where two of them
    correlate by λᵢ λⱼ, λᵢ = √(nᵢ / (nᵢ + n₀)). Arms are taken for large (no degrees of freedom).

    Args:
        control: The size of the control: units, or accounts where those are drawn.
        treated: The size of each treatment. Planned sizes or shares do: then the error is the
            same at every look (the `error` of `looks.planned_bound`).

    Returns:
        Both sides together: 5 % for one treatment, and less for more. An interval of 1 − error
        per treatment holds all of their effects in 95 % of experiments. Whatever their sizes it
        lies between 5 % over their number and 5 %.
    """
    loads = [math.sqrt(n / (n + control)) if control > 0 else 0.0 for n in treated]
    return _shared(tuple(sorted(min(load, MOST_ALIKE) for load in loads)))


def pairs_error(arms: int) -> float:
    """The error of each of all comparisons of so many treatments with one another.

    Tukey's studentised range of large arms (1953; Tukey and Kramer where sizes differ: Hayter
    1984, Annals of Statistics 12, shows that it then promises no more than it keeps). It is a
    little more than Bonferroni's 5 % over the number of pairs, and as safe.

    Args:
        arms: The treatments that are compared, each with each.

    Returns:
        Both sides together; 5 % for one pair.
    """
    return _paired(arms)


@functools.lru_cache(maxsize=1024)
def _shared(loads: tuple[float, ...]) -> float:
    from scipy.special import ndtr

    if len(loads) < 2:
        return stats.SURE

    def inside(bound: float) -> float:
        """The chance that no comparison is farther off than so many deviations."""

        def given(at: float) -> float:  # how far the control is off
            parts = 1.0
            for load in loads:
                own = math.sqrt(1 - load**2)
                parts *= ndtr((bound - load * at) / own) - ndtr((-bound - load * at) / own)
            return parts

        return _expected(given)

    return _error(inside)


@functools.cache
def _paired(arms: int) -> float:
    from scipy.special import ndtr

    if arms < 3:
        return stats.SURE

    def inside(bound: float) -> float:
        """The chance that the highest of the arms is no farther above the lowest."""
        apart = bound * math.sqrt(2)  # two arms differ by √2 deviations of one
        return arms * _expected(lambda top: (ndtr(top) - ndtr(top - apart)) ** (arms - 1))

    return _error(inside)


def _expected(value: Callable[[float], float]) -> float:
    """The mean of a value of a standard normal variable."""
    from scipy.integrate import quad

    def weighed(at: float) -> float:
        return math.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) * value(at)

    return quad(weighed, -REACH, REACH, epsabs=1e-10, limit=200)[0]


def _error(inside: Callable[[float], float]) -> float:
    """The error of one comparison at the bound that all keep in 95 % of experiments."""
    from scipy.optimize import brentq

    bound = brentq(lambda bound: inside(bound) - stats.LEVEL, 1.0, REACH, xtol=1e-9)
    return math.erfc(bound / math.sqrt(2))
