"""Fetched counts → the rows of a shape: shares with their intervals, names for people, order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from playbook.counting import measures, units
from playbook.inference import stats
from playbook.language.periods import Period, words
from playbook.results import UNKNOWN, Rows

WEEK = timedelta(days=7)
NONE_OF_THESE, JOINED = "none of these", " + "


def grouped(rows: Rows, columns: Sequence[str]) -> dict[tuple, Rows]:
    """The rows by their values in the columns, in the order in which these first come."""
    found: dict[tuple, Rows] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return found


def shares(rows: Rows) -> Rows:
    for row in rows:
        row["low"], row["high"] = stats.wilson(row["reached"], row["n"])
        row["share"] = row["reached"] / row["n"] if row["n"] else None
    return rows


def classes(rows: Rows, by: Sequence[str], *, last: int) -> Rows:
    """Classes with their share of the closed ones; the class `last` (still open) has none."""
    for own in grouped(rows, by).values():
        total = sum(row["n"] for row in own if row["position"] != last)
        for row in own:
            row["total"] = total
            row["share"] = row["low"] = row["high"] = None
            if row["position"] != last and total:
                row["share"] = row["n"] / total
                row["low"], row["high"] = stats.wilson(row["n"], total)
    return sorted(rows, key=lambda row: row["position"])


def class_name(names: Sequence[str], done: int) -> str:
    """What a class of a mix did, by its bits; a name that could be read as another is quoted."""
    if done == 1 << len(names):
        return measures.OPEN
    said = [name for bit, name in enumerate(names) if done & 1 << bit]
    if len(said) == 1:
        plain = said[0] not in (measures.OPEN, NONE_OF_THESE)
        return f"{said[0]} only" if len(names) > 1 else said[0] if plain else f"“{said[0]}”"
    return JOINED.join(f"“{name}”" if JOINED in name else name for name in said) or NONE_OF_THESE


def bucket_names(edges: Sequence[timedelta], horizon: timedelta | None) -> list[str]:
    ends = [words(edge) for edge in edges]
    names = [f"within {ends[0]}"]
    names += [f"{a} to {b}" for a, b in pairwise(ends)]
    until = f", within {words(horizon)}" if horizon else ""
    never = f"never within {words(horizon)}" if horizon else "not so far"
    return [*names, f"after {ends[-1]}{until}", never, "before the start", measures.OPEN]


def losses(
    rows: Rows, names: Sequence[str], by: Sequence[str], *, optional: Collection[int] = ()
) -> Rows:
    """Counts per step as rows with what is lost; at an optional step (the entry is 1) nobody is."""
    found: Rows = []
    for row in rows:
        counts = [row[f"step_{k}"] for k in range(1, len(names) + 1)]
        for position, (name, n) in enumerate(zip(names, counts, strict=True)):
            required = [k for k in range(1, position + 1) if k not in optional]
            before = counts[required[-1] - 1] if position else n
            if free := position + 1 in optional:
                before = n
            low, high = stats.wilson(n, counts[0])
            found.append(
                {column: row[column] for column in by}
                | {"step": name, "position": position, "n": n, "lost": before - n}
                | {"of_first": n / counts[0] if counts[0] else None}
                | {"of_previous": n / before if before and not free else None}
                | {"low": low, "high": high, "open": row["open"]}
            )
    return found


def ordered(rows: Rows, by: Sequence[str], order: Mapping[str, Sequence[str]]) -> Rows:
    """Rows with the segments in the product's order, others by name, unknown ones last."""

    def place(column: str, value: str) -> tuple[bool, int, str]:
        known = order.get(column, ())
        return (value == UNKNOWN, known.index(value) if value in known else len(known), value)

    return sorted(rows, key=lambda row: [place(column, row[column]) for column in by])


def weeks(rows: Rows, period: Period) -> Rows:
    """A share by week as a trend; a week that is not over, or has an open window, is incomplete."""
    return [
        {
            "period": row[units.WEEK].isoformat()[:10],
            "series": "share",
            "value": row["share"],
            "n": row["n"],
            "low": row["low"],
            "high": row["high"],
            "complete": not row["open"] and period.over(midnight(row[units.WEEK]) + WEEK),
        }
        for row in sorted(rows, key=lambda row: row[units.WEEK])
        if row["n"]
    ]


def midnight(day: date) -> datetime:
    """The moment at which a day begins, UTC."""
    return datetime(day.year, day.month, day.day)
