"""The ghost ledger: whom a play reaches or would have reached, in both arms, from product data."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.arrivals import UNIT_COLUMN
from playbook.data.tables import TIME
from playbook.declare import Play
from playbook.language.mistakes import listed, nearest
from playbook.language.periods import duration, interval
from playbook.language.portable import count_if, united
from playbook.ledger import contention, due, stopping
from playbook.ledger import people as who
from playbook.ledger.limits import stretch
from playbook.results.section import Unanswerable
from playbook.run import Run

__all__ = [
    "HELD_BACK",
    "audience",
    "decided",
    "ledger",
    "logged_arms",
    "messages_of",
    "needed_play",
    "obstacle",
    "outcomes",
    "play_of",
    "stretch",
]

# Decisions of the rules, and not of the arm or of what people did.
HELD_BACK = ("quiet", "suppressed", "unreachable", "lost_priority", "capped")
_NUMBERS = itertools.count(1)
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


def obstacle(run: Run, slug: str) -> str:
    """Why a play's audience cannot be told; "" if it can."""
    name, play = run.declared.product.name, play_of(run, slug)
    if play is None:
        known = listed(play.slug for play in run.declared.plays)
        return f"{name} declares no play `{slug}`. It declares: {known}."
    if not run.tables.has("users"):
        return "The table `users` is not mapped: without it nobody can say who was meant."
    columns = run.tables.users.columns
    if lacking := [column for column in who.columns(play) if column not in columns]:
        return _lacks(f"The audience of `{slug}` names", lacking, columns)
    if play.unit == "account" and run.tables.accounts is not None:
        columns = list(dict.fromkeys((*columns, *run.tables.accounts.columns)))
    if lacking := [column for column in play.holdout_by if column not in columns]:
        return _lacks(f"The holdout of `{slug}` is by", lacking, columns)
    return ""


def _lacks(what: str, lacking: Sequence[str], columns: Sequence[str]) -> str:
    return (
        f"{what} {listed(lacking)}, which `users` lacks. "
        f"It has: {listed(columns)}. Hint: {nearest(lacking[0], columns)}"
    )


def play_of(run: Run, slug: str) -> Play | None:
    """The play of that name, if the product declares it."""
    return next((play for play in run.declared.plays if play.slug == slug), None)


def needed_play(run: Run, slug: str) -> Play:
    """The play of that name, if its audience can be told."""
    if reason := obstacle(run, slug):
        raise Unanswerable(reason)
    return play_of(run, slug)


def audience(run: Run, play: Play) -> ir.Table:
    """Whom a play is for: one row per real person, `unit`, `user_id`, `account_id` and `arm`."""
    people = who.among(who.people(run, play.audience), play.audience)
    found = who.with_arms(run, play, who.with_unit(people, play))
    return found.select("user_id", "account_id", "unit", "arm")


