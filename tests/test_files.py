"""A folder of Parquet: every part of a table is read in one type, or the reader says why not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from playbook.data import opening
from playbook.language.mistakes import Mistake
from tests.spec import rows


def put(path: Path, select: str = "select 'ann' as id") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = duckdb.sql(select).to_arrow_table()
    pq.write_table(frame, path)


def read(folder: Path, table: str = "log") -> list[dict]:
    found = rows(opening.warehouse_at(str(folder)).table(table))
    return sorted(found, key=lambda row: str(row.get("id")))


def refusal(folder: Path, table: str = "log") -> Mistake:
    with pytest.raises(Mistake) as mistake:
        opening.warehouse_at(str(folder)).table(table)
    return mistake.value


@pytest.mark.parametrize(
    "second",
    ["2.parquet", "2.parq", "2.PARQUET", "2.pq", "2026-02/2.parquet", "a/b/c/2.Parquet"],
)
def test_every_part_of_a_table_is_read(tmp_path, second):
    put(tmp_path / "log" / "1.parquet", "select 1 as id")
    put(tmp_path / "log" / second, "select 2 as id")
    assert read(tmp_path) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    "staged",
    ["_2.parquet", ".2.parquet", "_temporary/0/2.parquet", ".staging/2.parquet", "a/_2.parq"],
)
def test_what_is_hidden_or_staged_is_left_out_and_named(tmp_path, staged):
    put(tmp_path / "log" / "1.parquet", "select 1 as id")
    put(tmp_path / "log" / staged, "select 2 as id")
    put(tmp_path / "_users.parquet")
    (tmp_path / "log" / "_SUCCESS").touch()
    (tmp_path / "orders.xlsx").write_text("id\nann")
    opened = opening.warehouse_at(str(tmp_path))
    assert rows(opened.table("log")) == [{"id": 1}]
    hidden = staged if staged.startswith("a/") else staged.partition("/")[0]
    assert opened.left_out == (
        "_users.parquet (hidden)",
        f"log/{hidden} (hidden)",
        "orders.xlsx (no table)",
    )
    assert "Left out: _users.parquet (hidden)," in refusal(tmp_path, "orders").there


def test_folders_below_a_table_are_columns_of_text_and_those_above_are_not(tmp_path):
    home = tmp_path / "id=7" / "day=2020-01-01"
    put(home / "log" / "day=2026-01-01" / "_no=01" / "a.parquet", "select 1 as id")
    put(home / "log" / "day=a%20b" / "_no=01" / "a.parquet", "select 2 as id")
    put(home / "log" / "day=__HIVE_DEFAULT_PARTITION__" / "_no=02" / "a.parquet", "select 3 as id")
    assert read(home) == [
        {"day": "2026-01-01", "_no": "01", "id": 1},
        {"day": "a b", "_no": "01", "id": 2},
        {"day": None, "_no": "02", "id": 3},
    ]


def test_a_files_own_column_counts_and_not_its_folders_name(tmp_path):
    put(tmp_path / "log" / "id=7" / "a.parquet", "select 'ann' as id")
    put(tmp_path / "log" / "id=8" / "a.parquet", "select 1 as n")
    assert read(tmp_path) == [{"id": "8", "n": 1}, {"id": "ann", "n": None}]


@pytest.mark.parametrize("name", ["exports [am]", "e*", "ex?orts a", "it's", "{a,b}", "[[]"])
def test_a_folders_name_is_no_pattern(tmp_path, name):
    put(tmp_path / "exports a" / "log.parquet", "select 1 as id")
    put(tmp_path / name / "log.parquet", "select 2 as id")
    put(tmp_path / name / "parts[12]" / "x[1].parquet", "select 3 as id")
    put(tmp_path / name / "parts1" / "x1.parquet", "select 4 as id")
    assert read(tmp_path / name) == [{"id": 2}]
    assert read(tmp_path / name, "parts[12]") == [{"id": 3}]


@pytest.mark.parametrize(
    ("mark", "vendor"),
    [
        ("_delta_log/0.json", "Delta Lake"),
        (".hoodie/hoodie.properties", "Hudi"),
        ("metadata/v1.metadata.json", "Iceberg"),
    ],
)
@pytest.mark.parametrize("place", ["log", "log/2026"])
def test_a_table_of_another_format_is_refused_by_name_and_others_are_read(
    tmp_path, mark, vendor, place
):
    put(tmp_path / "users.parquet")
    put(tmp_path / place / "a.parquet")
    (tmp_path / place / mark).parent.mkdir()
    (tmp_path / place / mark).touch()
    assert f"{place}` is a table of {vendor}." in refusal(tmp_path).wrong
    assert read(tmp_path, "users") == [{"id": "ann"}]
    with pytest.raises(Mistake, match=f"is a table of {vendor}"):
        opening.warehouse_at(str(tmp_path / place))


def test_a_column_that_is_null_throughout_or_of_bytes_is_text(tmp_path):
    frame = pa.table({"id": [b"ann", b"\xff", "bé".encode(), None], "at": pa.nulls(4)})
    pq.write_table(frame, tmp_path / "log.parquet")
    assert read(tmp_path) == [
        {"id": None, "at": None},
        {"id": "\\xFF", "at": None},  # no text: it stays apart from every other value
        {"id": "ann", "at": None},
        {"id": "bé", "at": None},
    ]
    table = opening.warehouse_at(str(tmp_path)).table("log")
    assert [str(kind) for kind in table.schema().types] == ["string", "string"]


BIG = 1766000000000000001


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("1::int", f"{BIG}::bigint", "int64"),
        ("1::utinyint", "2::tinyint", "int16"),
        ("1.5::float", "1.5::double", "float64"),
        ("1.5::decimal(3,1)", "1.25::decimal(5,3)", "decimal(5, 3)"),
        ("timestamp_ns '2026-01-01'", "timestamp '2026-01-02'", "timestamp(6)"),
        ("'ann'", "'bob'::blob", "string"),
        (f"{BIG}::bigint", "null::double", "int64"),
        ("null::int", "'ann'", "string"),
        (f"{BIG}::bigint", "1.5::double where false", "int64"),
        ("timestamp '2026-01-01'", "null::varchar", "timestamp(6)"),
    ],
)
def test_parts_are_read_in_a_type_that_loses_nothing(tmp_path, first, second, kind):
    put(tmp_path / "log" / "a.parquet", f"select {first} as x, 1 as Own")
    put(tmp_path / "log" / "b.parquet", f"select 2 as own, x from (select {second}) rows(x)")
    put(tmp_path / "log" / "c.parquet", "select 3 as own")
    if "where" in second:
        put(tmp_path / "log" / "b.parquet", f"select {second.replace(' where', ' as x where')}")
    table = opening.warehouse_at(str(tmp_path)).table("log")
    assert str(table.x.type()) == kind
    found = {row["Own"]: row["x"] for row in rows(table)}
    assert found[3] is None
    assert "bigint" not in first or found[1] == BIG


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (f"{BIG}::bigint", "2::double", "BIGINT in `log/a.parquet` and DOUBLE in"),
        ("1::int", "'2'", "INTEGER in `log/a.parquet` and VARCHAR in"),
        ("date '2026-01-01'", "timestamp '2026-01-01'", "DATE in `log/a.parquet` and TIMESTAMP in"),
        ("timestamp '2026-01-01'", "timestamptz '2026-01-01'", "and TIMESTAMP WITH TIME ZONE in"),
    ],
)
def test_types_that_differ_between_parts_name_the_files(tmp_path, first, second, said):
    put(tmp_path / "log" / "a.parquet", f"select {first} as x")
    put(tmp_path / "log" / "day=1" / "b.parquet", f"select {second} as X")
    mistake = refusal(tmp_path)
    assert mistake.wrong == "Column `x` has several types in files of one table."
    assert said in mistake.there
    assert "`log/day=1/b.parquet`" in mistake.there


def test_a_nested_column_whose_types_differ_is_left_out_alone(tmp_path):
    put(tmp_path / "log" / "a.parquet", "select 1 as id, {'x': 1} as apart, [1] as alike")
    put(tmp_path / "log" / "b.parquet", "select 2 as id, {'y': 'a'} as apart, [2] as alike")
    put(tmp_path / "log" / "c.parquet", "select 3 as id")
    opened = opening.warehouse_at(str(tmp_path))
    assert rows(opened.table("log").order_by("id")) == [
        {"id": 1, "alike": [1]},
        {"id": 2, "alike": [2]},
        {"id": 3, "alike": None},
    ]
    assert opened.left_out == ("column log.apart (its types differ)",)


def test_parts_that_cannot_be_read_are_all_named(tmp_path):
    put(tmp_path / "log" / "a.parquet")
    for name in ("b.parquet", "c.parq"):
        (tmp_path / "log" / name).write_text("id")
    mistake = refusal(tmp_path)
    assert "log/b.parquet`, `" in mistake.wrong
    assert "log/c.parq` cannot be read as Parquet." in mistake.wrong
    assert mistake.there.startswith("DuckDB says: ")


@pytest.mark.parametrize("other", ["LOG.parquet", "log.parq", "Log/1.parquet"])
def test_two_things_of_one_name_are_refused_under_either(tmp_path, other):
    put(tmp_path / "log" / "a.parquet")
    put(tmp_path / "users.parquet")
    put(tmp_path / other)
    mistake = refusal(tmp_path)
    assert "are the table `" in mistake.wrong
    assert {*mistake.there.removeprefix("They are: ").removesuffix(".").split(", ")} == {
        "log",
        other.partition("/")[0],
    }
    assert "log" in opening.warehouse_at(str(tmp_path)).names
    assert read(tmp_path, "users") == [{"id": "ann"}]


def test_a_link_in_a_circle_is_followed_once(tmp_path):
    put(tmp_path / "log" / "a.parquet")
    (tmp_path / "log" / "again").symlink_to(tmp_path / "log")
    assert read(tmp_path) == [{"id": "ann"}]
