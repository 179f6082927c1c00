"""What to mend first: every defect as a row, with its weight."""

from __future__ import annotations

import pytest

from playbook import audit
from playbook.audit import VIOLATION
from playbook.audit.fixes import ranked_violations
from playbook.audit.violation import Violation, violation_row
from playbook.declare import DataPoint, Property
from tests import small
from tests.small import question

FIRST = {"start": "signed_up", "goal": "saved", "within": "24h"}
PERIOD = ("2026-01-01", "2026-01-30", "2026-01-31")


def point(event, **said):
    return DataPoint(event=event, says="x", destinations={"warehouse": "y"}, **said)


PLAN = [
    point("signed_up", owner="growth", properties={"page": Property(required=True)}),
    point("saved", owner="product", properties={"flow": Property(required=True)}),
    point("shared", owner="product"),
    DataPoint(event="seen", says="x", owner="web"),
]
QUESTIONS = [
    question("first", "reached_within", **FIRST),
    question("missed", "missed_within", **FIRST),
    question("shared", "reached_within", **FIRST | {"goal": "shared"}),
]
# Half of the saved events name no user; one of 200 sign-ups names no page.
EVENTS = "\n".join(
    [
        "user_id | event | at | page | flow",
        *(f"u{k} | signed_up | 2026-01-05 09:00 | {'home' if k else ''} |" for k in range(200)),
        *(f"u{k} | saved | 2026-01-05 10:00 | | f{k}" for k in range(40)),
        *(" | saved | 2026-01-05 10:00 | | f9" for k in range(39)),
        "u1 | seen | 2026-01-30 10:00 | |",
        "u1 | zapped | 2026-01-30 10:00 | |",
    ]
)


@pytest.fixture(scope="module")
def run():
    return small.run(questions=QUESTIONS, plan=PLAN, events=EVENTS, period=PERIOD)


def row(run, check, subject, seen=""):
    (found,) = [
        r
        for r in audit.violations(run).rows
        if (r["check"], r["subject"]) == (check, subject) and seen in r["seen"]
    ]
    return found


def test_every_violation_has_the_same_columns(run):
    assert {tuple(found) for found in audit.violations(run).rows} == {tuple(VIOLATION)}


def test_each_check_makes_the_violations_of_its_own_rows(run):
    alone = [
        (row["check"], row["subject"], row["seen"])
        for section, violations in audit.CHECKS.items()
        for row in ranked_violations(run, {section: violations}).rows
    ]
    together = [(r["check"], r["subject"], r["seen"]) for r in audit.violations(run).rows]
    assert sorted(alone) == sorted(together)
    assert len({check for check, _subject, _seen in alone}) > 4


def test_a_check_is_a_section_and_what_makes_violations_of_its_rows(run):
    def finds(_run, found):
        for row in found.rows:
            if row["data point"] == "seen":
                yield Violation("few", row["data point"], "seldom", rows=row["rows"], of=200)

    (found,) = ranked_violations(run, {audit.data_points: finds}).rows
    told = {"check": "few", "subject": "seen", "seen": "seldom", "expected": "none", "owner": "web"}
    told |= {"rows": 1, "of": 200, "share": 0.005, "severity": "note", "questions": 0}
    assert found == violation_row(**told)
    assert tuple(found) == tuple(VIOLATION)


def test_a_dead_event_that_a_question_needs_is_blocking(run):
    found = row(run, "plan", "shared")
    assert (found["severity"], found["questions"], found["owner"]) == ("blocking", 1, "product")


def test_a_rule_that_few_rows_break_is_a_note_and_one_that_many_break_a_warning(run):
    found = row(run, "rules", "signed_up")
    assert (found["rows"], found["of"], found["share"]) == (1, 200, 0.005)
    # The questions that need a sign-up do not need its page.
    assert (found["severity"], found["questions"], found["owner"]) == ("note", 0, "growth")
    many = EVENTS.replace(" | home |", " | |", 5)
    found = row(small.run(plan=PLAN, events=many, period=PERIOD), "rules", "signed_up")
    assert (found["rows"], found["severity"], found["questions"]) == (6, "warning", None)


