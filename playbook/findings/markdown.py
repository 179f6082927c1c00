"""A finding as Markdown: names that stay text, one line or a list, and what is not available."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playbook.results import Answer, Result, Unavailable, figures

NOBODY = "*Nobody in the period: there is nothing to say.*"
# What Markdown, HTML or MathJax read as more than text; `_` inside a word is text.
SPECIAL = re.compile(r"[\\$`*\[\]<>&~]|(?<![^\W_])_|_(?![^\W_])")
NO_FORMULA = "\u2060"  # a word joiner: Jupyter reads a backslash and a bracket as a formula
CODE = re.compile(r"(`[^`\n]+`)")


@dataclass(frozen=True)
class Finding:
    """One or more computed sentences, as Markdown, with the figures that they state."""

    text: str
    figures: tuple[dict[str, Any], ...] = ()

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/markdown": self.text, "text/plain": self.text}
        if self.figures:
            shown[figures.MIME] = list(self.figures)
        return shown


def together(*found: Finding) -> Finding:
    """Several findings as one list: a bottom line."""
    lines = [finding.text for finding in found if finding.text]
    return Finding(
        "\n".join(line if line.startswith("- ") else f"- {line}" for line in lines),
        tuple(figure for finding in found for figure in finding.figures),
    )


def said(result: Answer, say: Callable[[list], str], *, empty: str = NOBODY) -> Finding:
    """What `say` makes of the rows, `empty` where there are none, or why there is no result."""
    if isinstance(result, Unavailable):
        return Finding(f"*Not available.* {_reason(result.reason)}")
    if not result.rows:
        return Finding(empty)
    return Finding(say(result.rows), tuple(figures.of(result)))


def plain(text: object) -> str:
    """A name from the data as Markdown that shows it as it is, whatever it holds."""
    return _escaped(" ".join(str(text).split()))


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", text.replace("\\", f"\\{NO_FORMULA}"))


def named(result: Result, row: Mapping[str, Any]) -> str:
    """A row's segment in words, as Markdown; "" for everybody."""
    return " · ".join(plain(result.label(row[column])) for column in result.by)


def _reason(text: str) -> str:
    """A reason as Markdown: what it puts into `code` stays so, all else is text."""
    parts = CODE.split(text) if "``" not in text else [text]
    return "".join(part if k % 2 else _escaped(part) for k, part in enumerate(parts))


def bullets(lines: Iterable[str]) -> str:
    """One line as it is, several as a list."""
    lines = list(lines)
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def each_segment(result: Result, rows: list, say: Callable[[list], str]) -> str:
    """A line per segment under its name; the line alone for everybody."""
    segments: dict[tuple, list] = {}
    for row in rows:
        segments.setdefault(tuple(row[column] for column in result.by), []).append(row)
    lines = [(named(result, own[0]), say(own)) for own in segments.values()]
    return bullets(f"**{name}**: {text}" if name else text for name, text in lines)
