"""Drivers against a plain reference, and on simulated people of whom the truth is known."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
import pytest

from playbook import friction
from playbook.inference import stats
from tests import small
from tests.small import question

SAVED = question("saved", "reached_within", start="signed_up", goal="saved", within="24h")
START = datetime(2026, 1, 5)
NUMBERS = ("n_did", "reached_did", "n_not", "reached_not")


def counts(found):
    """(event, times) → who did it and who did not, with how many of each reached."""
    return {
        (row["event"], row["times"]): tuple(row[name] for name in NUMBERS) for row in found.rows
    }


# Brute force: the definition, a unit at a time.


def random_log(seed):
    """(unit, event, hour) of many units, so few hours that ends of windows and ties are hit."""
    draw = random.Random(seed)
    names = ("signed_up", "saved", "looked", "asked")
    return [
        (unit, draw.choice(names), draw.randrange(60))
        for unit in range(200)
        for _place in range(draw.randrange(9))
    ]


def reference(log, personas, *, at, within, as_of):
    """(event, times) → persona → counts, as in `NUMBERS`; and how many are decided and open."""
    per_unit = defaultdict(list)
    for unit, event, hour in log:
        per_unit[unit].append((event, hour))
    people, decided, still_open = [], 0, 0
    for unit, done in per_unit.items():
        starts = [hour for event, hour in done if event == "signed_up"]
        if not starts:
            continue
        start = min(starts)
        goals = [hour for event, hour in done if event == "saved"]
        if start + within > as_of:
            still_open += 1
        elif any(hour <= start + at for hour in goals):
            decided += 1
        else:
            early = [event for event, hour in done if start <= hour <= start + at]
            people.append((personas[unit], early, any(hour <= start + within for hour in goals)))
    found = {}
    for event in ("looked", "asked"):
        for times in (1, 2):
            strata = defaultdict(lambda: [0, 0, 0, 0])
            for persona, early, reached in people:
                side = 0 if early.count(event) >= times else 2
                strata[persona][side] += 1
                strata[persona][side + 1] += reached
            if any(strata[persona][0] for persona in strata):
                found[event, times] = strata
    return found, decided, still_open


@pytest.mark.parametrize("seed", range(4))
def test_every_count_equals_a_brute_force_reference(seed):
    log = random_log(seed)
    personas = {unit: "abc"[unit % 3] for unit in range(200)}
    lines = [f"u{unit} | {e} | {START + timedelta(hours=hour)}" for unit, e, hour in log]
    run = small.run(
        questions=[SAVED],
        events="\n".join(["user_id | event | at", *lines]),
        users="\n".join(["user_id | persona", *(f"u{u} | {p}" for u, p in personas.items())]),
        period=("2026-01-01", "2026-02-01", str(START + timedelta(hours=70))),
    )
    found = friction.drivers(run, "saved", at="6h")
    expected, decided, still_open = reference(log, personas, at=6, within=24, as_of=70)
    assert counts(found) == {
        key: tuple(map(sum, zip(*strata.values(), strict=True))) for key, strata in expected.items()
    }
    assert decided
    assert still_open
    assert {(row["decided"], row["open"]) for row in found.rows} == {(decided, still_open)}
    for row in found.rows:
        strata = expected[row["event"], row["times"]].values()
        both = [(n, k, m, j, n * m / (n + m)) for n, k, m, j in strata if n and m]
        if row["adjusted"] is not None:
            weighed = sum(weight * (k / n - j / m) for n, k, m, j, weight in both)
            assert row["adjusted"] == pytest.approx(weighed / sum(both_[4] for both_ in both))


# Simulation: the goal comes at a constant rate, threefold for who was helped at once. Idling
# takes its time and changes nothing. Each seed is a persona of one run.
SEEDS, UNITS, AT, WITHIN, RATE = 300, 200, 6, 48, 1 / 60
EFFECT = math.exp(-(WITHIN - AT) * RATE) - math.exp(-(WITHIN - AT) * RATE * 3)


@pytest.fixture(scope="module")
def simulated():
    """Units as columns of hours, and the rows that count each seed."""
    draw = np.random.default_rng(20260105)
    n = SEEDS * UNITS
    helped = draw.random(n) < 0.5
    goal = draw.exponential(1 / np.where(helped, RATE * 3, RATE))
    idle = draw.exponential(20, n)
    lines, users = ["user_id | event | at"], ["user_id | persona"]
    for unit in range(n):
        users.append(f"u{unit} | s{unit // UNITS}")
        done = [("signed_up", 0.0), ("idled", idle[unit]), ("saved", goal[unit])]
        done += [("helped", 0.1)] if helped[unit] else []
        lines += [f"u{unit} | {e} | {START + timedelta(hours=at)}" for e, at in done if at < 72]
    asked = question("saved", "reached_within", start="signed_up", goal="saved", within="48h")
    run = small.run(questions=[asked], events="\n".join(lines), users="\n".join(users))
    found = friction.drivers(run, "saved", at=f"{AT}h")
    per_seed = defaultdict(list)
    for row in found.table.to_pyarrow().to_pylist():
        per_seed[row["persona"]].append(row)
    rows = [{row["event"]: row for row in found.finish(own)} for own in per_seed.values()]
    return goal, idle, rows


def inside(rows, event, truth):
    """The share of seeds whose interval holds the truth."""
    return np.mean([row[event]["low"] <= truth <= row[event]["high"] for row in rows])


def test_what_only_takes_time_is_no_driver_at_the_landmark_but_is_one_without_it(simulated):
    goal, idle, rows = simulated
    assert len(rows) == SEEDS
    assert inside(rows, "idled", 0) >= 0.93
    assert np.mean([row["idled"]["verdict"] != "no difference shown" for row in rows]) <= 0.07
    # As others count: who converts is watched until then, who does not to the end.
    reached = goal <= WITHIN
    did = idle <= np.minimum(goal, WITHIN)
    apart = []
    for seed in range(SEEDS):
        own = slice(seed * UNITS, (seed + 1) * UNITS)
        r, d = reached[own], did[own]
        apart.append(
            stats.newcombe(int((r & d).sum()), int(d.sum()), int((r & ~d).sum()), int((~d).sum()))
        )
    assert np.mean([high < 0 for _low, high in apart]) >= 0.95
    assert reached[did].mean() - reached[~did].mean() < -0.2


def test_an_effect_that_is_there_is_found_and_its_interval_holds_it(simulated):
    *_times, rows = simulated
    assert inside(rows, "helped", EFFECT) >= 0.93
    assert np.mean([row["helped"]["verdict"] == "more" for row in rows]) >= 0.95
