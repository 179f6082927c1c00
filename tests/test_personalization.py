"""Stage 3: cells and the plays that cover them, reach, cards in words, and whom to send to."""

from __future__ import annotations

import pytest

from playbook import findings, personalization, triggers
from playbook.results import Unavailable
from tests import small
from tests.small import play, question

QUESTIONS = [
    question("saved", "reached_within", start="signed_up", goal="saved", within="24h"),
    question("missed", "missed_within", start="signed_up", goal="saved", within="24h"),
    question("path", "steps", start="signed_up", goals=["saved"], within="24h"),
]
EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    ann     | saved     | 2026-01-05 10:00
    bob     | signed_up | 2026-01-05 09:00
    cat     | signed_up | 2026-01-06 09:00
    cat     | verified  | 2026-01-06 10:00
    dee     | signed_up | 2026-01-07 09:00
    eve     | signed_up | 2026-01-08 09:00
    fay     | signed_up | 2026-01-09 09:00
"""
USERS = """
    user_id | account_id | persona  | intent | acquisition | is_internal
    ann     | a1         | engineer | into   | organic     |
    bob     | a1         | engineer | into   | organic     |
    cat     | a2         | engineer | out    | organic     |
    dee     | a3         | sales    | into   | invited     |
    eve     | a3         | sales    | into   | invited     |
    fay     | a4         |          |        | organic     |
    gus     | a4         | engineer | into   | organic     | true
