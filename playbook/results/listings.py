"""A result as a table for people, and as its SQL."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlglot

from playbook.language.wording import NONE, count, measure, moved, percent, points, too_few
from playbook.results import UNTOLD, Answer, Result, Unavailable
from playbook.results.columns import Column

ROWS = 50  # of a table, at most, unless more are asked for


@dataclass(frozen=True)
class Listing:
    """Rows to read: each cell is text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    untold: str = field(default="", compare=False)

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/html": self._html(), "text/plain": self._plain()}
        return shown | ({UNTOLD: {"why": self.untold}} if self.untold else {})

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
    """A statement, or several, shown as code."""

    text: str

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", self.text)), default=0))
        return {"text/markdown": f"{fence}sql\n{self.text}\n{fence}", "text/plain": self.text}


def table(result: Answer, *, most: int = ROWS, only: Sequence[str] = ()) -> Listing:
    """The rows of any result, at most `most` of them, and how many there are.

    Args:
        result: A result, or why there is none.
        most: Rows at most.
        only: The columns to show, of many; all that people read, unless given.
    """
    if isinstance(result, Unavailable):
        return Listing((), (), result.reason, untold=result.reason)
    rows = result.rows
    told = {
        name: column
        for name, column in result.columns.items()
        if rows and name in rows[0] and (name in only if only else column.kind != "place")
    }
    shown = tuple(
        tuple(cell(result, row, name, column) for name, column in told.items())
        for row in rows[:most]
    )
    note = f"{most:,} of {len(rows):,} rows" if len(rows) > most else ""
    if not rows:
        note = result.nothing.strip("*")
    return Listing(tuple(name.replace("_", " ") for name in told), shown, note)


def sql(result: Answer) -> Sql:
    """The SQL that counts a result, in its engine's own dialect: each statement that it is made of.

    What is shown, run as it stands, returns the rows that the result was made from.
    """
    if isinstance(result, Unavailable):
        return Sql("-- " + " ".join(result.reason.split()))
    found = statements(result)
    if not found:
        return Sql("-- Nothing is counted: this is what the product declares.")
    if len(found) == 1:
        return Sql(next(iter(found.values())))
    return Sql(";\n\n".join(f"-- {id}\n{text}" for id, text in found.items()))


def statements(result: Result) -> dict[str, str]:
    """Name of a result that has a statement of its own → it; of all that a result is made of."""
    found: dict[str, str] = {}
    for part in parts(result):
        text = _statement(part)
        if text not in found.values():
            found[part.id if part.id not in found else f"{part.id} ({len(found)})"] = text
    return found


def parts(result: Result) -> Iterator[Result]:
    """The results with statements of their own that a result is made of, itself included."""
    seen: list[Result] = []
    waiting = [result]
    while waiting:
        part = waiting.pop(0)
        if part not in seen:
            seen.append(part)
            waiting += part.made_of
    return (part for part in seen if part.table is not None)


def definition(result: Answer) -> Listing:
    """How a result is counted: start, goal, window, unit, entry rule, period, as_of."""
    if isinstance(result, Unavailable):
        return Listing((), (), result.reason, untold=result.reason)
    pairs = (*result.definition, ("as of", result.as_of), ("hash", result.definition_hash))
    if result.older and (n := result.older()):
        pairs = (*result.definition, ("from before the log", count(n)), *pairs[-2:])
    return Listing(("word", "value"), pairs)


def cell(result: Result, row: Mapping[str, Any], name: str, column: Column) -> str:
    """A value as people read it, by the kind of its column; what rests on too few says so."""
    value = row.get(name)
    if value is None or value == "":
        return NONE if value is None else ""
    size = result.size(row, column)
    match column.kind:
        case "share" | "points" | "moved" if size is not None and size < result.min_n:
            return too_few(size)
        case "share":
            return percent(value)
        case "points":
            return points(value)
        case "moved":
            return moved(value)
        case "count":
            return count(value)
        case "ratio":
            return f"{value:.2f}"
        case "p":
            return f"{value:.2g}"
        case "measure":
            return measure(value)
        case "number" | "hours" | "days":
            return f"{value:,.1f}"
        case "flag":
            return "yes" if value else "no"
        case "name":
            return result.label(value)
        case _:
            return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _statement(result: Result) -> str:
    engine = result.table.get_backend()
    # What is compiled is what runs; `ibis.to_sql` may show another statement.
    text = engine.compile(result.table)
    return sqlglot.transpile(text, read=engine.dialect, write=engine.dialect, pretty=True)[0]
