"""The answer to a question: the units that it names, counted by the measure that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis
from ibis import _

from playbook.answers.question_on_run import ATTEMPTS, CASE, Asked, columns, definition
from playbook.counting import measures, owners, shaping, units
from playbook.counting.shaping import Rows
from playbook.data import arrivals
from playbook.data.tables import Tables
from playbook.declare import Question
from playbook.language.mistakes import Mistake, listed
from playbook.language.periods import duration
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

WEEK = timedelta(days=7)
BOTH = ("did both, in this order", "both")  # of `did_before`, in a sentence and over a column
OUTCOMES = ("converted", "dropped", "open")
__all__ = [
    "Asked",
    "activation_by_week",
    "answer",
    "columns",
    "covered",
    "curve",
    "definition",
    "lately",
    "mapped",
    "members",
    "obstacle",
    "reached",
    "unfit",
]


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
    name, by = f"{stage}.{id}", (CASE,) if cases else columns(by)
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
        return _SHAPERS[question.measure](Asked(covered(run, question), question, by, name, cases))
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
    if question.measure not in ATTEMPTS:
        return unfit(found.id, question, "it counts no attempts, so it has no list")
    if outcome not in OUTCOMES:
        return Unavailable(
            found.id, f"There is no outcome `{outcome}`. The outcomes are: {listed(OUTCOMES)}."
        )
    asked = Asked(covered(run, question), question, (), f"{found.id}.{outcome}")
    titles = enumerate(reached(question), 1)
    chosen = asked.attempts(question.steps).filter(_.outcome == outcome)
    shown = chosen.mutate(
        reached=ibis.cases(*((_.depth == k, name) for k, name in titles), else_="")
    ).select("unit", *(["held"] if "held" in chosen.columns else []), "started_at", "reached")
    return asked.result("table", shown.order_by(["started_at", "unit"]), list)


def reached(question: Question) -> tuple[str, ...]:
    """What an attempt has reached at each depth: its steps; in any order, how many of them."""
    if question.order != "any":
        return question.steps
    of = len(question.goals)
    return (question.start, *(f"{k} of {of} steps" for k in range(1, of + 1)))


def obstacle(run: Run, question: Question) -> str:
    """Why a question cannot be answered from this data; "" if it can."""
    for event in question.events:
        status, seen = arrivals.need(
            question,
            event,
            lately(run),
            run.period.as_of,
            column=arrivals.unit_column(run.tables, question.unit),
        )
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
        return unfit(found.id, run.declared.question(id), "a trend by week needs a share")
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
        prepared=found.prepared,
    )


def curve(run: Run, id: str, *, by: str | Sequence[str] = (), stage: str = "friction") -> Answer:
    """A `time_to` question's answer as a censored curve: the share that has reached by each hour.

    Everybody who started counts, for as long as the data saw them (Kaplan–Meier).
    """
    found = answer(run, id, by=by, stage=stage)
    if isinstance(found, Unavailable):
        return found
    if found.shape != "buckets":
        return unfit(found.id, run.declared.question(id), "a curve needs `time_to`")
    question = run.declared.question(id)
    asked = Asked(covered(run, question), question, columns(by), f"{found.id}_curve")
    horizon = asked.within or duration(asked.question.edges[-1]) * 3
    counted = measures.durations(
        asked.first_times(asked.question.goal),
        horizon=horizon,
        period=asked.run.period,
        by=asked.by,
    )
    hours = horizon / timedelta(hours=1)

    def finish(rows: Rows) -> Rows:  # hours are rounded up, and nobody was seen for longer
        within = [row | {"hours": min(row["hours"], hours)} for row in rows]
        return shaping.curves(within, asked.by, hours)

    return asked.result("curve", counted, finish)


def unfit(id: str, question: Question, why: str) -> Unavailable:
    """What stands in the place of a result for which a question has the wrong measure."""
    return Unavailable(id, f"`{question.id}` is counted by `{question.measure}`: {why}.")


def _share(asked: Asked) -> Result:
    measure = getattr(measures, asked.question.measure)
    counted = measure(asked.best(), by=asked.by)
    return asked.result("share", counted, shaping.shares)


def _did_before(asked: Asked) -> Result:
    times = asked.first_times(asked.question.first, asked.question.goal)
    counted = measures.did_before(times, within=asked.within, period=asked.run.period, by=asked.by)
    return replace(asked.result("share", counted, shaping.shares), again=BOTH)


def _mix(asked: Asked) -> Result:
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


def _time_to(asked: Asked) -> Result:
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


def _steps(asked: Asked) -> Result:
    counted = measures.steps(asked.best(), len(asked.question.steps), by=asked.by)
    optional, titles = asked.rules.optional, reached(asked.question)

    def finish(rows: Rows) -> Rows:
        return shaping.losses(rows, titles, asked.by, optional=optional)

    return asked.result("steps", counted, finish)


def _active(asked: Asked) -> Result:
    run, question = asked.run, asked.question
    if units.WEEK in asked.by:
        raise Mistake(
            f"`{question.measure}` cannot be broken down by {units.WEEK}.",
            "It counts the end of each week already.",
            "ask for it by a column of the people or accounts behind the owners.",
        )
    begins = run.log_begins.replace(hour=0, minute=0, second=0, microsecond=0)
    origin = begins - timedelta(days=begins.weekday())
    counted = measures.active(
        owners.owned(run.tables, question.hold[0], question.goal, unit=question.unit, by=asked.by),
        question.goal,
        within=asked.within,
        every=WEEK,
        origin=origin,
        as_of=run.period.as_of,
        by=asked.by,
    )

    def finish(rows: Rows) -> Rows:
        return shaping.states(rows, origin, run.period, asked.by)

    return asked.result("trend", counted, finish)


_SHAPERS: dict[str, Callable[[Asked], Result]] = {
    "reached_within": _share,
    "missed_within": _share,
    "did_before": _did_before,
    "mix": _mix,
    "time_to": _time_to,
    "steps": _steps,
    "active": _active,
}
