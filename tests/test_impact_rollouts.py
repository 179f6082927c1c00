"""Rollouts without a holdout, before and after a launch, and plays set against each other."""

from __future__ import annotations

import functools
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from playbook import charts, findings, impact
from playbook.adapters import quasi
from playbook.declare import Experiment
from playbook.results import Unavailable, figures
from tests import small
from tests.small import play
from tests.test_impact_claims import effects, with_effects

SINCE, PERIODS = datetime(2026, 1, 5), 8
TURNS = (3, 5, None)  # the week in which an account gets it
EFFECT = 0.3
BELIEF = {"hypothesis": "It helps."}


def experiment(slug="editor", **said):
    how = {"column": "got_on", "goal": "saved", "since": "2026-01-05", "until": "2026-03-02"}
    return Experiment(slug=slug, **BELIEF, rollout=how | said)


def with_experiments(run, *experiments):
    return replace(run, declared=replace(run.declared, experiments=experiments))


def panel(seed, *, effect=EFFECT, drift=0.0, accounts=90, turns=TURNS):
    """Account → (turn, the weeks in which it did the goal); `drift` a week for whoever gets it."""
    rng, found = random.Random(seed), {}
    for number in range(accounts):
        turn, own = turns[number % len(turns)], rng.uniform(0.1, 0.4)
        chances = [
            own + (0 if turn is None else effect * (week >= turn) + drift * week)
            for week in range(PERIODS)
        ]
        found[f"a{number}"] = turn, [w for w, p in enumerate(chances) if rng.random() < p]
    return found


def world(accounts, *, event="", min_n=30):
    """A product whose accounts did it in these weeks, some of them twice."""
    events, known = "user_id | account_id | event | at\n", "account_id | created_at | got_on\n"
    for place, (name, (turn, weeks)) in enumerate(accounts.items()):
        got = "" if turn is None else f"{SINCE + timedelta(weeks=turn):%Y-%m-%d}"
        known += f"{name} | 2025-12-01 | {got}\n"
        events += f"u{place} | {name} | came | 2025-12-02\n"
        events += f"u{place} | {name} | {event} | {got}\n" if event and got else ""
        for week in weeks:
            for hours in (0, 167):  # the first and the last hour of a week
                at = SINCE + timedelta(weeks=week, hours=hours)
                events += f"u{place} | {name} | saved | {at}\n"
    known += "young | 2026-01-06 | 2026-01-12\n"
    return small.run(
        events=events,
        accounts=known,
        period=("2025-12-01", "2026-04-01", "2026-03-31"),
        words={"min_n": min_n},
    )


@functools.cache
def found(seed, **said):
    return impact.rollout(with_experiments(world(panel(seed, **said)), experiment()), "editor")


def test_the_engines_sums_give_what_the_panel_itself_gives():
    accounts = panel(1)
    rows = [
        (name, week, turn, float(week in weeks))
        for name, (turn, weeks) in accounts.items()
        for week in range(PERIODS)
    ]
    exact = quasi.staggered_rollout(rows)
    (row,) = found(1).rows
    told = (row["difference"], row["low"], row["high"], row["pretrend_p"], row["power"])
    wanted = (exact.effect, exact.low, exact.high, exact.pretrend_p, exact.power)
    assert told == pytest.approx(wanted)
    assert (row["n_treated"], row["n_holdout"], row["cohorts"]) == (60, 30, 2)


def test_a_known_effect_is_recovered_by_its_interval():
    rows = [found(seed).rows[0] for seed in range(20)]
    told = [row for row in rows if row["difference"] is not None]
    refused = len(rows) - len(told)
    assert refused <= 4  # the test before the start fails one time in twenty
    assert sum(row["low"] <= EFFECT <= row["high"] for row in told) >= len(told) - 3
    mean = sum(row["difference"] for row in told) / len(told)
    assert mean == pytest.approx(EFFECT, abs=0.06)
    assert {row["grade"] for row in told} == {"B"}
    assert "harms" not in {row["verdict"] for row in told}


def test_groups_that_moved_apart_before_they_got_it_have_no_claim():
    result = found(3, effect=0.0, drift=0.09, accounts=240)
    (row,) = result.rows
    assert (row["verdict"], row["grade"], row["difference"]) == ("no claim", "–", None)
    assert row["pretrend_p"] < 0.05
    said = findings.of(result).text
    assert "moved apart before they got it" in said
    assert "and it is answerable" in said
    assert figures.of(result)[0]["value"] is None


