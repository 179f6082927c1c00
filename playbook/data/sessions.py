"""What a session of an engine is told before it answers, and how Spark opens one."""

from __future__ import annotations

import ibis
from ibis.backends import BaseBackend

# A cast between a time with a zone and one without reads the session's zone; Ibis sets Spark's.
IN_UTC = ("SET TimeZone = 'UTC'",)
SPARK = (
    # Our statements are long: their conditions, each with all others, would never end.
    "SET spark.sql.constraintPropagation.enabled = false",
    "SET spark.sql.ansi.enabled = true",  # what does not cast is a mistake, as in Spark 4
)
CLICKHOUSE = {
    "session_timezone": "UTC",
    # What is not there is null, as elsewhere, and neither 0 nor "" nor 1970.
    "join_use_nulls": "1",
    "aggregate_functions_null_for_empty": "1",
    "session_timeout": "3600",  # what the session keeps lives no longer when nobody asks
}
SETTINGS = {"duckdb": IN_UTC, "postgres": IN_UTC, "pyspark": SPARK}


def settle(connection: BaseBackend) -> None:
    """Tells a session what makes its answers those of all engines."""
    for statement in SETTINGS.get(connection.name, ()):
        connection.raw_sql(statement)
    if connection.name == "clickhouse":
        for name, value in CLICKHOUSE.items():
            connection.con.set_client_setting(name, value)


def spark(url: str) -> BaseBackend:
    """A session of Spark's, in whose settings and views nobody else has a part.

    Args:
        url: `spark://HOST:PORT` of a cluster, `spark://local[N]` for N cores of this machine,
            `spark://` for what Spark's own configuration or `SPARK_REMOTE` names, or
            `sc://HOST:PORT` of a Spark Connect server. A schema, or a catalog and a schema, may
            follow: `spark://HOST:PORT/schema`, `spark://local[2]/catalog.schema`.
    """
    from pyspark.sql import SparkSession
    from pyspark.sql.utils import is_remote

    scheme, _colon, rest = url.partition("://")
    place, _slash, schema = rest.partition("/")
    builder = SparkSession.builder.appName("playbook")
    if scheme == "sc":
        schema, semicolon, options = schema.partition(";")
        builder = builder.remote(f"sc://{place}/{semicolon}{options}")
    elif place:
        builder = builder.master(place if place.startswith("local") else f"spark://{place}")
    # A process has one classic Spark, whichever master it was started with.
    running = builder.getOrCreate()
    session = builder.create() if is_remote() else running.newSession()
    if schema:
        session.sql(f"USE {schema}")
    return ibis.pyspark.connect(session)
