"""What the log shows of its events: how many rows carry what, and of which few values.

The engine is asked once per event for counts, and once per text for its values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis import _

from playbook.data import sources
from playbook.data.mapping.parts import parts_of_map
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Declarations, Product, Property
from playbook.language.mistakes import Nothing, listed
from playbook.language.periods import moment
from playbook.language.portable import count_if, when

FEWEST_FOR_VALUES = 100
MOST_VALUES = 12
LONGEST_VALUE = 80
POSSIBLE = datetime(2000, 1, 1)  # what claims to be older comes from a dead battery

# A text that always looks like this is suggested as that type; "007" is a name, not a number.
_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
LOOKS = {
    "int64": "^(0|-?[1-9][0-9]{0,17})$",
    "float64": "^-?(0|[1-9][0-9]{0,17})([.][0-9]+)?$",
    "boolean": "^(true|false)$",
    "timestamp": f"^{_DAY}([T ]{_CLOCK}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?$",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the data shows: event → its row; the columns; their types; their few values."""

    rows: Mapping[str, Row]
    columns: Sequence[str]
    types: Mapping[str, str]
    values: Mapping[tuple[str, str], tuple[str, ...]]

    def carried(self, event: str, column: str) -> int:
        """In how many rows of the event the column is filled."""
        if column not in self.columns or event not in self.rows:
            return 0
        return self.rows[event][f"with_{self.columns.index(column)}"]

    def share(self, event: str, column: str) -> float:
        """The share of the event's rows that carry the column."""
        return self.carried(event, column) / self.rows[event]["n"]


def seen_in_log(product: Product, plan: Sequence[DataPoint], warehouse: Warehouse) -> Seen:
    """What the log of an open warehouse shows.

    Args:
        product: Where the product's tables are.
        plan: What is planned already: it fixes the types of its properties.
        warehouse: The product's tables.
    """
    free = _unplanned_columns(product, plan, warehouse)
    placeholder = DataPoint(event="", says="", properties=free)
    declared = Declarations(product, (*plan, placeholder), (), (), ())
    tables = sources.tables_of(declared, warehouse)
    canonical = COLUMNS["events"]
    columns = [c for c in declared.properties if c in tables.events.columns and c not in canonical]
    texts = [c for c, spec in free.items() if spec.type == "string" and not _is_id(c)]
    with sources.cast_failures(declared, warehouse):
        rows = filled_per_event(tables.events, columns, texts).to_pyarrow().to_pylist()
        if not rows:
            raise Nothing(
                "The events table is empty.",
                f"The warehouse has: {listed(warehouse.names)}.",
                "check the mapping of `events` in product.yaml.",
            )
        types = {name: spec.type for point in plan for name, spec in point.properties.items()}
        for name, spec in free.items():
            types[name] = _suggested(name, spec.type, rows, columns, texts)
        values = {
            column: few_values(tables.events, column).to_pyarrow().to_pylist()
            for column in columns
            if types[column] == "string" and not _is_id(column) and _enough(rows, columns, column)
        }
    return Seen({row["event"]: row for row in rows}, columns, types, _values_by_event(values))


def filled_per_event(events: ir.Table, columns: Sequence[str], texts: Sequence[str]) -> ir.Table:
    """One row per event name, each event once, most frequent first.

    Returns:
        `event`, `n`, `first` and `last` moment that is possible, `with_<i>` (rows that carry the
        i-th column), and for the i-th text `<type>_<i>`: rows in which it looks like that type.
    """
    possible = when((_.at >= moment(POSSIBLE)) & (_.at <= _.received_at.fill_null(_.at)), _.at)
    looks = {
        f"{kind}_{place}": count_if(events[column].re_search(pattern))
        for place, column in enumerate(texts)
        for kind, pattern in LOOKS.items()
    }
    return (
        events.filter(events.event.notnull())
        .group_by("event")
        .aggregate(
            n=_.count(),
            first=possible.min(),
            last=possible.max(),
            **{f"with_{place}": events[column].count() for place, column in enumerate(columns)},
            **looks,
        )
        .order_by(ibis.desc("n"), "event")
    )