def test_where_accounts_are_too_few_for_the_periods_before_nothing_is_claimed():
    run = world(panel(1, accounts=9, turns=(6, 7, None)), min_n=5)
    run = with_experiments(run, experiment())
    (row,) = impact.rollout(run, "editor").rows
    assert (row["grade"], row["difference"], row["pretrend_p"]) == ("–", None, None)
    assert "Too few accounts changed what they do before the start to see in 7" in row["because"]
    assert "Take longer periods (`every:`)" in row["because"]


def test_the_sentence_states_the_assumption_and_how_well_it_is_tested():
    said = findings.of(found(1)).text
    assert "works, if trends would have stayed parallel, and nobody acted ahead" in said
    assert "60 accounts got it in 2 turns, 30 did not" in said
    assert "Before the start the groups moved alike (p = " in said
    assert "a trend that explains it all would have shown with" in said
    assert said.endswith("Grade B.")
    assert "editor" in charts.of(found(1), title="The new editor").description


def test_rollouts_are_one_result_with_the_sentences_and_figures_of_each():
    never = experiment("never", goal="nothing")
    run = with_experiments(world(panel(1)), experiment(), never)
    whole, single = impact.rollouts(run), found(1)
    assert whole.rows == single.rows
    said = findings.of(single)
    assert findings.of(whole).text == (
        f"- {said.text}\n"
        "- *Not available.* The rollout `never` rests on `nothing`, which never arrives."
    )
    assert {row["figure"] for row in said.figures} == {
        f"impact.editor.effect.{name}"
        for name in (
            *("difference", "treated", "holdout", "n_treated", "n_holdout"),
            *("cohorts", "power", "pretrend_p"),
        )
    }
    assert set(map(str, said.figures)) < set(map(str, findings.of(whole).figures))
    none = impact.rollouts(world(panel(1)))
    assert findings.of(none).text == "No rollout without a holdout is declared."


def test_by_period_there_are_periods_before_and_after_the_start():
    run = with_experiments(world(panel(1)), experiment())
    steps = impact.rollout_by_period(run, "editor").rows
    assert [step["since_start"] for step in steps] == sorted(s["since_start"] for s in steps)
    assert steps[0]["since_start"] < 0 < steps[-1]["since_start"]


def test_the_first_occurrence_of_an_event_says_who_got_it_too():
    run = world(panel(1), event="editor_on")
    run = with_experiments(run, experiment(), experiment("event", column="", event="editor_on"))
    one, two = impact.rollouts(run).rows
    assert one | {"label": ""} == two | {"label": ""}


@pytest.mark.parametrize(
    ("turns", "said", "reason"),
    [
        ((3, None), {}, "All accounts got it in the same period"),
        ((None,), {}, "Only 0 accounts got it in the time, and it takes 30."),
        ((3, 5), {"since": "2025-11-24"}, "No account is older than its first period."),
        ((3, 5), {"since": "2026-02-23"}, "needs two periods of 7 days in the data"),
        ((3, 5), {"goal": "nothing"}, "rests on `nothing`, which never arrives"),
        ((3, 5), {"column": "size_"}, "reads `size_`, which `accounts` lacks. It has: account_id"),
        ((3, 5), {"column": "account_id"}, "`account_id` of `accounts` holds what is no day."),
        ((3, 5), {"among": {"color": ["red"]}}, "lacks the column(s) color"),
        ((1, 1, 2, None), {"until": "2026-01-26"}, ""),
    ],
)
def test_too_little_to_tell_is_a_sentence(turns, said, reason):
    run = with_experiments(world(panel(1, turns=turns)), experiment(**said))
    text = findings.of(impact.rollouts(run)).text
    assert reason in text
    assert "nan" not in text.lower()
    assert isinstance(impact.rollout(run, "nope"), Unavailable)


# Before and after


def launched(share_after, *, live_from="2026-03-02", weeks=12, each=40):
    """Forty people sign up a week; a quarter do the goal, and another share after the launch."""
    events, users = "user_id | event | at\n", "user_id | persona\n"
    begin = datetime(2026, 1, 5)
    for week in range(weeks):
        at = begin + timedelta(weeks=week, hours=9)
        share = share_after if f"{at:%Y-%m-%d}" >= "2026-03-02" else 0.25
        for place in range(each):
            name = f"u{week}_{place}"
            users += f"{name} | engineer\n"
            events += f"{name} | signed_up | {at}\n"
            events += f"{name} | saved | {at}\n" if place < share * each else ""
    return small.run(
        plays=[play("guide", holdout=0, live_from=live_from)],
        events=events,
        users=users,
        period=("2026-01-05", "2026-03-30", "2026-04-05"),
        words={"min_n": 30},
    )


