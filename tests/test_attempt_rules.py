"""What a question may choose of an attempt: drawn tables, and a brute-force reference."""

from __future__ import annotations

from datetime import timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.counting import attempts
from playbook.counting.attempts import Exclusion, Rules
from tests import brute_force
from tests.oracle import PERIOD, START
from tests.spec import rows

HOUR = 3600


def journey(units):
    """Rows of units from name → [(event, second)]."""
    events = [(unit, name, second) for unit, done in units.items() for name, second in done]
    return ibis.memtable(
        pa.table(
            {
                "unit": pa.array([unit for unit, *_ in events], pa.string()),
                "event": pa.array([name for _u, name, _s in events], pa.string()),
                "at": pa.array(
                    [START + timedelta(seconds=second) for *_, second in events], "timestamp[us]"
                ),
            }
        )
    )


def walked(units, steps, window, rules, connection=None):
    found = attempts.attempts(
        journey(units), steps, within=timedelta(seconds=window), period=PERIOD, rules=rules
    )
    return {(row["unit"], row.get("held", "")): row for row in rows(found, connection)}


def depths(units, steps, rules, window=24 * HOUR, connection=None):
    found = walked(units, steps, window, rules, connection)
    return {unit: row["depth"] for (unit, _held), row in found.items()}


def drawn(text):
    """ "a0 b1 c2" → events at these hours."""
    return [(word[0], round(float(word[1:]) * HOUR)) for word in text.split()]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(), 2),
        (Rules(entry="first"), 1),
        (Rules(entry="first_ever"), 1),
    ],
)
def test_a_later_start_counts_only_where_any_does(engine, rules, expected):
    units = {"ann": drawn("a0 a20 b30")}
    assert depths(units, "ab", rules, connection=engine) == {"ann": expected}


def test_whose_first_start_ever_lies_before_the_period_does_not_enter(engine):
    units = {"ann": drawn("a-30 a1 b2"), "bob": drawn("a1 b2")}
    assert depths(units, "ab", Rules(entry="first_ever"), connection=engine) == {"bob": 2}
    assert depths(units, "ab", Rules(entry="first"), connection=engine) == {"ann": 2, "bob": 2}


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ("step_order", {"ann": 2, "bob": 1, "cat": 1}),
        ("strict", {"ann": 1, "bob": 1, "cat": 1}),
        (timedelta(seconds=2), {"ann": 2, "bob": 2, "cat": 1}),
    ],
)
def test_ties_count_in_order_or_not_and_clocks_may_differ_by_a_grace(engine, ties, expected):
    units = {
        "ann": [("a", 10), ("b", 10)],
        "bob": [("a", 10), ("b", 8)],
        "cat": [("a", 10), ("b", 7)],
    }
    assert depths(units, "ab", Rules(ties=ties), connection=engine) == expected


def test_a_window_may_run_from_the_step_before(engine):
    units = {"ann": drawn("a0 b20 c40"), "bob": drawn("a0 b20 c45")}
    rules = Rules(from_previous=True)
    assert depths(units, "abc", rules, connection=engine) == {"ann": 3, "bob": 2}
    assert depths(units, "abc", Rules(), connection=engine) == {"ann": 2, "bob": 2}


def test_each_step_may_have_a_window_of_its_own(engine):
    units = {"ann": drawn("a0 b1 c50"), "bob": drawn("a0 b3 c50")}
    windows = (timedelta(hours=2), timedelta(hours=72))
    assert depths(units, "abc", Rules(windows=windows), connection=engine) == {"ann": 3, "bob": 1}


def test_an_attempt_is_open_until_its_longest_window_has_closed():
    units = {"ann": drawn("a0 b1")}
    late = attempts.attempts(
        journey(units),
        "abc",
        within=timedelta(hours=1),
        period=PERIOD.__class__(PERIOD.since, PERIOD.until, START + timedelta(hours=3)),
        rules=Rules(windows=(timedelta(hours=1), timedelta(hours=2.5)), from_previous=True),
    )
    assert [row["outcome"] for row in rows(late)] == ["open"]


