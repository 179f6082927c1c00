"""Who is older than the log: units that began before it saw what is asked of them.

What such a unit did first is not in the log. Where an answer rests on that, it is left out: it
is neither new, nor has it failed to do what nobody could see.
"""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.arrivals import CLOCKS, UNIT_COLUMN
from playbook.data.tables import Tables
from playbook.language.periods import moment
from playbook.language.portable import count_if, united
from playbook.run import Run, fetched


def counted_from(run: Run, *events: str) -> datetime:
    """From when on units count whose events these are: since when all of these are in the log,
    less what clocks may differ by."""
    return run.observed_since(*events) - CLOCKS


def rests_on_age(run: Run, unit: str, start: str, before: datetime, *, always: bool) -> bool:
    """Whether units are to be left out that began before a moment.

    Are there any, and is the start a beginning? A sign-up is, of which a unit has one. Who opens
    the editor once more counts, however old.

    Args:
        run: The run.
        unit: Who is counted.
        start: The event that lets them in.
        before: The moment.
        always: Whether each start is taken for a beginning.
    """
    if not _tells_age(run.tables, unit):
        return False

    def counted() -> int:
        return fetched(older(run.tables, unit, before).aggregate(n=_.count()))[0]["n"]

    return run.remembered(("older", unit, before), counted) > 0 and (
        always or _starts_once(run, unit, start)
    )


def older(tables: Tables, unit: str, before: datetime) -> ir.Table:
    """The units that began before a moment: one row per unit, `unit`.

    A person began when they signed up; an account when it was created, or its earliest member
    signed up.
    """
    column, found = UNIT_COLUMN[unit], []
    if tables.users is not None:
        early = tables.users.filter(_.signed_up_at < moment(before), _[column].notnull())
        if unit == "account":
            early = early.filter(~_.is_internal)
        found.append(early.select(unit=column))
    if unit == "account" and tables.accounts is not None:
        early = tables.accounts.filter(_.created_at < moment(before))
        found.append(early.select(unit="account_id"))
    return united(found).distinct()


def _tells_age(tables: Tables, unit: str) -> bool:
    """Whether the product's own tables say when units began; a session is as old as its events."""
    if unit == "account" and tables.has("accounts", "created_at"):
        return True
    column = {"user": "user_id", "account": "account_id"}.get(unit)
    return column is not None and tables.has("users", "signed_up_at", column)


def _starts_once(run: Run, unit: str, start: str) -> bool:
    """Whether at most one unit in a hundred did an event on several days."""

    def counted() -> bool:
        starts = units.rows(run.tables, unit).filter(_.event == start)
        days = starts.group_by("unit").aggregate(days=_.at.date().nunique())
        (row,) = fetched(days.aggregate(all=_.count(), more=count_if(_.days > 1)))
        return row["more"] * 100 <= row["all"]

    return run.remembered(("starts once", unit, start), counted)
