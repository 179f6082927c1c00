"""One planned event and its JSON Schema as an entry, with the rules that ours cannot hold.

The keywords are those of drafts 4 to 7, which Segment, RudderStack, Avo and Iglu use
(https://json-schema.org/understanding-json-schema).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost
from playbook.adapters.plans.files import mapping
from playbook.declare import DataPoint, Property
from playbook.language.mistakes import listed

TYPES = {"string": "string", "integer": "int64", "number": "float64", "boolean": "boolean"}
NESTED = {"object": "nested object", "array": "array"}
JSON_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
    list: "array",
}

# Rules that our plan has no field for: of any property, and of an event as a whole.
UNHELD = (
    *("minLength", "maxLength", "format", "multipleOf", "contentEncoding", "contentMediaType"),
    *("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "$ref"),
)
OF_EVENT = (
    *("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "$ref"),
    *("dependencies", "dependentRequired", "dependentSchemas", "patternProperties"),
    *("propertyNames", "minProperties", "maxProperties"),
)

# What Python's regular expressions can and those of the engines (RE2, POSIX) cannot.
_UNPORTABLE = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=)|(?<!\\)(?:\\\\)*\\[1-9]")

Read = tuple[Property, list[Lost]]
NAMELESS = Lost("event without a name", "an event that has no name")
NOTHING_ELSE = Lost("no other properties", "no other property may be there")
NO_NAME = Lost("property without a name", "a property that has no name")


def entry_of(
    name: str,
    says: object,
    schema: object,
    *,
    owner: str = "",
    version: tuple[int, ...] = (),
    lost: Iterable[Lost] = (),
) -> Entry:
    """An event of another tool's plan, from the JSON Schema of its properties.

    `lost` is what the tool says beside the schema, and our plan has no field for.
    """
    found, general = properties(schema)
    text = says.strip() if isinstance(says, str) else ""
    point = DataPoint(
        event=name,
        says=text or "No description came with it.",
        owner=owner,
        properties={name: spec for name, (spec, _lost) in found.items()},
    )
    own = [each for _spec, lost_of_it in found.values() for each in lost_of_it]
    return Entry(point, lost=(*general, *lost, *own), version=version)


def properties(schema: object) -> tuple[dict[str, Read], list[Lost]]:
    """The properties of an object's schema, each with what it lost; and what the object lost."""
    given, found = mapping(schema), {}
    lost = of_event(given)
    if given.get("additionalProperties") is False:
        lost.append(NOTHING_ELSE)
    inner, required = mapping(given.get("properties")), given.get("required")
    needed = [r for r in required if isinstance(r, str)] if isinstance(required, list) else []
    for name in dict.fromkeys([*inner, *needed]):
        if name:
            found[name] = _planned_property(name, inner.get(name, {}), required=name in needed)
        else:
            lost.append(NO_NAME)
    return found, lost


def of_event(schema: Mapping[str, Any]) -> list[Lost]:
    """The rules about an event as a whole, none of which ours can hold."""
    return [Lost(k, f"{k}: {_shortened(schema[k])}") for k in OF_EVENT if schema.get(k)]


def _planned_property(name: str, schema: object, *, required: bool) -> Read:
    """One property, and the rules of it that could not be kept."""
    if schema is False:
        return Property(), [Lost("forbidden property", "it must never be there", name)]
    given = mapping(schema)
    lost: list[tuple[str, str]] = []
    kinds = _json_types(given)
    type_ = _our_type(given, kinds, lost)
    values, empty = _text_values(given, type_, lost)
    empty = empty or "null" in kinds or given.get("nullable") is True
    if required and empty:
        lost.append(("key that may be null", "it must be there, though it may be null"))
    says = given.get("description")
    spec = {
        "type": type_,
        "says": says.strip() if isinstance(says, str) else "",
        "required": required and not empty,
        "values": values,
        "pattern": _pattern(given, type_, lost),
        **_limits(given, type_, lost),
    }
    unheld = [k for k in UNHELD if k in given and _says_something(k, given)]
    lost += [(k, f"{k}: {_shortened(given[k])}") for k in unheld]
    return Property(**spec), [Lost(kind, says, name) for kind, says in lost]


def _json_types(given: Mapping[str, Any]) -> list[str]:
    """The JSON types that a property may have, as far as its schema says."""
    said = given.get("type")
    kinds = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    kinds = [kind for kind in kinds if isinstance(kind, str) and kind != "any"]
    if not kinds:
        kinds = [k for k in NESTED if k == ("array" if "items" in given else "object")]
        kinds = kinds if {"items", "properties"} & set(given) else []
    if not kinds and (allowed := _allowed_values(given)):
        kinds = list(dict.fromkeys(JSON_TYPES.get(type(value), "object") for value in allowed))
    return list(dict.fromkeys(kinds))


