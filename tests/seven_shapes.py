"""The company of `tests.seven` as seven vendors write it, and in our canonical tables beside it.

Each shape is a DuckDB file or a folder of Parquet, with the names and types that the vendor's
documentation gives, and the smallest product.yaml that somebody would write for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.seven import PLAN, PROPERTIES, Company, Event, _in_ms, first_owners, owners_of_devices

NOW = datetime(2026, 4, 5)
TIME, ZONED = pa.timestamp("us"), pa.timestamp("us", "UTC")
KINDS = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_()}
OWN = "{draft: draft, size: size, amount: amount, is_big: is_big, note: note}"


@dataclass(frozen=True)
class Shape:
    """How one vendor's tables hold the company.

    Attributes:
        write: Writes them to a path.
        tables: The `tables:` of product.yaml.
        anonymous: The anonymous id of an event.
        merges: Whether the vendor's ids are of people, whom it merges: the first person that was
            identified on a device then has what was done on it before.
        lacks: Canonical columns that it cannot hold.
    """

    write: Callable[[Company, Path], None]
    tables: str
    anonymous: Callable[[Event], str] = lambda event: event.device
    merges: bool = False
    lacks: tuple[str, ...] = ()

    def owner(self, found: Company) -> Callable[[Event], str | None]:
        """Whose an event is, told by hand."""
        owners = first_owners(found) if self.merges else owners_of_devices(found)
        return lambda event: event.person or owners.get(event.device)


def write_canonical(found: Company, path: Path, shape: Shape) -> None:
    """Our own tables, with the user of each event as it is told by hand."""
    owner = shape.owner(found)
    rows = [
        {
            "event_id": event.id,
            "user_id": owner(event),
            "anonymous_id": shape.anonymous(event),
            "session_id": str(event.session),
            "event": event.name,
            **{name: getattr(event, name) for name in ("at", "received_at", "sent_at", "source")},
            "app_version": "1.2",
            **event.properties,
        }
        for event in found.events
    ]
    with duckdb.connect(str(path)) as database:
        _create(database, "events", rows)
        _create(database, "people", found.people)


def canonical_tables(shape: Shape) -> str:
    """The `tables:` of the product of our own tables, without what a shape lacks."""
    columns = ["event_id", "user_id", "anonymous_id", "session_id", "event", "at", "received_at"]
    columns += ["sent_at", "source", "app_version", *PROPERTIES]
    kept = ", ".join(f"{name}: {name}" for name in columns if name not in shape.lacks)
    return f"events: [{{table: events, columns: {{{kept}}}}}]\n{PEOPLE}"


PEOPLE = """
users:
  - table: people
    columns: {user_id: user_id, account_id: account_id, persona: persona,
              signed_up_at: signed_up_at}
"""


# --- Segment and RudderStack: a schema with a table per call and one per event ---


def _write_calls(found: Company, path: Path, *, zoned: bool, sessions: bool) -> None:
    def call(event: Event) -> dict[str, Any]:
        return {
            "id": event.id,
            "anonymous_id": event.device,
            "user_id": event.person or None,
            "timestamp": event.at,
            "original_timestamp": event.at,
            "sent_at": event.sent_at,
            "received_at": event.received_at,
            "uuid_ts": event.received_at,
            "context_library_name": event.source,
            "context_library_version": "1.2",
        } | ({"context_session_id": event.session} if sessions else {})

    def track(event: Event) -> dict[str, Any]:
        text = event.name.replace("_", " ").capitalize()
        return call(event) | {"event": event.name, "event_text": text}

    tracked = [event for event in found.events if event.name != "page_viewed"]
    told = [
        call(Event(f"i-{i}", device, person, "", at, at, 1))
        for i, (device, person, at) in enumerate(found.identified)
    ]
    users = [
        {
            "id": person["user_id"],
            "email": f"{i}@example.org",
            "created_at": person["signed_up_at"],
            "account_id": person["account_id"],
            "persona": person["persona"],
        }
        for i, person in enumerate(found.people)
    ]
    with duckdb.connect(str(path)) as database:
        database.execute("create schema shop; use shop")
        create = partial(_create, database, time=ZONED if zoned else TIME)
        create("tracks", [track(event) for event in tracked])
        create("pages", [call(e) | {"name": "Home"} for e in found.events if e not in tracked])
        create("identifies", told)
        create("users", users)
        for name in PLAN:
            own = [track(event) | event.properties for event in tracked if event.name == name]
            if own:
                create(name, own)


CALLS = f"""
events:
  - table: shop.*
    without: [shop.tracks, shop.pages, shop.identifies, shop.users]
    columns: {OWN}
  - {{table: shop.pages}}
