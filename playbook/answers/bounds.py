"""What an answer would be if each defect of the data fell one way or the other.

Nothing is assumed about what is missing (Manski, Partial Identification of Probability
Distributions, 2003): the ends of a defect are those of a recount, or of the best and the worst
case. The ends of several defects add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers.question_on_run import CASE
from playbook.counting.shaping import Rows
from playbook.data import arrivals, people, placeholders
from playbook.data.arrivals import UNIT_COLUMN
from playbook.data.tables import Tables
from playbook.declare import Question
from playbook.language.dialects import sooner
from playbook.language.periods import words
from playbook.language.portable import when
from playbook.language.wording import percent
from playbook.results import Answer
from playbook.results.columns import COUNT, KEY, TEXT, Column, share_of
from playbook.results.section import Unanswerable, section, there
from playbook.run import Run, fetched

BASE = "as it stands"
COMPLETE = 0.999  # with this share of its rows there, a day is complete
DEFECTS = {
    "defect": KEY,
    "touches": TEXT,
    "n": COUNT,
    **dict.fromkeys(("share", "lowest", "highest"), share_of("n")),
    "moves": Column("moved", of="n"),
}


@dataclass(frozen=True)
class Count:
    """How many units had their time, how many of these reached it, and how many still may."""

    n: int
    reached: int
    open: int

    def share(self, more: int = 0, beside: int = 0) -> float:
        """The answer, if so many more had reached it, of so many more units."""
        reached = min(max(self.reached + more, 0), self.n + beside)
        return reached / (self.n + beside)


@dataclass(frozen=True)
class Recount:
    """A defect, what it touches, and the run as it were if it fell the other way."""

    defect: str
    touches: str
    run: Run


@section("{stage}.{id}_bounds")
def bounds(run: Run, id: str, *, stage: str = "audit") -> Answer:
    """How far each defect of the data moves the answer to a question, in one statement.

    Returns:
        Shape `table`. The first row is the answer `as it stands`, with `lowest` and `highest`
        over all defects together; then one row per defect that the data have: `defect`,
        `touches` (how much of the data), `n`, `share` (the answer as recounted, or as it
        stands), `lowest` and `highest` (if it fell one way or the other), and `moves`, the
        larger of the two distances from the answer.
    """
    asking = answers.asked(run, id)
    run, question = asking.run, asking.question
    if question.measured.bounded is None:
        raise Unanswerable("the answer is a number of things, and no share.")
    cases = [Recount(BASE, "", run), *_recounts(run, question)]
    now = [case for case in cases if case.run.period == run.period]
    tables = {case.defect: case.run.tables for case in now}
    at_once = answers.counted(replace(asking, by=(CASE,), cases=tables))
    earlier = {
        case.defect: answers.answer(case.run, id, stage=stage) for case in cases if case not in now
    }

    def finish(rows: Rows) -> Rows:
        own: dict[str, Rows] = {defect: [] for defect in tables}
        for row in at_once.finish(rows):
            own[row.pop(CASE)].append(row)
        # Before the log, nobody had closed a window: then every window is fresh.
        own |= {d: a.rows for d, a in earlier.items()}
        counts = {d: _as_count(question, each) for d, each in own.items()}
        return _all_ends(run, question, cases, counts)

    return replace(
        at_once,
        shape="table",
        by=(),
        finish=finish,
        made_of=(*there(*earlier.values()), *run.scans),
        own=DEFECTS,
    )


def _recounts(run: Run, question: Question) -> Iterator[Recount]:
    """The defects that the data of a question have, each with a run to recount it in."""
    tables = run.tables
    seen = [run.coverage[event] for event in question.events if event in run.coverage]
    n = sum(row["n"] for row in seen)

    def part(name: str) -> float:
        return sum(row[name] for row in seen) / n

    def changed(**columns: Any) -> Run:
        return replace(run, tables=tables.changed(**columns))

    untied = _untied(question, run.warehouse.engine)
    yield Recount("ties", "equal times count as out of order", changed(at=untied))
    if copies := _differing_copies(run, question):
        touches = f"{copies:,} events arrive twice, and not alike"
        yield from (
            Recount(f"copies that differ{which}", touches, replace(run, tables=other))
            for which, other in _with_copies(run)
        )
    if part("skewed"):
        late = when(arrivals.skewed(tables.events), _.received_at)
        touches = f"{percent(part('skewed'))} of its events come from a clock that is off"
        yield Recount("clocks", touches, changed(at=ibis.coalesce(late, _.at)))
    if question.unit == "account" and part("inferred"):
        touches = (
            f"{percent(part('inferred'))} of its events name no account but through their user"
        )
        own = when(~_.is_inferred, _.account_id)
        yield Recount("unlinked accounts", touches, changed(account_id=own))
    if shared := _shared_ids(run) if question.unit == "user" else ():
        touches = f"{len(shared):,} ids are shared by many, or say nobody"
        known = when(~_.user_id.isin(shared), _.user_id)
        yield Recount("shared ids", touches, changed(user_id=known))
    if part("bots") or run.tables.has("users", "is_internal"):
        bots = (
            f"bots ({percent(part('bots'))} of its events) and " if part("bots") >= 0.0005 else ""
        )
        flags = {name: ibis.literal(False) for name in ("is_bot", "is_internal")}
        yield Recount("bots", f"{bots}our own people are left out", changed(**flags))
    lag = next((s for s in arrivals.LATE if part(f"late_{s}") <= 1 - COMPLETE), arrivals.LATE[-1])
    if lag > arrivals.LATE[0] and run.tables.has("events", "received_at"):
        length = timedelta(seconds=lag)
        share = percent(part(f"late_{arrivals.LATE[1]}"))
        touches = f"{share} of its events arrive over an hour late"
        period = replace(run.period, as_of=run.period.as_of - length)
        yield Recount(
            f"late arrivals (up to {words(length)})", touches, replace(run, period=period)
        )


def _shared_ids(run: Run) -> list[str]:
    """The users' ids that may be nobody's, or many people's; see `placeholders.odd_ids`."""

    def made() -> list[str]:
        if not run.tables.has("events", "user_id"):
            return []
        odd = placeholders.odd_ids(run.tables.arrivals, "user_id")
        rows = fetched(odd.filter(_.doubtful | _.crowded).select("id"))
        return sorted(row["id"] for row in rows)

    return run.remembered(("shared ids",), made)


