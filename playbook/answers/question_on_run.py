"""A question with the run that answers it: what its units did, and how it is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.answers.definition import definition
from playbook.answers.phrases import Phrases
from playbook.counting import attempts, measures, shaping, units
from playbook.counting.age import Age
from playbook.counting.shaping import Rows
from playbook.data.tables import Tables
from playbook.declare import Question
from playbook.language.periods import ANCIENT, Period, duration, interval, moment
from playbook.language.portable import united
from playbook.language.wording import plain
from playbook.results import Result
from playbook.results.columns import ID, MOMENT, Column
from playbook.run import Run

CASE = "case_"


@dataclass(frozen=True)
class Asked:
    """A question with the run that answers it.

    Attributes:
        run: The run, from where its events are observed on, as far as their data goes.
        question: The question.
        by: Columns to break the answer down by.
        cases: Name → tables: the question is asked of each.
        since: First moment of entries that the run was opened with.
    """

    run: Run
    question: Question
    by: tuple[str, ...] = ()
    cases: Mapping[str, Tables] | None = None
    since: datetime | None = None

    @property
    def within(self) -> timedelta | None:
        return duration(self.question.within) if self.question.within else None

    def rows(self) -> ir.Table:
        """What the question's units did, less who is older; in each case another unit."""
        if not self.cases:
            return self._rows(self.run.tables)
        each = [self._rows(tables) for tables in self.cases.values()]
        tagged = [
            rows.mutate(unit=ibis.literal(f"{place}|").concat(rows.unit))
            for place, rows in enumerate(each)
        ]
        return united(tagged)

    def _rows(self, tables: Tables) -> ir.Table:
        return self.age.kept(self._rows_of_all(tables), tables)

    def _rows_of_all(self, tables: Tables) -> ir.Table:
        question = self.question
        if question.unit == "account":
            self._shared(units.unreal_accounts(tables))
        rows = units.rows(tables, question.unit, hold=question.hold)
        known = self.run.coverage
        if any(known[event]["ancient"] for event in question.events if event in known):
            rows = rows.filter(_.at >= moment(ANCIENT))  # what has no possible time has none
        if question.among:
            if question.unit == "account":
                rows = rows.filter(_.unit.notnull())  # see `Age.kept`: two joins in a row
            people = units.traits(tables, question.unit, list(question.among))
            rows = rows.semi_join(units.among(people, question.among), "unit")
        return rows

    @property
    def phrases(self) -> Phrases:
        """The question in words, for titles."""
        return phrases_of(self.run, self.question)

    @property
    def said(self) -> Phrases:
        """The question in words as Markdown, for sentences."""
        return phrases_of(self.run, self.question, plain)

    @property
    def both(self) -> tuple[Phrases, Phrases]:
        """`phrases` and `said`."""
        return self.phrases, self.said

    @cached_property
    def age(self) -> Age:
        """Which of its units are from before the log."""
        return age_of(self.run, self.question)

    def older(self) -> int:
        """How many units started in the period and are left out, being from before the log."""

        def counted() -> int:
            rows = self._rows_of_all(self.run.tables)
            return self.age.left_out(rows, self.since or self.run.period.since)

        return self.run.remembered(("older", self.question.id, self.since), counted)

    def counted_rows(self) -> ir.Table:
        """`rows` as attempts are told from them: with `held` where the question holds any."""
        return self.rows() if self.question.hold else self.rows().drop("held")

    @property
    def rules(self) -> attempts.Rules:
        return attempts.of(self.question)

    @property
    def span(self) -> timedelta:
        """How long after its start an attempt may still change."""
        return self.rules.span(len(self.question.steps), self.within)

    @property
    def walked(self) -> tuple[str, ...]:
        """The steps, and a single goal once more: so it is known who does it again."""
        question = self.question
        return (*question.steps, question.goal) if question.goal else question.steps

    def best(self) -> ir.Table:
        """The attempts that the question's own answer counts."""
        return self.attempts(self.walked, success=len(self.question.steps))

    def attempts(self, steps: Sequence[str], *, success: int | None = None) -> ir.Table:
        """The best attempts at some steps; where the question is about its steps, with times."""
        if self.question.measure == "steps" and self.question.order != "any":
            return self.segmented(self.timelines())
        found = attempts.attempts(
            self.counted_rows(),
            steps,
            within=self.within,
            period=self.run.period,
            success=success,
            rules=self.rules,
        )
        return self.segmented(self._shared(found))

    def timelines(self, rows: ir.Table | None = None, period: Period | None = None) -> ir.Table:
        """The best attempts with the time of each step, told as the question's own answer is.

        Args:
            rows: What matters of `counted_rows`; by default all.
            period: When entries count, and how far the data goes; by default the run's.
        """
        found = attempts.timelines(
            self.counted_rows() if rows is None else rows,
            self.question.steps,
            within=self.within,
            period=period or self.run.period,
            rules=self.rules,
        )
        return self._shared(found)

    def _shared(self, found: ir.Table) -> ir.Table:
        """What several results of a question are made of; its recounts are made once each."""
        return found if self.cases else self.run.warehouse.shared(found)

    def first_times(self, *goals: str) -> ir.Table:
        """Units with their one start, less those that `unless` leaves out; see `attempts`."""
        question, unless = self.question, self.question.unless
        found = attempts.first_times(
            self.rows(),
            question.start,
            (*goals, unless) if unless else goals,
            period=self.run.period,
            ever=question.enters == "first_ever",
        )
        if unless:
            did = found[f"goal_{len(goals)}_at"] <= found.started_at + interval(self.within)
            kept = [f"goal_{k}_{what}" for k in range(len(goals)) for what in ("at", "before")]
            found = found.filter(~did.fill_null(False)).select("unit", "started_at", *kept)
        return self.segmented(self._shared(found))

    def segmented(self, starts: ir.Table) -> ir.Table:
        if self.cases:
            names = enumerate(self.cases)
            of_case = [(_.unit.startswith(f"{place}|"), name) for place, name in names]
            return starts.mutate(**{CASE: ibis.cases(*of_case)})
        if not set(self.by) - {units.WEEK}:
            return measures.segmented(starts, None, self.by)
        if self.question.unit == "session":
            self._shared(units.session_people(self.run.tables))
        for each in units.traits_over_time(self.run.tables, self.question.unit, self.by):
            own = [name for name in self.by if name in (*each.columns, units.WEEK)]
            starts = measures.segmented(starts, each, own)
        return starts

    def result(
        self,
        shape: str,
        table: ir.Table,
        finish: Callable[[Rows], Rows],
        *,
        told: tuple[tuple[str, str], ...] = (),
        **given: Any,
    ) -> Result:
        """A result of the question, which its section names.

        Args:
            shape: A key of `results.columns.SHAPES`.
            table: The lazy table.
            finish: Makes the rows of the shape of the fetched ones.
            told: How it is counted besides, as (word, value) pairs.
            given: Further fields of the result.
        """
        product = self.run.declared.product
        fields = {
            "id": "",
            "by": self.by,
            "definition": definition(self.question, self.run.period, product.any_of)
            + units.session_rule(self.run.tables, self.question.unit)
            + units.among_rule(self.run.tables, self.question.among)
            + told,
            "as_of": self.run.as_of,
            "min_n": product.min_n,
            "labels": self.run.labels,
            "asks": self.question.asks,
            "declared": self.question.said,
            "unit": self.question.unit,
            "title": self.phrases.title,
            "words": self.said.of,
            "counted": self.phrases.counted,
            "within": self.phrases.within,
            "prepared": self.run.warehouse.prepared,
            "older": self.older,
            "finish": lambda rows: shaping.ordered(finish(rows), self.by, product.order),
        }
        # A list has its own order.
        table = table if shape == "list" else self._shared(table)
        return Result(shape=shape, table=table, **(fields | given))

    def listing(
        self, rows: ir.Table, *, told: tuple[tuple[str, str], ...] = (), **own: Column
    ) -> Result:
        """The units of `rows` by the time of their start, as a list to work with."""
        own = {"unit": ID, "held": ID, "started_at": MOMENT} | own
        there = {name: own[name] for name in rows.columns}
        ordered = rows.order_by(["started_at", *(key for key in ("unit", "held") if key in there)])
        return self.result("list", ordered, list, told=told, own=there)


def phrases_of(run: Run, question: Question, written: Callable[[str], str] = str) -> Phrases:
    """A question in the words of its product."""
    return Phrases(question, run.labels, run.declared.product.things, written)


def age_of(run: Run, question: Question) -> Age:
    """Which units of a question are from before the log."""
    return Age(
        run,
        question.unit,
        question.start or "",
        question.events,
        is_first=question.enters == "first_ever" and not question.hold,
        looks_back=question.measured.before,
    )


def columns(by: str | Sequence[str] | None) -> tuple[str, ...]:
    """The columns that are named; papermill gives None where a run leaves `by` empty."""
    return (by,) if by and isinstance(by, str) else tuple(dict.fromkeys(by or ()))
