"""Who is older than the log: what such a unit did first is not in it.

Where an answer rests on that, the unit is left out: it is neither new, nor has it failed to do
what nobody could see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.arrivals import CLOCKS, UNIT_COLUMN
from playbook.data.tables import Tables
from playbook.language.periods import moment
from playbook.language.portable import count_if, united, when
from playbook.run import Run, fetched


@dataclass(frozen=True)
class Age:
    """Which units that start are from before the log.

    Attributes:
        run: The run.
        unit: Who is counted.
        start: The event that lets them in.
        events: All events that matter of them.
        is_first: Whether a unit starts with its first start ever.
        looks_back: Whether it matters what was done before the start, too.
    """

    run: Run
    unit: str
    start: str
    events: tuple[str, ...]
    is_first: bool = False
    looks_back: bool = False

    @property
    def before(self) -> datetime:
        """The moment before which a unit is older: since when all the events are in the log, less
        what clocks may differ by."""
        return self.run.extent.observed_since(*self.events) - CLOCKS

    def kept(self, rows: ir.Table, tables: Tables | None = None) -> ir.Table:
        """The rows (with their `unit`) without those of units that are older and do not count."""
        if not self.matters:
            return rows
        older_ = older(tables or self.run.tables, self.unit, self.before)
        # Of two anti-joins in a row, with nothing between, Ibis makes what PostgreSQL cannot read.
        return rows.filter(_.unit.notnull()).anti_join(older_, "unit")

    @property
    def matters(self) -> bool:
        """Whether any unit is older by the product's tables, and the start is a beginning.

        A sign-up is, of which a unit has one. Who opens the editor once more counts, however old,
        unless the first time ever is asked for, or what came before.
        """
        if not self.start or not _tells_age(self.run.tables, self.unit):
            return False
        key = ("older", self.unit, self.before)
        n = self.run.remembered(key, lambda: _n(older(self.run.tables, self.unit, self.before)))
        return n > 0 and (self.is_first or self.looks_back or self._is_once)

    @property
    def _is_once(self) -> bool:
        """Whether at most one unit in a hundred did the start on several days."""

        def counted() -> bool:
            starts = units.rows(self.run.tables, self.unit).filter(_.event == self.start)
            days = starts.group_by("unit").aggregate(days=_.at.date().nunique())
            (row,) = fetched(days.aggregate(all=_.count(), more=count_if(_.days > 1)))
            return row["more"] * 100 <= row["all"]

        return self.run.remembered(("starts once", self.unit, self.start), counted)

    def left_out(self, rows: ir.Table, since: datetime) -> int:
        """How many units started from `since` on, in the period, and do not count.

        Args:
            rows: What they did, nobody left out.
            since: Where the period began before it was cut to what is observed.
        """
        period = self.run.period
        if not self.start or (period.since <= since and not self.matters):
            return 0
        starts = rows.filter(_.event == self.start, _.at < moment(period.until))
        began = starts.group_by("unit").aggregate(
            first=_.at.min(),
            began=when(_.at >= moment(since), _.at).min(),
            counts=when(_.at >= moment(period.since), _.at).min(),
        )
        began = began.filter(_.began.notnull())
        counts = _.counts.notnull()
        if self.is_first:
            counts &= _.first >= moment(self.before)
        counting = self.kept(began.filter(counts))
        return _n(began) - _n(counting)


def older(tables: Tables, unit: str, before: datetime) -> ir.Table:
    """The units that began before a moment: one row per unit, `unit`.

    A person began when they signed up; an account when it was created, or its earliest member
    signed up. Of a table that knows days only, nobody is older who began on the day itself.
    """
    column, found = UNIT_COLUMN[unit], []
    day = before.replace(hour=0, minute=0, second=0, microsecond=0)

    def early_at(at: ir.TimestampValue) -> ir.BooleanValue:
        return (at < moment(before)) & (at != moment(day))

    if tables.users is not None:
        early = tables.users.filter(early_at(_.signed_up_at), _[column].notnull())
        if unit == "account":
            early = early.filter(~_.is_internal)
        found.append(early.select(unit=column))
    if unit == "account" and tables.accounts is not None:
        early = tables.accounts.filter(early_at(_.created_at))
        found.append(early.select(unit="account_id"))
    return united(found).distinct()


def _tells_age(tables: Tables, unit: str) -> bool:
    """Whether the product's own tables say when units began; a session is as old as its events."""
    if unit == "account" and tables.has("accounts", "created_at"):
        return True
    column = {"user": "user_id", "account": "account_id"}.get(unit)
    return column is not None and tables.has("users", "signed_up_at", column)


def _n(table: ir.Table) -> int:
    return fetched(table.aggregate(n=_.count()))[0]["n"]
