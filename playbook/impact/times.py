"""Time to the goal by arm: do the treated get there sooner, and by how much?"""

from __future__ import annotations

from typing import Any

from playbook.counting import curves
from playbook.counting.shaping import Rows
from playbook.impact.compared import waits
from playbook.impact.judging import Judged, of_each, with_effect
from playbook.impact.reached import BY_STRATA
from playbook.impact.trial import Trial
from playbook.inference import stats
from playbook.inference.times import Waiting
from playbook.inference.times import sooner as mean_difference
from playbook.language.wording import MINUS, length
from playbook.ledger import HOLDOUT
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, HOURS, KEY, Column, P
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told
from playbook.run import Run

HOUR = 3600
CENSORED = (("times", "all who triggered, for as long as they were seen (Kaplan–Meier)"),)
LABELS = {"holdout": "held out"}
SOONER = {
    "play": KEY,
    **dict.fromkeys(("within_hours", "treated_hours", "holdout_hours"), HOURS),
    "difference_hours": Column("hours", ends=("low_hours", "high_hours")),
    **dict.fromkeys(("low_hours", "high_hours"), HOURS),
    "p": P,
    **dict.fromkeys(("n_treated", "n_holdout"), COUNT),
}


@section("impact.{slug}.waiting")
def waiting(run: Run, slug: str) -> Answer:
    """The share of each arm that has done the goal by each hour, open windows included.

    Returns:
        Shape `curve`, broken down by `arm`.
    """
    of = _timed_trial(run, slug)
    hours = of.window.total_seconds() / HOUR

    def finish(rows: Rows) -> Rows:
        timed = [row | {"hours": row["seconds"] / HOUR} for row in rows]
        drawn = curves.curves(timed, ("arm",), hours)
        order = [*of.arms.own, HOLDOUT]
        return sorted(drawn, key=lambda row: order.index(row["arm"]))

    labels = run.labels | LABELS
    given = {"title": f"Who has done the goal, by hours since it was due: {run.label(slug)}"}
    given |= {"by": ("arm",), "told": CENSORED, "labels": labels}
    return of.result("curve", waits(of), finish, **given)


@section("impact.{slug}.sooner")
def sooner(run: Run, slug: str) -> Answer:
    """How much sooner the treated get there: the mean time without the goal, up to its window.

    Returns:
        Shape `table`, one row (per treatment): `play`, `within_hours`, `treated_hours` and
        `holdout_hours` (mean times; who does not get there counts with the whole window),
        `difference_hours` (below 0: sooner) with `low_hours` and `high_hours` (widened for all
        looks so far), `p` (log-rank, of a single look), `n_treated` and `n_holdout`. No row where
        a curve is not known so far.
    """
    of = _timed_trial(run, slug)
    wholes = with_effect(run, slug, "time")
    return of.result(
        "table",
        waits(of),
        lambda rows: [row for whole in wholes for row in _mean_times(whole, rows)],
        told=CENSORED,
        own=SOONER,
        says=_sooner_said,
        silence="*The waiting times are not known for the whole window yet.*",
    )


def _timed_trial(run: Run, slug: str) -> Trial:
    of = with_effect(run, slug, "time")[0].of
    if of.play.holdout_by:
        raise Unanswerable(BY_STRATA)
    return of


def _mean_times(whole: Judged, rows: Rows) -> list[dict[str, Any]]:
    counts, deviations = whole.counts, whole.row["deviations"]
    arms = [_arm_waits(rows, arm) for arm in (counts.treatment, counts.control)]
    limit = whole.of.window.total_seconds() / HOUR
    found = mean_difference(*arms, limit=limit)
    if not found:
        return []
    half = (found.high - found.low) / 2 * deviations / stats.DEVIATIONS
    return [
        {
            "play": counts.label,
            "within_hours": limit,
            "treated_hours": found.treated,
            "holdout_hours": found.holdout,
            "difference_hours": found.difference,
            "low_hours": found.difference - half,
            "high_hours": found.difference + half,
            "p": found.p,
            "n_treated": sum(arms[0].weights),
            "n_holdout": sum(arms[1].weights),
        }
    ]


def _arm_waits(rows: Rows, arm: str) -> Waiting:
    own = sorted(
        (row for row in rows if row["arm"] == arm), key=lambda r: (r["seconds"], r["reached"])
    )
    return Waiting(
        times=[row["seconds"] / HOUR for row in own],
        reached=[bool(row["reached"]) for row in own],
        weights=[int(row["n"]) for row in own],
    )


def _sooner_said(result: Result, _told: Told, _words: str) -> str:
    """How much sooner, or later, the treated get to the goal."""
    return of_each(result.rows, "play", _sooner_in_words)


def _sooner_in_words(rows: Rows) -> str:
    (row,) = rows
    low, high = row["low_hours"], row["high_hours"]
    text = "It is not shown that the treated get there sooner or later"
    if low > 0 or high < 0:
        way = "sooner" if high < 0 else "later"
        text = f"The treated get there **{abs(row['difference_hours']):,.1f} hours {way}**"
    between = f"{-high:,.1f} to {-low:,.1f} hours sooner".replace("-", MINUS)
    return (
        f"{text} on average ({between}; whoever does not within {length(row['within_hours'])} "
        f"counts with these; {row['n_treated']:,} treated, {row['n_holdout']:,} held out)."
    )
