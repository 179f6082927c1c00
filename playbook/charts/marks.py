"""Pieces that several charts are drawn with: boards of rows, labels, axes, tooltips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import altair as alt

from playbook.charts import look
from playbook.charts.look import Rows

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]  # a picture, its notes, and it in words
Layers = list[alt.TopLevelMixin]
LINE = 14  # pixels of a line of a label
PERCENT = "format(datum.value * 100, '.3~g') + ' %'"


def board(
    rows: Rows,
    heads: Mapping[str, str],
    plot: Callable[[alt.Chart, int], Layers],
    *,
    height: int,
    bold: str = "",
    y: alt.Y | None = None,
    least: int = 170,
    spare: int = 0,
) -> alt.LayerChart:
    """Rows with their names at the left, a plot, and columns of text at the right.

    Args:
        rows: From the top, with a text for each of `heads`.
        heads: Field → the head of its column.
        plot: Gives the plot's layers from a chart of the rows and the pixels that are its width.
        height: Pixels of all rows together.
        bold: The field whose column is bold.
        y: Where a row stands; by default in a band of its own, with its `name` beside it.
        least: Pixels that the plot has at least.
        spare: Pixels that stay free between the plot and the edge, besides the columns.
    """
    names = [] if y else [row["name"] for row in rows]
    texts = {field: [head, *(row[field] for row in rows)] for field, head in heads.items()}
    widths = {field: look.column(own) for field, own in texts.items()}
    width = max(least, look.WIDTH - look.room(names) - sum(widths.values()) - spare)
    base = alt.Chart().encode(y=y or bands("name", names))
    layers = [*plot(base, width), *([row_labels(names, height / len(names))] if names else [])]
    right = width
    for field, head in heads.items():
        right += widths[field]
        layers += _text_column(base, field, head, right, is_bold=field == bold)
    picture = alt.layer(*layers, data=alt.Data(values=rows))
    return picture.properties(width=width, height=height)


def _text_column(base: alt.Chart, field: str, head: str, right: int, *, is_bold: bool) -> Layers:
    """A field as text that ends at a pixel, under a quiet head."""
    text = base.mark_text(align="right", fontWeight="bold" if is_bold else "normal")
    style = {"align": "right", "color": look.MUTED, "fontSize": 11}
    heading = alt.Chart(alt.Data(values=[{"head": head}])).mark_text(**style)
    return [
        text.encode(x=alt.value(right), text=f"{field}:N"),
        heading.encode(x=alt.value(right), y=alt.value(-9), text="head:N"),
    ]


def bands(field: str, names: Sequence[str]) -> alt.Y:
    """One band per name, in the given order; `row_labels` writes the names."""
    return alt.Y(f"{field}:N", title=None, axis=None).scale(domain=list(names))


def row_labels(names: Sequence[str], size: float, *, loud: Sequence[str] = ()) -> alt.TopLevelMixin:
    """Names to the left of their bands, each in the middle however many lines it has.

    Args:
        names: One per band, from the top.
        size: Pixels of a band.
        loud: Of the names, those that nobody may overlook.
    """
    values = [
        {"said": name, "at": round(size * (i + 0.5) - LINE / 2 * name.count("\n"), 1)}
        for i, name in enumerate(names)
    ]
    found = []
    for marked in (False, True):
        own = [value for value in values if (value["said"] in loud) == marked]
        style = {"fontWeight": "bold", "color": look.ORANGE} if marked else {}
        text = alt.Chart(alt.Data(values=own)).mark_text(align="right", lineHeight=LINE, **style)
        found += [text.encode(x=alt.value(-8), y=from_top("at"), text="said:N")] if own else []
    return found[0] if len(found) == 1 else alt.layer(*found)


def from_top(field: str) -> alt.Y:
    """A field that holds pixels from the top."""
    return alt.Y(f"{field}:Q", scale=None, axis=None, title=None)


def from_left(field: str) -> alt.X:
    """A field that holds pixels from the left."""
    return alt.X(f"{field}:Q", scale=None, axis=None, title=None)


def headed(panel: alt.LayerChart, heading: str, *, offset: int) -> alt.LayerChart:
    """A panel of several, so many pixels below its heading; alone it needs none."""
    if not heading:
        return panel
    return panel.properties(title=alt.Title(heading, fontSize=13, frame="bounds", offset=offset))


def quiet(base: alt.Chart, field: str, x: int) -> alt.Chart:
    """A remark in the place of a value."""
    text = base.mark_text(align="left", color=look.MUTED, fontStyle="italic")
    return text.transform_filter(f"datum.{field} != ''").encode(x=alt.value(x), text=f"{field}:N")


def percents(**given: object) -> alt.Axis:
    """An axis of shares, in per cent."""
    quiet_axis = {"grid": True, "tickCount": 5, "title": None, "labelColor": look.MUTED}
    return alt.Axis(labelExpr=PERCENT, labelFlush=False, **(quiet_axis | given))


def tips(fields: Mapping[str, str]) -> list[alt.Tooltip]:
    """A tooltip of fields that are text already, under their titles."""
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()]


def top(most: float, *, least: float = 0.05) -> float:
    """The end of an axis of shares that begins at zero, and never before `least`."""
    ends = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
    return next((end for end in ends if most <= end and end >= least), 1.0)
