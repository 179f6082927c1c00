"""Segments compared: each against all the others together, and every week of entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook import answers
from playbook.answers import SHARES
from playbook.counting import shaping
from playbook.friction.questions import answer
from playbook.inference import stats
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, NAME, P, points_of, with_ends
from playbook.results.section import Unfit, needed, section
from playbook.run import Run

HIGHER, LOWER, NO_DIFFERENCE, FEW = "higher", "lower", "no difference shown", "too few"
COMPARED = "with all other segments together, not with everybody"
TESTED = "Fisher's exact test, two-sided; corrected by Benjamini and Hochberg over all rows"
TEST = {"reached": COUNT, "reached_others": COUNT, "p": P, "p_corrected": P}
STEP = {"step": NAME, **with_ends("difference", points_of("n", figure="{step}.difference"))}


@section("friction.{id}_differences")
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
    asking = answers.asked(run, id, counted_by=(*SHARES, "steps"))
    found = needed(answer(run, id, by=by))
    if not found.by:
        raise Unfit("No column says which segments to compare: name one as `by`.")

    def finish(rows: Rows) -> Rows:
        sides = _segments_of_steps(found, found.finish(rows))
        return _with_verdicts([row for own in sides for row in _against_others(own, found.min_n)])

    return replace(
        found,
        shape="differences",
        title=f"{found.title}: each against all others",
        words=asking.said.does,
        own=TEST | (STEP if found.shape == "steps" else {}),
        definition=(*found.definition, ("compared", COMPARED), ("p", TESTED)),
        finish=finish,
    )


def by_week(run: Run, id: str) -> Answer:
    """The share, or the last step's share of the first, by week of entry; see `answers`."""
    return answers.activation_by_week(run, id, stage="friction")


def _segments_of_steps(found: Result, rows: Rows) -> list[Rows]:
    """What is compared with each other: the segments' `n` and `reached`, once per step."""
    if found.shape == "share":
        names = (*found.by, "n", "reached")
        return [[{name: row[name] for name in names} for row in rows]]
    entered = {found.segment(row): row["n"] for row in rows if not row["position"]}
    return [
        [
            {name: row[name] for name in (*found.by, "step")}
            | {"n": entered[found.segment(row)], "reached": row["n"]}
            for row in own
        ]
        for (place,), own in sorted(shaping.grouped(rows, ["position"]).items())
        if place
    ]


def _against_others(rows: Rows, least: int) -> Rows:
    """Segments with the sum of the others beside each."""
    n, reached = (sum(row[name] for row in rows) for name in ("n", "reached"))
    return [_segment_difference(row, n - row["n"], reached - row["reached"], least) for row in rows]


def _segment_difference(row: dict, n_others: int, reached_others: int, least: int) -> dict:
    n, reached = row["n"], row["reached"]
    share, share_others = (
        did / of if of else None for did, of in ((reached, n), (reached_others, n_others))
    )
    found = row | {"share": share, "share_others": share_others}
    found |= {"n_others": n_others, "reached_others": reached_others}
    if min(n, n_others) < max(least, 1):
        return found | dict.fromkeys(("difference", "low", "high", "p"))
    low, high = stats.newcombe(reached, n, reached_others, n_others)
    p = stats.fisher(reached, n, reached_others, n_others)
    return found | {"difference": share - share_others, "low": low, "high": high, "p": p}


def _with_verdicts(rows: Rows) -> Rows:
    """The rows with corrected p values, and the verdict on each."""
    corrected = iter(stats.corrected([row["p"] for row in rows if row["p"] is not None]))
    for row in rows:
        row["p_corrected"] = next(corrected) if row["p"] is not None else None
        row["verdict"] = _segment_verdict(row)
    return rows


def _segment_verdict(row: dict) -> str:
    if row["p"] is None:
        return FEW
    if row["p_corrected"] >= stats.SURE:
        return NO_DIFFERENCE
    return HIGHER if row["difference"] > 0 else LOWER
