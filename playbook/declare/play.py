"""`Play`: who gets which message when and why, with its goal, priority and holdout."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from playbook.declare.reading import Duration, Identifier, Names, Noun

Channel = Literal["email", "in_app", "push"]
Share = Annotated[float, Field(ge=0, lt=1)]
Message = dict[str, str | int | float | bool]
_DESIGN = {
    *("audience", "trigger", "after", "again", "unless", "exits", "having", "suppressed_by"),
    *("goal", "goal_within", "unit", "holdout", "holdout_by"),
}


def _iso_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f"`{text}` is no day: write 2026-01-31") from error


Day = Annotated[str, AfterValidator(_iso_day)]


class Step(Noun):
    """A further message of a sequence; its arm is the play's.

    Attributes:
        after: How long after the play's first message would go out.
        channel: How it reaches people; as the first message does, unless given.
        audience: Column → value(s), to narrow the play's audience.
        unless: Events that stop it when they come before its moment.
        having: Events that must have come before its moment.
        message: What the tool fills in: a subject, a link, the name of a guide.
    """

    after: Duration
    channel: Channel | None = None
    audience: dict[str, Names] = {}
    unless: Names = ()
    having: Names = ()
    message: Message = {}


class Play(Noun):
    """A play; every play is an experiment by default.

    Attributes:
        slug: Its name: the name of its file.
        says: What the message does for whom, in a sentence.
        draft: Whether it is only designed, and no tool sends it yet.
        live_from: The day (UTC) from which its tool sends it; the beginning of the data, unless
            given. Whoever triggers earlier is in no comparison.
        frozen: The `version` of its design when it went live; see `version`.
        looks: How often its effect is looked at; each look spends some of the error allowed.
        audience: Column → the value(s) that people must have.
        channel: How it reaches them.
        destination: The tool that sends it.
        message: What the tool fills in: a subject, a link, the name of a guide.
        trigger: The event that starts the clock.
        after: How long after the trigger it goes out.
        again: How long after a trigger the same unit may trigger again; never, unless given.
        unless: Events that stop it when they come before that moment, however long before.
        exits: Events that stop it when they come between the trigger and that moment.
        having: Events that must have come before that moment.
        suppressed_by: Plays: whoever was sent one of them is not sent this one.
        then: The further messages of a sequence. Only the first trigger is clean to measure.
        goal: The event that it wants.
        goal_within: How soon after the moment it would go out.
        unit: What is assigned to an arm as a whole.
        priority: The higher one wins when two want the same person.
        holdout: The share of units that never get it.
        holdout_by: Column → {value: share}, where strata hold out other shares.
        salt: What the draw of arms starts from: the slug, unless given. Another salt is
            another version of the play: arms are drawn anew.
        smallest_effect: The smallest difference of shares that would be worth having.
    """

    slug: str = ""
    says: str
    draft: bool = False
    live_from: Day | None = None
    frozen: str = ""
    looks: Duration = "7d"
    audience: dict[str, Names]
    channel: Channel
    destination: Identifier | Literal[""] = ""
    message: Message = {}
    trigger: str
    after: Duration = "0s"
    again: Duration | None = None
    unless: Names = ()
    exits: Names = ()
    having: Names = ()
    suppressed_by: Names = ()
    then: tuple[Step, ...] = ()
    goal: str
    goal_within: Duration
    unit: Literal["user", "account"] = "user"
    priority: int = 0
    holdout: Share = 0.1
    holdout_by: dict[str, dict[str, Share]] = {}
    salt: Identifier | None = None
    smallest_effect: float = Field(default=0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        for events in (self.unless, *(step.unless for step in self.then)):
            if self.trigger in events:
                raise ValueError(
                    f"the trigger `{self.trigger}` stands under `unless`: it comes before every "
                    "message, so the play would stop itself. Events that count only after the "
                    "trigger stand under `exits`"
                )
        if both := sorted({*self.unless, *self.exits} & set(self.having)):
            raise ValueError(f"`{both[0]}` must have come (`having`) and must not (`unless`)")
        if self.goal == self.trigger and not self.again:
            raise ValueError(f"the goal is the trigger, `{self.goal}`: everybody has done it")
        if len(self.holdout_by) > 1:
            columns = ", ".join(f"`{column}`" for column in self.holdout_by)
            raise ValueError(f"`holdout_by` names {columns}: strata are those of one column")
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that it names, once."""
        steps = [event for step in self.then for event in (*step.unless, *step.having)]
        named = (self.trigger, self.goal, *self.unless, *self.exits, *self.having, *steps)
        return tuple(dict.fromkeys(named))

    @property
    def holds_out(self) -> bool:
        """Whether anybody is held out of it."""
        return bool(self.holdout or self.holdout_by)

    @property
    def version(self) -> str:
        """Eight hex digits that change whenever who is compared on what does: its design.

        What the message says, what priority it has and who sends it are no part of it.
        """
        design = self.model_dump(mode="json", include=_DESIGN) | {"salt": self.salted}
        return hashlib.sha256(json.dumps(design, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def salted(self) -> str:
        """What the draw of its arms starts from."""
        return self.salt or self.slug
