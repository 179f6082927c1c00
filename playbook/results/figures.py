"""One number of a report, as a row: what reports keep and compare."""

from __future__ import annotations

from collections import Counter
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
ENDS = (".lowest", ".highest")  # of bounds, which are no estimates and have no interval


def of(result: Answer) -> list[dict[str, Any]]:
    """The figures of a result: one row per number, with n and interval; none if unavailable.

    `figure` is a stable dotted id, such as `audit.first_workflow_24h.share`; `segment` is "" or
    "persona=data_engineer"; `unit` is `share`, `count`, `hours` or `difference`; `definition`
    is a hash that changes with the way of counting.
    """
    if not isinstance(result, Result):
        return []
    if result.shape == "volume":
        return _anomalies(result)
    if result.shape == "load":
        return _decided(result)
    entrants = entered(result)
    found = [
        _figure(result, row, suffix, n, value, unit)
        for row in result.rows
        for suffix, n, value, unit in _numbers(result, row, entrants)
    ]
    return _told_apart(found)


def entered(result: Result) -> dict[str, int]:
    """Segment → how many reached the first step: the n of its steps' shares of the first."""
    if result.shape != "steps":
        return {}
    return {result.segment(row): row["n"] for row in result.rows if not row["position"]}


def _figure(
    result: Result, row: dict[str, Any], suffix: str, n: int | None, value: Any, unit: str
) -> dict[str, Any]:
    few = unit != "count" and (n or 0) < result.min_n
    value = None if few else value
    bare = (
        value is None
        or unit not in {"share", "difference"}
        or (result.shape == "bounds" and suffix.endswith(ENDS))
    )
    return {
        "figure": f"{result.id}.{suffix}",
        "question": result.question,
        "segment": result.segment(row) if row else "",
        "n": n,
        "value": _rounded(value),
        "low": None if bare else _rounded(row.get("low")),
        "high": None if bare else _rounded(row.get("high")),
        "unit": unit,
        "as_of": result.as_of,
        "definition": result.definition_hash,
    }


def _anomalies(result: Result) -> list[dict[str, Any]]:
    """How many of the days are out of the ordinary, as one figure."""
    n = len(result.rows)
    odd = sum(bool(row["anomaly"]) for row in result.rows)
    return [_figure(result, {}, "anomalies", n, odd, "count")] if n else []


def _decided(result: Result) -> list[dict[str, Any]]:
    """How many messages each decision met, over all days."""
    sums: Counter[str] = Counter()
    for row in result.rows:
        sums[row["decision"]] += row["n"]
    return [_figure(result, {}, name, None, n, "count") for name, n in sorted(sums.items())]


def _told_apart(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures of one name and segment, such as a step that is done twice, with their place."""
    times: Counter[tuple[str, str]] = Counter()
    for row in found:
        key = (row["figure"], row["segment"])
        times[key] += 1
        if times[key] > 1:
            row["figure"] += f"_{times[key]}"
    return found


def _numbers(
    result: Result, row: dict[str, Any], entrants: dict[str, int]
) -> list[tuple[str, int | None, Any, str]]:
    """(suffix, n, value, unit) for each number of a row."""
    match result.shape:
        case "share":
            return [
                ("share", row["n"], row["share"], "share"),
                ("open", row["open"], row["open"], "count"),
            ]
        case "mix" | "buckets":
            name = row["label"].replace(" ", "_")
            return [
                (name, row["total"], row["share"], "share"),
                (f"{name}.n", None, row["n"], "count"),
            ]
        case "steps":
            return [(row["step"], entrants[result.segment(row)], row["of_first"], "share")]
        case "bounds":
            name, n = row["subject"], row["n"]
            ends = [(f"{name}{end}", n, row[end[1:]], "share") for end in ENDS]
            return [(name, n, row["share"], "share"), *(ends if row["share"] is not None else [])]
        case "trend":
            unit = "share" if row["series"] == "share" else "count"
            return [(f"{row['series']}.{row['period']}", row["n"], row["value"], unit)]
        case "differences":
            step = f"{row['step']}." if "step" in row else ""
            return [(f"{step}difference", row["n"], row["difference"], "difference")]
        case "effect":
            n = row["n_treated"] + row["n_holdout"]
            several = result.question in {"effects", "among_reached"}
            name = row["label"].replace(" ", "_") if several else "difference"
            return [(name, n, row["difference"], "difference")]
        case "drivers":
            name = row["event"] + (".twice" if row["times"] == 2 else "")
            return [(name, row["n_did"] + row["n_not"], row["difference"], "difference")]
        case _:
            return []


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
