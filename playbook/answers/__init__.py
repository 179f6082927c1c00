"""The answer to a question: the units that it names, counted by the measure that it names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.answers.definition import definition
from playbook.answers.needs import lacks, lately, mapped, refuse_doubted
from playbook.answers.question_on_run import Asked, age_of, columns, phrases_of
from playbook.answers.together import as_seen
from playbook.counting import active, curves, measures, owners, shaping, units
from playbook.counting.shaping import Rows
from playbook.declare import Question
from playbook.declare.question import ATTEMPTS, SHARES
from playbook.language.mistakes import Mistake, either, listed
from playbook.language.periods import ANCIENT, duration, moment
from playbook.results import Answer, Result
from playbook.results.columns import NAME, share_of, with_ends
from playbook.results.section import Unanswerable, Unfit, section
from playbook.run import Run

OUTCOMES = ("converted", "dropped", "open")
SHARE_TREND = with_ends("value", share_of("n", figure="{series}.{period}"))
__all__ = ["ATTEMPTS", "SHARES", "Asked", "activation_by_week", "answer", "asked", "counted"]
__all__ += [
    "columns",
    "curve",
    "definition",
    "depths",
    "lacks",
    "lately",
    "mapped",
    "members",
    "phrases_of",
]


@section("{stage}.{id}")
def answer(run: Run, id: str, *, by: str | Sequence[str] = (), stage: str = "audit") -> Answer:
    """The answer to a declared question, or why the data cannot give it.

    Args:
        run: The opened run.
        id: The question's id.
        by: Column(s) to break the answer down by; "" is none.
        stage: The stage that asks: figures are named `<stage>.<id>`.
    """
    return counted(asked(run, id, by=by))


def asked(
    run: Run, id: str, *, by: str | Sequence[str] = (), counted_by: Collection[str] = ()
) -> Asked:
    """A declared question with the run that answers it, as far as its data goes.

    Args:
        run: The opened run.
        id: The question's id.
        by: Column(s) to break the answer down by; "" is none.
        counted_by: The measures of which it must have one; any will do, unless given.

    Raises:
        Unanswerable: Nobody declares it, the data lacks what it needs, or it is counted otherwise.
    """
    question = run.declared.question(id)
    if question is None and not run.declared.questions:
        raise Unanswerable("Nothing is asked: write a question into questions.yaml.")
    if question is None:
        raise Unanswerable(
            f"{run.declared.product.name} declares no question `{id}`. "
            f"It asks: {listed(q.id for q in run.declared.questions)}. "
            "Add it to questions.yaml to see this section."
        )
    if reason := lacks(run, question):
        raise Unanswerable(f"“{question.asks}” cannot be answered: {reason}")
    if counted_by and question.measure not in counted_by:
        raise Unfit(
            f"`{id}` is counted by `{question.measure}`: this section needs {either(counted_by)}."
        )
    refuse_doubted(run, question, columns(by))
    run = as_seen(run, question)
    observed = run.since(age_of(run, question).before)
    known = observed.until(observed.extent.reaches(*question.events, but=question.start))
    return Asked(known, question, columns(by), since=run.period.since)


def counted(asking: Asked) -> Result:
    """A question's answer as its measure counts it."""
    return _COUNTED[asking.question.measure](asking)


@section("{stage}.{id}.{outcome}")
def members(run: Run, id: str, outcome: str, *, stage: str = "friction") -> Answer:
    """The units behind a bar: those whose best attempt at a question ended in an outcome.

    Args:
        run: The opened run.
        id: A question that counts attempts (its measure is a share in a window, or `steps`).
        outcome: `converted`, `dropped` or `open`.
        stage: The stage that asks.

    Returns:
        Shape `list`: one row per unit (and held value): `unit`, `held` where the question
        holds one, `started_at`, `reached` (the last step that it reached), in order of time.
    """
    asking = asked(run, id, counted_by=ATTEMPTS)
    if outcome not in OUTCOMES:
        raise Unanswerable(
            f"There is no outcome `{outcome}`. The outcomes are: {listed(OUTCOMES)}."
        )
    titles = enumerate(depths(asking.question), 1)
    chosen = asking.attempts(asking.question.steps).filter(_.outcome == outcome)
    shown = chosen.mutate(
        reached=ibis.cases(*((_.depth == k, name) for k, name in titles), else_="")
    ).select("unit", *(["held"] if "held" in chosen.columns else []), "started_at", "reached")
    return asking.listing(shown, reached=NAME)


def depths(question: Question) -> tuple[str, ...]:
    """What an attempt has reached at each depth: its steps; in any order, how many of them."""
    if question.order != "any":
        return question.steps
    of = len(question.goals)
    return (question.start, *(f"{k} of {of} steps" for k in range(1, of + 1)))


def goals(asking: Asked) -> ir.Table:
    """What keeps active what an `active` question counts: things, or else the units themselves.

    Returns:
        One row per goal: `held` (the thing or unit), `at` (UTC), and the columns of `by`, the
        same in all rows of one.
    """
    question, tables = asking.question, asking.run.tables
    if question.hold:
        (held,), unit = question.hold, question.unit
        rows = owners.owned(tables, held, question.goal, unit=unit, by=asking.by)
    else:
        rows = asking.segmented(asking.rows()).mutate(held=_.unit)
    possible = rows.filter(_.event == question.goal, _.at >= moment(ANCIENT))
    return possible.select("held", "at", *asking.by)


