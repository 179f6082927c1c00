"""A verdict is right as often as it says, and says nothing where the data cannot tell."""

from __future__ import annotations

import random
from itertools import accumulate

import numpy as np
import pytest

from playbook import findings, impact
from playbook.impact.counts import Counts
from playbook.inference import compare, looks
from playbook.results import Unavailable, listings
from tests import small
from tests.small import play
from tests.test_impact import EARLY, END_OF_EXPORT, GUIDE, one, opened, units

ARMS = [("treated", 200, 120), ("holdout", 200, 80)]


def by_check(run):
    return {row["check"]: row for row in impact.checks(run).rows}


# What must not change a verdict, and what must


def test_people_who_never_trigger_change_nothing():
    bystanders = [f"x{k}" for k in range(50)]
    events = "".join(f"{name} | saved | {EARLY}\n" for name in bystanders)
    users = "".join(f"{name} | engineer | a_{name}\n" for name in bystanders)
    alone, crowded = opened(ARMS), opened(ARMS, more_events=events, more_users=users)
    assert impact.effects(crowded).rows == impact.effects(alone).rows
    assert impact.effects(alone).rows[0]["verdict"] == "works"


def test_of_a_truncated_export_of_messages_those_count_of_whom_it_tells():
    late = "2026-01-12 09:00"  # whether anything was sent to these nobody knows
    arms = [*ARMS, ("treated", 100, 30, late), ("holdout", 100, 30, late)]
    ends = ("2026-01-01", "2026-02-01", "2026-01-17")
    run = opened(arms, whole=False, cut=late, period=ends)
    row = one(impact.effect(run, "guide"))
    assert (row["verdict"], row["n_treated"], row["n_holdout"]) == ("works", 200, 200)
    assert by_check(run)["sources"]["status"] == "caveat"
    alone = opened([("treated", 100, 60, late), ("holdout", 100, 30, late)], whole=False, cut=late)
    assert one(impact.effect(alone, "guide"))["verdict"] == "never sent"


def test_a_truncated_export_of_events_says_not_matured_and_no_effect():
    ends = ("2026-01-01", "2026-02-01", "2026-01-07")
    row = one(impact.effect(opened(ARMS, period=ends), "guide"))
    assert (row["verdict"], row["difference"], row["open"]) == ("not matured", None, 400)


def test_whoever_triggers_before_the_play_went_live_is_in_no_arm():
    late = "2026-01-20 09:00"
    arms = [*ARMS, ("treated", 100, 30, late), ("holdout", 100, 30, late)]
    since = GUIDE.model_copy(update={"live_from": "2026-01-10"})
    row = one(impact.effect(opened(arms, plays=(since,)), "guide"))
    assert (row["n_treated"], row["n_holdout"], row["difference"]) == (100, 100, 0)


def test_a_design_that_changed_since_it_was_frozen_is_said():
    same = GUIDE.model_copy(update={"frozen": GUIDE.version})
    other = GUIDE.model_copy(update={"frozen": "0badf00d"})
    statuses = [by_check(opened(ARMS, plays=(p,)))["design"]["status"] for p in (same, other)]
    assert statuses == ["ok", "caveat"]


def test_arms_that_differed_before_the_trigger_fail_the_placebo():
    before = "2026-01-04 09:00"
    eager = "".join(f"{name} | saved | {before}\n" for name in units("treated", 120))
    run = opened(ARMS, more_events=eager)
    check = by_check(run)["time before"]
    assert (check["status"], check["seen"][:24]) == ("failed", "60.0 % against 0.0 % did")
    row = one(impact.effect(run, "guide"))
    assert (row["verdict"], row["difference"], row["action"]) == ("check failed", None, "mend")


def test_where_nobody_has_a_history_there_is_no_time_before():
    check = by_check(opened(ARMS))["time before"]
    assert check["status"] == "not needed"
    assert check["seen"] == "no time before to compare: nobody has a history"


def test_messages_of_plays_that_nobody_declares_are_named():
    rows = [row for row in impact.checks(opened(ARMS)).rows if row["check"] == "plays"]
    assert [(row["subject"], row["status"]) for row in rows] == [("news", "caveat")]


@pytest.mark.parametrize("arm", ["Ärm; drop table", "NaN", "TREATED "])
def test_a_log_with_other_names_of_arms_fails_the_check(arm):
    log = f"play | unit_id | arm | source\nguide | {units('treated', 1)[0]} | {arm} | ours\n"
    row = one(impact.effect(opened(ARMS, assignments=log), "guide"))
    assert (row["verdict"], row["why"]) == ("check failed", "log: 1 are in another arm of the log")


