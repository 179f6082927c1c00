"""For whom, and several plays together, against published meta-analyses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from playbook.inference.segments import interactions, shrunken

# Coaching for the SAT in eight schools: Rubin 1981, Journal of Educational Statistics 6.
SCHOOLS = [(28, 15), (8, 10), (-3, 16), (7, 11), (-1, 9), (1, 11), (18, 10), (12, 18)]
# Tuberculosis in 13 trials of a vaccine, (ill, well) vaccinated and not: Colditz et al. 1994, JAMA
# 271, as in R's metafor (dat.bcg).
TRIALS = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
    (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892),
    (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
]  # fmt: skip


def risk_ratio(ill, well, ill0, well0):
    n, n0 = ill + well, ill0 + well0
    return math.log(ill / n * n0 / ill0), math.sqrt(1 / ill - 1 / n + 1 / ill0 - 1 / n0)


VACCINE = [risk_ratio(*trial) for trial in TRIALS]


def test_the_spread_of_effects_is_the_published_one():
    # metafor: rma(yi, vi, method = "DL"): Q(12) = 152.2330; Gelman et al., Bayesian Data
    # Analysis, §5.5 on the schools: no sign of a difference.
    found = interactions({"trial": VACCINE, "school": SCHOOLS})
    assert found[0].q == pytest.approx(152.2330, abs=5e-5)
    assert found[0].segments == 13
    assert found[1].q == pytest.approx(4.707, abs=5e-4)
    assert found[1].p == pytest.approx(0.696, abs=5e-4)


def test_p_values_are_corrected_over_the_columns():
    found = interactions(
        {"a": [(0.1, 0.05), (0.25, 0.05)], "b": [(0.1, 0.05), (0.1, 0.05)], "c": [(0.1, 0.05)]}
    )
    assert [one.column for one in found] == ["a", "b", "c"]
    assert found[0].corrected == pytest.approx(2 * found[0].p)
    assert (found[1].p, found[1].corrected) == (1, 1)
    assert (found[2].p, found[2].corrected, found[2].q) == (None, None, None)
    assert interactions({}) == []


def test_significant_here_and_not_there_is_no_interaction():
    # Alone, the first is 2.2 errors from 0 and the second 1.4: they do not differ.
    here, there = (0.11, 0.05), (0.07, 0.05)
    assert interactions({"persona": [here, there]})[0].p == pytest.approx(0.5716, abs=1e-4)


def test_the_mean_of_effects_is_the_published_one():
    # metafor, the same model: −.7141, error .1787, tau² .3088.
    found = shrunken(VACCINE)
    assert (found.mean, found.error) == pytest.approx((-0.7141, 0.1787), abs=5e-5)
    assert found.between**2 == pytest.approx(0.3088, abs=5e-5)


def test_effects_that_spread_as_chance_does_are_their_mean():
    # Gelman et al., §5.5: 7.7 with error 4.1.
    found = shrunken(SCHOOLS)
    assert (round(found.mean, 1), round(found.error, 1), found.between) == (7.7, 4.1, 0)
    assert {round(effect, 1) for effect, *_ in found.effects} == {7.7}


def test_an_effect_is_drawn_the_further_the_less_is_known_of_it():
    found = shrunken([(0.3, 0.02), (0.3, 0.1), (0.0, 0.02), (0.05, 0.02)])
    precise, vague = found.effects[:2]
    assert found.mean < vague[0] < precise[0] < 0.3
    assert vague[2] - vague[1] > precise[2] - precise[1]
    assert all(low < effect < high for effect, low, high in found.effects)


def test_one_play_is_not_drawn_anywhere():
    assert shrunken([(0.1, 0.05)]) is shrunken([]) is None


def test_the_winner_of_many_plays_brings_what_is_said_of_it():
    rng = np.random.default_rng(2)
    plain = drawn = truth = 0.0
    for _ in range(300):
        true = rng.normal(0.02, 0.02, 10)
        seen = rng.normal(true, 0.03)
        best = int(seen.argmax())
        pooled = shrunken([(effect, 0.03) for effect in seen.tolist()])
        plain += seen[best] / 300
        drawn += pooled.effects[best][0] / 300
        truth += true[best] / 300
    assert plain - truth > 0.03  # the winner's curse
    assert drawn == pytest.approx(truth, abs=0.006)
