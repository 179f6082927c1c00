"""Where data points are consumed and why, and what reaches the tools that consume them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.audit.agreement import compared
from playbook.counting.shaping import Rows
from playbook.declare import Copy
from playbook.language.periods import moment
from playbook.language.portable import count_if, seconds
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

NO_CONSUMER = "no consumer"
SLOW = 3600  # seconds after which a tool has an event too late to act on it
GRACE = 86_400  # seconds that a tool may take: what is younger is not lost yet
NAME = "audit.copies"


def destinations(run: Run) -> Result:
    """Where each data point is consumed and for what purpose.

    Returns:
        Shape `audit`: `subject` (data point), `check` (destination), `status` (`used`, or
        `missing` where nobody consumes it) and `seen` (the purpose).
    """
    table = run.log
    return run.result("audit.destinations", "audit", table, fetched=lambda: _purposes(run))


def copies(run: Run) -> Answer:
    """What each destination's own copy of the events has, against the warehouse.

    Events of the last day are left out: they may be under way.

    Returns:
        Shape `table`: one row per destination and event: `in_warehouse`, `lost` (not in the
        copy) and its `share`, `slow` (there more than an hour after the warehouse) and its
        `slow_share`, `extra` (in the copy alone; under the event "(unknown)").
    """
    declared = run.declared.product.copies
    if not declared:
        return Unavailable(
            NAME,
            "No destination's own copy of the events is mapped. Name its export under `copies:` "
            "of product.yaml to see what it loses and how late it is.",
        )
    order = ["destination", "event"]
    return compared(
        run, NAME, lambda: [_copy(run, copy, k) for k, copy in enumerate(declared)], order, _shares
    )


def _purposes(run: Run) -> Rows:
    names = list(dict.fromkeys(d for point in run.declared.plan for d in point.destinations))
    found: Rows = []
    for point in run.declared.plan:
        found += [
            _cell(point.event, name, "used", point.destinations[name], "")
            for name in names
            if name in point.destinations
        ]
        if not point.destinations:
            says = "nobody has said what it is for: resist collecting it"
            wanted = "a destination and a purpose"
            found.append(_cell(point.event, NO_CONSUMER, "missing", says, wanted))
    return found


def _cell(subject: str, check: str, status: str, seen: str, expected: str) -> dict[str, str]:
    return {
        "subject": subject,
        "check": check,
        "status": status,
        "seen": seen,
        "expected": expected,
    }


def _copy(run: Run, copy: Copy, place: int) -> ir.Table:
    """One row per event that the destination should have: what it has."""
    planned = [p.event for p in run.declared.plan if copy.destination in p.destinations]
    theirs = run.warehouse.columns(copy.table, event_id=copy.event_id, theirs_at=copy.at)
    theirs = theirs.group_by("event_id").aggregate(theirs_at=_.theirs_at.min())
    ours = (
        run.tables.arrivals.filter(_.event.isin(planned), _.event_id.notnull())
        .group_by("event_id")
        .aggregate(event=_.event.min(), ours_at=_.received_at.coalesce(_.at).min())
    )
    ours = run.warehouse.keep(ours, f"sent_to_{place}")
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
    strange = theirs.filter(_.theirs_at >= moment(run.log_begins), _.theirs_at <= until)
    strange = run.warehouse.keep(strange.anti_join(ours, "event_id"), f"strange_{place}")
    logged = run.tables.arrivals.semi_join(strange, "event_id").select("event_id")
    beyond = strange.anti_join(logged, "event_id").aggregate(extra=_.count())
    zero = ibis.literal(0, "int64")
    unknown = beyond.filter(_.extra > 0).select(
        event=ibis.literal("(unknown)"), in_warehouse=zero, lost=zero, slow=zero, extra=_.extra
    )
    both = compared.union(unknown, distinct=False)
    return both.mutate(destination=ibis.literal(copy.destination))


def _shares(rows: Rows) -> Rows:
    found = []
    for row in rows:
        there = row["in_warehouse"] - row["lost"]
        found.append(
            {
                "destination": row["destination"],
                "event": row["event"],
                "in_warehouse": row["in_warehouse"],
                "lost": row["lost"],
                "share": row["lost"] / row["in_warehouse"] if row["in_warehouse"] else None,
                "slow": row["slow"],
                "slow_share": row["slow"] / there if there else None,
                "extra": row["extra"],
            }
        )
    return found
