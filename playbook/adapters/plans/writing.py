"""A plan as the text of a tracking_plan.yaml, with its comments."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from playbook.adapters.plans.entries import Entry
from playbook.declare import Property

WIDTH = 100
INSIDE = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./ -]*[A-Za-z0-9_./])?")  # plain inside of { } and [ ]
ALONE = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.,;()'/ -]*[A-Za-z0-9_.,;()'/])?")  # plain on a line
WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}  # of some YAML, no text
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")  # breaks, marks


def plan_as_yaml(entries: Sequence[Entry], head: Sequence[str], *, destinations: str = "") -> str:
    """The file: comments at its head, then the entries.

    Args:
        entries: The entries, in their order.
        head: The sentences at the head, a comment each.
        destinations: Says beside an entry without destinations what they are; "": nothing.
    """
    lines = [line for sentence in head for line in comment(sentence, "")]
    for entry in entries:
        lines += _entry_lines(entry, destinations)
    return "\n".join(lines) + "\n"


def scalar(value: str, plain: re.Pattern[str] = INSIDE) -> str:
    """A text as YAML reads it back: as it is where that is safe, else in double quotes."""
    clean = value.encode("utf-8", "replace").decode("utf-8")
    if plain.fullmatch(clean) and clean.lower() not in WORDS:
        return clean
    quoted = json.dumps(clean, ensure_ascii=False)
    quoted = ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
    return UNPRINTABLE.sub(lambda match: f"\\U{ord(match[0]):08x}", quoted)


def _entry_lines(entry: Entry, destinations: str) -> list[str]:
    point = entry.point
    own = [
        f"Not kept: {lost.says}." for lost in entry.lost if lost.property not in point.properties
    ]
    lines = [line for note in (*entry.notes, *own) for line in comment(note, "")]
    lines += [f"- event: {scalar(point.event, ALONE)}", f"  says: {scalar(point.says, ALONE)}"]
    if point.owner or destinations:
        lines.append(f"  owner: {scalar(point.owner, ALONE)}")
    if point.was:
        lines.append(f"  was: [{_items(point.was)}]")
    if point.properties:
        lines.append("  properties:")
    for name, spec in point.properties.items():
        lost = [f"Not kept: {lost.says}." for lost in entry.lost if lost.property == name]
        for note in (*entry.beside.get(name, ()), *lost):
            lines += comment(note, "    ")
        lines += _pair(name, f"{{{_property_fields(spec)}}}")
    lines += _destinations(point.destinations, destinations)
    if point.follows:
        lines.append("  follows:")
        lines += [
            f"    - {{event: {scalar(first.event)}, by: {scalar(first.by)}}}"
            for first in point.follows
        ]
    return lines


def _pair(name: str, value: str) -> list[str]:
    """A key and its value; a key of more than 1,024 characters must be marked as one."""
    key = scalar(name)
    return [f"    {key}: {value}"] if len(key) < 1000 else [f"    ? {key}", f"    : {value}"]


def _destinations(found: Mapping[str, str], comment: str) -> list[str]:
    if not found:
        return [f"  destinations: {{}}  # {comment}"] if comment else []
    pairs = [_pair(name, scalar(purpose, ALONE)) for name, purpose in found.items()]
    return ["  destinations:", *(line for pair in pairs for line in pair)]


def _property_fields(spec: Property) -> str:
    said = [f"type: {spec.type}"]
    if spec.required:
        said.append("required: true")
    if spec.values:
        said.append(f"values: [{_items(spec.values)}]")
    if spec.pattern:
        said.append(f"pattern: {scalar(spec.pattern)}")
    said += [
        f"{name}: {_yaml_number(bound)}"
        for name, bound in (("least", spec.least), ("most", spec.most))
        if bound is not None
    ]
    if spec.says:
        said.append(f"says: {scalar(spec.says)}")
    return ", ".join(said)


def _items(values: Iterable[str]) -> str:
    return ", ".join(scalar(value) for value in values)


def _yaml_number(bound: float) -> str:
    """A number that reads back the same, in the one form that our YAML knows."""
    return str(int(bound)) if bound.is_integer() else f"{bound!r}"


def comment(sentence: str, indent: str) -> list[str]:
    """A sentence as comment lines; what would end the comment is only a space in it."""
    clean = UNPRINTABLE.sub(" ", sentence.encode("utf-8", "replace").decode("utf-8"))
    clean = " ".join(clean.split())
    return textwrap.wrap(
        clean,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_on_hyphens=False,
    )
