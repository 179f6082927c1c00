"""Treatments that share a control, against published critical values and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, studentized_range

from playbook.inference import looks, several, stats


@pytest.mark.parametrize(("arms", "published"), [(2, 2.21), (3, 2.35), (4, 2.44), (5, 2.51)])
def test_treatments_that_share_a_control_have_dunnetts_critical_values(arms, published):
    # Dunnett 1964, Biometrics 20, two-sided 5 %, infinite degrees of freedom, equal sizes.
    assert norm.isf(several.shared_error(100, [100] * arms) / 2) == pytest.approx(
        published, abs=0.005
    )


def test_one_treatment_has_all_of_the_error():
    assert several.shared_error(10, [70]) == several.shared_error(10, []) == stats.SURE
    assert several.pairs_error(2) == several.pairs_error(1) == stats.SURE


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e6), min_size=2, max_size=5))
def test_the_error_of_each_lies_between_its_part_and_all(control, treated):
    # Šidák's inequality: no less than as if the comparisons had nothing in common.
    alone = 1 - (1 - stats.SURE) ** (1 / len(treated))
    assert alone - 1e-6 <= several.shared_error(control, treated) <= stats.SURE


def test_sizes_count_and_their_order_and_unit_do_not():
    found = several.shared_error(0.1, [0.6, 0.3])
    assert found == several.shared_error(0.1, [0.3, 0.6])
    assert found == pytest.approx(several.shared_error(100, [300, 600]))
    # A small control is what all hang on: hardly more than one comparison.
    assert found > several.shared_error(0.8, [0.1, 0.1])


def deviations(draws, looks, control, treated):
    """What comparisons with one control show at each look: (treatment, draw, look)."""
    rng = np.random.default_rng(3)

    def mean(size):
        steps = rng.normal(size=(draws, looks)).cumsum(axis=1) / np.arange(1, looks + 1)
        return steps * math.sqrt(looks / size)

    held, at = mean(control), np.arange(1, looks + 1) / looks
    return [(mean(n) - held) / np.sqrt(1 / n + 1 / control) * np.sqrt(at) for n in treated]


@pytest.mark.parametrize(
    ("control", "treated"), [(100, (100, 100)), (50, (400, 200, 50)), (400, (50, 50, 50))]
)
@pytest.mark.parametrize("weeks", [1, 12])
def test_all_comparisons_at_all_looks_claim_in_one_of_twenty(control, treated, weeks):
    at = tuple(week / weeks for week in range(1, weeks + 1))
    error = several.shared_error(control, treated)
    bounds = looks.planned_bounds(at, ends=True, last=True, error=error)
    seen = deviations(100_000, weeks, control, treated)
    claimed = np.any([(np.abs(each) > bounds).any(axis=1) for each in seen], axis=0)
    assert claimed.mean() == pytest.approx(0.05, abs=0.0025)


@pytest.mark.parametrize(("arms", "published"), [(3, 3.31), (4, 3.63), (5, 3.86), (6, 4.03)])
def test_pairs_of_treatments_have_tukeys_critical_values(arms, published):
    # The 5 % points of the studentised range, infinite degrees of freedom.
    bound = norm.isf(several.pairs_error(arms) / 2) * math.sqrt(2)
    assert bound == pytest.approx(published, abs=0.006)
    assert bound == pytest.approx(studentized_range.ppf(0.95, arms, np.inf), abs=1e-6)
    assert several.pairs_error(arms) > stats.SURE / math.comb(arms, 2)
