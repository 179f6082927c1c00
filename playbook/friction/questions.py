"""The declared questions as this stage asks them."""

from __future__ import annotations

from collections.abc import Sequence

from playbook import answers
from playbook.answers import Asked
from playbook.declare import Question
from playbook.language.mistakes import Mistake
from playbook.results import Answer
from playbook.results.section import Unfit
from playbook.run import Run


def answer(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The answer to a question of this stage; see `playbook.answers.answer`."""
    return answers.answer(run, id, by=by, stage="friction")


def curve(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """A `time_to` question as a censored curve; see `playbook.answers.curve`."""
    return answers.curve(run, id, by=by, stage="friction")


def members(run: Run, id: str, outcome: str) -> Answer:
    """The units behind a bar; see `playbook.answers.members`."""
    return answers.members(run, id, outcome, stage="friction")


def unit_by_unit(asking: Asked) -> Asked:
    """A question of which each unit's best attempt can be followed.

    Raises:
        Unanswerable: Each of a unit's attempts counts.
    """
    if asking.question.count != "units":
        raise Unfit(
            f"`{asking.question.id}` counts attempts, and this follows each unit's best one. "
            "Ask it of a question with `count: units`."
        )
    return asking


def unfit(question: Question, why: str) -> Unfit:
    """That a question is counted otherwise than a section needs."""
    return Unfit(f"`{question.id}` is counted by `{question.measure}`: {why}.")


def unfit_because(wrong: str, there: str, hint: str) -> Unfit:
    """The same, in the three parts of a mistake."""
    return Unfit(Mistake(wrong, there, hint).sentence)


def step_titles(question: Question) -> list[str]:
    """The steps' names, each once: an event that is done again has its place behind its name."""
    events = question.steps
    return [
        f"{event} ({k})" if event in events[: k - 1] else event for k, event in enumerate(events, 1)
    ]
