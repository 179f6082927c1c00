"""Engagement tools' exports become `messages`, `assignments` and `suppressions`.

One vendor a file: `read` makes `facts.Landed` of its tables. What they all share is here: which
play a campaign is, and which of our users a recipient is.

Test sends to staff are messages to people who work for us, and every stage leaves those out by
their flag. What a tool gave up before it sent anything (Braze's aborts, Iterable's other skips)
leaves no message: no canonical column holds the reason. Transactional mail is a campaign of its
own (`transactional:…`), so that it never counts for a play unless the export says so.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from types import ModuleType

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.declare.export import Export
from playbook.mistakes import Mistake, listed, nearest
from playbook.sources.tools import facts
from playbook.sources.tools.reading import Tool, text
from playbook.tables import COLUMNS, conform
from playbook.warehouse import Warehouse

TABLES = ("messages", "assignments", "suppressions")  # that exports fill


def landed(exports: Iterable[Export], warehouse: Warehouse) -> dict[str, list[ir.Table]]:
    """The canonical tables that the exports fill: name → one conformed table per export.

    Ids of messages begin with the vendor: several tools' ids may be the same. Messages to somebody
    who is none of our users stay, with nobody as their user. An address that several of our users
    share gets each message once per user, since each may have read it; then the id ends with the
    user. An alias of an address (ann+news@…) is another address. Arms and suppressions of
    somebody who is none of our users are left out.
    """
    found: dict[str, list[ir.Table]] = {name: [] for name in TABLES}
    for export in exports:
        for name, table in _tables(export, warehouse).items():
            found[name].append(conform(table, name))
    return found


def _tables(export: Export, warehouse: Warehouse) -> dict[str, ir.Table]:
    vendor = importlib.import_module(f"playbook.sources.tools.{export.vendor}")
    _check(export, vendor)
    tool = Tool(vendor.NAME, export, warehouse, vendor.GIVES)
    said, found = vendor.read(tool), {}
    if said.facts is not None:
        found["messages"] = _messages(said.facts, tool)
    if said.arms is not None:
        found["assignments"] = _assignments(said.arms, tool)
    if said.lists is not None:
        found["suppressions"] = _suppressions(said.lists, tool)
    return found


def _check(export: Export, vendor: ModuleType) -> None:
    if unknown := [name for name in export.tables if name not in vendor.GIVES]:
        raise Mistake(
            f"The export of {vendor.NAME} names the table `{unknown[0]}`, which is not read.",
            f"Those that are: {listed(vendor.GIVES)}.",
            nearest(unknown[0], vendor.GIVES),
        )
    key = "addresses" if export.users and not export.users.id else "ids"
    if key not in vendor.KNOWS:
        raise Mistake(
            f"{vendor.NAME}'s export cannot be joined to our users by {key}.",
            f"It knows people by their {listed(vendor.KNOWS)} alone.",
            "write `users: {table: …, user_id: …, email: …}` of a table with both."
            if key == "ids"
            else "leave `users` out, or give it an `id` in place of the address.",
        )


def _messages(said: ir.Table, tool: Tool) -> ir.Table:
    found = _resolved(facts.pivoted(said), tool)
    vendor = tool.export.vendor
    alone = ibis.literal(f"{vendor}:") + found.message
    return found.select(
        message_id=ibis.ifelse(found.is_shared, alone + ":" + found.user_id, alone),
        source=ibis.literal(vendor),
        play=_play(found, tool.export),
        **{name: found[name] for name in COLUMNS["messages"] if name in found.columns},
    )


def _assignments(arms: ir.Table, tool: Tool) -> ir.Table:
    """One row per play, user and arm: since when."""
    found = _resolved(arms, tool).filter(_.user_id.notnull())
    by = {"play": _play(found, tool.export), "unit_id": found.user_id, "arm": found.arm}
    drawn = found.select(**by, assigned_at=found.assigned_at).filter(_.play.notnull())
    return (
        drawn.group_by(list(by))
        .aggregate(assigned_at=_.assigned_at.min())
        .mutate(unit_type=ibis.literal("user"), source=ibis.literal(tool.export.vendor))
    )


def _suppressions(lists: ir.Table, tool: Tool) -> ir.Table:
    found = _resolved(lists, tool).filter(_.user_id.notnull()).drop("is_shared")
    return found.mutate(source=ibis.literal(tool.export.vendor)).distinct()


def _play(rows: ir.Table, export: Export) -> ir.StringValue:
    """Our play of a campaign, by its id or its name; else `<vendor>:<id>`."""
    own = ibis.literal(f"{export.vendor}:") + rows.campaign
    return ibis.cases(*_cases(rows, export.plays), else_=own) if export.plays else own


def _cases(rows: ir.Table, plays: Mapping[str, str]) -> list[tuple[ir.BooleanValue, str]]:
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
    key = key.lower() if users.md5 else key
    known = people.select(key_=key, user_id=text(people, "user_id")).distinct()
    known = known.filter(_.key_.notnull(), _.user_id.notnull())
    known = known.mutate(shared_=_.user_id.count().over(ibis.window(group_by="key_")) > 1)
    recipient = rows.person if users.id else rows.address
    joined = rows.left_join(known, recipient == known.key_)
    whole = joined.mutate(is_shared=_.shared_.fill_null(False))
    return whole.drop("key_", "shared_", "person", "address")
