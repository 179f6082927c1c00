"""The verdict on one treatment: what changed, how sure that is, the grade, and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from playbook.counting.shaping import WEEK, Rows, grouped
from playbook.impact import balance
from playbook.impact.checking import FAILED, NOBODY, sound_checks
from playbook.impact.compared import sums
from playbook.impact.counts import ARMS, Counts
from playbook.impact.trial import MESSAGES, NOTHING, Trial, trial
from playbook.inference import looks, segments, sizing
from playbook.inference.arms import Difference
from playbook.inference.permuted import two_sided
from playbook.language.mistakes import listed
from playbook.language.periods import duration
from playbook.language.wording import plain
from playbook.results.columns import (
    COUNT,
    FLAG,
    ID,
    KEY,
    MEASURE,
    POINTS,
    RATIO,
    TEXT,
    P,
    points_of,
    spaced,
    with_ends,
)
from playbook.results.section import Unanswerable
from playbook.results.sentences import bullets
from playbook.run import Run, fetched

FEWEST_EVENTS = 5  # expected in either arm; below it there is no verdict
WORKS, HARMS, CANNOT_TELL, ALIKE = "works", "harms", "cannot tell", "not told apart"
HARMS_SOME = "harms some"  # of the segments that it is shown to differ by
CHECK_FAILED, NO_EVENT, NEVER_SENT = "check failed", "no such event", "never sent"
TOO_FEW, NOT_MATURED = "too few", "not matured"
RANDOMIZED, UNKNOWN, NO_CLAIM = "A", "C", "–"
# What rows of effects have besides their shape's columns.
OWN = {
    **dict.fromkeys(("accounts_treated", "accounts_holdout", "open", "looks", "planned"), COUNT),
    **dict.fromkeys(("information", "deviations", "design_effect"), RATIO),
    "error": POINTS,
    "why": TEXT,
    "play": ID,
    "interim": FLAG,
    "doubt": TEXT,
}
ACTION = {"action": TEXT}
# Of a play that is judged by a metric in place of its goal.
PRIMARY = {"metric": TEXT, "metric_in": TEXT}
PRIMARY |= dict.fromkeys(("metric_treated", "metric_holdout"), MEASURE)
PRIMARY |= with_ends("metric_difference", MEASURE, ends=("metric_low", "metric_high"))
ANYTIME = ACTION | dict.fromkeys(("anytime_low", "anytime_high"), POINTS)
DIFFERS = {"p_differs": P}
# Of several plays each figure has the name of its own.
SEVERAL = {
    "label": KEY,
    **with_ends("difference", points_of("n_treated", "n_holdout", figure=spaced("label"))),
}
SHIP, STOP, RUN_ON, REDESIGN, MEND = "ship", "stop", "keep running", "redesign", "mend"


@dataclass(frozen=True)
class Judged:
    """A play with its verdict.

    Attributes:
        of: The trial.
        counts: Its counts.
        row: Its row of shape `effect`.
        difference: The effect, whatever the checks say of it.
        why: Why there is no effect to print; "" where there is one.
    """

    of: Trial
    counts: Counts
    row: dict[str, Any]
    difference: Difference
    why: str


def judged(of: Trial, counts: Counts) -> Judged:
    """Treated against held out, with a verdict, the grade of the claim, and what to do.

    Returns:
        A row with the columns of shape `effect` and
        `verdict`: `works`, `harms`, `cannot tell` (the interval holds 0), `not matured` (with
        the units whose window is open there would be enough), `too few` (under `min_n` units in
        an arm, or five expected to do the goal), `never sent`, `no such event` (the goal never
        arrives), or `check failed`: then `why` says which;
        `grade`: A (randomized, delivered as the arms say, checks passed), C (there is a `doubt`:
        nobody knows who got it, or by what odds the arms were drawn, or they were not alike), or
        –: no claim, and then no difference either;
        `action`: `ship`, `stop`, `keep running until <day>` (when the smallest effect worth
        having would be seen), `redesign` (that takes over a year, or has been tried), `mend`;
        `accounts_treated` and `accounts_holdout` that the units are in; `open` units, whose
        window is; `looks` so far, `planned` units, `information` (matured units over planned
        ones; above 1 the play ran on), `interim` (the plan goes on after this look) and
        `deviations`: how far the interval reaches for them, 1.96 for a single look that is the
        last; `design_effect`: how many times the people it takes because accounts are drawn.
    """
    found = counts.difference(counts.deviations)
    verdict, why = _refusal(of, counts)
    if not why:
        verdict = verdict_of(found.low, found.high)
    doubt = "" if why else doubtful(of, counts)
    row = effect_row(counts, found, verdict, why=why, doubt=doubt)
    row["action"] = MEND if doubt else next_step(of, counts, found, verdict)
    return Judged(of, counts, row, found, why)


@dataclass(frozen=True)
class Segments:
    """The segments of one column.

    Attributes:
        rows: Segment → its row of shape `effect`, with `p_differs`.
        effects: The effects that are compared, with their errors.
    """

    rows: dict[tuple, dict[str, Any]]
    effects: tuple[segments.Estimate, ...]


def by_segment(whole: Judged, rows: dict[tuple, Rows], p: float | None = None) -> Segments:
    """The effect in each segment; a verdict of its own only where effects differ.

    Args:
        whole: The play, over all segments.
        rows: Segment → its counts.
        p: How surely effects differ, corrected for all columns looked at; that of these
            segments alone, unless given.
    """
    parts = {segment: replace(whole.counts, rows=own) for segment, own in rows.items()}
    deviations = whole.counts.deviations
    found = {segment: part.difference(deviations) for segment, part in parts.items()}
    few = {segment for segment, part in parts.items() if too_few_counted(part)}
    told = tuple((d.difference, d.error) for s, d in found.items() if s not in few and d.error)
    if p is None:
        p = segments.interactions({"": told})[0].corrected
    shown: dict[tuple, dict[str, Any]] = {}
    for segment, difference in found.items():
        verdict = whole.row["verdict"] if whole.why else TOO_FEW if segment in few else ALIKE
        if verdict == ALIKE and p is not None and p < two_sided(deviations):
            verdict = verdict_of(difference.low, difference.high)
        row = effect_row(
            parts[segment],
            difference,
            verdict,
            why=whole.why,
            doubt=whole.row["doubt"],
            looked=whole.row,
            few=segment in few,
        )
        shown[segment] = row | {"p_differs": p}
    return Segments(shown, told)


def effect_row(
    counts: Counts,
    found: Difference,
    verdict: str,
    *,
    why: str,
    doubt: str,
    looked: dict[str, Any] | None = None,
    few: bool = False,
) -> dict[str, Any]:
    """A row of shape `effect` with the columns of `judged`, but for what to do.

    Args:
        counts: Of everybody, or of a part.
        found: Their effect.
        verdict: What it says.
        why: Why there is none to print, or "".
        doubt: Why it is no claim of grade A, or "".
        looked: The row of everybody, whose looks and plan are those of a part.
        few: Whether a part is too small to print its effect.
    """
    shown = _shown_effect(found, verdict, plain=not (why or few), doubt=doubt)
    return _sizes(counts, looked) | shown | {"why": why}


def verdict_of(low: float, high: float) -> str:
    """What the interval of an effect says."""
    return WORKS if low > 0 else HARMS if high < 0 else CANNOT_TELL


def too_few_counted(counts: Counts) -> bool:
    """Whether an arm is too small for a verdict."""
    sizes = [counts.sum("n", arm) for arm in ARMS]
    return min(sizes) < max(counts.least, 1) or counts.expected < FEWEST_EVENTS


def _refusal(of: Trial, counts: Counts) -> tuple[str, str]:
    """Why there is no effect to print, as a verdict and in words; ("", "") if there is one."""
    play = of.play
    failed = [each for each in sound_checks(of, counts) if each.status == FAILED]
    if failed:
        return CHECK_FAILED, "; ".join(f"{each.check}: {each.seen}" for each in failed)
    if play.goal not in of.run.coverage:
        return NO_EVENT, f"its goal {play.goal} never arrives"
    if of.delivery == MESSAGES and counts.sum("n", "treated") and not counts.sum("contacted"):
        return NEVER_SENT, "nobody who triggered it was sent anything"
    return unripe(of, counts)


def unripe(of: Trial, counts: Counts) -> tuple[str, str]:
    """Why there are too few units for an effect, as a verdict and in words; ("", "") if not."""
    if not too_few_counted(counts):
        return "", ""
    if not counts.sum("triggered"):
        return TOO_FEW, NOBODY
    to_come = [counts.sum("triggered", arm) for arm in ARMS]
    if min(to_come) >= max(counts.least, 1) and sum(to_come) > counts.sum("n"):
        return (
            NOT_MATURED,
            f"the data reaches {of.watermark:%Y-%m-%d %H:%M}, and their windows end later",
        )
    return TOO_FEW, f"it takes {counts.least} units in each arm, and five expected to do the goal"


def doubtful(of: Trial, counts: Counts) -> str:
    """Why an effect is no claim of grade A, in words; "" if it is one."""
    if of.delivery == NOTHING:
        return "no log says who got it"
    if of.arms.is_logged and not of.arms.split:
        return "nobody says what share of units each arm was to have"
    if unlike := balance.unlike(of, counts):
        return f"the arms differ by {listed(unlike)} before any effect"
    return ""


def _sizes(counts: Counts, looked: dict[str, Any] | None = None) -> dict[str, Any]:
    treated, held = (counts.sum("n", arm) for arm in ARMS)
    row = {
        "label": counts.label,
        "play": counts.play.slug,
        "n_treated": treated,
        "n_holdout": held,
        "accounts_treated": counts.sum("accounts", "treated"),
        "accounts_holdout": counts.sum("accounts", "holdout"),
        "open": counts.sum("triggered") - treated - held,
    }
    names = ("looks", "planned", "information", "deviations", "interim", "design_effect")
    if looked:
        return row | {name: looked[name] for name in names}
    values = (counts.looks, counts.planned, counts.fractions[-1], counts.deviations)
    values += (counts.is_interim, counts.design_effect)
    return row | dict(zip(names, values, strict=True))


def _shown_effect(found: Difference, verdict: str, *, plain: bool, doubt: str) -> dict[str, Any]:
    """The shares, and the difference where it may be printed."""
    return {
        "treated": found.treated,
        "holdout": found.holdout,
        "difference": found.difference if plain else None,
        "low": found.low if plain else None,
        "high": found.high if plain else None,
        "error": found.error if plain else None,
        "verdict": verdict,
        "grade": NO_CLAIM if not plain else UNKNOWN if doubt else RANDOMIZED,
        "doubt": doubt if plain else "",
    }


def whenever(found: Judged) -> dict[str, Any]:
    """The row with the interval for a look that is not scheduled."""
    counts, effect = found.counts, found.difference
    ends = None
    if not found.why and effect.error:
        units = counts.sum("n")
        ends = looks.sequence(effect.difference, effect.error, units, planned=counts.planned)
    low, high = (max(ends[0], -1.0), min(ends[1], 1.0)) if ends else (None, None)
    return found.row | {"anytime_low": low, "anytime_high": high}


def next_step(of: Trial, counts: Counts, found: Difference, verdict: str) -> str:
    """What to do with the play.

    Args:
        of: The trial.
        counts: One treatment of it.
        found: The effect on its goal.
        verdict: Of its goal, or of the metric that it is judged by.
    """
    if verdict in (WORKS, HARMS):
        return SHIP if verdict == WORKS else STOP
    if verdict in (CHECK_FAILED, NO_EVENT, NEVER_SENT) or not counts.sum("triggered"):
        return MEND
    planned = counts.planned
    by_goal = counts.play.primary is None
    ruled_out = verdict == CANNOT_TELL and by_goal and found.high < counts.play.smallest_effect
    if ruled_out or counts.is_over or (verdict != NOT_MATURED and counts.sum("n") >= planned):
        return REDESIGN
    until = _planned_until(of, counts)
    return f"{RUN_ON} until {until:%Y-%m-%d}" if until else REDESIGN


def _planned_until(of: Trial, counts: Counts) -> datetime | None:
    """When the planned units will be mature, at the traffic so far; None: not within a year."""
    period = of.run.period
    last, since = period.as_of, max(of.begins, period.since)
    weeks = max((min(last, period.until) - duration(of.play.after) - since) / WEEK, 1)
    per_week = counts.sum("triggered") / weeks
    if not per_week:
        return None
    to_come = max(counts.planned - counts.sum("triggered"), 0)
    wait = timedelta(weeks=math.ceil(to_come / per_week)) + of.window
    return last + wait if wait <= timedelta(weeks=sizing.LONGEST) else None


def of_each(rows: Rows, name: str, says: Callable[[Rows], str]) -> str:
    """What is said of the treatments: of an only one as it is, of several a line each.

    Args:
        rows: Their rows.
        name: The column that says which treatment it is.
        says: What is said of the rows of one.
    """
    treatments = grouped(rows, (name,))
    if len(treatments) == 1:
        return says(rows)
    return bullets(f"**{plain(label)}**: {says(own)}" for (label,), own in treatments.items())


def with_effect(run: Run, slug: str, verb: str) -> list[Judged]:
    """The treatments of a play that have an effect to `verb`; mostly one.

    Raises:
        Unanswerable: It cannot be measured, or none has one.
    """
    found = of_play(trial(run, slug))
    known = [each for each in found if not each.why]
    if not known:
        raise Unanswerable(f"There is no effect to {verb}: {found[0].why}.")
    return known


def of_play(of: Trial) -> list[Judged]:
    """The treatments of one play with their verdicts, fetched once."""

    def made() -> list[Judged]:
        rows = fetched(of.run.warehouse.prepared(sums([of])))
        return [judged(of, counts) for counts in of.contrasts(rows)]

    return of.run.remembered(("impact", "judged", of.play.slug), made)
