"""Things that units make, such as workflows: what happened to them, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.arrivals import UNIT_COLUMN
from playbook.data.tables import Tables


def owned(
    tables: Tables, property: str, goal: str, *, unit: str, by: Sequence[str] = ()
) -> ir.Table:
    """What happened to things, with the traits of those whom they belong to.

    A thing belongs to the unit that first did `goal` with it. Where that event names no such
    unit, as when a system runs the thing, it has the traits of the event's account; where it
    names none either, its traits are unknown. Of several units at the same moment it is the one
    whose id comes first.

    Args:
        tables: The canonical tables.
        property: The column of events that names the thing.
        goal: The event that makes a thing somebody's.
        unit: Whose traits are meant: user, account or session.
        by: The traits.

    Returns:
        One row per event that names a thing: `held` (the thing), `event`, `at` (UTC), and `by`.
    """
    rows = units.things(tables, property)
    if not by:
        return rows
    owners = _owners(tables, property, goal, unit)
    own = units.traits(tables, unit, by).select(*by, unit_="unit")
    joined = owners.left_join(own, owners.unit == own.unit_)
    if unit == "account":
        return rows.left_join(joined.select("held", *by), "held").drop("held_right")
    accounts = units.traits(tables, "account", by)
    accounts = accounts.select(account_="unit", **{f"account_{c}": c for c in by})
    joined = joined.left_join(accounts, joined.account == accounts.account_)
    named = joined.unit.notnull()
    traits = {c: ibis.ifelse(named, joined[c], joined[f"account_{c}"]) for c in by}
    return rows.left_join(joined.select("held", **traits), "held").drop("held_right")


def _owners(tables: Tables, property: str, goal: str, unit: str) -> ir.Table:
    """One row per thing with the goal: `held`, and the `unit` and `account` that first did it."""
    real = (
        units.events_of(tables, unit)
        .filter(~_.is_bot, ~_.is_internal, _[property].notnull(), _.event == goal)
        .select(held=property, at="at", unit=UNIT_COLUMN[unit], account="account_id")
    )
    firsts = real.mutate(first_at=_.at.min().over(ibis.window(group_by="held")))
    return (
        firsts.filter(_.at == _.first_at)
        .group_by("held")
        .aggregate(unit=_.unit.min(), account=_.account.min())
    )
