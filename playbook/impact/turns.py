"""Accounts that got something in turns: over which periods, in which one, and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.declare.experiment import Rollout
from playbook.language.periods import duration, moment
from playbook.run import Run

MOST_PERIODS = 60  # each is one bit of an account's pattern
NO_DAY = -2  # stands for the period of an account whose column holds no day


def period_ends(run: Run, how: Rollout) -> list[datetime]:
    """The ends of the whole periods of a rollout in the data: one more than there are periods."""
    last = min(run.period.until, run.period.as_of + timedelta(microseconds=1))
    since = datetime.fromisoformat(how.since) if how.since else _midnight(run.period.since)
    until = min(datetime.fromisoformat(how.until), last) if how.until else last
    every = duration(how.every)
    edges = [since]
    while edges[-1] + every <= until and len(edges) <= MOST_PERIODS:
        edges.append(edges[-1] + every)
    return edges


def patterns_of_turns(run: Run, how: Rollout, edges: Sequence[datetime]) -> ir.Table:
    """Accounts alike in when they first got it and in which periods they did the goal.

    Returns:
        `first` (the period; −1: before all, null: not in the time), `pattern` (the bit of a
        period is set if the account did the goal in it), and how many `accounts`.
    """
    rows = units.rows(run.tables, "account")
    bits = [(_.at < moment(end), 1 << place) for place, end in enumerate(edges[1:])]
    did = (
        rows.filter(_.event == how.goal, _.at >= moment(edges[0]), _.at < moment(edges[-1]))
        .select(doer="unit", bit=ibis.cases(*bits, else_=0).cast("int64"))
        .distinct()
        .group_by("doer")
        .aggregate(pattern=_.bit.sum())
    )
    accounts, got = _older_accounts(run, how, rows, edges[0]), _turn(run, how, rows, edges)
    joined = accounts.left_join(got, accounts.unit == got.who).select("unit", "first")
    both = joined.left_join(did, joined.unit == did.doer)
    told = both.mutate(pattern=_.pattern.fill_null(0))
    return told.group_by("first", "pattern").aggregate(accounts=_.count())


def place_between(at: ir.TimestampValue, edges: Sequence[datetime]) -> ir.IntegerValue:
    """The period that a time is in; −1: before all of them, null: after them."""
    later = [(at < moment(end), place) for place, end in enumerate(edges, -1)]
    return ibis.cases(*later, else_=None)


def _older_accounts(run: Run, how: Rollout, rows: ir.Table, since: datetime) -> ir.Table:
    """The accounts that are older than the first period: `unit`."""
    if run.tables.has("accounts", "created_at"):
        real = run.tables.accounts.anti_join(units.unreal_accounts(run.tables), "account_id")
        known = real.select(unit="account_id", began_at="created_at")
    else:
        known = rows.group_by("unit").aggregate(began_at=_.at.min())
    older = known.filter(_.began_at < moment(since)).select("unit")
    if among := how.among:
        chosen = units.among(units.traits(run.tables, "account", list(among)), among)
        older = older.semi_join(chosen, "unit")
    return older


def _turn(run: Run, how: Rollout, rows: ir.Table, edges: Sequence[datetime]) -> ir.Table:
    """When accounts first got it: `who` and `first`, the period; −1: before all of them."""
    if event := how.event:
        own = rows.filter(_.event == event).group_by(who="unit").aggregate(at=_.at.min())
        return own.select("who", first=place_between(_.at, edges))
    # What a product's table has besides the canonical columns is text: days as ISO writes them.
    days = run.tables.accounts.select(who="account_id", day=how.column)
    days = days.mutate(day=_.day.cast("string").substr(0, 10))
    is_day = (_.day.length() == 10) & (_.day.substr(4, 1) == "-") & (_.day.substr(7, 1) == "-")
    later = [(~is_day, NO_DAY)]
    later += [(_.day < f"{end:%Y-%m-%d}", place) for place, end in enumerate(edges, -1)]
    return days.filter(_.day.notnull()).select("who", first=ibis.cases(*later, else_=None))


def _midnight(at: datetime) -> datetime:
    """The day's beginning, or the next day's."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day if day == at else day + timedelta(days=1)
