"""What looking often costs, against published bounds and GrowthBook's own tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.inference import looks

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    ("spending", "expected"),
    [
        # Lan and DeMets 1983; Reboussin et al. 2000, Controlled Clinical Trials 21 (ld98).
        (looks.obrien_fleming, [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]),
        # Pocock's type: α ln(1 + (e − 1) t), on one side.
        (
            lambda t: looks.SIDE * math.log1p((math.e - 1) * t),
            [2.4380, 2.4268, 2.4102, 2.3966, 2.3860],
        ),
    ],
)
def test_the_bounds_of_five_looks_are_the_published_ones(spending, expected):
    assert looks.bounds(FIVE, spending=spending) == pytest.approx(expected, abs=6e-5)


def test_one_look_at_the_end_is_a_plain_interval():
    assert looks.bound([1.0]) == pytest.approx(1.959964, abs=1e-6)
    assert looks.bound([0.4, 1.2]) == pytest.approx(looks.bound([0.4, 1.2]))


def test_the_bound_of_a_look_does_not_hang_on_later_ones():
    for k in range(1, 6):
        assert looks.bound(FIVE[:k]) == looks.bounds(FIVE)[k - 1]


def test_a_look_without_new_units_is_the_look_before():
    assert looks.bounds([0.2, 0.2, 0.4])[1] == looks.bounds([0.2])[0]
    assert looks.bounds([0.2, 0.2, 0.4])[2] == looks.bounds([0.2, 0.4])[1]
    assert looks.bounds([0.0, 0.0]) == (looks.MOST, looks.MOST)


def test_nothing_is_left_to_spend_after_the_planned_end():
    assert looks.bounds([0.5, 1.1, 1.4])[2] == looks.MOST


def test_twelve_weekly_looks_cross_in_one_of_twenty_paths():
    fractions = np.arange(1, 13) / 12
    bounds = np.array(looks.bounds(fractions.tolist()))
    steps = np.random.default_rng(1).normal(size=(200_000, 12)) / math.sqrt(12)
    paths = np.abs(steps.cumsum(axis=1)) / np.sqrt(fractions)
    assert (paths > bounds).any(axis=1).mean() == pytest.approx(0.05, abs=0.0015)
    # The same paths at 1.96 each week: the reason for all this.
    assert (paths > 1.96).any(axis=1).mean() > 0.2


# A test with an end


def weekly(weeks, *, met=12):
    return tuple(week / met for week in range(1, weeks + 1))


def paths(weeks, *, drift=0.0, seed=1, draws=200_000):
    """The deviations seen at weekly looks of twelve, of which the drift is that of all."""
    steps = np.random.default_rng(seed).normal(drift / 12, math.sqrt(1 / 12), (draws, weeks))
    return steps.cumsum(axis=1) / np.sqrt(np.arange(1, weeks + 1) / 12)


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("fraction", [0.02, 0.5, 1.0, 1.7])
def test_a_single_look_that_is_the_last_is_a_plain_interval(fraction, ends):
    assert looks.planned_bound((fraction,), ends=ends, last=True) == pytest.approx(1.959964)
    found = looks.planned_bound((fraction,), ends=ends, last=True, error=0.025)
    assert found == pytest.approx(2.241403, abs=1e-6)


def test_five_looks_to_a_declared_end_have_the_published_bounds():
    found = looks.planned_bounds(tuple(FIVE), ends=True, last=True)
    assert found == pytest.approx([4.8769, 3.3570, 2.6803, 2.2898, 2.0310], abs=6e-5)
    each = [looks.planned_bound(tuple(FIVE[:k]), ends=True, last=k == 5) for k in range(1, 6)]
    assert each == pytest.approx(found, abs=1e-3)


def test_a_test_that_ends_at_half_its_plan_wastes_no_error():
    for ends in (True, False):
        assert looks.planned_bound(weekly(6), ends=ends, last=True) == pytest.approx(1.96, abs=1e-3)
        assert looks.planned_bound(weekly(6), ends=ends) > 2.9


def test_the_last_look_at_the_same_units_stands_for_the_look_before():
    found = looks.planned_bounds((0.2, 0.5, 0.5), last=True)
    assert found[2] == found[1] == looks.planned_bound((0.2, 0.5), last=True)


@pytest.mark.parametrize(
    ("ends", "over", "met"),
    [(True, 12, 12), (True, 6, 12), (True, 12, 8), (False, 6, 12), (False, 12, 6), (True, 1, 12)],
)
def test_a_test_that_is_over_has_claimed_in_one_of_twenty_without_an_effect(ends, over, met):
    bounds = looks.planned_bounds(weekly(over, met=met), ends=ends, last=True)
    claimed = (np.abs(paths(over)) > bounds).any(axis=1).mean()
    assert claimed == pytest.approx(0.05, abs=0.0017)
    assert bounds[-1] < 2.4


@pytest.mark.parametrize("ends", [True, False])
def test_an_end_that_comes_at_random_claims_in_one_of_twenty(ends):
    over = np.random.default_rng(2).integers(1, 13, 200_000)
    seen, claimed = np.abs(paths(12)), 0
    for week in range(1, 13):
        bounds = looks.planned_bounds(weekly(week), ends=ends, last=True)
        claimed += (seen[over == week, :week] > bounds).any(axis=1).sum()
    assert claimed / len(over) == pytest.approx(0.05, abs=0.0017)


def test_an_end_that_hangs_on_the_effects_seen_claims_far_more_often():
    last = [looks.planned_bound(weekly(week), last=True) for week in range(1, 13)]
    assert (np.abs(paths(12)) > last).any(axis=1).mean() == pytest.approx(0.2, abs=0.01)
    # Giving up at half because the play seems to harm is safe.
    whole, half = (looks.planned_bounds(weekly(weeks), last=True) for weeks in (12, 6))
    seen = paths(12)
    claimed = (np.abs(seen) > whole).any(axis=1)
    given_up = (np.abs(seen[:, :6]) > half).any(axis=1)
    assert np.where(seen[:, 5] < 0, given_up, claimed).mean() < 0.0515


def test_before_the_end_some_error_waits_for_it():
    for fraction in (0.9, 1.0, 1.5, 3.0):
        assert looks.spent(fraction, ends=True) < looks.SIDE
    assert looks.spent(0.5, ends=True) == looks.obrien_fleming(0.5)
    grows = [looks.spent(k / 20, ends=True) for k in range(1, 80)]
    assert grows == sorted(grows)
    # The plan is met at the fourth of twelve looks, and the eleventh still says something.
    assert looks.planned_bound(weekly(11, met=4), ends=True) < 3.2


def test_without_units_a_last_look_says_nothing():
    assert looks.planned_bounds((0.0, 0.0), last=True) == (looks.MOST, looks.MOST)


@pytest.mark.parametrize("weeks", [1, 4, 12])
@pytest.mark.parametrize("drift", [0.0, 1.5, 2.8])
def test_the_chance_to_see_an_effect_is_that_of_simulated_paths(drift, weeks):
    bounds = looks.planned_bounds(weekly(weeks), ends=True, last=True)
    seen = (paths(weeks, drift=drift, seed=4) > bounds).any(axis=1).mean()
    whole = tuple(week / 12 for week in range(1, weeks + 1))
    assert looks.power(drift, whole, bounds) == pytest.approx(seen, abs=0.003)


def test_four_looks_cost_as_much_power_as_published():
    # Jennison and Turnbull 2000, table 2.4: O'Brien and Fleming's constant bounds for five looks,
    # 2.040 √(5 / k), need 1.028 times the units of a single look for 80 % power.
    five = tuple(FIVE)
    bounds = tuple(2.040 * math.sqrt(5 / k) for k in range(1, 6))
    drift = (1.959964 + 0.841621) * math.sqrt(1.028)
    assert looks.power(drift, five, bounds) == pytest.approx(0.8, abs=0.001)


@given(st.lists(st.floats(0.0, 1.3), min_size=1, max_size=14).map(sorted))
def test_bounds_are_finite_whatever_the_schedule(fractions):
    found = looks.bounds(fractions)
    assert len(found) == len(fractions)
    assert all(1.9 < bound <= looks.MOST for bound in found)


def relative(a, b):
    """GrowthBook's relative difference and its error: (mean, variance, n) of both arms."""
    (mean_a, var_a, n_a), (mean_b, var_b, n_b) = a, b
    spread = var_b / n_b / mean_a**2 + var_a / n_a * mean_b**2 / mean_a**4
    return (mean_b - mean_a) / mean_a, math.sqrt(spread)


