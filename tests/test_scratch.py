"""What a session keeps on a server: in temporary tables, in a schema of ours, or nothing."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import playbook as pb
from playbook import airtouch
from playbook.data import scratch
from playbook.data.opening import warehouse_at
from playbook.data.warehouse import KEPT
from playbook.language.mistakes import Mistake
from tests.spec import rows

RIGHTS = (
    "revoke temporary on database postgres from public",
    "create role reader login",
    "create role writer login",
    "create schema ours",
    "grant usage, create on schema ours to writer",
    "create table units as select 'ann' as unit",
    "grant select on units to reader, writer",
)
NO_RIGHTS = (
    "grant temporary on database postgres to public",
    "drop schema ours cascade",
    "drop table units",
    "drop role reader",
    "drop role writer",
)


@pytest.fixture
def as_role(postgres_connection, postgres_url):
    for statement in RIGHTS:
        postgres_connection.raw_sql(statement)
    yield lambda role: postgres_url.replace("playbook:secret", role)
    for statement in NO_RIGHTS:
        postgres_connection.raw_sql(statement)


def in_schema(connection):
    return connection.list_tables(database="ours")


def test_a_reader_without_any_right_keeps_nothing_and_loops_over_nothing(as_role):
    reader = warehouse_at(as_role("reader"))
    units = reader.table("units")
    assert reader.keep(units, "units") is units
    assert rows(reader.prepared(reader.shared(units))) == [{"unit": "ann"}]
    assert reader.connection.raw_sql("show enable_nestloop").fetchone() == ("off",)
    reader.connection.disconnect()


def test_a_session_that_only_reads_keeps_nothing(as_role, postgres_connection):
    postgres_connection.raw_sql("grant temporary on database postgres to reader")
    postgres_connection.raw_sql("alter role reader set default_transaction_read_only = on")
    reader = warehouse_at(as_role("reader"))
    units = reader.table("units")
    assert reader.keep(units, "units") is units
    assert rows(units) == [{"unit": "ann"}]
    reader.connection.disconnect()
    postgres_connection.raw_sql("revoke temporary on database postgres from reader")


def test_a_scratch_schema_holds_what_is_kept_until_the_process_ends(as_role, postgres_connection):
    writer = warehouse_at(as_role("writer"), engine="scratch: ours")
    units = writer.table("units")
    kept = writer.keep(units.mutate(twice=units.unit + units.unit), "a long name " * 9)
    assert rows(kept) == [{"unit": "ann", "twice": "annann"}]
    (name,) = in_schema(postgres_connection)
    assert name.startswith(KEPT)
    assert not any(KEPT in name for name in writer.names)
    scratch.clear()
    assert in_schema(postgres_connection) == []
    writer.connection.disconnect()


def test_the_process_clears_it_away_by_itself(as_role, postgres_connection):
    program = (
        "import sys; from playbook.data.opening import warehouse_at;"
        "w = warehouse_at(sys.argv[1], engine='scratch: ours');"
        "w.keep(w.table('units'), 'units');"
        "print(len(w.connection.list_tables(database='ours')))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, as_role("writer")],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "1\n"
    assert in_schema(postgres_connection) == []


def test_what_killed_sessions_left_is_swept_after_a_day(as_role, postgres_connection):
    def made(hours):
        stamp = f"{datetime.now(UTC) - timedelta(hours=hours):{scratch.HOUR}}"
        name = f"{KEPT}{stamp}_{hours}"
        postgres_connection.raw_sql(f"create table ours.{name} (n int)")
        postgres_connection.raw_sql(f"alter table ours.{name} owner to writer")
        return name

    old, young = made(30), made(2)
    postgres_connection.raw_sql("create table ours.playbook_kept_by_hand (n int)")
    warehouse_at(as_role("writer"), engine="scratch: ours").connection.disconnect()
    assert sorted(in_schema(postgres_connection)) == sorted([young, "playbook_kept_by_hand"])
    assert old != young


@pytest.mark.parametrize(("role", "schema"), [("writer", "theirs"), ("reader", "ours")])
def test_a_schema_that_takes_no_table_is_a_mistake(as_role, role, schema):
    opened = warehouse_at(as_role(role), engine=f"scratch: {schema}")
    units = opened.table("units")
    with pytest.raises(Mistake, match=f"`scratch` schema `{schema}` takes no table"):
        opened.keep(units, "units")
    opened.connection.disconnect()


def test_an_embedded_engine_needs_none(tmp_path):
    (tmp_path / "log.csv").write_text("event,at\nsaved,2026-01-01\n")
    with pytest.raises(Mistake, match="needs no schema"):
        warehouse_at("log.csv", tmp_path, "scratch: ours")


@pytest.mark.thorough
@pytest.mark.parametrize(("role", "engine"), [("reader", ""), ("writer", "scratch: ours")])
def test_answers_are_the_same(as_role, postgres_connection, tmp_path, monkeypatch, role, engine):
    small = airtouch.write(tmp_path / "demo", events=20_000)
    names = [file.stem for file in small.glob("*.parquet")]
    for name in names:
        postgres_connection.create_table(name, pq.read_table(small / f"{name}.parquet"))
        postgres_connection.raw_sql(f"grant select on {name} to {role}")
    monkeypatch.setenv("ACME", as_role(role))
    here = pb.open("params/airtouch", str(small))
    there = pb.open("params/airtouch", "env:ACME", engine=engine)
    for question in ("activation_rate", "path_to_value", "active_workflows"):
        ours, theirs = (pb.friction.answer(run, question).rows for run in (here, there))
        assert theirs == ours
    assert bool(in_schema(postgres_connection)) == bool(engine)
    there.warehouse.connection.disconnect()
    for name in names:
        postgres_connection.drop_table(name)
