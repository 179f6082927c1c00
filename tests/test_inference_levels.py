"""Weeks drawn with and without a shift: what is called one, and what only looks like it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import f

from playbook.inference import levels, stats

HIGH, LOW = 0.41, 0.12
SHARES = (0.005, 0.02, 0.1, 0.41, 0.6, 0.95)


def weeks(shares, n, *, seed=0, spread=0.0):
    """Weekly counts about some shares; `spread` is the deviation of the log odds between weeks."""
    draw = np.random.default_rng(seed)
    odds = np.log(np.array(shares) / (1 - np.array(shares))) + spread * draw.normal(
        size=len(shares)
    )
    sizes = draw.poisson(n, len(shares)) + 1
    did = draw.binomial(sizes, 1 / (1 + np.exp(-odds)))
    return [(int(k), int(of)) for k, of in zip(did, sizes, strict=True)]


def exact(shares, n):
    return [(round(share * n), n) for share in shares]


def is_shown(found):
    return found is not None and found.stayed


@pytest.mark.parametrize("spread", [0, 0.2], ids=["clean", "overdispersed"])
def test_of_twenty_products_whose_levels_stay_none_shows_a_shift(spread):
    for seed in range(20):
        found = [
            levels.shift(weeks([share] * 26, n, seed=100 * seed + place, spread=spread), least=30)
            for place, (share, n) in enumerate(itertools.product(SHARES, (8, 20, 60, 200, 2000)))
        ]
        known = [each for each in found if each]
        corrected = stats.corrected_all([each.p for each in known])
        for each, p in zip(known, corrected, strict=True):
            assert not each.stayed or p >= 0.01 or abs(each.difference) < 0.03


@pytest.mark.parametrize(("before", "since"), [(13, 13), (24, 2), (3, 23)])
def test_a_shift_is_found_in_its_week_wherever_it_lies(before, since):
    for seed in range(5):
        found = levels.shift(weeks([HIGH] * before + [LOW] * since, 400, seed=seed), least=30)
        assert (found.place, found.stayed) == (before, True)
        assert found.difference == pytest.approx(LOW - HIGH, abs=0.05)
        up = levels.shift(weeks([LOW] * before + [HIGH] * since, 400, seed=seed), least=30)
        assert (up.place, up.stayed) == (before, True)
        assert up.difference > 0


def test_a_shift_is_found_among_weeks_that_vary_more_than_binomially():
    for seed in range(5):
        drawn = weeks([HIGH] * 13 + [LOW] * 13, 400, seed=seed, spread=0.2)
        assert levels.shift(drawn, least=30).stayed


@pytest.mark.parametrize("place", range(26))
@pytest.mark.parametrize("length", [26, 104])
def test_a_single_odd_week_is_no_shift(place, length):
    odd = [HIGH] * length
    odd[-1 - place] = LOW
    assert not is_shown(levels.shift(weeks(odd, 2000), least=30))
    assert not is_shown(levels.shift(weeks(odd[::-1], 2000), least=30))


@pytest.mark.parametrize("n", [60, 300, 2000])
def test_a_drift_is_no_shift(n):
    for seed in range(20):
        slope = np.linspace(HIGH, LOW, 40)
        assert not is_shown(levels.shift(weeks(slope, n, seed=seed), least=30))


def test_what_takes_two_months_is_no_shift():
    slow = np.interp(np.arange(40), [16, 24], [HIGH, LOW])
    assert not is_shown(levels.shift(weeks(slow, 2000), least=30))


@pytest.mark.parametrize("low", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("again", [1, 2, 3, 8])
def test_what_goes_back_has_not_stayed(low, again):
    back = [HIGH] * 40 + [LOW] * low + [HIGH] * again
    assert not is_shown(levels.shift(weeks(back, 2000), least=30))


def test_an_odd_week_after_a_shift_hides_it_only_while_it_is_the_last():
    odd = [HIGH] * 20 + [LOW] * 4 + [HIGH]
    assert not levels.shift(weeks(odd, 400), least=30).stayed
    assert levels.shift(weeks([*odd, *[LOW] * 4], 400), least=30).stayed


def test_levels_that_wander_are_seldom_called_a_shift():
    shown = 0
    for seed in range(20):
        draw, odds = np.random.default_rng(seed), [0.0]
        while len(odds) < 52:
            odds.append(0.6 * odds[-1] + 0.2 * draw.normal())
        shares = HIGH + np.array(odds) / 4
        shown += is_shown(levels.shift(weeks(shares, 2000, seed=seed), least=30))
    assert shown <= 1


def test_p_is_that_of_the_likelihood_ratio_by_the_dispersion_times_the_weeks_tried():
    drawn = [(40, 100), (46, 100), (34, 100), (40, 100), (20, 100), (26, 100), (14, 100)]
    found = levels.shift(drawn, least=30)
    assert (found.place, found.before, found.after) == (4, (160, 400), (60, 300))

    def likelihood(did, of):
        return did * math.log(did / of) + (of - did) * math.log(1 - did / of)

    ratio = 2 * (likelihood(160, 400) + likelihood(60, 300) - likelihood(220, 700))
    errors = [6 / math.sqrt(24), -6 / math.sqrt(24), 6 / 4, -6 / 4]
    assert sum(e * e for e in errors) / 5 > 1  # and neighbours are not alike
    places = 3  # after 3, 4 and 5 weeks
    expected = places * f.sf(ratio / (sum(e * e for e in errors) / 5), 1, 5)
    assert found.p == pytest.approx(expected)
    assert levels.p_at(drawn, 4) == pytest.approx(expected / places)


def test_neighbours_that_are_alike_count_for_less():
    apart = exact([0.46, 0.36, 0.36, 0.46, 0.26, 0.16, 0.16, 0.26], 200)
    alike = exact([0.46, 0.46, 0.36, 0.36, 0.26, 0.26, 0.16, 0.16], 200)
    assert levels.p_at(alike, 4) > levels.p_at(apart, 4)


@pytest.mark.parametrize(
    ("drawn", "least"),
    [
        ([], 1),
        (exact([0.4, 0.4, 0.4, 0.1], 50), 1),  # one week since
        (exact([0.4, 0.4, 0.1, 0.1], 50), 1),  # two weeks before
        (exact([0.4] * 3 + [0.1] * 2, 50), 101),  # too few people since
    ],
)
def test_too_few_weeks_or_people_are_not_compared(drawn, least):
    assert levels.shift(drawn, least=least) is None


def test_nobody_and_everybody_are_levels_too():
    found = levels.shift([(0, 50)] * 10 + [(50, 50)] * 10, least=30)
    assert (found.place, found.difference, found.stayed) == (10, 1.0, True)
    assert not levels.shift([(0, 50)] * 20, least=30).stayed
    assert not levels.shift([(50, 50)] * 20, least=30).stayed


def test_a_change_at_an_end_or_of_two_weeks_has_no_p():
    assert levels.p_at([(1, 9)] * 5, 0) == levels.p_at([(1, 9)] * 5, 5) == 1.0
    assert levels.p_at([(1, 9), (8, 9)], 1) == 1.0
