"""What all exports of engagement tools share: what facts say, plays, recipients, mistakes."""

from __future__ import annotations

from functools import cache

import ibis
import pytest
from ibis import _

from playbook import declare
from playbook.adapters import exports
from playbook.adapters.exports import facts
from playbook.adapters.exports.reading import flag, text, timestamp
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse
from playbook.declare import Export, Product
from playbook.language.mistakes import Mistake
from tests.exports import ANN, VENDORS, Drawn
from tests.spec import at, rows, table

DIALECTS = ("postgres", "bigquery", "snowflake", "clickhouse", "databricks", "trino")


def pivoted(text: str) -> list[dict]:
    """Drawn facts as messages, without what is null."""
    drawn = table(text)
    names = {name: drawn[name] for name in drawn.columns}
    told = rows(facts.one_per_message(facts.facts(drawn, **names)))
    return [{k: v for k, v in row.items() if v is not None} for row in told]


def test_a_message_that_a_human_saw_was_seen_by_a_human_then_and_else_perhaps_by_one():
    assert pivoted("""
        message | what    | at               | is_machine
        a       | seen_at | 2026-01-05 09:00 | true
        a       | seen_at | 2026-01-05 11:00 | false
        a       | seen_at | 2026-01-05 10:00 |
        b       | seen_at | 2026-01-05 09:00 | true
        b       | seen_at | 2026-01-05 10:00 |
        c       | seen_at | 2026-01-05 09:00 | true
        d       | sent_at | 2026-01-05 09:00 |
    """) == [
        {
            "message": "a",
            "is_ghost": False,
            "seen_at": at("2026-01-05 11:00"),
            "seen_by_machine": False,
        },
        {"message": "b", "is_ghost": False, "seen_at": at("2026-01-05 10:00")},
        {
            "message": "c",
            "is_ghost": False,
            "seen_at": at("2026-01-05 09:00"),
            "seen_by_machine": True,
        },
        {"message": "d", "is_ghost": False, "sent_at": at("2026-01-05 09:00")},
    ]


def test_a_machines_click_is_none_and_an_unknown_one_counts():
    assert pivoted("""
        message | what       | at               | is_machine
        a       | clicked_at | 2026-01-05 09:00 | true
        b       | clicked_at | 2026-01-05 09:00 | true
        b       | clicked_at | 2026-01-05 10:00 |
    """) == [
        {"message": "a", "is_ghost": False},
        {"message": "b", "is_ghost": False, "clicked_at": at("2026-01-05 10:00")},
    ]


def test_a_hard_bounce_outweighs_an_earlier_soft_one():
    assert pivoted("""
        message | what       | at               | kind
        a       | bounced_at | 2026-01-05 09:00 | soft
        a       | bounced_at | 2026-01-05 10:00 | hard
        b       | bounced_at | 2026-01-05 09:00 | soft
        c       | bounced_at | 2026-01-05 09:00 |
        d       | sent_at    | 2026-01-05 09:00 | soft
    """) == [
        {
            "message": "a",
            "is_ghost": False,
            "bounced_at": at("2026-01-05 10:00"),
            "bounce_kind": "hard",
        },
        {
            "message": "b",
            "is_ghost": False,
            "bounced_at": at("2026-01-05 09:00"),
            "bounce_kind": "soft",
        },
        {"message": "c", "is_ghost": False, "bounced_at": at("2026-01-05 09:00")},
        {"message": "d", "is_ghost": False, "sent_at": at("2026-01-05 09:00")},
    ]


def test_a_ghost_has_no_times_and_copies_change_nothing_and_no_id_is_no_message():
    assert pivoted("""
        message | what         | at               | is_machine
        a       | sent_at      | 2026-01-05 09:00 |
        a       | seen_at      | 2026-01-05 09:30 | false
        a       | ghost        | 2026-01-05 09:00 |
        b       | sent_at      | 2026-01-05 09:00 |
        b       | sent_at      | 2026-01-05 09:00 |
        b       | delivered_at | 2026-01-05 08:59 |
                | clicked_at   | 2026-01-05 09:00 |
    """) == [
        {"message": "a", "is_ghost": True},
        {
            "message": "b",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:00"),
            "delivered_at": at("2026-01-05 08:59"),
        },
    ]


