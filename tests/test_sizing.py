"""How many units a plan asks for, against published figures, exact sums and simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from playbook.inference import sizing, stats
from playbook.inference.sizing import Clusters
from tests.benchmarks import power as simulated
from tests.benchmarks.power import Setting


def clusters(accounts):
    """The sums of (reached, size) of accounts."""
    return Clusters(
        accounts=len(accounts),
        units=sum(n for _, n in accounts),
        squares=sum(n * n for _, n in accounts),
        reached=sum(y for y, _ in accounts),
        within=sum(y * y / n for y, n in accounts),
    )


# How alike the members of an account are


def test_the_correlation_of_a_few_accounts_is_that_of_an_analysis_of_variance_by_hand():
    # Three accounts of two: both, none, one. Between: 2 (1 - .5)² + 2 (0 - .5)² + 0 = 1 over 2;
    # within: .25 + .25 over 3; (1/2 - 1/6) / (1/2 + 1/6).
    assert sizing.icc([clusters([(2, 2), (0, 2), (1, 2)])]) == pytest.approx(0.5)


def test_the_correlation_of_two_arms_is_that_of_an_analysis_of_variance_within_them_by_hand():
    # Between: (1 + 1) / (5 - 2); within: (0 + 1/2) / (10 - 5); accounts of 2.
    arms = [clusters([(2, 2), (0, 2)]), clusters([(1, 2), (2, 2), (0, 2)])]
    assert sizing.icc(arms) == pytest.approx((2 / 3 - 0.1) / (2 / 3 + 0.1))


# Smokeless tobacco in schools (users, pupils): Donner and Klar 1994, American Journal of
# Epidemiology 140, 279–289, whose pooled estimate is .011.
EXPERIMENT = [(0, 42), (1, 84), (9, 149), (11, 136), (4, 58), (1, 55)]
EXPERIMENT += [(10, 219), (4, 160), (2, 63), (5, 85), (1, 96), (10, 194)]
CONTROL = [(5, 103), (3, 174), (6, 83), (6, 75), (2, 152), (7, 102)]
CONTROL += [(7, 104), (3, 74), (1, 55), (23, 225), (16, 125), (12, 207)]


def test_the_correlation_within_two_arms_is_the_published_one():
    arms = [clusters(EXPERIMENT), clusters(CONTROL)]
    assert [(arm.reached, arm.units) for arm in arms] == [(58, 1341), (91, 1479)]
    assert sizing.icc(arms) == pytest.approx(0.011, abs=5e-4)


def test_the_correlation_is_that_of_statsmodels_analysis_of_variance():
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    rng = np.random.default_rng(5)
    sizes = rng.geometric(0.3, 60)
    accounts = [(int(rng.binomial(n, rng.beta(1, 2))), int(n)) for n in sizes]
    people = [(a, k < y) for a, (y, n) in enumerate(accounts) for k in range(n)]
    frame = pd.DataFrame(people, columns=["account", "did"]).astype({"did": float})
    between, within = anova_lm(ols("did ~ C(account)", frame).fit())["mean_sq"]
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    expected = (between - within) / (between + (size - 1) * within)
    assert sizing.icc([clusters(accounts)]) == pytest.approx(expected)


@pytest.mark.parametrize("planted", [0.0, 0.1, 0.3])
def test_the_correlation_of_drawn_accounts_is_the_planted_one(planted):
    rng = np.random.default_rng(11)
    found = []
    for _ in range(200):
        sizes = rng.geometric(1 / 3, 400)
        strength = 1 / planted - 1 if planted else 0
        shares = rng.beta(0.3 * strength, 0.7 * strength, 400) if planted else np.full(400, 0.3)
        reached = rng.binomial(sizes, shares)
        found.append(sizing.icc([clusters([*zip(reached.tolist(), sizes.tolist(), strict=True)])]))
    assert np.mean(found) == pytest.approx(planted, abs=0.01)


def test_an_effect_between_arms_is_no_likeness():
    treated, held = clusters([(3, 4), (3, 4), (3, 4)]), clusters([(1, 4), (1, 4), (1, 4)])
    assert sizing.icc([treated, held]) < 0
    together = [(3, 4), (3, 4), (3, 4), (1, 4), (1, 4), (1, 4)]
    assert sizing.icc([clusters(together)]) == pytest.approx(1 / 21)


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ([[(2, 2), (0, 3), (4, 4)]], 1),
        ([[(1, 1), (0, 1), (1, 1)]], None),  # nobody has a colleague
        ([[(2, 5)]], None),  # one account
        ([[(2, 5)], [(1, 4)]], None),  # one in each arm
        ([[(3, 3), (2, 2)]], None),  # all did
        ([[(0, 3), (0, 2)]], None),  # nobody did
        ([[], []], None),
        ([[(2, 2), (0, 2), (1, 2)], []], 0.5),  # an empty arm counts for nothing
    ],
)
def test_a_correlation_that_cannot_be_told_is_none(arms, expected):
    assert sizing.icc([clusters(arm) for arm in arms]) == (expected and pytest.approx(expected))


@pytest.mark.parametrize(
    ("size", "cv", "icc", "expected"),
    [
        (4, 0, 0.1, 1.3),  # Kish: 1 + (m - 1) ICC
        (4, 0.75**0.5, 0.1, 1.6),
        (1, 0, 0.5, 1),
        (4, 1, -0.05, 1),  # below 0 by chance
    ],
)
def test_a_design_effect_grows_with_size_spread_and_likeness(size, cv, icc, expected):
    assert sizing.design_effect(size, cv, icc) == pytest.approx(expected)


# Units


def test_two_equal_arms_are_as_large_as_r_makes_them():
    # R: power.prop.test(p1 = .30, p2 = .35, power = .8) and its like, per arm.
    needed = [sizing.units_needed(0.3, d, holdout=0.5) / 2 for d in (0.05, 0.1, 0.15, 0.2)]
    assert needed == pytest.approx([1376.299, 355.943, 162.334, 92.999], abs=0.5)


@pytest.mark.parametrize(
    ("icc", "published"), [(0.10, (551, 142, 65, 37)), (0.17, (696, 180, 81, 47))]
)
def test_accounts_of_four_people_are_as_many_as_published(icc, published):
    # Accounts per arm, geometric sizes of mean 4; reference/personalization_and_impact.md §4.1.
    times = sizing.design_effect(4, 0.75**0.5, icc)
    for effect, accounts in zip((0.05, 0.1, 0.15, 0.2), published, strict=True):
        needed = sizing.units_needed(0.3, effect, holdout=0.5, design_effect=times)
        assert needed / 2 / 4 == pytest.approx(accounts, abs=1.05)


def exact(base, effect, units, holdout):
    """The chance that Newcombe's interval leaves out 0, summed over every outcome."""
    held = round(units * holdout)
    sizes, shares = np.array([held, units - held]), (base, base + effect)
    reached = [np.arange(n + 1) for n in sizes]
    chances = [binom.pmf(y, n, p) for y, n, p in zip(reached, sizes, shares, strict=True)]
    likely = [chance > 1e-9 for chance in chances]
    first, second = (y[keep] / n for y, n, keep in zip(reached, sizes, likely, strict=True))
    pairs = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    weights = np.outer(*(chance[keep] for chance, keep in zip(chances, likely, strict=True)))
    return float((weights * simulated.shows(pairs, sizes)).sum())


