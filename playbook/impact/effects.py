"""A verdict per play: what changed, from what to what, how sure that is, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from playbook import ledger
from playbook.counting import shaping
from playbook.counting.shaping import WEEK, Rows, grouped
from playbook.impact import checking, counted
from playbook.impact.asking import compared, experiments, incomparable, incomparable_all, result
from playbook.impact.played import Played
from playbook.inference import looks, segments, sizing
from playbook.inference.arms import Difference
from playbook.inference.permuted import two_sided
from playbook.language.mistakes import Mistake
from playbook.language.periods import duration
from playbook.results import Answer, Unavailable
from playbook.run import Run, fetched

FEWEST_EVENTS = 5  # expected in either arm; below it there is no verdict
WORKS, HARMS, CANNOT_TELL, ALIKE = "works", "harms", "cannot tell", "not told apart"
CHECK_FAILED, NO_EVENT, NEVER_SENT = "check failed", "no such event", "never sent"
TOO_FEW, NOT_MATURED = "too few", "not matured"
RANDOMIZED, NO_CLAIM = "A", "–"
SHIP, STOP, RUN_ON, REDESIGN, MEND = "ship", "stop", "keep running", "redesign", "mend"


def effects(run: Run) -> Answer:
    """The verdict on every play that holds somebody out, sent ones alone, the best first.

    Returns:
        Shape `effect`: one row per play; see `judged` for the columns. Besides, `anytime_low`
        and `anytime_high`: the interval for whoever looks when no look is scheduled. It holds
        however often one looks (`playbook.inference.looks.sequence`), and the verdict does not
        rest on it; null where there is no effect to print, or before 100 units.
    """
    if reason := incomparable_all(run):
        return Unavailable("impact.effects", reason)
    plays = experiments(run)

    def finish(rows: Rows) -> Rows:
        found = [_whenever(judged(run, played)) for played in checking.each(run, plays, rows)]
        # What cannot be told stands last.
        return sorted(found, key=lambda row: (row["low"] is None, -(row["difference"] or 0)))

    table = counted.sums(run, plays)
    return result(run, "effects", "effect", table, finish, says=compared())


def effect(run: Run, slug: str, *, by: str = "") -> Answer:
    """The verdict on one play, or its effect by segment (a column of `users`).

    Returns:
        Shape `effect`: one row for everybody, as in `effects`, or one per segment, without the
        interval for looks that are not scheduled. Segments have a verdict of
        their own only where effects are shown to differ between them (`p_differs`, Cochran's
        Q, below 5 %), else `not told apart`.
    """
    name = f"effect_by_{by}" if by else "effect"
    if reason := incomparable(run, slug):
        return Unavailable(f"impact.{slug}.{name}", reason)
    play, columns = ledger.play_of(run, slug), (by,) if by else ()
    try:
        table = counted.sums(run, [play], columns)
    except Mistake as mistake:
        return Unavailable(f"impact.{slug}.{name}", mistake.sentence)

    def finish(rows: Rows) -> Rows:
        if not by:
            return [_whenever(judged(run, checking.of(run, play, rows)))]
        whole = judged(run, checking.of(run, play, rows))
        found = by_segment(run, whole, grouped(rows, columns))
        named = [{by: key[0]} | row for key, row in found.rows.items()]
        return shaping.ordered(named, columns, run.declared.product.order)

    return result(run, name, "effect", table, finish, play=play, by=columns, says=compared(play))


@dataclass(frozen=True)
class Judged:
    """A play with its verdict.

    Attributes:
        played: Its counts.
        row: Its row of shape `effect`.
        difference: The effect, whatever the checks say of it.
        why: Why there is no effect to print; "" where there is one.
    """

    played: Played
    row: dict[str, Any]
    difference: Difference
    why: str


def judged(run: Run, played: Played) -> Judged:
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
    found = played.difference(played.deviations)
    verdict, why = _refusal(run, played)
    if not why:
        verdict = verdict_of(found.low, found.high)
    row = _sizes(played) | _shown(found, verdict, plain=not why) | {"why": why}
    row["action"] = _action(run, played, found, verdict)
    return Judged(played, row, found, why)


@dataclass(frozen=True)
class Segments:
    """The segments of one column.

    Attributes:
        rows: Segment → its row of shape `effect`, with `p_differs`.
        effects: The effects that are compared, with their errors.
    """

    rows: dict[tuple, dict[str, Any]]
    effects: tuple[segments.Estimate, ...]


def by_segment(
    run: Run, whole: Judged, rows: dict[tuple, Rows], p: float | None = None
) -> Segments:
    """The effect in each segment; a verdict of its own only where effects differ.

    Args:
        run: The opened run.
        whole: The play, over all segments.
        rows: Segment → its counts.
        p: How surely effects differ, corrected for all columns looked at; that of these
            segments alone, unless given.
    """
    parts = {segment: checking.of(run, whole.played.play, own) for segment, own in rows.items()}
    deviations = whole.played.deviations
    found = {segment: part.difference(deviations) for segment, part in parts.items()}
    few = {segment for segment, part in parts.items() if too_few(part)}
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
            sized | _shown(difference, verdict, plain=plain) | {"why": whole.why, "p_differs": p}
        )
    return Segments(shown, told)


def verdict_of(low: float, high: float) -> str:
    """What the interval of an effect says."""
    return WORKS if low > 0 else HARMS if high < 0 else CANNOT_TELL


def too_few(played: Played) -> bool:
    """Whether an arm is too small for a verdict."""
    sizes = [played.sum("n", arm) for arm in counted.ARMS]
    return min(sizes) < max(played.least, 1) or played.expected < FEWEST_EVENTS


def _refusal(run: Run, played: Played) -> tuple[str, str]:
    """Why there is no effect to print, as a verdict and in words; ("", "") if there is one."""
    play = played.play
    failed = [each for each in checking.soundness(run, played) if each.status == checking.FAILED]
    if failed:
        return CHECK_FAILED, "; ".join(f"{each.check}: {each.seen}" for each in failed)
    if play.goal not in run.coverage:
        return NO_EVENT, f"its goal {play.goal} never arrives"
    if played.sum("n", "treated") and not played.sum("contacted", "treated"):
        return NEVER_SENT, "nobody who triggered it was sent anything"
    if not too_few(played):
        return "", ""
    to_come = [played.sum("triggered", arm) for arm in counted.ARMS]
    if min(to_come) >= max(played.least, 1) and sum(to_come) > played.sum("n"):
        last = counted.watermark(run, play)
        return NOT_MATURED, f"the data reaches {last:%Y-%m-%d %H:%M}, and their windows end later"
    return TOO_FEW, f"it takes {played.least} units in each arm, and five expected to do the goal"


def _sizes(played: Played, looked: dict[str, Any] | None = None) -> dict[str, Any]:
    treated, held = (played.sum("n", arm) for arm in counted.ARMS)
    row = {
        "label": played.play.slug,
        "n_treated": treated,
        "n_holdout": held,
        "accounts_treated": played.sum("accounts", "treated"),
        "accounts_holdout": played.sum("accounts", "holdout"),
        "open": played.sum("triggered") - treated - held,
    }
    names = ("looks", "planned", "information", "deviations")
    if looked:
        return row | {name: looked[name] for name in names}
    values = (played.looks, played.planned, played.fractions[-1], played.deviations)
    return row | dict(zip(names, values, strict=True))


def _shown(found: Difference, verdict: str, *, plain: bool) -> dict[str, Any]:
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
    played, effect = found.played, found.difference
    ends = None
    if not found.why and effect.error:
        units = played.sum("n")
        ends = looks.sequence(effect.difference, effect.error, units, planned=played.planned)
    low, high = (max(ends[0], -1.0), min(ends[1], 1.0)) if ends else (None, None)
    return found.row | {"anytime_low": low, "anytime_high": high}


def _action(run: Run, played: Played, found: Difference, verdict: str) -> str:
    """What to do with the play."""
    if verdict in (WORKS, HARMS):
        return SHIP if verdict == WORKS else STOP
    if verdict in (CHECK_FAILED, NO_EVENT, NEVER_SENT):
        return MEND
    planned = played.planned
    ruled_out = verdict == CANNOT_TELL and found.high < played.play.smallest_effect
    if ruled_out or (verdict != NOT_MATURED and played.sum("n") >= planned):
        return REDESIGN
    until = _until(run, played, planned)
    return f"{RUN_ON} until {until:%Y-%m-%d}" if until else REDESIGN


def _until(run: Run, played: Played, planned: int) -> datetime | None:
    """When the planned units will be mature, at the traffic so far; None: not within a year."""
    play, last = played.play, run.period.as_of
    since = max(counted.begins(run, play), run.period.since)
    weeks = max((min(last, run.period.until) - duration(play.after) - since) / WEEK, 1)
    per_week = played.sum("triggered") / weeks
    if not per_week:
        return None
    to_come = max(planned - played.sum("triggered"), 0)
    wait = timedelta(weeks=math.ceil(to_come / per_week)) + duration(play.goal_within)
    return last + wait if wait <= timedelta(weeks=sizing.LONGEST) else None


def with_effect(run: Run, slug: str, name: str, verb: str) -> Judged | Unavailable:
    """A play with an effect to `verb`; else why its result of that name has none."""
    id = f"impact.{slug}.{name}"
    if reason := incomparable(run, slug):
        return Unavailable(id, reason)
    whole = of_play(run, slug)
    return Unavailable(id, f"There is no effect to {verb}: {whole.why}.") if whole.why else whole


def of_play(run: Run, slug: str) -> Judged:
    """One play with its verdict, fetched once."""
    play = ledger.play_of(run, slug)

    def made() -> Judged:
        rows = fetched(run.warehouse.prepared(counted.sums(run, [play])))
        return judged(run, checking.of(run, play, rows))

    return run.remembered(("impact", "judged", slug), made)
