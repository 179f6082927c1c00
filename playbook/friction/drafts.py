"""What is started and not finished: by whom, what they did last, and whether they came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.counting import shaping, units
from playbook.friction.questions import answer, unit_by_unit
from playbook.language import wording
from playbook.language.mistakes import Mistake, listed
from playbook.language.periods import duration, interval, words
from playbook.language.portable import count_if, when
from playbook.results import UNKNOWN, Answer, Result, Rows
from playbook.results.columns import TEXT
from playbook.results.section import Unanswerable, needed, section
from playbook.results.sentences import Told, each_segment
from playbook.run import Run

STUCK_ABOVE = 0.25  # a core persona that leaves more than a quarter unfinished is a defect
PERSONA = "persona"
NOTHING, OTHERS = "nothing else", "anything else"
MOST = 8  # last events that have a class of their own, at most
RARE = 100  # an event that fewer than one in so many did last has none
MEASURES = ("missed_within",)
BY_LAST_EVENT = (("class", "the last event"),)
# Verdict → what it means.
MEANS = {
    "defect": "a core persona gets stuck: mend this now",
    "watch": "a core persona, within bounds: watch it",
    "playing": "not core: assume that they are playing",
    "unknown": "they never said who they are",
}


@section("friction.{id}_stuck")
def stuck(run: Run, id: str, *, by: str | Sequence[str] = PERSONA) -> Answer:
    """A share that misses its goal, by persona, with a verdict on each.

    The guide: people outside the core persona who leave things unfinished may be playing; many
    of the core persona who do mean a defect to mend at once.

    Args:
        run: The opened run.
        id: A question of measure `missed_within`.
        by: Column(s) to break it down by; `persona` is one of them.

    Returns:
        Shape `share`, with `verdict`: `defect` (core, and the whole interval above a quarter),
        `watch` (core otherwise), `playing` (not core), `unknown` (no persona).
    """
    answers.asked(run, id, counted_by=MEASURES)
    found = needed(answer(run, id, by=by))
    if PERSONA not in found.by:
        raise Unanswerable(
            f"A verdict depends on the persona, and `{id}` is asked by {listed(found.by)}. "
            "Ask it by persona, too."
        )
    core = run.declared.product.core_personas
    if not core:
        raise Unanswerable(
            "A verdict depends on whom the product is for. Name them under `core_personas` of "
            "product.yaml."
        )

    def finish(rows: Rows) -> Rows:
        return [row | {"verdict": _persona_verdict(row, core)} for row in found.finish(rows)]

    return replace(found, own={"verdict": TEXT}, finish=finish, says=_say_stuck)


@section("friction.{id}_stopped")
def stopped(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """What was done last in attempts that were not finished: one class each.

    Looked at is all that the unit did from the start of its attempt to the end of its window,
    with the thing that the attempt holds or without. Of events at the same time, the one whose
    name comes last in the alphabet is the last.

    Args:
        run: The opened run.
        id: A question of measure `missed_within`, of any unit, with or without `hold`.
        by: Column(s) to break it down by.

    Returns:
        Shape `mix`: first those who did nothing else, then the most frequent last events, then
        the rare ones together. `total` is how many attempts were not finished.
    """
    asking, missed = _unfinished(run, id, by=by)
    counted = _with_last_event(asking, missed).aggregate(by=[*asking.by, "event"], n=_.count())

    def finish(rows: Rows) -> Rows:
        labelled = [row | {"label": _last_event_label(asking, row["event"])} for row in rows]
        return _last_event_classes(labelled, asking.by)

    whom = {"title": f"What was done last: {asking.phrases.missing}"}
    whom |= {"words": f"{asking.said.missing}, by what was done last"}
    return asking.result("mix", counted, finish, told=BY_LAST_EVENT, idle=0, **whom)


def stopped_at(run: Run, id: str, label: str) -> Result:
    """The attempts of one class of `stopped`: `unit`, `held`, `started_at`, in order of time.

    Raises:
        Unanswerable: Nobody is in that class, or there are no classes.
    """
    result = needed(stopped(run, id))
    shown = [row["label"] for row in result.rows]
    if label not in shown:
        raise Unanswerable(f"Nobody stopped at “{label}”. The classes are: {listed(shown)}.")
    asking, missed = _unfinished(run, id)
    labels = {row["event"]: _last_event_label(asking, row["event"]) for row in result.raw}
    events = [e for e, name in labels.items() if (name if name in shown else OTHERS) == label]
    chosen = _with_last_event(asking, missed)
    known = chosen.event.isin([event for event in events if event])
    chosen = chosen.filter(chosen.event.isnull() if None in events else known)
    return asking.listing(chosen.select(*_attempt_key(asking)), told=(("class", label),))


@section("friction.{id}_came_back")
def came_back(run: Run, id: str, *, within: str = "14d", by: str | Sequence[str] = ()) -> Answer:
    """The share of unfinished attempts whose person finished later.

    What an attempt holds tells that it is the same thing, whoever finishes it, and in whichever
    visit. Without `hold` it is the same unit, and for a visit its person.

    Args:
        run: The opened run.
        id: A question of measure `missed_within`.
        within: How long after the start of the attempt it still counts, the end included; longer
            than the question's own window, or as long where visits are counted.
        by: Column(s) to break it down by.

    Returns:
        Shape `share`: of `n` unfinished attempts whose longer window has closed, too, `reached`
        were finished later; `open` ones may still be. Visits whose person is unknown, and which
        hold nothing, are left out.
    """
    asking, missed = _unfinished(run, id, by=by)
    longer = _longer_window(asking, within)
    later = (_.goal_at > _.started_at) & (_.goal_at <= _.started_at + interval(longer))
    starts, goals = _starts_and_finishes(asking, missed)
    per_attempt = (
        starts.left_join(goals, starts.key == goals.key_)
        .group_by(_attempt_key(asking))
        .aggregate(times=count_if(later))
    )
    closed = asking.run.period.closed(_.started_at, longer)
    counted = per_attempt.aggregate(
        by=list(asking.by),
        n=count_if(closed),
        reached=count_if(closed & (_.times > 0)),
        repeated=ibis.null("int64"),
        open=count_if(~closed),
    )
    told = (("came back", f"done within {words(longer)} of the start, end included"),)
    given = {"within": words(longer), **_late_words(asking, words(longer))}
    return asking.result("share", counted, shaping.shares, told=told, **given)


def _late_words(asking: Asked, window: str) -> dict[str, str]:
    late = f"get there after all, within {window} of the start"
    title, said = (
        f"{each.whom} {each.who} had not got to “{each.label(asking.question.goal)}” in time"
        for each in asking.both
    )
    return {"title": f"{wording.capital(title)}, and {late}", "words": f"of {said} {late}"}


def _persona_verdict(row: dict, core: Sequence[str]) -> str:
    if row[PERSONA] == UNKNOWN:
        return "unknown"
    if row[PERSONA] not in core:
        return "playing"
    return "defect" if row["low"] > STUCK_ABOVE else "watch"


def _say_stuck(result: Result, told: Told, says: str) -> str:
    """The verdict on each persona: a defect of ours, worth watching, or people who play."""

    def say(rows: Rows, says: str) -> str:
        (row,) = rows
        if row["n"] < result.min_n:
            return f"{wording.too_few(row['n'])}."
        sides = f"({wording.interval(row['low'], row['high'])}, n = {row['n']:,})"
        share = f"{wording.percent(row['share'])} {sides} {says}".rstrip()
        return f"{share}; {MEANS[row['verdict']]}."

    return each_segment(result, told, says, say)


def _unfinished(run: Run, id: str, *, by: str | Sequence[str] = ()) -> tuple[Asked, ir.Table]:
    """A question as it is counted, and its attempts that were not finished: see `_attempt_key`."""
    asking = unit_by_unit(answers.asked(run, id, by=by, counted_by=MEASURES))
    missed = asking.best().filter(_.outcome == "dropped")
    return asking, missed.select(*_attempt_key(asking))


def _attempt_key(asking: Asked) -> list[str]:
    """What tells an attempt from others, and the columns to break down by."""
    held = ["held"] if asking.question.hold else []
    return ["unit", *held, "started_at", *asking.by]


def _with_last_event(asking: Asked, missed: ir.Table) -> ir.Table:
    """The unfinished attempts with the last `event` of their unit in the window, or null."""
    start = asking.question.start
    acts = units.rows(asking.run.tables, asking.question.unit)
    acts = acts.select(unit_="unit", event_="event", at_="at")
    joined = missed.left_join(
        acts,
        [
            missed.unit == acts.unit_,
            acts.at_ >= missed.started_at,
            acts.at_ <= missed.started_at + interval(asking.within),
        ],
    )
    key = _attempt_key(asking)
    itself = (_.event_ == start) & (_.at_ == _.started_at)
    done = joined.mutate(event=when(~itself, _.event_), at=when(~itself, _.at_))
    latest = done.mutate(last_at=_.at.max().over(ibis.window(group_by=key)))
    return latest.group_by(key).aggregate(event=when(_.at == _.last_at, _.event).max())


def _last_event_label(asking: Asked, event: str | None) -> str:
    """The words for a last event; the attempt's own start and goal were done once more, or with
    another thing than the attempt's."""
    if event is None:
        return NOTHING
    question, name = asking.question, asking.run.label(event)
    name = f"“{name}”" if name in (NOTHING, OTHERS) else name
    if event == question.start:
        return f"{name} once more"
    if event == question.goal and question.hold:
        things = [held.removesuffix("_id").replace("_", " ") for held in question.hold]
        return f"{name} (another {' and '.join(things)})"
    return name


