"""How often the intervals of means and ratios are wrong, in worlds whose truth is known.

`python -m tests.benchmarks metric_worlds` draws each world 500 times. An interval may be wrong in
5 % of worlds; it counts as wrong where it leaves out the truth, which in a world of no effect is
a claim. Where it is refused, nothing is claimed; how often, is printed as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from itertools import product

import numpy as np

from playbook.inference import values
from playbook.inference.compare import FEWEST_ACCOUNTS
from playbook.inference.samples import SUMS, Sample
from tests.benchmarks.error_rates import sizes

SEEDS = 500
CAP = 0.99
RATE = 2.0  # things that a person does, or that an average visit brings
World = Callable[[np.random.Generator], bool]
Rows = np.ndarray  # one row of `samples.COLUMNS` per cluster


def main() -> None:
    print(f"{__doc__.splitlines()[0]} ({SEEDS} seeds each)")
    for name, world in WORLDS.items():
        refused: list[bool] = []
        rate = sum(world(np.random.default_rng(s), refused) for s in range(SEEDS)) / SEEDS
        error = math.sqrt(rate * (1 - rate) / SEEDS)
        note = f", refused in {np.mean(refused):.0%}" if any(refused) else ""
        print(f"{name:75} wrong in {rate:.1%} ± {error:.1%}{note}", flush=True)


def drawn(
    rng: np.random.Generator,
    refused: list[bool] | None = None,
    *,
    arms: tuple[int, int],
    draw: Callable[..., Rows],
    mean: Callable[[], float],
    effect: float,
    adjusted: bool = True,
    sums: bool = False,
) -> bool:
    """Two arms of so many clusters; the play adds `effect` to the mean, as a share of it."""
    parts = [draw(rng, count, raised) for count, raised in zip(arms, (effect, 0.0), strict=True)]
    return _wrong(parts, effect * mean(), refused, adjusted=adjusted, sums=sums)


def capped(
    rng: np.random.Generator,
    refused: list[bool] | None = None,
    *,
    arms: tuple[int, int],
    effect: float,
    paying: float,
    spread: float,
) -> bool:
    """Revenue that is capped at the 99 % quantile of both arms together."""
    parts = [
        revenue(rng, count, raised, paying=paying, spread=spread)
        for count, raised in zip(arms, (effect, 0.0), strict=True)
    ]
    at = np.quantile(np.concatenate([part[:, 1] for part in parts]), CAP)
    for part in parts:
        part[:, 1] = np.minimum(part[:, 1], at)
    truth = effect_capped(paying, spread, effect, arms[0] / sum(arms)) if effect else 0.0
    return _wrong(parts, truth, refused)


def _wrong(
    parts: list[Rows],
    truth: float,
    refused: list[bool] | None,
    *,
    adjusted: bool = True,
    sums: bool = False,
) -> bool:
    samples = [Sample.of(part, units=len(part)) for part in parts]
    if sums or min(map(len, parts)) >= FEWEST_ACCOUNTS:
        samples = [summed(sample) for sample in samples]
    found = values.difference(*samples, adjusted=adjusted)
    if refused is not None:
        refused.append(math.isinf(found.low))
    return not found.low <= truth <= found.high


def summed(sample: Sample) -> Sample:
    """What an engine's sums say of the arm."""
    return Sample.of_sums(sample.clusters, sample.units, dict(zip(SUMS, sample.sums, strict=True)))


# People drawn one by one


def revenue(
    rng: np.random.Generator, n: int, effect: float, *, paying: float, spread: float
) -> Rows:
    """Most pay nothing, a few pay a lot, and were so before; half of an effect is who pays."""
    keen = rng.normal(size=n) * spread * 0.8
    factor = math.sqrt(1 + effect)
    columns = []
    for share, more in ((paying, 1.0), (paying * factor, factor)):
        amount = np.exp(keen + rng.normal(size=n) * spread * 0.6)
        columns.append((rng.random(n) < share) * amount * more)
    before, after = columns
    return np.column_stack([np.ones(n), after, np.ones(n), before])


def mean_revenue(paying: float, spread: float) -> float:
    return paying * math.exp(spread**2 / 2)


@cache
def effect_capped(paying: float, spread: float, effect: float, treated: float) -> float:
    """The effect on the metric that is capped."""
    rng, size = np.random.default_rng(0), 2_000_000
    arms = [
        revenue(rng, int(size * share), raised, paying=paying, spread=spread)[:, 1]
        for share, raised in ((treated, effect), (1 - treated, 0.0))
    ]
    at = np.quantile(np.concatenate(arms), CAP)
    after, without = (np.minimum(arm, at).mean() for arm in arms)
    return float(after - without)


def counts(rng: np.random.Generator, n: int, effect: float) -> Rows:
    """How often each did something: some hardly ever, some always, and so before."""
    keen = rng.gamma(0.5, RATE / 0.5, n)
    after, before = rng.poisson(keen * (1 + effect)), rng.poisson(keen)
    return np.column_stack([np.ones(n), after, np.ones(n), before])