def means(total, squares, n):
    return total / n, (squares - total**2 / n) / (n - 1), n


def shares(did, n):
    return did / n, did / n * (1 - did / n), n


@pytest.mark.parametrize(
    ("a", "b", "planned", "expected"),
    [
        # growthbook packages/stats/tests/frequentist/test_tests.py, TestSequentialTTest.
        (means(1396.87, 52377.9767, 3000), means(2422.7, 134698.29, 3461), 1000,
         (-0.55844, 1.56516, 1)),
        (shares(1396, 3000), shares(2422, 3461), 5000, (0.40098, 0.60675, 0)),
    ],
)  # fmt: skip
def test_a_confidence_sequence_is_growthbooks(a, b, planned, expected):
    found = looks.sequence(*relative(a, b), a[2] + b[2], planned=planned)
    assert found == pytest.approx(expected, abs=6e-6)


def test_a_confidence_sequence_and_its_p_value_agree():
    low, high, _ = looks.sequence(0.1, 0.03, 900, planned=1000)
    assert (low + high) / 2 == pytest.approx(0.1)
    half = high - 0.1
    assert looks.sequence(half, 0.03, 900, planned=1000) == pytest.approx((0, 2 * half, 0.05))


@pytest.mark.parametrize(("error", "units"), [(0.1, 99), (0.0, 500), (math.nan, 500)])
def test_a_confidence_sequence_waits_for_100_units(error, units):
    assert looks.sequence(0.1, error, units, planned=1000) is None


@pytest.mark.parametrize(
    ("observed", "expected"), [((9463, 7681), 3.6e-38), ((520, 430), 0.17), ((0, 0), 1)]
)
def test_a_sample_ratio_at_any_time_is_the_published_one(observed, expected):
    # Lindon and Malek 2022 at the concentration 1,000; the counts of lukasvermeer/srm.
    assert looks.sample_ratio(observed, (0.5, 0.5)) == pytest.approx(expected, rel=0.03)


def test_a_sample_ratio_at_any_time_compares_with_the_planned_split():
    assert looks.sample_ratio((900, 100), (0.9, 0.1)) == 1
    assert looks.sample_ratio((900, 100), (9, 1)) == 1
    assert looks.sample_ratio((500, 500), (0.9, 0.1)) < 1e-9
    assert looks.sample_ratio((10**7, 0), (0.5, 0.5)) > 0
    assert looks.sample_ratio((300, 320, 610), (0.25, 0.25, 0.5)) == 1
