"""What people do first, what they do then, and which of it goes with staying: counts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.beginning.looking import needed
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import count_if, seconds, when

WINDOWS = ("24h", "3d", "7d", "14d")
FEWEST_ROWS = 10  # the draft of a plan knows no event with fewer
STRAY = timedelta(days=60)  # after the rows before it
NEAR = timedelta(days=1)  # of a sign-up


@dataclass(frozen=True)
class Event:
    """An event, and how people do it.

    Attributes:
        name: Its name.
        rows: How often it was done.
        people: By how many.
        days: On how many days each, all people together.
        first: For how many it is the first that they ever did.
        near: Of those, how many did it within a day of their sign-up.
    """

    name: str
    rows: int
    people: int
    days: int
    first: int = 0
    near: int = 0

    @property
    def is_beginning(self) -> bool:
        """Whether people do it on one day only, but for one in a hundred."""
        return self.days * 100 <= self.people * 101


@dataclass(frozen=True)
class After:
    """What people do after a start.

    Attributes:
        name: The event.
        ever: How many do it at all, after their start.
        by: Window → how many do it in it.
        done: How many do it in the time that is watched.
        kept: Of those, how many are active in as long a time after that.
        seconds: How long it takes half of those who do it.
    """

    name: str
    ever: int
    by: dict[str, int]
    done: int
    kept: int
    seconds: int


@dataclass(frozen=True)
class Watched:
    """People from their start on: `n` of them, each for twice the time `within`.

    Attributes:
        n: How many.
        within: How long they are watched; then as long again whether they are active.
        kept: How many are active in the second time.
        events: What they do.
    """

    n: int
    within: str
    kept: int
    events: tuple[After, ...]


@dataclass(frozen=True)
class Behaviour:
    """The log of people, and its summary: one row per person and event, kept by the engine."""

    warehouse: Warehouse
    events: ir.Table
    firsts: ir.Table
    people: int
    end: datetime

    def starts(self, event: str) -> ir.Table:
        """Each person's first start, none of them before all other events were in the log."""
        others = self.firsts.filter(_.event != event).aggregate(begin=_.first.min())
        own = self.firsts.filter(_.event == event).select(person=_.person, start=_.first)
        return own.cross_join(others).filter((_.start >= _.begin).fill_null(True)).drop("begin")


def behaviour_of(tables: Tables, warehouse: Warehouse) -> Behaviour:
    """What the log says of people who are known, each event once."""
    known = tables.events.filter(_.user_id.notnull(), _.event.notnull(), ~_.is_bot)
    events = known.select(person=_.user_id, event=_.event, at=_.at)
    firsts = events.group_by("person", "event").aggregate(
        first=_.at.min(), n=_.count(), days=_.at.date().nunique()
    )
    firsts = warehouse.keep(firsts, "begin_firsts")
    people = needed(firsts.aggregate(people=_.person.nunique()), warehouse)[0]["people"]
    days = events.group_by(day=_.at.date()).aggregate(n=_.count(), end=_.at.max())
    return Behaviour(warehouse, events, firsts, people, _end(needed(days, warehouse)))


def _end(days: Sequence[dict[str, Any]]) -> datetime:
    """The last moment of the log, but for the few rows that claim to be much later."""
    order = sorted(days, key=lambda row: row["end"])
    stray, most = 0, sum(row["n"] for row in order) / 1_000
    for before, last in zip(order[-2::-1], order[:0:-1], strict=True):
        stray += last["n"]
        if stray > max(most, 1) or last["end"] - before["end"] < STRAY:
            return last["end"]
    return order[0]["end"] if order else datetime(2000, 1, 1)


def events_done(behaviour: Behaviour, users: ir.Table | None) -> list[Event]:
    """Each event that the plan's draft will know, the most frequent first."""
    firsts = behaviour.firsts
    per_person = firsts.group_by("person").aggregate(begin=_.first.min())
    rows = firsts.join(per_person, "person")
    near: ir.BooleanValue = ibis.literal(False)
    if users is not None:
        signed = users.select(person=_.user_id, signed=_.signed_up_at)
        rows = rows.left_join(signed, "person")
        near = (_.first >= _.signed - interval(NEAR)) & (_.first <= _.signed + interval(NEAR))
    is_first = _.first == _.begin
    counts = rows.group_by("event").aggregate(
        rows=_.n.sum(),
        people=_.count(),
        days=_.days.sum(),
        first=count_if(is_first),
        near=count_if(is_first & near),
    )
    found = needed(counts.filter(counts.rows >= FEWEST_ROWS), behaviour.warehouse)
    events = [
        Event(r["event"], int(r["rows"]), r["people"], int(r["days"]), r["first"], r["near"])
        for r in found
    ]
    return sorted(events, key=lambda event: (-event.rows, event.name))


def watched(behaviour: Behaviour, start: str) -> Watched:
    """What people do after their first start, and who is active later.

    People are watched for the longest window that leaves half of them as long a time after it.
    """
    starts, end = behaviour.starts(start), moment(behaviour.end)
    counts = {
        f"n{place}": count_if(_.start + interval(duration(window) * 2) <= end)
        for place, window in enumerate(WINDOWS)
    }
    row = needed(starts.aggregate(all=_.count(), **counts), behaviour.warehouse)[0]
    fitting = [w for p, w in enumerate(WINDOWS) if row["all"] and row[f"n{p}"] * 2 >= row["all"]]
    within = fitting[-1] if fitting else WINDOWS[0]
    length = duration(within)
    seen = starts.filter(_.start + interval(length * 2) <= end) if fitting else starts
    later = (
        behaviour.events.join(seen, "person")
        .filter(_.at > _.start + interval(length), _.at <= _.start + interval(length * 2))
        .select("person")
        .distinct()
        .mutate(is_kept=True)
    )
    people = behaviour.warehouse.keep(seen.left_join(later, "person").drop("person_right"), "begin")
    people = people.mutate(is_kept=people.is_kept.fill_null(False))
    total = people.aggregate(n=_.count(), kept=count_if(_.is_kept))
    known = needed(total, behaviour.warehouse)[0]
    after = needed(_after(behaviour.firsts, people, start, length), behaviour.warehouse)
    events = sorted((_event(each) for each in after), key=lambda event: event.name)
    return Watched(known["n"], within, known["kept"], tuple(events))


def _after(firsts: ir.Table, people: ir.Table, start: str, length: timedelta) -> ir.Table:
    """One row per event that people do after their start."""
    done = (
        firsts.join(people, "person")
        .filter(_.event != start, _.first >= _.start)
        .mutate(took=seconds(_.start, _.first))
    )
    own = ibis.window(group_by="event", order_by="took")
    placed = done.mutate(place=ibis.row_number().over(own), of=_.event.count().over(
        ibis.window(group_by="event"))
    )  # fmt: skip
    in_time = placed.took <= int(length.total_seconds())
    windows = {
        f"by{place}": count_if(placed.took <= int(duration(window).total_seconds()))
        for place, window in enumerate(WINDOWS)
    }
    return placed.group_by("event").aggregate(
        ever=placed.count(),
        done=count_if(in_time),
        kept=count_if(in_time & placed.is_kept),
        took=when(placed.place * 2 >= placed.of - 1, placed.took).min(),
        **windows,
    )


def _event(row: dict[str, Any]) -> After:
    by = {window: row[f"by{place}"] for place, window in enumerate(WINDOWS)}
    return After(row["event"], row["ever"], by, row["done"], row["kept"], row["took"])
