"""A company as its tables tell: the log, who its people are, and by which column to break down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import ibis.expr.types as ir
from ibis import _

from playbook.beginning import people
from playbook.beginning.asking import Ask
from playbook.beginning.columns import EVENTS, KNOWN
from playbook.beginning.logs import own_log, refuse
from playbook.beginning.looking import Table, needed, tables_there
from playbook.beginning.maps import Found, Map
from playbook.beginning.questions import is_start
from playbook.beginning.tables_of_events import log_of_tables
from playbook.beginning.tools import exports_there
from playbook.beginning.vendors import CALLS, NAMES, OF_LOGS, by_device, vendors_log
from playbook.data import sources
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse, first_line
from playbook.declare import Declarations
from playbook.language.mistakes import Mistake
from playbook.language.portable import count_if

NOT_PEOPLE = CALLS - {"users", "accounts", "groups"}
SIGNED_UP = "signed_up"
# Messages and arms are mapped only where columns are called so.
FURTHER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "identities": {"anonymous_id": EVENTS["anonymous_id"], "user_id": ()},
    "messages": {"message_id": (), "user_id": (), "sent_at": (), "play": ("campaign",)},
    "assignments": {
        "play": ("experiment", "experiment_name", "test", "flag"),
        "arm": ("variant", "variation", "experiment_arm"),
        "unit_id": ("user_id",),
        "assigned_at": ("exposed_at", "enrolled_at"),
    },
}


@dataclass(frozen=True)
class Company:
    """What was found: the maps, the tables as they load, and the column of breakdowns."""

    found: Found
    tables: Tables
    by: tuple[str, str] = ("", "users have no column of few values")


def company_of(warehouse: Warehouse, ask: Ask, tell: Callable[[str], None]) -> Company:
    """The company whose tables stand in a warehouse.

    Raises:
        Mistake: No table is a log.
    """
    there, left_out = tables_there(warehouse, {*KNOWN, *OF_LOGS})
    log = vendors_log(there, warehouse) or own_log(there, warehouse, ask)
    log = log or log_of_tables(there, warehouse)
    if log is None:
        raise refuse(there, left_out, warehouse)
    alone = _loaded(replace(log, maps=log.of("events")), warehouse)
    company = _with_somebody(alone, warehouse)
    tell(_said(company.found))
    # Where devices stand for people, nobody is to be told from them.
    devices = log.of("identities") if company is alone else ()
    company = _with_units(company, devices, there, warehouse, ask, tell)
    company = _with_sign_ups(company, warehouse)
    log = company.found.mapped(table.name for table in there)
    log = [name for name, to in log.items() if to in ("events", "identities")]
    users, ids = next(iter(company.found.of("users")), None), _ids(company, "user_id", warehouse)
    exports, unread = exports_there(there, users, ids, warehouse, log)
    company = replace(company, found=replace(company.found, notes=(*company.found.notes, *unread)))
    if exports:
        tell(f"messages: {', '.join(each.says['vendor'] for each in exports)}")
        company = replace(_loaded(company.found.adding(*exports), warehouse), by=company.by)
    taken = company.found.mapped(table.name for table in there)
    further = people.further_tables(there, taken, FURTHER)
    if further:
        more = _loaded(company.found.adding(*further), warehouse)
        company = replace(more, by=company.by)
    notes = _left(there, company.found, left_out)
    return replace(company, found=replace(company.found, notes=notes))


def _loaded(found: Found, warehouse: Warehouse) -> Company:
    """What loads of what was found: the log must; what else does not is left out, and said."""
    try:
        return Company(found, _tables(found, warehouse))
    except Mistake:
        log = replace(found, maps=found.of("events"))
        sofar, tables = log, _tables(log, warehouse)
    for each in (each for each in found.maps if each.to != "events"):
        try:
            tables = _tables(more := sofar.adding(each), warehouse)
        except Mistake as mistake:
            why = f"`{each.tables[0]}` is not mapped to `{each.to}`: {mistake.wrong}"
            sofar = replace(sofar, notes=(*sofar.notes, why))
        else:
            sofar = more
    return Company(sofar, tables)


def _tables(found: Found, warehouse: Warehouse) -> Tables:
    declared = Declarations(found.product("New"), (), (), (), ())
    try:
        tables = sources.tables_of(declared, warehouse)
        with sources.cast_failures(declared, warehouse):
            warehouse.connection.compile(tables.events)
        return tables
    except Mistake:
        raise
    except Exception as error:
        raise Mistake(
            "The tables cannot be read as they were understood.",
            f"The engine says: {first_line(error)}",
            "copy params/airtouch, and map your tables in its product.yaml by hand.",
        ) from None


def _with_somebody(company: Company, warehouse: Warehouse) -> Company:
    """The company, with devices in the place of people if its log knows nobody by name."""
    events = company.tables.events
    row = needed(events.aggregate(n=_.count(), known=count_if(_.user_id.notnull())), warehouse)[0]
    if row["known"] or not row["n"]:
        return company
    devices = by_device(company.found)
    return _loaded(devices, warehouse) if devices else company


def _ids(company: Company, column: str, warehouse: Warehouse) -> ir.Table:
    """The ids of people or accounts that the log names, or else the users' table."""
    events = company.tables.events
    own = events.filter(events[column].notnull()).select(id=events[column]).distinct()
    return warehouse.keep(own, f"begin_{column}")


