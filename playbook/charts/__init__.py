"""A result as a picture: one chart per shape, drawn live and offline wherever it is shown."""

from __future__ import annotations

import html
import importlib.util
from dataclasses import dataclass
from typing import Any

from playbook.charts import look
from playbook.language.mistakes import Mistake
from playbook.results import UNTOLD, Answer, Result, Unavailable, figures

# JupyterLab 4 draws this type itself; nbformat and nbval take it as JSON.
MIME = "application/vnd.vegalite.v5+json"
# The same for nearly every chart of a report: said in its description and its definition's table.
ASIDE = ("measure", "entry", "order", "ties", "window from", "counted", "left out", "edges")
ASIDE += ("hold", "declared")
NOTHING = "There is nothing to draw."


@dataclass(frozen=True)
class Chart:
    """A picture as plain Vega-Lite, and what it shows in words.

    Attributes:
        spec: Vega-Lite as JSON with its data inline.
        description: What a person who cannot see it reads.
        figures: The numbers that it shows, as rows to keep.
    """

    spec: dict[str, Any]
    description: str
    figures: tuple[dict[str, Any], ...] = ()

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        shown: dict[str, Any] = {MIME: self.spec, "text/plain": self.description}
        if self.figures:
            shown[figures.MIME] = list(self.figures)
        return shown


@dataclass(frozen=True)
class Note:
    """What stands in the place of a chart that cannot be drawn, and why."""

    title: str
    reason: str
    is_untold: bool = False

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        title, reason = html.escape(self.title), html.escape(self.reason)
        shown: dict[str, Any] = {
            "text/html": f'<p class="note"><strong>{title}</strong><br>{reason}</p>',
            "text/plain": f"{self.title}\n{self.reason}",
        }
        return shown | ({UNTOLD: {"why": self.reason}} if self.is_untold else {})


def has(result: Result) -> bool:
    """Whether there is a chart for the result's shape."""
    return importlib.util.find_spec(_file(result)) is not None


def of(result: Answer, *, title: str = "", **given: Any) -> Chart | Note:
    """The chart of any result, by its shape.

    Args:
        result: A result, or why there is none.
        title: The subject of the claim; that of the result itself, unless given.
        given: What the chart of that shape may be told besides: `launches` of a `trend` (day →
            what went live on it), `most` rows or panels of `volume`, `drivers` and `load`.

    Raises:
        Mistake: The shape has no chart.
    """
    if isinstance(result, Unavailable):
        return Note(title or "Not available", result.reason, is_untold=True)
    title = title or result.title
    if not has(result):
        raise Mistake(
            f"`{result.id}` has no chart.",
            f"Its shape is `{result.shape}`.",
            "use pb.listings.table for a table.",
        )
    rows = look.json_rows(result.rows)
    if not rows:
        return Note(title, NOTHING)
    drawing = importlib.import_module(_file(result))  # by name: Altair takes a second to import
    return _titled(drawing.draw(result, rows, **given), result, title)


def _file(result: Result) -> str:
    """The module that draws a shape, which is named after it."""
    return f"{__name__}.{result.shape}"


def _titled(drawn: Any, result: Result, title: str) -> Chart:
    """A drawing with its titles and its words."""
    picture, notes, said = drawn
    counted = look.how_counted(result)
    said_twice = look.in_words(result, title) if title == result.title else ()
    subtitle = [*look.parted(look.how_counted(result, without=(*ASIDE, *said_twice)), 96), *notes]
    heading: dict[str, Any] = {"text": look.wrapped(title, 60, most=3)}
    spec = picture.to_dict(validate=True)
    spec["title"] = heading | ({"subtitle": subtitle} if subtitle else {})
    spec["config"] = look.config()
    description = "\n".join([f"{title}.", *([counted] if counted else []), *notes, *said])
    spec["description"] = description
    return Chart(spec, description, tuple(figures.of(result)))
