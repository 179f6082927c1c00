"""What is started and never finished: by whom, with a verdict on each persona."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook.friction.questions import answer
from playbook.results import UNKNOWN, Answer, Unavailable
from playbook.run import Run
from playbook.shaping import Rows

STUCK_ABOVE = 0.25  # a core persona that leaves more than a quarter unfinished is a defect


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
