"""The effect of a play by time since a unit's moment: more people, or the same ones sooner?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import Rows, grouped
from playbook.impact.compared import added_up
from playbook.impact.judging import (
    CANNOT_TELL,
    HARMS,
    OWN,
    SEVERAL,
    TOO_FEW,
    WORKS,
    Judged,
    effect_row,
    of_each,
    too_few_counted,
    verdict_of,
    with_effect,
)
from playbook.impact.trial import Trial
from playbook.inference.permuted import two_sided
from playbook.language.periods import interval, words
from playbook.language.portable import united
from playbook.language.wording import points
from playbook.results import Answer, Result
from playbook.results.columns import HOURS, POINTS, P, with_ends
from playbook.results.section import section
from playbook.results.sentences import Told
from playbook.run import Run

# From which window on the effect is followed by so many of a length of time.
STEPS = {
    timedelta(days=1): (1, 2, 4, 7, 14, 28, 56),
    timedelta(hours=1): (1, 2, 4, 8, 16, 24, 48),
    timedelta(minutes=1): (1, 2, 4, 8, 15, 30, 60, 120),
    timedelta(seconds=1): (),
}
FEWEST_STEPS = 4
TESTED = "the share that does it later, up to the window; p corrected (Bonferroni) for the times"
LATER = {"within_hours": HOURS, "p_later": P}
LATER |= with_ends("later", POINTS, ends=("later_low", "later_high"))
# (which way the effect is by then, what it is in the end) where the other arm catches up.
CAUGHT_UP = {
    (WORKS, WORKS): "it brings more {whom} than would have come, and others sooner",
    (WORKS, CANNOT_TELL): "it brings {whom} sooner; that more come in the end is not shown",
    (WORKS, HARMS): "it brings {whom} sooner, and fewer in the end",
    (HARMS, HARMS): "it brings fewer {whom} than would have come, and others later",
    (HARMS, CANNOT_TELL): "it brings {whom} later; that fewer come in the end is not shown",
    (HARMS, WORKS): "it brings {whom} later, and more in the end",
}
IN_THE_END = {
    WORKS: "it brings more {whom} than would have come by then",
    HARMS: "it brings fewer {whom} than would have come by then",
}


@section("impact.{slug}.over_days")
def over_days(run: Run, slug: str) -> Answer:
    """The effect by time since a unit's moment: whether a play brings people who would not have
    come within its window, or only brings them sooner.

    It only brings them sooner as far as those held out catch up: as far as fewer of the treated
    do the goal later. So what is done later is compared, too; a fall of the effect alone would
    always be found, for it falls from its peak by chance.

    Returns:
        Shape `effect`, broken down by `within`: for each treatment one row per time since the
        moment (1, 2, 4, 7 … days; hours or minutes where the window is short), the last one the
        window itself: the shares of mature units that have done the goal by then, its end
        included, with the columns of `judging.judged` but the action, and `within_hours`. Before
        the end a verdict is `works` or `harms` only where it holds for all times together
        (Bonferroni). `later`, `later_low`, `later_high`: the difference of the shares that do it
        later than that, up to the window, and `p_later`, corrected alike; null in the last row.
        All intervals are the play's: widened for its looks, and not for the times.
    """
    wholes = with_effect(run, slug, "follow")
    of = wholes[0].of

    def finish(rows: Rows) -> Rows:
        return [row for whole in wholes for row in _of_days(whole, rows)]

    return of.result(
        "effect",
        sums_by_time(of),
        finish,
        by=("within",),
        title=f"The effect by time since it was due: {run.label(slug)}",
        told=(("later", TESTED),),
        own=OWN | LATER | (SEVERAL if of.arms.several else {}),
        says=_days_said,
    )


def times_within(window: timedelta) -> list[timedelta]:
    """After how long the effect is looked at, up to the window: 1, 2, 4, 7 … days."""
    unit = next(unit for unit in STEPS if window >= FEWEST_STEPS * unit or not STEPS[unit])
    return [n * unit for n in STEPS[unit] if n * unit < window] + [window]


def sums_by_time(of: Trial) -> ir.Table:
    """The sums of mature units, `within` each time and later (`is_later`)."""
    mature, parts = of.units.filter(_.triggered, _.mature), []
    for time in times_within(of.window):
        soon = (_.reached_at <= _.moment_at + interval(time)).fill_null(False)
        told = mature.mutate(within=ibis.literal(words(time)))
        parts.append(told.mutate(did=soon, is_later=ibis.literal(False)))
        if time < of.window:
            late = ~soon & _.reached_at.notnull()
            parts.append(told.mutate(did=late, is_later=ibis.literal(True)))
    by = ("within", "is_later")
    return added_up([of], united(parts), by)


def _of_days(whole: Judged, rows: Rows) -> Rows:
    """The times of one treatment, in their order; the last one is the play's own effect."""
    own, times = grouped(rows, ("within", "is_later")), times_within(whole.of.window)
    deviations, found = whole.counts.deviations, []
    for time in times[:-1]:
        name = words(time)
        soon, late = (
            replace(whole.counts, rows=own.get((name, is_later), [])) for is_later in (False, True)
        )
        effect, later = (each.difference(deviations) for each in (soon, late))
        few, p = too_few_counted(soon), min(effect.p * (len(times) - 1), 1.0)
        shown = p < two_sided(deviations)
        verdict = verdict_of(effect.low, effect.high) if shown else CANNOT_TELL
        row = effect_row(
            soon,
            effect,
            TOO_FEW if few else verdict,
            why="",
            doubt=whole.row["doubt"],
            looked=whole.row,
            few=few,
        )
        row |= {"later": later.difference, "later_low": later.low, "later_high": later.high}
        row |= {"p_later": min(later.p * (len(times) - 1), 1.0)}
        found.append(row | {"within": name, "within_hours": time / timedelta(hours=1)})
    last = {"within": words(times[-1]), "within_hours": times[-1] / timedelta(hours=1)}
    end = {name: value for name, value in whole.row.items() if name != "action"}
    end |= dict.fromkeys(("later", "later_low", "later_high", "p_later"))
    return [*found, end | last]


