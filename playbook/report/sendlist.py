"""A send list: its rows beside those of the last one, in an engine of its own, as safe files."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from playbook.declare import Destination, Play
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import duration
from playbook.run import Run

# What every send list has, in our words and in this order.
ROW = (
    *("unit", "user_id", "account_id", "arm", "channel", "step", "episode"),
    *("triggered_at", "moment_at"),
)
SINCE = "since_last"
ORDER = ("moment_at", "unit", "step", "user_id", "episode")
# What makes a message the same one as before, and what else we need of the last send list.
KEY = ("unit", "user_id", "step", "episode")
WAS = dict.fromkeys(("unit", "user_id", "account_id"), "varchar") | {
    "step": "bigint",
    "episode": "bigint",
    "triggered_at": "timestamp",
}
MESSAGE = "message"
FURTHER = "column_"  # begins our names of the columns that a destination asks for besides
MEMORY = "512MB"  # what is more goes to disk
CHUNK = 50_000  # rows at a time, on their way from the warehouse
CSV, JSON_LINES = "format csv, header", "format json"
# A spreadsheet runs a cell that begins so (OWASP, "CSV Injection"), and some look past blanks;
# the last four are the signs of full width.
ACTIVE = "^(?:[\t\r\n]|[ \u00a0]*[=+@\uff1d\uff0b\uff0d\uff20-])"


def refuse_columns(run: Run, play: Play, tool: Destination) -> None:
    """Raises a Mistake unless `users` has what the destination asks for, all under one name each.

    Names that differ in their case alone are one name: few tools tell them apart.
    """
    has = sorted(run.tables.mapped["users"])
    for asked in tool.columns.values():
        if asked not in has:
            raise Mistake(
                f"The destination `{play.destination}` asks for the column `{asked}`, which "
                "`users` lacks.",
                f"It has: {listed(has)}.",
                nearest(asked, has),
            )
    names = [*_words_of_tool(tool).values(), *tool.columns, MESSAGE, *_message_fields(play)]
    lower = [str(inert_cell(name)).strip().lower() for name in names]
    for name, plain in zip(names, lower, strict=True):
        if not plain or lower.count(plain) > 1:
            raise Mistake(
                f"The send list of `{play.slug}` would have "
                + (f"the column `{name}` twice." if plain else "a column without a name."),
                f"Its columns would be: {listed(names)}.",
                "rename it under `destinations` of product.yaml, or in the play's `message`.",
            )


def with_further_columns(run: Run, tool: Destination, sends: ir.Table) -> ir.Table:
    """The rows of the ledger with what the destination asks for of `users` besides."""
    sends = sends.select(*ROW)
    if not tool.columns:
        return sends
    further = {f"{FURTHER}{place}": name for place, name in enumerate(tool.columns.values())}
    users = run.tables.users.select(person_="user_id", **further)
    return sends.left_join(users, sends.user_id == users.person_).drop("person_")


def with_since_last(now: ir.Table, was: ir.Table) -> ir.Table:
    """The rows in order of time, with `since_last`: `kept` if they were in the last list."""
    before = was.select(**{f"{name}_": name for name in KEY}).distinct()
    joined = now.left_join(before, [now[name] == before[f"{name}_"] for name in KEY])
    since = ibis.ifelse(joined.unit_.isnull(), "new", "kept")
    return joined.select(*now.columns, **{SINCE: since}).order_by(ORDER)


def gone_rows(run: Run, play: Play, was: ir.Table, now: ir.Table) -> ir.Table:
    """The rows of the last list that are not in this one, and `because` of what.

    `left_period`: the trigger lies before the period, which has moved on; else `no_longer`.
    """
    first = run.period.since + duration(play.after)
    firsts = [first, *(first + duration(step.after) for step in play.then)]
    left = [(was.step == step) & (was.triggered_at < first) for step, first in enumerate(firsts)]
    because = ibis.ifelse(ibis.or_(*left), "left_period", "no_longer")
    return was.mutate(because=because).anti_join(now, KEY)


def inert_cell(value: object) -> object:
    """A cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and re.match(ACTIVE, value) else value


def cells(rows: ir.Table, play: Play, tool: Destination) -> ir.Table:
    """The rows as cells that no spreadsheet runs, heads included; `message.<field>` is a field."""
    fields = {field: _constant(rows, play, name) for field, name in _message_fields(play).items()}
    return rows.select(**_safe_cells(_destination_columns(rows, tool) | fields))


def safe_cell(value: ir.Value) -> ir.Value:
    """A column whose texts no spreadsheet runs, and whose times are ISO 8601."""
    value = exact_value(value)
    if not value.type().is_string():
        return value
    return ibis.ifelse(value.re_search(ACTIVE), ibis.literal("'") + value, value)


