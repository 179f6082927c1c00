"""A DuckDB file that is held only while a statement reads it: an open notebook locks nobody out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import duckdb
from ibis.backends import BaseBackend

from playbook.language.mistakes import Mistake

READING = ("create_table", "execute", "get_schema", "list_databases", "list_tables", "raw_sql")
READING += ("to_pyarrow", "to_pyarrow_batches")
HELD = "playbook_held"  # what holds a connection's file


def attached_while_read(connection: BaseBackend, path: Path) -> str:
    """Lets an embedded engine read a file; returns the name that the file has in it.

    DuckDB locks a file for as long as it is attached, and attaching takes less than a
    millisecond. So each statement attaches it anew, read-only, under the name by which views in
    it may call it. Numbers of two states never mix: a file that was written since is refused.
    """
    own = connection.con.cursor()  # else it would end a result that is read piece by piece
    state = _state(path)
    place = "'" + str(path.absolute()).replace("'", "''") + "'"
    name = _attached(own, path, place)
    quoted = '"' + name.replace('"', '""') + '"'
    own.sql(f"DETACH {quoted}")
    depth = 0

    @contextmanager
    def holding_file() -> Iterator[None]:
        nonlocal depth
        if not depth:
            _attached(own, path, place, quoted)
        depth += 1
        try:
            if _state(path) != state:
                raise Mistake(
                    f"The file `{path}` was written since it was opened.",
                    "Numbers from before and from after would stand side by side.",
                    "open the run again: restart the notebook, or give the command again.",
                )
            yield
        finally:
            depth -= 1
            if not depth:
                own.sql(f"DETACH {quoted}")

    def holding(read: Callable) -> Callable:
        @functools.wraps(read)
        def reading(*args, **given):
            with holding_file():
                return read(*args, **given)

        return reading

    for method in READING:
        setattr(connection, method, holding(getattr(connection, method)))
    setattr(connection, HELD, holding_file)
    return name


def held(connection: BaseBackend) -> AbstractContextManager[None]:
    """Holds the connection's file, if it has one, for many statements that soon end."""
    return getattr(connection, HELD, nullcontext)()


def _attached(own, path: Path, place: str, name: str = "") -> str:
    """Attaches the file, under DuckDB's own name of it unless one is given; returns the name."""
    try:
        try:
            own.sql(f"ATTACH {place} {f'AS {name}' if name else ''} (READ_ONLY)")
        except duckdb.Error as error:
            if name or "already exists" not in str(error):
                raise
            # The session's own database is called `memory`.
            own.sql(f"ATTACH {place} AS product (READ_ONLY)")
    except duckdb.Error as error:
        raise Mistake(
            f"The file `{path}` cannot be opened.",
            f"DuckDB says: {str(error).strip().splitlines()[0]}",
            "let the program that writes it finish, or write it with DuckDB 1.4 or 1.5.",
        ) from None
    found = own.sql("SELECT database_name FROM duckdb_databases() WHERE path IS NOT NULL")
    return found.fetchall()[0][0]


def _state(path: Path) -> list[tuple[int, ...]]:
    """What changes when somebody writes a file, or the log beside it."""
    log = path.with_name(f"{path.name}.wal")
    known = [each.stat() for each in (path, log) if each.exists()]
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in known]