def few_values(events: ir.Table, column: str) -> ir.Table:
    """One row per event and value of a column, where the event has few values in many rows.

    Returns:
        `event`, `value` and `n` rows; events with more than 12 values, or with fewer than 100
        rows that carry one, are left out.
    """
    of_event = ibis.window(group_by="event")
    counted = (
        events.filter(events.event.notnull() & events[column].notnull())
        .group_by("event", value=events[column])
        .aggregate(n=_.count())
    )
    return (
        counted.mutate(
            kinds=counted.value.count().over(of_event), rows=counted.n.sum().over(of_event)
        )
        .filter((_.kinds <= MOST_VALUES) & (_.rows >= FEWEST_FOR_VALUES))
        .select("event", "value", "n")
        .order_by("event", ibis.desc("n"), "value")
    )


def _unplanned_columns(
    product: Product, plan: Sequence[DataPoint], warehouse: Warehouse
) -> dict[str, Property]:
    """What product.yaml maps beyond canonical columns and planned ones, by its type there."""
    planned = {name for point in plan for name in point.properties}
    kinds: dict[str, set[str]] = {}
    for each in product.tables.get("events", ()):
        tables = [warehouse.table(name) for name in parts_of_map(each, warehouse)]
        for column, source in each.columns.items():
            held = [table[source].type() for table in tables if source in table.columns]
            plain = held and column not in {*each.values, *each.times} and not _is_id(column)
            found = {*map(_plan_type, held)} if plain else {"string"}
            kinds.setdefault(column, set()).update(found)
        for column in each.constants:
            kinds.setdefault(column, set()).add("string")
    return {
        column: Property(type=found.pop() if len(found) == 1 else "string")
        for column, found in kinds.items()
        if column not in planned and column not in COLUMNS["events"]
    }


def _plan_type(kind: dt.DataType) -> str:
    """An engine's type as one of ours."""
    types = {
        "boolean": kind.is_boolean(),
        "int64": kind.is_integer(),
        "float64": kind.is_floating() or kind.is_decimal(),
        "timestamp": kind.is_timestamp() or kind.is_date(),
    }
    return next((type_ for type_, fits in types.items() if fits), "string")


def unused_columns(product: Product, warehouse: Warehouse) -> dict[str, list[str]]:
    """Table of events → its columns that product.yaml does not use."""
    found: dict[str, list[str]] = {}
    for place in sources.unplanned_columns(Declarations(product, (), (), (), ()), warehouse):
        table, _dot, column = place.rpartition(".")
        found.setdefault(table, []).append(column)
    return found


def _is_id(column: str) -> bool:
    """Ids are text, and any value may come."""
    return column.endswith("_id")


def _suggested(
    column: str, type_: str, rows: Sequence[Row], columns: Sequence[str], texts: Sequence[str]
) -> str:
    """The type of a column; of a text, the one that every row of it looks like."""
    if column not in texts or column not in columns:
        return type_
    filled = sum(row[f"with_{columns.index(column)}"] for row in rows)
    place = texts.index(column)
    fitting = (t for t in LOOKS if sum(row[f"{t}_{place}"] for row in rows) == filled)
    return next(fitting, "string") if filled else "string"


def _enough(rows: Sequence[Row], columns: Sequence[str], column: str) -> bool:
    place = columns.index(column)
    return any(row[f"with_{place}"] >= FEWEST_FOR_VALUES for row in rows)


def _values_by_event(
    values: Mapping[str, Sequence[Row]],
) -> dict[tuple[str, str], tuple[str, ...]]:
    """(event, column) → its values, but none where one may be an address or prose."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for column, rows in values.items():
        for row in rows:
            key = row["event"], column
            found[key] = (*found.get(key, ()), row["value"])
    return {
        key: tuple(sorted(some))
        for key, some in found.items()
        if not any("@" in value or len(value) > LONGEST_VALUE for value in some)
    }
