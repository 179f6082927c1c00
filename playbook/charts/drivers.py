"""Behaviour against reaching the goal: differences around zero, as they are and adjusted."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.effect import ROW, ends_said, forest
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import NONE, count, percent, points
from playbook.results import Result

SHOWN, NOT_SHOWN = "difference shown", "no difference shown"
LOOKS = {SHOWN: ("circle", look.BLUE), NOT_SHOWN: ("circle", look.GREY)}
HEADS = {"difference_text": "difference", "interval_text": "95 % interval"}
ADJUSTED = {"adjusted_text": "adjusted"}
SIDES = {"did_text": "did it", "not_text": "did not"}


def draw(result: Result, rows: Rows, *, most: int = 12) -> Drawn:
    """A dot with its whisker per behaviour; a ring where the difference is adjusted."""
    compared = [row for row in rows if row["difference"] is not None]
    drawn = [_behaviour_line(result, row) for row in compared[:most]]
    is_adjusted = any(row["adjusted"] is not None for row in drawn)
    heads = HEADS | (ADJUSTED if is_adjusted else {})
    tip = {"who": "behaviour"} | heads | SIDES | {"verdict": "verdict"}

    def driver_layers(base: alt.Chart, _width: int) -> Layers:
        if not drawn:
            return []
        ring = base.transform_filter("isValid(datum.adjusted)").mark_point(
            filled=False, shape="circle", size=150, opacity=1, strokeWidth=1.6, color=look.INK
        )
        ring = ring.encode(x=alt.X("adjusted:Q"), tooltip=marks.tips(tip))
        return [*forest(base, drawn, LOOKS, tip), *([ring] if is_adjusted else [])]

    height = ROW * max(len(drawn), 1)
    picture = marks.board(drawn, heads, driver_layers, height=height, bold="difference_text")
    notes = _driver_notes(rows, compared, drawn, is_adjusted)
    return picture, notes, [row["said"] for row in drawn]


def _behaviour_line(result: Result, row: dict[str, Any]) -> dict[str, Any]:
    """A behaviour with its numbers as text."""
    name = result.label(row["event"]) + (", twice or more" if row["times"] == 2 else "")
    verdict = NOT_SHOWN if row["verdict"] == NOT_SHOWN else SHOWN
    did, others = (
        f"{percent(row[f'share_{side}'])} of {count(row[f'n_{side}'])}" for side in ("did", "not")
    )
    difference, ends = f"{points(row['difference'])} pp", ends_said(row)
    adjusted = "" if row["adjusted"] is None else f"{points(row['adjusted'])} pp"
    said = f"{name}: {difference} {ends}, {did} against {others}, {verdict}"
    return {key: row[key] for key in ("difference", "low", "high", "adjusted")} | {
        "who": name,
        "name": look.fitted(name, 34),
        "verdict": verdict,
        "difference_text": difference,
        "interval_text": ends,
        "adjusted_text": adjusted or NONE,
        "did_text": did,
        "not_text": others,
        "said": said + (f", adjusted {adjusted}" if adjusted else ""),
    }


def _driver_notes(rows: Rows, compared: Rows, drawn: Rows, is_adjusted: bool) -> list[str]:
    notes = ["Share that reaches the goal later: of those who did it, minus of those who did not."]
    ring = "Ring: the same among units of one persona. " if is_adjusted else ""
    notes.append(f"{ring}Associations, not causes.")
    most = f"The {len(drawn)} largest of {len(compared)} differences. "
    few = len(rows) - len(compared)
    rest = f"Not compared: {few}, which too few did, or too few did not." if few else ""
    counted = ((most if len(compared) > len(drawn) else "") + rest).strip()
    return [*notes, *([counted] if counted else [])]
