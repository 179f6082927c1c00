"""Intervals, corrections and survival, on top of statsmodels and scipy.

Imported late: a kernel that only reads tables does not pay for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEVEL = 0.95
SURE = 0.05  # the corrected p value below which a difference is shown
DEVIATIONS = 1.959963984540054  # on either side of the middle of 95 % of a normal distribution
# Units of one group and of these reached, units of the other group and of these reached.
Stratum = tuple[int, int, int, int]


def normal_quantile(share: float) -> float:
    """The value below which this share of a standard normal distribution lies."""
    from scipy.special import ndtri

    return float(ndtri(share))


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927); (0, 1) without observations."""
    from statsmodels.stats.proportion import proportion_confint

    if not n:
        return 0.0, 1.0
    low, high = proportion_confint(successes, n, alpha=1 - LEVEL, method="wilson")
    return float(low), float(high)


def newcombe(
    successes: float,
    n: float,
    other_successes: float,
    other_n: float,
    *,
    deviations: float = DEVIATIONS,
) -> tuple[float, float]:
    """The interval of a difference of shares, first minus second (Newcombe 1998, method 10).

    `deviations` says how far it reaches on either side, in those of a normal distribution.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    if not n or not other_n:
        return -1.0, 1.0
    error = math.erfc(deviations / math.sqrt(2))
    low, high = confint_proportions_2indep(
        successes, n, other_successes, other_n, method="newcomb", compare="diff", alpha=error
    )
    return float(low), float(high)


def fisher(successes: int, n: int, other_successes: int, other_n: int) -> float:
    """The two-sided p value of a difference of shares (Fisher's exact test)."""
    from scipy.stats import fisher_exact

    table = [[successes, n - successes], [other_successes, other_n - other_successes]]
    return float(fisher_exact(table).pvalue)


def mantel_haenszel(strata: Iterable[Stratum]) -> tuple[float | None, float | None, float | None]:
    """The difference of shares within strata, with its interval; null if no stratum has both.

    The mean of the strata's differences, each weighed by n₁ n₀ / (n₁ + n₀) (Mantel and Haenszel
    1959), and its variance for a few large strata (Greenland and Robins 1985).
    """
    total = weighed = variance = 0.0
    for n, reached, other_n, other_reached in strata:
        if not n or not other_n:
            continue
        weight = n * other_n / (n + other_n)
        share, other = reached / n, other_reached / other_n
        total += weight
        weighed += weight * (share - other)
        variance += weight**2 * (share * (1 - share) / n + other * (1 - other) / other_n)
    if not total:
        return None, None, None
    difference, error = weighed / total, DEVIATIONS * math.sqrt(variance) / total
    return difference, max(difference - error, -1.0), min(difference + error, 1.0)


def corrected(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number (Benjamini and Hochberg 1995)."""
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values)] if p_values else []


def corrected_all(p_values: Sequence[float]) -> list[float]:
    """P values corrected so that any false one among all that are shown is rare (Holm 1979)."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []


def sample_ratio(observed: Sequence[int], expected: Sequence[float]) -> float:
    """The p value of the arms' sizes under the planned split (chi-squared)."""
    from scipy.stats import chisquare

    total = sum(observed)
    shares = [share / sum(expected) * total for share in expected]
    return float(chisquare(observed, shares).pvalue) if total else 1.0


def alike(tables: Iterable[Sequence[tuple[int, int]]]) -> float | None:
    """How surely two arms differ in how their units spread over segments: p of chi-squared, added
    up over strata (Pearson 1900); None where no stratum has two segments in two arms.

    Args:
        tables: Per stratum the units of the one and of the other arm, by segment.
    """
    from scipy.stats import chi2, chi2_contingency

    total, freedom = 0.0, 0
    for table in tables:
        if len(table) > 1 and all(sum(column) for column in zip(*table, strict=True)):
            found = chi2_contingency(table, correction=False)
            total, freedom = total + float(found.statistic), freedom + found.dof
    return float(chi2.sf(total, freedom)) if freedom else None


@dataclass(frozen=True)
class Curve:
    """A Kaplan–Meier estimate: at each of `times` the share that has reached, with its band."""

    times: tuple[float, ...]
    shares: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]

    def quantile(self, share: float) -> float | None:
        """The first time at which that share has reached; None: not reached in the data."""
        return next((t for t, s in zip(self.times, self.shares, strict=True) if s >= share), None)


def kaplan_meier(times: Sequence[float], reached: Sequence[bool], weights: Sequence[int]) -> Curve:
    """The share that has reached by each time, over all who started (Kaplan and Meier 1958).

    Args:
        times: When a group reached, or was last seen.
        reached: Whether it reached then; else it is censored there.
        weights: How many units the group holds.

    Returns:
        Shares with a 95 % band (Greenwood's variance, on the log–log scale, which stays
        between 0 and 1).
    """
    import numpy as np
    from statsmodels.duration.survfunc import SurvfuncRight

    estimate = SurvfuncRight(
        np.asarray(times, float), np.asarray(reached, int), freq_weights=np.asarray(weights, float)
    )
    survival = np.asarray(estimate.surv_prob)
    risk, events = np.asarray(estimate.n_risk), np.asarray(estimate.n_events)
    with np.errstate(divide="ignore", invalid="ignore"):
        # With weights, statsmodels' own error is Tsiatis', of the hazard: Greenwood's by hand.
        errors = np.sqrt(np.cumsum(events / (risk * (risk - events))))
        spread = DEVIATIONS * errors / np.abs(np.log(survival))
        upper = survival ** np.exp(-spread)
        lower = survival ** np.exp(spread)
    inside = (survival > 0) & (survival < 1)
    return Curve(
        times=tuple(float(t) for t in estimate.surv_times),
        shares=tuple(float(1 - s) for s in survival),
        lows=tuple(float(x) for x in np.where(inside, 1 - upper, 1 - survival)),
        highs=tuple(float(x) for x in np.where(inside, 1 - lower, 1 - survival)),
    )
