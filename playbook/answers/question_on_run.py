"""A question with the run that answers it: what its units did, and how it is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import attempts, measures, shaping, units
from playbook.counting.shaping import Rows
from playbook.data.tables import Tables
from playbook.declare import Question
from playbook.language.periods import Period, duration, words
from playbook.language.portable import united
from playbook.results import PERIOD, Result
from playbook.results.columns import ID, MOMENT, Column
from playbook.run import Run

CASE = "case_"


@dataclass(frozen=True)
class Asked:
    """A question with the run that answers it."""

    run: Run
    question: Question
    by: tuple[str, ...] = ()
    cases: Mapping[str, Tables] | None = None

    @property
    def within(self) -> timedelta | None:
        return duration(self.question.within) if self.question.within else None

    def rows(self) -> ir.Table:
        """What the question's units did, after `among` and `unless`; in each case another unit."""
        if not self.cases:
            return self._rows(self.run.tables)
        each = [self._rows(tables) for tables in self.cases.values()]
        tagged = [
            rows.mutate(unit=ibis.literal(f"{place}|").concat(rows.unit))
            for place, rows in enumerate(each)
        ]
        return united(tagged)

    def _rows(self, tables: Tables) -> ir.Table:
        question = self.question
        if question.unit == "account":
            self._shared(units.unreal_accounts(tables))
        rows = units.rows(tables, question.unit, hold=question.hold)
        if question.among:
            people = units.traits(tables, question.unit, list(question.among))
            rows = rows.semi_join(units.among(people, question.among), "unit")
        if question.unless:
            did = attempts.first_times(
                rows, question.start, [question.unless], period=self.run.period
            )
            rows = rows.anti_join(measures.did_within(did, self.within), "unit")
        return rows

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
        found = attempts.first_times(
            self.rows(), self.question.start, goals, period=self.run.period
        )
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
        order = self.run.declared.product.order
        fields = {
            "id": "",
            "by": self.by,
            "definition": definition(self.question, self.run.period)
            + units.session_rule(self.run.tables, self.question.unit)
            + units.among_rule(self.run.tables, self.question.among)
            + told,
            "as_of": self.run.as_of,
            "min_n": self.run.declared.product.min_n,
            "labels": self.run.labels,
            "asks": self.question.asks,
            "unit": self.question.unit,
            "counted": counted_as(self.question),
            "within": words(self.within) if self.within else "",
            "prepared": self.run.warehouse.prepared,
            "finish": lambda rows: shaping.ordered(finish(rows), self.by, order),
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


def counted_as(question: Question) -> str:
    """What a question counts, as people say it."""
    if question.hold and question.count == "units":
        thing = question.hold[0].removesuffix("_id").replace("_", " ")
        return thing if thing.endswith("s") else f"{thing}s"
    if question.count == "attempts":
        return "attempts"
    return {"user": "people", "account": "accounts", "session": "sessions"}[question.unit]


def definition(question: Question, period: Period) -> tuple[tuple[str, str], ...]:
    """How a question is counted, as (word, value) pairs in reading order."""
    pairs = [
        ("measure", question.measure),
        ("unit", question.unit),
        ("start", question.start),
        ("first", question.first),
        ("goal", question.goal),
        ("goals", ", ".join(question.goals)),
        ("within", question.within and f"{words(duration(question.within))}, end included"),
        ("edges", ", ".join(words(duration(edge)) for edge in question.edges)),
        ("hold", ", ".join(question.hold)),
        ("unless", question.unless),
        *_attempts_told(question),
        (PERIOD, f"{period.since:%d %b %Y} to {period.until:%d %b %Y}"),
    ]
    pairs += [(column, " or ".join(values)) for column, values in question.among.items()]
    pairs += [("left out", "bots and internal people")]
    return tuple((word, value) for word, value in pairs if value)


_ENTRY = {
    "any": "any start in the period",
    "first": "each unit's first start in the period",
    "first_ever": "each unit's first start ever, if in the period",
}
_ORDER = {
    "ordered": "as listed; others may come between",
    "any": "any after the start",
    "strict": "as listed, with no other event between",
}


def _attempts_told(question: Question) -> list[tuple[str, str | None]]:
    """What counts as an attempt, as (word, value) pairs."""
    if not question.measured.attempts:
        return [("entry", _ENTRY["first"] if question.start else None)]
    ties = {"step_order": "in step order", "strict": "not in order"}.get(question.ties)
    windows = [words(duration(window)) for window in question.windows]
    each = zip(question.goals, windows, strict=True) if windows else ()
    between = [
        f"{e.event} from {e.after or question.steps[0]} to {e.before or question.steps[-1]}"
        + (" leaves out" if e.effect == "leave_out" else " ends it")
        for e in question.exclude
    ]
    return [
        ("entry", _ENTRY[question.entry]),
        ("order", _ORDER[question.order]),
        ("ties", ties or f"neighbours within {words(duration(question.ties))} in either order"),
        ("window from", f"the {question.anchor}" + (" step" if question.anchor != "entry" else "")),
        ("windows", ", ".join(f"{goal}: {window}" for goal, window in each)),
        ("may be left out", " and ".join(question.optional)),
        ("and counts", "wherever it comes in the window" if question.optional else None),
        ("exclude", "; ".join(between)),
        ("counted", "units, by their best attempt" if question.count == "units" else "attempts"),
    ]


def columns(by: str | Sequence[str]) -> tuple[str, ...]:
    return ((by,) if by else ()) if isinstance(by, str) else tuple(dict.fromkeys(by))
