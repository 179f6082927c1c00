"""The whole suite gives the same numbers on PostgreSQL."""

import re

import psycopg
import pyarrow.parquet as pq
import pytest

import playbook as pb
from tests.every_result import AUDIT, SILENT, TABLES, unlike


@pytest.fixture(scope="module")
def executed():
    """Every statement that PostgreSQL is told, in the order of time."""
    found, execute = [], psycopg.Cursor.execute

    def told(cursor, query, *given, **more):
        found.append(str(query))
        return execute(cursor, query, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", told)
        yield found


@pytest.fixture(scope="module")
def there(small, postgres_connection, postgres_url, executed):
    for name in TABLES:
        postgres_connection.create_table(name, pq.read_table(small / f"{name}.parquet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRTOUCH_TEST_WAREHOUSE", postgres_url)
        executed.clear()
        yield pb.open("params/airtouch", "env:AIRTOUCH_TEST_WAREHOUSE")
    for name in TABLES:
        postgres_connection.drop_table(name)


def test_every_number_is_the_same_on_postgresql(found, here, there):
    assert there.period == here.period
    assert unlike(found, there) == []
    assert {each.id for each in found if not each.rows} == SILENT


def test_every_statement_is_one_that_postgresql_reads_and_none_is_endless(there, executed):
    """Ibis shows a statement otherwise than it is run: so what is run is looked at."""
    ours = [text for text in executed if "SELECT" in text]
    assert len(ours) > 100
    assert not [text for text in ours if re.search(r"\b(ANTI|SEMI) JOIN\b", text)]
    assert max(map(len, ours)) < 100_000
    assert max(len(re.findall(r"\bSELECT\b", text)) for text in ours) <= 150


def test_every_part_of_the_audit_is_compared():
    made = {name for name in pb.audit.__all__ if callable(getattr(pb.audit, name))}
    made -= {"answer", "bounds_of", "every_answer", "headline"}
    assert made - {"identities"} == set(AUDIT)  # the sample company maps no identities
