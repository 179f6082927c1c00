"""`Play`: who gets which message when and why, with its goal, priority and holdout."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from playbook.declare.reading import Duration, Names, Noun


class Play(Noun):
    """A play; every play is an experiment by default.

    Attributes:
        slug: Its name: the name of its file.
        says: What the message does for whom, in a sentence.
        audience: Column → the value(s) that people must have.
        channel: How it reaches them.
        destination: The tool that sends it.
        trigger: The event that starts the clock.
        after: How long after the trigger it goes out.
        unless: Events that stop it when they come before that moment.
        having: Events that must have come before that moment.
        goal: The event that it wants.
        goal_within: How soon after the moment it would go out.
        unit: What is assigned to an arm as a whole.
        priority: The higher one wins when two want the same person.
        holdout: The share of units that never get it.
    """

    slug: str = ""
    says: str
    audience: dict[str, Names]
    channel: Literal["email", "in_app", "push"]
    destination: str = ""
    trigger: str
    after: Duration = "0s"
    unless: Names = ()
    having: Names = ()
    goal: str
    goal_within: Duration
    unit: Literal["user", "account"] = "user"
    priority: int = 0
    holdout: float = Field(default=0.1, ge=0, lt=1)