@pytest.mark.parametrize("holdout", [0.05, 0.1, 0.2, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("base", [0.02, 0.08, 0.12, 0.3, 0.5, 0.65, 0.9])
@pytest.mark.parametrize("effect", [0.03, 0.05, 0.1, 0.18])
def test_the_planned_units_have_the_promised_power_by_exact_sums(base, effect, holdout):
    units = sizing.units_needed(base, effect, holdout=holdout)
    if units is None:
        assert base + effect > 1
        return
    smaller = min(holdout, 1 - holdout) * units
    if smaller < 30 or smaller * min(base, 1 - base - effect) < 3:
        assert exact(base, effect, units, holdout) > 0.74
    else:
        assert exact(base, effect, units, holdout) == pytest.approx(0.8, abs=0.015)


def test_the_interval_of_the_exact_sums_is_the_packages():
    n, share = np.array([30, 200]), np.array([[3, 60], [9, 60], [15, 60]]) / [30, 200]
    low, high = simulated.wilson(share, n)
    assert (low[0, 0], high[0, 0]) == pytest.approx(stats.wilson(3, 30))
    expected = [
        not low <= 0 <= high for low, high in (stats.newcombe(60, 200, y, 30) for y in (3, 9, 15))
    ]
    assert simulated.shows(share, n).tolist() == expected == [True, False, True]


@pytest.mark.parametrize(
    "setting",
    [
        Setting("user", 0.30, 0.10, 0.5, 3, 0.2),
        Setting("user", 0.35, 0.10, 0.3, 6, 0.3),
        Setting("user", 0.08, 0.10, 0.1, 3, 0.1),
        Setting("user", 0.12, 0.18, 0.4),
        Setting("account", 0.30, 0.10, 0.5, 4, 0.10),
        Setting("account", 0.30, 0.15, 0.3, 8, 0.3),
        Setting("account", 0.30, 0.10, 0.2, 4, 0.17),
    ],
    ids=str,
)
def test_the_planned_units_have_the_promised_power_in_simulated_accounts(setting):
    assert simulated.shown(setting, units=setting.units) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("looks", [4, 12, 26])
@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize(
    "setting",
    [
        Setting("user", 0.30, 0.10, 0.5, 3, 0.2),
        Setting("user", 0.08, 0.10, 0.1, 3, 0.1),
        Setting("user", 0.12, 0.18, 0.4),
        Setting("account", 0.30, 0.10, 0.5, 4, 0.10),
    ],
    ids=str,
)
def test_the_planned_units_have_the_promised_power_however_often_they_are_looked_at(
    setting, looks, ends
):
    looked_at = replace(setting, looks=looks, ends=ends)
    assert simulated.shown(looked_at, units=looked_at.units) == pytest.approx(0.8, abs=0.02)


def test_looks_that_are_not_planned_for_cost_power():
    setting = Setting("user", 0.30, 0.10, 0.5)
    assert simulated.shown(replace(setting, looks=12), units=setting.units) < 0.76
    said = sizing.power(0.3, 0.1, setting.units, holdout=0.5, looks=12)
    assert said == pytest.approx(0.74, abs=0.01)


def test_one_look_is_what_it_is_without_looks():
    alone, said = {"holdout": 0.3}, {"holdout": 0.3, "looks": 1, "ends": True}
    assert sizing.units_needed(0.3, 0.1, **said) == sizing.units_needed(0.3, 0.1, **alone)
    assert sizing.power(0.3, 0.1, 500, **said) == sizing.power(0.3, 0.1, 500, **alone)


def test_more_looks_no_end_and_less_error_take_more_units():
    def units(**said):
        return sizing.units_needed(0.3, 0.1, holdout=0.5, **said)

    assert units() < units(looks=4, ends=True) < units(looks=12, ends=True) < 1.04 * units()
    assert units(looks=12, ends=True) < units(looks=12) < 1.2 * units()
    assert units() < units(error=0.025) < units(error=0.025, looks=12, ends=True)
    # Two means at 2.5 %: ((2.2414 + .8416) / (1.96 + .8416))² times the units.
    assert units(error=0.025) / units() == pytest.approx((3.0830 / 2.8016) ** 2, rel=0.01)


def test_whole_accounts_without_their_design_effect_miss_the_promise():
    setting = Setting("account", 0.30, 0.15, 0.3, 8, 0.3)
    alone = round(setting.units / setting.design_effect)
    assert simulated.shown(setting, units=alone) < 0.5


def test_people_do_not_need_the_design_effect_of_their_accounts():
    # Colleagues stand in both arms: the same people, drawn one by one, show far more.
    people = Setting("user", 0.30, 0.15, 0.3, 8, 0.3)
    accounts = Setting("account", 0.30, 0.15, 0.3, 8, 0.3)
    assert people.units * accounts.design_effect == pytest.approx(accounts.units, rel=0.01)
    assert simulated.shown(people, units=accounts.units, draws=500) > 0.99


shares = st.floats(0.01, 0.99)


looked = st.sampled_from([(1, True), (1, False), (4, True), (12, False)])


@given(shares, shares, st.floats(0.02, 0.98), st.floats(1, 5), looked)
def test_units_power_and_smallest_difference_agree(base, effect, holdout, times, looked):
    said = {"holdout": holdout, "design_effect": times, "looks": looked[0], "ends": looked[1]}
    units = sizing.units_needed(base, effect, **said)
    if units is None:
        assert base + effect > 1
        return
    assert sizing.power(base, effect, units, **said) >= 0.8 - 1e-6
    assert sizing.smallest_difference(base, units, **said) <= effect + 1e-6
    more = sizing.smallest_difference(base, 2 * units, **said)
    assert 0 < more < effect
    expected = (base + (1 - holdout) * effect) * min(holdout, 1 - holdout)
    if expected * units > 6:  # not bound by the fewest events: a little less shows less
        assert sizing.power(base, effect, 0.9 * units, **said) < 0.8


def test_few_held_out_units_must_expect_five_that_reach_the_goal():
    units = sizing.units_needed(0.02, 0.4, holdout=0.05)
    assert units == math.ceil(5 / (0.05 * (0.02 + 0.95 * 0.4)))
    assert sizing.smallest_difference(0.02, units, holdout=0.05) == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize(
    ("base", "effect", "holdout"),
    [(0, 0.1, 0.5), (1, 0.1, 0.5), (0.97, 0.05, 0.5), (0.3, 0.1, 0), (0.3, 0.1, 1), (0.3, 0, 0.5)],
)
def test_what_cannot_be_planned_is_none(base, effect, holdout):
    assert sizing.units_needed(base, effect, holdout=holdout) is None
    assert sizing.power(base, effect, 1000, holdout=holdout) is None
    if base in (0, 1) or holdout in (0, 1):
        assert sizing.smallest_difference(base, 1000, holdout=holdout) is None


@pytest.mark.parametrize("units", [0, 1, 3])
def test_a_handful_of_units_shows_nothing(units):
    assert sizing.smallest_difference(0.3, units, holdout=0.1) is None
    assert (sizing.power(0.3, 0.1, units, holdout=0.1) or 0) < 0.2
