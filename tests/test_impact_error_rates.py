"""A few draws of each world through `impact`; `python -m tests.benchmarks error_rates`: 100."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from tests.benchmarks import impact_worlds

SEEDS = 4


@pytest.mark.parametrize("name", impact_worlds.WORLDS)
def test_what_is_printed_is_wrong_in_one_of_twenty_worlds(name):
    world = impact_worlds.WORLDS[name]
    wrong = sum(world(np.random.default_rng(seed))[0] for seed in range(SEEDS))
    assert wrong <= binom.ppf(1 - 0.01 / len(impact_worlds.WORLDS), SEEDS, 0.05)
