"""Shares as bars, with their numbers beside them."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

ROW = 32  # pixels from one bar to the next
NUMBERS = {"share_text": "share", "interval_text": "95 % interval"}


def draw(result: Result, rows: Rows) -> Drawn:
    """Segments as bars with whiskers."""
    _sentence, again = result.again
    drawn = []
    for row in rows:
        known = row.get("repeated") is not None and not look.is_few(result, row["n"])
        repeated = row["repeated"] / row["n"] if known else None
        said = {
            "again": round(repeated, 6) if known else None,
            "again_text": percent(repeated) if known else "",
            "open_text": count(row["open"]) if row.get("open") else "",
        }
        drawn.append(bar(result, row, row["n"], look.segment_label(result, row) or "All") | said)
    heads = {"again_text": again} if any(row["again"] for row in drawn) else {}
    notes = [f"Dark blue: {again}."] if heads else []
    heads |= {"open_text": "still open"} if any(row["open_text"] for row in drawn) else {}
    return bars(drawn, heads), notes, [bar_said(row) for row in drawn]


def bar(
    result: Result, row: dict[str, Any], behind: int, name: str, colour: str = look.BLUE
) -> dict[str, Any]:
    """A share and its interval as numbers and as text; neither where too few stand behind."""
    few = look.is_few(result, behind)
    shown = not few and row["share"] is not None
    return {
        "name": look.fitted(look.with_n(name, row["n"])),
        "colour": colour,
        "n": row["n"],
        **{key: row[key] if shown else None for key in ("share", "low", "high")},
        "share_text": percent(row["share"]) if shown else "",
        "interval_text": interval(row["low"], row["high"]) if shown else "",
        "n_text": count(row["n"]),
        "note": too_few(behind) if few else "" if shown else "window not closed yet",
    }


def bar_said(row: dict[str, Any]) -> str:
    """A bar in words."""
    name = row["name"].replace("\n", " ")
    value = f"{row['share_text']} ({row['interval_text']})"
    return f"{name}: {row['note'] or value}"


def bars(rows: Rows, heads: dict[str, str]) -> alt.LayerChart:
    """Bars with whiskers; their shares, intervals and further columns to the right."""
    tip = marks.tips({"name": "who", "n_text": "n"} | NUMBERS | heads)

    def bar_layers(base: alt.Chart, width: int) -> Layers:
        end = marks.top(max((row["high"] or row["share"] or 0 for row in rows), default=0))
        x = alt.X("share:Q").scale(domain=[0, end], nice=False)
        x = x.axis(marks.percents(tickCount=3 if width < 200 else 5))
        known = base.transform_filter("isValid(datum.share)").encode(tooltip=tip)
        blue = known.mark_bar(size=20, cornerRadiusEnd=2)
        dark = known.mark_bar(size=8, color=look.DARK_BLUE).encode(x=alt.X("again:Q"))
        whisker = known.mark_rule(color=look.INK, strokeWidth=1.2)
        return [
            blue.encode(x=x, color=alt.Color("colour:N", scale=None)),
            *([dark] if "again_text" in heads else []),
            whisker.encode(x=alt.X("low:Q"), x2="high:Q"),
            marks.quiet(base, "note", 4),
        ]

    return marks.board(rows, NUMBERS | heads, bar_layers, height=ROW * len(rows), bold="share_text")
