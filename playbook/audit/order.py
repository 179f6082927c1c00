"""What came when: times that cannot be, the order of events, and events that fire twice."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from itertools import groupby

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import Rows
from playbook.language.mistakes import Mistake
from playbook.language.periods import moment
from playbook.language.portable import count_if, seconds, united, when
from playbook.results import Answer, Unavailable
from playbook.run import Run

TWICE = 2  # seconds within which the same event in the same visit is one that fired twice
OVERTAKEN = 60  # seconds by which an event must arrive before an earlier one


def visits(run: Run) -> Answer:
    """Events of visits that fire twice, or arrive before earlier ones; those that are counted.

    Looked at are the events that a question, a play or the path names: on others it changes
    nothing. One that fires twice has another id, and all its properties are the same. Events that
    arrive more than once under one id are left out.

    Returns:
        Shape `table`: one row per event: `event`, `n`, `twice`, `overtaken`.
    """
    name = "audit.visits"
    if not run.tables.has("events", "session_id"):
        return Unavailable(name, "No `session_id` is mapped, so events have no visits.")
    arrivals, properties = run.tables.arrivals, run.declared.properties
    held = [column for column in properties if column in arrivals.columns]
    rows = arrivals.filter(_.session_id.notnull(), _.event.isin(counted(run)))
    rows = rows.anti_join(run.tables.shared, "event_id")  # a copy overtakes nothing
    visit = ibis.window(group_by="session_id", order_by=["at", "event_id"])
    # What must be the same, in one text: one window column instead of one for each.
    texts = [rows[column].cast("string").fill_null("") for column in ("user_id", *held)]
    walked = rows.mutate(like_=ibis.literal("|").join([rows.event, *texts])).mutate(
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
    return run.result(name, "table", found.order_by("event"), counts="every row")


def causes(run: Run) -> Answer:
    """Whether what must come first does: `follows` of the plan, thing by thing.

    Returns:
        Shape `table`: one row per rule: `event`, `follows`, `by`, `things` (that have the
        event), `without` (those that never had the first one), `before` (those that had it
        later), and `share` of both. Things that the product's tables know to be older than the
        log are left out.
    """
    name = "audit.causes"
    wanted = [
        (rule.by, point.event, rule.event)
        for point in run.declared.plan
        for rule in point.follows
        if rule.by in run.tables.arrivals.columns
    ]
    if not wanted:
        return Unavailable(
            name,
            "The plan does not say what must come first. Write `follows:` under a data point, "
            "such as a verification that follows a sign-up.",
        )
    wanted.sort()
    parts = [
        part
        for by, rules in groupby(wanted, key=lambda rule: rule[0])
        for part in _per_thing(run, by, [(event, first) for _by, event, first in rules])
    ]
    stacked = united(parts)
    return run.result(name, "table", stacked.order_by(["event", "follows", "by"]), _shares)


def counted(run: Run) -> list[str]:
    """The events that a question, a play or the path names."""
    names = [event for question in run.declared.questions for event in question.events]
    for play in run.declared.plays:
        names += play.events
    return sorted({*names, *run.declared.product.path})


def _per_thing(run: Run, by: str, rules: list[tuple[str, str]]) -> list[ir.Table]:
    """The rules of one kind of thing, from one scan of its events."""
    names = sorted({name for rule in rules for name in rule})
    rows = run.tables.arrivals.filter(_[by].notnull(), _.event.isin(names), _.at.notnull())
    firsts = {f"at_{i}": when(_.event == name, _.at).min() for i, name in enumerate(names)}
    columns = run.tables.arrivals.columns
    per_thing = rows.group_by(by).aggregate(**firsts)
    if older := list(_older(run, by)):
        known = united(older)
        per_thing = per_thing.anti_join(known, by)
    if len(rules) > 1:
        kept = functools.partial(run.warehouse.keep, per_thing, f"firsts_{columns.index(by)}")
        per_thing = run.remembered(("firsts", by), kept)
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
        literals = {key: ibis.literal(value) for key, value in said.items()}
        found.append(counts.select(**literals, things=_.things, without=_.without, before=_.before))
    return found


def _older(run: Run, by: str) -> Iterator[ir.Table]:
    """Things that the product's tables know to be older than the log: it lacks what came first."""
    begins, users = moment(run.log_begins), run.tables.users
    if by == "user_id" and users is not None:
        yield users.filter(_.signed_up_at < begins).select("user_id")
    for each in run.declared.product.agrees:
        if each.by == by and each.table in run.warehouse.names:
            with contextlib.suppress(Mistake):  # `agreement` says what is wrong with it
                own = run.warehouse.columns(each.table, key=each.key, own_at=each.at)
                yield own.filter(_.own_at < begins).select(**{by: "key"})


def _shares(rows: Rows) -> Rows:
    for row in rows:
        wrong = row["without"] + row["before"]
        row["share"] = wrong / row["things"] if row["things"] else None
    return rows
