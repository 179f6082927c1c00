"""The people behind a bar of classes: cohorts that a play can have as its audience."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.answers import Asked, unfit
from playbook.friction.asking import asked, of_class
from playbook.friction.drafts import stopped_at
from playbook.friction.questions import answer
from playbook.friction.verification import missed_because
from playbook.language.mistakes import listed
from playbook.language.periods import interval
from playbook.results import Answer, Unavailable
from playbook.run import Run

REASONS, STOPPED = "_reasons", "_stopped"


def cohort(run: Run, id: str, label: str) -> Answer:
    """The units of one class of a `mix`: as many as its bar says.

    Args:
        run: The opened run.
        id: A question of measure `mix`; or the id of a question with `_reasons` or `_stopped`
            behind it, for a class of `friction.reasons` or `friction.stopped`.
        label: The class as the bar names it.

    Returns:
        Shape `table`: `unit`, `held` where the question holds something, `started_at`; in order
        of time.
    """
    if run.declared.question(id) is None:
        for ending, listing in ((REASONS, missed_because), (STOPPED, stopped_at)):
            if id.endswith(ending):
                return listing(run, id.removesuffix(ending), label)
    found = answer(run, id)
    if isinstance(found, Unavailable):
        return found
    counting = asked(run, id, "cohort")
    if found.shape != "mix":
        return unfit(counting.id, counting.question, "cohorts are of its classes, and it has none")
    places = {row["label"]: row["position"] for row in found.rows}
    if label not in places:
        return Unavailable(
            counting.id, f"Nobody is in the class “{label}”. The classes are: {listed(places)}."
        )
    chosen = _placed(counting).filter(_.position == places[label]).select("unit", "started_at")
    return of_class(counting.result("table", chosen.order_by(["started_at", "unit"]), list), label)


def _placed(counting: Asked) -> ir.Table:
    """Who started, with the place of their class: a bit for each of the goals, in their order."""
    goals, window = counting.question.goals, interval(counting.within)
    times = counting.first_times(*goals)
    did = [
        ibis.ifelse((times[f"goal_{i}_at"] <= times.started_at + window).fill_null(False), 1, 0)
        for i in range(len(goals))
    ]
    place = sum(bit * (1 << i) for i, bit in enumerate(did))
    closed = counting.run.period.closed(times.started_at, counting.within)
    return times.mutate(position=ibis.ifelse(closed, place, 1 << len(goals)))
