"""Who comes back: periods from each start or of the calendar, and only those that are over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import charts, findings, friction
from playbook.airtouch import TRUTH
from playbook.declare import DataPoint, Property
from playbook.friction.retention import pooled
from playbook.inference import stats
from playbook.language.periods import Period
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.spec import at

DAY, WEEK = timedelta(days=1), timedelta(days=7)
UNTIL = datetime(2026, 2, 1)
QUESTIONS = [
    question("back", "reached_within", start="signed_up", goal="used", within="7d"),
    question("living", "active", goal="used", hold="tool", within="7d"),
    question("held", "reached_within", start="signed_up", goal="used", within="7d", hold="tool"),
    question("way", "steps", start="signed_up", goals=["used"], within="7d"),
]
PLAN = [DataPoint(event="used", says="Used.", properties={"tool": Property()})]


def opened(events, until="2026-02-01", as_of="2026-01-31", **drawn):
    period = ("2026-01-01", until, as_of)
    return small.run(questions=QUESTIONS, plan=PLAN, period=period, events=events, **drawn)


def told(found, *names, **wanted):
    assert not isinstance(found, Unavailable), found
    chosen = [row for row in found.rows if all(row[k] == v for k, v in wanted.items())]
    return [tuple(row[name] for name in names) for row in chosen]


# The published cases


def test_who_never_started_is_in_no_cohort():
    # mjirv/dbt_product_analytics ignores the first action: it says one of three on day 1 and on
    # day 7. Only one person signed up, used it on the next day, and never came back.
    run = opened(
        """
        user_id | event     | at
        ann     | browsed   | 2026-01-01
        ann     | signed_up | 2026-01-10
        ann     | used      | 2026-01-11
        bob     | browsed   | 2026-01-01
        cat     | browsed   | 2026-01-01
        """
    )
    found = friction.retention(run, "back", every="1d", calendar=True)
    assert told(found, "on", "n", position=1) == [(1, 1)]
    assert told(found, "on", "n", position=7) == [(0, 1)]


LATE = """
    user_id | event     | at
    ann     | signed_up | 2026-01-06 23:45
    ann     | used      | 2026-01-07 00:01
