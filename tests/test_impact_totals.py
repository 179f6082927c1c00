"""Tests that are known by their totals alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import playbook as pb
from playbook.declare import Experiment
from playbook.inference import compare, values
from playbook.inference.samples import Sample
from tests import elsewhere

DAYS = pd.date_range("2026-01-05", "2026-02-01", freq="D")
SHARE = {"name": "bought", "of": "share", "value": "bought"}
MONEY = {"name": "revenue", "of": "mean", "value": "revenue", "smallest_effect": 9.0}


def declared(**totals):
    """An experiment that is known by its totals, two arms in halves, looked at once."""
    given = {"within": "7d", "looks": "400d", "until": "2026-02-02", "metrics": [SHARE]}
    given["split"] = {"control": 0.5, "short": 0.5}
    words = {"slug": "pricing", "hypothesis": "Shorter sells.", "smallest_effect": 0.1}
    return Experiment(**words, totals=given | totals)


def by_day(units, metric="bought"):
    """The totals of units (`day`, `arm`, `value`)."""
    each = units.assign(squares=units["value"] ** 2, n=1)
    found = each.groupby(["day", "arm"], as_index=False)[["n", "value", "squares"]].sum()
    return found.rename(columns={"day": "at"}).assign(test="pricing", metric=metric)


def drawn(arms, *, seed=0, days=DAYS):
    """Units (`day`, `arm`, `value`): arm → (how many, what draws their values)."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"day": rng.choice(days, n), "arm": arm, "value": values(rng, n)})
        for arm, (n, values) in arms.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"value": "float64"})


def share_of(share):
    return lambda rng, n: rng.random(n) < share


def revenue(mean, pays=0.3):
    return lambda rng, n: np.where(rng.random(n) < pays, rng.lognormal(mean, 1, n), 0)


def told(frame, experiment=None, **product):
    """The rows of `impact.totals`."""
    people = elsewhere.people({"a": (50, 0.5)})
    tables = {"events": elsewhere.log(people), "users": elsewhere.users(people)}
    if frame is not None:
        tables["totals"] = frame
    run = elsewhere.opened({}, experiments=[experiment or declared()], **product, **tables)
    return pb.impact.totals(run)


def test_a_share_by_day_and_arm_is_that_of_its_units():
    units = drawn({"control": (900, share_of(0.2)), "short": (900, share_of(0.3))})
    (row,) = told(by_day(units)).rows
    arms = [units[units["arm"] == arm]["value"] for arm in ("short", "control")]
    same = compare.people(*((len(arm), int(arm.sum())) for arm in arms))
    assert (row["n_treated"], row["n_holdout"]) == (900, 900)
    for name in ("treated", "holdout", "difference", "low", "high"):
        assert row[name] == pytest.approx(100 * getattr(same, name))
    assert (row["verdict"], row["grade"], row["in"]) == ("works", "C", "% of persons within 7 days")


def test_a_mean_takes_squares_and_is_that_of_its_units():
    units = drawn({"control": (900, revenue(3)), "short": (900, revenue(3.4))})
    (row,) = told(by_day(units, "revenue"), declared(metrics=[MONEY])).rows
    arms = [
        Sample.of([(1, value, 1, 0) for value in units[units["arm"] == arm]["value"]], units=900)
        for arm in ("short", "control")
    ]
    same = values.difference(*arms, adjusted=False)
    for name in ("treated", "holdout", "difference"):
        assert row[name] == pytest.approx(getattr(same, name))
    # Halves: what the third moment adds cancels, so that both intervals agree nearly.
    for name in ("low", "high"):
        assert row[name] == pytest.approx(getattr(same, name), abs=0.02 * same.error)
    assert (row["verdict"], row["grade"]) == ("works", "C")


def test_without_squares_a_mean_has_no_interval_and_says_so():
    units = drawn({"control": (900, revenue(3)), "short": (900, revenue(3.4))})
    frame = by_day(units, "revenue").drop(columns="squares")
    (row,) = told(frame, declared(metrics=[MONEY])).rows
    assert (row["difference"], row["verdict"], row["grade"]) == (None, "cannot tell", "–")
    assert "`squares`" in row["because"]


