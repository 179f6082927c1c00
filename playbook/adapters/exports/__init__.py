"""Engagement tools' exports become `messages`, `assignments` and `suppressions`.

One vendor a file: a preset in YAML that says its shape, or a module that declares itself as
`VENDOR`, where code is needed. What they all share is here: which play a campaign is, and which of
our users a recipient is.

Test sends to staff are messages to people who work for us, and every stage leaves those out by
their flag. What a tool gave up before it sent anything (Braze's aborts, Iterable's other skips)
leaves no message: no canonical column holds the reason. Transactional mail is a campaign of its
own (`transactional:…`), so that it never counts for a play unless the export says so.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts, shapes
from playbook.adapters.exports.facts import Landing
from playbook.adapters.exports.reading import Tool, Vendor, text
from playbook.data.mapping import unread
from playbook.data.tables import COLUMNS, conform
from playbook.data.warehouse import Warehouse
from playbook.declare.export import Export
from playbook.declare.shape import KINDS, PRESETS
from playbook.language import portable
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import united

TABLES = ("messages", "assignments", "suppressions")  # that exports fill


def exported_tables(exports: Iterable[Export], warehouse: Warehouse) -> dict[str, list[ir.Table]]:
    """The canonical tables that the exports fill: name → one conformed table per export.

    Ids of messages begin with the vendor, and its place if it has several exports (`braze.2:`):
    several tools' ids may be the same. No id holds an address, nor a hash of one, which whoever
    has a list of addresses could undo: where the tool's id of a message is one to an address, ours
    ends with the user and, from their second one on, its number; of somebody who is none of our
    users it is the number alone, which new rows may change.

    Messages to somebody who is none of our users stay, with nobody as their user. An address that
    several of our users share gets each message once per user, since each may have read it; then
    the id ends with the user. An alias of an address (ann+news@…) is another address. Arms and
    suppressions of somebody who is none of our users are left out. A suppression of an address
    holds for everybody whose address it is, however it is written.
    """
    found: dict[str, list[ir.Table]] = {name: [] for name in TABLES}
    for tool in _exporting_tools(exports, warehouse):
        for name, table in _canonical(tool).items():
            found[name].append(conform(table, name))
    return found


def gives(vendor: str) -> Mapping[str, str]:
    """A vendor's tables → what each gives."""
    return _vendor(Export(vendor=vendor)).gives


def known_by(vendor: str) -> tuple[str, ...]:
    """What a vendor knows people by: `ids`, `addresses` or both."""
    return _vendor(Export(vendor=vendor)).knows


def uncast_text(exports: Iterable[Export], warehouse: Warehouse) -> Mistake | None:
    """The first text of an export that is no time (or number), as a mistake, after a failure."""
    for tool in _exporting_tools(exports, warehouse):
        for table in _canonical(tool).values():
            for cast in table.op().find(ops.Cast):
                if mistake := _unread(cast, tool):
                    return mistake
    return None


def _unread(cast: ops.Cast, tool: Tool) -> Mistake | None:
    if not cast.arg.dtype.is_string() or cast.to.is_string() or len(cast.relations) != 1:
        return None
    value, (rows,) = cast.arg.to_expr(), cast.relations
    tried = value.try_cast(cast.to)
    said = unread(rows.to_expr(), value, tried, tool.warehouse)
    named = cast.arg.find(ops.Field, filter=ops.Value)
    columns = listed(dict.fromkeys(f"`{field.name}`" for field in named))
    tables = listed(dict.fromkeys(f"`{table.name}`" for table in rows.find(ops.DatabaseTable)))
    kind = "time" if cast.to.is_timestamp() else "number"
    if not said:
        return None
    return Mistake(
        f"Column {columns} of {tables}, which {tool.vendor.name} exports, holds what is no {kind}.",
        said,
        "mend or leave out these rows in a view, and name it under `exports: tables:`.",
    )