def test_units_without_an_account_or_a_persona_are_counted():
    users = opened([("treated", 60, 30), ("holdout", 60, 20)], persona=lambda name: "")
    play_of_all = play("guide", audience={}, smallest_effect=0.3, looks="30d")
    run = opened(
        [("treated", 60, 30), ("holdout", 60, 20)], plays=(play_of_all,), persona=lambda name: ""
    )
    assert one(impact.effect(run, "guide"))["n_treated"] == 60
    assert one(impact.effect(users, "guide"))["n_treated"] == 0


# What to do


@pytest.mark.parametrize(
    ("treated", "held", "smallest", "action"),
    [
        ((200, 120), (200, 80), 0.3, "ship"),
        ((200, 80), (200, 120), 0.3, "stop"),
        ((200, 100), (200, 95), 0.3, "redesign"),  # the plan is met
        ((200, 90), (200, 80), 0.1, "keep running until 2026-03-"),
        ((40, 20), (40, 20), 0.01, "redesign"),  # it would take years
        ((20, 10), (20, 10), 0.3, "keep running until 2026-02-17"),
    ],
)
def test_the_action_follows_from_the_verdict_the_plan_and_the_traffic(
    treated, held, smallest, action
):
    guide = GUIDE.model_copy(update={"smallest_effect": smallest})
    row = one(
        impact.effect(opened([("treated", *treated), ("holdout", *held)], plays=(guide,)), "guide")
    )
    assert row["action"].startswith(action), row


# How units are drawn


def test_strata_are_compared_within_themselves():
    shares = {"big": 0.5, "little": 0.2}
    guide = play(
        "guide", audience={}, holdout=0.5, holdout_by={"persona": shares}, smallest_effect=0.3,
        looks="30d",
    )  # fmt: skip
    # Big ones do it more often, and more of them are held out: together it looks like a harm.
    big, little = units("treated", 100), units("holdout", 100)
    little_treated = [u for u in units("treated", 900, holdout=0.2) if u not in [*big, *little]][
        :300
    ]
    little_held = [u for u in units("holdout", 300, holdout=0.2) if u not in [*big, *little]][:75]
    arms = {"big": (big, 80), "big0": (little, 80), "little": (little_treated, 60)}
    arms |= {"little0": (little_held, 15)}
    events, users = "user_id | event | at\n", "user_id | persona\n"
    sent = "user_id | play | sent_at | delivered_at | seen_at | seen_by_machine | clicked_at\n"
    for name, (own, did) in arms.items():
        for place, unit in enumerate(own):
            events += f"{unit} | signed_up | {EARLY}\n"
            events += f"{unit} | saved | {EARLY}\n" if place < did else ""
            users += f"{unit} | {name.removesuffix('0')}\n"
            sent += f"{unit} | guide | {EARLY} | {EARLY} | | |\n" if "0" not in name else ""
    drawn = {"events": events, "users": users, "messages": sent + END_OF_EXPORT}
    run = small.run(plays=[guide], words={"min_n": 30}, **drawn)
    row = one(impact.effect(run, "guide"))
    assert row["treated"] == pytest.approx(row["holdout"])
    assert row["difference"] == pytest.approx(0)
    assert row["verdict"] == "cannot tell"
    for ask in (impact.among_reached, impact.waiting, impact.sooner):
        assert "drawn by strata" in ask(run, "guide").reason


def test_few_accounts_are_drawn_again():
    team = play("guide", unit="account", audience={}, smallest_effect=0.3, looks="30d")
    counts = [
        {"arm": arm, "stratum": "", "look": 1, "n": n, "did": did, "got": 0, "did_got": 0}
        for arm, n, did in (("treated", 30, 21), ("holdout", 30, 9))
    ]
    rows = [row | {"triggered": row["n"]} for row in counts]
    found = Counts(team, rows, 1, 30).difference(1.96)
    assert found.method == "permutation"
    assert found.low < 0.4 < found.high
    assert found.p == pytest.approx(0.004, abs=0.003)  # Fisher's exact: 0.0040


# Looking often


def test_what_looks_spend_grows_and_never_exceeds_the_error_allowed():
    at = [k / 50 for k in range(1, 500)]
    sums = [looks.spent(fraction) for fraction in at]
    assert sums == sorted(sums)
    assert sums[-1] < looks.SIDE
    assert looks.spent(1) == pytest.approx((1 - looks.KEPT) * looks.SIDE)
    assert looks.spent(1.0001) == pytest.approx(looks.spent(1), rel=1e-3)


