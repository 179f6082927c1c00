"""A violation: one defect of plan, data or play, as the topic that finds it says it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from playbook.results.columns import COUNT, KEY, MOMENT, NUMBERS, TEXT, Column, share_of

VIOLATION = {"check": KEY, "subject": KEY, "seen": TEXT, "expected": TEXT, "where": TEXT}
VIOLATION |= {"since": MOMENT, "rows": COUNT, "of": COUNT, "share": share_of("of")}
VIOLATION |= {"severity": TEXT, "questions": COUNT, "moves": Column("moved"), "owner": TEXT}


@dataclass(frozen=True)
class Violation:
    """A defect before its weight is known: the columns of its row, and what weighs it.

    Attributes:
        rows: How many rows it touches, `of` how many; None where it is not about rows.
        blocks: Whether a question has no answer for it.
        minor: Whether it is a note, however much it touches.
        defect: Begins the name of what `bounds_of` recounts for it.
        property: What it is about, where it is not the whole subject.
        elsewhere: Whether it touches no question.
    """

    check: str
    subject: str
    seen: str
    _: KW_ONLY
    expected: str = "none"
    rows: int | None = None
    of: int | None = None
    where: str = ""
    since: str = ""
    blocks: bool = False
    minor: bool = False
    defect: str = ""
    property: str | None = None
    elsewhere: bool = False


def violation_row(**said: Any) -> dict[str, Any]:
    """A violation with all of its columns; what is not said is empty."""
    empty = {name: None if column.kind in NUMBERS else "" for name, column in VIOLATION.items()}
    return empty | said
