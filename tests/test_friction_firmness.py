"""Stage 2: the same attempts by other rules, and as other tools count them."""

from __future__ import annotations

import pytest

from playbook import findings, friction
from playbook.results import Unavailable
from tests import small
from tests.small import question

WINDOW = {"start": "signed_up", "goal": "saved", "within": "24h"}
QUESTIONS = [
    question("saved", "reached_within", **WINDOW),
    question("never_saved", "missed_within", **WINDOW),
    question("path", "steps", start="signed_up", goals=["saved", "ran"], within="24h"),
    question(
        "clean",
        "reached_within",
        exclude=[{"event": "left", "effect": "leave_out"}],
        **WINDOW,
    ),
    question("round", "steps", start="signed_up", goals=["saved", "signed_up"], within="24h"),
    question("first", "time_to", start="signed_up", goal="saved", edges=["24h"], within="48h"),
]


@pytest.fixture
def run():
    return small.run(
        questions=QUESTIONS,
        events="""
            user_id | event     | at                  | received_at
            plain   | signed_up | 2026-01-05 09:00    | 2026-01-05 09:00
            plain   | saved     | 2026-01-05 10:00    | 2026-01-05 10:00
            plain   | ran       | 2026-01-05 11:00    | 2026-01-05 11:00
            tie     | signed_up | 2026-01-05 09:00    | 2026-01-05 09:00
            tie     | saved     | 2026-01-05 09:00    | 2026-01-05 09:00
            later   | signed_up | 2026-01-05 09:00    | 2026-01-05 09:00
            later   | signed_up | 2026-01-06 12:00    | 2026-01-06 12:00
            later   | saved     | 2026-01-06 13:00    | 2026-01-06 13:00
            slow    | signed_up | 2026-01-05 09:00    | 2026-01-05 09:00
            slow    | saved     | 2026-01-09 09:00    | 2026-01-09 09:00
            day     | signed_up | 2026-01-05 01:00    | 2026-01-05 01:00
            day     | saved     | 2026-01-06 23:00    | 2026-01-06 23:00
            clock   | signed_up | 2026-01-05 09:00:01 | 2026-01-05 09:00:02
            clock   | saved     | 2026-01-05 09:00    | 2026-01-05 09:00:03
            left    | signed_up | 2026-01-05 09:00    | 2026-01-05 09:00
            left    | left      | 2026-01-05 10:00    | 2026-01-05 10:00
            open    | signed_up | 2026-01-30 12:00    | 2026-01-30 12:00
        """,
    )


def told(run, id):
    return {r["counted"]: (r["reached"], r["n"], r["differ"]) for r in friction.firm(run, id).rows}


def test_each_rule_moves_those_whose_attempt_depends_on_it(run):
    found = friction.firm(run, "saved")
    assert (found.id, found.shape, found.by) == ("friction.saved_firm", "share", ("counted",))
    assert told(run, "saved") == {
        "as declared": (3, 7, 0),
        "equal times are no order": (2, 7, 1),
        "first entry only": (2, 7, 1),
        "no window, open ones failed": (5, 8, 3),
        "calendar days (UTC)": (5, 7, 2),
        "by the time of arrival": (4, 7, 1),
        "PostHog": (3, 8, 1),
        "Mixpanel": (3, 8, 3),
        "Amplitude": (4, 8, 2),
        "ClickHouse": (3, 8, 1),
        "ClickHouse, strict_once": (3, 8, 1),
    }
    such = {row["counted"]: row["such_as"] for row in found.rows}
    assert such["equal times are no order"] == "tie"
    assert such["Amplitude"] == "clock, open"
    assert [row["open"] for row in found.rows[:4]] == [1, 1, 1, 0]


def test_what_is_declared_equals_the_answer_itself(run):
    for id in ("saved", "never_saved", "path", "clean", "round"):
        answer, firm = friction.answer(run, id), friction.firm(run, id).rows[0]
        if answer.shape == "steps":
            assert (firm["reached"], firm["n"]) == (answer.rows[-1]["n"], answer.rows[0]["n"])
        else:
            assert (firm["reached"], firm["n"]) == (answer.rows[0]["reached"], answer.rows[0]["n"])


def test_an_exclusion_keeps_drops_or_leaves_out_as_each_tool_has_it(run):
    found = told(run, "clean")
    assert found["as declared"] == (3, 6, 0)
    assert found["PostHog"][1] == 7
    assert found["Mixpanel"][1] == found["Amplitude"][1] == 8
    assert "ClickHouse" not in found


def test_steps_that_come_back_are_counted_by_the_ways_that_know_them(run):
    assert "Mixpanel" not in told(run, "round")
    assert told(run, "round")["PostHog"] == (0, 8, 1)


def test_a_question_without_attempts_is_refused(run):
    found = friction.firm(run, "first")
    assert isinstance(found, Unavailable)
    assert found.reason == (
        "`first` is counted by `time_to`: this section needs `reached_within`, `missed_within` or "
        "`steps`."
    )


def test_the_sentences_name_the_ends_the_tools_and_what_nothing_depends_on(run):
    text = findings.of(friction.firm(run, "saved"), "save within a day").text
    assert "As declared, **42.9 %** save within a day." in text
    assert "between 28.6 % (equal times are no order) and 71.4 % (calendar days (UTC))" in text
    assert "37.5 % of 8 in PostHog, Mixpanel, ClickHouse and ClickHouse, strict" in text
    assert "50.0 % of 8 in Amplitude" in text
    assert "no window, open ones failed, which tells 3 otherwise, such as later, slow" not in text