def _days_said(result: Result, told: Told, _words: str) -> str:
    """Whether more people come, or the same ones sooner."""
    return of_each(result.rows, "label", partial(_course_said, result, told))


def _course_said(result: Result, told: Told, rows: Rows) -> str:
    *early, end = rows
    shown = [row for row in early if row["verdict"] in (WORKS, HARMS)]
    peak = _peak(early)
    in_the_end = f"within {end['within']} {_points_said(end)}"
    if peak:
        by_then = f"within {peak['within']} it is {_points_said(peak)}"
        told.segment = f"within={peak['within']}"
        later = told.points(f"{peak['label']}.later", peak["later"])
        says = CAUGHT_UP[peak["verdict"], end["verdict"]].format(whom=result.counted)
        return f"The effect shrinks: {by_then}, {in_the_end} ({later} later): {says}."
    if end["verdict"] in IN_THE_END:
        says = IN_THE_END[end["verdict"]].format(whom=result.counted)
        return f"In the end, {in_the_end}: {says}. That the other arm catches up is not shown."
    if shown:
        first = shown[0]
        way = "more" if first["verdict"] == WORKS else "fewer"
        return (
            f"Within {first['within']} {way} come: {_points_said(first)}; whether {way} come in "
            f"the end, or the same {result.counted} at another time, cannot be told: {in_the_end}."
        )
    return f"No effect is shown at any time: {in_the_end}."


def course_in_words(result: Result, rows: Rows) -> str:
    """What one treatment brings in the end, and whether sooner, without numbers; "" if unknown."""
    *early, end = rows
    if peak := _peak(early):
        return CAUGHT_UP[peak["verdict"], end["verdict"]].format(whom=result.counted)
    return IN_THE_END.get(end["verdict"], "").format(whom=result.counted)


def _peak(early: Rows) -> dict[str, Any] | None:
    """The time of the largest effect that the other arm catches up with."""
    caught = [row for row in early if row["verdict"] in (WORKS, HARMS) and _catches_up(row)]
    return max(caught, key=lambda row: abs(row["difference"]), default=None)


def _catches_up(row: dict[str, Any]) -> bool:
    """Whether the other arm does more of it later, surely enough for all times together."""
    other_way = row["later"] < 0 if row["verdict"] == WORKS else row["later"] > 0
    return other_way and row["p_later"] < two_sided(row["deviations"])


def _points_said(row: dict[str, Any]) -> str:
    ends = f"{points(row['low'])} to {points(row['high'])}"
    return f"**{points(row['difference'])} points** ({ends})"
