"""What the events hold of what a question needs, at its thresholds."""

from __future__ import annotations

from typing import Any

import pytest

from playbook.coverage import need, per_event
from playbook.declare import Question
from tests.spec import at, rows, table


def question(**said: Any) -> Question:
    given = {
        "id": "first_day",
        "asks": "Who?",
        "decides": "What.",
        "measure": "reached_within",
        "start": "signed_up",
        "goal": "saved",
        "within": "24h",
    }
    return Question(**{**given, **said})


AS_OF = at("2026-02-01")


def graded(asked: Question, event: str, known: dict[str, dict[str, Any]]) -> tuple[str, str]:
    return need(asked, event, known, AS_OF)


def seen(n: int, **having: int) -> dict[str, dict[str, Any]]:
    counted = {f"with_{column}": count for column, count in having.items() if column != "inferred"}
    return {"saved": {"n": n, "last": AS_OF, "inferred": having.get("inferred", 0), **counted}}


def test_per_event_counts_what_each_events_rows_have(engine):
    events = table("""
        event | user_id | account_id | session_id | draft | at               | is_inferred
        saved | ann     | w1         |            | d1    | 2026-01-05 09:00 | false
        saved | ann     | w1         | s1         |       | 2026-01-07 09:00 | true
        saved |         |            |            | d2    | 2026-01-06 09:00 |
        ran   | bob     |            |            |       |                  | false
    """)
    # A planned property that no table delivers has no column, and is no reason to fail.
    found = per_event(events, {"draft": "string", "workflow_id": "string"})
    assert rows(found, engine) == [
        {
            "event": "ran",
            "n": 1,
            "first": None,
            "last": None,
            "inferred": 0,
            "with_user_id": 1,
            "with_account_id": 0,
            "with_session_id": 0,
            "with_draft": 0,
        },
        {
            "event": "saved",
            "n": 3,
            "first": at("2026-01-05 09:00"),
            "last": at("2026-01-07 09:00"),
            "inferred": 1,
            "with_user_id": 2,
            "with_account_id": 2,
            "with_session_id": 1,
            "with_draft": 2,
        },
    ]


@pytest.mark.parametrize(
    ("having", "expected"),
    [
        (1000, ("ok", "1,000 events")),
        (990, ("ok", "1,000 events")),
        (989, ("caveat", "1.1% of its events have no user_id")),
        (500, ("caveat", "50.0% of its events have no user_id")),
        (499, ("missing", "50.1% of its events have no user_id")),
        (0, ("missing", "100.0% of its events have no user_id")),
    ],
)
def test_a_unit_may_lack_one_percent_and_must_be_there_in_half(having, expected):
    assert graded(question(), "saved", seen(1000, user_id=having)) == expected


def test_an_event_that_never_arrives_is_missing():
    assert graded(question(), "saved", {}) == ("missing", "no such event arrives")
    assert graded(question(), "saved", seen(0)) == ("missing", "no such event arrives")


def test_a_held_property_must_be_there_as_the_unit_must():
    held = question(hold="draft")
    assert graded(held, "saved", seen(100, user_id=100, draft=98))[0] == "caveat"
    assert graded(held, "saved", seen(100, user_id=100)) == (
        "missing",
        "100.0% of its events have no draft",
    )


def test_what_is_active_needs_no_unit_but_what_it_holds():
    active = Question(
        id="active",
        asks="How many?",
        decides="What.",
        measure="active",
        goal="saved",
        hold="draft",
        within="7d",
    )
    assert graded(active, "saved", seen(100, draft=100)) == ("ok", "100 events")


@pytest.mark.parametrize(("inferred", "status"), [(1, "ok"), (2, "caveat"), (100, "caveat")])
def test_accounts_taken_from_users_are_a_caveat_beyond_one_percent(inferred, status):
    found = graded(question(unit="account"), "saved", seen(100, account_id=100, inferred=inferred))
    assert found[0] == status
    assert graded(question(), "saved", seen(100, user_id=100, inferred=inferred))[0] == "ok"


def test_an_event_that_fell_silent_is_a_caveat():
    known = seen(1000, user_id=1000)
    known["saved"]["last"] = at("2026-01-10")
    assert graded(question(), "saved", known) == ("caveat", "it fell silent: last seen 10 Jan 2026")
    assert graded(question(within="30d"), "saved", known)[0] == "ok"
