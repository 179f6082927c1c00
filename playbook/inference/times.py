"""Time to goal by arm: do the treated get there sooner, and by how much?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playbook.inference import stats


@dataclass(frozen=True)
class Waiting:
    """When the units of one arm did the goal, in groups.

    Attributes:
        times: When a group did it, or was last seen; counted from the trigger.
        reached: Whether it did; else it was still waiting then.
        weights: How many units the group holds.
    """

    times: Sequence[float]
    reached: Sequence[bool]
    weights: Sequence[int]


@dataclass(frozen=True)
class Sooner:
    """The mean time without the goal, up to a limit, treated minus held out.

    Attributes:
        difference: Below 0: the treated get there sooner.
        low, high: Its interval.
        treated, holdout: The means; who does not reach the goal counts with the whole limit.
        p: Of the log-rank test, over all times: the arms get there alike. None where nobody did, or
            all did at once.
    """

    difference: float
    low: float
    high: float
    treated: float
    holdout: float
    p: float | None


def sooner(treated: Waiting, holdout: Waiting, *, limit: float) -> Sooner | None:
    """How much sooner the treated reach the goal: difference of restricted mean survival times.

    The areas under the arms' Kaplan–Meier curves up to the limit, with Greenwood's variance
    (Royston and Parmar 2013, BMC Medical Research Methodology 13:152). Units count as
    independent: for accounts drawn whole, let a unit be an account.

    Args:
        treated, holdout: The arms.
        limit: Up to when; the goal's window.

    Returns:
        None where an arm is empty, or its last unit was seen before the limit without the goal:
        the curve is not known so far.
    """
    areas = [_area(arm, limit) for arm in (treated, holdout)]
    if None in areas:
        return None
    (mean, variance), (mean0, variance0) = areas
    half = stats.DEVIATIONS * math.sqrt(variance + variance0)
    difference = mean - mean0
    return Sooner(
        difference=difference,
        low=difference - half,
        high=difference + half,
        treated=mean,
        holdout=mean0,
        p=log_rank(treated, holdout)[1],
    )


def log_rank(treated: Waiting, holdout: Waiting) -> tuple[float | None, float | None]:
    """Chi-squared and p value of the log-rank test (Mantel 1966); None where nobody did."""
    from scipy.stats import chi2
    from statsmodels.duration.survfunc import survdiff

    arms = (treated, holdout)
    if not all(sum(arm.weights) for arm in arms) or not any(any(arm.reached) for arm in arms):
        return None, None
    groups = [
        (time, did, group)
        for group, arm in enumerate(arms)
        for time, did in zip(arm.times, arm.reached, strict=True)
    ]
    units = np.repeat(np.array(groups, float), [*treated.weights, *holdout.weights], axis=0)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            found, _ = survdiff(*units.T)
    except np.linalg.LinAlgError:  # all did it at once: no time is left to compare
        return None, None
    # statsmodels' own p value is 0 from 1e-16 on.
    return (float(found), float(chi2.sf(found, 1))) if math.isfinite(found) else (None, None)


def _area(arm: Waiting, limit: float) -> tuple[float, float] | None:
    """The area under the curve of those still waiting, and its variance."""
    from statsmodels.duration.survfunc import SurvfuncRight

    if not sum(arm.weights):
        return None
    curve = SurvfuncRight(
        np.asarray(arm.times, float), np.asarray(arm.reached, int),
        freq_weights=np.asarray(arm.weights, float),
    )  # fmt: skip
    times, waiting = np.asarray(curve.surv_times), np.asarray(curve.surv_prob)
    if max(arm.times) < limit and (not len(waiting) or waiting[-1] > 0):
        return None
    inside = times < limit
    steps = np.diff(np.concatenate([[0.0], times[inside], [limit]]))
    areas = steps * np.concatenate([[1.0], waiting[inside]])
    risk, events = np.asarray(curve.n_risk)[inside], np.asarray(curve.n_events)[inside]
    after = areas[::-1].cumsum()[::-1][1:]  # the area to the right of each time
    left = risk * (risk - events)
    terms = np.divide(after**2 * events, left, out=np.zeros_like(after), where=left > 0)
    return float(areas.sum()), float(terms.sum())
