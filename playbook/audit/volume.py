"""How many events come on each day, and the days that are out of the ordinary."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from scipy.stats import norm

from playbook.audit.soundness import total_arrived
from playbook.audit.violation import Violation
from playbook.data.arrivals import LATE
from playbook.results import Answer, Result, Rows
from playbook.results.section import section
from playbook.run import Run

AROUND = 4  # weeks before and after a day whose same weekday says what to expect
FEWEST = 20  # a day of fewer events says nothing by having more or fewer
AMISS = 0.5  # by which part of what is expected a day must differ to be out of the ordinary
ALARM = 0.01  # chance of one false alarm over all days and events, if counts were normal
SPREAD = 1.4826  # of a median of distances, to a standard deviation
HEAVIEST = 1.5  # times the bulk's, the tail's scatter counts at most
TAIL = 0.95  # the quantile of distances that tells whether the tail is heavier than the bulk


@section("audit.volume")
def volume(run: Run) -> Result:
    """Events by day, and the days that are out of the ordinary for their weekday.

    A day is expected to have the median of the same weekday in the four weeks before and after
    it; an event's first four weeks are left out. It is out of the ordinary if it differs by
    more than half of that, and by more standard deviations than chance gives one day in all.
    Distances are those of the roots of counts; a standard deviation is that of a Poisson count,
    or what the event's own days show (the median of their distances, or the 95 % quantile if
    the tail is heavier). Days that are not complete are left out: the first, the last, and those
    that late arrivals may still fill.
    """
    return run.result(
        "volume",
        None,
        lambda _rows: _days_of_events(run),
        made_of=run.scans,
        silence="*No day is complete: there is nothing to compare.*",
    )


def day_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Days that are out of the ordinary."""
    for row in found.rows:
        if row["anomaly"]:
            seen, wanted = f"{row['n']:,} on {row['day']}", f"about {row['expected']:,.0f}"
            said = {"expected": wanted, "rows": row["n"], "since": row["day"]}
            yield Violation("volume", row["event"], seen, **said)


def _days_of_events(run: Run) -> Rows:
    days: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in run.arrived_once:
        if row["day"] is not None and row["event"] is not None:
            days[row["event"]][row["day"]] += row["n"]
    first, last = run.log_begins.date() + timedelta(days=1), _last_whole_day(run)
    series = {}
    for event, counts in sorted(days.items()):
        # The days on which it began and ended for good are no whole days.
        begin = max(first, min(counts) + timedelta(days=1))
        end = min(last, max(counts) - timedelta(days=1))
        length = (end - begin).days + 1
        span = [begin + timedelta(days=k) for k in range(max(length, 0))]
        series[event] = [(day, counts.get(day, 0)) for day in span]
    expected = {event: _expected_counts(counts) for event, counts in series.items()}
    tests = sum(e is not None and e >= FEWEST for es in expected.values() for e in es)
    limit = float(norm.isf(ALARM / 2 / max(tests, 1)))
    return [
        row
        for event, counts in series.items()
        for row in _days_of_event(event, counts, expected[event], limit)
    ]


def _last_whole_day(run: Run) -> date:
    """The last day that is whole: the watermark's may not be, and late arrivals fill others."""
    rows = total_arrived(run)
    late = (lag for lag in LATE if total_arrived(run, f"late_{lag}") <= rows / 1000)
    lag = timedelta(seconds=next(late, LATE[-1]))
    return (run.period.as_of - lag).date() - timedelta(days=1)


def _expected_counts(counts: list[tuple[date, int]]) -> list[float | None]:
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


def _days_of_event(
    event: str, counts: list[tuple[date, int]], expected: list[float | None], limit: float
) -> Rows:
    known = [(n, e) for (_day, n), e in zip(counts, expected, strict=True) if e is not None]
    # Roots of counts scatter alike, few or many, and as far up as down (Anscombe 1948).
    scale = _scatter([2 * abs(math.sqrt(n) - math.sqrt(e)) for n, e in known])
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


def _scatter(distances: list[float]) -> float:
    """By how much an event's days scatter more than Poisson counts, in their bulk and their tail.

    A tail that is much heavier than the bulk is what is looked for: it widens nothing further.
    """
    if not distances:
        return 1.0
    ordered = sorted(distances)
    tail = ordered[math.ceil(TAIL * len(ordered)) - 1] / norm.ppf((1 + TAIL) / 2)
    bulk = max(1.0, SPREAD * statistics.median(ordered))
    return max(bulk, min(float(tail), HEAVIEST * bulk))
