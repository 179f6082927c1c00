"""What other logs tell of a play: the arms that somebody drew, the messages of the tools."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.arrivals import UNIT_COLUMN
from playbook.declare import Play
from playbook.language.portable import count_if
from playbook.results import Result
from playbook.run import Run


def arms_in_log(run: Run) -> Result:
    """What the log of assignments holds: one row per `play` and `arm`, `n` rows, and how many of
    them are of `others`, who drew them in place of us. No rows where no log is mapped."""

    def made() -> Result:
        if run.tables.assignments is None:
            return Result("log.assignments", "table", finish=lambda rows: [])
        others = count_if(_.source.isnull() | (_.source != "ours"))
        rows = run.tables.assignments.group_by("play", "arm").aggregate(n=_.count(), others=others)
        return Result("log.assignments", "table", rows)

    return run.remembered(("log", "assignments"), made)


def logged_arms(run: Run, play: Play) -> ir.Table:
    """The arms that the log has: one row per unit that is `drawn`, the first and last name among
    them (`logged_arm`, and `other_arm`, which is the same unless it is in several), and
    `first_assigned_at`."""
    log = run.tables.assignments.filter(
        _.play == play.slug, _.unit_type.isnull() | (_.unit_type == play.unit)
    )
    return log.group_by(drawn="unit_id").aggregate(
        logged_arm=_.arm.min(), other_arm=_.arm.max(), first_assigned_at=_.assigned_at.min()
    )


def first_messages(run: Run, play: Play) -> ir.Table:
    """When a play's first message went to each unit, or would have: ghosts with a time, too.

    Returns:
        `unit` and `first_at`.
    """
    unit, at = UNIT_COLUMN[play.measured], ibis.coalesce(_.sent_at, _.delivered_at, _.seen_at)
    own = run.tables.messages.filter(_.play == play.slug, _[unit].notnull())
    return own.group_by(unit=unit).aggregate(first_at=at.min())


def messages_of(run: Run, play: Play) -> ir.Table:
    """What the engagement tool says happened: one row per unit that it sent the play to.

    Returns:
        `unit`, `contacted` (any trace of a message), `sent`, `delivered`, `seen` (by a human:
        machine and unknown opens are not), `clicked` (a guide: finished), `unsubscribed`,
        `complained`: each true if it is so for any message. Of a tool that logs no delivery at
        all, what was sent and did not come back is delivered: unknown is not never.
    """
    unit = UNIT_COLUMN[play.measured]
    own = ibis.window(group_by=["source", "channel"])
    # Some tools say that a message was sent, and not when.
    was_sent = _.sent_at.notnull() | _.is_sent.fill_null(False)
    told = run.tables.messages.mutate(logged_=_.delivered_at.count().over(own) > 0)
    silent = ~_.logged_ & was_sent & _.bounced_at.isnull()
    told = told.mutate(arrived_=_.delivered_at.notnull() | silent)
    sent = told.filter(_.play == play.slug, ~_.is_ghost, _[unit].notnull())
    human = _.seen_at.notnull() & (~_.seen_by_machine).fill_null(False)
    acted = _.clicked_at.notnull() | _.completed_at.notnull()
    traces = [_.delivered_at, _.seen_at, _.clicked_at]
    return sent.group_by(unit=unit).aggregate(
        contacted=count_if(ibis.or_(was_sent, *(trace.notnull() for trace in traces))) > 0,
        sent=count_if(was_sent) > 0,
        delivered=count_if(_.arrived_) > 0,
        seen=count_if(human | acted) > 0,
        clicked=count_if(acted) > 0,
        unsubscribed=count_if(_.unsubscribed_at.notnull()) > 0,
        complained=count_if(_.complained_at.notnull()) > 0,
    )
