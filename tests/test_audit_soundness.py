"""Whether the log is sound: fresh, whole, in time, each event once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from playbook import audit, findings
from playbook.audit.soundness import DEFECTS, OURS, _what_is_unsound
from playbook.results import listings
from playbook.run import Run
from tests import small
from tests.pictures import result

MONDAY = date(2026, 1, 5)
OUTAGE = MONDAY + timedelta(days=72)  # a Wednesday


def daily(counts, *, event="seen", delay="00:00", first=MONDAY):
    """A log with so many events on each day from a Monday on."""
    days = [first + timedelta(days=k) for k in range(len(counts))]
    rows = [
        f"{event} | {day} 12:00 | {day} 12:{'00' if delay == '00:00' else delay}"
        for day, n in zip(days, counts, strict=True)
        for _k in range(n)
    ]
    return "event | at | received_at\n" + "\n".join(rows)


def volume(counts, **said):
    last = MONDAY + timedelta(days=len(counts) - 1)
    period = (f"{MONDAY}", f"{last}", f"{last} 12:00")
    return small.run(events=daily(counts, **said), period=period)


def odd(run: Run):
    return [(r["day"], r["n"], r["expected"]) for r in audit.volume(run).rows if r["anomaly"]]


def weekly(weeks, weekday=60, weekend=60):
    """Counts of so many weeks, which scatter by a few from day to day."""
    base = [weekday] * 5 + [weekend] * 2
    return [n + (7 * k) % 11 - 5 for k, n in enumerate(base * weeks)]


def test_a_day_on_which_most_is_lost_is_out_of_the_ordinary():
    counts = weekly(16)
    counts[72] = 15
    run = volume(counts)
    ((day, n, expected),) = odd(run)
    assert (day, n) == (f"{OUTAGE}", 15)
    assert 55 <= expected <= 65
    (row,) = [r for r in audit.violations(run).rows if r["check"] == "volume"]
    assert (row["subject"], row["since"], row["rows"]) == ("seen", f"{OUTAGE}", 15)


def test_a_day_without_any_is_out_of_the_ordinary_too():
    counts = weekly(16)
    counts[72] = 0
    assert [(day, n) for day, n, _e in odd(volume(counts))] == [(f"{OUTAGE}", 0)]


def test_a_day_on_which_everything_fires_three_times_is_out_of_the_ordinary():
    counts = weekly(16)
    counts[72] *= 3
    assert [day for day, _n, _e in odd(volume(counts))] == [f"{OUTAGE}"]


def test_quiet_weekends_are_as_expected():
    run = volume(weekly(16, weekday=60, weekend=6))
    assert odd(run) == []
    expected = {r["day"]: r["expected"] for r in audit.volume(run).rows}
    saturday = f"{MONDAY + timedelta(days=75)}"
    assert expected[saturday] == pytest.approx(6, abs=5)


def test_an_outage_at_the_weekend_is_compared_with_weekends():
    counts = weekly(16, weekday=200, weekend=60)
    counts[75] = 5  # a Saturday
    assert [(day, n) for day, n, _e in odd(volume(counts))] == [("2026-03-21", 5)]


def test_growth_is_no_anomaly():
    assert odd(volume([20 + k for k in range(112)])) == []


def test_small_counts_have_no_anomalies():
    counts = [4, 0, 9, 2, 12, 1, 0] * 16
    counts[72] = 30
    assert odd(volume(counts)) == []


def test_the_first_four_weeks_expect_nothing():
    run = volume(weekly(16))
    rows = [r for r in audit.volume(run).rows if r["expected"] is None]
    assert rows[0]["day"] == "2026-01-06"  # the first day may have begun late
    assert len(rows) == 28
    assert {(r["low"], r["high"], r["anomaly"]) for r in rows} == {(None, None, False)}


def test_days_that_are_not_complete_are_left_out():
    counts = weekly(16)
    counts[0] = counts[-1] = 2
    days = [r["day"] for r in audit.volume(volume(counts)).rows]
    assert days[0] > f"{MONDAY}"
    assert days[-1] < f"{MONDAY + timedelta(days=len(counts) - 1)}"


def test_an_event_that_ended_for_good_has_no_anomaly_after_its_end():
    quiet = daily(weekly(8), event="old").splitlines()[1:]
    drawn = daily(weekly(16)) + "\n" + "\n".join(quiet)
    last = MONDAY + timedelta(days=111)
    run = small.run(events=drawn, period=(f"{MONDAY}", f"{last}", f"{last}"))
    assert [r for r in audit.volume(run).rows if r["anomaly"]] == []


def test_copies_make_no_day_stand_out():
    rows = daily(weekly(16)).splitlines()
    numbered = ["event_id | " + rows[0], *(f"{k} | {row}" for k, row in enumerate(rows[1:]))]
    again = [row for row in numbered if f"{OUTAGE} 12:00" in row] * 3
    last = MONDAY + timedelta(days=111)
    drawn = "\n".join([*numbered, *again])
    assert odd(small.run(events=drawn, period=(f"{MONDAY}", f"{last}", f"{last}"))) == []


def test_events_without_a_name_or_a_time_have_no_volume():
    drawn = "event | at\n | 2026-01-05\nseen | \n"
    assert audit.volume(small.run(events=drawn)).rows == []


SOURCES = """
    event | at               | received_at      | source
    seen  | 2026-01-01 09:00 | 2026-01-01 09:00 | web
    seen  | 2026-01-02 09:00 | 2026-01-02 09:00 | web
    seen  | 2026-01-03 09:00 | 2026-01-03 09:00 | web
    seen  | 2026-01-31 09:00 | 2026-01-31 09:00 | server
    seen  | 2026-01-30 08:00 | 2026-01-30 08:00 | server
    seen  | 2026-01-31 08:00 | 2026-01-31 08:00 |
