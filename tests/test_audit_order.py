"""What came when: causes before effects, and events of a visit that fire twice or are overtaken."""

from __future__ import annotations

from playbook import audit
from playbook.declare import DataPoint, Follows, Property
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.spec import table

FOLLOWS = [Follows(event="signed_up", by="user_id")]
PLAN = [
    DataPoint(
        event="signed_up", says="x", properties={"page": Property(), "size": Property(type="int64")}
    ),
    DataPoint(event="verified", says="x", follows=FOLLOWS),
]
# ann verifies after she signs up, bob at the same moment, cat before, dan without ever; eve
# verifies twice, before and after; fay and a nobody only sign up.
CAUSES = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    ann     | verified  | 2026-01-05 09:01
    bob     | signed_up | 2026-01-05 09:00
    bob     | verified  | 2026-01-05 09:00
    cat     | verified  | 2026-01-05 08:59
    cat     | signed_up | 2026-01-05 09:00
    dan     | verified  | 2026-01-05 09:00
    eve     | verified  | 2026-01-05 08:00
    eve     | signed_up | 2026-01-05 09:00
    eve     | verified  | 2026-01-05 10:00
    fay     | signed_up | 2026-01-05 09:00
            | verified  | 2026-01-05 09:00
    gus     | signed_up | 2026-01-05 09:00
    gus     | verified  |
