"""From a vendor's tables to the canonical ones: rename, cast, union, then each event once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data import doubts, identities, versions
from playbook.data.mapping import Mapped
from playbook.data.mapping.parts import parts_of_map
from playbook.data.mapping.presets import source_of
from playbook.data.people import addressed, with_account_of_user
from playbook.data.tables import COLUMNS, Tables, conform
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, TableMap
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import united, when

TRAITS = {"users", "accounts"}  # tables that keep what else is mapped, as text to break down by

# Of rows that share the id (a table's first column), the first in this order is kept.
ORDER: dict[str, tuple[str, ...]] = {
    # From the device on: whichever row it is, it is the same one in every run.
    "events": ("received_at", "at", "event", "user_id", "session_id", "source", "app_version"),
    "users": ("signed_up_at", *COLUMNS["users"]),
    "accounts": ("created_at", *COLUMNS["accounts"]),
    "messages": ("sent_at", *COLUMNS["messages"]),
}


def tables_of(found: Declarations, warehouse: Warehouse) -> Tables:
    """The product's canonical tables, read by the source that it names, and of its exports."""
    with warehouse.loading():
        return _tables_of(found, warehouse)


def _tables_of(found: Declarations, warehouse: Warehouse) -> Tables:
    product = found.product
    _check_canonical(product.tables)
    maps = {name: _mapped(found, warehouse, name) for name in product.tables}
    for each in maps.values():
        each.refuse_inexact_ids()
    types = {name: dict(each.types) for name, each in maps.items()}
    mapped = {name: each.rows() for name, each in maps.items()}
    types["events"] |= maps["events"].misfits()
    typed = {name: conform(table, name, extra=types[name]) for name, table in mapped.items()}
    if product.exports:
        from playbook.adapters import exports

        for name, landed in exports.exported_tables(product.exports, warehouse).items():
            if landed:
                own = [typed[name]] if name in typed else []
                mapped[name] = typed[name] = united([*own, *landed])
    arriving = _current_names(typed.pop("events"), found)
    with cast_failures(found, warehouse):
        ready, histories, in_doubt = _each_once(typed, mapped, warehouse)
        arrivals = warehouse.scanned(arriving, "arrivals", of=len(maps["events"].parts))
        twice = warehouse.keep(_shared_ids(arrivals, "event_id"), "ids_twice")
        shared = warehouse.keep(_rows_of_shared_ids(arrivals, twice, "events"), "shared")
        if "identities" in ready:
            columns = _delivered(mapped)
            identities.refuse_without_devices(arrivals, columns["events"])
            owners = identities.owners_of_devices(
                _rows_that_count(arrivals, twice, shared),
                ready.pop("identities"),
                columns["identities"],
                warehouse,
            )
            arrivals = warehouse.scanned(identities.with_owner(arrivals, owners), "resolved")
            shared = warehouse.keep(identities.with_owner(shared, owners), "shared_resolved")
        if {"messages", "users"} <= set(ready):
            ready["messages"] = addressed(ready["messages"], ready["users"])

    def once() -> ir.Table:
        counting = _rows_that_count(arrivals, twice, shared)
        events = with_account_of_user(counting, ready.get("users"))
        with cast_failures(found, warehouse):
            return warehouse.keep(events, "events")

    return Tables(
        arrivals=arrivals,
        once=once,
        shared=shared,
        histories=histories,
        doubts=in_doubt,
        mapped=_delivered(mapped),
        **ready,
    )


def _delivered(mapped: Mapping[str, ir.Table]) -> dict[str, frozenset[str]]:
    """The columns of each table that are mapped; identities tell users of events, too."""
    found = {name: frozenset(table.columns) for name, table in mapped.items()}
    if "identities" in found:
        found["events"] |= {"user_id"}
    return found


@contextmanager
def cast_failures(found: Declarations, warehouse: Warehouse) -> Iterator[None]:
    """An engine's failure to read rows, as a mistake that names the column that does not cast.

    Engines that keep nothing at load fail only when rows are fetched: fetch the first ones
    inside.
    """
    try:
        yield
    except Mistake:
        raise
    except Exception:
        for name in found.product.tables:
            if mistake := _mapped(found, warehouse, name).uncast():
                raise mistake from None
        if found.product.exports:
            from playbook.adapters import exports

            if mistake := exports.uncast_text(found.product.exports, warehouse):
                raise mistake from None
        raise


def said_nobody(found: Declarations, warehouse: Warehouse) -> ir.Table | None:
    """The ids of events that say nobody, as they arrive: `column`, `text`, `rows`; None: no text
    is mapped."""
    parts = _mapped(found, warehouse, "events").said_nobody()
    return united(parts) if parts else None


def unplanned_columns(found: Declarations, warehouse: Warehouse) -> list[str]:
    """Columns of the product's events tables that no map names: properties without a plan."""
    product, source = found.product, source_of(found.product.source)

    def tables(each: TableMap) -> set[str]:
        return {*parts_of_map(each, warehouse)}

    events = set().union(*map(tables, product.tables["events"]))
    whole = [
        source.completed(name, each, warehouse)
        for name, maps in product.tables.items()
        for each in maps
        if tables(each) & events
    ]
    return source.unmapped(whole, warehouse)


