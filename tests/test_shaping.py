"""Counts become rows of a shape: shares, classes, losses, weeks, states, curves, order."""

from datetime import date, timedelta

import pytest

from playbook.counting import active, curves, shaping
from playbook.counting.shaping import WEEK
from playbook.language.periods import Period
from tests.spec import at

HOUR = timedelta(hours=1)


def picked(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_a_share_has_a_wilson_interval_and_none_without_units():
    found = shaping.shares([{"n": 30, "reached": 4}, {"n": 0, "reached": 0}])
    assert found[0] == {
        "n": 30,
        "reached": 4,
        "share": pytest.approx(0.13333, abs=5e-6),
        "low": pytest.approx(0.05310, abs=5e-6),
        "high": pytest.approx(0.29681, abs=5e-6),
    }
    assert found[1] == {"n": 0, "reached": 0, "share": None, "low": 0.0, "high": 1.0}


def test_classes_are_shares_of_the_closed_ones_of_their_segment():
    rows = [
        {"persona": "a", "position": 1, "n": 1},
        {"persona": "a", "position": 0, "n": 3},
        {"persona": "a", "position": 2, "n": 9},
        {"persona": "b", "position": 2, "n": 5},
    ]
    found = shaping.classes(rows, ["persona"], last=2)
    assert picked(found, "persona", "position", "n", "total", "share") == [
        ("a", 0, 3, 4, 0.75),
        ("a", 1, 1, 4, 0.25),
        ("a", 2, 9, 4, None),
        ("b", 2, 5, 0, None),
    ]


@pytest.mark.parametrize(
    ("horizon", "names"),
    [
        (24 * HOUR, ["after 6 hours, within 24 hours", "never within 24 hours"]),
        (None, ["after 6 hours", "not so far"]),
    ],
)
def test_buckets_are_named_after_their_edges(horizon, names):
    assert shaping.bucket_names([HOUR, 6 * HOUR], horizon) == [
        "within 1 hour",
        "1 hour to 6 hours",
        *names,
        "before the start",
        "still open",
    ]


def test_losses_compare_each_step_with_the_first_and_with_the_one_before():
    found = shaping.losses([{"step_1": 8, "step_2": 4, "step_3": 1, "open": 2}], "abc", [])
    assert picked(found, "step", "position", "n", "lost", "of_first", "of_previous", "open") == [
        ("a", 0, 8, 0, 1.0, 1.0, 2),
        ("b", 1, 4, 4, 0.5, 0.5, 2),
        ("c", 2, 1, 3, 0.125, 0.25, 2),
    ]


def test_losses_of_nobody_are_unknown_and_not_a_division_by_zero():
    found = shaping.losses([{"step_1": 0, "step_2": 0, "open": 0}], "ab", [])
    assert picked(found, "of_first", "of_previous", "low", "high") == [(None, None, 0.0, 1.0)] * 2


@pytest.mark.parametrize(
    ("as_of", "still", "complete"),
    [
        ("2026-01-12", 0, True),
        ("2026-01-11 23:59", 0, True),  # nothing more is to be expected of the last minute
        ("2026-01-11 23:58:59", 0, False),
        ("2026-01-12", 1, False),
    ],
)
def test_a_week_is_complete_when_it_is_over_and_no_window_is_open(as_of, still, complete):
    row = {"week": date(2026, 1, 5), "n": 4, "reached": 1, "open": still}
    (found,) = shaping.weeks(shaping.shares([row]), until(as_of))
    assert (found["period"], found["value"], found["complete"]) == ("2026-01-05", 0.25, complete)


def until(as_of, since="2026-01-05"):
    return Period(at(since), at("2026-03-01"), at(as_of))


def week(monday, **changes):
    """What comes and goes at the end of a week, as it is fetched."""
    position = (at(monday) - active.BEGINNING) // WEEK + 1
    return {"position": position, "new": 0, "revived": 0, "lost": 0} | changes


def test_states_have_no_gap_and_end_with_the_last_week_that_is_over():
    rows = [
        week("2026-01-05", new=2),
        week("2026-01-12", lost=1),
        week("2026-01-19", lost=1),
        week("2026-01-26", revived=1),
        week("2026-02-02", revived=1, lost=1),
    ]
    found = active.states(rows, WEEK, until("2026-02-05"))
    told = {}
    for row in found:
        told.setdefault(row["period"], []).append(row["value"])
    # active, new, kept, revived, lost
    assert told == {
        "2026-01-05": [2, 2, 0, 0, 0],
        "2026-01-12": [1, 0, 1, 0, 1],
        "2026-01-19": [0, 0, 0, 0, 1],
        "2026-01-26": [1, 0, 0, 1, 0],
    }
    assert active.states([], WEEK, until("2026-02-05")) == []


def test_states_go_on_where_nothing_changes_and_count_what_began_before_the_period():
    rows = [week("2025-12-22", new=5), week("2026-01-19", new=1, lost=2)]
    found = active.states(rows, WEEK, until("2026-01-26", since="2026-01-12"))
    assert [row["value"] for row in found if row["series"] == "active"] == [5, 4]
    assert [row["n"] for row in found if row["series"] == "kept"] == [5, 4]


@pytest.mark.parametrize(
    ("period", "weeks"),
    [
        (("2026-01-05", "2026-01-19", "2026-01-31"), 2),  # the period ends
        (("2026-01-05", "2026-01-18", "2026-01-31"), 1),
        (("2026-01-05", "2026-01-18 23:59:43", "2026-01-18 23:59:42"), 2),  # the data end
        (("2026-01-05", "2026-01-18 23:58:43", "2026-01-18 23:58:42"), 1),
        (("2026-01-12", "2026-01-19", "2026-01-31"), 1),
    ],
)
def test_a_week_is_shown_if_it_ends_in_the_period_or_with_the_data(period, weeks):
    found = active.states([week("2026-01-05", new=1)], WEEK, Period(*map(at, period)))
    assert sum(row["series"] == "active" for row in found) == weeks


def test_segments_follow_the_products_order_then_their_names_and_unknown_is_last():
    rows = [{"persona": name} for name in ("(unknown)", "zoo", "sales", "art", "core")]
    found = shaping.ordered(rows, ["persona"], {"persona": ["core", "sales"]})
    assert [row["persona"] for row in found] == ["core", "sales", "art", "zoo", "(unknown)"]


def test_a_curve_starts_at_0_and_reaches_the_horizon_even_if_nobody_reaches_the_goal():
    rows = [{"hours": 5, "reached": False, "n": 3}]
    found = curves.curves(rows, [], 48)
    assert picked(found, "hours", "share", "n") == [(0, 0, 3), (48, 0, 3)]
    assert curves.curves([], [], 48) == []


def test_a_long_curve_keeps_all_its_points_because_sentences_read_them():
    rows = [{"hours": hour, "reached": True, "n": 1} for hour in range(1, 1001)]
    found = curves.curves(rows, [], 1000)
    assert len(found) == 1001
    assert picked(found[:1] + found[-1:], "hours", "share") == [(0, 0), (1000, 1)]
