"""The log of a product that has a table for each event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playbook.beginning.columns import (
    EVENTS,
    MOST_PROPERTIES,
    NO_TIME,
    ROW_IDS,
    candidates,
    columns_by_name,
    fitting,
    is_row_id,
    properties,
    times_of,
)
from playbook.beginning.logs import OPTIONAL, id_of_rows
from playbook.beginning.looking import Column, Table, counted
from playbook.beginning.looking import asked as asked_of
from playbook.beginning.maps import Found, Map
from playbook.data import keys
from playbook.data.warehouse import Warehouse
from playbook.language.portable import united

MOST_TABLES = 60
PEOPLE = ("users", "user", "people", "customers", "members", "accounts", "profiles", "contacts")
PEOPLE += ("identifies", "companies", "organizations", "workspaces", "teams", "persons")
One = tuple[Table, dict[str, Column]]


def log_of_tables(tables: Sequence[Table], warehouse: Warehouse) -> Found | None:
    """The log that tables of single events are together; None if there are no two of them."""
    groups: dict[tuple[str, str], list[Table]] = {}
    for table in tables:
        who = candidates(table, EVENTS["user_id"] + EVENTS["anonymous_id"], lambda _c: True)
        when = candidates(table, EVENTS["at"], lambda _c: True) or _timed(table)
        if who and when and table.last not in PEOPLE:
            groups.setdefault((who[0].name, when[0].name), []).append(table)
    if not groups:
        return None
    largest = min(groups, key=lambda key: (-len(groups[key]), key))
    asked = sorted(groups[largest], key=lambda table: table.name)
    seen = [t for t in (counted(t, warehouse) for t in asked[:MOST_TABLES]) if t and t.rows]
    found = [(table, roles) for table in seen if (roles := _roles(table))]
    if len(found) < 2:
        return None
    alike = _alike(found, asked, tables) if _have_own_ids(found, warehouse) else None
    return alike or _one_by_one(found, asked)


def _timed(table: Table) -> list[Column]:
    times = [c for c in table.columns if c.kind.is_timestamp() or c.kind.is_date()]
    return [c for c in times if not any(part in c.plain for part in NO_TIME)]


def _roles(table: Table) -> dict[str, Column]:
    """Which column says who and when; nothing if one of them is lacking."""
    ids = ("user_id", "anonymous_id")
    found = columns_by_name(table, "events", {n: EVENTS[n] for n in (*ids, "at", *OPTIONAL)})
    if "at" not in found and (times := [c for c in _timed(table) if fitting("at", "events")(c)]):
        found["at"] = times[0]
    if "user_id" not in found and "anonymous_id" in found:
        found["user_id"] = found.pop("anonymous_id")
    if not {"user_id", "at"} <= {*found}:
        return {}
    taken = {column.name for column in found.values()}

    def tells(column: Column) -> bool:
        return column.name not in taken and is_row_id(column, table)

    if own := candidates(table, EVENTS["event_id"], tells):
        found["event_id"] = own[0]
    return found


def _have_own_ids(found: Sequence[One], warehouse: Warehouse) -> bool:
    """Whether no two events of any of the tables have the same id."""
    ids = [(table.name, roles["event_id"].name) for table, roles in found if "event_id" in roles]
    if len(ids) < len(found):
        return False
    rows = [(warehouse.table(name), column) for name, column in ids]
    every = united([table.select(id=keys.as_text(table[column])) for table, column in rows])
    row = asked_of(every.aggregate(n=every.count(), ids=every.id.nunique()), warehouse)
    return bool(row) and row[0]["ids"] >= ROW_IDS * row[0]["n"]


def _alike(found: Sequence[One], asked: Sequence[Table], tables: Sequence[Table]) -> Found | None:
    """One map of all tables, where they are written alike and their ids are texts."""
    first = found[0][1]
    written = {role: (c.name, c.clock) for role, c in first.items()}
    alike = all({r: (c.name, c.clock) for r, c in roles.items()} == written for _t, roles in found)
    own = first.get("event_id")
    if not alike or own is None:
        return None
    names = [table.name for table, _roles in found]
    carried = _carried(found)
    columns = {role: c.name for role, c in first.items()} | carried
    named = _pattern(names, tables)
    says: dict[str, Any] = {"table": named or names, "from_name": "event", "columns": columns}
    note = f"The log: {len(found)} tables, one for each event, which has its name from the table."
    return Found(
        "", (Map("events", says | times_of(first), (note, *_rest(found, asked))),), tuple(carried)
    )


def _one_by_one(found: Sequence[One], asked: Sequence[Table]) -> Found:
    """A map of each table: their ids may be the same, or they are written differently."""
    maps, note = [], f"The log: {len(found)} tables, one for each event; their ids are their own."
    carried = _carried(found)
    for table, roles in found:
        own = {c.name for c in properties(table, [c.name for c in roles.values()])}
        columns = {role: c.name for role, c in roles.items()}
        columns |= {name: path for name, path in carried.items() if path in own}
        says = {
            "table": table.name,
            "columns": columns,
            "constants": {"event": table.name.rpartition(".")[2]},
        }
        notes = (note, *_rest(found, asked)) if not maps else ()
        maps.append(Map("events", says | times_of(roles) | id_of_rows(table, roles), notes))
    return Found("", tuple(maps), tuple(carried))


def _carried(found: Sequence[One]) -> dict[str, str]:
    """The names of properties, which tables spell alike → their columns."""
    named: dict[str, Column] = {}
    for table, roles in found:
        for column in properties(table, [c.name for c in roles.values()]):
            named.setdefault(column.last.lower(), column)
    return {c.last: c.name for c in list(named.values())[:MOST_PROPERTIES]}


def _rest(found: Sequence[One], asked: Sequence[Table]) -> list[str]:
    left = sorted({table.name for table in asked} - {table.name for table, _roles in found})
    more = f" and {len(left) - 10} more" if len(left) > 10 else ""
    return [f"Tables of this shape, not mapped: {', '.join(left[:10])}{more}."] if left else []


def _pattern(names: Sequence[str], tables: Sequence[Table]) -> str:
    """The pattern of names that begin alike, if no other table's name begins so."""
    shared = names[0]
    while shared and not all(name.startswith(shared) for name in names):
        shared = shared[:-1]
    shared = shared[: shared.rfind("_") + 1]
    others = {table.name for table in tables if table.name.startswith(shared)} - {*names}
    dotted = any("." in name[len(shared) :] for name in names)
    return f"{shared}*" if len(shared) > 3 and not others and not dotted else ""
