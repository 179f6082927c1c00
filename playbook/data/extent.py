"""How far the log covers time: from when to when each source and each event is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from playbook.data.arrivals import CAVEAT_BELOW, Rows

REGULAR = 14  # days with an event from which on its silence says something
LATELY = 60  # days with events that tell how long a source is silent as a rule
MONTH = timedelta(weeks=4)
MISSED = 0.75  # less of an event before than after: a source brings what was missed


@dataclass(frozen=True)
class Extent:
    """How far a log covers time.

    Attributes:
        arrived: What arrived, per event, source and day; see `arrivals.daily_counts`.
        once: The same, each event once.
        log_begins: First moment of the events.
        since: First moment of the period that is looked at.
        as_of: Its watermark.
    """

    arrived: Rows
    once: Rows
    log_begins: datetime
    since: datetime
    as_of: datetime

    @cached_property
    def ends(self) -> dict[str | None, Ends]:
        """Source → how far it covers time."""
        return ends(self.arrived)

    @cached_property
    def stalled(self) -> dict[str | None, datetime]:
        """The sources that fell silent while others went on, and when."""
        fastest = max((ends.last for ends in self.ends.values()), default=self.as_of)
        return {s: ends.last for s, ends in self.ends.items() if ends.stalled(fastest)}

    @cached_property
    def fell_silent(self) -> dict[str, datetime]:
        """The events that came regularly and no longer do → when they came last.

        One that came on at least `REGULAR` days is silent after a week, if that is also three
        times as long as it ever was between two of these. Of a rarer one nobody can tell.
        """
        events: dict[str, Rows] = {}
        for row in self.once:
            if row["sane_last"] is not None and row["n"] and row["sane_last"] <= self.as_of:
                events.setdefault(row["event"], []).append(row)
        found = {}
        for event, own in events.items():
            last = resting(own, self.as_of)
            if last and len(_gaps(own)) + 1 >= REGULAR:
                found[event] = last
        return found

    def reaches(self, *events: str, but: str | None = None) -> datetime:
        """The watermark of what rests on some events: the end of the slowest source of theirs, or
        of one of them that came regularly and fell silent.

        A source that has always been silent for days is not slow because it is silent again.

        Args:
            events: The events.
            but: One of them whose silence is no lack: without starts there is nobody to judge.
        """
        slow = [
            end
            for source, end in self.stalled.items()
            if any(self._needs(source, end, event) for event in events)
        ]
        needed = [self.fell_silent[e] for e in events if e in self.fell_silent and e != but]
        return min([*slow, *needed, self.as_of])

    def observed_since(self, *events: str) -> datetime:
        """Since when some events are in the log: the first moment of the latest of the sources
        that they need, if that begins more than a day later than the earliest.

        An event needs a source if more than a quarter of what comes with it did not come before.
        One that takes over from another, or grows from nothing, lets nothing be missed.
        """
        begins = [
            end.first
            for source, end in self.ends.items()
            if any(self._lacked(source, end, event) for event in events)
        ]
        first, last = min(begins, default=self.log_begins), max(begins, default=self.log_begins)
        return last if last - first > timedelta(days=1) else first

    def _needs(self, source: str | None, end: datetime, event: str) -> bool:
        """Whether an event counts on a source that fell silent.

        One that sent less than a hundredth of it (a test), or that others had replaced before
        the period, takes nothing from an answer.
        """
        sent = self._sent(event)
        lately = [row for row in sent if row["day"] >= self.since.date()]
        beside = [row for row in lately or sent if row["day"] <= end.date()]
        own = sum(row["n"] for row in beside if row["source"] == source)
        return own > sum(row["n"] for row in beside) * (1 - CAVEAT_BELOW)

    def _lacked(self, source: str | None, end: Ends, event: str) -> bool:
        """Whether an event was missing from the log before a source began to bring it."""
        sent, first = self._sent(event), end.first.date()
        if not self._needs(source, end.last, event):
            return False
        span = min(MONTH, self.as_of.date() - first + timedelta(days=1))
        before = sum(row["n"] for row in sent if first - span <= row["day"] < first)
        after = sum(row["n"] for row in sent if first <= row["day"] < first + span)
        return before < after * MISSED

    def _sent(self, event: str) -> Rows:
        return self._by_event.get(event, [])

    @cached_property
    def _by_event(self) -> dict[str, Rows]:
        """Event → its rows that have a time."""
        found: dict[str, Rows] = {}
        for row in self.arrived:
            if row["day"] is not None:
                found.setdefault(row["event"], []).append(row)
        return found


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
        rows: `source`, `day`, `n`, `sane_first`, `sane_last`, and `received` where it is known.
    """
    possible = [row for row in rows if row["sane_last"] is not None]
    arrivals = [row["received"] for row in rows if row.get("received") is not None]
    if arrivals:
        limit = max(arrivals) + timedelta(days=1)
        possible = [r for r in possible if r.get("received") or r["sane_last"] <= limit]
    else:
        possible = _without_strays(possible)
    found = {}
    for source in dict.fromkeys(row["source"] for row in possible):
        own = [row for row in possible if row["source"] == source]
        found[source] = Ends(
            first=min(row["sane_first"] for row in _without_strays(own, early=True)),
            last=max(row["sane_last"] for row in own),
            silence=max(_gaps(own)[-LATELY:], default=timedelta(0)),
        )
    return found


def resting(rows: Sequence[Mapping[str, Any]], as_of: datetime) -> datetime | None:
    """When the last of some rows came, if they came regularly and no longer do; None: they go on.

    They rest after a week, if that is also three times as long as they ever did between two days.
    """
    own = [row for row in rows if row["sane_last"] is not None and row["sane_last"] <= as_of]
    if not own:
        return None
    last = max(row["sane_last"] for row in own)
    allowed = max(timedelta(weeks=1), 3 * max(_gaps(own), default=timedelta(0)))
    return last if as_of - last > allowed else None


def _gaps(rows: Sequence[Mapping[str, Any]]) -> list[timedelta]:
    """The times between the days with rows, in their order."""
    days = sorted({row["sane_last"].date() for row in rows})
    return [after - before for before, after in pairwise(days)]


def _without_strays(
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
        few = gap > MONTH and (total - before) * 1000 < total
        enough = before > (100 if early else 1)  # tables of people begin with few
        if few or (gap > timedelta(weeks=13) and total - before <= 1 and enough):
            return ordered[: ordered.index(outer)]
    return ordered