def per_visit(
    rng: np.random.Generator, n: int, effect: float, *, visits: float = 3.0, known: float = 1.0
) -> Rows:
    """What a visit brings: more to those who come often; a play brings visits, too."""
    often = rng.gamma(2, 1, n)
    keen = RATE * often**0.3 * rng.lognormal(0, 0.5, n)
    base, before = rng.poisson(visits * often * (1 + effect)), rng.poisson(visits * often)
    before = before * (rng.random(n) < known)
    return np.column_stack(
        [base, rng.poisson(base * keen * (1 + effect)), before, rng.poisson(before * keen)]
    )


PER_VISIT = RATE * math.gamma(3.3) / math.gamma(3) * math.exp(0.125)


# Accounts drawn whole


def by_account(
    rng: np.random.Generator, n: int, effect: float, *, tail: float = 0.0, paying: float = 1.0
) -> Rows:
    """Accounts of mixed sizes: colleagues are alike, and large accounts do more per head."""
    people = sizes(rng, n)
    keen = RATE * rng.lognormal(0, 0.6, n) * people**0.2
    columns = []
    for raised in (1.0, 1 + effect):
        did = rng.poisson(people * keen * raised).astype(float)
        if tail:
            did *= rng.lognormal(0, tail, n) * (rng.random(n) < paying)
        columns.append(did)
    before, after = columns
    return np.column_stack([people, after, people, before])


@cache
def mean_by_account(tail: float = 0.0, paying: float = 1.0) -> float:
    people = sizes(np.random.default_rng(0), 4_000_000).astype(float)
    per_head = float((people**1.2).sum() / people.sum())
    return RATE * math.exp(0.18) * per_head * math.exp(tail**2 / 2) * paying


def _of_people() -> dict[str, World]:
    worlds: dict[str, World] = {}
    for arms in ((100, 100), (300, 300), (1000, 1000), (900, 100), (2700, 300)):
        split = f"{arms[0]} and {arms[1]}"
        for (paying, spread), effect in product(((0.3, 1.0), (0.1, 1.5)), (0.0, 0.5)):
            name = f"revenue, {paying:.0%} pay, σ {spread}, {split}, {effect:+.0%}"
            tail = {"paying": paying, "spread": spread}
            world = partial(
                drawn,
                arms=arms,
                effect=effect,
                draw=partial(revenue, **tail),
                mean=partial(mean_revenue, **tail),
            )
            worlds[name] = world
            if paying == 0.1 and max(arms) != 1000:
                worlds[f"{name}, capped"] = partial(capped, arms=arms, effect=effect, **tail)
            if paying == 0.3 and arms == (2700, 300):
                worlds[f"{name}, plain"] = partial(world, adjusted=False)
    for arms, effect in product(((100, 100), (900, 100)), (0.0, 0.2)):
        split = f"{arms[0]} and {arms[1]}, {effect:+.0%}"
        world = partial(drawn, arms=arms, effect=effect)
        worlds[f"counts, {split}"] = partial(world, draw=counts, mean=lambda: RATE)
        ratio = partial(world, draw=per_visit, mean=lambda: PER_VISIT)
        worlds[f"per visit, {split}"] = ratio
        worlds[f"per visit, {split}, plain"] = partial(ratio, adjusted=False)
        if arms[1] < arms[0]:
            for name, kind in (("few visits", {"visits": 0.3}), ("few knew it", {"known": 0.1})):
                worlds[f"per visit, {name}, {split}"] = partial(
                    ratio, draw=partial(per_visit, **kind)
                )
    worlds["counts, 30 and 30, +20%"] = partial(
        drawn, arms=(30, 30), effect=0.2, draw=counts, mean=lambda: RATE
    )
    return worlds


def _of_accounts() -> dict[str, World]:
    worlds: dict[str, World] = {}
    tail = {"tail": 1.0, "paying": 0.5}
    every = ((12, 12), (20, 20), (200, 20), (40, 40), (120, 120), (360, 40))
    for arms, effect in product(every, (0.0, 0.4)):
        name = f"{arms[0]} and {arms[1]} accounts, {effect:+.0%}"
        world = partial(drawn, arms=arms, effect=effect, draw=by_account, mean=mean_by_account)
        tailed = partial(
            world, draw=partial(by_account, **tail), mean=partial(mean_by_account, **tail)
        )
        worlds[name] = world
        if min(arms) < FEWEST_ACCOUNTS:
            worlds[f"{name}, their sums"] = partial(world, sums=True)
            worlds[f"{name}, half pay, σ 1, their sums"] = partial(tailed, sums=True)
        else:
            worlds[f"{name}, plain"] = partial(world, adjusted=False)
        if max(arms) < 120 and arms != (12, 12):
            worlds[f"{name}, half pay, σ 1"] = tailed
    return worlds


WORLDS = _of_people() | _of_accounts()
