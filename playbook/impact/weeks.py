"""The effect of a play by week since it went live: does it wear off, or grow?"""

from __future__ import annotations

from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import WEEK, Rows, grouped
from playbook.impact.compared import added_up
from playbook.impact.judging import (
    DIFFERS,
    OWN,
    SEVERAL,
    TOO_FEW,
    Judged,
    by_segment,
    of_each,
    with_effect,
)
from playbook.impact.trial import Trial
from playbook.inference.permuted import two_sided
from playbook.language.periods import moment
from playbook.language.portable import seconds, united, whole
from playbook.language.wording import points
from playbook.results import Answer, Result
from playbook.results.section import section
from playbook.results.sentences import Told
from playbook.run import Run

HALVES = FIRST, SECOND = ("first half", "second half")
TESTED = "Cochran's Q between the first and the second half of the units, by their moment"


@section("impact.{slug}.over_weeks")
def over_weeks(run: Run, slug: str) -> Answer:
    """The effect by week since the play went live, and in the first and second half of its units.

    What is new wears off, or people learn: then the halves differ. A week, or a half, has a
    verdict of its own only where the halves are shown to differ: an effect that is shown in one
    week and not in the next is no such difference.

    Returns:
        Shape `effect`, broken down by `week`: for each treatment the `first half` and the `second
        half` of the units whose window is closed, by their moment, then 1, 2, …: the week of the
        unit's moment since the play went live (since the data begin, if nobody says when), with
        the columns of `judging.judged` but the action, and `p_differs` of the two halves
        (Cochran's Q; null: one of them is too small to compare). Units of one moment are in one
        half. Where accounts are drawn and people counted, an account is in the week and the half
        of its first person. Weeks with too few units are `too few`.
    """
    wholes = with_effect(run, slug, "follow")
    of = wholes[0].of

    def finish(rows: Rows) -> Rows:
        return [row for each in wholes for row in _of_weeks(each, rows)]

    return of.result(
        "effect",
        added_up([of], united([by_half(of), by_week(of)]), ("week",)),
        finish,
        by=("week",),
        title=f"The effect by week since it went live: {run.label(slug)}",
        told=(("differs", TESTED),),
        own=OWN | DIFFERS | (SEVERAL if of.arms.several else {}),
        says=_weeks_said,
    )


def by_week(of: Trial) -> ir.Table:
    """The units with their `week`."""
    length = int(WEEK.total_seconds())
    since = ibis.greatest(seconds(moment(of.begins), _.first_at), 0)
    return _with_first(of).mutate(week=(whole(since, length) + 1).cast("string"))


def by_half(of: Trial) -> ir.Table:
    """The units with their half as `week`: at most half of the mature ones are in the first."""
    counts = _.triggered & _.mature & _.arm.isin(of.arms.compared)
    found = _with_first(of).mutate(one=ibis.ifelse(counts, 1, 0))
    # Units of one moment are all counted at once, so that their order decides nothing.
    so_far = found.one.sum().over(
        ibis.range_window(order_by="first_at", preceding=None, following=0)
    )
    all_ = found.one.sum().over(ibis.window())
    found = found.mutate(week=ibis.ifelse(so_far * 2 <= all_, FIRST, SECOND))
    return found.drop("one")


def _with_first(of: Trial) -> ir.Table:
    """The units with the moment that counts, `first_at`: their own, or that of the first person
    of their account, where accounts are drawn whole."""
    found = of.units
    if not of.play.is_clustered:
        return found.mutate(first_at=_.moment_at)
    return found.mutate(first_at=found.moment_at.min().over(ibis.window(group_by="drawn")))


def _of_weeks(whole_: Judged, rows: Rows) -> Rows:
    """The halves and the weeks of one treatment, in their order."""
    own = {week: each for (week,), each in grouped(rows, ("week",)).items()}
    halves = by_segment(whole_, {half: own.get(half, []) for half in HALVES}).rows
    p = halves[FIRST]["p_differs"]
    weeks = {week: own[week] for week in sorted(set(own) - {*HALVES}, key=int)}
    found = halves | by_segment(whole_, weeks, 1.0 if p is None else p).rows
    return [{"week": week} | row | {"p_differs": p} for week, row in found.items()]


def _weeks_said(result: Result, told: Told, _words: str) -> str:
    """Whether the effect changes with time, what it is in each half, and week by week."""
    return of_each(result.rows, "label", partial(_treatment_said, told))


def _treatment_said(told: Told, rows: Rows) -> str:
    halves, weeks, label = rows[:2], rows[2:], rows[0]["label"]
    p, told.segment = halves[0]["p_differs"], ""
    told.kept(f"{label}.p_differs", p, kind="p")
    if p is None:
        text = "Too few units to say whether the effect wears off or grows."
    else:
        first, second = map(half_said, halves)
        change = change_said(halves) or "It is not shown that the effect changes with time"
        text = f"{change}: {first} in the first half of the units, {second} in the "
        text += f"second (p = {p:.2g})."
    few = sum(row["verdict"] == TOO_FEW for row in weeks)
    if few < len(weeks):
        each = ", ".join(points(row["difference"]) for row in weeks)  # "–" of too few
        text += f" Week by week, in points: {each}."
    if few:
        text += f" Too few units to say in {told.count(f'{label}.few', few, 'week')}."
    return text


def half_said(row: dict[str, Any]) -> str:
    """The effect in a half of the units."""
    ends = f"{points(row['low'])} to {points(row['high'])}"
    n = row["n_treated"] + row["n_holdout"]
    return f"**{points(row['difference'])} points** ({ends}, n = {n:,})"


def change_said(halves: Rows) -> str:
    """How the effect changes, or ""; what is looked at often needs as much to change as to work."""
    if halves[0]["p_differs"] >= two_sided(halves[0]["deviations"]):
        return ""
    first, second = (row["difference"] for row in halves)
    return "The effect falls with time" if second < first else "The effect rises with time"
