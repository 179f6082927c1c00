"""What the engine counts of plays: units by arm, with what they did before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting import units
from playbook.declare import Play, Question
from playbook.language import portable
from playbook.language.periods import duration, ends, interval, moment
from playbook.language.portable import count_if, pieces, seconds, united, when
from playbook.run import Run, fetched

ARMS = ("treated", "holdout")
MINUTE, HOUR, DAY = 60, 3600, 86_400


def sums(run: Run, plays: Sequence[Play], by: Sequence[str] = ()) -> ir.Table:
    """What `measured` says of each play, added up; all plays in one statement.

    Returns:
        One row per `play`, `arm`, `stratum`, `look` and `by`, with how many units are
        `assigned` (their clock began), `triggered`, and of the latter: `n` that are mature, of
        these `did` the goal, `got` a message, did both (`did_got`), `seen` it, and were
        `contacted` at all; `accounts` that these are in; of all that triggered, `logged` (the
        log has them in an arm), `redrawn` (in another one), `goal_before` and `path_before`
        (what they did in the time before), and `beside` (a colleague is in the other arm).
    """
    found, mature = measured(run, plays), _.triggered & _.mature
    if by:
        people = units.traits(run.tables, "user", by)
        found = found.left_join(people, found.user_id == people.unit).drop("unit_right")
    home = ibis.coalesce(found.account_id, found.unit)
    own = ibis.window(
        group_by=[found.play, found.arm, home, *(found[column] for column in by)],
        order_by=[ibis.ifelse(found.triggered, 0, 1), found.moment_at, found.unit],
    )
    found = found.mutate(is_first=ibis.row_number().over(own) == 0)
    return found.group_by("play", "arm", "stratum", "look", *by).aggregate(
        assigned=_.count(),
        triggered=count_if(_.triggered),
        n=count_if(mature),
        did=count_if(mature & _.did),
        got=count_if(mature & _.got),
        did_got=count_if(mature & _.did & _.got),
        seen=count_if(mature & _.seen),
        contacted=count_if(mature & _.contacted),
        logged=count_if(_.triggered & _.logged),
        redrawn=count_if(_.triggered & _.redrawn),
        goal_before=count_if(_.triggered & _.goal_before),
        path_before=count_if(_.triggered & _.path_before),
        beside=count_if(_.triggered & _.beside),
        # An account is counted with the first of its people.
        accounts=count_if(mature & _.is_first),
    )


def waits(run: Run, play: Play) -> ir.Table:
    """How long units waited for the goal: those whose window is open, too.

    Returns:
        One row per `arm`, `seconds` since the moment (whole minutes in the first day, whole
        hours later, rounded up) and `reached` (the goal then; else last seen without): `n`.
    """
    window = int(duration(play.goal_within).total_seconds())
    last = moment(watermark(run, play))
    found = measured(run, [play]).filter(_.triggered, _.moment_at <= last)
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


def measured(run: Run, plays: Sequence[Play]) -> ir.Table:
    """One row per play and unit whose clock began, in an arm: held out from all plays is in none.

    Units whose moment is before the play went live are in neither arm. The table is computed
    once per session.

    Returns:
        `play`, `unit`, `user_id`, `account_id`, `arm`, `stratum` ("" where nothing is stratified),
        `moment_at`, `triggered` (it had not done it before), `did`, `mature` (the whole window is
        inside the data of all that is needed: see `watermark`), `look` (the first at which it is
        mature), `reached_at` (its goal), `goal_before` and `path_before` (the goal, or another
        event of the product's path, in as long a time before the moment), `got` (a message was
        delivered), `seen` (by a human), `contacted` (any trace of a message), `logged` (the log
        of assignments has it in an arm), `redrawn` (in another one), `beside` (somebody of its
        account is in the other arm).
    """

    def made(play: Play) -> ir.Table:
        return run.warehouse.shared(_measured(run, play))

    return united(
        [run.remembered(("impact", play.slug), lambda play=play: made(play)) for play in plays]
    )


def looks(run: Run, play: Play) -> int:
    """How often its effect has been looked at on schedule, now included."""
    return max(-((begins(run, play) - watermark(run, play)) // duration(play.looks)), 1)


def begins(run: Run, play: Play) -> datetime:
    """Since when it is measured."""
    live = datetime.fromisoformat(play.live_from) if play.live_from else run.log_begins
    return max(live, run.log_begins)


def watermark(run: Run, play: Play) -> datetime:
    """The end of the slowest that the play's effect needs: the goal's sources, and its messages."""
    asked = Question(
        id="goal", asks=play.says, decides=play.says, measure="reached_within", unit=play.unit,
        start=play.goal, goal=play.goal, within=play.goal_within,
    )  # fmt: skip
    stopped = [end for end in silent(run, play).values() if end]
    return min([run.reaches(asked), *stopped])


def silent(run: Run, play: Play) -> dict[str | None, datetime | None]:
    """Source of the play's messages → when it fell silent; None: it goes on.

    A tool is silent that has sent nothing, of any play, for longer than ever before.
    """
    days = told(run)
    own = {row["source"] for row in days if row["play"] == play.slug}
    return {
        source: end.last if end.stalled(run.period.as_of) else None
        for source, end in ends(days).items()
        if source in own
    }


def told(run: Run) -> list[dict]:
    """What the tools sent: one row per source, play and day of `messages`, with `n`.

    The day is null of what was sent at a time that nobody knows.
    """

    def counted() -> list[dict]:
        at = ibis.coalesce(_.sent_at, _.delivered_at, _.seen_at, _.clicked_at, _.completed_at)
        there = (_.at_ <= moment(run.period.as_of)) | (_.at_.isnull() & _.is_sent)
        rows = run.tables.messages.mutate(at_=at).filter(there)
        known = run.tables.users.select(known="user_id")
        rows = rows.left_join(known, rows.user_id == known.known)
        found = rows.group_by(source=_.source, play=_.play, day=_.at_.date()).aggregate(
            n=_.count(),
            known=_.known.count(),
            sane_first=_.at_.min(),
            sane_last=_.at_.max(),
        )
        return [row | {"received": None} for row in fetched(found)]

    return run.remembered(("impact", "told by tools"), counted)


def logged(run: Run) -> dict[str, int]:
    """Play → how many rows the log of assignments has of it."""

    def counted() -> dict[str, int]:
        rows = fetched(run.tables.assignments.group_by("play").aggregate(n=_.count()))
        return {row["play"]: row["n"] for row in rows}

    return run.remembered(("impact", "logged"), counted)


def _measured(run: Run, play: Play) -> ir.Table:
    window = duration(play.goal_within)
    found = ledger.outcomes(run, play).filter(_.arm.isin(list(ARMS)))
    if play.live_from:
        found = found.filter(_.moment_at >= moment(begins(run, play)))
    for more in (_events(run, play, found), _messages(run, play)):
        found = found.left_join(more, "unit").drop("unit_right")
    found = _stratified(run, play, _logged(run, play, found))
    home = ibis.window(group_by=ibis.coalesce(found.account_id, found.unit))
    counts = {arm: when(found.arm == arm, 1).count().over(home) for arm in ARMS}
    beside = ibis.ifelse(found.arm == "treated", counts["holdout"], counts["treated"]) > 0
    late = seconds(moment(begins(run, play)), found.moment_at) + int(window.total_seconds())
    spacing = int(duration(play.looks).total_seconds())
    last = moment(watermark(run, play))
    flags = ("got", "seen", "contacted", "logged", "redrawn", "goal_before", "path_before")
    return found.select(
        "unit",
        "user_id",
        "account_id",
        "arm",
        "stratum",
        "moment_at",
        "did",
        "reached_at",
        play=ibis.literal(play.slug),
        triggered=_.decision != "already_done",
        mature=_.is_mature & (_.moment_at + interval(window) <= last),
        look=pieces(ibis.greatest(late, 0), spacing),
        beside=beside,
        **{flag: found[flag].fill_null(False) for flag in flags},
    )


def _events(run: Run, play: Play, found: ir.Table) -> ir.Table:
    """What units did around their moment: one row per unit that did anything."""
    window, path = duration(play.goal_within), before(run, play)
    log = units.rows(run.tables, play.unit).filter(_.event.isin([play.goal, *path]))
    own = found.select("unit", "moment_at").inner_join(
        log.select("unit", "event", event_at="at"), "unit"
    )
    goal = own.event == play.goal
    earlier = (own.event_at >= own.moment_at - interval(window)) & (own.event_at < own.moment_at)
    inside = portable.within(own.moment_at, own.event_at, interval(window))
    if play.goal == play.trigger:  # the trigger itself is none
        inside &= own.event_at > own.moment_at
    return own.group_by("unit").aggregate(
        reached_at=when(goal & inside, own.event_at).min(),
        goal_before=count_if(goal & earlier) > 0,
        path_before=count_if(~goal & earlier) > 0,
    )


def before(run: Run, play: Play) -> list[str]:
    """The events of the product's path that units may have done or not before their moment."""
    settled = {play.goal, play.trigger, *play.unless, *play.exits, *play.having}
    return [event for event in run.declared.product.path if event not in settled]


