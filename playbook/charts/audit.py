"""Subjects against checks: questions and what they need, data points and where they go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import NONE, count
from playbook.results import Result

ROW = 30
WIDEST, NARROWEST = 64, 22  # pixels of a column
VERDICT, GAP = "verdict", 12  # this check stands apart, at the left
FLAT, SLANTED, STEEP = 0, -40, -55  # degrees of the columns' names
MANY = 10  # columns, from which on their names stand steeply
STATUSES = {  # status → symbol, colour
    "ok": ("✓", look.GREEN),
    "used": ("●", look.BLUE),
    "caveat": ("~", look.AMBER),
    "missing": ("✗", look.ORANGE),
    "failed": ("✗", look.ORANGE),
    "not needed": ("", look.PALE),
}
OTHER = ("?", look.NOTHING)
BLANK = "not used"  # in the place of "not needed", where cells are uses


def draw(result: Result, rows: Rows) -> Drawn:
    """A matrix: rows are subjects, columns are checks, the most frequent first."""
    named = [(_subject_name(result, row), _check_name(result, row), row) for row in rows]
    checks = _ordered([(check, row["status"]) for _, check, row in named])
    cells = {(subject, check): row for subject, check, row in named}
    subjects = list(dict.fromkeys(subject for subject, *_ in named))
    room = 38 if len(checks) < MANY else 24
    shown = {subject: look.fitted(subject, room) for subject in subjects}
    columns, angle = _check_columns(checks, look.room(shown.values()))
    drawn = [
        _matrix_cell(subject, check, cells.get((subject, check)))
        | {"x": left, "x2": right, "y": ROW * i, "y2": ROW * (i + 1)}
        for i, subject in enumerate(subjects)
        for check, (left, right) in columns.items()
    ]
    width, height = max(right for _, right in columns.values()), ROW * len(subjects)
    layers = [*_matrix_cells(drawn), _heads(columns, angle), _legend(drawn, columns, angle)]
    loud = [name for name in subjects if _is_lost(name, drawn)]
    layers.append(marks.row_labels(list(shown.values()), ROW, loud=[shown[name] for name in loud]))
    if len(subjects) > 1:
        layers += _filled_counts(drawn, columns, height)
    picture = alt.layer(*layers).properties(width=width, height=height)
    return picture, [], [_row_said(subject, drawn) for subject in subjects]


def _ordered(found: Sequence[tuple[str, str]]) -> list[str]:
    """The verdict, then the columns by how often they are filled; what is nowhere there last."""
    statuses: dict[str, list[str]] = {}
    for check, status in found:
        statuses.setdefault(check, []).append(status)

    def column_order(check: str) -> tuple[bool, bool, int]:
        own = [status for status in statuses[check] if status != "not needed"]
        return check != VERDICT, bool(own) and set(own) == {"missing"}, -len(own)

    return sorted(statuses, key=column_order)


def _check_columns(checks: list[str], left: int) -> tuple[dict[str, tuple[float, float]], int]:
    """The left and right end of each column in pixels, and the angle of their names."""
    apart = VERDICT in checks and len(checks) > 1
    rest = [check for check in checks if check != VERDICT or not apart]
    angle = SLANTED if len(rest) < MANY else STEEP
    begin = 44 + GAP if apart else 0
    space = look.WIDTH - left - begin
    # A slanted name begins in the middle of its column and must end before the edge.
    ends = [
        (space - look.room([check]) * math.cos(math.radians(angle))) / (i + 0.5)
        for i, check in enumerate(rest)
    ]
    size = math.floor(max(NARROWEST, min([WIDEST, space / len(rest), *ends])))
    if look.room(rest) <= space / len(rest):
        size, angle = max(look.room(rest), WIDEST), FLAT
    found = {check: (begin + size * i, begin + size * (i + 1)) for i, check in enumerate(rest)}
    return ({VERDICT: (0, begin - GAP)} if apart else {}) | found, angle


def _matrix_cells(drawn: Rows) -> Layers:
    """Coloured cells with a symbol each; what is not needed is pale and has no tooltip."""
    fields = ("subject", "check", "status", "seen", "expected")
    tip = marks.tips({field: field for field in fields})
    box = {"cornerRadius": 4, "stroke": look.WHITE, "strokeWidth": 3}
    where = {"x": marks.from_left("x"), "x2": "x2:Q", "y": marks.from_top("y"), "y2": "y2:Q"}
    fill, ink = alt.Color("fill:N", scale=None), alt.Color("ink:N", scale=None)
    blank = alt.Chart(alt.Data(values=[row for row in drawn if not row["symbol"]]))
    rect = alt.Chart().mark_rect(**box).encode(tooltip=tip, color=fill, **where)
    text = alt.Chart().mark_text(fontSize=13, fontWeight="bold")
    text = text.transform_calculate(mx="(datum.x + datum.x2) / 2", my=f"datum.y + {ROW / 2}")
    text = text.encode(x=marks.from_left("mx"), y=marks.from_top("my"), text="symbol:N")
    text = text.encode(color=ink, tooltip=tip)
    full = alt.Data(values=[row for row in drawn if row["symbol"]])
    return [
        blank.mark_rect(color=look.PALE, **box).encode(**where),
        alt.layer(rect, text, data=full),
    ]


def _legend(drawn: Rows, columns: dict[str, tuple[float, float]], angle: int) -> alt.LayerChart:
    """A small cell and its word for each status, above the names of the columns."""
    high = math.sin(math.radians(-angle)) * look.room(columns) * 0.92 if angle else 12
    top, at, rows = -round(high) - 34, 0, []
    shown = {row["status"] for row in drawn}
    for status in dict.fromkeys([*STATUSES, *(row["status"] for row in drawn)]):
        if status not in shown:
            continue
        symbol, fill = STATUSES.get(status, OTHER)
        word = BLANK if not symbol and "used" in shown else status
        row = {"at": at, "to": at + 18, "word": word, "symbol": symbol, "fill": fill}
        rows.append(row | {"ink": look.ink_on(fill)})
        at += look.room([word]) + 24
    base, y = alt.Chart().encode(x=marks.from_left("at")), alt.value(top + 8)
    fill, ink = alt.Color("fill:N", scale=None), alt.Color("ink:N", scale=None)
    box = base.mark_rect(cornerRadius=3)
    symbols = base.mark_text(fontSize=11, fontWeight="bold", dx=9)
    words = base.mark_text(align="left", dx=24)
    return alt.layer(
        box.encode(x2="to:Q", y=alt.value(top), y2=alt.value(top + 16), color=fill),
        symbols.encode(y=y, text="symbol:N", color=ink),
        words.encode(y=y, text="word:N"),
        data=alt.Data(values=rows),
    )


def _heads(columns: dict[str, tuple[float, float]], angle: int) -> alt.Chart:
    """The columns' names above them; the verdict's in bold."""
    rows = [{"check": check, "at": (x + x2) / 2} for check, (x, x2) in columns.items()]
    text = alt.Chart(alt.Data(values=rows)).mark_text(
        align="left" if angle else "center",
        baseline="middle",
        angle=angle % 360,
        fontWeight=alt.expr(f"datum.check === '{VERDICT}' ? 'bold' : 'normal'"),
    )
    return text.encode(x=marks.from_left("at"), y=alt.value(-9), text="check:N")


def _filled_counts(drawn: Rows, columns: dict[str, tuple[float, float]], height: int) -> Layers:
    """Under each column, in how many rows it is filled."""
    rows = [
        {
            "at": (left + right) / 2,
            "n": count(sum(row["check"] == check and row["symbol"] != "" for row in drawn)),
        }
        for check, (left, right) in columns.items()
        if check != VERDICT
    ]
    style = {"fontSize": 11, "color": look.MUTED}
    y = alt.value(height + 12)
    text = alt.Chart(alt.Data(values=rows)).mark_text(**style)
    said = alt.Chart(alt.Data(values=[{"n": "rows"}])).mark_text(align="right", **style)
    return [
        text.encode(x=marks.from_left("at"), y=y, text="n:N"),
        said.encode(x=alt.value(-8), y=y, text="n:N"),
    ]


def _matrix_cell(subject: str, check: str, row: dict[str, Any] | None) -> dict[str, Any]:
    status = row["status"] if row else "not needed"
    symbol, colour = STATUSES.get(status, OTHER)
    cell = {"subject": subject, "check": check, "status": status, "symbol": symbol}
    if not symbol:
        return cell
    seen, expected = ((row or {}).get(name) or NONE for name in ("seen", "expected"))
    return cell | {
        "fill": colour,
        "ink": look.ink_on(colour),
        "seen": str(seen),
        "expected": str(expected),
    }


def _subject_name(result: Result, row: dict[str, Any]) -> str:
    return look.joined(result.label(row["subject"]), look.segment_label(result, row))


def _check_name(result: Result, row: dict[str, Any]) -> str:
    if row["check"] == VERDICT:
        return VERDICT
    return look.wrapped(result.label(row["check"]), 30, most=1)[0]


def _is_lost(subject: str, drawn: Rows) -> bool:
    """Whether nothing of a subject is there."""
    own = {cell["status"] for cell in drawn if cell["subject"] == subject}
    return own - {"not needed"} == {"missing"}


def _row_said(subject: str, cells: Rows) -> str:
    own = [cell for cell in cells if cell["subject"] == subject and cell["status"] != "not needed"]
    said = ", ".join(f"{cell['check']} {cell['status']}" for cell in own)
    return f"{' '.join(subject.split())}: {said or 'nothing needed'}"
