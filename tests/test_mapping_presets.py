"""Presets of vendors: tables of the shapes that they document need their names and no more."""

from __future__ import annotations

from typing import Any

import ibis
import pytest

from playbook.data import sources
from playbook.data.mapping.presets import PRESETS, source_of
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse
from playbook.language.mistakes import Mistake
from tests.maps import declared, events
from tests.spec import at, rows

READ = ("event_id", "user_id", "anonymous_id", "session_id", "event", "at", "source")


def opened(*statements: str) -> Warehouse:
    connection = ibis.duckdb.connect()
    for statement in statements:
        connection.raw_sql(statement)
    return Warehouse(connection)


def read(source: str, warehouse: Warehouse, *columns: str, **maps: str) -> list[dict[str, Any]]:
    found = declared(more=f"source: {source}", **maps)
    return events(sources.tables_of(found, warehouse), warehouse, *(columns or READ))


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_each_preset_is_read_strictly_and_names_its_vendor(name):
    assert source_of(name).name


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_each_preset_gives_canonical_columns_alone(name):
    for table, maps in source_of(name).tables.items():
        assert {column for each in maps for column in each.named} <= {*COLUMNS[table]}


CALL = """
    '{id}' as id, {user} as user_id, 'd1' as anonymous_id,
    timestamp '2026-01-05 09:00' as timestamp, timestamp '2026-01-05 09:01' as sent_at,
    timestamp '2026-01-05 09:02' as received_at,
    'analytics.js' as context_library_name, '4.1' as context_library_version
"""


def call(table: str, id: str, user: str = "null", more: str = "") -> str:
    return f"create table shop.{table} as select {CALL.format(id=id, user=user)} {more}"


@pytest.mark.parametrize("source", ["segment", "rudderstack"])
def test_segment_and_rudderstack_have_a_table_per_call_and_per_event(source):
    warehouse = opened(
        "create schema shop",
        call("tracks", "1", more=", 'draft_saved' as event, 'Draft saved' as event_text"),
        call("draft_saved", "1", more=", 'draft_saved' as event, 'pro' as plan, 3 as size"),
        call("pages", "2", more=", 'Home' as name"),
        call("identifies", "3", "'ann'"),
        "create table shop.aliases as select 'd0' as previous_id, 'ann' as user_id",
        "create table shop.users as select 'ann' as id, 'ann@acme.example' as email",
    )
    maps = {
        "events": "[{table: shop.tracks}, {table: shop.pages}]",
        "users": "[{table: shop.users}]",
        "identities": "[{table: shop.identifies}, {table: shop.aliases}]",
    }
    assert read(source, warehouse, "event_id", "user_id", "event", "at", "source", **maps) == [
        {
            "event_id": "1",
            "user_id": "ann",
            "event": "draft_saved",
            "at": at("2026-01-05 09:00"),
            "source": "analytics.js",
        },
        {
            "event_id": "shop.pages:2",
            "user_id": "ann",
            "event": "page_viewed",
            "at": at("2026-01-05 09:00"),
            "source": "analytics.js",
        },
    ]
    found = declared(more=f"source: {source}", **maps)
    users = sources.tables_of(found, warehouse).users
    assert rows(users.select("user_id", "email_domain")) == [
        {"user_id": "ann", "email_domain": "acme.example"}
    ]
    own = """
    - table: shop.*
      without: [shop.tracks, shop.pages, shop.identifies, shop.users, shop.aliases]
      columns: {plan: plan}
    """
    plan = "[{event: draft_saved, says: It is saved., properties: {plan: {}}}]"
    found = declared(plan, more=f"source: {source}", events=own)
    loaded = sources.tables_of(found, warehouse)
    assert events(loaded, warehouse, "event_id", "event", "plan") == [
        {"event_id": "1", "event": "draft_saved", "plan": "pro"}
    ]
    assert sources.unplanned_columns(found, warehouse) == ["shop.draft_saved.size"]


def test_posthog_has_json_and_says_who_was_identified():
    warehouse = opened(
        """create table events as from (values
            ('1', 'seen', '{"$session_id": "s1", "$lib": "web", "plan": "pro"}'::json, 'd1',
             timestamp '2026-01-05 09:00'),
            ('2', '$identify', '{"$anon_distinct_id": "d1", "$user_id": "ann"}', 'ann',
             timestamp '2026-01-05 10:00')
        ) as t(uuid, event, properties, distinct_id, timestamp)"""
    )
    maps = {"events": "[{table: events}]", "identities": "[{table: events}]"}
    assert read("posthog", warehouse, **maps) == [
        {
            "event_id": "1",
            "user_id": "ann",
            "anonymous_id": "d1",
            "session_id": "s1",
            "event": "seen",
            "at": at("2026-01-05 09:00"),
            "source": "web",
        },
        {
            "event_id": "2",
            "user_id": "ann",
            "anonymous_id": "ann",
            "session_id": None,
            "event": "$identify",
            "at": at("2026-01-05 10:00"),
            "source": None,
        },
    ]


