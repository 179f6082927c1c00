"""What a run lets its engine take of the machine, and where it writes what does not fit."""

import os

import ibis
import pytest
import yaml

import playbook as pb
from playbook.data.opening import warehouse_at
from playbook.declare.engine import engine_of
from playbook.language.mistakes import Mistake
from playbook.report.runfile import parameters


@pytest.fixture
def home(tmp_path):
    (tmp_path / "log.csv").write_text("event,at\nsaved,2026-01-01\n")
    return tmp_path


def setting(warehouse, name):
    found = warehouse.connection.raw_sql(f"SELECT current_setting('{name}')").fetchone()
    return found[0]


def test_an_engine_takes_no_more_than_it_is_told(home):
    warehouse = warehouse_at("log.csv", home, "memory: 300MB, threads: 1")
    assert setting(warehouse, "memory_limit") in ("286.1 MiB", "300.0 MB")
    assert setting(warehouse, "threads") == 1


def test_what_does_not_fit_goes_to_a_folder_of_the_project_and_is_gone_with_the_engine(home):
    warehouse = warehouse_at("log.csv", home, "memory: 40MB, threads: 1")
    many = warehouse.connection.sql(
        "SELECT range AS n, md5(range::VARCHAR) AS t FROM range(2000000)"
    )
    kept = warehouse.keep(many, "many")
    spilled = list(home.glob(f".spill-{os.getpid()}-*/*"))
    assert spilled
    assert kept.count().execute() == 2_000_000
    warehouse.connection.disconnect()
    assert not list(home.glob(".spill-*"))


def test_the_folder_may_be_another(home):
    warehouse = warehouse_at("log.csv", home, "spill: fast/disk")
    assert setting(warehouse, "temp_directory").startswith(str(home / "fast" / "disk"))
    with pytest.raises(Mistake, match=r"cannot spill to `log\.csv`"):
        warehouse_at("log.csv", home, "spill: log.csv")


def test_two_engines_of_a_process_never_share_a_folder(home):
    one, other = (warehouse_at("log.csv", home) for _place in range(2))
    assert setting(one, "temp_directory") != setting(other, "temp_directory")


def test_what_a_killed_run_left_is_swept_and_what_a_living_one_has_is_not(home):
    dead, own, others = (
        home / f".spill-{name}" for name in ("999999999-a", f"{os.getpid()}-b", "x-y")
    )
    for folder in (dead, own, others):
        folder.mkdir(parents=True)
    warehouse_at("log.csv", home)
    assert (dead.exists(), own.exists(), others.exists()) == (False, True, True)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("memory: much", "is no size"),
        ("memory: 0GB", "is no size"),
        ("threads: 0", "greater than or equal to 1"),
        ("cores: 2", "cores"),
        ("memory: [4GB", "is not YAML"),
    ],
)
def test_what_it_is_told_is_read_strictly(said, why):
    with pytest.raises(Mistake, match="`engine`") as raised:
        engine_of(said)
    assert why in str(raised.value)


def test_a_server_has_limits_of_its_own(postgres_url, home):
    with pytest.raises(Mistake, match="the warehouse is a server"):
        warehouse_at(postgres_url, home, "threads: 2")
    assert warehouse_at(postgres_url, home).engine == "postgres"


def test_a_run_file_says_it_as_a_mapping_or_as_a_text(tmp_path):
    for engine in ({"memory": "4GB", "threads": 2}, "memory: 4GB, threads: 2"):
        file = tmp_path / "weekly.yaml"
        file.write_text(yaml.safe_dump({"product": "params/airtouch", "engine": engine}))
        assert parameters(file)["engine"] == "memory: 4GB, threads: 2"


def test_a_limited_run_counts_the_same():
    limited = pb.open("params/airtouch", engine="memory: 300MB, threads: 1")
    free = pb.open("params/airtouch")
    ask = pb.audit.answer
    assert ask(limited, "path_to_value").rows == ask(free, "path_to_value").rows
    assert isinstance(limited.warehouse.connection, ibis.backends.duckdb.Backend)
