"""A result: a lazy table of one of a few shapes, with the definition that it was counted by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis.expr.types as ir

# Shape → the columns of its rows, after the columns of `by`. `share`, `low` and `high` are
# shares from 0 to 1; `low` and `high` are the ends of a 95 % interval.
SHAPES: dict[str, tuple[str, ...]] = {
    "share": ("n", "reached", "repeated", "open", "share", "low", "high"),
    "mix": ("label", "position", "n", "total", "share", "low", "high"),
    "buckets": ("label", "position", "n", "total", "share", "low", "high"),
    "steps": ("step", "position", "n", "of_first", "of_previous", "lost", "low", "high"),
    "trend": ("period", "series", "value", "n", "low", "high", "complete"),
    "curve": ("hours", "share", "low", "high", "n"),
    # Who came back, by week of the start and period since; null where a period is not over.
    "retention": (
        *("cohort", "position", "n", "on", "share", "low", "high"),
        *("on_or_after", "complete"),
    ),
    "effect": (
        "label",
        "n_treated",
        "treated",
        "n_holdout",
        "holdout",
        "difference",
        "low",
        "high",
        "verdict",
        "grade",
    ),
    # A segment against all others together; null where too few are compared.
    "differences": (
        *("n", "share", "n_others", "share_others"),
        *("difference", "low", "high", "verdict"),
    ),
    # Behaviour before a landmark against the goal after it; `difference` has `low` and `high`.
    "drivers": ("event", "times", "n_did", "n_not", "difference", "low", "high", "verdict"),
    "audit": ("subject", "check", "status", "seen", "expected"),
    # A question's answer, and the ends between which every defect of the data leaves it.
    "bounds": ("subject", "asks", "n", "share", "low", "high", "lowest", "highest", "because"),
    # Rows a day; `low` and `high` are what the same weekdays around it lead one to expect.
    "volume": ("event", "day", "n", "expected", "low", "high", "anomaly"),
    # Messages that were due on a day, and what was decided on them.
    "load": ("day", "decision", "n"),
    "table": (),
}
UNKNOWN = "(unknown)"
SEVERITIES = ("blocking", "warning", "note")  # of what is found wrong, the worst first
PERIOD = "period"  # the word of a definition that says which entries count


@dataclass(frozen=True)
class Result:
    """A lazy table of one shape.

    Attributes:
        id: Stable dotted id, such as `audit.first_workflow_24h`; figures are named after it.
        shape: A key of `SHAPES`.
        table: The lazy table; its SQL is the result's SQL.
        by: Columns of `table` that the result is broken down by.
        definition: What was counted and how, as (word, value) pairs in reading order.
        as_of: Last moment that the data covers, as text.
        min_n: Below this n no share is shown.
        labels: Names in the data → words for people.
        asks: The question as people ask it.
        again: How `repeated` reads in a sentence, and over a column.
        falling: What a share that falls counts, such as "not arrived yet"; "": what is reached.
        finish: Turns the fetched rows into the rows of the shape (adds intervals, sorts).
        fetched: Gives rows of `table` that the run holds already, so that they are not fetched
            once more.
        prepared: Gives the table to fetch in place of `table`: the same, made of what the session
            keeps.
    """

    id: str
    shape: str
    table: ir.Table
    by: tuple[str, ...] = ()
    definition: tuple[tuple[str, str], ...] = ()
    as_of: str = ""
    min_n: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    asks: str = ""
    again: tuple[str, str] = ("more than once", "twice or more")
    falling: str = ""
    finish: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None = None
    fetched: Callable[[], list[dict[str, Any]]] | None = None
    prepared: Callable[[ir.Table], ir.Table] | None = None

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, fetched once and in reading order; unknown segments read "(unknown)"."""
        table = self.prepared(self.table) if self.prepared and not self.fetched else self.table
        rows = self.fetched() if self.fetched else table.to_pyarrow().to_pylist()
        for row in rows:
            for column in self.by:
                row[column] = UNKNOWN if row[column] is None else str(row[column])
        return self.finish(rows) if self.finish else rows

    @property
    def question(self) -> str:
        """The question's id: the last part of the result's."""
        return self.id.rpartition(".")[2]

    @property
    def definition_hash(self) -> str:
        """Eight hex digits that change whenever the way of counting does.

        The period and `by` are no part of it: the figures of two periods are compared, and a
        segment is counted as everybody is.
        """
        counted = [pair for pair in self.definition if pair[0] != PERIOD]
        return hashlib.md5(json.dumps(counted).encode()).hexdigest()[:8]

    def label(self, name: object) -> str:
        """The words for a name of the data: `labels` first, else the name without underscores."""
        return self.labels.get(str(name), str(name).replace("_", " "))

    def segment(self, row: Mapping[str, Any]) -> str:
        """A row's segment as text: "" for everybody, else "persona=sales"."""
        return ", ".join(f"{column}={row[column]}" for column in self.by)


@dataclass(frozen=True)
class Unavailable:
    """A result that the data cannot give, and why: every view shows the reason instead.

    Attributes:
        id: The id that the result would have had.
        reason: Sentences: what is missing, what there is, how to go on.
    """

    id: str
    reason: str


Answer = Result | Unavailable
