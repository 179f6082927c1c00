"""A verdict per play: what changed, from what to what, how sure that is, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from playbook import ledger
from playbook.counting import shaping
from playbook.counting.shaping import WEEK, Rows, grouped
from playbook.impact.checking import FAILED, NOBODY, each_counted, sound_checks
from playbook.impact.counts import ARMS, Counts
from playbook.impact.trial import Trial, of_all, sums, trial, trials
from playbook.inference import looks, segments, sizing
from playbook.inference.arms import Difference
from playbook.inference.permuted import two_sided
from playbook.language.periods import duration
from playbook.language.wording import plain
from playbook.results import Answer, Result
from playbook.results.columns import (
    COUNT,
    ID,
    KEY,
    POINTS,
    RATIO,
    TEXT,
    P,
    points_of,
    spaced,
    with_ends,
)
from playbook.results.section import Unanswerable, needed, section
from playbook.results.sentences import Told, not_known
from playbook.run import Run, fetched

FEWEST_EVENTS = 5  # expected in either arm; below it there is no verdict
WORKS, HARMS, CANNOT_TELL, ALIKE = "works", "harms", "cannot tell", "not told apart"
CHECK_FAILED, NO_EVENT, NEVER_SENT = "check failed", "no such event", "never sent"
TOO_FEW, NOT_MATURED = "too few", "not matured"
RANDOMIZED, NO_CLAIM = "A", "–"
# What rows of effects have besides their shape's columns.
OWN = {
    **dict.fromkeys(("accounts_treated", "accounts_holdout", "open", "looks", "planned"), COUNT),
    **dict.fromkeys(("information", "deviations"), RATIO),
    "error": POINTS,
    "why": TEXT,
}
ACTION = {"action": TEXT}
ANYTIME = ACTION | dict.fromkeys(("anytime_low", "anytime_high"), POINTS)
DIFFERS = {"p_differs": P}
# Of several plays each figure has the name of its own.
SEVERAL = {
    "label": KEY,
    **with_ends("difference", points_of("n_treated", "n_holdout", figure=spaced("label"))),
}
SHIP, STOP, RUN_ON, REDESIGN, MEND = "ship", "stop", "keep running", "redesign", "mend"


@section("impact.effects")
def effects(run: Run) -> Answer:
    """The verdict on every play that holds somebody out, sent ones alone, the best first.

    Returns:
        Shape `effect`: one row per play; see `judged` for the columns. Besides, `anytime_low`
        and `anytime_high`: the interval for whoever looks when no look is scheduled. It holds
        however often one looks (`playbook.inference.looks.sequence`), and the verdict does not
        rest on it; null where there is no effect to print, or before 100 units.
    """
    all_ = trials(run)

    def finish(rows: Rows) -> Rows:
        found = [_whenever(judged(*each)) for each in each_counted(all_, rows)]
        # What cannot be told stands last.
        return sorted(found, key=lambda row: (row["low"] is None, -(row["difference"] or 0)))

    own = OWN | ANYTIME | SEVERAL
    return of_all(run, "effect", sums(all_), finish, own=own)


@section("impact.verdicts")
def verdicts(run: Run) -> Answer:
    """The plays by their verdict, and the naive rate that misleads most.

    Returns:
        Shape `table`: one row per verdict: `verdict`, `n` plays, `plays`.
    """
    found = needed(effects(run))

    return run.result(
        "table",
        None,
        lambda _rows: by_verdict(found.rows),
        own={"verdict": KEY, "n": COUNT, "plays": ID},
        counts="plays",
        made_of=(found,),
        says=lambda result, told, words: " ".join(
            [verdicts_said(result, told, words, of=found.rows), *_left_out(run)]
        ),
    )


def by_verdict(rows: Rows) -> Rows:
    """The rows of effects, counted by their verdict: see `verdicts`."""
    return [
        {"verdict": verdict, "n": len(own), "plays": tuple(row["label"] for row in own)}
        for (verdict,), own in grouped(rows, ("verdict",)).items()
    ]


def verdicts_said(result: Result, told: Told, _words: str, *, of: Rows) -> str:
    """How many plays work, harm, or cannot tell; and the naive rate that misleads most."""
    parts = [f"{row['verdict']} ({', '.join(map(plain, row['plays']))})" for row in result.rows]
    text = f"Of {told.count('plays', len(of), 'play')}: {'; '.join(parts)}."
    silent = [row for row in of if row["verdict"] == CANNOT_TELL]
    if not silent:
        return text
    loud = max(silent, key=lambda row: row["treated"])
    treated, held = (
        told.share(f"{loud['label']}.{arm}", loud[arm], loud[f"n_{arm}"]) for arm in ARMS
    )
    difference = told.points(f"{loud['label']}.difference", loud["difference"])
    return (
        f"{text} Beware of {plain(loud['label'])}: {treated} do its goal "
        f"after it is sent, and {held} do it without ({difference} points)."
    )


def _left_out(run: Run) -> list[str]:
    """What is said of the plays that have no verdict, for nobody can say whom they are for."""
    untold = ", ".join(map(plain, ledger.untold(run)))
    why = "their audience names what nobody maps"
    return [not_known(f"the effect of {untold}", why)] if untold else []


@section(lambda slug, by: f"impact.{slug}.effect_by_{by}" if by else f"impact.{slug}.effect")
def effect(run: Run, slug: str, *, by: str = "") -> Answer:
    """The verdict on one play, or its effect by segment (a column of `users`).

    Returns:
        Shape `effect`: one row for everybody, as in `effects`, or one per segment, without the
        interval for looks that are not scheduled. Segments have a verdict of
        their own only where effects are shown to differ between them (`p_differs`, Cochran's
        Q, below 5 %), else `not told apart`.
    """
    of, columns = trial(run, slug), (by,) if by else ()

    def finish(rows: Rows) -> Rows:
        whole = judged(of, of.counts(rows))
        if not by:
            return [_whenever(whole)]
        found = by_segment(whole, grouped(rows, columns))
        named = [{by: key[0]} | row for key, row in found.rows.items()]
        return shaping.ordered(named, columns, run.declared.product.order)

    own = OWN | (DIFFERS if by else ANYTIME)
    return of.result("effect", sums([of], columns), finish, by=columns, own=own)


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
        `grade`: A (randomized, from the recomputed trigger, checks passed), or –: no claim, and
        then no difference either;
        `action`: `ship`, `stop`, `keep running until <day>` (when the smallest effect worth
        having would be seen), `redesign` (that takes over a year, or has been tried), `mend`;
        `accounts_treated` and `accounts_holdout` that the units are in; `open` units, whose
        window is; `looks` so far, `planned` units, `information` (matured units over planned
        ones; above 1 the play ran on) and `deviations`: how far the interval reaches for them,
        1.96 for a single look.
    """
    found = counts.difference(counts.deviations)
    verdict, why = _refusal(of, counts)
    if not why:
        verdict = verdict_of(found.low, found.high)
    row = _sizes(counts) | _shown_effect(found, verdict, plain=not why) | {"why": why}
    row["action"] = _action(of, counts, found, verdict)
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
    parts = {segment: whole.of.counts(own) for segment, own in rows.items()}
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
        plain = not whole.why and segment not in few
        sized = _sizes(parts[segment], looked=whole.row)
        shown[segment] = (
            sized
            | _shown_effect(difference, verdict, plain=plain)
            | {"why": whole.why, "p_differs": p}
        )
    return Segments(shown, told)


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
    if counts.sum("n", "treated") and not counts.sum("contacted", "treated"):
        return NEVER_SENT, "nobody who triggered it was sent anything"
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


