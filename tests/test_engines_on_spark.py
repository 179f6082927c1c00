"""The whole suite gives the same numbers on Spark, whose URL names a session and a schema."""

import pytest

import playbook as pb
from tests.every_result import TABLES, unlike
from tests.spark import MASTER


@pytest.fixture(scope="module")
def there(small, spark_session):
    spark_session.sql("CREATE DATABASE airtouch")
    for name in TABLES:
        path = small / f"{name}.parquet"
        spark_session.sql(f"CREATE TABLE airtouch.{name} USING parquet LOCATION '{path}'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRTOUCH_TEST_WAREHOUSE", f"spark://{MASTER}/airtouch")
        yield pb.open("params/airtouch", "env:AIRTOUCH_TEST_WAREHOUSE")


def test_every_number_is_the_same_on_spark(found, here, there):
    assert there.period == here.period
    assert unlike(found, there) == []
