"""`Experiment`: what is believed of plays: one against others, a rollout, or what was tried."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from playbook.declare.metric import Metric
from playbook.declare.play import Day, Play, Split
from playbook.declare.reading import Duration, Names, Noun

FORMS = ("compares", "rollout", "tried", "totals")


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


class Totals(Noun):
    """A test that is known by its totals alone: how many units entered each arm on each day, and
    what these did in their window.

    Attributes:
        test: What the table `totals` calls it; the experiment's name, unless given.
        unit: What was drawn, and counted.
        within: How long after it entered each unit was watched: a day counts when it is over for
            all who entered on it.
        control: The arm that the others are compared with; `holdout` or `control`, unless given.
        split: Arm → the planned share of units.
        since: The first day that counts; the first one of the table, unless given.
        until: The first day after its last one: the test ends.
        looks: How often it is looked at; each look spends some of the error allowed.
        metrics: What is measured: shares and means whose `value` is the table's `metric`.
    """

    test: str = ""
    unit: Literal["user", "account"] = "user"
    within: Duration
    control: str = ""
    split: Split = {}
    since: Day | None = None
    until: Day | None = None
    looks: Duration = "7d"
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_of_totals(self) -> Self:
        for metric in self.metrics:
            if metric.of == "ratio" or metric.winsorize or not metric.value:
                raise ValueError(
                    f"the metric `{metric.name}` is of totals: it is a `share`, `count` or `mean` "
                    "whose `value` is the table's `metric`, without `winsorize`"
                )
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
        totals: A test that is known by its totals alone.
        smallest_effect: The smallest difference of shares worth acting on.
    """

    slug: str = ""
    hypothesis: str
    compares: Names = ()
    rollout: Rollout | None = None
    tried: tuple[Iteration, ...] = ()
    totals: Totals | None = None
    smallest_effect: float = Field(default=0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _puts_something_to_the_test(self) -> Self:
        if not any(getattr(self, form) for form in FORMS):
            raise ValueError("it tests nothing: it needs one of {FORMS}")
        if self.compares and len(set(self.compares)) < 2:
            raise ValueError("`compares` needs two plays: one alone has its holdout")
        if self.totals:
            self._says_how_it_splits()
        return self

    def _says_how_it_splits(self) -> None:
        try:
            _as_it_would_be = self.as_play
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error

    @property
    def as_play(self) -> Play:
        """A test that is known by its totals, as the play that it would be judged as."""
        how, worth = self.totals, {"smallest_effect": self.smallest_effect}
        first, *others = (m.model_copy(update=worth) if _takes(m) else m for m in how.metrics)
        if first.role == "secondary" and not any(m.role == "primary" for m in others):
            first = first.model_copy(update={"role": "primary"})
        given = how.model_dump(include={"unit", "control", "until", "looks"}, exclude_unset=True)
        return Play(
            slug=self.slug,
            says=self.hypothesis,
            audience={},
            channel="product",
            exposure="assigned",
            arms="logged",
            goal=first.name,
            goal_within=how.within,
            live_from=how.since,
            metrics=(first, *others),
            **given | worth | ({"split": dict(how.split)} if how.split else {}),
        )


def _takes(metric: Metric) -> bool:
    """Whether the experiment's smallest effect is that of a metric, too."""
    return metric.of == "share" and metric.smallest_effect is None