"""
GUIDE = play(
    "guide",
    audience={"persona": "engineer", "intent": ["into", "out"]},
    channel="in_app",
    after="24h",
    unless="verified",
    unit="account",
    priority=10,
    holdout=0.25,
)
WELCOME = play("welcome", audience={"persona": "engineer", "intent": "into"}, priority=20)
EVERYBODY = play("everybody", audience={}, having=["saved", "verified"], holdout=0)
LABELS = {"engineer": "data engineers", "into": "into the warehouse"}


def opened(*plays, **said):
    given = {"questions": QUESTIONS, "events": EVENTS, "users": USERS, "plays": plays}
    return small.run(**given | {"words": {"labels": LABELS, "min_n": 2}} | said)


@pytest.fixture(scope="module")
def run():
    return opened(GUIDE, WELCOME, EVERYBODY)


def test_each_cell_has_its_friction_and_the_plays_that_cover_it(run):
    found = personalization.matrix(run, "saved")
    assert (found.id, found.by) == (
        "personalization.matrix",
        ("persona", "intent", "acquisition"),
    )
    # Largest loss first; below `min_n` no share; a play for everybody covers no cell by itself.
    assert [tuple(row.values()) for row in found.rows] == [
        ("sales", "into the warehouse", "invited", 2, 0.0, 2, "none: a gap"),
        ("data engineers", "into the warehouse", "organic", 2, 0.5, 1, "guide, welcome"),
        ("data engineers", "out", "organic", 1, None, 1, "guide"),
        ("(unknown)", "(unknown)", "organic", 1, None, 1, "none: a gap"),
    ]


def test_the_cells_may_be_others(run):
    found = personalization.matrix(run, "saved", cells=["acquisition"])
    assert [(row["acquisition"], row["people"]) for row in found.rows] == [
        ("organic", 4),
        ("invited", 2),
    ]


@pytest.mark.parametrize("id", ["missed", "path"])
def test_a_matrix_needs_a_question_that_counts_who_reaches_a_goal(run, id):
    reason = f"`{id}` does not count who reaches a goal: use reached_within or did_before."
    assert personalization.matrix(run, id) == Unavailable("personalization.matrix", reason)


def test_a_matrix_over_a_column_that_is_not_there_says_so(run):
    found = personalization.matrix(run, "saved", cells=["persona", "colour"])
    assert "lacks the column(s) colour" in found.reason


def test_a_card_says_a_play_in_words_and_the_most_important_stands_first(run):
    cards = personalization.cards(run).rows
    assert [card["play"] for card in cards] == ["welcome", "guide", "everybody"]
    assert cards[1] == {
        "play": "guide",
        "says": "Says how.",
        "for": "data engineers, into the warehouse or out",
        "when": "24 hours after signed_up, unless verified came before",
        "by": "in-app",
        "goal": "saved within 3 days",
        "holdout": "25% of accounts",
    }
    assert cards[0]["when"] == "at signed_up"
    assert cards[2]["for"] == "everybody"
    assert cards[2]["when"] == "at signed_up, if saved and verified came before"
    assert cards[2]["holdout"] == "0% of users"


def test_a_small_holdout_is_a_holdout():
    found = personalization.cards(opened(play("tiny", holdout=0.004)))
    assert found.rows[0]["holdout"] == "0.4% of users"
    assert findings.cards(found).text.endswith("each of them can be measured.")


def test_reach_counts_people_units_and_arms_as_if_the_plays_had_been_live(run):
    found = {row["play"]: row for row in personalization.reach(run).rows}
    # Cat had verified before her moment; accounts count once.
    assert {slug: (row["people"], row["triggered"]) for slug, row in found.items()} == {
        "guide": (3, 1),
        "welcome": (2, 2),
        "everybody": (6, 0),
    }
    for row in found.values():
        assert row["sent"] + row["held_out"] == row["triggered"]
    sent = [row["sent"] for row in personalization.reach(run).rows]
    assert sent == sorted(sent, reverse=True)


def test_sends_a_week_are_those_of_the_period_and_not_of_the_time_since():
    period = ("2026-01-01", "2026-01-15", "2026-01-29")
    found = personalization.reach(opened(play("all", audience={}, holdout=0), period=period))
    assert [(row["sent"], row["sends a week"]) for row in found.rows] == [(6, 3.0)]


def test_an_audience_holds_whom_the_ledger_sends_to_and_never_a_held_out_unit():
    people = [f"u{k:03d}" for k in range(200)]
    events = "user_id | event | at\n" + "".join(f"{u} | signed_up | 2026-01-05\n" for u in people)
    events += "u000 | saved | 2026-01-05\n"
    users = "user_id | persona\n" + "".join(f"{u} | engineer\n" for u in people)
    run = small.run(plays=[play("half")], events=events, users=users)
    found = personalization.audience(run, "half")
    ledger = triggers.ledger(run, play("half")).to_pyarrow().to_pylist()
    arms = {row["unit"]: row["arm"] for row in ledger}
    assert len(arms) == 200
    assert {row["unit"] for row in found.rows} == {u for u, arm in arms.items() if arm == "treated"}
    assert 60 < len(found.rows) < 140
    assert found.id == "personalization.audience.half"


def test_the_sample_companys_audiences_hold_no_held_out_unit(airtouch):
    for declared in airtouch.declared.plays:
        held = triggers.audience(airtouch, declared).filter(lambda t: t.arm == "holdout")
        sent = personalization.audience(airtouch, declared.slug).table
        assert sent.semi_join(held, "unit").count().to_pyarrow().as_py() == 0, declared.slug


def test_what_is_not_there_is_said():
    bare = opened()
    reason = "Small has no plays. A play says who gets which message when."
    assert personalization.cards(bare).reason.startswith(reason)
    assert personalization.reach(bare).reason.startswith(reason)
    assert personalization.audience(bare, "x").reason == (
        "Small declares no play `x`. It declares: nothing."
    )
    alone = small.run(plays=[GUIDE], events=EVENTS)
    for found in (personalization.reach(alone), personalization.audience(alone, "guide")):
        assert found.reason.startswith("The table `users` is not mapped")
    wrong = opened(play("typo", audience={"persna": "engineer"}))
    for found in (personalization.reach(wrong), personalization.audience(wrong, "typo")):
        assert found.reason.startswith("The audience of `typo` names persna, which `users` lacks.")
        assert found.reason.endswith("did you mean `persona`?")
