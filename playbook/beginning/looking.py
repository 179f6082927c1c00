"""What stands in a warehouse's tables: their columns, and counts of what these hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.data.mapping.places import value_at
from playbook.data.warehouse import Warehouse, first_line
from playbook.language.mistakes import Mistake
from playbook.language.names_within import names_within
from playbook.language.portable import count_if

WIDEST = 80  # columns of a table that are looked at
MOST_INSIDE = 40  # names of one column that holds properties
HOLDS = "(^|_)(properties|params|traits)$|^unstruct_event_"  # columns that hold properties
OF_VENDORS = ("_", "mp_", "ga_", "firebase_", "engagement_")  # properties that a vendor adds
# A number since 1970 of these years, in seconds.
YEAR_2000, YEAR_2040 = 946_684_800, 2_208_988_800
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
_DAY, _MONTH = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])"
_CLOCK = "([01]?[0-9]|2[0-3]):[0-5][0-9]"
_ZONE = " ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"
# How a text may say when → what it looks like; the first that all values look like counts.
FORMS = {
    "": f"^[0-9]{{4}}-[01][0-9]-[0-3][0-9]([T ]{_CLOCK}(:[0-5][0-9]([.][0-9]+)?)?({_ZONE})?)?$",
    "epoch_s": "^[12][0-9]{9}$",
    "epoch_ms": "^[12][0-9]{12}$",
    "epoch_us": "^[12][0-9]{15}$",
    "%d.%m.%Y": f"^{_DAY}[.]{_MONTH}[.][0-9]{{4}}$",
    "%d.%m.%Y %H:%M": f"^{_DAY}[.]{_MONTH}[.][0-9]{{4}} {_CLOCK}$",
    "%d.%m.%Y %H:%M:%S": f"^{_DAY}[.]{_MONTH}[.][0-9]{{4}} {_CLOCK}:[0-5][0-9]$",
    "%Y/%m/%d %H:%M": f"^[0-9]{{4}}/{_MONTH}/{_DAY} {_CLOCK}$",
    "%Y/%m/%d %H:%M:%S": f"^[0-9]{{4}}/{_MONTH}/{_DAY} {_CLOCK}:[0-5][0-9]$",
    "%m/%d/%Y %H:%M": f"^{_MONTH}/{_DAY}/[0-9]{{4}} {_CLOCK}$",
    "%d/%m/%Y %H:%M": f"^{_DAY}/{_MONTH}/[0-9]{{4}} {_CLOCK}$",
}
TIMELY = "^ *[0-9]{1,4}[-./0-9][-./:0-9TZUC +]*$"  # what all of them look like
Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column, and what was counted of it.

    Attributes:
        name: Its name.
        kind: Its type.
        filled: In how many rows it says something.
        distinct: How many values it has.
        addresses: How many of its values are e-mail addresses.
        clock: How it says when: "" is a time, else as `times:` of a map; None: it says no time.
        inside: The column that holds it, if it is no column of its own; then `name` is a path.
    """

    name: str
    kind: dt.DataType
    filled: int = 0
    distinct: int = 0
    addresses: int = 0
    clock: str | None = None
    inside: str = ""

    @property
    def last(self) -> str:
        """Its own name, without what holds it."""
        return self.name.removeprefix(f"{self.inside}.") if self.inside else self.name

    @property
    def plain(self) -> str:
        """Its name as all are compared: `userId` and `User ID` are `user_id`."""
        return plain(self.last)

    @property
    def may_be_id(self) -> bool:
        """Whether its values can be ids: text or whole numbers, and no addresses."""
        whole = self.kind.is_string() or self.kind.is_integer() or self.kind.is_uuid()
        whole |= self.kind.is_decimal() or self.kind.is_floating()
        return whole and self.filled > 0 and not self.addresses


