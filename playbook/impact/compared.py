"""The units that a trial compares, and the sums over them: lazy tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting import units
from playbook.data.arrivals import UNIT_COLUMN
from playbook.language import portable
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import count_if, pieces, seconds, united, when

if TYPE_CHECKING:
    from playbook.impact.trial import Trial

MINUTE, HOUR, DAY = 60, 3600, 86_400
NEW = timedelta(days=1)  # before its clock began: whoever was first seen by then is new
FLAGS = ("got", "seen", "contacted", "logged", "redrawn", "goal_before", "path_before")
FLAGS += ("assigned_late", "assigned_after", "is_new")
BEFORE = ("logged", "redrawn", "assigned_late", "assigned_after")
BEFORE += ("goal_before", "path_before", "is_new")
COUNTS = ("assigned", "triggered", "n", "did", "got", "did_got", "seen", "contacted")
COUNTS += (*BEFORE, "beside")
# What accounts that are drawn whole differ by → its column.
OF_ACCOUNT = {"account_n": "n", "account_did": "did", "account_got": "got"}
OF_ALIKE = tuple(OF_ACCOUNT)


def units_of(of: Trial) -> ir.Table:
    """One row per unit whose clock began, in an arm: held out from all plays is in none.

    Units whose moment is before the play went live, or after the test ended, are in no arm.

    Returns:
        `play`, `unit`, `user_id`, `account_id`, `drawn` (what was assigned: the unit, or its
        account), `arm` (`holdout`, the treatments, or `several` and `unassigned`: whom the log
        has in several arms, or in none), `stratum` ("" where nothing is stratified), `moment_at`,
        `triggered` (it had not done it before), `did`, `mature` (the whole window is inside the
        data of all that is needed, and it is known who got it), `look` (the first at which it is
        mature), `reached_at` (its goal), `is_new` (it did nothing until a day before its clock
        began), `goal_before` and `path_before` (the goal, or another event of the product's
        path, in as long a time before the moment), `got` (a message was
        delivered), `seen` (by a human), `contacted` (any trace of a message), `logged` (the log
        of assignments has it in an arm), `redrawn` (in another one than ours), `assigned_late`
        and `assigned_after` (the log assigned it after its moment, after its window), `beside`
        (somebody of its account is in another arm).
    """
    run, play = of.run, of.play
    arms = [*of.arms.compared, ledger.SEVERAL, ledger.UNASSIGNED]
    found = ledger.outcomes(run, play).filter(_.arm.isin(arms))
    if play.live_from:
        found = found.filter(_.moment_at >= moment(of.begins))
    if play.until:
        found = found.filter(_.moment_at < ibis.literal(play.until).cast("timestamp"))
    if of.stopped:
        found = found.filter(_.moment_at <= moment(of.stopped))
    for more in (_around_moment(of, found), _first_seen(of)):
        found = found.left_join(more, "unit").drop("unit_right")
    began = _.moment_at - interval(duration(play.after))
    # Who did nothing at all is new, too: else to be new would hang on what came of it.
    found = found.mutate(is_new=~(_.first_seen_at < began - interval(NEW)).fill_null(False))
    found = _with_log(of, _with_messages(of, found))
    found = _with_strata(of, found).mutate(drawn=_[UNIT_COLUMN[play.unit]])
    late = seconds(moment(of.begins), found.moment_at) + int(of.window.total_seconds())
    spacing = int(duration(play.looks).total_seconds())
    mature = _.is_mature & (_.moment_at + interval(of.window) <= moment(of.watermark))
    if of.known_until:
        mature &= _.moment_at <= moment(of.known_until)
    return found.select(
        "unit",
        "user_id",
        "account_id",
        "drawn",
        "arm",
        "stratum",
        "moment_at",
        "did",
        "reached_at",
        play=ibis.literal(play.slug),
        triggered=_.decision != "already_done",
        mature=mature,
        look=pieces(ibis.greatest(late, 0), spacing),
        beside=_beside(of, found),
        **{flag: found[flag].fill_null(False) for flag in FLAGS},
    )


def due_since(of: Trial, last: datetime) -> ir.Table:
    """The treated units to which it was due after a moment."""
    found = ledger.outcomes(of.run, of.play)
    return found.filter(
        _.moment_at > moment(last), _.arm.isin(of.arms.own), _.decision != "already_done"
    )


def sums(all_: Sequence[Trial], by: Sequence[str] = ()) -> ir.Table:
    """What `units_of` says of each play, added up; all plays in one statement.

    Returns:
        One row per `play`, `arm`, `stratum`, `look` and `by`, with how many units are
        `assigned` (their clock began), `triggered`, and of the latter: `n` that are mature, of
        these `did` the goal, `got` a message, did both (`did_got`), `seen` it, and were
        `contacted` at all; `accounts` that these are in; of all that triggered, `logged` (the
        log has them in an arm), `redrawn` (in another one than ours), `assigned_late` and
        `assigned_after`, `goal_before` and `path_before` (what they did in the time before), and
        `beside` (a colleague is in another arm). Where accounts are drawn and people counted, the
        accounts of a row are alike: each has `account_n` mature units, of which `account_did`
        and `account_got`; else these are null.
    """
    found = united([each.units for each in all_])
    if by:
        people = units.traits(all_[0].run.tables, "user", by)
        found = found.left_join(people, found.user_id == people.unit).drop("unit_right")
    return added_up(all_, found, by)


def added_up(all_: Sequence[Trial], found: ir.Table, by: Sequence[str] = ()) -> ir.Table:
    """`sums` of the units of some trials, by columns that these rows have themselves."""
    whole = [each.play.slug for each in all_ if each.play.is_clustered]
    parts = []
    if len(whole) < len(all_):
        parts.append(_of_units(found.filter(~_.play.isin(whole)) if whole else found, by))
    if whole:
        parts.append(_of_accounts(found.filter(_.play.isin(whole)), by))
    return united(parts)


def waits(of: Trial) -> ir.Table:
    """How long units waited for the goal: those whose window is open, too.

    Returns:
        One row per `arm`, `seconds` since the moment (whole minutes in the first day, whole
        hours later, rounded up) and `reached` (the goal then; else last seen without): `n`.
    """
    window, last = int(of.window.total_seconds()), moment(of.watermark)
    found = of.units.filter(_.triggered, _.moment_at <= last, _.arm.isin(of.arms.compared))
    reached = _.reached_at.notnull() & (_.reached_at <= last)
    found = found.mutate(reached=reached.fill_null(False))
    seen = ibis.ifelse(
        found.reached,
        seconds(found.moment_at, found.reached_at),
        ibis.least(seconds(found.moment_at, last), window),
    )
    found = found.mutate(spent=seen)
    minutes, hours = pieces(_.spent, MINUTE) * MINUTE, pieces(_.spent, HOUR) * HOUR
    rounded = ibis.least(ibis.ifelse(_.spent <= DAY, minutes, hours), window)
    return (
        found.mutate(seconds=rounded).group_by("arm", "seconds", "reached").aggregate(n=_.count())
    )


def _of_units(found: ir.Table, by: Sequence[str]) -> ir.Table:
    """The sums of units that were drawn themselves."""
    mature, home = _.triggered & _.mature, ibis.coalesce(found.account_id, found.unit)
    own = ibis.window(
        group_by=[found.play, found.arm, home, *(found[column] for column in by)],
        order_by=[ibis.ifelse(found.triggered, 0, 1), found.moment_at, found.unit],
    )
    found = found.mutate(is_first=ibis.row_number().over(own) == 0)
    # An account is counted with the first of its people.
    counts = _counts() | {"accounts": count_if(mature & _.is_first)}
    summed = found.group_by("play", "arm", "stratum", "look", *by).aggregate(**counts)
    return summed.mutate(**dict.fromkeys(OF_ALIKE, ibis.null("int64")))


def _of_accounts(found: ir.Table, by: Sequence[str]) -> ir.Table:
    """The sums of people whose accounts were drawn: of accounts that are alike."""
    counts, keys = _counts(), ["play", "arm", "stratum", *by]
    own = found.group_by(*keys, "drawn").aggregate(
        **counts, look=ibis.coalesce(when(_.triggered & _.mature, _.look).max(), _.look.max())
    )
    alike = {column: own[name].cast("int64") for column, name in OF_ACCOUNT.items()}
    own = own.mutate(**alike, accounts=ibis.ifelse(own.n > 0, 1, 0))
    summed = own.group_by(*keys, "look", *alike)
    return summed.aggregate(**{name: _[name].sum() for name in (*counts, "accounts")}).select(
        "play", "arm", "stratum", "look", *by, *counts, "accounts", *alike
    )


def _counts() -> dict[str, ir.Deferred]:
    mature = _.triggered & _.mature
    return {
        "assigned": _.count(),
        "triggered": count_if(_.triggered),
        "n": count_if(mature),
        "did": count_if(mature & _.did),
        "got": count_if(mature & _.got),
        "did_got": count_if(mature & _.did & _.got),
        "seen": count_if(mature & _.seen),
        "contacted": count_if(mature & _.contacted),
        **{name: count_if(_.triggered & _[name]) for name in (*BEFORE, "beside")},
    }


def _around_moment(of: Trial, found: ir.Table) -> ir.Table:
    """What units did around their moment: one row per unit that did anything."""
    window, play = interval(of.window), of.play
    log = units.rows(of.run.tables, play.measured).filter(_.event.isin([play.goal, *of.path]))
    own = found.select("unit", "moment_at").inner_join(
        log.select("unit", "event", event_at="at"), "unit"
    )
    goal = own.event == play.goal
    earlier = (own.event_at >= own.moment_at - window) & (own.event_at < own.moment_at)
    inside = portable.within(own.moment_at, own.event_at, window)
    if play.goal == play.trigger:  # the trigger itself is none
        inside &= own.event_at > own.moment_at
    return own.group_by("unit").aggregate(
        reached_at=when(goal & inside, own.event_at).min(),
        goal_before=count_if(goal & earlier) > 0,
        path_before=count_if(~goal & earlier) > 0,
    )


def _first_seen(of: Trial) -> ir.Table:
    """When each unit did anything for the first time: `unit`, `first_seen_at`."""
    unit = of.play.measured

    def made() -> ir.Table:
        log = units.rows(of.run.tables, unit)
        first = log.group_by("unit").aggregate(first_seen_at=_.at.min())
        return of.run.warehouse.keep(first, f"first_seen_{unit}")

    return of.run.remembered(("impact", "first seen", unit), made)


def _with_messages(of: Trial, found: ir.Table) -> ir.Table:
    """The units with `got`, `seen` and `contacted`; nobody, where no message tells."""
    if of.delivery != "messages":
        return found.mutate(**dict.fromkeys(("got", "seen", "contacted"), ibis.literal(False)))
    told = ledger.messages_of(of.run, of.play)
    arrived = told.delivered | told.seen | told.clicked
    told = told.select("unit", "contacted", "seen", got=arrived)
    return found.left_join(told, "unit").drop("unit_right")


def _with_log(of: Trial, found: ir.Table) -> ir.Table:
    """The units with `logged`, `redrawn`, `assigned_late` and `assigned_after`."""
    names = ("logged", "redrawn", "assigned_late", "assigned_after")
    if of.run.tables.assignments is None:
        return found.mutate(**dict.fromkeys(names, ibis.literal(False)))
    log = ledger.logged_arms(of.run, of.play)
    found = found.left_join(log, found[UNIT_COLUMN[of.play.unit]] == log.drawn).drop("drawn")
    other = (_.logged_arm != _.arm) | (_.other_arm != _.arm)
    late = _.first_assigned_at > _.moment_at
    told = found.mutate(
        logged=_.logged_arm.notnull(),
        redrawn=ibis.literal(False) if of.arms.is_logged else other,
        assigned_late=late,
        assigned_after=_.first_assigned_at > _.moment_at + interval(of.window),
    )
    return told.drop("logged_arm", "other_arm", "first_assigned_at")


def _with_strata(of: Trial, found: ir.Table) -> ir.Table:
    """The units with their stratum: the value whose own share is held out, "" for all others."""
    for column, shares in of.play.holdout_by.items():
        strata = units.traits(of.run.tables, of.play.unit, [column])
        strata = strata.select(of_unit="unit", own_=_[column].cast("string"))
        drawn = found[UNIT_COLUMN[of.play.unit]]
        found = found.left_join(strata, drawn == strata.of_unit).drop("of_unit")
        own = ibis.ifelse(_.own_.isin(list(shares)), _.own_, "").fill_null("")
        return found.mutate(stratum=own).drop("own_")
    return found.mutate(stratum=ibis.literal(""))


def _beside(of: Trial, found: ir.Table) -> ir.BooleanValue:
    """Whether somebody of a unit's account is in another arm."""
    home = ibis.window(group_by=ibis.coalesce(found.account_id, found.unit))
    arms = of.arms.compared
    there = {arm: when(found.arm == arm, 1).count().over(home) for arm in arms}
    others = {arm: ibis.or_(*(n > 0 for other, n in there.items() if other != arm)) for arm in arms}
    return ibis.cases(*((found.arm == arm, met) for arm, met in others.items()), else_=False)
