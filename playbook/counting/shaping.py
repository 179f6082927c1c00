"""Fetched counts → the rows of a shape: shares with their intervals, names for people, order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
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


def weeks(rows: Rows, as_of: datetime) -> Rows:
    """A share by week as a trend; a week that is not over, or has an open window, is incomplete."""
    return [
        {
            "period": row[units.WEEK].isoformat()[:10],
            "series": "share",
            "value": row["share"],
            "n": row["n"],
            "low": row["low"],
            "high": row["high"],
            "complete": not row["open"] and row[units.WEEK] + WEEK <= as_of.date(),
        }
        for row in sorted(rows, key=lambda row: row[units.WEEK])
        if row["n"]
    ]


def states(rows: Rows, origin: datetime, period: Period, by: Sequence[str] = ()) -> Rows:
    """Active things by week, with what came and went; weeks that are not over are left out.

    A week without any, after the first with some of the segment, is a zero and no gap.
    """
    return [
        dict(zip(by, segment, strict=True)) | row
        for segment, own in grouped(rows, by).items()
        for row in _states(own, origin, period)
    ]


def _states(rows: Rows, origin: datetime, period: Period) -> Rows:
    found: Rows = []
    known = {row["position"]: row for row in rows}
    none = dict.fromkeys(("active", "new", "kept", "revived", "lost"), 0)
    over = (period.as_of - origin) // WEEK
    for position in range(min(known, default=over + 1), over + 1):
        row, end = known.get(position, none), origin + WEEK * position
        if end <= period.since or end > period.until:
            continue
        values = {name: row[name] for name in ("active", "new", "kept", "revived")}
        values["lost"] = known.get(position - 1, none)["lost"]
        found += [
            {
                "period": (end - WEEK).date().isoformat(),
                "series": series,
                "value": value,
                "n": row["active"],
                "low": None,
                "high": None,
                "complete": True,
            }
            for series, value in values.items()
        ]
    return found


def curves(rows: Rows, by: Sequence[str], hours: float) -> Rows:
    found: Rows = []
    for segment, own in sorted(grouped(rows, by).items(), key=lambda item: item[0]):
        own.sort(key=lambda row: (row["hours"], row["reached"]))
        n = sum(row["n"] for row in own)
        drawn = stats.kaplan_meier(
            [row["hours"] for row in own],
            [row["reached"] for row in own],
            [row["n"] for row in own],
        )
        points = list(zip(drawn.times, drawn.shares, drawn.lows, drawn.highs, strict=True))
        points = [(0.0, 0.0, 0.0, 0.0), *points]
        if points[-1][0] < hours:
            points.append((float(hours), *points[-1][1:]))
        named = dict(zip(by, segment, strict=True))
        found += [
            named | {"hours": t, "share": s, "low": low, "high": high, "n": n}
            for t, s, low, high in points
        ]
    return found


def weekly(rows: Rows, most: int) -> Rows:
    """Weeks by the messages that they brought, as a mix by `per`; see `measures.weekly`."""
    found: Rows = []
    for per in ("person", "account"):
        own = sorted((row for row in rows if row["per"] == per), key=lambda row: row["messages"])
        total = sum(row["weeks"] for row in own)
        for row in own:
            low, high = stats.wilson(row["weeks"], total)
            label = f"{most} or more" if row["messages"] == most else str(row["messages"])
            found.append(
                {"per": per, "label": label, "position": row["messages"] - 1}
                | {"n": row["weeks"], "total": total, "share": row["weeks"] / total}
                | {"low": low, "high": high, "most": row["most"]}
            )
    return found
