"""A verdict per play: what changed, from what to what, how sure that is, and what to do."""

from __future__ import annotations

from typing import Any

from playbook import ledger
from playbook.counting import shaping
from playbook.counting.shaping import Rows, grouped
from playbook.impact.checking import each_counted
from playbook.impact.compared import sums
from playbook.impact.counts import ARMS
from playbook.impact.judging import (
    ANYTIME,
    CANNOT_TELL,
    CHECK_FAILED,
    DIFFERS,
    HARMS_SOME,
    MEND,
    NEVER_SENT,
    NO_CLAIM,
    OWN,
    PRIMARY,
    SEVERAL,
    Judged,
    by_segment,
    judged,
    next_step,
    whenever,
)
from playbook.impact.logs import others
from playbook.impact.metrics import metrics, of_primary
from playbook.impact.parts import segment_sums
from playbook.impact.segments import apart
from playbook.impact.trial import of_all, trial, trials
from playbook.language.mistakes import listed
from playbook.language.wording import plain
from playbook.results import Answer, Result, Unavailable
from playbook.results.columns import COUNT, ID, KEY
from playbook.results.section import needed, section, there
from playbook.results.sentences import Told, not_known
from playbook.run import Run


@section("impact.effects")
def effects(run: Run) -> Answer:
    """The verdict on every play that holds somebody out, sent ones alone, the best first.

    Returns:
        Shape `effect`: one row per play, or per treatment where a play has several; see `judged`
        for the columns. Besides, `anytime_low`
        and `anytime_high`: the interval for whoever looks when no look is scheduled. It holds
        however often one looks (`playbook.inference.looks.sequence`), and the verdict does not
        rest on it; null where there is no effect to print, or before 100 units. A play that is
        shown to harm some of the segments by which it differs (see `for_whom`) `harms some`,
        whatever it does on average, and its action says for whom to stop it.
    """
    all_, parts = trials(run), segment_sums(run)

    def finish(rows: Rows) -> Rows:
        found = [_decided(run, judged(*each)) for each in each_counted(all_, rows)]
        # What cannot be told stands last.
        return sorted(found, key=lambda row: (row["low"] is None, -(row["difference"] or 0)))

    own = OWN | ANYTIME | SEVERAL | PRIMARY
    by_metric = [metrics(run, each.play.slug) for each in all_ if each.play.primary]
    made_of = (*others(run), *there(parts, *by_metric))
    return of_all(run, "effect", sums(all_), finish, own=own, made_of=made_of)


def _decided(run: Run, whole: Judged) -> dict[str, Any]:
    """The row of a play with its last word: that of the metric that it is judged by, if it names
    one, or of the segments which it harms, if it does."""
    row = whenever(whole)
    if whole.of.play.primary:
        return row | _by_metric(run, whole)
    row |= dict.fromkeys(PRIMARY)
    works, harms = apart(run, whole)
    if not harms or whole.why:
        return row
    action = f"stop for {listed(harms)}" + (f", keep for {listed(works)}" if works else "")
    return row | {"verdict": HARMS_SOME, "action": action}


def _by_metric(run: Run, whole: Judged) -> dict[str, Any]:
    """What the metric says that a play is judged by; its checks are those of the play."""
    slug, blocked = whole.of.play.slug, whole.row["verdict"] in (CHECK_FAILED, NEVER_SENT)
    answer = metrics(run, slug)
    if isinstance(answer, Unavailable) and not blocked:
        none = dict.fromkeys(PRIMARY) | dict.fromkeys(("difference", "low", "high", "error"))
        return none | {
            "verdict": CHECK_FAILED,
            "grade": NO_CLAIM,
            "why": answer.reason,
            "doubt": "",
            "action": MEND,
        }
    found, said = of_primary(whole)
    if found["because"]:
        verdict = whole.row["verdict"] if blocked else found["verdict"]
        return said | {"verdict": verdict, "why": found["because"]}
    step = next_step(whole.of, whole.counts, whole.difference, found["verdict"])
    action = MEND if whole.row["doubt"] else step
    return said | {"verdict": found["verdict"], "grade": found["grade"], "action": action}


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
    noun = (
        "play" if all(row["label"] == row.get("play", row["label"]) for row in of) else "comparison"
    )
    text = f"Of {told.count('plays', len(of), noun)}: {'; '.join(parts)}."
    silent = [row for row in of if row["verdict"] == CANNOT_TELL and not row.get("metric")]
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
        Shape `effect`: one row for everybody (and each treatment), as in `effects`, or one per
        segment, without the interval for looks that are not scheduled. Segments have a verdict of
        their own only where effects are shown to differ between them (`p_differs`, Cochran's
        Q, below 5 %), else `not told apart`.
    """
    of, columns = trial(run, slug), (by,) if by else ()

    def finish(rows: Rows) -> Rows:
        wholes = [judged(of, counts) for counts in of.contrasts(rows)]
        if not by:
            return [_decided(run, whole) for whole in wholes]
        found = [by_segment(whole, grouped(rows, columns)) for whole in wholes]
        named = [{by: key[0]} | row for each in found for key, row in each.rows.items()]
        return shaping.ordered(named, columns, run.declared.product.order)

    own = OWN | (DIFFERS if by else ANYTIME | PRIMARY)
    return of.result("effect", sums([of], columns), finish, by=columns, own=own)