def _untied(question: Question, engine: str) -> ir.TimestampValue:
    """Times with later steps moved before earlier ones, by a microsecond for each place."""
    moved = [
        (_.event == event, sooner(_.at, place, engine=engine))
        for place, event in enumerate(question.events)
    ]
    return ibis.cases(*moved, else_=_.at)


def _with_copies(run: Run) -> Iterator[tuple[str, Tables]]:
    """The tables as if every copy had happened, and as if only the last one of each had."""
    tables, shared = run.tables, run.tables.shared
    timed = tables.arrivals.filter(_.at.notnull())
    last = ibis.window(group_by="event_id")
    latest = shared.filter(_.copy_ == _.copy_.max().over(last)).drop("copy_")
    alone = timed.anti_join(shared, "event_id")
    for which, events in (
        (", all counting", timed),
        (", the last one counting", alone.union(latest, distinct=False)),
    ):
        found = people.with_account_of_user(events, tables.users)
        yield which, replace(tables, once=lambda found=found: found).until(run.period.as_of)


def _differing_copies(run: Run, question: Question) -> int:
    """Events of a question whose copies differ in what is counted; equal ones move no answer."""
    if not any(row["event"] in question.events for row in run.copied):
        return 0
    columns = [*UNIT_COLUMN.values(), "event", "at", *question.hold]
    found = arrivals.conflicts(run.tables.shared, columns)
    of_question = found.filter(_.event.isin(list(question.events)))
    key = ("conflicts", tuple(columns), question.events)
    return run.remembered(key, lambda: fetched(of_question.aggregate(n=_.count())))[0]["n"]


def _all_ends(
    run: Run, question: Question, cases: list[Recount], counts: Mapping[str, Count]
) -> Rows:
    base = counts[BASE]
    if not base.n:
        return []
    ends: dict[tuple[str, str], tuple[float, ...]] = {}
    for case in cases[1:]:
        count, late = counts[case.defect], case.run.period.as_of < run.period.as_of
        if late:
            found = _if_more(question, base, _fresh_windows(question, base, count))
        else:
            found = (count.share(),) if count.n else ()
        # What may fall in several ways is one defect: its ends are the furthest of them.
        defect = (case.defect.partition(",")[0], case.touches)
        ends[defect] = (*ends.get(defect, ()), *found)
    rows = [_defect_row(*defect, base, found) for defect, found in ends.items()]
    rows += [
        _defect_row(defect, touches, base, ends)
        for defect, touches, ends in _missing(run, question, base)
    ]
    if base.open:
        ends = (base.share(0, base.open), base.share(base.open, base.open))
        rows.append(_defect_row("open windows", f"{base.open:,} are still open", base, ends))
    rows = [row for row in rows if row["moves"] > 0]
    answer = _defect_row(BASE, "", base, ())
    answer["lowest"] = max(0.0, base.share() - sum(base.share() - r["lowest"] for r in rows))
    answer["highest"] = min(1.0, base.share() + sum(r["highest"] - base.share() for r in rows))
    return [answer, *sorted(rows, key=lambda row: -row["moves"])]


