"""Whether the planned number of units gives the promised power.

Accounts of skewed sizes whose members are alike (beta-binomial) are drawn many times over, and
each draw is judged as impact judges it, look by look where there are several. `python -m
tests.benchmarks power` draws them all; the tests draw a few.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from playbook.inference import looks, sizing

DRAWS = 4000
AT_ONCE = 250_000  # accounts drawn together: bounds the memory
DEVIATIONS = stats.norm.ppf(0.975)
GRID = np.linspace(0, 1, 4001)


@dataclass(frozen=True)
class Setting:
    """A plan and the company that it is for.

    Attributes:
        drawn: What is drawn to an arm: a `user`, or an `account` whose people are counted.
        base: The share of held-out people who reach the goal.
        effect: What the play adds.
        holdout: The share that is held out.
        size: The mean number of people per account; sizes are geometric. 1: people alone, or
            accounts that are counted themselves.
        icc: How alike the members of an account are.
        looks: How often the effect is looked at until all are there, each time with as many
            new accounts (people).
        ends: The last of these looks is the declared end.
    """

    drawn: str
    base: float
    effect: float
    holdout: float
    size: float = 1
    icc: float = 0
    looks: int = 1
    ends: bool = False

    @property
    def design_effect(self) -> float:
        cv = (1 - 1 / self.size) ** 0.5
        return sizing.design_effect(self.size, cv, self.icc) if self.drawn == "account" else 1

    @property
    def units(self) -> int:
        """The people whom the plan asks for."""
        return sizing.units_needed(
            self.base,
            self.effect,
            holdout=self.holdout,
            design_effect=self.design_effect,
            looks=self.looks,
            ends=self.ends,
        )

    @property
    def bounds(self) -> tuple[float, ...]:
        """How far the interval reaches at each look; a single one has all of the error."""
        at = tuple(look / self.looks for look in range(1, self.looks + 1))
        last = self.ends or self.looks == 1
        return looks.planned_bounds(at, ends=self.ends, last=last)


SETTINGS = (
    Setting("user", 0.30, 0.10, 0.5, 3, 0.2),
    Setting("user", 0.30, 0.10, 0.1, 3, 0.2),
    Setting("user", 0.08, 0.05, 0.1, 3, 0.1),
    Setting("user", 0.35, 0.05, 0.3, 6, 0.3),
    Setting("user", 0.12, 0.18, 0.4),
    Setting("user", 0.60, 0.20, 0.1),
    Setting("account", 0.30, 0.10, 0.5, 4, 0.10),
    Setting("account", 0.30, 0.10, 0.2, 4, 0.17),
    Setting("account", 0.10, 0.05, 0.3, 3, 0.3),
    Setting("account", 0.30, 0.20, 0.5, 4, 0.17),
    Setting("account", 0.10, 0.10, 0.1, 3, 0.2),
)


LOOKED_AT = tuple(
    replace(setting, looks=looks, ends=ends)
    for setting in SETTINGS
    for looks in (4, 12, 26)
    for ends in (True, False)
)


def main() -> None:
    misses = []
    print(f"{__doc__.splitlines()[0]} ({DRAWS:,} draws each)")
    for number, setting in enumerate((*SETTINGS, *LOOKED_AT)):
        power = shown(setting, units=setting.units, seed=number)
        none = shown(setting, units=setting.units, effect=0, seed=number)
        misses.append(abs(power - sizing.POWER))
        looked = f", {setting.looks} looks, {'the last the end' if setting.ends else 'and on'}"
        print(
            f"{setting.drawn:8} {setting.base:.0%} +{setting.effect:.0%}, {setting.holdout:.0%} "
            f"held out, {setting.size:g} per account, icc {setting.icc:.2f}"
            f"{looked if setting.looks > 1 else ''}: "
            f"{setting.units:6,} people, power {power:.1%}, without effect {none:.1%}",
            flush=True,
        )
    print(json.dumps({"largest_miss_in_points": round(100 * max(misses), 2)}))


def shown(
    setting: Setting,
    *,
    units: int,
    effect: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """The share of draws of so many people that show a difference, at any look."""
    rng = np.random.default_rng(seed)
    accounts = max(round(units / setting.size), 2, setting.looks)
    raised = setting.base + (setting.effect if effect is None else effect)
    laws = [_shares(setting, share) for share in (setting.base, raised)]
    found: list[np.ndarray] = []
    while sum(map(len, found)) < draws:
        arms = _drawn(setting, laws, (max(AT_ONCE // accounts, 1), accounts), rng)
        found.append(_seen(*arms, setting.bounds, clustered=setting.drawn == "account"))
    return float(np.concatenate(found)[:draws].mean())


def wilson(
    share: np.ndarray, n: np.ndarray, deviations: float | np.ndarray = DEVIATIONS
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of Wilson's interval."""
    square = deviations**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = np.sqrt(square * (share * (1 - share) + square / (4 * n)) / n) / (1 + square / n)
    return middle - half, middle + half


