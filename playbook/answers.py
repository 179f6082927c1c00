"""The answer to a question: the units that it names, counted by the measure that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import attempts, coverage, measures, shaping, units
from playbook.declare import Question
from playbook.mistakes import Mistake, listed
from playbook.periods import Period, duration, words
from playbook.portable import united
from playbook.results import PERIOD, Answer, Result, Unavailable
from playbook.run import Run
from playbook.shaping import Rows
from playbook.tables import Tables

WEEK = timedelta(days=7)
CASE = "case_"
OUTCOMES = ("converted", "dropped", "open")


def answer(
    run: Run,
    id: str,
    *,
    by: str | Sequence[str] = (),
    stage: str = "audit",
    cases: Mapping[str, Tables] | None = None,
) -> Answer:
    """The answer to a declared question, or why the data cannot give it.

    Args:
        run: The opened run.
        id: The question's id.
        by: Column(s) to break the answer down by; "" is none.
        stage: The stage that asks: figures are named `<stage>.<id>`.
        cases: Other tables to count in the same statement; it is broken down by their names.
    """
    name, columns = f"{stage}.{id}", (CASE,) if cases else _columns(by)
    question = run.declared.question(id)
    if question is None:
        return Unavailable(
            name,
            f"{run.declared.product.name} declares no question `{id}`. "
            f"It asks: {listed(q.id for q in run.declared.questions)}. "
            "Add it to questions.yaml to see this section.",
        )
    if reason := obstacle(run, question):
        return Unavailable(name, f"“{question.asks}” cannot be answered: {reason}")
    try:
        return _SHAPERS[question.measure](
            _Asked(covered(run, question), question, columns, name, cases)
        )
    except Mistake as mistake:
        return Unavailable(name, mistake.sentence)


def members(run: Run, id: str, outcome: str, *, stage: str = "friction") -> Answer:
    """The units behind a bar: those whose best attempt at a question ended in an outcome.

    Args:
        run: The opened run.
        id: A question that counts attempts (its measure is a share in a window, or `steps`).
        outcome: `converted`, `dropped` or `open`.
        stage: The stage that asks.

    Returns:
        Shape `table`: one row per unit (and held value): `unit`, `held` where the question
        holds one, `started_at`, `reached` (the last step that it reached), in order of time.
    """
    found = answer(run, id, stage=stage)
    if isinstance(found, Unavailable):
        return found
    question = run.declared.question(id)
    if question.measure not in {"steps", "reached_within", "missed_within"}:
        return _unfit(found, question, "it counts no attempts, so it has no list")
    if outcome not in OUTCOMES:
        return Unavailable(
            found.id, f"There is no outcome `{outcome}`. The outcomes are: {listed(OUTCOMES)}."
        )
    asked = _Asked(covered(run, question), question, (), f"{found.id}.{outcome}")
    names = (question.start, *question.goals, *([question.goal] if question.goal else []))
    chosen = asked.attempts(names).filter(_.outcome == outcome)
    shown = chosen.mutate(
        reached=ibis.cases(*((_.depth == k, name) for k, name in enumerate(names, 1)), else_="")
    ).select("unit", *(["held"] if question.hold else []), "started_at", "reached")
    return asked.result("table", shown.order_by(["started_at", "unit"]), list)


def obstacle(run: Run, question: Question) -> str:
    """Why a question cannot be answered from this data; "" if it can."""
    for event in question.events:
        status, seen = coverage.need(question, event, lately(run), run.period.as_of)
        if status == "missing":
            return f"`{event}`: {seen}."
    if missing := [name for name in question.among if not mapped(run, question, name)]:
        return f"it is about some units only, and no table maps {listed(missing)}."
    return ""


def lately(run: Run) -> dict[str, dict[str, Any]]:
    """What the events hold in the period and after it, or ever if they have not come since."""

    def made() -> dict[str, dict[str, Any]]:
        return run.coverage | run.coverage_between(run.period.since, run.period.as_of)

    return run.remembered(("lately",), made)


def covered(run: Run, question: Question) -> Run:
    """The run as far as every source that the question needs has data: less is unknown, not no."""
    reaches = run.reaches(question)
    if reaches >= run.period.as_of:
        return run
    return replace(run, period=replace(run.period, as_of=reaches), tables=run.tables.until(reaches))


def mapped(run: Run, question: Question, column: str) -> bool:
    """Whether the question's units have a column: users', and for accounts their own too."""
    tables = ("users", "accounts") if question.unit == "account" else ("users",)
    return any(run.tables.has(table, column) for table in tables)


def activation_by_week(run: Run, id: str, *, stage: str = "impact") -> Answer:
    """A share question's answer by week of entry: a trend; weeks with open windows are marked."""
    found = answer(run, id, by=units.WEEK, stage=stage)
    if isinstance(found, Unavailable):
        return found
    if found.shape != "share":
        return _unfit(found, run.declared.question(id), "a trend by week needs a share")
    reaches = run.reaches(run.declared.question(id))
    return Result(
        id=f"{found.id}_by_week",
        shape="trend",
        table=found.table,
        definition=(*found.definition, ("by", "week of the start (Monday, UTC)")),
        as_of=found.as_of,
        min_n=found.min_n,
        labels=found.labels,
        finish=lambda rows: shaping.weeks(shaping.shares(rows), reaches),
    )


