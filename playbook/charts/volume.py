"""Small panels, one below the other: what arrives each day, against what is usual."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn
from playbook.findings.quality import instead_of, strangeness
from playbook.language.wording import about, count, day, times
from playbook.results import Result

LEFT, HIGH, LOW = 46, 104, 62  # pixels: of the axis, of a panel alone, of a panel among others
FEW = 2  # panels that may be high
MONTHS = 70  # days, from which on months are ticks
MILLISECONDS = 86_400_000  # of a day
SMALL = {"labelColor": look.MUTED, "labelFontSize": 11}
DOT = {"size": 64, "opacity": 1, "stroke": look.WHITE, "strokeWidth": 1}
NUMBERS = ("n", "low", "high")
SAID = 12  # anomalies that the description tells
Panel = tuple[str, Rows]


def draw(result: Result, rows: Rows, most: int = 6) -> Drawn:
    """A panel per event: first where something is out of the ordinary, then the busiest."""
    panels = sorted(_rows_by_event(result, rows).items(), key=_panel_order)
    shown, rest = panels[:most], len(panels) - most
    days = look.every_day(rows)
    width = look.WIDTH - LEFT
    height = HIGH if len(shown) <= FEW else LOW
    drawn = [
        _event_panel(i, panel, days, (width, height), last=i == len(shown) - 1)
        for i, panel in enumerate(shown)
    ]
    picture = alt.vconcat(*drawn, spacing=10, data=_data(shown, days))
    picture = picture.transform_flatten(
        ["day", *(f"{k}{i}" for i in range(len(shown)) for k in NUMBERS)]
    )
    picture = picture.transform_calculate(at="toNumber(toDate(datum.day))")
    notes = ["Blue: seen each day. Pale: what is usual. Orange: out of the ordinary."]
    if rest > 0:
        calm = not any(row["anomaly"] for _, own in panels[most:] for row in own)
        notes.append(f"{times(rest, 'event')} not shown" + (", all as usual." if calm else "."))
    return picture, notes, _anomalies_said(panels)


def _rows_by_event(result: Result, rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(result.label(row["event"]), []).append(row)
    return found


def _panel_order(panel: Panel) -> tuple[float, float]:
    _name, rows = panel
    return -max((_oddness(row) for row in rows), default=0), -sum(row["n"] or 0 for row in rows)


def _oddness(row: dict[str, Any]) -> float:
    """Nothing for a usual day; an anomaly counts however near it is."""
    return 1e-9 + strangeness(row) if row["anomaly"] else 0.0


def _data(panels: list[Panel], days: list[str]) -> alt.Data:
    """One row of lists, that each day stands in it once; a day without a row breaks the line."""
    lists: dict[str, list] = {"day": days}
    for i, (_name, rows) in enumerate(panels):
        own = {row["day"][:10]: row for row in rows}
        for key in NUMBERS:
            lists[f"{key}{i}"] = [_to_be_seen(own.get(day, {}).get(key)) for day in days]
    return alt.Data(values=[lists])


def _to_be_seen(value: float | None) -> float | None:
    """A number with as many digits as can be seen."""
    if value is None:
        return None
    return round(value) if value >= 100 or value == int(value) else round(value, 1)


def _event_panel(
    i: int, panel: Panel, days: list[str], size: tuple[int, int], *, last: bool
) -> alt.LayerChart:
    """An event's panel: its numbers are the i-th; the last panel carries the dates."""
    name, rows = panel
    width, height = size
    ends = [row[key] for row in rows for key in ("n", "high") if row[key] is not None]
    most = round(max([1, *ends]) * 1.04, 3)  # engines add up in any order: the last digits vary
    y = alt.Y(f"n{i}:Q", title=None).scale(domain=[0, most], nice=False)
    y = y.axis(grid=True, tickCount=2, format=",~r", minExtent=LEFT - 8, **SMALL)
    base = alt.Chart().encode(x=_day_axis(days, labels=last))
    layers = []
    if any(row["low"] is not None and row["high"] is not None for row in rows):
        band = base.mark_area(color=look.SHADES[4], opacity=0.8)
        layers.append(band.encode(y=alt.Y(f"low{i}:Q"), y2=f"high{i}:Q"))
    layers.append(base.mark_line(color=look.BLUE, strokeWidth=1.3).encode(y=y))
    if odd := [_odd(row) for row in rows if row["anomaly"]]:
        dot = alt.Chart(alt.Data(values=odd)).mark_point(filled=True, color=look.ORANGE, **DOT)
        tip = marks.tips({"when": "day", "seen": "seen", "expected": "expected"})
        layers.append(dot.encode(x=alt.X("at:Q"), y=alt.Y("n:Q"), tooltip=tip))
    layers.append(_heading(name, rows, width))
    return alt.layer(*layers).properties(width=width, height=height)


