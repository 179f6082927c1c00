"""Canonical form: every column there, typed, and one meaning for unknown."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pytest

from playbook.data.tables import COLUMNS, Tables, conform
from playbook.language.mistakes import Mistake
from tests.spec import at, rows, table

USERS = """
    user_id | signed_up_at     | persona | is_internal
    ann     | 2026-01-05 09:00 | sales   | true
    bob     |                  |         |
"""


def test_conform_gives_every_canonical_column_typed_and_in_order():
    found = conform(table(USERS), "users")
    assert list(found.schema().items()) == [
        (name, ibis.dtype(spec.type)) for name, spec in COLUMNS["users"].items()
    ]


def test_unknown_is_null_and_an_unknown_flag_is_no(engine):
    drawn = table(USERS).mutate(role=ibis.literal(""))
    found = conform(drawn, "users").select(
        "user_id", "signed_up_at", "persona", "role", "is_internal"
    )
    assert rows(found, engine) == [
        {
            "user_id": "ann",
            "signed_up_at": at("2026-01-05 09:00"),
            "persona": "sales",
            "role": None,
            "is_internal": True,
        },
        {
            "user_id": "bob",
            "signed_up_at": None,
            "persona": None,
            "role": None,
            "is_internal": False,
        },
    ]


def test_an_unknown_that_is_no_flag_stays_unknown(engine):
    seen = table("message_id | user_id | seen_by_machine\n 1 | ann |", seen_by_machine="boolean")
    found = conform(seen, "messages").select("is_ghost", "seen_by_machine")
    assert rows(found, engine) == [{"is_ghost": False, "seen_by_machine": None}]


def test_an_empty_text_is_no_number_and_no_time(engine):
    drawn = table("account_id | size | founded\n a1 | 12 | 2026-01-05").union(
        ibis.memtable({"account_id": ["a2"], "size": [""], "founded": [""]})
    )
    found = conform(drawn.rename(created_at="founded"), "accounts")
    assert rows(found.select("account_id", "size", "created_at"), engine) == [
        {"account_id": "a1", "size": 12, "created_at": at("2026-01-05")},
        {"account_id": "a2", "size": None, "created_at": None},
    ]


def test_what_is_declared_besides_follows_and_never_changes_a_canonical_column():
    drawn = table("event_id | event | at | workflow_id\n 1 | ran | 2026-01-05 | w1")
    found = conform(drawn, "events", extra={"workflow_id": "string", "at": "string"})
    assert found.columns == (*COLUMNS["events"], "workflow_id")
    assert found.schema()["at"] == ibis.dtype("timestamp(6)")


def test_a_required_column_that_is_not_mapped_is_a_mistake():
    with pytest.raises(Mistake) as mistake:
        conform(table("event_id | user_id\n 1 | ann"), "events")
    assert str(mistake.value) == (
        "Table `events` lacks the column(s) event, at.\n"
        "It has: event_id, user_id.\n"
        "Hint: map them under `tables: events:` of product.yaml."
    )


def test_has_asks_what_the_source_delivers_not_what_conform_fills_in():
    events = conform(table("event_id | event | at\n 1 | ran | 2026-01-05"), "events")
    mapped = {"events": frozenset({"event_id", "event", "at"})}
    tables = Tables(events, lambda: events, mapped=mapped)
    assert tables.has("events", "at")
    assert not tables.has("events", "account_id")
    assert not tables.has("users")


LOG = """
    event_id | event | at               | received_at
    1        | ran   | 2026-01-05 09:00 | 2026-01-05 09:00
    2        | ran   | 2026-01-05 09:00 | 2026-01-06 09:00
    3        | ran   | 2026-01-05 09:00 |
    4        | ran   | 2026-01-06 09:00 | 2026-01-05 09:00
    5        | ran   | 2026-01-06 09:00 |
    6        | ran   |                  | 2026-01-05 09:00
"""


def ids(found: ir.Table, engine: ibis.BaseBackend) -> list[str]:
    return [row["event_id"] for row in rows(found.select("event_id"), engine)]


def test_until_leaves_out_what_happened_later_and_keeps_the_log_as_it_arrived(engine):
    log = conform(table(LOG), "events")
    users = conform(
        table("""
            user_id | signed_up_at
            ann     | 2026-01-05 09:00
            bob     | 2026-01-05 09:01
            cat     |
        """),
        "users",
    )
    messages = conform(
        table("""
            message_id | user_id | sent_at
            1          | ann     | 2026-01-05 09:00
            2          | ann     | 2026-01-05 09:01
            3          | ann     |
        """),
        "messages",
    )
    made = Tables(log, lambda: log.filter(log.at.notnull()), users=users, messages=messages)
    found = made.until(at("2026-01-05 09:00"))
    assert ids(found.events, engine) == ["1", "2", "3"]
    assert ids(found.arrivals, engine) == ["1", "2", "3", "4", "5", "6"]
    assert [row["user_id"] for row in rows(found.users, engine)] == ["ann", "cat"]
    assert [row["message_id"] for row in rows(found.messages, engine)] == ["1", "3"]


def test_received_leaves_out_what_arrived_later_in_the_log_and_in_the_events(engine):
    log = conform(table(LOG), "events")
    shared = log.filter(log.event_id.isin(["1", "2"])).mutate(copy_=ibis.literal(1))
    found = Tables(log, lambda: log.filter(log.at.notnull()), shared).received(
        at("2026-01-05 09:00")
    )
    # A row that does not say when it arrived came when it happened.
    assert ids(found.arrivals, engine) == ["1", "3", "4", "6"]
    assert ids(found.events, engine) == ["1", "3", "4"]
    assert ids(found.shared, engine) == ids(found.copies, engine) == ["1"]


def test_what_no_column_tells_is_said_in_words():
    log = conform(table(LOG), "events")
    found = Tables(log, lambda: log, mapped={"events": frozenset({"event_id", "seen_at"})})
    assert found.unknown("events") == found.unknown("events", "at", "seen_at") == ""
    assert found.unknown("events", "at", "source") == "no `at` or `source` of `events` is mapped"
    assert found.unknown("users") == "no table `users` is mapped"
