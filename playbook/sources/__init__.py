"""From a vendor's tables to the canonical ones: rename, cast, union, then each event once."""

from __future__ import annotations

import importlib

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.declare import Declarations
from playbook.mistakes import Mistake, listed
from playbook.tables import COLUMNS, Tables, conform
from playbook.warehouse import Warehouse


def load(found: Declarations, warehouse: Warehouse) -> Tables:
    """The product's canonical tables, read by the source that the product names."""
    product = found.product
    if unknown := sorted(set(product.tables) - set(COLUMNS)):
        raise Mistake(
            f"product.yaml maps `{unknown[0]}`, which is no canonical table.",
            f"The canonical tables are: {listed(COLUMNS)}.",
            "rename it.",
        )
    if "events" not in product.tables:
        raise Mistake(
            "product.yaml maps no `events`.",
            f"It maps: {listed(product.tables)}.",
            "map at least the table that holds what people did.",
        )
    source = importlib.import_module(f"playbook.sources.{product.source}")
    mapped = {name: source.read(maps, name, warehouse) for name, maps in product.tables.items()}
    extra = {"events": found.properties}
    ready = {
        name: warehouse.keep(
            conform(
                _current_names(table, found) if name == "events" else table,
                name,
                extra=_present(table, extra.get(name, {})),
            ),
            f"arrivals_{name}",
        )
        for name, table in mapped.items()
    }
    arrivals = ready.pop("events")
    return Tables(
        events=warehouse.keep(_known(_once(arrivals), ready.get("users")), "events_once"),
        arrivals=arrivals,
        mapped={name: frozenset(table.columns) for name, table in mapped.items()},
        **ready,
    )


def _present(table: ir.Table, types: dict[str, str]) -> dict[str, str]:
    return {name: kind for name, kind in types.items() if name in table.columns}


def _current_names(events: ir.Table, found: Declarations) -> ir.Table:
    """Events under the names that the plan gives them today."""
    former = {was: point.event for point in found.plan for was in point.was}
    return events.mutate(event=events.event.substitute(former)) if former else events


def _once(arrivals: ir.Table) -> ir.Table:
    """Each event once: of the rows that share an id, the one that arrived first."""
    first = ibis.window(group_by="event_id", order_by=[_.received_at, _.at])
    return arrivals.mutate(copy_=ibis.row_number().over(first)).filter(_.copy_ == 0).drop("copy_")


def _known(events: ir.Table, users: ir.Table | None) -> ir.Table:
    """Events with the account of their user where they name none, and whether it is one of us."""
    if users is None:
        return events.mutate(is_internal=ibis.literal(False), is_inferred=ibis.literal(False))
    people = users.select(user_id_="user_id", account_id_="account_id", is_internal="is_internal")
    return (
        events.left_join(people, events.user_id == people.user_id_)
        .mutate(
            is_inferred=_.account_id.isnull() & _.account_id_.notnull(),
            account_id=_.account_id.coalesce(_.account_id_),
            is_internal=_.is_internal.fill_null(False),
        )
        .drop("user_id_", "account_id_")
    )