def _last_event_classes(rows: Rows, by: Sequence[str]) -> Rows:
    """Classes in their order, the rare ones and those beyond the most frequent as one."""
    sizes: Counter[str] = Counter()
    for row in rows:
        sizes[row["label"]] += row["n"]
    events = sorted((name for name in sizes if name != NOTHING), key=lambda n: (-sizes[n], n))
    shown = [name for name in events[:MOST] if sizes[name] * RARE >= sizes.total()]
    rest = events[len(shown) :]
    order = [NOTHING, *shown, *(rest if len(rest) == 1 else [OTHERS])]
    merged: Counter[tuple] = Counter()
    for row in rows:
        label = row["label"] if row["label"] in order else OTHERS
        merged[(*(row[column] for column in by), label)] += row["n"]
    found = [
        dict(zip(by, segment, strict=True))
        | {"label": label, "position": order.index(label), "n": n}
        for (*segment, label), n in merged.items()
    ]
    return shaping.classes(found, by, last=len(order))


def _longer_window(asking: Asked, within: str) -> timedelta:
    longer, own = duration(within), asking.within
    if longer < own or (longer == own and asking.question.unit != "session"):
        raise Mistake(
            f"`within: {within}` leaves no time to come back.",
            f"An attempt at `{asking.question.id}` has {words(own)} already.",
            "give them longer.",
        )
    return longer


def _starts_and_finishes(asking: Asked, missed: ir.Table) -> tuple[ir.Table, ir.Table]:
    """The unfinished attempts with the `key` of what would finish them, and every finish: `key_`,
    `goal_at`."""
    question, tables = asking.question, asking.run.tables
    if question.hold:
        done = units.things(tables, *question.hold).rename(key_="held")
        starts = missed.mutate(key=_.held)
    elif question.unit == "session":
        visits = units.rows(tables, "session").group_by(visit="unit").aggregate(key=_.user_id.max())
        starts = missed.join(visits, missed.unit == visits.visit).filter(_.key.notnull())
        done = units.rows(tables, "user").rename(key_="unit")
    else:
        done = units.rows(tables, question.unit).rename(key_="unit")
        starts = missed.mutate(key=_.unit)
    return starts, done.filter(_.event == question.goal).select("key_", goal_at="at")
