"""What the stage says first: the largest losses, part by part of the guide."""

from __future__ import annotations

from playbook.friction.questions import answer
from playbook.friction.verification import reasons
from playbook.results import Answer
from playbook.run import Run


def bottom_line(run: Run) -> list[Answer]:
    """The results whose sentences open the stage, for the parts that a question plays.

    Where people stop on the way to value, why they do not verify, what is left unfinished, and
    what is active; of a product that asks none of this, its headline.
    """
    parts = {"path": answer, "verification": reasons, "unfinished": answer, "key_metric": answer}
    found = [made(run, id) for part, made in parts.items() for id in run.declared.parts[part]]
    return found or [answer(run, run.headline)]
