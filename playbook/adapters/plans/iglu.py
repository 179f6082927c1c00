"""Iglu's self-describing JSON Schemas: one event each, the newest version of each.

`self: {vendor, name, format, version}` says what a schema describes, in a file such as
schemas/com.acme/button_click/jsonschema/1-0-0; versions are MODEL-REVISION-ADDITION
(https://docs.snowplow.io/docs/api-reference/iglu/common-architecture/self-describing-json-schemas/,
https://docs.snowplow.io/docs/api-reference/iglu/common-architecture/schemaver/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook.adapters.plans import schema
from playbook.adapters.plans.entries import Lost, Plan, entry
from playbook.adapters.plans.segment_json import named


def fits(data: object) -> bool:
    """Whether the JSON is a self-describing schema, or a list of such."""
    return bool(_schemas(data))


def read(data: object) -> Plan:
    """The event that the schema describes."""
    entries, lost = [], []
    for given in _schemas(data):
        name = given["self"].get("name")
        if not named(name):
            lost.append(Lost("event without a name", "a schema that has no name"))
            continue
        found, rules = schema.properties(given)
        version = _version(given["self"].get("version"))
        entries.append(entry(name, given.get("description"), found, lost=rules, version=version))
    return Plan(tuple(entries), tuple(lost))


def _schemas(data: object) -> list[dict[str, Any]]:
    given = data if isinstance(data, list) else [data]
    return [one for one in given if isinstance(one, Mapping) and isinstance(one.get("self"), dict)]


def _version(text: object) -> tuple[int, ...]:
    parts = text.split("-") if isinstance(text, str) else []
    return (
        tuple(map(int, parts))
        if parts and all(p.isdecimal() and len(p) < 10 for p in parts)
        else ()
    )
