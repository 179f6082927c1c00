"""A product's own tables, mapped by column names in product.yaml."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.data.rules import MISFIT
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse, first_line
from playbook.declare import TableMap
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import count_if, when

Value = str | int | bool


# Texts that fit a planned type, so that every engine casts them: few can try a cast.
_YES, _NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_LEAP_YEAR = "([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)"
_MONTH_DAY = (
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_DAY = f"([12][0-9]{{3}}-{_MONTH_DAY}|{_LEAP_YEAR}-02-29)"
_ZONE = "(Z| ?UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_CLOCK = f"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{{1,9}})?{_ZONE}?)?"
_FITS = {
    dt.Int64: "^[+-]?[0-9]{1,18}([.]0*)?$",  # 12.0 is whole; a 19th digit may leave the 64 bits
    dt.Float64: "^[+-]?([0-9]{1,100}([.][0-9]{0,100})?|[.][0-9]{1,100})([eE][+-]?[0-9]{1,2})?$",
    dt.Timestamp: f"^{_DAY}([T ]{_CLOCK})?$",
}


def read(
    maps: Sequence[TableMap],
    name: str,
    warehouse: Warehouse,
    types: Mapping[str, str],
    *,
    properties: Collection[str] = (),
) -> ir.Table:
    """The rows of one canonical table: the maps' rows, united, under canonical names.

    The event ids of the second and later maps are prefixed with their table (and its place, if
    the table is mapped again): ids of several tables must not collide.

    Args:
        maps: The maps, in their order.
        name: The canonical table.
        warehouse: Where the product's tables are.
        types: Each column that the maps name, and its type.
        properties: The columns that are planned properties of events. A value that is none of
            the planned type is null, and true in the column that `misfits` names.
    """
    parts = [
        _part(each, name, warehouse, types, properties, prefix=_prefix(maps, place))
        for place, each in enumerate(maps)
    ]
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    absent = {c: ibis.null(types[c]) if c in types else ibis.literal(False) for c in columns}
    aligned = [
        part.select(**{c: part[c] if c in part.columns else absent[c] for c in columns})
        for part in parts
    ]
    return aligned[0] if len(aligned) == 1 else ibis.union(*aligned, distinct=False)


def misfits(
    maps: Sequence[TableMap],
    name: str,
    warehouse: Warehouse,
    types: Mapping[str, str],
    properties: Collection[str],
) -> dict[str, str]:
    """The columns beside the mapped ones that `read` returns: `<property>_misfit` → its type.

    There is one for each property that is planned as a number, a boolean or a time and arrives
    as text, or as a number with a fraction where it is planned whole. It is never null.
    """
    return {
        canonical + MISFIT: "boolean"
        for each in maps
        for table in [_rows(each, name, warehouse)]
        for canonical, _from, _value, fits in _values(each, table, name, types, properties)
        if fits is not None
    }


def unmapped(maps: Sequence[TableMap], warehouse: Warehouse) -> list[str]:
    """Each column of the mapped tables that no map names, as "table.column"."""
    named: dict[str, set[str]] = {}
    for each in maps:
        named.setdefault(each.table, set()).update(_sources(each), each.only, each.leave_out)
    return [
        f"{table}.{column}"
        for table, known in named.items()
        for column in warehouse.table(table).columns
        if column not in known
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
    for each in maps:
        table = _rows(each, name, warehouse)
        for canonical, source, value, _fit in _values(each, table, name, types, properties):
            tried = _as(value, canonical, types, strict=False)
            if said := unread(table, value, tried, warehouse):
                return _impossible(source, each, name, canonical, said)
    return None


def unread(table: ir.Table, value: ir.Value, tried: ir.Value, warehouse: Warehouse) -> str:
    """How many values of a table a cast that is `tried` cannot read, in words; "" if all can be."""
    failed = value.notnull() & tried.isnull()
    counted = table.aggregate(
        bad=count_if(failed), example=when(failed, value.cast("string")).max()
    )
    try:
        row = warehouse.connection.to_pyarrow(counted).to_pylist()[0]
    except Exception as error:
        # This engine cannot try a cast: it fails on the column, and says on what value.
        return f"The engine says: {first_line(error)}" if _readable(warehouse, value) else ""
    return f"{row['bad']:,} row(s) do not cast, such as `{row['example']}`." if row["bad"] else ""


def _prefix(maps: Sequence[TableMap], place: int) -> str:
    table = maps[place].table
    earlier = [each.table for each in maps[1:place]].count(table) if place else 0
    again = f".{earlier + 1}" if earlier else ""
    return f"{table}{again}:" if place else ""


def _part(
    each: TableMap,
    name: str,
    warehouse: Warehouse,
    types: Mapping[str, str],
    properties: Collection[str],
    *,
    prefix: str,
) -> ir.Table:
    table = _rows(each, name, warehouse)
    wanted = {}
    for canonical, source, value, fits in _values(each, table, name, types, properties):
        _check_cast(_raw(table, source), each, name, canonical, source, types)
        wanted[canonical] = _as(value, canonical, types)
        if fits is not None:
            wanted[canonical + MISFIT] = ~fits
        if prefix and name == "events" and canonical == "event_id":
            wanted[canonical] = ibis.literal(prefix) + wanted[canonical].nullif("")
    for canonical, value in each.constants.items():
        wanted[canonical] = _as(ibis.literal(_text(value)), canonical, types)
    return table.select(**wanted)


def _rows(each: TableMap, name: str, warehouse: Warehouse) -> ir.Table:
    """The rows of the product's table that the map takes."""
    table = warehouse.table(each.table)
    if not each.columns:
        raise Mistake(
            f"The map of table `{each.table}` to `{name}` names no columns.",
            f"The table has: {listed(table.columns)}.",
            f"write `columns:` with {listed(f'`{c}: …`' for c in _required(name))} at least.",
        )
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


