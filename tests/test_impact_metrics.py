"""Stage 4 on metrics beyond a share: revenue, counts, ratios, guardrails, and whole accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from playbook import findings, impact
from playbook.inference import compare, values
from playbook.inference.arms import Arm
from playbook.inference.samples import Sample
from tests import elsewhere
from tests.elsewhere import AS_OF, assignments, log, messages, people, users

HALVES = {"treated": (800, 0.3), "holdout": (800, 0.3)}
HALF = {"holdout": 0.5}


def paid(told, *, effect=0.0, seed=1):
    """What people pay: lognormal, one in two, in the week before and, with the effect, after."""
    rng = np.random.default_rng(seed)
    wealth = rng.lognormal(3, 0.6, len(told))
    raised = np.where(told["arm"] == "treated", 1 + effect, 1.0)
    parts = []
    for days, by in ((-3, 1.0), (3, raised)):
        pays = rng.random(len(told)) < 0.5
        amount = wealth * rng.lognormal(0, 0.3, len(told)) * by
        at = told["due"] + pd.Timedelta(days=days)
        parts.append(pd.DataFrame({"user_id": told["user_id"], "at": at, "value": amount})[pays])
    days = pd.date_range(elsewhere.BEGINS, AS_OF, freq="6h")  # others go on to pay
    parts.append(pd.DataFrame({"user_id": "ping", "at": days, "value": 1.0}))
    return pd.concat(parts, ignore_index=True).assign(name="revenue")


def tables(told, **more):
    given = {
        "events": log(told),
        "users": users(told),
        "messages": messages(told[told["arm"] == "treated"]),
        "assignments": assignments(told),
    }
    return given | more


def metric(name, of, **said):
    return {"name": name, "of": of} | said


def rows_of(run):
    return {row["metric"]: row for row in impact.metrics(run, "test").rows}


def per_person(told, amounts, *, since, until):
    """What each person brings in a stretch of days around their moment, nothing included."""
    joined = told.merge(amounts, on="user_id")
    after = joined["at"] - joined["due"]
    kept = joined[(after >= pd.Timedelta(days=since)) & (after <= pd.Timedelta(days=until))]
    sums = kept.groupby("user_id")["value"].sum()
    return told["user_id"].map(sums).fillna(0.0)


def test_a_mean_is_the_difference_of_what_people_bring_with_the_time_before_taken_out():
    told = people(HALVES)
    revenue = paid(told, effect=0.5)
    play = HALF | {"metrics": [metric("revenue", "mean", value="revenue")]}
    run = elsewhere.opened(play, **tables(told, values=revenue))
    row = rows_of(run)["revenue"]
    after = per_person(told, revenue, since=0, until=7)
    before = per_person(told, revenue, since=-7, until=-0.01)
    arms = [
        Sample.of([(1, a, 1, b) for a, b in zip(after[own], before[own], strict=True)], units=800)
        for own in (told["arm"] == "treated", told["arm"] == "holdout")
    ]
    found = values.difference(*arms, deviations=impact.effects(run).rows[0]["deviations"])
    assert row["difference"] == pytest.approx(found.difference)
    assert (row["low"], row["high"]) == pytest.approx((found.low, found.high))
    assert row["explained"] == pytest.approx(found.explained)
    assert (row["verdict"], row["low"] > 0, row["n_treated"]) == ("better", True, 800)
    assert "the time before explains" in findings.of(impact.metrics(run, "test")).text


def test_the_largest_values_are_drawn_in_arms_together():
    told = people(HALVES)
    revenue = paid(told)
    revenue.loc[revenue["at"].idxmax(), "value"] = 1e6
    kinds = [metric("plain", "mean", value="revenue")]
    kinds += [metric("capped", "mean", value="revenue", winsorize=0.99)]
    run = elsewhere.opened(HALF | {"metrics": kinds}, **tables(told, values=revenue))
    rows = rows_of(run)
    after = per_person(told, revenue, since=0, until=7).sort_values().to_numpy()
    cap = after[int(0.99 * len(after)) - 1]
    own = per_person(told, revenue, since=0, until=7).clip(upper=cap)
    means = own.groupby(told["arm"]).mean()
    assert rows["capped"]["treated"] - rows["capped"]["holdout"] == pytest.approx(
        means["treated"] - means["holdout"], abs=0.2
    )
    assert abs(rows["capped"]["difference"]) < 10


def test_counts_shares_and_ratios_are_of_what_people_did_in_the_window():
    told = people({"treated": (600, 0.5), "holdout": (600, 0.5)})
    rng = np.random.default_rng(3)
    visits = told.loc[told.index.repeat(rng.integers(1, 5, len(told)))]
    more = pd.DataFrame({"user_id": visits["user_id"], "event": "visit"})
    more["at"] = visits["due"] + pd.to_timedelta(rng.integers(1, 120, len(visits)), unit="h")
    clicks = more[rng.random(len(more)) < 0.3].assign(event="click")
    days = pd.date_range(elsewhere.BEGINS, AS_OF, freq="6h")
    others = [pd.DataFrame({"user_id": "ping", "event": e, "at": days}) for e in ("visit", "click")]
    kinds = [
        metric("visits", "count", event="visit"),
        metric("clicked", "share", event="click"),
        metric("rate", "ratio", event="click", per={"event": "visit"}),
    ]
    given = tables(told, events=log(told, more, clicks, *others))
    rows = rows_of(elsewhere.opened(HALF | {"metrics": kinds}, **given))
    arm = told.set_index("user_id")["arm"]
    n = (
        pd.DataFrame(
            {name: each.groupby("user_id").size() for name, each in (("v", more), ("c", clicks))}
        )
        .reindex(told["user_id"])
        .fillna(0)
    )
    by = n.groupby(arm.reindex(n.index)).sum()
    for which in ("treated", "holdout"):
        assert rows["visits"][which] == pytest.approx(by.loc[which, "v"] / 600)
        assert rows["rate"][which] == pytest.approx(by.loc[which, "c"] / by.loc[which, "v"])
    did = (n["c"] > 0).groupby(arm.reindex(n.index)).sum()
    found = compare.people((600, int(did["treated"])), (600, int(did["holdout"])))
    assert rows["clicked"]["difference"] == pytest.approx(100 * found.difference)
    assert rows["clicked"]["in"] == "% of persons within 7 days"


@pytest.mark.parametrize(
    ("effect", "margin", "verdict"),
    [(0.0, 8.0, "no worse"), (-0.5, 2.0, "worse than allowed"), (0.0, 0.01, "cannot tell")],
)
def test_a_guardrail_is_read_against_its_margin(effect, margin, verdict):
    told = people(HALVES)
    guard = metric("revenue", "mean", value="revenue", role="guardrail", margin=margin)
    given = tables(told, values=paid(told, effect=effect))
    found = rows_of(elsewhere.opened(HALF | {"metrics": [guard]}, **given))
    assert found["revenue"]["verdict"] == verdict


def test_a_play_may_be_judged_by_a_metric_in_place_of_its_goal():
    told = people(HALVES)
    kind = metric("revenue", "mean", value="revenue", role="primary", smallest_effect=3.0)
    given = tables(told, values=paid(told, effect=0.6))
    run = elsewhere.opened(HALF | {"metrics": [kind]}, **given)
    (row,) = impact.effects(run).rows
    assert (row["verdict"], row["metric"], row["grade"]) == ("works", "revenue", "A")
    assert row["low"] < 0 < row["high"]  # its goal does not differ
    said = findings.of(impact.effects(run)).text
    assert said.startswith("**test** works on revenue: **+")
    assert "Its goal: " in said
    none = elsewhere.opened(HALF | {"metrics": [kind]}, **tables(told, values=paid(told)))
    assert impact.effects(none).rows[0]["verdict"] == "cannot tell"


def test_a_metric_without_values_says_so_and_no_other_section_falls():
    told = people(HALVES)
    kind = metric("revenue", "mean", value="refunds", role="primary")
    run = elsewhere.opened(HALF | {"metrics": [kind]}, **tables(told, values=paid(told)))
    found = impact.metrics(run, "test")
    assert found.reason == "The table `values` holds no `refunds`."
    (row,) = impact.effects(run).rows
    assert (row["verdict"], row["grade"], row["difference"]) == ("check failed", "–", None)
    assert row["why"] == found.reason
    assert impact.checks(run).rows[0]["subject"] == "test"


# Drawn by account, measured on people


def teams(effect, *, accounts=120, seed=0):
    """People in accounts of mixed sizes, drawn whole, who are alike within them."""
    rng = np.random.default_rng(seed)
    size = np.minimum(np.ceil(rng.lognormal(1, 0.8, 2 * accounts)), 60).astype(int)
    arm = np.where(np.arange(2 * accounts) % 2, "treated", "holdout")
    share = rng.beta(0.3 * 5, 0.7 * 5, 2 * accounts) + effect * (arm == "treated")
    told = pd.DataFrame({"account_id": [f"a{k}" for k in range(2 * accounts)], "arm": arm})
    told = told.assign(share=share.clip(0, 1)).loc[np.repeat(np.arange(2 * accounts), size)]
    told = told.reset_index(drop=True).assign(user_id=[f"u{k:05d}" for k in range(size.sum())])
    told["did"] = rng.random(len(told)) < told["share"]
    place = told["account_id"].str.removeprefix("a").astype(int)
    told["due"] = elsewhere.BEGINS + pd.to_timedelta(place // 8, unit="D")
    return told


@pytest.mark.parametrize("accounts", [15, 120])
def test_accounts_that_are_drawn_whole_have_their_people_counted(accounts):
    told = teams(0.2, accounts=accounts)
    play = HALF | {"unit": "account", "measured_on": "user"}
    play["metrics"] = [metric("again", "share", event="goal")]
    given = tables(told, users=users(told, account_id=told["account_id"]))
    given["assignments"] = assignments(told, unit="account_id")
    run = elsewhere.opened(play, **given)
    (row,) = impact.effects(run).rows
    arms = []
    for name in ("treated", "holdout"):
        own = told[told["arm"] == name].groupby("account_id")["did"]
        arms.append(Arm.of(zip(own.size().tolist(), own.sum().tolist(), strict=True)))
    found = compare.accounts(*arms, deviations=row["deviations"])
    assert (row["n_treated"], row["accounts_treated"]) == (arms[0].n, arms[0].accounts)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(
        (found.difference, found.low, found.high)
    )
    assert row["design_effect"] > 1
    again = rows_of(run)["again"]
    assert again["difference"] / 100 == pytest.approx(found.difference)
    # Of many accounts their sums alone are known.
    assert again["low"] / 100 == pytest.approx(found.low, rel=0.02)


def test_values_of_accounts_cannot_be_counted_on_people():
    told = teams(0.0)
    play = HALF | {"unit": "account", "measured_on": "user"}
    play["metrics"] = [metric("revenue", "mean", value="revenue")]
    bills = told.drop_duplicates("account_id")[["account_id", "due"]].rename(columns={"due": "at"})
    given = tables(told, users=users(told, account_id=told["account_id"]))
    given |= {"assignments": assignments(told, unit="account_id")}
    given["values"] = bills.assign(name="revenue", value=1.0)
    run = elsewhere.opened(play, **given)
    assert impact.metrics(run, "test").reason.startswith("The values `revenue` are of accounts")