def _exporting_tools(exports: Iterable[Export], warehouse: Warehouse) -> list[Tool]:
    """Each export as a tool; no table is read twice."""
    found: list[Tool] = []
    for export in exports:
        vendor = _vendor(export)
        _refuse_what_is_not_read(export, vendor)
        earlier = sum(export.vendor == tool.export.vendor for tool in found)
        source = f"{export.vendor}.{earlier + 1}" if earlier else export.vendor
        found.append(Tool(vendor, export, warehouse, source))
    _refuse_tables_of_two(found)
    return found


def _vendor(export: Export) -> Vendor:
    """The vendor's own module, where it needs one and the export says no shape; else its shape."""
    says_shape = any(getattr(export, kind) for kind in KINDS)
    if says_shape or not (PRESETS / f"{export.vendor}.py").is_file():
        return shapes.declared_vendor(export)
    return importlib.import_module(f"playbook.adapters.exports.{export.vendor}").VENDOR


def _refuse_tables_of_two(tools: Sequence[Tool]) -> None:
    """Vendors give their tables the same names: one that two exports read is not of both.

    Unless both exports say so: several tools may write into one log of events.
    """
    readers: dict[str, tuple[str, str, bool]] = {}
    for tool in tools:
        parts = (part for kind in KINDS for part in getattr(tool.export, kind))
        said = {*tool.export.tables, *(part.table for part in parts)}
        for table in filter(tool.has, tool.vendor.gives):
            stored = tool.stored(table)
            other, its, both_say = readers.get(stored, ("", "", True))
            if not (both_say and (not other or table in said)):
                raise Mistake(
                    f"Two exports read the table `{stored}`: {other} as its `{its}`, and "
                    f"{tool.vendor.name} as its `{table}`.",
                    f"The warehouse has: {listed(tool.warehouse.names)}.",
                    f"say under `exports: tables:` which table each `{table}` is; "
                    f'`{table}: ""` says that there is none.',
                )
            readers[stored] = tool.vendor.name, table, table in said


def _canonical(tool: Tool) -> dict[str, ir.Table]:
    said, found = tool.vendor.landing(tool), {}
    if said.facts is not None:
        found["messages"] = _resolved_messages(said, tool)
    if said.arms is not None:
        found["assignments"] = _assignments(said.arms, tool)
    if said.lists is not None:
        found["suppressions"] = _resolved_suppressions(said, tool)
    return found


def _refuse_what_is_not_read(export: Export, vendor: Vendor) -> None:
    if unknown := [name for name in export.tables if name not in vendor.gives]:
        raise Mistake(
            f"The export of {vendor.name} names the table `{unknown[0]}`, which is not read.",
            f"Those that are: {listed(vendor.gives)}.",
            nearest(unknown[0], vendor.gives),
        )
    key = "addresses" if export.users and not export.users.id else "ids"
    if key not in vendor.knows:
        raise Mistake(
            f"{vendor.name}'s export cannot be joined to our users by {key}.",
            f"It knows people by their {listed(vendor.knows)} alone.",
            "write `users: {table: …, user_id: …, email: …}` of a table with both."
            if key == "ids"
            else "leave `users` out, or give it an `id` in place of the address.",
        )


def _resolved_messages(said: Landing, tool: Tool) -> ir.Table:
    found = _resolved(facts.one_per_message(said.facts), tool)
    own = _ids_by_number(found, tool) if said.is_addressed else _ids_of_tool(found)
    return found.select(
        message_id=ibis.literal(f"{tool.source}:") + own,
        source=ibis.literal(tool.source),
        play=_play_of_campaign(found, tool),
        **{name: found[name] for name in COLUMNS["messages"] if name in found.columns},
    )


def _ids_of_tool(found: ir.Table) -> ir.StringValue:
    """The tool's id of a message, and the user where several share the recipient."""
    return ibis.ifelse(found.is_shared, found.message + ":" + found.user_id, found.message)


