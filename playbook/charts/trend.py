"""Lines: trends over periods, and names at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import altair as alt

from playbook.charts import look, marks
from playbook.charts.launches import Launches, launch_rules, launched_among
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import NONE, count, interval, percent, times, too_few
from playbook.results import Result

HEIGHT = 260
SHARE = "share"  # the name of a series whose values are shares
SPLIT = "split(datum.label, '\\n')"
PADDING = 0.4  # of the distance between two periods, before the first and after the last


def draw(result: Result, rows: Rows, launches: Launches | None = None) -> Drawn:
    """A line per series; what is not over is hollow, and dashed; launches are rules."""
    shares = all(row["series"] == SHARE for row in rows)
    alone = bool(result.by) and len({row["series"] for row in rows}) == 1
    named = [{**row, "name": _series(result, row, shares or alone)} for row in rows]
    labels = _period_labels(list(dict.fromkeys(row["period"] for row in named)))
    names = list(dict.fromkeys(row["name"] for row in named))
    drawn = [_trend_point(result, row, labels, shares) for row in named]
    top = max((row["high"] or row["value"] or 0 for row in drawn), default=0) * 1.05 or 1
    top = min(top, 1.0) if shares else top
    last = {row["name"]: row for row in drawn if row["value"] is not None}
    last = {name: last[name] for name in names if name in last}
    width = max(300, look.WIDTH - look.room(look.fitted(name, 22) for name in names) - 60)
    layers = _trend_layers(drawn, list(labels.values()), names, top, shares)
    ends = [(name, row["value"], name) for name, row in last.items()]
    layers += tags(ends, line_colours(names), top, width)
    notes = ["Hollow and dashed: not over yet."] if any(not r["complete"] for r in rows) else []
    if few := [row for row in drawn if row["few"]]:
        layers.append(_few(few))
    marked, earlier = launched_among(result, launches or {}, list(labels))
    if marked:
        layers += launch_rules(marked, _across(len(labels), width), (width, HEIGHT))
        notes.append("Dotted: plays went live.")
    if earlier:
        notes.append(f"Live before: {times(len(earlier), 'play')}.")
    picture = alt.layer(*layers, data=alt.Data(values=drawn)).properties(width=width, height=HEIGHT)
    said = [f"{name or 'All'}: {r['value_text']} in {r['when']}" for name, r in last.items()]
    said += [f"Went live on {row['days']}: {row['names']}" for row in marked]
    return picture, notes, said


def tags(
    ends: Sequence[tuple[str, float, str]], colours: alt.Color, top: float, width: int
) -> Layers:
    """Texts at the right ends of lines (name, value, text), apart where they would touch."""
    texts = [look.fitted(text, 22) for *_, text in ends]
    if not any(texts):
        return []
    sizes = [marks.LINE * (text.count("\n") + 1) + 3 for text in texts]
    middles = look.spread([HEIGHT * (1 - value / top) for _, value, _ in ends], sizes, HEIGHT)
    rows = [
        {"name": name, "said": text, "at": middle - (size - 3 - marks.LINE) / 2}
        for (name, *_), text, middle, size in zip(ends, texts, middles, sizes, strict=True)
    ]
    text = alt.Chart(alt.Data(values=rows)).mark_text(align="left", fontWeight="bold")
    where = {"x": alt.value(width + 8), "y": marks.from_top("at")}
    return [text.encode(text="said:N", color=colours, **where)]


def line_colours(names: list[str]) -> alt.Color:
    """A colour for each line."""
    return alt.Color("name:N", legend=None).scale(domain=names, range=look.colours(names))


def _series(result: Result, row: dict, unnamed: bool) -> str:
    series = "" if unnamed else result.label(row["series"] or "")
    return look.joined(look.segment_label(result, row), series)


def _trend_point(result: Result, row: dict, labels: dict[str, str], shares: bool) -> dict:
    few = shares and look.is_few(result, row["n"])
    value = None if few else row["value"]
    return {
        "name": row["name"],
        "when": row["period"],
        "period": labels[row["period"]],
        "value": value,
        "low": None if few else row["low"],
        "high": None if few else row["high"],
        "complete": bool(row["complete"]),
        "few": few,
        "n": row["n"] or 0,
        "n_text": count(row["n"]),
        "value_text": too_few(row["n"]) if few else (percent if shares else count)(value),
        "interval_text": interval(row["low"], row["high"]) if not few else NONE,
        "state": "complete" if row["complete"] else "not over yet",
    }


def _period_labels(periods: list[str]) -> dict[str, str]:
    """Periods as short labels; the year stands under the first of each."""
    found, year = {}, None
    for period in periods:
        try:
            day = date.fromisoformat(period[:10])
        except ValueError:
            found[period] = period
            continue
        found[period] = f"{day.day} {day:%b}" + (f"\n{day.year}" if day.year != year else "")
        year = day.year
    # Two periods must not share a place on the axis.
    return found if len(set(found.values())) == len(found) else {p: p for p in periods}


def _across(periods: int, width: int) -> list[float]:
    """Pixels from the left of every period, where the axis puts its point."""
    step = width / (periods - 1 + 2 * PADDING)
    return [round(step * (place + PADDING), 1) for place in range(periods)]


def _trend_layers(
    drawn: Rows, periods: list[str], names: list[str], top: float, shares: bool
) -> Layers:
    """Band, dashes under everything, a full line over what is complete, points."""
    x = alt.X("period:O", title=None).scale(type="point", domain=periods, padding=PADDING)
    x = x.axis(labelExpr=SPLIT, labelAngle=0, labelOverlap="parity", labelSeparation=6)
    number = {"labelExpr": marks.PERCENT} if shares else {"format": ",~r"}
    y = alt.Y("value:Q", title=None).scale(domain=[0, top], nice=not shares)
    y = y.axis(grid=True, tickCount=5, labelColor=look.MUTED, **number)
    tip = {"name": "series"} if names != [""] else {}
    tip |= {"when": "period from", "value_text": "value", "interval_text": "95 % interval"}
    tip |= {"n_text": "n", "state": "state"}
    base = alt.Chart().transform_filter("isValid(datum.value)")
    base = base.encode(x=x, y=y, color=line_colours(names))
    solid = base.transform_filter("datum.complete")
    layers = []
    if any(row["low"] is not None for row in drawn):
        band = solid.mark_area(opacity=0.13)
        layers.append(band.encode(y=alt.Y("low:Q"), y2="high:Q"))
    layers.append(base.mark_line(strokeDash=[4, 3], strokeWidth=1.5))
    layers.append(solid.mark_line(strokeWidth=2.2))
    dot = {"size": 46, "strokeWidth": 1.8, "opacity": 1}
    point = base.encode(tooltip=marks.tips(tip))
    layers.append(point.transform_filter("!datum.complete").mark_point(fill=look.WHITE, **dot))
    layers.append(point.transform_filter("datum.complete").mark_point(filled=True, **dot))
    return layers


def _few(rows: Rows) -> alt.Chart:
    """Periods with too few say so, upright, as there is little room beside them."""
    text = alt.Chart(alt.Data(values=rows)).mark_text(
        align="left", angle=270, color=look.MUTED, fontStyle="italic", fontSize=11
    )
    return text.encode(x=alt.X("period:O"), y=alt.value(HEIGHT - 6), text="value_text:N")
