"""Opens an engine at a URL, or says why not: no such engine, no driver, no extension, no answer."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import unquote

import duckdb
import ibis
from ibis.backends import BaseBackend

from playbook.data import sessions
from playbook.data.warehouse import first_line, without_passwords
from playbook.language.mistakes import Mistake, listed, nearest

ALIASES = {"postgresql": "postgres", "pyspark": "spark", "sc": "spark"}
EXTRAS = ("clickhouse", "mssql", "mysql", "postgres", "snowflake", "spark", "trino")  # of ours
BUCKETS = ("s3", "gs", "gcs", "r2", "http", "https", "hf")  # that DuckDB reads by `httpfs`
CLOUD = ("md", "motherduck")
SHORT = 4  # letters of a secret that are no secret in the middle of a word


def opened(url: str) -> tuple[Any, ...]:
    """What a `Warehouse` is made of: a connection, its schema, and what of it is no table.

    Args:
        url: `md:NAME`, a bucket's folder of Parquet such as `s3://…`, a session of Spark's (see
            `sessions.spark`), or any URL that Ibis opens.
    """
    scheme, _colon, rest = url.partition(":")
    if scheme.lower() in CLOUD:
        return _in_the_cloud(rest.strip("/"))
    if scheme.lower() in BUCKETS:
        from playbook.data.bucket import views_of_bucket

        connection = _with_extension("httpfs", url)
        try:
            return connection, ("memory", "main"), *views_of_bucket(connection, url)
        except duckdb.Error as error:
            raise _no_answer(url, error) from None
    scheme = ALIASES.get(scheme.lower(), scheme.lower())
    _refuse_unknown(scheme)
    return (_connection(scheme, url),)


def _in_the_cloud(name: str) -> tuple[BaseBackend, tuple[str, str]]:
    """A database of MotherDuck's, whose token its own variable holds (`motherduck_token`)."""
    name, _question, _settings = name.partition("?")
    connection = _with_extension("motherduck", f"md:{name}")
    if not re.fullmatch(r"\w+", name):
        raise Mistake(
            f"`md:{name}` names no database.",
            "The URL is `md:` and a name of letters, digits and `_`.",
            "name one: md:my_db.",
        )
    try:
        connection.raw_sql(f"ATTACH 'md:{name}'")
    except duckdb.Error as error:
        raise _no_answer(f"md:{name}", error) from None
    return connection, (name, "main")


def _with_extension(name: str, url: str) -> BaseBackend:
    """An embedded engine with one of DuckDB's extensions, which is never fetched on the way."""
    connection = ibis.duckdb.connect()
    try:
        connection.raw_sql("SET autoinstall_known_extensions = false")
        connection.raw_sql(f"LOAD {name}")
    except duckdb.Error as error:
        raise Mistake(
            f"The warehouse {without_passwords(url)} needs DuckDB's extension `{name}`, which is "
            "not installed.",
            f"DuckDB says: {first_line(error)}",
            f"install it once: python -c \"import duckdb; duckdb.sql('INSTALL {name}')\".",
        ) from None
    return connection


def _refuse_unknown(scheme: str) -> None:
    engines = sorted({*(point.name for point in entry_points(group="ibis.backends")), "spark"})
    known = [*engines, *CLOUD, *BUCKETS]
    if scheme not in engines:
        raise Mistake(
            f"There is no engine `{scheme}`.",
            f"A URL begins with one of: {listed(known)}.",
            f"correct the beginning of the URL; {nearest(scheme, known)}",
        )


def _connection(engine: str, url: str) -> BaseBackend:
    try:
        return sessions.spark(url) if engine == "spark" else ibis.connect(url)
    except ImportError as error:
        package = f"growth-playbook[{engine}]"
        if engine not in EXTRAS:  # what it needs cannot stand beside what we lock
            package = f"ibis-framework[{engine}]=={ibis.__version__}"
        raise Mistake(
            f"The driver for {engine} is not installed.",
            f"Python says: {first_line(error.__cause__ or error)}",
            f"pip install '{package}'",
        ) from None
    except Exception as error:
        raise _no_answer(url, error) from None


def _no_answer(url: str, error: Exception) -> Mistake:
    # Drivers repeat what they cannot parse, such as half of a password with a `/` in it.
    secret = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    said = str(error).replace(url, without_passwords(url))
    for part in filter(None, [secret, unquote(secret), *re.split(r"[/?#@:]", secret)]):
        whole = re.escape(part)
        said = re.sub(whole if len(part) >= SHORT else rf"(?<!\w){whole}(?!\w)", "***", said)
    return Mistake(
        f"The warehouse {without_passwords(url)} does not answer.",
        f"The driver says: {first_line(said)}",
        "check host, user, password and network; then run `playbook check` again.",
    )
