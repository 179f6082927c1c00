"""Stage 1 from its questions: verdicts and bounds; and that bad data breaks no other section."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import ibis
import pyarrow as pa
import pytest

from playbook import audit, declare
from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Declarations, Follows, Product, Property, TableMap
from playbook.language.mistakes import Mistake
from playbook.language.periods import Period
from playbook.results import Result, Unavailable, listings
from playbook.run import Run, counted
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


HALF = "50.0 % of its events have no user_id"
THIRD = "33.3 % of its events name no account; it is taken from their user"


def test_every_question_stands_against_what_it_needs_and_its_verdict_stands_first(run):
    found = audit.questions(run)
    assert (found.id, found.shape) == ("audit.questions", "audit")
    needs = [r for r in found.rows if r["check"] != "verdict"]
    assert [(r["subject"], r["check"], r["status"], r["seen"]) for r in needs] == [
        ("first", "signed_up", "ok", "3 events"),
        ("first", "workflow_saved", "caveat", HALF),
        ("shared", "signed_up", "ok", "3 events"),
        ("shared", "workflow_shared", "missing", "no such event arrives"),
        ("rich", "signed_up", "ok", "3 events"),
        ("rich", "workflow_saved", "caveat", HALF),
        ("rich", "plan", "missing", "no such column is mapped"),
        ("rich", "persona", "caveat", "no such column is mapped"),
        ("signing_up", "signed_up", "ok", "3 events"),
        ("signing_up", "zapped", "ok", "3 events"),
        ("teams", "signed_up", "caveat", THIRD),
        ("teams", "zapped", "ok", "3 events"),
    ]
    firsts = [next(r for r in found.rows if r["subject"] == q.id) for q in QUESTIONS]
    assert {r["check"] for r in firsts} == {"verdict"}
    statuses = {"answerable": "ok", "with caveats": "caveat", "not answerable": "missing"}
    assert [r["status"] for r in firsts] == [
        statuses[row["verdict"]] for row in audit.verdicts(run).rows
    ]


def test_a_verdict_is_that_of_the_weakest_data_point_and_says_why(run):
    found = {row["question"]: (row["verdict"], row["because"]) for row in audit.verdicts(run).rows}
    assert found["shared?"] == ("not answerable", "workflow_shared: no such event arrives")
    assert found["rich?"] == ("not answerable", "plan: no such column is mapped")
    for asks, because in (
        ("first?", f"workflow_saved: {HALF}"),
        ("teams?", f"signed_up: {THIRD}"),
    ):
        assert found[asks][0] == "with caveats"
        assert found[asks][1].startswith(because)


def test_a_defect_that_moves_an_answer_by_more_than_a_point_is_a_caveat():
    # Each event is there for all, but one of two saved at the moment of signing up.
    drawn = """
        user_id | event     | at
        ann     | signed_up | 2026-01-05 09:00
        ann     | saved     | 2026-01-05 09:00
        bob     | signed_up | 2026-01-05 09:00
        bob     | saved     | 2026-01-05 10:00
    """
    asked = question("first", "reached_within", start="signed_up", goal="saved", within="24h")
    late = ("2026-01-01", "2026-01-08", "2026-01-09")
    (row,) = audit.verdicts(small.run(questions=[asked], events=drawn, period=late)).rows
    assert (row["verdict"], row["because"]) == (
        "with caveats",
        "ties: equal times count as out of order",
    )


def test_open_windows_and_bots_are_no_caveat():
    drawn = """
        user_id | event     | at               | is_bot
        ann     | signed_up | 2026-01-05 09:00 |
        ann     | saved     | 2026-01-05 10:00 |
        bob     | signed_up | 2026-01-08 12:00 |
        bot     | signed_up | 2026-01-05 09:00 | true
    """
    asked = question("first", "reached_within", start="signed_up", goal="saved", within="24h")
    late = ("2026-01-01", "2026-01-09", "2026-01-09")
    run = small.run(questions=[asked], events=drawn, period=late)
    assert [row["verdict"] for row in audit.verdicts(run).rows] == ["answerable"]
    (row,) = audit.bounds(run).rows
    assert (row["n"], row["share"], row["lowest"], row["highest"]) == (1, 1.0, 0.0, 1.0)
    assert "1 are still open" in row["because"]
    assert "bots" in row["because"]


def test_every_question_has_bounds_or_says_why_it_has_none(run):
    found = {row["subject"]: row for row in audit.bounds(run).rows}
    assert list(found) == [q.id for q in QUESTIONS]
    # ann and bob signed up with a user; one of two saved events names none. Two rows of sign-ups
    # have no time that can be: they may be of two further units.
    first = found["first"]
    assert (first["n"], first["share"]) == (2, 0.5)
    assert (first["lowest"], first["highest"]) == (pytest.approx(1 / 12), 1.0)
    assert first["because"] == (
        "40.0 % of signed_up have no time, or an impossible one; "
        "50.0 % of workflow_saved name no user_id; 1 are still open"
    )
    assert found["shared"]["share"] is None
    assert "`workflow_shared`: no such event arrives" in found["shared"]["because"]
    assert found["signing_up"]["asks"] == "signing_up? (any of these)"
    assert found["teams"]["asks"] == "teams? (all the way)"


def test_a_verdict_and_an_answer_agree(run):
    verdicts = [row["verdict"] for row in audit.verdicts(run).rows]
    found = audit.every_answer(run)
    assert [isinstance(answer, Unavailable) for answer in found] == [
        verdict == "not answerable" for verdict in verdicts
    ]


def test_each_defect_is_counted_over_all_that_arrived(run):
    rows = audit.soundness(run).rows
    assert {row["what"]: row["rows"] for row in rows} == {
        "copies of an event": 1,  # without an id nothing is a copy
        "no time": 1,
        "arrived more than 1 hour late": 1,
        "after their own arrival": 0,  # a minute is no clock that is off
        "before the year 2000": 1,
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
    assert audit.questions(bare).rows == audit.verdicts(bare).rows == audit.bounds(bare).rows == []
    assert audit.destinations(bare).rows == []
    assert audit.headline(bare).reason.startswith("Nothing is asked: write a question")
    assert {row["status"] for row in audit.data_points(bare).rows} == {"not planned"}


# Everything that the stage shows of a run.
OTHERS = {"answer", "bounds_of", "every_answer", "headline"}
SECTIONS = [n for n in audit.__all__ if callable(getattr(audit, n)) and n not in OTHERS]


def shown(run):
    """Section → its rows, or None where it says why it has none."""
    found = {}
    for section in SECTIONS:
        answer = getattr(audit, section)(run)
        assert isinstance(answer, Result | Unavailable)
        found[section] = answer.rows if isinstance(answer, Result) else None
        assert found[section] is not None or answer.reason
    return found


NAME = """saved "it" isn't 🚀 {x} %s"""
BAD = {
    "a name with quotes and emoji": f"""
        user_id | event     | at               | flow
        ann     | signed_up | 2026-01-05 09:00 | t'1
        ann     | {NAME}    | 2026-01-05 10:00 | 🚀"
    """,
    "no names at all": """
        user_id | event | at               | flow
        ann     |       | 2026-01-05 09:00 | f1
    """,
    "nulls in every column that may be null": """
        user_id | account_id | session_id | source | user_agent | event     | at         | sent_at
                |            |            |        |            | signed_up | 2026-01-05 |
    """,
    "no column that may be left out": """
        event     | at
        signed_up | 2026-01-05 09:00
    """,
    "times in 1970 and beyond all days": """
        user_id | event     | at               | received_at      | flow
        ann     | signed_up | 1970-01-01 00:00 | 2026-01-05 10:00 |
        ann     | signed_up | 2999-01-01 00:00 | 2026-01-05 10:00 |
        ann     | signed_up |                  | 2026-01-05 10:00 |
    """,
}