def _ids_by_number(found: ir.Table, tool: Tool) -> ir.StringValue:
    """The tool's id of a message with its user, and its number, in place of an address."""
    # By the hash of what it is to the tool: the same order whatever the engine sorts texts by.
    order = portable.md5(found.message, engine=tool.warehouse.engine)
    own = ibis.window(group_by=[found.letter, found.user_id], order_by=order)
    number = ibis.row_number().over(own) + 1
    further = ibis.ifelse(found.user_id.isnull() | (number > 1), number.cast("string"), "")
    parts = found.letter + ":" + found.user_id.fill_null("")
    return ibis.ifelse(further == "", parts, parts + ":" + further)


def _assignments(arms: ir.Table, tool: Tool) -> ir.Table:
    """One row per play, user and arm: since when."""
    found = _resolved(arms, tool).filter(_.user_id.notnull())
    by = {"play": _play_of_campaign(found, tool), "unit_id": found.user_id, "arm": found.arm}
    drawn = found.select(**by, assigned_at=found.assigned_at).filter(_.play.notnull())
    return (
        drawn.group_by(list(by))
        .aggregate(assigned_at=_.assigned_at.min())
        .mutate(unit_type=ibis.literal("user"), source=ibis.literal(tool.source))
    )


def _resolved_suppressions(said: Landing, tool: Tool) -> ir.Table:
    found = _resolved(_listed_people(said, tool), tool)
    left = found.filter(_.user_id.notnull()).drop("is_shared")
    return left.mutate(source=ibis.literal(tool.source)).distinct()


def _listed_people(said: Landing, tool: Tool) -> ir.Table:
    """The lists, in which an address without a person is everybody whose address it is."""
    users, lists = tool.export.users, said.lists
    if users and not users.id:
        return lists  # joined by the address
    parts = (said.facts, said.arms, lists, said.people)
    told = [part.select(*facts.WHO) for part in parts if part is not None]
    pairs = united(told).filter(_.person.notnull(), _.address.notnull()).distinct()
    alone = lists.filter(_.person.isnull()).drop("person").inner_join(pairs, "address")
    return united([part.select(*facts.LISTED) for part in (lists, alone)])


def _play_of_campaign(rows: ir.Table, tool: Tool) -> ir.StringValue:
    """Our play of a campaign, by its id or its name; else `<source>:<id>`."""
    own, plays = ibis.literal(f"{tool.source}:") + rows.campaign, tool.export.plays
    return ibis.cases(*_play_cases(rows, plays), else_=own) if plays else own


def _play_cases(rows: ir.Table, plays: Mapping[str, str]) -> list[tuple[ir.BooleanValue, str]]:
    """An id goes before a name that looks the same."""
    columns = (rows.campaign, rows.named)
    return [(column == key, play) for column in columns for key, play in plays.items()]


def _resolved(rows: ir.Table, tool: Tool) -> ir.Table:
    """The rows with `user_id`, and whether several users share the recipient, `is_shared`."""
    users = tool.export.users
    if users is None:
        known = rows.mutate(user_id=rows.person, is_shared=ibis.literal(False))
        return known.drop("person", "address")
    people = tool.warehouse.columns(
        users.table, key=users.id or users.email or users.md5, user_id=users.user_id
    )
    key = tool.hashed(people.key) if users.email else people.key
    key = key.strip().lower().nullif("") if users.md5 else key
    known = people.select(key_=key, user_id=text(people, "user_id")).distinct()
    known = known.filter(_.key_.notnull(), _.user_id.notnull())
    known = known.mutate(shared_=_.user_id.count().over(ibis.window(group_by="key_")) > 1)
    recipient = rows.person if users.id else rows.address
    joined = rows.left_join(known, recipient == known.key_)
    whole = joined.mutate(is_shared=_.shared_.fill_null(False))
    return whole.drop("key_", "shared_", "person", "address")
