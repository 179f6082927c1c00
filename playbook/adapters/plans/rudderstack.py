"""RudderStack's tracking plan as JSON, as its Data Catalog API gives it.

Events with `rules` (a JSON Schema of the message; `format=schema`) or with `properties` (a list of
{name, type: "number, string", required, propConfig}; `format=properties`)
(https://www.rudderstack.com/docs/api/data-catalog-api/tracking-plans/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost
from playbook.adapters.plans.files import is_name, mapping, mappings
from playbook.adapters.plans.schema import NO_NAME, NOTHING_ELSE, entry_of
from playbook.adapters.plans.segment_json import inside_wrappers, of_message

_MARKS = {"eventType", "identitySection", "propConfig"}


def is_from_rudderstack(data: object) -> bool:
    """Whether the JSON is such a plan, a page of its events, or one of them."""
    return any(_MARKS & set(event) or _has_list(event) for event in _catalogued(data))


def rudderstack_events(data: object) -> Iterator[Entry | Lost]:
    """The track events of the plan; what it asks of other calls is lost, and said."""
    for event in _catalogued(data):
        call = str(event.get("eventType") or event.get("type") or "track").lower()
        name = event["name"] if is_name(event.get("name")) else "?"
        found = _with_list(name, event) if _has_list(event) else _with_rules(name, event)
        if call == "track" and is_name(event.get("name")):
            yield found
        else:
            for name in list(found.point.properties) or ["its event"]:
                yield Lost(f"rule of {call}", f"{call}: {name}")


def _catalogued(data: object) -> list[dict[str, Any]]:
    data = inside_wrappers(data, ("data",))
    if isinstance(data, dict):
        inner = data.get("events", data.get("data"))
        data = inner if isinstance(inner, list) else [data]
    return mappings(data)


def _has_list(event: Mapping[str, Any]) -> bool:
    """Whether its properties are a list (`format=properties`)."""
    return isinstance(event.get("properties"), list) and "name" in event


def _with_rules(name: str, event: Mapping[str, Any]) -> Entry:
    return of_message(name, event.get("description"), event.get("rules"))


def _with_list(name: str, event: Mapping[str, Any]) -> Entry:
    named = [each for each in mappings(event["properties"]) if is_name(each.get("name"))]
    lost = [NO_NAME] * (len(event["properties"]) - len(named))
    if event.get("additionalProperties") is False:
        lost.append(NOTHING_ELSE)
    last = {each["name"]: each for each in named}
    schema = {
        "properties": {name: _as_schema(each) for name, each in last.items()},
        "required": [name for name, each in last.items() if each.get("required") is True],
    }
    return entry_of(name, event.get("description"), schema, lost=lost)


def _as_schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """A listed property as a JSON Schema."""
    rules, type_ = dict(mapping(given.get("propConfig"))), given.get("type")
    kinds = [kind.strip() for kind in type_.split(",")] if isinstance(type_, str) else type_
    parts = [part.get("name") for part in mappings(given.get("properties"))]
    inside = {"properties": {part: {} for part in parts if is_name(part)}} if parts else {}
    if items := rules.pop("itemTypes", None):
        inside = {"items": {"type": items}}
    rules.pop("type", None)
    return rules | inside | {"type": kinds, "description": given.get("description")}