def shows(
    share: np.ndarray, n: np.ndarray, deviations: float | np.ndarray = DEVIATIONS
) -> np.ndarray:
    """Whether Newcombe's interval leaves out 0; the last axis is held out and treated."""
    low, high = wilson(share, n, deviations)
    difference = share[..., 1] - share[..., 0]
    below = np.hypot(share[..., 1] - low[..., 1], high[..., 0] - share[..., 0])
    above = np.hypot(high[..., 1] - share[..., 1], share[..., 0] - low[..., 0])
    return (difference > below) | (difference < -above)


def _drawn(
    setting: Setting, laws: list[Callable], shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """People and those who reach the goal: (draw, account, arm); arm 0 is held out."""
    sizes = rng.geometric(1 / setting.size, shape)
    if setting.drawn == "account":
        held = np.where(rng.random(shape) < setting.holdout, sizes, 0)
    else:
        held = rng.binomial(sizes, setting.holdout)
    people = np.stack([held, sizes - held], axis=-1)
    luck = rng.random(shape)  # of an account: colleagues share it, whatever their arms
    return people, rng.binomial(people, np.stack([law(luck) for law in laws], axis=-1))


def _shares(setting: Setting, mean: float) -> Callable[[np.ndarray], np.ndarray]:
    """An account's luck → its share."""
    if not setting.icc:
        return lambda luck: np.full_like(luck, mean)
    strength = 1 / setting.icc - 1
    points = stats.beta(mean * strength, (1 - mean) * strength).ppf(GRID)
    return lambda luck: np.interp(luck, GRID, points)


def _seen(
    people: np.ndarray, reached: np.ndarray, bounds: tuple[float, ...], *, clustered: bool
) -> np.ndarray:
    """Which draws show a difference at any look: Newcombe's interval of people.

    Where whole accounts were drawn, an arm counts as few people as the variance between its
    accounts says (delta method of the ratio of totals).
    """
    first = np.arange(len(bounds)) * people.shape[1] // len(bounds)

    def at_looks(values: np.ndarray) -> np.ndarray:
        """The sums over the accounts that are there: (draw, look, arm)."""
        return np.add.reduceat(values, first, axis=1).cumsum(axis=1)

    units, did = at_looks(people), at_looks(reached)
    n = np.maximum(units, 1)
    share = did / n
    known = (units > 0).all(axis=-1)
    if clustered:
        spread = at_looks(reached**2) - 2 * share * at_looks(reached * people)
        spread = np.maximum(spread + share**2 * at_looks(people**2), 0)
        accounts = at_looks((people > 0).astype(int))
        variance = spread / n**2 * accounts / np.maximum(accounts - 1, 1)
        known &= (accounts > 1).all(axis=-1)
        n = np.where(variance > 0, share * (1 - share) / np.where(variance > 0, variance, 1), n)
        n = np.maximum(n, 1e-9)
    return (shows(share, n, np.array(bounds)[:, None]) & known).any(axis=1)
