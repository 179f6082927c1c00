"""Opens a Spark session at a URL, and keeps in it what several statements read."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

# Of our own session alone: its statements are long, and Spark would compare all their conditions.
SETTINGS = {
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.ansi.enabled": "true",  # as Spark 4 has it: what does not cast is a mistake
}


def session_at(url: str) -> BaseBackend:
    """A session of Spark's, the process's own if there is one.

    Args:
        url: `spark://HOST:PORT` of a cluster, `spark://local[N]` for N cores of this machine,
            `spark://` for what Spark's own configuration or `SPARK_REMOTE` names, or
            `sc://HOST:PORT` of a Spark Connect server. A schema may follow: `spark://…/SCHEMA`.
    """
    from pyspark.sql import SparkSession

    scheme, _colon, rest = url.partition("://")
    place, _slash, schema = rest.partition("/")
    builder = SparkSession.builder.appName("playbook")
    if scheme == "sc":
        schema = ""
        builder = builder.remote(f"sc://{rest}")
    elif place:
        builder = builder.master(place if place.startswith("local") else f"spark://{place}")
    session = builder.getOrCreate()
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    if schema:
        session.catalog.setCurrentDatabase(schema)
    return ibis.pyspark.connect(session)


def kept(connection: BaseBackend, table: ir.Table, name: str) -> ir.Table:
    """The table, computed once, under a name of the session's."""
    connection._run_pre_execute_hooks(table)
    rows = connection.raw_sql(connection.compile(table))
    rows.localCheckpoint(eager=True).createOrReplaceTempView(name)
    # With the types that the statement has: Spark's own times have no scale.
    return connection.table(name).op().copy(schema=table.schema()).to_expr()
