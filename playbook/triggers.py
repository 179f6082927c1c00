"""The ghost ledger: whom a play reaches or would have reached, in both arms, from product data."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import portable, units
from playbook.declare import Play
from playbook.mistakes import listed, nearest
from playbook.periods import duration, interval, moment
from playbook.portable import count_if
from playbook.run import Run

UNIT_ID = {"user": "user_id", "account": "account_id"}


def obstacle(run: Run, slug: str) -> str:
    """Why a play's audience cannot be told; "" if it can."""
    name, play = run.declared.product.name, play_of(run, slug)
    if play is None:
        known = listed(play.slug for play in run.declared.plays)
        return f"{name} declares no play `{slug}`. It declares: {known}."
    if not run.tables.has("users"):
        return "The table `users` is not mapped: without it nobody can say who was meant."
    columns = run.tables.users.columns
    if lacking := [column for column in play.audience if column not in columns]:
        return (
            f"The audience of `{slug}` names {listed(lacking)}, which `users` lacks. "
            f"It has: {listed(columns)}. Hint: {nearest(lacking[0], columns)}"
        )
    return ""


def play_of(run: Run, slug: str) -> Play | None:
    """The play of that name, if the product declares it."""
    return next((play for play in run.declared.plays if play.slug == slug), None)


def audience(run: Run, play: Play) -> ir.Table:
    """Whom a play is for: one row per real person, `unit`, `user_id`, `account_id` and `arm`.

    The arm is drawn from the play's slug and the unit's id alone, so it is the same on every
    engine, in every run, and before anything is sent.
    """
    people = run.tables.users.filter(~_.is_internal)
    for column, accepted in play.audience.items():
        people = people.filter(_[column].isin(list(accepted)))
    unit = UNIT_ID[play.unit]
    people = people.filter(_[unit].notnull()).select("user_id", "account_id", unit=unit)
    place = portable.bucket(
        ibis.literal(f"{play.slug}:") + people.unit, engine=run.warehouse.engine
    )
    cut = round(play.holdout * portable.BUCKETS)
    return people.mutate(arm=ibis.ifelse(place < cut, "holdout", "treated"))


def ledger(run: Run, play: Play) -> ir.Table:
    """One row per unit that triggers, or would have, in the period.

    A person's clock starts at the first trigger event; the moment comes `after` it. The unit's
    moment is that of its first person whose moment is not stopped.

    Returns:
        `unit`, `user_id`, `account_id`, `arm`, `moment_at` (when the message goes out, or would
        have) and `decision`: `send`, `holdout`, or `already_done` (an `unless` came before, or a
        `having` did not; such a unit does not count in either arm).
    """
    after = interval(duration(play.after))
    people = audience(run, play)
    acts = units.rows(run.tables, "user").select(person="unit", event="event", done_at="at")
    begun = (
        acts.filter(_.event == play.trigger)
        .group_by("person")
        .aggregate(began_at=_.done_at.min())
        .filter(run.period.entered(_.began_at))
        .mutate(moment_at=_.began_at + after)
        .filter(_.moment_at <= moment(run.period.as_of))
    )
    timed = people.inner_join(begun, people.user_id == begun.person).drop("began_at", "person")
    return _first_of_unit(_decided(timed, acts, play))


def outcomes(run: Run, play: Play) -> ir.Table:
    """The ledger with what each unit did: `ledger`'s columns, `is_mature` and `did`.

    A unit `did` if it (any member, where accounts are assigned) did the goal from its moment to
    `goal_within` later, both included. It is mature if that whole window lies inside the data.
    """
    window = duration(play.goal_within)
    found = ledger(run, play)
    goals = (
        units.rows(run.tables, play.unit)
        .filter(_.event == play.goal)
        .select(doer="unit", goal_at="at")
    )
    kept = [*found.columns]
    return (
        found.left_join(goals, found.unit == goals.doer)
        .group_by(kept)
        .aggregate(did=count_if(portable.within(_.moment_at, _.goal_at, interval(window))) > 0)
        .mutate(is_mature=run.period.closed(_.moment_at, window))
    )


def _decided(timed: ir.Table, acts: ir.Table, play: Play) -> ir.Table:
    """Each person with the decision at their moment."""
    relevant = acts.filter(_.event.isin([*play.unless, *play.having, play.trigger]))
    conditions = {"stopped": ibis.literal(False), "ready": ibis.literal(True)}
    joined = timed.left_join(relevant, timed.user_id == relevant.person)
    before = _.done_at <= _.moment_at
    if play.unless:
        conditions["stopped"] = count_if(_.event.isin(list(play.unless)) & before) > 0
    if play.having:
        met = [count_if((_.event == event) & before) > 0 for event in play.having]
        conditions["ready"] = ibis.and_(*met)
    grouped = joined.group_by([*timed.columns]).aggregate(seen=_.count(), **conditions)
    return grouped.mutate(
        decision=ibis.cases(
            (grouped.stopped | ~grouped.ready, "already_done"),
            (grouped.arm == "holdout", "holdout"),
            else_="send",
        )
    ).drop("seen", "stopped", "ready")


def _first_of_unit(people: ir.Table) -> ir.Table:
    """One row per unit: its first person who is not stopped, else its first."""
    stopped_last = ibis.ifelse(_.decision == "already_done", 1, 0)
    order = ibis.window(group_by="unit", order_by=[stopped_last, _.moment_at, _.user_id])
    return people.mutate(place_=ibis.row_number().over(order)).filter(_.place_ == 0).drop("place_")


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
        `complained`: each true if it is so for any message.
    """
    unit = UNIT_ID[play.unit]
    sent = run.tables.messages.filter(_.play == play.slug, ~_.is_ghost, _[unit].notnull())
    human = _.seen_at.notnull() & (~_.seen_by_machine).fill_null(False)
    acted = _.clicked_at.notnull() | _.completed_at.notnull()
    traces = [_.sent_at, _.delivered_at, _.seen_at, _.clicked_at]
    return sent.group_by(unit=unit).aggregate(
        contacted=count_if(ibis.or_(*(trace.notnull() for trace in traces))) > 0,
        sent=count_if(_.sent_at.notnull()) > 0,
        delivered=count_if(_.delivered_at.notnull()) > 0,
        seen=count_if(human | acted) > 0,
        clicked=count_if(acted) > 0,
        unsubscribed=count_if(_.unsubscribed_at.notnull()) > 0,
        complained=count_if(_.complained_at.notnull()) > 0,
    )
