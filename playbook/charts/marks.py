"""Pieces that several charts are drawn with: labels, columns of text, axes, tooltips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from playbook.charts import look

LINE = 14  # pixels of a line of a label
PERCENT = "format(datum.value * 100, '.3~g') + ' %'"


def rows(field: str, names: Sequence[str]) -> alt.Y:
    """One band per name, in the given order; `labels` writes the names."""
    return alt.Y(f"{field}:N", title=None, axis=None).scale(domain=list(names))


def labels(names: Sequence[str], size: float, *, loud: Sequence[str] = ()) -> alt.TopLevelMixin:
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
        found += [text.encode(x=alt.value(-8), y=pixels("at"), text="said:N")] if own else []
    return found[0] if len(found) == 1 else alt.layer(*found)


def pixels(field: str) -> alt.Y:
    """A field that holds pixels from the top."""
    return alt.Y(f"{field}:Q", scale=None, axis=None, title=None)


def columns(
    base: alt.Chart, heads: Mapping[str, str], widths: Mapping[str, int], width: int, *, bold: str
) -> list[alt.Chart]:
    """Fields as columns of text to the right of a plot, right-aligned under quiet heads."""
    found, right = [], width
    for field, head in heads.items():
        right += widths[field]
        text = base.mark_text(align="right", fontWeight="bold" if field == bold else "normal")
        found.append(text.encode(x=alt.value(right), text=f"{field}:N"))
        heading = alt.Chart(alt.Data(values=[{"head": head}])).mark_text(
            align="right", color=look.MUTED, fontSize=11
        )
        found.append(heading.encode(x=alt.value(right), y=alt.value(-9), text="head:N"))
    return found


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
