"""Answers with their intervals, upon the range in which the data's defects leave them."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

LINE, BAR, GAP = 16, 16, 12  # pixels: a line of a question, a bar, and between two rows
CHARACTERS = 96  # of a line of a question, as wide as the chart
HEADS = {"share_text": "answer", "interval_text": "95 % interval", "bounds_text": "bounds"}
HEADS |= {"n_text": "n"}
TIP = {"asks": "question"} | HEADS | {"because": "because"}
NUMBERS = ("share", "low", "high", "lowest", "highest")
STANDS = "as it stands"


def draw(result: Result, rows: Rows) -> Drawn:
    """A row per question: its words, and below them a dot upon a bar upon a paler bar."""
    drawn, height = [], 0
    for row in rows:
        line = _question_line(result, row)
        top = height + (line["asks_text"].count("\n") + 1) * LINE
        drawn.append(line | {"from": height + LINE / 2, "y": top + BAR / 2, "end": top + BAR})
        height = top + BAR + GAP
    known = [row for row in drawn if row["share"] is not None]

    def bound_layers(_base: alt.Chart, _width: int) -> Layers:
        return [*_question_texts(), *(_ranges(known) if known else [])]

    y, heads = marks.from_top("y"), HEADS if known else {}
    picture = marks.board(drawn, heads, bound_layers, height=height, bold="share_text", y=y)
    notes = ["Dot: the answer. Bar: its 95 % interval. Pale: what the data leaves open."]
    return picture, notes if known else [], [_answer_said(row) for row in drawn]


def _question_line(result: Result, row: dict[str, Any]) -> dict[str, Any]:
    """A question with its numbers as text, or with why it has none."""
    asks = look.joined(str(row["asks"]), look.segment_label(result, row))
    line = {
        "asks": asks,
        "asks_text": "\n".join(look.wrapped(asks, CHARACTERS)),
        "note": "",
        "because": row["because"] or "no known defect",
    }
    is_known = row["share"] is not None
    if not is_known or look.is_few(result, row["n"]):
        note = too_few(row["n"]) if is_known else row["because"] or ""
        none = dict.fromkeys(NUMBERS) | dict.fromkeys(HEADS, "")
        return line | none | {"note": look.wrapped(note, CHARACTERS, most=1)[0]}
    moved = {percent(row["lowest"]), percent(row["highest"])} != {percent(row["share"])}
    span = interval(row["lowest"], row["highest"])
    return line | {
        **{key: row[key] for key in NUMBERS},
        "share_text": percent(row["share"]),
        "interval_text": interval(row["low"], row["high"]),
        "bounds_text": span if moved and row["lowest"] is not None else STANDS,
        "n_text": count(row["n"]),
    }


def _question_texts() -> Layers:
    """The questions; those without an answer in grey, with their reason."""
    base = alt.Chart().encode(x=alt.value(0))
    text = base.mark_text(align="left", lineHeight=LINE)
    colour = alt.condition("isValid(datum.share)", alt.value(look.INK), alt.value(look.GREY))
    return [
        text.encode(y=marks.from_top("from"), text="asks_text:N", color=colour),
        marks.quiet(base, "note", 0).encode(y=marks.from_top("y")),
    ]


def _ranges(known: Rows) -> Layers:
    """From the back to the front: quiet lines, bounds, interval, answer."""
    ends = (row[key] for row in known for key in ("share", "high", "highest"))
    most = max(value for value in ends if value is not None)
    # As tight as tens allow, as most shares are near each other.
    end = marks.top(most) if most <= 0.1 else min(1.0, math.ceil(most * 10) / 10)
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if end / s < 7 or s == 0.2)
    ticks = [round(step * i, 4) for i in range(math.floor(end / step + 1e-9) + 1)]
    x = alt.X("share:Q").scale(domain=[0, end], nice=False)
    x = x.axis(marks.percents(grid=False, labelPadding=4))
    lines = [{"at": at, "y": row["y"] - BAR / 2, "y2": row["end"]} for row in known for at in ticks]
    grid = alt.Chart(alt.Data(values=lines)).mark_rule(color=look.RULE)
    base = alt.Chart().transform_filter("isValid(datum.share)")
    base = base.encode(y=marks.from_top("y"), tooltip=marks.tips(TIP))
    dot = {"size": 44, "color": look.BLUE, "stroke": look.WHITE, "strokeWidth": 1.2, "opacity": 1}
    bounds = base.mark_rule(strokeWidth=BAR, color=look.SHADES[4])
    bar = base.mark_rule(strokeWidth=10, color=look.SHADES[2])
    return [
        grid.encode(x=alt.X("at:Q"), y=marks.from_top("y"), y2="y2:Q"),
        bounds.encode(x=alt.X("lowest:Q"), x2="highest:Q"),
        bar.encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, **dot).encode(x=x),
    ]


def _answer_said(row: dict[str, Any]) -> str:
    if row["share"] is None:
        return f"{row['asks']} {row['note'] or 'no answer as a share'}"
    span = row["bounds_text"]
    span = span if span == STANDS else f"bounds {span}: {row['because']}"
    answer = f"{row['share_text']} ({row['interval_text']}, n = {row['n_text']})"
    return f"{row['asks']} {answer}, {span}"