@section("{stage}.{id}_by_week")
def activation_by_week(run: Run, id: str, *, stage: str = "impact") -> Answer:
    """The share, or the last step's share of the first, by week of entry.

    Returns:
        Shape `trend`: a week that is not over, or that has an open window, is not `complete`.
    """
    asking = asked(run, id, by=units.WEEK, counted_by=(*SHARES, "steps"))
    found, question, period = counted(asking), asking.question, asking.run.period
    told = (("by", "week of the start (Monday, UTC)"),)
    if question.measure == "steps":
        told = (("counted", f"who reached {question.goals[-1]}"), ("by", "week of the start"))

    def finish(rows: Rows) -> Rows:
        return shaping.weeks(shaping.shares(_all_the_way(rows, question)), period)

    return replace(
        found,
        shape="trend",
        own=SHARE_TREND,
        by=(),
        title=f"{found.title}, by week of the start",
        words=f"of {asking.said.whom} {asking.said.does}",
        definition=(*found.definition, *told),
        finish=finish,
    )


def _all_the_way(rows: Rows, question: Question) -> Rows:
    """Counted steps as a share: who entered, and who reached the last."""
    if question.measure != "steps":
        return rows
    last = f"step_{len(question.goals) + 1}"
    return [row | {"n": row["step_1"], "reached": row[last]} for row in rows]


@section("{stage}.{id}_curve")
def curve(run: Run, id: str, *, by: str | Sequence[str] = (), stage: str = "friction") -> Answer:
    """A `time_to` question's answer as a censored curve: the share that has reached by each hour.

    Everybody who started counts, for as long as the data saw them (Kaplan–Meier).
    """
    asking = asked(run, id, by=by, counted_by=("time_to",))
    horizon = asking.within or duration(asking.question.edges[-1]) * 3
    durations = curves.durations(
        asking.first_times(asking.question.goal),
        horizon=horizon,
        period=asking.run.period,
        by=asking.by,
    )
    hours = horizon / timedelta(hours=1)

    def finish(rows: Rows) -> Rows:  # hours are rounded up, and nobody was seen for longer
        within = [row | {"hours": min(row["hours"], hours)} for row in rows]
        return curves.curves(within, asking.by, hours)

    return asking.result("curve", durations, finish, words=f"of {asking.said.got}")


def _share_answer(asking: Asked) -> Result:
    measure = getattr(measures, asking.question.measure)
    counted = measure(asking.best(), by=asking.by)
    return asking.result("share", counted, shaping.shares)


def _did_before_answer(asking: Asked) -> Result:
    times = asking.first_times(asking.question.first, asking.question.goal)
    counted = measures.did_before(
        times, within=asking.within, period=asking.run.period, by=asking.by
    )
    again = ("did both, in this order", "both")
    return asking.result("share", counted, shaping.shares, again=again)


def _mix_answer(asking: Asked) -> Result:
    goals = asking.question.goals
    counted = measures.mix(
        asking.first_times(*goals),
        goals,
        within=asking.within,
        period=asking.run.period,
        by=asking.by,
    )
    names = [asking.run.label(goal) for goal in goals]

    def finish(rows: Rows) -> Rows:
        for row in rows:
            row["label"] = shaping.class_name(names, row["position"])
        return shaping.classes(rows, asking.by, last=1 << len(goals))

    return asking.result("mix", counted, finish, idle=0)


def _time_to_answer(asking: Asked) -> Result:
    edges = [duration(edge) for edge in asking.question.edges]
    counted = measures.time_to(
        asking.first_times(asking.question.goal),
        edges,
        horizon=asking.within,
        period=asking.run.period,
        by=asking.by,
    )
    names = shaping.bucket_names(edges, asking.within)

    def finish(rows: Rows) -> Rows:
        for row in rows:
            row["label"] = names[row["position"]]
        return shaping.classes(rows, asking.by, last=len(names) - 1)

    return asking.result("mix", counted, finish, idle=len(edges) + 1)


def _steps_answer(asking: Asked) -> Result:
    counted = measures.steps(asking.best(), len(asking.question.steps), by=asking.by)
    optional, titles = asking.rules.optional, depths(asking.question)

    def finish(rows: Rows) -> Rows:
        return shaping.losses(rows, titles, asking.by, optional=optional)

    return asking.result("steps", counted, finish)


def _active_answer(asking: Asked) -> Result:
    run, question = asking.run, asking.question
    if units.WEEK in asking.by:
        raise Mistake(
            f"`{question.measure}` cannot be broken down by {units.WEEK}.",
            f"It counts the end of each {question.each} already.",
            "ask for it by a column of the people or accounts that are behind it.",
        )
    every = duration(question.every)
    counted = active.active_things(goals(asking), within=asking.within, every=every, by=asking.by)

    def finish(rows: Rows) -> Rows:
        return active.states(rows, every, run.period, asking.by)

    return asking.result("trend", counted, finish, each=question.each)


_COUNTED: dict[str, Callable[[Asked], Result]] = {
    "reached_within": _share_answer,
    "missed_within": _share_answer,
    "did_before": _did_before_answer,
    "mix": _mix_answer,
    "time_to": _time_to_answer,
    "steps": _steps_answer,
    "active": _active_answer,
}
