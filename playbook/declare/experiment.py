"""`Experiment`: what is believed of plays: one against others, a rollout, or what was tried."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from playbook.declare.play import Day
from playbook.declare.reading import Duration, Names, Noun

FORMS = ("compares", "rollout", "tried")


def _difference_of_shares(value: float) -> float:
    if not -1 <= value <= 1:
        raise ValueError("a difference of shares lies between -1 and 1: 5 points are 0.05")
    return value


Difference = Annotated[float, AfterValidator(_difference_of_shares)]


class Rollout(Noun):
    """A change that accounts got in turns, and nobody was held out of.

    Attributes:
        column: The column of `accounts` with the day on which an account got it; null: not yet.
        event: Or the event whose first occurrence in an account says so.
        goal: The event that it is meant to bring about, week by week.
        every: The length of a period.
        among: Column → the value(s) that accounts must have.
        since: The first day looked at; the run's, unless given.
        until: The first day after; the run's, unless given.
    """

    column: str = ""
    event: str = ""
    goal: str
    every: Duration = "7d"
    among: dict[str, Names] = {}
    since: Day | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _says_when_accounts_got_it(self) -> Self:
        if bool(self.column) == bool(self.event):
            raise ValueError("it needs either `column` or `event`: when an account got it")
        if self.event == self.goal:
            raise ValueError(f"the goal is what says who got it, `{self.goal}`")
        return self


class Iteration(Noun):
    """An earlier version of a play, and what it was found to change.

    Attributes:
        play: The play.
        version: Its design's `version` at the time; "" if nobody noted it.
        says: What was new about it.
        live_from: Its first day.
        until: The first day after.
        difference: The share that did the goal, treated minus held out.
        low, high: Its 95 % interval.
    """

    play: str
    version: str = ""
    says: str = ""
    live_from: Day
    until: Day
    difference: Difference
    low: Difference
    high: Difference

    @model_validator(mode="after")
    def _lies_in_its_interval(self) -> Self:
        if not self.low <= self.difference <= self.high or self.low == self.high:
            raise ValueError("`low` and `high` are the ends of the interval around `difference`")
        if self.live_from >= self.until:
            raise ValueError(f"it ends ({self.until}) before it began ({self.live_from})")
        return self


class Experiment(Noun):
    """A belief about plays, and how it is put to the test.

    A play with a holdout needs no file: it is an experiment by itself.

    Attributes:
        slug: Its name: the name of its file.
        hypothesis: What is believed, in a sentence.
        compares: Plays whose effects are set against that of the first one.
        rollout: A change without a holdout.
        tried: Earlier iterations of plays, the failures too.
        smallest_effect: The smallest difference of shares worth acting on.
    """

    slug: str = ""
    hypothesis: str
    compares: Names = ()
    rollout: Rollout | None = None
    tried: tuple[Iteration, ...] = ()
    smallest_effect: float = Field(default=0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _puts_something_to_the_test(self) -> Self:
        if not any(getattr(self, form) for form in FORMS):
            raise ValueError("it tests nothing: it needs `compares`, `rollout` or `tried`")
        if self.compares and len(set(self.compares)) < 2:
            raise ValueError("`compares` needs two plays: one alone has its holdout")
        return self