def test_beside_the_scheduled_look_stands_an_interval_for_any_other():
    guide = GUIDE.model_copy(update={"looks": "7d"})
    row = one(impact.effect(opened(ARMS, plays=(guide,)), "guide"))
    ends = row["anytime_low"], row["anytime_high"]
    wanted = looks.sequence(row["difference"], row["error"], 400, planned=row["planned"])
    assert ends == pytest.approx(wanted[:2])
    assert ends[0] < row["low"] < row["high"] < ends[1]
    shown = listings.table(impact.effects(opened(ARMS)), only=["anytime_low", "anytime_high"])
    assert shown.columns == ("anytime low", "anytime high")
    assert [cell[0] for cell in shown.rows[0]] == ["+", "+"]


@pytest.mark.parametrize(
    "arms",
    [
        [("treated", 45, 30), ("holdout", 45, 15)],  # before 100 units
        [("treated", 320, 150), ("holdout", 200, 100)],  # a check fails
    ],
)
def test_where_no_interval_can_be_kept_at_any_time_there_is_none(arms):
    row = one(impact.effect(opened(arms), "guide"))
    assert (row["anytime_low"], row["anytime_high"]) == (None, None)


def test_a_play_that_runs_past_its_plan_claims_no_more_often_than_allowed():
    # Twelve looks, the plan met at the third: 1.96 deviations each would claim in some 20 %.
    draws, steps = 20_000, np.random.default_rng(5)
    paths = steps.normal(size=(draws, 12)).cumsum(axis=1) / np.sqrt(np.arange(1, 13))
    bounds = np.array(
        [looks.planned_bound(tuple(k / 3 for k in range(1, now + 1))) for now in range(1, 13)]
    )
    claimed = np.mean((np.abs(paths) > bounds).any(axis=1))
    assert np.mean((np.abs(paths) > 1.96).any(axis=1)) > 0.18
    assert 0.03 < claimed < 0.05


def test_bounds_of_earlier_looks_stand_when_later_ones_come():
    later = tuple(k / 3 for k in range(1, 13))
    scaled = [fraction / later[-1] for fraction in later]
    every = looks.bounds(scaled, spending=lambda part: looks.spent(part * later[-1]))
    assert [looks.planned_bound(later[:now]) for now in (1, 3, 12)] == pytest.approx(
        [every[0], every[2], every[11]], abs=2e-3
    )


def test_worlds_without_effect_claim_none_however_many_open():
    """Openers are those who do the goal: the tool's own rates look splendid, and nothing works."""
    draw, worlds, people = random.Random(7), 40, 200
    guide = play("guide", audience={}, smallest_effect=0.3, looks="30d")
    names = [f"u{k:04d}" for k in range(worlds * people)]
    did = {name for name in names if draw.random() < 0.3}
    treated = set(units("treated", 2 * len(names))) & set(names)
    events, users = "user_id | event | at\n", "user_id | persona\n"
    sent = "user_id | play | sent_at | delivered_at | seen_at | seen_by_machine | clicked_at\n"
    for place, name in enumerate(names):
        events += f"{name} | signed_up | {EARLY}\n"
        events += f"{name} | saved | {EARLY}\n" if name in did else ""
        users += f"{name} | world_{place % worlds}\n"
        seen = f"{EARLY} | false" if name in did and draw.random() < 0.9 else " | "
        sent += f"{name} | guide | {EARLY} | {EARLY} | {seen} |\n" if name in treated else ""
    run = small.run(
        plays=[guide],
        words={"min_n": 30},
        events=events,
        users=users,
        messages=sent + END_OF_EXPORT,
    )
    rows = impact.effect(run, "guide", by="persona").rows
    assert len(rows) == worlds
    assert {row["verdict"] for row in rows} == {"not told apart"}
    assert sum(not row["low"] <= 0 <= row["high"] for row in rows) <= 5
    # Arms drawn by chance leave p values uniform.
    arms = ("treated", "holdout")
    sides = [[(row[f"n_{a}"], round(row[a] * row[f"n_{a}"])) for a in arms] for row in rows]
    p_values = sorted(compare.people(*pair).p for pair in sides)
    gaps = [abs(p - (k + 0.5) / worlds) for k, p in enumerate(p_values)]
    assert max(gaps) < 1.36 / worlds**0.5  # Kolmogorov and Smirnov's at 5 %


