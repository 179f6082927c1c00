"""`Question`: a burning question as a measure and its arguments, and what it would decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from playbook.declare.reading import Duration, Identifier, Names, Noun
from playbook.language.periods import duration

# What may be told of attempts; the defaults are the playbook's definition of one.
OPTIONS = {"hold", "order", "entry", "ties", "exclude", "count"}


@dataclass(frozen=True)
class Measure:
    """A way of counting: what it is told, and what its answer is like.

    Attributes:
        must: What a question of it must say, besides unit, start, among and by.
        may: What it may say.
        attempts: Whether it counts attempts; else it counts first times, or things.
        raised: Whether one more of the goal may raise its answer.
        lowered: Whether one more of the goal may lower its answer.
        first: Whether it counts from a unit's first start in the period alone.
        before: Whether it asks what was done before the start.
        bounded: What of its answer is a share, in words; None: it has none.
    """

    must: set[str]
    may: set[str]
    attempts: bool = False
    raised: bool = False
    lowered: bool = False
    first: bool = False
    before: bool = False
    bounded: str | None = None


MEASURES = {
    "reached_within": Measure(
        {"start", "goal", "within"},
        {"unless", *OPTIONS},
        attempts=True,
        raised=True,
        bounded="",
    ),
    "missed_within": Measure(
        {"start", "goal", "within"},
        {"unless", *OPTIONS},
        attempts=True,
        lowered=True,
        bounded="",
    ),
    "did_before": Measure(
        {"start", "first", "goal", "within"},
        {"unless", "entry"},
        raised=True,
        lowered=True,
        first=True,
        before=True,
        bounded="",
    ),
    "mix": Measure(
        {"start", "goals", "within"},
        {"unless", "entry"},
        raised=True,
        first=True,
        bounded="any of these",
    ),
    "time_to": Measure(
        {"start", "goal", "edges"},
        {"within", "unless", "entry"},
        raised=True,
        first=True,
        before=True,
        bounded="at all",
    ),
    "steps": Measure(
        {"start", "goals", "within"},
        {"unless", "anchor", "windows", "optional", *OPTIONS},
        attempts=True,
        raised=True,
        bounded="all the way",
    ),
    "active": Measure({"goal", "within"}, {"hold", "every"}),
}
ATTEMPTS = tuple(name for name, measure in MEASURES.items() if measure.attempts)
SHARES = tuple(name for name, measure in MEASURES.items() if measure.bounded == "")


class Exclude(Noun):
    """An event that must not come between two steps of an attempt.

    Attributes:
        event: The event.
        after: From which step on it breaks an attempt; the start if not said.
        before: Up to which step it does; the last one if not said.
        effect: `drop`: the attempt ends with the steps it had reached; `leave_out`: its unit is not
            counted, if this attempt would have come furthest and no clean one comes as far.
    """

    event: str
    after: str | None = None
    before: str | None = None
    effect: Literal["drop", "leave_out"] = "drop"


class Question(Noun):
    """A burning question.

    Attributes:
        id: Its stable name: figures and files are named after it.
        asks: The question, as people ask it.
        decides: What its answer would decide.
        measure: How it is counted.
        unit: Who is counted.
        start: The event that lets a unit in.
        goal: The event that counts as success.
        first: For `did_before`: the event that must come before `goal`.
        goals: For `mix` and `steps`: the events, in order.
        within: The window from the start, its end included.
        edges: For `time_to`: the ends of the buckets, each longer than the one before.
        every: For `active`: after how long it is counted again, at the ends of days or of weeks.
        hold: Properties that stay the same through an attempt, such as one draft; for `active` the
            one that names the things to count, instead of the units.
        among: Column → the value(s) that units must have.
        unless: A start does not count if its unit did this event in the window after it.
        by: Columns to break the answer down by.
        order: How the steps follow the start: `ordered`, `any` order, or `strict`: with no other
            event of the unit between two of them.
        entry: Which starts count: `any` in the period, each unit's `first` in the period, or its
            `first_ever`, if that lies in the period. Unless said, accounts enter by their first
            ever: an account is new once. Others by any, or where a measure looks at one start
            only, by the first in the period.
        ties: Whether a step at the very time of the one before it comes after it: `step_order`
            (yes), `strict` (no), or a length of time by which steps may come the other way round.
        anchor: What the window runs from: the `entry`, or the `previous` step.
        windows: A window for each of `goals`, instead of `within` for all.
        optional: Those of `goals` that an attempt may leave out.
        exclude: What must not come between.
        count: Whether `units` are counted (each by its best attempt) or all `attempts`: each
            start opens one and ends the one before it.
    """

    id: Identifier
    asks: str
    decides: str
    measure: Literal[tuple(MEASURES)]
    unit: Literal["user", "account", "session"] = "user"
    start: str | None = None
    goal: str | None = None
    first: str | None = None
    goals: Names = ()
    within: Duration | None = None
    edges: tuple[Duration, ...] = ()
    every: Literal["1d", "7d"] = "7d"
    hold: Names = ()
    among: dict[str, Names] = Field(default_factory=dict)
    unless: str | None = None
    by: Names = ()
    order: Literal["ordered", "any", "strict"] = "ordered"
    entry: Literal["any", "first", "first_ever"] | None = None
    ties: Literal["step_order", "strict"] | Duration = "step_order"
    anchor: Literal["entry", "previous"] = "entry"
    windows: tuple[Duration, ...] = ()
    optional: Names = ()
    exclude: tuple[Exclude, ...] = ()
    count: Literal["units", "attempts"] = "units"

    @model_validator(mode="after")
    def _has_what_its_measure_needs(self) -> Self:
        must, may = self.measured.must, self.measured.may
        every = set().union(*(each.must | each.may for each in MEASURES.values()))
        given = {name for name in every if getattr(self, name) != _default(name)}
        if lacking := sorted(must - given):
            raise ValueError(f"`{self.measure}` also needs {', '.join(lacking)}")
        if extra := sorted(given - must - may):
            raise ValueError(f"`{self.measure}` takes no {', '.join(extra)}")
        if self.unless and not self.within:
            raise ValueError("`unless` also needs within: it must come in that time")
        if self.entry == "any" and self.measured.first:
            raise ValueError(f"`{self.measure}` looks at one start: entry is first or first_ever")
        self._has_edges_that_rise()
        if self.measure == "active" and len(self.hold) > 1:
            raise ValueError("`active` counts things: hold the one property that names them")
        if self.measure == "active" and self.hold and self.among:
            raise ValueError("`active` with hold takes no among: it counts things; break it down")
        return self

    def _has_edges_that_rise(self) -> None:
        lengths = [duration(edge) for edge in self.edges]
        for before, after, edge in zip(lengths, lengths[1:], self.edges[1:], strict=False):
            if after <= before:
                raise ValueError(f"`edges` must rise: {edge} is no longer than the one before it")
        if self.edges and self.within and lengths[-1] > duration(self.within):
            raise ValueError(
                f"`edges` goes up to {self.edges[-1]}, and within is {self.within}: nothing "
                "can come between them"
            )

    @model_validator(mode="after")
    def _has_rules_that_go_together(self) -> Self:
        steps = self.steps
        again = len(set(steps)) < len(steps)
        if self.windows and len(self.windows) != len(self.goals):
            raise ValueError(
                f"`windows` has {len(self.windows)} and goals has {len(self.goals)}: one for each"
            )
        if unknown := [name for name in self.optional if name not in self.goals[:-1]]:
            raise ValueError(f"`optional` names {unknown[0]}, which is no goal before the last")
        for name in (end for each in self.exclude for end in (each.after, each.before)):
            if name and name not in steps:
                raise ValueError(f"`exclude` names {name}, which is no step of the question")
        if any(steps.index(each.after or steps[0]) >= self._end(each) for each in self.exclude):
            raise ValueError("`exclude` needs its `after` to be a step before its `before`")
        choices = OPTIONS - {"hold"} | {"anchor", "windows", "optional"}
        told = {name for name in choices if getattr(self, name) != _default(name)}
        if self.entry == "any":  # said, and no choice
            told -= {"entry"}
        if self.order == "any":
            if self.measure != "steps":
                raise ValueError("`order: any` is for `steps`: one goal has no order")
            _keep_apart("order: any", told & {"ties", "anchor", "optional", "exclude"})
        if self.optional:
            _keep_apart("optional", told & {"anchor", "exclude"})
        if self.count == "attempts":
            _keep_apart("count: attempts", told & {"entry"} | self._grace)
        leaves_out = any(each.effect == "leave_out" for each in self.exclude)
        if leaves_out:
            drops = {"effect: drop" for each in self.exclude if each.effect == "drop"}
            strict = {"order: strict"} & {f"order: {self.order}"}
            _keep_apart("effect: leave_out", drops | strict | self._grace)
        runs = [name for name, before in zip(steps, [None, *steps], strict=False) if name != before]
        if len(set(runs)) < len(runs):
            others = told - {"entry", "windows", "ties"}
            _keep_apart("a step that comes back", others | self._grace)
        elif again:
            clash = told & {"optional", "count"} | {"order: any"} & {f"order: {self.order}"}
            _keep_apart(
                "a step that stands twice", clash | ({"leave_out"} if leaves_out else set())
            )
        return self

    @property
    def _grace(self) -> set[str]:
        return set() if self.ties in {"step_order", "strict"} else {"a length of time for ties"}

    def _end(self, each: Exclude) -> int:
        return self.steps.index(each.before) if each.before else len(self.steps) - 1

    @property
    def said(self) -> dict[str, Any]:
        """What was said of it, as YAML has it; without `by`, by which any may be broken down."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"by"})

    @property
    def measured(self) -> Measure:
        """How it is counted."""
        return MEASURES[self.measure]

    @property
    def enters(self) -> str:
        """Which starts count: as declared, or else what the measure and the unit imply."""
        if self.entry:
            return self.entry
        if self.unit == "account" and self.count == "units" and not self.hold:
            return "first_ever"
        return "first" if self.measured.first else "any"

    @property
    def each(self) -> str:
        """What stretch of the calendar it is counted for, if it is counted again and again."""
        return {"1d": "day", "7d": "week"}[self.every]

    @property
    def steps(self) -> tuple[str, ...]:
        """The start and what follows it, in order."""
        return tuple(name for name in (self.start, *self.goals, self.goal) if name)

    @property
    def events(self) -> tuple[str, ...]:
        """The events that it needs, in the order of their use; computed, never listed again."""
        excluded = (each.event for each in self.exclude)
        named = (self.start, self.first, *self.goals, self.goal, self.unless, *excluded)
        return tuple(dict.fromkeys(event for event in named if event))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of users or accounts that it needs."""
        return tuple(dict.fromkeys((*self.among, *(by for by in self.by if by != "week"))))


def _default(name: str) -> object:
    return Question.model_fields[name].default


def _keep_apart(one: str, others: set[str]) -> None:
    """What does not go together."""
    if others:
        raise ValueError(f"{one} does not go with {', '.join(sorted(others))}")
