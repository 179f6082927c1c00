"""Values inside values: of structs, maps, JSON and arrays of pairs, the same on every engine."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

PAIR = ("key", "value")  # the fields of the structs of an array that stands for a mapping
_STEP = re.compile(r'"((?:[^"]|"")*)"(?:\.|$)|([^.]*)(?:\.|$)')
_JSONB = dt.JSON(binary=True)


def steps(path: str) -> list[tuple[str, str]]:
    """A path's steps: what is left of it as it is written, and the step's own name.

    A name with a dot stands in double quotes, and a quote within them twice.
    """
    found, place = [], 0
    while place < len(path):
        match = _STEP.match(path, place)
        quoted, plain = match.groups()
        found.append((path[place:], plain if quoted is None else quoted.replace('""', '"')))
        place = match.end()
    return found


def inside(value: ir.Value, names: Sequence[str], *, engine: str) -> ir.Value | None:
    """What stands in a value under one name after another; None if its type holds no such thing.

    Of JSON, and of a text that holds JSON, it is a text: null where nothing stands there, or
    JSON's own null; engines write the zeros at a number's end in their own way.
    """
    for place, name in enumerate(names):
        kind = value.type()
        if kind.is_json() or kind.is_string():
            return json_text(value, names[place:], engine=engine)
        if kind.is_struct() and name in kind.names:
            value = value[name]
        elif kind.is_map() and kind.key_type.is_string():
            value = value.get(name)
        elif is_pairs(kind):
            value = _of_pairs(value, name)
        else:
            return None
    return value


def is_pairs(kind: dt.DataType) -> bool:
    """Whether values of a type are arrays of structs of a `key` and a `value`."""
    return kind.is_array() and kind.value_type.is_struct() and {*PAIR} <= {*kind.value_type.names}


def json_text(value: ir.Value, names: Sequence[str], *, engine: str) -> ir.StringValue:
    """What JSON holds under one name after another, as text; a name may have any character."""
    if value.type().is_string():
        value = value.nullif("")
    match engine:
        case "duckdb":
            # A pointer: in a path of its own kind, dots and quotes of a name mean something else.
            return _builtin("json_extract_string", dt.string, dt.string)(value, _pointer(names))
        case "postgres":
            value = value.cast(_JSONB)
            for name in names[:-1]:
                value = _builtin("jsonb_extract_path", _JSONB, _JSONB)(value, name)
            return _builtin("jsonb_extract_path_text", _JSONB, dt.string)(value, names[-1])
        case _:
            for name in names:
                value = value.cast("json")[name]
            return value.str


def _of_pairs(value: ir.ArrayValue, name: str) -> ir.Value:
    """The value of the first pair of that key; of one with a field per type, the one not null."""
    found = value.filter(lambda pair: pair[PAIR[0]] == name)[0][PAIR[1]]
    kind = found.type()
    if kind.is_struct() and all(field.endswith("_value") for field in kind.names):
        return ibis.coalesce(*(found[field].cast("string") for field in kind.names))
    return found


def _pointer(names: Sequence[str]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


@functools.cache
def _builtin(name: str, given: dt.DataType, gives: dt.DataType) -> Callable[..., ir.Value]:
    """An engine's own function of a value and a text."""

    def one(value, key): ...

    one.__annotations__ = {"key": dt.string, "return": gives}
    if given.is_json():
        one.__annotations__["value"] = given
    return ibis.udf.scalar.builtin(one, name=name)
