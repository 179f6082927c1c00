"""A declared question with all that this stage counts it by, or why it cannot be counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook import answers
from playbook.answers import Asked, columns
from playbook.declare import Question
from playbook.results import Result, Unavailable
from playbook.run import Run


def asked(run: Run, id: str, name: str, *, by: str | Sequence[str] = ()) -> Asked | Unavailable:
    """The question as `playbook.answers` counts it, for a result `friction.<id>_<name>`."""
    found = answers.answer(run, id, by=by, stage="friction")
    if isinstance(found, Unavailable):
        return Unavailable(f"{found.id}_{name}", found.reason)
    question = run.declared.question(id)
    return Asked(answers.covered(run, question), question, columns(by), f"{found.id}_{name}")


def unit_by_unit(counting: Asked) -> Unavailable | None:
    """Why what follows a unit's attempt cannot be told, where each of its attempts counts."""
    if counting.question.count == "units":
        return None
    reason = f"`{counting.question.id}` counts attempts, and this follows each unit's best one. "
    return Unavailable(counting.id, reason + "Ask it of a question with `count: units`.")


def titles(question: Question) -> list[str]:
    """The steps' names, each once: an event that is done again has its place behind its name."""
    events = question.steps
    return [
        f"{event} ({k})" if event in events[: k - 1] else event for k, event in enumerate(events, 1)
    ]


def of_class(listing: Result, label: str) -> Result:
    """A list of units, which says what class they are."""
    return replace(listing, definition=(*listing.definition, ("class", label)))