def test_amplitude_spells_in_capitals_and_merges_its_own_ids():
    warehouse = opened(
        """create table EVENTS_12345 as from (values
            ('1', null, 77::bigint, 'd1', -1::bigint, 'seen', '2026-01-05 09:00:00.000000', 'Web'),
            ('2', 'ann', 78, 'd2', 1767603600000, 'ran', '2026-01-05 10:00:00.000000', 'iOS')
        ) as t("UUID", "USER_ID", "AMPLITUDE_ID", "DEVICE_ID", "SESSION_ID", "EVENT_TYPE",
               "EVENT_TIME", "PLATFORM")""",
        'create table MERGE_IDS_12345 as select 77::bigint as "AMPLITUDE_ID", '
        '78::bigint as "MERGED_AMPLITUDE_ID"',
    )
    maps = {"events": "[{table: EVENTS_12345}]", "identities": "[{table: MERGE_IDS_12345}]"}
    assert read("amplitude", warehouse, **maps) == [
        {
            "event_id": "1",
            "user_id": "ann",
            "anonymous_id": "77",
            "session_id": None,
            "event": "seen",
            "at": at("2026-01-05 09:00"),
            "source": "Web",
        },
        {
            "event_id": "2",
            "user_id": "ann",
            "anonymous_id": "78",
            "session_id": "1767603600000",
            "event": "ran",
            "at": at("2026-01-05 10:00"),
            "source": "iOS",
        },
    ]


@pytest.mark.parametrize("time", ["1767603600::bigint", "timestamp '2026-01-05 09:00'"])
def test_mixpanel_has_seconds_or_times_and_resolves_distinct_ids(time):
    warehouse = opened(
        f"""create table mp_master_event as from (values
            ('1', '$device:d1', null, 'seen', {time}, '{{"mp_lib": "web"}}'::json),
            ('2', 'ann', 'ann', 'ran', {time}, '{{"mp_processing_time_ms": 1767603601000}}')
        ) as t(insert_id, distinct_id, user_id, event_name, time, properties)""",
        """create table mp_identity_mappings_data_view as
           select '$device:d1' as distinct_id, 'ann' as resolved_distinct_id""",
    )
    maps = {
        "events": "[{table: mp_master_event}]",
        "identities": "[{table: mp_identity_mappings_data_view}]",
    }
    columns = ("event_id", "user_id", "event", "at", "received_at", "source")
    assert read("mixpanel", warehouse, *columns, **maps) == [
        {
            "event_id": "1",
            "user_id": "ann",
            "event": "seen",
            "at": at("2026-01-05 09:00"),
            "received_at": None,
            "source": "web",
        },
        {
            "event_id": "2",
            "user_id": "ann",
            "event": "ran",
            "at": at("2026-01-05 09:00"),
            "received_at": at("2026-01-05 09:00:01"),
            "source": None,
        },
    ]


def day(name: str, *lines: str) -> str:
    """A table of Google Analytics: device, user, event, microsecond, session and batch."""
    value = (
        "struct(string_value varchar, int_value bigint, float_value double, double_value double)"
    )
    cells = ", ".join(f"({line})" for line in lines)
    return f"""create table {name} as
        select device as user_pseudo_id, person as user_id, event as event_name,
            moment as event_timestamp, 'WEB' as platform, batch as event_bundle_sequence_id,
            [{{'key': 'ga_session_id', 'value': {{'int_value': session}}::{value}}}]
                as event_params, {{'version': '2.1'}} as app_info
        from (values {cells}) as t(device, person, event, moment, session, batch)"""


def test_ga4_has_a_table_a_day_pairs_and_no_ids():
    warehouse = opened(
        day(
            "events_20260105",
            "'d1', null, 'seen', 1767603600000000, 7, 1",
            "'d1', null, 'seen', 1767603600000000, 7, 1",
            "'d2', null, 'seen', 1767603600000001, 8, 1",
        ),
        day("events_20260106", "'d1', 'ann', 'ran', 1767690000000000, 9, 2"),
        day("events_intraday_20260106", "'d1', 'ann', 'ran', 1767690000000000, 9, 2"),
    )
    tables = '[{table: "events_*", without: "events_intraday_*"}]'
    maps = {"events": tables, "identities": tables}
    seen = read("ga4", warehouse, *READ[1:], "app_version", **maps)
    assert [tuple(row.values()) for row in seen] == [
        (None, "d2", "d2:8", "seen", at("2026-01-05 09:00:00.000001"), "WEB", "2.1"),
        ("ann", "d1", "d1:7", "seen", at("2026-01-05 09:00"), "WEB", "2.1"),
        ("ann", "d1", "d1:9", "ran", at("2026-01-06 09:00"), "WEB", "2.1"),
    ]
    # The shard of the running day is the same day's: what stands in both is one event.
    both = '[{table: "events_*"}]'
    assert len(read("ga4", warehouse, "event_id", events=both)) == 3