"""


@pytest.mark.parametrize(("calendar", "day_0", "day_1"), [(False, 1, 0), (True, 0, 1)])
def test_a_calendar_day_makes_a_quarter_of_an_hour_the_next_day(calendar, day_0, day_1):
    # PostHog issues 2227 and 29958: 23:45 → 00:01.
    found = friction.retention(opened(LATE), "back", every="1d", calendar=calendar)
    assert told(found, "on", position=0) == [(day_0,)]
    assert told(found, "on", position=1) == [(day_1,)]


# Periods


def test_a_period_from_the_start_includes_its_end_and_not_its_beginning():
    run = opened("""
        user_id | event     | at
        ann     | signed_up | 2026-01-05 09:00
        ann     | used      | 2026-01-05 09:00
        bob     | signed_up | 2026-01-05 09:00
        bob     | used      | 2026-01-12 09:00
        cat     | signed_up | 2026-01-05 09:00
        cat     | used      | 2026-01-12 09:00:01
    """)
    found = friction.retention(run, "back")
    assert told(found, "position", "n", "on", "on_or_after", "complete") == [
        (0, 3, 1, 2, True),
        (1, 3, 1, 1, True),
        (2, 3, 0, 0, True),
        (3, 3, None, None, False),
    ]


@pytest.mark.parametrize(
    ("until", "as_of", "complete"),
    [
        ("2026-02-01", "2026-01-19 09:59:59", [True, False, False]),  # bob's week 1 is not over
        ("2026-02-01", "2026-01-19 10:00", [True, True, False]),
        ("2026-02-01", "2026-01-12 10:00", [True, False]),
        ("2026-02-01", "2026-01-11 23:00", [False]),  # more may still start this week
        ("2026-01-06", "2026-01-13 10:00", [True, False]),  # nobody else may: the period is over
    ],
)
def test_a_period_is_complete_when_it_is_over_for_everybody_in_the_cohort(until, as_of, complete):
    events = """
        user_id | event     | at
        ann     | signed_up | 2026-01-05 09:00
        ann     | used      | 2026-01-05 10:00
        bob     | signed_up | 2026-01-05 10:00
    """
    found = friction.retention(opened(events, until, as_of), "back")
    assert [row["complete"] for row in found.rows] == complete
    assert all((row["share"] is None) == (not row["complete"]) for row in found.rows)


@pytest.mark.parametrize(
    ("as_of", "calendar", "complete"),
    [
        ("2026-01-18 23:59:43", True, [True, True]),  # both weeks are over, but for 17 seconds
        ("2026-01-18 23:58", True, [True, False]),
        ("2026-01-11 23:59:43", False, [False]),  # the window of a unit is open to its end
        ("2026-01-18 23:59:43", False, [True, False]),
    ],
)
def test_a_week_of_the_calendar_is_over_with_its_last_event(as_of, calendar, complete):
    events = """
        user_id | event     | at
        ann     | signed_up | 2026-01-11 09:00
        ann     | used      | 2026-01-11 10:00
    """
    found = friction.retention(opened(events, as_of=as_of), "back", calendar=calendar)
    assert [row["complete"] for row in found.rows] == complete


def test_weeks_of_the_calendar_begin_on_monday_and_the_cohorts_own_is_week_0():
    run = opened("""
        user_id | event     | at
        ann     | signed_up | 2026-01-11 23:00
        ann     | used      | 2026-01-12 00:00
        bob     | signed_up | 2026-01-05 00:00
        bob     | used      | 2026-01-11 23:59:59
    """)
    found = friction.retention(run, "back", calendar=True)
    assert told(found, "cohort", "position", "on", "complete")[:3] == [
        ("2026-01-05", 0, 1, True),
        ("2026-01-05", 1, 1, True),
        ("2026-01-05", 2, 0, True),
    ]


# Things


THINGS = """
    user_id | account_id | tool | event     | at
    ann     | a1         | t1   | used      | 2025-12-29 09:00
    ann     | a1         | t1   | used      | 2026-01-06 09:00
    bob     | a1         | t2   | used      | 2026-01-06 09:00
            | a1         | t2   | used      | 2026-01-08 09:00
            | a1         | t2   | used      | 2026-01-16 09:00
            | a2         | t3   | used      | 2026-01-06 09:00
"""
PEOPLE = """
    user_id | account_id | signed_up_at     | persona
    ann     | a1         | 2025-12-01 09:00 | engineer
    bob     | a1         | 2025-12-02 09:00 | analyst
    eve     | a2         | 2025-12-02 09:00 | sales
