"""The tables of users and accounts: those whose ids are the log's, one row each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from playbook.beginning.asking import Ask
from playbook.beginning.columns import (
    ACCOUNTS,
    EVENTS,
    USERS,
    candidates,
    columns_by_name,
    recognised,
    times_of,
    traits,
)
from playbook.beginning.looking import Column, Table, asked, counted, value_of
from playbook.beginning.maps import Map
from playbook.data import keys
from playbook.data.warehouse import Warehouse
from playbook.language.portable import count_if

COUNTED = 6  # tables that are looked into
JOINS = 0.3  # of the log's ids, at least, have a row
ONE_EACH = 0.95  # of the rows, at least, have an id of their own
CALLED = {
    "users": (
        *("users", "user", "people", "persons", "profiles", "customers", "members", "contacts"),
        "people_data",
    ),
    "accounts": (
        "accounts",
        "account",
        "workspaces",
        "organizations",
        "organisations",
        "companies",
    ),
}
CALLED["accounts"] += ("orgs", "teams", "tenants", "groups")
IDS = {
    "users": ("user_id", "id", *EVENTS["user_id"]),
    "accounts": ("account_id", "id", *EVENTS["account_id"]),
}
NEWER = ("updated_at", "modified_at", "last_updated", "updated")
STAFF = ("admin", "administrator", "member", "owner", "viewer", "editor", "guest", "user")


@dataclass(frozen=True)
class Joined:
    """A table that may be users or accounts: its id, and how many of the log's ids it has."""

    table: Table
    id: Column
    share: float


def table_of_units(
    to: str, tables: Sequence[Table], ids: ir.Table, warehouse: Warehouse, ask: Ask
) -> Joined | None:
    """The table with one row for each user, or account, of the log; None if there is none.

    Args:
        to: `users` or `accounts`.
        tables: Tables that may be it.
        ids: The log's ids, once each, as `id`.
        warehouse: Where they are.
        ask: Tells which, where several are.
    """
    likely = sorted(
        (t for t in tables if _score(to, t)), key=lambda table: (-_score(to, table), table.name)
    )
    found = [_joined(to, table, ids, warehouse) for table in likely[:COUNTED]]
    known = [each for each in found if each]
    if not known:
        return None
    known.sort(key=lambda each: (-round(each.share, 2), -_score(to, each.table), each.table.name))
    if len(known) == 1:
        return known[0]
    why = f"{known[0].share:.0%} of the log's ids have a row there"
    name = ask(f"Which table is that of {to}?", [each.table.name for each in known], why)
    return next(each for each in known if each.table.name == name)


def map_of_users(joined: Joined, warehouse: Warehouse) -> Map:
    """How the table becomes `users`: what is known by name, and traits of few values."""
    table, taken = joined.table, [joined.id.name]
    found = columns_by_name(table, "users", USERS, taken)
    for name in {"account_id", "signed_up_at"} & {*found}:
        if found[name].distinct == 1 < (table.rows or 0):
            del found[name]  # of whoever loaded the table, and of nobody in it
    persona = found.get("persona")
    if persona and persona.plain == "role" and _is_rank(table, persona, warehouse):
        found["role"] = found.pop("persona")
    return _map("users", "user_id", joined, found)


def map_of_accounts(joined: Joined) -> Map:
    """How the table becomes `accounts`."""
    found = columns_by_name(joined.table, "accounts", ACCOUNTS, [joined.id.name])
    return _map("accounts", "account_id", joined, found)


def breakdown(users: Map | None, table: Table | None) -> tuple[str, str]:
    """The column that a report is broken down by, and why; "" if users have none."""
    if users is None or table is None:
        return "", "users have no column of few values"
    columns = users.says["columns"]
    known = {canonical: table.column(c) for canonical, c in columns.items()}
    good = {n: c for n, c in known.items() if 2 <= c.distinct <= 12 and n not in ("user_id",)}
    good = {n: c for n, c in good.items() if c.filled * 2 >= (table.rows or 0)}
    good = {n: c for n, c in good.items() if c.clock is None and n not in ("email_domain",)}
    first = [n for n in ("persona", "intent", "acquisition", "role", "plan") if n in good]
    for name in (*first, *sorted(set(good) - {"account_id", "invited_by", "is_internal"})):
        return name, f"it has {good[name].distinct} values"
    return "", "users have no column of few values"


