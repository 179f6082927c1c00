"""RudderStack's tracking plan as JSON, as its Data Catalog API gives it.

Events with `rules` (a JSON Schema of the message; `format=schema`) or with `properties` (a list of
{name, type: "number, string", required, propConfig}; `format=properties`)
(https://www.rudderstack.com/docs/api/data-catalog-api/tracking-plans/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook.adapters.plans import schema
from playbook.adapters.plans.entries import Entry, Lost, Plan, entry
from playbook.adapters.plans.segment_json import named, of_message

_MARKS = {"eventType", "identitySection", "propConfig"}


def fits(data: object) -> bool:
    """Whether the JSON is such a plan, a page of its events, or one of them."""
    return any(_MARKS & set(event) or _listed(event) for event in _events(data))


def read(data: object) -> Plan:
    """The track events of the plan; what it asks of other calls is lost, and said."""
    entries, lost = [], []
    for event in _events(data):
        call = str(event.get("eventType") or event.get("type") or "track").lower()
        found = _entry(event)
        if call == "track" and named(event.get("name")):
            entries.append(found)
        else:
            names = list(found.point.properties) or ["its event"]
            lost += [Lost(f"rule of {call}", f"{call}: {name}") for name in names]
    return Plan(tuple(entries), tuple(lost))


def _events(data: object) -> list[dict[str, Any]]:
    if isinstance(data, dict) and isinstance(data.get("data"), dict):
        data = data["data"]
    if isinstance(data, dict):
        inner = data.get("events", data.get("data"))
        data = inner if isinstance(inner, list) else [data]
    return [event for event in data if isinstance(event, dict)] if isinstance(data, list) else []


def _listed(event: Mapping[str, Any]) -> bool:
    """Whether its properties are a list (`format=properties`)."""
    return isinstance(event.get("properties"), list) and "name" in event


def _entry(event: Mapping[str, Any]) -> Entry:
    name = event["name"] if named(event.get("name")) else "?"
    if not _listed(event):
        rules = event.get("rules")
        return of_message(name, event.get("description"), rules if isinstance(rules, dict) else {})
    found, lost = {}, []
    for given in event["properties"]:
        if isinstance(given, dict) and named(given.get("name")):
            required = given.get("required") is True
            found[given["name"]] = schema.described(
                given["name"], _schema(given), required=required
            )
        else:
            lost.append(Lost("property without a name", "a property that has no name"))
    if event.get("additionalProperties") is False:
        lost.append(Lost("no other properties", "no other property may be there"))
    return entry(name, event.get("description"), found, lost=lost)


def _schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """A listed property as a JSON Schema."""
    rules = given.get("propConfig")
    rules = dict(rules) if isinstance(rules, dict) else {}
    type_ = given.get("type")
    kinds = [kind.strip() for kind in type_.split(",")] if isinstance(type_, str) else type_
    parts = given.get("properties")
    parts = [p.get("name") for p in parts if isinstance(p, dict)] if isinstance(parts, list) else []
    inside = {"properties": {part: {} for part in parts if named(part)}} if parts else {}
    if items := rules.pop("itemTypes", None):
        inside = {"items": {"type": items}}
    rules.pop("type", None)
    return rules | inside | {"type": kinds, "description": given.get("description")}
