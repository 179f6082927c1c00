"""Lines: trends over periods, and curves of the share reached by each hour."""

from __future__ import annotations

from datetime import date

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.results import Result
from playbook.wording import NONE, count, interval, percent, too_few

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
HEIGHT = 260
SHARE = "share"  # the name of a series whose values are shares
SPLIT = "split(datum.label, '\\n')"
RULES = {24: "24 h", 72: "3 days"}
CLOSE = 1000  # hours; with a later horizon the labels of the rules would touch
TICKS = (3, 6, 12, 24, 48, 72, 168, 336, 720, 2160)
POINTS = 120  # of a curve: more cannot be told apart


def trend(result: Result, rows: Rows) -> Drawn:
    """A line per series; what is not over is hollow, and dashed."""
    shares = all(row["series"] == SHARE for row in rows)
    named = [{**row, "name": _series(result, row, shares)} for row in rows]
    labels = _periods(list(dict.fromkeys(row["period"] for row in named)))
    names = list(dict.fromkeys(row["name"] for row in named))
    drawn = [_point(result, row, labels, shares) for row in named]
    top = max((row["high"] or row["value"] or 0 for row in drawn), default=0) * 1.05 or 1
    top = min(top, 1.0) if shares else top
    known = [row for row in drawn if row["value"] is not None]
    ends = [[row for row in known if row["name"] == name][-1:] for name in names]
    tags = [(own[0]["name"], own[0]["value"]) for own in ends if own]
    margin = look.room(look.fitted(name, 22) for name in names)
    width = max(300, look.WIDTH - margin - 60)
    layers = _trend_layers(drawn, list(labels.values()), names, top, shares)
    layers += _tags(tags, names, top, width)
    notes = ["Hollow and dashed: not over yet."] if any(not r["complete"] for r in rows) else []
    if few := [row for row in drawn if row["few"]]:
        layers.append(_few(few))
    picture = alt.layer(*layers, data=alt.Data(values=drawn)).properties(width=width, height=HEIGHT)
    said = [
        f"{name or 'All'}: {own[0]['value_text']} in {own[0]['when']}"
        for name, own in zip(names, ends, strict=True)
        if own
    ]
    return picture, notes, said


def curve(result: Result, rows: Rows) -> Drawn:
    """A step line per segment with its band, up to the horizon."""
    horizon = max(row["hours"] for row in rows)
    groups = look.segments(result, rows)
    few = {name: own[0]["n"] < max(result.min_n, 1) for name, own in groups.items()}
    drawn = [
        {**point, "name": name, "n": count(own[0]["n"])}
        for name, own in groups.items()
        if not few[name]
        for point in _thinned(_to_horizon(own, horizon))
    ]
    top = marks.top(max((row["high"] or row["share"] for row in drawn), default=0))
    names = list(groups)
    tags = [
        (name, groups[name][-1]["share"] if not few[name] else 0.0, _tag(name, own, few[name]))
        for name, own in groups.items()
    ]
    width = max(300, look.WIDTH - look.room(look.fitted(t, 22) for *_, t in tags) - 50)
    layers = [*_rules(horizon), *_curve_layers(drawn, names, top, horizon)]
    layers += _tags([(n, v) for n, v, _ in tags], names, top, width, [t for *_, t in tags])
    picture = alt.layer(*layers, data=alt.Data(values=drawn)).properties(width=width, height=HEIGHT)
    said = [tag if few[name] else f"{tag}: {percent(value)}" for name, value, tag in tags]
    return picture, ["Share that has reached it by each hour, with its 95 % band."], said


