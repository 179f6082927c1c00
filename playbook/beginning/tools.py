"""Exports of engagement tools, known by their tables: those that load, and name people of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook.adapters import exports
from playbook.beginning.looking import Table, asked
from playbook.beginning.maps import Map
from playbook.data.warehouse import Warehouse
from playbook.declare.export import Export
from playbook.declare.shape import vendors
from playbook.language.mistakes import Mistake
from playbook.language.portable import count_if

SURE = 3  # tables of one vendor's names are no accident
KNOWN = 0.1  # of a tool's messages, at least, are to somebody whom the log names


def exports_there(
    tables: Sequence[Table],
    users: Map | None,
    ids: ir.Table,
    warehouse: Warehouse,
    not_theirs: Collection[str],
) -> tuple[list[Map], list[str]]:
    """What `exports:` says of the tools whose tables are there, and why others are not read.

    No table is of two tools.

    Args:
        tables: Tables that may be a tool's.
        users: How our users are mapped: by their addresses, where a tool does not know our ids.
        ids: The log's ids, once each, as `id`.
        warehouse: Where they are.
        not_theirs: Tables that are the log.
    """
    found: list[Map] = []
    notes: list[str] = []
    for vendor, own in sorted(_possible(tables, not_theirs), key=lambda each: -len(each[1])):
        used = {table for each in found for table in each.tables}
        if used & {*own.values()}:
            continue
        said: dict[str, Any] = {"vendor": vendor}
        named = {given: name for given, name in own.items() if given != name}
        named |= dict.fromkeys({*exports.gives(vendor)} & ({*not_theirs} | used), "")
        said |= {"tables": named} if named else {}
        by_address = _by_address(users)
        try:
            n, known = _messages(said, ids, warehouse)
            if not known and by_address:
                said |= by_address
                n, known = _messages(said, ids, warehouse)
        except Mistake as mistake:
            if len(own) >= SURE:
                notes.append(f"{vendor} is not mapped: {mistake.wrong} Hint: {mistake.hint}")
            continue
        if n and known >= KNOWN * n:
            note = f"{known:,} of its {n:,} messages are to people of the log. Say under `plays:` "
            note += "which of its campaigns is which play."
            found.append(Map("exports", said, (note,), tuple(own.values())))
    return found, notes


def _possible(
    tables: Sequence[Table], not_theirs: Collection[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each vendor of whom a schema has tables, and what they are called here."""
    schemas: dict[str, dict[str, str]] = {}
    for table in (table for table in tables if table.name not in not_theirs):
        schema, _dot, name = table.name.rpartition(".")
        schemas.setdefault(schema, {})[name.lower()] = table.name
    for vendor in vendors():
        for names in schemas.values():
            if own := {given: names[given] for given in exports.gives(vendor) if given in names}:
                yield vendor, own


def _by_address(users: Map | None) -> dict[str, Any]:
    columns = users.says["columns"] if users else {}
    if "email_domain" not in columns:
        return {}
    told = {"user_id": columns["user_id"], "email": columns["email_domain"]}
    return {"users": {"table": users.says["table"], **told}}


def _messages(says: dict[str, Any], ids: ir.Table, warehouse: Warehouse) -> tuple[int, int]:
    """How many messages an export tells of, and how many of these are to people of the log."""
    export = Export(**says)
    if not export.users and "ids" not in exports.known_by(export.vendor):
        return 0, 0
    landed = exports.exported_tables([export], warehouse)["messages"]
    if not landed:
        return 0, 0
    both = landed[0].left_join(ids, landed[0].user_id == ids.id)
    row = asked(both.aggregate(n=_.count(), known=count_if(_.id.notnull())), warehouse)
    return (row[0]["n"], row[0]["known"]) if row else (0, 0)
