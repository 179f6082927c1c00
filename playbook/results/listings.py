"""A result as a table for people, and as its SQL."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot

from playbook.language.wording import NONE, count, moved, percent, points, too_few
from playbook.results import Answer, Result, Unavailable, figures

SHARES = {"share", "low", "high", "of_first", "of_previous", "reached", "treated", "holdout"}
SHARES |= {"lowest", "highest"}
SHARES |= {"slow_share", "share_did", "share_not", "share_others", "base", "delivered", "seen"}
SHARES |= {"claim", "claim_opened", "claim_clicked"}
POINTS = {"smallest_effect", "sees", "drawn"}  # differences of shares, wherever they stand
DIFFERENCES = {"difference", "low", "high", "adjusted", "adjusted_low", "adjusted_high"}
DIFFERENCES |= {"anytime_low", "anytime_high"}
IN_POINTS = {"effect", "drivers", "differences"}  # shapes whose intervals are of differences


@dataclass(frozen=True)
class Listing:
    """Rows to read: each cell is text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return {"text/html": self._html(), "text/plain": self._plain()}

    def _html(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"

    def _plain(self) -> str:
        lines = [" | ".join(self.columns), *(" | ".join(row) for row in self.rows)]
        return "\n".join([*lines, self.note] if self.note else lines)


@dataclass(frozen=True)
class Sql:
    """A statement, shown as code."""

    text: str

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", self.text)), default=0))
        return {"text/markdown": f"{fence}sql\n{self.text}\n{fence}", "text/plain": self.text}


def table(result: Answer, *, most: int = 50, only: Sequence[str] = ()) -> Listing:
    """The rows of any result, at most `most` of them, and how many there are.

    Args:
        result: A result, or why there is none.
        most: Rows at most.
        only: The columns to show, of many; all, unless given.
    """
    if isinstance(result, Unavailable):
        return Listing((), (), result.reason)
    rows = result.rows
    columns = tuple(name for name in rows[0] if not only or name in only) if rows else ()
    sizes = figures.entered(result)
    shown = tuple(
        tuple(_cell(result, c, row, _size(result, c, row, sizes)) for c in columns)
        for row in rows[:most]
    )
    note = f"{most:,} of {len(rows):,} rows" if len(rows) > most else ""
    return Listing(tuple(column.replace("_", " ") for column in columns), shown, note)


def sql(result: Answer) -> Sql:
    """The SQL that counts a result, in its engine's own dialect."""
    if isinstance(result, Unavailable):
        return Sql("-- " + " ".join(result.reason.split()))
    engine = result.table.get_backend()
    # What is compiled is what runs; `ibis.to_sql` may show another statement.
    text = engine.compile(result.table)
    return Sql(sqlglot.transpile(text, read=engine.dialect, write=engine.dialect, pretty=True)[0])


def definition(result: Answer) -> Listing:
    """How a result is counted: start, goal, window, unit, entry rule, period, as_of."""
    if isinstance(result, Unavailable):
        return Listing((), (), result.reason)
    pairs = (*result.definition, ("as of", result.as_of), ("hash", result.definition_hash))
    return Listing(("word", "value"), pairs)


def _size(result: Result, column: str, row: dict[str, Any], entrants: dict[str, int]) -> int:
    """On how many units a share rests."""
    if result.shape == "steps":
        n = entrants[result.segment(row)]
        before = row["n"] + row["lost"]
        return before if column == "of_previous" else n
    if f"n_{column}" in row:
        return row[f"n_{column}"]
    if result.shape in {"drivers", "differences"} and column.startswith("share_"):
        return row[f"n_{column.removeprefix('share_')}"]
    return row.get("total", row.get("n", result.min_n))


def _cell(result: Result, column: str, row: dict[str, Any], n: int) -> str:
    value = row[column]
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case float() if column in DIFFERENCES and result.shape in IN_POINTS:
            return points(value)
        case float() if column in POINTS or (column == "difference" and result.shape == "table"):
            return points(value)
        case float() if column in {"icc", "design_effect"}:
            return f"{value:.2f}"
        case float() if column in {"p", "p_corrected"}:
            return f"{value:.2g}"
        case float() if column == "moves":
            return moved(value)
        case float() if column in SHARES and result.shape == "volume":
            return count(value)
        case float() if column in SHARES and n < result.min_n:
            return too_few(n)
        case float() if column in SHARES:
            return percent(value)
        case float():
            return f"{value:,.1f}"
        case int():
            return count(value)
        case str() if column in result.by:
            return result.label(value)
        case _:
            return str(value)
