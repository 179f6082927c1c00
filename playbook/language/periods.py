"""Durations ("24h"), the observed period, the watermark and the closed-window rule, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import ibis
import ibis.expr.types as ir

from playbook.language.mistakes import Mistake

ANCIENT = datetime(2000, 1, 1)  # what claims to be older comes from a dead battery
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([0-9]{1,7})\s*([smhdw])")


@dataclass(frozen=True)
class Period:
    """When units may enter, and how far the data goes; all UTC.

    Attributes:
        since: First moment of entries.
        until: First moment after the entries.
        as_of: Last moment that the data covers (the watermark), never the clock on the wall.
        late: How late rows usually arrive: so much may be missing of a stretch that is over.
    """

    since: datetime
    until: datetime
    as_of: datetime
    late: timedelta = timedelta(minutes=1)

    def entered(self, at: ir.TimestampValue) -> ir.BooleanValue:
        """Whether a unit that starts at `at` belongs to the period."""
        return (at >= moment(self.since)) & (at < moment(self.until))

    def closed(self, at: ir.TimestampValue, window: timedelta) -> ir.BooleanValue:
        """Whether the whole window from `at` lies inside the data; else it is still open."""
        return at + interval(window) <= moment(self.as_of)

    def over(self, end: datetime) -> bool:
        """Whether a stretch of the calendar that ends then (its end excluded) is over.

        The last event of a week comes before its end: the data need only go so far that nothing
        more is to be expected. The windows of units are closed by `closed`, which allows nothing.
        """
        return end <= self.as_of + self.late

    def shown(self, end: datetime) -> bool:
        """Whether a stretch of the calendar that ends then is over, and ends in the period."""
        inside = end <= self.until or self.until > self.as_of  # else the data end the period
        return self.since < end and inside and self.over(end)


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
