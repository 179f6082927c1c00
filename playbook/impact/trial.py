"""`Trial`: a play as an experiment: its arms, since when and until when, and what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.answers.phrases import COUNTED_AS
from playbook.counting.shaping import Rows
from playbook.data.extent import ends, resting
from playbook.declare import Play
from playbook.impact import compared, valued
from playbook.impact.counts import Counts
from playbook.impact.logs import others, sent_by_tools
from playbook.language.periods import duration, words
from playbook.language.wording import chosen
from playbook.results import Result
from playbook.results.section import Unanswerable, Unfit
from playbook.run import Run, fetched

Told = tuple[tuple[str, str], ...]
COMPARED = "treated minus held out, as assigned, from the recomputed trigger"
WIDENED = "intervals are widened for all looks so far (O'Brien–Fleming spending over the plan)"
LEFT_OUT = "units whose window is open; bots and internal people"
NO_MESSAGES = "The table `messages` is not mapped: without it nobody can say what was sent."
NOTHING_SENT = "`{slug}` sends nothing: it changes the product itself."
TRACES = ("sent_at", "is_sent", "delivered_at", "seen_at", "clicked_at")
FEWEST_DUE = 5  # treated units that got nothing: it is sent no more
# What tells who got the play: the tools' messages, or the product, which is it.
MESSAGES, PRODUCT, NOTHING = "messages", "product", ""
CLOCKS = {
    "trigger": "from the recomputed trigger",
    "assigned": "from the assignment",
    "message": "from the first message, ghosts included",
}


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
    def arms(self) -> ledger.Arms:
        """Its arms, and who draws them."""
        return ledger.arms_of(self.run, self.play)

    @cached_property
    def delivery(self) -> str:
        """What tells who got it: `messages`, `product` (a change in the product, whose trigger is
        the event of being shown it), or "": nothing does."""
        if not self.play.sends:
            return PRODUCT if self.play.trigger in self.run.coverage else NOTHING
        return NOTHING if untold_traces(self.run) else MESSAGES

    @cached_property
    def silent(self) -> dict[str | None, datetime]:
        """Source of the play's messages that has fallen silent → when.

        A tool is silent that has sent nothing, of any play, for longer than ever before.
        """
        if self.delivery != MESSAGES:
            return {}
        days = sent_by_tools(self.run).rows
        own = {row["source"] for row in days if row["play"] == self.play.slug}
        return {
            source: end.last
            for source, end in ends(days).items()
            if source in own and end.stalled(self.run.period.as_of)
        }

    @cached_property
    def stopped(self) -> datetime | None:
        """When its last message went out, if it is sent no more; None: it goes on.

        It has stopped if none of it came for more than a week, and for three times as long as
        ever between two days with any, while it was due to some.
        """
        if self.delivery != MESSAGES:
            return None
        days = [row for row in sent_by_tools(self.run).rows if row["play"] == self.play.slug]
        last = resting(days, self.run.period.as_of)
        if last is None:
            return None
        (row,) = fetched(compared.due_since(self, last).aggregate(n=_.count()))
        return last if row["n"] >= FEWEST_DUE else None

    @cached_property
    def ends(self) -> datetime | None:
        """After which moment nobody is compared any more: its declared end, or when it stopped."""
        declared = self.play.until and datetime.fromisoformat(self.play.until)
        return min(filter(None, (declared, self.stopped)), default=None)

    @cached_property
    def known_until(self) -> datetime | None:
        """Up to which moment it is known who got it; None: up to the end of the data."""
        return min(self.silent.values(), default=None)

    @cached_property
    def watermark(self) -> datetime:
        """The end of the slowest source of its goal; of a test that ended, that of its windows."""
        reached = self.run.extent.reaches(self.play.goal)
        return min(reached, self.ends + self.window) if self.ends else reached

    @cached_property
    def is_over(self) -> bool:
        """Whether its last window has closed: then this is its last look."""
        return self.ends is not None and self.watermark >= self.ends + self.window

    @cached_property
    def looks(self) -> int:
        """How often its effect has been looked at on schedule, now included."""
        return looks_by(self.play, self.begins, self.watermark)

    @cached_property
    def planned_looks(self) -> int | None:
        """How many looks it has until its declared end; None: it has none."""
        if not self.play.until:
            return None
        last = datetime.fromisoformat(self.play.until) + self.window
        return looks_by(self.play, self.begins, last)

    @cached_property
    def path(self) -> list[str]:
        """The events of the product's path that units may have done or not before their moment."""
        play = self.play
        settled = {play.goal, play.trigger, *play.unless, *play.exits, *play.having}
        return [event for event in self.run.declared.product.path if event not in settled]

    @cached_property
    def units(self) -> ir.Table:
        """One row per unit whose clock began; see `compared.units_of`. It is computed once per
        session."""
        return self.run.warehouse.shared(compared.units_of(self))

    @cached_property
    def metric_rows(self) -> Rows:
        """The sums of its metrics; see `valued.sums`. None where they cannot be told, for which
        `impact.metrics` gives the reason."""
        if not self.play.metrics:
            return []
        try:
            summed = valued.sums(self)
        except Unanswerable:
            return []
        return fetched(self.run.warehouse.prepared(summed))

    def contrasts(self, rows: Rows) -> list[Counts]:
        """The sums of `compared.sums` as arms, of everybody or of one segment: each treatment
        against the control."""
        product = self.run.declared.product
        every = Counts(
            self.play,
            rows,
            self.looks,
            product.min_n,
            arms=self.arms,
            planned_looks=self.planned_looks,
            is_over=self.is_over,
        )
        found, sums = [every.of(arm) for arm in self.arms.own], self.metric_rows
        return [replace(each, units_planned=valued.planned(each, sums)) for each in found]

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
        comparison = f"treated minus held out, as assigned, {CLOCKS[play.exposure]}"
        pairs = (
            ("comparison", comparison),
            ("arms", "as the log has them" if self.arms.is_logged else ""),
            ("since", play.live_from or "the beginning of the data"),
            ("until", play.until or ""),
            ("looks", f"every {words(duration(play.looks))}; {WIDENED}"),
            ("worth having", worth),
            *told,
            ("goal", play.goal),
            ("within", words(self.window)),
            ("unit", play.unit),
            ("measured on", play.measured if play.is_clustered else ""),
            ("holdout", _holdout(play)),
        )
        fields = {
            "unit": play.measured,
            "counted": COUNTED_AS[play.measured],
            "within": words(self.window),
            "made_of": others(self.run),
        }
        known = tuple(pair for pair in pairs if pair[1])
        return _trial_result(
            self.run, shape, table, finish, known, (play.version,), **(fields | given)
        )


