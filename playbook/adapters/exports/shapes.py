"""What a declared shape of a tool's export says: facts, arms and lists, by its parts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator

import ibis
import ibis.expr.types as ir

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import Landing
from playbook.adapters.exports.reading import (
    Tool,
    Vendor,
    flag_of,
    is_there,
    newest,
    text,
    timestamp,
)
from playbook.declare.export import Export
from playbook.declare.shape import KINDS, OWN, Cell, Lookup, Part, Shape, Where, preset
from playbook.language.mistakes import listed
from playbook.language.portable import joined, when

GIVES = {
    "facts": "what was sent, and what became of it",
    "arms": "who is held out",
    "lists": "who must not be sent to",
    "people": "who has which address",
}
KNOWN_BY = {"person": "ids", "address": "addresses", "md5": "addresses"}
ESSENTIAL = ("message", "letter", "at", "from_at")  # of whose alternatives one must be there
TIMES = ("at", "assigned_at", "from_at", "to_at")


def declared_vendor(export: Export) -> Vendor:
    """The vendor whose shape an export says, or its preset where the export says none."""
    own = {kind: parts for kind in KINDS if (parts := getattr(export, kind))}
    shape = preset(export.vendor)
    if shape is None:
        name = "your tool" if export.vendor == OWN else export.vendor
        shape = Shape(name=name)
    shape = shape.model_copy(update=own)
    gives, columns = {}, set()
    for kind in KINDS:
        for part in getattr(shape, kind):
            gives.setdefault(part.table, GIVES[kind])
            columns |= set(part.columns)
            for lookup in part.lookups:
                gives.setdefault(lookup.table, f"`{'`, `'.join(lookup.columns)}`")
    knows = tuple(dict.fromkeys(how for who, how in KNOWN_BY.items() if who in columns))
    return Vendor(shape.name, knows, gives, functools.partial(_landing, shape))


def _landing(shape: Shape, tool: Tool) -> Landing:
    if shape.one_of and not any(map(tool.has, shape.one_of)):
        raise tool.lacking(
            f"none of {shape.name}'s {listed(f'`{name}`' for name in shape.one_of)}, which give "
            f"{GIVES['facts']}.",
            "sync one of them, or say under `exports: tables:` what it is called.",
        )
    return Landing(
        facts=facts.united_parts([_facts(part, tool) for part in _there(shape.facts, tool)]),
        arms=facts.united_parts([_arms(part, tool) for part in _there(shape.arms, tool)]),
        lists=facts.united_parts([_lists(part, tool) for part in _there(shape.lists, tool)]),
        people=facts.united_parts([_people(part, tool) for part in _there(shape.people, tool)]),
        is_addressed=any("letter" in part.columns for part in shape.facts),
    )


def _there(parts: Iterable[Part], tool: Tool) -> Iterator[Part]:
    """The parts without the optional ones of which a table, or each alternative, is missing."""
    for part in parts:
        needed = [part.table, *(each.table for each in part.lookups if not each.optional)]
        if not part.optional or (all(map(tool.has, needed)) and not _lacking(part, tool)):
            yield part


def _lacking(part: Part, tool: Tool) -> str:
    """The first of the columns of which a part needs one and has none; else nothing."""
    rows = tool.rows(part.table)
    added = {new for lookup in part.lookups for new in lookup.columns}
    essential = [part.columns.get(name) for name in ESSENTIAL] + [part.what, part.arm, part.off]
    for cell in filter(None, essential):
        names = list(_alternatives(cell))
        if names and not any(name in added or is_there(rows, name) for name in names):
            return names[0]
    return ""


def _facts(part: Part, tool: Tool) -> ir.Table:
    rows = _rows(part, tool)
    values = _columns(part, rows, tool) | _words(part, rows, "what", "channel", "kind")
    if "message" not in values:
        who = [values[name] for name in facts.WHO if name in values]
        values["message"] = joined([values["letter"], ibis.coalesce(*reversed(who))])
    if part.is_machine is not None:
        values["is_machine"] = flag_of(_value(part.is_machine, rows))
    told = facts.facts(rows, **values)
    return told.filter(told.what.notnull())


def _arms(part: Part, tool: Tool) -> ir.Table:
    rows = _rows(part, tool)
    told = facts.arms(rows, **_columns(part, rows, tool), **_words(part, rows, "arm"))
    return told.filter(told.arm.notnull())


def _lists(part: Part, tool: Tool) -> ir.Table:
    rows = _rows(part, tool)
    values = _columns(part, rows, tool) | _words(part, rows, "channel", "reason")
    if part.off is None:
        told = facts.lists(rows, **values)
        same = [name for name in told.columns if name != "from_at"]
        since = told.group_by(same).aggregate(from_at=told.from_at.min())
        return since.filter(since.reason.notnull()).select(*told.columns)
    changes = rows.select(**values, off=flag_of(_value(part.off, rows)))
    known = changes.filter(changes.off.notnull())
    return facts.stretches(known, **{name: known[name] for name in known.columns})


def _people(part: Part, tool: Tool) -> ir.Table:
    rows = _rows(part, tool)
    return facts.people(rows, **_columns(part, rows, tool))


def _columns(part: Part, rows: ir.Table, tool: Tool) -> dict[str, ir.Value]:
    """The part's columns under our names; an address goes no further than its md5."""
    found = {}
    for name, cell in part.columns.items():
        value = _value(cell, rows, timestamp if name in TIMES else text)
        found["address" if name == "md5" else name] = (
            tool.hashed(value) if name == "address" else value
        )
    return found


