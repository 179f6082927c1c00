"""Whom each play is compared on, and what they did: the plain ledger, without rules of sending."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.tables import TIME
from playbook.declare import Play
from playbook.language.periods import duration, interval
from playbook.language.portable import united
from playbook.ledger import people as who
from playbook.ledger.arms import is_sent
from playbook.ledger.due import first_due
from playbook.ledger.people import kept_as
from playbook.run import Run

SCHEMA = {
    **dict.fromkeys(("play", "unit", "user_id", "account_id", "arm"), "string"),
    "moment_at": TIME,
    "decision": "string",
}


def ledger(run: Run, play: Play) -> ir.Table:
    """Whom one play is compared on: one row per unit that triggers, or would have.

    Only the first trigger is clean for measurement: further episodes and messages come after
    units of both arms have been treated differently. So are the rules that `decided` tries: the
    tool may have sent at once, and what people did since is its doing. So every unit is judged
    when the message is due, by what the play alone asks for.

    Returns:
        `unit`, `user_id`, `account_id`, `arm`, `moment_at` (when it is due) and `decision`:
        `already_done`, or else `holdout` or `send` by the arm. Where accounts are drawn and
        people counted, every person is a unit.
    """
    own = _triggered(run).filter(_.play == play.slug)
    return own.select("unit", "user_id", "account_id", "arm", "moment_at", "decision")


def _triggered(run: Run) -> ir.Table:
    """`ledger` of all plays, made once per run."""

    def made() -> ir.Table:
        plays = who.plays(run)
        if not plays:
            return ibis.memtable([], schema=SCHEMA)
        # A play is compared on all who triggered since it began, whatever period is looked at:
        # else an earlier look, and the error that it spent, would be forgotten.
        due = first_due(run, plays, since=min(run.log_begins, run.period.since))
        going = ibis.cases((is_sent(due.arm), "send"), else_="holdout")
        found = due.mutate(decision=ibis.cases((due.done.notnull(), "already_done"), else_=going))
        return run.warehouse.keep(found.select(*SCHEMA), kept_as("triggered"))

    return run.remembered(("ledger", "triggered"), made)


def outcomes(run: Run, play: Play) -> ir.Table:
    """The ledger with what each unit did: `ledger`'s columns, `is_mature` and `did`.

    A unit `did` if it (any member, where accounts are assigned) did the goal from its moment to
    `goal_within` later, both included. It is mature if that whole window lies inside the data.
    """
    own = _all_outcomes(run).filter(_.play == play.slug).drop("play")
    return own.mutate(is_mature=run.period.closed(_.moment_at, duration(play.goal_within)))


def _all_outcomes(run: Run) -> ir.Table:
    """What the units of all plays did, made once per run: `play`, `ledger`'s columns and `did`."""

    def made() -> ir.Table:
        parts = [
            _with_goal(run, unit, [play for play in run.declared.plays if play.measured == unit])
            for unit in ("user", "account")
            if any(play.measured == unit for play in run.declared.plays)
        ]
        if not parts:
            return _triggered(run).mutate(did=ibis.literal(False))
        return run.warehouse.keep(united(parts), kept_as("outcomes"))

    return run.remembered(("ledger", "outcomes"), made)


def _with_goal(run: Run, unit: str, plays: Sequence[Play]) -> ir.Table:
    """The outcomes of the plays that draw one kind of unit."""
    own = _triggered(run).filter(_.play.isin([play.slug for play in plays]))
    goal = ibis.cases(*((own.play == play.slug, play.goal) for play in plays), else_="")
    ends = (
        (own.play == play.slug, own.moment_at + interval(duration(play.goal_within)))
        for play in plays
    )
    own = own.mutate(goal=goal, until_at=ibis.cases(*ends, else_=own.moment_at))
    acts = units.rows(run.tables, unit).filter(_.event.isin([play.goal for play in plays]))
    acts = acts.select(doer="unit", done="event", done_at="at")
    hits = own.inner_join(acts, [own.unit == acts.doer, own.goal == acts.done])
    # Where the goal is to do the trigger once more, the trigger itself is none.
    again = hits.play.isin([play.slug for play in plays if play.goal == play.trigger])
    hits = hits.filter(
        hits.done_at.between(hits.moment_at, hits.until_at),
        ~again | (hits.done_at > hits.moment_at),
    )
    hits = hits.select("play", "unit").distinct()
    hits = hits.mutate(hit=ibis.literal(True))
    joined = own.left_join(hits, ["play", "unit"])
    columns = _triggered(run).columns
    return joined.select(*columns, did=joined.hit.fill_null(False))
