"""Warehouses: what opens, what says why it does not, and what never shows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from ibis import _

from playbook.data import opening
from playbook.data.warehouse import Warehouse, without_passwords
from playbook.language.mistakes import Mistake
from tests.spec import rows, table

URL = "postgres://ann:s3cret@db.example:5432/product"


def parquet(path: Path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"copy ({select}) to '{path}'")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of Parquet: a file, a folder of parts of which the second grew, and a note."""
    parquet(tmp_path / "users.parquet", "select 'ann' as id")
    parquet(tmp_path / "events" / "part-0.parquet", "select 1 as id")
    parquet(tmp_path / "events" / "part-1.parquet", "select 2 as id, 'web' as source")
    (tmp_path / "README.md").write_text("not a table")
    (tmp_path / ".parts").mkdir()
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "product.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.sql("create table users as select 'ann' as id")
    return path


def test_a_folder_of_parquet_has_its_files_and_its_folders_of_parts(folder):
    opened = opening.warehouse_at(str(folder))
    assert opened.names == ["events", "users"]
    assert rows(opened.table("events")) == [{"id": 1, "source": None}, {"id": 2, "source": "web"}]


def test_a_file_that_is_not_parquet_names_itself(folder):
    (folder / "orders.parquet").write_text("id,total")
    opened = opening.warehouse_at(str(folder))
    assert opened.names == ["events", "orders", "users"]
    with pytest.raises(Mistake, match=r"orders\.parquet` cannot be read as Parquet"):
        opened.table("orders")


def test_an_unknown_table_suggests_the_nearest(folder):
    with pytest.raises(Mistake) as mistake:
        opening.warehouse_at(str(folder)).table("user")
    assert str(mistake.value) == (
        "The warehouse has no table `user`.\n"
        "It has: events, users. Left out: README.md (no table).\n"
        "Hint: did you mean `users`?"
    )


def test_a_duckdb_file_is_read_by_several_and_never_written(file):
    first, second = opening.warehouse_at(str(file)), opening.warehouse_at(str(file))
    assert first.names == second.names == ["users"]
    assert rows(first.table("users")) == rows(second.table("users")) == [{"id": "ann"}]
    with pytest.raises(duckdb.Error, match="read-only"):
        first.connection.raw_sql("insert into product.main.users values ('bob')")


def test_a_duckdb_file_can_be_written_again_after_its_reader_closes(file):
    opened = opening.warehouse_at(str(file))
    opened.keep(opened.table("users"), "kept")
    opened.connection.disconnect()
    with duckdb.connect(str(file)) as writer:
        writer.sql("insert into users values ('bob')")
        tables = writer.sql("select table_name from information_schema.tables").fetchall()
    assert tables == [("users",)]


def test_a_file_that_is_no_database_says_what_the_engine_says(tmp_path):
    (tmp_path / "notes.txt").write_text("hello " * 1000)
    with pytest.raises(Mistake, match=r"notes\.txt` cannot be opened") as mistake:
        opening.warehouse_at(str(tmp_path / "notes.txt"))
    assert mistake.value.there.startswith("DuckDB says: ")


def test_a_missing_path_names_it_and_the_working_folder(tmp_path):
    with pytest.raises(Mistake, match="There is no warehouse at") as mistake:
        opening.warehouse_at(str(tmp_path / "gone"))
    assert str(Path.cwd()) in mistake.value.there


