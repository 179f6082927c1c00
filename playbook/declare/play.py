"""`Play`: who gets which message when and why, with its goal, priority and holdout."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from playbook.declare.metric import Metric
from playbook.declare.reading import Duration, Identifier, Names, Noun

Channel = Literal["email", "in_app", "push"]
PRODUCT = "product"  # stands for a channel where the product itself is what differs
Share = Annotated[float, Field(ge=0, lt=1)]
Message = dict[str, str | int | float | bool]
_DESIGN = {
    *("audience", "trigger", "after", "again", "unless", "exits", "having", "suppressed_by"),
    *("goal", "goal_within", "unit", "holdout", "holdout_by"),
}
# Part of the design where they are given: a play without them keeps the version that it had.
_FURTHER = {"arms", "control", "split", "exposure", "until", "measured_on", "metrics"}
CONTROLS = ("holdout", "control")  # what the control may be called without a word
WHOLE = 1e-6  # by which shares that add up to 1 may miss it


def _iso_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f"`{text}` is no day: write 2026-01-31") from error


Day = Annotated[str, AfterValidator(_iso_day)]
Split = dict[str, Annotated[float, Field(gt=0, lt=1)]]


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

    Tests that somebody else draws are plays, too: a campaign's, by a tool, and a flag's, which
    changes the product itself (`channel: product`).

    Attributes:
        slug: Its name: the name of its file.
        says: What the message does for whom, in a sentence.
        draft: Whether it is only designed, and no tool sends it yet.
        live_from: The day (UTC) from which its tool sends it; the beginning of the data, unless
            given. Whoever triggers earlier is in no comparison.
        until: The first day (UTC) after its last one: the test ends. Whoever triggers later is in
            no comparison, and the last look is the one when the last window is over.
        frozen: The `version` of its design when it went live; see `version`.
        looks: How often its effect is looked at; each look spends some of the error allowed.
        audience: Column → the value(s) that people must have.
        channel: How it reaches them; `product`: nothing is sent, the product itself differs.
        destination: The tool that sends it.
        message: What the tool fills in: a subject, a link, the name of a guide.
        trigger: The event that starts the clock.
        exposure: What starts it: the `trigger`; that a unit was `assigned` to its arm, as the log
            says; or the first `message` of it, ghosts included.
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
        measured_on: What is counted: the unit, or `user`: the people of accounts that are assigned.
        priority: The higher one wins when two want the same person.
        holdout: The share of units that never get it.
        holdout_by: Column → {value: share}, where strata hold out other shares.
        salt: What the draw of arms starts from: the slug, unless given. Another salt is
            another version of the play: arms are drawn anew.
        arms: Who draws them: `ours`, from the salt, or whoever filled the table `assignments`
            (`logged`). Unless given, the log where another source than `ours` names the play.
        control: The arm that gets nothing, or what everybody got before: what the others are
            compared with; `holdout` or `control`, unless given.
        split: Arm → the planned share of units, the control's among them; for several treatments,
            or where a log names its arms otherwise.
        metrics: What it is measured by besides its goal.
        smallest_effect: The smallest difference of shares that would be worth having.
    """

    slug: str = ""
    says: str
    draft: bool = False
    live_from: Day | None = None
    until: Day | None = None
    frozen: str = ""
    looks: Duration = "7d"
    audience: dict[str, Names]
    channel: Channel | Literal["product"]
    destination: Identifier | Literal[""] = ""
    message: Message = {}
    trigger: str = ""
    exposure: Literal["trigger", "assigned", "message"] = "trigger"
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
    measured_on: Literal["user", "account"] | None = None
    priority: int = 0
    holdout: Share = 0.1
    holdout_by: dict[str, dict[str, Share]] = {}
    salt: Identifier | None = None
    arms: Literal["ours", "logged"] | None = None
    control: str = ""
    split: Split = {}
    metrics: tuple[Metric, ...] = ()
    smallest_effect: float = Field(default=0.05, gt=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _holds_out_what_it_splits(cls, said: object) -> object:
        """A split says what is held out: the control's share."""
        split = said.get("split") if isinstance(said, dict) else None
        if not isinstance(split, dict) or not split:
            return said
        if "holdout" in said:
            raise ValueError("`split` says how much is held out: leave `holdout` out")
        control = said.get("control") or next((name for name in CONTROLS if name in split), "")
        return said | ({"holdout": split[control]} if control in split else {})

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
        if self.goal and self.goal == self.trigger and not self.again:
            raise ValueError(f"the goal is the trigger, `{self.goal}`: everybody has done it")
        if len(self.holdout_by) > 1:
            columns = ", ".join(f"`{column}`" for column in self.holdout_by)
            raise ValueError(f"`holdout_by` names {columns}: strata are those of one column")
        return self

    @model_validator(mode="after")
    def _can_be_compared(self) -> Self:
        if bool(self.trigger) != (self.exposure == "trigger"):
            raise ValueError(
                "`trigger` names the event that starts the clock: it stands alone, or "
                f"`exposure: {self.exposure}` does"
                if self.trigger
                else "it needs a `trigger`: the event that starts the clock, or another `exposure`"
            )
        if self.exposure == "message" and self.channel == PRODUCT:
            raise ValueError("`exposure: message` of a change in the product, which sends none")
        if self.exposure != "trigger" and self.again:
            raise ValueError(f"`again` is of a trigger, and `exposure` is {self.exposure}")
        if self.channel == PRODUCT and (self.then or self.message or self.destination):
            raise ValueError(
                "`channel: product` sends nothing: no `then`, `message`, `destination`"
            )
        if self.until and self.live_from and self.until <= self.live_from:
            raise ValueError(f"it ends ({self.until}) before it began ({self.live_from})")
        if self.unit == "user" and self.measured_on == "account":
            raise ValueError("people are drawn (`unit: user`): whole accounts cannot be measured")
        return self

    @model_validator(mode="after")
    def _splits_a_whole(self) -> Self:
        if self.split:
            if abs(sum(self.split.values()) - 1) > WHOLE or len(self.split) < 2:
                raise ValueError("`split` gives every arm its share: two at least, together 1")
            if self.control and self.control not in self.split:
                raise ValueError(f"`split` names no share of the control, `{self.control}`")
            if not self.control and not {*CONTROLS} & {*self.split}:
                raise ValueError("`split` names no `holdout`: say which arm is the `control`")
            if self.holdout_by:
                raise ValueError("`split` says how much is held out: leave `holdout_by` out")
        if self.control and self.arms == "ours" and not self.split:
            raise ValueError("arms of ours have the `control` that `split` names, or `holdout`")
        if self.arms == "logged" and (self.holdout_by or self.salt):
            given = "holdout_by" if self.holdout_by else "salt"
            raise ValueError(f"`{given}` is of arms that we draw, and these are `logged`")
        primary = [metric.name for metric in self.metrics if metric.role == "primary"]
        if len(primary) > 1:
            raise ValueError(f"a play is judged by one thing: {' and '.join(primary)} are primary")
        names = [metric.name for metric in self.metrics]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two metrics are called `{twice[0]}`")
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that it names, once."""
        steps = [event for step in self.then for event in (*step.unless, *step.having)]
        named = (self.trigger, self.goal, *self.unless, *self.exits, *self.having, *steps)
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def measured(self) -> str:
        """What is counted: `user` or `account`."""
        return self.measured_on or self.unit

    @property
    def sends(self) -> bool:
        """Whether messages go out: else the product itself differs."""
        return self.channel != PRODUCT

    def is_over(self, as_of: str) -> bool:
        """Whether its end is behind a moment, which is given as ISO writes it."""
        return self.until is not None and self.until <= as_of

    @property
    def is_clustered(self) -> bool:
        """Whether accounts are drawn and their people counted."""
        return self.measured != self.unit

    @property
    def primary(self) -> Metric | None:
        """What it is judged by in place of its goal."""
        return next((metric for metric in self.metrics if metric.role == "primary"), None)

    @property
    def holds_out(self) -> bool:
        """Whether anybody is held out of it."""
        return bool(self.holdout or self.holdout_by or self.split or self.arms == "logged")

    @property
    def is_split_planned(self) -> bool:
        """Whether anybody said what share of units each arm was to have."""
        return bool(self.split or self.holdout_by or "holdout" in self.model_fields_set)

    @property
    def version(self) -> str:
        """Eight hex digits that change whenever who is compared on what does: its design.

        What the message says, what priority it has and who sends it are no part of it.
        """
        design = self.model_dump(mode="json", include=_DESIGN) | {"salt": self.salted}
        design |= self.model_dump(mode="json", include=_FURTHER, exclude_defaults=True)
        return hashlib.sha256(json.dumps(design, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def salted(self) -> str:
        """What the draw of its arms starts from."""
        return self.salt or self.slug
