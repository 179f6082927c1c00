"""The effect where accounts are few: who is treated is drawn again, account by account."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from playbook.inference import stats
from playbook.inference.arms import SHARES, Arm, Difference, differed

DRAWS = 9999
SEED = 20260101
STEPS = 24  # halvings towards an end of the interval: 1e-7
DOUBLINGS = 40  # of a standard error: an effect that is not refused then never is
ALIKE = 1 - 1e-9  # statistics that differ by less are the same number


def two_sided(deviations: float) -> float:
    """The error of an interval that reaches so many normal deviations on either side."""
    return math.erfc(deviations / math.sqrt(2))


def difference(
    treated: Arm,
    holdout: Arm,
    *,
    deviations: float = stats.DEVIATIONS,
    bounds: tuple[float, float] = SHARES,
) -> Difference:
    """The difference of two arms of accounts, by permutation of the accounts.

    The statistic is the difference of the shares over its delta-method error (studentised: Chung
    and Romano 2013, Annals of Statistics 41), so that the test holds where the arms' spreads
    differ. All draws that leave the arms as many accounts, or 9,999 of them, always the same.

    Args:
        treated, holdout: Arms that hold their accounts.
        deviations: See `compare.people`.
        bounds: What an effect may be.

    Returns:
        As p value the share of draws as far apart as the arms are, these among them. The
        interval holds the effects that the same test lets stand if each added as much to the
        share of every treated account. With fewer than two accounts in an arm, nothing.
    """
    if min(treated.accounts, holdout.accounts) < 2:
        return differed(treated, holdout, ends=bounds, p=1.0, error=0, method="none", bounds=bounds)
    n, did, _got = np.array([*treated.rows, *holdout.rows], float).T
    own = np.where(np.arange(len(n)) < treated.accounts, n, 0.0)
    p_of = drawn_again(n, did, own, treated.accounts)
    found, alpha = treated.share - holdout.share, two_sided(deviations)
    error = math.sqrt(treated.covariance[0, 0] + holdout.covariance[0, 0])
    fars = [_far(p_of, found, bound, error, alpha) for bound in bounds]
    return differed(
        treated,
        holdout,
        ends=tuple(_interval_end(p_of, found, far, alpha) for far in fars),
        p=p_of(0.0),
        error=error,
        method="permutation",
        bounds=bounds,
    )


def _far(
    p_of: Callable[[float], float], found: float, bound: float, error: float, alpha: float
) -> float:
    """An effect towards `bound` that the test refuses; without one, the bound."""
    if math.isfinite(bound):
        return bound
    steps = (math.copysign((error or 1.0) * 2**power, bound) for power in range(DOUBLINGS))
    return next((found + step for step in steps if p_of(found + step) <= alpha), bound)


def _interval_end(p_of: Callable[[float], float], inside: float, far: float, error: float) -> float:
    """The effect between `inside` and `far` at which the test begins to refuse."""
    # 0 is tried first, so that the interval and the p value never disagree.
    if inside * far < 0:
        inside, far = (inside, 0.0) if p_of(0.0) <= error else (0.0, far)
    if math.isinf(far) or p_of(far) > error:
        return far
    for _ in range(STEPS):
        middle = (inside + far) / 2
        inside, far = (middle, far) if p_of(middle) > error else (inside, middle)
    return inside


def drawn_again(
    n: np.ndarray, did: np.ndarray, taken: np.ndarray, treated: int
) -> Callable[[float], float]:
    """An effect → the p value of the test that it is the true one.

    Args:
        n, did: Units of each account, and those that did; the treated accounts first.
        taken: To how many units of each account an effect is added.
        treated: How many accounts are treated.
    """
    own = taken
    columns = np.stack([n, did, own, n * n, n * did, n * own, did * did, did * own, own * own])
    masks = _masks(len(n), treated)
    first = columns @ masks.T
    parts = [_part(sums) for sums in (first, columns.sum(axis=1)[:, None] - first)]

    def p_of(effect: float) -> float:
        (share, _), (other, _) = found = [part(effect) for part in parts]
        apart, variance = np.abs(share - other), found[0][1] + found[1][1]
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(variance > 0, apart / np.sqrt(variance), np.inf)
        statistic = np.where(apart < 1e-12, 0.0, statistic)
        # The first draw is the arms themselves. A part without units has no share: as far apart
        # as can be.
        return float(np.mean(~(statistic < statistic[0] * ALIKE)))

    return p_of


def _part(sums: np.ndarray) -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
    """An effect → the share of one part of every draw once it is taken away, and its variance."""
    n, did, own, n_n, n_did, n_own, did_did, did_own, own_own = sums
    with np.errstate(divide="ignore", invalid="ignore"):  # a part may be empty
        share, slope = did / n, own / n
        weight = n**2 / n_n  # accounts of equal weight
        factor = weight / (weight - 1) / n**2
    # The sum of squares about the share: a quadratic in the effect.
    none = did_did - 2 * share * n_did + share**2 * n_n
    once = 2 * (share * n_own + slope * n_did - did_own - share * slope * n_n)
    twice = own_own - 2 * slope * n_own + slope**2 * n_n

    def at(effect: float) -> tuple[np.ndarray, np.ndarray]:
        spread = none + effect * (once + effect * twice)
        with np.errstate(invalid="ignore"):
            # What is left of numbers that cancel is no spread.
            variance = np.where(spread > 1e-9 * n_n, spread * factor, 0.0)
        return share - effect * slope, variance

    return at


@lru_cache(maxsize=2)
def _masks(accounts: int, treated: int) -> np.ndarray:
    """One row per draw, 1 where an account is treated; the first draw is the true one."""
    if math.comb(accounts, treated) <= DRAWS:
        chosen = np.array([*itertools.combinations(range(accounts), treated)])
        masks = np.zeros((len(chosen), accounts))
    else:
        order = np.random.default_rng(SEED).random((DRAWS, accounts)).argsort(axis=1)
        chosen = np.vstack([np.arange(treated), order[:, :treated]])
        masks = np.zeros((DRAWS + 1, accounts))
    np.put_along_axis(masks, chosen, 1.0, axis=1)
    return masks