def test_a_step_may_be_left_out_and_is_counted_where_it_is_done(engine):
    units = {
        "ann": drawn("a0 b1 c2"),
        "bob": drawn("a0 c2"),
        "cat": drawn("a0 b1"),
        "dee": drawn("a0 b30 c2"),
    }
    found = walked(units, "abc", 24 * HOUR, Rules(optional=frozenset({2})), engine)
    told = {unit: (row["depth"], row["did_2"]) for (unit, _h), row in found.items()}
    assert told == {"ann": (3, True), "bob": (3, False), "cat": (1, True), "dee": (3, False)}


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        # What comes between a and b ends an attempt; a clean one still counts.
        (Exclusion("x", 1, 2), {"ann": 1, "bob": 3, "cat": 3, "dee": 1, "eve": 3, "fay": 1}),
        (Exclusion("x", 2, 3), {"ann": 3, "bob": 2, "cat": 3, "dee": 1, "eve": 3, "fay": 1}),
        (Exclusion("x", 1, 2, leaves_out=True), {"bob": 3, "cat": 3, "eve": 3, "fay": 1}),
        (Exclusion("x", 2, 3, leaves_out=True), {"ann": 3, "cat": 3, "dee": 1, "eve": 3, "fay": 1}),
    ],
)
def test_what_must_not_come_between_ends_an_attempt_or_leaves_its_unit_out(
    engine, exclude, expected
):
    units = {
        "ann": drawn("a0 x1 b2 c3"),
        "bob": drawn("a0 b2 x2.5 c3"),
        "cat": drawn("a0 x1 b2 a3 b4 c5"),
        "dee": drawn("a0 x1"),
        "fay": drawn("a0 x1 a30"),
        "eve": drawn("a0 x0 b2 x2 c3 x3"),  # at the moment of a step it breaks nothing
    }
    rules = Rules(exclude=(exclude,))
    assert depths(units, "abc", rules, connection=engine) == expected


def test_in_strict_order_nothing_at_all_comes_between(engine):
    units = {"ann": drawn("a0 b1 c2"), "bob": drawn("a0 b1 y1.5 c2"), "cat": drawn("a0 b1 a1.5 c2")}
    rules = Rules(exclude=(Exclusion(None, 1, 3),))
    assert depths(units, "abc", rules, connection=engine) == {"ann": 3, "bob": 2, "cat": 2}


def test_steps_may_come_in_any_order_after_the_start(engine):
    units = {
        "ann": drawn("a0 c1 b2"),
        "bob": drawn("c0 a1 b2"),
        "cat": drawn("a0 b1 a20 c30 b40"),  # from the second start both are in time
    }
    found = walked(units, "abc", 24 * HOUR, Rules(any_order=True), engine)
    told = {unit: row["depth"] for (unit, _h), row in found.items()}
    assert told == {"ann": 3, "bob": 2, "cat": 3}
    assert found["cat", ""]["entry_at"] == START + timedelta(hours=20)
    assert found["cat", ""]["started_at"] == START


def test_all_attempts_may_be_counted_each_until_the_next_start(engine):
    units = {"ann": drawn("a0 a5 b6 a10 b11 b12")}
    found = walked(units, "ab", 24 * HOUR, Rules(attempts=True), engine)
    told = {held: (row["depth"], row["started_at"]) for (_unit, held), row in found.items()}
    assert told == {
        "1": (1, START),
        "2": (2, START + timedelta(hours=5)),
        "3": (2, START + timedelta(hours=10)),
    }


def test_one_event_serves_two_steps_only_where_it_may(engine):
    units = {"ann": drawn("a0"), "bob": drawn("a0 a1")}
    assert depths(units, "aa", Rules(), connection=engine) == {"ann": 1, "bob": 2}
    assert depths(units, "aa", Rules(reuse=True), connection=engine) == {"ann": 2, "bob": 2}


