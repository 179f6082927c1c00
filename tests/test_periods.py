"""Durations, periods and the watermark, with the ends of their windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from playbook.mistakes import Mistake
from playbook.periods import Period, duration, period, watermark, words
from tests.spec import at, rows, table

FIRST, LAST = at("2026-01-01 06:00"), at("2026-06-30 18:30")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def observed(since: Any = "", until: Any = "", as_of: Any = "") -> Period:
    return period(since, until, as_of, first=FIRST, last=LAST)


@pytest.mark.parametrize(
    ("text", "length"),
    [("30m", HOUR / 2), ("24h", DAY), ("3d", 3 * DAY), ("2w", 14 * DAY), (" 90 s ", HOUR / 40)],
)
def test_a_duration_is_a_whole_number_with_its_unit(text, length):
    assert duration(text) == length


@pytest.mark.parametrize(
    "text", ["24", "24 hours", "1.5h", "-3d", "3 d 2h", "", "h", "٣d", "9" * 30]
)
def test_what_is_no_duration_is_a_mistake_in_three_parts(text):
    with pytest.raises(Mistake) as mistake:
        duration(text)
    assert str(mistake.value) == (
        f"`{text}` is no duration.\n"
        "A duration is a whole number with its unit: s, m, h, d or w.\n"
        'Hint: write "24h", "3d" or "30m".'
    )


def test_a_duration_reads_as_people_say_it_in_whole_days_from_72_hours_on():
    said = [words(duration(text)) for text in ("24h", "48h", "72h", "1h", "90m", "45s", "2w")]
    assert said == [
        "24 hours",
        "48 hours",
        "3 days",
        "1 hour",
        "90 minutes",
        "45 seconds",
        "14 days",
    ]


def test_a_period_without_ends_is_the_whole_data_with_its_last_event():
    found = observed()
    assert (found.since, found.as_of) == (FIRST, LAST)
    assert found.until == LAST + timedelta(microseconds=1)


def test_relative_days_count_whole_days_back_from_as_of():
    assert observed("-90d").since == at("2026-04-01")
    assert observed("-90d", "-1w", "2026-03-31 12:00") == Period(
        since=at("2025-12-31"), until=at("2026-03-24"), as_of=at("2026-03-31 12:00")
    )


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-02-01", at("2026-02-01")),
        ("2026-02-01T00:00:00+02:00", at("2026-01-31 22:00")),
        ("2026-02-01T00:00:00Z", at("2026-02-01")),
        ("2026-02-01 00:00", at("2026-02-01")),
        (at("2026-02-01").date(), at("2026-02-01")),
    ],
)
def test_a_moment_becomes_utc_without_a_zone(text, utc):
    assert observed(text).since == utc


def test_as_of_never_goes_beyond_the_last_event():
    assert observed(as_of="2030-01-01").as_of == LAST


@pytest.mark.parametrize(
    ("since", "until", "as_of"),
    [
        ("2026-03-01", "2026-03-01", ""),
        ("2026-03-02", "2026-03-01", ""),
        ("2026-07-01", "", ""),
        ("", "2025-01-01", ""),
        ("", "", "2025-12-01"),
    ],
)
def test_an_empty_period_is_a_mistake_that_names_what_the_data_covers(since, until, as_of):
    with pytest.raises(Mistake, match="The data covers 2026-01-01 to") as mistake:
        observed(since, until, as_of)
    assert mistake.value.wrong.startswith("The period is empty")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "01.02.2026", "-9999999w"])
def test_what_is_no_date_is_a_mistake_that_names_the_parameter(text):
    with pytest.raises(Mistake, match=f"`since: {text}` is no date"):
        observed(text)


def test_a_period_includes_its_first_moment_and_excludes_its_last(engine):
    found = Period(since=at("2026-01-02"), until=at("2026-01-03"), as_of=LAST)
    starts = table("""
        unit | at
        ann  | 2026-01-01 23:59:59.999999
        bob  | 2026-01-02 00:00
        cleo | 2026-01-02 23:59:59.999999
        dee  | 2026-01-03 00:00
        eve  |
    """)
    entered = starts.filter(found.entered(starts.at)).select("unit")
    assert rows(entered, engine) == [{"unit": "bob"}, {"unit": "cleo"}]


def test_a_window_that_ends_exactly_at_the_watermark_is_closed(engine):
    found = Period(since=FIRST, until=LAST, as_of=at("2026-01-03 09:00"))
    starts = table("""
        unit | at
        ann  | 2026-01-02 09:00
        bob  | 2026-01-02 09:00:00.000001
    """)
    closed = starts.select("unit", is_closed=found.closed(starts.at, DAY))
    assert rows(closed, engine) == [
        {"unit": "ann", "is_closed": True},
        {"unit": "bob", "is_closed": False},
    ]


def test_the_watermark_ignores_clocks_ahead_of_their_arrival_and_dead_batteries(engine):
    arrivals = table("""
        event_id | at                  | received_at
        1        | 1970-01-01 00:00    | 2026-01-02 00:00
        2        | 1999-12-31 23:59:59 | 2026-01-02 00:00
        3        | 2026-01-02 10:00    | 2026-01-02 10:00
        4        | 2026-01-05 10:00    |
        5        | 2031-01-01 00:00    | 2026-01-05 10:00
        6        |                     | 2026-01-09 00:00
    """)
    assert rows(watermark(arrivals), engine) == [
        {"first": at("2026-01-02 10:00"), "last": at("2026-01-05 10:00")}
    ]


def test_no_events_have_no_watermark(engine):
    assert rows(watermark(table("event_id | at | received_at")), engine) == [
        {"first": None, "last": None}
    ]


def test_times_are_of_the_canonical_type():
    assert isinstance(observed("-1d").since, datetime)
    assert observed("2026-02-01T00:00:00Z").since.tzinfo is None