def curve(run: Run, id: str, *, by: str | Sequence[str] = (), stage: str = "friction") -> Answer:
    """A `time_to` question's answer as a censored curve: the share that has reached by each hour.

    Everybody who started counts, for as long as the data saw them (Kaplan–Meier).
    """
    found = answer(run, id, by=by, stage=stage)
    if isinstance(found, Unavailable):
        return found
    if found.shape != "buckets":
        return _unfit(found, run.declared.question(id), "a curve needs `time_to`")
    question = run.declared.question(id)
    asked = _Asked(covered(run, question), question, _columns(by), f"{found.id}_curve")
    horizon = asked.within or duration(asked.question.edges[-1]) * 3
    counted = measures.durations(
        asked.first_times(asked.question.goal),
        horizon=horizon,
        period=asked.run.period,
        by=asked.by,
    )
    hours = int(horizon.total_seconds()) // 3600
    return asked.result("curve", counted, lambda rows: shaping.curves(rows, asked.by, hours))


@dataclass(frozen=True)
class _Asked:
    """A question with the run that answers it."""

    run: Run
    question: Question
    by: tuple[str, ...]
    id: str
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

    def attempts(self, steps: Sequence[str], *, success: int | None = None) -> ir.Table:
        found = attempts.attempts(
            self.rows(), steps, within=self.within, period=self.run.period, success=success
        )
        return self.segmented(found)

    def first_times(self, *goals: str) -> ir.Table:
        found = attempts.first_times(
            self.rows(), self.question.start, goals, period=self.run.period
        )
        return self.segmented(found)

    def segmented(self, starts: ir.Table) -> ir.Table:
        if self.cases:
            names = enumerate(self.cases)
            of_case = [(_.unit.startswith(f"{place}|"), name) for place, name in names]
            return starts.mutate(**{CASE: ibis.cases(*of_case)})
        people = (
            units.traits(self.run.tables, self.question.unit, self.by)
            if set(self.by) - {units.WEEK}
            else None
        )
        return measures.segmented(starts, people, self.by)

    def result(self, shape: str, table: ir.Table, finish: Callable[[Rows], Rows]) -> Result:
        return Result(
            id=self.id,
            shape=shape,
            table=table,
            by=self.by,
            definition=definition(self.question, self.run.period),
            as_of=self.run.as_of,
            min_n=self.run.declared.product.min_n,
            labels=self.run.labels,
            asks=self.question.asks,
            finish=lambda rows: shaping.ordered(
                finish(rows), self.by, self.run.declared.product.order
            ),
        )


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
        ("hold", question.hold),
        ("unless", question.unless),
        ("entry", "any in the period; ties count in step order" if question.start else None),
        (PERIOD, f"{period.since:%d %b %Y} to {period.until:%d %b %Y}"),
    ]
    pairs += [(column, " or ".join(values)) for column, values in question.among.items()]
    pairs += [("left out", "bots and internal people")]
    return tuple((word, value) for word, value in pairs if value)


