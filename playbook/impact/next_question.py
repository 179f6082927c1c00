"""The next burning question: what is lost where, and whether a play is known to mend it."""

from __future__ import annotations

from typing import Any

from playbook import answers
from playbook.counting.shaping import Rows
from playbook.declare import Question
from playbook.results import Answer, Unavailable
from playbook.run import Run

LOSING = ("reached_within", "missed_within", "steps")  # the measures that say who does not arrive


def burning(run: Run, effects: Answer) -> Answer:
    """What to ask next: first what cannot be answered, then by how many no play is shown to help.

    Losses of users, accounts and visits stand in one order, and so do those whom plays reach: it
    is where to look, not a sum.

    Args:
        run: The opened run.
        effects: The effects of all plays: rows of shape `effect` with the play as `label`.

    Returns:
        Shape `table`: one row per question that says who does not arrive, or that cannot be
        answered: `question`, `asks`; `lost` (units that do not get `to`, at the step where most
        are lost), `of`, `unit`; the `plays` whose goal that is, those of them that are shown to
        `work`, and how many units these are for (`helped`); and `because`: why there is no
        answer, or "". Questions with fewer than `min_n` units are left out.
    """
    if not run.declared.questions:
        reason = f"{run.declared.product.name} declares no questions: there is nothing to rank."
        return Unavailable("impact.burning", reason)

    def rows() -> Rows:
        ours = [] if isinstance(effects, Unavailable) else effects.rows
        works = {row["label"]: row for row in ours if row["verdict"] == "works"}
        found = [_row(run, question, works) for question in run.declared.questions]
        return sorted((row for row in found if row), key=_place)

    return run.result(
        "impact.burning",
        "table",
        run.log,
        counts="units of each question that do not get on, at the step where most are lost",
        fetched=rows,
    )


def _row(run: Run, question: Question, works: dict[str, Any]) -> dict[str, Any] | None:
    row: dict[str, Any] = {"question": question.id, "asks": question.asks}
    row |= {"lost": None, "of": None, "to": "", "unit": question.unit}
    row |= {"plays": (), "work": (), "helped": 0, "because": ""}
    if reason := answers.obstacle(run, question):
        return row | {"because": reason}
    if question.measure not in LOSING:
        return None
    found = answers.answer(run, question.id, stage="impact")
    if isinstance(found, Unavailable):
        return row | {"because": found.reason}
    lost, of, to = _lost(question, found.rows)
    if of < run.declared.product.min_n:
        return None
    plays = tuple(p.slug for p in run.declared.plays if p.goal == to and not p.draft)
    work = tuple(slug for slug in plays if slug in works)
    helped = sum(works[slug]["n_treated"] + works[slug]["n_holdout"] for slug in work)
    row |= {"lost": lost, "of": of, "to": to, "plays": plays}
    return row | {"work": work, "helped": helped}


def _place(row: dict[str, Any]) -> tuple[bool, int]:
    """What cannot be answered first; then what is left without a play that works."""
    return row["lost"] is not None, -max((row["lost"] or 0) - row["helped"], 0)


def _lost(question: Question, rows: Rows) -> tuple[int, int, str]:
    """How many do not get on, of how many, and to what; at the step where most are lost."""
    if not rows:
        return 0, 0, question.steps[-1]
    if question.measure == "steps":
        worst = max(rows, key=lambda row: row["lost"])
        return worst["lost"], rows[0]["n"], worst["step"]
    row = rows[0]
    missed = row["reached"] if question.measure == "missed_within" else row["n"] - row["reached"]
    return missed, row["n"], question.goal
