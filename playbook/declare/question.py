"""`Question`: a burning question as a measure and its arguments, and what it would decide."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from playbook.declare.reading import Duration, Identifier, Names, Noun

Measure = Literal[
    "reached_within", "missed_within", "did_before", "mix", "time_to", "steps", "active"
]

# Measure → (what it must be told, what it may be told), besides unit, start, among and by.
ARGUMENTS: dict[str, tuple[set[str], set[str]]] = {
    "reached_within": ({"start", "goal", "within"}, {"hold", "unless"}),
    "missed_within": ({"start", "goal", "within"}, {"hold", "unless"}),
    "did_before": ({"start", "first", "goal", "within"}, {"unless"}),
    "mix": ({"start", "goals", "within"}, {"unless"}),
    "time_to": ({"start", "goal", "edges"}, {"within", "unless"}),
    "steps": ({"start", "goals", "within"}, {"hold", "unless"}),
    "active": ({"goal", "hold", "within"}, set()),
}


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
        edges: For `time_to`: the ends of the buckets.
        hold: A property that stays the same through an attempt, such as one draft.
        among: Column → the value(s) that units must have.
        unless: Units that did this event within the window are left out.
        by: Columns to break the answer down by.
    """

    id: Identifier
    asks: str
    decides: str
    measure: Measure
    unit: Literal["user", "account", "session"] = "user"
    start: str | None = None
    goal: str | None = None
    first: str | None = None
    goals: Names = ()
    within: Duration | None = None
    edges: tuple[Duration, ...] = ()
    hold: str | None = None
    among: dict[str, Names] = {}
    unless: str | None = None
    by: Names = ()

    @model_validator(mode="after")
    def _has_what_its_measure_needs(self) -> Self:
        must, may = ARGUMENTS[self.measure]
        every = set().union(*(a | b for a, b in ARGUMENTS.values()))
        given = {name for name in every if getattr(self, name)}
        if lacking := sorted(must - given):
            raise ValueError(f"`{self.measure}` also needs {', '.join(lacking)}")
        if extra := sorted(given - must - may):
            raise ValueError(f"`{self.measure}` takes no {', '.join(extra)}")
        if self.unless and not self.within:
            raise ValueError("`unless` also needs within: it must come in that time")
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """The events that it needs, in the order of their use; computed, never listed again."""
        named = (self.start, self.first, *self.goals, self.goal, self.unless)
        return tuple(dict.fromkeys(event for event in named if event))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of users or accounts that it needs."""
        return tuple(dict.fromkeys((*self.among, *(by for by in self.by if by != "week"))))