@dataclass(frozen=True)
class Table:
    """A table of the warehouse: its name, its columns, and how many rows it has, if counted."""

    name: str
    columns: tuple[Column, ...]
    rows: int | None = None

    @property
    def last(self) -> str:
        """Its name without its schema, as all are compared."""
        return plain(self.name.rpartition(".")[2])

    @property
    def names(self) -> frozenset[str]:
        """The names of its columns, as all are compared."""
        return frozenset(column.plain for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def plain(name: str) -> str:
    """A name in small letters, words parted by `_`."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"\W+", "_", parted.lower()).strip("_")


def tables_there(warehouse: Warehouse, known: Collection[str]) -> tuple[list[Table], list[str]]:
    """The tables with the types of their columns, and which cannot be read, and why.

    Of a wide table, the columns that have `known` names or hold properties come first.
    """
    found, left_out = [], list(warehouse.left_out)
    for name, rows in warehouse.tables():
        if isinstance(rows, Mistake):
            left_out.append(f"{name} ({rows.wrong})")
        elif "*" in name:
            left_out.append(f"{name} (in a map, a `*` stands for several tables)")
        else:
            kinds = list(rows.schema().items())
            if len(kinds) > WIDEST:
                kinds = sorted(kinds, key=lambda kind: not _is_told(plain(kind[0]), known))[:WIDEST]
            found.append(Table(name, tuple(Column(column, kind) for column, kind in kinds)))
    return found, left_out


def _is_told(name: str, known: Collection[str]) -> bool:
    return name in known or bool(re.search(HOLDS, name))


def counted(table: Table, warehouse: Warehouse) -> Table | None:
    """The table with what is counted of its columns; None if it cannot be read."""
    rows = warehouse.table(table.name)
    table = replace(table, columns=(*table.columns, *_within(table, warehouse)))
    values = [value_of(column, table, warehouse) for column in table.columns]
    wanted: dict[str, ir.Value] = {"rows": rows.count()}
    for place, column in enumerate(table.columns):
        if is_plain(column.kind):
            counts = _counts(values[place])
            wanted |= {f"{what}_{place}": value for what, value in counts.items()}
    found = asked(rows.aggregate(**wanted), warehouse)
    if found is None:
        return None
    row = found[0]
    timely = {
        f"form{number}_{place}": count_if(values[place].strip().re_search(form))
        for place in range(len(values))
        if row.get(f"timely_{place}") and row[f"timely_{place}"] == row[f"filled_{place}"]
        for number, form in enumerate(FORMS.values())
    }
    if timely:  # few texts are times: only these are looked at again
        row |= (asked(rows.aggregate(**timely), warehouse) or [{}])[0]
    columns = (_counted(column, place, row) for place, column in enumerate(table.columns))
    return Table(table.name, tuple(columns), row["rows"])


def value_of(column: Column, table: Table, warehouse: Warehouse) -> ir.Value:
    """The column's values, of the rows of its table."""
    rows = warehouse.table(table.name)
    return value_at(rows, column.name, of=table.name, to=column.last, engine=warehouse.engine)


def _within(table: Table, warehouse: Warehouse) -> Iterator[Column]:
    """What stands in the columns that hold properties, by a scan of each that is no struct."""
    rows, own = warehouse.table(table.name), {column.name for column in table.columns}
    for column in (column for column in table.columns if re.search(HOLDS, column.plain)):
        if column.kind.is_struct():
            names = [*column.kind.names]
        else:
            named = names_within(rows[column.name], engine=warehouse.engine)
            names = _frequent(rows.select(name=named), warehouse) if named is not None else []
        for name in names:
            if name.isidentifier() and not name.startswith(OF_VENDORS) and name not in own:
                one = replace(column, name=f"{column.name}.{name}", inside=column.name)
                yield replace(one, kind=value_of(one, table, warehouse).type())


def _frequent(names: ir.Table, warehouse: Warehouse) -> list[str]:
    counts = names.group_by("name").aggregate(n=ibis._.count())
    most = counts.order_by(ibis.desc("n"), "name").limit(MOST_INSIDE)
    return [row["name"] for row in asked(most, warehouse) or []]


def rows_of(tables: Iterable[Table], warehouse: Warehouse) -> dict[str, int]:
    """Table → how many rows it has; one that cannot be read has none."""
    found = {}
    for table in tables:
        row = asked(warehouse.table(table.name).aggregate(rows=ibis._.count()), warehouse)
        found[table.name] = row[0]["rows"] if row else 0
    return found


def asked(table: ir.Table, warehouse: Warehouse) -> list[Row] | None:
    """The rows of a table of counts; None if the engine cannot count."""
    try:
        return warehouse.connection.to_pyarrow(table).to_pylist()
    except Exception:  # a view whose table is gone, a file that is broken half-way
        return None


def needed(table: ir.Table, warehouse: Warehouse) -> list[Row]:
    """The rows of a table of counts, of a log that was read before."""
    try:
        return warehouse.connection.to_pyarrow(table).to_pylist()
    except Exception as error:
        raise Mistake(
            "The log cannot be counted.",
            f"The engine says: {first_line(error)}",
            "copy params/airtouch, and map your tables in its product.yaml by hand.",
        ) from None


def is_plain(kind: dt.DataType) -> bool:
    """Whether values of a type are single ones."""
    one = kind.is_string() or kind.is_numeric() or kind.is_boolean() or kind.is_uuid()
    return one or kind.is_timestamp() or kind.is_date()


def _counts(value: ir.Value) -> dict[str, ir.Value]:
    kind = value.type()
    if kind.is_string():
        value = value.nullif("")
    found = {"filled": value.count(), "distinct": value.nunique()}
    if kind.is_string():
        found["addresses"] = count_if(value.contains("@"))
        found["timely"] = count_if(value.re_search(TIMELY))
    elif kind.is_numeric():
        found |= {"least": value.min().cast("float64"), "most": value.max().cast("float64")}
    return found


def _counted(column: Column, place: int, row: Mapping[str, Any]) -> Column:
    if not is_plain(column.kind):
        return column
    filled, addresses = row[f"filled_{place}"], row.get(f"addresses_{place}", 0)
    clock = _clock(column.kind, place, row) if filled else None
    distinct = row[f"distinct_{place}"]
    return replace(column, filled=filled, distinct=distinct, addresses=addresses or 0, clock=clock)


def _clock(kind: dt.DataType, place: int, row: Mapping[str, Any]) -> str | None:
    """How a column says when, if all that it says are times."""
    if kind.is_timestamp() or kind.is_date():
        return ""
    if kind.is_string():
        counts = [row.get(f"form{number}_{place}", -1) for number in range(len(FORMS))]
        fitting = [f for f, n in zip(FORMS, counts, strict=True) if n == row[f"filled_{place}"]]
        if {"%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"} <= {*fitting}:
            return None  # day or month first: nobody can tell
        return next(iter(fitting), None)
    if kind.is_numeric():
        least, most = row[f"least_{place}"], row[f"most_{place}"]
        for name, size in EPOCHS.items():
            if YEAR_2000 * size <= least and most <= YEAR_2040 * size:
                return name
    return None
