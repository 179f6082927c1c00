"""Shares and classes as bars, with their numbers beside them."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.results import Result
from playbook.wording import count, interval, percent, too_few

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
ROW = 32  # pixels from one bar to the next
# Nobody did anything: grey, not a shade of the measure's blue.
NOTHING = ("never", "not so far", "none of these", "nothing else", "(left", "(nothing")


def share(result: Result, rows: Rows) -> Drawn:
    """Segments as bars with whiskers."""
    again = "both" if "did_before" in dict(result.definition).values() else "twice or more"
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
        drawn.append(_numbers(row, few) | said)
    heads = {"open_text": "still open"} if any(row["open_text"] for row in drawn) else {}
    if any(row["again"] for row in drawn):
        heads = {"again_text": again} | heads
    notes = [f"Dark blue: {again}."] if "again_text" in heads else []
    return _bars(drawn, heads), notes, [_said(row) for row in drawn]


def classes(result: Result, rows: Rows) -> Drawn:
    """Classes as bars for everybody, or stacked by segment."""
    if result.by:
        return _stacked(result, rows)
    rows = sorted(rows, key=lambda row: row["position"])
    drawn = []
    for row in rows:
        few = row["total"] < max(result.min_n, 1)
        nothing = row["label"].startswith(NOTHING)
        still = "" if row["share"] is not None else "window not closed yet"
        said = {
            "name": row["label"],
            "colour": look.NOTHING if nothing else look.BLUE,
            "note": too_few(row["total"]) if few else still,
        }
        drawn.append(_numbers(row, few) | said)
    notes = [f"Shares of n = {count(rows[0]['total'])} whose window has closed."]
    return _bars(drawn, {}), notes, [_said(row) for row in drawn]


def _numbers(row: dict[str, Any], few: bool) -> dict[str, Any]:
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


def _said(row: dict[str, Any]) -> str:
    name = row["name"].replace("\n", " ")
    value = f"{row['share_text']} ({row['interval_text']})"
    return f"{name}: {row['note'] or value}"


def _bars(rows: Rows, heads: dict[str, str]) -> alt.LayerChart:
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


def _stacked(result: Result, rows: Rows) -> Drawn:
    """One bar of 100 % per segment; classes in their order from dark to light."""
    ordered = sorted(rows, key=lambda row: row["position"])
    labels = list(dict.fromkeys(row["label"] for row in ordered if row["share"] is not None))
    ramp = iter(look.shades(sum(not label.startswith(NOTHING) for label in labels)))
    ranges = [look.NOTHING if label.startswith(NOTHING) else next(ramp) for label in labels]
    colour = dict(zip(labels, ranges, strict=True))
    parts, names, said = [], [], []
    for name, own in look.segments(result, rows).items():
        total = own[0]["total"]
        few = total < max(result.min_n, 1)
        fit = look.fitted(look.with_n(name, total))
        still = sum(row["n"] for row in own if row["share"] is None)
        note = too_few(total) if few else ""
        names.append({"name": fit, "note": note, "open_text": count(still) if still else ""})
        known = [row for row in own if row["share"] is not None and not few]
        known.sort(key=lambda row: row["position"])
        parts += _parts(known, fit, colour)
        shares = ", ".join(f"{row['label']} {percent(row['share'])}" for row in known)
        said.append(f"{look.with_n(name, total)}: {note or shares}")
    return _stack(parts, names, colour), [], said


def _parts(rows: Rows, name: str, colour: dict[str, str]) -> Rows:
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
                "ink": look.ink_on(colour[row["label"]]),
                "share_text": percent(row["share"]),
                "interval_text": interval(row["low"], row["high"]),
                "n_text": f"{count(row['n'])} of {count(row['total'])}",
            }
        )
    return found


def _stack(parts: Rows, names: Rows, colours: dict[str, str]) -> alt.LayerChart:
    fits = [row["name"] for row in names]
    heads = {"open_text": "still open"} if any(row["open_text"] for row in names) else {}
    width = max(260, look.WIDTH - look.room(fits) - 70 * len(heads) - 16)
    order = marks.rows("name", fits)
    legend = alt.Legend(
        orient="top", title=None, columns=look.legend_columns(colours), offset=24 if heads else 10
    )
    shade = alt.Color("label:N", legend=legend)
    shade = shade.scale(domain=list(colours), range=list(colours.values()))
    x = alt.X("from:Q").scale(domain=[0, 1]).axis(marks.percents())
    tip = {"name": "who", "label": "what", "share_text": "share", "interval_text": "95 % interval"}
    bars = alt.Chart(alt.Data(values=parts)).encode(y=order)
    block = bars.mark_bar(size=24, stroke=look.WHITE, strokeWidth=1.5)
    block = block.encode(x=x, x2="to:Q", color=shade, tooltip=marks.tips(tip | {"n_text": "n"}))
    inside = bars.transform_filter(f"datum.share * {width} >= 38").mark_text(fontSize=10.5)
    inside = inside.encode(x="middle:Q", text="share_text:N", color=alt.Color("ink:N", scale=None))
    base = alt.Chart(alt.Data(values=names)).encode(y=order)
    layers = [block, inside, marks.quiet(base, "note", 4), marks.labels(fits, ROW)]
    layers += marks.columns(base, heads, dict.fromkeys(heads, 70), width, bold="")
    picture = alt.layer(*layers).resolve_scale(color="independent")
    return picture.properties(width=width, height=ROW * len(names))
