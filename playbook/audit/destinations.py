"""Where data points are consumed and why, and what reaches the tools that consume them."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.audit.agreement import beside_canonical, unread_violation
from playbook.audit.violation import Violation
from playbook.declare import Copy
from playbook.language.periods import moment
from playbook.language.portable import count_if, ratio, seconds
from playbook.results import Answer, Result, Rows, Unavailable
from playbook.results.columns import COUNT, KEY, SHAPES, SHARE, share_of
from playbook.results.section import Unanswerable, section
from playbook.run import Run

NO_CONSUMER = "no consumer"
SLOW = 3600  # seconds after which a tool has an event too late to act on it
GRACE = 86_400  # seconds that a tool may take: what is younger is not lost yet
COPY = {"destination": KEY, "event": KEY, "in_warehouse": COUNT, "lost": COUNT}
COPY |= {"share": share_of("in_warehouse"), "slow": COUNT, "slow_share": SHARE, "extra": COUNT}


@section("audit.destinations")
def destinations(run: Run) -> Result:
    """Where each data point is consumed and for what purpose.

    Returns:
        Shape `audit`: `subject` (data point), `check` (destination), `status` (`used`, or
        `missing` where nobody consumes it) and `seen` (the purpose).
    """

    none = "*No data point is planned: nobody has said what is consumed, and where.*"
    return run.result("audit", None, lambda _rows: _purposes(run), silence=none)


@section("audit.copies")
def copies(run: Run) -> Result:
    """What each destination's own copy of the events has, against the warehouse.

    Events of the last day are left out: they may be under way.

    Returns:
        Shape `table`: one row per destination and event: `in_warehouse`, `lost` (not in the
        copy) and its `share`, `slow` (there more than an hour after the warehouse) and its
        `slow_share`, `extra` (in the copy alone; under the event "(unknown)").
    """
    declared = run.declared.product.copies
    if not declared:
        raise Unanswerable(
            "No destination's own copy of the events is mapped. Name its export under `copies:` "
            "of product.yaml to see what it loses and how late it is."
        )
    return beside_canonical(
        run,
        lambda: [_copy_of_tool(run, each) for each in declared],
        COPY,
        share=ratio(_.lost, _.in_warehouse),
        slow_share=ratio(_.slow, _.in_warehouse - _.lost),
    )


def purpose_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Data points that nobody consumes."""
    for row in found.rows:
        if row["check"] == NO_CONSUMER:
            said = ("destinations", row["subject"], row["check"])
            yield Violation(*said, expected=row["expected"], minor=True)


def copy_violations(run: Run, found: Answer) -> Iterator[Violation]:
    """What a tool lost, got late, or has alone."""
    if run.declared.product.copies and isinstance(found, Unavailable):
        yield unread_violation("destinations", found)
    for row in found.rows:
        for name, seen, expected, of in (
            ("lost", "lost", "it arrives there", row["in_warehouse"]),
            ("slow", "there over an hour late", "soon", row["in_warehouse"]),
            ("extra", "not in the warehouse", "", 0),
        ):
            if row[name]:
                said = {"expected": expected, "where": row["destination"], "elsewhere": True}
                sizes = {"rows": row[name], "of": of}
                yield Violation("destinations", row["event"], seen, **said, **sizes)


def _purposes(run: Run) -> Rows:
    names = list(dict.fromkeys(d for point in run.declared.plan for d in point.destinations))
    cells: list[tuple[str, ...]] = []
    for point in run.declared.plan:
        uses = point.destinations
        cells += [(point.event, name, "used", uses[name], "") for name in names if name in uses]
        if not uses:
            seen = "nobody has said what it is for: resist collecting it"
            wanted = "a destination and a purpose"
            cells.append((point.event, NO_CONSUMER, "missing", seen, wanted))
    return [dict(zip(SHAPES["audit"], cell, strict=True)) for cell in cells]


def _copy_of_tool(run: Run, copy: Copy) -> ir.Table:
    """One row per event that the destination should have: what it has."""
    planned = [p.event for p in run.declared.plan if copy.destination in p.destinations]
    theirs = run.warehouse.columns(copy.table, event_id=copy.event_id, theirs_at=copy.at)
    theirs = theirs.group_by("event_id").aggregate(theirs_at=_.theirs_at.min())
    ours = (
        run.tables.arrivals.filter(_.event.isin(planned), _.event_id.notnull())
        .group_by("event_id")
        .aggregate(event=_.event.min(), ours_at=_.received_at.coalesce(_.at).min())
    )
    ours = run.warehouse.shared(ours)
    until = moment(run.period.as_of) - ibis.interval(seconds=GRACE)
    settled = ours.filter(_.ours_at <= until)
    both = settled.left_join(theirs, "event_id")
    lag = seconds(_.ours_at, _.theirs_at)
    compared = both.group_by("event").aggregate(
        in_warehouse=_.count(),
        lost=count_if(_.theirs_at.isnull()),
        slow=count_if(lag > SLOW),
        extra=ibis.literal(0, "int64"),
    )
    strange = theirs.anti_join(ours, "event_id")
    strange = strange.filter(_.theirs_at >= moment(run.log_begins), _.theirs_at <= until)
    strange = run.warehouse.shared(strange)
    logged = run.tables.arrivals.semi_join(strange, "event_id").select("event_id")
    beyond = strange.anti_join(logged, "event_id").aggregate(extra=_.count())
    zero = ibis.literal(0, "int64")
    unknown = beyond.filter(_.extra > 0).select(
        event=ibis.literal("(unknown)"), in_warehouse=zero, lost=zero, slow=zero, extra=_.extra
    )
    return compared.union(unknown, distinct=False).mutate(
        destination=ibis.literal(copy.destination)
    )
