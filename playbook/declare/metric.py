"""`Metric`: what a play is measured by besides its goal: a share, a count, a mean or a ratio."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from playbook.declare.reading import Duration, Identifier, Noun

VALUED = ("mean", "ratio")


class Amount(Noun):
    """What a metric adds up: events, a property of theirs, or values of the table `values`.

    Attributes:
        event: The event whose occurrences, or whose property, count.
        property: The planned property of that event that is added up; the occurrences alone,
            unless given.
        value: Or the `name` of rows of the table `values`, whose `value` is added up.
    """

    event: str = ""
    property: str = ""
    value: str = ""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if bool(self.event) == bool(self.value):
            raise ValueError("it needs either `event` or `value`: what is counted or added up")
        if self.property and not self.event:
            raise ValueError(f"`property: {self.property}` is of an event: say which")
        return self


class Metric(Amount):
    """One metric of a play, in the window from a unit's moment on.

    Attributes:
        name: What it is called.
        says: What it is, in words for people; its name, unless given.
        of: `share` of units with any, `count` of them per unit, `mean` of what is added up per
            unit, or `ratio` of what is added up over what `per` adds up.
        per: What a ratio is per, such as visits or messages.
        within: How long after the moment; as long as the goal has, unless given.
        winsorize: The share below which values stay as they are: 0.99 draws the largest
            hundredth in to where it begins, arms together.
        role: `primary`: the play is judged by it and no more by its goal; `secondary`: corrected
            with its likes; `guardrail`: it must not get worse by more than `margin`.
        better: Whether `higher` or `lower` is better.
        margin: How much worse a guardrail may get, in its own unit (a share: 0.02).
        smallest_effect: The smallest difference worth having, in its own unit.
    """

    name: Identifier
    says: str = ""
    of: Literal["share", "count", "mean", "ratio"]
    per: Amount | None = None
    within: Duration | None = None
    winsorize: float | None = Field(default=None, gt=0.5, lt=1)
    role: Literal["primary", "secondary", "guardrail"] = "secondary"
    better: Literal["higher", "lower"] = "higher"
    margin: float | None = Field(default=None, gt=0)
    smallest_effect: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _can_be_computed(self) -> Self:
        if (self.of == "ratio") != (self.per is not None):
            raise ValueError(
                "`per` is what a ratio is per: a `ratio` needs it, nothing else has it"
            )
        if self.of == "mean" and self.event and not self.property:
            raise ValueError("a mean needs the `property` that is added up; events alone: `count`")
        if self.of in ("share", "count") and self.property:
            raise ValueError(f"a {self.of} counts events: `property` belongs to a mean or a ratio")
        if self.winsorize and self.of == "share":
            raise ValueError("a share has no large values to `winsorize`")
        if (self.role == "guardrail") != (self.margin is not None):
            raise ValueError(
                "`margin` says how much worse a guardrail may get: a `guardrail` needs it, "
                "nothing else has it"
            )
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """The events that it names."""
        return tuple(filter(None, (self.event, self.per.event if self.per else "")))

    @property
    def words(self) -> str:
        """What it is called before people."""
        return self.says or self.name
