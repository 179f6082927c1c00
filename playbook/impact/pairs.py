"""The treatments of a play against each other: which of two brings more, and by how much."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

from playbook.counting.shaping import Rows
from playbook.impact import balance, valued
from playbook.impact.balance import ALPHA
from playbook.impact.compared import sums
from playbook.impact.counts import Counts
from playbook.impact.judging import (
    CANNOT_TELL,
    CHECK_FAILED,
    HARMS,
    NEVER_SENT,
    NO_EVENT,
    OWN,
    PRIMARY,
    SEVERAL,
    WORKS,
    Judged,
    doubtful,
    effect_row,
    of_play,
    unripe,
    verdict_of,
)
from playbook.impact.metrics import BETTER, WORSE, of_primary
from playbook.impact.trial import Trial, trial
from playbook.language.wording import plain, points
from playbook.results import Answer, Result
from playbook.results.changes import metric_change
from playbook.results.columns import ID
from playbook.results.section import Unanswerable, Unfit, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

PAIRED = "each treatment against each other one; all pairs together have 5 % error (Tukey)"
# A verdict against nothing → against another treatment: that harms nobody.
AGAINST = {WORKS: BETTER, HARMS: WORSE}
BRINGS = {BETTER: "brings more than", WORSE: "brings less than"}
ARMS = {"treatment": ID, "against": ID}


@section("impact.{slug}.between_arms")
def between_arms(run: Run, slug: str) -> Answer:
    """The treatments of a play with several, each against each other one.

    Nobody of the control plays a part, but for the checks: where one fails, there is no pair.

    Returns:
        Shape `effect`: one row per pair, the one that is declared later against the earlier one,
        with the columns of `judging.judged` but the action. What is called the treated is
        `treatment`, what is called held out is `against`. The verdict is `better`, `worse` or
        `cannot tell` (the interval holds 0), `too few`, `not matured`, or `check failed` (the two
        differed before). Of a play that is judged by a metric it is that metric's, which stands
        besides, as in `effects`. Intervals are widened for all looks so far, and for the number
        of pairs (`inference.several.pairs_error`).
    """
    of = trial(run, slug)
    if not of.arms.several:
        raise Unfit(f"`{slug}` has one treatment: there is no other one to set it against.")
    for whole in of_play(of):
        if whole.row["verdict"] in (CHECK_FAILED, NO_EVENT, NEVER_SENT):
            raise Unanswerable(f"There is nothing to compare: {whole.why}.")

    def finish(rows: Rows) -> Rows:
        whole = of.contrasts(rows)[0]
        pairs = [whole.of(later, earlier) for earlier, later in combinations(of.arms.own, 2)]
        return [
            _pair(of, replace(each, units_planned=valued.planned(each, of.metric_rows)))
            for each in pairs
        ]

    return of.result(
        "effect",
        sums([of]),
        finish,
        title=f"Its treatments against each other: {run.label(slug)}",
        told=(("pairs", PAIRED),),
        own=ARMS | OWN | SEVERAL | (PRIMARY if of.play.primary else {}),
        says=_pairs_said,
    )


def _pair(of: Trial, counts: Counts) -> dict[str, Any]:
    """The row of a pair; that one of them was contacted, too, fails no check."""
    found = counts.difference(counts.deviations)
    before = balance.before(of, counts)
    if before and before[1] < ALPHA:
        verdict, why = CHECK_FAILED, f"time before: {before[0]} (p = {before[1]:.2g})"
    else:
        verdict, why = unripe(of, counts)
    if not why:
        verdict = verdict_of(found.low, found.high)
    doubt = "" if why else doubtful(of, counts)
    row = effect_row(counts, found, AGAINST.get(verdict, verdict), why=why, doubt=doubt)
    row |= {"treatment": counts.treatment, "against": counts.control}
    if of.play.primary:
        row |= _pair_by_metric(Judged(of, counts, row, found, why))
    return row


def _pair_by_metric(pair: Judged) -> dict[str, Any]:
    """What the metric says that a play is judged by."""
    found, said = of_primary(pair)
    if pair.row["verdict"] == CHECK_FAILED:
        return said
    verdict = AGAINST.get(found["verdict"], found["verdict"])
    return said | {"verdict": verdict, "grade": found["grade"], "why": found["because"]}


def _pairs_said(result: Result, told: Told, _words: str) -> str:
    """Per pair which of the two brings more, and by how much."""
    return bullets(_pair_said(told, row) for row in result.rows)


def _pair_said(told: Told, row: dict[str, Any]) -> str:
    one, other, label = plain(row["treatment"]), plain(row["against"]), row["label"]
    sizes = [told.count(f"{label}.n_{arm}", row[f"n_{arm}"]) for arm in ("treated", "holdout")]
    n = f"n = {' + '.join(sizes)}"
    by_metric = row.get("metric_difference") is not None
    if row["verdict"] == CHECK_FAILED or (row["difference"] is None and not by_metric):
        why = "a check failed" if row["verdict"] == CHECK_FAILED else row["verdict"]
        reason = f"; {plain(row['why'])}" if row["why"] else ""
        return (
            f"**{one}** and **{other}**: {why}, so nobody can say which brings more ({n}{reason})."
        )
    goal, on = _goal_said(told, row), ""
    if by_metric:
        on = f" on {plain(row['metric'])}"
        change, treated, held = metric_change(told, row)
        goal, its_goal = f"{change}, {treated} against {held}", goal
        goal += f"; its goal: {its_goal}" if its_goal else ""
    doubt = f", because {plain(row['doubt'])}" if row["doubt"] else ""
    grade = f"grade {row['grade']}{doubt}"
    if row["verdict"] == CANNOT_TELL:
        return f"**{one}** and **{other}**: no difference shown{on}, {goal} ({n}); {grade}."
    return f"**{one}** {BRINGS[row['verdict']]} **{other}**{on}: {goal} ({n}); {grade}."


def _goal_said(told: Told, row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return ""
    label, ends = row["label"], f"{points(row['low'])} to {points(row['high'])}"
    shares = [
        told.share(f"{label}.{arm}", row[arm], row[f"n_{arm}"]) for arm in ("holdout", "treated")
    ]
    return f"**{points(row['difference'])} points** ({ends}), {shares[1]} against {shares[0]}"
