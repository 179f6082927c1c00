"""Cohorts against periods: a triangle of shares, as far as they are known."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn
from playbook.language.wording import count, interval, percent, too_few
from playbook.results import Result

ROW, WIDEST = 21, 40  # pixels of a cohort, and of a period at most
MOST = 26  # periods and cohorts that are drawn
TIP = {"when": "started in the week of", "period": "period", "share_text": "came back"}
TIP |= {"interval_text": "95 % interval", "later_text": "then or later", "n_text": "n"}


def draw(result: Result, rows: Rows) -> Drawn:
    """A panel per segment: a row per cohort, a column per period, darker where more came back."""
    groups = look.segments(result, rows)
    shown = {name: _drawn_cells(own) for name, own in groups.items()}
    known = [row["share"] for own in shown.values() for row in own if _has_share(result, row)]
    top = marks.top(max(known, default=0))
    panels = [_triangle(result, name, own, top) for name, own in shown.items()]
    picture = panels[0] if len(panels) == 1 else alt.vconcat(*panels, spacing=16)
    picture = picture.resolve_scale(color="shared") if len(panels) > 1 else picture
    notes = ["In each cell: the share in per cent that came back in that period. Empty: not over."]
    periods = {row["position"] for row in rows if row["complete"]}
    if len(periods) > MOST:
        notes.append(f"The first {MOST} of {len(periods)} periods are shown.")
    if any(len(own) > len(shown[name]) and _cohorts(own) > MOST for name, own in groups.items()):
        notes.append(f"The last {MOST} cohorts are shown.")
    return picture, notes, [_triangle_said(result, name, own) for name, own in shown.items()]


def _cohorts(rows: Rows) -> int:
    return len({row["cohort"] for row in rows})


def _drawn_cells(rows: Rows) -> Rows:
    """The last cohorts and the first periods that any of them knows."""
    kept = sorted({row["cohort"] for row in rows})[-MOST:]
    own = [row for row in rows if row["cohort"] in kept]
    last = max((row["position"] for row in own if row["complete"]), default=0)
    return [row for row in own if row["position"] <= min(last, MOST - 1)]


def _has_share(result: Result, row: dict[str, Any]) -> bool:
    return row["share"] is not None and not look.is_few(result, row["n"])


def _triangle(result: Result, name: str, rows: Rows, top: float) -> alt.LayerChart:
    cells = [_cohort_cell(result, row, top) for row in rows]
    cohorts = {cell["cohort"]: cell["label"] for cell in cells}
    labels = list(cohorts.values())
    places = sorted({row["position"] for row in rows})
    size = min(WIDEST, (look.WIDTH - look.room(labels)) // len(places))
    x = alt.X("position:O", title="Periods since the start").scale(domain=places, padding=0)
    x = x.axis(orient="top", labelAngle=0, labelColor=look.MUTED, labelPadding=3)
    base = alt.Chart(alt.Data(values=cells)).encode(x=x, y=marks.bands("cohort", list(cohorts)))
    full = base.transform_filter("isValid(datum.share)")
    shade = alt.Color("share:Q", legend=None)
    shade = shade.scale(domain=[0, top], range=[look.SHADES[-1], look.SHADES[0]])
    box = {"stroke": look.WHITE, "strokeWidth": 1.5, "cornerRadius": 2}
    tip = marks.tips(TIP)
    text = full.mark_text(fontSize=10 if size < 26 else 11)
    layers = [
        base.transform_filter("!isValid(datum.share)")
        .mark_rect(color=look.PALE, **box)
        .encode(tooltip=tip),
        full.mark_rect(**box).encode(color=shade, tooltip=tip),
        text.encode(text="digits:N", color=alt.Color("ink:N", scale=None), tooltip=tip),
        marks.row_labels(labels, ROW),
    ]
    picture = alt.layer(*layers).resolve_scale(color="independent")
    picture = picture.properties(width=size * len(places), height=ROW * len(cohorts))
    return marks.headed(picture, name, offset=6)


def _cohort_cell(result: Result, row: dict[str, Any], top: float) -> dict[str, Any]:
    known = _has_share(result, row)
    still = "not over yet" if not row["complete"] else percent(row["share"])
    return {
        "cohort": row["cohort"],
        "label": look.with_n(_cohort_day(row["cohort"]), row["n"]),
        "when": row["cohort"],
        "position": row["position"],
        "period": str(row["position"]),
        "share": row["share"] if known else None,
        "digits": f"{row['share'] * 100:.0f}" if known else "",
        "ink": look.WHITE if known and row["share"] > 0.45 * top else look.INK,
        "share_text": too_few(row["n"]) if look.is_few(result, row["n"]) else still,
        "interval_text": interval(row["low"], row["high"]) if known else "",
        "later_text": percent(row["on_or_after"] / row["n"]) if known else "",
        "n_text": count(row["n"]),
    }


def _cohort_day(text: str) -> str:
    found = date.fromisoformat(text)
    return f"{found.day} {found:%b}"


def _triangle_said(result: Result, name: str, rows: Rows) -> str:
    """The oldest and the newest cohort with a period 1, in words."""
    known = [row for row in rows if row["position"] == 1 and _has_share(result, row)]
    who = name or "All"
    if not known:
        return f"{who}: no period 1 is complete for enough of them."
    ends = [known[0], known[-1]] if len(known) > 1 else known
    parts = [f"{percent(row['share'])} of those of {row['cohort']}" for row in ends]
    return f"{who}: in period 1, {', '.join(parts)} came back"
