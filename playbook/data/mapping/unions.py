"""Rows of many tables in one: by the names of their columns, and one filling another's gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.language.portable import united


def in_one(parts: Sequence[ir.Table]) -> ir.Table:
    """The rows of all parts, one under another; what a part lacks is null.

    Tables of equal columns are united at once, the others two by two: if each had the columns of
    all, the statement would grow with the square of their number.
    """
    alike: dict[tuple, list[ir.Table]] = {}
    for part in parts:
        alike.setdefault(tuple(sorted(part.schema().items())), []).append(part)
    kinds = {name: kind for part in parts for name, kind in part.schema().items()}
    level = [united(_ordered(some)) for some in alike.values()]
    while len(level) > 1:
        pairs = [level[place : place + 2] for place in range(0, len(level), 2)]
        level = [united(_aligned(pair, kinds)) for pair in pairs]
    return level[0]


def filled(rows: ir.Table, more: ir.Table, *, key: str) -> ir.Table:
    """Rows with what others say of the same key where they say nothing, and the other keys.

    Args:
        rows: Any number of rows per key.
        more: Rows of which each key's least counts.
        key: Their column in common.
    """
    own = ibis.window(group_by=key, order_by=[more[c].cast("string") for c in more.columns])
    placed = more.filter(more[key].notnull()).mutate(place_=ibis.row_number().over(own))
    once = placed.filter(placed.place_ == 0).drop("place_")
    named = once.select(**{f"{column}_2": once[column] for column in once.columns})
    joined = rows.left_join(named, rows[key] == named[f"{key}_2"])
    columns = dict.fromkeys((*rows.columns, *more.columns))
    known = joined.select(**{c: _first_known(joined, c, rows, more) for c in columns})
    keys = rows.select(key_=key).distinct()
    others = once.left_join(keys, once[key] == keys.key_)
    kinds = dict(known.schema())
    return united(_aligned([known, others.filter(others.key_.isnull()).drop("key_")], kinds))


def _first_known(joined: ir.Table, column: str, rows: ir.Table, more: ir.Table) -> ir.Value:
    if column not in more.columns:
        return joined[column]
    other = joined[f"{column}_2"]
    if column not in rows.columns:
        return other
    own = joined[column]
    return (own.nullif("") if own.type().is_string() else own).coalesce(other)


def _ordered(parts: Sequence[ir.Table]) -> list[ir.Table]:
    """Parts of equal columns, in the order of the first."""
    columns = parts[0].columns
    return [part if part.columns == columns else part.select(*columns) for part in parts]


def _aligned(parts: Sequence[ir.Table], kinds: Mapping[str, dt.DataType]) -> list[ir.Table]:
    """Parts with the columns of them all."""
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    return [
        part.select(**{c: part[c] if c in part.columns else ibis.null(kinds[c]) for c in columns})
        for part in parts
    ]
