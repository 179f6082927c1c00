"""How many units tell an effect from chance, and what accounts full of colleagues change in it.

Numbers in, numbers out. What is planned for is the verdict that impact gives: an effect is seen
where Newcombe's interval of the difference of shares lies above 0, at 95 % or, where it is
looked at more than once, as far as the looks let it reach (`looks.planned_bound`). Formulas that
pool the arms' variance, or take it as known, promise another power as soon as few are held out.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from playbook.inference import stats
from playbook.inference.looks import MOST, planned_bounds
from playbook.inference.looks import power as crossing

POWER = 0.8  # the chance that a plan gives an effect to be seen
STEP = 1e-6  # of a share, where a slope is measured
MOST_LOOKS = 52  # that a plan is made for: more cost hardly more
LONGEST = 52  # weeks: whoever needs more has no answer
FEWEST_EVENTS = 5  # expected in the smaller arm: below it there is no verdict


@dataclass(frozen=True)
class Clusters:
    """Accounts by their sums: all that the correlation within them needs.

    Attributes:
        accounts: How many they are.
        units: The units in them.
        squares: The sum of the squares of their sizes.
        reached: The units that did the goal.
        within: The sum over accounts of reached² / size.
    """

    accounts: int
    units: int
    squares: float
    reached: int
    within: float

    @classmethod
    def of_alike(cls, alike: Mapping[tuple[int, ...], int]) -> Clusters:
        """The sums of accounts: (units, of which reached …) → how many are alike."""
        rows = [(*kind[:2], times) for kind, times in alike.items() if kind[0]]
        return cls(
            accounts=sum(times for _n, _did, times in rows),
            units=sum(n * times for n, _did, times in rows),
            squares=float(sum(n * n * times for n, _did, times in rows)),
            reached=sum(did * times for _n, did, times in rows),
            within=sum(did * did / n * times for n, did, times in rows),
        )


def icc(groups: Iterable[Clusters]) -> float | None:
    """How alike the members of an account are: the correlation of the goal within accounts.

    The analysis of variance estimator for shares in clusters of several sizes, pooled within
    groups (arms), so that an effect is not taken for likeness (Donner and Klar 1994, American
    Journal of Epidemiology 140; Ridout, Demétrio and Firth 1999, Biometrics 55).

    Args:
        groups: The accounts of each arm; empty arms count for nothing.

    Returns:
        Below 1; a little below 0 by chance where there is none. None where no account has two
        units, fewer than two accounts are left in every arm, or all did the same.
    """
    filled = [group for group in groups if group.units]
    accounts, units = sum(g.accounts for g in filled), sum(g.units for g in filled)
    between_df, within_df = accounts - len(filled), units - accounts
    if between_df < 1 or within_df < 1:
        return None
    within = sum(g.reached - g.within for g in filled) / within_df
    between = sum(g.within - g.reached**2 / g.units for g in filled) / between_df
    size = (units - sum(g.squares / g.units for g in filled)) / between_df
    total = between + (size - 1) * within
    return (between - within) / total if total > 0 else None


def design_effect(size: float, cv: float, icc: float) -> float:
    """How many times the units it takes where whole accounts are drawn and people are counted.

    1 + ((CV² + 1) m − 1) ICC (Eldridge, Ashby and Kerry 2006, International Journal of
    Epidemiology 35). It is 1 where each *person* is drawn: colleagues then stand in both arms,
    and what they share cancels in the difference (S = 1 in Vierron and Giraudeau 2009, BMC
    Medical Research Methodology 9:39), unless accounts take the play differently; and where
    accounts are drawn and accounts are counted.

    Args:
        size: The mean number of people per account.
        cv: Its coefficient of variation.
        icc: The correlation within accounts; one below 0 is chance, and counts as 0.
    """
    return 1 + max((cv**2 + 1) * size - 1, 0) * max(icc, 0)


def design_effect_of(groups: Sequence[Clusters]) -> float:
    """The `design_effect` of accounts as they are; 1 where nothing tells how alike people are."""
    accounts, units = sum(g.accounts for g in groups), sum(g.units for g in groups)
    likeness = icc(groups)
    if not accounts or likeness is None:
        return 1.0
    size = units / accounts
    cv = math.sqrt(max(sum(g.squares for g in groups) / accounts - size**2, 0)) / size
    return design_effect(size, cv, likeness)


@functools.lru_cache(maxsize=4096)
def units_needed(
    base: float,
    effect: float,
    *,
    holdout: float,
    design_effect: float = 1,
    least: int = 0,
    looks: int = 1,
    ends: bool = False,
    error: float = stats.SURE,
) -> int | None:
    """The units, both arms together, that show an effect with 80 % power.

    Args:
        base: The share of held-out units that reach the goal.
        effect: What the play adds to it.
        holdout: The share of units that are held out.
        design_effect: How many times the units it takes; see `design_effect`.
        least: The units that either arm has at least.
        looks: How often the effect is looked at until these units are there, each time with as
            many new ones. One look is the only one, and has all of the error, with a declared
            end or without.
        ends: The last of these looks is the end of the test, declared before. Otherwise it runs
            on when they are there, and a part of the error is kept for that.
        error: Of all looks together, both sides; less than 5 % where several treatments share
            a control (see `several`).

    Returns:
        As many as `power` asks, and as let the smaller arm expect five units that reach the
        goal. None where nothing can be planned: nobody is held out, all or nobody reaches the
        goal, or so many do that the effect cannot be added.
    """
    if not _plannable(base, effect, holdout):
        return None
    from scipy.optimize import brentq

    reach = reach_of(looks, ends, error)

    def lacks(units: float) -> float:
        return POWER - NormalDist().cdf(_above(base, effect, units, holdout, reach))

    most = 2.0
    while lacks(most) > 0:
        most *= 2
    alone = brentq(lacks, most / 2, most, xtol=0.01)
    expected = (base + (1 - holdout) * effect) * min(holdout, 1 - holdout)
    units = math.ceil(max(alone * design_effect, FEWEST_EVENTS / expected))
    return max(units, fewest(least, holdout))


def units_at_pace(base: float, effect: float, *, per_look: float, **given: Any) -> int | None:
    """The units that show an effect where it is looked at again and again until they are there.

    Args: those of `units_needed`, but for the looks, and
        per_look: How many units there are more from one look to the next; 0: nobody knows.
    """
    once = units_needed(base, effect, **given)
    if not once or per_look <= 0:
        return once
    return units_needed(base, effect, looks=looks_for(once, per_look), **given)


def looks_for(units: float, per_look: float) -> int:
    """How many looks it takes until so many units are there, at so many more for each."""
    return min(max(round(units / per_look), 1), MOST_LOOKS)


def fewest(least: int, holdout: float) -> int:
    """The units, both arms together, of which the smaller arm has so many."""
    return math.ceil(least / min(holdout, 1 - holdout))


def weeks_needed(units: int | None, per_week: float, window: float) -> int | None:
    """How many weeks until so many have triggered and are mature; None: nobody can tell.

    Args:
        units: As many as are needed.
        per_week: How many trigger in a week.
        window: How many weeks after its moment a unit is mature.
    """
    return math.ceil(units / per_week + window) if units and per_week else None


def power(
    base: float,
    effect: float,
    units: float,
    *,
    holdout: float,
    design_effect: float = 1,
    looks: int = 1,
    ends: bool = False,
    error: float = stats.SURE,
) -> float | None:
    """The chance that so many units, both arms together, show an effect at any look.

    The lower end of Newcombe's interval (1998, Statistics in Medicine 17, method 10) is taken
    as normal around its value at the true shares, with the variance of the delta method. Where
    the smaller arm has 30 units, three of which may be expected to reach the goal and three not
    to, this is within 1.5 points of the sum over all outcomes of two binomial arms. With fewer
    there are few outcomes, and chances go in steps: it may promise up to six points too much,
    and mostly promises too little. What several looks cost follows from the drift of the
    deviations (`looks.power`); the interval is taken to reach as far at each of them as that of
    a single look would for the same cost.

    Args: those of `units_needed`, and
        units: Both arms together, once all are there.

    Returns:
        None where nothing can be planned; see `units_needed`.
    """
    if not _plannable(base, effect, holdout) or units <= 0:
        return None
    reach = reach_of(looks, ends, error)
    above = _above(base, effect, units / design_effect, holdout, reach)
    return NormalDist().cdf(above) if looks == 1 else _chance(above + reach, looks, ends, error)


@functools.lru_cache(maxsize=4096)
def smallest_difference(
    base: float,
    units: float,
    *,
    holdout: float,
    design_effect: float = 1,
    looks: int = 1,
    ends: bool = False,
    error: float = stats.SURE,
) -> float | None:
    """The smallest rise of the share that so many units show with 80 % power.

    Args: those of `power`.

    Returns:
        None where nothing can be planned, or a rise to all would not be seen.
    """
    room = 1 - base
    if not _plannable(base, room, holdout) or units <= 0:
        return None
    from scipy.optimize import brentq

    reach = reach_of(looks, ends, error)

    def lacks(effect: float) -> float:
        above = _above(base, effect, units / design_effect, holdout, reach)
        return POWER - NormalDist().cdf(above)

    if lacks(room) > 0:
        return None
    fewest = FEWEST_EVENTS / (units * min(holdout, 1 - holdout))
    found = max(brentq(lacks, 1e-9, room), (fewest - base) / (1 - holdout))
    return found if found <= room else None


def _above(base: float, effect: float, units: float, holdout: float, reach: float) -> float:
    """How many deviations the lower end of an interval that reaches so far lies above 0."""
    held, treated = (share * units for share in (holdout, 1 - holdout))
    raised = base + effect

    def low(raised: float, base: float) -> float:
        did = raised * treated, base * held
        return stats.newcombe(did[0], treated, did[1], held, deviations=reach)[0]

    middle = low(raised, base)
    # Inwards, so that the shares stay between 0 and 1.
    slopes = (middle - low(raised - STEP, base)) / STEP, (middle - low(raised, base + STEP)) / STEP
    variance = slopes[0] ** 2 * raised * (1 - raised) / treated
    variance += slopes[1] ** 2 * base * (1 - base) / held
    return middle / math.sqrt(variance)


@functools.cache
def reach_of(looks: int, ends: bool, error: float) -> float:
    """How far the interval of a single look reaches that shows as much as all these looks do.

    The drift that several looks show with 80 % power depends on nothing else.
    """
    from scipy.optimize import brentq

    if looks == 1:
        return stats.DEVIATIONS if error == stats.SURE else -stats.normal_quantile(error / 2)
    needed = brentq(lambda drift: _chance(drift, looks, ends, error) - POWER, 0.0, 2 * MOST)
    return needed - stats.normal_quantile(POWER)


def _chance(drift: float, looks: int, ends: bool, error: float) -> float:
    """The chance that any of so many equally spaced looks shows an effect with this drift."""
    fractions = tuple(look / looks for look in range(1, looks + 1))
    bounds = planned_bounds(fractions, ends=ends, last=ends, error=error)
    return crossing(drift, fractions, bounds)


def _plannable(base: float, effect: float, holdout: float) -> bool:
    return 0 < base < 1 and effect > 0 and base + effect <= 1 and 0 < holdout < 1
