from datetime import timedelta

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.counting import attempts
from playbook.language.periods import Period
from tests import brute_force, oracle
from tests.spec import at, rows, table

DAY = timedelta(hours=24)
JANUARY = Period(since=at("2026-01-01"), until=at("2026-02-01"), as_of=at("2026-03-01"))


def journey(text):
    return table(text).mutate(held=ibis.literal(""))


def outcomes(found, connection=None):
    return {row["unit"]: (row["depth"], row["outcome"]) for row in rows(found, connection)}


def test_a_window_includes_its_end(engine):
    events = journey("""
        unit | event     | at
        ann  | signed_up | 2026-01-05 09:00
        ann  | saved     | 2026-01-06 09:00
        bob  | signed_up | 2026-01-05 09:00
        bob  | saved     | 2026-01-06 09:00:00.000001
    """)
    found = attempts.attempts(events, ["signed_up", "saved"], within=DAY, period=JANUARY)
    assert outcomes(found, engine) == {"ann": (2, "converted"), "bob": (1, "dropped")}


def test_a_later_entry_may_convert_and_the_earlier_one_does_not_hide_it(engine):
    events = journey("""
        unit | event | at
        ann  | a     | 2026-01-05 00:00
        ann  | a     | 2026-01-05 20:00
        ann  | b     | 2026-01-06 06:00
    """)
    found = attempts.timelines(events, ["a", "b"], within=DAY, period=JANUARY)
    assert rows(found, engine) == [
        {
            "unit": "ann",
            "held": "",
            "started_at": at("2026-01-05 00:00"),
            "entry_at": at("2026-01-05 20:00"),
            "depth": 2,
            "outcome": "converted",
            "step_1_at": at("2026-01-05 20:00"),
            "step_2_at": at("2026-01-06 06:00"),
        }
    ]


def test_ties_count_in_step_order_whatever_the_order_of_the_rows(engine):
    events = journey("""
        unit | event | at
        ann  | b     | 2026-01-05 09:00
        ann  | a     | 2026-01-05 09:00
        bob  | b     | 2026-01-05 08:59:59
        bob  | a     | 2026-01-05 09:00
    """)
    found = attempts.attempts(events, ["a", "b"], within=DAY, period=JANUARY)
    assert outcomes(found, engine) == {"ann": (2, "converted"), "bob": (1, "dropped")}


def test_each_step_takes_an_event_of_its_own_even_within_a_tie(engine):
    events = journey("""
        unit | event | at
        ann  | a     | 2026-01-05 09:00
        bob  | a     | 2026-01-05 09:00
        bob  | a     | 2026-01-05 09:00
        cat  | a     | 2026-01-05 09:00
        cat  | b     | 2026-01-05 09:00
        dee  | a     | 2026-01-05 08:00
        dee  | b     | 2026-01-05 09:00
        dee  | a     | 2026-01-05 09:00
    """)
    twice = attempts.attempts(events, ["a", "a"], within=DAY, period=JANUARY)
    assert outcomes(twice, engine) == {
        "ann": (1, "dropped"),
        "bob": (2, "converted"),
        "cat": (1, "dropped"),
        "dee": (2, "converted"),
    }
    around = attempts.attempts(events, ["a", "b", "a"], within=DAY, period=JANUARY)
    assert outcomes(around, engine)["cat"] == (2, "dropped")
    assert outcomes(around, engine)["dee"] == (3, "converted")


def test_the_period_selects_entries_and_completion_may_come_later(engine):
    events = journey("""
        unit | event | at
        ann  | a     | 2026-01-31 23:00
        ann  | b     | 2026-02-01 22:00
        bob  | a     | 2025-12-31 23:00
        bob  | b     | 2026-01-01 01:00
        cat  | a     | 2026-02-01 00:00
        cat  | b     | 2026-02-01 01:00
    """)
    found = attempts.attempts(events, ["a", "b"], within=DAY, period=JANUARY)
    assert outcomes(found, engine) == {"ann": (2, "converted")}


def test_an_open_window_is_neither_converted_nor_dropped_even_if_the_goal_was_reached(engine):
    period = Period(since=at("2026-01-01"), until=at("2026-02-01"), as_of=at("2026-01-08 09:00"))
    events = journey("""
        unit | event | at
        ann  | a     | 2026-01-07 09:00
        bob  | a     | 2026-01-07 09:01
        cat  | a     | 2026-01-08 08:00
        cat  | b     | 2026-01-08 08:30
        dee  | a     | 2026-01-02 09:00
        dee  | a     | 2026-01-08 08:00
        dee  | b     | 2026-01-08 08:30
    """)
    found = attempts.attempts(events, ["a", "b"], within=DAY, period=period)
    assert outcomes(found, engine) == {
        "ann": (1, "dropped"),
        "bob": (0, "open"),
        "cat": (0, "open"),
        "dee": (1, "dropped"),
    }


