"""What is active at the ends of weeks and days: to the microsecond, and against its definition."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from playbook import charts, findings, friction
from playbook.answers import answer, mapped
from playbook.counting import active
from playbook.declare import DataPoint, Property
from playbook.language.periods import Period
from tests import small
from tests.small import question
from tests.spec import at, rows, table

DAY, WEEK = timedelta(days=1), timedelta(days=7)
PLAN = [DataPoint(event="ran", says="Ran.", properties={"tool": Property()})]
SERIES = ("active", "new", "kept", "revived", "lost")
YEAR = Period(at("2000-01-01"), at("2100-01-01"), at("2026-02-09"))


def states(text, within, every=WEEK, *, engine=None, by=(), period=YEAR):
    """Begin of a stretch → what is active, new, kept, revived and lost at its end."""
    found = active.active_things(table(text), within=within, every=every, by=by)
    told: dict[tuple, list[int]] = {}
    for row in active.states(rows(found, engine), every, period, by):
        told.setdefault((*(row[name] for name in by), row["period"]), []).append(row["value"])
    return {key if by else key[0]: tuple(values) for key, values in told.items() if any(values)}


# The edges, drawn


def test_what_is_active_is_new_kept_revived_and_lost(engine):
    text = """
        held | at
        w1   | 2026-01-06 00:00
        w1   | 2026-01-07 00:00
        w1   | 2026-01-14 00:00
        w1   | 2026-01-28 00:00
        w2   | 2026-01-12 00:00
        w3   | 2026-01-13 00:00
    """
    assert states(text, WEEK, engine=engine) == {
        "2026-01-05": (1, 1, 0, 0, 0),
        "2026-01-12": (3, 2, 1, 0, 0),  # w2 ran as the week began
        "2026-01-19": (0, 0, 0, 0, 3),
        "2026-01-26": (1, 0, 0, 1, 0),
        "2026-02-02": (0, 0, 0, 0, 1),
    }


def test_a_week_has_its_first_moment_and_not_its_end_to_the_microsecond(engine):
    text = """
        held | at
        w1   | 2026-01-11 23:59:59.999999
        w2   | 2026-01-12 00:00
        w3   | 2026-01-12 00:00:00.400
    """
    assert states(text, WEEK, engine=engine) == {
        "2026-01-05": (1, 1, 0, 0, 0),
        "2026-01-12": (2, 2, 0, 0, 1),
        "2026-01-19": (0, 0, 0, 0, 2),
    }


def test_a_look_back_over_weeks_begins_after_the_moment_that_is_exactly_as_long_ago(engine):
    text = """
        held | at
        w1   | 2026-01-05 00:00
        w2   | 2026-01-05 00:00:00.000001
        w3   | 2026-01-05 00:00:01
    """
    found = states(text, 2 * WEEK, engine=engine)
    assert {week: values[0] for week, values in found.items()} == {
        "2026-01-05": 3,
        "2026-01-12": 2,
        "2026-01-19": 0,
    }


def test_a_log_that_knows_days_only_has_seven_days_in_a_week_of_days(engine):
    found = states("held | at\nw1 | 2026-01-05 00:00", WEEK, DAY, engine=engine)
    assert [day for day, values in found.items() if values[0]] == [
        f"2026-01-{day:02}" for day in range(5, 12)
    ]
    assert states("held | at\nw1 | 2026-01-05 00:00", DAY, DAY, engine=engine) == {
        "2026-01-05": (1, 1, 0, 0, 0),
        "2026-01-06": (0, 0, 0, 0, 1),
    }


def test_who_was_there_before_is_no_newcomer_even_if_no_week_saw_them(engine):
    text = """
        held | at
        w1   | 2026-01-06 10:00
        w1   | 2026-01-25 12:00
    """
    assert states(text, DAY, engine=engine) == {
        "2026-01-19": (1, 0, 0, 1, 0),
        "2026-01-26": (0, 0, 0, 0, 1),
    }


def test_segments_come_and_go_each_by_itself(engine):
    text = """
        held | kind | at
        w1   | a    | 2026-01-06 00:00
        w1   | a    | 2026-01-14 00:00
        w2   |      | 2026-01-06 00:00
    """
    assert states(text, WEEK, engine=engine, by=["kind"]) == {
        ("a", "2026-01-05"): (1, 1, 0, 0, 0),
        ("a", "2026-01-12"): (1, 0, 1, 0, 0),
        ("a", "2026-01-19"): (0, 0, 0, 0, 1),
        (None, "2026-01-05"): (1, 1, 0, 0, 0),
        (None, "2026-01-12"): (0, 0, 0, 0, 1),
    }


# Against the definition


FIRST, LAST = datetime(2026, 1, 5), datetime(2026, 2, 9)
MOMENTS = st.one_of(
    st.integers(0, 27).map(lambda day: FIRST + day * DAY),  # midnights
    st.integers(0, 27).map(lambda day: FIRST + day * DAY - timedelta(microseconds=1)),
    st.integers(0, 27 * 86_400_000).map(lambda ms: FIRST + timedelta(milliseconds=ms)),
    st.integers(0, 3).map(lambda week: FIRST + week * WEEK + timedelta(milliseconds=400)),
)
LOGS = st.lists(st.tuples(st.sampled_from("abcd"), MOMENTS), min_size=1, max_size=25)


def by_hand(log, within, every):
    """Each end of a stretch, thing by thing."""

    def keeps(time, end):
        own = end - time <= every  # it lies in the stretch that ends then
        tie = end - time == within and (own or every == DAY)
        return time < end and (end - time < within or tie)

    found, before = {}, set()
    first = {name: min(time for other, time in log if other == name) for name, _time in log}
    end = FIRST
    while end <= LAST:
        active = {name for name, time in log if keeps(time, end)}
        came = active - before
        new = {name for name in came if first[name] >= end - every}
        counts = (active, new, active & before, came - new, before - active)
        found[str(end - every)[:10]] = tuple(map(len, counts))
        before, end = active, end + every
    return {period: counts for period, counts in found.items() if any(counts)}


@pytest.mark.parametrize("every", [DAY, WEEK])
@pytest.mark.parametrize("hours", [1, 24, 36, 7 * 24, 10 * 24, 14 * 24, 21 * 24])
def test_what_is_active_is_that_of_the_definition_tried_end_by_end(engine, hours, every):
    within = timedelta(hours=hours)

    @settings(max_examples=12)
    @given(LOGS)
    def tried(log):
        text = "held | at\n" + "\n".join(f"{name} | {time}" for name, time in log)
        assert states(text, within, every, engine=engine) == by_hand(log, within, every)

    tried()


@settings(max_examples=12)
@given(LOGS)
def test_what_is_new_is_as_many_as_retention_has_in_its_cohort(log):
    asked = [
        question("things", "active", goal="ran", hold="tool", within="7d"),
        question("people", "active", goal="ran", within="14d"),
    ]
    lines = [f"{name} | {name} | ran | {time}" for name, time in log]
    text = "user_id | tool | event | at\n" + "\n".join(lines)
    run = small.run(
        questions=asked, plan=PLAN, events=text, period=("2026-01-01", "2026-02-10", "2026-02-09")
    )
    for each in asked:
        cohorts = {r["cohort"]: r["n"] for r in friction.retention(run, each.id).rows}
        new = told(answer(run, each.id), "new")
        assert {week: n for week, n in new.items() if n} == cohorts


# People and accounts


EVENTS = """
    user_id | account_id | event | is_bot | at
    ann     | a1         | ran   | false  | 2026-01-05 09:00
    bob     | a1         | ran   | false  | 2026-01-06 09:00
    eve     | a2         | ran   | false  | 2026-01-06 10:00
    eve     | a2         | ran   | false  | 2026-01-13 09:00
    rob     | a2         | ran   | true   | 2026-01-13 09:00
    ops     | a3         | ran   | false  | 2026-01-13 09:00
