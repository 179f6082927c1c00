"""Everything about a result in one cell: its chart, its sentence, its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playbook import charts, findings
from playbook.results import Answer, Result, listings

WORDS = "{within}"  # in a title or a sentence: the window of the result, in words


class Shown:
    """What a cell shows, one below the other."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for part in self.parts:
            display(part)


def show(
    result: Answer | Sequence[Answer],
    *,
    title: str = "",
    says: str = "",
    whole: Answer | None = None,
    **given: Any,
) -> Shown:
    """A result's chart and its sentence; the sentence alone of what has no chart.

    Args:
        result: A result, or why there is none; of several the sentences, as a list.
        title: The subject of the chart, such as "Saved a workflow within {within}".
        says: What the numbers are of, such as "of new people save a workflow within {within}".
        whole: What the sentence is about, where it is not what is drawn: everybody, of segments.
        given: What its chart may be told besides; see `playbook.charts.of`.
    """
    drawn = isinstance(result, Result) and title
    parts = [charts.of(result, title=_filled(title, result), **given)] if drawn else []
    told = result if whole is None else whole
    if not isinstance(told, Result) or findings.has(told):
        parts.append(findings.of(told, _filled(says, told)))
    return Shown(*parts)


def shown(result: Result) -> None:
    """Displays a result that stands bare in a cell: its chart, its sentence and its table."""
    title = result.asks or result.question.replace("_", " ").capitalize()
    parts = [charts.of(result, title=title)] if charts.has(result) else []
    parts += [findings.of(result)] if findings.has(result) else []
    Shown(*parts, listings.table(result))._ipython_display_()


def _filled(text: str, result: Answer | Sequence[Answer]) -> str:
    return text.replace(WORDS, getattr(result, "within", ""))