"""


def test_a_thing_has_the_cause_before_its_effect_or_at_the_same_moment():
    found = audit.causes(small.run(plan=PLAN, events=CAUSES))
    assert found.rows == [
        {
            "event": "verified",
            "follows": "signed_up",
            "by": "user_id",
            "things": 5,
            "without": 1,
            "before": 2,
            "share": 0.6,
        }
    ]


def test_an_effect_without_its_cause_is_a_violation():
    found = audit.violations(small.run(plan=PLAN, events=CAUSES)).rows
    assert [(r["subject"], r["rows"], r["of"]) for r in found if r["check"] == "order"] == [
        ("verified", 3, 5)
    ]


def test_an_effect_that_never_happens_has_no_share():
    drawn = "user_id | event | at\nann | signed_up | 2026-01-05 09:00"
    (row,) = audit.causes(small.run(plan=PLAN, events=drawn)).rows
    assert (row["things"], row["share"]) == (0, None)


def test_rules_by_several_things_stand_side_by_side():
    plan = [
        DataPoint(event="started", says="x", properties={"draft": Property()}),
        DataPoint(
            event="saved",
            says="x",
            follows=[
                Follows(event="started", by="draft"),
                Follows(event="signed_up", by="user_id"),
            ],
        ),
    ]
    drawn = """
        user_id | event     | at               | draft
        ann     | signed_up | 2026-01-05 09:00 |
        ann     | started   | 2026-01-05 09:10 | d1
        ann     | saved     | 2026-01-05 09:05 | d1
        ann     | saved     | 2026-01-05 09:20 | d2
    """
    rows = audit.causes(small.run(plan=plan, events=drawn)).rows
    assert [(r["by"], r["things"], r["without"], r["before"]) for r in rows] == [
        ("user_id", 1, 0, 0),
        ("draft", 2, 1, 1),
    ]


def test_a_plan_without_causes_says_how_to_write_them():
    found = audit.causes(small.run(plan=PLAN[:1], events=CAUSES))
    assert isinstance(found, Unavailable)
    assert "`follows:`" in found.reason


def test_a_cause_by_a_column_that_is_not_there_is_left_out():
    plan = [DataPoint(event="a", says="x", follows=[Follows(event="b", by="flow")])]
    assert isinstance(audit.causes(small.run(plan=plan, events=CAUSES)), Unavailable)


FIRST = question("first", "reached_within", start="signed_up", goal="saved", within="24h")


def visits(drawn):
    """Event → (n, twice, overtaken): the last is null where nothing says when events arrive."""
    found = audit.visits(small.run(questions=[FIRST], plan=PLAN, events=drawn))
    return {r["event"]: (r["n"], r["twice"], r["overtaken"]) for r in found.rows}


def test_an_event_fires_twice_within_two_seconds_with_another_id_and_all_else_the_same():
    drawn = """
        event_id | user_id | session_id | event | at                  | page | size
        1        | ann     | s1         | saved | 2026-01-05 09:00:00 | home | 1
        2        | ann     | s1         | saved | 2026-01-05 09:00:02 | home | 1
        3        | ann     | s1         | saved | 2026-01-05 09:00:05 | home | 1
    """
    assert visits(drawn) == {"saved": (3, 1, None)}  # the third comes three seconds later


def test_copies_other_properties_other_visits_and_other_events_are_no_double():
    drawn = """
        event_id | user_id | session_id | event     | at                  | page | size
        1        | ann     | s1         | saved     | 2026-01-05 09:00:00 | home | 1
        1        | ann     | s1         | saved     | 2026-01-05 09:00:00 | home | 1
        2        | ann     | s1         | saved     | 2026-01-05 09:00:01 | docs | 1
        3        | ann     | s1         | saved     | 2026-01-05 09:00:02 | docs | 2
        4        | ann     | s1         | saved     | 2026-01-05 09:00:03 | docs |
        5        | bob     | s1         | saved     | 2026-01-05 09:00:04 | docs |
        6        | bob     | s2         | saved     | 2026-01-05 09:00:04 | docs |
        7        | bob     | s2         | signed_up | 2026-01-05 09:00:04 | docs |
        8        | bob     |            | saved     | 2026-01-05 09:00:04 | docs |
        9        | bob     |            | saved     | 2026-01-05 09:00:04 | docs |
    """
    assert visits(drawn) == {"saved": (5, 0, None), "signed_up": (1, 0, None)}


def test_events_that_nothing_counts_are_not_looked_at():
    drawn = """
        user_id | session_id | event | at
        ann     | s1         | moved | 2026-01-05 09:00
        ann     | s1         | moved | 2026-01-05 09:00
        ann     | s1         | saved | 2026-01-05 09:00
    """
    assert visits(drawn) == {"saved": (1, 0, None)}


def test_an_event_that_arrives_over_a_minute_before_an_earlier_one_has_overtaken_it():
    drawn = """
        user_id | session_id | event     | at               | received_at
        ann     | s1         | signed_up | 2026-01-05 09:00 | 2026-01-05 09:10:01
        ann     | s1         | saved     | 2026-01-05 09:05 | 2026-01-05 09:09:00
        bob     | s2         | signed_up | 2026-01-05 09:00 | 2026-01-05 09:10:00
        bob     | s2         | saved     | 2026-01-05 09:05 | 2026-01-05 09:09:00
        cat     | s3         | signed_up | 2026-01-05 09:00 |
        cat     | s3         | saved     | 2026-01-05 09:05 | 2026-01-05 09:05:00
    """
    assert visits(drawn) == {"saved": (3, 0, 1), "signed_up": (3, 0, 0)}


def test_without_visits_there_is_nothing_to_say():
    found = audit.visits(small.run(questions=[FIRST], plan=PLAN, events=CAUSES))
    assert isinstance(found, Unavailable)
    assert "`session_id`" in found.reason


def test_a_thing_that_is_known_to_be_older_than_the_log_may_lack_its_cause():
    users = "user_id | signed_up_at\ndan | 2025-12-01 09:00\nann | 2026-01-05 09:00"
    (row,) = audit.causes(small.run(plan=PLAN, events=CAUSES, users=users)).rows
    assert (row["things"], row["without"], row["before"]) == (4, 0, 2)
    own = {"event": "signed_up", "by": "user_id", "table": "own", "key": "id", "at": "made_at"}
    found = small.run(plan=PLAN, events=CAUSES, words={"agrees": [own]})
    members = table("id | made_at\ndan | 2025-12-01 09:00\nann | 2026-01-05 09:00")
    found.warehouse.connection.create_table("own", members.to_pyarrow())
    assert audit.causes(found).rows == [row]
