"""Stage 2, the friction analysis: the questions inverted; where people stop, and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook import answers
from playbook.results import UNKNOWN, Answer, Unavailable
from playbook.run import Run
from playbook.shaping import Rows

STUCK_ABOVE = 0.25  # a core persona that leaves more than a quarter unfinished is a defect


def answer(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The answer to a question of this stage; see `playbook.answers.answer`."""
    return answers.answer(run, id, by=by, stage="friction")


def curve(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """A `time_to` question as a censored curve; see `playbook.answers.curve`."""
    return answers.curve(run, id, by=by, stage="friction")


def members(run: Run, id: str, outcome: str) -> Answer:
    """The units behind a bar; see `playbook.answers.members`."""
    return answers.members(run, id, outcome, stage="friction")


def stuck(run: Run, id: str) -> Answer:
    """A share that misses its goal, by persona, with a verdict on each.

    The guide: people outside the core persona who leave things unfinished may be playing; many
    of the core persona who do mean a defect to mend at once.

    Returns:
        Shape `share` by persona, with `verdict`: `defect` (core, and the whole interval above
        a quarter), `watch` (core otherwise), `playing` (not core), `unknown` (no persona).
    """
    found = answer(run, id, by="persona")
    if isinstance(found, Unavailable):
        return found
    if run.declared.question(id).measure != "missed_within":
        return Unavailable(found.id, f"`{id}` does not count what is missed: use `missed_within`.")
    core = run.declared.product.core_personas

    def finish(rows: Rows) -> Rows:
        return [row | {"verdict": _verdict(row, core)} for row in found.finish(rows)]

    return replace(found, id=f"{found.id}_stuck", finish=finish)


def _verdict(row: dict, core: Sequence[str]) -> str:
    if row["persona"] == UNKNOWN:
        return "unknown"
    if row["persona"] not in core:
        return "playing"
    return "defect" if row["low"] > STUCK_ABOVE else "watch"