def decided(run: Run) -> ir.Table:
    """The ledger of all plays together: one row per message that would be due, in both arms.

    It is made once per run. Plays whose audience cannot be told are not in it; see `obstacle`.

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
        or would have), `arm` (`treated`, `holdout`, or `everything`: held out from all plays),
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


def _decided(run: Run) -> ir.Table:
    plays = [play for play in run.declared.plays if not obstacle(run, play.slug)]
    if not plays:
        return ibis.memtable([], schema=SCHEMA)
    keep = run.warehouse.keep
    judged = keep(stopping.stopped(run, due.messages(run, plays)), "ledger_due")
    going = contention.contended(run, judged.filter(_.decision.isnull()), plays)
    all_ = united([each.select(*SCHEMA) for each in (judged.filter(_.decision.notnull()), going)])
    return keep(all_, _named("ledger"))


def _named(name: str) -> str:
    """A name of its own for each run of a session, and the same whenever a notebook runs."""
    return f"{name}_{next(_NUMBERS)}"


def ledger(run: Run, play: Play) -> ir.Table:
    """Whom one play is compared on: one row per unit that triggers, or would have.

    Only the first trigger is clean for measurement: further episodes and messages come after
    units of both arms have been treated differently. So are the rules that `decided` tries: the
    tool may have sent at once, and what people did since is its doing. So every unit is judged
    when the message is due, by what the play alone asks for.

    Returns:
        `unit`, `user_id`, `account_id`, `arm`, `moment_at` (when it is due) and `decision`:
        `already_done`, or else `holdout` or `send` by the arm.
    """
    own = _triggered(run).filter(_.play == play.slug)
    return own.select("unit", "user_id", "account_id", "arm", "moment_at", "decision")


def _triggered(run: Run) -> ir.Table:
    """`ledger` of all plays, made once per run."""

    def made() -> ir.Table:
        plays = [
            play.model_copy(update={"then": (), "again": None})
            for play in run.declared.plays
            if not obstacle(run, play.slug)
        ]
        if not plays:
            return ibis.memtable([], schema=SCHEMA)
        product = run.declared.product
        sending = product.sending.model_copy(update={"quiet": (), "limits": ()})
        declared = replace(run.declared, product=product.model_copy(update={"sending": sending}))
        # A play is compared on all who triggered since it began, whatever period is looked at:
        # else an earlier look, and the error that it spent, would be forgotten.
        period = replace(run.period, since=min(run.log_begins, run.period.since))
        due_ = due.messages(replace(run, declared=declared, period=period), plays)
        going = ibis.cases((due_.arm == who.TREATED, "send"), else_="holdout")
        found = due_.mutate(decision=ibis.cases((due_.done.notnull(), "already_done"), else_=going))
        columns = ["play", "unit", "user_id", "account_id", "arm", "moment_at", "decision"]
        return run.warehouse.keep(found.select(columns), _named("triggered"))

    return run.remembered(("triggered",), made)


def outcomes(run: Run, play: Play) -> ir.Table:
    """The ledger with what each unit did: `ledger`'s columns, `is_mature` and `did`.

    A unit `did` if it (any member, where accounts are assigned) did the goal from its moment to
    `goal_within` later, both included. It is mature if that whole window lies inside the data.
    """
    own = _outcomes(run).filter(_.play == play.slug).drop("play")
    return own.mutate(is_mature=run.period.closed(_.moment_at, duration(play.goal_within)))


def _outcomes(run: Run) -> ir.Table:
    """What the units of all plays did, made once per run: `play`, `ledger`'s columns and `did`."""

    def made() -> ir.Table:
        parts = [
            _reached(run, unit, [play for play in run.declared.plays if play.unit == unit])
            for unit in ("user", "account")
            if any(play.unit == unit for play in run.declared.plays)
        ]
        if not parts:
            return _triggered(run).mutate(did=ibis.literal(False))
        return run.warehouse.keep(united(parts), _named("outcomes"))

    return run.remembered(("outcomes",), made)


def _reached(run: Run, unit: str, plays: Sequence[Play]) -> ir.Table:
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


def logged_arms(run: Run, play: Play) -> ir.Table | None:
    """The arms that the product's own log has: one row per unit, `unit` and `logged_arm`.

    None where no log is mapped.
    """
    if run.tables.assignments is None:
        return None
    log = run.tables.assignments.filter(_.play == play.slug)
    return log.group_by(unit="unit_id").aggregate(logged_arm=_.arm.min())


def messages_of(run: Run, play: Play) -> ir.Table:
    """What the engagement tool says happened: one row per unit that it sent the play to.

    Returns:
        `unit`, `contacted` (any trace of a message), `sent`, `delivered`, `seen` (by a human:
        machine and unknown opens are not), `clicked` (a guide: finished), `unsubscribed`,
        `complained`: each true if it is so for any message. Of a tool that logs no delivery at
        all, what was sent and did not come back is delivered: unknown is not never.
    """
    unit = UNIT_COLUMN[play.unit]
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