def _columns(by: str | Sequence[str]) -> tuple[str, ...]:
    return ((by,) if by else ()) if isinstance(by, str) else tuple(dict.fromkeys(by))


def _unfit(found: Result, question: Question, why: str) -> Unavailable:
    return Unavailable(found.id, f"`{question.id}` is counted by `{question.measure}`: {why}.")


def _share(asked: _Asked) -> Result:
    question = asked.question
    steps = (question.start, question.goal, question.goal)
    measure = getattr(measures, question.measure)
    counted = measure(asked.attempts(steps, success=2), by=asked.by)
    return asked.result("share", counted, shaping.shares)


def _did_before(asked: _Asked) -> Result:
    times = asked.first_times(asked.question.first, asked.question.goal)
    counted = measures.did_before(times, within=asked.within, period=asked.run.period, by=asked.by)
    return asked.result("share", counted, shaping.shares)


def _mix(asked: _Asked) -> Result:
    goals = asked.question.goals
    counted = measures.mix(
        asked.first_times(*goals), goals, within=asked.within, period=asked.run.period, by=asked.by
    )
    names = [asked.run.labels.get(goal, goal.replace("_", " ")) for goal in goals]

    def finish(rows: Rows) -> Rows:
        for row in rows:
            done = [goal for goal in row["label"].split(" + ") if goal]
            row["position"] = sum(1 << goals.index(g) for g in done if g in goals)
            if row["label"] == measures.OPEN:
                row["position"] = 1 << len(goals)
            else:
                said = [names[goals.index(goal)] for goal in done]
                only = " only" if len(said) == 1 < len(goals) else ""
                row["label"] = " + ".join(said) + only if said else "none of these"
        return shaping.classes(rows, asked.by, last=1 << len(goals))

    return asked.result("mix", counted, finish)


def _time_to(asked: _Asked) -> Result:
    edges = [duration(edge) for edge in asked.question.edges]
    counted = measures.time_to(
        asked.first_times(asked.question.goal),
        edges,
        horizon=asked.within,
        period=asked.run.period,
        by=asked.by,
    )
    names = shaping.bucket_names(edges, asked.within)

    def finish(rows: Rows) -> Rows:
        for row in rows:
            row["label"] = names[row["position"]]
        return shaping.classes(rows, asked.by, last=len(names) - 1)

    return asked.result("buckets", counted, finish)


def _steps(asked: _Asked) -> Result:
    names = (asked.question.start, *asked.question.goals)
    counted = measures.steps(asked.attempts(names), len(names), by=asked.by)
    return asked.result("steps", counted, lambda rows: shaping.losses(rows, names, asked.by))


def _active(asked: _Asked) -> Result:
    run, question = asked.run, asked.question
    if asked.by:
        raise Mistake(
            f"`{question.measure}` cannot be broken down by {listed(asked.by)} yet.",
            "It counts things, and a thing has no traits of its own.",
            "ask for it without `by`.",
        )
    begins = run.log_begins.replace(hour=0, minute=0, second=0, microsecond=0)
    origin = begins - timedelta(days=begins.weekday())
    counted = measures.active(
        units.things(run.tables, question.hold),
        question.goal,
        within=asked.within,
        every=WEEK,
        origin=origin,
        as_of=run.period.as_of,
    )
    return asked.result("trend", counted, lambda rows: shaping.states(rows, origin, run.period))


_SHAPERS: dict[str, Callable[[_Asked], Result]] = {
    "reached_within": _share,
    "missed_within": _share,
    "did_before": _did_before,
    "mix": _mix,
    "time_to": _time_to,
    "steps": _steps,
    "active": _active,
}
