"""Opens the warehouse that a run names: files, a database, a URL, or a variable that holds one."""

from __future__ import annotations

import os
from pathlib import Path

import ibis

from playbook.data import engines, files, limits
from playbook.data.duckdb_file import attached_while_read
from playbook.data.warehouse import MEMORY, Warehouse, variable_of, without_passwords
from playbook.declare.engine import engine_of
from playbook.language.mistakes import Mistake


def warehouse_at(url: str, home: Path | None = None, engine: str = "") -> Warehouse:
    """The warehouse at a URL.

    Args:
        url: A folder of Parquet, CSV or JSON lines, one such file, a DuckDB file (read-only), an
            Ibis URL such as `postgres://…`, `md:…`, a bucket's folder of Parquet such as `s3://…`,
            or `env:NAME` for a variable that holds one of these.
        home: The folder that paths start from, in a variable, too; else the working folder.
        engine: What it may take of the machine, such as "memory: 4GB, threads: 2".
    """
    home = home or Path.cwd()
    return limits.limited(_found(url, home), engine_of(engine), home)


def _found(url: str, home: Path) -> Warehouse:
    url = url.strip()
    if name := variable_of(url):
        return _found(_variable(name), home)
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


def _variable(name: str) -> str:
    if not os.environ.get(name):
        raise Mistake(
            f"The environment has no variable `{name}`.",
            "The run names it as the warehouse (its value never stands in a file).",
            f'set it: export {name}="postgres://user:password@host/database".',
        )
    return os.environ[name]
