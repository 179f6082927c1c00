"""Time to goal by arm, against published examples."""

from __future__ import annotations

import math

import pytest

from playbook.inference import stats
from playbook.inference.times import Waiting, log_rank, sooner

# Life in days of fruit flies (a number of them dead, or lost: +), after lifelines' waltons; a mix
# of two lines of D. Walton's.
MIR_137 = "6x1 9x3 13x3 15x2 19x3 22x4 26x5 29x5 33x2 36x2 43x1 47x1 62x2"
CONTROL = (
    "7+x1 7x1 17x1 32x1 33x1 38x2 41x7 45+x1 45x9 48x8 51x3 53x7 54x2 56x18 58x4 60+x1 60x15 "
    "61+x2 61x9 63x9 66x3 68+x1 68x9 69+x1 69x12 75x1"
)
# Remission in weeks (Freireich et al. 1963, Blood 21), 6-MP and placebo.
TREATED = "6x3 6+x1 7x1 9+x1 10x1 10+x1 11+x1 13x1 16x1 17+x1 19+x1 20+x1 22x1 23x1 25+x1 32+x2 34+x1 35+x1"  # noqa: E501
PLACEBO = "1x2 2x2 3x1 4x2 5x2 8x4 11x2 12x2 15x1 17x1 22x1 23x1"


def waiting(text):
    cells = [cell.split("x") for cell in text.split()]
    return Waiting(
        [float(time.rstrip("+")) for time, _ in cells],
        [not time.endswith("+") for time, _ in cells],
        [int(weight) for _, weight in cells],
    )


def test_the_log_rank_test_is_lifelines():
    # lifelines: logrank_test of waltons, 122.249; the median of all is 56 days.
    flies = waiting(MIR_137), waiting(CONTROL)
    assert [sum(arm.weights) for arm in flies] == [34, 129]
    chi2, p = log_rank(*flies)
    assert chi2 == pytest.approx(122.249, abs=5e-4)
    assert p == pytest.approx(2.04e-28, rel=0.01)
    every = waiting(f"{MIR_137} {CONTROL}")
    assert stats.kaplan_meier(every.times, every.reached, every.weights).quantile(0.5) == 56


def test_the_log_rank_test_is_rs():
    # R: survdiff of the same 42 patients, chi-squared 16.8 on 1 degree of freedom.
    assert log_rank(waiting(TREATED), waiting(PLACEBO))[0] == pytest.approx(16.79, abs=0.005)


def test_the_mean_time_is_the_area_under_the_curve_by_hand():
    # All four seen: 1 until 1, 3/4 until 2, 1/2 until 4, then 1/4; the mean of 1, 2, 4, 5.
    found = sooner(waiting("1x1 2x1 4x1 9x1"), waiting("5x4"), limit=5)
    assert (found.treated, found.holdout, found.difference) == (3.0, 5.0, -2.0)
    # Without censoring Greenwood's variance is that of the times cut at 5, over n.
    variance = sum((time - 3) ** 2 for time in (1, 2, 4, 5)) / 4 / 4
    assert found.high - found.low == pytest.approx(2 * stats.DEVIATIONS * math.sqrt(variance))


def test_the_mean_time_with_censoring_is_that_by_hand():
    # One lost at 2 of four: 1 until 1, 3/4 until 4, then 3/8.
    found = sooner(waiting("1x1 2+x1 4x1 9x1"), waiting("5x4"), limit=6)
    assert found.treated == pytest.approx(1 + 3 * 3 / 4 + 2 * 3 / 8)
    # Greenwood: at 1 the area after it is 3 (4 · 3 at risk), at 4 it is 3/4 (2 · 1).
    variance = 3**2 / 12 + 0.75**2 / 2
    assert found.high - found.low == pytest.approx(2 * stats.DEVIATIONS * math.sqrt(variance))


def test_the_treated_stay_longer_in_remission():
    found = sooner(waiting(TREATED), waiting(PLACEBO), limit=23)
    assert found.low > 3
    assert found.p == pytest.approx(4.17e-5, rel=0.01)
    turned = sooner(waiting(PLACEBO), waiting(TREATED), limit=23)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_weights_are_as_good_as_repeated_rows():
    text = "3x2 4+x3 6x1 8+x2"
    alone = " ".join(f"{c.split('x')[0]}x1" for c in text.split() for _ in range(int(c[-1])))
    other = waiting("2x3 8+x4")
    assert sooner(waiting(text), other, limit=7) == sooner(waiting(alone), other, limit=7)


@pytest.mark.parametrize(
    ("treated", "holdout"),
    [("", "3x1 9+x4"), ("2+x5", "3x1 9+x4"), ("", ""), ("3x1 9+x4", "1x3 4+x1")],
)
def test_a_curve_that_is_not_known_to_the_limit_has_no_mean(treated, holdout):
    assert sooner(waiting(treated), waiting(holdout), limit=7) is None


@pytest.mark.parametrize(
    ("treated", "holdout", "difference", "p"),
    [
        ("9+x4", "9+x9", 0, None),  # nobody
        ("1x4", "1x9", 0, None),  # everybody at once
        ("0x1", "9+x1", -7, 1),
        ("1x1", "2x1", -1, 0.3173),
    ],
)
def test_nobody_everybody_or_one_is_a_finite_answer(treated, holdout, difference, p):
    found = sooner(waiting(treated), waiting(holdout), limit=7)
    assert found.difference == difference
    assert all(math.isfinite(v) for v in (found.low, found.high, found.treated, found.holdout))
    assert found.p is None if p is None else 0 <= found.p <= 1
