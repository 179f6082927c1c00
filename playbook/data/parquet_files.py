"""What Parquet files hold, from their schemas: no row is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ibis.backends import BaseBackend

from playbook.data.column_types import (
    Column,
    Described,
    files_in_sql,
    name_in_sql,
    text_in_sql,
)


def described_parquet(connection: BaseBackend, files: Sequence[str]) -> dict[str, Described]:
    """The columns of files."""
    rows = connection.raw_sql(
        f"from parquet_schema({files_in_sql(files)}) "
        "select file_name, name, coalesce(duckdb_type, logical_type, type, 'group'), num_children"
    ).fetchall()
    found: dict[str, Described] = {}
    for file, of_file in groupby(rows, key=lambda row: row[0]):
        inside = iter(list(of_file)[1:])  # the first is the row itself
        columns: dict[str, Column] = {}
        for _file, name, kind, children in inside:
            # DuckDB names the second of two columns that differ by capitals alone like this.
            name = f"{name}_1" if name.casefold() in columns else name
            kind = f"{kind}{_inner(inside, children)}" if children else kind
            columns[name.casefold()] = Column(name, kind, name_in_sql(name))
        found[file] = Described("read_parquet", "hive_partitioning = false", columns)
    return found


def null_throughout(connection: BaseBackend, files: Sequence[str], name: str) -> list[str]:
    """The files in which a column is null in every row, as far as they tell."""
    empty = connection.raw_sql(
        f"from parquet_file_metadata({files_in_sql(files)}) select file_name where num_rows = 0"
    ).fetchall()
    null = connection.raw_sql(
        f"from parquet_metadata({files_in_sql(files)}) select file_name "
        f"where lower(path_in_schema) = lower({text_in_sql(name)}) group by file_name "
        "having bool_and(coalesce(stats_null_count = num_values, false))"
    ).fetchall()
    return [file for (file,) in {*empty, *null}]


def _inner(rows: Iterator[tuple], children: int) -> str:
    """What is inside a nested column, as a text: rows follow each other from the outside in."""
    inside = []
    for _child in range(children):
        _file, name, kind, further = next(rows)
        inside.append(f"{name} {kind}{_inner(rows, further) if further else ''}")
    return f"({', '.join(inside)})"
