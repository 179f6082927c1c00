"""What came when: causes before effects, events that fire twice, and events that are overtaken."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from itertools import groupby

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.audit.violation import Violation
from playbook.language.mistakes import Mistake
from playbook.language.periods import moment
from playbook.language.portable import count_if, joined, ratio, seconds, united, when
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, KEY, share_of
from playbook.results.section import Unanswerable, section
from playbook.run import Run

TWICE = 2  # seconds within which the same event in the same visit is one that fired twice
OVERTAKEN = 60  # seconds by which an event must arrive before an earlier one
TOLERATED = 0.001  # of events: what stays below happens to every log
VISITED = {"event": KEY, "n": COUNT, "twice": COUNT, "overtaken": COUNT}
CAUSE = {"event": KEY, "follows": KEY, "by": KEY, "things": COUNT, "without": COUNT}
CAUSE |= {"before": COUNT, "share": share_of("things")}


@section("audit.visits")
def events_of_visits(run: Run) -> Result:
    """Events of visits that fire twice, or arrive before earlier ones; those that are counted.

    Looked at are the events that a question, a play or the path names: on others it changes
    nothing. One that fires twice has another id, and all its properties are the same. Events that
    arrive more than once under one id are left out.

    Returns:
        Shape `table`: one row per event: `event`, `n`, `twice`, `overtaken` (null: it is not
        known when events arrive).
    """
    if not run.tables.has("events", "session_id"):
        raise Unanswerable("No `session_id` is mapped, so events have no visits.")
    arrivals, properties = run.tables.arrivals, run.declared.properties
    held = [column for column in properties if column in arrivals.columns]
    rows = arrivals.filter(_.session_id.notnull(), _.event.isin(_named_events(run)))
    rows = rows.anti_join(run.tables.shared, "event_id")  # a copy overtakes nothing
    visit = ibis.window(group_by="session_id", order_by=["at", "event_id"])
    # What must be the same, in one text: one window column instead of one for each.
    texts = [rows[column].cast("string").fill_null("") for column in ("user_id", *held)]
    walked = rows.mutate(like_=joined([rows.event, *texts], "|")).mutate(
        id_before=_.event_id.lag().over(visit),
        like_before=_.like_.lag().over(visit),
        at_before=_.at.lag().over(visit),
        received_before=_.received_at.lag().over(visit),
    )
    soon = seconds(_.at_before, _.at) <= TWICE
    again = (_.like_ == _.like_before) & (_.event_id != _.id_before) & soon
    found = walked.group_by("event").aggregate(
        n=_.count(),
        twice=count_if(again),
        overtaken=count_if(seconds(_.received_at, _.received_before) > OVERTAKEN),
    )
    blind = {"overtaken": None} if run.tables.unknown("events", "received_at") else {}
    return run.result(
        "table",
        found.order_by("event"),
        lambda rows: [row | blind for row in rows],
        counts="every row",
        own=VISITED,
        silence="No event that a question or a play names is part of a visit.",
    )


@section("audit.causes")
def causes(run: Run) -> Result:
    """Whether what must come first does: `follows` of the plan, thing by thing.

    Returns:
        Shape `table`: one row per rule: `event`, `follows`, `by`, `things` (that have the
        event), `without` (those that never had the first one), `before` (those that had it
        later), and `share` of both. Things that the product's tables know to be older than the
        log are left out.
    """
    wanted = [
        (rule.by, point.event, rule.event)
        for point in run.declared.plan
        for rule in point.follows
        if run.tables.has("events", rule.by)
    ]
    if not wanted:
        raise Unanswerable(
            "The plan says of nothing that is mapped what must come first. Write `follows:` under "
            "a data point, such as a verification that follows a sign-up."
        )
    wanted.sort()
    parts = [
        part
        for by, rules in groupby(wanted, key=lambda rule: rule[0])
        for part in _causes_by(run, by, [(event, first) for _by, event, first in rules])
    ]
    counted = united(parts).mutate(share=ratio(_.without + _.before, _.things))
    in_order = counted.select(*CAUSE).order_by(["event", "follows", "by"])
    return run.result("table", in_order, own=CAUSE)


def cause_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Effects without their cause, or before it."""
    for row in found.rows:
        if wrong := row["without"] + row["before"]:
            seen = f"{row['without']:,} without {row['follows']}, {row['before']:,} before it"
            wanted = f"after {row['follows']} of the same {row['by']}"
            sizes = {"rows": wrong, "of": row["things"]}
            yield Violation("order", row["event"], seen, expected=wanted, **sizes)


def visit_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Events that later ones of their visit overtook, if there are more than a few."""
    overtaken, n = (sum(row[name] or 0 for row in found.rows) for name in ("overtaken", "n"))
    if overtaken > TOLERATED * n:
        seen, wanted = "events overtaken in their visit", "they arrive in order"
        yield Violation("order", "the log", seen, expected=wanted, rows=overtaken, of=n)


def _named_events(run: Run) -> list[str]:
    """The events that a question, a play or the path names."""
    names = [
        event for question in run.declared.questions for event in run.declared.needed(question)
    ]
    for play in run.declared.plays:
        names += play.events
    return sorted({*names, *run.declared.product.path})


def _causes_by(run: Run, by: str, rules: list[tuple[str, str]]) -> list[ir.Table]:
    """The rules of one kind of thing, from one scan of its events."""
    names = sorted({name for rule in rules for name in rule})
    rows = run.tables.arrivals.filter(_[by].notnull(), _.event.isin(names), _.at.notnull())
    firsts = {f"at_{i}": when(_.event == name, _.at).min() for i, name in enumerate(names)}
    per_thing = rows.group_by(by).aggregate(**firsts)
    if older := list(_older_things(run, by, [first for _event, first in rules])):
        per_thing = per_thing.anti_join(united(older), by)
    if len(rules) > 1:
        per_thing = run.warehouse.shared(per_thing)
    found = []
    for event, first in rules:
        own, before = (f"at_{names.index(name)}" for name in (event, first))
        had = per_thing.filter(_[own].notnull())
        counts = had.aggregate(
            things=_.count(),
            without=count_if(_[before].isnull()),
            before=count_if(_[own] < _[before]),
        )
        said = {"event": event, "follows": first, "by": by}
        found.append(counts.mutate(**{key: ibis.literal(value) for key, value in said.items()}))
    return found


def _older_things(run: Run, by: str, firsts: Iterable[str]) -> Iterator[ir.Table]:
    """Things that the product's tables know to be older than the log: it lacks what came first."""
    begins, users = moment(run.extent.observed_since(*firsts)), run.tables.users
    if by == "user_id" and users is not None:
        yield users.filter(_.signed_up_at < begins).select("user_id")
    for each in run.declared.product.agrees:
        if each.by == by and each.table in run.warehouse.names:
            with contextlib.suppress(Mistake):  # `agreement` says what is wrong with it
                own = run.warehouse.columns(each.table, key=each.key, own_at=each.at)
                yield own.filter(_.own_at < begins).select(**{by: "key"})
