"""The effect of a play as assigned: treated minus held out, always with an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from playbook.inference import permuted, stats
from playbook.inference.arms import Arm, Difference, differed

FEWEST_ACCOUNTS = 40  # in either arm; with fewer at hand, the arms are drawn again instead
SMALLEST_P = 1e-100


def people(
    treated: tuple[int, int], holdout: tuple[int, int], *, deviations: float = stats.DEVIATIONS
) -> Difference:
    """The difference of two arms of people who were drawn one by one.

    Args:
        treated, holdout: Units, and those of them who did the goal.
        deviations: How far the interval reaches on either side, in deviations of a normal
            distribution: more than 1.96 where an experiment is looked at often (see `looks`).

    Returns:
        Newcombe's interval (1998, Statistics in Medicine 17, method 10), and as p value the
        error at which it touches 0. The error is that of Agresti and Caffo (2000, The American
        Statistician 54), which is never 0.
    """
    arms = Arm.of_people(*treated), Arm.of_people(*holdout)
    return _with_interval(*arms, [_Share.of_people(arm) for arm in arms], deviations, "people")


def accounts(treated: Arm, holdout: Arm, *, deviations: float = stats.DEVIATIONS) -> Difference:
    """The difference of two arms of accounts that were drawn whole, over their people.

    The share of an arm is the ratio of its account totals. Its variance is that of the delta
    method, and says how many people drawn alone would tell as much; Wilson's interval of so many
    takes Student's t with as many degrees of freedom as there are accounts of equal weight, less
    one; Newcombe's joins the two arms' (method of variance estimates recovery: Zou and Donner
    2008, Statistics in Medicine 27; effective sizes with t: Korn and Graubard 1998, Survey
    Methodology 24). A t interval of the difference promises far too much where few accounts are
    held out and few people do the goal. Where the arms hold their accounts and one of them fewer
    than 40: `permuted.difference`.

    Args:
        treated, holdout: The arms.
        deviations: See `people`.
    """
    few = min(treated.accounts, holdout.accounts) < FEWEST_ACCOUNTS
    if few and treated.rows and holdout.rows:
        return permuted.difference(treated, holdout, deviations=deviations)
    arms = (treated, holdout)
    return _with_interval(*arms, [_Share.of_accounts(arm) for arm in arms], deviations, "accounts")


@dataclass(frozen=True)
class _Share:
    """A share of as many units, drawn alone, as tell as much."""

    share: float
    n: float
    freedom: float
    variance: float

    @classmethod
    def of_people(cls, arm: Arm) -> _Share | None:
        if not arm.n:
            return None
        return cls(arm.share, arm.n, math.inf, _careful(arm.did, arm.n))

    @classmethod
    def of_accounts(cls, arm: Arm) -> _Share | None:
        if arm.accounts < 2:
            return None
        variance = float(arm.covariance[0, 0])
        alone = arm.share * (1 - arm.share)
        # Accounts that happen to be alike tell no more than their people drawn alone would.
        n = alone / variance if variance * arm.n > alone else arm.n
        variance = max(variance, _careful(arm.did, arm.n))
        return cls(arm.share, n, arm.effective - 1, variance)

    def ends(self, error: float) -> tuple[float, float]:
        """Wilson's interval."""
        from scipy.special import ndtri, stdtrit

        alone = math.isinf(self.freedom)
        quantile = ndtri(error / 2) if alone else stdtrit(self.freedom, error / 2)
        # Neither huge, as where accounts are two, nor none, as where the error is all but 1.
        square = min(max(abs(float(quantile)), 1e-12), 1e100) ** 2
        inner = self.share * (1 - self.share) / (self.n * square) + 1 / (4 * self.n**2)
        middle = self.share / square + 1 / (2 * self.n)
        width = 1 / square + 1 / self.n
        half = math.sqrt(inner)
        return max((middle - half) / width, 0.0), min((middle + half) / width, 1.0)


def stratified(
    arms: tuple[Arm, Arm],
    pairs: list[tuple[Arm, Arm]],
    compared: Callable[[Arm, Arm], Difference],
) -> Difference:
    """The mean of the strata's differences, each weighed by n₁ n₀ / (n₁ + n₀) (Mantel and
    Haenszel 1959), with the interval that theirs make of it (MOVER: Zou and Donner 2008,
    Statistics in Medicine 27)."""
    both = [(t, h) for t, h in pairs if t.n and h.n]
    if not both:
        return differed(*arms, ends=(-1, 1), p=1.0, error=0, method="none")
    sizes = [t.n * h.n / (t.n + h.n) for t, h in both]
    weights = [size / sum(sizes) for size in sizes]
    found = [compared(t, h) for t, h in both]

    def mean(values: Iterable[float]) -> float:
        return sum(w * value for w, value in zip(weights, values, strict=True))

    def reach(values: Iterable[float]) -> float:
        return math.sqrt(sum((w * v) ** 2 for w, v in zip(weights, values, strict=True)))

    middle = mean(each.difference for each in found)
    ends = (
        middle - reach(each.difference - each.low for each in found),
        middle + reach(each.high - each.difference for each in found),
    )
    error = reach(each.error or 0.0 for each in found)
    p = permuted.two_sided(abs(middle) / error) if error else 1.0
    made = differed(*arms, ends=ends, p=p, error=error, method="strata")
    shares = (mean(arm.share for arm in own) for own in zip(*both, strict=True))
    return replace(
        made, difference=middle, **dict(zip(("treated", "holdout"), shares, strict=True))
    )


def _careful(did: int, n: int) -> float:
    share = (did + 1) / (n + 2)
    return share * (1 - share) / (n + 2)


def _with_interval(
    treated: Arm, holdout: Arm, shares: list[_Share | None], deviations: float, method: str
) -> Difference:
    if None in shares:
        return differed(treated, holdout, ends=(-1, 1), p=1.0, error=0, method="none")
    return differed(
        treated,
        holdout,
        ends=_interval_ends(*shares, permuted.two_sided(deviations)),
        p=_touching(*shares),
        error=math.sqrt(sum(share.variance for share in shares)),
        method=method,
    )


def _interval_ends(treated: _Share, holdout: _Share, error: float) -> tuple[float, float]:
    """Newcombe's interval of a difference, of the arms' own."""
    (low, high), (low0, high0) = treated.ends(error), holdout.ends(error)
    difference = treated.share - holdout.share
    below = math.hypot(treated.share - low, high0 - holdout.share)
    above = math.hypot(high - treated.share, holdout.share - low0)
    return difference - below, difference + above


def _touching(treated: _Share, holdout: _Share) -> float:
    """The error at which the interval touches 0; it widens as the error falls."""
    from scipy.optimize import brentq

    side = 0 if treated.share > holdout.share else 1
    sign = 1 - 2 * side

    def over(power: float) -> float:
        return sign * _interval_ends(treated, holdout, 10**power)[side]

    if treated.share == holdout.share:
        return 1.0
    lowest = math.log10(SMALLEST_P)
    if over(lowest) > 0:
        return SMALLEST_P
    return 10 ** brentq(over, lowest, -1e-12, xtol=1e-9)
