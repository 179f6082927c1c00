"""`Experiment`: which plays are compared, when, on what outcome; or a rollout without a holdout."""

from __future__ import annotations

from typing import Literal

from playbook.declare.reading import Names, Noun


class Experiment(Noun):
    """A comparison between plays.

    Attributes:
        slug: Its name: the name of its file.
        hypothesis: What is believed, in a sentence.
        compares: The plays.
        unit: What is assigned.
        start: First day.
        end: First day after.
        guardrails: What must not get worse.
        smallest_effect: The smallest difference of shares worth acting on.
    """

    slug: str = ""
    hypothesis: str
    compares: Names
    unit: Literal["user", "account"] = "user"
    start: str
    end: str
    guardrails: Names = ()
    smallest_effect: float
