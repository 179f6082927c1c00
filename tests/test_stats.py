"""Intervals, corrections and curves, against published figures."""

import math

import pytest

from playbook.inference import stats

# Remission in weeks under 6-MP (Freireich 1963; Gehan 1965); a plus is censored.
REMISSION = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"


def drawn(text):
    """Times and whether each was reached."""
    cells = text.split()
    return [float(cell.rstrip("+")) for cell in cells], [not cell.endswith("+") for cell in cells]


def test_a_wilson_interval_is_the_published_one():
    # statsmodels' and R's `prop.test(4, 30, correct = FALSE)`.
    assert stats.wilson(4, 30) == pytest.approx((0.05310, 0.29681), abs=5e-6)


@pytest.mark.parametrize(("successes", "n"), [(0, 30), (30, 30), (0, 1), (1, 1), (0, 0)])
def test_a_wilson_interval_stays_between_0_and_1(successes, n):
    low, high = stats.wilson(successes, n)
    assert 0 <= low < high <= 1
    share = successes / n if n else 0.5
    assert low - 1e-12 <= share <= high + 1e-12


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Newcombe 1998, Statistics in Medicine 17, 873–890, table II, method 10.
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
    ],
)
def test_a_newcombe_interval_is_the_published_one(counts, expected):
    assert stats.newcombe(*counts) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize(
    "counts", [(0, 10, 0, 10), (10, 10, 10, 10), (0, 10, 10, 10), (0, 0, 1, 2), (1, 2, 0, 0)]
)
def test_a_newcombe_interval_of_nothing_or_all_is_a_number_between_minus_1_and_1(counts):
    low, high = stats.newcombe(*counts)
    assert -1 <= low < high <= 1


def test_a_sample_ratio_is_the_published_one():
    # The worked example of lukasvermeer/srm.
    assert stats.sample_ratio((9463, 7681), (0.5, 0.5)) == pytest.approx(3.50e-42, rel=0.005)


def test_a_sample_ratio_compares_with_the_planned_split():
    assert stats.sample_ratio((900, 100), (0.9, 0.1)) == pytest.approx(1)
    assert stats.sample_ratio((500, 500), (0.9, 0.1)) < 1e-9
    assert stats.sample_ratio((0, 0), (0.9, 0.1)) == 1


def test_corrected_p_values_are_those_of_benjamini_and_hochberg():
    # R: p.adjust(c(.118, .0211, .0213, .00218), "BH").
    found = stats.corrected([0.118, 0.0211, 0.0213, 0.00218])
    assert found == pytest.approx([0.118, 0.0284, 0.0284, 0.00872], abs=1e-9)
    assert stats.corrected([]) == []


def test_p_values_corrected_for_all_together_are_those_of_holm():
    # 0.01 times three, 0.02 times two; none is below the one before it.
    assert stats.corrected_all([0.01, 0.04, 0.02]) == pytest.approx([0.03, 0.04, 0.04])
    assert stats.corrected_all([]) == []


def test_a_curve_is_the_published_one():
    times, reached = drawn(REMISSION)
    found = stats.kaplan_meier(times, reached, [1] * 21)
    survival = {
        t: round(1 - share, 3)
        for t, share, before in zip(found.times, found.shares, (0, *found.shares), strict=False)
        if share != before
    }
    assert survival == {
        6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448,
    }  # fmt: skip
    assert found.quantile(0.5) == 23
    assert found.quantile(0.9) is None


def test_a_band_is_greenwoods_on_the_log_log_scale():
    # R: summary(survfit(Surv(time, status) ~ 1, conf.type = "log-log")) at 6 and 23 weeks.
    times, reached = drawn(REMISSION)
    found = stats.kaplan_meier(times, reached, [1] * 21)
    bands = dict(zip(found.times, zip(found.lows, found.highs, strict=True), strict=True))
    assert bands[6] == pytest.approx((1 - 0.952, 1 - 0.620), abs=6e-4)
    assert bands[23] == pytest.approx((1 - 0.680, 1 - 0.188), abs=6e-4)


def test_weights_are_as_good_as_repeated_rows():
    times, reached = drawn(REMISSION)
    groups = sorted({*zip(times, reached, strict=True)})
    weights = [list(zip(times, reached, strict=True)).count(group) for group in groups]
    grouped = stats.kaplan_meier([t for t, _ in groups], [r for _, r in groups], weights)
    alone = stats.kaplan_meier(times, reached, [1] * 21)
    assert grouped.times == alone.times
    for name in ("shares", "lows", "highs"):
        assert getattr(grouped, name) == pytest.approx(getattr(alone, name))


@pytest.mark.parametrize(
    ("text", "last"),
    [("5+ 7+ 9+", 0), ("5 5 5", 1), ("5", 1), ("5+", 0), ("0 0 3+", 2 / 3)],
)
def test_a_curve_of_all_none_or_one_has_no_holes(text, last):
    times, reached = drawn(text)
    found = stats.kaplan_meier(times, reached, [1] * len(times))
    values = [*found.shares, *found.lows, *found.highs]
    assert all(math.isfinite(value) and 0 <= value <= 1 for value in values)
    assert (found.shares[-1] if found.shares else 0) == pytest.approx(last)
