"""Vendors that are known by their tables: Segment, Snowplow, PostHog and others."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from playbook.beginning.columns import EVENTS, MOST_PROPERTIES, candidates, properties
from playbook.beginning.looking import HOLDS, Table, counted, is_plain, rows_of
from playbook.beginning.maps import Found, Map
from playbook.data.warehouse import Warehouse

# Vendor → columns that its log has, all of them; in the order in which they are tried.
SIGNS: dict[str, tuple[str, ...]] = {
    "snowplow": ("event_id", "collector_tstamp", "dvce_created_tstamp"),
    "amplitude": ("amplitude_id", "event_type", "event_time"),
    "ga4": ("user_pseudo_id", "event_timestamp", "event_name"),
    "posthog": ("uuid", "distinct_id", "event", "timestamp", "properties"),
    "mixpanel": ("distinct_id", "time", "properties"),
    "segment": ("id", "anonymous_id", "event", "timestamp"),
}
OF_LOGS = {column for columns in SIGNS.values() for column in columns}
NAMES = {
    "amplitude": "Amplitude",
    "ga4": "Google Analytics 4",
    "mixpanel": "Mixpanel",
    "posthog": "PostHog",
    "rudderstack": "RudderStack",
    "segment": "Segment",
    "snowplow": "Snowplow",
}
# Its column of devices, for logs that know nobody by name.
DEVICES = {
    "amplitude": "amplitude_id",
    "ga4": "user_pseudo_id",
    "mixpanel": "distinct_id",
    "posthog": "distinct_id",
    "rudderstack": "anonymous_id",
    "segment": "anonymous_id",
    "snowplow": "domain_userid",
}
# Tables of identities: vendor → columns that tell.
MERGES = {
    "amplitude": ("amplitude_id", "merged_amplitude_id"),
    "mixpanel": ("distinct_id", "resolved_distinct_id"),
    "rudderstack": ("anonymous_id", "user_id"),
    "segment": ("anonymous_id", "user_id"),
}
MASTER = "mp_master_event"
TELLING = ("ga4", "posthog", "snowplow")  # whose log itself tells which device is whose
# Events of those that are no events of people.
TOLD = {
    "amplitude": ("$identify", "$groupidentify"),
    "mixpanel": ("$identify", "$create_alias", "$merge"),
    "posthog": ("$identify", "$create_alias", "$groupidentify", "$set"),
}
CALLS = {"tracks", "pages", "screens", "identifies", "users", "groups", "accounts", "aliases"}
OWN_OF_RUDDER = {"rudder_id", "channel", "context_session_id", "context_source_type"}
OF_SEGMENT = {"received_at", "sent_at", "original_timestamp", "uuid_ts", "event_text"}
STANDARD = {"id", "user_id", "anonymous_id", "event", "timestamp", "channel", "loaded_at"}
COVERED = 0.95  # of `tracks`, which the tables of single events must hold
MOST_TABLES = 100


def vendors_log(tables: Sequence[Table], warehouse: Warehouse) -> Found | None:
    """The log of a vendor whose tables these are; None if they are nobody's."""
    for source, sign in SIGNS.items():
        own = [table for table in tables if {*sign} <= table.names and _is_of(source, table)]
        if own:
            if source in ("segment",):
                return _of_calls(own, tables, warehouse)
            return _of_one_table(source, own, tables, warehouse)
    return None


def by_device(found: Found) -> Found | None:
    """The log with devices in the place of people, where it names nobody."""
    device = DEVICES.get(found.source)
    if not device:
        return None
    note = "No event names a user: a device stands for a person."
    maps = [
        Map("events", each.says | {"columns": {**each.says.get("columns", {}), "user_id": device}},
            (*each.notes, note))
        for each in found.of("events")
    ]  # fmt: skip
    return Found(found.source, tuple(maps), found.properties, found.notes)


def _is_of(source: str, table: Table) -> bool:
    match source:
        case "mixpanel":
            return bool({"event_name", "event"} & table.names)
        case "segment":
            stamped = len(OF_SEGMENT & table.names) >= 2
            return stamped or any(name.startswith("context_") for name in table.names)
    return True


