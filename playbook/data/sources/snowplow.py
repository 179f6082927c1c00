"""Snowplow's `atomic.events`, mapped by the names that its columns have everywhere.

A product names its table; what else it writes in the map overrides the preset:

    source: snowplow
    tables:
      events: [{table: events}]

`at` is the device's clock (`dvce_created_tstamp`), the only one that keeps the order of what one
device did: trackers send in batches, so that the collector's clock gives one time to events
minutes apart, and what was done offline the time of the next connection; the pipeline's clock
(`etl_tstamp`) says nothing about people. A device's clock may be wrong, and how far off it is
shows beside `sent_at` and `received_at`. Where wrong clocks matter more than a clock that is one
per device, map `at: derived_tstamp`, the vendor's own correction.

`source` is `platform` (web, mob, srv …), which the tracker protocol demands and `app_version`
(the tracker's version) belongs to; `app_id` is optional and often null: map `source: app_id`
where every program sets one.

Of rows that share an event id, the vendor keeps the one that the collector received first, and
so does the load of every source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import ibis.expr.types as ir

from playbook.data.sources import native
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse
from playbook.declare import TableMap
from playbook.language.mistakes import Mistake, listed

# Canonical column → the vendor's columns, of which the first that is there counts.
PRESET: dict[str, tuple[str, ...]] = {
    "event_id": ("event_id",),
    "user_id": ("user_id",),
    "anonymous_id": ("domain_userid",),
    "session_id": ("domain_sessionid",),
    "event": ("event_name", "event"),
    "at": ("dvce_created_tstamp",),
    "sent_at": ("dvce_sent_tstamp",),
    "received_at": ("collector_tstamp",),
    "source": ("platform",),
    "app_version": ("v_tracker",),
    "user_agent": ("useragent",),
}
OWN = ("unstruct_event_", "contexts_")  # begin the columns that a company's own plan fills


def read(
    maps: Sequence[TableMap],
    name: str,
    warehouse: Warehouse,
    types: Mapping[str, str],
    *,
    properties: Collection[str] = (),
) -> ir.Table:
    """The rows of one canonical table, as the native source reads them; events by the preset."""
    whole = _completed(maps, name, warehouse)
    return native.read(whole, name, warehouse, _all(types, name), properties=properties)


def misfits(
    maps: Sequence[TableMap],
    name: str,
    warehouse: Warehouse,
    types: Mapping[str, str],
    properties: Collection[str],
) -> dict[str, str]:
    """The columns beside the mapped ones that `read` returns: `<property>_misfit` → its type."""
    whole = _completed(maps, name, warehouse)
    return native.misfits(whole, name, warehouse, _all(types, name), properties)


def unmapped(maps: Sequence[TableMap], warehouse: Warehouse) -> list[str]:
    """Each of the company's own events and entities that no map names, as "table.column".

    The hundred and more columns that every `atomic.events` has are no gap in a plan.
    """
    return [
        place
        for place in native.unmapped(maps, warehouse)
        if place.rpartition(".")[2].lower().startswith(OWN)
    ]


def uncast(
    maps: Sequence[TableMap],
    name: str,
    warehouse: Warehouse,
    types: Mapping[str, str],
    *,
    properties: Collection[str] = (),
) -> Mistake | None:
    """The first column whose values the engine cannot cast, as a mistake; asked after a failure."""
    whole = _completed(maps, name, warehouse)
    return native.uncast(whole, name, warehouse, _all(types, name), properties=properties)


def _completed(maps: Sequence[TableMap], name: str, warehouse: Warehouse) -> list[TableMap]:
    """The maps of events with the preset's columns that they do not name and the table has."""
    return [_with_preset(each, warehouse) for each in maps] if name == "events" else list(maps)


def _with_preset(each: TableMap, warehouse: Warehouse) -> TableMap:
    # Some engines spell every name in capitals.
    there = {column.lower(): column for column in warehouse.table(each.table).columns}
    columns = dict(each.columns)
    for canonical, candidates in PRESET.items():
        found = [there[column] for column in candidates if column in there]
        if canonical not in COLUMNS["events"] or canonical in {*columns, *each.constants}:
            continue
        if found:
            columns[canonical] = found[0]
        elif COLUMNS["events"][canonical].required:
            raise Mistake(
                f"Table `{each.table}` has no column `{candidates[0]}`, which Snowplow's events "
                "have.",
                f"It has: {listed(there.values())}.",
                f"name Snowplow's own table, or write `columns: {{{canonical}: …}}`.",
            )
    return each.model_copy(update={"columns": columns})


def _all(types: Mapping[str, str], name: str) -> dict[str, str]:
    """The types of all canonical columns: the preset names some that the product does not."""
    return {column: spec.type for column, spec in COLUMNS[name].items()} | dict(types)
