"""Plays set against each other: whether one brings more than another, each by its own holdout."""

from __future__ import annotations

import math
from typing import Any

from playbook.counting.shaping import Rows
from playbook.declare import Experiment, Play
from playbook.impact.effects import effects
from playbook.language.wording import plain, points
from playbook.results import Answer, Result
from playbook.results.columns import KEY, POINTS, TEXT, with_ends
from playbook.results.section import Unanswerable, needed, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

COMPARED = {"experiment": KEY, "hypothesis": TEXT, "play": KEY, "against": KEY}
COMPARED |= with_ends("difference", POINTS) | {"grade": TEXT, "verdict": TEXT, "because": TEXT}
SAID = {
    "more": "the first brings more",
    "less": "the first brings less",
    "alike": "they bring as much, as far as it would matter",
    "cannot tell": "no difference shown",
}


@section("impact.compared")
def comparisons(run: Run) -> Answer:
    """The comparisons that `experiments/` declares: the effect of one play less another's.

    Each effect is that of a play on its own people, so this says which play brings more, not
    which would for the other's people. The interval is that of a difference of two independent
    estimates with intervals of their own (MOVER: Zou and Donner 2008, Statistics in Medicine
    27): plays draw their arms apart.

    Returns:
        Shape `table`: one row per experiment and play after the first: `experiment`,
        `hypothesis`, `play` (the first), `against`, `difference` (of the effects), `low`,
        `high`, `grade` (the weaker one's), `verdict` (`more`, `less`, `alike`: the whole interval
        is within the smallest effect worth acting on, `cannot tell`, `not comparable`) and
        `because`: why there is no comparison, or "".
    """
    declared = [each for each in run.declared.experiments if each.compares]
    if not declared:
        raise Unanswerable(
            "No experiment compares plays. Write `compares: [this_play, that_play]` in "
            "experiments/<name>.yaml to see them side by side."
        )
    found = needed(effects(run))
    plays = {play.slug: play for play in run.declared.plays}

    def finish(_rows: Rows) -> Rows:
        ours = {row["label"]: row for row in found.rows}
        return [
            _comparison(each, plays[each.compares[0]], plays[other], ours)
            for each in declared
            for other in each.compares[1:]
        ]

    return run.result(
        "table",
        None,
        finish,
        own=COMPARED,
        counts="the effect of a play, less that of another",
        made_of=(found,),
        says=_say_comparisons,
    )


def _comparison(
    experiment: Experiment, play: Play, other: Play, ours: dict[str, Any]
) -> dict[str, Any]:
    row: dict[str, Any] = {"experiment": experiment.slug, "hypothesis": experiment.hypothesis}
    row |= {"play": play.slug, "against": other.slug}
    row |= dict.fromkeys(("difference", "low", "high"))
    row |= {"grade": "–", "verdict": "not comparable"}
    if reason := _why_incomparable(play, other, ours):
        return row | {"because": reason}
    one, two = ours[play.slug], ours[other.slug]
    difference = one["difference"] - two["difference"]
    down = one["difference"] - one["low"], two["high"] - two["difference"]
    up = one["high"] - one["difference"], two["difference"] - two["low"]
    low, high = difference - math.hypot(*down), difference + math.hypot(*up)
    worth = experiment.smallest_effect
    verdict = "more" if low > 0 else "less" if high < 0 else "cannot tell"
    if -worth < low and high < worth:
        verdict = "alike"
    grade = max(one["grade"], two["grade"])
    row |= {"difference": difference, "low": low, "high": high, "grade": grade}
    return row | {"verdict": verdict, "because": ""}


def _why_incomparable(play: Play, other: Play, ours: dict[str, Any]) -> str:
    """Why two plays cannot be set against each other; "" if they can."""
    for name in ("goal", "goal_within", "unit"):
        one, two = getattr(play, name), getattr(other, name)
        if one != two:
            word = name.replace("_", " ")
            return f"they do not want the same: {word} is {one} for one, {two} for the other"
    if play.salted == other.salted:
        return f"they draw the same arms (salt `{play.salted}`): whoever gets one gets both"
    for each in (play, other):
        if ours.get(each.slug, {}).get("difference") is None:
            return f"{each.slug} has no effect to compare"
    return ""


def _say_comparisons(result: Result, _told: Told, _words: str) -> str:
    """One line per comparison: which play brings more, and by how much."""
    lines = []
    for row in result.rows:
        pair = f"**{plain(row['play'])}** and **{plain(row['against'])}**"
        if row["difference"] is None:
            lines.append(f"{pair} cannot be compared: {plain(row['because'])}.")
            continue
        ends = f"{points(row['low'])} to {points(row['high'])}"
        lines.append(
            f"{pair}: {SAID[row['verdict']]}, **{points(row['difference'])} points** between "
            f"their effects ({ends}). Grade {row['grade']}."
        )
    return bullets(lines)