def _sizes(counts: Counts, looked: dict[str, Any] | None = None) -> dict[str, Any]:
    treated, held = (counts.sum("n", arm) for arm in ARMS)
    row = {
        "label": counts.play.slug,
        "n_treated": treated,
        "n_holdout": held,
        "accounts_treated": counts.sum("accounts", "treated"),
        "accounts_holdout": counts.sum("accounts", "holdout"),
        "open": counts.sum("triggered") - treated - held,
    }
    names = ("looks", "planned", "information", "deviations")
    if looked:
        return row | {name: looked[name] for name in names}
    values = (counts.looks, counts.planned, counts.fractions[-1], counts.deviations)
    return row | dict(zip(names, values, strict=True))


def _shown_effect(found: Difference, verdict: str, *, plain: bool) -> dict[str, Any]:
    """The shares, and the difference where it may be printed."""
    return {
        "treated": found.treated,
        "holdout": found.holdout,
        "difference": found.difference if plain else None,
        "low": found.low if plain else None,
        "high": found.high if plain else None,
        "error": found.error if plain else None,
        "verdict": verdict,
        "grade": RANDOMIZED if plain else NO_CLAIM,
    }


def _whenever(found: Judged) -> dict[str, Any]:
    """The row with the interval for a look that is not scheduled."""
    counts, effect = found.counts, found.difference
    ends = None
    if not found.why and effect.error:
        units = counts.sum("n")
        ends = looks.sequence(effect.difference, effect.error, units, planned=counts.planned)
    low, high = (max(ends[0], -1.0), min(ends[1], 1.0)) if ends else (None, None)
    return found.row | {"anytime_low": low, "anytime_high": high}


def _action(of: Trial, counts: Counts, found: Difference, verdict: str) -> str:
    """What to do with the play."""
    if verdict in (WORKS, HARMS):
        return SHIP if verdict == WORKS else STOP
    if verdict in (CHECK_FAILED, NO_EVENT, NEVER_SENT) or not counts.sum("triggered"):
        return MEND
    planned = counts.planned
    ruled_out = verdict == CANNOT_TELL and found.high < counts.play.smallest_effect
    if ruled_out or (verdict != NOT_MATURED and counts.sum("n") >= planned):
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


def with_effect(run: Run, slug: str, verb: str) -> Judged:
    """A play with an effect to `verb`.

    Raises:
        Unanswerable: It cannot be measured, or it has none.
    """
    whole = of_play(trial(run, slug))
    if whole.why:
        raise Unanswerable(f"There is no effect to {verb}: {whole.why}.")
    return whole


def of_play(of: Trial) -> Judged:
    """One play with its verdict, fetched once."""

    def made() -> Judged:
        rows = fetched(of.run.warehouse.prepared(sums([of])))
        return judged(of, of.counts(rows))

    return of.run.remembered(("impact", "judged", of.play.slug), made)
