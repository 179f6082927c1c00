"""Tests that others have drawn, measured as a report measures them: on tables, through `impact`.

`python -m tests.benchmarks error_rates` draws each of these worlds 100 times. A world is wrong
where any interval that is printed leaves out the truth: in a world without effect, a claim. All
tests have ended, so that their last look spends what is left of the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from playbook import impact
from playbook.declare import Experiment
from playbook.impact.reached import REACHED
from playbook.inference import stats
from playbook.results import Unavailable
from playbook.run import Run
from tests import elsewhere

SEEDS = 100
BASE = 0.25
UNTIL = "2026-02-14"
EARLIER = tuple(map(pd.Timestamp, ("2026-01-24", "2026-02-03", "2026-02-13")))
ENDED = {"live_from": "2026-01-05", "until": UNTIL, "looks": "400d"}
Drawn = tuple[bool, bool]  # whether anything printed is wrong, and whether an effect is shown
World = Callable[[np.random.Generator], Drawn]


def main() -> None:
    print(f"{__doc__.splitlines()[0]} ({SEEDS} seeds each)")
    for name, world in WORLDS.items():
        drawn = [world(np.random.default_rng(seed)) for seed in range(SEEDS)]
        rate, shown = (sum(each) / SEEDS for each in zip(*drawn, strict=True))
        within = stats.DEVIATIONS * (rate * (1 - rate) / SEEDS) ** 0.5
        said = f"wrong in {rate:.1%} ± {within:.1%}, an effect shown in {shown:.0%}"
        print(f"{name:70} {said}", flush=True)


def mailed(
    rng: np.random.Generator,
    *,
    effects: dict[str, float],
    until: str = UNTIL,
    looked: Sequence[pd.Timestamp] = (),
) -> Drawn:
    """A tool draws people to a control and to each treatment, and mails the treated; looked at
    when it has ended, and earlier."""
    n = 800 // (1 + len(effects))
    arms = {"holdout": (n, BASE)} | {arm: (n, BASE + e) for arm, e in effects.items()}
    told = elsewhere.people(arms, rng=rng, a_day=20)
    play = ENDED | {"split": dict.fromkeys(arms, 1 / len(arms)), "until": until}
    play |= {"looks": "10d"} if looked else {}
    runs = [
        elsewhere.opened(play, as_of=last, **_by_then(_tables(told), last))
        for last in (*looked, elsewhere.AS_OF)
    ]
    found = [_found(run, effects) for run in runs]
    return any(wrong for wrong, _shown in found), any(shown for _wrong, shown in found)


def teams(rng: np.random.Generator, *, effect: float, accounts: int) -> Drawn:
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
    play = ENDED | {"holdout": 0.5, "unit": "account", "measured_on": "user"}
    # The share is cut off at 1: what is planted is what is left of it.
    truth = float((share.clip(0, 1) - (share - effect * arm))[arm > 0].mean()) if effect else 0.0
    return _found(elsewhere.opened(play, **given), {"treated": truth})


def paying(rng: np.random.Generator, *, effect: float, n: int = 400) -> Drawn:
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
    play = ENDED | {"holdout": 0.5, "channel": "product", "metrics": [kind]}
    run = elsewhere.opened(play, **given)
    (row,) = impact.effects(run).rows
    truth = effect * np.exp(2 + 0.5) / 3
    if row["metric_low"] is None:
        return False, False
    low, high = row["metric_low"], row["metric_high"]
    return not low <= truth <= high, not low <= 0 <= high


def totalled(rng: np.random.Generator, *, effect: float, held: float) -> Drawn:
    """Revenue of which the totals by day and arm alone are known; most units are treated."""
    n = 1200
    arm = rng.random(n) >= held
    amount = np.where(rng.random(n) < 1 / 3, rng.lognormal(2, 1, n) * (1 + effect * arm), 0)
    day = elsewhere.BEGINS.normalize() + pd.to_timedelta(np.arange(n) // 30, unit="D")
    told = pd.DataFrame({"at": day, "arm": np.where(arm, "new", "control"), "n": 1})
    told = told.assign(value=amount, squares=amount**2)
    told = told.groupby(["at", "arm"], as_index=False).sum().assign(test="price")
    kind = {"name": "revenue", "of": "mean", "value": "revenue"}
    how = {"within": "7d", "looks": "400d", "until": UNTIL, "metrics": [kind]}
    how["split"] = {"control": held, "new": 1 - held}
    experiment = Experiment(slug="price", hypothesis="It pays.", totals=how)
    some = elsewhere.people({"a": (40, 0.5)}, rng=rng)
    given = {"events": elsewhere.log(some), "users": elsewhere.users(some), "totals": told}
    (row,) = impact.totals(elsewhere.opened({}, experiments=[experiment], **given)).rows
    if row["low"] is None:
        return False, False
    truth = effect * np.exp(2 + 0.5) / 3
    return not row["low"] <= truth <= row["high"], not row["low"] <= 0 <= row["high"]


def _tables(told: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "events": elsewhere.log(told),
        "users": elsewhere.users(told),
        "messages": elsewhere.messages(told[told["arm"] != "holdout"]),
        "assignments": elsewhere.assignments(told),
    }


def _by_then(tables: dict[str, pd.DataFrame], last: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables as they were at a moment."""
    at = {"events": "at", "users": "signed_up_at", "messages": "sent_at"}
    at["assignments"] = "assigned_at"
    return {name: rows[rows[at[name]] <= last] for name, rows in tables.items()}


def _found(run: Run, effects: dict[str, float]) -> Drawn:
    """Whether any printed interval, of the assigned or of the reached, leaves out its effect; and
    whether any of the assigned leaves out 0."""
    found = {row["label"].partition(": ")[2] or "treated": row for row in impact.effects(run).rows}
    told = [(found[arm], truth) for arm, truth in effects.items() if found[arm]["low"] is not None]
    shown = any(not row["low"] <= 0 <= row["high"] for row, _truth in told)
    reached = impact.among_reached(run, "test")
    rows = [] if isinstance(reached, Unavailable) else reached.rows[1::2]
    # All treated got it: among them the effect is the same.
    truths = {f"{arm}, {REACHED}": truth for arm, truth in effects.items()} | effects
    truths |= {REACHED: truths.get("treated")}
    told += [(row, truths[row["label"]]) for row in rows if row["low"] is not None]
    return any(not row["low"] <= truth <= row["high"] for row, truth in told), shown


WORLDS: dict[str, World] = {
    "a tool's mail, no effect": partial(mailed, effects={"treated": 0.0}),
    "a tool's mail, +10 points": partial(mailed, effects={"treated": 0.1}),
    "a tool's two mails, no effect": partial(mailed, effects={"short": 0.0, "long": 0.0}),
    "a tool's two mails, one +10 points": partial(mailed, effects={"short": 0.0, "long": 0.1}),
    "a tool's mail, no effect, looked at four times": partial(
        mailed, effects={"treated": 0.0}, looked=EARLIER
    ),
    "a tool's two mails, no effect, looked at four times": partial(
        mailed, effects={"short": 0.0, "long": 0.0}, looked=EARLIER
    ),
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
    **{
        f"revenue known by its totals, {held:.0%} held out, {effect:+.0%}": partial(
            totalled, effect=effect, held=held
        )
        for held in (0.5, 0.1)
        for effect in (0.0, 0.5)
    },
}
