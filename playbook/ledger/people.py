"""Whom plays are for: real people, and when they first did what plays name."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis import selectors as s

from playbook.counting import units
from playbook.data.arrivals import UNIT_COLUMN
from playbook.declare import Play
from playbook.language.mistakes import listed, nearest
from playbook.language.portable import count_if, when
from playbook.ledger.arms import bucket_cut, bucket_of
from playbook.ledger.told import arms_in_log
from playbook.results.section import Unanswerable
from playbook.run import Run

OF = "of_"  # begins the columns that hold what `users` says of a person
FIRST = "first_"  # begins those with the first time of an event
_NUMBERS = itertools.count(1)


def people(run: Run, columns: Iterable[str]) -> ir.Table:
    """One row per real person: `user_id`, `account_id`, each of `columns` as `of_…`, and
    `gets_none`: whether they are held out from all plays.

    Who is in no account is held out by their own id.
    """
    real, sending = run.tables.users.filter(~_.is_internal), run.declared.product.sending
    whole = real.user_id
    if sending.holdout_unit == "account":
        whole = ibis.coalesce(real.account_id, real.user_id)
    none: ir.BooleanValue = ibis.literal(False)
    if sending.holdout:
        none = bucket_of(run, sending.salt, whole) < bucket_cut(sending.holdout)
    chosen = {OF + column: real[column] for column in columns}
    return real.select("user_id", "account_id", **chosen, gets_none=none)


def acting(run: Run) -> ir.Table:
    """`people`, of those who did anything that the plays name, with when they first did it.

    Made once per run, from one scan of the log for all plays: the first time of each event is in
    the column that `first_times` says. People and accounts have a number besides, because a whole
    number is sorted several times faster than a text: `user_no`, in order of `user_id`, and
    `home_no`, their account's. Who is in no account is at home alone.
    """

    def made() -> ir.Table:
        events = first_times(run)
        firsts = (
            units.rows(run.tables, "user")
            .filter(_.event.isin(list(events)))
            .group_by(user_id="unit")
            .aggregate(**{column: when(_.event == e, _.at).min() for e, column in events.items()})
        )
        own = ("timezone", "email_domain")
        wanted = [column for play in plays(run) for column in columns(play)]
        wanted += [column for column in own if run.tables.has("users", column)]
        found = people(run, dict.fromkeys(wanted))
        # Whose clock begins with no event of theirs need not have done anything.
        silent = any(not play.trigger for play in plays(run))
        if silent:  # who did anything is no bot
            acted = run.tables.events.filter(_.user_id.notnull()).group_by(who_="user_id")
            bots = acted.aggregate(real_=count_if(~_.is_bot)).filter(_.real_ == 0)
            found = found.filter(_.user_id.notnull()).anti_join(bots, found.user_id == bots.who_)
        found = (found.left_join if silent else found.inner_join)(firsts, "user_id")
        found = found.select(~s.matches("_right$"))
        number = ibis.row_number().over(ibis.window(order_by="user_id")).cast("int64")
        found = found.mutate(user_no=number)
        first = found.user_no.min().over(ibis.window(group_by="account_id"))
        found = found.mutate(home_no=ibis.ifelse(found.account_id.isnull(), found.user_no, first))
        return run.warehouse.keep(found, kept_as("ledger_people"))

    return run.remembered(("ledger", "people"), made)


def first_times(run: Run) -> dict[str, str]:
    """Event → the column of `acting` with its first time: the events whose first time decides."""
    told = plays(run)
    parts = [part for play in told for part in (play, *play.then)]
    events = [event for part in parts for event in (*part.unless, *part.having)]
    names = dict.fromkeys([*(play.trigger for play in told if play.trigger), *events])
    return {event: f"{FIRST}{place}" for place, event in enumerate(names)}


def kept_as(name: str) -> str:
    """A name of its own for each table that is kept, and the same whenever a notebook runs."""
    return f"{name}_{next(_NUMBERS)}"


def plays(run: Run) -> list[Play]:
    """The plays whose audience can be told: what `lacks` finds nothing wrong with."""
    return [play for play in run.declared.plays if not lacks(run, play.slug)]


def untold(run: Run) -> dict[str, str]:
    """The plays that are sent and hold somebody out, and of which nobody can say whom they are
    for → why."""
    sent = [play.slug for play in run.declared.plays if play.holds_out and not play.draft]
    return {slug: reason for slug in sent if (reason := lacks(run, slug))}


def play_of(run: Run, slug: str) -> Play:
    """A declared play.

    Raises:
        Unanswerable: Nobody declares it, or its audience cannot be told.
    """
    if reason := lacks(run, slug):
        raise Unanswerable(reason)
    return next(play for play in run.declared.plays if play.slug == slug)


def lacks(run: Run, slug: str) -> str:
    """What it takes to tell a play's audience and is not there; "" if it can be told."""
    play = next((play for play in run.declared.plays if play.slug == slug), None)
    if play is None:
        known = listed(play.slug for play in run.declared.plays)
        return f"{run.declared.product.name} declares no play `{slug}`. It declares: {known}."
    if not run.tables.has("users"):
        return "The table `users` is not mapped: without it nobody can say who was meant."
    # A canonical column that nobody maps is there, and says nothing.
    has = sorted(run.tables.mapped["users"])
    if lacking := [column for column in columns(play) if column not in has]:
        return _users_lack(f"The audience of `{slug}` names", lacking, has)
    if play.unit == "account" and "account_id" not in has:
        return _users_lack(f"`{slug}` is drawn by", ["account_id"], has)
    if reason := _log_lacks(run, play):
        return reason
    if play.unit == "account" and run.tables.has("accounts"):
        has = sorted({*has, *run.tables.mapped["accounts"]})
    if lacking := [column for column in play.holdout_by if column not in has]:
        return _users_lack(f"The holdout of `{slug}` is by", lacking, has)
    return ""


def meant(rows: ir.Table, play: Play) -> ir.Table:
    """The rows of `people` whom a play is for, and who have a unit of it, with it: `unit`."""
    own = among(rows, play.audience).mutate(unit=_[UNIT_COLUMN[play.measured]])
    return own.filter(_.unit.notnull(), _[UNIT_COLUMN[play.unit]].notnull())


def columns(play: Play) -> list[str]:
    """The columns of `users` that say whether a person is meant."""
    parts = (play, *play.then)
    return list(dict.fromkeys(column for part in parts for column in part.audience))


def among(rows: ir.Table, audience: Mapping[str, Sequence[str]]) -> ir.Table:
    """The rows of `people` who are in an audience."""
    for column, accepted in audience.items():
        rows = rows.filter(_[OF + column].isin(list(accepted)))
    return rows


def _log_lacks(run: Run, play: Play) -> str:
    """What it takes of the log of arms to compare a play, and is not there."""
    needed = ["assigned_at"] if play.exposure == "assigned" else []
    if play.arms != "logged" and not needed:
        return ""
    what = f"`{play.slug}` rests on the log of arms: "
    if reason := run.tables.unknown("assignments", *needed):
        return f"{what}{reason}. Hint: map `assignments` in product.yaml."
    if not any(row["play"] == play.slug for row in arms_in_log(run).rows):
        named = listed(sorted({row["play"] for row in arms_in_log(run).rows}))
        return f"{what}it does not name the play. It names: {named}."
    return ""


def _users_lack(what: str, lacking: Sequence[str], has: Sequence[str]) -> str:
    return (
        f"{what} {listed(lacking)}, which `users` lacks. "
        f"It has: {listed(has)}. Hint: {nearest(lacking[0], has)}"
    )
