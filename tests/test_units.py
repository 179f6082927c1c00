"""Who is counted: real people, their accounts and sessions, with what they are broken down by."""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from playbook.counting import units
from playbook.data import arrivals
from playbook.data.tables import Tables, conform
from playbook.language.mistakes import Mistake
from tests.spec import rows, table

USERS = """
    user_id | account_id | signed_up_at     | persona       | is_internal
    ann     | w1         | 2026-01-05 09:00 | data_engineer | false
    bob     | w1         | 2026-01-04 09:00 | sales         | false
    cat     | w1         | 2026-01-04 09:00 | analyst       | false
    dee     | w2         |                  |               | false
    eve     | w2         | 2026-01-09 09:00 | marketing     | false
    fay     |            | 2026-01-01 09:00 | sales         | false
"""
ACCOUNTS = """
    account_id | plan | size
    w1         | free | 12
    w3         | paid | 40
"""


def log(text: str, **known: str) -> Tables:
    """Tables whose events are drawn, and users and accounts if they are."""
    drawn = table(text)
    extra = {"is_internal": "boolean", "draft": "string"}
    events = conform(drawn, "events", extra={c: extra[c] for c in drawn.columns if c in extra})
    ready = {name: conform(table(text, size="int64"), name) for name, text in known.items()}
    return Tables(events, lambda: events, mapped={"events": frozenset(drawn.columns)}, **ready)


def test_rows_leave_out_bots_internal_people_and_the_unidentified(engine):
    tables = log("""
        event_id | user_id | account_id | event | at               | is_bot | is_internal | draft
        1        | ann     | w1         | ran   | 2026-01-05 09:00 |        | false       | d1
        2        | ann     | w1         | ran   | 2026-01-05 10:00 | true   | false       | d1
        3        | ivy     | w1         | ran   | 2026-01-05 11:00 |        | true        | d1
        4        |         | w1         | ran   | 2026-01-05 12:00 |        | false       | d1
        5        | ann     |            | saved | 2026-01-05 13:00 |        | false       |
    """)
    everybody = units.rows(tables, "user").select("unit", "event", "held")
    assert rows(everybody, engine) == [
        {"unit": "ann", "event": "ran", "held": ""},
        {"unit": "ann", "event": "saved", "held": ""},
    ]
    holding = units.rows(tables, "user", hold=["draft"]).select("unit", "event", "held")
    assert rows(holding, engine) == [{"unit": "ann", "event": "ran", "held": "d1"}]


def test_an_account_counts_unless_all_who_act_in_it_are_bots_or_internal(engine):
    tables = log("""
        event_id | user_id | account_id | event   | at               | is_bot | is_internal
        1        |         | w1         | created | 2026-01-05 09:00 |        | false
        2        | ann     | w1         | ran     | 2026-01-05 10:00 |        | false
        3        |         | w2         | created | 2026-01-05 09:00 |        | false
        4        | ivy     | w2         | ran     | 2026-01-05 10:00 |        | true
        5        |         | w3         | created | 2026-01-05 09:00 |        | false
        6        | bot     | w3         | ran     | 2026-01-05 10:00 | true   | false
        7        |         | w4         | created | 2026-01-05 09:00 |        | false
    """)
    found = units.rows(tables, "account").select("unit", "event", "user_id")
    # Nobody acts in w4: it is an account that does nothing, and counts as one.
    assert rows(found, engine) == [
        {"unit": "w1", "event": "created", "user_id": None},
        {"unit": "w1", "event": "ran", "user_id": "ann"},
        {"unit": "w4", "event": "created", "user_id": None},
    ]


def test_things_count_whoever_or_whatever_acts_on_them(engine):
    tables = log("""
        event_id | user_id | event | at               | is_bot | is_internal | draft
        1        |         | ran   | 2026-01-05 09:00 |        | false       | d1
        2        | ivy     | ran   | 2026-01-05 10:00 |        | true        | d2
        3        | ann     | ran   | 2026-01-05 10:00 |        | false       |
    """)
    assert [row["held"] for row in rows(units.things(tables, "draft"), engine)] == ["d1"]


