"""The log of a product's own: a table of events, or a table for each event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from playbook.beginning.asking import Ask
from playbook.beginning.columns import (
    EVENTS,
    NO_TIME,
    WEAK,
    candidates,
    columns_by_name,
    fitting,
    is_event,
    is_row_id,
    properties,
    recognised,
    times_of,
)
from playbook.beginning.looking import Column, Table, asked, counted, is_plain
from playbook.beginning.maps import Found, Map
from playbook.data import keys
from playbook.data.warehouse import Warehouse
from playbook.language.mistakes import Mistake, listed

COUNTED = 8  # tables that are looked into
LOGS = (
    "events",
    "event_log",
    "event",
    "tracks",
    "log",
    "logs",
    "activity",
    "activities",
    "actions",
)
OPTIONAL = ("account_id", "session_id", "received_at", "sent_at", "source", "app_version")
OPTIONAL += ("user_agent", "is_bot")


@dataclass(frozen=True)
class Log:
    """A table that may be a log, and which of its columns is which."""

    table: Table
    roles: Mapping[str, Column]

    @property
    def spelling(self) -> tuple[tuple[str, str, str | None], ...]:
        """How its columns are called and written: logs that agree in it are one."""
        return tuple((role, c.name, c.clock) for role, c in self.roles.items())

    @property
    def order(self) -> tuple:
        """The likeliest log comes first."""
        weak = self.roles["event"].plain in WEAK or self.roles["event"].plain not in EVENTS["event"]
        unnamed = self.roles["user_id"].plain not in EVENTS["user_id"]
        place = LOGS.index(self.table.last) if self.table.last in LOGS else len(LOGS)
        return weak, unnamed, -(self.table.rows or 0), place, self.table.name


def own_log(tables: Sequence[Table], warehouse: Warehouse, ask: Ask) -> Found | None:
    """The log among tables of nobody's vendor; None if none is one table with all events."""
    likely = sorted((t for t in tables if _score(t) > 0), key=lambda t: (-_score(t), t.name))
    seen = [t for t in (counted(t, warehouse) for t in likely[:COUNTED]) if t and t.rows]
    found = sorted(filter(None, map(_log_in, seen)), key=lambda log: log.order)
    if not found:
        return None
    first = found[0]
    if len(found) > 1:
        names = [log.table.name for log in found]
        why = f"{first.table.rows:,} rows with time, event and person"
        name = ask("Which table is the log of events?", names, why)
        first = next(log for log in found if log.table.name == name)
    first = _asked_roles(first, ask)
    also = [log for log in found if log is not first and _is_another(log, first, warehouse)]
    return _found([first, *also], [log for log in found if log not in (first, *also)])


def refuse(tables: Sequence[Table], left_out: Sequence[str], warehouse: Warehouse) -> Mistake:
    """That no table is a log, and what the likeliest one lacks."""
    names = listed(table.name for table in tables[:12])
    more = f" and {len(tables) - 12} more" if len(tables) > 12 else ""
    lost = f" Left out: {listed(left_out[:6])}." if left_out else ""
    return Mistake(
        "No table of the warehouse looks like a log of events, with rows in it.",
        f"It has: {names}{more}.{_lacking(tables, warehouse)}{lost}",
        "a log says who (an id of a person or a device, no address), what (a text of few values, "
        "or one table for each event) and when. If yours does, copy params/airtouch, and name its "
        "columns in product.yaml.",
    )


def _lacking(tables: Sequence[Table], warehouse: Warehouse) -> str:
    """What the likeliest table lacks to be a log, in a sentence; "" if none is likely."""
    likely = sorted((t for t in tables if _score(t) > 2), key=lambda t: (-_score(t), t.name))
    table = counted(likely[0], warehouse) if likely else None
    if table is None:
        return ""
    ids = candidates(table, EVENTS["user_id"] + EVENTS["anonymous_id"], lambda c: c.may_be_id)
    lacks = {
        "rows": table.rows,
        "a column that is a time in every row": not table.rows or _times_in(table),
        "a text of few values": not table.rows or _events_in(table),
        "an id of people": not table.rows or ids,
    }
    told = listed(what for what, there in lacks.items() if not there)
    return f" `{table.name}` lacks {told}." if not all(lacks.values()) else ""


def id_of_rows(table: Table, roles: Mapping[str, Column]) -> dict[str, Any]:
    """What makes the ids of events that have none: all that tells two rows apart."""
    if "event_id" in roles:
        return {}
    return {
        "id_of": [c.name for c in table.columns if is_plain(c.kind) and c.filled and not c.inside]
    }


def _score(table: Table) -> int:
    """How much the names and types of a table's columns look like a log's; 0: it can be none."""
    when = [c for c in table.columns if c.kind.is_timestamp() or c.kind.is_date()]
    named = candidates(table, EVENTS["at"], lambda _c: True)
    what = candidates(table, EVENTS["event"], lambda c: c.kind.is_string())
    who = candidates(table, EVENTS["user_id"] + EVENTS["anonymous_id"], lambda _c: True)
    texts = any(c.kind.is_string() for c in table.columns)
    if not (when or named) or not texts or len(table.columns) < 3:
        return 0
    strong = bool(what) and what[0].plain not in WEAK
    return 1 + 4 * strong + 2 * bool(who) + bool(what) + bool(named) + (table.last in LOGS)


def _log_in(table: Table) -> Log | None:
    """Which column of a counted table says what, when and who; None if one of them is lacking."""
    whats, whens = _events_in(table), _times_in(table)
    for what in whats:
        for when in whens:
            if roles := _with_person(table, {"event": what, "at": when}):
                return Log(table, roles)
    return None