def _day_axis(days: list[str], *, labels: bool) -> alt.X:
    """The days that all panels share, with half a day at each end."""
    ends = [_at(days[0]) - MILLISECONDS / 2, _at(days[-1]) + MILLISECONDS / 2]
    words = _dates(days) if labels else "''"
    axis = {"values": _ticks(days), "grid": True, "labels": labels, "labelExpr": words}
    x = alt.X("at:Q", title=None).scale(domain=ends, nice=False, zero=False)
    return x.axis(labelColor=look.MUTED, labelFlush=False, **axis)


def _odd(row: dict[str, Any]) -> dict[str, Any]:
    words = {"when": day(row["day"]), "seen": count(row["n"]), "expected": about(row["expected"])}
    return {"at": _at(row["day"]), "n": row["n"]} | words


def _heading(name: str, rows: Rows, width: int) -> alt.LayerChart:
    """The event at the left of its panel's top, and at the right what is odd about it."""
    odd = sorted((row for row in rows if row["anomaly"]), key=strangeness, reverse=True)
    said = f"{day(odd[0]['day'])}: {instead_of(odd[0])}" if odd else ""
    more = len(odd) - 1
    said += f", and {times(more, 'day')} more" if more > 0 else ""
    words = {"name": look.wrapped(name, 44, most=1)[0], "said": said}
    y = alt.value(-8)
    left = alt.Chart().mark_text(align="left", fontWeight="bold")
    found = [left.encode(x=alt.value(0), y=y, text="name:N")]
    if said:
        right = alt.Chart().mark_text(align="right", color=look.ORANGE, fontSize=11)
        found.append(right.encode(x=alt.value(width), y=y, text="said:N"))
    return alt.layer(*found, data=alt.Data(values=[words]))


def _ticks(days: list[str]) -> list[int]:
    """The first days of months, or Mondays, or every day, as there is room."""
    known = [date.fromisoformat(day) for day in days]
    if len(known) > MONTHS:
        step = -(-len(known) // 400)
        chosen = [day for day in known if day.day == 1 and (day.month - 1) % step == 0]
    elif len(known) > 8:
        step = 14 if len(known) > 42 else 7
        mondays = [day for day in known if day.weekday() == 0]
        chosen = mondays[:: step // 7]
    else:
        chosen = known
    return [_at(str(day)) for day in chosen or known[:1]]


def _dates(days: list[str]) -> str:
    """Ticks as months or days; the year stands under the first and under each January."""
    form = "%b" if len(days) > MONTHS else "%-d %b"
    year = "utcFormat(datum.value, '%Y')"
    new = "datum.index === 0"
    new += " || utcmonth(datum.value) === 0" if len(days) > MONTHS else ""
    return f"[utcFormat(datum.value, '{form}'), {new} ? {year} : '']"


def _at(day: str) -> int:
    """A day as milliseconds since 1970 (UTC), as Vega counts time."""
    return (date.fromisoformat(day[:10]) - date(1970, 1, 1)).days * MILLISECONDS


def _anomalies_said(panels: list[Panel]) -> list[str]:
    """The anomalies in words, and the events without one."""
    odd = [(name, row) for name, rows in panels for row in rows if row["anomaly"]]
    lines = [f"{name}, {day(row['day'])}: {instead_of(row)}" for name, row in odd[:SAID]]
    if len(odd) > SAID:
        lines.append(f"and {times(len(odd) - SAID, 'more')}".removesuffix("s"))
    calm = [name for name, rows in panels if not any(row["anomaly"] for row in rows)]
    return [*lines, f"Nothing out of the ordinary: {', '.join(calm)}"] if calm else lines
