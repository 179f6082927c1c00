"""Segment Protocols as CSV: one row per property, and one per event without any.

The columns are those of the editor: Name, Description, Status, Data Type and Permitted Values (a
regular expression, or values parted by `|`)
(https://segment.com/docs/protocols/tracking-plan/create/#tracking-plan-columns, and
"Allowed Property Values" of the download: https://github.com/segmentio/segment-docs/pull/6552).
The documentation prints no header, and spreadsheets of this kind vary: names are compared without
case and punctuation, events and properties may share one column or have one each.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from playbook.adapters.plans import schema
from playbook.adapters.plans.entries import Lost, Plan, entry
from playbook.declare import Property
from playbook.language.mistakes import Mistake, listed

COLUMNS = {
    "event": ("event name", "event"),
    "property": ("property name", "property", "trait name"),
    "name": ("name",),
    "event_says": ("event description",),
    "property_says": ("property description",),
    "says": ("description",),
    "status": ("status", "property status", "required", "property required", "is required"),
    "type": ("data type", "property data type", "property type"),
    "values": ("permitted values", "property permitted values", "regex", "enum"),
    "list": ("allowed property values", "allowed values", "enum values"),
    "call": ("event type", "call type", "rule type", "call", "type"),
    "labels": ("labels", "event labels", "label"),
    "owner": ("owner", "event owner"),
    "version": ("event version", "version"),
}
NEEDED = ["Event Name", "Property Name", "Data Type"]
REQUIRED = {"required", "true", "yes", "y", "1"}
OTHER_CALLS = {"identify", "group", "page", "screen", "common", "alias"}
LITERALS = re.compile(r"[^\\^$.*+?{}\[\]()|]+(?:\|[^\\^$.*+?{}\[\]()|]+)*")

Row = Mapping[str, str]


def fits(text: str) -> bool:
    """Whether the text is such a CSV, by its header."""
    try:
        found = _columns(next(_lines(text), []))
    except csv.Error:
        return False
    return "type" in found and bool({"event", "name"} & set(found))


def read(text: str, name: str) -> Plan:
    """The track events of the CSV; what it asks of other calls is lost, and said."""
    try:
        header, *lines = list(_lines(text)) or [[]]
    except csv.Error as error:
        raise Mistake(
            f"`{name}` is no CSV.",
            f"The parser says: {error}.",
            "download the tracking plan again as CSV.",
        ) from None
    columns = _columns(header)
    if not {"event", "name"} & set(columns) or not {"property", "name"} & set(columns):
        raise Mistake(
            f"`{name}` lacks the columns of a tracking plan.",
            f"It has: {listed(cell for cell in header if cell.strip())}.",
            f"it needs at least {listed(NEEDED)}; rename its columns.",
        )
    rows = [
        {field: cells[at].strip() for field, at in columns.items() if at < len(cells)}
        for cells in lines
        if any(cell.strip() for cell in cells)
    ]
    return _plan(_split(rows) if "event" not in columns else rows)


def _lines(text: str) -> csv.reader:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Field → place of the column that holds it; the first of several."""
    plain = [re.sub(r"[^a-z0-9]+", " ", cell.lower()).strip() for cell in header]
    return {
        field: plain.index(found)
        for field, names in COLUMNS.items()
        if (found := next((name for name in names if name in plain), None)) is not None
    }


def _split(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Rows of one shared name column: an event has neither status nor type, its properties do."""
    found, event = [], ""
    for row in rows:
        if row.get("status") or row.get("type"):
            found.append(dict(row) | {"event": event, "property": row.get("name", "")})
        else:
            event = row.get("name", "")
            found.append(dict(row) | {"event": event, "event_says": row.get("says", "")})
    return found


def _plan(rows: Sequence[Row]) -> Plan:
    lost: list[Lost] = []
    events: dict[tuple[str, str], list[Row]] = {}
    last = ""
    for row in rows:
        call = row.get("call", "").lower()
        if call in OTHER_CALLS:
            what = row.get("property") or row.get("event") or "its rule"
            lost.append(Lost(f"rule of {call}", f"{call}: {what}"))
            continue
        last = row.get("event") or last
        if last:
            events.setdefault((last, row.get("version", "")), []).append(row)
        else:
            lost.append(Lost("event without a name", f"the property {row.get('property')}"))
    entries = [
        _entry(name, (int(version),) if version.isdecimal() and len(version) < 10 else (), found)
        for (name, version), found in events.items()
    ]
    return Plan(tuple(entries), tuple(lost))


def _entry(event: str, version: tuple[int, ...], rows: Sequence[Row]) -> Any:
    found: dict[str, tuple[Property, list[Lost]]] = {}
    lost: list[Lost] = []
    says = next((row["event_says"] for row in rows if row.get("event_says")), "")
    if not says and rows and not rows[0].get("property"):
        says = rows[0].get("says", "")
    owner = next((row["owner"] for row in rows if row.get("owner")), "")
    for label in dict.fromkeys(row["labels"] for row in rows if row.get("labels")):
        key, _colon, value = label.partition(":")
        if key.strip().lower() == "owner" and not owner:
            owner = value.strip()
        else:
            lost.append(Lost("label", f"label {label}"))
    nests = {r.get("property") for r in rows if r.get("type", "").lower() in schema.NESTED}
    for row in rows:
        name = row.get("property", "")
        if not name:
            continue
        parent = re.split(r"[.\[]", name)[0]
        if parent != name and parent in nests:
            lost.append(Lost("nested property", f"`{name}` is inside of `{parent}`", parent))
        elif name in found:
            lost.append(Lost("property again", f"`{name}` stands there again", name))
        else:
            found[name] = _property(name, row)
    return entry(event, says, found, owner=owner, lost=lost, version=version)


def _property(name: str, row: Row) -> tuple[Property, list[Lost]]:
    kind = row.get("type", "").lower()
    given: dict[str, Any] = {"description": row.get("property_says") or row.get("says", "")}
    if re.sub(r"[^a-z]", "", kind) in {"datetime", "timestamp"}:
        given |= {"type": "string", "format": "date-time"}
    else:
        kinds = [part.strip() for part in re.split(r"[,|/]", kind) if part.strip()]
        given["type"] = kinds
    permitted = row.get("list") or row.get("values")
    if permitted:
        given |= _permitted(permitted, listing="list" in row and bool(row["list"]))
    required = row.get("status", "").lower() in REQUIRED
    return schema.described(name, given, required=required)


def _permitted(text: str, *, listing: bool) -> dict[str, Any]:
    """Allowed values as a list, or else as a regular expression."""
    if text.startswith("["):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if isinstance(values, list):
            return {"enum": values}
    parts = text.split("|") if "|" in text or not listing else re.split(r"[,;\n]", text)
    if listing or LITERALS.fullmatch(text):
        return {"enum": [part.strip() for part in parts if part.strip()]}
    return {"pattern": text}
