"""`Trial`: a play as an experiment; who is in which arm, since when, and what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.answers.phrases import COUNTED_AS
from playbook.counting import units
from playbook.counting.shaping import Rows
from playbook.data.extent import ends
from playbook.declare import Play
from playbook.impact.counts import ARMS, Counts
from playbook.impact.logs import others, sent_by_tools
from playbook.language import portable
from playbook.language.periods import duration, interval, moment, words
from playbook.language.portable import count_if, pieces, seconds, united, when
from playbook.language.wording import chosen
from playbook.results import Result
from playbook.results.section import Unanswerable
from playbook.run import Run

MINUTE, HOUR, DAY = 60, 3600, 86_400
Told = tuple[tuple[str, str], ...]
COMPARED = "treated minus held out, as assigned, from the recomputed trigger"
WIDENED = "intervals are widened for all looks so far (O'Brien–Fleming spending over the plan)"
LEFT_OUT = "units whose window is open; bots and internal people"
NO_MESSAGES = "The table `messages` is not mapped: without it nobody can say what was sent."
TRACES = ("sent_at", "is_sent", "delivered_at", "seen_at", "clicked_at")


@dataclass(frozen=True, eq=False)
class Trial:
    """One play that holds somebody out, made once for a run; see `trial` and `trials`."""

    run: Run
    play: Play

    @cached_property
    def window(self) -> timedelta:
        """How long after its moment a unit has for the goal."""
        return duration(self.play.goal_within)

    @cached_property
    def begins(self) -> datetime:
        """Since when it is measured."""
        return begins(self.run, self.play)

    @cached_property
    def silent(self) -> dict[str | None, datetime | None]:
        """Source of the play's messages → when it fell silent; None: it goes on.

        A tool is silent that has sent nothing, of any play, for longer than ever before.
        """
        days = sent_by_tools(self.run).rows
        own = {row["source"] for row in days if row["play"] == self.play.slug}
        return {
            source: end.last if end.stalled(self.run.period.as_of) else None
            for source, end in ends(days).items()
            if source in own
        }

    @cached_property
    def watermark(self) -> datetime:
        """The end of the slowest that its effect needs: the goal's sources, and its messages."""
        return min([self.run.extent.reaches(self.play.goal), *filter(None, self.silent.values())])

    @cached_property
    def looks(self) -> int:
        """How often its effect has been looked at on schedule, now included."""
        return max(-((self.begins - self.watermark) // duration(self.play.looks)), 1)

    @cached_property
    def path(self) -> list[str]:
        """The events of the product's path that units may have done or not before their moment."""
        play = self.play
        settled = {play.goal, play.trigger, *play.unless, *play.exits, *play.having}
        return [event for event in self.run.declared.product.path if event not in settled]

    @cached_property
    def units(self) -> ir.Table:
        """One row per unit whose clock began, in an arm: held out from all plays is in none.

        Units whose moment is before the play went live are in neither arm. The table is computed
        once per session.

        Returns:
            `play`, `unit`, `user_id`, `account_id`, `arm`, `stratum` ("" where nothing is
            stratified), `moment_at`, `triggered` (it had not done it before), `did`, `mature` (the
            whole window is inside the data of all that is needed: see `watermark`), `look` (the
            first at which it is mature), `reached_at` (its goal), `goal_before` and `path_before`
            (the goal, or another event of the product's path, in as long a time before the
            moment), `got` (a message was delivered), `seen` (by a human), `contacted` (any trace of
            a message), `logged` (the log of assignments has it in an arm), `redrawn` (in another
            one), `beside` (somebody of its account is in the other arm).
        """
        return self.run.warehouse.shared(_trial_units(self))

    def counts(self, rows: Rows) -> Counts:
        """The sums of `sums` as arms: of everybody, or of one segment."""
        return Counts(self.play, rows, self.looks, self.run.declared.product.min_n)

    def result(
        self,
        shape: str,
        table: ir.Table,
        finish: Callable[[Rows], Rows],
        *,
        told: Told = (),
        **given: Any,
    ) -> Result:
        """A result of the trial, which its section names.

        Args:
            shape: A key of `results.columns.SHAPES`.
            table: The lazy table.
            finish: Makes the rows of the shape of the fetched ones.
            told: How it is counted, as (word, value) pairs, after how effects are compared.
            given: Further fields of the result.
        """
        play = self.play
        worth = f"{play.smallest_effect * 100:g} points"
        pairs = (
            ("comparison", COMPARED),
            ("since", play.live_from or "the beginning of the data"),
            ("looks", f"every {words(duration(play.looks))}; {WIDENED}"),
            ("worth having", worth),
            *told,
            ("goal", play.goal),
            ("within", words(self.window)),
            ("unit", play.unit),
            ("holdout", _holdout(play)),
        )
        fields = {
            "unit": play.unit,
            "counted": COUNTED_AS[play.unit],
            "within": words(self.window),
            "made_of": others(self.run),
        }
        return _trial_result(
            self.run, shape, table, finish, pairs, (play.version,), **(fields | given)
        )


def trial(run: Run, slug: str) -> Trial:
    """The trial of a play, made once.

    Raises:
        Unanswerable: Its audience cannot be told, nobody knows what was sent, it is a draft, or
            it holds nobody out.
    """
    play = measurable(run, slug)
    if play.draft:
        raise Unanswerable(f"The play `{slug}` is a draft: no tool sends it yet.")
    if not play.holds_out:
        raise Unanswerable(f"The play `{slug}` has no holdout: nothing can be compared.")
    return run.remembered(("trial", slug), lambda: Trial(run, play))


def trials(run: Run) -> list[Trial]:
    """The trials of all plays that are sent and hold somebody out, as they are declared.

    A play whose audience cannot be told is none; `checks` says so.

    Raises:
        Unanswerable: There is none, or none of them can be measured.
    """
    plays = [play for play in run.declared.plays if play.holds_out and not play.draft]
    if not plays:
        raise Unanswerable("No play with a holdout is declared: nothing can be compared.")
    told = [play for play in plays if not ledger.lacks(run, play.slug)]
    return [trial(run, play.slug) for play in told or plays]


def measurable(run: Run, slug: str) -> Play:
    """A declared play of which something can be said.

    Raises:
        Unanswerable: Its audience cannot be told, or nobody knows what was sent.
    """
    play = ledger.play_of(run, slug)
    if not run.tables.has("messages"):
        raise Unanswerable(NO_MESSAGES)
    if reason := run.tables.unknown("messages", *TRACES):
        raise Unanswerable(f"Nobody can say what was sent: {reason}.")
    return play


def begins(run: Run, play: Play) -> datetime:
    """Since when a play is measured: when it went live, in the data."""
    observed = run.extent.observed_since(*play.events)
    return max(datetime.fromisoformat(play.live_from), observed) if play.live_from else observed


def sums(all_: Sequence[Trial], by: Sequence[str] = ()) -> ir.Table:
    """What `Trial.units` says of each play, added up; all plays in one statement.

    Returns:
        One row per `play`, `arm`, `stratum`, `look` and `by`, with how many units are
        `assigned` (their clock began), `triggered`, and of the latter: `n` that are mature, of
        these `did` the goal, `got` a message, did both (`did_got`), `seen` it, and were
        `contacted` at all; `accounts` that these are in; of all that triggered, `logged` (the
        log has them in an arm), `redrawn` (in another one), `goal_before` and `path_before`
        (what they did in the time before), and `beside` (a colleague is in the other arm).
    """
    found, mature = united([each.units for each in all_]), _.triggered & _.mature
    if by:
        people = units.traits(all_[0].run.tables, "user", by)
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


def waits(of: Trial) -> ir.Table:
    """How long units waited for the goal: those whose window is open, too.

    Returns:
        One row per `arm`, `seconds` since the moment (whole minutes in the first day, whole
        hours later, rounded up) and `reached` (the goal then; else last seen without): `n`.
    """
    window, last = int(of.window.total_seconds()), moment(of.watermark)
    found = of.units.filter(_.triggered, _.moment_at <= last)
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


def of_all(run: Run, shape: str, table: ir.Table, finish: Any, **given: Any) -> Result:
    """A result of all trials together, which its section names."""
    pairs = (("comparison", COMPARED), ("looks", WIDENED))
    versions = [play.version for play in run.declared.plays]
    return _trial_result(
        run, shape, table, finish, pairs, versions, **({"made_of": others(run)} | given)
    )


def _trial_units(of: Trial) -> ir.Table:
    run, play = of.run, of.play
    found = ledger.outcomes(run, play).filter(_.arm.isin(list(ARMS)))
    told, log = ledger.messages_of(run, play), ledger.logged_arms(run, play)
    if play.live_from:
        found = found.filter(_.moment_at >= moment(of.begins))
    arrived = told.delivered | told.seen | told.clicked
    told = told.select("unit", "contacted", "seen", got=arrived)
    for more in (_around_moment(of, found), told):
        found = found.left_join(more, "unit").drop("unit_right")
    found = _with_strata(of, _with_log(found, log))
    home = ibis.window(group_by=ibis.coalesce(found.account_id, found.unit))
    there = {arm: when(found.arm == arm, 1).count().over(home) for arm in ARMS}
    beside = ibis.ifelse(found.arm == "treated", there["holdout"], there["treated"]) > 0
    late = seconds(moment(of.begins), found.moment_at) + int(of.window.total_seconds())
    spacing = int(duration(play.looks).total_seconds())
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
        mature=_.is_mature & (_.moment_at + interval(of.window) <= moment(of.watermark)),
        look=pieces(ibis.greatest(late, 0), spacing),
        beside=beside,
        **{flag: found[flag].fill_null(False) for flag in flags},
    )


def _around_moment(of: Trial, found: ir.Table) -> ir.Table:
    """What units did around their moment: one row per unit that did anything."""
    window, play = interval(of.window), of.play
    log = units.rows(of.run.tables, play.unit).filter(_.event.isin([play.goal, *of.path]))
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


def _with_log(found: ir.Table, log: ir.Table | None) -> ir.Table:
    """The units with `logged` and `redrawn`: whether the log has them in an arm, in another one."""
    if log is None:
        return found.mutate(logged=ibis.literal(False), redrawn=ibis.literal(False))
    found = found.left_join(log, "unit").drop("unit_right")
    other = (_.logged_arm != _.arm) | (_.other_arm != _.arm)
    told = found.mutate(logged=_.logged_arm.notnull(), redrawn=other)
    return told.drop("logged_arm", "other_arm")


def _with_strata(of: Trial, found: ir.Table) -> ir.Table:
    """The units with their stratum: the value whose own share is held out, "" for all others."""
    for column, shares in of.play.holdout_by.items():
        strata = units.traits(of.run.tables, of.play.unit, [column])
        strata = strata.select(of_unit="unit", own_=_[column].cast("string"))
        found = found.left_join(strata, found.unit == strata.of_unit).drop("of_unit")
        own = ibis.ifelse(_.own_.isin(list(shares)), _.own_, "").fill_null("")
        return found.mutate(stratum=own).drop("own_")
    return found.mutate(stratum=ibis.literal(""))


def _trial_result(
    run: Run,
    shape: str,
    table: ir.Table,
    finish: Callable[[Rows], Rows],
    pairs: Told,
    versions: Sequence[str],
    **given: Any,
) -> Result:
    """A result with how it is counted: `pairs`, and what it leaves out, of which declarations."""
    definition = (*pairs, ("left out", LEFT_OUT), ("declared", " ".join(versions)))
    return run.result(shape, table, finish, **({"definition": definition} | given))


def _holdout(play: Play) -> str:
    shares = [(column, *pair) for column, own in play.holdout_by.items() for pair in own.items()]
    strata = "".join(f"; {column} {value}: {chosen(share)}" for column, value, share in shares)
    return f"{chosen(play.holdout)}{strata}"
