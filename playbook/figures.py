"""One number of a report, as a row: what reports keep and compare."""

from __future__ import annotations

from typing import Any

from playbook.results import Answer, Result

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


def of(result: Answer) -> list[dict[str, Any]]:
    """The figures of a result: one row per number, with n and interval; none if unavailable.

    `figure` is a stable dotted id, such as `audit.first_workflow_24h.share`; `segment` is "" or
    "persona=data_engineer"; `unit` is `share`, `count`, `hours` or `difference`; `definition`
    is a hash that changes with the way of counting.
    """
    if not isinstance(result, Result):
        return []
    rows = [
        (suffix, result.segment(row), row, n, value, row.get("low"), row.get("high"), unit)
        for row in result.rows
        for suffix, n, value, unit in _numbers(result, row)
    ]
    return [
        {
            "figure": f"{result.id}.{suffix}",
            "question": result.question,
            "segment": segment,
            "n": n,
            "value": _rounded(value),
            "low": _rounded(low) if unit in {"share", "difference"} else None,
            "high": _rounded(high) if unit in {"share", "difference"} else None,
            "unit": unit,
            "as_of": result.as_of,
            "definition": result.definition_hash,
        }
        for suffix, segment, _row, n, value, low, high, unit in rows
    ]


def _numbers(result: Result, row: dict[str, Any]) -> list[tuple[str, int | None, Any, str]]:
    """(suffix, n, value, unit) for each number of a row."""
    few = row.get("n", row.get("total", 0)) < result.min_n
    match result.shape:
        case "share":
            share = None if few else row["share"]
            return [
                ("share", row["n"], share, "share"),
                ("open", row["open"], row["open"], "count"),
            ]
        case "mix" | "buckets":
            name = row["label"].replace(" ", "_")
            return [
                (name, row["total"], row["share"], "share"),
                (f"{name}.n", None, row["n"], "count"),
            ]
        case "steps":
            return [(row["step"], row["n"], row["of_first"], "share")]
        case "trend":
            unit = "share" if row["series"] == "share" else "count"
            return [(f"{row['series']}.{row['period']}", row["n"], row["value"], unit)]
        case "effect":
            n = row["n_treated"] + row["n_holdout"]
            name = row["label"] if result.question == "effects" else "difference"
            return [(name, n, row["difference"], "difference")]
        case "curve":
            return []
        case _:
            return []


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
