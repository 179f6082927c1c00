"""Stage 4 over time, between treatments, and of all plays together: worlds with planted truths."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from playbook import charts, findings, impact
from playbook.impact.all_plays import trial_of_all
from playbook.impact.days import times_within
from playbook.inference import compare, several
from playbook.inference.arms import Arm
from playbook.language.periods import duration
from playbook.ledger.people import people as people_of
from playbook.results import Unavailable
from playbook.run import fetched
from tests import elsewhere
from tests.elsewhere import BEGINS, assignments, log, messages, people, users
from tests.ledger_by_hand import bucket

HALF = {"holdout": 0.5}
DAY = pd.Timedelta("1D")
EFFECT = ("difference", "low", "high")


def tables(told, **more):
    """The tables of a mail that all but the control got, who are drawn by somebody else."""
    given = {
        "events": log(told),
        "users": users(told),
        "messages": messages(told[told["arm"] != "holdout"]),
        "assignments": assignments(told),
    }
    return given | more


def numbers(row, names=EFFECT):
    return tuple(row[name] for name in names)


def compared(told, deviations, *, treated="treated", held="holdout"):
    """The difference of the shares that did it, by hand."""
    sizes = [
        (len(own), int(own["did"].sum()))
        for own in (told[told["arm"] == treated], told[told["arm"] == held])
    ]
    return compare.people(*sizes, deviations=deviations)


def said(answer):
    return findings.of(answer).text


# Over weeks


def over_time(first, second, *, n=2400, seed=0):
    """People of two arms whose shares are others in the first half of the time than later."""
    told = people({"treated": (n // 2, 0), "holdout": (n // 2, 0)}, seed=seed)
    rng = np.random.default_rng(seed + 1)
    early = np.arange(n) < n // 2
    treated = np.where(early, first, second)
    told["did"] = rng.random(n) < np.where(told["arm"] == "treated", treated, 0.2)
    return told


def test_the_effect_by_week_and_by_half_is_that_of_who_came_in_it():
    told = over_time(0.4, 0.4)
    run = elsewhere.opened(HALF, **tables(told))
    rows = {row["week"]: row for row in impact.over_weeks(run, "test").rows}
    told["week"] = ((told["due"] - BEGINS) // (7 * DAY) + 1).astype(str)
    assert list(rows) == ["first half", "second half", *sorted(set(told["week"]), key=int)]
    deviations = impact.effects(run).rows[0]["deviations"]
    for week, own in told.groupby("week"):
        found = compared(own, deviations)
        assert numbers(rows[week]) == pytest.approx(numbers(found.__dict__)), week
        assert (rows[week]["n_treated"], rows[week]["n_holdout"]) == found.units
    # Forty are due at a time, thirty times in each half: no time is cut in two.
    halves = [compared(told.iloc[:1200], deviations), compared(told.iloc[1200:], deviations)]
    for name, found in zip(("first half", "second half"), halves, strict=True):
        assert numbers(rows[name]) == pytest.approx(numbers(found.__dict__))
    apart = (halves[0].difference - halves[1].difference) ** 2
    p = chi2.sf(apart / (halves[0].error ** 2 + halves[1].error ** 2), 1)
    assert [row["p_differs"] for row in rows.values()] == pytest.approx([p] * len(rows))


@pytest.mark.parametrize(
    ("first", "second", "begins", "verdicts"),
    [
        (0.55, 0.2, "The effect falls with time: **+3", ("works", "cannot tell")),
        (0.2, 0.55, "The effect rises with time: ", ("cannot tell", "works")),
        (0.4, 0.4, "It is not shown that the effect changes", ("not told apart",) * 2),
    ],
)
def test_what_wears_off_or_grows_is_told_and_else_no_part_has_a_verdict(
    first, second, begins, verdicts
):
    run = elsewhere.opened(HALF, **tables(over_time(first, second)))
    found = impact.over_weeks(run, "test")
    assert tuple(row["verdict"] for row in found.rows[:2]) == verdicts
    assert said(found).startswith(begins)
    if "not told apart" in verdicts:
        assert {row["verdict"] for row in found.rows} == {"not told apart"}
    assert charts.of(found)


@pytest.mark.parametrize(
    ("first", "second", "change"),
    [
        (0.55, 0.3, "The effect falls with time; it brings more people than would have come"),
        (0.4, 0.4, "No change with time is shown; it brings more people than would have come"),
        (0.2, 0.2, "Of 1 other play no effect is shown, nor that it changes with time."),
    ],
)
def test_whether_effects_last_is_told_of_all_plays_in_one_picture(first, second, change):
    run = elsewhere.opened(HALF, **tables(over_time(first, second)))
    found, weeks = impact.lasting(run), impact.over_weeks(run, "test").rows[:2]
    assert [row["half"] for row in found.rows] == ["first half", "second half"]
    # The only play: there is nothing to correct for.
    names = (*EFFECT, "p_differs", "verdict")
    assert [numbers(row, names) for row in found.rows] == [numbers(row, names) for row in weeks]
    assert change in said(found)
    assert charts.of(found)


def test_whom_a_play_harms_is_named_where_its_effects_differ():
    told = people({"treated": (1200, 0), "holdout": (1200, 0)})
    told["persona"] = np.where(np.arange(len(told)) % 2, "sales", "data")
    share = {("treated", "sales"): 0.15, ("treated", "data"): 0.6}
    chance = [share.get(pair, 0.35) for pair in zip(told["arm"], told["persona"], strict=True)]
    told["did"] = np.random.default_rng(3).random(len(told)) < chance
    run = elsewhere.opened(HALF, **tables(told, users=users(told, persona=told["persona"])))
    (row,) = impact.harmed(run).rows
    sales = compared(told[told["persona"] == "sales"], impact.effects(run).rows[0]["deviations"])
    assert (row["play"], row["whom"], row["in"]) == ("test", "sales", "points")
    assert numbers(row) == pytest.approx([100 * each for each in numbers(sales.__dict__)])
    assert said(impact.harmed(run)).startswith("test harms **sales**: **−")


def test_a_play_that_harms_everybody_is_named_and_one_that_harms_nobody_is_not():
    found = [
        impact.harmed(elsewhere.opened(HALF, **tables(over_time(share, share))))
        for share in (0.05, 0.2)
    ]
    assert [row["whom"] for row in found[0].rows] == ["everybody"]
    assert not found[1].rows
    assert said(found[1]) == "No play is shown to make anybody do less of what it wants."


def test_weeks_with_too_few_units_and_units_of_one_day_are_not_compared():
    told = people({"treated": (600, 0.5), "holdout": (600, 0.2)}, a_day=290)
    run = elsewhere.opened(HALF, **tables(told, messages=messages(told[told["arm"] != "holdout"])))
    assert [row["week"] for row in impact.over_weeks(run, "test").rows][2:] == ["1"]
    late = told.assign(due=told["due"].where(told.index < 1180, BEGINS + 9 * DAY))
    rows = impact.over_weeks(elsewhere.opened(HALF, **tables(late)), "test").rows
    assert [(row["week"], row["verdict"]) for row in rows[3:]] == [("2", "too few")]
    assert rows[3]["difference"] is None
    at_once = people({"treated": (600, 0.5), "holdout": (600, 0.2)}, a_day=10_000)
    found = impact.over_weeks(elsewhere.opened(HALF, **tables(at_once)), "test")
    assert [row["n_treated"] for row in found.rows] == [0, 600, 600]
    assert {row["p_differs"] for row in found.rows} == {None}
    assert said(found).startswith("Too few units to say whether the effect wears off or grows.")


def test_each_treatment_is_followed_by_itself():
    told = people({"holdout": (700, 0.2), "short": (700, 0.2), "long": (700, 0.35)})
    run = elsewhere.opened({"split": dict.fromkeys(set(told["arm"]), 1 / 3)}, **tables(told))
    for ask in (impact.over_weeks, impact.over_days):
        found = ask(run, "test")
        assert {row["label"] for row in found.rows} == {"test: short", "test: long"}
        assert "- **test: long**: " in said(found)


def in_accounts(told, *, seed=0):
    """The same people in accounts of three, each of one arm, whose people come over two weeks."""
    rng = np.random.default_rng(seed)
    accounts = np.repeat(np.arange(len(told) // 3), 3)
    told = told.iloc[: len(accounts)].assign(account_id=[f"a{k}" for k in accounts])
    told["arm"] = np.where(accounts % 2, "treated", "holdout")
    told["due"] = BEGINS + pd.to_timedelta(accounts // 20 + rng.integers(0, 14, len(told)), "D")
    told["did"] = rng.random(len(told)) < np.where(accounts % 2, 0.5, 0.2)
    return told


def of_accounts(told, deviations):
    """The difference over the people of accounts that were drawn whole, by hand."""
    arms = []
    for name in ("treated", "holdout"):
        own = told[told["arm"] == name].groupby("account_id")["did"]
        arms.append(Arm.of(zip(own.size().tolist(), own.sum().tolist(), strict=True)))
    return compare.accounts(*arms, deviations=deviations)


WHOLE = HALF | {"unit": "account", "measured_on": "user"}


def test_an_account_that_is_drawn_whole_is_in_the_week_of_its_first_person():
    told = in_accounts(people({"any": (1500, 0)}))
    given = tables(told, users=users(told, account_id=told["account_id"]))
    given["assignments"] = assignments(told.sort_values("due"), unit="account_id")
    run = elsewhere.opened(WHOLE, **given)
    rows = {row["week"]: row for row in impact.over_weeks(run, "test").rows}
    (whole,) = impact.effects(run).rows
    first = told.groupby("account_id")["due"].transform("min")
    weeks = ((first - BEGINS) // (7 * DAY) + 1).astype(str)
    assert set(rows) == {"first half", "second half", *weeks}
    for week, own in told.groupby(weeks):
        found = numbers(of_accounts(own, whole["deviations"]).__dict__)
        few = min(rows[week]["n_treated"], rows[week]["n_holdout"]) < 30
        assert numbers(rows[week]) == ((None,) * 3 if few else pytest.approx(found)), week
    for parts in (["first half", "second half"], sorted(set(weeks))):
        for name in ("n_treated", "accounts_treated", "accounts_holdout"):
            assert sum(rows[part][name] for part in parts) == whole[name]


# Over days


def at_times(shares, *, n=1600, seed=0):
    """People, and what they did: (arm → {hours after their moment: share that does it then})."""
    told = people({"treated": (n // 2, 0), "holdout": (n // 2, 0)}, seed=seed)
    rng = np.random.default_rng(seed + 1)
    drawn, hours = rng.random(n), np.full(n, np.nan)
    for arm, planned in shares.items():
        above = 0.0
        for after, share in planned.items():
            own = (told["arm"] == arm) & (drawn >= above) & (drawn < above + share)
            hours[own] = after
            above += share
    told["hours"] = hours
    done = told[told["hours"].notna()]
    at = done["due"] + pd.to_timedelta(done["hours"], unit="h")
    did = pd.DataFrame({"user_id": done["user_id"], "event": "goal", "at": at})
    return told.assign(did=False), did


SOONER = {"treated": {20: 0.4, 100: 0.02}, "holdout": {20: 0.1, 100: 0.32}}
MORE = {"treated": {20: 0.2, 100: 0.3}, "holdout": {20: 0.1, 100: 0.1}}
BOTH = {"treated": {20: 0.6}, "holdout": {20: 0.1, 100: 0.3}}
NEITHER = {"treated": {20: 0.2, 100: 0.1}, "holdout": {20: 0.2, 100: 0.1}}
LATER = {"treated": {20: 0.1, 100: 0.3}, "holdout": {20: 0.4}}
UNSURE = {"treated": {20: 0.2, 100: 0.41}, "holdout": {20: 0.1, 100: 0.46}}


def test_the_effect_by_days_is_the_share_that_has_done_it_by_then_the_end_included():
    told, did = at_times({"treated": {24: 0.3, 90: 0.2}, "holdout": {24.1: 0.2, 168: 0.2}})
    run = elsewhere.opened(HALF, **tables(told, events=log(told, did)))
    rows = impact.over_days(run, "test").rows
    assert [row["within"] for row in rows] == ["24 hours", "48 hours", "4 days", "7 days"]
    assert [row["within_hours"] for row in rows] == [24, 48, 96, 168]
    (whole,) = impact.effects(run).rows
    deviations = whole["deviations"]
    for row in rows[:-1]:
        soon = told["hours"] <= row["within_hours"]
        found = compared(told.assign(did=soon), deviations)
        later = compared(told.assign(did=(told["hours"] > row["within_hours"])), deviations)
        assert (row["n_treated"], row["n_holdout"], row["open"]) == (800, 800, 0)
        assert (row["treated"], row["holdout"]) == (found.treated, found.holdout)
        assert numbers(row) == pytest.approx(numbers(found.__dict__))
        ends = numbers(row, ("later", "later_low", "later_high"))
        assert ends == pytest.approx(numbers(later.__dict__))
        assert row["p_later"] == pytest.approx(min(3 * later.p, 1))
    assert numbers(rows[-1], (*EFFECT, "verdict")) == numbers(whole, (*EFFECT, "verdict"))
    assert rows[0]["holdout"] == 0


@pytest.mark.parametrize(
    ("world", "verdicts", "says"),
    [
        (SOONER, ("works", "cannot tell"), "it brings people sooner; that more come in the end"),
        (MORE, ("works", "works"), "That the other arm catches up is not shown."),
        (BOTH, ("works", "works"), "it brings more people than would have come, and others sooner"),
        (NEITHER, ("cannot tell", "cannot tell"), "No effect is shown at any time: within 7 days"),
        (
            LATER,
            ("harms", "cannot tell"),
            "it brings people later; that fewer come in the end is not",
        ),
        (UNSURE, ("works", "cannot tell"), "Within 24 hours more come: **+1"),
    ],
)
def test_whether_more_come_or_the_same_ones_sooner(world, verdicts, says):
    told, did = at_times(world)
    found = impact.over_days(elsewhere.opened(HALF, **tables(told, events=log(told, did))), "test")
    assert (found.rows[0]["verdict"], found.rows[-1]["verdict"]) == verdicts
    assert says in said(found)
    assert charts.of(found)


def test_days_count_the_people_of_accounts_that_were_drawn_whole():
    told = in_accounts(people({"any": (1500, 0)}))
    rng = np.random.default_rng(5)
    told["hours"] = np.where(told["did"], rng.integers(1, 168, len(told)), np.nan)
    done = told[told["did"]]
    at = done["due"] + pd.to_timedelta(done["hours"], unit="h")
    did = pd.DataFrame({"user_id": done["user_id"], "event": "goal", "at": at})
    given = tables(told, users=users(told, account_id=told["account_id"]))
    given |= {"assignments": assignments(told.sort_values("due"), unit="account_id")}
    given["events"] = log(told.assign(did=False), did)
    rows = impact.over_days(elsewhere.opened(WHOLE, **given), "test").rows
    assert len(rows) == 4
    for row in rows:
        own = told.assign(did=told["hours"] <= row["within_hours"])
        found = of_accounts(own, row["deviations"])
        assert numbers(row) == pytest.approx(numbers(found.__dict__))
        assert row["accounts_treated"] + row["accounts_holdout"] == 500


def test_a_short_window_is_followed_by_hours_or_minutes():
    def hours(text):
        return [time / timedelta(hours=1) for time in times_within(duration(text))]

    assert hours("14d") == [24, 48, 96, 168, 336]
    assert hours("3d") == [1, 2, 4, 8, 16, 24, 48, 72]
    assert hours("24h") == [1, 2, 4, 8, 16, 24]
    assert [60 * each for each in hours("30m")] == pytest.approx([1, 2, 4, 8, 15, 30])
    assert [3600 * each for each in hours("90s")] == pytest.approx([90])


def test_without_an_effect_to_print_there_is_no_course_of_it():
    few = elsewhere.opened(HALF, **tables(people({"treated": (20, 0.5), "holdout": (20, 0.2)})))
    broken = elsewhere.opened(
        HALF, **tables(people({"treated": (700, 0.5), "holdout": (300, 0.2)}))
    )
    for ask in (impact.over_weeks, impact.over_days):
        assert ask(few, "test").reason.startswith("There is no effect to follow: it takes 30 units")
        assert ask(broken, "test").reason.startswith("There is no effect to follow: sizes ")


# Between treatments

FOUR = {"holdout": (600, 0.2), "short": (600, 0.2), "long": (600, 0.45), "loud": (600, 0.4)}
SPLIT = {"split": dict.fromkeys(FOUR, 0.25)}


def test_each_treatment_is_set_against_each_other_one_at_an_error_for_all_pairs():
    told = people(FOUR)
    run = elsewhere.opened(SPLIT | {"looks": "400d"}, **tables(told))
    found = impact.between_arms(run, "test")
    rows = {(row["treatment"], row["against"]): row for row in found.rows}
    assert list(rows) == [("long", "short"), ("loud", "short"), ("loud", "long")]
    for (one, other), row in rows.items():
        by_hand = compared(told, row["deviations"], treated=one, held=other)
        assert numbers(row) == pytest.approx(numbers(by_hand.__dict__))
        assert (row["label"], row["n_treated"]) == (f"test: {one} against {other}", 600)
        assert row["grade"] == "A"
    verdicts = [row["verdict"] for row in found.rows]
    assert verdicts == ["better", "better", "cannot tell"]
    assert charts.of(found)
    lines = said(found).splitlines()
    assert lines[0].startswith("- **long** brings more than **short**: **+2")
    assert lines[2].startswith("- **loud** and **long**: no difference shown, **")


def test_a_single_last_look_reaches_as_far_as_tukey_says():
    told = people(FOUR, a_day=10_000)
    sent = messages(told[told["arm"] != "holdout"])
    play = SPLIT | {"live_from": "2026-01-05", "until": "2026-01-08"}
    run = elsewhere.opened(play, **tables(told, messages=sent))
    from scipy.stats import norm

    reach = norm.isf(several.pairs_error(3) / 2)
    rows = impact.between_arms(run, "test").rows
    assert [row["deviations"] for row in rows] == pytest.approx([reach] * 3, abs=1e-3)


def test_the_lesser_one_brings_less():
    told = people({"holdout": (600, 0.2), "long": (600, 0.45), "short": (600, 0.2)})
    split = {"holdout": 1 / 3, "long": 1 / 3, "short": 1 / 3}
    run = elsewhere.opened({"split": split}, **tables(told))
    (row,) = impact.between_arms(run, "test").rows
    assert (row["verdict"], row["high"] < 0) == ("worse", True)
    assert said(impact.between_arms(run, "test")).startswith("**short** brings less than **long**")


def test_a_play_with_one_treatment_or_a_failed_check_has_no_pairs():
    one = elsewhere.opened(HALF, **tables(people({"treated": (600, 0.3), "holdout": (600, 0.2)})))
    assert impact.between_arms(one, "test") == Unavailable(
        "impact.test.between_arms",
        "`test` has one treatment: there is no other one to set it against.",
    )
    assert not impact.between_arms(one, "test").fits
    uneven = people(FOUR | {"short": (400, 0.2)})
    reason = impact.between_arms(elsewhere.opened(SPLIT, **tables(uneven)), "test").reason
    assert reason.startswith("There is nothing to compare: sizes assigned")


def test_treatments_that_differed_before_or_are_too_small_are_no_pair():
    told = people(FOUR)
    share = told["arm"].map({"holdout": 0.1, "short": 0.1, "long": 0.15, "loud": 0.05})
    done = told[told.groupby("arm").cumcount() < 600 * share]
    before = pd.DataFrame({"user_id": done["user_id"], "event": "goal", "at": done["due"] - DAY})
    found = impact.between_arms(
        elsewhere.opened(SPLIT, **tables(told, events=log(told, before))), "test"
    )
    verdicts = {row["label"]: row["verdict"] for row in found.rows}
    # Neither differs from the control as surely.
    assert verdicts["test: loud against long"] == "check failed"
    assert verdicts["test: long against short"] == "better"
    line = (
        "**loud** and **long**: a check failed, so nobody can say which brings more (n = 600 + 600;"
    )
    assert f"{line} time before: 5.0 % against 15.0 % did goal" in said(found)
    small = people({name: (12, share) for name, (_n, share) in FOUR.items()})
    found = impact.between_arms(elsewhere.opened(SPLIT, **tables(small)), "test")
    assert {(row["verdict"], row["difference"]) for row in found.rows} == {("too few", None)}
    assert "too few, so nobody can say which brings more (n = 12 + 12; it takes 30" in said(found)


def test_treatments_of_a_play_that_is_judged_by_a_metric_are_compared_on_it():
    told = people(dict.fromkeys(("holdout", "short", "long"), (600, 0.3)))
    rng = np.random.default_rng(3)
    amount = rng.normal(np.where(told["arm"] == "long", 14.0, 10.0), 4.0)
    paid = pd.DataFrame({"user_id": told["user_id"], "at": told["due"] + DAY, "value": amount})
    days = pd.date_range(BEGINS, elsewhere.AS_OF, freq="6h")
    paid = pd.concat([paid, pd.DataFrame({"user_id": "ping", "at": days, "value": 1.0})])
    kind = {"name": "revenue", "of": "mean", "value": "revenue", "role": "primary"}
    kind |= {"smallest_effect": 1.0}
    play = {"split": {"holdout": 1 / 3, "short": 1 / 3, "long": 1 / 3}, "metrics": [kind]}
    given = tables(told, values=paid.assign(name="revenue"))
    found = impact.between_arms(elsewhere.opened(play, **given), "test")
    (row,) = found.rows
    own = amount[told["arm"] == "long"].mean() - amount[told["arm"] == "short"].mean()
    assert row["metric_difference"] == pytest.approx(own, abs=0.2)
    assert (row["verdict"], row["low"] < 0 < row["high"]) == ("better", True)
    assert said(found).startswith("**long** brings more than **short** on revenue: **+")


# All plays together

ASKED = {"id": "activation", "asks": "How many get there?", "decides": "What to do."}
ASKED |= {"measure": "reached_within", "start": "due", "goal": "goal", "within": "7d"}
SENDING = {"holdout": 0.3, "holdout_unit": "user", "salt": "everyone"}
PRODUCT = {"sending": SENDING, "headline": "activation"}
OURS = {"holdout": 0.1, "arms": "ours"}


def held_out(ids, sending=SENDING):
    cut = round(sending["holdout"] * 10_000)
    return np.array([bucket(f"{sending['salt']}:{each}") < cut for each in ids])


def global_world(*, n=2000, effect=0.15, seed=0, none_in=0.0):
    """People of whom three in ten are held out from all plays, a tenth of the others from one."""
    told = people({"any": (n, 0)}, seed=seed)
    rng = np.random.default_rng(seed + 1)
    told["arm"] = np.where(held_out(told["user_id"]), "holdout", "treated")
    told["did"] = rng.random(n) < np.where(told["arm"] == "treated", 0.2 + effect, 0.2)
    own = np.array([bucket(f"test:{each}") < 1000 for each in told["user_id"]])
    return told, told[(told["arm"] == "treated") & ~own]


def global_tables(told, sent, **more):
    given = {"events": log(told), "users": users(told), "messages": messages(sent)}
    return given | more


def opened_for_all(told, sent, *, product=None, asked=None, play=None, **more):
    return elsewhere.opened(
        play or OURS,
        product=PRODUCT | (product or {}),
        questions=[ASKED | (asked or {})],
        **global_tables(told, sent, **more),
    )


def test_whoever_is_held_out_from_all_plays_is_compared_with_everybody_else():
    told, sent = global_world()
    run = opened_for_all(told, sent)
    found = impact.all_plays(run)
    (row,) = found.rows
    by_hand = compared(told, row["deviations"])
    assert numbers(row) == pytest.approx(numbers(by_hand.__dict__))
    assert (row["n_treated"], row["n_holdout"]) == by_hand.units
    assert (row["label"], row["verdict"], row["grade"]) == ("all plays together", "works", "A")
    assert row["low"] < 0.15 < row["high"]
    assert said(found).startswith("All plays together bring more: **+1")
    assert "of people get from “due” to “goal” within 7 days" in said(found)
    assert charts.of(found)
    # The play itself is measured as ever, without whoever is held out from all.
    (own,) = impact.effects(run).rows
    assert own["n_treated"] + own["n_holdout"] == row["n_treated"]


@pytest.mark.parametrize("unit", ["user", "account"])
def test_the_arms_are_those_that_the_ledger_draws_for_all_plays(unit):
    told, sent = global_world(n=900)
    accounts = [None if k % 5 == 0 else f"a{k // 3}" for k in range(len(told))]
    product = {"sending": SENDING | {"holdout_unit": unit}}
    of_users = users(told, account_id=accounts)
    run = opened_for_all(told, sent.head(0), product=product, users=of_users)
    none = {row["user_id"]: row["gets_none"] for row in fetched(people_of(run, []))}
    units = fetched(trial_of_all(run).units.select("unit", "arm"))
    arms = {row["unit"]: row["arm"] == "holdout" for row in units}
    assert len(arms) == 900
    assert arms == none
    assert 0 < sum(arms.values()) < 900


def test_accounts_that_are_held_out_whole_have_their_people_counted():
    told = in_accounts(people({"any": (2400, 0)}, seed=4))
    told.loc[told.index % 7 == 0, "account_id"] = None
    home = told["account_id"].fillna(told["user_id"])
    told["arm"] = np.where(held_out(home), "holdout", "treated")
    rng = np.random.default_rng(9)
    told["did"] = rng.random(len(told)) < np.where(told["arm"] == "treated", 0.4, 0.2)
    sending = SENDING | {"holdout_unit": "account"}
    of_users = users(told, account_id=told["account_id"])
    sent = told[told["arm"] == "treated"]
    run = opened_for_all(told, sent, product={"sending": sending}, users=of_users)
    (row,) = impact.all_plays(run).rows
    by_hand = of_accounts(told.assign(account_id=home), row["deviations"])
    assert numbers(row) == pytest.approx(numbers(by_hand.__dict__))
    assert (row["accounts_treated"], row["accounts_holdout"]) == by_hand.accounts
    assert row["verdict"] == "works"


def test_accounts_are_counted_where_the_headline_does_so():
    told = in_accounts(people({"any": (2400, 0)}, seed=4))
    told["arm"] = np.where(held_out(told["account_id"]), "holdout", "treated")
    first = told.sort_values(["due", "user_id"]).drop_duplicates("account_id")
    told["did"] = told.index.isin(first.index[::3])
    sending = SENDING | {"holdout_unit": "account"}
    events = log(told)
    events["account_id"] = events["user_id"].map(told.set_index("user_id")["account_id"])
    given = {"users": users(told, account_id=told["account_id"]), "events": events}
    given["messages"] = messages(told[told["arm"] == "treated"])
    homes = told.set_index("user_id")["account_id"]
    given["messages"]["account_id"] = given["messages"]["user_id"].map(homes)
    run = opened_for_all(
        told, told, product={"sending": sending}, asked={"unit": "account"}, **given
    )
    (row,) = impact.all_plays(run).rows
    drawn = first["arm"].value_counts()
    assert (row["n_treated"], row["n_holdout"]) == (drawn["treated"], drawn["holdout"])
    assert row["verdict"] == "cannot tell"


def test_a_message_of_a_play_to_who_is_held_out_spoils_it_and_other_mail_does_not():
    told, sent = global_world()
    all_get_it = messages(told, goes_on=False).assign(play="verification")
    mails = pd.concat([messages(sent), all_get_it], ignore_index=True)
    mails["message_id"] = [f"m{k}" for k in range(len(mails))]
    (row,) = impact.all_plays(opened_for_all(told, sent, messages=mails)).rows
    assert (row["verdict"], row["grade"]) == ("works", "A")
    found = impact.all_plays(opened_for_all(told, told))
    assert (found.rows[0]["verdict"], found.rows[0]["difference"]) == ("check failed", None)
    assert "cannot be told: held out: " in said(found)
    without = global_tables(told, sent)
    del without["messages"]
    run = elsewhere.opened(OURS, product=PRODUCT, questions=[ASKED], **without)
    assert impact.all_plays(run).rows[0]["grade"] == "C"
    assert "Grade C, because no log says who got it." in said(impact.all_plays(run))


def test_the_clock_begins_when_the_first_play_goes_live_and_steps_end_with_the_last():
    told, sent = global_world()
    steps = {"measure": "steps", "goal": None, "goals": ["ping", "goal"]}
    asked = {name: value for name, value in (ASKED | steps).items() if value is not None}
    given = global_tables(told, sent)
    live = OURS | {"live_from": "2026-01-25"}
    run = elsewhere.opened(live, product=PRODUCT, questions=[asked], **given)
    (row,) = impact.all_plays(run).rows
    later = told[told["due"] >= pd.Timestamp("2026-01-25")]
    assert numbers(row) == pytest.approx(numbers(compared(later, row["deviations"]).__dict__))


def test_only_some_people_are_asked_about_where_the_headline_says_so():
    told, sent = global_world()
    kind = np.where(np.arange(len(told)) % 2, "maker", "reader")
    run = opened_for_all(
        told, sent, asked={"among": {"persona": ("maker",)}}, users=users(told, persona=kind)
    )
    (row,) = impact.all_plays(run).rows
    own = compared(told[kind == "maker"], row["deviations"])
    assert numbers(row) == pytest.approx(numbers(own.__dict__))


@pytest.mark.parametrize(
    ("product", "asked", "reason"),
    [
        ({"sending": {}}, {}, "Nobody is held out from all plays: "),
        ({}, {"measure": "missed_within"}, "The headline `activation` cannot tell"),
        ({}, {"unit": "session"}, "The headline `activation` cannot tell"),
        ({}, {"unless": "ping"}, "The headline `activation` cannot tell"),
        ({}, {"unit": "account"}, "The headline `activation` cannot tell"),
    ],
)
def test_what_all_plays_change_is_not_told_where_it_cannot(product, asked, reason):
    told, sent = global_world(n=200)
    found = impact.all_plays(opened_for_all(told, sent, product=product, asked=asked))
    assert found.reason.startswith(reason)
    assert found.fits == bool(product.get("sending", SENDING))
    none = elsewhere.opened(OURS, product={"sending": SENDING}, **global_tables(told, sent))
    assert impact.all_plays(none).reason.startswith("No question is the headline")
    drafts = opened_for_all(told, sent, play=OURS | {"draft": True})
    assert impact.all_plays(drafts).reason.startswith("No play is sent yet")


def test_too_few_held_out_from_all_plays_are_said():
    told, sent = global_world(n=60)
    found = impact.all_plays(opened_for_all(told, sent))
    assert found.rows[0]["verdict"] == "too few"
    assert said(found).startswith("What all plays together change cannot be told: it takes 30")
