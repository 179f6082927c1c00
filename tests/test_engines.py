"""The whole suite gives the same numbers on PostgreSQL, and compiles for other warehouses."""

from types import SimpleNamespace

import ibis
import pyarrow.parquet as pq
import pytest

import playbook as pb
from playbook.results import listings
from tests.every_result import AUDIT, SILENT, TABLES, unlike

# Warehouses whose drivers are not here: what Ibis compiles is all that can be seen of them.
DIALECTS = ("bigquery", "snowflake", "clickhouse", "trino", "databricks", "pyspark")


@pytest.fixture(scope="module")
def there(small, postgres_connection, postgres_url):
    for name in TABLES:
        postgres_connection.create_table(name, pq.read_table(small / f"{name}.parquet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRTOUCH_TEST_WAREHOUSE", postgres_url)
        yield pb.open("params/airtouch", "env:AIRTOUCH_TEST_WAREHOUSE")
    for name in TABLES:
        postgres_connection.drop_table(name)


def test_every_number_is_the_same_on_postgresql(found, here, there):
    assert there.period == here.period
    assert unlike(found, there) == []
    assert {each.id for each in found if not each.rows} == SILENT


def test_every_part_of_the_audit_is_compared():
    made = {name for name in pb.audit.__all__ if callable(getattr(pb.audit, name))}
    made -= {"answer", "bounds_of", "every_answer", "headline"}
    assert made - {"identities"} == set(AUDIT)  # the sample company maps no identities


def compiles(table, dialect):
    return ibis.to_sql(table, dialect=dialect, pretty=False)


def together(tables):
    """One statement that reads all of the tables: what they share is compiled once."""
    counts = {f"n{k}": table.count().as_scalar() for k, table in enumerate(tables)}
    return ibis.memtable({"unit": ["ann"]}).select(**counts)


@pytest.fixture(scope="module")
def statements(found):
    """What the results read, by their id; several read the same, such as the counts of plays."""
    parts = [part for result in found for part in listings.parts(result)]
    # The bounds of each measure are compiled below: ties are told by microseconds.
    distinct = {part.table.op(): part.id for part in parts if not part.id.endswith("_bounds")}
    return {id: table.to_expr() for table, id in distinct.items()}


@pytest.fixture(scope="module")
def measured(here):
    """The bounds of one question for each measure, by its id."""
    measures = {q.measure: q.id for q in here.declared.questions if q.measure != "active"}
    return {id: pb.audit.bounds_of(here, id).table for id in measures.values()}


@pytest.fixture
def _spark(monkeypatch):
    """Where the package of Spark is not there, Ibis does not know its own option for it."""
    options = SimpleNamespace(pyspark=SimpleNamespace(treat_nan_as_null=False))
    monkeypatch.setattr("ibis.backends.sql.compilers.pyspark.options", options)


@pytest.fixture
def _unfused(monkeypatch):
    """Each step as a query of its own, as Ibis compiles it before it makes the statement short."""
    monkeypatch.setattr(ibis.options.sql, "fuse_selects", False)


@pytest.mark.usefixtures("_unfused", "_spark")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_all_results_compile_for_warehouses_that_are_not_here(statements, dialect):
    assert compiles(together(statements.values()), dialect)


@pytest.mark.thorough
@pytest.mark.usefixtures("_spark")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_result_compiles_for_warehouses_that_are_not_here(statements, dialect):
    for id, table in statements.items():
        assert compiles(table, dialect), id


# Microseconds have a form of ClickHouse's own, in a run on it: its bounds are computed there.
MEASURED = sorted({*DIALECTS} - {"clickhouse"})


@pytest.mark.usefixtures("_unfused")
@pytest.mark.parametrize("dialect", MEASURED)
def test_all_bounds_compile_for_warehouses_that_are_not_here(measured, dialect):
    assert compiles(together(measured.values()), dialect)


@pytest.mark.thorough
@pytest.mark.parametrize("dialect", MEASURED)
def test_the_bounds_of_each_measure_compile_for_warehouses_that_are_not_here(measured, dialect):
    for id, table in measured.items():
        assert compiles(table, dialect), id
