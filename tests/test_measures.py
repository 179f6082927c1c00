from datetime import timedelta

import ibis
import pytest

from playbook.counting import attempts, curves, measures
from playbook.language.periods import Period
from tests.spec import at, rows, table

DAY = timedelta(hours=24)
JANUARY = Period(since=at("2026-01-01"), until=at("2026-02-01"), as_of=at("2026-01-31"))

EVENTS = """
    unit | event     | at
    ann  | signed_up | 2026-01-05 09:00
    ann  | invited   | 2026-01-05 09:30
    ann  | saved     | 2026-01-05 10:00
    ann  | saved     | 2026-01-06 09:00
    bob  | signed_up | 2026-01-05 10:00
    bob  | saved     | 2026-01-06 10:01
    cat  | signed_up | 2026-01-06 10:00
    cat  | invited   | 2026-01-06 11:00
    dee  | saved     | 2026-01-06 00:00
    dee  | signed_up | 2026-01-07 10:00
    eve  | signed_up | 2026-01-30 23:00
    eve  | saved     | 2026-01-30 23:30
"""
PERSONAS = """
    unit | persona
    ann  | engineer
    bob  | marketer
    cat  | marketer
    dee  |
    eve  | engineer
"""


@pytest.fixture
def events():
    return table(EVENTS).mutate(held=ibis.literal(""))


def segmented(starts):
    return measures.segmented(starts, table(PERSONAS), ["persona"])


def first_times(events, *goals):
    return attempts.first_times(events, "signed_up", goals, period=JANUARY)


def test_reached_within_counts_firsts_and_seconds_and_leaves_open_windows_out(engine, events):
    found = attempts.attempts(
        events, ["signed_up", "saved", "saved"], within=DAY, period=JANUARY, success=2
    )
    result = measures.reached_within(segmented(found), by=["persona"])
    assert rows(result, engine) == [
        {"persona": None, "n": 1, "reached": 0, "repeated": 0, "open": 0},
        {"persona": "engineer", "n": 1, "reached": 1, "repeated": 1, "open": 1},
        {"persona": "marketer", "n": 2, "reached": 0, "repeated": 0, "open": 0},
    ]


def test_missed_within_is_the_rest(engine, events):
    found = attempts.attempts(
        events, ["signed_up", "saved", "saved"], within=DAY, period=JANUARY, success=2
    )
    assert rows(measures.missed_within(found), engine) == [
        {"n": 4, "reached": 3, "repeated": None, "open": 1}
    ]


def test_did_before_counts_those_who_did_the_first_before_or_without_the_other(engine, events):
    found = first_times(events, "invited", "saved")
    result = measures.did_before(found, within=DAY, period=JANUARY)
    assert rows(result, engine) == [{"n": 4, "reached": 2, "repeated": 1, "open": 1}]


def test_did_before_counts_equal_times_as_in_order(engine):
    events = table("""
        unit | event     | at
        ann  | signed_up | 2026-01-05 09:00
        ann  | invited   | 2026-01-05 10:00
        ann  | saved     | 2026-01-05 10:00
        bob  | signed_up | 2026-01-05 09:00
        bob  | saved     | 2026-01-05 10:00
        bob  | invited   | 2026-01-05 11:00
    """)
    found = first_times(events, "invited", "saved")
    result = measures.did_before(found, within=DAY, period=JANUARY)
    assert rows(result, engine) == [{"n": 2, "reached": 1, "repeated": 1, "open": 0}]


def test_a_mix_puts_each_unit_into_one_class(engine, events):
    found = first_times(events, "invited", "saved")
    result = measures.mix(found, ["invited", "saved"], within=DAY, period=JANUARY)
    assert rows(result, engine) == [
        {"position": 0, "n": 2},
        {"position": 1, "n": 1},
        {"position": 3, "n": 1},
        {"position": 4, "n": 1},  # still open
    ]


def test_time_to_has_a_bucket_for_everybody(engine, events):
    edges = [timedelta(hours=1), DAY]
    result = measures.time_to(
        first_times(events, "saved"), edges, horizon=timedelta(days=3), period=JANUARY
    )
    # 0: within an hour (ann, at its very end), 2: later (bob), 3: never (cat), 4: before the
    # start (dee), 5: still open (eve, although she has saved).
    assert rows(result, engine) == [{"position": p, "n": 1} for p in (0, 2, 3, 4, 5)]


def test_time_to_without_a_horizon_is_open_up_to_its_last_edge(engine, events):
    result = measures.time_to(
        first_times(events, "saved"), [DAY], horizon=None, period=JANUARY, by=[]
    )
    assert rows(result, engine) == [
        {"position": 0, "n": 1},
        {"position": 1, "n": 1},
        {"position": 2, "n": 1},
        {"position": 3, "n": 1},
        {"position": 4, "n": 1},
    ]


def test_durations_censor_at_the_horizon_and_at_the_watermark(engine, events):
    result = curves.durations(
        first_times(events, "saved"), horizon=timedelta(hours=48), period=JANUARY
    )
    assert rows(result, engine) == [
        {"hours": 1, "reached": True, "n": 2},
        {"hours": 25, "reached": True, "n": 1},
        {"hours": 48, "reached": False, "n": 1},
    ]


def test_steps_count_closed_windows(engine, events):
    found = attempts.attempts(events, ["signed_up", "invited", "saved"], within=DAY, period=JANUARY)
    assert rows(measures.steps(found, 3), engine) == [
        {"step_1": 4, "step_2": 2, "step_3": 1, "open": 1}
    ]


def test_a_breakdown_by_week_follows_the_start(engine, events):
    found = measures.segmented(first_times(events, "saved"), None, ["week"])
    counted = found.aggregate(by="week", n=found.count())
    assert [(str(row["week"])[:10], row["n"]) for row in rows(counted, engine)] == [
        ("2026-01-05", 4),
        ("2026-01-26", 1),
    ]


def test_did_before_is_not_met_by_who_had_done_the_other_before_the_start():
    events = table("""
        unit | event     | at
        ann  | saved     | 2026-01-04 09:00
        ann  | signed_up | 2026-01-05 09:00
        ann  | invited   | 2026-01-05 10:00
    """)
    found = first_times(events, "invited", "saved")
    result = measures.did_before(found, within=DAY, period=JANUARY)
    assert rows(result) == [{"n": 1, "reached": 0, "repeated": 0, "open": 0}]