# Beside the verdict


def test_among_those_reached_divides_by_the_share_that_got_it():
    run = opened(ARMS)  # all treated get it
    assigned, reached = impact.among_reached(run, "guide").rows
    assert (assigned["label"], reached["label"]) == ("as assigned", "among those reached")
    assert (reached["reached_treated"], reached["reached_holdout"]) == (200, 0)
    assert reached["difference"] == pytest.approx(assigned["difference"])
    assert (reached["verdict"], reached["grade"]) == ("works", "A-")
    assert findings.of(impact.among_reached(run, "guide")).text.startswith(
        "200 of 200 treated got the message. Among those reached it is **+20.0 points**"
    )


def test_the_time_to_the_goal_counts_those_who_never_get_there_with_the_whole_window():
    run = opened(ARMS)  # whoever does it does it at once
    row = one(impact.sooner(run, "guide"))
    assert row["treated_hours"] == pytest.approx(72 * 0.4)
    assert row["holdout_hours"] == pytest.approx(72 * 0.6)
    assert row["low_hours"] < row["difference_hours"] < row["high_hours"] < 0
    ends = {r["arm"]: r["share"] for r in impact.waiting(run, "guide").rows}
    assert ends == {"treated": pytest.approx(0.6), "holdout": pytest.approx(0.4)}
    assert "14.4 hours sooner" in findings.of(impact.sooner(run, "guide")).text


def test_a_segment_has_a_verdict_of_its_own_only_where_effects_differ():
    def persona(name):
        return "engineer" if int(name[1:]) % 2 else "analyst"

    guide = play("guide", audience={}, smallest_effect=0.3, looks="30d")
    run = opened(ARMS, plays=(guide,), persona=persona)
    rows = impact.for_whom(run, "guide").rows
    personas = [row for row in rows if row["column"] == "persona"]
    assert {row["segment"] for row in personas} == {"engineer", "analyst"}
    assert {row["differs"] for row in personas} == {"no evidence that it differs"}
    assert {row["verdict"] for row in personas} == {"not told apart"}
    assert sum(row["n_treated"] + row["n_holdout"] for row in personas) == 400
    assert (
        "no evidence that the effect differs by persona"
        in findings.of(impact.for_whom(run, "guide")).text
    )


def test_why_a_play_shows_nothing_is_said_in_a_sentence():
    sized = GUIDE.model_copy(update={"smallest_effect": 0.1})
    run = opened([("treated", 100, 45), ("holdout", 100, 40)], plays=(sized,))
    (row,) = impact.why_null(run).rows
    assert row["why"].startswith("Size: so far it could show")
    assert row["sees"] > 0.1
    assert (row["delivered"], row["contaminated"], row["matured"]) == (1, 0, 1)
    assert impact.why_null(opened(ARMS)).rows == []


@pytest.mark.parametrize("asked", [impact.for_whom, impact.among_reached, impact.sooner])
def test_where_a_check_fails_nothing_else_is_printed(asked):
    run = opened([("treated", 320, 150), ("holdout", 200, 100)])
    found = asked(run, "guide")
    assert isinstance(found, Unavailable)
    assert "sizes assigned: 320 treated, 200 held out" in found.reason


def test_accumulated_information_is_that_of_each_look():
    weekly = [10, 20, 30]
    rows = [
        {"arm": arm, "stratum": "", "look": k, "n": n, "did": n // 2, "got": 0, "did_got": 0}
        | {"triggered": n}
        for k, n in enumerate(weekly, 1)
        for arm in ("treated", "holdout")
    ]
    counts = Counts(GUIDE, rows, 3, 1)
    assert [f * counts.planned for f in counts.fractions] == pytest.approx(
        [2 * n for n in accumulate(weekly)]
    )


def test_strata_in_which_everybody_does_it_are_not_told_for_sure():
    counts = [
        {"arm": arm, "stratum": stratum, "look": 1, "n": n, "did": n, "got": 0, "did_got": 0}
        | {"assigned": n, "triggered": n, "accounts": n}
        for stratum in ("a", "b")
        for arm, n in (("treated", 90), ("holdout", 30))
    ]
    guide = play("guide", audience={}, holdout_by={"persona": {"a": 0.25, "b": 0.25}})
    found = Counts(guide, counts, 1, 30).difference(1.96)
    assert (found.difference, found.treated, found.holdout) == (0, 1, 1)
    assert -0.1 < found.low < -0.01 < 0.01 < found.high < 0.1