def _with_units(
    company: Company,
    more: Sequence[Map],
    there: Sequence[Table],
    warehouse: Warehouse,
    ask: Ask,
    tell: Callable[[str], None],
) -> Company:
    """The company with `more` maps, its users and its accounts, where tables have them."""
    by, log = company.by, company.found.mapped(table.name for table in there)
    free = [table for table in there if table.name not in log and table.last not in NOT_PEOPLE]
    added = list(more)
    for to, key in (("users", "user_id"), ("accounts", "account_id")):
        joined = people.table_of_units(to, free, _ids(company, key, warehouse), warehouse, ask)
        if joined and to == "users":
            added.append(people.map_of_users(joined, warehouse))
            by = people.breakdown(added[-1], joined.table)
        elif joined:
            added.append(people.map_of_accounts(joined))
        if joined:
            share = f"{joined.share:.0%} of the log's ids have a row there"
            tell(f"{to}: `{joined.table.name}`, {share}")
            free = [table for table in free if table.name != joined.table.name]
        if added:
            company = _loaded(company.found.adding(*added), warehouse)
            added = []
    mapped = {column for each in company.found.of("users") for column in each.says["columns"]}
    return replace(company, by=by if by[0] in mapped else ("", by[1]))


def _with_sign_ups(company: Company, warehouse: Warehouse) -> Company:
    """The company with sign-ups as events, where the log has none and the users' table does."""
    users = next(iter(company.found.of("users")), None)
    if users is None or "signed_up_at" not in users.says["columns"] or "newest" in users.says:
        return company
    names = company.tables.events.group_by("event").aggregate(n=_.count())
    if any(is_start(row["event"]) for row in needed(names, warehouse) if row["event"]):
        return company
    columns = users.says["columns"]
    ids = {"event_id": columns["user_id"], "user_id": columns["user_id"]}
    says = {"table": users.says["table"], "columns": ids | {"at": columns["signed_up_at"]}}
    if clock := users.says.get("times", {}).get("signed_up_at"):
        says["times"] = {"at": clock}
    note = "No event is called like a sign-up: the table of users tells when people began."
    each = Map("events", says | {"constants": {"event": SIGNED_UP}}, (note,))
    log = company.found.of("events")
    others = tuple(m for m in company.found.maps if m.to != "events")
    try:
        found = replace(company.found, maps=(*log, each, *others))
        return replace(Company(found, _tables(found, warehouse)), by=company.by)
    except Mistake:
        return company


def _left(there: Sequence[Table], found: Found, left_out: Sequence[str]) -> tuple[str, ...]:
    """What is said of tables that are not mapped."""
    named = found.mapped(table.name for table in there)
    free = [table.name for table in there if table.name not in named]
    notes = list(found.notes)
    if free:
        more = f" and {len(free) - 20} more" if len(free) > 20 else ""
        notes.append(f"Not mapped: {', '.join(free[:20])}{more}.")
    if left_out:
        notes.append(f"Not read: {', '.join(left_out[:10])}.")
    return tuple(notes)


def _said(found: Found) -> str:
    whose = f"{NAMES[found.source]}: " if found.source else ""
    names = [name for each in found.of("events") for name in each.tables]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{whose}the log is {', '.join(names[:5])}{more}"
