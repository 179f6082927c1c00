"""An open warehouse: its tables, and what a session keeps of them, whatever the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.expr.operations import Relation

from playbook.language.mistakes import Mistake, listed, nearest

_SECRETS = "password|passwd|pwd|token|secret|api_?key|private_key"


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
        scratch: The schema for what the session keeps; "": in temporary tables, where it may.
        parts: What several results are made of → what the session keeps of it, if it does so far.
        lookups: What was looked up in each of the loads that last: see `loading`.
    """

    connection: BaseBackend
    database: str | tuple[str, str] | None = None
    refused: Mapping[str, Mistake] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    scratch: str = ""
    parts: dict[Relation, Relation | None] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    lookups: list[dict[str, Any]] = field(
        default_factory=list, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        from playbook.data import sessions  # whoever reads how an answer is made needs none

        sessions.settle(self.connection)

    @property
    def engine(self) -> str:
        """The name of the engine: duckdb, postgres …"""
        return self.connection.name

    @property
    def keeps(self) -> bool:
        """Whether the engine lets a session have tables of its own."""
        return bool(self.scratch) or self.engine in {"clickhouse", "duckdb", "postgres", "pyspark"}

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
        """The table, computed once for this session, where the engine lets us; else as it is."""
        from playbook.data import kept_parts  # whoever reads how an answer is made needs neither

        return kept_parts.kept(self, table, KEPT + name) if self.keeps else table

    def shared(self, table: ir.Table) -> ir.Table:
        """The table, as a part that several results are made of: `prepared` keeps it."""
        self.parts.setdefault(table.op(), None)
        return table

    def prepared(self, table: ir.Table) -> ir.Table:
        """The same table, whose shared parts are read from what this session keeps of them.

        Each part is computed when the first result needs it. What a result shows as its SQL is
        the whole statement nevertheless.
        """
        from playbook.data import kept_parts

        return kept_parts.prepared(self, table)


def _in_utc(value: ir.Value) -> ir.TimestampValue:
    if value.type().is_string() or (value.type().is_timestamp() and value.type().timezone):
        value = value.cast("timestamp('UTC', 6)")
    return value.cast("timestamp(6)")


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
