"""Where data points are consumed and why, and what reaches the tools that consume them."""

from __future__ import annotations

import pytest

from playbook import audit
from playbook.declare import DataPoint
from playbook.results import Unavailable
from tests import small
from tests.spec import table

PLAN = [
    DataPoint(event="signed_up", says="x", destinations={"mailer": "welcome", "ads": "stop"}),
    DataPoint(event="saved", says="x", destinations={"mailer": "stop reminders"}),
    DataPoint(event="shared", says="x"),
]
COPY = {"destination": "mailer", "table": "export", "event_id": "id", "at": "got_at"}
PERIOD = ("2026-01-01", "2026-02-01", "2026-01-31")
EVENTS = """
    event_id | user_id | event     | at               | received_at
    1        | ann     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00
    2        | bob     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00
    3        | cat     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00
    4        | dan     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00
    5        | ann     | saved     | 2026-01-05 09:00 |
    6        | ann     | shared    | 2026-01-05 09:00 | 2026-01-05 09:00
    7        | ann     | saved     | 2026-01-30 00:00 | 2026-01-30 00:00
    8        | ann     | saved     | 2026-01-30 00:01 | 2026-01-30 00:01
"""
# 1 is there at once, 2 after an hour, 3 a second later, and twice; 4 and 7 are lost; 5 has no
# time of arrival in the warehouse; 8 may be under way; 9 is in the copy alone.
EXPORT = """
    id | got_at
    1  | 2026-01-05 09:00
    2  | 2026-01-05 10:00
    3  | 2026-01-05 10:00:01
    3  | 2026-01-06 10:00
    5  | 2026-01-05 09:01
    9  | 2026-01-05 09:00
"""


def run(events=EVENTS, export=EXPORT, plan=PLAN, **copy):
    found = small.run(plan=plan, events=events, period=PERIOD, words={"copies": [COPY | copy]})
    if export:
        found.warehouse.connection.create_table("export", table(export).to_pyarrow())
    return found


def said(found):
    return [(r["check"], r["subject"], r["rows"]) for r in audit.violations(found).rows]


def test_each_destination_has_a_purpose_and_a_data_point_without_one_is_missed():
    found = audit.destinations(run()).rows
    assert [(r["subject"], r["check"], r["seen"]) for r in found] == [
        ("signed_up", "mailer", "welcome"),
        ("signed_up", "ads", "stop"),
        ("saved", "mailer", "stop reminders"),
        ("shared", "no consumer", "nobody has said what it is for: resist collecting it"),
    ]
    assert [r["status"] == "missing" for r in found] == [False, False, False, True]


def test_a_copy_shows_what_the_tool_lost_got_late_and_has_alone():
    names = ("destination", "event", "in_warehouse", "lost", "share", "slow", "slow_share", "extra")
    # `shared` is not sent to the mailer; of `saved`, the row that came a minute ago is left out.
    assert [tuple(r[name] for name in names) for r in audit.copies(run()).rows] == [
        ("mailer", "(unknown)", 0, 0, None, 0, None, 1),
        ("mailer", "saved", 2, 1, 0.5, 0, 0.0, 0),
        ("mailer", "signed_up", 4, 1, 0.25, 1, pytest.approx(1 / 3), 0),
    ]


def test_what_a_tool_lost_got_late_or_has_alone_is_a_violation():
    found = [row for row in said(run()) if row[0] == "destinations"]
    assert sorted(found) == [
        ("destinations", "(unknown)", 1),
        ("destinations", "saved", 1),
        ("destinations", "shared", None),  # nobody consumes it
        ("destinations", "signed_up", 1),
        ("destinations", "signed_up", 1),
    ]


def test_a_copy_that_has_all_of_it_in_time_is_silent():
    export = "id | got_at\n" + "\n".join(f"{k} | 2026-01-05 09:00" for k in (1, 2, 3, 4, 5, 7))
    rows = audit.copies(run(export=export)).rows
    assert [(r["lost"], r["slow"], r["extra"]) for r in rows] == [(0, 0, 0), (0, 0, 0)]


def test_an_event_that_stands_twice_in_the_log_is_one_event():
    events = """
        event_id | user_id | event     | at               | received_at
        1        | ann     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00
        1        | ann     | signed_up | 2026-01-05 09:00 | 2026-01-05 12:00
                 | ann     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00
    """
    (row,) = audit.copies(run(events, "id | got_at\n1 | 2026-01-05 09:30")).rows
    assert (row["in_warehouse"], row["lost"], row["slow"]) == (1, 0, 0)


def test_an_export_without_rows_has_lost_everything():
    rows = audit.copies(run(export="id | got_at")).rows
    assert [(r["event"], r["lost"], r["share"], r["slow_share"]) for r in rows] == [
        ("saved", 2, 1.0, None),
        ("signed_up", 4, 1.0, None),
    ]


def test_without_a_mapped_copy_the_audit_says_what_to_map():
    found = audit.copies(small.run(plan=PLAN, events=EVENTS))
    assert isinstance(found, Unavailable)
    assert "`copies:`" in found.reason


@pytest.mark.parametrize(
    ("copy", "reason"),
    [
        ({"table": "exprot"}, "no table `exprot`. It has: events, export. Hint: did you mean"),
        ({"at": "got"}, "`export` has no column `got`. It has: id, got_at. Hint: did you mean"),
        ({"at": "id"}, "does not read: "),
    ],
)
def test_an_export_that_is_not_as_declared_leaves_out_the_copies_and_no_violation(copy, reason):
    found = run(export=EXPORT.replace("    1  |", "    x  |"), **copy)
    answer = audit.copies(found)
    assert isinstance(answer, Unavailable)
    assert reason in answer.reason
    assert ("destinations", "shared", None) in said(found)


def test_what_the_log_could_not_have_or_has_under_another_event_is_not_extra():
    more = """
        from before the log | 2025-12-31 23:59
        of the last day     | 2026-01-30 00:01
        6                   | 2026-01-05 09:00
    """
    rows = audit.copies(run(export=EXPORT + more)).rows
    assert [(r["event"], r["extra"]) for r in rows if r["extra"]] == [("(unknown)", 1)]  # 9


def test_destinations_keep_apart_whatever_they_are_called():
    names = {"Crm": "signed_up", "crm": "saved", 'x"; drop table y; --': "shared"}
    plan = [DataPoint(event=event, says="x", destinations={n: "y"}) for n, event in names.items()]
    words = {"copies": [COPY | {"destination": name} for name in names]}
    found = small.run(plan=plan, events=EVENTS, period=PERIOD, words=words)
    export = EXPORT.replace("9  |", "7  |")
    found.warehouse.connection.create_table("export", table(export).to_pyarrow())
    rows = audit.copies(found).rows
    assert [(r["destination"], r["event"], r["in_warehouse"], r["lost"]) for r in rows] == [
        ("Crm", "signed_up", 4, 1),
        ("crm", "saved", 2, 0),
        ('x"; drop table y; --', "shared", 1, 1),
    ]
