"""Drivers: who is compared, with what numbers, and that waiting for the goal drives nothing."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from playbook import friction
from playbook.declare import DataPoint
from playbook.declare.plan import Property
from playbook.inference import stats
from playbook.results import Unavailable
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


def drawn(people, **given):
    """A run over people of (persona, looked, saved later), each drawn the given times."""
    events, users = ["user_id | event | at"], ["user_id | persona"]
    unit = 0
    for (persona, looked, saved), n in people.items():
        for _place in range(n):
            unit += 1
            users.append(f"u{unit} | {persona}")
            events.append(f"u{unit} | signed_up | 2026-01-05 09:00")
            events += [f"u{unit} | looked | 2026-01-05 09:30"] * looked
            events += [f"u{unit} | saved | 2026-01-05 18:00"] * saved
    given = {"questions": [SAVED]} | given
    return small.run(events="\n".join(events), users="\n".join(users), **given)


def test_behaviour_up_to_the_landmark_is_compared_among_those_undecided_there():
    run = small.run(
        questions=[SAVED],
        events="""
            user_id | event     | at
            ann     | signed_up | 2026-01-05 09:00
            ann     | looked    | 2026-01-05 11:00
            ann     | saved     | 2026-01-06 09:00
            bob     | signed_up | 2026-01-05 09:00
            bob     | looked    | 2026-01-05 09:00
            bob     | looked    | 2026-01-05 10:00
            cat     | signed_up | 2026-01-05 09:00
            cat     | looked    | 2026-01-05 08:59:59
            cat     | looked    | 2026-01-05 11:00:01
            cat     | saved     | 2026-01-05 12:00
            gus     | signed_up | 2026-01-05 09:00
            gus     | saved     | 2026-01-06 09:00:01
            dee     | signed_up | 2026-01-05 09:00
            dee     | looked    | 2026-01-05 09:30
            dee     | saved     | 2026-01-05 11:00
            eve     | saved     | 2026-01-04 09:00
            eve     | signed_up | 2026-01-05 09:00
            fay     | signed_up | 2026-01-30 09:01
            fay     | looked    | 2026-01-30 09:30
        """,
        period=("2026-01-01", "2026-02-01", "2026-01-31 09:00"),
    )
    found = friction.drivers(run, "saved", at="2h")
    assert (found.id, found.shape) == ("friction.saved_drivers", "drivers")
    # Ann and Bob looked in time; Cat too early and too late. Dee reached by the landmark, Eve
    # before her start; Fay's day is not over.
    assert counts(found) == {("looked", 1): (2, 1, 2, 1), ("looked", 2): (1, 0, 3, 2)}
    assert {(row["decided"], row["open"]) for row in found.rows} == {(2, 1)}


def test_the_first_start_in_the_period_counts():
    run = small.run(
        questions=[SAVED],
        events="""
            user_id | event     | at
            ann     | signed_up | 2025-12-31 23:00
            ann     | looked    | 2025-12-31 23:30
            ann     | signed_up | 2026-01-05 09:00
            ann     | signed_up | 2026-01-07 09:00
            ann     | looked    | 2026-01-07 09:30
            bob     | signed_up | 2026-01-05 09:00
            bob     | looked    | 2026-01-05 09:30
            bob     | saved     | 2026-01-05 18:00
        """,
    )
    assert counts(friction.drivers(run, "saved", at="2h"))["looked", 1] == (1, 1, 1, 0)


def test_of_several_goals_the_last_is_meant_and_the_others_are_behaviour():
    steps = {"start": "signed_up", "goals": ["verified", "saved"], "within": "24h"}
    run = small.run(
        questions=[question("path", "steps", **steps)],
        events="""
            user_id | event     | at
            ann     | signed_up | 2026-01-05 09:00
            ann     | verified  | 2026-01-05 09:30
            ann     | saved     | 2026-01-05 18:00
            bob     | signed_up | 2026-01-05 09:00
            bob     | signed_up | 2026-01-05 09:10
        """,
    )
    found = friction.drivers(run, "path", at="2h")
    assert counts(found) == {("verified", 1): (1, 1, 1, 0)}
    assert dict(found.definition)["goal"] == "saved"
    assert "goals" not in dict(found.definition)


def test_only_those_whom_the_question_is_about_are_compared():
    engineers = SAVED.model_copy(update={"id": "engineers", "among": {"persona": ("engineer",)}})
    people = {("engineer", 1, 1): 1, ("engineer", 0, 0): 2, ("sales", 1, 0): 5}
    run = drawn(people, questions=[SAVED, engineers])
    assert counts(friction.drivers(run, "saved", at="2h"))["looked", 1] == (6, 1, 2, 0)
    assert counts(friction.drivers(run, "engineers", at="2h"))["looked", 1] == (1, 1, 2, 0)


def test_a_row_has_the_columns_that_its_shape_names():
    run = drawn({("engineer", 1, 1): 1, ("engineer", 0, 0): 2})
    found = friction.drivers(run, "saved", at="2h")
    assert set(found.rows[0]) == set(found.columns)


def test_few_on_either_side_have_counts_and_no_numbers_and_stand_last():
    run = drawn(
        {("engineer", 1, 1): 30, ("engineer", 0, 0): 30, ("engineer", 2, 1): 2},
        words={"min_n": 30},
    )
    first, last = friction.drivers(run, "saved", at="2h").rows
    assert (first["times"], first["verdict"]) == (1, "more")
    assert (last["times"], last["verdict"], last["n_did"]) == (2, "too few", 2)
    assert {last[name] for name in ("share_did", "difference", "low", "p", "adjusted")} == {None}


def fisher(n, reached, other_n, other_reached):
    """The two-sided p value: the tables of these margins that are no likelier than this one."""
    total, all_reached = n + other_n, reached + other_reached
    ways = [
        math.comb(n, k) * math.comb(other_n, all_reached - k)
        for k in range(max(0, all_reached - other_n), min(n, all_reached) + 1)
    ]
    own = math.comb(n, reached) * math.comb(other_n, other_reached)
    return sum(way for way in ways if way <= own) / math.comb(total, all_reached)


def test_p_values_are_fishers_and_corrected_for_the_number_compared():
    run = drawn(
        {("engineer", 2, 1): 6, ("engineer", 1, 1): 2, ("engineer", 0, 1): 2, ("engineer", 0, 0): 9}
    )
    rows = {row["times"]: row for row in friction.drivers(run, "saved", at="2h").rows}
    once, twice = fisher(8, 8, 11, 2), fisher(6, 6, 13, 4)
    assert once < twice
    # Of two, the smaller is doubled, and the larger stays.
    assert rows[1]["p"] == pytest.approx(min(2 * once, twice))
    assert rows[2]["p"] == pytest.approx(twice)
    low, high = stats.newcombe(8, 8, 2, 11)
    assert (rows[1]["low"], rows[1]["high"]) == (low, high)
    assert rows[1]["difference"] == pytest.approx(1 - 2 / 11)


# Engineers look, and save, far more often than the others; looking changes nothing for either.
ONLY_A_PERSONA = {
    ("engineer", 1, 1): 60,
    ("engineer", 1, 0): 20,
    ("engineer", 0, 1): 15,
    ("engineer", 0, 0): 5,
    ("sales", 1, 1): 2,
    ("sales", 1, 0): 18,
    ("sales", 0, 1): 8,
    ("sales", 0, 0): 72,
}


def test_what_is_only_a_persona_has_a_difference_and_none_within_personas():
    (row,) = friction.drivers(drawn(ONLY_A_PERSONA), "saved", at="2h").rows
    assert (row["verdict"], round(row["difference"], 3)) == ("more", 0.39)
    assert row["adjusted"] == pytest.approx(0)
    assert row["adjusted_low"] < 0 < row["adjusted_high"]


def test_the_adjusted_difference_is_mantel_and_haenszels():
    people = {("a", 1, 1): 6, ("a", 1, 0): 4, ("a", 0, 1): 12, ("a", 0, 0): 18}
    people |= {("b", 1, 1): 8, ("b", 1, 0): 32, ("b", 0, 1): 2, ("b", 0, 0): 18}
    people |= {("c", 1, 1): 7}  # nobody of c did not: they say nothing about a difference
    (row,) = friction.drivers(drawn(people), "saved", at="2h").rows
    # Weights 10 · 30 / 40 and 40 · 20 / 60; differences 0.6 − 0.4 and 0.2 − 0.1.
    first, second = 7.5, 40 / 3
    assert row["adjusted"] == pytest.approx((0.2 * first + 0.1 * second) / (first + second))
    variance = first**2 * (0.24 / 10 + 0.24 / 30) + second**2 * (0.16 / 40 + 0.09 / 20)
    half = 1.959964 * math.sqrt(variance) / (first + second)
    assert row["adjusted_high"] - row["adjusted"] == pytest.approx(half)


def test_an_unknown_persona_is_a_stratum_and_without_the_column_nothing_is_adjusted():
    people = {("", 1, 1): 3, ("", 0, 0): 3, ("a", 1, 1): 4, ("a", 0, 1): 4}
    (row,) = friction.drivers(drawn(people), "saved", at="2h").rows
    assert row["adjusted"] == pytest.approx((1 * 1.5 + 0 * 2) / 3.5)
    run = small.run(
        questions=[SAVED],
        events="""
            user_id | event     | at
            ann     | signed_up | 2026-01-05 09:00
            ann     | looked    | 2026-01-05 09:00
            bob     | signed_up | 2026-01-05 09:00
            bob     | saved     | 2026-01-05 18:00
        """,
    )
    found = friction.drivers(run, "saved", at="2h")
    assert found.rows[0]["adjusted"] is None
    assert "adjusted" not in dict(found.definition)


def test_nobody_gives_no_rows():
    run = small.run(
        questions=[SAVED],
        events="""
            user_id | event     | at
            ann     | signed_up | 2026-01-05 09:00
            ann     | saved     | 2026-01-05 09:00
        """,
    )
    assert friction.drivers(run, "saved", at="2h").rows == []


REFUSED = [
    (question("kept", "active", goal="ran", hold="thing", within="7d"), "24h", "by `active`"),
    (question("open", "time_to", start="up", goal="ran", edges=["24h"]), "2h", "by `time_to`"),
    (
        question("held", "missed_within", start="up", goal="ran", hold="thing", within="7d"),
        "2h",
        "one attempt for each `thing`",
    ),
    (question("again", "reached_within", start="up", goal="up", within="7d"), "2h", "is its start"),
    (question("late", "reached_within", start="up", goal="ran", within="24h"), "24h", "no time"),
    (question("bare", "reached_within", start="up", goal="ran", within="24h"), "2", "no duration"),
]


@pytest.mark.parametrize(("asked", "at", "why"), REFUSED, ids=lambda x: getattr(x, "id", ""))
def test_what_cannot_be_compared_says_why_and_how_to_go_on(asked, at, why):
    run = small.run(
        questions=[asked],
        events="""
            user_id | event | at               | thing
            ann     | up    | 2026-01-05 09:00 | t
            ann     | ran   | 2026-01-05 09:00 | t
        """,
        plan=[DataPoint(event="ran", says="It ran.", properties={"thing": Property()})],
    )
    found = friction.drivers(run, asked.id, at=at)
    assert isinstance(found, Unavailable)
    assert why in found.reason
    assert "Hint:" in found.reason


def test_an_unknown_question_says_what_there_is():
    run = drawn({("a", 1, 1): 1})
    assert "declares no question `churn`" in friction.drivers(run, "churn").reason


# The sample company.


def of(run, id, event, times=1, **given):
    rows = friction.drivers(run, id, **given).rows
    return next(row for row in rows if (row["event"], row["times"]) == (event, times))


def test_verifying_goes_with_a_later_workflow_as_those_who_never_do_are_locked_out(airtouch):
    first = friction.drivers(airtouch, "time_to_first_workflow").rows[0]
    assert (first["event"], first["verdict"]) == ("email_verified", "more")
    assert first["adjusted_low"] > 0.1


@pytest.mark.parametrize("event", ["docs_opened", "connection_created", "connection_tested"])
def test_what_changes_no_later_workflow_shows_no_difference(airtouch, event):
    row = of(airtouch, "time_to_first_workflow", event)
    assert row["verdict"] == "no difference shown"
    assert row["adjusted_low"] < 0 < row["adjusted_high"]


def test_reading_the_docs_goes_with_running_only_through_the_persona(airtouch):
    row = of(airtouch, "path_to_value", "docs_opened")
    assert row["verdict"] == "more"
    assert row["adjusted_low"] < 0 < row["adjusted_high"]


def test_a_start_on_the_first_day_shows_in_its_first_hours(airtouch):
    # Whoever will save connects before: the demo plants connections on the way to a first save.
    row = of(airtouch, "first_workflow_24h", "connection_created", at="2h")
    assert row["verdict"] == "more"
    assert row["adjusted_low"] > 0.4
