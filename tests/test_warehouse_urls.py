"""Warehouses by their URLs: no such engine, no driver, no extension, no answer: four things."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pytest

from playbook.data import bucket, engines, opening, sessions
from playbook.language.mistakes import Mistake
from tests.spec import rows


def refusal(url: str) -> Mistake:
    with pytest.raises(Mistake) as told:
        opening.warehouse_at(url)
    assert told.value.__cause__ is None
    return told.value


def test_an_engine_that_does_not_exist_is_named_with_those_that_do():
    mistake = refusal("oracel://ann:s3cret@db/product")
    assert mistake.wrong == "There is no engine `oracel`."
    assert "bigquery, clickhouse, databricks" in mistake.there
    assert mistake.hint == "correct the beginning of the URL; did you mean `oracle`?"


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        ("snowflake", "pip install 'growth-playbook[snowflake]'"),
        ("spark", "pip install 'growth-playbook[spark]'"),
        ("bigquery", f"pip install 'ibis-framework[bigquery]=={ibis.__version__}'"),
    ],
)
def test_a_driver_that_is_not_installed_is_named_with_the_line_that_installs_it(
    engine, line, monkeypatch
):
    def connect(_url):
        raise ImportError("Failed to import") from ModuleNotFoundError("No module named 'driver'")

    monkeypatch.setattr(ibis, "connect", connect)
    monkeypatch.setattr(sessions, "spark", connect)
    mistake = refusal(f"{engine}://ann:s3cret@account/product")
    assert mistake.wrong == f"The driver for {engine} is not installed."
    assert mistake.there == "Python says: No module named 'driver'"
    assert mistake.hint == line


def test_no_answer_is_another_thing():
    mistake = refusal("postgresql://ann:s3cret@127.0.0.1:1/product")
    assert (
        mistake.wrong == "The warehouse postgresql://ann:***@127.0.0.1:1/product does not answer."
    )
    assert mistake.there.startswith("The driver says: ")


def test_a_short_password_does_not_mangle_what_the_driver_says(monkeypatch):
    def connect(_url):
        raise OSError("impossible: password p of ann")

    monkeypatch.setattr(ibis, "connect", connect)
    mistake = refusal("postgres://ann:p@db/product")
    assert mistake.there == "The driver says: impossible: password *** of ann"


@pytest.mark.parametrize(
    ("url", "extension"),
    [
        ("md:acme", "motherduck"),
        ("motherduck:acme", "motherduck"),
        ("s3://acme/warehouse", "httpfs"),
    ],
)
def test_an_extension_that_is_not_installed_is_not_fetched_but_named(url, extension, monkeypatch):
    asked = []

    class Engine:
        def raw_sql(self, statement):
            asked.append(statement)
            if statement.startswith("LOAD"):
                raise duckdb.IOException('Extension "x" not found.')

    monkeypatch.setattr(engines.ibis.duckdb, "connect", Engine)
    mistake = refusal(url)
    assert f"needs DuckDB's extension `{extension}`, which is not installed." in mistake.wrong
    assert f"INSTALL {extension}" in mistake.hint
    assert asked == ["SET autoinstall_known_extensions = false", f"LOAD {extension}"]


def test_a_buckets_parquet_files_and_folders_of_parts_are_tables(tmp_path: Path):
    def put(name: str, select: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"copy ({select}) to '{path}' (format parquet)")

    put("users.parquet", "select 'ann' as id")
    put("log/day=2026-01-01/a.parquet", "select 1 as id")
    put("log/day=2026-01-02/b.parquet", "select 2 as id, 'web' as source")
    put("log/_staged/c.parquet", "select 3 as id")
    put("lake/a.parquet", "select 1 as id")
    (tmp_path / "lake" / "_delta_log").mkdir()
    (tmp_path / "lake" / "_delta_log" / "0.json").touch()
    (tmp_path / "notes.csv").write_text("id")
    connection = ibis.duckdb.connect()
    refused, left_out = bucket.views_of_bucket(connection, f"file://{tmp_path}/")
    assert rows(connection.table("users")) == [{"id": "ann"}]
    assert rows(connection.table("log")) == [
        {"day": "2026-01-01", "id": 1, "source": None},
        {"day": "2026-01-02", "id": 2, "source": "web"},
    ]
    assert left_out == ("log/_staged/c.parquet (hidden)", "notes.csv (no Parquet)")
    assert refused["lake"].wrong.endswith("lake` is a table of Delta Lake.")


def test_a_file_of_sqlite_opens_by_its_url(tmp_path):
    url = f"sqlite://{tmp_path}/shop.db"
    ibis.connect(url).create_table("users", ibis.memtable({"id": ["ann"]}))
    assert rows(opening.warehouse_at(url).table("users"), ibis.connect(url)) == [{"id": "ann"}]
