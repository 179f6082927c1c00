"""Tests that others have drawn, measured as a report measures them: on tables, through `impact`.

`python -m tests.benchmarks error_rates` draws each of these worlds 100 times. A world is wrong
where any interval that is printed leaves out the truth: in a world without effect, a claim.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from playbook import impact
from playbook.impact.reached import REACHED
from playbook.inference import stats
from playbook.results import Unavailable
from playbook.run import Run
from tests import elsewhere

SEEDS = 100
BASE = 0.25
World = Callable[[np.random.Generator], bool]


def main() -> None:
    print(f"{__doc__.splitlines()[0]} ({SEEDS} seeds each)")
    for name, world in WORLDS.items():
        rate = sum(world(np.random.default_rng(seed)) for seed in range(SEEDS)) / SEEDS
        within = stats.DEVIATIONS * (rate * (1 - rate) / SEEDS) ** 0.5
        print(f"{name:70} wrong in {rate:.1%} ± {within:.1%}", flush=True)


def mailed(
    rng: np.random.Generator, *, effects: dict[str, float], n: int = 400, until: str = ""
) -> bool:
    """A tool draws people to a control and to each treatment, and mails the treated."""
    arms = {"holdout": (n, BASE)} | {arm: (n, BASE + e) for arm, e in effects.items()}
    told = elsewhere.people(arms, rng=rng, a_day=20)
    play = {"split": dict.fromkeys(arms, 1 / len(arms)), "looks": "7d"}
    if until:
        play |= {"live_from": "2026-01-05", "until": until}
    run = elsewhere.opened(play, **_tables(told))
    return _any_wrong(run, effects)


def teams(rng: np.random.Generator, *, effect: float, accounts: int) -> bool:
    """Accounts of mixed sizes are drawn whole, and their people counted."""
    size = np.minimum(np.ceil(rng.lognormal(1, 0.8, 2 * accounts)), 60).astype(int)
    arm = rng.permutation(np.arange(2 * accounts) % 2)
    share = rng.beta(BASE * 5, (1 - BASE) * 5, 2 * accounts) + effect * arm
    place = np.repeat(np.arange(2 * accounts), size)
    told = pd.DataFrame({"account_id": [f"a{k}" for k in place]})
    told["arm"] = np.where(arm[place] > 0, "treated", "holdout")
    told["did"] = rng.random(len(told)) < share.clip(0, 1)[place]
    told["due"] = elsewhere.BEGINS + pd.to_timedelta(place // 10, unit="D")
    told["user_id"] = [f"u{k:05d}" for k in range(len(told))]
    given = _tables(told)
    given["users"] = elsewhere.users(told, account_id=told["account_id"])
    given["assignments"] = elsewhere.assignments(told, unit="account_id")
    play = {"holdout": 0.5, "unit": "account", "measured_on": "user"}
    # The share is cut off at 1: what is planted is what is left of it.
    truth = float((share.clip(0, 1) - (share - effect * arm))[arm > 0].mean()) if effect else 0.0
    return _any_wrong(elsewhere.opened(play, **given), {"treated": truth})


def paying(rng: np.random.Generator, *, effect: float, n: int = 400) -> bool:
    """A flag about revenue: one in three pays, a few of them much."""
    told = elsewhere.people({"holdout": (n, BASE), "treated": (n, BASE)}, rng=rng, a_day=20)
    pays = rng.random(2 * n) < 1 / 3
    raised = np.where(told["arm"] == "treated", 1 + effect, 1.0)
    amount = rng.lognormal(2, 1, 2 * n) * raised
    bills = pd.DataFrame({"user_id": told["user_id"], "value": amount})[pays]
    bills["at"] = told["due"][pays] + pd.Timedelta("3D")
    days = pd.date_range(elsewhere.BEGINS, elsewhere.AS_OF, freq="6h")
    others = pd.DataFrame({"user_id": "ping", "at": days, "value": 1.0})
    given = _tables(told) | {"values": pd.concat([bills, others]).assign(name="revenue")}
    del given["messages"]
    kind = {"name": "revenue", "of": "mean", "value": "revenue", "role": "primary"}
    play = {"holdout": 0.5, "channel": "product", "metrics": [kind]}
    run = elsewhere.opened(play, **given)
    (row,) = impact.effects(run).rows
    truth = effect * np.exp(2 + 0.5) / 3
    if row["metric_low"] is None:
        return False
    return not row["metric_low"] <= truth <= row["metric_high"]


def _tables(told: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "events": elsewhere.log(told),
        "users": elsewhere.users(told),
        "messages": elsewhere.messages(told[told["arm"] != "holdout"]),
        "assignments": elsewhere.assignments(told),
    }


def _any_wrong(run: Run, effects: dict[str, float]) -> bool:
    """Whether any printed interval, of the assigned or of the reached, leaves out its effect."""
    found = {row["label"].partition(": ")[2] or "treated": row for row in impact.effects(run).rows}
    for arm, truth in effects.items():
        row = found[arm]
        if row["low"] is not None and not row["low"] <= truth <= row["high"]:
            return True
    reached = impact.among_reached(run, "test")
    if isinstance(reached, Unavailable):
        return False
    # All treated got it: among them the effect is the same.
    truths = {f"{arm}, {REACHED}": truth for arm, truth in effects.items()} | effects
    truths |= {REACHED: truths.get("treated")}
    for row in reached.rows[1::2]:
        truth = truths[row["label"]]
        if row["low"] is not None and not row["low"] <= truth <= row["high"]:
            return True
    return False


WORLDS: dict[str, World] = {
    "a tool's mail, no effect": partial(mailed, effects={"treated": 0.0}),
    "a tool's mail, +10 points": partial(mailed, effects={"treated": 0.1}),
    "a tool's two mails, no effect": partial(mailed, effects={"short": 0.0, "long": 0.0}),
    "a tool's two mails, one +10 points": partial(mailed, effects={"short": 0.0, "long": 0.1}),
    "a mail that ended at half, no effect": partial(
        mailed, effects={"treated": 0.0}, until="2026-01-25"
    ),
    **{
        f"{accounts} accounts an arm, their people, {effect:+.0%}": partial(
            teams, effect=effect, accounts=accounts
        )
        for accounts in (12, 40, 120)
        for effect in (0.0, 0.15)
    },
    "a flag about revenue, no effect": partial(paying, effect=0.0),
    "a flag about revenue, +40 %": partial(paying, effect=0.4),
}