"""


def test_a_source_that_fell_silent_while_others_go_on_is_stalled():
    found = audit.freshness(small.run(events=SOURCES)).rows
    assert [(r["source"], r["rows"], r["hours_behind"], r["status"]) for r in found] == [
        ("(no name)", 1, 1.0, "fresh"),
        ("server", 2, 0.0, "fresh"),
        ("web", 3, 672.0, "stalled"),
    ]
    assert found[2]["last"] == "2026-01-03 09:00"
    assert found[2]["longest_silence"] == 1.0


def test_a_stalled_source_is_a_violation():
    found = [
        r for r in audit.violations(small.run(events=SOURCES)).rows if r["check"] == "freshness"
    ]
    assert [(r["subject"], r["rows"]) for r in found] == [("web", 3)]


def test_lateness_is_the_share_that_has_not_arrived_after_some_hours():
    drawn = """
        event | at               | received_at         | source
        seen  | 2026-01-05 09:00 | 2026-01-05 10:00:00 | web
        seen  | 2026-01-05 09:00 | 2026-01-05 10:00:01 | web
        seen  | 2026-01-05 09:00 | 2026-01-05 12:00:00 | web
        seen  | 2026-01-05 09:00 | 2026-01-05 09:00:00 | web
        seen  | 2026-01-05 09:00 |                     | web
        seen  | 2026-01-05 09:00 |                     | server
        seen  | 2026-01-05 09:00 | 2026-01-05 08:00:00 |
    """
    found = audit.lateness(small.run(events=drawn))
    assert found.falling == "not arrived yet"
    assert [(r["source"], r["hours"], r["share"], r["n"]) for r in found.rows] == [
        ("(unknown)", 1.0, 0.0, 1),
        ("web", 1.0, 0.5, 4),
        ("web", 2.0, 0.25, 4),
        ("web", 3.0, 0.0, 4),
    ]


def test_duplicates_are_told_apart_by_kind():
    drawn = """
        event_id | event | at               | received_at      | app_version
        1        | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 1
        1        | seen  | 2026-01-05 09:00 | 2026-01-05 10:00 | 1
        2        | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 1
        2        | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 2
        3        | rang  | 2026-01-05 09:00 | 2026-01-05 09:00 | 1
                 | rang  | 2026-01-05 09:00 | 2026-01-05 09:00 | 1
                 | rang  | 2026-01-05 09:00 | 2026-01-05 09:00 | 1
    """
    found = audit.duplicates(small.run(events=drawn)).rows
    assert [tuple(r.values()) for r in found] == [
        ("same id", "seen", 2, 7, pytest.approx(2 / 7)),
        ("same id, another payload", "seen", 1, 7, pytest.approx(1 / 7)),
        ("fired twice", "", None, 7, None),  # no visit is named
    ]


def unsound(**rows):
    """The soundness of a log of a thousand rows, by what is wrong with so many of them."""
    found = [
        {"what": what, "rows": n, "of": 1000, "share": n / 1000, "we": ""}
        for what, n in rows.items()
    ]
    return findings.of(result("table", found, says=_what_is_unsound)).text


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("copies of an event", "are copies of an event"),
        ("no time", "have no time"),
        ("arrived more than 1 hour late", "arrived more than 1 hour late"),
        ("after their own arrival", "happened after their own arrival"),
        ("before the year 2000", "happened before the year 2000"),
        ("no user", "name no user"),
        ("a user and no account", "name a user and no account"),
        ("sent by bots", "were sent by bots"),
    ],
)
def test_each_defect_of_rows_reads_as_a_sentence(what, said):
    assert unsound(**{what: 20}) == f"Of 1,000 rows that arrived, 2.0 % {said}."


def test_soundness_says_what_touches_most_rows_first_and_people_apart():
    rows = {"copies of an event": 20, "a user and no account": 14, "no time": 0, OURS: 4}
    assert unsound(**rows) == (
        "Of 1,000 rows that arrived, 2.0 % are copies of an event, 1.4 % name a user and no "
        "account. Of 1,000 people, 0.4 % are our own."
    )
    assert unsound(**{"no time": 0}) == "None of these defects touches any of 1,000 rows."
    assert unsound(**{"no time": 0, OURS: 4}) == (
        "None of these defects touches any of 1,000 rows. Of 1,000 people, 0.4 % are our own."
    )


def test_every_kind_of_defect_has_its_words():
    users = "user_id | is_internal\nann | true"
    run = small.run(events="user_id | event | at\nann | seen | 2026-01-05", users=users)
    assert [row["what"] for row in audit.soundness(run).rows] == list(DEFECTS)
    assert findings.of(audit.soundness(run)).text == (
        "No defect that a column tells touches any of 1 row. Of 1 person, 100.0 % are our own. "
        "Not known: how many arrived more than 1 hour late, happened after their own arrival, "
        "name a user and no account, were sent by bots, because no column tells."
    )
    drawn = """
        user_id | account_id | is_bot | event | at         | received_at
        ann     |            |        | seen  | 2026-01-05 | 2026-01-05
    """
    run = small.run(events=drawn, users=users)
    assert findings.of(audit.soundness(run)).text == (
        "Of 1 row that arrived, 100.0 % name a user and no account. Of 1 person, 100.0 % are our "
        "own."
    )


def test_what_touches_one_row_in_many_is_not_said_to_touch_none():
    row = {"what": "no time", "rows": 1, "of": 600_000, "share": 1 / 600_000, "we": ""}
    assert findings.of(result("table", [row], says=_what_is_unsound)).text == (
        "Of 600,000 rows that arrived, less than 0.01 % have no time."
    )


def test_hours_and_days_of_sources_read_as_numbers():
    shown = listings.table(audit.freshness(small.run(events=SOURCES)))
    assert [(row[0], row[1], row[4], row[5]) for row in shown.rows] == [
        ("(no name)", "1", "1.0", "0.0"),
        ("server", "2", "0.0", "1.0"),
        ("web", "3", "672.0", "1.0"),
    ]


def test_a_log_of_which_nothing_had_arrived_yet_is_silent():
    run = small.run(events="event | at | user_id | session_id | anonymous_id")
    assert audit.freshness(run).rows == audit.volume(run).rows == audit.lateness(run).rows == []
    assert {r["rows"] for r in audit.duplicates(run).rows} == {0, None}
    assert {r["share"] for r in audit.soundness(run).rows} == {None}
    assert audit.violations(run).rows == []


def test_copies_of_an_event_without_a_name_are_copies_like_others():
    drawn = """
        event_id | event     | at
        1        | signed_up | 2026-01-05 09:00
        1        | signed_up | 2026-01-05 09:00
        2        |           | 2026-01-05 09:00
        2        |           | 2026-01-05 09:00
    """
    run = small.run(events=drawn)
    same_id = audit.duplicates(run).rows[0]
    assert (same_id["kind"], same_id["event"], same_id["rows"]) == ("same id", "signed_up", 2)
    (copies,) = [r for r in audit.violations(run).rows if r["check"] == "duplicates"]
    assert (copies["rows"], copies["of"]) == (2, 4)


@pytest.mark.parametrize("length", [2, 3])
def test_days_without_any_do_not_hide_each_other(length):
    lost = range(40, 40 + length)
    counts = [0 if k in lost else 1000 + (7 * k) % 11 - 5 for k in range(60)]
    found = [(day, n) for day, n, _e in odd(volume(counts))]
    assert found == [(f"{MONDAY + timedelta(days=k)}", 0) for k in lost]
