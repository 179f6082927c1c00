"""`Desk`: a small engine beside the report, in which send lists are compared and written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

MEMORY = "512MB"  # what is more goes to disk
CHUNK = 50_000  # rows at a time, on their way from the warehouse
CSV, JSON_LINES = "format csv, header", "format json"


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
            named = ", ".join(f"{_text(its)}: '{kind}'" for its, kind in columns.values())
            self.engine.raw_sql(
                f"insert into lines from read_json({_text(path)}, "
                f"format = 'newline_delimited', columns = {{{named}}})"
            )
        return self.engine.table("lines")

    def kept(self, name: str, rows: ir.Table) -> ir.Table:
        """Rows in their order, which `write` keeps."""
        return self.engine.create_table(name, rows, overwrite=True)

    def write(self, rows: ir.Table, path: Path, form: str) -> None:
        """The rows as a file, in UTF-8."""
        self.engine.raw_sql(f"copy ({self.engine.compile(rows)}) to {_text(path)} ({form})")

    @staticmethod
    def counts(counted: ir.Table) -> dict[str, int]:
        """The one row of a table that counts."""
        return counted.to_pyarrow().to_pylist()[0]


@contextmanager
def at(folder: Path) -> Iterator[Desk]:
    """A desk that leaves nothing behind in the folder."""
    with tempfile.TemporaryDirectory(prefix=".desk-", dir=folder) as place:
        engine = ibis.duckdb.connect(f"{place}/rows.duckdb", memory_limit=MEMORY)
        try:
            yield Desk(engine)
        finally:
            engine.disconnect()


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
