"""A result: a lazy table of one of a few shapes, with the definition that it was counted by."""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir

from playbook.language.wording import labelled
from playbook.results.columns import ENTERED, NAME, SHAPES, Column

if TYPE_CHECKING:
    import pandas as pd

    from playbook.results.sentences import Told

UNKNOWN = "(unknown)"
SEVERITIES = ("blocking", "warning", "note")  # of what is found wrong, the worst first
PERIOD = "period"  # the word of a definition that says which entries count
# Says in an output that nothing is told there, and why: reports count by it what they answer.
UNTOLD = "application/vnd.playbook.untold+json"
NOBODY = "*Nobody in the period: there is nothing to say.*"
Rows = list[dict[str, Any]]


def shown(value: object) -> str:
    """A value of the data as a segment: "(unknown)" is null alone, and such a text is quoted."""
    if value is None:
        return UNKNOWN
    return f"“{value}”" if str(value).strip("“”") == UNKNOWN else str(value)


def _told_apart(value: object) -> str:
    """A value in a list of several: as it is, quoted where it holds what parts the list."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search('[,="]', text) else text


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A lazy table of one shape, or rows that are made of other results.

    Attributes:
        id: Stable dotted id, such as `audit.first_workflow_24h`; figures are named after it.
        shape: A key of `SHAPES`.
        table: The lazy table; its SQL is the result's SQL. None: all is made of other results.
        own: The columns that its rows have besides `by` and the shape's, or instead of these.
        by: Columns of `table` that the result is broken down by.
        definition: What was counted and how, as (word, value) pairs in reading order.
        as_of: Last moment that the data covers, as text.
        min_n: Below this n no share is shown.
        labels: Names in the data → words for people.
        asks: The question as people ask it.
        declared: What questions.yaml says of it; see `yaml`.
        title: The subject of its chart, as text.
        words: What its numbers are of, as its sentence says it; Markdown.
        unit: Who is counted: `user`, `account`, `session`; "" where it is none of them.
        counted: What is counted, as people say it: "people", "accounts", "drafts", "messages".
        again: How `repeated` reads in a sentence, and over a column.
        falling: What a share that falls counts, such as "not arrived yet"; "": what is reached.
        within: The window, in words; "" where there is none.
        each: What a period of a trend is: a `week` or a `day`.
        finish: Turns the fetched rows into the rows of the shape (adds intervals, sorts).
        idle: The position of the class of a mix that did nothing.
        made_of: The other results that its rows are made of.
        fetched: Gives rows of `table` that the run holds already, so that they are not fetched
            once more.
        prepared: Gives the table to fetch in place of `table`: the same, made of what the session
            keeps.
        older: Gives how many units are left out because they are from before the log.
        says: Its sentence, where it is not that of its shape; see `results.sentences`.
        silence: What is said where there are no rows; or what says it of the fetched ones.
    """

    id: str
    shape: str
    table: ir.Table | None = None
    own: Mapping[str, Column] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    definition: tuple[tuple[str, str], ...] = ()
    as_of: str = ""
    min_n: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    asks: str = ""
    declared: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    words: str = ""
    unit: str = ""
    counted: str = "units"
    again: tuple[str, str] = ("more than once", "twice or more")
    falling: str = ""
    within: str = ""
    each: str = "week"
    finish: Callable[[Rows], Rows] | None = None
    idle: int | None = None
    made_of: tuple[Result, ...] = ()
    fetched: Callable[[], Rows] | None = None
    prepared: Callable[[ir.Table], ir.Table] | None = None
    older: Callable[[], int] | None = None
    says: Callable[[Result, Told, str], str] | None = None
    silence: str | Callable[[Rows], str] = NOBODY

    @cached_property
    def raw(self) -> Rows:
        """The rows of `table` as the engine gives them, fetched once."""
        if self.fetched:
            return self.fetched()
        if self.table is None:
            return []
        table = self.prepared(self.table) if self.prepared else self.table
        return table.to_pyarrow().to_pylist()

    @cached_property
    def rows(self) -> Rows:
        """The rows in reading order, their segments as `shown` shows them."""
        rows = [dict(row) for row in self.raw]
        for row in rows:
            for column in self.by:
                row[column] = shown(row[column])
        return self.finish(rows) if self.finish else rows

    @property
    def nothing(self) -> str:
        """What is said in the place of rows, where there are none."""
        return self.silence if isinstance(self.silence, str) else self.silence(self.raw)

    @property
    def columns(self) -> dict[str, Column]:
        """Every column of its rows."""
        return dict.fromkeys(self.by, NAME) | SHAPES[self.shape] | self.own

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

    def named(self, id: str) -> Result:
        """The result under an id; what counts of its own says in its definition what it is."""
        if self.id == id:
            return self
        what = (("what", id.partition(".")[2]),)
        told = self.definition
        is_own = told[:1] and told[0][0] == "counts"
        return replace(self, id=id, definition=what + told if is_own else told)

    def label(self, name: object) -> str:
        """The words for a name of the data: `labels` first, else the name without underscores."""
        return labelled(self.labels, name)

    def segment(self, row: Mapping[str, Any]) -> str:
        """A row's segment as text, which no other has: "" for everybody, else "persona=sales"."""
        return ", ".join(f"{column}={_told_apart(row[column])}" for column in self.by)

    @cached_property
    def segment_names(self) -> dict[str, str]:
        """Segment → its words; the segment itself where two have the same words."""
        firsts = {self.segment(row): row for row in self.rows}
        names = {
            segment: " · ".join(self.label(row[column]) for column in self.by)
            for segment, row in firsts.items()
        }
        times = Counter(names.values())
        return {segment: name if times[name] == 1 else segment for segment, name in names.items()}

    def when(self, period: str) -> str:
        """A period of a trend in a sentence: "in the week of 2026-01-05", "on 2026-01-05"."""
        return f"on {period}" if self.each == "day" else f"in the {self.each} of {period}"

    def size(self, row: Mapping[str, Any], column: Column) -> int | None:
        """How many stand behind a value of a row; None where nobody does."""
        found = [
            self.entered[self.segment(row)] if name == ENTERED else row[name]
            for name in column.sizes
        ]
        known = [n for n in found if n is not None]
        return sum(known) if known else None

    @cached_property
    def entered(self) -> dict[str, int]:
        """Segment → how many took the first step: the n of its steps' shares of the first."""
        return {self.segment(row): row["n"] for row in self.rows if not row["position"]}

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(self.columns) if not self.rows else None)

    def to_csv(self, path: str | Path = "") -> str:
        """The rows as CSV, written to a file where one is named."""
        text = io.StringIO()
        names = list(self.rows[0]) if self.rows else list(self.columns)
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        if path:
            Path(path).write_text(text.getvalue(), encoding="utf-8")
        return text.getvalue()

    def yaml(self) -> str:
        """The question that it answers, as an entry of questions.yaml."""
        import yaml

        said = [dict(self.declared)] if self.declared else []
        return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)

    def __repr__(self) -> str:
        return f"<{self.id}: a result of shape {self.shape}>"

    def _ipython_display_(self) -> None:
        # Views stand above results; a result only knows by name who shows it.
        importlib.import_module("playbook.views").shown(self)


@dataclass(frozen=True)
class Unavailable:
    """A result that the data cannot give, and why: every view shows the reason instead.

    Attributes:
        id: The id that the result would have had.
        reason: Sentences: what is missing, what there is, how to go on.
        fits: Whether it may be asked; else it is asked of what is counted in another way.
        rows: None at all, made of nothing.
    """

    id: str
    reason: str
    fits: bool = field(default=True, compare=False)
    rows: Rows = field(default_factory=list, init=False, repr=False, compare=False)
    made_of: tuple[Result, ...] = field(default=(), init=False, repr=False, compare=False)


Answer = Result | Unavailable
