"""Forty draws of each world; `python -m tests.benchmarks error_rates` draws 500."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from playbook.inference import compare
from tests.benchmarks import error_rates

SEEDS = 40


@pytest.mark.parametrize("name", error_rates.WORLDS)
def test_an_interval_is_wrong_in_one_of_twenty_worlds(name):
    assert error_rates.wrong(error_rates.WORLDS[name], SEEDS) <= binom.ppf(0.995, SEEDS, 0.05)


@pytest.mark.parametrize("name", error_rates.PERMUTED)
def test_drawing_the_arms_again_leaves_p_values_uniform(name):
    assert error_rates.uniform(error_rates.PERMUTED[name], SEEDS) > 0.01


def test_the_worlds_tell_a_wrong_interval_from_a_right_one(monkeypatch):
    # Accounts counted as people drawn alone: what this module is there to prevent.
    def as_people(treated, holdout, **_):
        return compare.people((treated.n, treated.did), (holdout.n, holdout.did))

    monkeypatch.setattr(error_rates.compare, "accounts", as_people)
    world = error_rates.WORLDS["40 accounts an arm, +0%, icc 0.2"]
    assert error_rates.wrong(world, SEEDS) > binom.ppf(0.999, SEEDS, 0.05)
