"""What can be said where nobody was held out: staggered rollouts, and dates without a launch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from playbook.inference import stats
from playbook.language.mistakes import Mistake

if TYPE_CHECKING:
    import pandas as pd

Row = tuple[str, int, int | None, float]  # account, period, first treated period, outcome


@dataclass(frozen=True)
class Step:
    """The effect on one group in one period, or so many periods after the start.

    Attributes:
        first: The period in which the group was first treated; None: all groups together.
        period: The period, or the periods since the start: below 0 before it.
        effect, low, high: With its 95 % interval; no interval where the error is not known.
    """

    first: int | None
    period: int
    effect: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Rollout:
    """What accounts that got a play in turns changed, against those that had not got it yet.

    Attributes:
        effect, low, high: The mean of the effects 0, 1, 2, … periods after the start.
        groups: By group and period, before the start too.
        steps: By periods since the start.
        before: The moves from period to period before the start, counted from it, in which the
            groups are tested; 0: none.
        pretrend_p: How often chance alone moves the groups apart so far before the start;
            None where there is no move to test, nobody moved, or a side of one rests on no more
            accounts than there are moves.
        trend: The drift per period, of each group against those that begin later or never, that
            would add up to the effect.
        power: The chance that such a trend would have shown (p below 5 %) before the start.
        accounts: How many were treated in the time, and how many were not.
        left_out: Accounts that some period lacks, that were treated from the first on, or alone
            in theirs.
    """

    effect: float
    low: float | None
    high: float | None
    groups: tuple[Step, ...]
    steps: tuple[Step, ...]
    before: int
    pretrend_p: float | None
    trend: float
    power: float | None
    accounts: tuple[int, int]
    left_out: int


def staggered_rollout(rows: Sequence[Row], *, never_alone: bool = False) -> Rollout | None:
    """The effect of a staggered rollout, by Callaway and Sant'Anna (2021, J. Econometrics 225).

    If trends would have stayed parallel, and nobody acted ahead of the start: the test before
    the start speaks for that no louder than its power.

    Args:
        rows: One per account and period; periods are numbered, None is never.
        never_alone: Whether only accounts that never got it are compared with, and not those
            that had not got it yet.

    Returns:
        None where nothing can be compared: no group with a period before its start and one
        after, and an account without the play in both.

    Raises:
        Mistake: The extra `quasi` is not installed.
    """
    if not find_spec("diff_diff"):
        raise Mistake(
            "A rollout without a holdout needs the package diff-diff, which is not installed.",
            "It comes with the extra `quasi`.",
            'pip install -e ".[quasi]"',
        )
    panel, first, left_out = _balanced_panel(rows)
    if not _comparable(panel, first, never_alone):
        return None
    found = _fitted(panel, first, never_alone)
    by_step = found.aggregate("event_study")
    ends = by_step.conf_int_lower, by_step.conf_int_upper
    steps = _known_steps(zip(repeat(None), by_step.event_time, by_step.att, *ends))
    after = [step.period for step in steps if step.period >= 0]
    if not after:
        return None
    effect, half = _overall(by_step)
    trend = effect / (sum(after) / len(after) + 1)
    before, p, power = _before(panel, first, never_alone, trend)
    return Rollout(
        effect=effect,
        low=None if half is None else effect - half,
        high=None if half is None else effect + half,
        groups=_known_steps(
            (*place, cell["effect"], *cell["conf_int"])
            for place, cell in found.group_time_effects.items()
        ),
        steps=steps,
        before=before,
        pretrend_p=p,
        trend=trend,
        power=power,
        accounts=(int((first > 0).sum()), int((first == 0).sum())),
        left_out=left_out,
    )


@dataclass(frozen=True)
class Placebo:
    """Before and after a launch, and the same at dates when nothing was launched.

    Attributes:
        before, after: The shares on either side of the launch.
        dates: How many other dates there are with as much time on either side.
        as_large: The share of them at which the change was as large, up or down; None: no dates.
    """

    before: float
    after: float
    dates: int
    as_large: float | None


def placebo_dates(
    periods: Sequence[tuple[int, int]], launch: int, *, width: int, others: Collection[int] = ()
) -> Placebo | None:
    """How usual a change as large as that at the launch is when nothing is launched.

    It describes; it is no effect: whatever else changed at the launch changed with it.

    Args:
        periods: Units and those who did the goal, period by period, without gaps.
        launch: The place of the first period after the launch.
        width: How many periods are taken on either side.
        others: Places of other launches: dates whose periods stride one are no placebos.

    Returns:
        None where the periods do not reach so far, or a side has no units.
    """

    def sides(date: int) -> tuple[float, float] | None:
        if date < width or date + width > len(periods):
            return None
        parts = periods[date - width : date], periods[date : date + width]
        sizes = [sum(n for n, _ in part) for part in parts]
        if not all(sizes):
            return None
        before, after = (
            sum(did for _, did in part) / size for part, size in zip(parts, sizes, strict=True)
        )
        return before, after

    found = sides(launch)
    if not found:
        return None
    launches = {launch, *others}
    quiet = [
        pair
        for date in range(len(periods))
        if all(abs(date - other) >= width for other in launches) and (pair := sides(date))
    ]
    change = abs(found[1] - found[0])
    larger = sum(abs(after - before) >= change - 1e-12 for before, after in quiet)
    return Placebo(*found, len(quiet), larger / len(quiet) if quiet else None)


def _balanced_panel(rows: Sequence[Row]) -> tuple[pd.DataFrame, np.ndarray, int]:
    """Accounts by periods, when each began (0: not in the time), and how many are left out."""
    import pandas as pd

    table = pd.DataFrame(rows, columns=["account", "period", "first", "outcome"])
    panel = table.pivot(index="account", columns="period", values="outcome").astype(float)
    first = table.groupby("account")["first"].min().reindex(panel.index)
    first = pd.to_numeric(first).fillna(0)
    if panel.empty:
        return panel, first.to_numpy(int), 0
    first[first > panel.columns.max()] = 0
    whole = panel.notna().all(axis=1) & ((first == 0) | (first > panel.columns.min()))
    whole &= first.map(first[whole].value_counts()) >= 2  # one account alone has no spread
    return panel[whole], first[whole].to_numpy(int), int((~whole).sum())


def _comparable(panel: pd.DataFrame, first: np.ndarray, never_alone: bool) -> bool:
    groups = sorted({*first.tolist()} - {0})
    if not groups:
        return False
    # The last group has the earlier ones to be compared with only while it is not treated.
    return bool((first == 0).sum() >= 2 or (not never_alone and len(groups) > 1))


def _fitted(panel: pd.DataFrame, first: np.ndarray, never_alone: bool) -> Any:
    from diff_diff import CallawaySantAnna

    table = panel.assign(first=first).reset_index().melt(
        id_vars=["account", "first"], var_name="period", value_name="outcome"
    )  # fmt: skip
    estimator = CallawaySantAnna(
        control_group="never_treated" if never_alone else "not_yet_treated",
        estimation_method="reg",
        alpha=1 - stats.LEVEL,
        cluster="account",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is too small has no interval: said there
        return estimator.fit(table.astype({"period": int}), "outcome", "account", "period", "first")


def _known_steps(
    cells: Iterable[tuple[int | None, int, float, float, float]],
) -> tuple[Step, ...]:
    """Those that could be estimated."""
    return tuple(
        Step(
            first=None if first is None else int(first),
            period=int(period),
            effect=float(effect),
            low=float(low) if math.isfinite(low) else None,
            high=float(high) if math.isfinite(high) else None,
        )
        for first, period, effect, low, high in cells
        if math.isfinite(effect)
    )


def _overall(by_step: Any) -> tuple[float, float | None]:
    """The mean of the steps from the start on, and half its interval."""
    from scipy.stats import t

    after = [place for place, step in enumerate(by_step.vcov_index) if step >= 0]
    effect = float(np.nanmean(by_step.att[np.asarray(by_step.event_time) >= 0]))
    variance = float(by_step.vcov[np.ix_(after, after)].mean())
    freedom = float(np.max(by_step.df))
    if not (math.isfinite(freedom) and variance > 0):
        return effect, None
    return effect, float(t.isf(stats.SURE / 2, freedom)) * math.sqrt(variance)


def _before(
    panel: pd.DataFrame, first: np.ndarray, never_alone: bool, trend: float
) -> tuple[int, float | None, float | None]:
    """How many moves before the start are tested; how often chance alone makes such; the power.

    The moves are those from one period to the next, less those of the accounts without it, over
    the groups that are as far from their start: few numbers, which few accounts can carry.
    """
    places, sizes, *each = _moves(panel, first, never_alone)
    alike = [places == place for place in np.unique(places)]
    weights, moves, influences = (
        np.array([np.average(own[at], axis=0, weights=sizes[at]) for at in alike]) for own in each
    )
    if len(moves) and _effective(weights) <= len(moves):
        return len(moves), None, None
    return len(moves), *_apart(moves, influences, first, trend)


def _effective(weights: np.ndarray) -> float:
    """The fewest accounts of equal weight that tell as much as a side of a move (Kish 1965)."""
    return float((1 / (weights**2).sum(axis=-1)).min())


def _apart(
    moves: np.ndarray, influences: np.ndarray, first: np.ndarray, trend: float
) -> tuple[float | None, float | None]:
    """The p value of moves that should be 0, and the power against a trend, the same in each.

    Hotelling's T² of groups that spread differently, as F (Krishnamoorthy and Yu 2004, Statistics
    & Probability Letters 66): a chi-squared test takes the covariance that few accounts show for
    the true one, and finds groups apart that moved alike. The covariance is that of the accounts'
    parts in the moves.
    """
    from scipy.stats import f, ncf

    parts = [influences[:, first == group] for group in np.unique(first)] if len(moves) else []
    spreads = [part @ part.T * len(part.T) / (len(part.T) - 1) for part in parts]
    covariance = sum(spreads, np.zeros((len(moves), len(moves))))
    inverse = np.linalg.pinv(covariance, hermitian=True, rcond=1e-10)
    rank = round(np.trace(covariance @ inverse))
    if not rank:  # apart, and without any spread; or nothing moved
        return (0.0, 1.0) if np.abs(moves).max(initial=0) > 1e-9 else (None, None)
    shares = [spread @ inverse for spread in spreads]
    lost = [
        (np.trace(share @ share) + np.trace(share) ** 2) / (len(part.T) - 1)
        for share, part in zip(shares, parts, strict=True)
    ]
    freedom = (rank + rank**2) / sum(lost)
    rest = freedom - rank + 1
    if rest < 1 or np.abs(moves - covariance @ inverse @ moves).max() > 1e-9:
        return None, None  # more moves than so few accounts tell apart
    scale = rest / (rank * freedom)
    # The inverse of an estimated covariance is too large on average, by this much.
    shift = max(trend**2 * inverse.sum() * (rest - 2) / freedom, 1e-12)
    power = ncf.sf(f.isf(stats.SURE, rank, rest), rank, rest, shift)
    return float(f.sf(scale * moves @ inverse @ moves, rank, rest)), float(power)


def _moves(panel: pd.DataFrame, first: np.ndarray, never_alone: bool) -> tuple[np.ndarray, ...]:
    """Each group's moves from period to period before its start, less those of accounts without.

    Without are those that begin later or never: against one that begins sooner, a drift that goes
    with the turn would count the other way round. A move without two accounts on either side has
    no spread, and is left out.

    Returns:
        Per move its place (the periods since the start, below 0), the accounts of its group, the
        weights of accounts on either side, the move itself, and each account's part in it.
    """
    found = []
    outcomes, periods = panel.to_numpy(), panel.columns.to_numpy(int)
    for group in sorted({*first.tolist()} - {0}):
        parts = np.array([first == group, (first == 0) | (not never_alone and first > group)])
        sizes = parts.sum(axis=1)
        if sizes.min() < 2:
            continue
        weights = parts / sizes[:, None]
        for place in range(1, int((periods < group).sum())):
            move = outcomes[:, place] - outcomes[:, place - 1]
            means = weights @ move
            shares = weights * (move - means[:, None])
            since = periods[place] - group
            found.append((since, sizes[0], weights, means[0] - means[1], shares[0] - shares[1]))
    return tuple(np.array([move[kind] for move in found]) for kind in range(5))
