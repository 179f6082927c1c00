"""A DuckDB file: an open notebook locks nobody out, and numbers of two states never mix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from playbook.data import opening
from playbook.language.mistakes import Mistake
from tests.spec import rows

WRITES = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute(sys.argv[2])"


def make(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in ("create table users as select 'ann' as id", *statements):
            connection.execute(statement)
    return path


def write(path: Path, statement: str, *, then: str = "") -> None:
    """A writer of another process, as a nightly load is; DuckDB's lock holds between those."""
    command = [sys.executable, "-c", WRITES + then, str(path), statement]
    subprocess.run(command, check=True, capture_output=True)


def test_an_open_warehouse_locks_no_writer_out_and_refuses_what_it_wrote(tmp_path):
    path = make(tmp_path / "shop.duckdb")
    opened = opening.warehouse_at(str(path))
    users = opened.table("users")
    kept = opened.keep(users, "users")
    assert rows(users) == [{"id": "ann"}]
    write(path, "insert into users values ('bob')")
    for ask in (lambda: rows(users), lambda: opened.names, opened.refuse_changes):
        with pytest.raises(Mistake, match=r"shop\.duckdb` was written since it was opened"):
            ask()
    assert len(rows(opening.warehouse_at(str(path)).table("users"))) == 2
    write(path, "insert into users values ('cat')")  # nor did what was refused lock it
    assert kept is not None


def test_what_a_writer_left_in_its_log_is_read_and_a_longer_log_is_refused(tmp_path):
    path = make(tmp_path / "shop.duckdb")
    dies = "; import os; os._exit(0)"
    write(path, "insert into users values ('bob')", then=dies)
    assert path.with_name("shop.duckdb.wal").exists()
    opened = opening.warehouse_at(str(path))
    assert len(rows(opened.table("users"))) == 2
    write(path, "insert into users values ('cat')", then=dies)
    with pytest.raises(Mistake, match="was written since"):
        opened.table("users")


def test_while_a_writer_holds_the_file_the_reader_says_so(tmp_path):
    path = make(tmp_path / "shop.duckdb")
    opened = opening.warehouse_at(str(path))
    holds = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    command = [sys.executable, "-c", holds, str(path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1) as writer:
        writer.stdout.readline()
        for ask in (lambda: opened.names, lambda: opening.warehouse_at(str(path))):
            with pytest.raises(Mistake, match=r"shop\.duckdb` cannot be opened") as mistake:
                ask()
            assert mistake.value.hint.startswith("let the program that writes it finish")
        writer.communicate(b"\n")
    assert opened.names == ["users"]


@pytest.mark.parametrize("name", ["dev.duckdb", "dev.prod.db", 'o"d d.db', "temp.db", "main.db"])
def test_views_that_name_their_database_and_other_schemas_are_in_reach(tmp_path, name):
    path = make(tmp_path / name, "create schema raw", "create table raw.log as select 1 as n")
    with duckdb.connect(str(path)) as connection:
        ((own,),) = connection.sql("select current_database()").fetchall()
        own = '"' + own.replace('"', '""') + '"'
        connection.execute(f'create view {own}."main"."events" as from {own}."raw"."log"')
    opened = opening.warehouse_at(str(path))
    assert opened.names == ["events", "raw.log", "users"]
    assert rows(opened.table("events")) == rows(opened.table("raw.log")) == [{"n": 1}]


def test_a_view_that_cannot_be_read_is_a_mistake(tmp_path):
    path = make(tmp_path / "shop.duckdb", "create view v as from users", "drop table users")
    with pytest.raises(Mistake, match="`v` of the warehouse cannot be read"):
        opening.warehouse_at(str(path)).table("v")


def test_a_file_of_the_sessions_own_name_is_read(tmp_path):
    path = make(tmp_path / "Memory.duckdb")
    assert rows(opening.warehouse_at(str(path)).table("users")) == [{"id": "ann"}]


@pytest.mark.parametrize("url", ["duckdb://{}", "DuckDB://{}", "  duckdb://{} ", "duckdb://{}?x=1"])
def test_a_url_of_a_file_is_never_opened_for_writing(tmp_path, url, monkeypatch):
    path = make(tmp_path / "shop.duckdb")
    monkeypatch.setenv("ACME", url.format(path.name))
    opened = opening.warehouse_at(" env:ACME", tmp_path)
    assert rows(opened.table("users")) == [{"id": "ann"}]
    with pytest.raises(duckdb.Error, match="read-only"):
        opened.connection.raw_sql("drop table shop.main.users")
    write(path, "create table more as select 1 as n")