users: [{{table: shop.users, columns: {{account_id: account_id, persona: persona}}}}]
identities: [{{table: shop.identifies}}]
"""


# --- Snowplow: one wide table; what an event says stands in a column of its own ---


def _write_snowplow(found: Company, path: Path) -> None:
    def row(event: Event) -> dict[str, Any]:
        page = event.name == "page_viewed"
        said = {f"unstruct_event_com_shop_{event.name}_1": json.dumps(event.properties)}
        return {
            "app_id": None,
            "platform": event.source,
            "etl_tstamp": event.received_at + timedelta(minutes=2),
            "collector_tstamp": event.received_at,
            "dvce_created_tstamp": event.at,
            "event": "page_view" if page else "unstruct",
            "event_id": event.id,
            "v_tracker": "1.2",
            "user_id": event.person or None,
            "domain_userid": event.device,
            "domain_sessionid": str(event.session),
            "useragent": "Mozilla/5.0",
            "dvce_sent_tstamp": event.sent_at,
            "derived_tstamp": event.at,
            "event_name": "page_view" if page else event.name,
        } | ({} if page else said)

    with duckdb.connect(str(path)) as database:
        database.execute("create schema atomic; use atomic")
        _create(database, "events", [row(event) for event in found.events], jsons=("unstruct_",))
        told = [{"anonymous_id": d, "user_id": p, "at": at} for d, p, at in found.identified]
        _create(database, "sign_ins", told)
        _create(database, "people", found.people)


def _snowplow_columns() -> str:
    lines = []
    for name in PROPERTIES:
        paths = [f"unstruct_event_com_shop_{e}_1.{name}" for e, own in PLAN.items() if name in own]
        lines.append(f"{name}: {{first_of: [{', '.join(paths)}]}}")
    return ", ".join(lines)


SNOWPLOW = f"""
events:
  - table: atomic.events
    columns: {{{_snowplow_columns()}}}
    values: {{event: {{page_view: page_viewed}}}}
identities:
  - table: atomic.events
  - table: atomic.sign_ins
    columns: {{anonymous_id: anonymous_id, user_id: user_id}}
{PEOPLE.replace("table: people", "table: atomic.people")}"""


# --- PostHog: the models `events` and `persons`; who is identified has another `distinct_id` ---


def _write_posthog(found: Company, path: Path, *, persons_known: bool) -> None:
    def row(event: Event, **more: Any) -> dict[str, Any]:
        identified = {"$user_id": event.person, "$is_identified": True} if event.person else {}
        said = event.properties | identified | more
        said |= {"$session_id": str(event.session), "$lib": event.source, "$lib_version": "1.2"}
        said |= {"$device_id": event.device, "$raw_user_agent": "Mozilla/5.0"}
        return {
            "uuid": event.id,
            "event": "$pageview" if event.name == "page_viewed" else event.name,
            "properties": json.dumps(said),
            "distinct_id": event.person or event.device,
            "team_id": 1,
            "timestamp": event.at,
            "created_at": event.received_at,
        } | ({"person_id": person_of(event.person or event.device)} if persons_known else {})

    def person_of(distinct_id: str) -> str:
        """The person at the time of the event: a merge comes later, and changes no event."""
        return f"uuid-{distinct_id}"

    told = [
        row(
            Event(f"i-{i}", device, person, "$identify", at, at, 1),
            **{"$anon_distinct_id": _anonymous_id(found, device, person)},
        )
        for i, (device, person, at) in enumerate(found.identified)
    ]
    owners, traits = first_owners(found), {p["user_id"]: p for p in found.people}
    ids = {event.person or event.device for event in found.events} | {*owners, *traits}
    persons = [
        {
            "team_id": 1,
            "distinct_id": id,
            "person_id": person_of(owners.get(id, id)),
            "properties": json.dumps(
                {key: str(v) for key, v in traits.get(owners.get(id, id), {}).items() if v}
            ),
            "person_version": 3,
            "person_distinct_id_version": 1,
            "created_at": NOW,
        }
        for id in sorted(ids)
    ]
    with duckdb.connect(str(path)) as database:
        _create(database, "events", [row(event) for event in found.events] + told)
        _create(database, "persons", persons)


POSTHOG = """
events:
  - table: events
    columns: {draft: properties.draft, size: properties.size, amount: properties.amount,
              is_big: properties.is_big, note: properties.note}
    values: {event: {$pageview: page_viewed}}
    leave_out: {event: [$identify]}