def _defect_row(defect: str, touches: str, base: Count, ends: tuple[float, ...]) -> dict[str, Any]:
    share = base.share()
    lowest, highest = min([share, *ends]), max([share, *ends])
    return {
        "defect": defect,
        "touches": touches,
        "n": base.n,
        "share": share,
        "lowest": lowest,
        "highest": highest,
        "moves": max(share - lowest, highest - share),
    }


def _fresh_windows(question: Question, base: Count, earlier: Count) -> int:
    """How many windows closed so lately that a late event may still change their outcome."""
    if question.measure == "missed_within":
        return base.reached - earlier.reached
    return (base.n - earlier.n) - (base.reached - earlier.reached)


def _if_more(question: Question, base: Count, events: int) -> tuple[float, ...]:
    """The answers if so many events belonged, one each, to units whose outcome they change."""
    up = (base.share(events),) if question.measured.raised else ()
    down = (base.share(-events),) if question.measured.lowered else ()
    return (*up, *down)


def _missing(
    run: Run, question: Question, base: Count
) -> Iterator[tuple[str, str, tuple[float, ...]]]:
    """Events that name no unit: whose they are, nobody knows.

    Each of them changes the outcome of one unit at the most.
    """
    within = answers.duration(question.within) if question.within else None
    until = run.period.until + within if within else run.period.as_of
    # What is done before the start counts, too, where it must not be.
    since = datetime.min if question.measured.before else run.period.since
    seen = run.coverage_between(since, until)
    for event in question.events:
        whole = sum(row["n"] for row in run.arrived if row["event"] == event)
        untimed = sum(row["n"] for row in run.arrived if row["event"] == event and not row["day"])
        untimed += run.coverage.get(event, {}).get("ancient", 0)
        if untimed:
            touches = f"{percent(untimed / whole)} of {event} have no time, or an impossible one"
            yield f"{event} without a time", touches, _if_lost(question, event, base, untimed)
        if event not in seen:
            continue
        row, lacks = seen[event], {}
        for column in (arrivals.unit_column(run.tables, question.unit), *question.hold):
            if row["n"] > row[f"with_{column}"]:
                lacks[column] = row["n"] - row[f"with_{column}"]
        if not lacks:
            continue
        n, names = min(row["n"], sum(lacks.values())), " or ".join(lacks)
        touches = f"{percent(n / row['n'])} of {event} name no {names}"
        yield f"{event} without {names}", touches, _if_lost(question, event, base, n)


def _if_lost(question: Question, event: str, base: Count, n: int) -> tuple[float, ...]:
    """The answers between which it lies if so many of an event belong to units unknown."""
    if event == question.unless:  # without them, fewer units count
        return base.share(-n), base.share(n)
    if question.order == "strict" or event in {each.event for each in question.exclude}:
        # It may have come between; and whom it leaves out no longer counts as failed.
        fewer = max(-n, base.reached - base.n, 1 - base.n)
        return base.share(-n), base.share(n), base.share(0, fewer)
    if event == question.start:
        # An earlier start may turn it around.
        if question.measured.first or question.unless or question.enters != "any":
            return base.share(-n), base.share(n)
        # They belong to units that nobody counts yet, or are further tries of those that count.
        return (base.share(0, n), base.share(n, n), *_if_more(question, base, n))
    if question.measure == "did_before":
        return (base.share(n if event == question.first else -n),)
    if question.measure == "time_to":  # in time, or before the start
        return base.share(-n), base.share(n)
    return _if_more(question, base, n)


def _as_count(question: Question, rows: Rows) -> Count:
    """An answer as one count; see `Measure.bounded` for what it counts."""
    if not rows:
        return Count(0, 0, 0)
    if "reached" in rows[0]:
        return Count(rows[0]["n"], rows[0]["reached"], rows[0]["open"])
    if "step" in rows[0]:
        return Count(rows[0]["n"], rows[-1]["n"], rows[0]["open"])
    closed = [row for row in rows if row["share"] is not None]
    n, open_ = (sum(row["n"] for row in own) for own in (closed, rows))
    # Of buckets, those who never got there, and those who were there before.
    never = {len(question.edges) + 1, len(question.edges) + 2} if question.edges else {0}
    missed = sum(row["n"] for row in closed if row["position"] in never)
    return Count(n, n - missed, open_ - n)
