"""The Snowplow source: its preset, and the vendor's own edge cases with what the vendor expects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from ibis import _

from playbook import declare
from playbook.data import sources
from playbook.data.mapping.presets import source_of
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, Product
from playbook.language.mistakes import Mistake
from playbook.run import root
from tests.spec import at, rows, table

DAYS_3 = ibis.interval(days=3)
NO_PAGE = '[{"id":null}]'
FEW = """
    event_id | event_name | dvce_created_tstamp | useragent | platform | app_id
    1        | page_view  | 2026-01-05          | Mozilla   | web      | shop
"""


@pytest.fixture(scope="module")
def edge_cases(shared) -> Iterator[ibis.BaseBackend]:
    """The vendor's events, and beside them the sessions, page views and users that it expects."""
    folder = shared / "data" / "snowplow_web"
    if not folder.is_dir():
        pytest.skip("the vendor's test data is not beside the project")
    files = {
        "snowplow_web_events": "source/snowplow_web_events.csv",
        "sessions": "expected/snowplow_web_sessions_expected.csv",
        "page_views": "expected/snowplow_web_page_views_expected.csv",
        "users": "expected/snowplow_web_users_expected.csv",
    }
    connection = ibis.duckdb.connect()
    for name, file in files.items():
        path = str(folder / file).replace("'", "''")
        connection.raw_sql(f"create table {name} as from read_csv('{path}')")
    yield connection
    connection.disconnect()


@pytest.fixture(scope="module")
def loaded(edge_cases) -> Tables:
    found = declare.declarations(root() / "tests" / "products" / "snowplow")
    return sources.tables_of(found, Warehouse(edge_cases))


def count(found: ir.Table) -> int:
    return len(rows(found))


def as_the_vendor_counts(events: ir.Table) -> ir.Table:
    """The events that the vendor's models (dbt-snowplow-web 0.15) count, at their defaults.

    Left out are events without a session, events sent more than three days after they were
    created, events received more than three days after their session's first one, and sessions
    in which no page was viewed or pinged under a page view's id. A session has one device user:
    the vendor takes one of its first run's and keeps it in later runs, here the first event's.
    """
    near = events.filter(_.session_id.notnull(), _.sent_at <= _.at + DAYS_3)
    per_session = near.group_by("session_id").aggregate(
        began_at=_.received_at.min(), device=_.anonymous_id.argmin(_.received_at)
    )
    kept = near.join(per_session, "session_id").filter(_.received_at <= _.began_at + DAYS_3)
    paged = kept.filter(_.event.isin(["page_view", "page_ping"]), _.page != NO_PAGE)
    return kept.semi_join(paged, "session_id")


def test_the_edge_cases_arrive_and_each_event_counts_once(loaded):
    arrivals, events = loaded.arrivals, loaded.events
    assert count(arrivals) == 160
    assert count(events) == 157
    assert count(events.select("event_id").distinct()) == 157
    assert count(arrivals.filter(_.session_id.isnull())) == 1
    assert count(arrivals.filter(_.anonymous_id.isnull())) == 1
    assert count(arrivals.filter(_.sent_at > _.at + DAYS_3)) == 3
    assert loaded.mapped["events"] == {
        *("event_id", "user_id", "anonymous_id", "session_id", "event", "at", "sent_at"),
        *("received_at", "source", "app_version", "user_agent", "page"),
    }


def test_of_copies_the_one_counts_that_the_collector_received_first(loaded):
    clicks = loaded.events.filter(_.event_id == "9e983d4a-e07c-4858-8e97-bdb7feb31241")
    assert rows(clicks.select("event", "received_at", "source", "app_version")) == [
        {
            "event": "link_click",
            "received_at": at("2021-03-03 21:27:32.696"),
            "source": "web",
            "app_version": "js-2.17.2",
        }
    ]
    arrived = loaded.arrivals.filter(_.event_id == "9e983d4a-e07c-4858-8e97-bdb7feb31241")
    assert count(arrived) == 2


def test_the_devices_clock_keeps_apart_what_one_batch_brought(loaded):
    batch = loaded.events.filter(_.received_at == at("2021-03-01 20:45:42.175"))
    assert rows(batch.select("at", "event").distinct()) == [
        {"at": at("2021-03-01 20:39:47.634"), "event": "page_view"},
        {"at": at("2021-03-01 20:39:47.781"), "event": "snplow_cookies"},
        {"at": at("2021-03-01 20:45:15.574"), "event": "page_view"},
        {"at": at("2021-03-01 20:45:15.651"), "event": "snplow_cookies"},
        {"at": at("2021-03-01 20:45:36.849"), "event": "link_click"},
    ]


def test_all_sessions_are_there_and_those_that_the_vendor_leaves_out_are_known(loaded, edge_cases):
    ours = {row["session_id"] for row in rows(loaded.events.select("session_id").distinct())}
    theirs = {row["domain_sessionid"] for row in rows(edge_cases.table("sessions"))}
    assert len(ours - {None}) == 46
    assert len(theirs) == 18
    assert theirs < ours
    others = loaded.events.filter(_.session_id.notnull(), ~_.session_id.isin(list(theirs)))
    per_session = others.group_by("session_id").aggregate(who=_.user_id.max())
    assert rows(per_session.group_by("who").aggregate(sessions=_.count())) == [
        {"who": "NULL page_view_id", "sessions": 1},  # its one page view has no id
        {"who": "consent_accel", "sessions": 26},  # consent alone, no page is viewed
        {"who": "late arriving: device created/sent >3 days", "sessions": 1},
    ]


