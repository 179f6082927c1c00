"""What is started and not finished: by whom, what they did last, and whether they came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.answers import Asked, unfit
from playbook.counting import shaping, units
from playbook.counting.shaping import Rows
from playbook.friction.asking import asked, of_class, unit_by_unit
from playbook.friction.questions import answer
from playbook.language.mistakes import Mistake, listed
from playbook.language.periods import duration, interval, words
from playbook.language.portable import count_if, when
from playbook.results import UNKNOWN, Answer, Unavailable
from playbook.run import Run

STUCK_ABOVE = 0.25  # a core persona that leaves more than a quarter unfinished is a defect
PERSONA = "persona"
NOTHING, OTHERS = "nothing else", "anything else"
MOST = 8  # last events that have a class of their own, at most
RARE = 100  # an event that fewer than one in so many did last has none


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
    found = answer(run, id, by=by)
    if isinstance(found, Unavailable):
        return found
    if run.declared.question(id).measure != "missed_within":
        return Unavailable(found.id, f"`{id}` does not count what is missed: use `missed_within`.")
    if PERSONA not in found.by:
        return Unavailable(
            found.id,
            f"A verdict depends on the persona, and `{id}` is asked by {listed(found.by)}. "
            "Ask it by persona, too.",
        )
    core = run.declared.product.core_personas

    def finish(rows: Rows) -> Rows:
        return [row | {"verdict": _verdict(row, core)} for row in found.finish(rows)]

    return replace(found, id=f"{found.id}_stuck", finish=finish)


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
    found = _unfinished(run, id, "stopped", by=by)
    if isinstance(found, Unavailable):
        return found
    counting, missed = found
    counted = _with_last(counting, missed).aggregate(by=[*counting.by, "event"], n=_.count())

    def finish(rows: Rows) -> Rows:
        return _folded([_named(counting, row) for row in rows], counting.by)

    result = counting.result("mix", counted, finish)
    return replace(result, definition=(*result.definition, ("class", "the last event")))


def stopped_at(run: Run, id: str, label: str) -> Answer:
    """The attempts of one class of `stopped`: `unit`, `held`, `started_at`, in order of time."""
    result = stopped(run, id)
    if isinstance(result, Unavailable):
        return result
    shown = [row["label"] for row in result.rows]
    if label not in shown:
        return Unavailable(
            result.id, f"Nobody stopped at “{label}”. The classes are: {listed(shown)}."
        )
    counting, missed = _unfinished(run, id, "stopped")
    names = {event: _label(counting, event) for event in (None, *run.coverage)}
    others = [event for event, name in names.items() if name not in shown]
    events = others if label == OTHERS else [e for e, name in names.items() if name == label]
    chosen = _with_last(counting, missed)
    known = chosen.event.isin([event for event in events if event])
    chosen = chosen.filter(chosen.event.isnull() if None in events else known)
    key = _key(counting)
    listing = chosen.select(*key).order_by(["started_at", *(c for c in key if c != "started_at")])
    return of_class(counting.result("table", listing, list), label)


def came_back(
    run: Run, id: str, *, within: str = "14d", by: str | Sequence[str] = PERSONA
) -> Answer:
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
    found = _unfinished(run, id, "came_back", by=by)
    if isinstance(found, Unavailable):
        return found
    counting, missed = found
    try:
        longer = _longer(counting, within)
    except Mistake as mistake:
        return Unavailable(counting.id, mistake.sentence)
    later = (_.goal_at > _.started_at) & (_.goal_at <= _.started_at + interval(longer))
    starts, goals = _keyed(counting, missed)
    per_attempt = (
        starts.left_join(goals, starts.key == goals.key_)
        .group_by(_key(counting))
        .aggregate(times=count_if(later))
    )
    closed = counting.run.period.closed(_.started_at, longer)
    counted = per_attempt.aggregate(
        by=list(counting.by),
        n=count_if(closed),
        reached=count_if(closed & (_.times > 0)),
        repeated=ibis.null("int64"),
        open=count_if(~closed),
    )
    result = counting.result("share", counted, shaping.shares)
    said = ("came back", f"done within {words(longer)} of the start, end included")
    return replace(result, definition=(*result.definition, said))


def _verdict(row: dict, core: Sequence[str]) -> str:
    if row[PERSONA] == UNKNOWN:
        return "unknown"
    if row[PERSONA] not in core:
        return "playing"
    return "defect" if row["low"] > STUCK_ABOVE else "watch"


def _unfinished(
    run: Run, id: str, name: str, *, by: str | Sequence[str] = ()
) -> tuple[Asked, ir.Table] | Unavailable:
    """A question as it is counted, and its attempts that were not finished: see `_key`."""
    counting = asked(run, id, name, by=by)
    if isinstance(counting, Unavailable):
        return counting
    question = counting.question
    if question.measure != "missed_within":
        return unfit(counting.id, question, "what is not finished needs `missed_within`")
    if refused := unit_by_unit(counting):
        return refused
    missed = counting.best().filter(_.outcome == "dropped")
    return counting, missed.select(*_key(counting))


def _key(counting: Asked) -> list[str]:
    """What tells an attempt from others, and the columns to break down by."""
    held = ["held"] if counting.question.hold else []
    return ["unit", *held, "started_at", *counting.by]


def _with_last(counting: Asked, missed: ir.Table) -> ir.Table:
    """The unfinished attempts with the last `event` of their unit in the window, or null."""
    start = counting.question.start
    acts = units.rows(counting.run.tables, counting.question.unit)
    acts = acts.select(unit_="unit", event_="event", at_="at")
    joined = missed.left_join(
        acts,
        [
            missed.unit == acts.unit_,
            acts.at_ >= missed.started_at,
            acts.at_ <= missed.started_at + interval(counting.within),
        ],
    )
    key = _key(counting)
    itself = (_.event_ == start) & (_.at_ == _.started_at)
    done = joined.mutate(event=when(~itself, _.event_), at=when(~itself, _.at_))
    latest = done.mutate(last_at=_.at.max().over(ibis.window(group_by=key)))
    return latest.group_by(key).aggregate(event=when(_.at == _.last_at, _.event).max())


def _label(counting: Asked, event: str | None) -> str:
    """The words for a last event; the attempt's own start and goal were done once more, or with
    another thing than the attempt's."""
    if event is None:
        return NOTHING
    question, name = counting.question, counting.run.labels.get(event, event.replace("_", " "))
    if event == question.start:
        return f"{name} once more"
    if event == question.goal and question.hold:
        things = [held.removesuffix("_id").replace("_", " ") for held in question.hold]
        return f"{name} (another {' and '.join(things)})"
    return name


def _named(counting: Asked, row: dict) -> dict:
    return {column: row[column] for column in counting.by} | {
        "label": _label(counting, row["event"]),
        "n": row["n"],
    }


def _folded(rows: Rows, by: Sequence[str]) -> Rows:
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


def _longer(counting: Asked, within: str) -> timedelta:
    longer, own = duration(within), counting.within
    if longer < own or (longer == own and counting.question.unit != "session"):
        raise Mistake(
            f"`within: {within}` leaves no time to come back.",
            f"An attempt at `{counting.question.id}` has {words(own)} already.",
            "give them longer.",
        )
    return longer


def _keyed(counting: Asked, missed: ir.Table) -> tuple[ir.Table, ir.Table]:
    """The unfinished attempts with the `key` of what would finish them, and every finish: `key_`,
    `goal_at`."""
    question, tables = counting.question, counting.run.tables
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