def test_a_held_value_makes_an_attempt_of_its_own(engine):
    events = table("""
        unit | held | event   | at
        ann  | d1   | started | 2026-01-05 09:00
        ann  | d2   | started | 2026-01-05 09:10
        ann  | d2   | saved   | 2026-01-05 09:20
    """)
    found = attempts.attempts(events, ["started", "saved"], within=DAY, period=JANUARY)
    assert [(row["held"], row["outcome"]) for row in rows(found, engine)] == [
        ("d1", "dropped"),
        ("d2", "converted"),
    ]


def test_success_may_be_an_earlier_step_than_the_last():
    events = journey("""
        unit | event | at
        ann  | a     | 2026-01-05 09:00
        ann  | b     | 2026-01-05 10:00
    """)
    found = attempts.attempts(events, ["a", "b", "b"], within=DAY, period=JANUARY, success=2)
    assert outcomes(found) == {"ann": (2, "converted")}


def test_the_steps_of_a_timeline_belong_to_one_attempt():
    events = journey("""
        unit | event | at
        ann  | a     | 2026-01-05 00:00
        ann  | b     | 2026-01-05 01:00
        ann  | a     | 2026-01-05 23:00
        ann  | b     | 2026-01-06 00:30
        ann  | c     | 2026-01-06 22:00
    """)
    found = attempts.timelines(events, ["a", "b", "c"], within=DAY, period=JANUARY)
    (row,) = rows(found)
    assert [row[f"step_{k}_at"] for k in (1, 2, 3)] == [
        at("2026-01-05 23:00"),
        at("2026-01-06 00:30"),
        at("2026-01-06 22:00"),
    ]


def test_numbers_stand_for_units_and_held_values_and_change_no_attempt(engine):
    events = table("""
        unit | held | event | at
        ann  | d1   | a     | 2026-01-05 00:00
        ann  | d2   | a     | 2026-01-05 01:00
        ann  | d2   | b     | 2026-01-05 02:00
        bob  | d1   | a     | 2026-01-05 03:00
        bob  | d1   | b     | 2026-01-06 04:00
    """)
    numbers = attempts.numbers(events)
    assert rows(numbers, engine) == [
        {"unit": "ann", "held": "d1", "number": 0},
        {"unit": "ann", "held": "d2", "number": 1},
        {"unit": "bob", "held": "d1", "number": 2},
    ]
    found = attempts.attempts(
        attempts.numbered(events, numbers), ["a", "b"], within=DAY, period=JANUARY
    )
    assert outcomes(found, engine) == {0: (1, "dropped"), 1: (2, "converted"), 2: (1, "dropped")}


def test_first_times_tell_what_came_before_the_start_from_what_followed(engine):
    events = journey("""
        unit | event | at
        ann  | go    | 2026-01-05 09:00
        ann  | goal  | 2026-01-05 09:00
        bob  | goal  | 2026-01-04 09:00
        bob  | go    | 2026-01-05 09:00
        bob  | goal  | 2026-01-07 09:00
        cat  | go    | 2026-01-05 09:00
        cat  | go    | 2026-01-06 09:00
        dee  | goal  | 2026-01-05 09:00
    """)
    found = attempts.first_times(events, "go", ["goal"], period=JANUARY)
    told = [
        (r["unit"], r["started_at"], r["goal_0_at"], r["goal_0_before"])
        for r in rows(found, engine)
    ]
    assert told == [
        ("ann", at("2026-01-05 09:00"), at("2026-01-05 09:00"), False),
        ("bob", at("2026-01-05 09:00"), at("2026-01-07 09:00"), True),
        ("cat", at("2026-01-05 09:00"), None, False),
    ]


def test_the_engine_equals_clickhouse_on_every_journey_of_the_oracle(shared):
    journeys = oracle.read(shared / "oracle" / "funnel_journeys.jsonl")
    found = oracle.depths(journeys)
    assert len(journeys) == 4800
    assert [j["id"] for j in journeys if found[j["id"]] != j["deepest"]] == []


def test_the_oracle_command_fails_on_a_mismatch(tmp_path, capsys):
    line = '{"id": "x", "steps": ["a"], "window_s": 5, "events": [["a", 1]], "deepest": 2}'
    (tmp_path / "j.jsonl").write_text(line)
    assert oracle.main(str(tmp_path / "j.jsonl")) == 1
    assert capsys.readouterr().out == "x: 1 instead of 2\n1 journeys, 1 mismatches\n"


EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=8)
JOURNEYS = st.lists(EVENTS, min_size=1, max_size=25)
STEPS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@settings(max_examples=60)
@given(JOURNEYS, STEPS, st.integers(0, 9))
def test_the_engine_equals_a_brute_force_reference(journeys, steps, window):
    told = [
        {"id": str(i), "steps": steps, "window_s": window, "events": events}
        for i, events in enumerate(journeys)
    ]
    expected = {t["id"]: brute_force.depth(t["events"], steps, window) for t in told}
    assert oracle.depths(told) == expected
