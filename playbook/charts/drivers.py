"""Behaviour against reaching the goal: differences around zero, as they are and adjusted."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.effect import SIGNED
from playbook.charts.look import Rows
from playbook.language.wording import NONE, count, percent, points
from playbook.results import Result

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
ROW = 34
SHOWN, NOT_SHOWN = "difference shown", "no difference shown"
COLOURS = {SHOWN: look.BLUE, NOT_SHOWN: look.GREY}
HEADS = {"difference_text": "difference", "interval_text": "95 % interval"}
ADJUSTED = {"adjusted_text": "adjusted"}
SIDES = {"did_text": "did it", "not_text": "did not"}


def draw(result: Result, rows: Rows, *, most: int = 12) -> Drawn:
    """A dot with its whisker per behaviour; a ring where the difference is adjusted."""
    compared = [row for row in rows if row["difference"] is not None]
    drawn = [_row(result, row) for row in compared[:most]]
    names = [row["name"] for row in drawn]
    is_adjusted = any(row["adjusted"] is not None for row in drawn)
    heads = HEADS | (ADJUSTED if is_adjusted else {})
    widths = {key: look.column([head, *(r[key] for r in drawn)]) for key, head in heads.items()}
    width = max(170, look.WIDTH - look.room(names) - sum(widths.values()))
    base = alt.Chart().encode(y=marks.rows("name", names))
    layers = [*_forest(base, drawn, heads), marks.labels(names, ROW)] if drawn else []
    layers += marks.columns(base, heads, widths, width, bold="difference_text")
    picture = alt.layer(*layers, data=alt.Data(values=drawn))
    picture = picture.properties(width=width, height=ROW * max(len(drawn), 1))
    return picture, _notes(rows, compared, drawn, is_adjusted), [row["said"] for row in drawn]


def _row(result: Result, row: dict[str, Any]) -> dict[str, Any]:
    """A behaviour with its numbers as text."""
    name = result.label(row["event"]) + (", twice or more" if row["times"] == 2 else "")
    sides = f"[{points(row['low'])}, {points(row['high'])}]"
    verdict = NOT_SHOWN if row["verdict"] == NOT_SHOWN else SHOWN
    did, others = (
        f"{percent(row[f'share_{side}'])} of {count(row[f'n_{side}'])}" for side in ("did", "not")
    )
    adjusted = points(row["adjusted"])
    said = f"{name}: {points(row['difference'])} pp {sides}, {did} against {others}, {verdict}"
    return {key: row[key] for key in ("difference", "low", "high", "adjusted")} | {
        "who": name,
        "name": look.fitted(name, 34),
        "verdict": verdict,
        "difference_text": f"{points(row['difference'])} pp",
        "interval_text": sides,
        "adjusted_text": f"{adjusted} pp" if row["adjusted"] is not None else NONE,
        "did_text": did,
        "not_text": others,
        "said": said + (f", adjusted {adjusted} pp" if row["adjusted"] is not None else ""),
    }


def _notes(rows: Rows, compared: Rows, drawn: Rows, is_adjusted: bool) -> list[str]:
    notes = ["Share that reaches the goal later: of those who did it, minus of those who did not."]
    ring = "Ring: the same among units of one persona. " if is_adjusted else ""
    notes.append(f"{ring}Associations, not causes.")
    most = f"The {len(drawn)} largest of {len(compared)} differences. "
    few = len(rows) - len(compared)
    rest = f"Not compared: {few}, which too few did, or too few did not." if few else ""
    counted = ((most if len(compared) > len(drawn) else "") + rest).strip()
    return [*notes, *([counted] if counted else [])]


def _forest(base: alt.Chart, rows: Rows, heads: dict[str, str]) -> list[alt.Chart]:
    """Whiskers, dots and rings around the zero line."""
    keys = ("low", "high", "adjusted")
    ends = [row[key] for row in rows for key in keys if row[key] is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    pad = (high - low) * 0.06 or 0.01
    x = alt.X("difference:Q", title="percentage points")
    x = x.scale(domain=[low - pad, high + pad], nice=False).axis(
        labelExpr=SIGNED, grid=True, tickCount=5, labelColor=look.MUTED, labelFlush=False
    )
    used = [word for word in COLOURS if any(row["verdict"] == word for row in rows)]
    legend = alt.Legend(orient="bottom", title=None, offset=8, symbolSize=110)
    colour = alt.Color("verdict:N", legend=legend)
    colour = colour.scale(domain=used, range=[COLOURS[word] for word in used])
    tips = marks.tips({"who": "behaviour"} | heads | SIDES | {"verdict": "verdict"})
    zero = alt.Chart(alt.Data(values=[{"difference": 0}])).mark_rule(color=look.INK).encode(x=x)
    whisker = base.mark_rule(strokeWidth=2.4)
    dot = base.mark_point(filled=True, shape="circle", size=110, opacity=1)
    layers = [
        zero,
        whisker.encode(x=alt.X("low:Q"), x2="high:Q", color=colour, tooltip=tips),
        dot.encode(x=x, color=colour, tooltip=tips),
    ]
    if "adjusted_text" in heads:
        ring = base.transform_filter("isValid(datum.adjusted)").mark_point(
            filled=False, shape="circle", size=150, opacity=1, strokeWidth=1.6, color=look.INK
        )
        layers.append(ring.encode(x=alt.X("adjusted:Q"), tooltip=tips))
    return layers