EVERY_ID = f"""
    user_id | anonymous_id | session_id | user_agent | event | at | flow | received_at
    ann | d1 | s1 | curl/8.1 | signed_up | 2026-01-05 09:00 | f1 | 2026-01-05 09:00
    ann | d1 | s1 | curl/8.1 | {NAME} | 2026-01-05 10:00 | f1 | 2026-01-05 10:00
"""


def hostile(events, **drawn):
    plan = [
        DataPoint(event="signed_up", says="x", destinations={"mailer": 'it\'s "so" 🚀'}),
        DataPoint(
            event=NAME,
            says="x",
            follows=[
                Follows(event="signed_up", by="flow"),
                Follows(event="signed_up", by="user_id"),
            ],
            properties={"flow": Property(required=True, values=("t'1",), pattern="^t'")},
        ),
    ]
    asked = question("first", "reached_within", start="signed_up", goal=NAME, within="24h")
    agrees = {"event": NAME, "by": "user_id", "table": "events", "key": "event_id", "at": "at"}
    copy = {"destination": "mailer", "table": "events", "event_id": "event_id", "at": "at"}
    words = {"agrees": [agrees], "copies": [copy]}
    return small.run(questions=[asked], plan=plan, events=events, words=words, **drawn)


@pytest.mark.parametrize("events", BAD.values(), ids=BAD)
def test_bad_data_breaks_no_section(events):
    found = shown(hostile(events))
    assert found["data_points"]
    assert found["destinations"]
    assert found["violations"]


