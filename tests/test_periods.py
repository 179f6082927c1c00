"""Durations, periods and the watermark, with the ends of their windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from playbook.data import arrivals
from playbook.data.extent import Ends, ends
from playbook.data.tables import conform
from playbook.language.mistakes import Mistake
from playbook.language.periods import Period, duration, period, words
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


def arrived(text: str) -> list[dict[str, Any]]:
    """What arrived per source and day, drawn: `source`, `n`, `first_at`, `last_at`, `got_at`."""
    drawn = table(text, n="int64").to_pyarrow().to_pylist()
    names = {"first_at": "sane_first", "last_at": "sane_last", "got_at": "received"}
    return [{names.get(name, name): value for name, value in row.items()} for row in drawn]


def fetched(text: str, connection: Any) -> list[dict[str, Any]]:
    """What arrived per source and day, counted from drawn rows of a log."""
    return rows(arrivals.daily_counts(conform(table(text), "events"), ()), connection)


def test_each_source_has_its_own_ends_and_its_longest_silence():
    found = ends(
        arrived("""
            source | n | first_at         | last_at          | got_at
            web    | 9 | 2026-01-05 08:00 | 2026-01-05 20:00 | 2026-01-05 21:00
            server | 9 | 2026-01-09 08:00 | 2026-01-09 23:00 | 2026-01-09 23:00
            server | 9 | 2026-01-05 07:00 | 2026-01-05 19:00 | 2026-01-05 19:00
            web    | 9 | 2026-01-06 00:00 | 2026-01-06 09:00 | 2026-01-06 09:00
            server | 9 | 2026-01-07 08:00 | 2026-01-07 12:00 | 2026-01-07 12:00
                   | 1 | 2026-01-06 12:00 | 2026-01-06 12:00 | 2026-01-06 12:00
        """)
    )
    assert found == {
        "web": Ends(at("2026-01-05 08:00"), at("2026-01-06 09:00"), DAY),
        "server": Ends(at("2026-01-05 07:00"), at("2026-01-09 23:00"), 2 * DAY),
        None: Ends(at("2026-01-06 12:00"), at("2026-01-06 12:00"), timedelta(0)),
    }


def test_clocks_ahead_of_their_arrival_and_dead_batteries_move_no_end(engine):
    found = fetched(
        """
        event_id | event | source | at                      | received_at
        1        | ran   | web    | 1970-01-01 00:00        | 2026-01-02 00:00
        2        | ran   | web    | 1999-12-31 23:59:59     | 2026-01-02 00:00
        3        | ran   | web    | 2026-01-02 10:00        | 2026-01-02 10:00
        4        | ran   | web    | 2026-01-05 10:00        |
        5        | ran   | web    | 2026-01-05 11:00:00.001 | 2026-01-05 11:00
        6        | ran   | web    | 2031-01-01 00:00        | 2026-01-05 10:00
        7        | ran   | web    |                         | 2026-01-09 00:00
        8        | ran   | app    | 2000-01-01 00:00        | 2026-01-02 00:00
        9        | ran   | odd    | 2031-01-01 00:00        | 2026-01-05 10:00
        """,
        engine,
    )
    # Nothing that the odd source says is possible: it has no ends.
    assert ends(found) == {
        "web": Ends(at("2026-01-02 10:00"), at("2026-01-05 10:00"), 3 * DAY),
        "app": Ends(at("2000-01-01"), at("2000-01-01"), timedelta(0)),
    }


def test_a_row_without_an_arrival_is_believed_up_to_a_day_after_the_last_one():
    text = """
        source | n | first_at         | last_at          | got_at
        web    | 9 | 2026-01-05 08:00 | 2026-01-05 20:00 | 2026-01-05 21:00
        web    | 9 | 2026-01-06 08:00 | 2026-01-06 21:00 |
        jobs   | 9 | 2026-01-04 08:00 | 2026-01-04 20:00 |
    """
    assert ends(arrived(text))["web"].last == at("2026-01-06 21:00")
    later = """
        web    | 9 | 2026-01-06 08:00 | 2026-01-06 21:00:00.000001 |
        jobs   | 1 | 2099-01-01 00:00 | 2099-01-01 00:00           |
    """
    found = ends(arrived(text.replace("2026-01-06 21:00", "2026-01-06 20:00") + later))
    assert {source: end.last for source, end in found.items()} == {
        "web": at("2026-01-06 20:00"),
        "jobs": at("2026-01-04 20:00"),
    }


def test_where_no_row_says_when_it_arrived_strays_after_four_weeks_are_not_believed():
    text = """
        source | n   | first_at         | last_at          | got_at
        web    | 600 | 2026-01-05 08:00 | 2026-01-05 20:00 |
        jobs   | 400 | 2026-01-06 08:00 | 2026-01-06 20:00 |
        web    | 1   | 2099-01-01 00:00 | 2099-01-01 00:00 |
    """
    lasts = {source: end.last for source, end in ends(arrived(text)).items()}
    assert lasts == {"web": at("2026-01-05 20:00"), "jobs": at("2026-01-06 20:00")}
    # Two rows in a thousand are no strays; nor is what follows a gap of four weeks at the most.
    common = ends(arrived(text.replace("| 1  ", "| 2  ")))
    assert common["web"].last == at("2099-01-01")
    soon = ends(arrived(text.replace("2099-01-01 00:00", "2026-02-03 20:00")))
    assert soon["web"].last == at("2026-02-03 20:00")
    late = ends(arrived(text.replace("2099-01-01 00:00", "2026-02-03 20:01")))
    assert late["web"].last == at("2026-01-05 20:00")


def test_a_product_that_rests_for_a_season_has_no_strays():
    found = ends(
        arrived("""
            source | n    | first_at         | last_at          | got_at
            web    | 5000 | 2026-01-05 08:00 | 2026-01-05 20:00 | 2026-01-05 20:00
            web    | 1    | 2026-06-01 09:00 | 2026-06-01 09:00 | 2026-06-01 09:00
        """)
    )
    assert found["web"].last == at("2026-06-01 09:00")


def test_what_has_no_events_or_no_times_has_no_ends(engine):
    assert ends(fetched("event_id | event | at", engine)) == {}
    timeless = "event_id | event | at | received_at\n 1 | ran | | 2026-01-05"
    assert ends(fetched(timeless, engine)) == {}


def test_a_source_that_rests_at_weekends_is_not_stalled_on_monday():
    found = ends(
        arrived("""
            source | n | first_at         | last_at          | got_at
            jobs   | 9 | 2026-01-09 08:00 | 2026-01-09 18:00 | 2026-01-09 18:00
            jobs   | 9 | 2026-01-12 08:00 | 2026-01-12 18:00 | 2026-01-12 18:00
            jobs   | 9 | 2026-01-13 08:00 | 2026-01-13 18:00 | 2026-01-13 18:00
            jobs   | 9 | 2026-01-14 08:00 | 2026-01-14 18:00 | 2026-01-14 18:00
            jobs   | 9 | 2026-01-15 08:00 | 2026-01-15 18:00 | 2026-01-15 18:00
            jobs   | 9 | 2026-01-16 08:00 | 2026-01-16 18:00 | 2026-01-16 18:00
            web    | 9 | 2026-01-19 00:00 | 2026-01-19 23:00 | 2026-01-19 23:00
        """)
    )
    # From Friday to Monday is three days; four and a half are too long.
    assert not found["jobs"].stalled(found["web"].last)
    assert not found["jobs"].stalled(at("2026-01-21 06:00"))
    assert found["jobs"].stalled(at("2026-01-21 06:01"))


def test_an_export_that_stops_is_stalled_after_a_day_and_a_half():
    daily = Ends(at("2026-01-01"), at("2026-01-15 18:00"), silence=DAY)
    assert not daily.stalled(at("2026-01-17 06:00"))
    assert daily.stalled(at("2026-01-17 06:01"))


def test_a_source_that_was_seen_on_one_day_is_stalled_after_another():
    once = Ends(at("2026-01-15 09:00"), at("2026-01-15 18:00"), silence=timedelta(0))
    assert not once.stalled(at("2026-01-16 18:00"))
    assert once.stalled(at("2026-01-16 18:01"))


def test_times_are_of_the_canonical_type():
    assert isinstance(observed("-1d").since, datetime)
    assert observed("2026-02-01T00:00:00Z").since.tzinfo is None
