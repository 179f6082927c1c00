"""`Engine`: what a run may take of a machine, or of a warehouse."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from playbook.declare.reading import Noun, parse, read_text


def _size(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*(\.[0-9]+)? ?[MGT]i?B", text):
        raise ValueError(f"`{text}` is no size: write 900MB or 4GB")
    return text


class Engine(Noun):
    """What a run may take of the machine, where the engine runs in its own process, or of a server.

    Attributes:
        memory: What the engine may hold in memory, such as `4GB`; it writes to disk what is
            more. Four fifths of the machine's, unless given.
        threads: How many cores it may use at once; all, unless given.
        spill: The folder for what does not fit in memory, from the project's folder; that
            folder itself, unless given.
        scratch: Of a server, the schema for tables that the session keeps, where it may make no
            temporary ones; they are gone with the session.
    """

    memory: Annotated[str, AfterValidator(_size)] | None = None
    threads: int | None = Field(default=None, ge=1)
    spill: str = "."
    scratch: str = ""


def engine_of(said: str) -> Engine:
    """What a run's `engine` says: a piece of YAML such as `memory: 4GB, threads: 2`."""
    place = "The run's `engine`"
    return parse(read_text(f"{{{said}}}", place), Engine, place=place)
