"""The tracking plan against the data: what arrives, under which name, and which rules it breaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playbook import audit, findings
from playbook.audit.plan import POINT, _what_arrives
from playbook.declare import DataPoint, Property, TableMap
from playbook.report.pages import safe
from playbook.results import Unavailable, listings
from tests import small
from tests.pictures import result, table
from tests.small import question
from tests.test_findings import HOSTILE

PERIOD = ("2026-01-01", "2026-04-01", "2026-04-01")


def point(event, **said):
    return DataPoint(event=event, says="x", **said)


def states(events, *names, **said):
    """Data point → (rows, status, note), of a plan of these names."""
    run = small.run(plan=[point(name) for name in names], events=events, period=PERIOD, **said)
    columns = ("rows", "status", "note")
    return {r["data point"]: tuple(r[c] for c in columns) for r in audit.data_points(run).rows}


def log(**events):
    """A log in which each event happens at noon of these days, written 01-31."""
    rows = [
        f"ann | {event.replace('__', ' ')} | 2026-{day} 12:00"
        for event, days in events.items()
        for day in days.split()
    ]
    return "\n".join(["user_id | event | at", *rows])


def test_what_arrives_to_the_end_arrives_and_what_never_came_is_dead():
    found = states(log(saved="01-10 03-30"), "saved", "shared")
    assert found == {
        "saved": (2, "arrives", ""),
        "shared": (0, "dead", "planned, and never arrives"),
    }


def test_silence_for_more_than_a_tenth_of_the_log_is_a_stop():
    # Ninety days of log: nine days of silence are allowed.
    found = states(
        log(kept="03-23", ceased="01-10 03-22", other="03-30"), "kept", "ceased", "other"
    )
    assert found["kept"] == (1, "arrives", "")
    assert found["ceased"] == (2, "stopped", "last seen 22 Mar 2026")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("connection_tested", "connection_checked"),  # a similar name
        ("connection_tested", "Connection_Tested"),  # another case
        ("connection_tested", "connection tested"),  # another spelling
        ("connection_tested", "connectionTested"),
    ],
)
def test_an_event_that_goes_on_under_a_similar_name_is_renamed(was, becomes):
    drawn = log(**{was: "01-10 02-10", becomes.replace(" ", "__"): "02-11 03-30"})
    assert states(drawn, was) == {
        was: (2, "renamed", f"arrives as {becomes} since 11 Feb 2026"),
        becomes: (2, "not planned", f"{was} under another name"),
    }


def test_an_event_may_have_another_name_from_the_first_day_on():
    found = states(log(Signed_Up="01-10 03-30"), "signed_up")
    assert found["signed_up"] == (0, "renamed", "arrives as Signed_Up since 10 Jan 2026")


def test_an_event_that_resembles_another_is_no_heir_while_both_arrive():
    found = states(log(saved="01-10 03-30", saved_as="02-10 03-30"), "saved")
    assert found == {
        "saved": (2, "arrives", ""),
        "saved_as": (2, "not planned", "like saved: renamed?"),
    }


def test_an_event_that_was_there_long_before_the_other_stopped_is_no_heir():
    found = states(log(saved="01-10 02-10", saved_as="01-10 03-30"), "saved")
    assert found["saved"] == (2, "stopped", "last seen 10 Feb 2026")


def test_an_event_in_another_spelling_that_arrives_beside_it_is_said_to_be_one():
    found = states(log(signed_up="01-10 03-30", signedUp="01-10 03-30"), "signed_up")
    assert found["signedUp"] == (2, "not planned", "signed_up in another spelling")


def test_names_that_have_nothing_in_common_are_strangers():
    found = states(log(zapped="01-10 03-30"), "saved")
    assert found["saved"][1] == "dead"
    assert found["zapped"] == (2, "not planned", "")


def test_events_with_quotes_emoji_or_no_name_are_data_points_like_others():
    name = """saved "it" isn't 🚀; drop table"""
    drawn = f"""
        user_id | event  | at
        ann     | {name} | 2026-03-30 12:00
        ann     |        | 2026-03-30 12:00
    """
    assert states(drawn, name) == {
        name: (1, "arrives", ""),
        "(no name)": (1, "not planned", ""),
    }


def test_a_former_name_counts_as_the_event_of_today():
    run = small.run(
        plan=[point("saved", was=["stored"])],
        events=log(stored="01-10 02-10", saved="02-11 03-30"),
        period=PERIOD,
    )
    assert [(r["data point"], r["rows"], r["status"]) for r in audit.data_points(run).rows] == [
        ("saved", 4, "arrives")
    ]


