"""Shares that moved in one week and stayed: whose they are, and what is no shift of its own."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from playbook import findings, friction
from playbook.inference import stats
from playbook.results import Unavailable, listings
from tests import small
from tests.small import question

FIRST, WEEKS, BROKEN = date(2026, 1, 5), 20, 14
WEEK = str(FIRST + timedelta(weeks=BROKEN))  # 2026-04-13
WAY = {"start": "signed_up", "within": "24h"}
STEPS = question("way", "steps", goals=["tried", "saved", "ran"], by=["device"], **WAY)
SHARE = question("saves", "reached_within", goal="saved", by=["device"], **WAY)
SPEED = question("speed", "time_to", start="signed_up", goal="saved", edges=["24h"])
LABELS = {"tablet": "tablets", "saved": "saved a workflow"}
# Of 60 who sign up 50 try; of these so many save in the weeks in turn, and half of them run.
USUAL, POOR = (20, 21, 19, 22), (6, 6, 7, 5)


def product(saved, *, questions=(STEPS, SHARE), weeks=WEEKS, as_of="2026-06-08", few="", **words):
    """A product of which in each week 60 sign up on each device, and `saved(device, week)` save.

    On the device `few` it is 3 who sign up and try.
    """
    users, events = ["user_id | device | plan"], ["user_id | event | at"]
    for week in range(weeks):
        day = FIRST + timedelta(weeks=week, days=1)
        for device in ("desktop", "phone", "tablet"):
            did = saved(device, week)
            for place in range(3 if device == few else 60):
                name = f"{device}{week}.{place}"
                users.append(f"{name} | {device} | {'pro' if place % 2 else 'free'}")
                reached = [True, place < 50, place < did, place < did // 2]
                named = zip(("signed_up", "tried", "saved", "ran"), reached, strict=True)
                events += [f"{name} | {what} | {day} 09:0{k}" for k, (what, is_) in
                           enumerate(named) if is_]  # fmt: skip
    return small.run(
        questions=questions,
        events="\n".join(events),
        users="\n".join(users),
        period=("2026-01-01", "2026-06-08", as_of),
        words={"min_n": 30, "labels": LABELS} | words,
    )


def falling(*devices):
    def saved(device, week):
        levels = POOR if device in devices and week >= BROKEN else USUAL
        return levels[(week + len(device)) % 4]

    return saved


@pytest.fixture(scope="module")
def broken():
    """On tablets saving breaks in the fifteenth week."""
    return product(falling("tablet"))


def told(found, *names):
    assert not isinstance(found, Unavailable), found
    return [tuple(row[name] for name in names) for row in found.rows]


def test_the_one_segment_step_and_week_are_named_and_nothing_else(broken):
    (row,) = friction.shifts(broken, by="plan").rows
    did, did_since = (
        sum(falling("tablet")("tablet", week) for week in weeks)
        for weeks in (range(BROKEN), range(BROKEN, WEEKS))
    )
    n, n_since = 50 * BROKEN, 50 * (WEEKS - BROKEN)
    low, high = stats.newcombe(did_since, n_since, did, n)
    assert row | {"p": 0, "p_corrected": 0} == {
        "question": "way",
        "step": "saved",
        "segment": "device=tablet",
        "since": "2026-04-13",
        "before": did / n,
        "after": did_since / n_since,
        "difference": did_since / n_since - did / n,
        "low": low,
        "high": high,
        "n_before": 700,
        "n_after": 300,
        "p": 0,
        "p_corrected": 0,
        "verdict": "fell",
    }
    assert (round(row["before"], 2), round(row["after"], 2)) == (0.41, 0.12)


def test_p_is_corrected_for_all_series_that_are_compared(broken):
    found = friction.shifts(broken, by="plan")
    # Of everybody, three devices and two plans: three steps, and one share.
    assert len([row for row in found.raw if row["p"] is not None]) == 6 * 3 + 6
    (row,) = found.rows
    assert row["p_corrected"] > row["p"]
    smallest = sorted(row["p"] for row in found.raw if row["p"] is not None)
    place = smallest.index(row["p"])
    assert row["p_corrected"] == pytest.approx(
        max(p * (24 - k) for k, p in enumerate(smallest[: place + 1]))
    )


def test_the_sentence_says_who_what_when_and_how_far(broken):
    assert findings.of(friction.shifts(broken)).text == (
        "**tablets**: “saved a workflow” fell from 41.0 % to 12.0 % in the week of 2026-04-13 and "
        "stayed (−29.0 points, −33.9 to −23.5)."
    )


def test_the_numbers_are_kept_as_figures(broken):
    kept = {row["figure"]: row for row in findings.of(friction.shifts(broken)).figures}
    own = "friction.shifts.way.saved.device=tablet"
    row = kept[f"{own}.difference"]
    assert [round(row[name], 3) for name in ("value", "low", "high")] == [-0.29, -0.339, -0.235]
    assert (row["n"], row["unit"]) == (1000, "difference")
    assert {name.removeprefix(f"{own}.") for name in kept} == {
        *("before", "after", "difference", "n_before", "n_after", "p", "p_corrected")
    }
    (cells,) = listings.table(friction.shifts(broken)).rows
    assert cells[:6] == (
        "way",
        "saved a workflow",
        "device=tablet",
        "2026-04-13",
        "41.0 %",
        "12.0 %",
    )


def test_what_everybody_does_is_told_of_everybody_and_of_no_segment():
    found = friction.shifts(product(falling("desktop", "phone", "tablet")), by="plan")
    assert told(found, "question", "step", "segment", "since", "verdict") == [
        ("way", "saved", "", WEEK, "fell")
    ]
    assert findings.of(found).text.startswith("“saved a workflow” fell from 41.0 % to 12.0 %")


def test_two_of_three_segments_are_named_both():
    found = friction.shifts(product(falling("phone", "tablet")))
    assert sorted(told(found, "step", "segment", "since")) == [
        ("saved", "device=phone", WEEK),
        ("saved", "device=tablet", WEEK),
    ]
    assert findings.of(found).text.count("\n- ") == 1


def test_where_the_others_are_too_few_to_say_it_is_everybody():
    found = friction.shifts(product(falling("phone", "desktop"), few="tablet"))
    assert told(found, "step", "segment") == [("saved", "")]


def test_a_segment_is_named_where_the_others_moved_too_and_all_together_show_nothing():
    def saved(device, week):
        if device == "tablet":
            return falling("tablet")(device, week)
        high, low = (23, 1) if week >= BROKEN else (40, 4)
        return high if week % 2 else low

    assert told(friction.shifts(product(saved)), "step", "segment") == [("saved", "device=tablet")]


def test_without_a_question_with_steps_the_share_is_named_by_what_it_asks():
    found = friction.shifts(product(falling("tablet"), questions=[SHARE]))
    assert told(found, "question", "step", "segment") == [("saves", "", "device=tablet")]
    assert findings.of(found).text.startswith("**tablets**: “saves?” fell from 34.2 % to 10.0 %")


def test_a_column_that_is_asked_for_is_looked_at_besides_the_questions_own():
    run = product(falling("tablet"), questions=[SHARE.model_copy(update={"by": ()})])
    assert told(friction.shifts(run), "segment") == [("",)]
    assert told(friction.shifts(run, by="device"), "segment") == [("device=tablet",)]
    assert told(friction.shifts(run, by=["plan", "device"]), "segment") == [("device=tablet",)]
    assert told(friction.shifts(run, by="nothing_like_it"), "segment") == [("",)]


def test_where_nothing_moves_it_says_of_how_many_series():
    found = friction.shifts(product(falling()))
    assert found.rows == []
    assert findings.of(found).text == (
        "None of 16 series (questions, steps and segments) is shown to have moved to another level."
    )


@pytest.mark.parametrize(
    "saved",
    [
        lambda device, week: 6 if (device, week) == ("tablet", 15) else 20 + week % 3,
        lambda device, week: 6 if (device, week) == ("tablet", 18) else 20 + week % 3,
        lambda device, week: 30 - week if device == "tablet" else 20 + week % 3,
        lambda device, week: 6 if device == "tablet" and 13 <= week < 17 else 20 + week % 3,
        lambda device, week: 21 - (device == "tablet" and week >= BROKEN),
    ],
    ids=["an odd week", "an odd week near the end", "a drift", "a return", "two points"],
)
def test_what_only_looks_like_a_shift_is_none(saved):
    assert friction.shifts(product(saved)).rows == []


def test_a_week_with_open_windows_does_not_count():
    whole = friction.shifts(product(falling("tablet"), questions=[STEPS]))
    cut = product(falling("tablet"), questions=[STEPS], as_of=f"{FIRST + timedelta(137)} 08:00")
    (row,), (row_cut,) = whole.rows, friction.shifts(cut).rows
    assert (row["n_after"], row_cut["n_after"]) == (300, 250)
    assert row_cut["since"] == WEEK


def test_a_break_in_the_last_complete_week_is_not_told_before_another_one():
    assert friction.shifts(product(falling("tablet"), weeks=BROKEN + 1)).rows == []


def test_few_weeks_are_not_compared():
    found = friction.shifts(product(falling("tablet"), weeks=4))
    assert findings.of(found).text == (
        "*No series has enough complete weeks: it takes 3 before a shift and 2 since.*"
    )


def test_fewer_than_min_n_on_a_side_are_not_compared():
    found = friction.shifts(product(falling("tablet"), weeks=6, min_n=300))
    assert {row["segment"] for row in found.raw if row["p"] is not None} == {""}


def test_a_product_without_such_a_question_says_so():
    found = friction.shifts(product(falling(), questions=[SPEED], weeks=1))
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("No share and no steps are declared that the data can tell")


def test_names_are_told_as_they_are_whatever_they_hold():
    run = product(falling("tablet"), labels={"tablet": "*all* [x]", "saved": "$a$"})
    assert findings.of(friction.shifts(run)).text.startswith(
        r"**\*all\* \[x\]**: “\$a\$” fell from"
    )


def test_segments_with_the_same_words_are_told_apart_by_their_names():
    words = {"tablet": "handhelds", "phone": "handhelds"}
    text = findings.of(friction.shifts(product(falling("tablet"), labels=words))).text
    assert text.startswith("**device=tablet**: ")


def test_the_sample_company_has_no_shift(airtouch):
    assert friction.shifts(airtouch).rows == []


def test_a_third_less_of_a_low_share_is_as_much_as_of_a_high_one():
    def saved(device, week):
        high, low = (40, 27) if device == "tablet" else (9, 6)
        return (low if week >= BROKEN else high) + week % 2

    found = friction.shifts(product(saved, questions=[STEPS]))
    assert told(found, "step", "segment", "verdict") == [("saved", "", "fell")]