def _words(part: Part, rows: ir.Table, *names: str) -> dict[str, ir.Value]:
    return {name: _value(cell, rows) for name in names if (cell := getattr(part, name))}


def _rows(part: Part, tool: Tool) -> ir.Table:
    """The part's rows, with what its lookups add."""
    added = {new for lookup in part.lookups for new in lookup.columns}
    words = (getattr(part, word) for _columns, words in KINDS.values() for word in words)
    cells = [*part.columns.values(), *(lookup.on for lookup in part.lookups), *filter(None, words)]
    needed = dict.fromkeys([*(n for cell in cells for n in _needed(cell)), *part.where])
    needed |= dict.fromkeys(filter(None, [_lacking(part, tool)]))
    rows = tool.rows(part.table, *(name for name in needed if name not in added))
    for lookup in part.lookups:
        rows = _looked_up(rows, lookup, tool)
    return rows.filter(_holds(part.where, rows)) if part.where else rows


def _looked_up(rows: ir.Table, lookup: Lookup, tool: Tool) -> ir.Table:
    """The rows with what another table says of each; the newest, or the largest, of several."""
    if lookup.optional and not tool.has(lookup.table):
        return rows.mutate(**dict.fromkeys(lookup.columns, ibis.null("string")))
    needed = [name for cell in (*lookup.columns.values(), lookup.key) for name in _needed(cell)]
    found = tool.rows(lookup.table, *needed, *filter(None, [lookup.newest]))
    at = timestamp(found, lookup.newest) if lookup.newest else ibis.timestamp("1970-01-01")
    columns = {new: _as_it_is(cell, found) for new, cell in lookup.columns.items()}
    known = found.select(key_=_value(lookup.key, found), at_=at, **columns)
    telling = known.filter(ibis.or_(*(known[new].notnull() for new in lookup.columns)))
    one = newest(telling, "key_", "at_").drop("at_")
    whole = rows.mutate(on_=_value(lookup.on, rows))
    return whole.left_join(one, whole.on_ == one.key_).drop("on_", "key_")


def _as_it_is(cell: Cell, rows: ir.Table) -> ir.Value:
    """A column in its own type, which may be a time's; what is made of several is text."""
    return rows[cell.column] if cell.column in rows.columns else _value(cell, rows)


def _needed(cell: Cell) -> Iterator[str]:
    """The columns that a cell cannot do without: all but those that may be another one's."""
    if cell.column:
        yield cell.column.partition(".")[0]
    for each in cell.joined:
        yield from _needed(each)
    yield from cell.where


def _alternatives(cell: Cell) -> Iterator[str]:
    """The columns of which a cell needs one."""
    if cell.column:
        yield cell.column
    for each in (*cell.first_of, *cell.joined):
        yield from _alternatives(each)


def _value(cell: Cell, rows: ir.Table, read: Callable = text) -> ir.Value:
    """What a cell says of each row: a text, or a time where times are read."""
    if cell.first_of:
        value = ibis.coalesce(*(_value(each, rows, read) for each in cell.first_of))
    elif cell.joined:
        value = joined([_value(each, rows) for each in cell.joined])
    elif cell.text:
        value = ibis.literal(cell.text)
    else:
        value = read(rows, cell.column)
    if cell.extract:
        value = when(value.re_search(cell.extract), value.re_extract(cell.extract, 1)).nullif("")
    if cell.plain:
        value = value.strip().lower().nullif("")
    if cell.values:
        said = [(theirs.strip().lower(), ours) for theirs, ours in cell.values.items()]
        other = when(value.notnull(), ibis.literal(cell.otherwise)) if cell.otherwise else None
        value = value.strip().lower().cases(*said, else_=other)
    if cell.before:
        value = ibis.literal(cell.before) + value
    return when(_holds(cell.where, rows), value) if cell.where else value


def _holds(where: Where, rows: ir.Table) -> ir.BooleanValue:
    """Whether each column has one of its texts, in any case; never null."""
    said = {name: text(rows, name).strip().lower().fill_null("") for name in where}
    return ibis.and_(
        *(said[name].isin([t.lower() for t in texts]) for name, texts in where.items())
    )
