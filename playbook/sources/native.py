"""A product's own tables, mapped by column names in product.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from playbook.declare import TableMap
from playbook.mistakes import Mistake, listed, nearest
from playbook.portable import count_if
from playbook.warehouse import Warehouse, first_line

Value = str | int | bool


def read(
    maps: Sequence[TableMap], name: str, warehouse: Warehouse, types: Mapping[str, str]
) -> ir.Table:
    """The rows of one canonical table: the maps' rows, united, under canonical names.

    The event ids of the second and later maps are prefixed with their table (and its place, if
    the table is mapped again): ids of several tables must not collide.

    Args:
        maps: The maps, in their order.
        name: The canonical table.
        warehouse: Where the product's tables are.
        types: Each column that the maps name, and its type.
    """
    parts = [
        _part(each, name, warehouse, types, prefix=_prefix(maps, place))
        for place, each in enumerate(maps)
    ]
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    aligned = [
        part.select(**{c: part[c] if c in part.columns else ibis.null(types[c]) for c in columns})
        for part in parts
    ]
    return aligned[0] if len(aligned) == 1 else ibis.union(*aligned, distinct=False)


def uncast(
    maps: Sequence[TableMap], name: str, warehouse: Warehouse, types: Mapping[str, str]
) -> Mistake | None:
    """The first column whose values the engine cannot cast, as a mistake; asked after a failure."""
    for each in maps:
        table = _rows(each, name, warehouse)
        for canonical, source in each.columns.items():
            value = _renamed(_raw(table, source), each, canonical)
            counted = table.aggregate(
                bad=count_if(value.notnull() & _as(value, canonical, types, strict=False).isnull()),
                example=ibis.ifelse(
                    _as(value, canonical, types, strict=False).isnull(), value.cast("string"), None
                ).max(),
            )
            said = ""
            try:
                row = warehouse.connection.to_pyarrow(counted).to_pylist()[0]
                if row["bad"]:
                    said = f"{row['bad']:,} row(s) do not cast, such as `{row['example']}`."
            except Exception as error:
                # This engine cannot try a cast: it fails on the column, and says on what value.
                said = (
                    f"The engine says: {first_line(error)}" if _readable(warehouse, value) else ""
                )
            if said:
                return _impossible(source, each, name, canonical, said)
    return None


def _prefix(maps: Sequence[TableMap], place: int) -> str:
    table = maps[place].table
    earlier = [each.table for each in maps[1:place]].count(table) if place else 0
    again = f".{earlier + 1}" if earlier else ""
    return f"{table}{again}:" if place else ""


def _part(
    each: TableMap, name: str, warehouse: Warehouse, types: Mapping[str, str], *, prefix: str
) -> ir.Table:
    table = _rows(each, name, warehouse)
    wanted = {}
    for canonical, source in each.columns.items():
        raw = _raw(table, source)
        _check_cast(raw, each, name, canonical, source, types)
        wanted[canonical] = _as(_renamed(raw, each, canonical), canonical, types)
        if prefix and name == "events" and canonical == "event_id":
            wanted[canonical] = ibis.literal(prefix) + wanted[canonical]
    for canonical, value in each.constants.items():
        wanted[canonical] = _as(ibis.literal(_text(value)), canonical, types)
    return table.select(**wanted)


def _rows(each: TableMap, name: str, warehouse: Warehouse) -> ir.Table:
    """The rows of the product's table that the map takes."""
    table = warehouse.table(each.table)
    for column in (*_sources(each), *each.only, *each.leave_out):
        if column not in table.columns:
            raise Mistake(
                f"Table `{each.table}` has no column `{column}`, which `{name}` is mapped to.",
                f"It has: {listed(table.columns)}.",
                nearest(column, table.columns),
            )
    for column, values in each.only.items():
        table = table.filter(_among(table[column], values))
    for column, values in each.leave_out.items():
        table = table.filter(~_among(table[column], values) | table[column].isnull())
    return table


def _sources(each: TableMap) -> list[str]:
    return [
        column
        for source in each.columns.values()
        for column in ([source] if isinstance(source, str) else source)
    ]


def _among(column: ir.Value, values: Sequence[Value]) -> ir.BooleanValue:
    """Whether a column has one of the values; numbers meet numbers, all else meets as text."""
    if column.type().is_numeric() and all(type(value) is int for value in values):
        return column.isin(values)
    return column.cast("string").isin([_text(value) for value in values])


def _raw(table: ir.Table, source: str | Sequence[str]) -> ir.Value:
    """The product's column, or the text of several joined by ":"; null where all are."""
    if isinstance(source, str):
        return table[source]
    texts = [table[column].cast("string").fill_null("") for column in source]
    return ibis.literal(":").join(texts).nullif(":" * (len(texts) - 1))


def _renamed(raw: ir.Value, each: TableMap, canonical: str) -> ir.Value:
    if canonical not in each.values:
        return raw
    renames = {_text(old): new for old, new in each.values[canonical].items()}
    return raw.cast("string").substitute(renames)


def _text(value: Value) -> str:
    """A YAML value as engines write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_cast(
    raw: ir.Value,
    each: TableMap,
    name: str,
    canonical: str,
    source: str | Sequence[str],
    types: Mapping[str, str],
) -> None:
    kind, wanted = raw.type(), ibis.dtype(types[canonical])
    if wanted.is_timestamp():
        possible = kind.is_timestamp() or kind.is_date() or kind.is_string()
    elif wanted.is_boolean():
        possible = kind.is_boolean() or kind.is_string() or kind.is_integer()
    else:
        possible = not (kind.is_nested() or kind.is_binary()) and (
            wanted.is_string() or not kind.is_temporal()
        )
    if not possible:
        raise _impossible(source, each, name, canonical, f"It is {kind}, and must be {wanted}.")


def _impossible(
    source: str | Sequence[str], each: TableMap, name: str, canonical: str, said: str
) -> Mistake:
    column = source if isinstance(source, str) else ", ".join(source)
    return Mistake(
        f"Column `{column}` of table `{each.table}` cannot become `{name}.{canonical}`.",
        said,
        "map another column, leave the rows out, or cast it in a view of the warehouse.",
    )


def _as(
    value: ir.Value, canonical: str, types: Mapping[str, str], *, strict: bool = True
) -> ir.Value:
    """A value in its canonical type; where not `strict`, null instead of a failure."""
    kind, wanted = value.type(), ibis.dtype(types[canonical])
    if kind.is_string():
        value = value.nullif("")
    steps = [wanted]
    if wanted.is_timestamp() and (kind.is_string() or (kind.is_timestamp() and kind.timezone)):
        # A text may name its zone: a direct cast would drop it without a word.
        steps = [ibis.dtype("timestamp('UTC')"), wanted]
    if kind.is_floating() and wanted.is_string() and canonical.endswith("_id"):
        # Whole numbers that lost their type to a null; engines write 12.0 differently.
        steps = [ibis.dtype("int64"), wanted]
    for step in steps:
        value = value.cast(step) if strict else value.try_cast(step)
    return value


def _readable(warehouse: Warehouse, value: ir.Value) -> bool:
    """Whether the engine reads the column as it is: else the column is not to blame."""
    try:
        warehouse.connection.to_pyarrow(value.count())
    except Exception:
        return False
    return True
