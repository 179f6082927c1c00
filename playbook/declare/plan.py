"""`DataPoint`: one planned event with its properties, owner, destinations and purposes."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import model_validator

from playbook.declare.reading import Names, Noun

# What engines refuse in a pattern: looking around or back, conditions, possessive repetition.
_LACKING = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=)|[*+?}]\+")
_PLAIN = re.compile(r"\\.|\[(?:\\.|[^\]])*\]")  # escaped characters and classes
_BACK = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
NUMBERS = {"int64", "float64"}


class Property(Noun):
    """A property of an event: its type, its meaning, and the values it may have.

    Attributes:
        type: Its type.
        says: What it means.
        required: Whether every event carries it.
        values: The values that it may have; none: any.
        pattern: A regular expression that its text must match somewhere.
        least: The smallest number that it may be.
        most: The largest.
    """

    type: Literal["string", "int64", "float64", "boolean", "timestamp"] = "string"
    says: str = ""
    required: bool = False
    values: tuple[str, ...] = ()
    pattern: str = ""
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _has_rules_that_fit(self) -> Self:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"`pattern` is no regular expression: {error}") from None
        if _LACKING.search(_PLAIN.sub("", self.pattern)) or _BACK.search(self.pattern):
            raise ValueError(
                "`pattern` looks around or back, or is possessive: no engine does that"
            )
        if self.pattern and self.type != "string":
            raise ValueError("`pattern` is a rule for a string")
        if (self.least is not None or self.most is not None) and self.type not in NUMBERS:
            raise ValueError("`least` and `most` are rules for a number")
        return self


class Follows(Noun):
    """What must come first: an event never happens before another one of the same thing.

    Attributes:
        event: The event that comes first.
        by: The column of `events` that says which thing: a property, `user_id` …
    """

    event: str
    by: str


class DataPoint(Noun):
    """One planned event.

    Attributes:
        event: Its name.
        says: What happened, in a sentence.
        owner: Who answers for it.
        was: Names that it had before; they count as the event.
        properties: Name → property.
        destinations: Where it is consumed → for what purpose.
        follows: What must come first, such as a sign-up before a verification.
    """

    event: str
    says: str
    owner: str = ""
    was: Names = ()
    properties: dict[str, Property] = {}
    destinations: dict[str, str] = {}
    follows: tuple[Follows, ...] = ()
