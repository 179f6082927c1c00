"""The ghost ledger: whom a play reaches or would have reached, in both arms, from product data."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.tables import TIME
from playbook.declare import Play
from playbook.language.portable import united
from playbook.ledger import contention, due, stopping
from playbook.ledger import people as who
from playbook.ledger.arms import (
    EVERYTHING,
    HOLDOUT,
    NOT_SENT,
    SEVERAL,
    TREATED,
    UNASSIGNED,
    Arms,
    arms_of,
    with_arms,
)
from playbook.ledger.limits import stretch
from playbook.ledger.outcomes import ledger, outcomes
from playbook.ledger.people import kept_as, lacks, play_of, untold
from playbook.ledger.told import arms_in_log, logged_arms, messages_of
from playbook.run import Run

__all__ = [
    "EVERYTHING",
    "HELD_BACK",
    "HOLDOUT",
    "NOT_SENT",
    "SEVERAL",
    "TREATED",
    "UNASSIGNED",
    "Arms",
    "arms_in_log",
    "arms_of",
    "audience",
    "decided",
    "is_ours_to_send",
    "lacks",
    "ledger",
    "logged_arms",
    "messages_of",
    "outcomes",
    "play_of",
    "stretch",
    "untold",
]

# Decisions of the rules, and not of the arm or of what people did.
HELD_BACK = ("quiet", "suppressed", "unreachable", "lost_priority", "capped")
SCHEMA = {
    "play": "string",
    "step": "int64",
    "unit": "string",
    "episode": "int64",
    "user_id": "string",
    "account_id": "string",
    "channel": "string",
    "triggered_at": TIME,
    "moment_at": TIME,
    "arm": "string",
    "decision": "string",
    "reason": "string",
}


def audience(run: Run, play: Play) -> ir.Table:
    """Whom a play is for: one row per real person, `unit`, `user_id`, `account_id` and `arm`."""
    found = with_arms(run, play, who.meant(who.people(run, play.audience), play))
    return found.select("user_id", "account_id", "unit", "arm")


def decided(run: Run) -> ir.Table:
    """The ledger of all plays together: one row per message that would be due, in both arms.

    It is made once per run. Plays whose audience cannot be told are not in it (see `lacks`), nor
    those that send nothing, have ended, or whose clock begins with what a tool has done.

    A person's clock starts at the first trigger event, if that is in the period; where a play may
    come `again`, at the first one of each episode, and the episodes are counted from the
    beginning of the log. The message is due `after` it and goes out at its moment, which is
    later where it waits for the end of quiet hours. Messages whose moment is after the end of
    the data are not in the ledger. An account's message goes to its first person whom nothing
    makes it useless for. The further messages of a sequence go to whomever the first one was
    of use for, as long after it was due as the step says.

    Returns:
        `play`, `step` (0: the first message), `unit`, `episode` (from 1), `user_id`,
        `account_id`, `channel`, `triggered_at` (when it is due), `moment_at` (when it goes out,
        or would have), `arm` (see `arms.with_arms`),
        `decision` and `reason` (in words; "" if it is sent). The decision is the first that
        applies:

        - `already_done`: an `unless` came before the moment, or one of the `exits` after the
          trigger, or a `having` did not come;
        - `quiet`: the moment is in hours in which nothing goes out, and which are not waited for;
        - `suppressed`: a suppression holds, or an earlier message made the person leave the
          channel or complain;
        - `unreachable`: an e-mail to somebody without an address, or whose address is no good;
        - `suppressed`, too: the person was sent a play that this one is `suppressed_by`;
        - `lost_priority`: a message that presses more, or as much and earlier, wants the same
          person (or account) in the same stretch of time;
        - `capped`: a limit is reached;
        - `holdout`: nothing stops it but its arm;
        - `send`.
    """
    return run.remembered(("ledger",), lambda: _decided(run))


def is_ours_to_send(run: Run, play: Play) -> bool:
    """Whether its messages are still due, and start with what people do."""
    return play.sends and bool(play.trigger) and not play.is_over(run.as_of)


def _decided(run: Run) -> ir.Table:
    plays = [play for play in who.plays(run) if is_ours_to_send(run, play)]
    if not plays:
        return ibis.memtable([], schema=SCHEMA)
    keep = run.warehouse.keep
    judged = keep(stopping.stopped(run, due.messages(run, plays)), "ledger_due")
    going = contention.contended(run, judged.filter(_.decision.isnull()), plays)
    all_ = united([each.select(*SCHEMA) for each in (judged.filter(_.decision.notnull()), going)])
    return keep(all_, kept_as("ledger"))
