"""The effect where accounts are few: who is treated is drawn again, account by account."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from playbook.inference import stats
from playbook.inference.arms import Arm, Difference, differed

DRAWS = 9999
SEED = 20260101
STEPS = 24  # halvings towards an end of the interval: 1e-7
ALIKE = 1 - 1e-9  # statistics that differ by less are the same number


def two_sided(deviations: float) -> float:
    """The error of an interval that reaches so many normal deviations on either side."""
    return math.erfc(deviations / math.sqrt(2))


def difference(treated: Arm, holdout: Arm, *, deviations: float = stats.DEVIATIONS) -> Difference:
    """The difference of two arms of accounts, by permutation of the accounts.

    The statistic is the difference of the shares over its delta-method error (studentised: Chung
    and Romano 2013, Annals of Statistics 41), so that the test holds where the arms' spreads
    differ. All draws that leave the arms as many accounts, or 9,999 of them, always the same.

    Args:
        treated, holdout: Arms that hold their accounts.
        deviations: See `compare.people`.

    Returns:
        As p value the share of draws as far apart as the arms are, these among them. The
        interval holds the effects that the same test lets stand if each added as much to the
        share of every treated account. With fewer than two accounts in an arm, nothing.
    """
    if min(treated.accounts, holdout.accounts) < 2:
        return differed(treated, holdout, ends=(-1, 1), p=1.0, error=0, method="none")
    p_of = _test(treated, holdout)
    found, error = treated.share - holdout.share, two_sided(deviations)
    return differed(
        treated,
        holdout,
        ends=(_interval_end(p_of, found, -1.0, error), _interval_end(p_of, found, 1.0, error)),
        p=p_of(0.0),
        error=math.sqrt(treated.covariance[0, 0] + holdout.covariance[0, 0]),
        method="permutation",
    )


def _interval_end(p_of: Callable[[float], float], inside: float, far: float, error: float) -> float:
    """The effect between `inside` and `far` at which the test begins to refuse."""
    # 0 is tried first, so that the interval and the p value never disagree.
    if inside * far < 0:
        inside, far = (inside, 0.0) if p_of(0.0) <= error else (0.0, far)
    if p_of(far) > error:
        return far
    for _ in range(STEPS):
        middle = (inside + far) / 2
        inside, far = (middle, far) if p_of(middle) > error else (inside, middle)
    return inside


def _test(treated: Arm, holdout: Arm) -> Callable[[float], float]:
    """An effect → the p value of the test that it is the true one."""
    table = np.array([*treated.rows, *holdout.rows], float)
    n, did = table[:, 0], table[:, 1]
    own = np.where(np.arange(len(n)) < treated.accounts, n, 0.0)  # what an effect adds to
    columns = np.stack([n, did, own, n * n, n * did, n * own, did * did, did * own, own * own])
    masks = _masks(len(n), treated.accounts)
    first = columns @ masks.T
    second = columns.sum(axis=1)[:, None] - first

    def p_of(effect: float) -> float:
        one, other = _swapped_part(first, effect), _swapped_part(second, effect)
        apart, variance = np.abs(one[0] - other[0]), one[1] + other[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(variance > 0, apart / np.sqrt(variance), np.inf)
        statistic = np.where(apart < 1e-12, 0.0, statistic)
        # The first draw is the arms themselves.
        return float(np.mean(statistic >= statistic[0] * ALIKE))

    return p_of


def _swapped_part(sums: np.ndarray, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """The share of one part of every draw once the effect is taken away, and its variance."""
    n, did, own, n_n, n_did, n_own, did_did, did_own, own_own = sums
    left = did - effect * own
    share = left / n
    n_left = n_did - effect * n_own
    left_left = did_did - 2 * effect * did_own + effect**2 * own_own
    spread = left_left - 2 * share * n_left + share**2 * n_n
    weight = n**2 / n_n  # accounts of equal weight
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = spread / n**2 * weight / (weight - 1)
    # What is left of numbers that cancel is no spread.
    return share, np.where(spread > 1e-9 * n_n, variance, 0.0)


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
