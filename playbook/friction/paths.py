"""What units did next instead of a step, or on the way to it: their paths from the step before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import ATTEMPTS, Asked
from playbook.counting import attempts, measures, shaping, units
from playbook.declare import Question
from playbook.friction.questions import answer, unfit_because, unit_by_unit
from playbook.language import wording
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import Period, duration, interval, words
from playbook.language.portable import when
from playbook.language.wording import plain
from playbook.results import Answer, Result, Rows
from playbook.results.section import section
from playbook.results.sentences import Told
from playbook.run import Run

# Outcome at the step → who that is.
WHO = {"dropped": "those who did not take it", "converted": "those who took it"}
MOST = 8  # paths that have a class of their own
NOTHING = {"dropped": "(left: nothing more)", "converted": "(nothing in that time)"}
OTHERS, ARROW = "(other paths)", " → "
NAMED = 3  # paths in a sentence


def instead(
    run: Run,
    id: str,
    *,
    step: str | None = None,
    within: str = "24h",
    length: int = 3,
    outcome: str = "dropped",
    without: Sequence[str] | None = None,
) -> Answer:
    """What units did next instead of a step: their paths from the step before it.

    Counted are the question's own best attempts that took the step before, and no later one.
    A path holds the first events of the unit after that moment, in order of time, then of name;
    an event that comes again at once counts once. It may hold the step itself, where that came
    too late, or before a step that must come first.

    Args:
        run: The opened run.
        id: A question that counts attempts: `steps`, or a share in a window.
        step: The step that was not taken; by default the one that the largest share does not
            take of those who come that far.
        within: How long a path goes on after the step before; its end is included.
        length: How many events of a path are told.
        outcome: `dropped`; or `converted`, to compare with those who took the step.
        without: Events that are passed over; the product's `passive` ones, unless given.

    Returns:
        Shape `mix`: `(left: nothing more)`, for those who took the step `(nothing in that time)`;
        the most frequent paths; `(other paths)`; and `still open`, for units whose time since
        the step before has not passed.
    """
    place = _place_of_step(run, id, step)
    step = run.declared.question(id).steps[place - 1] if place else step
    passed = run.declared.product.passive if without is None else without
    given = {"within": within, "length": length, "outcome": outcome, "without": passed}
    return _paths_instead(run, id, step=step, place=place, **given)


def _paths_id(id: str, step: str | None, place: int, outcome: str, **_given: object) -> str:
    took = "" if outcome == "dropped" else f"_{outcome}"
    return f"friction.{id}_instead" + (f"_of_{step}{took}" if place else "")


@section(_paths_id)
def _paths_instead(
    run: Run,
    id: str,
    *,
    step: str | None,
    place: int,
    within: str,
    length: int,
    outcome: str,
    without: Sequence[str],
) -> Answer:
    """The paths instead of the step at a place, the entry being 1; 0: there is no such step."""
    asking = unit_by_unit(answers.asked(run, id))
    _refuse_pathless(asking, step, place, outcome, length)
    time, is_dropped, steps = duration(within), outcome == "dropped", asking.question.steps
    before = max(k for k in range(1, place) if k not in asking.rules.optional)
    rows = units.rows(asking.run.tables, asking.question.unit)
    passed = rows.filter(~_.event.isin(list(without))) if without else rows
    left = _last_steps(asking, before, outcome)
    told = {
        "instead of" if is_dropped else "before": step,
        "after": steps[before - 1],
        "who": WHO[outcome],
        "for": words(time),
        "paths": f"up to {length} events; what comes again at once is one",
        "passed over": ", ".join(without),
    }
    went = "stopped before" if is_dropped else "went on to"
    told_ = {"who": asking.phrases.who, "went": went, "step": step, "without": without}
    told_ |= {"after": steps[before - 1]}
    left_at, missed = (asking.phrases.label(name) for name in (steps[before - 1], step))
    return asking.result(
        "mix",
        _path_counts(left, passed, time, length, asking.run.period),
        lambda fetched: _path_classes(fetched, NOTHING[outcome], run.labels),
        told=tuple(pair for pair in told.items() if pair[1]),
        within=words(time),
        title=f"What those who {went} “{missed}” did in the {words(time)} after “{left_at}”",
        idle=0,
        says=partial(_say_paths, **told_),
    )


def _say_paths(
    result: Result,
    told: Told,
    _words: str = "",
    *,
    who: str = "that",
    went: str,
    step: str,
    after: str,
    without: Sequence[str],
) -> str:
    """How many did nothing more after the step before, and the paths that most others took."""
    closed = [row for row in result.rows if row["share"] is not None]
    still = sum(row["n"] for row in result.rows if row["share"] is None)
    apart = f" For {wording.count(still)} that time is not over." if still else ""
    total = closed[0]["total"] if closed else 0
    if total < max(result.min_n, 1):
        return f"{wording.too_few(total)}.{apart}"
    idle = "**None**"
    if not closed[0]["position"]:
        sides = wording.interval(closed[0]["low"], closed[0]["high"])
        idle = f"**{wording.percent(closed[0]['share'])}** ({sides})"
    whom = f"{plain(result.counted)} {who}"
    missed, left, *aside = (f"“{plain(result.label(name))}”" for name in (step, after, *without))
    text = (
        f"{idle} of the {told.count('total', total)} {whom} {went} {missed} did "
        f"nothing in the {result.within} after {left}"
    )
    text += f", {', '.join(aside)} aside" if aside else ""
    paths = [row for row in closed if 0 < row["position"] <= MOST][:NAMED]
    if paths:
        shown = (f"{plain(row['label'])} ({wording.percent(row['share'])})" for row in paths)
        text += f". What was done most often: {', '.join(shown)}"
    return f"{text}.{apart}"


def _refuse_pathless(
    asking: Asked, step: str | None, place: int, outcome: str, length: int
) -> None:
    question, rules = asking.question, asking.rules
    if question.measure not in ATTEMPTS or rules.any_order:
        how = "in any order" if rules.any_order else f"by `{question.measure}`"
        raise unfit_because(
            f"`{question.id}` is counted {how}.",
            "So nobody comes as far as one step of it and not to the next.",
            f"ask it of a question with steps in order, by {listed(sorted(ATTEMPTS))}.",
        )
    if not place:
        steps = [question.steps[k - 1] for k in _places_to_take(question)]
        raise Mistake(
            f"`{question.id}` has no step `{step}` that must be taken.",
            f"After the start it has: {listed(steps)}.",
            nearest(step or "", steps),
        )
    if outcome not in WHO:
        raise Mistake(
            f"There is no outcome `{outcome}` of a step.",
            f"The outcomes are: {listed(WHO)}.",
            nearest(outcome, list(WHO)),
        )
    if length < 1:
        raise Mistake(
            f"A path of {length} events tells nothing.",
            "It is told by its first events.",
            "set `length` to 1 or more.",
        )


def _place_of_step(run: Run, id: str, step: str | None) -> int:
    """The place of a step, or of the one that the largest share does not take; 0: of none."""
    question = run.declared.question(id)
    places = _places_to_take(question) if question else []
    if step is not None:
        return next((place for place in places if question.steps[place - 1] == step), 0)
    taken: dict[int, float] = {}
    if len(places) > 1 and question.measure == "steps":
        rows = answer(run, id).rows
        taken = {row["position"] + 1: row["of_previous"] for row in rows if row["position"]}
    return min(places, key=lambda place: 1 if (of := taken.get(place)) is None else of, default=0)


def _places_to_take(question: Question) -> list[int]:
    """The places of the steps after the entry, which is step 1, that must be taken."""
    optional = attempts.of(question).optional
    return [place for place in range(2, len(question.steps) + 1) if place not in optional]


def _last_steps(asking: Asked, before: int, outcome: str) -> ir.Table:
    """One row per attempt of that outcome: its key, and `left_at` (of the step before)."""
    found = asking.timelines()
    own = _.depth == before if outcome == "dropped" else _.depth > before
    return found.filter(own).select(*attempts.key_of(found), left_at=f"step_{before}_at")


def _path_counts(
    left: ir.Table, rows: ir.Table, within: timedelta, length: int, period: Period
) -> ir.Table:
    """One row per path: `next_1` … `next_<length>` (null: nothing more), `is_open`, and `n`."""
    key = attempts.key_of(left)
    order = ibis.window(group_by=key, order_by=["at", "event"])
    told = [f"next_{k}" for k in range(1, length + 1)]
    later = (
        left.inner_join(rows.select("unit", "event", "at"), "unit")
        .filter(_.at > _.left_at, _.at <= _.left_at + interval(within))
        .mutate(before=_.event.lag().over(order))
        .filter(_.before.isnull() | (_.before != _.event))
        .mutate(place=ibis.row_number().over(order))
    )
    paths = later.group_by(key).aggregate(
        **{name: when(_.place == k, _.event).max() for k, name in enumerate(told)}
    )
    per_unit = left.left_join(paths, key)
    return per_unit.aggregate(
        by=[per_unit[name] for name in told]
        + [(~period.closed(per_unit.left_at, within)).name("is_open")],
        n=per_unit.count(),
    )


def _path_classes(fetched: Rows, nothing: str, labels: Mapping[str, str]) -> Rows:
    """The paths in words: the most frequent ones, then the others together."""
    counts: Counter[tuple[str, ...]] = Counter()
    still = 0
    for row in fetched:
        names = (row[name] for name in row if name.startswith("next_") and row[name] is not None)
        if row["is_open"]:
            still += row["n"]
        else:
            counts[tuple(wording.labelled(labels, name) for name in names)] += row["n"]
    left = counts.pop((), 0)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    paths = [(ARROW.join(map(_quoted, path)), n) for path, n in ranked[:MOST]]
    others = sum(n for _path, n in ranked[MOST:])
    classes = [(nothing, left), *paths, (OTHERS, others), (measures.OPEN, still)]
    rows = [
        {"label": label, "position": place, "n": n} for place, (label, n) in enumerate(classes) if n
    ]
    return shaping.classes(rows, (), last=len(classes) - 1)


def _quoted(name: str) -> str:
    """A name in a path, in quotes where it reads like a path or like one of the other classes."""
    special = (*NOTHING.values(), OTHERS, measures.OPEN)
    return f"“{name}”" if ARROW in name or name in special else name
