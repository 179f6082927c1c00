"""How often the intervals of `playbook.inference` are wrong, in worlds whose truth is known.

`python -m tests.benchmarks error_rates` draws each world 500 times; the tests draw it 40 times.
An interval may be wrong in 5 % of worlds; it counts as wrong where it leaves out the truth,
which in a world of no effect is a claim.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import numpy as np

from playbook.adapters import quasi
from playbook.inference import compare, looks, stats
from playbook.inference.arms import Arm
from playbook.inference.reached import reached
from playbook.inference.segments import interactions
from playbook.inference.times import Waiting, sooner
from tests.benchmarks import looked_worlds
from tests.benchmarks.looked_worlds import World, left_out

SEEDS = 500
BASE = 0.3
WEEKS = 12


def main() -> None:
    rates = {}
    print(f"{__doc__.splitlines()[0]} ({SEEDS} seeds each)")
    for name, world in WORLDS.items():
        rates[name] = wrong(world, SEEDS) / SEEDS
        within = stats.DEVIATIONS * (rates[name] * (1 - rates[name]) / SEEDS) ** 0.5
        print(f"{name:70} wrong in {rates[name]:.1%} ± {within:.1%}", flush=True)
    for name, draw in PERMUTED.items():
        print(f"{name:70} Kolmogorov–Smirnov p {uniform(draw, SEEDS):.3f}", flush=True)
    from tests.benchmarks import impact_worlds, metric_worlds  # they draw as this module does

    for further in (metric_worlds, impact_worlds):
        further.main()
    print(json.dumps({"largest": max(rates.values()), "of": max(rates, key=rates.get)}))


def wrong(world: World, seeds: int) -> int:
    """In how many worlds the interval leaves out the truth."""
    return sum(world(np.random.default_rng(seed)) for seed in range(seeds))


def uniform(draw: Callable[[np.random.Generator], float], seeds: int) -> float:
    """The p value of Kolmogorov and Smirnov's test that p values are uniform."""
    from scipy.stats import kstest

    rng = np.random.default_rng(seeds)
    return float(kstest([draw(rng) for _ in range(seeds)], "uniform")[1])


# Worlds


def people(rng: np.random.Generator, *, effect: float, n: int, held: int) -> bool:
    """People drawn one by one."""
    arms = [(size, int(rng.binomial(size, p))) for size, p in ((n, BASE + effect), (held, BASE))]
    found = compare.people(*arms)
    return not found.low <= effect <= found.high


def accounts(
    rng: np.random.Generator,
    *,
    effect: float,
    arms: tuple[int, int],
    icc: float,
    base: float = BASE,
    sums: bool = False,
) -> bool:
    """Accounts drawn whole: skewed sizes, members alike."""
    parts = [
        drawn(rng, count, p, icc) for count, p in zip(arms, (base + effect, base), strict=True)
    ]
    if sums:
        parts = [summed(part) for part in parts]
    found = compare.accounts(*parts)
    return not found.low <= effect <= found.high


def weekly(rng: np.random.Generator, *, effect: float, n: int) -> bool:
    """Twelve looks at growing arms: wrong where any of their intervals leaves out the truth."""
    did = rng.random((2, n)) < np.array([[BASE + effect], [BASE]])
    for week in range(1, WEEKS + 1):
        size = n * week // WEEKS
        fractions = [k / WEEKS for k in range(1, week + 1)]
        found = compare.people(
            *[(size, int(arm[:size].sum())) for arm in did], deviations=BOUNDS[fractions[-1]]
        )
        if not found.low <= effect <= found.high:
            return True
    return False


