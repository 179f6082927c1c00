"""Segment Protocols as JSON: the Public API's list of rules, or the older Config API's events.

Public API: `rules` of {type: TRACK | IDENTIFY | GROUP | PAGE | SCREEN | COMMON, key, version,
jsonSchema} (https://docs.segmentapis.com/tag/Tracking-Plans, and the same fields in
https://registry.terraform.io/providers/segmentio/segment/latest/docs/resources/tracking_plan).
Config API: `rules: {events: [{name, description, version, rules}], global, identify, group}`
(https://segment.com/docs/protocols/faq: a plan's id `rs_…`). In both, an event's schema is that of
the whole message; the properties are those of its `properties`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost
from playbook.adapters.plans.files import is_name, mapping, mappings
from playbook.adapters.plans.schema import NAMELESS, entry_of, of_event, properties
from playbook.language.mistakes import listed

WRAPPERS = ("data", "trackingPlan", "tracking_plan")
OTHERS = ("traits", "context", "userProperties", "eventProperties")


def is_from_segment(data: object) -> bool:
    """Whether the JSON is such a plan."""
    rules = _protocol(data)
    if isinstance(rules, dict):
        return isinstance(rules.get("events"), list)
    return any("jsonSchema" in rule for rule in mappings(rules))


def segment_events(data: object) -> Iterator[Entry | Lost]:
    """The track events of the plan; what else it checks is lost, and said."""
    rules = _protocol(data)
    if isinstance(rules, dict):
        yield from _of_config(rules)
        return
    for rule in mappings(rules):
        given, version = mapping(rule.get("jsonSchema")), rule.get("version")
        if str(rule.get("type", "TRACK")).upper() == "TRACK" and is_name(rule.get("key")):
            yield of_message(rule["key"], given.get("description"), given, version)
        else:
            yield from _of_call(str(rule.get("type", "rule")).lower(), given)


def of_message(name: str, says: object, schema: object, version: object = None) -> Entry:
    """An event whose schema is that of the whole message."""
    given = mapping(schema)
    parts = mapping(given.get("properties"))
    lost = of_event(given)
    for part in OTHERS:
        names, rules = properties(parts.get(part))
        if names or rules:
            lost.append(Lost(f"rules of {part}", f"rules of {part}: {listed(names) or 'general'}"))
    labels = dict(mapping(given.get("labels")))
    owner = str(labels.pop("owner", "") or "")
    lost += [Lost("label", f"label {key}: {value}") for key, value in labels.items()]
    versions = (version,) if isinstance(version, int) else ()
    own = parts.get("properties")
    return entry_of(name, says, own, owner=owner, version=versions, lost=lost)


def inside_wrappers(data: object, wrappers: Sequence[str], *, until: str | None = None) -> object:
    """What the wrappers of an API hold inside each other; as it is where it has `until`."""
    for wrapper in wrappers:
        inner = mapping(data)
        if isinstance(inner.get(wrapper), dict) and until not in inner:
            data = inner[wrapper]
    return data


def _protocol(data: object) -> object:
    """The rules, whatever the API wrapped them in."""
    data = inside_wrappers(data, WRAPPERS)
    return data if isinstance(data, list) else mapping(data).get("rules")


def _of_config(rules: Mapping[str, Any]) -> Iterator[Entry | Lost]:
    for event in rules["events"]:
        if is_name(mapping(event).get("name")):
            given = mapping(event.get("rules"))
            says = event.get("description") or given.get("description")
            yield of_message(event["name"], says, given, event.get("version"))
        else:
            yield NAMELESS
    for call in ("global", "identify", "group", "page", "screen"):
        yield from _of_call(call, rules.get(call))
    for call in ("identify", "group"):
        traits = rules.get(f"{call}_traits")
        for trait in traits if isinstance(traits, list) else ():
            name = trait.get("name") if isinstance(trait, dict) else trait
            yield Lost(f"rule of {call}", f"{call}: {name}")


def _of_call(call: str, schema: object) -> Iterator[Lost]:
    """What a schema asks of calls that are no track call, trait by trait."""
    for part in mapping(mapping(schema).get("properties")).values():
        for name in properties(part)[0]:
            yield Lost(f"rule of {call}", f"{call}: {name}")
