"""Iglu's self-describing JSON Schemas: one event each, the newest version of each.

`self: {vendor, name, format, version}` says what a schema describes, in a file such as
schemas/com.acme/button_click/jsonschema/1-0-0; versions are MODEL-REVISION-ADDITION
(https://docs.snowplow.io/docs/api-reference/iglu/common-architecture/self-describing-json-schemas/,
https://docs.snowplow.io/docs/api-reference/iglu/common-architecture/schemaver/).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost
from playbook.adapters.plans.files import is_name, mappings
from playbook.adapters.plans.schema import entry_of


def is_from_iglu(data: object) -> bool:
    """Whether the JSON is a self-describing schema, or a list of such."""
    return bool(_self_describing(data))


def iglu_events(data: object) -> Iterator[Entry | Lost]:
    """The event that the schema describes."""
    for schema in _self_describing(data):
        own = schema["self"]
        if is_name(name := own.get("name")):
            version = _numbers_of(own.get("version"))
            yield entry_of(name, schema.get("description"), schema, version=version)
        else:
            yield Lost("event without a name", "a schema that has no name")


def _self_describing(data: object) -> list[dict[str, Any]]:
    given = mappings(data if isinstance(data, list) else [data])
    return [schema for schema in given if isinstance(schema.get("self"), dict)]


def _numbers_of(version: object) -> tuple[int, ...]:
    parts = version.split("-") if isinstance(version, str) else []
    fits = all(part.isdecimal() and len(part) < 10 for part in parts)
    return tuple(map(int, parts)) if fits else ()
