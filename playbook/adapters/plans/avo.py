"""Avo's export of a tracking plan as JSON Schema.

`events` of {id, name, description, tags, categories, triggers, sources, rules}, where `rules` is
the JSON Schema of the message (https://www.avo.app/docs/reference/public-api/export-tracking-plan;
the payload of its webhook wraps the same: https://www.avo.app/docs/publishing/exporting).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost
from playbook.adapters.plans.files import is_name, mapping, mappings
from playbook.adapters.plans.schema import NAMELESS
from playbook.adapters.plans.segment_json import inside_wrappers, of_message
from playbook.language.mistakes import listed

WRAPPERS = ("data", "schema", "trackingPlan", "payload")
BESIDE = {"tags": "tag", "triggers": "trigger", "categories": "category"}


def is_from_avo(data: object) -> bool:
    """Whether the JSON is such an export."""
    return any("rules" in event for event in _events_of_export(data))


def avo_events(data: object) -> Iterator[Entry | Lost]:
    """The events of the export."""
    for event in _events_of_export(data):
        if not is_name(event.get("name")):
            yield NAMELESS
            continue
        given = of_message(event["name"], event.get("description"), event.get("rules"))
        owner = event.get("owner")
        owner = owner.get("name") or owner.get("email") if isinstance(owner, dict) else owner
        owner = owner if isinstance(owner, str) else ""
        point = given.point.model_copy(update={"owner": owner})
        yield replace(given, point=point, lost=(*given.lost, *_beside(event)))


def _events_of_export(data: object) -> list[dict[str, Any]]:
    return mappings(mapping(inside_wrappers(data, WRAPPERS, until="events")).get("events"))


def _beside(event: Mapping[str, Any]) -> Iterator[Lost]:
    """What an event carries beside its schema, and our plan has no field for."""
    for field, kind in BESIDE.items():
        for value in event[field] if isinstance(event.get(field), list) else ():
            yield Lost(kind, f"{kind} {_called(value)}")
    sources = event.get("sources")
    if isinstance(sources, list) and sources:
        yield Lost("sources and destinations", f"sent by {listed(map(_called, sources))}")


def _called(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return str(value.get("name") or value.get("description") or value.get("id") or "?")
