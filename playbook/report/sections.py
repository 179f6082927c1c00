"""The sections of an executed notebook: what each tells, and which part of the guide nobody asks.

A section is what stands under a heading of the second level; of a notebook without any, all of
it. What its cells show says by its type whether it is told: see `results.UNTOLD`, and `views`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import nbformat

from playbook.results import UNTOLD
from playbook.views import HEADING, UNASKED

BOTTOM_LINE, METHOD, PARAMETERS = "bottom-line", "method", "parameters"
APART = {BOTTOM_LINE, METHOD, PARAMETERS, "injected-parameters"}  # these answer nothing themselves
SECTION = "## "


@dataclass(frozen=True)
class Told:
    """How much a notebook tells.

    Attributes:
        answered: How many of its sections tell anything.
        of: How many sections it has, without those that nobody asks for.
        because: Why the others tell nothing: the reason that most of them give.
        unasked: The parts of the guide that nobody asks for, and what each would tell.
    """

    answered: int
    of: int
    because: str
    unasked: tuple[str, ...]

    @property
    def state(self) -> str:
        """`ok`, `partial`, or `blank`, where nothing is told at all."""
        if not self.answered:
            return "blank"
        return "ok" if self.answered == self.of else "partial"

    @property
    def in_words(self) -> str:
        """Such as "3 of 9 sections: no messages are mapped"."""
        text = f"{self.answered} of {self.of} sections"
        return f"{text}: {self.because}" if self.because else text


def told(cells: Sequence[Any]) -> Told:
    """How much the cells of an executed notebook tell."""
    before, sections = _sections(cells)
    own = sum(bool(_outputs(section)) for section in sections or [before])
    blank = untold(cells)
    reasons = Counter({why.partition(". ")[0]: len(heads) for why, heads in blank.items()})
    because = reasons.most_common(1)[0][0].rstrip(".") if reasons else ""
    return Told(own - sum(map(len, blank.values())), own, because, unasked(cells))


def untold(cells: Sequence[Any]) -> dict[str, list[str]]:
    """Why sections tell nothing → their headings."""
    found: dict[str, list[str]] = {}
    for section in _sections(cells)[1]:
        if why := _why_untold(section):
            head = section[0].source.splitlines()[0].removeprefix(SECTION)
            found.setdefault(why, []).append(head)
    return found


def unasked(cells: Sequence[Any]) -> tuple[str, ...]:
    """What the parts of the guide that nobody asks for would tell, each once."""
    every = (each.get("data", {}).get(UNASKED) for cell in cells for each in _shown_by(cell))
    return tuple(dict.fromkeys(found["text"] for found in every if found and found["text"]))


def shown(cells: Sequence[Any]) -> list[Any]:
    """The cells without sections that tell nothing, without cells that have nothing to show, and
    without what introduces these alone.

    A cell shows nothing where its product declares nothing of the kind.
    """
    kept, sections = _sections(cells)
    for section in sections:
        first, *others = _split(section, lambda _cell: True)
        blocks = [block for block in (first, *others) if not _is_blank(block)]
        if _why_untold(section) or not blocks:
            continue
        if blocks[0] is not first:
            head = first[0].source.splitlines()[0]
            kept.append(nbformat.from_dict({**first[0], "source": head}))
        kept += [cell for block in blocks for cell in block if not _is_silent(cell)]
    return kept


def _sections(cells: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
    """What stands before the first section, and the sections."""
    parts = _split(cells, lambda cell: cell.source.startswith(SECTION))
    begins = bool(parts) and parts[0][0].source.startswith(SECTION)
    begins = begins and parts[0][0].cell_type == "markdown"
    return ([], parts) if begins else ((parts[0] if parts else []), parts[1:])


def _split(cells: Sequence[Any], begins: Callable[[Any], bool]) -> list[list[Any]]:
    """Cells in parts that begin with certain texts."""
    found: list[list[Any]] = []
    for cell in cells:
        if not found or (cell.cell_type == "markdown" and begins(cell)):
            found.append([])
        found[-1].append(cell)
    return found


def _why_untold(section: Sequence[Any]) -> str:
    """Why a section tells nothing, as its first result says it; "" if it tells anything."""
    outputs = _outputs(section)
    reasons = [output.get("data", {}).get(UNTOLD, {}).get("why") for output in outputs]
    return reasons[0] if reasons and all(reasons) else ""


def _is_blank(block: Sequence[Any]) -> bool:
    """Whether cells have code, and none of them shows anything."""
    code = [cell for cell in block if cell.cell_type == "code"]
    return bool(code) and all(map(_is_silent, code))


def _is_silent(cell: Any) -> bool:
    """Whether a cell shows nothing but that nobody asks for it."""
    outputs = _shown_by(cell)
    return bool(outputs) and all(UNASKED in output.get("data", {}) for output in outputs)


def _outputs(section: Sequence[Any]) -> list[Any]:
    """What is shown in a section besides headings, and besides what is told elsewhere."""
    apart = {HEADING, UNASKED}
    return [
        output
        for cell in section
        if not set(cell.metadata.get("tags", [])) & APART
        for output in _shown_by(cell)
        if not apart & set(output.get("data", {}))
    ]


def _shown_by(cell: Any) -> list[Any]:
    return cell.get("outputs", []) if cell.cell_type == "code" else []
