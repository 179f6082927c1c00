"""Opens a session of Spark's at a URL."""

from __future__ import annotations

import ibis
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

