"""Folders of CSV and JSON lines: what is read loses nothing, and what is broken says where."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from playbook.data import opening
from playbook.language.mistakes import Mistake
from tests.spec import rows

NINE = datetime(2026, 1, 5, 9)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as stream:
        stream.write(text)


def read(place: Path, table: str = "log") -> list[dict]:
    return rows(opening.warehouse_at(str(place)).table(table))


def kinds(place: Path, table: str = "log") -> dict[str, str]:
    found = opening.warehouse_at(str(place)).table(table).schema()
    return {name: str(kind) for name, kind in found.items()}


def refusal(place: Path, table: str = "log") -> Mistake:
    with pytest.raises(Mistake) as told:
        opening.warehouse_at(str(place)).table(table)
    return told.value


def one(folder: Path, *values: str) -> tuple[str, list]:
    """The type of a CSV column `x` with these values, and what is read."""
    put(folder / "log.csv", "x,n\n" + "".join(f"{value},1\n" for value in values))
    return kinds(folder)["x"], [row["x"] for row in read(folder)]


@pytest.mark.parametrize("name", ["log.csv", "log.CSV", "log.csv.gz", "log.tsv", "log/1.csv"])
def test_a_csv_file_is_a_table(tmp_path, name):
    put(tmp_path / name, 'id,city\n1,"Nice, ""Côte"""\n2,\n3,""\n')
    assert read(tmp_path) == [
        {"id": "1", "city": 'Nice, "Côte"'},
        {"id": "2", "city": None},
        {"id": "3", "city": None},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_fields_are_parted_as_the_header_is(tmp_path, delimiter, end):
    lines = [["id", "first name", ""], ["7", "a:b", "1.5"]]
    text = "".join(delimiter.join(line) + end for line in lines)
    put(tmp_path / "log.csv", "\ufeff" + text)
    assert read(tmp_path) == [{"id": "7", "first name": "a:b", "column2": 1.5}]


def test_what_stands_in_quotes_parts_no_fields(tmp_path):
    put(tmp_path / "log.csv", '"a, b, c";id\n"x\ny";1\n')
    assert read(tmp_path) == [{"a, b, c": "x\ny", "id": "1"}]


@pytest.mark.parametrize(
    ("values", "kind", "read_as"),
    [
        (("1", "-20", ""), "int64", [-20, 1, None]),
        (("007", "12"), "string", ["007", "12"]),
        (("9007199254740993", "1"), "int64", [1, 9007199254740993]),
        (("9223372036854775808", "1"), "string", ["1", "9223372036854775808"]),
        (("1.5", "2", "1e3"), "float64", [1.5, 1000.0, 2.0]),
        (("1.5", "12345678901234567"), "string", ["1.5", "12345678901234567"]),
        (("+1", "2"), "string", ["+1", "2"]),
        (("1,000.5".replace(",", " "), "2"), "string", ["1 000.5", "2"]),
        (("True", "false", ""), "boolean", [False, None, True]),
        (("true", "1"), "string", ["1", "true"]),
        (("nan", "1"), "string", ["1", "nan"]),
        (("2026-01-05", "2026-12-31", ""), "date", [date(2026, 1, 5), date(2026, 12, 31), None]),
        (("2026-01-05", "2026-02-30"), "string", ["2026-01-05", "2026-02-30"]),
        (("05/01/2026", "06/01/2026"), "string", ["05/01/2026", "06/01/2026"]),
        (("2026-01-05 09:00", "2026-01-05T09:00:00.000"), "timestamp(6)", [NINE, NINE]),
        (
            ("2026-01-05", "", "2026-01-05 09:00:00"),
            "timestamp(6)",
            [datetime(2026, 1, 5), NINE, None],
        ),
        (("2026-01-05 09:00", "x"), "string", ["2026-01-05 09:00", "x"]),
        (
            ("2026-01-05T09:00:00Z", "2026-01-05 10:00:00+01:00"),
            "timestamp('UTC', 6)",
            [NINE.replace(tzinfo=UTC)] * 2,
        ),
        (
            ("2026-01-05T09:00:00Z", "2026-01-05 09:00:00"),
            "string",
            ["2026-01-05 09:00:00", "2026-01-05T09:00:00Z"],
        ),
        (("", ""), "string", [None, None]),
    ],
)
def test_a_column_has_a_type_that_keeps_all_its_values_or_is_text(tmp_path, values, kind, read_as):
    found, told = one(tmp_path, *values)
    assert found == kind
    assert told == sorted(read_as, key=str)


@pytest.mark.parametrize("name", ["id", "user_id", "userId", "ID"])
def test_ids_are_text_whatever_they_look_like(tmp_path, name):
    put(tmp_path / "log.csv", f"{name},paid\n7,true\n8,false\n")
    assert kinds(tmp_path) == {name: "string", "paid": "boolean"}


def test_a_value_of_another_type_after_many_rows_makes_the_column_text(tmp_path):
    many = "".join(f"{n},2026-01-05,\n" for n in range(20_000))
    put(tmp_path / "log.csv", "n,at,late\n" + many + "007,soon,5\n")
    assert kinds(tmp_path) == {"n": "string", "at": "string", "late": "int64"}
    assert len(read(tmp_path)) == 20_001


def test_parts_of_a_table_are_united_by_the_names_of_their_columns(tmp_path):
    put(tmp_path / "log" / "day=2026-01-01" / "a.csv", "id,n\na,1\n")
    put(tmp_path / "log" / "day=2026-01-02" / "b.csv", "N;plan;id\n2;pro;b\n")
    put(tmp_path / "log" / "day=2026-01-02" / "c.csv.gz", "id,n\nc,x\n")
    put(tmp_path / "log" / "day=2026-01-02" / "d.csv", "id,n\n")
    assert read(tmp_path) == [
        {"day": "2026-01-01", "id": "a", "n": "1", "plan": None},
        {"day": "2026-01-02", "id": "b", "n": "2", "plan": "pro"},
        {"day": "2026-01-02", "id": "c", "n": "x", "plan": None},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,n\na,1\nb,2,3\n", "CSV Error on Line: 3 Expected Number of Columns: 2 Found: 3"),
        ("id,n\na,1\nb\n", "CSV Error on Line: 3 Expected Number of Columns: 2 Found: 1"),
        ('id,n\na,1\n"b,2\n', "CSV Error on Line: 3 Value with unterminated quote found."),
    ],
)
def test_a_broken_line_names_its_file_and_no_other_table_is_lost(tmp_path, text, said):
    put(tmp_path / "log" / "a.csv", "id,n\na,1\n")
    put(tmp_path / "log" / "b.csv", text)
    put(tmp_path / "users.csv", "id\nann\n")
    mistake = refusal(tmp_path)
    assert mistake.wrong == f"`{tmp_path}/log/b.csv` cannot be read as CSV."
    assert said in mistake.there
    assert read(tmp_path, "users") == [{"id": "ann"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "Its header names nothing: it is empty."),
        (b"\n\n", "it is empty."),
        (b"id,n,ID\n", "Its header names ID, id several times."),
        (b"id,na\xefve\n", "Its first line: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_without_a_header_that_can_be_read_says_so(tmp_path, text, said):
    (tmp_path / "log.csv").write_bytes(text)
    mistake = refusal(tmp_path)
    assert mistake.wrong == f"`{tmp_path}/log.csv` cannot be read as CSV."
    assert said in mistake.there


def test_a_text_that_is_not_utf_8_is_no_silent_loss(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"id,n\nna\xefve,1\n")
    assert "cannot be read as CSV." in refusal(tmp_path).wrong


def test_a_file_with_a_header_alone_is_a_table_without_rows(tmp_path):
    put(tmp_path / "log.csv", "id,n\n")
    assert read(tmp_path) == []
    assert kinds(tmp_path) == {"id": "string", "n": "string"}


@pytest.mark.parametrize("name", ["log.jsonl", "log.ndjson", "log.jsonl.gz", "log/1.jsonl"])
def test_json_lines_are_a_table_whose_ids_are_exact_text(tmp_path, name):
    put(
        tmp_path / name,
        '{"id": "007", "n": 1, "at": "2026-01-05T09:00:00Z", "who": {"id": 9, "tags": ["a"]}}\n'
        '{"id": 18446744073709551617, "n": 2, "ok": true, "who": {"id": null, "city": "Nice"}}\n'
        '{"id": 7, "n": null, "code": "12"}\n',
    )
    assert kinds(tmp_path) == {
        "id": "string",
        "n": "int64",
        "at": "timestamp('UTC', 6)",
        "who": "struct<id: string, tags: array<string>, city: string>",
        "ok": "boolean",
        "code": "string",
    }
    told = read(tmp_path)
    assert [row["id"] for row in told] == ["007", "18446744073709551617", "7"]
    assert told[0]["who"] == {"id": "9", "tags": ["a"], "city": None}
    assert told[1]["ok"] is True
    assert told[2] == {"id": "7", "n": None, "at": None, "who": None, "ok": None, "code": "12"}


def test_a_value_of_several_kinds_in_json_is_text_and_keys_may_be_missing(tmp_path):
    put(tmp_path / "log" / "a.jsonl", '{"id": 1, "x": 1}\n')
    put(tmp_path / "log" / "b.jsonl", '{"id": 2, "x": "one", "y": 1.5}\n{"id": 3}\n')
    assert read(tmp_path) == [
        {"id": "1", "x": "1", "y": None},
        {"id": "2", "x": "one", "y": 1.5},
        {"id": "3", "x": None, "y": None},
    ]


def test_a_broken_line_of_json_names_its_file(tmp_path):
    put(tmp_path / "log" / "a.jsonl", '{"id": 1}\n')
    put(tmp_path / "log" / "b.jsonl", '{"id": 1}\n{"id": 2\n')
    mistake = refusal(tmp_path)
    assert mistake.wrong == f"`{tmp_path}/log/b.jsonl` cannot be read as JSON lines."
    assert "Malformed JSON" in mistake.there


@pytest.mark.parametrize("text", ["", "[1, 2]\n", "{}\n", "7\n"])
def test_json_without_objects_is_no_table(tmp_path, text):
    put(tmp_path / "log.jsonl", text)
    assert refusal(tmp_path).there == "There is no line, or a line is no object with keys."


@pytest.mark.parametrize("name", ["exports [am]", "e*", "ex?orts a", "it's", "{a,b}"])
def test_a_folders_name_is_no_pattern_and_hidden_parts_are_none(tmp_path, name):
    put(tmp_path / "exports a" / "log.csv", "id\n1\n")
    put(tmp_path / name / "log.csv", "id\n2\n")
    put(tmp_path / name / "parts[12]" / "x[1].jsonl", '{"id": 3}\n')
    put(tmp_path / name / "parts[12]" / "_x.jsonl", '{"id": 4}\n')
    put(tmp_path / name / "parts[12]" / ".staged" / "x.jsonl", '{"id": 5}\n')
    assert read(tmp_path / name) == [{"id": "2"}]
    assert read(tmp_path / name, "parts[12]") == [{"id": "3"}]
    assert opening.warehouse_at(str(tmp_path / name)).left_out == (
        "parts[12]/.staged (hidden)",
        "parts[12]/_x.jsonl (hidden)",
    )


def test_what_has_another_format_than_its_tables_parts_is_left_out_and_named(tmp_path):
    (tmp_path / "log").mkdir()
    duckdb.sql(f"copy (select 1 as id) to '{tmp_path}/log/a.parquet'")
    put(tmp_path / "log" / "notes.csv", "id\n2\n")
    opened = opening.warehouse_at(str(tmp_path))
    assert rows(opened.table("log")) == [{"id": 1}]
    assert opened.left_out == ("log/notes.csv (beside Parquet)",)


def test_two_files_of_one_name_in_two_formats_are_refused(tmp_path):
    put(tmp_path / "log.csv", "id\n1\n")
    put(tmp_path / "log.jsonl", '{"id": 2}\n')
    assert refusal(tmp_path).there == "They are: log.csv, log.jsonl."


@pytest.mark.parametrize("name", ["my log.csv", "my log.jsonl", "my log.parquet", "my log.csv.gz"])
def test_one_file_is_a_warehouse_of_one_table(tmp_path, name):
    path = tmp_path / name
    if "parquet" in name:
        duckdb.sql(f"copy (select '1' as id) to '{path}'")
    else:
        put(path, "id\n1\n" if "csv" in name else '{"id": 1}\n')
    put(tmp_path / "users.csv", "id\n1\n")
    opened = opening.warehouse_at(str(path))
    assert opened.names == ["my log"]
    assert rows(opened.table("my log")) == [{"id": "1"}]