def _of_one_table(
    source: str, own: Sequence[Table], tables: Sequence[Table], warehouse: Warehouse
) -> Found:
    """The log of a vendor that has all events in one table, or in one for each day."""
    first = sorted(own, key=lambda table: (table.last not in ("events", "event"), table.name))[0]
    says: dict[str, Any] = {"table": first.name}
    note = f"The log: `{first.name}` has the columns of {NAMES[source]} ({_said(source)})."
    if source == "ga4" and first.last.startswith("events_"):
        schema = first.name[: len(first.name) - len(first.last)]
        says = {"table": f"{schema}events_*", "without": [f"{schema}events_intraday_*"]}
        note = f"The log: {len(own)} tables, one a day, have the columns of {NAMES[source]}."
    elif len(own) > 1:
        note += f" Others like it are left out: {', '.join(t.name for t in own if t != first)}."
    notes, maps = [note], _merges(source, tables, {table.name for table in own})
    if source in TELLING or (source == "mixpanel" and not maps and first.last == MASTER):
        maps.insert(0, Map("identities", dict(says), ("Which device is whose: the log tells.",)))
    carried = _inside(own[:: -(-len(own) // 3)] if "without" in says else [first], warehouse)
    if columns := _group(first).get("columns", {}) | carried:
        says["columns"] = columns
    if carried:
        notes.append(f"Properties: {', '.join(carried)}.")
    if source in TOLD:
        column = next(
            c.name for c in first.columns if c.plain in ("event", "event_name", "event_type")
        )
        says["leave_out"] = {column: list(TOLD[source])}
        notes.append("Calls that say who somebody is are nothing that people do.")
    return Found(source, (Map("events", says, tuple(notes)), *maps), tuple(carried))


def _inside(tables: Sequence[Table], warehouse: Warehouse) -> dict[str, Any]:
    """What stands in the columns that hold a vendor's properties: name → where, or the places."""
    places: dict[str, list[str]] = {}
    for table in tables:
        held = [c for c in table.columns if not is_plain(c.kind) or re.search(HOLDS, c.plain)]
        seen = counted(replace(table, columns=tuple(held)), warehouse) or table
        for holder in held:
            own = tuple(c for c in seen.columns if c.inside == holder.name)
            for column in properties(replace(seen, columns=own), table.names):
                if column.name not in places.setdefault(column.last, []):
                    places[column.last].append(column.name)
    found = list(places.items())[:MOST_PROPERTIES]
    return {name: own[0] if len(own) == 1 else {"first_of": own} for name, own in found}


def _of_calls(own: Sequence[Table], tables: Sequence[Table], warehouse: Warehouse) -> Found:
    """The log of Segment or RudderStack: a table for each event, or `tracks` where that holds
    more."""
    schema = _schema_of(own, warehouse)
    own = [table for table in own if _is_in(schema, table)]
    here = [table for table in tables if _is_in(schema, table)]
    is_rudder = any(OWN_OF_RUDDER & table.names for table in own)
    source = "rudderstack" if is_rudder else "segment"
    rows = rows_of(own, warehouse)
    single = [table for table in own if table.last not in CALLS and rows[table.name]]
    tracks = [table for table in own if table.last == "tracks"]
    of_tracks = max((rows[table.name] for table in tracks), default=0)
    whole = sum(rows[table.name] for table in single)
    if single and whole >= COVERED * of_tracks and len(single) <= MOST_TABLES:
        maps, carried = _single_events(single, warehouse)
        beside = f" `tracks` has {of_tracks:,} rows, all of them." if tracks else ""
        note = f"The log: {len(single)} tables of {NAMES[source]}'s, one for each event, with "
        notes = (f"{note}{whole:,} rows.{beside}", *maps.notes)
        found = [Map("events", maps.says, notes)]
    else:
        first = (tracks or own)[0]
        note = f"The log: `{first.name}` has the columns of {NAMES[source]} ({_said(source)})."
        found, carried = [Map("events", {"table": first.name, **_group(first)}, (note,))], ()
    for call in ("pages", "screens"):
        found += [
            Map("events", {"table": table.name, **_group(table)}, (f"{NAMES[source]}'s {call}.",))
            for table in here
            if table.last == call and {"id", "timestamp"} <= table.names
        ]
    found += _merges(source, here, {table.name for table in own})
    return Found(source, tuple(found), carried)


def _single_events(single: Sequence[Table], warehouse: Warehouse) -> tuple[Map, tuple[str, ...]]:
    """The map of the tables of single events, with what these carry besides."""
    found: dict[str, str] = {}
    for table in single:
        seen = counted(table, warehouse) or table
        left = (c for c in properties(seen, STANDARD) if not _is_vendors(c.plain))
        found |= {column.last: column.name for column in left}
    carried = dict(list(found.items())[:MOST_PROPERTIES])
    columns = {**_group(single[0]).get("columns", {}), **carried}
    notes = [f"Properties: {', '.join(carried)}."] if carried else []
    if gone := [name for name in found if name not in carried]:
        notes.append(f"Further columns, not mapped: {', '.join(gone)}.")
    names = sorted(table.name for table in single)
    says = {"table": names if len(names) > 1 else names[0]}
    says |= {"columns": columns} if columns else {}
    return Map("events", says, tuple(notes)), tuple(carried)


def _is_vendors(name: str) -> bool:
    begins = ("context_", "original_timestamp", "uuid", "event_text", "rudder_id", "sent_at")
    return name.startswith(begins) or name == "received_at"


def _group(table: Table) -> dict[str, Any]:
    """The account, where the vendor's table has one."""
    own = candidates(table, EVENTS["account_id"], lambda c: c.kind.is_string())
    return {"columns": {"account_id": own[0].name}} if own else {}


def _schema_of(own: Sequence[Table], warehouse: Warehouse) -> str:
    """The schema, with its dot, whose tables hold most of the rows."""
    rows, sums = rows_of(own, warehouse), {}
    for table in own:
        before = table.name[: len(table.name) - len(table.name.rpartition(".")[2])]
        sums[before] = sums.get(before, 0) + rows[table.name]
    return min(sums, key=lambda schema: (-sums[schema], schema))


def _is_in(schema: str, table: Table) -> bool:
    return table.name.startswith(schema) and "." not in table.name[len(schema) :]


def _merges(source: str, tables: Sequence[Table], log: Collection[str]) -> list[Map]:
    """The vendor's tables that say which device is whose."""
    sign, found = MERGES.get(source), []
    for table in tables:
        fits = sign and {*sign} <= table.names and table.name not in log
        named = table.last in ("identifies",) or source in ("amplitude", "mixpanel")
        if fits and named:
            found.append(Map("identities", {"table": table.name}, ("Which device is whose.",)))
    return found[:1]


def _said(source: str) -> str:
    return ", ".join(SIGNS.get(source, SIGNS["segment"]))
