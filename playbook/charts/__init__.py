"""A result as a picture: one chart per shape, drawn live and offline wherever it is shown."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playbook import figures
from playbook.charts import look
from playbook.mistakes import Mistake, listed
from playbook.results import Answer, Result, Unavailable

# JupyterLab 4 draws this type itself; nbformat and nbval take it as JSON.
MIME = "application/vnd.vegalite.v5+json"
# The same for nearly every chart of a report: said in its description and its definition's table.
ASIDE = ("measure", "entry", "order", "ties", "window from", "counted", "left out", "edges")
ASIDE += ("hold", "declared")
NOBODY = "Nobody in the period: there is nothing to draw."


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

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        title, reason = html.escape(self.title), html.escape(self.reason)
        return {
            "text/html": f'<p class="note"><strong>{title}</strong><br>{reason}</p>',
            "text/plain": f"{self.title}\n{self.reason}",
        }


def of(result: Answer, *, title: str) -> Chart | Note:
    """The chart of any result, by its shape.

    Args:
        result: A result, or why there is none.
        title: The subject of the claim, such as "Created a workflow within 24 hours".

    Raises:
        Mistake: The shape has no chart.
    """
    if isinstance(result, Unavailable):
        return Note(title, result.reason)
    return _chart(result, result.shape, title)


def share(result: Answer, *, title: str) -> Chart | Note:
    """One bar per segment with its interval, and who did it again."""
    return _chart(result, "share", title)


def mix(result: Answer, *, title: str) -> Chart | Note:
    """What units did: bars for everybody, or one stacked bar per segment."""
    return _chart(result, "mix", title)


def buckets(result: Answer, *, title: str) -> Chart | Note:
    """When units did it: bars for everybody, or one stacked bar per segment."""
    return _chart(result, "buckets", title)


def steps(result: Answer, *, title: str) -> Chart | Note:
    """One bar per step and what is lost before it; the largest relative loss stands out."""
    return _chart(result, "steps", title)


def trend(
    result: Answer, *, title: str, launches: Mapping[str, Sequence[str]] | None = None
) -> Chart | Note:
    """Lines over periods; periods that are not over are hollow and dashed.

    Args:
        result: A result of shape `trend`.
        title: The subject of the claim.
        launches: Day (as ISO writes it) → what went live on it: each is a rule in its period.
            They explain nothing, and are no part of what is counted.
    """
    return _chart(result, "trend", title, launches=launches or {})


def curve(result: Answer, *, title: str) -> Chart | Note:
    """The share that has reached the goal by each hour, with its band, up to the horizon.

    Where the definition's `share` begins with "not ", or shares fall: what has not arrived yet.
    """
    return _chart(result, "curve", title)


def retention(result: Answer, *, title: str) -> Chart | Note:
    """A triangle of cells: weeks of the start against periods since, darker where more return."""
    return _chart(result, "retention", title)


def effect(result: Answer, *, title: str) -> Chart | Note:
    """Differences with their intervals around zero; what a design cannot support has none."""
    return _chart(result, "effect", title)


def audit(result: Answer, *, title: str) -> Chart | Note:
    """Subjects against checks, by colour and symbol."""
    return _chart(result, "audit", title)


def bounds(result: Answer, *, title: str) -> Chart | Note:
    """A row per question: the answer upon its interval, upon what defects of the data allow."""
    return _chart(result, "bounds", title)


def volume(result: Answer, *, title: str, most: int = 6) -> Chart | Note:
    """A panel per event: what arrives each day against what is usual; anomalies stand out.

    Args:
        result: A result of shape `volume`.
        title: The subject of the claim.
        most: Panels at most: first those with anomalies, then the busiest events.
    """
    return _chart(result, "volume", title, most=most)


def drivers(result: Answer, *, title: str, most: int = 12) -> Chart | Note:
    """A row per behaviour: its difference with interval, and the same within personas.

    Args:
        result: A result of shape `drivers`.
        title: The subject of the claim.
        most: Behaviours at most, the largest differences first.
    """
    return _chart(result, "drivers", title, most=most)


def load(result: Answer, *, title: str, most: int = 91) -> Chart | Note:
    """A bar per day of the last ones, at most `most`: what became of the messages due."""
    return _chart(result, "load", title, most=most)


def _chart(result: Answer, shape: str, title: str, **given: Any) -> Chart | Note:
    if isinstance(result, Unavailable):
        return Note(title, result.reason)
    # Altair takes a second to import.
    from playbook.charts import (
        bars,
        behaviour,
        curves,
        days,
        forest,
        ladder,
        lines,
        matrix,
        panels,
        ranges,
        triangle,
    )

    draw = {
        "share": bars.share,
        "mix": bars.classes,
        "buckets": bars.classes,
        "steps": ladder.steps,
        "trend": lines.trend,
        "curve": curves.curve,
        "effect": forest.effect,
        "audit": matrix.audit,
        "bounds": ranges.bounds,
        "volume": panels.volume,
        "retention": triangle.retention,
        "drivers": behaviour.drivers,
        "load": days.load,
    }
    if result.shape != shape or shape not in draw:
        raise Mistake(
            f"`{result.id}` cannot be drawn as `{shape}`.",
            f"Its shape is `{result.shape}`; there are charts for {listed(draw)}.",
            "use pb.charts.of, or pb.listings.table for a table.",
        )
    rows = look.plain(result.rows)
    if not rows:
        return Note(title, NOBODY)
    return _finished(draw[shape](result, rows, **given), result, title)


def _finished(drawn: Any, result: Result, title: str) -> Chart:
    """A drawing with its titles and its words."""
    picture, notes, said = drawn
    counted = look.definition(result)
    subtitle = [*look.parted(look.definition(result, without=ASIDE), 96), *notes]
    heading: dict[str, Any] = {"text": look.wrapped(title, 60, most=3)}
    spec = picture.to_dict(validate=True)
    spec["title"] = heading | ({"subtitle": subtitle} if subtitle else {})
    spec["config"] = look.config()
    description = "\n".join([f"{title}.", *([counted] if counted else []), *notes, *said])
    spec["description"] = description
    return Chart(spec, description, tuple(figures.of(result)))
