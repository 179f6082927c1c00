"""Whether a share that is counted week by week moved to another level in one week, and stayed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BEFORE, SINCE = 3, 2  # weeks that a level must be seen for: the one that was, and the new one
SURE = 0.01  # the p value below which another course of the weeks is refused
CLEARLY = 1.92  # by so much a log-likelihood falls at the edge of a 95 % interval: 3.84 / 2
Week = tuple[int, int]  # how many reached, of how many


@dataclass(frozen=True)
class Shift:
    """The likeliest change of level of some weeks.

    Attributes:
        place: The first week at the new level.
        before: How many reached, of how many, in the weeks up to it.
        after: The same from it on.
        p: Of the test that there is one level, times the places where it was looked for.
        stayed: Whether that is below 1 % and no other course of the weeks tells it as well.
    """

    place: int
    before: Week
    after: Week
    p: float
    stayed: bool

    @property
    def difference(self) -> float:
        """How far the share moved, from 0 to 1."""
        return self.after[0] / self.after[1] - self.before[0] / self.before[1]


def shift(weeks: Sequence[Week], *, least: int) -> Shift | None:
    """The likeliest change of level, and whether it is one that came in a week and stayed.

    The likelihood-ratio statistic of two binomial shares against one is largest at its place
    (Hinkley and Hinkley 1970, Biometrika 57). It is divided by the dispersion of the weeks about
    the two levels (Pearson's, never below 1) and compared with F of 1 and the weeks less 2
    degrees of freedom, as weeks of real products vary more than binomially (McCullagh and Nelder
    1989, 4.5). Where neighbours are alike, the dispersion is (1 + r) / (1 - r) times that, r being
    the correlation of each week with the next (Bartlett 1946). P is multiplied by the number of
    places, which is on the safe side (Worsley 1983, Biometrika 70).

    Other courses that look like a shift are refused one by one, at 1 %:

    - One odd week carries it: without any one of the weeks, the rest still shows it.
    - The share drifts: over a straight line through all weeks, a step in the same direction is
      shown, too (least squares, weighted by n, times the number of places).
    - It went slowly: from the two weeks before to the two since it moved half of the way.
    - It went back: no run of weeks up to the last is clearly likelier at the level of before
      than at that of the weeks between.

    Args:
        weeks: In their order, those of nobody left out.
        least: How many each of the levels must rest on.

    Returns:
        Nothing where there are fewer than 3 weeks before, 2 since, or too few people.
    """
    reached, n = (np.array(each, float) for each in zip(*weeks, strict=True)) if weeks else ((), ())
    tried = [
        place
        for place in range(BEFORE, len(n) - SINCE + 1)
        if min(n[:place].sum(), n[place:].sum()) >= least
    ]
    if not tried:
        return None
    place = max(tried, key=lambda at: _explained(reached, n, at))
    p = min(p_at(weeks, place) * len(tried), 1.0)
    before, after = (_summed(reached, n, side) for side in (slice(place), slice(place, None)))
    stayed = p < SURE and not _otherwise(reached, n, place, len(tried))
    return Shift(place, before, after, p, stayed)


def p_at(weeks: Sequence[Week], place: int) -> float:
    """The p value of a change of level at a place that was not looked for; see `shift`."""
    from scipy.stats import f

    reached, n = (np.array(each, float) for each in zip(*weeks, strict=True))
    free = len(n) - 2
    if not 0 < place < len(n) or free < 1:
        return 1.0
    statistic = _explained(reached, n, place) / _dispersion(reached, n, place)
    return float(f.sf(statistic, 1, free))


def _summed(reached: np.ndarray, n: np.ndarray, side: slice) -> Week:
    return int(reached[side].sum()), int(n[side].sum())


def _explained(reached: np.ndarray, n: np.ndarray, place: int) -> float:
    """Twice the log-likelihood that two levels gain over one."""
    from scipy.special import xlogy

    def likelihood(did: float, of: float) -> float:
        return float(xlogy(did, did / of) + xlogy(of - did, (of - did) / of))

    sides = [_summed(reached, n, side) for side in (slice(place), slice(place, None))]
    return 2 * (sum(likelihood(*side) for side in sides) - likelihood(reached.sum(), n.sum()))


def _dispersion(reached: np.ndarray, n: np.ndarray, place: int) -> float:
    """How much more the weeks vary about the two levels than apart and binomially, at least 1."""
    shares = _levels(reached, n, place)
    variance = n * shares * (1 - shares)
    errors = np.divide(
        reached - n * shares, np.sqrt(variance), out=np.zeros_like(n), where=variance > 0
    )
    squares = float((errors**2).sum())
    alike = max(float((errors[1:] * errors[:-1]).sum()) / squares, 0.0) if squares else 0.0
    return max(squares / (len(n) - 2), 1.0) * (1 + alike) / (1 - alike)


def _levels(reached: np.ndarray, n: np.ndarray, place: int, *, half: float = 0) -> np.ndarray:
    """The level of each week; a half more that did and did not keeps it off 0 and 1."""
    first, last = (_summed(reached, n, side) for side in (slice(place), slice(place, None)))
    each = [(did + half) / (of + 2 * half) for did, of in (first, last)]
    return np.repeat(each, [place, len(n) - place])


def _otherwise(reached: np.ndarray, n: np.ndarray, place: int, tried: int) -> bool:
    """Whether an odd week, a drift, a slow change or a return tells the weeks as well."""
    return (
        _one_week(reached, n, place) * tried >= SURE
        or _drift(reached, n, place) * tried >= SURE
        or _slow(reached, n, place)
        or _back(reached, n, place)
    )


def _one_week(reached: np.ndarray, n: np.ndarray, place: int) -> float:
    """The largest p value without any one of the weeks."""
    weeks = list(zip(reached, n, strict=True))
    return max(
        p_at(weeks[:out] + weeks[out + 1 :], place - (out < place)) for out in range(len(weeks))
    )


def _drift(reached: np.ndarray, n: np.ndarray, place: int) -> float:
    """The p value of a step over a straight line; 1 where that step goes the other way."""
    from statsmodels.api import WLS

    time, (old, *_same, new) = np.arange(len(n), dtype=float), _levels(reached, n, place)
    known = np.stack([np.ones(len(n)), time, time >= place], axis=1)
    fitted = WLS(reached / n, known, weights=n).fit()
    return float(fitted.pvalues[2]) if fitted.params[2] * (new - old) > 0 else 1.0


def _slow(reached: np.ndarray, n: np.ndarray, place: int) -> bool:
    """Whether the weeks around the place are apart by less than half of what the levels are."""
    around, whole = slice(place - SINCE, place + SINCE), _levels(reached, n, place)
    near = _levels(reached[around], n[around], SINCE)
    return bool((near[-1] - near[0]) / (whole[-1] - whole[0]) < 0.5)


def _back(reached: np.ndarray, n: np.ndarray, place: int) -> bool:
    """Whether weeks up to the last are clearly likelier at the level of before than since."""
    old, spread = _levels(reached, n, place, half=0.5)[0], _dispersion(reached, n, place)
    for first in range(place + 1, len(n)):
        did, of = _summed(reached, n, slice(first, None))
        new = _levels(reached[:first], n[:first], place, half=0.5)[-1]
        gain = did * math.log(new / old) + (of - did) * math.log((1 - new) / (1 - old))
        if gain / spread < -CLEARLY:
            return True
    return False