def test_days_count_when_their_units_time_is_over_by_what_was_counted_last():
    days = [
        # day, n, value, counted_at
        ("2026-03-01", 100, 10, "2026-03-04"),  # an early count, which a later one replaces
        ("2026-03-01", 100, 30, "2026-03-20"),
        ("2026-03-10", 100, 30, "2026-03-18"),  # over at its end: one day, and seven more
        ("2026-03-11", 100, 30, "2026-03-18"),  # counted a day too early
        ("2026-03-23", 100, 30, "2026-03-31"),  # over as the last day of the data, 31 March, begins
        ("2026-03-24", 100, 30, "2026-04-05"),  # counted after the end of the data
    ]
    frame = pd.DataFrame(days, columns=["at", "n", "value", "counted_at"]).assign(test="pricing")
    for name in ("at", "counted_at"):
        frame[name] = pd.to_datetime(frame[name])
    frame = pd.concat([frame.assign(arm="control"), frame.assign(arm="short")])
    (row,) = told(frame, declared(until="2026-05-01")).rows
    assert row["n_treated"] == 300
    assert row["treated"] == pytest.approx(30)


def test_sizes_that_do_not_fit_the_split_have_no_effect():
    units = drawn({"control": (700, share_of(0.2)), "short": (900, share_of(0.4))})
    (row,) = told(by_day(units)).rows
    assert (row["difference"], row["verdict"], row["grade"]) == (None, "cannot tell", "–")
    assert "900 treated, 700 held out" in row["because"]


def test_of_three_arms_each_is_compared_with_the_control_and_wider():
    arms = {
        "control": (600, share_of(0.2)),
        "short": (600, share_of(0.2)),
        "long": (600, share_of(0.35)),
    }
    split = dict.fromkeys(arms, 1 / 3)
    found = told(by_day(drawn(arms)), declared(split=split))
    short, long = found.rows
    assert (short["treatment"], short["verdict"]) == ("short", "cannot tell")
    assert (long["treatment"], long["verdict"]) == ("long", "works")
    did = [round(6 * long[arm]) for arm in ("treated", "holdout")]
    alone = compare.people(*((600, n) for n in did))
    assert long["high"] - long["low"] > 100 * 1.1 * (alone.high - alone.low)


def test_looks_before_the_end_are_interim_and_the_last_one_spends_what_is_left():
    units = drawn({"control": (900, share_of(0.2)), "short": (900, share_of(0.3))})
    (early,) = told(by_day(units), declared(looks="7d", until="2026-06-01")).rows
    (last,) = told(by_day(units), declared(looks="7d")).rows
    (once,) = told(by_day(units)).rows
    wide = [row["high"] - row["low"] for row in (early, last, once)]
    assert wide[0] > 1.1 * wide[1]
    assert wide[1] > wide[2]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"value": 101.0}, "what cannot be"),
        ({"n": -1}, "what cannot be"),
        ({"test": "another"}, "names no test `pricing`"),
        ({"arm": "short"}, "none is the control"),
        ({"arm": "control"}, "nothing to compare"),
    ],
)
def test_totals_that_cannot_be_read_say_why(change, says):
    frame = pd.DataFrame({"at": DAYS, "n": 100, "value": 20.0, "test": "pricing"})
    frame = pd.concat([frame.assign(arm="control"), frame.assign(arm="short")])
    split = {} if "arm" in change else {"control": 0.5, "short": 0.5}
    (row,) = told(frame.assign(**change), declared(split=split)).rows
    assert says in row["because"]
    assert row["difference"] is None


def test_without_the_table_nothing_is_told():
    assert "no table `totals` is mapped" in told(None).reason


@pytest.mark.parametrize(
    ("totals", "says"),
    [
        ({"metrics": [SHARE | {"of": "ratio", "per": {"value": "visits"}}]}, "whose `value` is"),
        ({"metrics": [{"name": "did", "of": "share", "event": "goal"}]}, "whose `value` is"),
        ({"metrics": [MONEY | {"winsorize": 0.99}]}, "without `winsorize`"),
        ({"split": {"control": 0.5, "short": 0.4}}, "two at least, together 1"),
        ({"split": {"a": 0.5, "b": 0.5}}, "say which arm is the `control`"),
        ({"metrics": [SHARE, SHARE]}, "two metrics are called `bought`"),
        ({"metrics": []}, "at least 1 item"),
    ],
)
def test_what_totals_cannot_tell_is_refused(totals, says):
    with pytest.raises(ValueError, match=says):
        declared(**totals)
