"""What was done last before stopping, who came back to finish, and visits without ids."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from playbook import audit, friction
from playbook.airtouch import TRUTH
from playbook.declare import DataPoint, Property
from playbook.friction import drafts
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.test_truth import near

WINDOW = {"start": "started", "goal": "saved", "within": "24h"}
QUESTIONS = [
    question("unsaved", "missed_within", unit="session", hold="draft_id", **WINDOW),
    question("unsaved_in_visit", "missed_within", unit="session", **WINDOW),
    question("never_saved", "missed_within", **WINDOW),
    question("account_never_saved", "missed_within", unit="account", entry="any", **WINDOW),
    question("saved", "reached_within", **WINDOW),
]
PLAN = [DataPoint(event="started", says="x", properties={"draft_id": Property()})]
USERS = """
    user_id | persona  | intent
    ann     | engineer | in
    bob     | engineer | out
    cat     | sales    | in
"""
# ann leaves d1, then saves d2 in the same visit; d1 she saves two days later. bob does nothing
# else, and then saves another draft. cat looks around, and never saves. d5 is saved at once.
EVENTS = """
    user_id | account_id | session_id | event   | at               | draft_id
    ann     | w1         | s1         | opened  | 2026-01-05 08:59 |
    ann     | w1         | s1         | started | 2026-01-05 09:00 | d1
    ann     | w1         | s1         | tested  | 2026-01-05 09:05 |
    ann     | w1         | s1         | started | 2026-01-05 09:10 | d2
    ann     | w1         | s1         | saved   | 2026-01-05 09:15 | d2
    ann     | w1         | s2         | saved   | 2026-01-07 09:00 | d1
    bob     | w1         | s3         | started | 2026-01-05 09:00 | d3
    bob     | w1         | s4         | saved   | 2026-01-08 09:00 | d9
    cat     | w2         | s5         | started | 2026-01-05 09:00 | d4
    cat     | w2         | s5         | tested  | 2026-01-05 09:01 |
    cat     | w2         | s5         | viewed  | 2026-01-05 09:01 |
    cat     | w2         | s6         | viewed  | 2026-01-05 20:00 |
    cat     | w2         | s7         | viewed  | 2026-01-06 09:01 |
    cat     | w2         | s8         | started | 2026-01-06 10:00 | d5
    cat     | w2         | s8         | saved   | 2026-01-06 10:01 | d5