users:
  - table: persons
    columns: {user_id: properties.user_id, account_id: properties.account_id,
              persona: properties.persona, signed_up_at: properties.signed_up_at}
    must_have: [user_id]
"""


# --- Amplitude: names in capitals; an id of its own per person, which merges change ---


def _amplitude_ids(found: Company) -> tuple[Callable[[Event], str], list[tuple[str, str]]]:
    """The `amplitude_id` of each event, and (one, into which) of the merges."""
    devices = sorted(
        {event.device for event in found.events} | {d for d, _p, _at in found.identified}
    )
    numbers = {device: str(700_000_000_000 + i) for i, device in enumerate(devices)}
    owners, people, merges = first_owners(found), {}, []
    for device, person, _at in found.identified:
        fresh = owners[device] == person and person not in people
        people.setdefault(person, numbers[device] if fresh else f"8{len(people):011}")
        if owners[device] == person and people[person] != numbers[device]:
            merges.append((numbers[device], people[person]))
    return lambda event: people[event.person] if event.person else numbers[event.device], merges


def _write_amplitude(found: Company, path: Path) -> None:
    amplitude_id, merges = _amplitude_ids(found)

    def row(event: Event) -> dict[str, Any]:
        return {
            "AMPLITUDE_ID": int(amplitude_id(event)),
            "APP": 12345,
            "CLIENT_EVENT_TIME": event.at,
            "CLIENT_UPLOAD_TIME": event.sent_at,
            "DEVICE_ID": event.device,
            "EVENT_PROPERTIES": json.dumps(event.properties),
            "EVENT_TIME": event.at,
            "EVENT_TYPE": event.name,
            "PLATFORM": event.source,
            "SERVER_RECEIVED_TIME": event.received_at,
            "SERVER_UPLOAD_TIME": event.received_at,
            "SESSION_ID": event.session,
            "USER_ID": event.person or None,
            "UUID": event.id,
            "VERSION_NAME": "1.2",
        }

    merged = [
        {
            "AMPLITUDE_ID": int(one),
            "MERGED_AMPLITUDE_ID": int(into),
            "MERGE_EVENT_TIME": NOW,
            "MERGE_SERVER_TIME": NOW,
        }
        for one, into in merges
    ]
    # What was identified and did nothing more: Amplitude writes the call itself as an event.
    told = [
        row(Event(f"i-{i}", d, p, "$identify", at, at, 1))
        for i, (d, p, at) in enumerate(found.identified)
    ]
    with duckdb.connect(str(path)) as database:
        rows = [row(event) for event in found.events] + told
        _create(database, "EVENTS_12345", rows, jsons=("EVENT_PROPERTIES",))
        _create(database, "MERGE_IDS_12345", merged)
        _create(database, "people", found.people)


AMPLITUDE = f"""
events:
  - table: EVENTS_12345
    columns: {{draft: event_properties.draft, size: event_properties.size,
              amount: event_properties.amount, is_big: event_properties.is_big,
              note: event_properties.note}}
    leave_out: {{EVENT_TYPE: [$identify]}}