def test_a_user_has_their_own_traits_and_the_week_is_not_asked_of_them(engine):
    tables = log("event_id | event | at", users=USERS)
    found = units.traits(tables, "user", ["persona", units.WEEK])
    assert found.columns == ("persona", "unit")
    assert rows(found, engine)[:2] == [
        {"persona": None, "unit": "dee"},
        {"persona": "analyst", "unit": "cat"},
    ]
    assert units.traits(tables, "user", [units.WEEK]).columns == ("unit",)


def test_an_account_has_the_traits_of_who_came_first_and_its_own(engine):
    tables = log("event_id | event | at", users=USERS, accounts=ACCOUNTS)
    found = units.traits(tables, "account", ["persona", "plan", "size"])
    # bob and cat tie: the id decides. A person whose sign-up is unknown came last.
    assert rows(found, engine) == [
        {"persona": "marketing", "plan": None, "size": None, "unit": "w2"},
        {"persona": "sales", "plan": "free", "size": 12, "unit": "w1"},
    ]


def test_an_accounts_own_traits_need_no_users(engine):
    tables = log("event_id | event | at", accounts=ACCOUNTS)
    assert rows(units.traits(tables, "account", ["plan"]), engine) == [
        {"plan": "free", "unit": "w1"},
        {"plan": "paid", "unit": "w3"},
    ]


def test_a_session_has_the_traits_of_its_person(engine):
    tables = log(
        """
        event_id | user_id | session_id | event | at
        1        |         | s1         | seen  | 2026-01-05 09:00
        2        | ann     | s1         | ran   | 2026-01-05 09:01
        3        | zoe     | s2         | ran   | 2026-01-05 09:00
        4        |         | s3         | seen  | 2026-01-05 09:00
        5        | bob     |            | ran   | 2026-01-05 09:00
        """,
        users=USERS,
    )
    assert rows(units.traits(tables, "session", ["persona"]), engine) == [
        {"unit": "s1", "persona": "data_engineer"},
        {"unit": "s2", "persona": None},
    ]


def test_a_session_ends_after_more_than_30_minutes_without_an_event(engine):
    tables = log("""
        event_id | user_id | anonymous_id | event | at                  | is_bot | is_internal
        1        | ann     | d1           | a     | 2026-01-05 09:00:00 |        | false
        2        | ann     | d1           | b     | 2026-01-05 09:30:00 |        | false
        3        | ann     | d2           | c     | 2026-01-05 10:00:00 |        | false
        4        | ann     | d1           | d     | 2026-01-05 10:30:01 |        | false
        5        | ann     |              | e     | 2026-01-05 10:30:01 |        | false
        6        |         | d1           | f     | 2026-01-05 10:31:00 |        | false
        7        | bob     | d1           | g     | 2026-01-05 10:31:00 | true   | false
        8        | bob     | d1           | h     | 2026-01-05 11:01:00 |        | false
        9        | bob     | d1           | i     | 2026-01-05 11:31:01 |        | false
        10       |         |              | j     | 2026-01-05 11:31:00 |        | false
    """)
    found = rows(units.rows(tables, "session").select("unit", "event"), engine)
    # A bot's event counts nowhere, but goes on with the session; who names nobody is in none.
    assert [(row["unit"], row["event"]) for row in found] == [
        ("ann|1", "a"),
        ("ann|1", "b"),
        ("ann|1", "c"),
        ("ann|2", "d"),
        ("ann|2", "e"),
        ("bob|1", "h"),
        ("bob|2", "i"),
        ("d1|1|", "f"),
    ]


