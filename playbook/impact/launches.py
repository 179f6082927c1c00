"""Before and after a launch, described and never claimed; and what is refused altogether."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ibis import _

from playbook import ledger
from playbook.counting.shaping import WEEK, Rows
from playbook.declare import Play
from playbook.impact import counted
from playbook.impact.asking import obstacle
from playbook.impact.rollouts import place
from playbook.language.periods import duration, words
from playbook.language.portable import count_if
from playbook.results import Answer, Unavailable
from playbook.run import Run

WIDTH = 4  # weeks on either side of a launch


def launches(run: Run) -> list[Answer]:
    """Before and after for every play that is sent and holds nobody out."""
    plays = [p for p in run.declared.plays if not (p.draft or p.holds_out)]
    return [before_after(run, play.slug) for play in plays]


def live_since(run: Run) -> dict[str, tuple[str, ...]]:
    """Day (UTC) → the plays that are sent since then, to mark them on a trend.

    Of a play that does not say it (`live_from`), the day on which the data begin: since then it
    is measured. Drafts, and what goes live after the data's end, are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for play in run.declared.plays:
        since = counted.begins(run, play)
        if not play.draft and since <= run.period.as_of:
            day = f"{since:%Y-%m-%d}"
            found[day] = (*found.get(day, ()), play.slug)
    return dict(sorted(found.items()))


def before_after(run: Run, slug: str) -> Answer:
    """The share that did a play's goal before and after its launch, beside dates without one.

    It describes, and claims nothing: whatever else changed at the launch changed with it.

    Returns:
        Shape `table`, one row: `label`, `launch` (a day), `before` and `after` (shares of the
        units that triggered in the four weeks on either side, or would have), `n_before`,
        `n_after`, `dates` (other dates with as much time on either side and no launch), the
        share of them at which the change was `as_large`, `grade` (D), and `because`: why this is
        no effect. Nothing but `because` where the data do not reach so far.
    """
    id = f"impact.{slug}.before_after"
    if reason := ledger.obstacle(run, slug):
        return Unavailable(id, reason)
    play = ledger.play_of(run, slug)
    if not play.live_from:
        return Unavailable(
            id,
            f"The play `{slug}` has no holdout, and nobody says when it went live: nothing can be "
            "compared. Write `live_from:`, and before and after can be described; write "
            "`holdout: 0.1`, and its effect can be measured.",
        )
    launch = datetime.fromisoformat(play.live_from)
    edges = _around(run, play, launch)
    found = ledger.outcomes(run, play).filter(
        _.arm == "treated", _.decision != "already_done", _.is_mature
    )
    by_week = (
        found.mutate(period=place(_.moment_at, edges))
        .filter(_.period >= 0)
        .group_by("period")
        .aggregate(n=_.count(), did=count_if(_.did))
    )

    def finish(rows: Rows) -> Rows:
        return [_described(run, play, launch, edges, rows)]

    return run.result(
        id,
        "table",
        by_week,
        finish,
        counts=f"{play.unit}s that triggered, or would have, by week around the launch",
        says=(
            ("comparison", "none: before and after, described"),
            ("goal", play.goal),
            ("within", words(duration(play.goal_within))),
            ("declared", play.version),
        ),
    )


def openers(run: Run, slug: str) -> Answer:
    """Openers against the rest: refused, whatever the numbers (grade F)."""
    reason = obstacle(run, slug) or (
        f"Openers of `{slug}` against the rest are no comparison (grade F): whoever would do the "
        "goal anyway opens more. Compare all who triggered with those held out, or ask what the "
        "message did among those whom it reached."
    )
    return Unavailable(f"impact.{slug}.openers", reason)


def _around(run: Run, play: Play, launch: datetime) -> list[datetime]:
    """The ends of the whole weeks in the data, before and after a launch."""
    last = min(run.period.until, run.period.as_of - duration(play.goal_within))
    first = run.period.since + duration(play.after)
    back, on = max((launch - first) // WEEK, 0), max((last - launch) // WEEK, 0)
    return [launch + WEEK * week for week in range(-back, on + 1)]


def _described(
    run: Run, play: Play, launch: datetime, edges: Sequence[datetime], rows: Rows
) -> dict[str, Any]:
    """Before and after, and how often as much changes when nothing is launched."""
    counts = {row["period"]: (row["n"], row["did"]) for row in rows}
    periods = [counts.get(place, (0, 0)) for place in range(len(edges) - 1)]
    at = edges.index(launch)
    others = [
        (datetime.fromisoformat(other.live_from) - edges[0]) // WEEK
        for other in run.declared.plays
        if other.live_from and other.slug != play.slug
    ]
    from playbook.adapters import quasi

    found = quasi.placebo_dates(periods, at, width=WIDTH, others=others)
    row: dict[str, Any] = {"label": play.slug, "launch": play.live_from}
    row |= dict.fromkeys(("before", "after", "n_before", "n_after", "dates", "as_large"))
    least = run.declared.product.min_n
    sides = [sum(n for n, _did in periods[max(at - WIDTH, 0) : at])]
    sides.append(sum(n for n, _did in periods[at : at + WIDTH]))
    if found is None or min(sides) < least:
        return row | {
            "grade": "–",
            "because": f"It takes {WIDTH} whole weeks on either side of the launch, with {least} "
            f"{play.unit}s each; there are {at} before with {sides[0]:,} and "
            f"{len(periods) - at} after with {sides[1]:,}. Hold some out: then it needs no before.",
        }
    row |= {"before": found.before, "after": found.after, "n_before": sides[0]}
    row |= {"n_after": sides[1], "dates": found.dates, "as_large": found.as_large}
    return row | {
        "grade": "D",
        "because": "nobody was held out, so nobody can say that the play did it. Write "
        "`holdout: 0.1` to be able to.",
    }
