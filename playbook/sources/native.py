"""A product's own tables, mapped by column names in product.yaml."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from playbook.declare import TableMap
from playbook.mistakes import Mistake, listed, nearest
from playbook.tables import COLUMNS
from playbook.warehouse import Warehouse


def read(maps: Sequence[TableMap], name: str, warehouse: Warehouse) -> ir.Table:
    """The rows of one canonical table: the maps' rows, united, under canonical names.

    The event ids of the second and later maps are prefixed with their table: ids of several
    tables must not collide.
    """
    parts = [_part(each, name, warehouse, prefix=bool(i)) for i, each in enumerate(maps)]
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    types = {column: part[column].type() for part in reversed(parts) for column in part.columns}
    aligned = [
        part.select(**{c: part[c] if c in part.columns else ibis.null(types[c]) for c in columns})
        for part in parts
    ]
    return aligned[0] if len(aligned) == 1 else ibis.union(*aligned, distinct=False)


def _part(each: TableMap, name: str, warehouse: Warehouse, *, prefix: bool) -> ir.Table:
    table = warehouse.table(each.table)
    for column in (*_sources(each), *each.only, *each.leave_out):
        if column not in table.columns:
            raise Mistake(
                f"Table `{each.table}` has no column `{column}`, which `{name}` is mapped to.",
                f"It has: {listed(table.columns)}.",
                nearest(column, table.columns),
            )
    for column, values in each.only.items():
        table = table.filter(table[column].isin(values))
    for column, values in each.leave_out.items():
        table = table.filter(~table[column].isin(values) | table[column].isnull())
    wanted = {
        canonical: _value(table, each, canonical, source, name, prefix=prefix)
        for canonical, source in each.columns.items()
    }
    constants = {canonical: ibis.literal(value) for canonical, value in each.constants.items()}
    return table.select(**wanted, **constants)


def _sources(each: TableMap) -> list[str]:
    return [
        column
        for source in each.columns.values()
        for column in ([source] if isinstance(source, str) else source)
    ]


def _value(
    table: ir.Table,
    each: TableMap,
    canonical: str,
    source: str | Sequence[str],
    name: str,
    *,
    prefix: bool,
) -> ir.Value:
    if isinstance(source, str):
        value = _cast(table, source, canonical, name, each)
    else:
        value = ibis.literal(":").join([table[column].cast("string") for column in source])
    if canonical in each.values:
        renames = {str(old): new for old, new in each.values[canonical].items()}
        value = value.cast("string").substitute(renames)
    if prefix and canonical == "event_id":
        value = ibis.literal(f"{each.table}:") + value.cast("string")
    return value


def _cast(table: ir.Table, source: str, canonical: str, name: str, each: TableMap) -> ir.Value:
    """The product's column in the canonical type; an impossible cast names table and column."""
    value = table[source]
    spec = COLUMNS[name].get(canonical)
    if spec is None:
        return value
    kind, wanted = value.type(), ibis.dtype(spec.type)
    if wanted.is_timestamp():
        possible = kind.is_timestamp() or kind.is_date() or kind.is_string()
    elif wanted.is_boolean():
        possible = kind.is_boolean() or kind.is_string() or kind.is_integer()
    else:
        possible = not kind.is_nested() and (wanted.is_string() or not kind.is_temporal())
    if not possible:
        raise Mistake(
            f"Column `{source}` of table `{each.table}` cannot become `{name}.{canonical}`.",
            f"It is {kind}; `{canonical}` ({spec.means}) is {wanted}.",
            "map another column, or cast it in a view of the warehouse.",
        )
    if wanted.is_timestamp() and kind.is_timestamp() and kind.timezone:
        value = value.cast("timestamp('UTC')")
    return value.cast(wanted)