def test_the_times_of_steps_that_were_left_out_or_came_in_any_order():
    units = {"ann": drawn("a0 c1 b2"), "bob": drawn("a0 c2")}
    for rules, expected in (
        (Rules(any_order=True), {"ann": (2, 1), "bob": (None, 2)}),
        (Rules(optional=frozenset({2})), {"ann": (2, 1), "bob": (None, 2)}),
    ):
        found = attempts.timelines(
            journey(units), "abc", within=timedelta(days=1), period=PERIOD, rules=rules
        )
        told = {
            row["unit"]: tuple(
                row[f"step_{k}_at"] and (row[f"step_{k}_at"] - START) / timedelta(hours=1)
                for k in (2, 3)
            )
            for row in rows(found)
        }
        assert told == expected


NAMES = "abcx"
EVENTS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 8)), max_size=8)
UNITS = st.lists(EVENTS, min_size=1, max_size=30)
SECONDS = st.integers(0, 6).map(lambda n: timedelta(seconds=n))
ENTRY = st.sampled_from(["any", "first", "first_ever"])


SPANS = st.sampled_from([(1, 2), (1, 3), (2, 3)])


def exclusions(events, leaves_out):
    made = st.builds(
        lambda e, span: Exclusion(e, *span, leaves_out), st.sampled_from(events), SPANS
    )
    return st.lists(made, max_size=2).map(tuple)


CHAINED = st.builds(
    Rules,
    entry=ENTRY,
    ties=st.one_of(st.sampled_from(["step_order", "strict"])),
    from_previous=st.booleans(),
    windows=st.one_of(st.just(()), st.tuples(SECONDS, SECONDS)),
    exclude=st.one_of(exclusions(["x", None], False), exclusions(["x"], True)),
)
LENIENT = st.builds(
    Rules,
    entry=ENTRY,
    ties=st.integers(0, 3).map(lambda n: timedelta(seconds=n)),
    from_previous=st.booleans(),
    exclude=exclusions(["x", None], False),
)
LEFT_OUT = st.builds(
    Rules,
    entry=ENTRY,
    ties=st.sampled_from(["step_order", "strict"]),
    windows=st.one_of(st.just(()), st.tuples(SECONDS, SECONDS)),
    optional=st.just(frozenset({2})),
)
ANY_ORDER = st.builds(Rules, entry=ENTRY, any_order=st.just(True))


@settings(max_examples=120)
@given(UNITS, st.integers(0, 8), st.one_of(CHAINED, LENIENT, LEFT_OUT, ANY_ORDER))
def test_every_choice_equals_a_brute_force_reference(journeys, window, rules):
    units = {str(i): events for i, events in enumerate(journeys)}
    expected = {}
    for unit, events in units.items():
        best = brute_force.best(events, "abc", window, rules)
        if best.depth and not best.left_out:
            entry = START + timedelta(seconds=best.started)
            first = START + timedelta(seconds=min(s for name, s in events if name == "a"))
            expected[unit] = (best.depth, first, entry, best.optional.get(2))
    found = walked(units, "abc", window, rules)
    told = {
        unit: (row["depth"], row["started_at"], row["entry_at"], row.get("did_2"))
        for (unit, _h), row in found.items()
    }
    assert told == expected


@settings(max_examples=40)
@given(
    UNITS,
    st.sampled_from(["aab", "abb", "aaa", "aba", "abab"]),
    st.integers(0, 8),
    st.builds(Rules, entry=ENTRY, ties=st.sampled_from(["step_order", "strict"])),
)
def test_steps_that_stand_twice_equal_it_too(journeys, steps, window, rules):
    units = {str(i): events for i, events in enumerate(journeys)}
    expected = {u: brute_force.best(e, steps, window, rules).depth for u, e in units.items()}
    found = depths(units, steps, rules, window)
    assert {unit: found.get(unit, 0) for unit in units} == expected


@settings(max_examples=40)
@given(UNITS, st.integers(0, 8))
def test_all_attempts_equal_it_too(journeys, window):
    units = {str(i): events for i, events in enumerate(journeys)}
    expected = sorted(
        (unit, brute_force.best(own, "abc", window).depth)
        for unit, events in units.items()
        for own in brute_force.tries(events, "a")
    )
    found = walked(units, "abc", window, Rules(attempts=True))
    assert sorted((unit, row["depth"]) for (unit, _h), row in found.items()) == expected
