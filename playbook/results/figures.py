"""One number of a report, as a row: what reports keep and compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from playbook.results import Answer, Result
from playbook.results.columns import NUMBERS, SUMMED, Column

MIME = "application/vnd.playbook.figures+json"
COLUMNS = (
    "figure",
    "question",
    "segment",
    "n",
    "value",
    "low",
    "high",
    "unit",
    "as_of",
    "definition",
)
UNITS = {
    "points": "difference",
    "moved": "difference",
}  # kind of a column → the unit of its figures, if not the kind


def of(result: Answer) -> list[dict[str, Any]]:
    """The figures of a result: one row per number, with n and interval; none if unavailable.

    `figure` is a stable dotted id, such as `audit.first_workflow_24h.share`; `segment` is "" or
    "persona=data_engineer"; `unit` is `share`, `count`, `difference`, `hours` or another kind of
    number; `definition` is a hash that changes with the way of counting.
    """
    if not isinstance(result, Result):
        return []
    if result.shape in SUMMED:
        return _summed(result)
    columns = result.columns
    ends = {end for column in columns.values() for end in column.ends}
    told = [
        (name, column)
        for name, column in sorted(columns.items(), key=lambda pair: not pair[1].ends)
        if column.figure or (result.shape == "table" and column.kind in NUMBERS)
    ]
    keys = [name for name, column in columns.items() if column.is_key]
    found = [
        _of_cell(result, row, named, name, column)
        for row in result.rows
        for name, column in told
        if name not in ends and (named := _cell_name(row, keys, name, column))
    ]
    return _told_apart(found)


def figure(
    result: Result,
    name: str,
    value: float | None,
    *,
    kind: str,
    n: int | None = None,
    ends: tuple[float | None, float | None] = (None, None),
    segment: str = "",
) -> dict[str, Any]:
    """A number as a row to keep; what rests on too few is null."""
    few = n is not None and kind != "count" and n < result.min_n
    value = None if few else value
    low, high = (None, None) if value is None else ends
    return {
        "figure": f"{result.id}.{name}",
        "question": result.question,
        "segment": segment,
        "n": n,
        "value": _rounded(value, kind),
        "low": _rounded(low),
        "high": _rounded(high),
        "unit": UNITS.get(kind, kind),
        "as_of": result.as_of,
        "definition": result.definition_hash,
    }


def _of_cell(
    result: Result, row: Mapping[str, Any], named: str, column: str, kind: Column
) -> dict[str, Any]:
    low, high = kind.ends or ("", "")
    return figure(
        result,
        named,
        row.get(column),
        kind=kind.kind,
        n=result.size(row, kind),
        ends=(row.get(low), row.get(high)),
        segment=result.segment(row),
    )


def _cell_name(row: Mapping[str, Any], keys: list[str], name: str, column: Column) -> str:
    """What the figure of a cell is called; "" where it is none."""
    if callable(column.figure):
        return column.figure(row)
    if column.figure:
        return column.figure.format_map(row)
    return ".".join([*(str(row[key]).replace(" ", "_") for key in keys), name])


def _summed(result: Result) -> list[dict[str, Any]]:
    """What the rows of a shape come to where there are too many of them to keep."""
    if result.shape == "volume" and result.rows:
        odd = sum(bool(row["anomaly"]) for row in result.rows)
        return [figure(result, "anomalies", odd, kind="count", n=len(result.rows))]
    sums: Counter[str] = Counter()
    for row in result.rows if result.shape == "load" else []:
        sums[row["decision"]] += row["n"]
    return [figure(result, name, n, kind="count") for name, n in sorted(sums.items())]


def _told_apart(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures of one name and segment, such as a step that is done twice, with their place."""
    times: Counter[tuple[str, str]] = Counter()
    for row in found:
        key = (row["figure"], row["segment"])
        times[key] += 1
        if times[key] > 1:
            row["figure"] += f"_{times[key]}"
    return found


def _rounded(value: float | None, kind: str = "") -> float | None:
    if value is None:
        return None
    return float(f"{value:.6g}") if kind == "p" else round(float(value), 6)
