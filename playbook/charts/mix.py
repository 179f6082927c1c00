"""Classes of a whole: bars for everybody, or one bar of 100 % for each segment."""

from __future__ import annotations

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.share import ROW, Drawn, bar_said, bars, numbers
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

# Nobody did anything: grey, not a shade of the measure's blue.
NOTHING = ("never", "not so far", "none of these", "nothing else", "(left", "(nothing")


def draw(result: Result, rows: Rows) -> Drawn:
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
        drawn.append(numbers(row, few) | said)
    notes = [f"Shares of n = {count(rows[0]['total'])} whose window has closed."]
    return bars(drawn, {}), notes, [bar_said(row) for row in drawn]


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
