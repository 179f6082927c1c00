"""Whether the log is sound: fresh, whole, in time, each event once. All from one scan of it."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import ibis
from ibis import _

from playbook.audit.identity import people
from playbook.audit.order import visits
from playbook.counting.shaping import Rows
from playbook.data import arrivals
from playbook.data.arrivals import LATE
from playbook.inference import stats
from playbook.language.portable import pieces, seconds
from playbook.results import Result, Unavailable
from playbook.run import Run

HOURS = 168  # how late an arrival the curve shows
AROUND = 4  # weeks before and after a day whose same weekday says what to expect
FEWEST = 20  # a day of fewer events says nothing by having more or fewer
AMISS = 0.5  # by which part of what is expected a day must differ to be out of the ordinary
ALARM = 0.01  # chance of one false alarm over all days and events, if counts were normal
SPREAD = 1.4826  # of a median of distances, to a standard deviation
HEAVIEST = 1.5  # times the bulk's, the tail's scatter counts at most
TAIL = 0.95  # the quantile of distances that tells whether the tail is heavier than the bulk


def freshness(run: Run) -> Result:
    """How far each source covers time.

    Returns:
        Shape `table`: one row per source: `source`, `rows`, `first`, `last`, `hours_behind` the
        freshest source, `longest_silence` (in days) and `status` (`fresh` or `stalled`).
    """
    return run.result("audit.freshness", "table", run.log, fetched=lambda: _fresh(run))


def lateness(run: Run) -> Result:
    """The share of events that has not arrived some hours after it happened, by source.

    Returns:
        Shape `curve`: one row per source and hour up to a week.
    """
    late = run.tables.arrivals.filter(_.received_at > _.at + ibis.interval(hours=1))
    late = late.mutate(lag=seconds(_.at, _.received_at))
    counted = late.group_by(source=_.source, hours=pieces(_.lag, 3600)).aggregate(n=_.count())
    return run.result(
        "audit.lateness",
        "curve",
        counted,
        lambda rows: _to_come(run, rows),
        by=("source",),
        counts="every row that says when it arrived",
        says=(("share", "not arrived yet"),),
    )


def volume(run: Run) -> Result:
    """Events by day, and the days that are out of the ordinary for their weekday.

    A day is expected to have the median of the same weekday in the four weeks before and after
    it; an event's first four weeks are left out. It is out of the ordinary if it differs by
    more than half of that, and by more standard deviations than chance gives one day in all.
    Distances are those of the roots of counts; a standard deviation is that of a Poisson count,
    or what the event's own days show (the median of their distances, or the 95 % quantile if
    the tail is heavier). Days that are not complete
    are left out: the first, the last, and those that late arrivals may still fill.
    """
    return run.result("audit.volume", "volume", run.log, fetched=lambda: _volume(run))


def duplicates(run: Run) -> Result:
    """Events that arrive more than once, by kind.

    Returns:
        Shape `table`: `kind` (`same id`, `same id, another payload`, `fired twice`), `event`
        (the one it happens to most), `rows`, `of`, `share`.
    """
    envelope = {"event_id", "received_at", "sent_at"}
    payload = [name for name in run.tables.arrivals.columns if name not in envelope]
    shared = run.tables.shared
    differ = arrivals.conflicts(shared, payload).group_by("event").aggregate(n=_.count())
    return run.result(
        "audit.duplicates",
        "table",
        differ.order_by([_.n.desc(), "event"]),
        lambda rows: _duplicates(run, rows),
        counts="every row",
    )


def soundness(run: Run) -> Result:
    """What is unsound in the events that arrived, and what is done about it here.

    Returns:
        Shape `table`: one row per kind of defect: `what`, `rows`, `of`, `share`, `we`.
    """
    return run.result("audit.soundness", "table", run.log, fetched=lambda: _defects(run))


def total(run: Run, name: str = "n") -> int:
    """How many rows arrived, or how many of them have what `coverage.counted` counts."""
    return sum(row[name] for row in run.arrived)


def timeless(run: Run) -> int:
    """How many rows have no time."""
    return sum(row["n"] for row in run.arrived if row["day"] is None)


def _fresh(run: Run) -> Rows:
    fastest = max((ends.last for ends in run.ends.values()), default=run.period.as_of)
    return [
        {
            "source": source or "(no name)",
            "rows": sum(row["n"] for row in run.arrived if row["source"] == source),
            "first": f"{ends.first:%Y-%m-%d %H:%M}",
            "last": f"{ends.last:%Y-%m-%d %H:%M}",
            "hours_behind": (fastest - ends.last) / timedelta(hours=1),
            "longest_silence": ends.silence / timedelta(days=1),
            "status": "stalled" if source in run.stalled else "fresh",
        }
        for source, ends in sorted(run.ends.items(), key=lambda item: item[0] or "")
    ]


def _to_come(run: Run, rows: Rows) -> Rows:
    totals: dict[str, int] = defaultdict(int)
    for row in run.arrived:
        totals[row["source"] or "(unknown)"] += row["with_received_at"]
    found: Rows = []
    for source, of in sorted(totals.items()):
        own = [row for row in rows if row["source"] == source]
        for hours in range(1, HOURS + 1):
            n = sum(row["n"] for row in own if row["hours"] > hours)
            if not of:
                continue
            low, high = stats.wilson(n, of)
            found.append(
                {"source": source, "hours": float(hours), "share": n / of}
                | {"low": low, "high": high, "n": of}
            )
            if not n:
                break
    return found


def _volume(run: Run) -> Rows:
    days: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in run.arrived_once:
        if row["day"] is not None and row["event"] is not None:
            days[row["event"]][row["day"]] += row["n"]
    first, last = run.log_begins.date() + timedelta(days=1), _complete(run)
    series = {}
    for event, counts in sorted(days.items()):
        # The days on which it began and ended for good are no whole days.
        begin = max(first, min(counts) + timedelta(days=1))
        end = min(last, max(counts) - timedelta(days=1))
        length = (end - begin).days + 1
        span = [begin + timedelta(days=k) for k in range(max(length, 0))]
        series[event] = [(day, counts.get(day, 0)) for day in span]
    expected = {event: _expected(counts) for event, counts in series.items()}
    tests = sum(e is not None and e >= FEWEST for es in expected.values() for e in es)
    limit = -stats.normal_quantile(ALARM / 2 / max(tests, 1))
    return [
        row
        for event, counts in series.items()
        for row in _judged(event, counts, expected[event], limit)
    ]


def _complete(run: Run) -> date:
    """The last day that is whole: the watermark's may not be, and late arrivals fill others."""
    rows = total(run)
    late = (lag for lag in LATE if total(run, f"late_{lag}") <= rows / 1000)
    lag = timedelta(seconds=next(late, LATE[-1]))
    return (run.period.as_of - lag).date() - timedelta(days=1)


