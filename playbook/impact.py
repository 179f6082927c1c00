"""Stage 4, impact: did people do it, more than they would have without the play?"""

from __future__ import annotations

import zlib
from typing import Any

import ibis
from ibis import _

from playbook import answers, shaping, stats, triggers, units
from playbook.declare import Play
from playbook.mistakes import Mistake
from playbook.periods import duration, words
from playbook.portable import count_if
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run
from playbook.shaping import Rows

FEWEST_EVENTS = 5  # in either arm; below it there is no verdict
SAMPLE_RATIO_ALPHA = 0.001
WORDS = {"seen": "seen by a human", "clicked": "clicked or finished", "did": "did the goal"}
REACH = ("assigned", "triggered", "sent", "delivered", "seen", "clicked", "did")


def activation_by_week(run: Run, id: str) -> Answer:
    """A share question by week of entry; see `playbook.answers.activation_by_week`."""
    return answers.activation_by_week(run, id, stage="impact")


def reach(run: Run, slug: str) -> Answer:
    """What became of a play's treated units: assigned to *did*, on assigned denominators.

    Returns:
        Shape `steps`: assigned (treated units whose clock began in the period), triggered,
        sent, delivered, seen by a human, clicked, and did the goal within its time of the
        trigger (whether or not they clicked). Units whose window is open are counted apart.
    """
    if reason := _obstacle(run, slug):
        return Unavailable(f"impact.{slug}.reach", reason)
    play = triggers.play_of(run, slug)
    # Assigned are those whose clock began in the period: whoever signed up before it is not.
    treated = triggers.outcomes(run, play).filter(_.arm == "treated")
    assigned = treated.select("unit").distinct()
    done = treated.filter(_.decision == "send").select("unit", "did", "is_mature")
    told = triggers.messages_of(run, play)
    joined = (
        assigned.left_join(done, "unit")
        .drop("unit_right")
        .left_join(told, "unit")
        .drop("unit_right")
    )
    is_open = (~_.is_mature).fill_null(False)
    sent = {name: count_if(_.is_mature & _[name]) for name in REACH[2:6]}
    counted = joined.aggregate(
        assigned=count_if(~is_open),
        triggered=count_if(_.is_mature),
        **sent,
        did=count_if(_.is_mature & _.did),
        open=count_if(is_open),
    )
    return _result(run, play, "reach", "steps", counted, _reach_rows)


def effects(run: Run) -> Answer:
    """The effect of every play: treated minus held out, as assigned, from the trigger.

    Returns:
        Shape `effect`: one row per play, in order of size. See `_judged` for verdict and grade.
    """
    plays = [play for play in run.declared.plays if play.holdout]
    if not plays:
        reason = "No play with a holdout is declared: nothing can be compared."
        return Unavailable("impact.effects", reason)
    if reasons := [reason for play in plays if (reason := _obstacle(run, play.slug))]:
        return Unavailable("impact.effects", reasons[0])
    counted = ibis.union(*[_arms(run, play, ()) for play in plays], distinct=False)
    return _result(run, None, "effects", "effect", counted, lambda rows: _plays(run, rows))


def effect(run: Run, slug: str, *, by: str = "") -> Answer:
    """The effect of one play, or by segment (a column of `users`).

    Returns:
        Shape `effect`: one row for everybody, or one per segment.
    """
    if reason := _obstacle(run, slug):
        return Unavailable(f"impact.{slug}.effect", reason)
    play = triggers.play_of(run, slug)
    if not play.holdout:
        reason = f"The play `{slug}` has no holdout: nothing can be compared."
        return Unavailable(f"impact.{slug}.effect", reason)
    columns = (by,) if by else ()
    try:
        counted = _arms(run, play, columns)
    except Mistake as mistake:
        reason = mistake.sentence
        return Unavailable(f"impact.{slug}.effect", reason)
    least, order = run.declared.product.min_n, run.declared.product.order

    def finish(rows: Rows) -> Rows:
        segments: dict[tuple, Rows] = {}
        for row in rows:
            segments.setdefault(tuple(row[column] for column in columns), []).append(row)
        arrives = play.goal in run.coverage
        judged = [
            dict(zip(columns, segment, strict=True)) | _judged(own, play, least, arrives=arrives)
            for segment, own in segments.items()
        ]
        return shaping.ordered(judged, columns, order)

    return _result(
        run, play, f"effect_by_{by}" if by else "effect", "effect", counted, finish, by=columns
    )


def _arms(run: Run, play: Play, by: tuple[str, ...]) -> ibis.Table:
    """One row per arm (and segment): mature units, how many did the goal, contaminated ones."""
    found = triggers.outcomes(run, play).filter(_.decision != "already_done")
    told = triggers.messages_of(run, play).select("unit", "contacted")
    found = found.left_join(told, "unit").drop("unit_right")
    log = triggers.logged_arms(run, play)
    if log is None:
        found = found.mutate(logged_arm=_.arm)
    else:
        found = found.left_join(log, "unit").drop("unit_right")
    if by:
        people = units.traits(run.tables, "user", by)
        found = found.left_join(people, found.user_id == people.unit).drop("unit_right")
    return found.aggregate(
        by=[*by, "arm"],
        n=count_if(_.is_mature),
        did=count_if(_.is_mature & _.did),
        open=count_if(~_.is_mature),
        contacted=count_if(_.is_mature & _.contacted.fill_null(False)),
        redrawn=count_if(_.is_mature & (_.logged_arm != _.arm)),
    ).mutate(play=ibis.literal(play.slug))