def _required(name: str) -> list[str]:
    return [column for column, spec in COLUMNS[name].items() if spec.required]


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


def _values(
    each: TableMap,
    table: ir.Table,
    name: str,
    types: Mapping[str, str],
    properties: Collection[str],
) -> Iterator[tuple[str, str | Sequence[str], ir.Value, ir.BooleanValue | None]]:
    """Per mapped column: its canonical name, its source, its value, and whether that fits.

    The last is None where a value must fit: all but planned properties.
    """
    for canonical, source in each.columns.items():
        value = _renamed(_raw(table, source), each, canonical)
        planned = name == "events" and canonical in properties and canonical not in COLUMNS[name]
        judged = _judged(value, ibis.dtype(types[canonical])) if planned else (value, None)
        yield canonical, source, *judged


def _judged(value: ir.Value, wanted: dt.DataType) -> tuple[ir.Value, ir.BooleanValue | None]:
    """A value that is null where it is none of its type, and whether it fits; null and "" do."""
    kind = value.type()
    if kind.is_string() and wanted.is_boolean():
        word = value.strip().lower()
        known = word.isin([*_YES, *_NO])
        return when(known, word.isin(_YES)), _or_empty(known, value)
    if kind.is_string() and type(wanted) in _FITS:
        text = value.strip()
        fits = text.re_search(_FITS[type(wanted)])
        whole = text.re_replace("[.]0*$", "") if wanted.is_integer() else text
        return when(fits, whole), _or_empty(fits, value)
    if (kind.is_floating() or kind.is_decimal()) and wanted.is_integer():
        # Guarded twice: a number beyond 64 bits, or none, must not reach the cast in `floor`.
        small = when(value.abs() < 9e18, value)
        fits = (small == small.floor()).fill_null(False)
        return when(fits, small.floor()), fits | value.isnull()
    return value, None


def _or_empty(fits: ir.BooleanValue, text: ir.StringValue) -> ir.BooleanValue:
    return fits.fill_null(False) | text.isnull() | (text == "")


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
    if kind.is_string() and not wanted.is_string():
        value = value.nullif("")  # of a text, `conform` sees to it
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
