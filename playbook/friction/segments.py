"""Segments compared: each against all the others together, and every week of entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook import answers
from playbook.answers import unfit
from playbook.counting import shaping, units
from playbook.counting.shaping import Rows
from playbook.inference import stats
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

HIGHER, LOWER, NO_DIFFERENCE, FEW = "higher", "lower", "no difference shown", "too few"
COMPARED = "with all other segments together, not with everybody"
TESTED = "Fisher's exact test, two-sided; corrected by Benjamini and Hochberg over all rows"


def differences(run: Run, id: str, by: str | Sequence[str]) -> Answer:
    """Each segment against all the others together, with interval, p value and verdict.

    Of a question with steps, each step is compared over all who entered. Shares of the step
    before would compare those who came that far, whom the earlier steps have chosen.

    Args:
        run: The opened run.
        id: A question whose answer is a share or steps.
        by: Column(s) whose values are compared.

    Returns:
        Shape `differences`: one row per segment, and per step after the first: `n` and `reached`
        with their `share`, `n_others`, `reached_others` and `share_others`, the `difference` of
        the shares with `low` and `high` (Newcombe 1998, method 10), `p` (Fisher's exact test,
        two-sided) and `p_corrected` (Benjamini and Hochberg 1995, over all rows that are
        compared), and `verdict`: `higher`, `lower`, `no difference shown`, or `too few`, where a
        side has fewer units than the product's `min_n` and is not compared.
    """
    found = answers.answer(run, id, by=by, stage="friction")
    name = f"friction.{id}_differences"
    if isinstance(found, Unavailable):
        return Unavailable(name, found.reason)
    if not found.by or found.shape not in {"share", "steps"}:
        question = run.declared.question(id)
        if found.by:
            return unfit(name, question, "segments are compared by a share or by steps")
        return Unavailable(name, "No column says which segments to compare: name one as `by`.")

    def finish(rows: Rows) -> Rows:
        return _corrected(
            [row for cells in _cells(found, found.finish(rows)) for row in _compared(found, cells)]
        )

    said = (("compared", COMPARED), ("p", TESTED))
    return replace(
        found, id=name, shape="differences", definition=(*found.definition, *said), finish=finish
    )


def by_week(run: Run, id: str) -> Answer:
    """The share, or the last step's share of the first, by week of entry.

    Returns:
        Shape `trend`: a week that is not over, or that has an open window, is not `complete`.
    """
    found = answers.answer(run, id, by=units.WEEK, stage="friction")
    if isinstance(found, Unavailable) or found.shape != "steps":
        return answers.activation_by_week(run, id, stage="friction")
    question = run.declared.question(id)
    last, reaches = f"step_{len(question.goals) + 1}", run.reaches(question)

    def finish(rows: Rows) -> Rows:
        counted = [row | {"n": row["step_1"], "reached": row[last]} for row in rows]
        return shaping.weeks(shaping.shares(counted), reaches)

    said = (("counted", f"who reached {question.goals[-1]}"), ("by", "week of the start"))
    return replace(
        found,
        id=f"{found.id}_by_week",
        shape="trend",
        by=(),
        definition=(*found.definition, *said),
        finish=finish,
    )


def _cells(found: Result, rows: Rows) -> list[Rows]:
    """What is compared with each other: the segments' `n` and `reached`, once per step."""
    if found.shape == "share":
        own = [_segment(found, row) | {"n": row["n"], "reached": row["reached"]} for row in rows]
        return [own]
    firsts = {found.segment(row): row["n"] for row in rows if not row["position"]}
    places = sorted({row["position"] for row in rows} - {0})
    return [
        [
            _segment(found, row)
            | {"step": row["step"], "n": firsts[found.segment(row)], "reached": row["n"]}
            for row in rows
            if row["position"] == place
        ]
        for place in places
    ]


def _segment(found: Result, row: dict) -> dict:
    return {column: row[column] for column in found.by}


def _compared(found: Result, rows: Rows) -> Rows:
    """Segments with the sum of the others beside each."""
    n, reached = (sum(row[name] for row in rows) for name in ("n", "reached"))
    return [_against(row, n - row["n"], reached - row["reached"], found.min_n) for row in rows]


def _against(row: dict, n_others: int, reached_others: int, least: int) -> dict:
    n, reached = row["n"], row["reached"]
    few = min(n, n_others) < max(least, 1)
    share, share_others = _share(reached, n), _share(reached_others, n_others)
    low, high = (None, None) if few else stats.newcombe(reached, n, reached_others, n_others)
    return row | {
        "share": share,
        "n_others": n_others,
        "reached_others": reached_others,
        "share_others": share_others,
        "difference": None if few else share - share_others,
        "low": low,
        "high": high,
        "p": None if few else stats.fisher(reached, n, reached_others, n_others),
    }


def _share(reached: int, n: int) -> float | None:
    return reached / n if n else None


def _corrected(rows: Rows) -> Rows:
    tested = iter(stats.corrected([row["p"] for row in rows if row["p"] is not None]))
    for row in rows:
        row["p_corrected"] = next(tested) if row["p"] is not None else None
        row["verdict"] = _verdict(row)
    return rows


def _verdict(row: dict) -> str:
    if row["p"] is None:
        return FEW
    if row["p_corrected"] >= stats.SURE:
        return NO_DIFFERENCE
    return HIGHER if row["difference"] > 0 else LOWER
