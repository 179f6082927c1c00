"""What several tests share: the engines, and the sample company once per session."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import pytest
from hypothesis import HealthCheck, settings

import playbook as pb
from playbook import airtouch as simulator
from playbook.data.warehouse import Warehouse
from playbook.results import Result
from playbook.run import Run
from tests import clickhouse, postgres, spark
from tests.every_result import make_odd, results

# The same examples each time, however long they take: none fails by chance, or where others work.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

SHARED = Path(__file__).parents[2] / "shared"

# Expressions are many small objects that live long: looking for garbage among all of them, again
# and again, takes a tenth of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 50)

# The files that take longest begin, so that no worker is left with one of them at the end.
LONGEST = (
    *("test_engines_on_spark", "test_report", "test_engines", "test_engines_on_clickhouse"),
    *("test_bounds", "test_truth", "test_main", "test_published"),
    *("test_attempt_rules", "test_travel", "test_triggers_reference"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if reason := postgres.missing():
        pytest.skip(reason)
    with postgres.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_connection(postgres_url: str) -> Iterator[ibis.BaseBackend]:
    connection = ibis.connect(postgres_url)
    yield connection
    connection.disconnect()


@pytest.fixture(params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> ibis.BaseBackend:
    """Each engine that values are proved equal on."""
    if request.param == "duckdb":
        return request.getfixturevalue("duckdb_connection")
    return request.getfixturevalue("postgres_connection")


@pytest.fixture(scope="session")
def duckdb_connection() -> ibis.BaseBackend:
    return ibis.duckdb.connect()


@pytest.fixture
def stored(engine) -> Iterator[Callable[..., Warehouse]]:
    """Writes tables for a source to read, and takes them away again."""
    names = []

    def store(**tables: ibis.Table) -> Warehouse:
        for name, drawn in tables.items():
            engine.create_table(name, drawn, overwrite=True)
            names.append(name)
        return Warehouse(engine)

    yield store
    for name in names:
        engine.drop_table(name, force=True)


@pytest.fixture(scope="session")
def airtouch() -> Run:
    """The sample company, opened whole."""
    return pb.open("params/airtouch")


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """The sample company's tables, drawn small: ties, late rows, nulls, fractions, odd ids."""
    return make_odd(simulator.write(tmp_path_factory.mktemp("small") / "demo", events=20_000))


@pytest.fixture(scope="session")
def here(small) -> Run:
    """The small sample company, opened by DuckDB."""
    return pb.open("params/airtouch", str(small))


@pytest.fixture(scope="session")
def found(here) -> list[Result]:
    """Every result of the small sample company, by DuckDB."""
    return results(here)


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory) -> Iterator[Any]:
    """A session of Spark's on two cores; what is asked of it is asked of the whole process's."""
    if reason := spark.missing():
        pytest.skip(reason)
    with spark.session(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture(scope="session")
def clickhouse_url() -> Iterator[str]:
    if reason := clickhouse.missing():
        pytest.skip(reason)
    with clickhouse.server() as url:
        yield url


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real inputs and frozen answers that are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the folder `shared` with real inputs is not beside the project")
    return SHARED