def _thinned(points: Rows, most: int = 200) -> Rows:
    """At most about `most` points, the first and the last among them: more cannot be seen."""
    kept = points[:: -(-len(points) // most)]
    return kept if kept[-1] is points[-1] else [*kept, points[-1]]


def _series(result: Result, row: dict, shares: bool) -> str:
    parts = [look.segment(result, row), "" if shares else result.label(row["series"] or "")]
    return " · ".join(part for part in parts if part)


def _point(result: Result, row: dict, labels: dict[str, str], shares: bool) -> dict:
    few = shares and (row["n"] or 0) < result.min_n
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


def _periods(periods: list[str]) -> dict[str, str]:
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


def _trend_layers(
    drawn: Rows, periods: list[str], names: list[str], top: float, shares: bool
) -> list[alt.Chart]:
    """Band, dashes under everything, a full line over what is complete, points."""
    x = alt.X("period:O", title=None).scale(type="point", domain=periods, padding=0.4)
    x = x.axis(labelExpr=SPLIT, labelAngle=0, labelOverlap="parity", labelSeparation=6)
    number = {"labelExpr": marks.PERCENT} if shares else {"format": ",~r"}
    y = alt.Y("value:Q", title=None).scale(domain=[0, top], nice=not shares)
    y = y.axis(grid=True, tickCount=5, labelColor=look.MUTED, **number)
    tip = {"name": "series"} if names != [""] else {}
    tip |= {"when": "period from", "value_text": "value", "interval_text": "95 % interval"}
    tip |= {"n_text": "n", "state": "state"}
    base = alt.Chart().transform_filter("isValid(datum.value)")
    base = base.encode(x=x, y=y, color=_colour(names))
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


def _curve_layers(drawn: Rows, names: list[str], top: float, horizon: float) -> list[alt.Chart]:
    days = horizon > 168
    scale, unit = ("datum.value / 24", "Days") if days else ("datum.value", "Hours")
    step = next((tick for tick in TICKS if horizon / tick <= 8), TICKS[-1])
    ticks = [i * step for i in range(int(horizon // step) + 1)]
    x = alt.X("hours:Q", title=f"{unit} since the start")
    x = x.scale(domain=[0, horizon], nice=False).axis(
        values=ticks, labelExpr=f"format({scale}, ',~r')", titlePadding=8, labelFlush=False
    )
    y = alt.Y("share:Q").scale(domain=[0, top], nice=False).axis(marks.percents())
    said = "format(datum.share * 100, '.1f') + ' %'"
    band = "format(datum.low * 100, '.1f') + ' to ' + format(datum.high * 100, '.1f') + ' %'"
    base = alt.Chart().encode(x=x, y=y, color=_colour(names))
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


def _rules(horizon: float) -> list[alt.Chart]:
    rows = [{"hours": hours, "said": said} for hours, said in RULES.items() if hours < horizon]
    if horizon > CLOSE:
        rows[0]["said"] = ""
    if not rows:
        return []
    base = alt.Chart(alt.Data(values=rows)).encode(x="hours:Q")
    rule = base.mark_rule(strokeDash=[4, 4], color=look.GREY)
    text = base.mark_text(align="left", dx=4, fontSize=11, color=look.MUTED)
    return [rule, text.encode(y=alt.value(-6), text="said:N")]


def _tags(
    ends: list[tuple[str, float]],
    names: list[str],
    top: float,
    width: int,
    said: list[str] | None = None,
) -> list[alt.Chart]:
    """Names at the right ends of lines, moved apart where they would touch."""
    texts = [look.fitted(text, 22) for text in said or [name for name, _ in ends]]
    if not any(texts):
        return []
    sizes = [marks.LINE * (text.count("\n") + 1) + 3 for text in texts]
    wanted = [HEIGHT * (1 - value / top) for _, value in ends]
    rows = [
        {"name": name, "said": text, "at": at - (size - 3 - marks.LINE) / 2}
        for (name, _), text, at, size in zip(
            ends, texts, look.spread(wanted, sizes, HEIGHT), sizes, strict=True
        )
    ]
    text = alt.Chart(alt.Data(values=rows)).mark_text(align="left", fontWeight="bold")
    tags = text.encode(
        x=alt.value(width + 8), y=marks.pixels("at"), text="said:N", color=_colour(names)
    )
    return [tags]


def _colour(names: list[str]) -> alt.Color:
    return alt.Color("name:N", legend=None).scale(domain=names, range=look.colours(names))


def _tag(name: str, rows: Rows, few: bool) -> str:
    n = rows[0]["n"]
    if few:
        return f"{name}: {too_few(n)}".removeprefix(": ")
    return look.with_n(name, n) if name else f"n = {count(n)}"


def _to_horizon(rows: Rows, horizon: float) -> Rows:
    """A segment's points, not too many, from nothing at 0 to the horizon."""
    stride = -(-len(rows) // POINTS)
    kept = [row for i, row in enumerate(rows) if i % stride == 0 or i == len(rows) - 1]
    keys = ("hours", "share", "low", "high")
    points = [{key: row[key] for key in keys} for row in kept]
    if points[0]["hours"] > 0:
        points.insert(0, dict.fromkeys(keys, 0.0))
    if points[-1]["hours"] < horizon:
        points.append(points[-1] | {"hours": horizon})
    return points