def test_a_variable_holds_the_place_and_stays_out_of_sight(folder, monkeypatch):
    monkeypatch.setenv("ACME_WAREHOUSE", str(folder))
    assert opening.warehouse_at("env:ACME_WAREHOUSE").names == ["events", "users"]


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch, value):
    monkeypatch.delenv("ACME_WAREHOUSE", raising=False)
    if value is not None:
        monkeypatch.setenv("ACME_WAREHOUSE", value)
    with pytest.raises(Mistake, match="no variable `ACME_WAREHOUSE`"):
        opening.warehouse_at("env:ACME_WAREHOUSE")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ann:s3cret@127.0.0.1:1/product",
        "postgres://ann:s3cret@1@127.0.0.1:1/product",
        "postgres://ann:s3cret/part@127.0.0.1:1/product",
        "postgres://ann:s3cr%65t@127.0.0.1:1/product",
        "postgres://ann@127.0.0.1:1/product?password=s3cret",
        "oracel://ann:s3cret@db/product",
        "host=db user=ann password=s3cret",
    ],
)
def test_a_warehouse_that_does_not_answer_says_so_without_the_password(url, monkeypatch):
    monkeypatch.setenv("ACME_WAREHOUSE", url)
    with pytest.raises(Mistake) as mistake:
        opening.warehouse_at("env:ACME_WAREHOUSE")
    for part in ("s3cr", "part", "1@"):
        assert part not in str(mistake.value)
    assert mistake.value.__cause__ is None
    assert mistake.value.__suppress_context__ or mistake.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (URL, "postgres://ann:***@db.example:5432/product"),
        (f"connect to {URL}, or ask ann@db", "connect to postgres://ann:***@db"),
        ("databricks://token:dapi1@host", "databricks://token:***@host"),
        ("user=ann PASSWORD=s3cret host=db", "user=ann PASSWORD=*** host=db"),
        ("https://host/?token=abc&x=1", "https://host/?token=***&x=1"),
        ("at 12:30, mail ann@acme.example", "at 12:30, mail ann@acme.example"),
    ],
)
def test_scrubbed_leaves_all_but_the_password(text, shown):
    assert without_passwords(text).startswith(shown)


def test_postgresql_opens_in_utc_whatever_its_servers_zone_is(postgres_url):
    opened = opening.warehouse_at(postgres_url)
    assert opened.engine == "postgres"
    assert opened.connection.raw_sql("show timezone").fetchone() == ("UTC",)
    opened.connection.disconnect()


def test_a_connection_in_another_zone_is_set_to_utc(engine):
    engine.raw_sql("set TimeZone = 'Asia/Kolkata'")
    opened = Warehouse(engine)
    zone = opened.connection.raw_sql("select current_setting('TimeZone')").fetchone()
    assert zone == ("UTC",)


def test_what_is_kept_is_the_sessions_own_and_no_table_of_the_product(engine):
    opened = Warehouse(engine)
    before = opened.names
    drawn = table("unit\nann\nbob")
    kept = opened.keep(drawn, "units")
    assert rows(kept, engine) == [{"unit": "ann"}, {"unit": "bob"}]
    assert rows(drawn, engine) == [{"unit": "ann"}, {"unit": "bob"}]  # it stands in the engine, too
    assert any("memtable" in name for name in engine.list_tables())
    again = opened.keep(table("unit\ncat"), "units")
    assert rows(again, engine) == [{"unit": "cat"}]
    assert opened.names == before


def test_what_results_share_is_computed_once_and_every_table_says_what_it_is(engine):
    opened = Warehouse(engine)
    asked = opened.keep(table("unit | n\nann | 2\nbob | 3\nbob | 4", n="int64"), "asked")

    def per_unit():
        return asked.group_by("unit").aggregate(n=_.n.sum())

    opened.shared(per_unit().mutate(twice=_.n * 2))  # a part may be made of a part
    shown = opened.shared(per_unit()).mutate(twice=_.n * 2).filter(_.n > 2)
    expected = [{"unit": "bob", "n": 7, "twice": 14}]
    assert rows(opened.prepared(shown), engine) == expected
    opened.keep(
        table("unit | n\neve | 9", n="int64"), "asked"
    )  # from here on, only what is kept remains
    assert rows(opened.prepared(shown), engine) == expected
    assert rows(opened.prepared(per_unit().filter(_.n < 5)), engine) == [{"unit": "ann", "n": 2}]
    assert opened.prepared(shown).schema() == shown.schema()
    assert rows(shown, engine) == [{"unit": "eve", "n": 9, "twice": 18}]


def test_two_that_share_a_connection_do_not_take_each_others_parts(engine):
    ann, bob = (Warehouse(engine) for _each in range(2))
    of_ann, of_bob = (w.shared(table(f"unit\n{n}")) for w, n in ((ann, "ann"), (bob, "bob")))
    for _twice in range(2):
        assert rows(ann.prepared(of_ann), engine) == [{"unit": "ann"}]
        assert rows(bob.prepared(of_bob), engine) == [{"unit": "bob"}]


def test_the_url_of_a_duckdb_file_locks_nobody_out_either(file):
    opened = [opening.warehouse_at(f"duckdb://{file}"), opening.warehouse_at(str(file))]
    assert [each.names for each in opened] == [["users"], ["users"]]