# Kind of a column → whether a value is of it; nothing is of every kind.
KINDS = {
    "count": lambda value: type(value) is int,
    "share": lambda value: 0 <= value <= 1,
    "moved": lambda value: 0 <= value <= 1,
    "hours": lambda value: type(value) is float,
    "days": lambda value: type(value) is float,
    "moment": lambda value: isinstance(value, str | datetime),
    "flag": lambda value: type(value) is bool,
    **dict.fromkeys(("id", "name", "text"), lambda value: isinstance(value, str)),
}


@pytest.mark.parametrize("events", BAD.values(), ids=BAD)
def test_every_row_has_the_columns_of_its_result_in_their_order_and_of_their_kinds(events):
    run = hostile(events)
    for name in SECTIONS:
        found = getattr(audit, name)(run)
        for row in found.rows:
            assert list(row) == list(found.columns), name
            for column, kind in found.columns.items():
                if found.shape == "volume" and column in {"expected", "low", "high"}:
                    continue  # counts that one expects need not be whole
                assert row[column] is None or KINDS[kind.kind](row[column]), (name, column)


@pytest.mark.parametrize("events", BAD.values(), ids=BAD)
def test_each_statement_that_a_section_shows_gives_the_rows_that_it_is_made_from(events):
    run = hostile(events)
    for name in SECTIONS:
        found = getattr(audit, name)(run)
        for part in listings.parts(found) if isinstance(found, Result) else ():
            (text,) = listings.statements(replace(part, made_of=())).values()
            shown = run.warehouse.connection.raw_sql(text).fetchall()
            raw = [tuple(row.values()) for row in part.raw]
            assert sorted(map(str, shown)) == sorted(map(str, raw)), (name, part.id)


SCANS = {"log.arrivals", "log.copies"}


@pytest.mark.parametrize(
    ("name", "made_of"),
    [
        ("data_points", SCANS),
        ("rules", SCANS),
        ("freshness", SCANS),
        ("volume", SCANS),
        ("lateness", {"audit.lateness", *SCANS}),
        ("duplicates", {"audit.duplicates", "audit.visits", *SCANS}),
        ("soundness", {"audit.people", *SCANS}),
        ("who", {"audit.devices", "audit.people"}),
        ("bounds", {"audit.first_bounds", *SCANS}),
        ("questions", {"audit.first_bounds", *SCANS}),
        ("verdicts", {"audit.first_bounds", *SCANS}),
        ("destinations", set()),
    ],
)
def test_a_section_shows_every_statement_that_its_numbers_come_from_and_no_other(name, made_of):
    run = hostile(EVERY_ID)
    shown = {part.id for part in listings.parts(getattr(audit, name)(run))}
    assert shown == made_of


def test_violations_and_fixes_show_the_statements_of_every_check():
    run = hostile(EVERY_ID)
    found = [answer for check in audit.CHECKS if isinstance(answer := check(run), Result)]
    checked = {part.id for result in found for part in listings.parts(result)}
    assert {"audit.causes", "audit.visits", "audit.devices", "audit.copies"} <= checked
    for result in (audit.violations(run), audit.fixes(run)):
        assert {part.id for part in listings.parts(result)} == checked


def test_a_name_with_quotes_and_emoji_stays_what_it_is():
    found = shown(hostile(BAD["a name with quotes and emoji"]))
    broken = {(row["data point"], row["rule"], row["rows"]) for row in found["rules"]}
    assert {(NAME, "values", 1), (NAME, "pattern", 1)} <= broken
    assert found["examples"][0]["value"] == '🚀"'
    assert {row["event"] for row in found["causes"]} == {NAME}


def test_a_users_table_of_no_rows_breaks_no_section():
    events = BAD["a name with quotes and emoji"]
    found = shown(hostile(events, users="user_id | account_id | email_domain | is_internal"))
    assert found["people"][0]["strangers"] == 1
    assert found["disposable"] == []