"""
USERS = """
    user_id | account_id | signed_up_at     | persona  | is_internal
    ann     | a1         | 2026-01-01 09:00 | engineer | false
    bob     | a1         | 2026-01-02 09:00 | analyst  | false
    eve     | a2         | 2026-01-02 09:00 | analyst  | false
    ops     | a3         | 2026-01-02 09:00 | analyst  | true
"""
ACCOUNTS = "account_id | plan | persona\na1 | paid | firm\na2 | free | firm\na3 | paid | firm"
ASKED = [
    question("weekly", "active", goal="ran", within="7d"),
    question("daily", "active", goal="ran", within="24h", every="1d"),
    question("accounts", "active", unit="account", goal="ran", within="7d"),
    question("analysts", "active", goal="ran", within="7d", among={"persona": "analyst"}),
    question("payers", "active", goal="ran", within="7d", among={"plan": "paid"}),
    question("visits", "active", unit="session", goal="ran", within="7d"),
]
JANUARY = ("2026-01-05", "2026-01-19 00:00", "2026-01-19")


@pytest.fixture(scope="module")
def run():
    return small.run(questions=ASKED, events=EVENTS, users=USERS, accounts=ACCOUNTS, period=JANUARY)


def told(found, series="active", **wanted):
    """Begin of a stretch → how many."""
    chosen = [row for row in found.rows if all(row[k] == v for k, v in wanted.items())]
    return {row["period"]: row["value"] for row in chosen if row["series"] == series}


@pytest.mark.parametrize(
    ("id", "counted", "expected"),
    [
        ("weekly", "people", [3, 1]),  # neither bots nor internal people
        ("accounts", "accounts", [2, 1]),
        ("analysts", "people", [2, 1]),
        ("payers", "people", [2, 0]),
        ("visits", "sessions", [3, 1]),
    ],
)
def test_people_and_accounts_are_active_without_anything_that_they_hold(run, id, counted, expected):
    found = answer(run, id)
    assert found.counted == counted
    assert list(told(found).values()) == expected
    assert dict(found.definition)["within"] == (
        "7 days before the end of each week (from Monday, UTC); the end itself excluded"
    )


def test_daily_active_people_are_told_by_day(run):
    found = answer(run, "daily")
    counts = {day: n for day, n in told(found).items() if n}
    assert counts == {"2026-01-05": 1, "2026-01-06": 2, "2026-01-13": 1}
    assert [row["period"] for row in found.rows][-1] == "2026-01-18"
    assert findings.of(found).text == "**0** people are active on 2026-01-18."
    pulse = friction.pulse(run, "daily")
    assert pulse.rows[0]["day"] == "2026-01-18"
    assert findings.of(pulse).text == "0 new and 0 revived people on 2026-01-18, none lost."
    assert charts.of(found, title="Daily active people").spec
    assert findings.of(answer(run, "weekly"), "ran").text == "**1** ran in the week of 2026-01-12."


def test_people_have_the_columns_of_their_account_where_they_have_none_of_their_own(run):
    by_plan = answer(run, "weekly", by="plan")
    assert told(by_plan, plan="paid") == {"2026-01-05": 2, "2026-01-12": 0}
    assert told(by_plan, plan="free") == {"2026-01-05": 1, "2026-01-12": 1}
    # `persona` is a column of both: theirs goes before their account's.
    by_both = answer(run, "weekly", by=["persona", "plan"])
    segments = Counter({by_both.segment(row) for row in by_both.rows})
    assert set(segments) == {
        "persona=engineer, plan=paid",
        "persona=analyst, plan=paid",
        "persona=analyst, plan=free",
    }
    by_visit = answer(run, "visits", by="plan")
    assert told(by_visit, plan="paid")["2026-01-05"] == 2


def test_a_column_of_accounts_is_there_for_people_only_if_their_account_is_known(run):
    assert mapped(run, ASKED[0], "plan")
    assert not mapped(run, ASKED[0], "shoe")
    alone = "user_id | signed_up_at\nann | 2026-01-01"
    without = small.run(questions=ASKED, events=EVENTS, users=alone, accounts=ACCOUNTS)
    assert not mapped(without, ASKED[0], "plan")
    assert mapped(without, ASKED[2], "plan")


def test_people_come_back_as_things_do(run):
    found = friction.retention(run, "weekly", by="plan")
    chosen = [row for row in found.rows if row["plan"] == "free"]
    assert [(row["cohort"], row["n"], row["on"]) for row in chosen[:1]] == [("2026-01-05", 1, 1)]


def test_only_what_is_active_is_counted_again_and_again():
    with pytest.raises(ValidationError, match="`reached_within` takes no every"):
        question("x", "reached_within", start="a", goal="b", within="7d", every="1d")
    with pytest.raises(ValidationError, match="'1d' or '7d'"):
        question("x", "active", goal="b", within="7d", every="2d")