def test_a_preset_copied_into_a_product_says_the_same():
    warehouse = opened(
        day("events_20260105", "'d1', 'ann', 'seen', 1767603600000000, 7, 1"),
    )
    copied = """
    - table: "events_*"
      columns:
        user_id: user_id
        anonymous_id: user_pseudo_id
        session_id: [user_pseudo_id, event_params.ga_session_id]
        event: event_name
        at: event_timestamp
        source: platform
        app_version: app_info.version
      times: {at: epoch_us}
      must_have: [at]
      id_of: [user_pseudo_id, event_name, event_timestamp, event_bundle_sequence_id]
    """
    alone = read("ga4", warehouse, events='[{table: "events_*"}]')
    assert read("native", warehouse, events=copied) == alone


def test_a_table_that_is_none_of_the_vendors_says_what_it_lacks():
    warehouse = opened("create table log as select '1' as uuid, 'seen' as event")
    with pytest.raises(Mistake) as mistake:
        read("posthog", warehouse, events="[{table: log}]")
    assert str(mistake.value) == (
        "Table `log` has no column `timestamp`, which PostHog's events have.\n"
        "It has: uuid, event.\n"
        "Hint: name PostHog's own table, or write `columns: {at: …}`."
    )


@pytest.mark.parametrize("field", ["values: {evnt: {seen: saw}}", "times: {evnt: epoch_s}"])
def test_a_map_says_how_to_read_only_what_it_or_its_preset_maps(field):
    warehouse = opened("create table log as select '1' as id, 'seen' as what, now() as at")
    maps = f"[{{table: log, columns: {{event_id: id, event: what, at: at}}, {field}}}]"
    with pytest.raises(Mistake) as mistake:
        read("native", warehouse, events=maps)
    assert str(mistake.value) == (
        f"The map of table `log` to `events` says `{field.partition(':')[0]}` of `evnt`, which no "
        "column becomes.\n"
        "It maps: event_id, event, at.\n"
        "Hint: did you mean `event`?"
    )


def test_a_product_says_values_of_what_its_preset_maps_and_may_spell_as_it_likes():
    warehouse = opened(
        """create table EVENTS_1 as from (values
            ('1', 'Page', '{"plan": "pro"}'::json, timestamp '2026-01-05 09:00', 'Web'),
            ('2', 'Test', '{"plan": "pro"}', timestamp '2026-01-05 09:00', 'Web')
        ) as t("UUID", "EVENT_TYPE", "EVENT_PROPERTIES", "EVENT_TIME", "PLATFORM")"""
    )
    maps = """
    - table: EVENTS_1
      columns: {plan: event_properties.plan}
      values: {event: {Page: page_viewed}}
      leave_out: {event_type: [Test]}
    """
    plan = "[{event: page_viewed, says: It is seen., properties: {plan: {}}}]"
    found = declared(plan, more="source: amplitude", events=maps)
    loaded = sources.tables_of(found, warehouse)
    assert events(loaded, warehouse, "event", "plan") == [{"event": "page_viewed", "plan": "pro"}]


@pytest.mark.parametrize("table", ["persons", "person_distinct_ids"])
@pytest.mark.parametrize("deleted", ["boolean", "integer", ""])
def test_posthogs_persons_join_ids_and_are_no_users_themselves(table, deleted):
    warehouse = opened(
        """create table events as from (values
            ('1', 'seen', '{}', 'd1', 'p1', timestamp '2026-01-05 09:00'),
            ('2', 'seen', '{}', 'd2', 'p2', timestamp '2026-01-05 09:00'),
            ('3', 'seen', '{}', 'd3', 'p3', timestamp '2026-01-05 09:00'),
            ('4', 'ran', '{"$user_id": "ann"}', 'ann', 'p1', timestamp '2026-01-05 10:00')
        ) as t(uuid, event, properties, distinct_id, person_id, timestamp)""",
        f"""create table {table} as from (values ('d1', 'p1'), ('d2', 'p1'), ('ann', 'p1'),
            ('d3', 'p3')) as t(distinct_id, person_id)""",
        f"alter table {table} add column is_deleted {deleted} default 0" if deleted else "select 1",
        f"insert into {table} values ('d3', 'p1', 1)" if deleted else "select 1",
    )
    maps = {"events": "[{table: events}]", "identities": f"[{{table: {table}}}]"}
    seen = read("posthog", warehouse, "event_id", "user_id", **maps)
    # d2 was merged after its event; nobody was ever identified as d3, though PostHog numbers them.
    assert [row["user_id"] for row in seen] == ["ann", "ann", None, "ann"]
