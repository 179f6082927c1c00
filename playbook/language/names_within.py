"""Which names stand within values of maps, JSON and arrays of pairs, the same on every engine."""

from __future__ import annotations

import functools
from collections.abc import Callable

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.language.nested import PAIR, is_pairs

_JSONB = dt.JSON(binary=True)


def names_within(value: ir.Value, *, engine: str) -> ir.StringValue | None:
    """The names that stand in a map, in pairs or in JSON, a row each; None if they are not told."""
    kind = value.type()
    if is_pairs(kind):
        return value.map(lambda pair: pair[PAIR[0]]).unnest()
    if kind.is_map():
        return value.keys().unnest()
    if not (kind.is_json() or kind.is_string()):
        return None
    match engine:
        case "duckdb":
            given = value.nullif("") if kind.is_string() else value
            return _builtin_of_one("json_keys", kind, dt.Array(dt.string))(given).unnest()
        case "postgres":  # which gives a row each by itself
            return _builtin_of_one("jsonb_object_keys", _JSONB, dt.string)(value.cast(_JSONB))
    return None


@functools.cache
def _builtin_of_one(name: str, given: dt.DataType, gives: dt.DataType) -> Callable[..., ir.Value]:
    """An engine's own function of a value."""

    def one(value): ...

    one.__annotations__ = {"value": given, "return": gives}
    return ibis.udf.scalar.builtin(one, name=name)