def test_what_nobody_planned_and_what_nobody_consumes_are_notes(run):
    assert row(run, "plan", "zapped")["severity"] == "note"
    assert row(run, "destinations", "seen")["severity"] == "note"


def test_the_worst_stands_first(run):
    rows = audit.violations(run).rows
    weights = ["blocking", "warning", "note"]
    places = [weights.index(found["severity"]) for found in rows]
    assert places == sorted(places)
    assert places[0] == 0
    for weight in weights:
        asked = [found["questions"] for found in rows if found["severity"] == weight]
        assert asked == sorted(asked, reverse=True)


def test_a_defect_says_by_how_much_it_moves_the_answer_that_it_moves_most():
    # One of two who saved did so at the moment that an hour of clock hides.
    drawn = """
        user_id | event     | at               | sent_at          | received_at
        ann     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00 | 2026-01-05 09:00
        bob     | signed_up | 2026-01-05 09:00 | 2026-01-05 09:00 | 2026-01-05 09:00
        ann     | saved     | 2026-01-05 12:00 | 2026-01-05 12:00 | 2026-01-05 10:00
        bob     | saved     | 2026-01-05 08:00 | 2026-01-05 08:00 | 2026-01-05 10:00
    """
    found = small.run(questions=QUESTIONS[:2], events=drawn, period=PERIOD)
    ahead = row(found, "clocks", "the log", "after their own arrival")
    assert (ahead["rows"], ahead["of"], ahead["moves"], ahead["questions"]) == (1, 4, 0.5, 2)
    assert ahead["severity"] == "warning"


def test_what_no_answer_is_recounted_for_moves_nobody_knows_how_much(run):
    assert row(run, "rules", "signed_up")["moves"] is None


def test_fixes_are_the_violations_in_their_order_in_the_words_of_a_list(run):
    fixes, found = audit.fixes(run).rows, audit.violations(run).rows
    assert len(fixes) == len(found)
    assert [f["what"] for f in fixes] == [f"{v['subject']}: {v['seen']}" for v in found]
    assert fixes[0]["severity"] == "blocking"


def test_a_sound_log_has_nothing_to_fix():
    drawn = """
        user_id | event     | at               | received_at
        ann     | signed_up | 2026-01-30 09:00 | 2026-01-30 09:00
        bob     | signed_up | 2026-01-30 09:00 | 2026-01-30 09:00
        ann     | saved     | 2026-01-30 12:00 | 2026-01-30 12:00
    """
    users = "user_id | account_id\nann | a1\nbob | a1"
    drawn = drawn.replace("user_id |", "user_id | account_id |").replace("ann     |", "ann | a1 |")
    drawn = drawn.replace("bob     |", "bob | a1 |")
    plan = [point("signed_up"), point("saved")]
    run = small.run(questions=QUESTIONS[:2], plan=plan, events=drawn, users=users, period=PERIOD)
    assert audit.violations(run).rows == audit.fixes(run).rows == []


@pytest.mark.parametrize(
    ("said", "subject"),
    [({"goal": "rang"}, "rang"), ({"among": {"persona": ["engineer"]}}, "persona")],
)
def test_a_question_that_nobody_planned_for_and_no_data_answer_is_blocking(said, subject):
    asked = question("asked", "reached_within", **FIRST | said)
    found = row(
        small.run(questions=[asked], plan=PLAN, events=EVENTS, period=PERIOD), "question", subject
    )
    assert (found["severity"], found["where"]) == ("blocking", "asked")


def test_an_event_that_lacks_its_user_is_a_violation_of_its_own_if_that_moves_an_answer():
    drawn = "\n".join(
        [
            "user_id | event | at",
            *(f"u{k} | signed_up | 2026-01-05 09:00" for k in range(95)),
            *(" | signed_up | 2026-01-05 09:00" for _k in range(5)),
            *(f"u{k} | saved | 2026-01-05 10:00" for k in range(40)),
        ]
    )
    run = small.run(questions=QUESTIONS[:1], events=drawn, period=PERIOD)
    found = row(run, "answers", "signed_up")
    # 40 of 95 saved; if the five are further tries of others, 45 did.
    assert found["moves"] == pytest.approx(5 / 95)
    assert (found["severity"], found["questions"]) == ("warning", 1)