def test_by_the_vendors_rule_sessions_and_their_events_are_the_vendors(loaded, edge_cases):
    events = as_the_vendor_counts(loaded.events)
    ours = {
        (row["session_id"], row["event"], row["n"])
        for row in rows(events.group_by("session_id", "event").aggregate(n=_.count()))
    }
    theirs = {
        (row["domain_sessionid"], event, n)
        for row in rows(edge_cases.table("sessions"))
        for event, n in json.loads(row["event_counts"]).items()
    }
    assert ours == theirs
    per_session = events.group_by("session_id").aggregate(n=_.count())
    totals = edge_cases.table("sessions").select(session_id="domain_sessionid", n="total_events")
    assert rows(per_session) == rows(totals)
    assert sorted(row["n"] for row in rows(totals)) == (
        [1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 5, 5, 5, 6, 8, 11, 11, 12]
    )


def test_by_the_vendors_rule_page_views_and_users_are_the_vendors(loaded, edge_cases):
    events = as_the_vendor_counts(loaded.events)
    viewed = rows(events.filter(_.event == "page_view", _.page != NO_PAGE).select("page"))
    pages = {json.loads(row["page"])[0]["id"] for row in viewed}
    assert len(viewed) == 44  # one page view was tracked twice, under two event ids
    assert len(pages) == 43
    assert pages == {row["page_view_id"] for row in rows(edge_cases.table("page_views"))}
    per_user = events.filter(_.device.notnull()).group_by("device")
    users = rows(per_user.aggregate(sessions=_.session_id.nunique()))
    theirs = edge_cases.table("users").select(device="domain_userid", sessions="sessions")
    assert len(users) == 11
    assert users == rows(theirs)


def few(*, drop: tuple[str, ...] = (), **maps: Any) -> tuple[Declarations, Warehouse]:
    """A product whose events are `FEW`, mapped as `maps` says."""
    connection = ibis.duckdb.connect()
    connection.create_table("events", table(FEW).drop(*drop))
    connection.create_table("people", table("id | day\n ann | 2026-01-05"))
    tables = {"events": [{"table": "events", **maps}]}
    tables["users"] = [{"table": "people", "columns": {"user_id": "id", "signed_up_at": "day"}}]
    product = {"name": "Few", "source": "snowplow", "tables": tables}
    return (
        Declarations(declare.parse(product, Product, place="product.yaml"), (), (), (), ()),
        Warehouse(connection),
    )


def first(found: Declarations, warehouse: Warehouse) -> dict[str, Any]:
    (row,) = rows(sources.tables_of(found, warehouse).arrivals, warehouse.connection)
    return {column: value for column, value in row.items() if value}


def test_a_table_alone_is_map_enough_and_what_it_lacks_is_left_out():
    assert first(*few()) == {
        "event_id": "1",
        "event": "page_view",
        "at": at("2026-01-05"),
        "source": "web",
        "user_agent": "Mozilla",
    }


def test_what_the_product_writes_overrides_the_preset():
    read = first(*few(columns={"source": "app_id"}, constants={"event": "seen"}))
    assert (read["source"], read["event"], read["event_id"]) == ("shop", "seen", "1")


def test_the_kind_of_event_stands_in_where_events_have_no_name():
    found, warehouse = few(drop=("event_name",))
    kinds = warehouse.table("events").mutate(EVENT=ibis.literal("struct"))
    warehouse.connection.create_table("events", kinds.execute(), overwrite=True)
    assert first(found, warehouse)["event"] == "struct"


def test_other_tables_are_read_as_the_native_source_reads_them():
    users = sources.tables_of(*few()).users
    assert rows(users.select("user_id", "signed_up_at")) == [
        {"user_id": "ann", "signed_up_at": at("2026-01-05")}
    ]


@pytest.mark.parametrize(
    ("lacking", "canonical"), [("event_id", "event_id"), ("dvce_created_tstamp", "at")]
)
def test_a_table_without_what_makes_an_event_is_none_of_snowplows(lacking, canonical):
    there = ["event_id", "event_name", "dvce_created_tstamp", "useragent", "platform", "app_id"]
    there.remove(lacking)
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(*few(drop=(lacking,)))
    assert str(mistake.value) == (
        f"Table `events` has no column `{lacking}`, which Snowplow's events have.\n"
        f"It has: {', '.join(there)}.\n"
        f"Hint: name Snowplow's own table, or write `columns: {{{canonical}: …}}`."
    )


def test_a_load_that_fails_names_the_column_of_the_preset():
    found, warehouse = few()
    late = warehouse.table("events").mutate(dvce_created_tstamp=ibis.literal("soon"))
    warehouse.connection.create_table("events", late.execute(), overwrite=True)
    wrong = "Column `dvce_created_tstamp` of table `events` cannot become `events.at`"
    with pytest.raises(Mistake, match=wrong), sources.cast_failures(found, warehouse):
        rows(sources.tables_of(found, warehouse).arrivals, warehouse.connection)


def test_only_the_companys_own_events_and_entities_arrive_without_a_plan(edge_cases):
    found = declare.declarations(root() / "tests" / "products" / "snowplow")
    names = source_of("snowplow").unmapped(found.product.tables["events"], Warehouse(edge_cases))
    assert names == [
        "snowplow_web_events.unstruct_event_com_snowplowanalytics_snowplow_consent_preferences_1_0_0",
        "snowplow_web_events.unstruct_event_com_snowplowanalytics_snowplow_cmp_visible_1_0_0",
        "snowplow_web_events.contexts_com_iab_snowplow_spiders_and_robots_1_0_0",
        "snowplow_web_events.contexts_com_snowplowanalytics_snowplow_ua_parser_context_1_0_0",
        "snowplow_web_events.contexts_nl_basjes_yauaa_context_1_0_0",
    ]
