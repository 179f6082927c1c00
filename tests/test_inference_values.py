"""Means and ratios by arm, against published figures, other packages, and worlds of known truth."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from playbook.inference import values
from playbook.inference.samples import COLUMNS, SUMS, Sample
from tests import golden
from tests.benchmarks import metric_worlds
from tests.benchmarks.metric_worlds import summed

SEEDS = 40


def people(numbers, before=()):
    """The arm of people, by what each did, and did before."""
    rows = itertools.zip_longest(numbers, before, fillvalue=0.0)
    known = float(len(before) > 0)
    return Sample.of([(1.0, now, known, was) for now, was in rows], units=len(numbers))


def symmetric(clusters, first, second):
    """The arm of these sums whose third moments about the means are none."""
    first, second = np.array(first), np.array(second)
    mean = first / clusters
    about = second - np.outer(first, first) / clusters
    third = clusters * np.einsum("i,j,k", mean, mean, mean)
    third += np.einsum("i,jk->ijk", mean, about) + np.einsum("j,ik->ijk", mean, about)
    third += np.einsum("k,ij->ijk", mean, about)
    arrays = {1: first, 2: second, 3: third}
    sums = {
        name: arrays[len(columns)][tuple(COLUMNS.index(column) for column in columns)]
        for name, columns in SUMS.items()
    }
    return Sample.of_sums(clusters, clusters, sums)


def mirrored(found):
    return replace(
        found,
        difference=-found.difference,
        low=-found.high,
        high=-found.low,
        treated=found.holdout,
        holdout=found.treated,
        accounts=found.accounts[::-1],
        units=found.units[::-1],
    )


def near(found, **tolerance):
    numbers = (
        found.difference,
        found.low,
        found.high,
        found.p,
        found.error,
        found.explained or 0.0,
    )
    return pytest.approx(numbers, **tolerance)


def numbers(found):
    return near(found).expected


# Published figures


def test_the_difference_of_means_is_that_of_growthbook():
    # packages/stats/tests/frequentist/test_tests.py, two-sided, absolute.
    arms = [
        symmetric(n, (n, total, 0, 0), np.diag([n, squares, 0, 0]) + total * CROSS)
        for n, total, squares in ((3461, 2422.7, 134698.29), (3407, 1396.87, 52377.9767))
    ]
    found = values.difference(*arms)
    assert found.difference == pytest.approx(0.29)
    assert (found.low, found.high) == pytest.approx((0.04538, 0.53462), abs=5e-6)
    assert found.p == pytest.approx(0.02016, abs=5e-6)
    assert found.error == pytest.approx(0.12478, abs=5e-6)
    assert (found.method, found.explained) == ("people", None)


CROSS = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_the_adjusted_difference_of_ratios_is_that_of_growthbook():
    # The same file, regression-adjusted ratio: −.0007 of the ratio held out, error .00391,
    # (−.00841, .00700), p .85771, with one slope for both arms; ours has two.
    holdout = _growthbook(
        *(679.9093275844917, 485.112236689623, 290.1398399750233, 192.59138069991536),
        *(4939.424001640236, 2715.484666118136, 920.9461385038898, 460.076026390857),
        *(3602.146836776702, 2130.9404074446747, 1460.3181079276983),
        *(1559.2878434944676, 1113.6215759318352, 634.239482353647),
    )
    treated = _growthbook(
        *(705.4090874383759, 514.7757826608777, 302.54389139107326, 206.94157227402536),
        *(5291.36604146392, 2994.897482705013, 994.4506208125663, 514.2903702246757),
        *(3918.1561431600717, 2292.081739775257, 1604.0759503266522),
        *(1701.0287270040265, 1237.0953021125997, 698.4173425817908),
    )
    found = values.difference(treated, holdout)
    assert found.difference / found.holdout == pytest.approx(-0.0007, abs=1e-4)
    assert found.error / found.holdout == pytest.approx(0.00391, rel=0.02)
    assert found.low / found.holdout == pytest.approx(-0.00841, abs=2e-4)
    assert found.high / found.holdout == pytest.approx(0.00700, abs=2e-4)
    assert found.p == pytest.approx(0.85771, abs=0.02)
    assert 0.8 < found.explained < 1


def _growthbook(b, v, b0, v0, bb, vv, b0b0, v0v0, bv, bb0, bv0, vb0, vv0, b0v0):
    second = [
        [bb, bv, bb0, bv0],
        [bv, vv, vb0, vv0],
        [bb0, vb0, b0b0, b0v0],
        [bv0, vv0, b0v0, v0v0],
    ]
    return symmetric(100, (b, v, b0, v0), second)


def users(*, covariates):
    import tea_tasting as tt

    table = tt.make_users_data(rng=42, covariates=covariates).to_pylist()
    return [[row for row in table if row["variant"] == arm] for arm in (1, 0)]


def sample(rows, value, base=None, before=""):
    def number(row, name):
        return row[name + before] if name else 1.0

    return Sample.of(
        [
            (
                row[base] if base else 1.0,
                row[value],
                number(row, base) if before else 0.0,
                number(row, value) if before else 0.0,
            )
            for row in rows
        ],
        units=len(rows),
    )


@pytest.mark.parametrize(
    ("value", "base", "relative", "p", "adjusted", "adjusted_p"),
    [
        # tea-tasting's user guide, make_users_data(rng=42), without and with covariates; p there
        # is 0.674, 0.0762, 0.118, 0.123, and 0.603, 0.00229, 0.00733, 0.00674: without what
        # skewness changes, and with one slope for both arms.
        ("sessions", None, -0.0066, 0.674, -0.0068, 0.603),
        ("orders", "sessions", 0.088, 0.0762, 0.12, 0.00229),
        ("orders", None, 0.080, 0.118, 0.11, 0.00733),
        ("revenue", None, 0.093, 0.123, 0.14, 0.00674),
    ],
)
def test_the_documented_example_of_tea_tasting(value, base, relative, p, adjusted, adjusted_p):
    for covariates, change, error in ((False, relative, p), (True, adjusted, adjusted_p)):
        before = "_covariate" * covariates
        treated, holdout = (
            sample(rows, value, base, before) for rows in users(covariates=covariates)
        )
        found = values.difference(treated, holdout)
        assert found.difference / found.holdout == pytest.approx(change, rel=0.05)
        assert found.p == pytest.approx(error, rel=0.03)
        assert (found.explained is not None) == covariates


@pytest.mark.parametrize(("value", "base"), [("revenue", None), ("orders", "sessions")])
def test_the_figures_of_people_are_those_of_tea_tasting(value, base):
    # As many in both arms: nothing is skewed. A ratio's clusters weigh a little less than all.
    import tea_tasting as tt

    arms = [rows[:1900] for rows in users(covariates=False)]
    found = values.difference(*[sample(rows, value, base) for rows in arms])
    metric = tt.RatioOfMeans(value, base) if base else tt.Mean(value)
    table = {name: [row[name] for rows in arms for row in rows] for name in arms[0][0]}
    import pyarrow as pa

    theirs = tt.Experiment(it=metric).analyze(pa.table(table), control=0)["it"]
    tolerance = 3e-4 if base else 1e-9
    ends = (theirs.effect_size_ci_lower, theirs.effect_size_ci_upper)
    assert found.difference == pytest.approx(theirs.effect_size, rel=1e-9)
    assert (found.treated, found.holdout) == pytest.approx((theirs.treatment, theirs.control))
    assert found.error == pytest.approx(theirs.effect_size / theirs.statistic, rel=tolerance)
    if not base:
        assert (found.low, found.high) == pytest.approx(ends, rel=1e-9)
        assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_difference_of_accounts_is_that_of_r(shared):
    # R estimatr 1.0.0, lm_robust(y ~ z, clusters = account): CR2 error .069636413, 44.6 degrees
    # of freedom, (−.054182, .226395).
    accounts = defaultdict(lambda: [0, 0])
    for row in golden.read(shared / "oracle" / "cluster_golden.csv"):
        account = accounts[row["z"], row["account"]]
        account[0] += 1
        account[1] += int(row["y"])
    treated, holdout = (
        Sample.of(
            rows := [(n, did, 0, 0) for (arm, _), (n, did) in accounts.items() if arm == z],
            units=sum(row[0] for row in rows),
        )
        for z in "10"
    )
    found = values.difference(treated, holdout)
    assert (found.accounts, found.units, found.method) == ((40, 40), (143, 166), "accounts")
    assert found.difference == pytest.approx(0.086106664, abs=1e-9)
    assert found.error == pytest.approx(0.069636413, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((-0.054182, 0.226395), abs=2e-3)
    assert found.high - found.low == pytest.approx(0.226395 + 0.054182, rel=0.01)
    sums = values.difference(summed(treated), summed(holdout))
    assert sums.error == pytest.approx(0.0692749, abs=1e-7)


# Against least squares, by hand


def test_the_adjusted_difference_of_people_is_that_of_least_squares_with_a_slope_per_arm():
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    before = rng.gamma(2, 1, 500)
    treated = np.arange(500) < 300
    now = (1 + 0.3 * treated) * before + rng.normal(size=500) + 0.2 * treated
    found = values.difference(
        people(now[treated], before[treated]), people(now[~treated], before[~treated])
    )
    about = before - before.mean()
    fit = sm.OLS(now, np.column_stack([np.ones(500), treated, about, treated * about])).fit()
    assert found.difference == pytest.approx(fit.params[1], rel=1e-9)
    # What is left of each arm after the slope between, and what two slopes cost.
    slopes = fit.params[2] + np.array([fit.params[3], 0])
    slope = slopes @ np.array([200, 300]) / 500
    variance = 0.0
    for arm in (treated, ~treated):
        n, x = arm.sum(), before[arm] - before[arm].mean()
        lopsided = abs((x**3).sum()) / (x**2).sum() ** 1.5
        left = (now - slope * before)[arm].var(ddof=1) / n
        variance += left * (n - 1) / (n - 2) / (1 - lopsided**2)
    assert found.error == pytest.approx(math.sqrt(variance), rel=1e-9)
    # HC2 does not know that the time before is a sample itself.
    assert fit.get_robustcov_results("HC2").bse[1] == pytest.approx(found.error, rel=0.05)
    plain = values.difference(people(now[treated]), people(now[~treated]))
    assert found.explained == pytest.approx(1 - (found.error / plain.error) ** 2)


def test_the_difference_of_people_has_the_error_hc2_of_least_squares():
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    treated = np.arange(400) < 300
    now = rng.exponential(2, 400) * (1 + treated)
    found = values.difference(people(now[treated]), people(now[~treated]))
    fit = sm.OLS(now, sm.add_constant(treated.astype(float))).fit().get_robustcov_results("HC2")
    assert (found.difference, found.error) == pytest.approx((fit.params[1], fit.bse[1]))


# What changes nothing


def two_arms(kind, seed=5):
    rng = np.random.default_rng(seed)
    sizes = {"people": (300, 60), "accounts": (90, 50), "few accounts": (8, 6)}[kind]
    draw = metric_worlds.counts if kind == "people" else metric_worlds.by_account
    return [draw(rng, n, effect) for n, effect in zip(sizes, (0.3, 0.0), strict=True)]


def compared(arms, **options):
    samples = [Sample.of(rows, units=int(rows[:, 0].sum())) for rows in arms]
    return values.difference(*samples, **options)


KINDS = ["people", "accounts", "few accounts"]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_change_places_turn_the_sign(kind):
    arms = two_arms(kind)
    assert numbers(mirrored(compared(arms[::-1]))) == near(compared(arms), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_money_that_it_is_counted_in_changes_nothing_but_its_name(kind):
    arms = two_arms(kind)
    cents = [rows * np.array([1, 100, 1, 1000]) for rows in arms]
    one, other = compared(arms), compared(cents)
    assert numbers(other) == pytest.approx(
        (
            one.difference * 100,
            one.low * 100,
            one.high * 100,
            one.p,
            one.error * 100,
            one.explained or 0.0,
        )
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_everybody_gets_more_changes_nothing(kind):
    arms = two_arms(kind)
    more = [rows + rows[:, :1] * np.array([0, 1000, 0, 50]) for rows in arms]
    assert numbers(compared(more)) == near(compared(arms), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_clusters_says_nothing(kind):
    arms = two_arms(kind)
    assert compared([rows[::-1] for rows in arms]) == compared(arms)


def test_more_deviations_widen_the_interval():
    arms = two_arms("accounts")
    plain, wide = compared(arms), compared(arms, deviations=3.36)
    assert wide.low < plain.low < plain.difference < plain.high < wide.high
    assert plain.p == wide.p


@pytest.mark.parametrize("kind", KINDS)
def test_an_interval_as_wide_as_the_p_value_says_touches_nothing(kind):
    from scipy.special import erfcinv

    arms = two_arms(kind)
    found = compared(arms)
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    at = compared(arms, deviations=math.sqrt(2) * float(erfcinv(found.p)))
    assert min(abs(at.low), abs(at.high)) < 0.02 * (found.high - found.low)


# An engine's sums


def test_sums_are_named_by_the_columns_that_they_multiply():
    assert SUMS["value"] == ("value",)
    assert SUMS["base_value_before"] == ("base", "value_before")
    assert SUMS["value_value_value"] == ("value", "value", "value")
    assert len(SUMS) == 4 + 10 + 20


def test_sums_say_what_rows_say():
    people_alone = [Sample.of(rows, units=len(rows)) for rows in two_arms("people")]
    found = values.difference(*people_alone)
    assert numbers(values.difference(*map(summed, people_alone))) == near(found, rel=1e-9)
    accounts = [Sample.of(rows, units=len(rows)) for rows in two_arms("accounts")]
    sums = values.difference(*map(summed, accounts))
    assert numbers(sums) == near(values.difference(*accounts), rel=0.1)


def test_an_engine_may_leave_out_the_time_before_and_sums_of_no_rows_are_null():
    sums = {"base": 2, "value": 3, "base_base": 2, "base_value": 3, "value_value": 5}
    sums |= {"base_base_base": 2, "base_base_value": 3, "base_value_value": 5}
    sums |= {"value_value_value": 9}
    assert Sample.of_sums(2, 2, sums) == replace(people([1, 2]), rows=())
    assert Sample.of_sums(0, 0, dict.fromkeys(SUMS)) == replace(Sample.of([], units=0), rows=())
    with pytest.raises(KeyError):
        Sample.of_sums(2, 2, {"base": 2})


# Few clusters


def test_all_draws_of_a_few_accounts_are_counted():
    treated, holdout = [(3, 9.0), (2, 4.5), (4, 13.0)], [(5, 1.0), (3, 7.0), (2, 2.0), (4, 6.0)]

    def statistic(arms):
        parts = []
        for arm in arms:
            n = sum(a for a, _ in arm)
            mean = sum(y for _, y in arm) / n
            weight = n**2 / sum(a * a for a, _ in arm)
            spread = sum((y - mean * a) ** 2 for a, y in arm) / n**2 * weight / (weight - 1)
            parts.append((mean, spread))
        return abs(parts[0][0] - parts[1][0]) / math.sqrt(parts[0][1] + parts[1][1])

    rows, own = treated + holdout, statistic((treated, holdout))
    draws = [
        statistic(([rows[i] for i in chosen], [rows[i] for i in range(7) if i not in chosen]))
        for chosen in itertools.combinations(range(7), 3)
    ]
    by_draws = sum(draw >= own - 1e-9 for draw in draws) / 35
    arms = [Sample.of([(*row, 0, 0) for row in arm], units=9) for arm in (treated, holdout)]
    found = values.difference(*arms)
    assert found.method == "permutation"
    assert found.difference == pytest.approx(26.5 / 9 - 16 / 14)
    # The p value is the larger one of that of the draws and that of t.
    assert found.p == pytest.approx(max(by_draws, values.difference(*map(summed, arms)).p), rel=0.1)
    assert found.p >= by_draws - 1e-12


def test_an_effect_that_every_account_shows_is_found_with_six_an_arm():
    treated = Sample.of([(5, 45, 0, 0), (6, 51, 0, 0)] * 3, units=33)
    holdout = Sample.of([(5, 11, 0, 0), (6, 13, 0, 0)] * 3, units=33)
    found = values.difference(treated, holdout)
    assert found.low > 4
    assert found.p < 0.01


def test_three_accounts_an_arm_never_show_an_effect():
    arms = [Sample.of([(1, v, 0, 0) for v in arm], units=3) for arm in ((7, 8, 9), (1, 2, 3))]
    found = values.difference(*arms)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.p >= 0.1


cluster = st.tuples(
    st.integers(1, 6), st.floats(0, 50).map(lambda x: round(x, 1)), st.integers(0, 9)
).map(lambda row: (row[0], row[1], row[0], row[2]))


@settings(max_examples=60)
@given(st.lists(cluster, min_size=2, max_size=50), st.lists(cluster, min_size=2, max_size=50))
def test_the_interval_agrees_with_its_p_value_whatever_the_clusters(treated, holdout):
    found = values.difference(*[Sample.of(rows, units=9) for rows in (treated, holdout)])
    assert 0 < found.p <= 1
    assert found.low <= found.difference <= found.high
    assert (found.p <= 0.05) == (found.low > 0 or found.high < 0) or found.p == pytest.approx(
        0.05, abs=1e-6
    )
    assert not any(math.isnan(v) for v in (found.low, found.high, found.p))


# Long tails


def test_halves_are_compared_as_welch_does_however_long_the_tail():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(6)
    arms = [rng.lognormal(0, 2, 200) for _ in range(2)]
    found = values.difference(*map(people, arms))
    assert found.p == pytest.approx(ttest_ind(*arms, equal_var=False).pvalue)


def test_fewer_held_out_reach_less_far_up_where_the_tail_is_long():
    # The few may not have met their tail: the effect may be smaller than it seems.
    rng = np.random.default_rng(7)
    treated, holdout = rng.lognormal(0, 1, 900), rng.lognormal(0, 1, 100)
    found = values.difference(people(treated), people(holdout))
    assert found.method == "people"
    below, above = found.difference - found.low, found.high - found.difference
    assert below > 1.1 * above


def test_too_long_a_tail_for_so_few_is_refused_and_a_cap_helps():
    rng = np.random.default_rng(8)
    paid = [(rng.random(n) < 0.05) * rng.lognormal(3, 2, n) for n in (900, 60)]
    found = values.difference(*map(people, paid))
    assert found.method == "skewed"
    assert (found.low, found.high, found.p, found.error) == (-math.inf, math.inf, 1.0, None)
    assert found.difference == pytest.approx(paid[0].mean() - paid[1].mean())
    capped = values.difference(*[people(np.minimum(arm, 20)) for arm in paid])
    assert capped.error > 0


@given(st.floats(-6, 6), st.floats(-1, 1))
def test_the_transformation_is_turned_back(t, skew):
    assert values._skewed(values._unskewed(t, skew), skew) == pytest.approx(t, abs=1e-4)


def test_an_arm_that_never_varies_borrows_the_spread_of_the_other():
    # None of 100 held-out units paid; 50 of 1,000 treated ones did.
    treated, holdout = people([0.0] * 950 + [1.0] * 50), people([0.0] * 100)
    found = values.difference(treated, holdout)
    alone = math.sqrt(0.05 * 0.95 / 1000)
    assert found.error > 3 * alone
    assert found.low < 0 < found.high


# The time before


def test_a_time_before_that_tells_nothing_is_left_out():
    rng = np.random.default_rng(9)
    now = [rng.normal(size=200) for _ in range(2)]
    for before in (np.zeros(200), np.ones(200), rng.normal(size=200) * 0, rng.normal(size=200)):
        found = values.difference(*[people(arm, before) for arm in now])
        plain = values.difference(*map(people, now))
        assert found.error <= plain.error
        assert found.explained is None or found.explained < 0.05


def test_a_time_before_that_a_few_had_is_left_out():
    rng = np.random.default_rng(10)
    now = rng.normal(size=200)
    before = np.where(np.arange(200) < 3, now * 50, 0.0)
    arms = [people(now, before), people(now[::-1].copy(), before)]
    assert values.difference(*arms).explained is None


def test_whoever_asks_for_no_adjustment_gets_none():
    arms = two_arms("people")
    assert compared(arms).explained > 0.3
    assert compared(arms, adjusted=False).explained is None


# Edges


@pytest.mark.parametrize(
    ("treated", "holdout", "method"),
    [
        ([], [], "none"),
        ([(1, 5, 1, 2)], [], "none"),
        ([(1, 5, 1, 2)], [(1, 4, 1, 1)], "none"),
        ([(1, 5, 0, 0)], [(1, 4, 0, 0)] * 50, "none"),
        ([(1, 0, 0, 0)] * 50, [(1, 0, 0, 0)] * 60, "none"),
        ([(1, 3, 0, 0)] * 50, [(1, 3, 0, 0)] * 60, "none"),
        ([(1, 3, 1, 1)] * 50, [(1, 1, 1, 1)] * 60, "none"),
        ([(0, 0, 0, 0)] * 50, [(1, 1, 0, 0), (1, 2, 0, 0)] * 25, "none"),
        ([(0, 0, 0, 0)] * 50 + [(3, 1, 0, 0)], [(1, 1, 0, 0), (1, 2, 0, 0)] * 25, "none"),
        ([(0, 0, 2, 1)] * 5 + [(3, 1, 0, 0), (2, 2, 1, 1)], [(1, 1, 0, 0)] * 9, "permutation"),
        ([(2, 0, 2, 1), (3, 1, 3, 0)] * 30, [(0, 0, 1, 1), (1, 2, 0, 0)] * 30, "accounts"),
        # One account is nearly all.
        ([(1e6, 5, 0, 0), (1, 1, 0, 0)], [(2, 0, 0, 0), (2, 1, 0, 0)] * 25, "permutation"),
        ([(1e6, 5, 0, 0)] + [(1, 1, 0, 0)] * 50, [(2, 0, 0, 0), (2, 1, 0, 0)] * 25, "accounts"),
    ],
)
def test_nothing_all_or_one_is_an_answer(treated, holdout, method):
    arms = [Sample.of(rows, units=sum(int(row[0]) for row in rows)) for rows in (treated, holdout)]
    found = values.difference(*arms)
    assert found.method == method
    for each in (found, values.difference(*map(summed, arms))):
        assert not any(math.isnan(v) for v in (each.low, each.high, each.p))
        assert each.low <= (each.difference or 0) <= each.high
        assert 0 < each.p <= 1
        assert each.error is None or 0 < each.error < math.inf
        empty = not all(sum(row[0] for row in rows) for rows in (treated, holdout))
        assert (each.difference is None) == empty
        if method == "none":
            assert (each.low, each.high, each.p, each.error) == (-math.inf, math.inf, 1.0, None)


# Planning


def test_as_many_units_are_needed_as_other_packages_say():
    from statsmodels.stats.power import TTestIndPower

    for spread, effect, holdout in ((3, 0.5, 0.5), (3, 0.2, 0.1), (40, -5, 0.3)):
        per = TTestIndPower().solve_power(
            effect_size=abs(effect) / spread, alpha=0.05, power=0.8, ratio=holdout / (1 - holdout)
        )
        needed = values.units_needed(spread, effect, holdout=holdout)
        # Theirs pools the variance of the arms, which asks for a few less.
        assert per / (1 - holdout) - 1 <= needed <= per / (1 - holdout) + 16


def test_so_many_units_show_the_effect_in_four_plays_of_five():
    rng = np.random.default_rng(11)
    n = values.units_needed(1.0, 0.5, holdout=0.2)
    held = round(n * 0.2)
    seen = [
        values.difference(
            summed(people(rng.normal(0.5, 1, n - held))), summed(people(rng.normal(0, 1, held)))
        ).p
        < 0.05
        for _ in range(600)
    ]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.05)


def test_accounts_and_many_looks_need_more_units():
    alone = values.units_needed(3.0, 0.5, holdout=0.5)
    assert values.units_needed(3.0, 0.5, holdout=0.5, design_effect=2) == pytest.approx(
        2 * alone, abs=1
    )
    assert values.units_needed(3.0, 0.5, holdout=0.5, deviations=2.5) > alone


@pytest.mark.parametrize(("spread", "effect", "holdout"), [(0, 1, 0.5), (1, 0, 0.5), (1, 1, 0)])
def test_nothing_is_planned_without_effect_spread_or_holdout(spread, effect, holdout):
    assert values.units_needed(spread, effect, holdout=holdout) is None


# Error rates; `python -m tests.benchmarks metric_worlds` draws each world 500 times


@pytest.mark.parametrize("name", metric_worlds.WORLDS)
def test_an_interval_is_wrong_in_one_of_twenty_worlds(name):
    wrong = sum(metric_worlds.WORLDS[name](np.random.default_rng(seed)) for seed in range(SEEDS))
    # So many wrong by chance in any of all the worlds is rare.
    assert wrong <= binom.ppf(1 - 0.01 / len(metric_worlds.WORLDS), SEEDS, 0.05)


def test_the_worlds_tell_a_wrong_interval_from_a_right_one(monkeypatch):
    # Nothing is made of the tail that the few held out have not met.
    monkeypatch.setattr(values, "_spread", lambda parts: ([part.squares for part in parts], 0.0))
    world = metric_worlds.WORLDS["revenue, 10% pay, σ 1.5, 900 and 100, +0%"]
    wrong = sum(world(np.random.default_rng(seed)) for seed in range(2 * SEEDS))
    assert wrong > binom.ppf(0.99, 2 * SEEDS, 0.05)