def gone_cells(rows: ir.Table, words: Mapping[str, str]) -> ir.Table:
    """Rows of the last export as safe cells, under the names that it had."""
    return rows.select(**_safe_cells({words.get(c, c): rows[c] for c in rows.columns}))


def objects(rows: ir.Table, play: Play, tool: Destination) -> ir.Table:
    """The rows as they are, for JSON lines; `message` is the step's message as declared."""
    said = [json.dumps(message, ensure_ascii=False) for message in _step_messages(play)]
    message = _by_step(rows, said).cast("json")
    columns = {name: exact_value(value) for name, value in _destination_columns(rows, tool).items()}
    return rows.select(**columns, **{MESSAGE: message})


def exact_value(value: ir.Value) -> ir.Value:
    """A column as it is; a time as ISO 8601 in UTC."""
    if not value.type().is_timestamp():
        return value
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ").replace(".000000Z", "Z")


@dataclass(frozen=True)
class Desk:
    """An embedded DuckDB with a file of its own: the rows may be more than fit into memory."""

    engine: Backend

    def brought(self, rows: ir.Table) -> ir.Table:
        """Rows of the warehouse, brought here piece by piece."""
        import pyarrow as pa

        with rows.to_pyarrow_batches(chunk_size=CHUNK) as found:
            # DuckDB's `1` is wider than Ibis says, and is misread unless it is cast.
            cast = (batch.cast(found.schema) for batch in found)
            arriving = pa.RecordBatchReader.from_batches(found.schema, cast)
            self.engine.con.register("arriving", arriving)
            self.engine.raw_sql("create or replace table brought as from arriving")
            self.engine.con.unregister("arriving")
        return self.engine.table("brought")

    def lines(self, path: Path | None, columns: Mapping[str, tuple[str, str]]) -> ir.Table:
        """The objects of a file of JSON lines; no rows without a file.

        Args:
            path: The file.
            columns: Our name of each column → its name in the file, and its type.
        """
        drawn = ", ".join(f"{name} {kind}" for name, (_its, kind) in columns.items())
        self.engine.raw_sql(f"create or replace table lines ({drawn})")
        if path:
            named = ", ".join(f"{_quoted(its)}: '{kind}'" for its, kind in columns.values())
            self.engine.raw_sql(
                f"insert into lines from read_json({_quoted(path)}, "
                f"format = 'newline_delimited', columns = {{{named}}})"
            )
        return self.engine.table("lines")

    def kept(self, name: str, rows: ir.Table) -> ir.Table:
        """Rows in their order, which `write` keeps."""
        return self.engine.create_table(name, rows, overwrite=True)

    def write(self, rows: ir.Table, path: Path, form: str) -> None:
        """The rows as a file, in UTF-8."""
        self.engine.raw_sql(f"copy ({self.engine.compile(rows)}) to {_quoted(path)} ({form})")

    @staticmethod
    def counts(counted: ir.Table) -> dict[str, int]:
        """The one row of a table that counts."""
        return counted.to_pyarrow().to_pylist()[0]


@contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    """A desk that leaves nothing behind in the folder."""
    with tempfile.TemporaryDirectory(prefix=".desk-", dir=folder) as place:
        engine = ibis.duckdb.connect(f"{place}/rows.duckdb", memory_limit=MEMORY)
        try:
            yield Desk(engine)
        finally:
            engine.disconnect()


def _safe_cells(columns: Mapping[str, ir.Value]) -> dict[str, ir.Value]:
    return {str(inert_cell(name)): safe_cell(value) for name, value in columns.items()}


def _words_of_tool(tool: Destination) -> dict[str, str]:
    """Our name of each column that every send list has → the destination's."""
    its = {"user_id": tool.user, "account_id": tool.account}
    return {name: its.get(name, name) for name in (*ROW, SINCE)}


def _destination_columns(rows: ir.Table, tool: Destination) -> dict[str, ir.Value]:
    columns = {its: rows[our] for our, its in _words_of_tool(tool).items()}
    further = {name: rows[f"{FURTHER}{place}"] for place, name in enumerate(tool.columns)}
    return columns | further


def _step_messages(play: Play) -> list[dict[str, str | int | float | bool]]:
    return [play.message, *(step.message for step in play.then)]


def _message_fields(play: Play) -> dict[str, str]:
    """Column → field, for every field of the play's messages."""
    return {f"{MESSAGE}.{field}": field for message in _step_messages(play) for field in message}


def _constant(rows: ir.Table, play: Play, field: str) -> ir.Value:
    """What a step's message says in a field, as text; null where it has no such field."""
    said = [message.get(field) for message in _step_messages(play)]
    return _by_step(
        rows,
        [each if isinstance(each, str | None) else json.dumps(each) for each in said],
    )


def _by_step(rows: ir.Table, texts: list[str | None]) -> ir.StringValue:
    cases = [(rows.step == step, text) for step, text in enumerate(texts) if text is not None]
    return ibis.cases(*cases, else_=ibis.null("string"))


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
