"""The effect as assigned, and among those reached, against published figures."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.inference import compare, permuted, stats
from playbook.inference.arms import Arm
from playbook.inference.reached import Shape, reached
from tests import golden
from tests.benchmarks.error_rates import summed


@pytest.fixture(scope="module")
def clusters(shared):
    return golden.arms(shared / "oracle" / "cluster_golden.csv")


def error(treated, holdout):
    return math.sqrt(treated.covariance[0, 0] + holdout.covariance[0, 0])


def unweighed(arm):
    """The variance of the share without any correction of its bias (CR0)."""
    return summed(arm).covariance[0, 0] * (arm.effective - 1) / arm.effective


# People


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        # Newcombe 1998, Statistics in Medicine 17, 873–890, table II, method 10.
        (((70, 56), (80, 48)), (0.0524, 0.3339)),
        (((10, 9), (10, 3)), (0.1705, 0.8090)),
        (((10, 10), (20, 0)), (0.6791, 1.0000)),
    ],
)
def test_the_difference_of_people_has_newcombes_interval(arms, expected):
    found = compare.people(*arms)
    assert (found.low, found.high) == pytest.approx(expected, abs=6e-5)
    assert found.method == "people"


counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@given(counts, counts)
def test_the_interval_of_people_is_the_packages_and_its_p_value_agrees_with_it(treated, holdout):
    found = compare.people(treated, holdout)
    low, high = stats.newcombe(treated[1], treated[0], holdout[1], holdout[0])
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.p == pytest.approx(0.05, abs=1e-6) or (found.p < 0.05) == (low > 0 or high < 0)
    assert 0 < found.error < 1
    # An interval as wide as the p value says touches 0.
    if 1e-12 < found.p < 0.999:
        deviations = math.sqrt(2) * _inverse_erfc(found.p)
        at = compare.people(treated, holdout, deviations=deviations)
        assert min(abs(at.low), abs(at.high)) < 1e-6


def _inverse_erfc(p):
    from scipy.special import erfcinv

    return float(erfcinv(p))


def test_the_difference_of_the_treated_and_the_held_out_turns_its_sign_with_them():
    one, other = compare.people((70, 56), (80, 48)), compare.people((80, 48), (70, 56))
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    assert other.p == pytest.approx(one.p)


def test_more_deviations_widen_the_interval():
    plain, wide = (compare.people((700, 300), (300, 100), deviations=d) for d in (1.96, 3.36))
    assert wide.low < plain.low < plain.difference < plain.high < wide.high
    assert plain.p == wide.p


def test_a_randomized_trial_and_its_naive_contrast_are_the_published_ones():
    # Earnings in the National Supported Work trial (LaLonde 1986; Dehejia and Wahba 1999), as in
    # causaldata: 1,794.34 with HC2 error 670.997; against people of a survey who were never
    # drawn, −8,497.516: the same arithmetic, and no experiment.
    import causaldata

    trial = causaldata.nsw_mixtape.load_pandas().data
    treated = trial.re78[trial.treat == 1].astype(float)
    holdout = trial.re78[trial.treat == 0].astype(float)
    survey = causaldata.cps_mixtape.load_pandas().data.re78.astype(float)
    arms = [
        Arm(len(v), len(v), v.sum(), 0, len(v), v.sum(), (v**2).sum())
        for v in (treated, holdout, survey)
    ]
    assert [len(v) for v in (treated, holdout, survey)] == [185, 260, 15992]
    assert arms[0].share - arms[1].share == pytest.approx(1794.3424, abs=1e-3)
    assert error(*arms[:2]) == pytest.approx(670.99655, abs=1e-3)
    assert arms[0].share - arms[2].share == pytest.approx(-8497.516, abs=1e-3)


# Accounts


def test_the_difference_of_accounts_is_that_of_r(clusters):
    treated, holdout = clusters
    # R estimatr 1.0.0, lm_robust(y ~ z, clusters = account): CR2 error .069636413, 44.6 degrees
    # of freedom, (−.054182, .226395); CR0 .067749042.
    found = compare.accounts(treated, holdout)
    assert (found.accounts, found.units) == ((40, 40), (143, 166))
    assert found.difference == pytest.approx(0.086106664, abs=1e-9)
    assert found.error == pytest.approx(0.069636413, abs=1e-9)
    assert math.sqrt(unweighed(treated) + unweighed(holdout)) == pytest.approx(
        0.067749042, abs=1e-9
    )
    # Ours is no t interval of the difference, but as wide.
    assert found.high - found.low == pytest.approx(0.226395 + 0.054182, rel=0.02)
    assert found.method == "accounts"


def test_the_sums_of_accounts_are_those_of_tea_tasting(clusters):
    treated, holdout = clusters
    import tea_tasting as tt
    from tea_tasting.aggr import Aggregates

    def aggregates(arm):
        count, n, did = arm.accounts, arm.n / arm.accounts, arm.did / arm.accounts
        return Aggregates(
            count_=count,
            mean_={"n": n, "did": did},
            var_={
                "n": (arm.n_n - count * n**2) / (count - 1),
                "did": (arm.did_did - count * did**2) / (count - 1),
            },
            cov_={("did", "n"): (arm.n_did - count * n * did) / (count - 1)},
        )

    metric = tt.RatioOfMeans("did", "n", equal_var=False, use_t=False)
    theirs = metric.analyze_aggregates(aggregates(holdout), aggregates(treated))
    width = (theirs.effect_size_ci_upper - theirs.effect_size_ci_lower) / 2 / stats.DEVIATIONS
    assert width == pytest.approx(0.0686121, abs=1e-7)
    ours = [unweighed(arm) * arm.accounts / (arm.accounts - 1) for arm in (treated, holdout)]
    assert math.sqrt(sum(ours)) == pytest.approx(width, abs=1e-9)
    # What we take instead of accounts / (accounts − 1) is nearer to R's CR2 (.069636).
    assert error(summed(treated), summed(holdout)) == pytest.approx(0.0692749, abs=1e-7)


def test_accounts_of_one_person_are_people():
    rows = [[(1, k < did) for k in range(n)] for n, did in ((900, 300), (600, 150))]
    accounts = compare.accounts(*[summed(Arm.of(each)) for each in rows])
    people = compare.people((900, 300), (600, 150))
    assert (accounts.low, accounts.high) == pytest.approx((people.low, people.high), abs=3e-4)
    assert summed(Arm.of(rows[0])) == Arm.of_people(900, 300)


def test_accounts_without_units_do_not_count():
    assert Arm.of([(2, 1), (0, 0), (3, 3)]) == Arm.of([(3, 3), (2, 1)])


def test_alike_accounts_tell_as_much_as_their_people_and_no_more():
    arms = [Arm.of([(4, did)] * 50) for did in (2, 1)]
    found = compare.accounts(*arms)
    people = compare.people((200, 100), (200, 50))
    assert found.low == pytest.approx(people.low, abs=0.005)
    assert found.error == people.error


accounts_of_people = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda row: (row[0], min(row))),
    min_size=2,
    max_size=60,
)


@given(accounts_of_people, accounts_of_people)
def test_the_interval_of_accounts_agrees_with_its_p_value(treated, holdout):
    found = compare.accounts(*[summed(Arm.of(rows)) for rows in (treated, holdout)])
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert 0 < found.p <= 1
    assert found.p == pytest.approx(0.05, abs=1e-6) or (found.p < 0.05) == (
        found.low > 0 or found.high < 0
    )


# Few accounts


def test_with_under_40_accounts_in_an_arm_the_accounts_are_drawn_again(clusters):
    treated, holdout = clusters
    fewer = Arm.of(treated.rows[:39])
    assert compare.accounts(fewer, holdout).method == "permutation"
    assert compare.accounts(summed(fewer), holdout).method == "accounts"


def test_drawing_the_accounts_again_finds_the_published_p_value(clusters):
    treated, holdout = clusters
    # 9,999 draws with another seed, unstudentised, gave .2361; either is good to ± .008.
    found = permuted.difference(treated, holdout)
    assert found.p == pytest.approx(0.2361, abs=0.012)
    assert found == permuted.difference(treated, holdout)


def test_all_draws_of_a_few_accounts_are_counted():
    treated = [(3, 3), (2, 2), (4, 3)]
    holdout = [(5, 1), (3, 0), (2, 0), (4, 2)]
    found = permuted.difference(Arm.of(treated), Arm.of(holdout))

    def statistic(arms):
        parts = []
        for arm in arms:
            n = sum(a for a, _ in arm)
            share = sum(y for _, y in arm) / n
            weight = n**2 / sum(a * a for a, _ in arm)
            spread = sum((y - share * a) ** 2 for a, y in arm) / n**2 * weight / (weight - 1)
            parts.append((share, spread))
        return abs(parts[0][0] - parts[1][0]) / math.sqrt(parts[0][1] + parts[1][1])

    rows = treated + holdout
    own = statistic((treated, holdout))
    draws = [
        statistic(([rows[i] for i in chosen], [rows[i] for i in range(7) if i not in chosen]))
        for chosen in itertools.combinations(range(7), 3)
    ]
    assert len(draws) == 35
    assert found.p == pytest.approx(sum(draw >= own - 1e-9 for draw in draws) / 35)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=2, max_size=6),
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=2, max_size=6),
)
def test_the_interval_of_few_accounts_agrees_with_its_p_value(treated, holdout):
    arms = [Arm.of((n, min(n, did)) for n, did in rows) for rows in (treated, holdout)]
    found = permuted.difference(*arms)
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert (found.p <= 0.05) == (found.low > 0 or found.high < 0) or found.p == 1
    assert 0 < found.p <= 1


def test_the_order_of_the_accounts_says_nothing(clusters):
    treated, holdout = clusters
    rows = [list(arm.rows) for arm in (treated, holdout)]
    for each in rows:
        random.Random(3).shuffle(each)
    assert permuted.difference(*map(Arm.of, rows)) == permuted.difference(treated, holdout)


def test_an_effect_that_every_account_shows_is_found_with_six_an_arm():
    treated, holdout = Arm.of([(5, 4), (6, 5)] * 3), Arm.of([(5, 1), (6, 1)] * 3)
    found = compare.accounts(treated, holdout)
    assert found.low > 0.3
    assert found.p < 0.01


# Edges


@pytest.mark.parametrize(
    ("treated", "holdout"),
    [
        ([], []),
        ([(3, 1)], []),
        ([(3, 1)], [(4, 4)]),
        ([(3, 3)], [(4, 0), (2, 0)]),
        ([(3, 3), (2, 2)], [(4, 0), (2, 0)]),
        ([(3, 0), (2, 0)], [(4, 0), (2, 0)]),
        ([(3, 3), (2, 2)], [(4, 4), (2, 2)]),
        ([(1, 1)] * 50, [(1, 0)] * 50),
        ([(1, 0)] * 50, [(1, 0)] * 50),
        ([(2, 2)] * 50, [(3, 3)] * 50),
        ([(100_000, 5), (1, 1)], [(2, 0)] * 45),
        ([(100_000, 5), *[(1, 1)] * 44], [(2, 0)] * 45),
    ],
)
def test_nothing_all_or_one_is_a_finite_answer(treated, holdout):
    arms = Arm.of(treated), Arm.of(holdout)
    for found in (
        compare.accounts(*arms),
        compare.accounts(*map(summed, arms)),
        compare.people((arms[0].n, arms[0].did), (arms[1].n, arms[1].did)),
    ):
        known = [v for v in dataclasses.astuple(found) if isinstance(v, float)]
        assert all(math.isfinite(v) for v in known)
        assert -1 <= found.low <= (found.difference or 0) <= found.high <= 1
        assert 0 < found.p <= 1
        assert found.error is None or found.error > 0
        assert (found.difference is None) == (not arms[0].n or not arms[1].n)
    one = reached(*arms)
    assert one is None or all(
        math.isfinite(v) for v in dataclasses.astuple(one) if isinstance(v, float)
    )


# Among those reached


def test_the_effect_among_those_reached_is_that_of_r(clusters):
    treated, holdout = clusters
    # R estimatr 1.0.0, iv_robust(y ~ d | z, clusters = account): .14317736, CR2 .11467577,
    # (−.087847, .374202); CR0 .11156237.
    found = reached(treated, holdout)
    assert found.effect == pytest.approx(0.14317736, abs=1e-8)
    assert found.error == pytest.approx(0.11467577, abs=1e-8)
    assert (found.shape, found.one_sided, found.units_got) == (Shape.INTERVAL, True, (86, 0))
    # Ours is no t interval around the ratio, but as wide; it is wider below, as Wilson's of the
    # effect as assigned is.
    assert found.high - found.low == pytest.approx(0.374202 + 0.087847, rel=0.02)
    assert (found.low, found.high) == pytest.approx((-0.087847, 0.374202), abs=0.016)
    assert found.f == pytest.approx((0.6013986 / 0.043527) ** 2, rel=1e-3)


def test_the_uncorrected_error_among_those_reached_is_that_of_linearmodels(clusters):
    treated, holdout = clusters
    # linearmodels 7.1 IV2SLS, clustered: .1115624.
    beta = reached(treated, holdout).effect
    slopes = np.array([1, -beta])
    variance = sum(
        slopes @ summed(arm).covariance @ slopes * (arm.effective - 1) / arm.effective
        for arm in (treated, holdout)
    )
    assert math.sqrt(variance) / (86 / 143) == pytest.approx(0.11156237, abs=1e-8)


def test_in_large_samples_the_region_is_anderson_and_rubins(clusters):
    # The same 80 accounts 200 times over: its ends are what the clustered test just refuses.
    treated, holdout = (Arm.of(arm.rows * 200) for arm in clusters)
    found = reached(treated, holdout)
    for end in (found.low, found.high):
        # Whoever was reached did it so much more often: taken away, the arms are alike.
        left = [_without(arm, end) for arm in (treated, holdout)]
        statistic = abs(left[0].share - left[1].share) / error(*left)
        assert statistic == pytest.approx(stats.DEVIATIONS, rel=0.01)


@pytest.mark.parametrize("fewer", [39, 12])
def test_with_few_accounts_the_ends_are_effects_that_drawing_again_just_refuses(clusters, fewer):
    treated, holdout = (Arm.of(arm.rows[-fewer:]) for arm in clusters)
    found = reached(treated, holdout)
    assert found.shape is Shape.INTERVAL
    for end in (found.low, found.high):
        p = _drawn_again(treated, holdout, end)
        assert p == pytest.approx(0.05, abs=0.01)


def _drawn_again(treated, holdout, effect):
    """The p value of the arms drawn again, once the effect is taken from those reached."""
    rows = [(n, did - effect * got) for n, did, got in (*treated.rows, *holdout.rows)]
    rng = np.random.default_rng(8)

    def statistic(order):
        arms = [Arm.of(rows[i] for i in part) for part in np.split(order, [treated.accounts])]
        arms = [summed(arm) for arm in arms]
        return abs(arms[0].share - arms[1].share) / error(*arms)

    own = statistic(np.arange(len(rows)))
    draws = [statistic(rng.permutation(len(rows))) for _ in range(3000)]
    return np.mean([draw >= own * (1 - 1e-9) for draw in draws])


@pytest.mark.parametrize("fewer", [40, 39, 12])
def test_where_all_were_reached_the_region_is_the_interval_as_assigned(clusters, fewer):
    arms = [
        Arm.of((n, did, n * treated) for n, did, _ in arm.rows[-fewer:])
        for arm, treated in zip(clusters, (True, False), strict=True)
    ]
    found, assigned = reached(*arms), compare.accounts(*arms)
    assert found.effect == pytest.approx(assigned.difference)
    assert (found.low, found.high) == pytest.approx((assigned.low, assigned.high), abs=1e-5)


got_and_did = st.integers(8, 300).flatmap(
    lambda n: st.tuples(st.just(n), *[st.integers(0, n)] * 3).map(
        lambda v: (v[0], v[1], v[2], max(0, v[1] + v[2] - v[0], min(v[3], v[1], v[2])))
    )
)


@given(got_and_did, counts.filter(lambda arm: arm[0] > 1), st.sampled_from([1.96, 2.5, 4.0]))
def test_no_effect_is_left_out_exactly_where_the_interval_as_assigned_leaves_it_out(
    treated, holdout, deviations
):
    found = reached(Arm.of_people(*treated), Arm.of_people(*holdout), deviations=deviations)
    assigned = compare.people(treated[:2], holdout, deviations=deviations)
    if found is None:
        return
    out = assigned.low > 1e-9 or assigned.high < -1e-9
    if found.shape is Shape.INTERVAL:
        assert (
            out == (found.low > 0 or found.high < 0)
            or min(abs(assigned.low), abs(assigned.high)) < 1e-6
        )
        assert found.low <= found.effect <= found.high
    elif found.shape is Shape.RAYS:
        assert out
        assert found.low < 0 < found.high
        assert not found.low < found.effect < found.high
    else:
        assert not out or found.shape is Shape.NOTHING


@pytest.mark.parametrize(
    ("treated", "holdout"),
    [((90, 9, 45, 9), (10, 0)), ((360, 30, 180, 25), (40, 0)), ((54, 20, 27, 15), (6, 0))],
)
def test_a_rare_goal_among_few_held_out_people_is_not_taken_for_certain(treated, holdout):
    # Nobody of ten did it: that is no variance of 0.
    found = reached(Arm.of_people(*treated), Arm.of_people(*holdout))
    assert found.low < 0 < found.effect < found.high


def _without(arm, effect):
    return Arm.of((n, did - effect * got) for n, did, got in arm.rows)


def test_people_have_the_same_effect_among_those_reached_as_their_sums():
    treated, holdout = Arm.of_people(400, 200, 300, 170), Arm.of_people(100, 40)
    found = reached(treated, holdout)
    assert found.effect == pytest.approx((0.5 - 0.4) / 0.75)
    assert found.low < 0 < found.effect < found.high


def test_a_holdout_that_got_the_message_is_no_tot():
    treated, holdout = Arm.of_people(400, 200, 300, 170), Arm.of_people(100, 40, 5, 3)
    assert reached(treated, holdout).one_sided is False
    assert reached(treated, holdout).units_got == (300, 5)


@pytest.mark.parametrize(
    ("treated", "holdout", "shape"),
    [
        # 2 of 400 got it: any effect fits, however large.
        ((400, 200, 2, 1), (100, 48), Shape.EVERYTHING),
        # Hardly anybody got it, and the arms differ: small effects do not fit.
        ((400, 260, 2, 2), (100, 30), Shape.RAYS),
        ((400, 200, 300, 170), (100, 40), Shape.INTERVAL),
    ],
)
def test_a_weak_instrument_has_no_interval(treated, holdout, shape):
    found = reached(Arm.of_people(*treated), Arm.of_people(*holdout))
    assert found.shape == shape
    assert (found.low is None) == (shape == Shape.EVERYTHING)
    assert (found.f < 10) == (shape != Shape.INTERVAL)


def test_nobody_reached_has_no_effect_among_those_reached():
    assert reached(Arm.of_people(400, 200), Arm.of_people(100, 40)) is None
    both = Arm.of_people(100, 40, 100, 40)
    assert reached(both, both).effect is None
    assert reached(both, both).shape == Shape.EVERYTHING
    apart = reached(Arm.of_people(100, 90, 100, 90), both)
    assert (apart.effect, apart.shape) == (None, Shape.NOTHING)
