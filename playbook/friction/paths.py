"""What units did next instead of a step, or on the way to it: their paths from the step before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import ATTEMPTS, Asked
from playbook.counting import attempts, measures, shaping, units
from playbook.counting.shaping import Rows
from playbook.friction import asking
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import Period, duration, interval, words
from playbook.language.portable import when
from playbook.results import Answer, Unavailable
from playbook.run import Run

# Outcome at the step → who that is.
WHO = {"dropped": "those who did not take it", "converted": "those who took it"}
MOST = 8  # paths that have a class of their own
NOTHING = {"dropped": "(left: nothing more)", "converted": "(nothing in that time)"}
OTHERS, ARROW = "(other paths)", " → "


def instead(
    run: Run,
    id: str,
    *,
    step: str | None = None,
    within: str = "24h",
    length: int = 3,
    outcome: str = "dropped",
    without: Sequence[str] = (),
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
        without: Events that are passed over, such as those that nobody decides to do.

    Returns:
        Shape `mix`: `(left: nothing more)`, for those who took the step `(nothing in that time)`;
        the most frequent paths; `(other paths)`; and `still open`, for units whose time since
        the step before has not passed.
    """
    asked = asking.asked(run, id, "instead")
    if isinstance(asked, Unavailable):
        return asked
    if refused := asking.unit_by_unit(asked):
        return refused
    try:
        _check(asked, step, outcome, length)
        time, (before, missed) = duration(within), _places(run, asked, step)
    except Mistake as mistake:
        return Unavailable(asked.id, mistake.sentence)
    rows = units.rows(asked.run.tables, asked.question.unit)
    passed = rows.filter(~_.event.isin(list(without))) if without else rows
    left = _left(asked, before, outcome)
    result = asked.result(
        "mix",
        _counted(left, passed, time, length, asked.run.period),
        lambda fetched: _classes(fetched, NOTHING[outcome], run.labels),
    )
    steps, is_dropped = asked.question.steps, outcome == "dropped"
    said = {
        "instead of" if is_dropped else "before": steps[missed - 1],
        "after": steps[before - 1],
        "who": WHO[outcome],
        "for": words(time),
        "paths": f"up to {length} events; what comes again at once is one",
        "passed over": ", ".join(without),
    }
    return replace(
        result,
        id=f"{result.id}_of_{steps[missed - 1]}{'' if is_dropped else '_' + outcome}",
        definition=(*result.definition, *(pair for pair in said.items() if pair[1])),
    )


def _check(asked: Asked, step: str | None, outcome: str, length: int) -> None:
    question, rules = asked.question, asked.rules
    if question.measure not in ATTEMPTS or rules.any_order:
        how = "in any order" if rules.any_order else f"by `{question.measure}`"
        raise Mistake(
            f"`{question.id}` is counted {how}.",
            "So nobody comes as far as one step of it and not to the next.",
            f"ask it of a question with steps in order, by {listed(sorted(ATTEMPTS))}.",
        )
    steps = [name for k, name in enumerate(question.steps, 1) if k > 1 and k not in rules.optional]
    if step is not None and step not in steps:
        raise Mistake(
            f"`{question.id}` has no step `{step}` that must be taken.",
            f"After the start it has: {listed(steps)}.",
            nearest(step, steps),
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


def _places(run: Run, asked: Asked, step: str | None) -> tuple[int, int]:
    """The places of the step before and of the missed one, among the steps that must be taken.

    The entry is step 1.
    """
    steps = asked.question.steps
    pairs = list(pairwise(k for k in range(1, len(steps) + 1) if k not in asked.rules.optional))
    if step is not None:
        return next((before, missed) for before, missed in pairs if steps[missed - 1] == step)
    if len(pairs) == 1:
        return pairs[0]

    def reached() -> dict[int, int]:
        rows = answers.answer(run, asked.question.id, stage="friction").rows
        return {row["position"] + 1: row["n"] for row in rows}

    n = run.remembered(("reached", asked.question.id), reached)
    return min(pairs, key=lambda pair: n[pair[1]] / n[pair[0]] if n[pair[0]] else 1)


def _left(asked: Asked, before: int, outcome: str) -> ir.Table:
    """One row per attempt of that outcome: its key, and `left_at` (of the step before)."""
    found = asked.timelines()
    own = _.depth == before if outcome == "dropped" else _.depth > before
    return found.filter(own).select(*attempts.key_of(found), left_at=f"step_{before}_at")


def _counted(
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


def _classes(fetched: Rows, nothing: str, labels: Mapping[str, str]) -> Rows:
    """The paths in words: the most frequent ones, then the others together."""
    counts: Counter[str] = Counter()
    for row in fetched:
        names = [row[name] for name in row if name.startswith("next_") and row[name] is not None]
        path = ARROW.join(labels.get(name, name.replace("_", " ")) for name in names)
        counts[measures.OPEN if row["is_open"] else path or nothing] += row["n"]
    special = {name: counts.pop(name, 0) for name in (nothing, measures.OPEN)}
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    others = sum(n for _path, n in ranked[MOST:])
    classes = [(nothing, special[nothing]), *ranked[:MOST], (OTHERS, others)]
    classes.append((measures.OPEN, special[measures.OPEN]))
    rows = [
        {"label": label, "position": place, "n": n} for place, (label, n) in enumerate(classes) if n
    ]
    return shaping.classes(rows, (), last=len(classes) - 1)
