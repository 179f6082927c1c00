"""Whether the log is up to date: how far each source covers time, and what is still to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import ibis
from ibis import _

from playbook.answers.together import as_seen
from playbook.audit.violation import Violation
from playbook.inference import stats
from playbook.language.portable import pieces, seconds
from playbook.language.wording import hours, percent, rare, too_few
from playbook.results import Answer, Result, Rows, shown
from playbook.results.columns import COUNT, DAYS, HOURS, KEY, MOMENT, TEXT
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, each_segment
from playbook.run import Run

LAST = 168  # hours after an event up to which the curve shows how many are still to come
LATE = 24  # hours after which an arrival is worth a word
SOURCE = {"source": KEY, "rows": COUNT, "first": MOMENT, "last": MOMENT}
SOURCE |= {"hours_behind": HOURS, "longest_silence": DAYS, "status": TEXT}


@section("audit.freshness")
def freshness(run: Run) -> Result:
    """How far each source covers time.

    Returns:
        Shape `table`: one row per source: `source`, `rows`, `first`, `last`, `hours_behind` the
        freshest source, `longest_silence` (in days) and `status` (`fresh` or `stalled`).
    """

    def rows(_rows: Rows) -> Rows:
        fastest = max((ends.last for ends in run.extent.ends.values()), default=run.period.as_of)
        return [
            {
                "source": source or "(no name)",
                "rows": sum(row["n"] for row in run.arrived if row["source"] == source),
                "first": f"{ends.first:%Y-%m-%d %H:%M}",
                "last": f"{ends.last:%Y-%m-%d %H:%M}",
                "hours_behind": (fastest - ends.last) / timedelta(hours=1),
                "longest_silence": ends.silence / timedelta(days=1),
                "status": "stalled" if source in run.extent.stalled else "fresh",
            }
            for source, ends in sorted(run.extent.ends.items(), key=lambda item: item[0] or "")
        ]

    return run.result("table", None, rows, own=SOURCE, made_of=run.scans)


@section("audit.lateness")
def lateness(run: Run) -> Result:
    """The share of events that has not arrived some hours after it happened, by source.

    Returns:
        Shape `curve`: one row per source and hour up to a week.
    """
    if reason := run.tables.unknown("events", "received_at"):
        raise Unanswerable(f"Nobody can say how late events arrive: {reason}.")
    late = run.tables.arrivals.filter(_.received_at > _.at + ibis.interval(hours=1))
    late = late.mutate(lag=seconds(_.at, _.received_at))
    counted = late.group_by(source=_.source, hours=pieces(_.lag, 3600)).aggregate(n=_.count())
    falling = "not arrived yet"
    return run.result(
        "curve",
        counted,
        lambda rows: _still_to_come(run, rows),
        by=("source",),
        counts="every row that says when it arrived",
        told=(("share", falling),),
        counted="events",
        falling=falling,
        made_of=run.scans,
        says=_what_comes_when,
        silence="*No row says when it arrived: how late events arrive is not known.*",
    )


def source_violations(run: Run, found: Answer) -> Iterator[Violation]:
    """Sources that fell silent; a note where no question needs them."""
    for row in found.rows:
        if row["status"] == "stalled":
            seen = f"silent since {row['last']}, while other sources go on"
            asked = run.declared.questions
            ends = [as_seen(run, q).extent.reaches(*q.events, but=q.start) for q in asked]
            said = {"expected": "as fresh as the others", "rows": row["rows"]}
            minor = all(end == run.period.as_of for end in ends)
            yield Violation("freshness", row["source"], seen, minor=minor, **said)


def _still_to_come(run: Run, rows: Rows) -> Rows:
    totals: Counter[str] = Counter()
    for row in run.arrived:
        totals[shown(row["source"])] += row["with_received_at"]
    found: Rows = []
    for source, of in sorted(totals.items()):
        own = [row for row in rows if row["source"] == source]
        for hour in range(1, LAST + 1) if of else ():
            n = sum(row["n"] for row in own if row["hours"] > hour)
            low, high = stats.wilson(n, of)
            found.append(
                {"source": source, "hours": float(hour), "share": n / of}
                | {"low": low, "high": high, "n": of}
            )
            if not n:
                break
    return found


def _what_comes_when(result: Result, told: Told, words: str) -> str:
    """Per source what arrives within an hour, what takes over a day, and when all is there."""
    return each_segment(
        result, told, words, lambda rows, _words: _arrivals_of_source(result, told, rows)
    )


def _arrivals_of_source(result: Result, told: Told, rows: Rows) -> str:
    n = rows[0]["n"]
    events = told.count("events", n, "event")
    if n < result.min_n:
        return f"{too_few(n)}."
    done = next((row["hours"] for row in rows if row["share"] == 0), None)
    if done is not None and done <= 1:
        return f"Of {events} all arrive within an hour."
    late = {at: [row["share"] for row in rows if row["hours"] <= at][-1:] for at in (1, LATE)}
    parts = [f"**{_within_an_hour(told, share, n)}** arrive within an hour" for share in late[1]]
    for share in filter(None, late[LATE]):
        told.kept(f"later_than_{LATE}_hours", share, kind="share", n=n)
        parts.append(f"{rare(share)} take longer than {hours(LATE)}")
    last = rows[-1]
    end = last["hours"] if done is None else done
    told.kept("end", end, kind="hours")
    if done is None:
        told.kept("still_missing", last["share"], kind="share", n=n)
        parts.append(f"after {hours(end)} {rare(last['share'])} are still missing")
    else:
        parts.append(f"after {hours(end)} all are there")
    return f"Of {events} {'; '.join(parts)}."


def _within_an_hour(told: Told, late: float, n: int) -> str:
    """The share that is there, which is not all while some are late."""
    there = percent(1 - late)
    if late and there == percent(1):
        told.kept("later_than_an_hour", late, kind="share", n=n)
        return f"all but {rare(late)}"
    told.kept("within_an_hour", 1 - late, kind="share", n=n)
    return there
