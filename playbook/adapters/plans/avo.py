"""Avo's export of a tracking plan as JSON Schema.

`events` of {id, name, description, tags, categories, triggers, sources, rules}, where `rules` is
the JSON Schema of the message (https://www.avo.app/docs/reference/public-api/export-tracking-plan;
the payload of its webhook wraps the same: https://www.avo.app/docs/publishing/exporting).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost, Plan
from playbook.adapters.plans.segment_json import named, of_message
from playbook.language.mistakes import listed

WRAPPERS = ("data", "schema", "trackingPlan", "payload")


def fits(data: object) -> bool:
    """Whether the JSON is such an export."""
    return any("rules" in event for event in _events(data))


def read(data: object) -> Plan:
    """The events of the export."""
    entries, lost = [], []
    for event in _events(data):
        if named(event.get("name")):
            entries.append(_entry(event))
        else:
            lost.append(Lost("event without a name", "an event that has no name"))
    return Plan(tuple(entries), tuple(lost))


def _events(data: object) -> list[dict[str, Any]]:
    for wrapper in WRAPPERS:
        if isinstance(data, dict) and "events" not in data and isinstance(data.get(wrapper), dict):
            data = data[wrapper]
    events = data.get("events") if isinstance(data, dict) else None
    return [e for e in events if isinstance(e, dict)] if isinstance(events, list) else []


def _entry(event: Mapping[str, Any]) -> Entry:
    rules = event.get("rules")
    given = of_message(
        event["name"], event.get("description"), rules if isinstance(rules, dict) else {}
    )
    owner = event.get("owner")
    owner = owner.get("name") or owner.get("email") if isinstance(owner, dict) else owner
    point = given.point.model_copy(update={"owner": owner if isinstance(owner, str) else ""})
    return replace(given, point=point, lost=(*given.lost, *_beside(event)))


def _beside(event: Mapping[str, Any]) -> Iterator[Lost]:
    """What an event carries beside its schema, and our plan has no field for."""
    for field, kind in (("tags", "tag"), ("triggers", "trigger"), ("categories", "category")):
        for value in event[field] if isinstance(event.get(field), list) else ():
            yield Lost(kind, f"{kind} {_name(value)}")
    sources = event.get("sources")
    if isinstance(sources, list) and sources:
        yield Lost("sources and destinations", f"sent by {listed(map(_name, sources))}")


def _name(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return str(value.get("name") or value.get("description") or value.get("id") or "?")