def _our_type(given: Mapping[str, Any], kinds: list[str], lost: list[tuple[str, str]]) -> str:
    known = [kind for kind in kinds if kind != "null"]
    if set(known) == {"integer", "number"}:
        return "float64"
    for kind in known:
        if kind in NESTED:
            lost.append((NESTED[kind], _nested_parts(given, kind)))
        elif kind not in TYPES:
            lost.append(("unknown type", f"its type is {_shortened(kind)}: kept as string"))
    if len(known) > 1 and not set(known) & set(NESTED):
        lost.append(("several types", f"it may be {' or '.join(known)}: kept as string"))
    if known == ["string"] and given.get("format") == "date-time":
        return "timestamp"
    return TYPES.get(known[0], "string") if len(known) == 1 else "string"


def _nested_parts(given: Mapping[str, Any], kind: str) -> str:
    """What is inside of an object or an array, in words."""
    inside: Any = given
    if kind == "array":
        items = given.get("items")
        inside = items[0] if isinstance(items, list) and items else items
    inner = mapping(mapping(inside).get("properties"))
    parts = f" of {_cut_short(listed(inner))}" if inner else ""
    return f"it is {'an array' if kind == 'array' else 'an object'}{parts}: kept as string"


def _allowed_values(given: Mapping[str, Any]) -> list[object]:
    if isinstance(given.get("enum"), list):
        return given["enum"]
    return [given["const"]] if "const" in given else []


def _text_values(
    given: Mapping[str, Any], type_: str, lost: list[tuple[str, str]]
) -> tuple[tuple[str, ...], bool]:
    """The values that a property may have, as text; and whether nothing is one of them."""
    allowed = _allowed_values(given)
    some = [value for value in allowed if value is not None and value != ""]
    if not some:
        return (), bool(allowed)
    if type_ == "string" and not any(isinstance(value, dict | list) for value in some):
        return tuple(dict.fromkeys(map(_as_json_text, some))), len(some) < len(allowed)
    lost.append(("allowed values", f"only the values {_shortened(some)}"))
    return (), len(some) < len(allowed)


def _as_json_text(value: object) -> str:
    """A JSON value as it stands in a column of text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pattern(given: Mapping[str, Any], type_: str, lost: list[tuple[str, str]]) -> str:
    pattern = given.get("pattern")
    if pattern is None or pattern == "":
        return ""
    try:
        re.compile(pattern)
    except (re.error, TypeError, RecursionError, OverflowError):
        lost.append(("pattern", f"pattern: {_shortened(pattern)} (Python cannot read it)"))
        return ""
    why = f"of a {type_}" if type_ != "string" else ""
    if _UNPORTABLE.search(pattern):
        why = "engines cannot look around or back"
    if why:
        lost.append(("pattern", f"pattern: {_shortened(pattern)} ({why})"))
    return "" if why else pattern


def _limits(
    given: Mapping[str, Any], type_: str, lost: list[tuple[str, str]]
) -> dict[str, float | None]:
    """`least` and `most`; an excluded limit of whole numbers becomes the next one inside."""
    found: dict[str, float | None] = {}
    for field, keyword, step in (("least", "minimum", 1), ("most", "maximum", -1)):
        strict = "exclusive" + keyword.capitalize()
        bound, beyond = given.get(keyword), given.get(strict)
        if beyond is True:  # draft 4: a flag of the limit itself
            bound, beyond = None, bound
        bound, inside = _finite(bound), _finite(beyond)
        if inside is not None and type_ == "int64" and inside.is_integer() and abs(inside) < 2**53:
            bound = inside + step if bound is None else max((bound, inside + step), key=_by(step))
        elif beyond not in (None, False):
            lost.append((strict, f"{strict}: {_shortened(beyond)}"))
        if given.get(keyword) is not None and _finite(given[keyword]) is None:
            lost.append((keyword, f"{keyword}: {_shortened(given[keyword])} is no number"))
        if bound is not None and type_ not in {"int64", "float64"}:
            lost.append((keyword, f"{keyword}: {bound:g} (of a {type_})"))
            bound = None
        found[field] = bound
    return found


def _by(step: int):
    """The order in which the stricter of two lower (or upper) limits is the greater."""
    return lambda bound: bound * step


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _says_something(keyword: str, given: Mapping[str, Any]) -> bool:
    """Whether a rule without a field of ours says anything that is lost."""
    if keyword == "format":
        return given["format"] != "date-time" or "string" not in _json_types(given)
    return given[keyword] not in (None, {}, [], "")


def _shortened(value: object) -> str:
    return _cut_short(listed(value) if isinstance(value, list) else str(value))


def _cut_short(text: str, length: int = 120) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