def trial(run: Run, slug: str) -> Trial:
    """The trial of a play, made once.

    Raises:
        Unanswerable: Its audience cannot be told, it is a draft, or it holds nobody out.
    """
    play = ledger.play_of(run, slug)
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
    """A declared play whose messages tell something.

    Raises:
        Unanswerable: Its audience cannot be told, or nobody knows what was sent.
        Unfit: It sends nothing.
    """
    play = ledger.play_of(run, slug)
    if not play.sends:
        raise Unfit(NOTHING_SENT.format(slug=slug))
    if reason := untold_traces(run):
        raise Unanswerable(reason)
    return play


def untold_traces(run: Run) -> str:
    """Why nobody can say what was sent; "" if the messages tell."""
    if not run.tables.has("messages"):
        return NO_MESSAGES
    reason = run.tables.unknown("messages", *TRACES)
    return f"Nobody can say what was sent: {reason}." if reason else ""


def looks_by(play: Play, begins: datetime, last: datetime) -> int:
    """How often it has been looked at on schedule by a moment; once at least."""
    return max(-((begins - last) // duration(play.looks)), 1)


def begins(run: Run, play: Play) -> datetime:
    """Since when a play is measured: when it went live, in the data."""
    observed = run.extent.observed_since(*play.events)
    return max(datetime.fromisoformat(play.live_from), observed) if play.live_from else observed


def of_all(run: Run, shape: str, table: ir.Table, finish: Any, **given: Any) -> Result:
    """A result of all trials together, which its section names."""
    pairs = (("comparison", COMPARED), ("looks", WIDENED))
    versions = [play.version for play in run.declared.plays]
    return _trial_result(
        run, shape, table, finish, pairs, versions, **({"made_of": others(run)} | given)
    )


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
    if play.split:
        return ", ".join(f"{arm} {chosen(share)}" for arm, share in play.split.items())
    shares = [(column, *pair) for column, own in play.holdout_by.items() for pair in own.items()]
    strata = "".join(f"; {column} {value}: {chosen(share)}" for column, value, share in shares)
    return f"{chosen(play.holdout)}{strata}"
