"""The whole suite gives the same numbers on ClickHouse, which is asked as a server is."""

import ibis
import pyarrow.parquet as pq
import pytest

import playbook as pb
from tests.every_result import TABLES, unlike


@pytest.fixture(scope="module")
def there(small, clickhouse_url):
    connection = ibis.connect(clickhouse_url)
    for name in TABLES:
        connection.create_table(name, pq.read_table(small / f"{name}.parquet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRTOUCH_TEST_WAREHOUSE", clickhouse_url)
        yield pb.open("params/airtouch", "env:AIRTOUCH_TEST_WAREHOUSE")


def test_every_number_is_the_same_on_clickhouse(found, here, there):
    assert there.period == here.period
    assert unlike(found, there) == []
