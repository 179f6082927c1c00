"""Before and after a launch, described and never claimed; and what is refused altogether."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ibis import _

from playbook import ledger
from playbook.answers.phrases import COUNTED_AS
from playbook.counting.shaping import WEEK, Rows
from playbook.declare import Play
from playbook.impact.trial import begins, measurable
from playbook.impact.turns import place_between
from playbook.language.periods import duration, words
from playbook.language.portable import count_if
from playbook.language.wording import percent, plain, times
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, ID, KEY, MOMENT, SHARE, TEXT, share_of
from playbook.results.section import Unanswerable, section, there
from playbook.results.sentences import Told, bullets, said
from playbook.run import Run

DESCRIBED = {"label": ID, "launch": MOMENT}
DESCRIBED |= {"before": share_of("n_before"), "after": share_of("n_after")}
DESCRIBED |= {"n_before": COUNT, "n_after": COUNT, "dates": COUNT, "as_large": SHARE}
DESCRIBED |= {"grade": TEXT, "because": TEXT}
WIDTH = 4  # weeks on either side of a launch


@section("impact.launches")
def launches(run: Run) -> Answer:
    """Before and after for every play that is sent and holds nobody out.

    Returns:
        Shape `table`: the rows of `before_after`; of a play of which nothing can be told,
        `because` says why.
    """
    plays = [play for play in run.declared.plays if not (play.draft or play.holds_out)]
    singles = [(play, before_after(run, play.slug)) for play in plays]

    def finish(_rows: Rows) -> Rows:
        return [
            row
            for play, single in singles
            for row in single.rows or [_undescribed(play) | {"because": single.reason}]
        ]

    def say(_result: Result, _told: Told, _words: str) -> str:
        return bullets(said(single, says=_say_launch).text for _play, single in singles)

    return run.result(
        "table",
        None,
        finish,
        own=DESCRIBED | {"label": KEY},
        counts="units that triggered, or would have, by week around each launch",
        made_of=(*there(*(single for _play, single in singles)), *run.scans),
        says=say,
        silence=_none_described(run),
    )


def _none_described(run: Run) -> str:
    sent = [play.slug for play in run.declared.plays if not play.draft]
    if not sent:
        return "No play is declared that is sent: there is none to describe."
    return "Every play that is sent has a holdout: none rests on before and after."


def live_since(run: Run) -> dict[str, tuple[str, ...]]:
    """Day (UTC) → the plays that are sent since then, to mark them on a trend.

    Of a play that does not say it (`live_from`), the day on which the data begin: since then it
    is measured. Drafts, and what goes live after the data's end, are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for play in run.declared.plays:
        since = begins(run, play)
        if not play.draft and since <= run.period.as_of:
            day = f"{since:%Y-%m-%d}"
            found[day] = (*found.get(day, ()), play.slug)
    return dict(sorted(found.items()))


@section("impact.{slug}.before_after")
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
    play = ledger.play_of(run, slug)
    if not play.live_from:
        raise Unanswerable(
            f"The play `{slug}` has no holdout, and nobody says when it went live: nothing can be "
            "compared. Write `live_from:`, and before and after can be described; write "
            "`holdout: 0.1`, and its effect can be measured."
        )
    launch = datetime.fromisoformat(play.live_from)
    edges = _weeks_around(run, play, launch)
    found = ledger.outcomes(run, play).filter(
        _.arm == "treated", _.decision != "already_done", _.is_mature
    )
    by_week = (
        found.mutate(period=place_between(_.moment_at, edges))
        .filter(_.period >= 0)
        .group_by("period")
        .aggregate(n=_.count(), did=count_if(_.did))
    )
    return run.result(
        "table",
        by_week,
        lambda rows: [_before_after_row(run, play, launch, edges, rows)],
        own=DESCRIBED,
        counted=COUNTED_AS[play.unit],
        counts=f"{play.unit}s that triggered, or would have, by week around the launch",
        told=(
            ("comparison", "none: before and after, described"),
            ("goal", play.goal),
            ("within", words(duration(play.goal_within))),
            ("declared", play.version),
        ),
        says=_say_launch,
    )


@section("impact.{slug}.openers")
def openers(run: Run, slug: str) -> Answer:
    """Openers against the rest: refused, whatever the numbers (grade F)."""
    measurable(run, slug)
    raise Unanswerable(
        f"Openers of `{slug}` against the rest are no comparison (grade F): whoever would do the "
        "goal anyway opens more. Compare all who triggered with those held out, or ask what the "
        "message did among those whom it reached."
    )


def _weeks_around(run: Run, play: Play, launch: datetime) -> list[datetime]:
    """The ends of the whole weeks in the data, before and after a launch."""
    last = min(run.period.until, run.period.as_of - duration(play.goal_within))
    first = run.period.since + duration(play.after)
    back, on = max((launch - first) // WEEK, 0), max((last - launch) // WEEK, 0)
    return [launch + WEEK * week for week in range(-back, on + 1)]


def _before_after_row(
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
    row = _undescribed(play)
    least = run.declared.product.min_n
    sides = [sum(n for n, _did in periods[max(at - WIDTH, 0) : at])]
    sides.append(sum(n for n, _did in periods[at : at + WIDTH]))
    if found is None or min(sides) < least:
        return row | {
            "because": f"It takes {WIDTH} whole weeks on either side of the launch, with {least} "
            f"{COUNTED_AS[play.unit]} each; there are {at} before with {sides[0]:,} and "
            f"{len(periods) - at} after with {sides[1]:,}. Hold some out: then it needs no before.",
        }
    row |= {"before": found.before, "after": found.after, "n_before": sides[0]}
    row |= {"n_after": sides[1], "dates": found.dates, "as_large": found.as_large}
    return row | {
        "grade": "D",
        "because": "nobody was held out, so nobody can say that the play did it. Write "
        "`holdout: 0.1` to be able to.",
    }


def _undescribed(play: Play) -> dict[str, Any]:
    """The row of a launch of which nothing is told."""
    nothing = dict.fromkeys(DESCRIBED)
    return nothing | {"label": play.slug, "launch": play.live_from, "grade": "–"}


def _say_launch(result: Result, _told: Told, _words: str) -> str:
    """Before and after, how usual that is, and that it is no effect."""
    (row,) = result.rows
    name = f"**{plain(row['label'])}**"
    if row["before"] is None:
        return f"{name} has no claim. {row['because']}"
    usual = "there are no other dates to compare that with"
    if row["as_large"] is not None:
        usual = (
            f"a change this large comes at {percent(row['as_large'])} of "
            f"{times(row['dates'], 'date')} when nothing was launched"
        )
    return (
        f"{name}: {percent(row['before'])} did its goal in the weeks before {row['launch']} and "
        f"{percent(row['after'])} in those after it; {usual}. This is no effect: "
        f"{row['because']} Grade {row['grade']}."
    )