def _expected(counts: list[tuple[date, int]]) -> list[float | None]:
    """The median of the same weekday around each day; None in the first weeks.

    A young event grows by the week: what comes after its first days says nothing about them.
    """
    values = [n for _day, n in counts]
    places = [7 * week for week in range(-AROUND, AROUND + 1) if week]
    return [
        statistics.median(values[i + p] for p in places if i + p < len(values))
        if i >= 7 * AROUND
        else None
        for i in range(len(values))
    ]


def _judged(
    event: str, counts: list[tuple[date, int]], expected: list[float | None], limit: float
) -> Rows:
    known = [(n, e) for (_day, n), e in zip(counts, expected, strict=True) if e is not None]
    # Roots of counts scatter alike, few or many, and as far up as down (Anscombe 1948).
    scale = _scale([2 * abs(math.sqrt(n) - math.sqrt(e)) for n, e in known])
    rows: Rows = []
    for (day, n), e in zip(counts, expected, strict=True):
        row: dict[str, Any] = {"event": event, "day": day.isoformat(), "n": n, "expected": e}
        row |= {"low": None, "high": None, "anomaly": False}
        if e is not None:
            off, root = limit * scale / 2, math.sqrt(e)
            row |= {"low": max(0.0, root - off) ** 2, "high": (root + off) ** 2}
            usual = row["low"] <= n <= row["high"]
            row["anomaly"] = e >= FEWEST and not usual and abs(n - e) > AMISS * e
        rows.append(row)
    return rows


def _scale(distances: list[float]) -> float:
    """By how much an event's days scatter more than Poisson counts, in their bulk and their tail.

    A tail that is much heavier than the bulk is what is looked for: it widens nothing further.
    """
    if not distances:
        return 1.0
    ordered = sorted(distances)
    tail = ordered[math.ceil(TAIL * len(ordered)) - 1] / stats.normal_quantile((1 + TAIL) / 2)
    bulk = max(1.0, SPREAD * statistics.median(ordered))
    return max(bulk, min(tail, HEAVIEST * bulk))


def _duplicates(run: Run, rows: Rows) -> Rows:
    of = total(run)
    copied: dict[str, int] = defaultdict(int)
    for row in run.copied:
        copied[row["event"]] += row["n"]
    differ = {row["event"]: row["n"] for row in rows}
    seen = visits(run)
    fired = {} if isinstance(seen, Unavailable) else {r["event"]: r["twice"] for r in seen.rows}
    kinds = {"same id": copied, "same id, another payload": differ, "fired twice": fired}
    found = []
    for kind, per_event in kinds.items():
        n = sum(per_event.values())
        most = max(per_event, key=lambda event: (per_event[event], event or "")) if n else ""
        found.append(
            {
                "kind": kind,
                "event": most or "",
                "rows": n,
                "of": of,
                "share": n / of if of else None,
            }
        )
    return found


def _defects(run: Run) -> Rows:
    of = total(run)
    known = people(run)
    staff = 0 if isinstance(known, Unavailable) else known.rows[0]["staff"]
    kinds = {row["kind"]: row["rows"] for row in duplicates(run).rows}
    said = [
        ("copies of an event", kinds["same id"], "each event counts once"),
        ("no time", timeless(run), "left out: nobody can say when"),
        ("arrived more than 1 hour late", total(run, "late_3600"), "the newest days may grow"),
        ("after their own arrival", total(run, "ahead"), "kept; the watermark ignores them"),
        ("before the year 2000", total(run, "ancient"), "kept; no period reaches them"),
        ("no user", of - total(run, "with_user_id"), "left out where people are counted"),
        ("a user and no account", total(run, "unlinked"), "taken from the users table"),
        ("sent by bots", total(run, "bots"), "left out of every headline"),
    ]
    rows = [
        {"what": w, "rows": n, "of": of, "share": n / of if of else None, "we": we}
        for w, n, we in said
    ]
    if staff:
        n = known.rows[0]["people"]
        we = "left out of every headline"
        rows.append(
            {"what": "people of our own", "rows": staff, "of": n, "share": staff / n, "we": we}
        )
    return rows
