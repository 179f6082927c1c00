"""Segment Protocols as JSON: the Public API's list of rules, or the older Config API's events.

Public API: `rules` of {type: TRACK | IDENTIFY | GROUP | PAGE | SCREEN | COMMON, key, version,
jsonSchema} (https://docs.segmentapis.com/tag/Tracking-Plans, and the same fields in
https://registry.terraform.io/providers/segmentio/segment/latest/docs/resources/tracking_plan).
Config API: `rules: {events: [{name, description, version, rules}], global, identify, group}`
(https://segment.com/docs/protocols/faq: a plan's id `rs_…`). In both, an event's schema is that of
the whole message; the properties are those of its `properties`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playbook.adapters.plans import schema
from playbook.adapters.plans.entries import Entry, Lost, Plan, entry
from playbook.language.mistakes import listed

OTHERS = ("traits", "context", "userProperties", "eventProperties")


def fits(data: object) -> bool:
    """Whether the JSON is such a plan."""
    rules = _rules(data)
    if isinstance(rules, dict):
        return isinstance(rules.get("events"), list)
    return any("jsonSchema" in rule for rule in _dicts(rules))


def read(data: object) -> Plan:
    """The track events of the plan; what else it checks is lost, and said."""
    rules = _rules(data)
    if isinstance(rules, dict):
        return _config(rules)
    entries, lost = [], []
    for rule in _dicts(rules):
        given = rule.get("jsonSchema")
        given = given if isinstance(given, dict) else {}
        if str(rule.get("type", "TRACK")).upper() == "TRACK" and named(rule.get("key")):
            version = (v,) if isinstance(v := rule.get("version"), int) else ()
            entries.append(of_message(rule["key"], given.get("description"), given, version))
        else:
            lost += other_call(str(rule.get("type", "rule")).lower(), given)
    return Plan(tuple(entries), tuple(lost))


def of_message(
    name: str, says: object, given: Mapping[str, Any], version: tuple[int, ...] = ()
) -> Entry:
    """An event whose schema is that of the whole message."""
    parts = given.get("properties")
    parts = parts if isinstance(parts, dict) else {}
    found, lost = schema.properties(parts.get("properties"))
    _none, outer = schema.properties({k: v for k, v in given.items() if k in schema.OF_EVENT})
    lost += outer
    for part in OTHERS:
        names, rules = schema.properties(parts.get(part))
        if names or rules:
            lost.append(Lost(f"rules of {part}", f"rules of {part}: {listed(names) or 'general'}"))
    labels = given.get("labels")
    labels = dict(labels) if isinstance(labels, dict) else {}
    owner = str(labels.pop("owner", "") or "")
    lost += [Lost("label", f"label {key}: {value}") for key, value in labels.items()]
    return entry(name, says, found, owner=owner, lost=lost, version=version)


def other_call(call: str, given: object) -> Iterator[Lost]:
    """What a schema asks of calls that are no track call, trait by trait."""
    parts = given.get("properties") if isinstance(given, dict) else None
    for part in parts.values() if isinstance(parts, dict) else ():
        for name in schema.properties(part)[0]:
            yield Lost(f"rule of {call}", f"{call}: {name}")


def named(name: object) -> bool:
    """Whether it can name an event."""
    return isinstance(name, str) and bool(name.strip())


def _rules(data: object) -> Any:
    """The rules, whatever the API wrapped them in."""
    for wrapper in ("data", "trackingPlan", "tracking_plan"):
        if isinstance(data, dict) and isinstance(data.get(wrapper), dict):
            data = data[wrapper]
    return data.get("rules") if isinstance(data, dict) else data if isinstance(data, list) else None


def _dicts(rules: object) -> list[dict[str, Any]]:
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _config(rules: Mapping[str, Any]) -> Plan:
    entries, lost = [], []
    for event in rules["events"]:
        if not isinstance(event, dict) or not named(event.get("name")):
            lost.append(Lost("event without a name", "an event that has no name"))
            continue
        given = event.get("rules")
        version = (v,) if isinstance(v := event.get("version"), int) else ()
        given = given if isinstance(given, dict) else {}
        says = event.get("description") or given.get("description")
        entries.append(of_message(event["name"], says, given, version))
    for call in ("global", "identify", "group", "page", "screen"):
        lost += other_call(call, rules.get(call))
    for call in ("identify", "group"):
        traits = rules.get(f"{call}_traits")
        for trait in traits if isinstance(traits, list) else ():
            name = trait.get("name") if isinstance(trait, dict) else trait
            lost.append(Lost(f"rule of {call}", f"{call}: {name}"))
    return Plan(tuple(entries), tuple(lost))
