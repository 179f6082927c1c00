"""Whether the log agrees with the product's own tables."""

from __future__ import annotations

import pytest

from playbook import audit
from playbook.declare import DataPoint, Property
from playbook.results import Unavailable
from tests import small
from tests.spec import table

PERIOD = ("2026-01-05", "2026-02-01", "2026-01-31")
SAVED = {"event": "saved", "by": "flow", "table": "flows", "key": "id", "at": "made_at"}
PLAN = [DataPoint(event="saved", says="x", properties={"flow": Property(), "draft": Property()})]
# f1 agrees to the hour; f2 is over an hour off; f3 has no event; f4 no row. The table knows f5
# from before the log begins, f6 from after it ends, and f7 has no time.
EVENTS = """
    user_id | event | at               | flow | draft
    ann     | saved | 2026-01-06 09:00 | f1   | d1
    ann     | saved | 2026-01-09 09:00 | f1   | d1
    ann     | saved | 2026-01-06 09:00 | f2   | d2
    ann     | saved | 2026-01-06 09:00 | f4   | d4
    ann     | saved | 2026-01-06 09:00 |      |
    ann     | rang  | 2026-01-06 09:00 | f3   |
"""
FLOWS = """
    id | made_at
    f1 | 2026-01-06 10:00
    f2 | 2026-01-06 10:00:01
    f3 | 2026-01-06 09:00
    f5 | 2026-01-01 09:00
    f6 | 2026-02-02 09:00
    f7 |
"""


def run(*agrees, flows=FLOWS, events=EVENTS):
    words = {"agrees": agrees or [SAVED]}
    found = small.run(plan=PLAN, events=events, period=PERIOD, words=words)
    found.warehouse.connection.create_table("flows", table(flows).to_pyarrow())
    return found


def said(found):
    return [
        (r["subject"], r["where"], r["rows"], r["of"])
        for r in audit.violations(found).rows
        if r["check"] == "agreement"
    ]


def test_the_log_and_the_table_are_compared_thing_by_thing():
    (row,) = audit.agreement(run()).rows
    assert row == {
        "event": "saved",
        "table": "flows",
        "in_table": 3,
        "no_event": 1,
        "share": pytest.approx(1 / 3),
        "no_row": 1,
        "apart": 1,
    }


def test_what_does_not_agree_is_a_violation():
    assert said(run()) == [("saved", "flows", 1, 3)] * 3


def test_a_log_that_agrees_is_silent():
    events = "user_id | event | at | flow\nann | saved | 2026-01-06 09:00 | f1"
    found = run(flows="id | made_at\nf1 | 2026-01-06 09:00", events=events)
    assert audit.agreement(found).rows[0]["share"] == 0.0
    assert said(found) == []


def test_a_table_without_rows_has_no_share():
    (row,) = audit.agreement(run(flows="id | made_at")).rows
    assert (row["in_table"], row["share"], row["no_row"]) == (0, None, 3)


def test_one_event_may_have_to_agree_with_two_tables_by_two_columns():
    found = run(SAVED, SAVED | {"by": "draft", "table": "drafts"})
    drafts = "id | made_at\nd1 | 2026-01-06 09:00\nd9 | 2026-01-06 09:00"
    found.warehouse.connection.create_table("drafts", table(drafts).to_pyarrow())
    rows = audit.agreement(found).rows
    assert [(r["table"], r["in_table"], r["no_event"], r["no_row"]) for r in rows] == [
        ("drafts", 2, 1, 2),
        ("flows", 3, 1, 1),
    ]


def test_numbers_in_the_table_meet_texts_in_the_log():
    events = "user_id | event | at | flow\nann | saved | 2026-01-06 09:00 | 17"
    found = small.run(plan=PLAN, events=events, period=PERIOD, words={"agrees": [SAVED]})
    flows = table("id | made_at\n17 | 2026-01-06 09:00", id="int64").to_pyarrow()
    found.warehouse.connection.create_table("flows", flows)
    assert audit.agreement(found).rows[0]["no_event"] == 0


def test_without_a_declared_table_the_audit_says_what_to_write():
    found = audit.agreement(small.run(plan=PLAN, events=EVENTS))
    assert isinstance(found, Unavailable)
    assert "`agrees:`" in found.reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"table": "flow"}, "no table `flow`. It has: events, flows. Hint: did you mean `flows`?"),
        ({"key": "ids"}, "Table `flows` has no column `ids`. It has: id, made_at."),
        ({"by": "flwo"}, "by `flwo`, which `events` does not have."),
        ({"at": "id"}, "does not read: "),
    ],
)
def test_a_table_that_is_not_as_declared_leaves_out_the_agreement_and_no_violation(changed, reason):
    found = run(SAVED | changed)
    answer = audit.agreement(found)
    assert isinstance(answer, Unavailable)
    assert reason in answer.reason
    assert ("plan", "rang") in [(r["check"], r["subject"]) for r in audit.violations(found).rows]


def test_a_thing_from_before_the_log_that_comes_again_in_it_is_in_the_table():
    found = run(events=EVENTS + "ann | saved | 2026-01-07 09:00 | f5 | d5")
    assert [(r["in_table"], r["no_row"]) for r in audit.agreement(found).rows] == [(3, 1)]