def test_a_table_that_is_missing_leaves_out_its_section_and_no_other():
    run = hostile(BAD["a name with quotes and emoji"])
    product = run.declared.product
    lost = {"agrees": [a.model_copy(update={"table": "gone"}) for a in product.agrees]}
    lost |= {"copies": [c.model_copy(update={"at": "gone"}) for c in product.copies]}
    bare = replace(run, declared=replace(run.declared, product=product.model_copy(update=lost)))
    whole, found = shown(run), shown(bare)
    assert found["agreement"] is None
    assert found["copies"] is None
    assert whole["agreement"]
    assert whole["copies"]
    kept = {"data_points", "rules", "duplicates", "causes", "people", "bounds"}
    assert all(found[name] == whole[name] for name in kept)
    assert found["violations"]


def stored(**columns):
    """A run over an events table of these columns, as an engine holds them."""
    connection = ibis.duckdb.connect()
    connection.create_table("events", pa.table(columns))
    maps = (TableMap(table="events", columns={name: name for name in columns}),)
    product = Product(name="Small", tables={"events": maps}, min_n=1)
    asked = question("first", "reached_within", start="signed_up", goal="saved", within="24h")
    declared = Declarations(product, (), (asked,), (), ())
    warehouse = Warehouse(connection)
    tables = sources.tables_of(declared, warehouse)
    period = Period(datetime(2026, 1, 1), datetime(2026, 1, 30), datetime(2026, 1, 31))
    with sources.cast_failures(declared, warehouse):
        counts = counted(declared, tables)
    return Run(declared, warehouse, tables, period, period.since, *counts)


TIMES = {
    "texts without a zone": ["2026-01-05 09:00:00", "2026-01-05 10:00:00"],
    "texts with zones": ["2026-01-05T10:00:00+01:00", "2026-01-05T10:00:00Z"],
    "days": [date(2026, 1, 5), date(2026, 1, 5)],
    "times with a zone": [
        datetime(2026, 1, 5, 9, tzinfo=UTC),
        datetime(2026, 1, 5, 10, tzinfo=UTC),
    ],
}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_times_of_any_kind_are_utc_in_every_section(times):
    run = stored(event_id=["1", "2"], user_id=[7, 7], event=["signed_up", "saved"], at=times)
    assert shown(run)["bounds"][0]["share"] == 1.0


def test_a_time_that_is_none_names_its_column():
    with pytest.raises(Mistake) as caught:
        stored(event_id=["1"], user_id=["7"], event=["signed_up"], at=["soon"])
    said = str(caught.value)
    assert "Column `at` of table `events`" in said
    assert "soon" in said
    assert "Hint:" in said


def test_ids_of_mixed_types_are_texts():
    run = stored(
        event_id=["1", "b-2", None],
        user_id=[7.0, 7.0, None],
        event=["signed_up", "saved", "saved"],
        at=["2026-01-05", "2026-01-05 01:00", "2026-01-05"],
    )
    found = shown(run)
    assert found["people"][0]["people"] == 1
    assert found["bounds"][0]["share"] == 1.0


def test_a_property_that_is_planned_twice_is_a_mistake_in_three_parts(tmp_path):
    (tmp_path / "product.yaml").write_text(
        "name: Small\ntables: {events: [{table: events, columns: {event: event}}]}\n"
    )
    (tmp_path / "tracking_plan.yaml").write_text(
        "- event: saved\n  says: x\n  properties:\n"
        "    flow: {type: string}\n    flow: {type: int64}\n"
    )
    with pytest.raises(Mistake) as caught:
        declare.declarations(tmp_path)
    mistake = caught.value
    assert "flow" in mistake.wrong
    assert mistake.there
    assert mistake.hint


def test_a_property_of_two_types_is_a_mistake_in_three_parts(tmp_path):
    (tmp_path / "product.yaml").write_text(
        "name: Small\ntables: {events: [{table: events, columns: {event: event}}]}\n"
    )
    (tmp_path / "tracking_plan.yaml").write_text(
        "- {event: saved, says: x, properties: {flow: {type: string}}}\n"
        "- {event: ran, says: x, properties: {flow: {type: int64}}}\n"
    )
    with pytest.raises(Mistake) as caught:
        declare.declarations(tmp_path)
    assert str(caught.value).splitlines() == [
        "The property `flow` of `ran` is planned as int64.",
        "As a property of `saved` it is planned as string.",
        "Hint: give it one type, or another name.",
    ]
