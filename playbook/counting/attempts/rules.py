"""How an attempt is told from events: what a question may choose, with the playbook's defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from playbook.declare import Question
from playbook.language.periods import duration


@dataclass(frozen=True)
class Exclusion:
    """An event that must not come between two steps.

    It breaks an attempt that has reached step `after` and not yet step `before`, if it lies
    strictly between two neighbouring steps of the attempt: at the very moment of one it does not.

    Attributes:
        event: What `event` is of it; None: any event at all.
        after: The step from which on it breaks an attempt; the entry is 1.
        before: The step up to which it does.
        leaves_out: Whether it leaves the unit out, if it stopped the attempt that would have come
            furthest and none came as far; else the unit is counted, with the steps it reached.
    """

    event: str | int | None
    after: int
    before: int
    leaves_out: bool = False


@dataclass(frozen=True)
class Rules:
    """What an attempt must fulfil beside its steps and its window.

    Attributes:
        entry: Which starts count: `any` in the period, each unit's `first` in the period, or its
            `first_ever`, if that lies in the period.
        any_order: Whether the steps after the start may come in any order.
        ties: `step_order`: a step at the very time of the one before it comes after it;
            `strict`: it does not; a length of time: neighbouring steps may also come that much
            the other way round, because clocks differ.
        from_previous: Whether the window runs from the step before, not from the entry.
        windows: A window of its own for each step after the start; empty: the same for all.
        optional: Places of steps that may be left out; the entry is 1.
        exclude: What must not come between.
        attempts: Whether attempts are counted, not units: each start opens one, and ends the
            one before it.
        unless: What `event` is of the event that makes a start none, and for how long after it.
        reuse: Whether one event may serve two steps (ClickHouse's default).
    """

    entry: Literal["any", "first", "first_ever"] = "any"
    any_order: bool = False
    ties: Literal["step_order", "strict"] | timedelta = "step_order"
    from_previous: bool = False
    windows: tuple[timedelta, ...] = ()
    optional: frozenset[int] = frozenset()
    exclude: tuple[Exclusion, ...] = ()
    attempts: bool = False
    unless: tuple[str, timedelta] | None = None
    reuse: bool = False

    def window(self, step: int, within: timedelta) -> timedelta:
        """How long a step may take; the entry is step 1."""
        return self.windows[step - 2] if self.windows else within

    def span(self, steps: int, within: timedelta) -> timedelta:
        """How long after its start an attempt may still change."""
        windows = [self.window(step, within) for step in range(2, steps + 1)]
        if not windows:
            return within
        return sum(windows, timedelta(0)) if self.from_previous else max(windows)

    @property
    def grace(self) -> timedelta:
        return self.ties if isinstance(self.ties, timedelta) else timedelta(0)


DEFAULT = Rules()


def of(question: Question) -> Rules:
    """The rules that a question declares."""
    names, ties = question.steps, question.ties
    places = {name: place for place, name in reversed(list(enumerate(names, 1)))}
    exclude = [
        Exclusion(
            each.event,
            after=places[each.after] if each.after else 1,
            before=places[each.before] if each.before else len(names),
            leaves_out=each.effect == "leave_out",
        )
        for each in question.exclude
    ]
    if question.order == "strict":
        exclude.append(Exclusion(None, after=1, before=len(names)))
    return Rules(
        entry=question.enters,
        any_order=question.order == "any",
        ties=ties if ties in {"step_order", "strict"} else duration(ties),
        from_previous=question.anchor == "previous",
        windows=tuple(duration(window) for window in question.windows),
        optional=frozenset(places[name] for name in question.optional),
        exclude=tuple(exclude),
        attempts=question.count == "attempts",
        unless=(question.unless, duration(question.within)) if question.unless else None,
    )
