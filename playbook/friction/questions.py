"""The declared questions as this stage asks them."""

from __future__ import annotations

from collections.abc import Sequence

from playbook import answers
from playbook.results import Answer
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
