"""Whose things are: the unit that was first, or the account where nobody is named."""

from __future__ import annotations

from collections import Counter

import pytest

from playbook import friction
from playbook.counting import owners
from playbook.declare import DataPoint, Property
from playbook.findings import of, trend
from playbook.language.mistakes import Mistake
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.spec import rows

# ann makes t1, which then runs by itself and for bob; t2 runs by itself first; of t3 ann and bob
# are first at one moment; t4 has neither person nor account; zoe, of t5, is in no table.
EVENTS = """
    user_id | account_id | tool | event | at
    ann     | a1         | t1   | ran   | 2026-01-05 09:00
    bob     | a1         | t1   | ran   | 2026-01-13 09:00
            | a1         | t1   | ran   | 2026-01-20 09:00
            | a2         | t2   | ran   | 2026-01-06 09:00
    bob     | a1         | t2   | ran   | 2026-01-20 09:00
    bob     | a1         | t3   | ran   | 2026-01-07 09:00
    ann     | a1         | t3   | ran   | 2026-01-07 09:00
    eve     | a2         | t3   | saved | 2026-01-05 09:00
            |            | t4   | ran   | 2026-01-08 09:00
    zoe     | a1         | t5   | ran   | 2026-01-08 09:00
"""
USERS = """
    user_id | account_id | signed_up_at     | persona
    ann     | a1         | 2025-12-01 09:00 | engineer
    bob     | a1         | 2025-12-02 09:00 | analyst
    eve     | a2         | 2025-12-02 09:00 | sales
"""
ACCOUNTS = "account_id | plan\na1 | paid\na2 | free"
PLAN = [DataPoint(event="ran", says="Ran.", properties={"tool": Property()})]
QUESTIONS = [
    question("living", "active", goal="ran", hold="tool", within="7d"),
    question("plans", "active", unit="account", goal="ran", hold="tool", within="7d"),
    question("share", "reached_within", start="saved", goal="ran", within="7d"),
]


@pytest.fixture(scope="module")
def run():
    drawn = {"events": EVENTS, "users": USERS, "accounts": ACCOUNTS}
    return small.run(questions=QUESTIONS, plan=PLAN, **drawn)


def told(found, *names, **wanted):
    assert not isinstance(found, Unavailable), found
    chosen = [row for row in found.rows if all(row[k] == v for k, v in wanted.items())]
    return [tuple(row[name] for name in names) for row in chosen]


def owned_by(run, unit, trait):
    found = owners.owned(run.tables, "tool", "ran", unit=unit, by=[trait])
    return {row["held"]: row[trait] for row in rows(found, run.warehouse.connection)}


def test_a_thing_belongs_to_who_first_did_the_goal_or_to_the_account_if_nobody_did(run):
    # eve has only saved t3. zoe is known by id alone: her account's owner is somebody else.
    assert owned_by(run, "user", "persona") == {
        "t1": "engineer",
        "t2": "sales",
        "t3": "engineer",
        "t4": None,
        "t5": None,
    }


def test_a_thing_of_an_account_has_the_traits_of_the_account(run):
    expected = {"t1": "paid", "t2": "free", "t3": "paid", "t4": None, "t5": "paid"}
    assert owned_by(run, "account", "plan") == expected
    assert owned_by(run, "account", "persona")["t5"] == "engineer"  # its owner's


def test_what_happened_to_things_is_the_same_with_and_without_traits(run):
    plain = owners.owned(run.tables, "tool", "ran", unit="user")
    traits = owners.owned(run.tables, "tool", "ran", unit="user", by=["persona"])
    connection = run.warehouse.connection
    assert rows(traits.drop("persona"), connection) == rows(plain, connection)


def test_a_trait_that_nobody_has_is_a_mistake(run):
    with pytest.raises(Mistake, match="lacks the column"):
        owners.owned(run.tables, "tool", "ran", unit="user", by=["shoe"])


@pytest.mark.parametrize(("id", "by"), [("living", "persona"), ("plans", "plan")])
def test_the_segments_of_active_things_add_up_each_week(run, id, by):
    parts, whole = Counter(), Counter()
    for row in friction.answer(run, id, by=by).rows:
        parts[row["period"], row["series"]] += row["value"]
    for row in friction.answer(run, id).rows:
        whole[row["period"], row["series"]] += row["value"]
    assert parts == whole


def test_new_kept_and_revived_make_up_the_active_ones(run):
    for by in ("", "persona"):
        found = friction.answer(run, "living", by=by)
        sums = Counter()
        for row in found.rows:
            sums[row["period"], found.segment(row), row["series"]] += row["value"]
        for (period, segment, series), value in sums.items():
            if series == "active":
                came = (sums[period, segment, name] for name in ("new", "kept", "revived"))
                assert value == sum(came)


def test_active_things_by_persona_week_by_week(run):
    found = friction.active(run, "living", "persona")
    assert (found.id, found.shape) == ("friction.living_by", "trend")
    assert told(found, "persona", "period", "value") == [
        ("engineer", "2026-01-05", 2),
        ("engineer", "2026-01-12", 1),
        ("engineer", "2026-01-19", 1),
        ("sales", "2026-01-05", 1),
        ("sales", "2026-01-12", 0),
        ("sales", "2026-01-19", 1),
        ("(unknown)", "2026-01-05", 2),
        ("(unknown)", "2026-01-12", 0),
        ("(unknown)", "2026-01-19", 0),
    ]


@pytest.mark.parametrize(
    ("id", "by", "reason"),
    [
        (
            "share",
            "persona",
            "`share` is counted by `reached_within`: this section needs `",
        ),
        ("living", "week", "`active` cannot be broken down by week."),
        ("living", "shoe", "Table `users` lacks the column(s) shoe."),
        ("gone", "persona", "Small declares no question `gone`."),
    ],
)
def test_what_has_no_active_things_says_why(run, id, by, reason):
    found = friction.active(run, id, by)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)


def test_each_segment_is_compared_with_itself_four_weeks_earlier(airtouch):
    found = friction.active(airtouch, "active_workflows", "persona")
    last = {row["persona"]: row["value"] for row in found.rows}
    lines = trend(found, "workflows are active").text.splitlines()
    assert len(lines) == len(last)
    assert f"**{last['data_engineer']:,}** workflows are active in the week of" in lines[0]
    assert "−" not in lines[0]


def test_the_pulse_is_what_came_for_each_one_lost(run):
    # In the last week t2 is revived, and nothing is lost; in the week before t2 … t5 were.
    text = of(friction.pulse(run, "living"), "tools").text
    assert text == "0 new and 1 revived tools in the week of 2026-01-19, none lost."
    cut = small.run(
        questions=QUESTIONS,
        plan=PLAN,
        events=EVENTS + "        ann | a1 | t6 | ran | 2026-01-14 09:00",
        period=("2026-01-01", "2026-01-19", "2026-01-31"),
    )
    assert of(friction.pulse(cut, "living"), "tools").text == (
        "**0.25** came for each one lost: 1 new and 0 revived tools in the week of 2026-01-12, "
        "4 lost."
    )
