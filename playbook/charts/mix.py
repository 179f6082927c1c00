"""Classes of a whole: bars for everybody, or one bar of 100 % for each segment."""

from __future__ import annotations

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.charts.share import NUMBERS, ROW, bar, bar_said, bars
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

EDGE = 16  # pixels for the half of "100 %" beyond the axis, where no column stands


def draw(result: Result, rows: Rows) -> Drawn:
    """Classes as bars for everybody, or stacked by segment."""
    ordered = sorted(rows, key=lambda row: row["position"])
    if result.by:
        return _stacked(result, look.segments(result, rows), ordered)
    drawn = []
    for row in ordered:
        # Nobody did anything: grey, not a shade of the measure's blue.
        colour = look.NOTHING if row["position"] == result.idle else look.BLUE
        drawn.append(bar(result, row, row["total"], row["label"], colour))
    notes = [f"Shares of n = {count(rows[0]['total'])} whose window has closed."]
    return bars(drawn, {}), notes, [bar_said(row) for row in drawn]


def _stacked(result: Result, segments: dict[str, Rows], ordered: Rows) -> Drawn:
    """One bar of 100 % per segment; classes in their order from dark to light."""
    places = {row["label"]: row["position"] for row in ordered if row["share"] is not None}
    did = [label for label, place in places.items() if place != result.idle]
    ramp = dict(zip(did, look.shades(len(did)), strict=True))
    colours = {label: ramp.get(label, look.NOTHING) for label in places}
    blocks, drawn, said = [], [], []
    for segment, own in segments.items():
        total = own[0]["total"]
        few = look.is_few(result, total)
        still = sum(row["n"] for row in own if row["share"] is None)
        note, name = too_few(total) if few else "", look.with_n(segment, total)
        line = {"name": look.fitted(name), "note": note}
        drawn.append(line | {"open_text": count(still) if still else ""})
        known = [row for row in own if row["share"] is not None and not few]
        known.sort(key=lambda row: row["position"])
        blocks += _blocks(known, line["name"], colours)
        shares = ", ".join(f"{row['label']} {percent(row['share'])}" for row in known)
        said.append(f"{name}: {note or shares}")
    return _board_of_blocks(blocks, drawn, colours), [], said


def _blocks(rows: Rows, name: str, colours: dict[str, str]) -> Rows:
    """The classes of a segment, one upon the other."""
    found, end = [], 0.0
    for row in rows:
        begin, end = end, end + row["share"]
        found.append(
            {
                "name": name,
                "label": row["label"],
                "from": round(begin, 6),
                "to": round(end, 6),
                "middle": round((begin + end) / 2, 6),
                "share": row["share"],
                "ink": look.ink_on(colours[row["label"]]),
                "share_text": percent(row["share"]),
                "interval_text": interval(row["low"], row["high"]),
                "n_text": f"{count(row['n'])} of {count(row['total'])}",
            }
        )
    return found


def _board_of_blocks(blocks: Rows, rows: Rows, colours: dict[str, str]) -> alt.LayerChart:
    heads = {"open_text": "still open"} if any(row["open_text"] for row in rows) else {}
    legend = alt.Legend(
        orient="top", title=None, columns=look.legend_columns(colours), offset=24 if heads else 10
    )
    shade = alt.Color("label:N", legend=legend)
    shade = shade.scale(domain=list(colours), range=list(colours.values()))
    x = alt.X("from:Q").scale(domain=[0, 1]).axis(marks.percents())
    tip = marks.tips({"name": "who", "label": "what"} | NUMBERS | {"n_text": "n"})

    def block_layers(base: alt.Chart, width: int) -> Layers:
        own = base.properties(data=alt.Data(values=blocks))
        block = own.mark_bar(size=24, stroke=look.WHITE, strokeWidth=1.5)
        inside = own.transform_filter(f"datum.share * {width} >= 38").mark_text(fontSize=10.5)
        ink = alt.Color("ink:N", scale=None)
        return [
            block.encode(x=x, x2="to:Q", color=shade, tooltip=tip),
            inside.encode(x="middle:Q", text="share_text:N", color=ink),
            marks.quiet(base, "note", 4),
        ]

    spare = 0 if heads else EDGE
    picture = marks.board(rows, heads, block_layers, height=ROW * len(rows), spare=spare)
    return picture.resolve_scale(color="independent")
