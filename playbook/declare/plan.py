"""`DataPoint`: one planned event with its properties, owner, destinations and purposes."""

from __future__ import annotations

from typing import Literal

from playbook.declare.reading import Names, Noun


class Property(Noun):
    """A property of an event: its type, its meaning, and the values it may have."""

    type: Literal["string", "int64", "float64", "boolean", "timestamp"] = "string"
    says: str = ""
    required: bool = False
    values: tuple[str, ...] = ()


class DataPoint(Noun):
    """One planned event.

    Attributes:
        event: Its name.
        says: What happened, in a sentence.
        owner: Who answers for it.
        was: Names that it had before; they count as the event.
        properties: Name → property.
        destinations: Where it is consumed → for what purpose.
    """

    event: str
    says: str
    owner: str = ""
    was: Names = ()
    properties: dict[str, Property] = {}
    destinations: dict[str, str] = {}