identities: [{{table: MERGE_IDS_12345}}]
{PEOPLE}"""


# --- Mixpanel: simplified merge (`$device:…`), or the original one (`$identify`) ---


def _write_mixpanel(found: Company, path: Path, *, simplified: bool) -> None:
    before = "$device:" if simplified else ""

    def row(event: Event, **more: Any) -> dict[str, Any]:
        said = event.properties | more
        said |= {"mp_lib": event.source, "$lib_version": "1.2", "$device_id": event.device}
        said |= {"mp_processing_time_ms": _in_ms(event.received_at)}
        return {
            "device_id": event.device,
            "distinct_id": event.person or before + event.device,
            "event_name": "$mp_web_page_view" if event.name == "page_viewed" else event.name,
            "insert_id": event.id,
            "properties": json.dumps(said),
            "time": event.at,
            "user_id": event.person or None,
        }

    told = [
        row(
            Event(f"i-{i}", device, person, "$identify", at, at, 1),
            **{"$anon_id": _anonymous_id(found, device, person), "$identified_id": person},
        )
        for i, (device, person, at) in enumerate(found.identified)
    ]
    # The original merge may choose either id of a person as the one that stands for all.
    owners = first_owners(found)
    mappings = [
        {"distinct_id": before + device, "resolved_distinct_id": person}
        for device, person in sorted(owners.items())
    ]
    profiles = [
        {
            "distinct_id": person["user_id"],
            "properties": json.dumps(
                {
                    "$created": person["signed_up_at"].isoformat(),
                    "account": person["account_id"],
                    "persona": person["persona"],
                }
            ),
        }
        for person in found.people
    ]
    with duckdb.connect(str(path)) as database:
        create = partial(_create, database, time=ZONED, jsons=("properties",))
        create(
            "mp_master_event", [row(event) for event in found.events] + ([] if simplified else told)
        )
        create("mp_people_data", profiles)
        if simplified:
            create("mp_identity_mappings_data_view", mappings)


MIXPANEL = """
events:
  - table: mp_master_event
    columns: {draft: properties.draft, size: properties.size, amount: properties.amount,
              is_big: properties.is_big, note: properties.note}
    values: {event: {$mp_web_page_view: page_viewed}}
    leave_out: {event_name: [$identify]}
users:
  - table: mp_people_data
    columns: {account_id: properties.account, persona: properties.persona}
"""


# --- Google Analytics 4: Parquet, a table a day, arrays of pairs, no ids and no arrival ---


def _write_ga4(found: Company, path: Path) -> None:
    value = pa.struct(
        [
            ("string_value", pa.string()),
            ("int_value", pa.int64()),
            ("float_value", pa.float64()),
            ("double_value", pa.float64()),
        ]
    )
    pairs = pa.list_(pa.struct([("key", pa.string()), ("value", value)]))

    def pair(key: str, given: Any) -> dict[str, Any]:
        kind = {str: "string_value", float: "double_value"}.get(type(given), "int_value")
        text = {True: "true", False: "false"}[given] if isinstance(given, bool) else given
        return {"key": key, "value": {"string_value" if isinstance(given, bool) else kind: text}}

    def row(event: Event) -> dict[str, Any]:
        said = [pair(key, given) for key, given in event.properties.items()]
        return {
            "event_date": f"{event.at:%Y%m%d}",
            "event_timestamp": _in_ms(event.at) * 1000,
            "event_name": "page_view" if event.name == "page_viewed" else event.name,
            "event_params": [pair("ga_session_id", event.session), *said],
            "event_bundle_sequence_id": 1,
            "user_id": event.person or None,
            "user_pseudo_id": event.device,
            "platform": event.source,
            "app_info": {"version": "1.2"},
            "batch_page_id": 1,
        }

    rows = [row(event) for event in found.events]
    rows += [
        row(Event("", device, person, "login", at, at, 1))
        for device, person, at in found.identified
    ]
    kinds = {"event_params": pairs, "user_id": pa.string()}
    path.mkdir()
    for day in sorted({row["event_date"] for row in rows}):
        own = [row for row in rows if row["event_date"] == day]
        pq.write_table(_arrow(own, kinds), path / f"events_{day}.parquet")
    pq.write_table(_arrow(rows[-3:], kinds), path / "events_intraday_20260404.parquet")
    pq.write_table(_arrow(found.people), path / "people.parquet")


GA4 = f"""
events:
  - table: "events_*"
    without: "events_intraday_*"
    columns: {{draft: event_params.draft, size: event_params.size, amount: event_params.amount,
              is_big: event_params.is_big, note: event_params.note}}
    values: {{event: {{page_view: page_viewed}}}}
    leave_out: {{event_name: [login]}}