def test_sessions_that_the_source_names_stay_as_they_are(engine):
    tables = log("""
        event_id | user_id | session_id | event | at               | is_internal
        1        | ann     | s1         | a     | 2026-01-05 09:00 | false
        2        | ann     | s1         | b     | 2026-01-05 12:00 | false
        3        | ann     |            | c     | 2026-01-05 12:00 | false
    """)
    found = rows(units.rows(tables, "session").select("event", "unit"), engine)
    assert found == [{"event": "a", "unit": "s1"}, {"event": "b", "unit": "s1"}]
    assert units.session_rule(tables, "session") == ()


def test_sessions_by_the_rule_have_the_traits_of_their_person(engine):
    tables = log(
        """
        event_id | user_id | anonymous_id | event | at
        1        | ann     |              | a     | 2026-01-05 09:00
        2        | ann     |              | b     | 2026-01-05 10:00
        3        | zoe     |              | c     | 2026-01-05 10:00
        4        |         | d1           | d     | 2026-01-05 10:00
        """,
        users=USERS,
    )
    assert rows(units.traits(tables, "session", ["persona"]), engine) == [
        {"unit": "ann|1", "persona": "data_engineer"},
        {"unit": "ann|2", "persona": "data_engineer"},
        {"unit": "zoe|1", "persona": None},
    ]
    said = "over after more than 30 minutes without an event of their person"
    assert units.session_rule(tables, "session") == (("sessions", said),)
    assert units.session_rule(tables, "user") == ()
    assert arrivals.unit_column(tables, "session") == "user_id"
    devices = log("event_id | anonymous_id | event | at")
    assert arrivals.unit_column(devices, "session") == "anonymous_id"


def told_apart(log: list[tuple[str, int]]) -> dict[int, str]:
    """Place in the log → its session, by walking each person's minutes."""
    found: dict[int, str] = {}
    last: dict[str, int] = {}
    number: dict[str, int] = {}
    for place, (who, minute) in sorted(enumerate(log), key=lambda each: each[1][1]):
        if who not in last or minute - last[who] > 30:
            number[who] = number.get(who, 0) + 1
        last[who] = minute
        found[place] = f"{who}|{number[who]}"
    return found


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 200)), min_size=1, max_size=12))
def test_sessions_are_those_that_walking_the_log_tells(log):
    begins = datetime(2026, 1, 5)
    drawn = [
        {"event_id": str(place), "user_id": who, "at": begins + timedelta(minutes=minute)}
        for place, (who, minute) in enumerate(log)
    ]
    typed = {"anonymous_id": ibis.null("string"), "session_id": ibis.null("string")}
    events = ibis.memtable(drawn).mutate(_.at.cast("timestamp(6)").name("at"), **typed)
    found = units.with_sessions(events).to_pyarrow().to_pylist()
    assert {int(row["event_id"]): row["session_id"] for row in found} == told_apart(log)


def test_among_takes_units_that_have_one_of_the_values_of_every_column(engine):
    people = table("""
        unit | persona | intent
        ann  | sales   | into
        bob  | analyst | into
        cat  | sales   | out
        dee  |         | into
    """)
    found = units.among(people, {"persona": ("sales", "analyst"), "intent": ("into",)})
    assert rows(found, engine) == [{"unit": "ann"}, {"unit": "bob"}]


@pytest.mark.parametrize("unit", ["user", "account", "session"])
def test_an_unknown_column_suggests_the_nearest(unit):
    tables = log("event_id | event | at", users=USERS, accounts=ACCOUNTS)
    with pytest.raises(Mistake) as mistake:
        units.traits(tables, unit, ["presona"])
    assert mistake.value.wrong == "Table `users` lacks the column(s) presona."
    assert mistake.value.hint == "did you mean `persona`?"


def test_traits_without_a_users_table_say_where_to_map_it():
    with pytest.raises(Mistake, match=r"(?s)It has: nothing.*map `users` in product\.yaml"):
        units.traits(log("event_id | event | at"), "user", ["persona"])
