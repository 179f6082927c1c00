"""Stage 4 on tests that somebody else has drawn: whose arms count, and what grade they get."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from playbook import findings, impact
from tests import elsewhere
from tests.elsewhere import AS_OF, BEGINS, assignments, log, messages, people, users

HALVES = {"treated": (600, 0.35), "holdout": (600, 0.2)}


def tables(told, *, sent=None, **more):
    """The tables of a mail that the treated got."""
    got = told[told["arm"] != "holdout"] if sent is None else sent
    return {
        "events": log(told),
        "users": users(told),
        "messages": messages(got),
        "assignments": assignments(told),
    } | more


def one(run):
    (row,) = impact.effects(run).rows
    return row


def check(run, name):
    found = [row for row in impact.checks(run).rows if row["check"] == name]
    return [(row["status"], row["seen"]) for row in found]


# Whose arms count


def test_a_log_that_others_fill_says_who_is_in_which_arm():
    run = elsewhere.opened({"holdout": 0.5}, **tables(people(HALVES)))
    row = one(run)
    assert (row["n_treated"], row["n_holdout"], row["grade"]) == (600, 600, "A")
    assert (row["verdict"], row["low"] < 0.15 < row["high"]) == ("works", True)
    assert check(run, "log") == [("ok", "all in one")]


def test_arms_of_ours_stay_ours_whatever_the_log_says():
    told = people(HALVES)
    run = elsewhere.opened({"holdout": 0.5, "arms": "ours"}, **tables(told))
    assert one(run)["verdict"] == "check failed"
    ours = tables(told, assignments=assignments(told, source="ours"))
    assert one(elsewhere.opened({"holdout": 0.5}, **ours))["verdict"] == "check failed"


def test_any_names_will_do_and_the_control_is_named():
    told = people({"blue": (600, 0.35), "grey": (600, 0.2)})
    sent = told[told["arm"] == "blue"]
    play = {"control": "grey", "split": {"grey": 0.5, "blue": 0.5}}
    assert one(elsewhere.opened(play, **tables(told, sent=sent)))["verdict"] == "works"
    unnamed = elsewhere.opened({"holdout": 0.5}, **tables(told, sent=sent))
    assert {row["verdict"] for row in impact.effects(unnamed).rows} == {"check failed"}
    assert set(check(unnamed, "log")) == {
        ("failed", "its arms are blue, grey, and none is the control: `control:` names it")
    }


def test_units_in_several_arms_are_counted_said_and_left_out():
    told = people(HALVES)
    twice = told.head(25)
    twice = twice.assign(arm=twice["arm"].map({"treated": "holdout", "holdout": "treated"}))
    drawn = pd.concat([assignments(told.iloc[:-10]), assignments(twice)])
    run = elsewhere.opened({"holdout": 0.5}, **tables(told, assignments=drawn))
    row = one(run)
    assert row["n_treated"] + row["n_holdout"] == 1200 - 25 - 10
    assert check(run, "log") == [
        ("caveat", "25 in several arms are left out; 10 that triggered are in none")
    ]


def test_where_a_tool_logs_its_control_group_alone_whoever_was_sent_it_is_treated():
    told = people(HALVES)
    drawn = assignments(told[told["arm"] == "holdout"])
    row = one(elsewhere.opened({"holdout": 0.5}, **tables(told, assignments=drawn)))
    assert (row["n_treated"], row["n_holdout"], row["grade"]) == (600, 600, "A")


def test_the_clock_may_start_with_the_assignment_or_with_the_message():
    told = people(HALVES)
    events = log(told)
    bare = events[events["event"] != "due"]
    for exposure in ("assigned", "message"):
        play = {"holdout": 0.5, "exposure": exposure, "trigger": ""}
        ghosts = messages(told).assign(is_ghost=False)
        held = set(told.loc[told["arm"] == "holdout", "user_id"])
        ghosts["is_ghost"] = ghosts["user_id"].isin(held)
        ghosts.loc[ghosts["is_ghost"], "delivered_at"] = pd.NaT
        row = one(elsewhere.opened(play, **tables(told, events=bare, messages=ghosts)))
        assert (row["n_treated"], row["n_holdout"], row["grade"]) == (600, 600, "A"), exposure


def test_who_was_assigned_after_their_time_is_no_comparison():
    told = people(HALVES)
    late = assignments(told, assigned_at=told["due"] + pd.Timedelta("20D"))
    run = elsewhere.opened({"holdout": 0.5}, **tables(told, assignments=late))
    assert one(run)["verdict"] == "check failed"
    assert "`exposure: assigned`" in check(run, "assigned in time")[0][1]


def test_a_flag_counts_from_the_first_time_that_it_was_seen_since_it_went_live():
    told = people(HALVES)
    earlier = pd.DataFrame({"user_id": told["user_id"], "event": "due"})
    earlier["at"] = BEGINS - pd.Timedelta("3D")
    play = {"channel": "product", "arms": "logged", "holdout": 0.5, "live_from": "2026-01-05"}
    given = tables(told, events=log(told, earlier))
    del given["messages"]
    row = one(elsewhere.opened(play, **given))
    assert (row["n_treated"] + row["n_holdout"], row["grade"]) == (1200, "A")
    assert row["low"] < 0.15 < row["high"]


# A grade needs contrast


@pytest.mark.parametrize("reached", [0.04, 0.5, 1.0])
def test_arms_that_do_not_match_who_was_sent_get_no_effect(reached):
    told = people(HALVES)
    sent = told.sample(frac=reached, random_state=1)
    run = elsewhere.opened({"holdout": 0.5}, **tables(told, sent=sent))
    row = one(run)
    assert (row["verdict"], row["grade"], row["difference"]) == ("check failed", "–", None)


def test_without_a_log_of_delivery_the_claim_says_so_and_is_no_a():
    given = tables(people(HALVES))
    del given["messages"]
    for play in ({"holdout": 0.5}, {"holdout": 0.5, "channel": "product"}):
        run = elsewhere.opened(play, **given)
        row = one(run)
        graded = "C" if "channel" not in play else "A"
        assert (row["verdict"], row["grade"]) == ("works", graded)
    assigned = {"holdout": 0.5, "channel": "product", "exposure": "assigned", "trigger": ""}
    run = elsewhere.opened(assigned, **given)
    assert one(run)["grade"] == "C"
    assert "Grade C, because no log says who got it" in findings.of(impact.effects(run)).text


def test_without_a_planned_split_nobody_can_check_the_draw():
    row = one(elsewhere.opened({}, **tables(people(HALVES))))
    assert (row["grade"], row["doubt"]) == (
        "C",
        "nobody says what share of units each arm was to have",
    )


def chosen(seed, *, by):
    """People who chose to be in: half of them, the keen ones more often."""
    rng = np.random.default_rng(seed)
    keen = rng.random(1600) < 0.5
    treated = rng.random(1600) < np.where(keen, 0.7, 0.3)
    told = people({"treated": (1600, 0)}, seed=seed)
    told["arm"] = np.where(treated, "treated", "holdout")
    told["did"] = rng.random(1600) < np.where(keen, 0.4, 0.2)
    earlier = told[keen & (by == "history")]
    before = pd.DataFrame({"user_id": earlier["user_id"], "event": "goal"})
    before["at"] = earlier["due"] - pd.Timedelta("2D")
    persona = np.where(keen, "maker", "reader") if by == "persona" else "maker"
    return told, before, persona


@pytest.mark.parametrize("by", ["history", "persona"])
@pytest.mark.parametrize("with_log", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_groups_that_follow_who_chose_to_be_in_get_no_a_and_no_b(by, with_log, seed):
    told, before, persona = chosen(seed, by=by)
    given = tables(told, events=log(told, before), users=users(told, persona=persona))
    if not with_log:
        del given["messages"]
    row = one(elsewhere.opened({"holdout": 0.5}, **given))
    assert row["grade"] not in ("A", "B", "A-")


def test_an_arm_of_new_people_alone_is_said_before_any_effect():
    told = people(HALVES)
    old = told[told["arm"] == "holdout"]
    earlier = pd.DataFrame({"user_id": old["user_id"], "event": "ping"})
    earlier["at"] = old["due"] - pd.Timedelta("10D")
    run = elsewhere.opened({"holdout": 0.5}, **tables(told, events=log(told, earlier)))
    assert one(run)["verdict"] == "check failed"
    assert check(run, "time before")[0][1].startswith("100.0 % against 0.0 % were new")


# Several treatments

THREE = {"holdout": (700, 0.2), "short": (700, 0.2), "long": (700, 0.32)}
SPLIT = {"split": dict.fromkeys(THREE, 1 / 3)}


def test_each_treatment_is_compared_with_the_control_they_share():
    run = elsewhere.opened(SPLIT, **tables(people(THREE)))
    rows = {row["label"]: row for row in impact.effects(run).rows}
    assert set(rows) == {"test: short", "test: long"}
    assert rows["test: long"]["verdict"] == "works"
    assert rows["test: short"]["verdict"] == "cannot tell"
    alone = people({name: THREE[name] for name in ("holdout", "long")})
    two = one(elsewhere.opened({"holdout": 0.5}, **tables(alone)))
    assert rows["test: long"]["deviations"] > two["deviations"]


def test_the_split_is_checked_over_all_arms():
    uneven = people({"holdout": (700, 0.2), "short": (500, 0.2), "long": (700, 0.3)})
    run = elsewhere.opened(SPLIT, **tables(uneven))
    assert {row["verdict"] for row in impact.effects(run).rows} == {"check failed"}
    assert "holdout 700, short 500, long 700" in check(run, "sizes triggered")[0][1]


# An end


def test_a_campaign_of_one_day_matures_by_the_clock_of_its_goal():
    told = people(HALVES, a_day=10_000)
    given = tables(told, messages=messages(told[told["arm"] == "treated"], goes_on=False))
    row = one(elsewhere.opened({"holdout": 0.5}, **given))
    assert (row["verdict"], row["open"], row["grade"]) == ("works", 0, "A")


def test_a_test_with_an_end_has_its_last_look_when_its_last_window_closes():
    told = people(HALVES)  # 30 days, from 5 January
    play = {"holdout": 0.5, "looks": "7d", "live_from": "2026-01-05", "until": "2026-01-25"}
    given = tables(told)
    over = one(elsewhere.opened(play, **given))
    assert over["n_treated"] + over["n_holdout"] == 20 * 40
    assert (over["interim"], over["open"], over["deviations"] < 2.2) == (False, 0, True)
    later = one(elsewhere.opened(play, **given, as_of=AS_OF - pd.Timedelta("20D")))
    assert later["deviations"] == over["deviations"]
    soon = one(elsewhere.opened(play, **given, as_of=pd.Timestamp("2026-01-22 09:00")))
    assert (soon["interim"], soon["deviations"] > over["deviations"]) == (True, True)


def test_a_campaign_that_was_stopped_leaves_out_whoever_was_due_later():
    told = people(HALVES)
    stop = BEGINS + pd.Timedelta("14D")
    sent = told[(told["arm"] == "treated") & (told["due"] <= stop)]
    run = elsewhere.opened({"holdout": 0.5}, **tables(told, sent=sent))
    row = one(run)
    assert row["n_treated"] + row["n_holdout"] == 15 * 40
    assert row["low"] < 0.15 < row["high"]
    assert check(run, "sources")[0][1].startswith("its messages stop 19 Jan 2026")