"""


def opened(events: str = EVENTS, **given):
    words = {"labels": {"viewed": "looked around"}}
    return small.run(
        **{"questions": QUESTIONS, "plan": PLAN, "users": USERS, "words": words} | given,
        events=events,
    )


@pytest.fixture(scope="module")
def run():
    return opened()


def sizes(found) -> dict[str, int]:
    return {row["label"]: row["n"] for row in found.rows}


def counts(found, *columns) -> list[tuple]:
    return [
        (*(row[column] for column in columns), row["n"], row["reached"], row["open"])
        for row in found.rows
    ]


# What was done last


def test_the_last_event_is_the_units_own_in_its_window(run):
    found = friction.stopped(run, "unsaved")
    assert (found.id, found.shape) == ("friction.unsaved_stopped", "mix")
    # Of two events at one time the later name is the last; s6 is another visit.
    assert sizes(found) == {
        "nothing else": 1,
        "looked around": 1,
        "saved (another draft)": 1,
    }
    assert {row["total"] for row in found.rows} == {3}
    assert friction.answer(run, "unsaved").rows[0]["reached"] == 3


def test_the_last_event_of_people_may_be_in_another_visit(run):
    # cat starts twice and saves once: her best attempt saves. Only bob never does in time.
    assert sizes(friction.stopped(run, "never_saved")) == {"nothing else": 1}
    longer = opened(EVENTS + "bob | w1 | s3 | tested | 2026-01-06 09:00 |")
    assert sizes(friction.stopped(longer, "never_saved")) == {"tested": 1}
    later = opened(EVENTS + "bob | w1 | s3 | tested | 2026-01-06 09:01 |")
    assert sizes(friction.stopped(later, "never_saved")) == {"nothing else": 1}


def test_starting_once_more_is_said_so():
    again = opened(EVENTS + "bob | w1 | s3 | started | 2026-01-05 09:20 | d6")
    assert sizes(friction.stopped(again, "unsaved")) == {
        "nothing else": 1,
        "looked around": 1,
        "saved (another draft)": 1,
        "started once more": 1,
    }


def test_the_order_of_rows_changes_nothing():
    head, *lines = EVENTS.strip().splitlines()
    random.Random(1).shuffle(lines)
    shuffled = opened("\n".join([head, *lines]))
    for id in ("unsaved", "never_saved"):
        assert friction.stopped(shuffled, id).rows == friction.stopped(opened(), id).rows


def test_last_events_add_up_in_every_segment(run):
    found = friction.stopped(run, "unsaved", by="persona").rows
    counted = friction.answer(run, "unsaved", by="persona").rows
    for segment in counted:
        own = [row for row in found if row["persona"] == segment["persona"]]
        assert sum(row["n"] for row in own) == own[0]["total"] == segment["reached"]


def test_rare_last_events_are_one_class_and_every_class_has_its_list():
    events = "user_id | event | at\n"
    for place in range(drafts.MOST + 3):
        for name in range(2 + (place == 1)):
            who = f"u{place}.{name}"
            events += f"{who} | started | 2026-01-05 09:00\n"
            events += f"{who} | did_{place:02} | 2026-01-05 09:01\n"
    events += "zoe | started | 2026-01-05 09:00\nyan | saved | 2026-01-05 09:00\n"
    run = small.run(questions=QUESTIONS, events=events)
    found = friction.stopped(run, "never_saved")
    shown = ["did 01", "did 00", *(f"did {k:02}" for k in range(2, drafts.MOST))]
    assert [row["label"] for row in found.rows] == ["nothing else", *shown, "anything else"]
    assert [row["n"] for row in found.rows] == [1, 3, *[2] * (drafts.MOST - 1), 6]
    units = set()
    for row in found.rows:
        own = [r["unit"] for r in friction.cohort(run, "never_saved_stopped", row["label"]).rows]
        assert len(own) == row["n"], row["label"]
        units |= set(own)
    assert len(units) == sum(row["n"] for row in found.rows)


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ({"a": 989, "b": 10, "c": 1}, {"a": 989, "b": 10, "c": 1}),
        ({"a": 981, "b": 9, "c": 9, "d": 1}, {"a": 981, "anything else": 19}),
        ({"nothing else": 1, "a": 998, "b": 1}, {"nothing else": 1, "a": 998, "b": 1}),
    ],
)
def test_what_fewer_than_one_in_a_hundred_did_last_has_no_class_unless_it_is_the_only_one(
    sizes, shown
):
    found = drafts._last_event_classes([{"label": label, "n": n} for label, n in sizes.items()], ())
    assert {row["label"]: row["n"] for row in found} == shown


def test_a_list_names_the_thing_that_was_left(run):
    (row,) = friction.cohort(run, "unsaved_stopped", "nothing else").rows
    assert (row["unit"], row["held"]) == ("s3", "d3")
    missing = friction.cohort(run, "unsaved_stopped", "asleep")
    assert "Nobody stopped at “asleep”. The classes are: nothing else," in missing.reason


# Who came back


def test_a_thing_is_finished_later_in_whichever_visit(run):
    found = friction.came_back(run, "unsaved", by="persona")
    assert (found.id, found.shape) == ("friction.unsaved_came_back", "share")
    assert counts(found, "persona") == [("engineer", 2, 1, 0), ("sales", 1, 0, 0)]
    assert dict(found.definition)["came back"] == "done within 14 days of the start, end included"


def test_without_a_thing_it_is_the_person_and_of_accounts_the_account(run):
    assert counts(friction.came_back(run, "unsaved_in_visit", by=())) == [(2, 2, 0)]
    assert counts(friction.came_back(run, "never_saved", by=())) == [(1, 1, 0)]
    colleague = """
        eve     | w3         | s9         | started | 2026-01-05 09:00 | d6
        fay     | w3         | s10        | saved   | 2026-01-08 09:00 | d7
    """
    found = friction.came_back(opened(EVENTS + colleague), "account_never_saved", by=())
    assert counts(found) == [(1, 1, 0)]


@pytest.mark.parametrize(("within", "came"), [("2d", 1), ("47h", 0)])
def test_the_longer_window_includes_its_end(run, within, came):
    found = friction.came_back(run, "unsaved", within=within, by=())
    assert counts(found) == [(3, came, 0)]


def test_whoever_may_still_come_back_is_open():
    early = opened(period=("2026-01-01", "2026-02-01", "2026-01-10"))
    assert counts(friction.came_back(early, "unsaved", by=())) == [(0, 0, 3)]
    assert counts(friction.came_back(early, "unsaved", within="4d", by=())) == [(3, 1, 0)]


def test_two_visits_that_leave_the_same_draft_are_two_attempts():
    again = opened(EVENTS + "ann | w1 | s9 | started | 2026-01-06 09:00 | d1")
    assert counts(friction.came_back(again, "unsaved", by=())) == [(4, 2, 0)]


@pytest.mark.parametrize(
    ("id", "within", "says"),
    [
        ("never_saved", "24h", "`within: 24h` leaves no time to come back."),
        ("unsaved", "3h", "An attempt at `unsaved` has 24 hours already."),
        ("unsaved", "14", "`14` is no duration."),
        (
            "saved",
            "14d",
            "by `reached_within`: this section needs `missed_within`.",
        ),
        ("churn", "14d", "declares no question `churn`"),
    ],
)
def test_what_cannot_be_counted_says_why(run, id, within, says):
    assert says in friction.came_back(run, id, within=within).reason
    assert isinstance(friction.stopped(run, "saved"), Unavailable)


def test_who_started_visits_is_unknown_where_no_person_is():
    events = """
        user_id | session_id | event   | at
                | s1         | started | 2026-01-05 09:00
        ann     | s2         | started | 2026-01-05 09:00
        ann     | s3         | saved   | 2026-01-06 09:00
        bob     | s4         | saved   | 2026-01-06 09:00
    """
    run = small.run(questions=QUESTIONS, events=events)
    assert friction.answer(run, "unsaved_in_visit").rows[0]["reached"] == 2
    assert counts(friction.came_back(run, "unsaved_in_visit", by=())) == [(1, 1, 0)]


# The verdict


def test_a_verdict_is_given_by_persona_and_what_else_is_asked(run):
    core = opened(words={"core_personas": ["engineer"]})
    found = friction.stuck(core, "unsaved", by=["intent", "persona"])
    assert [(r["intent"], r["persona"], r["verdict"]) for r in found.rows] == [
        ("in", "engineer", "watch"),
        ("in", "sales", "playing"),
        ("out", "engineer", "watch"),
    ]
    alone = friction.stuck(core, "unsaved", by="intent")
    assert alone.reason == (
        "A verdict depends on the persona, and `unsaved` is asked by intent. "
        "Ask it by persona, too."
    )


# Visits that the source does not name


def test_visits_without_ids_are_told_by_the_30_minute_rule():
    events = """
        user_id | event   | at               | draft_id
        ann     | started | 2026-01-05 09:00 | d1
        ann     | saved   | 2026-01-05 09:30 | d1
        ann     | started | 2026-01-05 12:00 | d2
        ann     | saved   | 2026-01-05 12:31 | d2
        ann     | started | 2026-01-05 15:00 | d3
        ann     | opened  | 2026-01-05 15:20 |
        ann     | saved   | 2026-01-05 15:45 | d3
    """
    run = opened(events)
    found = friction.answer(run, "unsaved", by="persona")
    assert counts(found, "persona") == [("engineer", 3, 1, 0)]
    said = "over after more than 30 minutes without an event of their person"
    assert dict(found.definition)["sessions"] == said
    left = friction.cohort(run, "unsaved_stopped", "nothing else").rows
    assert [(row["unit"], row["held"]) for row in left] == [("ann|2", "d2")]
    assert counts(friction.came_back(run, "unsaved", by=())) == [(1, 1, 0)]


def test_the_audit_needs_the_person_for_visits_by_the_rule_and_has_no_visits_of_its_own():
    events = """
        user_id | event   | at               | draft_id
        ann     | started | 2026-01-05 09:00 | d1
        bob     | started | 2026-01-05 09:00 | d2
        bob     | saved   | 2026-01-05 09:30 | d2
                | saved   | 2026-01-05 09:40 | d1
    """
    run = opened(events)
    needs = {(r["subject"], r["check"]): r for r in audit.questions(run).rows}
    row = needs["unsaved_in_visit", "saved"]
    assert (row["status"], row["seen"]) == ("caveat", "50.0 % of its events have no user_id")
    assert row["expected"] == "it arrives, with user_id"
    assert "No `session_id` is mapped" in audit.visits(run).reason
    # What names no person is a defect; that nothing names a visit is none.
    touched = [row["defect"] for row in audit.bounds_of(run, "unsaved_in_visit").rows]
    assert "saved without user_id" in touched
    assert not any("session_id" in defect for defect in touched)


# What is planted in the sample company


def test_who_saves_later_comes_out_by_persona(airtouch):
    found = friction.came_back(airtouch, "started_never_saved", by="persona")
    rows = {row["persona"]: row for row in found.rows}
    later = TRUTH["saved_in_a_later_session"]
    for persona in ("analyst", "sales", "marketing", "other"):
        saved = TRUTH["draft_saved"][persona]
        truth = saved * later / (1 - saved * (1 - later))
        assert near(rows[persona]["share"], truth, rows[persona]["n"]), persona
    found = friction.came_back(airtouch, "started_never_saved", by=["persona", "intent"]).rows
    core = {row["intent"]: row for row in found if row["persona"] == "data_engineer"}
    for intent, saved in TRUTH["draft_saved"]["data_engineer"].items():
        row = core["(unknown)" if intent == "unknown" else intent]
        truth = saved * later / (1 - saved * (1 - later))
        assert near(row["share"], truth, row["n"]), intent


def test_unfinished_drafts_add_up_in_every_view(airtouch):
    counted = friction.answer(airtouch, "started_never_saved").rows[0]["reached"]
    stopped = friction.stopped(airtouch, "started_never_saved").rows
    (came,) = friction.came_back(airtouch, "started_never_saved", by=()).rows
    assert sum(row["n"] for row in stopped) == came["n"] + came["open"] == counted


def test_the_rule_finds_the_planted_drafts_where_visits_have_no_ids(airtouch):
    tables = airtouch.tables
    without = tables.mapped["events"] - {"session_id"}
    bare = replace(tables, mapped={**tables.mapped, "events": without})
    ours = friction.answer(replace(airtouch, tables=bare), "started_never_saved").rows[0]
    theirs = friction.answer(airtouch, "started_never_saved").rows[0]
    # The company's own visits end after 30 minutes, too; it ends them at exactly 30.
    assert ours["n"] == theirs["n"]
    assert ours["reached"] == pytest.approx(theirs["reached"], abs=5)
