"""The messages that are due: whose, when, in which arm, and whether they are of use still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.counting.age import Age
from playbook.data.arrivals import UNIT_COLUMN
from playbook.data.tables import TIME
from playbook.declare import Play, Step
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import united, when
from playbook.ledger import clock
from playbook.ledger import people as who
from playbook.ledger.arms import arms_of, with_arms
from playbook.ledger.episodes import episodes
from playbook.ledger.told import first_messages, logged_arms
from playbook.run import Run

KEY = ("play", "step", "unit", "episode")  # identifies a message
TIMES = ("triggered_at", "moment_at", "local_at")
EMAIL = "email"
COLUMNS = (
    *(*KEY, "user_id", "account_id", "user_no", "home_no", "channel", *TIMES, "arm"),
    *("done", "quiet", "has_address", "pressing", "rank"),
)


def first_due(run: Run, plays: Sequence[Play], *, since: datetime) -> ir.Table:
    """The plain ledger: each unit's first trigger of each play, when its message is due.

    No rule of sending plays a part: not quiet hours, nor limits, nor what other plays send.

    Args:
        run: The opened run.
        plays: The plays.
        since: When the first triggers count.

    Returns:
        One row per play and unit, in both arms: `play`, `unit`, `user_id`, `account_id`, `arm`,
        `moment_at` (when it is due) and `done` (why it is of no use any more, or null).
    """
    people = who.acting(run)
    found = []
    for play in plays:
        begun = _first_begun(run, play, _age(run, play).kept(who.meant(people, play)))
        after = interval(duration(play.after))
        rows = _with_exits(run, play, begun).mutate(moment_at=_.began_at + after)
        rows = rows.filter(_.moment_at <= moment(run.period.as_of))
        rows = _first_of_units(run, play, rows, since)
        found.append(
            rows.select(
                *("unit", "user_id", "account_id", "arm", "done"),
                play=ibis.literal(play.slug),
                moment_at=_.moment_at.cast(TIME),
            )
        )
    return united(found)


def messages(run: Run, plays: Sequence[Play]) -> ir.Table:
    """One row per message of any play that is due by the end of the data, in both arms.

    To the plain ledger this adds the episodes of plays that may come again, the waits for the
    end of quiet hours, and the further messages of sequences.

    Returns:
        `KEY`, `user_id`, `account_id`, `user_no`, `home_no`, `channel`, `triggered_at` (when it
        is due), `moment_at` (when it goes out), `local_at` (the person's wall clock then), `arm`,
        `done` (why it is of no use any more, in words, or null), `quiet` (the quiet hours that it
        falls into, or null), `has_address` (an e-mail can be sent at all), and the order of
        plays: `pressing` (−priority) and `rank` (the place of the slug).
    """
    people = who.acting(run)
    slugs = sorted(play.slug for play in plays)
    found = []
    for play in plays:
        place = slugs.index(play.slug)
        found += [
            each.mutate(
                play=ibis.literal(play.slug),
                pressing=ibis.literal(-play.priority, "int64"),
                rank=ibis.literal(place, "int64"),
                has_address=_has_address(each),
                **{column: each[column].cast(TIME) for column in TIMES},
            ).select(*COLUMNS)
            for each in _sequence(run, play, people, place)
        ]
    return united(found)


def _sequence(run: Run, play: Play, people: ir.Table, place: int) -> list[ir.Table]:
    """The messages of each step of a play, the first one's first."""
    meant = _age(run, play).kept(who.meant(people, play))
    begun = _begun(run, play, meant, place) if play.again else _first_begun(run, play, meant)
    first = _timed(run, play, _with_exits(run, play, begun), play, interval(duration(play.after)))
    first = _first_of_units(run, play, first, run.period.since)
    if play.then:
        first = run.warehouse.keep(first, f"ledger_first_{place}")
    found = [first.mutate(step=ibis.literal(0, "int64"))]
    going_on = first.filter(_.done.isnull()).drop(
        "triggered_at", "moment_at", "local_at", "quiet", "done", "channel"
    )
    for number, step in enumerate(play.then, 1):
        after = interval(duration(play.after) + duration(step.after))
        own = _timed(run, play, who.among(going_on, step.audience), step, after)
        done = _of_no_use(run, own, play, step)
        found.append(own.mutate(done=done, step=ibis.literal(number, "int64")))
    return found


def _first_of_units(run: Run, play: Play, rows: ir.Table, since: datetime) -> ir.Table:
    """The first messages with `done` and `arm`, an account's to one of its people."""
    rows = rows.mutate(done=_of_no_use(run, rows, play, play))
    if play.measured == "account":
        rows = _first_of_account(rows)
    # Not before: an account whose first person came before then had its message already.
    since = max(since, _age(run, play).before)
    return with_arms(run, play, rows.filter(_.began_at >= moment(since)))


def _age(run: Run, play: Play) -> Age:
    """Which units of a play are from before the log: where its trigger is a beginning, such as a
    sign-up, they had it then."""
    return Age(run, play.measured, play.trigger, play.events)


def _first_begun(run: Run, play: Play, meant: ir.Table) -> ir.Table:
    """The people meant whose clock began, at the first time: `began_at` and `episode` besides.

    It is the first trigger ever, by which a play of ours is drawn; where somebody else draws the
    arms of whoever is there by then, the first since the play went live.
    """
    if play.exposure == "assigned":
        log = logged_arms(run, play).select("drawn", began_at="first_assigned_at")
        meant = meant.left_join(log, meant[UNIT_COLUMN[play.unit]] == log.drawn).drop("drawn")
    elif play.exposure == "message":
        log = first_messages(run, play).select(to_unit="unit", began_at="first_at")
        meant = meant.left_join(log, meant.unit == log.to_unit).drop("to_unit")
    elif play.live_from and arms_of(run, play).is_logged:
        done = units.rows(run.tables, "user").filter(
            _.event == play.trigger, _.at >= moment(datetime.fromisoformat(play.live_from))
        )
        first = done.group_by(doer="unit").aggregate(began_at=_.at.min())
        meant = meant.left_join(first, meant.user_id == first.doer).drop("doer")
    else:
        meant = meant.mutate(began_at=meant[who.first_times(run)[play.trigger]])
    begun = meant.mutate(episode=ibis.literal(1, "int64"))
    return begun.filter(begun.began_at.notnull(), begun.began_at < moment(run.period.until))


def _begun(run: Run, play: Play, meant: ir.Table, place: int) -> ir.Table:
    """The people meant who triggered, once per episode: `began_at` and `episode` besides."""
    done = units.rows(run.tables, "user").filter(_.event == play.trigger)
    own = meant.select("user_id", "user_no").inner_join(
        done.select(user_id="unit", at="at"), "user_id"
    )
    numbered = episodes(run, own, duration(play.again), f"ledger_again_{place}")
    return meant.inner_join(numbered, "user_no").filter(_.began_at < moment(run.period.until))


def _with_exits(run: Run, play: Play, begun: ir.Table) -> ir.Table:
    """With `exit_i`: when the i-th of the events that make people leave first came after the
    trigger."""
    if not play.exits:
        return begun
    names = {event: f"exit_{place}" for place, event in enumerate(play.exits)}
    acts = units.rows(run.tables, "user").filter(_.event.isin(list(names)))
    acts = acts.select(user_id="unit", event="event", at="at")
    episode = ["user_id", "episode"]
    left = (
        begun.select(*episode, "began_at")
        .inner_join(acts, "user_id")
        .filter(_.at > _.began_at)
        .group_by(episode)
        .aggregate(
            **{column: when(_.event == event, _.at).min() for event, column in names.items()}
        )
    )
    return begun.left_join(left, episode).select(*begun.columns, *names.values())


def _timed(
    run: Run, play: Play, rows: ir.Table, part: Play | Step, after: ir.IntervalScalar
) -> ir.Table:
    """The rows with when the message is due and when it goes out, as far as the data goes."""
    channel, end = part.channel or play.channel, moment(run.period.as_of)
    due = rows.mutate(triggered_at=_.began_at + after, channel=ibis.literal(channel))
    # What is due after the end of the data goes out after it, too.
    out = clock.going_out(run, due.filter(_.triggered_at <= end), channel)
    return out.filter(_.moment_at <= end)


def _of_no_use(run: Run, rows: ir.Table, play: Play, part: Play | Step) -> ir.StringValue:
    """Which event, or lack of one, makes the message of no use at its moment; null if none."""
    firsts = who.first_times(run)
    cases = [(rows[firsts[e]] <= rows.moment_at, f"had done {e}") for e in part.unless]
    cases += [
        (rows[f"exit_{place}"] <= rows.moment_at, f"did {event} after the trigger")
        for place, event in enumerate(play.exits)
    ]
    for event in part.having:
        met = (rows[firsts[event]] <= rows.moment_at).fill_null(False)
        cases.append((~met, f"had not done {event}"))
    none = ibis.null("string")
    return ibis.cases(*cases, else_=none) if cases else none


def _first_of_account(rows: ir.Table) -> ir.Table:
    """One row per account and episode: its first person whose message is of use, else its first.

    Episodes are counted for each person: an account's second one is made of its people's second
    episodes.
    """
    stopped_last = ibis.ifelse(_.done.notnull(), 1, 0)
    order = ibis.window(
        group_by=["unit", "episode"], order_by=[stopped_last, _.moment_at, _.user_id]
    )
    return rows.mutate(first_=ibis.row_number().over(order)).filter(_.first_ == 0).drop("first_")


def _has_address(rows: ir.Table) -> ir.BooleanValue:
    domain = who.OF + "email_domain"
    return rows[domain].notnull() if domain in rows.columns else ibis.literal(True)
