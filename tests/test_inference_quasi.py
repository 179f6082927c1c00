"""Rollouts without a holdout, against R's package did; placebo dates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2

from playbook.adapters import quasi
from playbook.language.mistakes import Mistake
from tests import golden

COUNTIES = golden.counties()


@pytest.fixture(scope="module")
def published():
    return quasi.staggered_rollout(COUNTIES, never_alone=True)


def test_the_effects_of_a_staggered_rollout_are_those_of_r(published):
    # README of bcallaway11/did: att_gt(lemp, first.treat, countyreal, year, xformla = ~1,
    # est_method = "reg"), and aggte(type = "dynamic"); counties that never raised it.
    groups = {(step.first, step.period): round(step.effect, 4) for step in published.groups}
    assert groups == {
        (2004, 2004): -0.0105, (2004, 2005): -0.0704, (2004, 2006): -0.1373, (2004, 2007): -0.1008,
        (2006, 2004): 0.0065, (2006, 2005): -0.0028, (2006, 2006): -0.0046, (2006, 2007): -0.0412,
        (2007, 2004): 0.0305, (2007, 2005): -0.0027, (2007, 2006): -0.0311, (2007, 2007): -0.0261,
    }  # fmt: skip
    assert {step.period: round(step.effect, 4) for step in published.steps} == {
        -3: 0.0305, -2: -0.0006, -1: -0.0245, 0: -0.0199, 1: -0.0510, 2: -0.1373, 3: -0.1008,
    }  # fmt: skip
    assert round(published.effect, 4) == -0.0772
    assert published.accounts == (191, 309)


def test_the_interval_of_a_rollout_is_near_that_of_rs_bootstrap(published):
    # did: error .0219, by 1,000 draws; analytic ones are a tenth smaller.
    half = (published.high - published.low) / 2
    assert half / 1.96 == pytest.approx(0.0219, rel=0.12)


def test_the_moves_before_the_start_are_those_of_rs_test():
    # did: "P-value for pre-test of parallel trends assumption: 0.16812", of all groups and
    # periods, by chi-squared.
    panel, first, _ = quasi._balanced_panel(COUNTIES)
    *_, moves, influences = quasi._moves(panel, first, True)
    covariance = influences @ influences.T
    assert chi2.sf(moves @ np.linalg.inv(covariance) @ moves, 5) == pytest.approx(0.16812, abs=5e-6)
    # For 500 counties, 20 of them in a group, the reference that knows how few these are.
    p, _ = quasi._apart(moves, influences, first, 0.0)
    assert p == pytest.approx(0.16812, abs=0.02)


def test_groups_as_far_from_their_start_are_tested_together(published):
    # -2 and -1 of 2006 and 2007, and -3 of 2007.
    assert published.before == 3


@pytest.mark.parametrize(("each", "trend"), [(10, 0.5), (15, 0.4), (40, 0.25)])
def test_the_power_before_the_start_is_how_often_a_trend_shows(each, trend):
    rng = np.random.default_rng(8)
    shown, said = 0, []
    for _ in range(150):
        _, p, power = quasi._before(*_drawn(rng, trend, each), True, trend)
        shown += p < 0.05
        said.append(power)
    assert 0.3 < np.mean(said) < 0.9
    assert shown / 150 == pytest.approx(np.mean(said), abs=0.08)


def _drawn(rng, trend, each):
    """Accounts with noise of their own, where those that begin rise before they do."""
    import pandas as pd

    first = np.repeat([0, 5, 6], each)
    periods = np.arange(1, 7)
    level = rng.normal(size=(3 * each, 1)) + rng.normal(size=(3 * each, 6))
    return pd.DataFrame(level + trend * periods * (first > 0)[:, None], columns=periods), first


def test_a_drift_that_goes_with_the_turn_shows_where_all_begin():
    rng = np.random.default_rng(2)
    rows = [
        (f"a{k}", period, first, rng.normal(0, 0.3) + 0.2 * period * (first == 6))
        for k in range(60)
        for first in [(6, 8)[k % 2]]
        for period in range(1, 9)
    ]
    assert quasi.staggered_rollout(rows).pretrend_p < 0.001


@pytest.mark.parametrize("sizes", [(3, 3, 3), (15, 60, 3), (3, 3, 60)])
def test_no_more_accounts_on_a_side_than_moves_to_test_leave_it_untested(sizes):
    rng = np.random.default_rng(3)
    turns = np.repeat([5, 8, 99], sizes)
    rows = [
        (f"a{k}", period, int(turn), float(rng.random() < 0.5))
        for k, turn in enumerate(turns)
        for period in range(1, 10)
    ]
    found = quasi.staggered_rollout(rows)
    assert (found.before, found.pretrend_p, found.power) == (6, None, None)


def test_a_planted_rollout_is_found():
    rng = np.random.default_rng(4)
    rows = [
        (f"a{account}", period, first, level + 0.1 * period + noise + (period >= first) * 0.5)
        for account in range(240)
        for first in [(4, 6, 99)[account % 3]]
        for level in [rng.normal()]
        for period in range(1, 9)
        for noise in [rng.normal(0, 0.3)]
    ]
    found = quasi.staggered_rollout([(a, p, None if f == 99 else f, y) for a, p, f, y in rows])
    assert found.low < 0.5 < found.high
    assert found.low > 0.3
    assert found.pretrend_p > 0.01
    assert found.power > 0.9
    # Beyond the last period is never.
    assert quasi.staggered_rollout(rows) == found


def test_those_that_begin_later_are_compared_with_where_all_begin():
    found = quasi.staggered_rollout([row for row in COUNTIES if row[2]])
    assert found.accounts == (191, 0)
    assert {step.period for step in found.steps} == {-3, -2, -1, 0, 1, 2}
    assert 0 < found.pretrend_p < 1
    assert quasi.staggered_rollout([row for row in COUNTIES if row[2]], never_alone=True) is None


def test_accounts_that_a_period_lacks_or_that_began_at_once_are_left_out():
    rows = [row for row in COUNTIES if row[:2] != ("8001", 2005)]
    rows += [("new", year, 2003, 5.0) for year in range(2003, 2008)]
    rows += [("alone", year, 2005, 5.0) for year in range(2003, 2008)]
    found = quasi.staggered_rollout(rows)
    assert found.left_out == 3
    assert found.accounts == (190, 309)


def test_accounts_that_move_apart_without_any_spread_were_not_parallel():
    rows = [
        (f"a{k}", period, 4 if k < 5 else None, period * (k < 5) + k)
        for k in range(10)
        for period in range(1, 6)
    ]
    assert quasi.staggered_rollout(rows).pretrend_p == 0


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", 1, None, 0.0), ("b", 1, 2, 1.0)],
        [(f"a{k}", p, None, 1.0) for k in range(4) for p in range(3)],
        [(f"a{k}", p, 2, 1.0) for k in range(4) for p in range(3)],
        [(f"a{k}", p, 0, 1.0) for k in range(4) for p in range(3)],
        [("a", p, 2, 1.0) for p in range(4)] + [("b", p, None, 1.0) for p in range(4)],
    ],
)
def test_what_cannot_be_compared_is_none(rows):
    assert quasi.staggered_rollout(rows) is None


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_outcome_that_never_moves_has_no_effect_and_no_holes(value):
    rows = [(f"a{k}", p, (3, 4, None)[k % 3], value) for k in range(12) for p in range(1, 6)]
    found = quasi.staggered_rollout(rows)
    assert found.effect == 0
    assert (found.low, found.high, found.pretrend_p, found.power) == (None, None, None, None)
    assert found.before == 2
    assert all(math.isfinite(step.effect) for step in (*found.steps, *found.groups))


def test_without_the_extra_the_mistake_names_it(monkeypatch):
    monkeypatch.setattr(quasi, "find_spec", lambda name: None)
    with pytest.raises(Mistake, match="extra `quasi`"):
        quasi.staggered_rollout(COUNTIES)


# Placebo dates


def test_a_change_that_comes_often_is_no_sign():
    # 10 of 100 in even weeks and 20 in odd ones: a change of ten points every week.
    periods = [(100, 10 + 10 * (week % 2)) for week in range(12)]
    found = quasi.placebo_dates(periods, 5, width=1)
    assert (found.before, found.after) == (0.1, 0.2)
    assert (found.dates, found.as_large) == (10, 1.0)


def test_a_change_that_never_comes_otherwise_is_rare():
    periods = [(100, 10)] * 10 + [(100, 30)] * 6
    found = quasi.placebo_dates(periods, 10, width=2)
    # Dates whose four weeks do not stride the launch: 2 to 8, 12 to 14.
    assert (found.before, found.after, found.dates, found.as_large) == (0.1, 0.3, 10, 0.0)


def test_dates_near_another_launch_are_no_placebos():
    periods = [(100, 10)] * 4 + [(100, 30)] * 12
    plain = quasi.placebo_dates(periods, 10, width=2)
    known = quasi.placebo_dates(periods, 10, width=2, others=[4])
    assert (plain.dates, known.dates) == (10, 7)


def test_windows_are_pooled_over_their_units():
    found = quasi.placebo_dates([(10, 1), (90, 9), (100, 50), (300, 50)], 2, width=2)
    assert (found.before, found.after) == (0.1, 0.25)
    assert (found.dates, found.as_large) == (0, None)


@pytest.mark.parametrize(("launch", "width"), [(1, 2), (5, 2), (0, 1), (9, 1), (3, 1)])
def test_without_time_or_units_on_either_side_there_is_no_comparison(launch, width):
    assert quasi.placebo_dates([(10, 1)] * 3 + [(0, 0)] * 3, launch, width=width) is None
