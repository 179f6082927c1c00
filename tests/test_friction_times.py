"""The time that each step takes: over all who enter, and right although some are still open."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from playbook import charts, findings, friction
from playbook.friction.times import quantiles, step_curves
from playbook.inference import stats
from playbook.language.wording import length
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.spec import at

DAYS = timedelta(days=14)
WAY = question("way", "steps", start="signed_up", goals=["verified", "saved"], within="14d")
QUESTIONS = [
    WAY,
    question("again", "steps", start="signed_up", goals=["saved", "saved"], within="14d"),
    question("share", "reached_within", start="signed_up", goal="saved", within="14d"),
]
# bob never saves; cat and dee are still open, dee has verified.
EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    ann     | verified  | 2026-01-05 09:00:30
    ann     | saved     | 2026-01-06 15:30
    bob     | signed_up | 2026-01-05 09:00
    bob     | verified  | 2026-01-05 11:00
    cat     | signed_up | 2026-01-25 09:00
    dee     | signed_up | 2026-01-30 00:00
    dee     | verified  | 2026-01-30 12:00
"""
JANUARY = ("2026-01-01", "2026-02-01", "2026-01-31")


def told(found, *names):
    assert not isinstance(found, Unavailable), found
    return [tuple(row[name] for name in names) for row in found.rows]


def opened(events=EVENTS, **said):
    return small.run(questions=QUESTIONS, events=events, **said)


def test_all_who_enter_count_the_open_ones_for_as_long_as_they_were_seen():
    found = friction.times(opened(), "way")
    assert (found.id, found.shape, found.by) == ("friction.way_times", "table", ("step",))
    names = ("step", "n", "reached", "quarter_hours", "median_hours", "three_quarters_hours")
    # A minute, two hours, twelve hours: then only cat is left, and was seen for six days.
    # One of four saves, after 30.5 hours, when dee is out of sight.
    assert told(found, *names) == [
        ("verified", 4, 3, 1 / 60, 2.0, 12.0),
        ("saved", 4, 1, 31.0, None, None),
    ]
    assert told(found, "converters_hours") == [(2.0,), (31.0,)]


def test_a_curve_per_step_ends_at_the_window_and_holds_the_same_numbers():
    found = friction.time_curves(opened(), "way")
    assert (found.shape, found.by) == ("curve", ("step",))
    saved = [row for row in found.rows if row["step"] == "saved"]
    assert [(row["hours"], row["n"]) for row in saved] == [(0, 4), (31, 4), (336, 4)]
    assert [row["share"] for row in saved] == pytest.approx([0, 1 / 3, 1 / 3])


def test_without_open_attempts_a_curve_ends_at_the_share_that_the_steps_show():
    closed = opened(period=("2026-01-01", "2026-01-20", "2026-02-28"))
    steps = {row["step"]: row["of_first"] for row in friction.answer(closed, "way").rows}
    ends = {row["step"]: row["share"] for row in friction.time_curves(closed, "way").rows}
    assert ends == {"verified": steps["verified"], "saved": steps["saved"]}


def test_a_unit_that_starts_often_enters_with_the_attempt_that_the_steps_count():
    run = opened("""
        user_id | event     | at
        ann     | signed_up | 2026-01-02 09:00
        ann     | signed_up | 2026-01-05 09:00
        ann     | verified  | 2026-01-05 10:00
        bob     | signed_up | 2026-01-25 00:00
        bob     | signed_up | 2026-01-26 00:00
        bob     | verified  | 2026-01-26 06:00
        eve     | saved     | 2026-01-26 06:00
    """)
    # ann from her second start; bob, whose attempts are all open, from his first.
    (row,) = [row for row in friction.times(run, "way").rows if row["step"] == "verified"]
    assert (row["n"], row["quarter_hours"], row["three_quarters_hours"]) == (2, 1.0, 30.0)


def test_a_step_that_comes_twice_takes_two_times():
    run = opened("""
        user_id | event     | at
        ann     | signed_up | 2026-01-05 09:00
        ann     | saved     | 2026-01-05 10:00
        ann     | saved     | 2026-01-05 12:00
    """)
    found = friction.times(run, "again")
    assert told(found, "step", "median_hours") == [("saved", 1.0), ("saved (3)", 3.0)]


def test_times_by_segment_follow_the_products_order():
    users = "user_id | persona\nann | b\nbob | a\ncat | a\ndee |"
    run = opened(users=users, words={"order": {"persona": ["b", "a"]}})
    found = friction.times(run, "way", by="persona")
    assert told(found, "persona", "step", "n") == [
        (persona, step, n)
        for persona, n in (("b", 1), ("a", 2), ("(unknown)", 1))
        for step in ("verified", "saved")
    ]


@pytest.mark.parametrize("ask", [friction.times, friction.time_curves])
def test_what_has_no_steps_says_why(ask):
    assert "`share` is counted by `reached_within`" in ask(opened(), "share").reason
    assert "declares no question" in ask(opened(), "gone").reason
    assert "lacks the column(s) persona" in ask(opened(), "way", by="persona").reason


def test_nobody_takes_no_time():
    nobody = opened(period=("2026-01-20", "2026-01-21", "2026-01-31"))
    assert friction.times(nobody, "way").rows == []
    assert "Nobody" in findings.of(friction.times(nobody, "way")).text
    assert charts.of(friction.time_curves(nobody, "way"), title="x").reason == charts.NOTHING


