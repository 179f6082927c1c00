"""Tables written as text, and results as sorted rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa


def table(text: str, **types: str) -> ir.Table:
    """A table drawn as text: a header, then rows, cells parted by `|`.

    Columns called `at` or `*_at` are UTC times, `is_*` booleans, others text; `types` names
    other types ("int64"). An empty cell is null.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    names, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = {
        name: pa.array([_value(cell, _kind(name, types)) for cell in cells], _arrow(name, types))
        for name, cells in zip(names, columns, strict=True)
    }
    drawn = ibis.memtable(pa.table(arrays))
    return drawn.mutate(
        **{name: drawn[name].cast("timestamp(6)") for name in names if _kind(name, types) == "at"}
    )


def rows(found: ir.Table, connection: Any = None) -> list[dict[str, Any]]:
    """The rows of an expression, sorted by all columns."""
    fetched = connection.to_pyarrow(found) if connection else found.to_pyarrow()
    return sorted(fetched.to_pylist(), key=lambda row: [str(value) for value in row.values()])


def at(text: str) -> datetime:
    """A UTC time, as canonical tables hold it."""
    return datetime.fromisoformat(text)


def _kind(name: str, types: dict[str, str]) -> str:
    if name in types:
        return types[name]
    if name == "at" or name.endswith("_at"):
        return "at"
    return "boolean" if name.startswith("is_") else "string"


def _arrow(name: str, types: dict[str, str]) -> pa.DataType:
    kinds = {"at": pa.timestamp("us"), "boolean": pa.bool_(), "string": pa.string()}
    kind = _kind(name, types)
    return kinds.get(kind) or pa.type_for_alias(kind)


def _value(cell: str, kind: str) -> Any:
    if cell == "":
        return None
    match kind:
        case "at":
            return datetime.fromisoformat(cell)
        case "boolean":
            return cell == "true"
        case "string":
            return cell
        case "int64":
            return int(cell)
    return float(cell)
