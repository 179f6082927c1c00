"""Arms: the same on every engine and in plain Python, of the planned sizes, and independent."""

from __future__ import annotations

import hashlib
from functools import cache

import ibis
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats as tests

from playbook.inference import stats
from playbook.language import portable

SLUGS = [f"play_{place}" for place in range(12)]
KINDS = ("b0-u%06d", "7f3c%06x-9a1e", "kündin-%d", "顧客%d", "%d")


@cache
def ids(n: int) -> tuple[str, ...]:
    """Ids as products have them, some of them not in ASCII."""
    return tuple(KINDS[place % len(KINDS)] % place for place in range(n))


def drawn(salt: str, n: int) -> np.ndarray:
    """The places of ids, as plain Python draws them."""
    digests = (hashlib.md5(f"{salt}:{id}".encode()).hexdigest() for id in ids(n))
    return np.array([int(digest[:7], 16) % 10_000 for digest in digests])


def expression(units, salt: str, engine: str):
    place = portable.bucket(ibis.literal(f"{salt}:") + units.unit, engine=engine)
    return units.select("position", place=place)


def places(connection, n: int, salt: str = "guide") -> np.ndarray:
    units = ibis.memtable(numbered(n))
    found = connection.to_pyarrow(expression(units, salt, connection.name)).to_pandas()
    return found.sort_values("position")["place"].to_numpy()


def numbered(n: int) -> pa.Table:
    return pa.table({"position": np.arange(n), "unit": list(ids(n))})


def test_a_million_arms_on_duckdb_are_those_of_plain_python(duckdb_connection):
    n = 1_000_000
    assert np.array_equal(places(duckdb_connection, n), drawn("guide", n))


def test_arms_on_postgresql_are_those_of_plain_python(postgres_connection):
    n = 200_000
    assert np.array_equal(places(postgres_connection, n), drawn("guide", n))


def test_arms_on_clickhouse_are_those_of_plain_python(tmp_path):
    chdb = pytest.importorskip("chdb", reason="a package of half a gigabyte: installed by hand")
    import pyarrow.parquet as pq

    n = 1_000_000
    pq.write_table(numbered(n), tmp_path / "ids.parquet")
    units = ibis.table({"position": "int64", "unit": "string"}, name="ids")
    query = ibis.to_sql(expression(units, "guide", "clickhouse"), dialect="clickhouse")
    text = query.replace('"ids"', f"file('{tmp_path / 'ids.parquet'}', Parquet)")
    lines = chdb.query(f"select place from ({text}) order by position", "CSV").bytes()
    assert np.array_equal(np.array(lines.split(), dtype=int), drawn("guide", n))


def test_arms_on_spark_are_those_of_plain_python(spark_session):
    n = 100_000
    assert np.array_equal(places(ibis.pyspark.connect(spark_session), n), drawn("guide", n))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_arms_have_the_planned_sizes(share):
    n = 200_000
    held = int((drawn("guide", n) < round(share * 10_000)).sum())
    assert stats.sample_ratio((n - held, held), (1 - share, share)) > 0.001


def test_the_arms_of_each_pair_of_plays_are_independent():
    n = 100_000
    held = [drawn(slug, n) < 2_000 for slug in SLUGS]
    pairs = [(a, b) for place, a in enumerate(held) for b in held[:place]]
    p = [
        tests.chi2_contingency(
            [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]], correction=False
        ).pvalue
        for a, b in pairs
    ]
    assert len(p) == 66
    assert min(p) * len(p) > 0.01


def test_another_salt_draws_anew():
    n = 50_000
    one, other = (drawn(salt, n) < 2_000 for salt in ("guide", "guide_2"))
    both = (one & other).mean()
    # As many are held out twice as two dice would hold out: a fifth of a fifth.
    assert both == pytest.approx(0.04, abs=4 * np.sqrt(0.04 * 0.96 / n))