def any_day(
    rng: np.random.Generator, *, effect: float, n: int, days: int, held: int | None = None
) -> bool:
    """A look every day, for as long as one likes."""
    arms = [(n, BASE + effect), (held or n, BASE)]
    did = [rng.random(size) < share for size, share in arms]
    for day in range(1, days + 1):
        parts = [arm[: len(arm) * day // days] for arm in did]
        found = compare.people(*[(len(part), int(part.sum())) for part in parts])
        units = sum(map(len, parts))
        ends = looks.sequence(found.difference, found.error, units, planned=n)
        if ends and not ends[0] <= effect <= ends[1]:
            return True
    return False


def daily_ratio(rng: np.random.Generator, *, n: int, days: int) -> bool:
    """The sample ratio looked at every day, at an error of 5 %."""
    treated = rng.random(n) < 0.9
    sizes = [n * day // days for day in range(1, days + 1)]
    counts = [(int(treated[:size].sum()), size) for size in sizes]
    return any(looks.sample_ratio((t, size - t), (0.9, 0.1)) < 0.05 for t, size in counts)


def delivered(
    rng: np.random.Generator,
    *,
    effect: float,
    got: float,
    arms: int | tuple[int, int],
    base: float = 2 / 7,
    alike: bool = False,
    alone: bool = False,
) -> bool:
    """Who gets the message is likelier to reach the goal anyway; held-out units never get it.

    Accounts of skewed sizes, whose members may be `alike`, or people drawn `alone`.
    """
    parts = []
    for treated, count in zip((True, False), np.broadcast_to(arms, 2).tolist(), strict=True):
        rows = []
        for n in [count] if alone else sizes(rng, count):
            keen = rng.beta(2, 2 / base - 2, size=n)
            if alike:
                keen = (keen + rng.beta(2, 2 / base - 2)) / 2
            told = treated & (rng.random(n) < np.clip(got * keen / base, 0, 1))
            did = rng.random(n) < np.clip(keen + effect * told, 0, 1)
            rows.append((int(n), int(did.sum()), int(told.sum()), int((did & told).sum())))
        parts.append(Arm.of_people(*rows[0]) if alone else Arm.of(row[:3] for row in rows))
    return left_out(reached(*parts), effect)


def segmented(rng: np.random.Generator, *, effect: float, n: int) -> bool:
    """Five segments with other shares and the same effect: wrong where they seem to differ."""
    found = []
    for base in (0.1, 0.2, 0.3, 0.4, 0.5):
        arms = [(n, int(rng.binomial(n, p))) for p in (base + effect, base)]
        one = compare.people(*arms)
        found.append((one.difference, one.error))
    return interactions({"persona": found})[0].p < 0.05


def waited(rng: np.random.Generator, *, ratio: float, n: int) -> bool:
    """Exponential times, censored by when one came; the truth is the area under the curves."""
    limit = 7.0
    arms, truth = [], 0.0
    for sign, rate in ((1, 0.1 * ratio), (-1, 0.1)):
        goal, seen = rng.exponential(1 / rate, n), rng.uniform(1, 14, n)
        arms.append(Waiting(np.minimum(goal, seen), goal <= seen, [1] * n))
        truth += sign * (1 - np.exp(-rate * limit)) / rate
    found = sooner(*arms, limit=limit)
    return not found.low <= truth <= found.high


def in_turns(rng: np.random.Generator, *, each: int, turns: tuple[int | None, ...]) -> bool:
    """A rollout to groups that move alike until it comes: wrong where they seem to move apart."""
    rows = []
    for number in range(each * len(turns)):
        turn, own = turns[number % len(turns)], rng.uniform(0.05, 0.5)
        for period in range(10):
            share = own + 0.02 * period + 0.2 * (turn is not None and period >= turn)
            rows.append((str(number), period, turn, float(rng.random() < share)))
    p = quasi.staggered_rollout(rows).pretrend_p
    return p is not None and p < stats.SURE


def shuffled_people(rng: np.random.Generator) -> float:
    """The p value once who is treated is drawn again; so many that hardly two draws are alike."""
    did = int(rng.hypergeometric(300_000, 700_000, 600_000))
    return compare.people((600_000, did), (400_000, 300_000 - did)).p


def shuffled_accounts(rng: np.random.Generator, *, count: int) -> float:
    """The p value of the same accounts, drawn to arms again."""
    rows = rng.permutation(np.array(drawn(np.random.default_rng(0), 2 * count, BASE, 0.15).rows))
    return compare.accounts(Arm.of(rows[:count].tolist()), Arm.of(rows[count:].tolist())).p


def drawn(rng: np.random.Generator, count: int, share: float, icc: float) -> Arm:
    """An arm of accounts of skewed sizes whose members are alike."""
    n = sizes(rng, count)
    strength = 1 / icc - 1
    did = rng.binomial(n, rng.beta(share * strength, (1 - share) * strength, count))
    return Arm.of(zip(n.tolist(), did.tolist(), strict=True))


def sizes(rng: np.random.Generator, count: int) -> np.ndarray:
    """A few people in most accounts, many in some."""
    return np.minimum(np.ceil(rng.lognormal(1, 1, count)), 200).astype(int)


def summed(arm: Arm) -> Arm:
    """What an engine's sums say of the arm."""
    return Arm(**{k: v for k, v in vars(arm).items() if k != "rows"})


BOUNDS = {k / WEEKS: looks.bound([i / WEEKS for i in range(1, k + 1)]) for k in range(1, WEEKS + 1)}
WORLDS: dict[str, World] = {
    "people, no effect, one look": partial(people, effect=0, n=900, held=100),
    "people, +10 points": partial(people, effect=0.1, n=900, held=100),
    "few people, +30 points": partial(people, effect=0.3, n=40, held=15),
    "people, no effect, twelve weekly looks": partial(weekly, effect=0, n=600),
    "people, +10 points, twelve weekly looks": partial(weekly, effect=0.1, n=600),
    "people, no effect, a look every day": partial(any_day, effect=0, n=1500, days=60),
    "people, +10 points, a look every day": partial(any_day, effect=0.1, n=1500, days=60),
    "people, a tenth held out, no effect, a look every day": partial(
        any_day, effect=0, n=2700, days=60, held=300
    ),
    "the sample ratio, every day": partial(daily_ratio, n=5000, days=60),
    **{
        f"{count} accounts an arm, {effect:+.0%}, icc {icc}": partial(
            accounts, effect=effect, arms=(count, count), icc=icc
        )
        for count in (12, 20, 40, 120)
        for effect, icc in ((0, 0.2), (0.15, 0.1))
    },
    "200 accounts and 20 held out, rare, no effect": partial(
        accounts, effect=0, arms=(200, 20), icc=0.15, base=0.1
    ),
    "200 accounts and 20 held out, rare, their sums, no effect": partial(
        accounts, effect=0, arms=(200, 20), icc=0.15, base=0.1, sums=True
    ),
    "among those reached, no effect": partial(delivered, effect=0, got=0.5, arms=60),
    "among those reached, +15 points": partial(delivered, effect=0.15, got=0.5, arms=60),
    "among those reached, hardly anybody": partial(delivered, effect=0.15, got=0.05, arms=60),
    **{
        f"among those reached, {count} accounts an arm, {effect:+.0%}": partial(
            delivered, effect=effect, got=0.5, arms=count, alike=True
        )
        for count in (12, 20, 40, 120)
        for effect in (0, 0.15)
    },
    "among those reached, 200 accounts and 20 held out, rare, no effect": partial(
        delivered, effect=0, got=0.5, arms=(200, 20), base=0.1, alike=True
    ),
    **{
        f"among people reached, {n} and {n // 9} held out, {base:.0%}, {effect:+.0%}": partial(
            delivered, effect=effect, got=0.5, arms=(n, n // 9), base=base, alone=True
        )
        for n in (54, 180, 360)
        for base, effect in ((0.05, 0), (0.05, 0.15), (0.3, 0), (0.3, 0.15))
    },
    "among people reached, all of 180, rare, no effect": partial(
        delivered, effect=0, got=9, arms=(180, 20), base=0.05, alone=True
    ),
    **looked_worlds.WORLDS,
    "five segments with one effect": partial(segmented, effect=0.1, n=150),
    "time to goal, no effect": partial(waited, ratio=1, n=150),
    "time to goal, half as fast again": partial(waited, ratio=1.5, n=150),
    **{
        f"{each} accounts a turn{', nobody without' * (None not in turns)}, before the start": (
            partial(in_turns, each=each, turns=turns)
        )
        for each in (10, 15, 40)
        for turns in ((4, 6, 8, None), (4, 6, 8))
    },
}
PERMUTED = {
    "people, arms drawn again": shuffled_people,
    "20 accounts an arm, drawn again": partial(shuffled_accounts, count=20),
    "60 accounts an arm, drawn again": partial(shuffled_accounts, count=60),
}
