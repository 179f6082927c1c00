"""What arrives is counted in one scan; what a question needs of it, at its thresholds."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from playbook import run
from playbook.data import sources
from playbook.data.arrivals import AHEAD, LATE, daily_counts, need, usual_lateness
from playbook.data.rules import distinct_rules
from playbook.data.tables import conform
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Declarations, Product, Property, Question, TableMap
from playbook.language.periods import Period
from playbook.run import Run
from tests import random_log
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


PLAN = (
    DataPoint(
        event="saved",
        says="It is saved.",
        properties={
            "draft": Property(required=True, values=("d1", "d2")),
            "size": Property(type="int64", least=2, most=8),
            "workflow_id": Property(required=True),  # which no table delivers
        },
    ),
    DataPoint(event="ran", says="It runs.", properties={"draft": Property(values=("d1", "d2"))}),
)
PROPERTIES = {"draft": "string", "size": "int64"}


def log(text: str) -> ir.Table:
    drawn = table(text)
    there = {name: kind for name, kind in PROPERTIES.items() if name in drawn.columns}
    return conform(drawn, "events", extra=there)


def count(text: str, engine: ibis.BaseBackend, *columns: str) -> list[dict[str, Any]]:
    """Columns of what arrived, per event, source, version and day."""
    return rows(daily_counts(log(text), PLAN).select(*columns), engine)


@pytest.fixture
def loaded(engine):
    """Makes a run over drawn tables of an engine, and takes the tables away again."""
    names = []

    def load(as_of: str = "2026-02-01", **drawn: ir.Table) -> Run:
        maps = {}
        for name, found in drawn.items():
            engine.create_table(name, found, overwrite=True)
            names.append(name)
            maps[name] = (TableMap(table=name, columns={c: c for c in found.columns}),)
        declared = Declarations(Product(name="Small", tables=maps), PLAN, (), (), ())
        warehouse = Warehouse(engine)
        tables = sources.tables_of(declared, warehouse)
        period = Period(at("2026-01-01"), at("2026-02-01"), at(as_of))
        arrived = run.counted(declared, tables)
        return Run(declared, warehouse, tables, period, period.since, *arrived)

    yield load
    for name in names:
        engine.drop_table(name, force=True)


def test_what_arrives_is_counted_per_event_source_version_and_day(engine):
    text = """
        event_id | event | source | app_version | at               | received_at
        1        | saved | web    | 1           | 2026-01-05 00:00 | 2026-01-06 09:00
        1        | saved | web    | 1           | 2026-01-05 23:59 | 2026-01-06 08:00
        2        | saved | web    | 1           | 2026-01-06 00:00 | 2026-01-06 00:00
        3        | saved | web    | 2           | 2026-01-05 10:00 |
        4        | saved |        |             | 2026-01-05 10:00 |
        5        | ran   | web    | 1           | 2026-01-05 10:00 |
        6        | ran   | web    | 1           |                  | 2026-01-07 09:00
    """
    found = count(text, engine, "event", "source", "app_version", "day", "n", "first", "last",
                  "received")  # fmt: skip
    fifth, ten = date(2026, 1, 5), at("2026-01-05 10:00")
    assert [tuple(row.values()) for row in found] == [
        ("ran", "web", "1", fifth, 1, ten, ten, None),
        ("ran", "web", "1", None, 1, None, None, at("2026-01-07 09:00")),
        ("saved", None, None, fifth, 1, ten, ten, None),
        (
            *("saved", "web", "1", fifth, 2),
            *(at("2026-01-05 00:00"), at("2026-01-05 23:59"), at("2026-01-06 09:00")),
        ),
        ("saved", "web", "1", date(2026, 1, 6), 1, *[at("2026-01-06 00:00")] * 3),
        ("saved", "web", "2", fifth, 1, ten, ten, None),
    ]


def test_times_after_their_arrival_or_before_2000_are_not_possible(engine):
    text = """
        event_id | event | at                  | received_at
        1        | ran   | 2026-01-05 09:00    | 2026-01-05 09:00
        2        | ran   | 2026-01-05 08:00    |
        3        | ran   | 2026-01-05 23:00    | 2026-01-05 22:59
        4        | ran   | 1999-12-31 23:59:59 | 2026-01-05 09:00
        5        | ran   | 2000-01-01 00:00    | 2026-01-05 09:00
    """
    found = count(text, engine, "day", "ancient", "sane_first", "sane_last")
    assert [tuple(row.values()) for row in found] == [
        (date(1999, 12, 31), 1, None, None),
        (date(2000, 1, 1), 0, at("2000-01-01"), at("2000-01-01")),
        (date(2026, 1, 5), 0, at("2026-01-05 08:00"), at("2026-01-05 09:00")),
    ]


def test_what_rows_have_is_counted_for_ids_and_planned_properties_that_are_delivered(engine):
    text = """
        event_id | event | at         | user_id | account_id | session_id | anonymous_id | draft
        1        | saved | 2026-01-05 | ann     | w1         |            | x            | d1
        2        | saved | 2026-01-05 | ann     |            | s1         |              |
        3        | saved | 2026-01-05 |         |            |            | y            | d2
    """
    found = rows(daily_counts(log(text), PLAN), engine)[0]
    assert {name: n for name, n in found.items() if name.startswith("with_")} == {
        "with_user_id": 2,
        "with_account_id": 1,
        "with_session_id": 1,
        "with_anonymous_id": 2,
        "with_received_at": 0,
        "with_draft": 2,
    }
    assert found["unlinked"] == 1


def test_a_property_may_be_planned_under_a_canonical_name(engine):
    plan = [DataPoint(event="ran", says="It runs.", properties={"received_at": {}, "user_id": {}})]
    text = "event_id | event | at | received_at\n 1 | ran | 2026-01-05 | 2026-01-05"
    found = rows(daily_counts(log(text), plan), engine)[0]
    assert (found["with_received_at"], found["with_user_id"]) == (1, 0)


def test_late_arrivals_clocks_that_are_ahead_and_bots_are_counted(engine):
    text = """
        event_id | event | at               | received_at         | sent_at             | is_bot
        1        | ran   | 2026-01-05 09:00 | 2026-01-05 09:01    |                     | true
        2        | ran   | 2026-01-05 09:00 | 2026-01-05 09:01:01 | 2026-01-05 09:00:01 | false
        3        | ran   | 2026-01-05 09:00 | 2026-01-05 10:00    | 2026-01-05 09:59    |
        4        | ran   | 2026-01-05 09:00 | 2026-01-05 10:00:01 | 2026-01-05 09:59    |
        5        | ran   | 2026-01-05 09:00 | 2026-01-06 09:00:01 | 2026-01-06 09:01:02 |
        6        | ran   | 2026-01-05 09:00 | 2026-01-08 09:00:01 |                     |
        7        | ran   | 2026-01-05 09:00 | 2026-01-05 08:59    |                     |
        8        | ran   | 2026-01-05 09:00 | 2026-01-05 08:58:59 |                     |
        9        | ran   | 2026-01-05 09:00 |                     | 2026-01-06 09:00    |
    """
    names = ["late_60", "late_3600", "late_86400", "late_259200", "ahead", "skewed", "bots"]
    # Rows 4, 5 and 8 come from a clock that is off; row 6 was held back, and its clock unknown.
    assert [tuple(row.values()) for row in count(text, engine, *names)] == [(5, 3, 2, 1, 1, 3, 1)]


def test_each_rule_of_the_plan_is_counted_once_whichever_event_carries_it(engine):
    text = """
        event_id | event | at         | draft | size
        1        | saved | 2026-01-05 | d1    | 2
        2        | saved | 2026-01-05 | d9    | 1
        3        | saved | 2026-01-05 |       | 9
        4        | ran   | 2026-01-05 | d8    |
        5        | ran   | 2026-01-05 | d8    | 8
    """
    kinds = [
        (rule.property, rule.kind) for rule in distinct_rules(PLAN, log(text).columns).values()
    ]
    assert kinds == [("draft", "required"), ("draft", "values"), ("size", "range")]
    assert count(text, engine, "event", "broken_0", "broken_1", "broken_2") == [
        {"event": "ran", "broken_0": 0, "broken_1": 2, "broken_2": 0},
        {"event": "saved", "broken_0": 1, "broken_1": 1, "broken_2": 2},
    ]


def test_per_event_counts_each_event_once_with_the_accounts_of_its_users(loaded):
    opened = loaded(
        events=table("""
            event_id | event | user_id | account_id | session_id | draft | at
            1        | saved | ann     | w1         |            | d1    | 2026-01-05 09:00
            2        | saved | ann     |            | s1         |       | 2026-01-07 09:00
            2        | saved | ann     |            | s1         |       | 2026-01-07 09:00
            2        | saved | ann     |            | s1         |       | 2026-01-08 09:00
            3        | saved |         |            |            | d2    | 2026-01-06 09:00
            4        | saved | bob     |            |            | d2    | 2026-01-06 09:00
            5        | saved | ann     |            |            | d2    |
            6        | ran   | bob     |            |            |       |
        """),
        users=table("user_id | account_id\n ann | w1\n bob |\n cat | w2"),
    )
    # Nothing else than a copy stands on the eighth, and `ran` has no time at all.
    assert set(opened.coverage) == {"saved"}
    wanted = ("n", "first", "last", "inferred", "with_user_id", "with_account_id", "unlinked")
    assert [opened.coverage["saved"][name] for name in wanted] == [
        *(4, at("2026-01-05 09:00"), at("2026-01-07 09:00"), 1),
        *(3, 2, 2),
    ]
    assert opened.coverage["saved"]["with_draft"] == 3
    assert opened.coverage["saved"]["with_session_id"] == 1
    assert "with_workflow_id" not in opened.coverage["saved"]


def test_per_event_ends_at_a_moment_and_may_begin_at_one(loaded):
    opened = loaded(
        as_of="2026-01-06 12:00",
        events=table("""
            event_id | event | user_id | account_id | at
            1        | saved | ann     | w1         | 2026-01-04 09:00
            2        | saved | ann     |            | 2026-01-05 09:00
            3        | saved | ann     |            | 2026-01-06 09:00
            4        | saved | ann     |            | 2026-01-07 09:00
            5        | ran   | ann     |            | 2026-01-07 09:00
        """),
        users=table("user_id | account_id\n ann | w1"),
    )
    names = ("n", "first", "last", "inferred", "with_account_id")
    assert set(opened.coverage) == {"saved"}
    assert [opened.coverage["saved"][name] for name in names] == [
        *(3, at("2026-01-04 09:00"), at("2026-01-06 09:00"), 2, 3),
    ]
    between = opened.coverage_between(at("2026-01-05 12:00"), at("2026-01-09"))
    assert [between["saved"][name] for name in names] == [
        *(2, at("2026-01-05 09:00"), at("2026-01-06 09:00"), 2, 2),
    ]


@pytest.mark.parametrize(
    ("known", "late", "seconds"),
    [(0, 0, 60), (100, 5, 60), (100, 6, 3600), (100, 100, 3600)],
)
def test_events_are_usually_there_when_95_percent_are_and_after_an_hour_at_most(
    known, late, seconds
):
    rows = [
        {"with_received_at": known, "late_60": late, "late_3600": late, "n": 1000},
        {"with_received_at": 0, "late_60": 0, "late_3600": 0, "n": 1000},
    ]
    assert usual_lateness(rows).total_seconds() == seconds


def test_without_users_no_account_is_inferred(loaded):
    text = "event_id | event | user_id | account_id | at\n 1 | ran | ann | | 2026-01-05"
    found = loaded(events=table(text)).coverage["ran"]
    assert (found["unlinked"], found["inferred"], found["with_account_id"]) == (1, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_what_arrives_less_its_copies_is_what_the_events_hold(loaded, seed):
    people = table("user_id | account_id\n ann | w1\n bob |\n cat | w2")
    opened = loaded(events=random_log.drawn(random_log.log(seed)), users=people)
    events = rows(opened.tables.events, opened.warehouse.connection)
    assert sum(row["n"] for row in opened.copied) > 100
    assert sum(row["is_inferred"] for row in events) > 10
    names = ("ran", "saved", "signed_up")
    direct = {name: _held([row for row in events if row["event"] == name]) for name in names}
    found = {
        event: {name: row[name] for name in direct[event]} for event, row in opened.coverage.items()
    }
    assert found == direct


def _held(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What events hold, counted one by one."""
    timed = [row for row in events if row["received_at"]]
    lags = [(row["received_at"] - row["at"]).total_seconds() for row in timed]
    ids = ("user_id", "account_id", "session_id", "anonymous_id", "received_at", "draft", "size")
    drafts, sizes = ([row[name] for row in events] for name in PROPERTIES)
    return {
        "n": len(events),
        "inferred": sum(row["is_inferred"] for row in events),
        **{f"with_{name}": sum(row[name] is not None for row in events) for name in ids},
        "unlinked": sum(
            row["user_id"] is not None and (row["account_id"] is None or row["is_inferred"])
            for row in events
        ),
        "bots": sum(row["is_bot"] for row in events),
        **{f"late_{limit}": sum(lag > limit for lag in lags) for limit in LATE},
        "ahead": sum(lag < -AHEAD for lag in lags),
        "ancient": 0,
        "broken_0": sum(draft is None for draft in drafts),
        "broken_1": sum(draft == "other" for draft in drafts),
        "broken_2": sum(size in (1, 9) for size in sizes),
    }


@pytest.mark.parametrize(
    ("having", "expected"),
    [
        (1000, ("ok", "1,000 events")),
        (990, ("ok", "1,000 events")),
        (989, ("caveat", "1.1 % of its events have no user_id")),
        (500, ("caveat", "50.0 % of its events have no user_id")),
        (499, ("missing", "50.1 % of its events have no user_id")),
        (0, ("missing", "100.0 % of its events have no user_id")),
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
        "100.0 % of its events have no draft",
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
    people = active.model_copy(update={"hold": ()})
    assert graded(people, "saved", seen(100, draft=100))[0] == "missing"


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