identities: [{{table: "events_*", without: "events_intraday_*"}}]
{PEOPLE}"""


def _anonymous_id(found: Company, device: str, person: str) -> str:
    """What somebody is until they are identified: a new one, where somebody was before them."""
    return device if first_owners(found)[device] == person else f"{device}-again"


def _of_person(event: Event, before: str = "") -> str:
    return event.person or before + event.device


def _amplitude_anonymous(event: Event) -> str:
    from tests.seven import company

    return _amplitude_ids(company())[0](event)


_POSTHOG = {"anonymous": _of_person, "merges": True, "lacks": ("sent_at",)}
_MIXPANEL = {"merges": True, "lacks": ("sent_at", "session_id")}
SHAPES: dict[str, Shape] = {
    "segment": Shape(
        partial(_write_calls, zoned=False, sessions=False), CALLS, lacks=("session_id",)
    ),
    "rudderstack": Shape(partial(_write_calls, zoned=True, sessions=True), CALLS),
    "snowplow": Shape(_write_snowplow, SNOWPLOW),
    "posthog": Shape(
        partial(_write_posthog, persons_known=False),
        POSTHOG + "identities: [{table: events}]",
        **_POSTHOG,
    ),
    "posthog, by persons": Shape(
        partial(_write_posthog, persons_known=True),
        POSTHOG + "identities: [{table: persons}]",
        **_POSTHOG,
    ),
    "posthog, by both": Shape(
        partial(_write_posthog, persons_known=False),
        POSTHOG + "identities: [{table: events}, {table: persons}]",
        **_POSTHOG,
    ),
    "amplitude": Shape(_write_amplitude, AMPLITUDE, anonymous=_amplitude_anonymous, merges=True),
    "mixpanel": Shape(
        partial(_write_mixpanel, simplified=True),
        MIXPANEL + "identities: [{table: mp_identity_mappings_data_view}]",
        anonymous=partial(_of_person, before="$device:"),
        **_MIXPANEL,
    ),
    "mixpanel, by $identify": Shape(
        partial(_write_mixpanel, simplified=False),
        MIXPANEL + "identities: [{table: mp_master_event}]",
        anonymous=_of_person,
        **_MIXPANEL,
    ),
    "ga4": Shape(_write_ga4, GA4, lacks=("received_at", "sent_at")),
}


def _create(
    database: duckdb.DuckDBPyConnection,
    name: str,
    rows: list[dict[str, Any]],
    *,
    time: pa.DataType = TIME,
    jsons: tuple[str, ...] = (),
) -> None:
    """A table of rows, in which a column that no row has a value for is text."""
    table = _arrow(rows, {}, time)
    database.register("rows_", table)
    cells = [
        f'"{c}"::json as "{c}"' if jsons and c.startswith(jsons) else f'"{c}"'
        for c in table.column_names
    ]
    database.execute(f'create table "{name}" as select {", ".join(cells)} from rows_')
    database.unregister("rows_")


def _arrow(
    rows: list[dict[str, Any]],
    kinds: dict[str, pa.DataType] | None = None,
    time: pa.DataType = TIME,
) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    arrays = {}
    for name in names:
        values = [row.get(name) for row in rows]
        known = next((value for value in values if value is not None), "")
        kind = {datetime: time, float: pa.float64()}.get(type(known))
        arrays[name] = pa.array(
            values, (kinds or {}).get(name, KINDS.get(PROPERTIES.get(name), kind))
        )
    return pa.table(arrays)
