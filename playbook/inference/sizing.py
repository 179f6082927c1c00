"""How many units tell an effect from chance, and what accounts full of colleagues change in it.

Numbers in, numbers out. What is planned for is the verdict that impact gives: an effect is seen
where Newcombe's 95 % interval of the difference of shares lies above 0. Formulas that pool the
arms' variance, or take it as known, promise another power as soon as few are held out.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from playbook.inference import stats

POWER = 0.8  # the chance that a plan gives an effect to be seen
STEP = 1e-6  # of a share, where a slope is measured
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


@functools.lru_cache(maxsize=4096)
def units_needed(
    base: float, effect: float, *, holdout: float, design_effect: float = 1, least: int = 0
) -> int | None:
    """The units, both arms together, that show an effect with 80 % power.

    Args:
        base: The share of held-out units that reach the goal.
        effect: What the play adds to it.
        holdout: The share of units that are held out.
        design_effect: How many times the units it takes; see `design_effect`.
        least: The units that either arm has at least.

    Returns:
        As many as `power` asks, and as let the smaller arm expect five units that reach the
        goal. None where nothing can be planned: nobody is held out, all or nobody reaches the
        goal, or so many do that the effect cannot be added.
    """
    if not _plannable(base, effect, holdout):
        return None
    from scipy.optimize import brentq

    def lacks(units: float) -> float:
        return POWER - power(base, effect, units, holdout=holdout)

    most = 2.0
    while lacks(most) > 0:
        most *= 2
    alone = brentq(lacks, most / 2, most, xtol=0.01)
    expected = (base + (1 - holdout) * effect) * min(holdout, 1 - holdout)
    units = math.ceil(max(alone * design_effect, FEWEST_EVENTS / expected))
    return max(units, fewest(least, holdout))


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
    base: float, effect: float, units: float, *, holdout: float, design_effect: float = 1
) -> float | None:
    """The chance that so many units, both arms together, show an effect.

    The lower end of Newcombe's interval (1998, Statistics in Medicine 17, method 10) is taken
    as normal around its value at the true shares, with the variance of the delta method. Where
    the smaller arm has 30 units, three of which may be expected to reach the goal and three not
    to, this is within 1.5 points of the sum over all outcomes of two binomial arms. With fewer
    there are few outcomes, and chances go in steps: it may promise up to six points too much,
    and mostly promises too little.

    Args: those of `units_needed`, and
        units: Both arms together.

    Returns:
        None where nothing can be planned; see `units_needed`.
    """
    if not _plannable(base, effect, holdout) or units <= 0:
        return None
    held, treated = (share * units / design_effect for share in (holdout, 1 - holdout))
    raised = base + effect

    def low(raised: float, base: float) -> float:
        return stats.newcombe(raised * treated, treated, base * held, held)[0]

    middle = low(raised, base)
    # Inwards, so that the shares stay between 0 and 1.
    slopes = (middle - low(raised - STEP, base)) / STEP, (middle - low(raised, base + STEP)) / STEP
    variance = slopes[0] ** 2 * raised * (1 - raised) / treated
    variance += slopes[1] ** 2 * base * (1 - base) / held
    return NormalDist().cdf(middle / math.sqrt(variance))


@functools.lru_cache(maxsize=4096)
def smallest_difference(
    base: float, units: float, *, holdout: float, design_effect: float = 1
) -> float | None:
    """The smallest rise of the share that so many units show with 80 % power.

    Returns:
        None where nothing can be planned, or a rise to all would not be seen.
    """
    room = 1 - base
    if not _plannable(base, room, holdout) or units <= 0:
        return None
    from scipy.optimize import brentq

    def lacks(effect: float) -> float:
        chance = power(base, effect, units, holdout=holdout, design_effect=design_effect)
        return POWER - chance

    if lacks(room) > 0:
        return None
    fewest = FEWEST_EVENTS / (units * min(holdout, 1 - holdout))
    found = max(brentq(lacks, 1e-9, room), (fewest - base) / (1 - holdout))
    return found if found <= room else None


def _plannable(base: float, effect: float, holdout: float) -> bool:
    return 0 < base < 1 and effect > 0 and base + effect <= 1 and 0 < holdout < 1