def test_the_sentence_says_not_reached_where_half_never_get_there():
    text = findings.of(friction.times(opened(), "way"), "of new people").text
    assert text.splitlines() == [
        "- **verified**: half of new people within **2 hours** (from 1 minute on).",
        "- **saved**: not reached by half of new people, a quarter within 31 hours.",
    ]


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (1 / 60, "1 minute"),
        (1.99, "119 minutes"),
        (2, "2 hours"),
        (71, "71 hours"),
        (84, "3.5 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_own_unit(hours, words):
    assert length(hours) == words


# Censoring is right: people enter evenly over four weeks, the last day among them; 65 % save some
# day, after 4 days on average. The naive figures take who is still open as who never will.

EVER, MEAN, WEEKS = 0.65, 4.0, 4
SHARE = EVER * (1 - math.exp(-14 / MEAN))
MEDIAN = -MEAN * math.log(1 - 0.5 / EVER) * 24  # hours
SEEDS = 500


def simulated(draw, n):
    """Days from each entry to the end of the data, and from entry to saving (inf: never)."""
    seen = draw.uniform(0, 7 * WEEKS, n)
    saves = np.where(draw.random(n) < EVER, draw.exponential(MEAN, n), np.inf)
    return seen, saves


def counted(seen, saves):
    """The rows that `friction.times` fetches, to the hour and rounded up."""
    last = np.minimum(seen, 14)
    reached = saves <= last
    hours = np.ceil(np.where(reached, saves, last) * 24)
    keys, sizes = np.unique(np.stack([hours, reached]), axis=1, return_counts=True)
    return [
        {"step": "saved", "seconds": int(hour) * 3600, "reached": bool(did), "n": int(n)}
        for hour, did, n in zip(*keys, sizes, strict=True)
    ]


def covers(low, high, truth):
    return (low is not None and low <= truth) and (high is None or truth <= high)


def middle_of(values):
    """The interval of a plain median, by ranks."""
    ranks, n = np.sort(values), len(values)
    half = 1.96 * math.sqrt(n) / 2
    return ranks[max(int(n / 2 - half), 0)], ranks[min(int(n / 2 + half), n - 1)]


def test_shares_and_medians_are_right_in_93_of_100_seeds_and_the_naive_figures_are_not():
    draw = np.random.default_rng(4)
    right = dict.fromkeys(("closed", "curve", "median", "naive share", "naive median"), 0)
    for _seed in range(SEEDS):
        seen, saves = simulated(draw, 400)
        rows, did = counted(seen, saves), saves <= np.minimum(seen, 14)
        (row,), end = quantiles(rows, (), DAYS), step_curves(rows, (), DAYS)[-1]
        over = seen >= 14
        right["closed"] += covers(*stats.wilson(int(did[over].sum()), int(over.sum())), SHARE)
        right["curve"] += covers(end["low"], end["high"], SHARE)
        right["median"] += covers(row["low_hours"], row["high_hours"], MEDIAN)
        right["naive share"] += covers(*stats.wilson(int(did.sum()), 400), SHARE)
        right["naive median"] += covers(*middle_of(saves[did] * 24), MEDIAN)
    for name in ("closed", "curve", "median"):
        assert right[name] >= 0.93 * SEEDS, right
    for name in ("naive share", "naive median"):
        assert right[name] < 0.5 * SEEDS, right


def test_the_same_holds_from_the_tables_to_the_answer():
    draw, end, seeds, n = np.random.default_rng(5), at("2026-03-02"), 20, 150
    events, users = ["user_id | event | at"], ["user_id | persona"]
    for seed in range(seeds):
        for k, (seen, saves) in enumerate(zip(*simulated(draw, n), strict=True)):
            name, start = f"p{seed}_{k}", end - timedelta(days=seen)
            users.append(f"{name} | seed{seed:02d}")
            events.append(f"{name} | signed_up | {start}")
            events.append(f"{name} | verified | {start}")
            if saves <= seen:
                events.append(f"{name} | saved | {start + timedelta(days=saves)}")
    run = small.run(
        questions=QUESTIONS,
        events="\n".join(events),
        users="\n".join(users),
        period=("2026-01-01", "2026-03-03", str(end)),
    )
    times = [r for r in friction.times(run, "way", by="persona").rows if r["step"] == "saved"]
    assert sum(row["n"] for row in times) == seeds * n
    assert sum(covers(r["low_hours"], r["high_hours"], MEDIAN) for r in times) >= 18
    rows = friction.answer(run, "way", by="persona").rows
    shares = [row for row in rows if row["step"] == "saved"]
    assert sum(row["open"] for row in shares) > seeds * n / 4
    assert sum(covers(row["low"], row["high"], SHARE) for row in shares) >= 18
    # All who saved so far among all who entered: nearly always too low.
    naive = [stats.wilson(row["reached"], row["n"]) for row in times]
    assert sum(covers(*sides, SHARE) for sides in naive) <= 10


def test_in_the_sample_company_verifying_is_quick_and_saving_is_never_half(airtouch):
    rows = {row["step"]: row for row in friction.times(airtouch, "path_to_value").rows}
    assert rows["email_verified"]["median_hours"] < 1
    assert rows["workflow_saved"]["median_hours"] is None
    # The trap: those who do save take half a day, as if everybody did.
    assert rows["workflow_saved"]["converters_hours"] < 24
