"""Parts: what a statement names twice and is dear, and the tables that it brings along."""

import ibis
from ibis import _

from playbook.data import opening
from playbook.data.kept_parts import named_twice
from playbook.language import dialects
from tests.spec import at, rows, table

LOG = ibis.table({"unit": "string", "event": "string", "at": "timestamp(6)"}, name="log")


def level(before):
    """A step that is told from what stands before it, named twice."""
    ends = before.group_by("unit").aggregate(last=_.at.max())
    return before.join(ends, "unit").filter(_.at < _.last).select("unit", "event", "at")


def test_rows_that_are_read_as_they_are_make_no_part():
    few = LOG.filter(_.event == "start").select("unit", "at")
    assert named_twice(few.union(few.filter(_.unit == "ann")).op()) == []


def test_what_is_named_twice_is_a_part_and_comes_after_what_it_is_made_of():
    first, second = (one := level(LOG)), level(one)
    found = named_twice(level(second).op())
    assert found == [first.op(), second.op()]


def test_what_is_a_part_already_is_none_again_and_hides_what_it_is_made_of():
    first = level(LOG)
    second = level(first)
    assert named_twice(level(second).op(), {second.op()}) == []


def test_a_table_that_comes_along_is_a_part_though_it_is_named_once():
    zones = table("unit | zone\nann | Asia/Kolkata")
    (part,) = named_twice(LOG.join(zones, "unit").op())
    assert rows(part.to_expr()) == rows(zones)


def test_on_clickhouse_what_is_kept_has_its_nulls_its_microseconds_and_its_booleans(clickhouse_url):
    opened = opening.warehouse_at(clickhouse_url)
    drawn = table("""
        unit | at                         | n | is_new
        żółw | 2026-01-05 09:00:00.000001 | 1 | true
        ann  |                            |   |
    """, n="int64")  # fmt: skip
    earlier = dialects.sooner(drawn.at, 1, engine=opened.engine)
    shown = drawn.mutate(earlier=earlier, is_one=_.n == 1)
    assert rows(opened.prepared(shown), opened.connection) == [
        dict.fromkeys(shown.columns) | {"unit": "ann"},
        {
            "unit": "żółw",
            "at": at("2026-01-05 09:00:00.000001"),
            "n": 1,
            "is_new": True,
            "earlier": at("2026-01-05 09:00:00"),
            "is_one": True,
        },
    ]


def test_on_spark_what_is_kept_has_its_nulls(spark_session):
    opened = opening.warehouse_at("spark://")
    drawn = table("unit | n | is_new\nżółw | 1 | true\nann | |", n="int64")
    assert rows(opened.prepared(drawn), opened.connection) == [
        {"unit": "ann", "n": None, "is_new": None},
        {"unit": "żółw", "n": 1, "is_new": True},
    ]


def test_two_that_are_opened_on_spark_have_schemas_and_parts_of_their_own(spark_session):
    for name in ("acme", "zeta"):
        spark_session.sql(f"CREATE DATABASE {name}")
        spark_session.sql(f"CREATE TABLE {name}.units USING parquet AS SELECT '{name}' AS unit")
    acme, zeta = (opening.warehouse_at(f"spark://local[2]/{n}") for n in ("acme", "zeta"))
    assert [rows(w.keep(w.table("units"), "units")) for w in (acme, zeta)] == [
        [{"unit": "acme"}],
        [{"unit": "zeta"}],
    ]
    assert {"units", "zeta.units"} <= set(acme.names)
    assert "acme.units" not in acme.names
    assert rows(acme.table("zeta.units")) == [{"unit": "zeta"}]
