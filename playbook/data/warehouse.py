"""Opens a warehouse with Ibis; the only reader of environment variables and of engines' quirks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.expr.operations import Relation

from playbook.language.mistakes import Mistake, listed, nearest

_SECRETS = "password|passwd|pwd|token|secret|api_?key|private_key"


QUOTE = '"'
KEPT = "playbook_kept_"  # begins the names of the session's own tables
MEMORY = "memory"  # DuckDB's name of a session's own database
MANY = 30  # tables of one shape: statements about each take seconds to plan
SYSTEM = re.compile("pg_|(information_schema|system|sys)$", re.IGNORECASE)  # engines' schemas
MEMTABLE = re.compile(r"ibis_\w*memtable_")  # begins those of data that Ibis hands over


@dataclass(frozen=True)
class Warehouse:
    """An open connection and the schema that the product's tables are in.

    Attributes:
        connection: Ibis's own.
        database: The schema whose tables need no other name; others' are `schema.table`.
        refused: The tables that cannot be read, and why: a mistake of whoever asks for them.
        left_out: What is there and is no table, nor part of one, and why.
        parts: What several results are made of → what the session keeps of it, if it does so far.
        lookups: What was looked up in each of the loads that last: see `loading`.
    """

    connection: BaseBackend
    database: str | tuple[str, str] | None = None
    refused: Mapping[str, Mistake] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    parts: dict[Relation, Relation | None] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    lookups: list[dict[str, Any]] = field(
        default_factory=list, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        # A cast between a time with a zone and one without reads the session's zone.
        if self.engine in {"duckdb", "postgres"}:
            self.connection.raw_sql("SET TimeZone = 'UTC'")

    @property
    def engine(self) -> str:
        """The name of the engine: duckdb, postgres …"""
        return self.connection.name

    @property
    def has_microseconds(self) -> bool:
        """Whether Ibis can move a time by less than a second on this engine."""
        return self.engine != "clickhouse"

    @property
    def keeps(self) -> bool:
        """Whether the engine lets a session have tables of its own."""
        return self.engine in {"duckdb", "postgres"}

    @property
    def where_to_cast(self) -> str:
        """Where a user can give a column another type."""
        return "the files" if self._of_files else "a view of the warehouse"

    @property
    def _of_files(self) -> bool:
        return self.database == (MEMORY, "main")

    @property
    def names(self) -> list[str]:
        """The tables that are there, without those of the session; `schema.table` in others."""
        return sorted({*self._places(), *self.refused})

    def refuse_changes(self) -> None:
        """Asks for anything: a DuckDB file that was written since it was opened says so."""
        self.connection.list_tables(database=self.database)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Looks each table up once for as long as it lasts: a year of days is hundreds of them."""
        self.lookups.append({**(self.lookups[-1] if self.lookups else {})})
        try:
            yield
        finally:
            self.lookups.pop()

    def table(self, name: str) -> ir.Table:
        """The table of that name."""
        known = self.lookups[-1] if self.lookups else {}
        if name not in known:
            known[name] = self._looked_up(name)
        return known[name]

    def _looked_up(self, name: str) -> ir.Table:
        if name in self.refused:
            raise self.refused[name]
        own = self._tables_in("", self.database)
        places = own if name in own else self._places()
        if name not in places:
            left_out = f" Left out: {listed(self.left_out)}." if self.left_out else ""
            raise Mistake(
                f"The warehouse has no table `{name}`.",
                f"It has: {listed(self.names)}.{left_out}",
                nearest(name, self.names),
            )
        return self._read(name, *places[name])

    def _read(self, name: str, schema: str | tuple[str, str] | None, own: str) -> ir.Table:
        try:
            return self.connection.table(own, database=schema)
        except Mistake:
            raise
        except Exception as error:
            raise Mistake(
                f"`{name}` of the warehouse cannot be read.",
                f"The engine says: {first_line(error)}",
                "if it is a view, check what it is made of, or make a table of it.",
            ) from None

    def tables(self) -> Iterator[tuple[str, ir.Table | Mistake]]:
        """Each table by its name; a mistake in the place of one that cannot be read."""
        places = self._places()
        for name in self.names:
            try:
                yield name, self.refused.get(name) or self._read(name, *places[name])
            except Mistake as mistake:
                yield name, mistake

    def _places(self) -> dict[str, tuple[str | tuple[str, str] | None, str]]:
        """Each table's name → the schema that it is in, and its name there."""
        known = self.lookups[-1] if self.lookups else {}
        if None not in known:  # beside the tables, each by its name
            others = self._elsewhere if self.engine != "duckdb" else self._in_other_schemas()
            known[None] = {**others, **self._tables_in("", self.database)}
        return known[None]

    def _tables_in(
        self, before: str, schema: str | tuple[str, str] | None
    ) -> dict[str, tuple[str | tuple[str, str] | None, str]]:
        return {
            before + name: (schema, name)
            for name in self.connection.list_tables(database=schema)
            if not name.startswith(KEPT) and not MEMTABLE.match(name)
        }

    @cached_property
    def _elsewhere(self) -> dict[str, tuple[str | tuple[str, str] | None, str]]:
        """The tables of other schemas, asked for once: a server may have hundreds of them."""
        return self._in_other_schemas()

    def _in_other_schemas(self) -> dict[str, tuple[str | tuple[str, str] | None, str]]:
        if self._of_files:
            return {}
        catalog, own = self.database if isinstance(self.database, tuple) else (None, self.database)
        schemas = self.connection.list_databases(**({"catalog": catalog} if catalog else {}))
        own = own or self.connection.current_database
        found = {}
        for schema in sorted({*schemas} - {own}):
            if not SYSTEM.match(schema):
                found |= self._tables_in(f"{schema}.", (catalog, schema) if catalog else schema)
        return found

    def columns(self, name: str, **wanted: str) -> ir.Table:
        """Columns of a table under other names: ids (`key`, `…_id`) as text, times in UTC."""
        from playbook.data import keys  # which reads a warehouse

        table = self.table(name)
        for column in wanted.values():
            if column not in table.columns:
                raise Mistake(
                    f"Table `{name}` has no column `{column}`.",
                    f"It has: {listed(table.columns)}.",
                    nearest(column, table.columns),
                )
        ids = [old for new, old in wanted.items() if not new.endswith("_at")]
        keys.refuse_inexact(self, table, ids, name)
        return table.select(
            **{
                new: keys.as_text(table[old]) if old in ids else _in_utc(table[old])
                for new, old in wanted.items()
            }
        ).filter(*(ibis._[new].notnull() for new in wanted))

    def scanned(self, table: ir.Table, name: str, *, of: int = 1) -> ir.Table:
        """A table that is read a few times: kept where reading it again means casting it again.

        Or means to plan again how `of` many tables are read, which takes longer than to read them.
        """
        return self.keep(table, name) if self.engine == "postgres" or of > MANY else table

    def keep(self, table: ir.Table, name: str) -> ir.Table:
        """The table, computed once for this session, where the engine lets us; else as it is.

        PostgreSQL plans the cleaning of events as if it left next to no rows, and then loops
        over all of them: a session's own table, with statistics, is some hundred times faster.
        """
        if not self.keeps:
            return table
        try:
            kept = self.connection.create_table(KEPT + name, table, temp=True, overwrite=True)
        except Exception as error:
            if "permission denied to create temporary" in str(error):
                return table
            raise
        if self.engine == "postgres":
            self.connection.raw_sql(f'ANALYZE "{(KEPT + name).replace(QUOTE, QUOTE * 2)}"')
        return kept

    def shared(self, table: ir.Table) -> ir.Table:
        """The table, as a part that several results are made of: `prepared` keeps it."""
        self.parts.setdefault(table.op(), None)
        return table

    def prepared(self, table: ir.Table) -> ir.Table:
        """The same table, whose shared parts are read from what this session keeps of them.

        Each part is computed when the first result needs it. What a result shows as its SQL is
        the whole statement nevertheless.
        """
        return table.op().replace(self._kept([table.op()])).to_expr()

    def _kept(self, nodes: Iterable[Relation]) -> dict[Relation, Relation]:
        """The outermost shared parts among expressions and what they are made of, as kept."""
        found, seen, waiting = {}, set(), list(nodes)
        while waiting:
            node = waiting.pop()
            if node in self.parts:
                found[node] = self.parts[node] or self._computed(node)
            elif node not in seen:
                seen.add(node)
                waiting += node.__children__
        return found

    def _computed(self, part: Relation) -> Relation:
        table = part.replace(self._kept(part.__children__)).to_expr()
        # Several runs may share a connection: none may take another's part for its own.
        kept = self.keep(table, f"part_{uuid4().hex}").op()
        # The types that the statement has: what keeps it may be wider.
        self.parts[part] = kept.copy(schema=part.schema) if kept != table.op() else kept
        return self.parts[part]