def test_before_and_after_is_described_beside_dates_without_a_launch_and_has_no_effect():
    run = launched(0.5)
    result = impact.before_after(run, "guide")
    (row,) = result.rows
    assert (row["before"], row["after"], row["grade"]) == (0.25, 0.5, "D")
    assert (row["n_before"], row["n_after"], row["dates"], row["as_large"]) == (160, 160, 1, 0.0)
    assert not {"difference", "low", "high"} & set(row)
    said = findings.of(result).text
    assert "25.0 % did its goal in the weeks before 2026-03-02 and 50.0 % in those after" in said
    assert "This is no effect: nobody was held out" in said
    assert "points" not in said
    assert {kept["unit"] for kept in figures.of(result)} == {"share", "count"}
    assert impact.launches(run).rows == result.rows
    assert findings.of(impact.launches(run)).text == said


def test_a_launch_that_the_data_does_not_reach_or_nobody_dates_has_no_claim():
    late = impact.launches(launched(0.5, live_from="2026-03-23"))
    assert "It takes 4 whole weeks on either side" in findings.of(late).text
    run = launched(0.5, live_from=None)
    nobody = impact.before_after(run, "guide")
    assert isinstance(nobody, Unavailable)
    assert "Write `live_from:`" in nobody.reason
    (row,) = impact.launches(run).rows
    assert (row["before"], row["because"]) == (None, nobody.reason)
    assert findings.of(impact.launches(run)).text == findings.of(nobody).text
    every = small.run(plays=[play("guide")], events=EVENTS)
    assert "has a holdout" in findings.of(impact.launches(every)).text


def test_plays_are_live_since_the_day_they_say_or_the_beginning_of_the_data():
    plays = [
        play("one"),
        play("two"),
        play("dated", live_from="2026-01-20"),
        play("older", live_from="2025-11-01"),
        play("to_come", live_from="2026-03-01"),
        play("designed", draft=True),
    ]
    assert impact.live_since(small.run(plays=plays, events=EVENTS)) == {
        "2026-01-05": ("one", "two", "older"),
        "2026-01-20": ("dated",),
    }


# Plays set against each other


ONE = {"label": "one", "difference": 0.20, "low": 0.14, "high": 0.26, "grade": "A"}
TWO = {"label": "two", "difference": 0.05, "low": -0.03, "high": 0.13, "grade": "A"}
EVENTS = "user_id | event | at\nann | saved | 2026-01-05\n"


def compared(*rows, smallest=0.05, **second):
    plays = [play("one"), play("two", **second)]
    both = Experiment(slug="e", **BELIEF, compares=["one", "two"], smallest_effect=smallest)
    run = with_experiments(small.run(plays=plays, events=EVENTS), both)
    return impact.comparisons(with_effects(run, effects(*rows)))


def test_the_difference_of_two_effects_has_the_interval_of_both():
    found = compared(ONE, TWO)
    (row,) = found.rows
    # MOVER: 0.15 − √(0.06² + 0.08²) and 0.15 + √(0.06² + 0.08²).
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((0.15, 0.05, 0.25))
    assert (row["verdict"], row["grade"]) == ("more", "A")
    assert "the first brings more, **+15.0 points**" in findings.of(found).text


@pytest.mark.parametrize(
    ("second", "rows", "verdict", "because"),
    [
        ({}, (TWO | {"label": "one"}, ONE | {"label": "two"}), "less", ""),
        ({}, (ONE, ONE | {"label": "two"}), "cannot tell", ""),
        ({"goal": "invited"}, (ONE, TWO), "not comparable", "goal is saved for one, invited"),
        ({"salt": "one"}, (ONE, TWO), "not comparable", "they draw the same arms"),
        ({}, (ONE,), "not comparable", "two has no effect to compare"),
    ],
)
def test_plays_that_cannot_be_compared_say_why(second, rows, verdict, because):
    (row,) = compared(*rows, **second).rows
    assert row["verdict"] == verdict
    assert because in row["because"]


def test_two_plays_are_alike_if_nothing_worth_acting_on_lies_between_them():
    near = ONE | {"label": "two", "difference": 0.19, "low": 0.13, "high": 0.25}
    (row,) = compared(ONE, near, smallest=0.1).rows
    assert row["verdict"] == "alike"


def test_without_a_comparison_or_effects_there_is_a_sentence():
    run = small.run(plays=[play("one")], events=EVENTS)
    assert "No experiment compares plays" in impact.comparisons(run).reason
