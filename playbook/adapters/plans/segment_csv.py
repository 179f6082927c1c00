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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playbook.adapters.plans.entries import Entry, Lost
from playbook.adapters.plans.schema import NESTED, entry_of
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


def is_csv_of_segment(text: str) -> bool:
    """Whether the text is such a CSV, by its header."""
    try:
        found = _column_places(next(_csv_lines(text), []))
    except csv.Error:
        return False
    return "type" in found and bool({"event", "name"} & set(found))


def csv_events(text: str, name: str) -> Iterator[Entry | Lost]:
    """The track events of the CSV of that name; what it asks of other calls is lost, and said."""
    events: dict[tuple[str, str], list[Row]] = {}
    last = ""
    for row in _rows_of_csv(text, name):
        call = row.get("call", "").lower()
        if call in OTHER_CALLS:
            what = row.get("property") or row.get("event") or "its rule"
            yield Lost(f"rule of {call}", f"{call}: {what}")
            continue
        last = row.get("event") or last
        if last:
            events.setdefault((last, row.get("version", "")), []).append(row)
        else:
            yield Lost("event without a name", f"the property {row.get('property')}")
    for (event, version), rows in events.items():
        numbered = version.isdecimal() and len(version) < 10
        yield _event_of_rows(event, (int(version),) if numbered else (), rows)


def _csv_lines(text: str) -> Iterator[list[str]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _column_places(header: Sequence[str]) -> dict[str, int]:
    """Field → place of the column that holds it; the first of several."""
    plain = [re.sub(r"[^a-z0-9]+", " ", cell.lower()).strip() for cell in header]
    return {
        field: plain.index(found)
        for field, names in COLUMNS.items()
        if (found := next((name for name in names if name in plain), None)) is not None
    }


def _rows_of_csv(text: str, name: str) -> Iterator[Row]:
    """Field → value, row by row.

    Where events and properties share one column of names, an event has neither status nor type.
    """
    try:
        header, *lines = list(_csv_lines(text)) or [[]]
    except csv.Error as error:
        raise Mistake(
            f"`{name}` is no CSV.",
            f"The parser says: {error}.",
            "download the tracking plan again as CSV.",
        ) from None
    columns = _column_places(header)
    if not {"event", "name"} & set(columns) or not {"property", "name"} & set(columns):
        raise Mistake(
            f"`{name}` lacks the columns of a tracking plan.",
            f"It has: {listed(cell for cell in header if cell.strip())}.",
            f"it needs at least {listed(NEEDED)}; rename its columns.",
        )
    event = ""
    for cells in lines:
        row = {field: cells[at].strip() for field, at in columns.items() if at < len(cells)}
        if not any(cell.strip() for cell in cells):
            continue
        if "event" in columns:
            yield row
        elif row.get("status") or row.get("type"):
            yield row | {"event": event, "property": row.get("name", "")}
        else:
            event = row.get("name", "")
            yield row | {"event": event, "event_says": row.get("says", "")}


def _event_of_rows(event: str, version: tuple[int, ...], rows: Sequence[Row]) -> Entry:
    found: dict[str, dict[str, Any]] = {}
    lost, required = [], []
    says = next((row["event_says"] for row in rows if row.get("event_says")), "")
    if not says and not rows[0].get("property"):
        says = rows[0].get("says", "")
    owner = next((row["owner"] for row in rows if row.get("owner")), "")
    for label in dict.fromkeys(row["labels"] for row in rows if row.get("labels")):
        key, _colon, value = label.partition(":")
        if key.strip().lower() == "owner" and not owner:
            owner = value.strip()
        else:
            lost.append(Lost("label", f"label {label}"))
    nests = {r.get("property") for r in rows if r.get("type", "").lower() in NESTED}
    for row in rows:
        name = row.get("property", "")
        parent = re.split(r"[.\[]", name)[0]
        if parent != name and parent in nests:
            lost.append(Lost("nested property", f"`{name}` is inside of `{parent}`", parent))
        elif name in found:
            lost.append(Lost("property again", f"`{name}` stands there again", name))
        elif name:
            found[name] = _schema_of(row)
            required += [name] * (row.get("status", "").lower() in REQUIRED)
    schema = {"properties": found, "required": required}
    return entry_of(event, says, schema, owner=owner, version=version, lost=lost)


def _schema_of(row: Row) -> dict[str, Any]:
    """A property's row as its JSON Schema."""
    kind = row.get("type", "").lower()
    given: dict[str, Any] = {"description": row.get("property_says") or row.get("says", "")}
    if re.sub(r"[^a-z]", "", kind) in {"datetime", "timestamp"}:
        given |= {"type": "string", "format": "date-time"}
    else:
        given["type"] = [part.strip() for part in re.split(r"[,|/]", kind) if part.strip()]
    if permitted := row.get("list") or row.get("values"):
        given |= _permitted(permitted, listing="list" in row and bool(row["list"]))
    return given


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