def test_a_data_point_knows_its_owner_and_how_many_questions_need_it():
    first = {"start": "signed_up", "goal": "saved", "within": "24h"}
    run = small.run(
        questions=[
            question("first", "reached_within", **first),
            question("missed", "missed_within", **first),
        ],
        plan=[point("signed_up", owner="growth"), point("saved")],
        events=log(signed_up="03-30", saved="03-30"),
        period=PERIOD,
    )
    rows = audit.data_points(run).rows
    assert [(r["data point"], r["owner"], r["questions"]) for r in rows] == [
        ("signed_up", "growth", 2),
        ("saved", "", 2),
    ]


# From version 2 of the web on `plan` is missing or not one of its values, from Monday, 9 March.
EVENTS = """
    event_id | user_id | event | at               | source | app_version | plan | code  | seats
    1        | ann     | saved | 2026-03-02 12:00 | web    | 1           | free | ab-1  | 1
    2        | ann     | saved | 2026-03-03 12:00 | ios    | 2           | pro  | ab-2  | 10
    3        | ann     | saved | 2026-03-09 12:00 | web    | 2           |      | ab-3  | 0
    4        | ann     | saved | 2026-03-16 12:00 | web    | 2           | Free | xab-4 | 11
    5        | ann     | saved | 2026-03-17 12:00 | web    | 2           |      |       | many
    5        | ann     | saved | 2026-03-17 12:00 | web    | 2           |      |       | many
    6        | ann     | rang  | 2026-03-17 12:00 | web    | 2           | pro  |       |
    7        | ann     | other | 2026-03-17 12:00 | web    | 2           | pro  |       |
"""
PLAN = [
    point(
        "saved",
        owner="web",
        properties={
            "plan": Property(required=True, values=("free", "pro")),
            "code": Property(pattern="^ab-[0-9]$"),
            "seats": Property(type="int64", least=1, most=10),
        },
    ),
    point("rang", owner="phone"),
]


@pytest.fixture(scope="module")
def run():
    return small.run(plan=PLAN, events=EVENTS, period=PERIOD)


def test_each_broken_rule_says_how_often_where_and_since_when(run):
    names = ("data point", "property", "rule", "rows", "of", "where", "since", "until", "owner")
    found = {tuple(row[name] for name in names) for row in audit.rules(run).rows}
    # Copies count once; weeks are named by their Monday.
    assert found == {
        ("saved", "plan", "required", 2, 5, "web 2", "2026-03-09", "2026-03-16", "web"),
        ("saved", "plan", "values", 1, 5, "web 2", "2026-03-16", "2026-03-16", "web"),
        ("saved", "code", "pattern", 1, 5, "web 2", "2026-03-16", "2026-03-16", "web"),
        ("saved", "seats", "range", 2, 5, "web 2", "2026-03-09", "2026-03-16", "web"),
        ("saved", "seats", "type", 1, 5, "web 2", "2026-03-16", "2026-03-16", "web"),
        ("rang", "plan", "unplanned", 1, 1, "everywhere", "2026-03-16", "2026-03-16", "phone"),
    }


def test_the_rule_that_breaks_most_often_stands_first_with_what_it_expects(run):
    first = audit.rules(run).rows[0]
    assert (first["rule"], first["share"]) in {("required", 0.4), ("range", 0.4)}
    assert {row["rule"]: row["expects"] for row in audit.rules(run).rows} == {
        "required": "it is there",
        "values": "one of free, pro",
        "pattern": "like ^ab-[0-9]$",
        "range": "at least 1 and at most 10",
        "type": "int64",
        "unplanned": "it is in the plan",
    }


def test_shares_of_rows_read_as_percent_however_small_or_near_one_they_are():
    lines = [f"ann | saved | 2026-03-02 12:00 | {'pro' if k in (7, 8) else ''}" for k in range(350)]
    lines += [f"ann | rang | 2026-03-02 12:00 | {'' if k == 7 else 'pro'}" for k in range(20)]
    plan = [point(name, properties={"plan": Property(required=True)}) for name in ("saved", "rang")]
    drawn = "\n".join(["user_id | event | at | plan", *lines])
    shown = listings.table(audit.rules(small.run(plan=plan, events=drawn, period=PERIOD)))
    assert [row[shown.columns.index("share")] for row in shown.rows] == ["99.4 %", "5.0 %"]


def test_a_rule_is_followed_by_week_source_and_version(run):
    names = ("source", "app version", "week", "rows", "of", "share")
    found = [
        tuple(row[name] for name in names)
        for row in audit.rules_by_week(run).rows
        if row["rule"] == "required"
    ]
    assert sorted(found) == [
        ("web", "2", "2026-03-09", 1, 1, 1.0),
        ("web", "2", "2026-03-16", 1, 2, 0.5),
    ]