def _check_canonical(mapped: Mapping[str, object]) -> None:
    if unknown := sorted(set(mapped) - set(COLUMNS)):
        raise Mistake(
            f"product.yaml maps `{unknown[0]}`, which is no canonical table.",
            f"The canonical tables are: {listed(COLUMNS)}.",
            nearest(unknown[0], COLUMNS),
        )
    if not mapped.get("events"):
        raise Mistake(
            "product.yaml maps no `events`.",
            f"It maps: {listed(mapped)}.",
            "map at least the table that holds what people did.",
        )
    if empty := [name for name, maps in mapped.items() if not maps]:
        raise Mistake(
            f"product.yaml maps `{empty[0]}` to no table.",
            "Its list is empty.",
            "add a map, or remove it.",
        )


def _mapped(found: Declarations, warehouse: Warehouse, name: str) -> Mapped:
    """A canonical table as the product maps it, completed by its source."""
    maps, source = found.product.tables[name], source_of(found.product.source)
    if name == "events":
        maps = [_with_source(found, each) for each in maps]
    return source.mapped(name, maps, warehouse, _types(found, name), found.properties)


def _with_source(found: Declarations, each: TableMap) -> TableMap:
    """A map of events with its source: a table of people or accounts is one of its own, unless
    the map says otherwise, because it goes further back than a log."""
    own = {
        other.called
        for name, maps in found.product.tables.items()
        for other in maps
        if name in {"users", "accounts"}
    }
    if each.called not in own or "source" in each.named:
        return each
    return each.model_copy(update={"constants": each.constants | {"source": each.called}})


def _types(found: Declarations, name: str) -> dict[str, str]:
    """The type of each column that is canonical, or that the maps name: planned, or a trait."""
    canonical = {column: spec.type for column, spec in COLUMNS[name].items()}
    planned = found.properties if name == "events" else {}
    maps = found.product.tables[name]
    named = dict.fromkeys(column for each in maps for column in each.named)
    for column in named:
        # A trait may have any name, but not one that was meant to be a canonical one.
        meant = set(canonical) - set(named)
        typo = difflib.get_close_matches(column, meant, n=1, cutoff=0.8)
        if column not in canonical | planned and (name not in TRAITS or typo):
            known = [*canonical, *planned]
            raise Mistake(
                f"product.yaml maps `{column}` of `{name}`, which is neither a canonical column"
                + (" nor a property in the tracking plan." if name == "events" else "."),
                f"Those are: {listed(known)}.",
                nearest(column, typo or known),
            )
    return canonical | {column: (canonical | planned).get(column, "string") for column in named}


def _current_names(events: ir.Table, found: Declarations) -> ir.Table:
    """Events under the names that the plan gives them today."""
    former = {was: point.event for point in found.plan for was in point.was}
    return events.mutate(event=events.event.substitute(former)) if former else events


def _each_once(
    typed: Mapping[str, ir.Table], mapped: Mapping[str, ir.Table], warehouse: Warehouse
) -> tuple[dict[str, ir.Table], ...]:
    """Tables with each thing once; the histories and the doubts that `Tables` says of them."""
    ready, histories, in_doubt = {}, {}, {}
    for name, table in typed.items():
        rows = _first_rows(table, name)
        if name in TRAITS and versions.SINCE in mapped[name].columns:
            history = table.filter(_[table.columns[0]].notnull())
            histories[name] = warehouse.keep(history, f"{name}_history")
            rows = versions.newest(histories[name])
        elif name in TRAITS:
            shared = _rows_of_shared_ids(table, _shared_ids_of(table), name)
            doubted = warehouse.keep(doubts.doubts(shared, ORDER[name][0]), f"{name}_doubted")
            in_doubt[name] = doubts.counted_doubts(doubted, rows)
            rows = doubts.without_doubts(rows, doubted)
        ready[name] = warehouse.keep(rows, name)
    return ready, histories, in_doubt


def _first_rows(table: ir.Table, name: str) -> ir.Table:
    """Each thing once: of the rows that share an id, the one that came first; null is no id."""
    if name not in ORDER:
        return table
    twice = _shared_ids_of(table)
    return _rows_that_count(table, twice, _rows_of_shared_ids(table, twice, name))


def _shared_ids_of(table: ir.Table) -> ir.Table:
    """The shared ids of a canonical table, whose first column is its own id."""
    return _shared_ids(table, table.columns[0])


def _shared_ids(table: ir.Table, key: str) -> ir.Table:
    """The ids that several rows share: few, so that the many rows are never sorted for them."""
    per_id = table.filter(_[key].notnull()).group_by(key).aggregate(rows_=_.count())
    return per_id.filter(_.rows_ > 1).select(key)


def _rows_of_shared_ids(table: ir.Table, twice: ir.Table, name: str) -> ir.Table:
    """The rows that share their id, in the order in which they count; without a time none does."""
    key, order = twice.columns[0], list(ORDER[name])
    rows = table.semi_join(twice, key)
    order += [column for column in rows.columns if column not in order]
    timed = _.at.notnull() if name == "events" else ibis.literal(True)
    place = ibis.row_number().over(ibis.window(group_by=[key, timed], order_by=order))
    return rows.mutate(copy_=when(timed, place))


def _rows_that_count(table: ir.Table, twice: ir.Table, shared: ir.Table) -> ir.Table:
    """Each thing once; a row without an id is no copy of any other."""
    alone = table.anti_join(twice, twice.columns[0])
    if "at" in table.columns:
        alone = alone.filter(_.at.notnull())
    return alone.union(shared.filter(_.copy_ == 0).drop("copy_"), distinct=False)
