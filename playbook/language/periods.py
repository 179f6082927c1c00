"""Durations ("24h"), the observed period, the watermark and the closed-window rule, in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir

from playbook.language.mistakes import Mistake

ANCIENT = datetime(2000, 1, 1)  # what claims to be older comes from a dead battery
REGULAR = 14  # days with an event from which on its silence says something
LATELY = 60  # days with events that tell how long a source is silent as a rule
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,7})\s*([smhdw])")


@dataclass(frozen=True)
class Period:
    """When units may enter, and how far the data goes; all UTC.

    Attributes:
        since: First moment of entries.
        until: First moment after the entries.
        as_of: Last moment that the data covers (the watermark), never the clock on the wall.
    """

    since: datetime
    until: datetime
    as_of: datetime

    def entered(self, at: ir.TimestampValue) -> ir.BooleanValue:
        """Whether a unit that starts at `at` belongs to the period."""
        return (at >= moment(self.since)) & (at < moment(self.until))

    def closed(self, at: ir.TimestampValue, window: timedelta) -> ir.BooleanValue:
        """Whether the whole window from `at` lies inside the data; else it is still open."""
        return at + interval(window) <= moment(self.as_of)


def duration(text: str) -> timedelta:
    """A duration such as "24h", "3d" or "30m"; a bare number is a mistake."""
    match = _DURATION.fullmatch(str(text).strip())
    if not match:
        raise Mistake(
            f"`{text}` is no duration.",
            "A duration is a whole number with its unit: s, m, h, d or w.",
            'write "24h", "3d" or "30m".',
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def words(length: timedelta) -> str:
    """A duration as people say it: "24 hours", "3 days"; whole days from 72 hours on."""
    seconds = int(length.total_seconds())
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0 and (name != "day" or seconds >= 3 * 86_400):
            count = seconds // size
            return f"{count} {name}" + ("" if count == 1 else "s")
    raise AssertionError(length)


def interval(length: timedelta) -> ir.IntervalScalar:
    """A duration as an expression."""
    return ibis.interval(seconds=int(length.total_seconds()))


def moment(time: datetime) -> ir.TimestampScalar:
    """A UTC time as an expression of the canonical type."""
    return ibis.literal(time, "timestamp(6)")


@dataclass(frozen=True)
class Ends:
    """How far one source covers time.

    Attributes:
        first: Its first possible moment.
        last: Its last one: its watermark.
        silence: The longest time between two of its last days with events.
    """

    first: datetime
    last: datetime
    silence: timedelta

    def stalled(self, last: datetime) -> bool:
        """Whether it fell silent before `last` for longer than ever before, and than a day."""
        return last - self.last > max(timedelta(days=1), self.silence + self.silence // 2)


def ends(rows: Sequence[Mapping[str, Any]]) -> dict[str | None, Ends]:
    """Source → how far it covers time, from rows that count what arrived per source and day.

    A time later than the event's own arrival is a fast clock, and one before 2000 a dead
    battery: neither moves the ends. Rows that do not say when they arrived are believed up to
    a day after the last arrival of any, or else up to a gap before stray rows.

    Args:
        rows: `source`, `day`, `n`, `sane_first`, `sane_last`, `received`.
    """
    possible = [row for row in rows if row["sane_last"] is not None]
    arrivals = [row["received"] for row in rows if row["received"] is not None]
    if arrivals:
        limit = max(arrivals) + timedelta(days=1)
        possible = [r for r in possible if r["received"] is not None or r["sane_last"] <= limit]
    else:
        possible = without_strays(possible)
    found = {}
    for source in dict.fromkeys(row["source"] for row in possible):
        own = [row for row in possible if row["source"] == source]
        found[source] = Ends(
            first=min(row["sane_first"] for row in without_strays(own, early=True)),
            last=max(row["sane_last"] for row in own),
            silence=max(_gaps(own)[-LATELY:], default=timedelta(0)),
        )
    return found


def fell_silent(rows: Sequence[Mapping[str, Any]], as_of: datetime) -> dict[str, datetime]:
    """The events that came regularly and no longer do → when they came last.

    One that came on at least `REGULAR` days is silent after a week, if that is also three times
    as long as it ever was between two of these. Of a rarer one nobody can tell.

    Args:
        rows: `event`, `day`, `n`, `sane_last`; those without a time do not count.
        as_of: How far the data goes.
    """
    events: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["sane_last"] is not None and row["n"] and row["sane_last"] <= as_of:
            events.setdefault(row["event"], []).append(row)
    found = {}
    for event, own in events.items():
        gaps, last = _gaps(own), max(row["sane_last"] for row in own)
        allowed = max(timedelta(weeks=1), 3 * max(gaps, default=timedelta(0)))
        if len(gaps) + 1 >= REGULAR and as_of - last > allowed:
            found[event] = last
    return found


def _gaps(rows: Sequence[Mapping[str, Any]]) -> list[timedelta]:
    """The times between the days with rows, in their order."""
    days = sorted({row["sane_last"].date() for row in rows})
    return [after - before for before, after in pairwise(days)]


def without_strays(
    rows: Sequence[Mapping[str, Any]], *, early: bool = False
) -> list[Mapping[str, Any]]:
    """Rows up to a gap after which only strays stand; or from the last one before which they do.

    Strays are fewer than one in a thousand after a gap of four weeks; or, however few rows there
    are, a single one after a gap of a quarter of a year.
    """
    ordered = sorted(rows, key=lambda row: row["sane_last"], reverse=early)
    total, before = sum(row["n"] for row in ordered), 0
    for inner, outer in pairwise(ordered):
        before += inner["n"]
        gap = inner["sane_first"] - outer["sane_last"]
        gap = gap if early else outer["sane_first"] - inner["sane_last"]
        few = gap > timedelta(weeks=4) and (total - before) * 1000 < total
        enough = before > (100 if early else 1)  # tables of people begin with few
        if few or (gap > timedelta(weeks=13) and total - before <= 1 and enough):
            return ordered[: ordered.index(outer)]
    return ordered


def period(since: str, until: str, as_of: str, *, first: datetime, last: datetime) -> Period:
    """The period that a run's parameters name.

    Args:
        since: A day, or a duration before the watermark ("-90d"); "" is the first event.
        until: A day (itself excluded), a duration before the watermark, or "": the watermark.
        as_of: A moment at or before the last event, or "": the last event.
        first: First moment of the data.
        last: Last moment of the data.
    """
    end = min(_time(as_of, "as_of", last), last) if as_of else last
    start = _time(since, "since", end) if since else first
    over = end + timedelta(microseconds=1)
    stop = min(_time(until, "until", end), over) if until else over
    if start >= stop:
        raise Mistake(
            f"The period is empty: it begins {start:%Y-%m-%d} and ends before {stop:%Y-%m-%d}.",
            f"The data covers {first:%Y-%m-%d} to {end:%Y-%m-%d}.",
            "set `since` before `until`, both inside the data.",
        )
    return Period(since=start, until=stop, as_of=end)


def _time(text: str | date, name: str, last: datetime) -> datetime:
    """A day, a moment (in UTC unless it names a zone), or whole days before `last`."""
    try:
        if str(text).startswith("-"):
            day = last - duration(str(text)[1:])
            return day.replace(hour=0, minute=0, second=0, microsecond=0)
        time = datetime.fromisoformat(str(text))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        raise Mistake(
            f"`{name}: {text}` is no date.",
            "A date is written 2026-01-31, or relative to the last event: -90d.",
            f"correct `{name}` in the run or the parameters cell.",
        ) from None