def test_a_suppression_lasts_until_the_next_change_of_the_same_person_and_channel():
    drawn = table(
        """
        person | channel | from_at    | is_off
        ann    | email   | 2026-01-01 | true
        ann    | email   | 2026-01-03 | false
        ann    | email   | 2026-01-05 | true
        ann    | push    | 2026-01-02 | false
        bob    | email   | 2026-01-02 | false
        """
    )
    names = {name: drawn[name] for name in ("person", "channel", "from_at")}
    found = facts.stretches(drawn, off=drawn.is_off, **names)
    assert rows(found.select("person", "channel", "from_at", "to_at")) == [
        {
            "person": "ann",
            "channel": "email",
            "from_at": at("2026-01-01"),
            "to_at": at("2026-01-03"),
        },
        {"person": "ann", "channel": "email", "from_at": at("2026-01-05"), "to_at": None},
    ]


def test_times_are_text_with_and_without_a_zone_or_seconds_or_milliseconds(engine):
    drawn = ibis.memtable(
        {
            "n": [1767603660, 1767603660999, 0],
            "said": ["2026-01-05 10:01:00+01:00", "2026-01-05T09:01:00", ""],
        },
        schema={"n": "int64", "said": "string"},
    )
    Warehouse(engine)  # its session is in UTC from now on
    found = drawn.select(number=timestamp(drawn, "n"), said=timestamp(drawn, "lacking", "said"))
    moment_ = at("2026-01-05 09:01")
    assert rows(found, engine) == [
        {"number": at("1970-01-01"), "said": None},
        {"number": moment_, "said": moment_},
        {"number": moment_, "said": moment_},
    ]


def test_values_are_the_first_that_is_there_and_flags_have_three_states():
    drawn = table("a | b | yes\n | 2 | true\n 1 | 2 | No\n | | maybe")
    found = drawn.select(
        id=text(drawn, "none", "a", "b"), yes=flag(drawn, "yes"), none=flag(drawn, "none")
    )
    assert rows(found) == [
        {"id": "1", "yes": False, "none": None},
        {"id": "2", "yes": True, "none": None},
        {"id": None, "yes": None, "none": None},
    ]
    floats = ibis.memtable({"id": [12.0, None]}, schema={"id": "float64"})
    assert rows(floats.select(id=text(floats, "id"))) == [{"id": "12"}, {"id": None}]


def test_a_campaign_is_a_play_by_its_id_or_its_name_and_else_keeps_its_id():
    def play(plays):
        (message, _other) = Drawn("sendgrid", {"plays": plays}).messages("play")
        return message["play"]

    assert play({12: "by_id"}) == "by_id"
    assert play({"Welcome": "by_name"}) == "by_name"
    assert play({"Welcome": "by_name", "12": "by_id"}) == "by_id"
    assert play({}) == "sendgrid:12"


def test_recipients_are_told_by_an_address_its_md5_or_an_id():
    for key, value in (("email", " Ann@x.co "), ("md5", ANN.upper())):
        users = {"table": "app_users", "user_id": "id", key: "key"}
        drawn = Drawn("hubspot", {"users": users}, app_users=f"id | key\nann | {value}")
        assert drawn.messages("message_id", "user_id") == [
            {"message_id": "hubspot:h1", "user_id": "ann"},
            {"message_id": "hubspot:h5"},
        ]
        assert drawn.rows("suppressions") == []
    users = {"table": "app_users", "user_id": "id", "id": "visitor"}
    drawn = Drawn("pendo", {"users": users}, app_users="id | visitor\nu1 | ann")
    assert drawn.messages("message_id", "user_id") == [
        {"message_id": "pendo:g1:ann", "user_id": "u1"},
        {"message_id": "pendo:g1:cat"},
    ]


def test_an_address_of_several_users_gets_a_message_each_and_an_alias_is_another():
    drawn = Drawn(
        "hubspot",
        app_users="""
            id  | email
            ann | ann@x.co
            amy | ANN@x.co
            cat | cat+news@x.co
        """,
    )
    assert drawn.messages("message_id", "user_id") == [
        {"message_id": "hubspot:h1:amy", "user_id": "amy"},
        {"message_id": "hubspot:h1:ann", "user_id": "ann"},
        {"message_id": "hubspot:h5"},
    ]


