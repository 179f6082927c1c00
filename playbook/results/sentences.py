"""What a result says: sentences as Markdown, and the figures of every number that they state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playbook.language import wording
from playbook.language.wording import escaped, plain
from playbook.results import UNTOLD, Answer, Result, Rows, Unavailable, figures

CODE = re.compile(r"(`[^`\n]+`)")


@dataclass(frozen=True)
class Finding:
    """One or more computed sentences, as Markdown, with the figures that they state.

    Attributes:
        text: The sentences.
        figures: Their numbers, as rows to keep.
        untold: Why nothing is told, where that is so.
    """

    text: str
    figures: tuple[dict[str, Any], ...] = ()
    untold: str = field(default="", compare=False)

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/markdown": self.text, "text/plain": self.text}
        if self.untold:
            shown[UNTOLD] = {"why": self.untold}
        if self.figures:
            shown[figures.MIME] = list(self.figures)
        return shown


class Told:
    """Writes the numbers of a sentence that stand in no row, and keeps each as a figure.

    Attributes:
        result: What is told.
        segment: Whom the numbers are of, as figures name it; "" is everybody.
        figures: The rows to keep.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        self.segment = ""
        self.figures: list[dict[str, Any]] = []

    def count(self, name: str, n: float | None, noun: str = "") -> str:
        """A count, of a thing where one is named: "1,234", "1 event"."""
        self.kept(name, n, kind="count")
        return wording.times(int(n or 0), noun) if noun else wording.count(n)

    def share(
        self,
        name: str,
        share: float | None,
        n: int | None = None,
        *,
        ends: tuple[float | None, float | None] = (None, None),
    ) -> str:
        """A share of n: "38.2 %"; of too few, that they are."""
        self.kept(name, share, kind="share", n=n, ends=ends)
        if share is not None and n is not None and n < self.result.min_n:
            return wording.too_few(n)
        return wording.percent(share)

    def points(
        self,
        name: str,
        difference: float | None,
        n: int | None = None,
        *,
        ends: tuple[float | None, float | None] = (None, None),
    ) -> str:
        """A difference of shares: "+3.1"."""
        self.kept(name, difference, kind="points", n=n, ends=ends)
        return wording.points(difference)

    def kept(
        self,
        name: str,
        value: float | None,
        *,
        kind: str,
        n: int | None = None,
        ends: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """Keeps a number that the sentence writes in its own way."""
        name = name.replace(" ", "_")
        self.figures.append(
            figures.figure(
                self.result, name, value, kind=kind, n=n, ends=ends, segment=self.segment
            )
        )


Says = Callable[[Result, Told, str], str]


def said(result: Answer, words: str = "", *, says: Says) -> Finding:
    """What a sentence makes of a result, or why there is none.

    Args:
        result: A result, or why there is none.
        words: What the numbers are of, such as "of new people save a workflow".
        says: Makes the sentence of the result, of what keeps its numbers, and of `words`.
    """
    if isinstance(result, Unavailable):
        reason = reason_said(result.reason)
        return Finding(f"*Not available.* {reason}", untold=result.reason)
    told = Told(result)
    text = says(result, told, words) if result.rows else result.nothing
    # Whoever is left out is said by what says the answer, and not by all that follows from it.
    if result.older and not result.says and (n := result.older()):
        told.segment = ""
        left = f"{told.count('older', n)} from before the log {'is' if n == 1 else 'are'} left out."
        text += f"\n- {left}" if text.startswith("- ") else f" {left}"
    kept = {(row["figure"], row["segment"]): row for row in told.figures}
    kept |= {(row["figure"], row["segment"]): row for row in figures.of(result)}
    return Finding(text, tuple(kept.values()))


def together(*found: Finding) -> Finding:
    """Several findings as one list, each line once: a bottom line."""
    lines = dict.fromkeys(finding.text for finding in found if finding.text)
    untold = [finding.untold for finding in found]
    return Finding(
        "\n".join(line if line.startswith("- ") else f"- {line}" for line in lines),
        tuple(figure for finding in found for figure in finding.figures),
        untold=untold[0] if untold and all(untold) else "",
    )


def named(result: Result, row: Mapping[str, Any]) -> str:
    """A row's segment in words, as Markdown; "" for everybody."""
    return plain(result.segment_names[result.segment(row)])


def not_known(what: str, why: str) -> str:
    """The one way in which a sentence says that nobody can tell: unknown is not zero."""
    return f"Not known: {what}, because {why}."


def bullets(lines: Iterable[str]) -> str:
    """One line as it is, several as a list."""
    lines = list(lines)
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def each_segment(result: Result, told: Told, words: str, say: Callable[[Rows, str], str]) -> str:
    """A line per segment under its name; the line alone for everybody.

    What the result itself says that its numbers are of stands in the first line alone.
    """
    segments: dict[str, Rows] = {}
    for row in result.rows:
        segments.setdefault(result.segment(row), []).append(row)
    lines = []
    for told.segment, own in segments.items():
        again = bool(lines) and words == result.words
        name, text = named(result, own[0]), say(own, "" if again else words)
        lines.append(f"**{name}**: {text}" if name else text)
    return bullets(lines)


def reason_said(text: str) -> str:
    """A reason as Markdown: what it puts into `code` stays so, all else is text."""
    parts = CODE.split(text) if "``" not in text else [text]
    return "".join(part if k % 2 else escaped(part) for k, part in enumerate(parts))
