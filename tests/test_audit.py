"""Stage 1: what questions need, whether it is there, whom it serves, and whether it is sound."""

from __future__ import annotations

import pytest

from playbook import audit
from playbook.declare import DataPoint
from playbook.results import Unavailable
from tests import small
from tests.small import question

# The account of cat's events comes from her user; `workflow_save` is a renamed event.
EVENTS = """
    event_id | user_id | account_id | event          | at               | received_at      | is_bot
    1        | ann     | a1         | signed_up      | 2026-01-01 09:00 | 2026-01-01 09:00 |
    2        | ann     | a1         | workflow_saved | 2026-01-02 09:00 | 2026-01-02 09:00 |
    2        | ann     | a1         | workflow_saved | 2026-01-02 09:00 | 2026-01-02 09:05 |
    3        | bob     | a1         | signed_up      | 2026-01-02 09:00 | 2026-01-02 10:00 |
    4        |         | a1         | workflow_saved | 2026-01-03 09:00 | 2026-01-03 10:01 |
    5        | cat     |            | signed_up      | 2026-01-30 09:00 | 2026-01-30 08:59 |
    6        | cat     |            | workflow_save  | 2026-01-30 10:00 |                  | true
    7        | ann     | a1         | zapped         | 2026-01-30 10:00 |                  |
    8        | ann     | a1         | signed_up      | 1970-01-01 00:00 |                  |
    9        | ann     | a1         | signed_up      |                  | 2026-01-30 10:00 |
             | ann     | a1         | zapped         | 2026-01-30 10:00 |                  |
             | ann     | a1         | zapped         | 2026-01-30 11:00 |                  |
"""
USERS = """
    user_id | account_id
    ann     | a1
    bob     | a1
    cat     | a2
"""
PLAN = [
    DataPoint(
        event="signed_up", says="x", owner="web", destinations={"mailer": "welcome", "ads": "stop"}
    ),
    DataPoint(event="workflow_saved", says="x", destinations={"mailer": "stop reminders"}),
    DataPoint(event="workflow_shared", says="x"),
]
FIRST = {"start": "signed_up", "goal": "workflow_saved", "within": "24h"}
QUESTIONS = [
    question("first", "reached_within", **FIRST),
    question("shared", "reached_within", **FIRST | {"goal": "workflow_shared"}),
    question("rich", "missed_within", **FIRST, among={"plan": "pro"}, by="persona"),
    question("signing_up", "mix", start="signed_up", goals=["zapped"], within="24h"),
    question("teams", "steps", unit="account", start="signed_up", goals=["zapped"], within="24h"),
]


@pytest.fixture(scope="module")
def run():
    return small.run(questions=QUESTIONS, plan=PLAN, events=EVENTS, users=USERS)


def test_every_question_stands_against_what_it_needs(run):
    found = audit.questions(run)
    assert (found.id, found.shape) == ("audit.questions", "audit")
    half, fifth = "50.0% of its events have no user_id", "20.0% of its events name no account"
    assert [(r["subject"], r["check"], r["status"], r["seen"]) for r in found.rows] == [
        ("first", "signed_up", "ok", "4 events"),
        ("first", "workflow_saved", "caveat", half),
        ("shared", "signed_up", "ok", "4 events"),
        ("shared", "workflow_shared", "missing", "no such event arrives"),
        ("rich", "signed_up", "ok", "4 events"),
        ("rich", "workflow_saved", "caveat", half),
        ("rich", "plan", "missing", "no such column is mapped"),
        ("rich", "persona", "caveat", "no such column is mapped"),
        ("signing_up", "signed_up", "ok", "4 events"),
        ("signing_up", "zapped", "ok", "3 events"),
        (
            "teams",
            "signed_up",
            "caveat",
            fifth.replace("20.0", "25.0") + "; it is taken from their user",
        ),
        ("teams", "zapped", "ok", "3 events"),
    ]


def test_a_verdict_is_that_of_the_weakest_data_point_and_says_why(run):
    assert [tuple(row.values()) for row in audit.verdicts(run).rows] == [
        ("first?", "with caveats", "workflow_saved: 50.0% of its events have no user_id"),
        ("shared?", "not answerable", "workflow_shared: no such event arrives"),
        ("rich?", "not answerable", "plan: no such column is mapped"),
        ("signing_up?", "answerable", ""),
        (
            "teams?",
            "with caveats",
            "signed_up: 25.0% of its events name no account; it is taken from their user",
        ),
    ]


def test_a_verdict_and_an_answer_agree(run):
    verdicts = [row["verdict"] for row in audit.verdicts(run).rows]
    found = audit.every_answer(run)
    assert [isinstance(answer, Unavailable) for answer in found] == [
        verdict == "not answerable" for verdict in verdicts
    ]


def test_the_plan_stands_against_the_data(run):
    names = ("data point", "owner", "rows", "status", "note", "questions")
    assert [tuple(row[name] for name in names) for row in audit.data_points(run).rows] == [
        ("signed_up", "web", 4, "arrives", "", 5),
        ("workflow_saved", "", 2, "stopped", "last seen 03 Jan 2026", 2),
        ("workflow_shared", "", 0, "dead", "planned, and never arrives", 1),
        ("workflow_save", "", 1, "not planned", "like workflow_saved: renamed?", 0),
        ("zapped", "", 3, "not planned", "", 2),
    ]


def test_each_destination_has_a_purpose_and_a_data_point_without_one_is_missed(run):
    found = [
        (r["subject"], r["check"], r["status"], r["seen"]) for r in audit.destinations(run).rows
    ]
    assert found == [
        ("signed_up", "mailer", "ok", "welcome"),
        ("signed_up", "ads", "ok", "stop"),
        ("workflow_saved", "mailer", "ok", "stop reminders"),
        (
            "workflow_shared",
            "no consumer",
            "missing",
            "nobody has said what it is for: resist collecting it",
        ),
    ]


def test_each_defect_is_counted_over_all_that_arrived(run):
    rows = audit.soundness(run).rows
    assert {row["what"]: row["rows"] for row in rows} == {
        "copies of an event": 1,  # without an id nothing is a copy
        "no time": 1,
        "arrived more than 1 hour late": 1,
        "clock ahead of its arrival": 1,
        "time before the log begins": 1,
        "no user": 1,
        "a user and no account": 2,
        "sent by bots": 1,
    }
    assert {row["of"] for row in rows} == {12}
    assert rows[0]["share"] == pytest.approx(1 / 12)


def test_the_headline_is_the_products_or_its_first_question(run):
    assert audit.headline(run).id == "audit.first"
    named = small.run(questions=QUESTIONS, events=EVENTS, words={"headline": "signing_up"})
    assert audit.headline(named).id == "audit.signing_up"


def test_a_product_without_questions_or_a_plan_says_so():
    bare = small.run(events=EVENTS)
    assert audit.questions(bare).rows == audit.verdicts(bare).rows == []
    assert audit.destinations(bare).rows == []
    assert audit.headline(bare).reason.startswith("Small declares no question ``. It asks: nothing")
    assert {row["status"] for row in audit.data_points(bare).rows} == {"not planned"}
