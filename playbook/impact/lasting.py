"""Whether effects last: of all plays, by the halves of their units and the time since then."""

from __future__ import annotations

from playbook.counting.shaping import Rows, grouped
from playbook.impact.days import course_in_words, over_days
from playbook.impact.effects import effects
from playbook.impact.judging import (
    ALIKE,
    DIFFERS,
    HARMS,
    HARMS_SOME,
    OWN,
    SEVERAL,
    WORKS,
)
from playbook.impact.trial import of_all, trials
from playbook.impact.weeks import HALVES, TESTED, change_said, half_said, over_weeks
from playbook.inference import stats
from playbook.inference.permuted import two_sided
from playbook.language.wording import plain
from playbook.results import Answer, Result
from playbook.results.section import Unanswerable, needed, section, there
from playbook.results.sentences import Told, bullets
from playbook.run import Run

SHOWN = (WORKS, HARMS, HARMS_SOME)
OVER_PLAYS = f"{TESTED}; p corrected for the number of plays (Benjamini and Hochberg)"


@section("impact.lasting")
def lasting(run: Run) -> Answer:
    """Whether the effects of plays wear off or grow, and whether they bring people or only bring
    them sooner: of every play with an effect to follow, in one picture.

    Returns:
        Shape `effect`, broken down by `half`: for each play (and treatment) the first and the
        second half of its units, as in `over_weeks`, with `p_differs` corrected for the number
        of plays. What `over_days` finds is said of plays that show an effect.
    """
    weeks = there(*(over_weeks(run, each.play.slug) for each in trials(run)))
    if not weeks:
        raise Unanswerable("No play has an effect to follow.")
    shown = {row["play"] for row in needed(effects(run)).rows if row["verdict"] in SHOWN}
    days = there(*(over_days(run, slug) for slug in sorted(shown)))
    courses = {
        label: course_in_words(result, rows)
        for result in days
        for (label,), rows in grouped(result.rows, ("label",)).items()
    }
    return of_all(
        run,
        "effect",
        None,
        lambda _rows: _halves([row for result in weeks for row in result.rows]),
        by=("half",),
        title="The effect of each play in the first and the second half of its units",
        told=(("differs", OVER_PLAYS),),
        own=OWN | DIFFERS | SEVERAL,
        says=lambda result, told, _words: _say(result, told, courses),
        made_of=(*weeks, *days),
    )


def _halves(rows: Rows) -> Rows:
    """The halves of the plays that have two to compare, with what all plays' p values leave."""
    own = {label: each for (label,), each in grouped(rows, ("label",)).items()}
    p_values = {label: each[0]["p_differs"] for label, each in own.items()}
    p_values = {label: p for label, p in p_values.items() if p is not None}
    corrected = dict(zip(p_values, stats.corrected([*p_values.values()]), strict=True))
    found = []
    for label, p in corrected.items():
        for row in own[label][: len(HALVES)]:
            alike = p >= two_sided(row["deviations"])
            told = {name: value for name, value in row.items() if name != "week"}
            told |= {"half": row["week"], "p_differs": p}
            found.append(told | ({"verdict": ALIKE} if alike else {}))
    return found


def _say(result: Result, told: Told, courses: dict[str, str]) -> str:
    """What changes with time, and whether more come in the end, of plays that show anything."""
    lines, still = [], 0
    for (label,), halves in grouped(result.rows, ("label",)).items():
        change, course = change_said(halves), courses.get(label, "")
        if not (change or course):
            still += 1
            continue
        first, second = map(half_said, halves)
        text = f"**{plain(label)}**: {first} in the first half, {second} in the second."
        change = change or "No change with time is shown"
        lines.append(f"{text} {change}{f'; {course}' if course else ''}.")
    if still:
        plays = told.count("still", still, "other play")
        lines.append(f"Of {plays} no effect is shown, nor that it changes with time.")
    return bullets(lines)
