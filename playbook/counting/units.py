"""Who is counted: what users, accounts and sessions did, and the columns to break down by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.arrivals import UNIT_COLUMN, by_idleness
from playbook.data.tables import Tables
from playbook.data.versions import FROM, UNTIL, over_time
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import interval, words
from playbook.language.portable import count_if, joined, when

WEEK = "week"  # a column to break down by that comes from the start, not from the unit
IDLE = timedelta(minutes=30)  # after longer without an event of its person, a session is over


def rows(
    tables: Tables, unit: str, *, hold: Sequence[str] = (), keep: Sequence[str] = ()
) -> ir.Table:
    """What units did: one row per event of an identified unit.

    Bots and internal people are left out here, and only here; so are accounts that hold
    nobody else. Sessions that the source does not name are told by the 30-minute rule: see
    `with_sessions`.

    Returns:
        `unit`, `event`, `at` (UTC), `user_id`, and `held`: the properties that an attempt
        holds constant, as one text ("" where there is none); and the properties to `keep`.
    """
    column, events = UNIT_COLUMN[unit], events_of(tables, unit)
    real = events.filter(~_.is_bot, ~_.is_internal, _[column].notnull())
    if unit == "account":
        real = real.anti_join(unreal_accounts(tables), column)
    for held in hold:
        real = real.filter(_[held].notnull())
    held = _held_text(real, hold)
    return real.select(*keep, unit=column, held=held, event="event", at="at", user_id="user_id")


def unreal_accounts(tables: Tables) -> ir.Table:
    """Accounts where all who are known to have acted are bots or internal: `account_id`.

    Events that name no person count unless they are of such an account: one where nobody is
    known to act is an account, too.
    """
    known = tables.events.filter(_.account_id.notnull(), _.user_id.notnull())
    acted = known.group_by("account_id").aggregate(people=count_if(~_.is_bot & ~_.is_internal))
    return acted.filter(_.people == 0).select("account_id")


def with_sessions(events: ir.Table) -> ir.Table:
    """The events with the sessions that the 30-minute rule tells: `session_id` is "<person>|<n>",
    or "<device>|<n>|", so that a person and a device of one id share none.

    A session is over after more than 30 minutes without an event of the same person, or of the
    same device where no person is known; exactly 30 minutes later it still goes on. Events that
    name neither are in no session.
    """
    who, device = ["user_id", "device_"], when(_.user_id.isnull(), _.anonymous_id)
    known = events.mutate(device_=device)
    own = ibis.window(group_by=who, order_by="at")
    # Events of one moment are all counted at once, so that their order decides nothing.
    so_far = ibis.range_window(group_by=who, order_by="at", preceding=None, following=0)
    before = known.mutate(before_=_.at.lag().over(own))
    begins = before.mutate(
        begins_=ibis.ifelse(_.at <= _.before_ + interval(IDLE), 0, 1).fill_null(1)
    )
    counted = begins.mutate(n_=_.begins_.sum().over(so_far).cast("string"))
    of_device = _.device_ + "|" + _.n_ + "|"
    named = counted.mutate(session_id=ibis.coalesce(_.user_id + "|" + _.n_, of_device))
    return named.drop("device_", "before_", "begins_", "n_")


def session_rule(tables: Tables, unit: str) -> tuple[tuple[str, str], ...]:
    """What a definition says of sessions, as (word, value) pairs; nothing where they have ids."""
    if not by_idleness(tables, unit):
        return ()
    return (("sessions", f"over after more than {words(IDLE)} without an event of their person"),)


def among_rule(tables: Tables, columns: Collection[str]) -> tuple[tuple[str, str], ...]:
    """What a definition says of units that are chosen by copies over time, as such pairs."""
    kept = any(column in rows.columns for rows in tables.histories.values() for column in columns)
    return (("chosen by", "the newest row of each"),) if kept else ()


def _held_text(rows: ir.Table, properties: Sequence[str]) -> ir.StringValue:
    """The values of properties as one text."""
    values = [rows[name].cast("string") for name in properties]
    return joined(values, " | ") if values else ibis.literal("")


def things(tables: Tables, *properties: str) -> ir.Table:
    """What happened to things, whoever or whatever did it: one row per event that names one.

    Returns:
        `held` (the thing), `event`, `at` (UTC).
    """
    named = [_[name].notnull() for name in properties]
    real = tables.events.filter(~_.is_bot, ~_.is_internal, *named)
    return real.select(held=_held_text(real, properties), event="event", at="at")


def traits(tables: Tables, unit: str, columns: Sequence[str]) -> ir.Table:
    """The columns to break down by: one row per unit, `unit` and `columns`.

    A person has the columns of `users`, and else those of their account; an account its own, and
    else those of the person who came first; a session those of its person. They are read as the
    product keeps them, which is the start for what people say at sign-up; of copies over time,
    the newest.
    """
    wanted = [column for column in columns if column != WEEK]
    match unit:
        case "user":
            return _users(tables, wanted).select(*wanted, unit="user_id")
        case "account":
            return _accounts(tables, wanted)
        case "session":
            people = _users(tables, wanted).select("user_id", *wanted)
            return session_people(tables).left_join(people, "user_id").select("unit", *wanted)
    raise AssertionError(unit)


def traits_over_time(tables: Tables, unit: str, columns: Sequence[str]) -> list[ir.Table]:
    """The columns to break down by as they were: `unit`, some of them, and when they held.

    Where a table holds no copies over time, as `traits` has them.
    """
    wanted = [column for column in columns if column != WEEK]
    if not tables.histories:
        return [traits(tables, unit, wanted)]
    accounts = tables.accounts.columns if unit == "account" and tables.accounts is not None else ()
    own = [column for column in wanted if column in accounts]
    found = [_over_time(tables, "accounts", own, "account_id")] if own else []
    others = [column for column in wanted if column not in own]
    if not others:
        return found
    people = _over_time(tables, "users", others, "user_id")
    if unit == "account":
        of = traits(tables, unit, ["user_id"]).select(unit_="unit", user_="user_id")
    elif unit == "session":
        of = session_people(tables).select(unit_="unit", user_="user_id")
    else:
        return [*found, people]
    return [
        *found,
        of.join(people, of.user_ == people.unit).drop("unit", "user_").rename(unit="unit_"),
    ]


def _over_time(tables: Tables, name: str, columns: Sequence[str], key: str) -> ir.Table:
    table = getattr(tables, name)
    _refuse_unmapped(name, table, columns)
    if name not in tables.histories:
        return table.select(*columns, unit=key)
    held = over_time(tables.histories[name])
    return held.select(*columns, FROM, UNTIL, unit=key)


def session_people(tables: Tables) -> ir.Table:
    """Whose a session is: one row each, `unit` and `user_id`; none where nobody is known."""
    return (
        events_of(tables, "session")
        .filter(_.session_id.notnull(), _.user_id.notnull())
        .group_by(unit="session_id")
        .aggregate(user_id=_.user_id.max())
    )


def among(traits_: ir.Table, values: Mapping[str, Sequence[str]]) -> ir.Table:
    """The units whose traits have these values: one row per unit, `unit`."""
    chosen = traits_
    for column, accepted in values.items():
        chosen = chosen.filter(_[column].isin(list(accepted)))
    return chosen.select("unit")


def events_of(tables: Tables, unit: str) -> ir.Table:
    return with_sessions(tables.events) if by_idleness(tables, unit) else tables.events


def _users(tables: Tables, columns: Sequence[str]) -> ir.Table:
    """People with some columns, which are those of their account where `users` has none such."""
    theirs = [c for c in columns if tables.has("accounts", c) and not tables.has("users", c)]
    _refuse_unmapped("users", tables.users, [c for c in columns if c not in theirs])
    if not theirs:
        return tables.users
    own = tables.users.drop(*(c for c in theirs if c in tables.users.columns))
    return own.left_join(tables.accounts.select("account_id", *theirs), "account_id")


def _accounts(tables: Tables, columns: Sequence[str]) -> ir.Table:
    accounts = tables.accounts.columns if tables.accounts is not None else ()
    own = [column for column in columns if column in accounts]
    others = [column for column in columns if column not in own]
    if own and not others:
        return tables.accounts.select(*own, unit="account_id")
    _refuse_unmapped("users", tables.users, others)
    came_first = ibis.window(group_by="account_id", order_by=[_.signed_up_at, _.user_id])
    owners = (
        tables.users.filter(_.account_id.notnull(), ~_.is_internal)
        .mutate(place_=ibis.row_number().over(came_first))
        .filter(_.place_ == 0)
        .select("account_id", *others)
    )
    if own:
        owners = owners.left_join(tables.accounts.select("account_id", *own), "account_id")
    return owners.select(*columns, unit="account_id")


def _refuse_unmapped(name: str, table: ir.Table | None, columns: Sequence[str]) -> None:
    there = table.columns if table is not None else ()
    lacking = [column for column in columns if column not in there]
    if table is None or lacking:
        raise Mistake(
            f"Table `{name}` lacks the column(s) {listed(lacking or ['user_id'])}.",
            f"It has: {listed(there)}.",
            nearest(lacking[0], there) if lacking and there else f"map `{name}` in product.yaml.",
        )
