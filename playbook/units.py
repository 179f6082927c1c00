"""Who is counted: what users, accounts and sessions did, and the columns to break down by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.coverage import UNIT_COLUMN
from playbook.mistakes import Mistake, listed, nearest
from playbook.tables import Tables

WEEK = "week"  # a column to break down by that comes from the start, not from the unit


def rows(tables: Tables, unit: str, *, hold: str | None = None) -> ir.Table:
    """What units did: one row per event of an identified unit.

    Bots and internal people are left out here, and only here; so are accounts that hold
    nobody else.

    Returns:
        `unit`, `event`, `at` (UTC), `user_id`, and `held`: the property that an attempt holds
        constant (a constant itself where there is none).
    """
    column = UNIT_COLUMN[unit]
    real = tables.events.filter(~_.is_bot, ~_.is_internal, _[column].notnull())
    if unit == "account":
        # Some events of an account name no person. They count unless all who are known to have
        # acted in it are bots or internal: an account where nobody acts is an account, too.
        known = tables.events.filter(_[column].notnull(), _.user_id.notnull())
        others = known.filter(_.is_bot | _.is_internal).select(column).distinct()
        people = known.filter(~_.is_bot, ~_.is_internal).select(column).distinct()
        real = real.anti_join(others.anti_join(people, column), column)
    if hold:
        real = real.filter(_[hold].notnull())
    return real.select(
        unit=column, held=hold or ibis.literal(""), event="event", at="at", user_id="user_id"
    )


def things(tables: Tables, property: str) -> ir.Table:
    """What happened to things, whoever or whatever did it: one row per event that names one.

    Returns:
        `held` (the thing), `event`, `at` (UTC).
    """
    real = tables.events.filter(~_.is_bot, ~_.is_internal, _[property].notnull())
    return real.select(held=property, event="event", at="at")


def traits(tables: Tables, unit: str, columns: Sequence[str]) -> ir.Table:
    """The columns to break down by: one row per unit, `unit` and `columns`.

    An account has the traits of the person who came first, and its own; a session those of
    its person. They are read as the product keeps them, which is the start for what people
    say at sign-up.
    """
    wanted = [column for column in columns if column != WEEK]
    match unit:
        case "user":
            return _users(tables, wanted).select(*wanted, unit="user_id")
        case "account":
            return _accounts(tables, wanted)
        case "session":
            owner = (
                tables.events.filter(_.session_id.notnull(), _.user_id.notnull())
                .group_by(unit="session_id")
                .aggregate(user_id=_.user_id.max())
            )
            people = _users(tables, wanted).select("user_id", *wanted)
            return owner.left_join(people, "user_id").select("unit", *wanted)
    raise AssertionError(unit)


def among(traits_: ir.Table, values: Mapping[str, Sequence[str]]) -> ir.Table:
    """The units whose traits have these values: one row per unit, `unit`."""
    chosen = traits_
    for column, accepted in values.items():
        chosen = chosen.filter(_[column].isin(list(accepted)))
    return chosen.select("unit")


def _users(tables: Tables, columns: Sequence[str]) -> ir.Table:
    _check("users", tables.users, columns)
    return tables.users


def _accounts(tables: Tables, columns: Sequence[str]) -> ir.Table:
    own = [
        column
        for column in columns
        if tables.accounts is not None and column in tables.accounts.columns
    ]
    others = [column for column in columns if column not in own]
    if own and not others:
        return tables.accounts.select(*own, unit="account_id")
    _check("users", tables.users, others)
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


def _check(name: str, table: ir.Table | None, columns: Sequence[str]) -> None:
    there = table.columns if table is not None else ()
    lacking = [column for column in columns if column not in there]
    if table is None or lacking:
        raise Mistake(
            f"Table `{name}` lacks the column(s) {listed(lacking or ['user_id'])}.",
            f"It has: {listed(there)}.",
            nearest(lacking[0], there) if lacking and there else f"map `{name}` in product.yaml.",
        )
