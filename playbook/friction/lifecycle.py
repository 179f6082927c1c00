"""Active things by whom they belong to: the key metric, one line per segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook.answers import unfit
from playbook.counting.shaping import Rows
from playbook.friction.questions import answer
from playbook.results import Answer, Unavailable
from playbook.run import Run


def active(run: Run, id: str, by: str | Sequence[str]) -> Answer:
    """How many things are active at the end of each week, by the traits of their owners.

    What is new, kept, revived and lost is left out: `answer` has it. A thing belongs to the unit
    that first did the goal with it; see `playbook.things.owned`.

    Returns:
        Shape `trend`: the series `active` alone, by `by`.
    """
    found = answer(run, id, by=by)
    if isinstance(found, Unavailable):
        return Unavailable(f"{found.id}_by", found.reason)
    question = run.declared.question(id)
    if question.measure != "active":
        return unfit(f"{found.id}_by", question, "only things are active")

    def finish(rows: Rows) -> Rows:
        return [row for row in found.finish(rows) if row["series"] == "active"]

    return replace(found, id=f"{found.id}_by", finish=finish)