def test_a_rule_that_is_broken_in_every_version_is_broken_everywhere():
    drawn = """
        user_id | event | at               | source | app_version | plan
        ann     | saved | 2026-03-02 12:00 | web    | 1           |
        ann     | saved | 2026-03-03 12:00 | web    | 2           |
        ann     | saved | 2026-03-03 12:00 |        |             |
        bob     | saved | 2026-03-03 12:00 |        |             | pro
    """
    plan = [point("saved", properties={"plan": Property(required=True)})]
    (row,) = audit.rules(small.run(plan=plan, events=drawn, period=PERIOD)).rows
    assert (row["where"], row["rows"], row["of"]) == ("everywhere", 3, 4)


def test_a_place_without_a_name_is_unknown():
    drawn = """
        user_id | event | at               | source | app_version | plan
        ann     | saved | 2026-03-02 12:00 | web    | 1           | pro
        ann     | saved | 2026-03-03 12:00 |        |             |
    """
    plan = [point("saved", properties={"plan": Property(required=True)})]
    (row,) = audit.rules(small.run(plan=plan, events=drawn, period=PERIOD)).rows
    assert row["where"] == "(unknown)"


def test_examples_show_the_latest_rows_that_break_a_rule(run):
    found = audit.examples(run).rows
    shown = [(r["property"], r["rule"], r["value"], r["event_id"]) for r in found]
    assert shown == [
        ("code", "pattern", "xab-4", "4"),
        ("plan", "required", None, "3"),
        ("plan", "required", None, "5"),
        ("plan", "values", "Free", "4"),
        ("seats", "range", "0", "3"),
        ("seats", "range", "11", "4"),
        ("seats", "type", None, "5"),
    ]


def test_a_plan_that_is_kept_has_no_violations_and_no_examples():
    kept = small.run(plan=[point("saved")], events=log(saved="01-10 03-30"), period=PERIOD)
    assert audit.rules(kept).rows == audit.rules_by_week(kept).rows == []
    found = audit.examples(kept)
    assert isinstance(found, Unavailable)
    assert "there is nothing to check" in found.reason
    ruled = point("saved", properties={"tool": Property(required=True)})
    drawn = "event | at | tool\nsaved | 2026-01-10 | mail"
    found = audit.examples(small.run(plan=[ruled], events=drawn, period=PERIOD))
    assert found.reason == "No rule of the plan is broken."


def test_a_column_that_nothing_maps_is_a_violation():
    run = small.run(plan=[point("saved")], events=log(saved="01-10 03-30"), period=PERIOD)
    columns = {name: name for name in ("event_id", "event", "at")}
    maps = {"events": (TableMap(table="events", columns=columns),)}
    product = run.declared.product.model_copy(update={"tables": maps})
    bare = replace(run, declared=replace(run.declared, product=product))
    assert ("plan", "events.user_id") in _said(bare)
    assert ("plan", "events.user_id") not in _said(run)


def _said(run):
    return [(row["check"], row["subject"]) for row in audit.violations(run).rows]


def points(*lines):
    return result(
        "table", table("data point | status | note", *lines), own=POINT, says=_what_arrives
    )


def test_a_plan_says_what_arrives_and_what_does_not():
    found = findings.of(
        points(
            "saved | arrives | x",
            "shared | dead | x",
            "old | stopped | x",
            "new | not planned | like old: renamed?",
            "zap | not planned | ",
        )
    )
    assert found.text == (
        "**1 of 3** planned data points arrive. Never seen: shared. Fell silent: old. "
        "Arrive without a plan: new (like old: renamed?), zap."
    )
    kept = {row["figure"].rpartition(".")[2]: row["value"] for row in found.figures}
    assert (kept["arrives"], kept["planned"]) == (1, 3)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_data_point_becomes_markup_in_the_sentence_of_the_plan(name):
    row = {"data point": name, "status": "not planned", "note": f"like {name}"}
    raw = findings.of(replace(points("x | dead | x"), finish=lambda _rows: [row])).text
    page = str(safe.markdown(raw))
    assert not [tag for tag in ("<a ", "<img", "<script", "<del>") if tag in page]
    assert "<" not in raw.replace("\\<", "")
    assert "$" not in raw.replace("\\$", "")


def test_in_a_log_of_one_day_no_event_has_stopped():
    drawn = """
        user_id | event | at
        ann     | saved | 2026-01-05 00:05
        ann     | rang  | 2026-01-05 23:00
    """
    plan, period = [point("saved"), point("rang")], ("2026-01-05", "2026-01-06", "2026-01-05 23:00")
    rows = audit.data_points(small.run(plan=plan, events=drawn, period=period)).rows
    assert [row["status"] for row in rows] == ["arrives", "arrives"]
