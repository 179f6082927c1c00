import hashlib
from datetime import timedelta
from zoneinfo import ZoneInfo

import ibis
import pytest

from playbook.language import portable
from playbook.language.periods import interval
from tests.spec import at, rows, table

WORDS = ["", "play:u1", "ü-Umlaut", "日本", "a'b\"c\\d", "x" * 300]


def one(expression, engine):
    return engine.to_pyarrow(expression.name("value").as_table()).to_pylist()[0]["value"]


def test_a_ratio_is_a_true_quotient_even_after_an_aggregation(engine):
    counts = table(
        """
        by | a | b
        x  | 1 | 4
        x  | 1 | 4
        y  | 3 | 0
    """,
        a="int64",
        b="int64",
    )
    found = counts.aggregate(by="by", a=counts.a.sum(), b=counts.b.sum()).mutate(
        q=portable.ratio(ibis._.a, ibis._.b)
    )
    assert [(row["by"], row["q"]) for row in rows(found, engine)] == [("x", 0.25), ("y", None)]


def test_count_if_counts_null_as_no_and_nobody_as_zero(engine):
    flags = table(
        """
        is_so
        true
        false

        true
    """.replace("\n\n", "\n \n")
    )
    assert one(portable.count_if(flags.is_so), engine) == 2
    assert one(portable.count_if(flags.filter(flags.is_so.isnull()).is_so), engine) == 0


def test_seconds_cut_both_ends_to_the_second(engine):
    times = table("""
        start_at                | end_at
        2026-01-01 00:00:00.900 | 2026-01-01 00:00:01.100
        2026-01-01 00:00:00     | 2026-01-02 00:00:00.999
        1969-12-31 23:59:58     | 1970-01-01 00:00:01
    """)
    found = times.select(value=portable.seconds(times.start_at, times.end_at))
    assert [row["value"] for row in rows(found, engine)] == [1, 3, 86_400]


def test_a_window_includes_both_ends_and_null_is_outside(engine):
    times = table("""
        start_at         | done_at
        2026-01-01 00:00 | 2026-01-01 00:00
        2026-01-01 00:00 | 2026-01-02 00:00
        2026-01-01 00:00 | 2026-01-02 00:00:00.000001
        2026-01-01 00:00 |
    """)
    inside = portable.within(times.start_at, times.done_at, interval(timedelta(hours=24)))
    assert one(portable.count_if(inside), engine) == 2
    assert one(inside.isnull().sum(), engine) == 0


@pytest.mark.parametrize(("amount", "size", "pieces"), [(0, 7, 0), (1, 7, 1), (7, 7, 1), (8, 7, 2)])
def test_pieces_round_up(engine, amount, size, pieces):
    assert one(portable.pieces(ibis.literal(amount, "int64"), size), engine) == pieces


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])
def test_a_local_day_follows_the_clock_changes_of_its_zone(engine, zone):
    times = [
        at(text)
        for text in (
            "2026-03-08 04:59:59",
            "2026-03-08 06:59:59",
            "2026-11-01 03:59:59",
            "2026-11-01 04:30:00",
            "2011-12-30 09:59:59",
            "2011-12-30 10:00:00",
            "2026-06-30 18:30:00",
        )
    ]
    utc = ZoneInfo("UTC")
    expected = [time.replace(tzinfo=utc).astimezone(ZoneInfo(zone)).date() for time in times]
    found = [one(portable.local_day(ibis.literal(t, "timestamp(6)"), zone), engine) for t in times]
    assert found == expected


@pytest.mark.parametrize("word", WORDS)
def test_md5_and_bucket_equal_hashlib(engine, word):
    digest = hashlib.md5(word.encode()).hexdigest()
    text = ibis.literal(word)
    assert one(portable.md5(text, engine=engine.name), engine) == digest
    assert one(portable.bucket(text, engine=engine.name), engine) == int(digest[:7], 16) % 10_000
