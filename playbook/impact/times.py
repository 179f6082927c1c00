"""Time to the goal by arm: do the treated get there sooner, and by how much?"""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from playbook.counting import shaping
from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.impact import counted
from playbook.impact.asking import BY_STRATA, compared, result
from playbook.impact.effects import of_play, with_effect
from playbook.inference import stats, times
from playbook.language.periods import duration
from playbook.results import Answer, Unavailable
from playbook.run import Run

HOUR = 3600
CENSORED = "all who triggered, for as long as they were seen (Kaplan–Meier)"
LABELS = {"holdout": "held out"}


def waiting(run: Run, slug: str) -> Answer:
    """The share of each arm that has done the goal by each hour, open windows included.

    Returns:
        Shape `curve`, broken down by `arm`.
    """
    found = _asked(run, slug, "waiting")
    if isinstance(found, Unavailable):
        return found
    play, table = found
    hours = duration(play.goal_within).total_seconds() / HOUR

    def finish(rows: Rows) -> Rows:
        timed = [row | {"hours": row["seconds"] / HOUR} for row in rows]
        drawn = shaping.curves(timed, ("arm",), hours)
        return sorted(drawn, key=lambda row: counted.ARMS.index(row["arm"]))

    says = (*compared(play), ("times", CENSORED))
    return result(
        run,
        "waiting",
        "curve",
        table,
        finish,
        play=play,
        by=("arm",),
        says=says,
        words_for=LABELS,
    )


def sooner(run: Run, slug: str) -> Answer:
    """How much sooner the treated get there: the mean time without the goal, up to its window.

    Returns:
        Shape `table`, one row: `play`, `within_hours`, `treated_hours` and `holdout_hours` (mean
        times; who does not get there counts with the whole window), `difference_hours` (below 0:
        sooner) with `low_hours` and `high_hours` (widened for all looks so far), `p` (log-rank,
        of a single look), `n_treated` and `n_holdout`. No row where a curve is not known so far.
    """
    found = _asked(run, slug, "sooner")
    if isinstance(found, Unavailable):
        return found
    play, table = found

    def finish(rows: Rows) -> Rows:
        return _sooner(play, rows, of_play(run, slug).row["deviations"])

    says = (*compared(play), ("times", CENSORED))
    return result(run, "sooner", "table", table, finish, play=play, says=says)


def _asked(run: Run, slug: str, name: str) -> tuple[Play, ir.Table] | Unavailable:
    whole = with_effect(run, slug, name, "time")
    if isinstance(whole, Unavailable):
        return whole
    play = whole.played.play
    if play.holdout_by:
        return Unavailable(f"impact.{slug}.{name}", BY_STRATA)
    return play, counted.waits(run, play)


def _sooner(play: Play, rows: Rows, deviations: float) -> list[dict[str, Any]]:
    arms = [_waiting(rows, arm) for arm in counted.ARMS]
    limit = duration(play.goal_within).total_seconds() / HOUR
    found = times.sooner(*arms, limit=limit)
    if not found:
        return []
    half = (found.high - found.low) / 2 * deviations / stats.DEVIATIONS
    return [
        {
            "play": play.slug,
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


def _waiting(rows: Rows, arm: str) -> times.Waiting:
    own = sorted(
        (row for row in rows if row["arm"] == arm), key=lambda r: (r["seconds"], r["reached"])
    )
    return times.Waiting(
        times=[row["seconds"] / HOUR for row in own],
        reached=[bool(row["reached"]) for row in own],
        weights=[int(row["n"]) for row in own],
    )
