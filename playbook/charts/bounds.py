"""Answers with their intervals, upon the range in which the data's defects leave them."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
LINE, BAR, GAP = 16, 16, 12  # pixels: a line of a question, a bar, and between two rows
CHARACTERS = 96  # of a line of a question, as wide as the chart
HEADS = {"share_text": "answer", "interval_text": "95 % interval", "bounds_text": "bounds"}
HEADS |= {"n_text": "n"}
TIP = {"asks": "question"} | HEADS | {"because": "because"}
STANDS = "as it stands"


def draw(result: Result, rows: Rows) -> Drawn:
    """A row per question: its words, and below them a dot upon a bar upon a paler bar."""
    drawn, height = [], 0
    for row in rows:
        shown = _row(result, row)
        lines = shown["asks_text"].count("\n") + 1
        top = height + lines * LINE
        drawn.append(shown | {"from": height + LINE / 2, "y": top + BAR / 2, "end": top + BAR})
        height = top + BAR + GAP
    widths = {key: look.column([head, *(r[key] for r in drawn)]) for key, head in HEADS.items()}
    width = max(220, look.WIDTH - 12 - sum(widths.values()))
    known = [row for row in drawn if row["share"] is not None]
    ends = (row[key] for row in known for key in ("share", "high", "highest"))
    end = _end(max((value for value in ends if value is not None), default=0))
    layers = [*_asked(), *(_ranges(known, end) if known else [])]
    base = alt.Chart().encode(y=marks.pixels("y"))
    layers += marks.columns(base, HEADS, widths, width, bold="share_text") if known else []
    picture = alt.layer(*layers, data=alt.Data(values=drawn))
    picture = picture.properties(width=width, height=height)
    notes = ["Dot: the answer. Bar: its 95 % interval. Pale: what the data leaves open."]
    return picture, notes if known else [], [_said(row) for row in drawn]


def _end(most: float) -> float:
    """The end of the axis: as tight as tens allow, as most shares are near each other."""
    return marks.top(most) if most <= 0.1 else min(1.0, math.ceil(most * 10) / 10)


def _row(result: Result, row: dict[str, Any]) -> dict[str, Any]:
    """A question with its numbers as text, or with why it has none."""
    asks = " · ".join(x for x in (str(row["asks"]), look.segment(result, row)) if x)
    few = row["share"] is not None and (row["n"] or 0) < max(result.min_n, 1)
    note = too_few(row["n"]) if few else ("" if row["share"] is not None else row["because"])
    shown = {
        "asks": asks,
        "asks_text": "\n".join(look.wrapped(asks, CHARACTERS)),
        "note": look.wrapped(note or "", CHARACTERS, most=1)[0],
        "because": row["because"] or "no known defect",
    }
    if few or row["share"] is None:
        keys = ("share", "low", "high", "lowest", "highest")
        return shown | dict.fromkeys(keys) | dict.fromkeys(HEADS, "")
    numbers = {key: row[key] for key in ("share", "low", "high", "lowest", "highest")}
    span = interval(row["lowest"], row["highest"])
    moved = {percent(row["lowest"]), percent(row["highest"])} != {percent(row["share"])}
    return (
        shown
        | numbers
        | {
            "share_text": percent(row["share"]),
            "interval_text": interval(row["low"], row["high"]),
            "bounds_text": span if moved and row["lowest"] is not None else STANDS,
            "n_text": count(row["n"]),
        }
    )


def _asked() -> list[alt.Chart]:
    """The questions; those without an answer in grey, with their reason."""
    base = alt.Chart().encode(x=alt.value(0))
    text = base.mark_text(align="left", lineHeight=LINE)
    colour = alt.condition("isValid(datum.share)", alt.value(look.INK), alt.value(look.GREY))
    return [
        text.encode(y=marks.pixels("from"), text="asks_text:N", color=colour),
        marks.quiet(base, "note", 0).encode(y=marks.pixels("y")),
    ]


def _ranges(known: Rows, end: float) -> list[alt.Chart]:
    """From the back to the front: quiet lines, bounds, interval, answer."""
    x = alt.X("share:Q").scale(domain=[0, end], nice=False)
    x = x.axis(marks.percents(grid=False, tickCount=5, labelPadding=4))
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if end / s < 7 or s == 0.2)
    ticks = [round(step * i, 4) for i in range(math.floor(end / step + 1e-9) + 1)]
    x.axis.values = ticks
    lines = [{"at": at, "y": row["y"] - BAR / 2, "y2": row["end"]} for row in known for at in ticks]
    grid = alt.Chart(alt.Data(values=lines)).mark_rule(color=look.RULE)
    base = alt.Chart().transform_filter("isValid(datum.share)")
    base = base.encode(y=marks.pixels("y"), tooltip=marks.tips(TIP))
    return [
        grid.encode(x=alt.X("at:Q"), y=marks.pixels("y"), y2="y2:Q"),
        base.mark_rule(strokeWidth=BAR, color=look.SHADES[4]).encode(
            x=alt.X("lowest:Q"), x2="highest:Q"
        ),
        base.mark_rule(strokeWidth=10, color=look.SHADES[2]).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(
            filled=True, size=44, color=look.BLUE, stroke=look.WHITE, strokeWidth=1.2, opacity=1
        ).encode(x=x),
    ]


def _said(row: dict[str, Any]) -> str:
    if row["share"] is None:
        return f"{row['asks']} {row['note'] or 'no answer as a share'}"
    span = row["bounds_text"]
    span = span if span == STANDS else f"bounds {span}: {row['because']}"
    return (
        f"{row['asks']} {row['share_text']} ({row['interval_text']}, n = {row['n_text']}), {span}"
    )