def _messages(run: Run, play: Play) -> ir.Table:
    told = ledger.messages_of(run, play)
    arrived = told.delivered | told.seen | told.clicked
    return told.select("unit", "contacted", "seen", got=arrived)


def _logged(run: Run, play: Play, found: ir.Table) -> ir.Table:
    """The units with `logged` and `redrawn`: whether the log has them in an arm, in another one."""
    log = ledger.logged_arms(run, play)
    if log is None:
        return found.mutate(logged=ibis.literal(False), redrawn=ibis.literal(False))
    found = found.left_join(log, "unit").drop("unit_right")
    told = found.mutate(logged=_.logged_arm.notnull(), redrawn=_.logged_arm != _.arm)
    return told.drop("logged_arm")


def _stratified(run: Run, play: Play, found: ir.Table) -> ir.Table:
    """The units with their stratum: the value whose own share is held out, "" for all others."""
    for column, shares in play.holdout_by.items():
        strata = units.traits(run.tables, play.unit, [column])
        strata = strata.select(of_unit="unit", own_=_[column].cast("string"))
        found = found.left_join(strata, found.unit == strata.of_unit).drop("of_unit")
        own = ibis.ifelse(_.own_.isin(list(shares)), _.own_, "").fill_null("")
        return found.mutate(stratum=own).drop("own_")
    return found.mutate(stratum=ibis.literal(""))