@cache
def landed(vendor):
    """Name → tables and their rows, of an export as it is drawn, on DuckDB."""
    drawn = Drawn(vendor)
    return {
        name: [(each, rows(each, drawn.connection)) for each in found]
        for name, found in drawn.tables().items()
    }


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_lands_is_canonical_and_holds_no_address(vendor):
    for name, found in landed(vendor).items():
        for each, told in found:
            assert list(each.columns) == list(COLUMNS[name])
            assert told
            assert "@" not in str(told)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_export_is_the_same_on_postgresql(vendor, postgres_connection):
    there = Drawn(vendor, connection=postgres_connection)
    try:
        found = there.tables()
        for name, here in landed(vendor).items():
            for (_table, told), each in zip(here, found[name], strict=True):
                assert rows(each, postgres_connection) == told
    finally:
        for name in there.stored:
            postgres_connection.drop_table(name)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_export_compiles_for_warehouses_that_are_not_here(vendor, dialect, monkeypatch):
    drawn = Drawn(vendor)
    monkeypatch.setattr(Warehouse, "engine", dialect)  # hashes are spelled as it does
    for landed in drawn.tables().values():
        for each in landed:
            assert ibis.to_sql(each.unbind(), dialect=dialect, pretty=False)


def test_columns_in_capitals_are_read_too():
    drawn = Drawn("pendo")
    events = drawn.connection.table("guide_event")
    loud = events.rename({name.upper(): name for name in events.columns})
    drawn.connection.create_table("GUIDE_EVENT_LOUD", loud)
    drawn.connection.drop_table("guide_event")
    drawn.connection.create_table("GUIDE_EVENT", drawn.connection.table("GUIDE_EVENT_LOUD"))
    assert [each["user_id"] for each in drawn.messages()] == ["ann", "cat"]


def test_a_table_that_is_missing_is_named_as_the_vendor_and_the_warehouse_call_it():
    with pytest.raises(Mistake) as told:
        Drawn("iterable", {"tables": {"event": "it_event"}}).tables()
    assert told.value.wrong == (
        "The warehouse has no table `it_event`: Iterable's `event`, which gives what was sent, "
        "and what became of it."
    )
    assert "event_extension" in told.value.there
    assert "did you mean `event`?" in told.value.hint


def test_a_column_that_is_missing_is_named_with_what_it_would_give():
    with pytest.raises(Mistake) as told:
        Drawn("pendo", guide_event="guide_id | visitor | type | timestamp").tables()
    assert told.value.wrong == (
        "Table `guide_event` has no column `visitor_id`, without which Pendo's `guide_event` "
        "cannot give who saw which guide, and what they did with it."
    )
    assert told.value.hint.endswith("did you mean `visitor`?")


def test_a_tool_that_knows_addresses_alone_needs_to_be_told_whose_they_are():
    with pytest.raises(Mistake) as told:
        Drawn("hubspot", {"users": None}).tables()
    assert told.value.wrong == "HubSpot's export cannot be joined to our users by ids."
    assert told.value.there == "It knows people by their addresses alone."
    with pytest.raises(Mistake, match="Pendo's export cannot be joined to our users by addresses"):
        Drawn("pendo", {"users": {"table": "t", "user_id": "id", "email": "mail"}}).tables()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"vendor": "klavio"}, "did you mean `klaviyo`"),
        ({"vendor": "pendo", "users": {"table": "t", "user_id": "id"}}, "say one of `id`"),
        ({"vendor": "pendo", "table": {}}, "has no field `table`"),
    ],
)
def test_an_export_is_declared_strictly(said, why):
    with pytest.raises(Mistake, match=why):
        declare.parse(said, Export, place="product.yaml")


def test_an_export_names_only_tables_that_are_read():
    with pytest.raises(Mistake, match="names the table `guide_events`, which is not read") as told:
        Drawn("pendo", {"tables": {"guide_events": "x"}}).tables()
    assert told.value.hint == "did you mean `guide_event`?"


def test_a_product_declares_its_exports():
    said = {"name": "Small", "tables": {}, "exports": [{"vendor": "pendo", "plays": {12: "a"}}]}
    (export,) = declare.parse(said, Product, place="product.yaml").exports
    assert (export.vendor, export.plays) == ("pendo", {"12": "a"})


def test_several_exports_land_side_by_side():
    first, second = Drawn("pendo"), Drawn("sendgrid", connection=ibis.duckdb.connect())
    for name in second.stored:
        first.connection.create_table(name, second.connection.table(name).to_pyarrow())
    found = exports.exported_tables([first.export, second.export], Warehouse(first.connection))
    assert {name: len(each) for name, each in found.items()} == {
        "messages": 2,
        "assignments": 0,
        "suppressions": 1,
    }
    united = found["messages"][0].union(found["messages"][1])
    assert rows(united.aggregate(n=_.count(), ids=_.message_id.nunique()), first.connection) == [
        {"n": 4, "ids": 4}
    ]
