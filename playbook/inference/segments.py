"""For whom: do effects differ between segments; and what several plays say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from playbook.inference import stats

Estimate = tuple[float, float]  # a difference and its standard error, above 0


@dataclass(frozen=True)
class Interaction:
    """Whether the effect differs between the segments of one column.

    Attributes:
        column: What the segments are by.
        segments: How many could be compared.
        q: Cochran's Q: their spread around the common effect, in squared errors.
        p: How often chance alone spreads them so far.
        corrected: p corrected for the number of columns that were looked at.
    """

    column: str
    segments: int
    q: float | None
    p: float | None
    corrected: float | None


def interactions(columns: Mapping[str, Sequence[Estimate]]) -> list[Interaction]:
    """Whether effects differ between segments, column by column.

    An effect in one segment and none in the next is no such difference: the effects themselves
    are compared (Cochran 1954, Biometrics 10), and the p values corrected (Benjamini and
    Hochberg 1995) over the columns.

    Args:
        columns: Column → its segments' effects. Segments must be drawn apart: nobody is in two.

    Returns:
        One per column, in the order given; without p where fewer than two segments can be
        compared.
    """
    tests = {column: _cochran(estimates) for column, estimates in columns.items()}
    asked = [column for column, test in tests.items() if test]
    corrected = dict(zip(asked, stats.corrected([tests[c][1] for c in asked]), strict=True))
    return [
        Interaction(
            column=column,
            segments=len(columns[column]),
            q=test[0] if test else None,
            p=test[1] if test else None,
            corrected=corrected.get(column),
        )
        for column, test in tests.items()
    ]


@dataclass(frozen=True)
class Pooled:
    """Several effects seen together.

    Attributes:
        mean, error: Their common mean, and its standard error.
        between: The standard deviation of the true effects around it.
        effects: Each effect with its interval, drawn towards the mean.
    """

    mean: float
    error: float
    between: float
    effects: tuple[tuple[float, float, float], ...]


def shrunken(estimates: Sequence[Estimate]) -> Pooled | None:
    """Several plays' effects, each drawn towards their mean as far as its own error says.

    Whoever picks the largest of several picks luck too; the sum of what is printed here is what
    the plays can be expected to bring together. True effects are taken as normal around a mean
    (normal–normal empirical Bayes: Morris 1983, JASA 78), their variance as DerSimonian and
    Laird estimate it (1986, Controlled Clinical Trials 7); the error of the mean is counted.

    Args:
        estimates: Every play that was tried, the failures too.

    Returns:
        None with fewer than two.
    """
    if len(estimates) < 2:
        return None
    from statsmodels.stats.meta_analysis import combine_effects

    effects, variances = _spread_apart(estimates)
    with np.errstate(invalid="ignore", divide="ignore"):  # of a τ² below 0, which is 0 here
        found = combine_effects(effects, variances, method_re="chi2")
    between = max(float(found.tau2), 0.0)
    weights = 1 / (variances + between)
    mean, doubt = float(weights @ effects / weights.sum()), float(1 / weights.sum())
    own = between / (between + variances)
    middles = mean + own * (effects - mean)
    halves = stats.DEVIATIONS * np.sqrt(own * variances + (1 - own) ** 2 * doubt)
    drawn = np.stack([middles, middles - halves, middles + halves], axis=1).tolist()
    return Pooled(
        mean=mean, error=doubt**0.5, between=between**0.5, effects=tuple(map(tuple, drawn))
    )


def _cochran(estimates: Sequence[Estimate]) -> tuple[float, float] | None:
    """Q and its p value."""
    if len(estimates) < 2:
        return None
    from statsmodels.stats.meta_analysis import combine_effects

    with np.errstate(invalid="ignore", divide="ignore"):  # of a pooled effect that is not used
        found = combine_effects(*_spread_apart(estimates)).test_homogeneity()
    return float(found.statistic), float(found.pvalue)


def _spread_apart(estimates: Sequence[Estimate]) -> tuple[np.ndarray, np.ndarray]:
    """Effects and their variances."""
    effects, errors = np.array(estimates, float).T
    return effects, errors**2