def _events_in(table: Table) -> list[Column]:
    named = candidates(table, EVENTS["event"], is_event)
    private = {*EVENTS["user_id"], *EVENTS["anonymous_id"], *EVENTS["source"], "url", "country"}
    others = [c for c in table.columns if is_event(c) and c.distinct > 1 and c not in named]
    others = [c for c in others if c.plain not in private and not c.plain.endswith("_id")]
    return named or sorted(others, key=lambda c: (c.distinct, c.name))


def _times_in(table: Table) -> list[Column]:
    fits = fitting("at", "events")
    named = candidates(table, EVENTS["at"], fits)
    others = [c for c in table.columns if fits(c) and not any(n in c.plain for n in NO_TIME)]
    return named or [c for c in others if not c.kind.is_integer()] or others


def _with_person(table: Table, roles: dict[str, Column]) -> dict[str, Column] | None:
    """The roles of a log with those of its ids; None if nobody is named."""
    taken = {column.name for column in roles.values()}
    named = _strong(roles["event"])

    def repeats(column: Column) -> bool:
        again = column.distinct < column.filled or (named and column.distinct > 1)
        return column.may_be_id and column.name not in taken and (again or column.filled == 1)

    who = candidates(table, EVENTS["user_id"], repeats)
    who = who or _unnamed(table, roles["event"], repeats)
    device = candidates(table, EVENTS["anonymous_id"], repeats)
    if not who and not device:
        return None
    roles = {**roles, "user_id": (who or device)[0]}
    if device and device[0] != roles["user_id"]:
        roles["anonymous_id"] = device[0]
    taken = {column.name for column in roles.values()}
    roles |= columns_by_name(table, "events", {n: EVENTS[n] for n in OPTIONAL}, taken)
    taken = {column.name for column in roles.values()}

    def tells(column: Column) -> bool:
        return column.name not in taken and is_row_id(column, table)

    if ids := candidates(table, EVENTS["event_id"], tells):
        roles["event_id"] = ids[0]
    return {role: roles[role] for role in EVENTS if role in roles}


def _strong(event: Column) -> bool:
    return event.plain in EVENTS["event"] and event.plain not in WEAK


def _unnamed(table: Table, event: Column, repeats: Callable[[Column], bool]) -> list[Column]:
    """Columns of no known name that may be people: ids that come again and again."""
    known = {name for role, names in EVENTS.items() if role != "user_id" for name in names}
    found = [c for c in table.columns if repeats(c) and c.plain not in known and c.distinct > 2]
    found = [c for c in found if c.clock is None and not c.kind.is_floating()]
    found = [c for c in found if c.distinct > 2 * event.distinct]
    return sorted(found, key=lambda c: (not c.plain.endswith("id"), -c.distinct, c.name))


def _asked_roles(log: Log, ask: Ask) -> Log:
    """The log with the columns that whoever is asked names, where several are called so."""
    table, roles = log.table, dict(log.roles)
    for role, all_of in (("event", _events_in(table)), ("at", _times_in(table))):
        sure = roles[role].plain in EVENTS[role] and roles[role].plain not in WEAK
        names = [c.name for c in all_of if c.name not in {r.name for r in roles.values()}]
        if names and not sure:
            what = {"event": "names the event", "at": "says when it was done"}[role]
            why = f"{roles[role].distinct:,} values"
            picked = ask(f"Which column of `{table.name}` {what}?", [roles[role].name, *names], why)
            roles[role] = table.column(picked)
    return replace(log, roles=roles)


def _is_another(log: Log, first: Log, warehouse: Warehouse) -> bool:
    """Whether a table is more of the same log, and no copy of it: none of its ids is there."""
    own = first.roles.get("event_id")
    if own is None or log.spelling != first.spelling:
        return False
    a, b = (warehouse.table(each.table.name) for each in (first, log))
    shared = b.select(id=keys.as_text(b[own.name])).semi_join(
        a.select(id=keys.as_text(a[own.name])), "id"
    )
    row = asked(shared.aggregate(n=shared.count()), warehouse)
    return bool(row) and row[0]["n"] == 0


def _found(logs: Sequence[Log], others: Sequence[Log]) -> Found:
    """The log's maps, a map for each table."""
    carried: dict[str, Column] = {}
    maps = []
    for log in logs:
        table, roles = log.table, dict(log.roles)
        own = {c.last: c for c in properties(table, [c.name for c in roles.values()])}
        carried |= own
        maps.append(Map("events", _says(log, own), tuple(_notes(log, own, others))))
    return Found("", tuple(maps), tuple(carried))


def _says(log: Log, own: Mapping[str, Column]) -> dict[str, Any]:
    ordered = dict(log.roles)
    columns = {role: c.name for role, c in ordered.items()}
    says = {"table": log.table.name, "columns": columns | {name: c.name for name, c in own.items()}}
    return says | times_of(ordered) | id_of_rows(log.table, log.roles)


def _notes(log: Log, own: Mapping[str, Column], others: Sequence[Log]) -> Iterator[str]:
    table = log.table
    yield f"The log: `{table.name}`, {table.rows:,} rows; {recognised(table, dict(log.roles))}"
    if own:
        yield f"Properties of its events: {', '.join(own)}."
    if log.roles["user_id"].plain not in EVENTS["user_id"]:
        yield "No column is called like an id of people: this one is the likeliest."
    if "event_id" not in log.roles:
        yield "No column is the id of a row: rows that agree in all of these are one event."
    if others:
        names = ", ".join(other.table.name for other in others)
        yield f"Others that look like logs are not mapped: {names}."