def _in_utc(value: ir.Value) -> ir.TimestampValue:
    if value.type().is_string() or (value.type().is_timestamp() and value.type().timezone):
        value = value.cast("timestamp('UTC')")
    return value.cast("timestamp(6)")


def warehouse_at(url: str, home: Path | None = None) -> Warehouse:
    """The warehouse at a URL.

    Args:
        url: A folder of Parquet, CSV or JSON lines, one such file, a DuckDB file (read-only), an
            Ibis URL such as `postgres://…`, `md:…`, a bucket's folder of Parquet such as `s3://…`,
            or `env:NAME` for a variable that holds one of these.
        home: The folder that paths start from, in a variable, too; else the working folder.
    """
    # Whoever reads how an answer is made needs none of them.
    from playbook.data import engines, files
    from playbook.data.duckdb_file import attached_while_read

    url, home = url.strip(), home or Path.cwd()
    if name := variable_of(url):
        return warehouse_at(_variable(name), home)
    scheme, is_url, rest = url.partition("://")
    if is_url and scheme.lower() == "duckdb":
        # Ibis would open it for writing, and lock everybody else out.
        url, is_url = rest.partition("?")[0], ""
    if is_url or url.lower().startswith(("md:", "motherduck:")):
        return Warehouse(*engines.opened(f"{scheme.lower()}://{rest}" if is_url else url))
    path, connection = home / url, ibis.duckdb.connect()
    # An embedded engine of our own: nothing that a notebook holds open locks anybody out.
    if url and (path.is_dir() or (path.is_file() and files.format_of(path.name))):
        views = files.views_of_folder if path.is_dir() else files.view_of_file
        return Warehouse(connection, (MEMORY, "main"), *views(connection, path))
    if path.is_file():
        return Warehouse(connection, (attached_while_read(connection, path), "main"))
    raise Mistake(
        f"There is no warehouse at `{without_passwords(url)}`.",
        f"Paths start from {home}.",
        "name a folder of Parquet or CSV, a DuckDB file, or env:NAME with an Ibis URL in it.",
    )


def variable_of(url: str) -> str:
    """The name of the variable that holds the URL; "" where none does."""
    kind, _colon, name = url.strip().partition(":")
    return name.strip() if kind.lower() == "env" else ""


def without_passwords(text: str) -> str:
    """A text without the passwords that stand in URLs and in `password=…`."""
    in_url = re.sub(r"(\w+://[^:/@\s]*):\S+@", r"\1:***@", text)
    return re.sub(rf"((?:{_SECRETS})\s*=\s*)[^&;\s]+", r"\1***", in_url, flags=re.IGNORECASE)


def first_line(said: object) -> str:
    """The first line of what an engine says, without passwords."""
    lines = without_passwords(str(said)).strip().splitlines()
    return lines[0].strip() if lines else "nothing."


def _variable(name: str) -> str:
    if not os.environ.get(name):
        raise Mistake(
            f"The environment has no variable `{name}`.",
            "The run names it as the warehouse (its value never stands in a file).",
            f'set it: export {name}="postgres://user:password@host/database".',
        )
    return os.environ[name]
