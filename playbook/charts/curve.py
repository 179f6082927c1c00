"""Curves: the share that has reached a goal by each hour, or that has not arrived yet."""

from __future__ import annotations

import altair as alt

from playbook.charts import look, marks, trend
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.charts.trend import HEIGHT
from playbook.language.wording import count, hours, percent, rare, too_few
from playbook.results import Result

RULES = {24: "24 h", 72: "3 days"}
CLOSE = 1000  # hours; with a later horizon the labels of the rules would touch
TICKS = (3, 6, 12, 24, 48, 72, 168, 336, 720, 2160)
LEAST = 0.002  # where an axis of what is late may end
POINTS = 120  # of a curve: more cannot be told apart


def draw(result: Result, rows: Rows) -> Drawn:
    """A step line per segment with its band, up to the horizon."""
    horizon = max(row["hours"] for row in rows)
    falling = result.falling
    groups = look.segments(result, rows)
    few = {name: look.is_few(result, own[0]["n"]) for name, own in groups.items()}
    if falling:  # All lines end at nothing: their names stand in the order of their beginnings.
        order = sorted(groups, key=lambda name: (few[name], -groups[name][0]["share"]))
        groups = {name: groups[name] for name in order}
    said = {name: _curve_tag(name, own, few[name]) for name, own in groups.items()}
    drawn = [
        {**point, "name": name, "n": count(own[0]["n"])}
        for name, own in groups.items()
        if not few[name]
        for point in _to_horizon(own, horizon, falling=bool(falling))
    ]
    top = max((row["high"] or row["share"] for row in drawn), default=0)
    top = marks.top(top, least=LEAST if falling else 0.05)
    ends = [(n, 0.0 if few[n] else own[-1]["share"], said[n]) for n, own in groups.items()]
    width = max(300, look.WIDTH - look.room(look.fitted(tag, 22) for tag in said.values()) - 50)
    layers = [*_day_rules(horizon), *_curve_layers(list(groups), top, horizon, falling)]
    layers += trend.tags(ends, trend.line_colours(list(groups)), top, width)
    picture = alt.layer(*layers, data=alt.Data(values=drawn)).properties(width=width, height=HEIGHT)
    what = f"{falling}, from the first hour on," if falling else "that has reached it by each hour,"
    for name, own in groups.items():
        said[name] += "" if few[name] else _ends_said(own, falling)
    return picture, [f"Share {what} with its 95 % band."], list(said.values())


def _ends_said(rows: Rows, falling: str) -> str:
    """The share at the end; if it falls, after an hour and a day too."""
    if not falling:
        return f": {percent(rows[-1]['share'])}"
    last = rows[-1]["hours"]
    seen = {at: [row["share"] for row in rows if row["hours"] <= at] for at in (1, 24, last)}
    parts = [f"{rare(own[-1])} after {hours(at)}" for at, own in seen.items() if own]
    return f" {falling}: {', '.join(parts)}"


def _curve_tag(name: str, rows: Rows, few: bool) -> str:
    n = rows[0]["n"]
    if few:
        return f"{name}: {too_few(n)}".removeprefix(": ")
    return look.with_n(name, n) if name else f"n = {count(n)}"


def _to_horizon(rows: Rows, horizon: float, *, falling: bool) -> Rows:
    """A segment's points, not too many, to the horizon; from nothing at 0, unless they fall."""
    if falling:  # Before the first hour nearly all is under way: it would dwarf the rest.
        rows = [row for row in rows if row["hours"] >= 1] or rows
    stride = -(-len(rows) // POINTS)
    kept = [row for i, row in enumerate(rows) if i % stride == 0 or i == len(rows) - 1]
    keys = ("hours", "share", "low", "high")
    points = [{key: row[key] for key in keys} for row in kept]
    if points[0]["hours"] > 0 and not falling:
        points.insert(0, dict.fromkeys(keys, 0.0))
    if points[-1]["hours"] < horizon:
        points.append(points[-1] | {"hours": horizon})
    return points


def _curve_layers(names: list[str], top: float, horizon: float, falling: str) -> Layers:
    days = horizon > 168
    scale, unit = ("datum.value / 24", "Days") if days else ("datum.value", "Hours")
    step = next((tick for tick in TICKS if horizon / tick <= 8), TICKS[-1])
    ticks = [i * step for i in range(int(horizon // step) + 1)]
    if falling and not days:
        ticks = [0, *(at for at in RULES if at < horizon), horizon]
    since = "after it happened" if falling else "since the start"
    x = alt.X("hours:Q", title=f"{unit} {since}")
    x = x.scale(domain=[0, horizon], nice=False).axis(
        values=ticks, labelExpr=f"format({scale}, ',~r')", titlePadding=8, labelFlush=False
    )
    y = alt.Y("share:Q").scale(domain=[0, top], nice=False).axis(marks.percents())
    share, low, high = (
        f"format(datum.{field} * 100, '{'.2f' if falling else '.1f'}')"
        for field in ("share", "low", "high")
    )
    said, band = f"{share} + ' %'", f"{low} + ' to ' + {high} + ' %'"
    base = alt.Chart().encode(x=x, y=y, color=trend.line_colours(names))
    dash = alt.StrokeDash("name:N", legend=None)
    dash = dash.scale(domain=names, range=look.dashes(names))
    tip = {"name": "who"} if names != [""] else {}
    tip |= {"hours": "hours", "share_text": "share", "interval_text": "95 % interval", "n": "n"}
    # Points that are not seen carry the tooltips: a line as a whole has only one.
    points = base.transform_calculate(share_text=said, interval_text=band)
    return [
        base.mark_area(opacity=0.14 if len(names) < 4 else 0.07, interpolate="step-after").encode(
            y=alt.Y("low:Q"), y2="high:Q"
        ),
        base.mark_line(strokeWidth=2.2, interpolate="step-after").encode(strokeDash=dash),
        points.mark_point(size=90, filled=True, opacity=0).encode(tooltip=marks.tips(tip)),
    ]


def _day_rules(horizon: float) -> Layers:
    rows = [{"hours": hours, "said": said} for hours, said in RULES.items() if hours < horizon]
    if horizon > CLOSE:
        rows[0]["said"] = ""
    if not rows:
        return []
    base = alt.Chart(alt.Data(values=rows)).encode(x="hours:Q")
    rule = base.mark_rule(strokeDash=[4, 4], color=look.GREY)
    text = base.mark_text(align="left", dx=4, fontSize=11, color=look.MUTED)
    return [rule, text.encode(y=alt.value(-6), text="said:N")]