def _plays(run: Run, rows: Rows) -> Rows:
    least = run.declared.product.min_n
    judged = [
        _judged(
            [row for row in rows if row["play"] == play.slug],
            play,
            least,
            arrives=play.goal in run.coverage,
        )
        for play in run.declared.plays
        if play.holdout
    ]
    # What cannot be told stands last.
    return sorted(judged, key=lambda row: (row["low"] is None, -(row["difference"] or 0)))


def _judged(rows: Rows, play: Play, least: int, *, arrives: bool) -> dict[str, Any]:
    """Treated against held out, with a verdict and the grade of the claim.

    The verdict is `works`, `harms`, `cannot tell` (the interval holds 0), `too few` (under
    `least` units in an arm, or five expected events), `never sent`, `no such event` (the goal
    never arrives), or `check failed` (the
    arms' sizes do not fit the planned split, held-out units got the message, or the log of
    assignments has other arms). Grade A: randomized, from the recomputed
    trigger, checks passed; "–": no claim, and then no difference either.
    """
    arms = {row["arm"]: row for row in rows}
    none = {"n": 0, "did": 0, "open": 0, "contacted": 0, "redrawn": 0}
    treated, held = arms.get("treated", none), arms.get("holdout", none)
    shares = [arm["did"] / arm["n"] if arm["n"] else None for arm in (treated, held)]
    difference = low = high = None
    p = stats.sample_ratio((treated["n"], held["n"]), (1 - play.holdout, play.holdout))
    redrawn = treated["redrawn"] + held["redrawn"]
    if p < SAMPLE_RATIO_ALPHA or redrawn or held["contacted"] > 0.05 * max(held["n"], 1):
        verdict = "check failed"
    elif not arrives:
        verdict = "no such event"
    elif treated["n"] and not treated["contacted"]:
        verdict = "never sent"
    elif min(treated["n"], held["n"]) < least or _expected(treated, held) < FEWEST_EVENTS:
        verdict = "too few"
    else:
        difference = shares[0] - shares[1]
        low, high = stats.newcombe(treated["did"], treated["n"], held["did"], held["n"])
        verdict = "works" if low > 0 else "harms" if high < 0 else "cannot tell"
    return {
        "label": play.slug,
        "n_treated": treated["n"],
        "treated": shares[0],
        "n_holdout": held["n"],
        "holdout": shares[1],
        "difference": difference,
        "low": low,
        "high": high,
        "verdict": verdict,
        "grade": "–" if difference is None else "A",
        "sample_ratio_p": p,
        "contaminated": held["contacted"],
        "redrawn": redrawn,
        "open": treated["open"] + held["open"],
    }


def _expected(treated: dict[str, Any], held: dict[str, Any]) -> float:
    """The events that the smaller arm would have if the play changed nothing."""
    total = treated["n"] + held["n"]
    share = (treated["did"] + held["did"]) / total if total else 0
    return share * min(treated["n"], held["n"])


def _reach_rows(rows: Rows) -> Rows:
    counts = [rows[0][name] for name in REACH]
    found: Rows = []
    for position, (name, n) in enumerate(zip(REACH, counts, strict=True)):
        # Doing follows from no click: people do it without opening anything. Nothing is lost there.
        before = n if name == "did" else counts[max(position - 1, 0)]
        low, high = stats.wilson(n, counts[0])
        found.append(
            {
                "step": name,
                "position": position,
                "n": n,
                "of_first": n / counts[0] if counts[0] else None,
                "of_previous": n / before if before and name != "did" else None,
                "lost": before - n,
                "low": low,
                "high": high,
                "open": rows[0]["open"],
            }
        )
    return found


def _obstacle(run: Run, slug: str) -> str:
    """Why a play cannot be measured; "" if it can."""
    if reason := triggers.obstacle(run, slug):
        return reason
    if not run.tables.has("messages"):
        return "The table `messages` is not mapped: without it nobody can say what was sent."
    return ""


def _result(run, play: Play | None, name: str, shape: str, table, finish, by=()) -> Result:
    compared = "treated minus held out, as assigned, from the recomputed trigger"
    if shape == "steps":
        compared = "none: treated units alone, as assigned, from the recomputed trigger"
    pairs = [("comparison", compared)]
    if play:
        pairs += [("goal", play.goal), ("within", words(duration(play.goal_within)))]
        pairs += [("unit", play.unit), ("holdout", f"{play.holdout:.0%}")]
    declared = [play] if play else run.declared.plays
    text = "".join(each.model_dump_json() for each in declared)
    pairs += [("left out", "units whose window is open; bots and internal people")]
    pairs += [("declared", f"{zlib.crc32(text.encode()):08x}")]
    return Result(
        id=f"impact.{play.slug}.{name}" if play else f"impact.{name}",
        shape=shape,
        table=table,
        by=by,
        definition=tuple(pairs),
        as_of=run.as_of,
        min_n=run.declared.product.min_n,
        labels=run.labels | WORDS,
        finish=finish,
    )