def _score(to: str, table: Table) -> int:
    """How much a table is called like one of units; 0: it has no id of them."""
    if not candidates(table, IDS[to], lambda _c: True):
        return 0
    named = table.last in CALLED[to]
    ends = table.last.endswith(CALLED[to])
    also = {*USERS} - {"account_id"} if to == "users" else {*ACCOUNTS}
    wanted = USERS if to == "users" else ACCOUNTS
    known = sum(bool({*wanted[column]} & table.names) for column in also)
    return 20 * named + 10 * ends + known if named or ends or known > 1 else 0


def _joined(to: str, table: Table, ids: ir.Table, warehouse: Warehouse) -> Joined | None:
    seen = counted(table, warehouse)
    if seen is None or not seen.rows:
        return None
    newer = candidates(seen, NEWER, lambda c: c.clock is not None)

    def one_each(column: Column) -> bool:
        twice = table.last in CALLED[to] and column.distinct * 2 >= column.filled
        alone = twice or column.distinct >= ONE_EACH * column.filled
        alone |= bool(column.inside) and "distinct_id" in seen.names  # a row for each of their ids
        return column.may_be_id and (alone or bool(newer)) and column.filled * 2 >= seen.rows

    best = None
    for column in candidates(seen, IDS[to], one_each)[:2]:
        share = _share(seen, column, ids, warehouse)
        if share >= JOINS and (best is None or share > best.share):
            best = Joined(seen, column, share)
    return best


def _share(table: Table, column: Column, ids: ir.Table, warehouse: Warehouse) -> float:
    """The share of the log's ids that a column of a table has."""
    rows = warehouse.table(table.name)
    own = rows.select(own=keys.as_text(value_of(column, table, warehouse))).distinct()
    both = ids.left_join(own, ids.id == own.own)
    row = asked(both.aggregate(n=both.count(), known=count_if(both.own.notnull())), warehouse)
    return row[0]["known"] / row[0]["n"] if row and row[0]["n"] else 0.0


def _is_rank(table: Table, column: Column, warehouse: Warehouse) -> bool:
    """Whether a column named `role` says what people may do, and not who they are."""
    rows = warehouse.table(table.name)
    rank = count_if(value_of(column, table, warehouse).lower().isin(STAFF))
    row = asked(rows.aggregate(n=rank), warehouse)
    return bool(row) and row[0]["n"] * 2 >= column.filled


def _map(to: str, key: str, joined: Joined, found: dict[str, Column]) -> Map:
    table, own = joined.table, {key: joined.id, **found}
    taken = [column.name for column in own.values()]
    further = {c.last: c for c in traits(table, to, taken)}
    columns = {canonical: c.name for canonical, c in (own | further).items()}
    says: dict[str, Any] = {"table": table.name, "columns": columns, **times_of(own)}
    if joined.id.filled < (table.rows or 0):
        says["must_have"] = [key]
    notes = [f"{joined.share:.0%} of the log's ids have a row here; {recognised(table, own)}"]
    if further:
        notes.append(f"Traits, of few values: {', '.join(further)}.")
    if joined.id.distinct < joined.id.filled:
        newer = candidates(table, NEWER, lambda c: c.clock is not None)
        if newer:
            says["newest"] = newer[0].name
            notes.append(f"Some ids have several rows: the newest by `{newer[0].name}` counts.")
    return Map(to, says, tuple(notes))


def further_tables(
    tables: Sequence[Table], taken: Collection[str], wanted: Mapping[str, Mapping[str, Any]]
) -> list[Map]:
    """Tables of identities, messages and arms, where their columns are called as ours are."""
    from playbook.data.tables import COLUMNS

    found = []
    for table in (t for t in tables if t.name not in taken):
        is_log = bool({*EVENTS["event"]} & table.names)
        for to, needed in wanted.items():
            if is_log and to == "identities":
                continue
            own = {c.plain: c.name for c in table.columns if c.plain in COLUMNS[to]}
            own |= {to_: own_ for to_, own_ in _called(table, needed).items() if to_ not in own}
            if {*needed} <= {*own} and to not in {each.to for each in found}:
                says: dict[str, Any] = {"table": table.name, "columns": own}
                found.append(Map(to, says, ("Its columns are called as ours are.",)))
    return found


def _called(table: Table, needed: Mapping[str, Any]) -> dict[str, str]:
    named = {c.plain: c.name for c in table.columns}
    return {
        column: next(named[name] for name in names if name in named)
        for column, names in needed.items()
        if any(name in named for name in names)
    }
