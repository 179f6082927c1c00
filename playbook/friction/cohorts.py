"""The people behind a bar of classes: cohorts that a play can have as its audience."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.friction.drafts import stopped_at
from playbook.friction.questions import answer
from playbook.friction.verification import missed_because
from playbook.language.mistakes import listed
from playbook.language.periods import interval
from playbook.results import Answer, Result
from playbook.results.section import Unanswerable, needed, section
from playbook.run import Run

LISTS = {"_reasons": missed_because, "_stopped": stopped_at}  # of the classes of other sections


@section("friction.{id}_cohort")
def cohort(run: Run, id: str, label: str) -> Answer:
    """The units of one class of a `mix`: as many as its bar says.

    Args:
        run: The opened run.
        id: A question of measure `mix`; or the id of a question with `_reasons` or `_stopped`
            behind it, for a class of `friction.reasons` or `friction.stopped`.
        label: The class as the bar names it.

    Returns:
        Shape `list`: `unit`, `held` where the question holds something, `started_at`; in order
        of time.
    """
    if run.declared.question(id) is None:
        for ending, listing in LISTS.items():
            if id.endswith(ending):
                return listing(run, id.removesuffix(ending), label)
    return _in_class(run, answers.asked(run, id, counted_by=("mix",)), label)


def _in_class(run: Run, asking: Asked, label: str) -> Result:
    counted = needed(answer(run, asking.question.id))
    places = {row["label"]: row["position"] for row in counted.rows}
    if label not in places:
        raise Unanswerable(f"Nobody is in the class “{label}”. The classes are: {listed(places)}.")
    chosen = _class_places(asking).filter(_.position == places[label])
    return asking.listing(chosen.select("unit", "started_at"), told=(("class", label),))


def _class_places(asking: Asked) -> ir.Table:
    """Who started, with the place of their class: a bit for each of the goals, in their order."""
    goals, window = asking.question.goals, interval(asking.within)
    times = asking.first_times(*goals)
    did = [
        ibis.ifelse((times[f"goal_{i}_at"] <= times.started_at + window).fill_null(False), 1, 0)
        for i in range(len(goals))
    ]
    place = sum(bit * (1 << i) for i, bit in enumerate(did))
    closed = asking.run.period.closed(times.started_at, asking.within)
    return times.mutate(position=ibis.ifelse(closed, place, 1 << len(goals)))
