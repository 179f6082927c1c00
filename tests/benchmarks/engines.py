"""The five-step funnel of people and what all stages ask of it, on each engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

import playbook as pb
from playbook.run import Run
from tests import clickhouse, postgres
from tests.every_result import TABLES

URL = "PLAYBOOK_BENCHMARK"
Begun = Callable[[], list[int]]
_open = ExitStack()  # servers: they end with the process


def duckdb(folder: Path) -> Begun:
    return _asked(str(folder))


def postgresql(folder: Path) -> Begun:
    url = _open.enter_context(postgres.cluster())
    connection = ibis.connect(url)
    for name in TABLES:
        file = pq.ParquetFile(folder / f"{name}.parquet")
        connection.create_table(name, schema=ibis.Schema.from_pyarrow(file.schema_arrow))
        for batch in file.iter_batches(1_000_000):
            connection.insert(name, pa.Table.from_batches([batch]))
    return _asked(url)


def clickhouse_by_http(folder: Path) -> Begun:
    url = _open.enter_context(clickhouse.server())
    connection = ibis.connect(url)
    for name in TABLES:
        path = folder / f"{name}.parquet"
        connection.create_table(name, schema=ibis.Schema.from_pyarrow(pq.read_schema(path)))
        connection.raw_sql(f"INSERT INTO {name} SELECT * FROM file('{path}', 'Parquet')")
    return _asked(url)


def spark(folder: Path) -> Begun:
    from pyspark.sql import SparkSession

    home = folder.parent / f"spark-{folder.name}"
    given = {"spark.sql.warehouse.dir": str(home), "spark.driver.memory": "6g"}
    given |= {"spark.sql.shuffle.partitions": "8", "spark.ui.enabled": "false"}
    session = SparkSession.builder.master("local[2]").config(map=given).getOrCreate()
    _open.callback(session.stop)
    session.sql("CREATE DATABASE acme")
    for name in TABLES:
        path = folder / f"{name}.parquet"
        session.sql(f"CREATE TABLE acme.{name} USING parquet LOCATION '{path}'")
    return _asked("spark://local[2]/acme")


CONTENDERS = {
    "DuckDB": duckdb,
    "PostgreSQL": postgresql,
    "ClickHouse": clickhouse_by_http,
    "Spark local[2]": spark,
}
NEEDS = {"ClickHouse": "chdb", "Spark local[2]": "pyspark"}


def _asked(url: str) -> Begun:
    """A run on the warehouse, asked what each stage opens with."""
    os.environ[URL] = url

    def run() -> list[int]:
        opened = pb.open("params/airtouch", f"env:{URL}")
        return [*_funnel(opened), *(len(rows) for rows in _stages(opened))]

    return run


def _funnel(run: Run) -> list[int]:
    return [row["n"] for row in pb.friction.answer(run, "path_to_value").rows]


def _stages(run: Run) -> Iterator[list]:
    yield [answer.rows for answer in pb.audit.every_answer(run)]
    yield pb.friction.by_week(run, "path_to_value").rows
    yield pb.friction.retention(run, "active_workflows").rows
    yield pb.personalization.decisions(run).rows
    yield pb.impact.effects(run).rows
