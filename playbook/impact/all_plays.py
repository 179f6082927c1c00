"""What all plays together change: whoever is held out from all of them, against everybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
from ibis import _

from playbook.answers.question_on_run import phrases_of
from playbook.counting.shaping import Rows
from playbook.data.tables import Tables
from playbook.declare import Play, Question
from playbook.impact.compared import sums
from playbook.impact.judging import ANYTIME, CANNOT_TELL, HARMS, OWN, WORKS, judged, whenever
from playbook.impact.trial import Trial, trial
from playbook.language.portable import when
from playbook.language.wording import plain, points
from playbook.results import Answer, Result
from playbook.results.section import Unanswerable, Unfit, section
from playbook.results.sentences import Told
from playbook.run import Run

SLUG, LABEL = "all_plays", "all plays together"
NONE_HELD_OUT = (
    "Nobody is held out from all plays: what they change together cannot be told. To know it, "
    "write `holdout: 0.05` under `sending:` of product.yaml, and send to nobody who is drawn."
)
SAID = {WORKS: "bring more", HARMS: "bring less", CANNOT_TELL: "are not shown to change it"}
MEASURED = ("reached_within", "steps")


@section("impact.all_plays")
def all_plays(run: Run) -> Answer:
    """What all plays together change in the headline question, by the global holdout.

    Whoever is held out from all plays (`sending.holdout`) against everybody else, as drawn: those
    held out from single plays count with everybody else, so this is what the plays bring as they
    are sent today. The clock begins with a unit's first start of the question, since the first
    play went live if all say when, and a unit did it if it did the question's goal (of `steps`
    the last one) within its time; what a question asks of attempts besides is not asked here.

    It is measured as a play is, by the same machinery, so that its checks, looks, grade and
    doubts follow the same rules: A if arms are as planned, alike before, hardly anybody held out
    got a message of a play, and those who are not got far more; C with a `doubt`; – where a check
    fails. Messages of plays that are declared count, and what all get alike, such as the mail
    with a link to verify an address, does not. Where accounts are held out and people counted,
    who is in no account is one of their own.

    Returns:
        Shape `effect`: one row, `all plays together`, with the columns of `judging.judged`, and
        `anytime_low` and `anytime_high` as in `effects`.
    """
    of, question = trial_of_all(run), headline(run)
    phrases = phrases_of(run, question, plain)

    def finish(rows: Rows) -> Rows:
        return [
            whenever(judged(of, counts)) | {"label": LABEL, "play": ""}
            for counts in of.contrasts(rows)
        ]

    return of.result(
        "effect",
        sums([of]),
        finish,
        title="What all plays together change",
        asks=question.asks,
        words=f"of {phrases.whom} {phrases.does}",
        own=OWN | ANYTIME,
        says=_all_said,
    )


def trial_of_all(run: Run) -> Trial:
    """All plays as one, which is held out from whoever is held out from all.

    Raises:
        Unfit: Nobody is.
        Unanswerable: No play is sent, or the headline is no share that they can be measured by.
    """
    if not any(not play.draft for play in run.declared.plays):
        none = "No play is sent yet" if run.declared.plays else "No play is declared"
        raise Unanswerable(f"{none}: there is nothing to be held out from.")
    if not run.declared.product.sending.holdout:
        raise Unfit(NONE_HELD_OUT)
    play = _as_play(run, headline(run))

    def made() -> Run:
        product, slugs = run.declared.product, [each.slug for each in run.declared.plays]
        none = product.sending.model_copy(update={"holdout": 0.0})
        product = product.model_copy(update={"sending": none})
        declared = replace(run.declared, product=product, plays=(play,), experiments=())
        return replace(run, declared=declared, tables=_tables(run.tables, play, slugs))

    return trial(run.remembered(("impact", SLUG), made), SLUG)


def headline(run: Run) -> Question:
    """The question that opens every report, if plays can be measured by it.

    Raises:
        Unanswerable: They cannot; says why.
    """
    question = run.declared.question(run.headline)
    if question is None:
        raise Unanswerable("No question is the headline: `headline:` in product.yaml names one.")
    reason = ""
    if question.measure not in MEASURED:
        reason = f"it is counted by `{question.measure}`: it takes a share that gets to a goal"
    elif question.unit == "session":
        reason = "it counts sessions, and people or accounts are held out"
    elif question.order == "any" or question.count == "attempts":
        reason = "it counts attempts, or steps in any order, and a play has one goal"
    elif question.unless:
        reason = f"it leaves out who did {question.unless} after the start, which plays may change"
    elif question.unit == "account" and run.declared.product.sending.holdout_unit == "user":
        reason = "it counts accounts, and people are held out (`holdout_unit: user`)"
    if reason:
        raise Unanswerable(f"The headline `{question.id}` cannot tell what all plays do: {reason}.")
    return question


def _as_play(run: Run, question: Question) -> Play:
    """All plays as one whose goal is that of a question."""
    sending, sent = run.declared.product.sending, [p for p in run.declared.plays if not p.draft]
    goal = question.steps[-1]
    # Nobody knows an account: `ledger.people.people` holds them out by their own id.
    known = question.unit == "account" or run.tables.has("users", "account_id")
    live = [play.live_from for play in sent]
    return Play(
        slug=SLUG,
        says="All plays together.",
        audience=dict(question.among),
        channel="email",
        trigger=question.start,
        again=question.within if goal == question.start else None,
        goal=goal,
        goal_within=question.within,
        unit=sending.holdout_unit if known else "user",
        measured_on=question.unit,
        live_from=min(live) if all(live) else None,
        holdout=sending.holdout,
        salt=sending.salt,
        arms="ours",
        smallest_effect=min(play.smallest_effect for play in sent),
    )


def _tables(tables: Tables, play: Play, slugs: list[str]) -> Tables:
    """The tables as if all messages of these plays were of one, and nobody without an account."""
    changed: dict[str, Any] = {}
    if tables.has("messages"):
        own = when(_.play.isin(slugs), ibis.literal(SLUG))
        changed["messages"] = tables.messages.mutate(play=own)
    if play.is_clustered and tables.users is not None:
        home = ibis.coalesce(_.account_id, _.user_id)
        changed["users"] = tables.users.mutate(account_id=home)
    return replace(tables, once=lambda: tables.events, **changed)


def _all_said(result: Result, told: Told, words: str) -> str:
    """What all plays together change in the headline."""
    (row,) = result.rows
    treated, held = (told.count(f"n_{arm}", row[f"n_{arm}"]) for arm in ("treated", "holdout"))
    sizes = f"n = {treated} + {held}"
    if row["difference"] is None:
        why = plain(row["why"])
        return f"What all plays together change cannot be told: {why} ({sizes})."
    treated, held = (told.share(arm, row[arm], row[f"n_{arm}"]) for arm in ("treated", "holdout"))
    ends = f"{points(row['low'])} to {points(row['high'])}"
    doubt = f", because {plain(row['doubt'])}" if row["doubt"] else ""
    return (
        f"All plays together {SAID[row['verdict']]}: **{points(row['difference'])} points** "
        f"({ends}); {treated} {words or result.words}, and {held} of those held out from all plays "
        f"({sizes}). Grade {row['grade']}{doubt}."
    )
