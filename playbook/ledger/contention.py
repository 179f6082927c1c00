"""Who wins where messages want the same person: one pass in order of time, all rows at once.

What a message becomes depends on which of those before it were sent. A message is sent for sure
once even all that may still be sent before it leave room for it, and is not once those that are
sent for sure leave none; the rest waits for the next round. Each round settles at least the first
open message of every home, so it ends, and what it ends with is what one pass in order gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.warehouse import Warehouse
from playbook.declare import Play
from playbook.language.portable import count_if, united, when
from playbook.ledger import limits
from playbook.ledger.arms import EVERYTHING, HOLDOUT, SEVERAL, is_sent
from playbook.ledger.limits import Bound
from playbook.run import Run

ORDER = ("stretch", "pressing", "moment_at", "rank", "step", "user_no", "episode")
NUMBERS = ("rank", "step", "user_no", "episode")  # identify a message, too
WHY_HELD_OUT = {HOLDOUT: "held out from this play", EVERYTHING: "held out from all plays"}
WHY_HELD_OUT |= {SEVERAL: "in several arms of the log"}


def contended(run: Run, due: ir.Table, plays: Sequence[Play]) -> ir.Table:
    """The messages that nothing stops on its own account, with `decision` and `reason`.

    Messages to people who are held out are judged as all others, and count for none of them.
    """
    sending = run.declared.product.sending
    bounds = limits.bounds(plays, sending)
    # What is sent to one home changes nothing in another.
    home = limits.SCOPES["account" if limits.per_account(sending) else "user"]
    in_order = ibis.window(group_by=home, order_by=list(ORDER))
    # Windows carry all columns along: the few that decide are numbers, and the rest waits.
    few = limits.with_scopes(run, due).mutate(home=_[home], is_treated=is_sent(_.arm))
    needed = {column for bound in bounds for column in bound.scope}
    few = few.select(*dict.fromkeys((*NUMBERS, "home", *ORDER, *needed, "channel", "is_treated")))
    few = few.mutate(place=ibis.row_number().over(in_order).cast("int64")).drop("moment_at")
    few = few.mutate(free_=_room(few, bounds, few.is_treated))
    crowded = count_if(~few.free_).over(ibis.window(group_by="home")) > 0
    few = few.mutate(is_crowded=crowded)
    seen = run.warehouse.keep(few, "ledger_seen")
    desk, crowd = run.warehouse, seen.filter(_.is_crowded)
    if seen is few:  # the engine keeps nothing: our own settles what is open, from numbers alone
        desk, crowd = Warehouse(ibis.duckdb.connect()), _here(run.warehouse, crowd)
    sent = _sent_of(desk, crowd.filter(_.is_treated), bounds)
    known = crowd.left_join(sent, ["home", "place"]).select(
        *crowd.columns, is_sent=_.was_sent.fill_null(False)
    )
    judged = _broken_bounds(known, bounds)
    if desk is not run.warehouse:
        judged = _here(desk, judged)
    found = due.left_join(judged, list(NUMBERS))
    return _decisions_in_words(found, bounds, plays).select(*due.columns)


def _here(warehouse: Warehouse, rows: ir.Table) -> ir.Table:
    """The rows, fetched once: a table that any engine can join."""
    return ibis.memtable(warehouse.connection.to_pyarrow(rows))


def _sent_of(desk: Warehouse, treated: ir.Table, bounds: Sequence[Bound]) -> ir.Table:
    """Which messages of crowded homes are sent: `home`, `place`, `was_sent`.

    Every round leaves out what is not sent, and the homes where all is settled.
    """
    rows = treated.mutate(is_sent=when(treated.free_, True), is_open=ibis.literal(True))
    settled: list[ir.Table] = []
    while True:
        rows = desk.keep(rows, f"ledger_round_{len(settled)}")
        settled.append(rows.filter(~_.is_open).select("home", "place"))
        rows = rows.filter(_.is_open)
        if not desk.connection.to_pyarrow(rows.count()).as_py():
            return united(settled).mutate(was_sent=True)
        rows = _round(rows, bounds)


def _round(rows: ir.Table, bounds: Sequence[Bound]) -> ir.Table:
    """The messages that are sent or may be, after one more round."""
    full = ~_room(rows, bounds, rows.is_sent.notnull())
    judged = rows.mutate(full_=full, free_=_room(rows, bounds, ibis.literal(True)))
    sent = (judged.is_sent.notnull(), True), (judged.full_, False), (judged.free_, True)
    left = judged.mutate(is_sent=ibis.cases(*sent, else_=None)).filter(_.is_sent.fill_null(True))
    still_open = (_.place.count() - _.is_sent.count()).over(ibis.window(group_by="home")) > 0
    return left.mutate(is_open=still_open).select(*rows.columns)


def _room(rows: ir.Table, bounds: Sequence[Bound], among: ir.BooleanValue) -> ir.BooleanValue:
    """Whether those `among` that come before a message leave room for it."""
    return ~ibis.or_(*(bound.broken(rows, among) for bound in bounds))


def _broken_bounds(rows: ir.Table, bounds: Sequence[Bound]) -> ir.Table:
    """Messages with the place of the first bound that they would break, `broken`, now that all is
    settled, and the rank of the play that won their stretch, `winner`."""
    contest = next(bound for bound in bounds if not bound.reason)
    winner = when(rows.is_sent, rows["rank"]).max().over(contest.window(rows))
    cases = [(bound.broken(rows, rows.is_sent), place) for place, bound in enumerate(bounds)]
    return rows.select(*NUMBERS, broken=ibis.cases(*cases, else_=None), winner=winner)


def _decisions_in_words(rows: ir.Table, bounds: Sequence[Bound], plays: Sequence[Play]) -> ir.Table:
    """The messages with `decision` and `reason`."""
    decisions, reasons = [], []
    for place, bound in enumerate(bounds):
        breaks = rows.broken == place
        decisions.append((breaks, bound.decision))
        winners = enumerate(sorted(play.slug for play in plays))
        to = [(breaks & (rows.winner == rank), f"to {slug}") for rank, slug in winners]
        reasons += [(breaks, bound.reason)] if bound.reason else to
    reasons += [(rows.arm == arm, why) for arm, why in WHY_HELD_OUT.items()]
    return rows.mutate(
        decision=ibis.cases(*decisions, (is_sent(rows.arm), "send"), else_="holdout"),
        reason=ibis.cases(*reasons, else_=""),
    )