"""


def test_a_thing_starts_when_it_first_does_the_goal():
    # t1 has started before the period.
    found = friction.retention(opened(THINGS, users=PEOPLE), "living")
    assert told(found, "cohort", "position", "n", "on", "on_or_after")[:3] == [
        ("2026-01-05", 0, 2, 1, 1),
        ("2026-01-05", 1, 2, 1, 1),
        ("2026-01-05", 2, 2, 0, 0),
    ]


def test_a_thing_has_the_traits_of_whoever_was_first_or_of_the_account():
    found = friction.retention(opened(THINGS, users=PEOPLE), "living", by="persona")
    assert told(found, "persona", "n", "on", position=0) == [("analyst", 1, 1), ("sales", 1, 0)]


# Against the definition


MOMENTS = st.integers(0, 24 * 27).map(lambda hour: datetime(2026, 1, 5) + hour * timedelta(hours=1))
LOGS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["signed_up", "used"]), MOMENTS),
    min_size=2,
    max_size=60,
)


def by_hand(log, every, calendar, as_of):
    """(cohort, period) → (n, on, on or after, complete), unit by unit."""
    bucket = (lambda t: monday(t) if every == WEEK else day(t)) if calendar else lambda t: t
    starts = {u: min(t for v, e, t in log if (v, e) == (u, "signed_up")) for u in starters(log)}
    found = {}
    for cohort in {monday(start) for start in starts.values()}:
        own = {u: start for u, start in starts.items() if monday(start) == cohort}
        places = {
            u: {
                k
                for v, e, t in log
                if (v, e) == (u, "used") and t > start
                for k in range(40)
                if inside(t, bucket(start) + k * every, every, calendar)
            }
            for u, start in own.items()
        }
        k = 0
        while cohort + k * every <= as_of:
            over = min(cohort + WEEK, UNTIL) <= as_of and all(
                bucket(start) + (k + 1) * every <= as_of for start in own.values()
            )
            on = sum(k in places[u] for u in own)
            later = sum(any(place >= k for place in places[u]) for u in own)
            numbers = (on, later) if over else (None, None)
            found[str(cohort)[:10], k] = (len(own), *numbers, over)
            k += 1
    return found


def starters(log):
    return {unit for unit, event, time in log if event == "signed_up" and time < UNTIL}


def inside(time, begin, every, calendar):
    return begin <= time < begin + every if calendar else begin < time <= begin + every


def day(time):
    return datetime(time.year, time.month, time.day)


def monday(time):
    return day(time) - timedelta(days=time.weekday())


@settings(max_examples=10)
@given(LOGS)
def test_retention_is_that_of_the_definition_tried_unit_by_unit(log):
    log = [("z", "signed_up", datetime(2026, 1, 6)), ("z", "used", datetime(2026, 1, 7)), *log]
    rows = "\n".join(f"{unit} | {event} | {time}" for unit, event, time in log)
    run = opened("user_id | event | at\n" + rows, as_of="2026-02-01 12:00")
    for every, calendar in ((WEEK, False), (WEEK, True), (DAY, True), (3 * DAY, False)):
        found = friction.retention(run, "back", every=f"{every.days}d", calendar=calendar)
        assert {
            (row["cohort"], row["position"]): tuple(
                row[name] for name in ("n", "on", "on_or_after", "complete")
            )
            for row in found.rows
        } == by_hand(log, every, calendar, at("2026-02-01 12:00"))


# Over all cohorts


def counts(cohort, n, *last):
    """Rows as they are fetched: of n units so many were last seen in period 0, 1 …"""
    row = {"cohort": at(cohort).date(), "latest": at(cohort)}
    never = [row | {"position": None, "units": n - sum(last), "last": 0}]
    return never + [
        row | {"position": k, "units": units, "last": units} for k, units in enumerate(last)
    ]


def curve(rows, kind, as_of="2026-02-02"):
    period = Period(at("2026-01-01"), at("2026-03-01"), at(as_of))
    found = pooled(rows, (), every=WEEK, calendar=False, period=period)
    return [(row["value"], row["n"]) for row in found if row["kind"] == kind]


def test_over_all_cohorts_a_period_counts_those_for_whom_it_is_over():
    rows = counts("2026-01-05", 10, 2, 1, 1, 0) + counts("2026-01-19", 30, 3, 6)
    assert curve(rows, "on") == [(5 / 40, 40), (7 / 40, 40), (1 / 10, 10), (0.0, 10)]


def test_on_or_after_never_rises_although_who_is_compared_changes():
    # The newer cohort comes back far less. Without it, half of the older one is left.
    rows = counts("2026-01-05", 100, 0, 0, 0, 90) + counts("2026-01-19", 900, 0, 90)
    plain = [180 / 1000, 180 / 1000, 90 / 100, 90 / 100]
    found = curve(rows, "on or after")
    assert [value for value, _n in found] == pytest.approx([0.18, 0.18, 0.18, 0.18])
    assert plain[2] > plain[1]  # what a plain average over the cohorts would show


def test_on_or_after_is_the_curve_of_kaplan_and_meier():
    rows = counts("2026-01-05", 20, 5, 3, 2, 4) + counts("2026-01-19", 20, 4, 8)
    # Gone in period 0: 6 and 8 of 20 each; then 5 and 4; of the older cohort then 3 and 2.
    times, gone = [0, 1, 2, 3, 3, 1], [True, True, True, True, False, False]
    expected = stats.kaplan_meier(times, gone, [14, 9, 3, 2, 4, 8])
    found = [value for value, _n in curve(rows, "on or after")]
    assert found == pytest.approx([1 - share for share in expected.shares])


def test_with_one_cohort_on_or_after_is_its_plain_share():
    found = curve(counts("2026-01-05", 20, 5, 3, 2, 4), "on or after")
    assert [value for value, _n in found] == pytest.approx([14 / 20, 9 / 20, 6 / 20, 4 / 20])


def test_retained_is_a_trend_by_kind_and_segment():
    found = friction.retained(opened(THINGS, users=PEOPLE), "living", by="persona")
    assert (found.id, found.shape, found.by) == (
        "friction.living_retained",
        "trend",
        ("kind", "persona"),
    )
    assert told(found, "kind", "persona", "value", "n", period="0") == [
        ("on", "analyst", 1.0, 1),
        ("on or after", "analyst", 1.0, 1),
        ("on", "sales", 0.0, 1),
        ("on or after", "sales", 0.0, 1),
    ]
    assert charts.of(found, title="Back").spec
    assert findings.of(found, "run again").text.splitlines()[0].startswith("- **analyst**:")


def test_everybody_gone_or_nobody_gone_is_a_curve_too():
    assert curve(counts("2026-01-05", 5), "on or after") == [(0.0, 5)] * 4
    assert curve(counts("2026-01-05", 5, 0, 0, 0, 5), "on or after") == [(1.0, 5)] * 4


# What it says, and what it cannot


def test_the_definition_says_periods_and_cohorts_and_no_window_that_does_not_count():
    words = dict(friction.retention(opened(LATE), "back", calendar=True).definition)
    assert words["periods"] == "7 days of the calendar, UTC; only complete ones"
    assert words["measure"] == "retention"
    assert "within" not in words


@pytest.mark.parametrize(
    ("id", "said", "reason"),
    [
        ("held", {}, "`held` is counted by `reached_within`: retention needs a start and a goal"),
        ("way", {}, "`way` is counted by `steps`: retention needs a start and a goal"),
        ("gone", {}, "Small declares no question `gone`."),
        ("back", {"every": "week"}, "`week` is no duration."),
        ("back", {"every": "0d"}, "`every: 0d` is no period. A calendar's periods are days"),
        ("back", {"every": "3d", "calendar": True}, "`every: 3d` is no period of the calendar."),
        ("back", {"by": "persona"}, "Table `users` lacks the column(s)"),
    ],
)
def test_what_has_no_retention_says_why(id, said, reason):
    run = opened(LATE + "    ann     | tool_used | 2026-01-07 00:01")
    if id == "held":
        named = THINGS.replace("            | a", "    eve     | a")
        run = opened(named + "    ann | a1 | t1 | signed_up | 2026-01-06 09:00")
    for ask in (friction.retention, friction.retained):
        found = ask(run, id, **said)
        assert isinstance(found, Unavailable), found
        assert found.reason.startswith(reason)


def test_nobody_comes_back_where_nobody_started():
    nobody = opened(LATE + "    bob | used | 2025-12-01", until="2026-01-02")
    for ask in (friction.retention, friction.retained):
        found = ask(nobody, "back")
        assert found.rows == []
        assert charts.of(found, title="Back").reason == charts.NOTHING
    assert findings.of(friction.retained(nobody, "back"), "x").text.startswith("*No period")


def test_in_the_sample_company_a_cohort_is_as_large_as_the_week_has_new_things(airtouch):
    rows = friction.retention(airtouch, "active_workflows").rows
    sizes = {row["cohort"]: row["n"] for row in rows}
    states = friction.answer(airtouch, "active_workflows").rows
    new = {row["period"]: row["value"] for row in states if row["series"] == "new"}
    assert {week: n for week, n in sizes.items() if week in new} == new


@pytest.mark.parametrize("weeks", [1, 4, 8, 12, 16])
def test_in_the_sample_company_workflows_run_for_as_long_as_was_planted(airtouch, weeks):
    # Each lives from half of its kind's days to one and a half times as long.
    planted = sum(
        share * min(max(1.5 - 7 * weeks / days, 0), 1)
        for days, share in TRUTH["habits"]["workflow_lifetime_days"].items()
    )
    rows = friction.retained(airtouch, "active_workflows").rows
    (row,) = [r for r in rows if (r["kind"], r["period"]) == ("on or after", str(weeks))]
    assert row["value"] == pytest.approx(planted, abs=0.015)
