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

from playbook import stats
from playbook.mistakes import Mistake

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
        pretrend_p: How often chance alone moves the groups apart so far before the start
            (Wald test over all groups and periods); None where there is no period to test.
        trend: The drift per period, of each group against those it is compared with, that would
            add up to the effect.
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
    pretrend_p: float | None
    trend: float
    power: float | None
    accounts: tuple[int, int]
    left_out: int


def rollout(rows: Sequence[Row], *, never_alone: bool = False) -> Rollout | None:
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
    panel, first, left_out = _panel(rows)
    if not _comparable(panel, first, never_alone):
        return None
    found = _fitted(panel, first, never_alone)
    by_step = found.aggregate("event_study")
    ends = by_step.conf_int_lower, by_step.conf_int_upper
    steps = _steps(zip(repeat(None), by_step.event_time, by_step.att, *ends))
    after = [step.period for step in steps if step.period >= 0]
    if not after:
        return None
    effect, half = _overall(by_step)
    trend = effect / (sum(after) / len(after) + 1)
    p, power = _before(panel, first, never_alone, trend)
    return Rollout(
        effect=effect,
        low=None if half is None else effect - half,
        high=None if half is None else effect + half,
        groups=_steps(
            (*place, cell["effect"], *cell["conf_int"])
            for place, cell in found.group_time_effects.items()
        ),
        steps=steps,
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


def _panel(rows: Sequence[Row]) -> tuple[pd.DataFrame, np.ndarray, int]:
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


def _steps(cells: Iterable[tuple[int | None, int, float, float, float]]) -> tuple[Step, ...]:
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
) -> tuple[float | None, float | None]:
    """The Wald test of every group's moves before its start, and its power against a trend.

    The moves are those from one period to the next, less those of the accounts not treated then;
    a linear trend adds the same to each. Their covariance is that of their influence functions.
    """
    from scipy.stats import chi2, ncx2

    moves, influences = _moves(panel, first, never_alone)
    if not len(moves):
        return None, None
    covariance = influences @ influences.T
    # Without accounts that never got it, one group's move is another's with its sign turned.
    inverse, rank = np.linalg.pinv(covariance, hermitian=True), np.linalg.matrix_rank(covariance)
    if np.abs(moves - covariance @ inverse @ moves).max() > 1e-9:
        return 0.0, 1.0  # apart, and without any spread
    if not rank:
        return None, None
    shift = max(trend**2 * inverse.sum(), 1e-12)
    power = ncx2.sf(chi2.isf(stats.SURE, rank), rank, shift)
    return float(chi2.sf(moves @ inverse @ moves, rank)), float(power)


def _moves(
    panel: pd.DataFrame, first: np.ndarray, never_alone: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Each group's moves from period to period before its start, and each account's part in them.

    A move without two accounts on either side has no spread, and is left out.
    """
    moves, influences = [], []
    outcomes, periods = panel.to_numpy(), panel.columns.to_numpy(int)
    for group in sorted({*first.tolist()} - {0}):
        for place in range(1, int((periods < group).sum())):
            untreated = (first == 0) | (not never_alone and first > periods[place])
            parts = first == group, untreated & (first != group)
            if min(part.sum() for part in parts) < 2:
                continue
            move = outcomes[:, place] - outcomes[:, place - 1]
            means = [move[part].mean() for part in parts]
            shares = [
                np.where(part, (move - mean) / part.sum(), 0)
                for part, mean in zip(parts, means, strict=True)
            ]
            moves.append(means[0] - means[1])
            influences.append(shares[0] - shares[1])
    return np.array(moves), np.array(influences)
