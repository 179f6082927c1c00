"""A plan inferred from the data: events, their properties, types and allowed values.

What the product's plan says already is kept; only what it leaves open is drafted, for a human to
finish. All of the log counts, whatever dates the run names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbook import declare, run
from playbook.adapters.plans.entries import Entry, as_type
from playbook.adapters.plans.from_data import (
    FEWEST_FOR_VALUES,
    MOST_VALUES,
    Row,
    Seen,
    seen_in_log,
    unused_columns,
)
from playbook.data import opening
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Product, Property
from playbook.language.mistakes import listed
from playbook.language.wording import percent

FEWEST_ROWS = 10  # an event with fewer rows may be a test or a typing error
REQUIRED_FROM = 0.999
NAMED_IN_COMMENTS = 20

DESTINATIONS = "Where is it consumed, and for what purpose?"


@dataclass(frozen=True)
class Draft:
    """Entries, the sentences at the head of their file, and a summary of what was drafted."""

    entries: tuple[Entry, ...]
    head: tuple[str, ...]
    summary: str


def draft_of(product: str, warehouse: str = "demo") -> Draft:
    """A draft of the plan of a product whose own plan may be absent or partly written.

    Args:
        product: Folder with the declarations, from the project's folder.
        warehouse: As in a run.
    """
    home = run.root()
    folder = home / product
    found = declare.read_one(folder / "product.yaml", Product)
    path = folder / "tracking_plan.yaml"
    written = path.is_file() and declare.read_yaml(path) is not None
    plan = declare.read_list(path, DataPoint) if written else ()
    opened = opening.warehouse_at(run.warehouse_url(home, warehouse), home)
    return inferred_plan(found, plan, opened)


def inferred_plan(product: Product, plan: Sequence[DataPoint], warehouse: Warehouse) -> Draft:
    """The draft over an open warehouse."""
    seen, unused = seen_in_log(product, plan, warehouse), unused_columns(product, warehouse)
    planned = {point.event for point in plan}
    new = [e for e, row in seen.rows.items() if e not in planned and row["n"] >= FEWEST_ROWS]
    rare = {e: r["n"] for e, r in seen.rows.items() if e not in planned and r["n"] < FEWEST_ROWS}
    empty = [DataPoint(event=event, says=_says(seen.rows[event])) for event in new]
    entries = tuple(_drafted_entry(point, seen) for point in (*plan, *empty))
    head = [
        f"Drafted by `playbook plan draft` from {sum(r['n'] for r in seen.rows.values()):,} events "
        f"of {product.name}: finish what the data cannot say.",
        f"`required`: at least {percent(REQUIRED_FROM)} of the rows carry it. `values`: the "
        f"only ones, at most {MOST_VALUES}, in at least {FEWEST_FOR_VALUES} rows. Types are those "
        "of the columns; a text that always looks like a number, a time or true/false is drafted "
        "as such.",
    ]
    if plan:
        head.append("What tracking_plan.yaml says is kept; its comments are not repeated here.")
    if rare:
        named = [f"{event} ({n})" for event, n in rare.items()]
        head.append(f"Left out, with fewer than {FEWEST_ROWS} rows: {_first_of(named)}.")
    head += [
        f"Columns of `{table}` that product.yaml does not map, so that they are no property yet: "
        f"{_first_of(columns)}. Map them under `tables: events:`, and draft again."
        for table, columns in unused.items()
    ]
    points = f"{len(entries):,} data point{'' if len(entries) == 1 else 's'}"
    summary = f"{points}: {len(plan):,} planned before, {len(new):,} drafted."
    return Draft(entries, tuple(head), summary)


def _drafted_entry(point: DataPoint, seen: Seen) -> Entry:
    """The data point, with what it leaves open taken from the data."""
    row = seen.rows.get(point.event, {"n": 0})
    if row["n"] < FEWEST_ROWS:
        rows = "No row of it arrives" if not row["n"] else f"Only {row['n']} of its rows arrive"
        return Entry(point, notes=(f"{rows}: nothing is drafted.",))
    properties, beside = dict(point.properties), {}
    for name in dict.fromkeys([*properties, *seen.columns]):
        if not seen.carried(point.event, name) and name not in properties:
            continue
        properties[name], new = _drafted_property(point, name, seen)
        beside[name] = (_carried(point.event, name, seen) + (f" Drafted: {new}." if new else ""),)
    return Entry(point.model_copy(update={"properties": properties}), beside=beside)


def _drafted_property(point: DataPoint, name: str, seen: Seen) -> tuple[Property, str]:
    """The property as planned, with its open fields drafted; and which fields those are."""
    known = point.properties.get(name)
    spec = known or as_type(Property(), seen.types[name])
    said = spec.model_fields_set if known else set()
    fields: dict[str, Any] = {}
    if "required" not in said and seen.share(point.event, name) >= REQUIRED_FROM:
        fields["required"] = True
    values = seen.values.get((point.event, name), ())
    if values and spec.type == "string" and not {"values", "pattern"} & said:
        fields["values"] = values
    return spec.model_copy(update=fields), listed(fields) if known and fields else ""


def _carried(event: str, name: str, seen: Seen) -> str:
    """In how many of the event's rows a property is; never rounded up to all."""
    if name not in seen.columns:
        return "product.yaml maps no such column."
    n, rows = seen.carried(event, name), seen.rows[event]["n"]
    if n == rows:
        return f"All {rows:,} rows carry it."
    if not n:
        return f"None of the {rows:,} rows carries it."
    permille = n * 1000 // rows
    return f"{n:,} of {rows:,} rows carry it ({permille // 10}.{permille % 10}%)."


def _says(row: Row) -> str:
    span = _span(row["first"], row["last"])
    return f"Drafted from {row['n']:,} rows seen {span}: say what happened."


def _span(first: datetime | None, last: datetime | None) -> str:
    """Two moments as people say them: "5 Jan to 5 Jul 2026"."""
    if first is None or last is None:
        return "at no possible time"
    end = f"{last.day} {last:%b %Y}"
    if first.date() == last.date():
        return f"on {end}"
    begin = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{begin} to {end}"


def _first_of(names: Sequence[str]) -> str:
    more = len(names) - NAMED_IN_COMMENTS
    return listed(names[:NAMED_IN_COMMENTS]) + (f" and {more:,} more" if more > 0 else "")
