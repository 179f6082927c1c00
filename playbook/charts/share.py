"""Shares as bars, with their numbers beside them."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
ROW = 32  # pixels from one bar to the next


def draw(result: Result, rows: Rows) -> Drawn:
    """Segments as bars with whiskers."""
    _said, again = result.again
    drawn = []
    for row in rows:
        few = row["n"] < max(result.min_n, 1)
        repeated = None if row.get("repeated") is None or few else row["repeated"] / row["n"]
        said = {
            "name": look.segment(result, row) or "All",
            "colour": look.BLUE,
            "again": None if repeated is None else round(repeated, 6),
            "again_text": "" if repeated is None else percent(repeated),
            "note": too_few(row["n"]) if few else "",
            "open_text": count(row["open"]) if row.get("open") else "",
        }
        drawn.append(numbers(row, few) | said)
    heads = {"open_text": "still open"} if any(row["open_text"] for row in drawn) else {}
    if any(row["again"] for row in drawn):
        heads = {"again_text": again} | heads
    notes = [f"Dark blue: {again}."] if "again_text" in heads else []
    return bars(drawn, heads), notes, [bar_said(row) for row in drawn]


def numbers(row: dict[str, Any], few: bool) -> dict[str, Any]:
    """A row's share and interval as numbers and as text; nothing where too few stand behind."""
    drawn = not few and row["share"] is not None
    return {
        "n": row["n"],
        "share": row["share"] if drawn else None,
        "low": row["low"] if drawn else None,
        "high": row["high"] if drawn else None,
        "share_text": percent(row["share"]) if drawn else "",
        "interval_text": interval(row["low"], row["high"]) if drawn else "",
        "n_text": count(row["n"]),
    }


def bar_said(row: dict[str, Any]) -> str:
    name = row["name"].replace("\n", " ")
    value = f"{row['share_text']} ({row['interval_text']})"
    return f"{name}: {row['note'] or value}"


def bars(rows: Rows, heads: dict[str, str]) -> alt.LayerChart:
    """Bars with whiskers; their shares, intervals and further columns to the right."""
    for row in rows:
        row["name"] = look.fitted(look.with_n(row["name"], row["n"]))
    names = [row["name"] for row in rows]
    heads = {"share_text": "share", "interval_text": "95 % interval"} | heads
    widths = {key: look.column([head, *(row[key] for row in rows)]) for key, head in heads.items()}
    width = max(170, look.WIDTH - look.room(names) - sum(widths.values()))
    base = alt.Chart().encode(y=marks.rows("name", names))
    known = base.transform_filter("isValid(datum.share)")
    end = marks.top(max((row["high"] or row["share"] or 0 for row in rows), default=0))
    x = alt.X("share:Q").scale(domain=[0, end], nice=False)
    x = x.axis(marks.percents(tickCount=3 if width < 200 else 5))
    tip = marks.tips({"name": "who", "n_text": "n"} | heads)
    colour = alt.Color("colour:N", scale=None)
    layers = [known.mark_bar(size=20, cornerRadiusEnd=2).encode(x=x, color=colour, tooltip=tip)]
    if "again_text" in heads:
        dark = known.mark_bar(size=8, color=look.DARK_BLUE)
        layers.append(dark.encode(x=alt.X("again:Q"), tooltip=tip))
    whisker = known.mark_rule(color=look.INK, strokeWidth=1.2)
    layers.append(whisker.encode(x=alt.X("low:Q"), x2="high:Q", tooltip=tip))
    layers += [marks.quiet(base, "note", 4), marks.labels(names, ROW)]
    layers += marks.columns(base, heads, widths, width, bold="share_text")
    picture = alt.layer(*layers, data=alt.Data(values=rows))
    return picture.properties(width=width, height=ROW * len(rows))
