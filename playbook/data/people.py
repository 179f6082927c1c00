"""Whose an event or a message is: the account of its user, where it names none itself."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

PERSON = ("user_id_", "account_id_", "internal_")  # of a row's user, beside its own columns


def addressed(messages: ir.Table, users: ir.Table) -> ir.Table:
    """Messages with the account of their user where they name none."""
    joined = _with_person(messages, users)
    found = joined.mutate(account_id=_.account_id.coalesce(_.account_id_))
    # Named, not dropped: Ibis writes what it drops in another order each time.
    return found.select(*messages.columns)


def with_account_of_user(events: ir.Table, users: ir.Table | None) -> ir.Table:
    """Events with the account of their user where they name none, and whether it is one of us."""
    if users is None:
        return events.mutate(is_internal=ibis.literal(False), is_inferred=ibis.literal(False))
    return (
        _with_person(events, users)
        .mutate(
            is_inferred=_.account_id.isnull() & _.account_id_.notnull(),
            account_id=_.account_id.coalesce(_.account_id_),
            is_internal=_.internal_.fill_null(False),
        )
        .drop(*PERSON)
    )


def _with_person(table: ir.Table, users: ir.Table) -> ir.Table:
    """Rows with what `users` says of their user, in the columns `PERSON`; null if unknown."""
    people = users.select(user_id_="user_id", account_id_="account_id", internal_="is_internal")
    return table.left_join(people, table.user_id == people.user_id_)
