"""Stage 2: who is stuck, and what that means for each persona."""

from __future__ import annotations

import pytest

from playbook import friction
from playbook.friction import drafts
from playbook.results import Unavailable
from tests import small
from tests.small import question

WINDOW = {"start": "signed_up", "goal": "saved", "within": "24h"}
QUESTIONS = [
    question("never_saved", "missed_within", **WINDOW),
    question("saved", "reached_within", **WINDOW),
    question("speed", "time_to", start="signed_up", goal="saved", edges=["24h"], within="48h"),
]
# Persona → how many sign up, how many of these save.
PEOPLE = {"engineer": (40, 20), "analyst": (40, 32), "sales": (40, 0), "": (4, 0)}


@pytest.fixture(scope="module")
def run():
    people = [
        (f"{persona}{k}", persona, k < saved)
        for persona, (n, saved) in PEOPLE.items()
        for k in range(n)
    ]
    events = "user_id | event | at\n"
    events += "".join(f"{name} | signed_up | 2026-01-05 09:00\n" for name, *_ in people)
    events += "".join(f"{name} | saved | 2026-01-05 10:00\n" for name, _p, did in people if did)
    users = "user_id | persona\n" + "".join(f"{name} | {p}\n" for name, p, _ in people)
    words = {"core_personas": ["engineer", "analyst"], "min_n": 30}
    words |= {"order": {"persona": ["analyst", "engineer", "sales"]}}
    return small.run(questions=QUESTIONS, events=events, users=users, words=words)


def test_a_core_persona_above_a_quarter_is_a_defect_and_the_others_play(run):
    found = friction.stuck(run, "never_saved")
    assert (found.id, found.shape) == ("friction.never_saved_stuck", "share")
    # An analyst's 20 % is within bounds; half of the engineers is not.
    assert [(r["persona"], r["share"], r["verdict"]) for r in found.rows] == [
        ("analyst", 0.2, "watch"),
        ("engineer", 0.5, "defect"),
        ("sales", 1.0, "playing"),
        ("(unknown)", 1.0, "unknown"),
    ]


@pytest.mark.parametrize(
    ("low", "persona", "verdict"),
    [
        (0.2501, "core", "defect"),
        (0.25, "core", "watch"),
        (0.9, "other", "playing"),
        (0.9, "(unknown)", "unknown"),
    ],
)
def test_only_a_whole_interval_above_a_quarter_is_a_defect(low, persona, verdict):
    assert drafts._persona_verdict({"low": low, "persona": persona}, ["core"]) == verdict


def test_a_question_that_counts_no_misses_is_refused(run):
    found = friction.stuck(run, "saved")
    reason = "`saved` is counted by `reached_within`: this section needs `missed_within`."
    assert found == Unavailable("friction.saved_stuck", reason)


def test_a_question_that_cannot_be_answered_says_why(run):
    assert "declares no question `churn`" in friction.stuck(run, "churn").reason
    alone = small.run(
        questions=QUESTIONS,
        events="""
            user_id | event     | at
            ann     | signed_up | 2026-01-05 09:00
            ann     | saved     | 2026-01-05 09:00
        """,
    )
    assert "lacks the column(s) persona" in friction.stuck(alone, "never_saved").reason


def test_answers_curves_and_lists_are_named_after_the_stage(run):
    assert friction.answer(run, "saved").id == "friction.saved"
    assert friction.curve(run, "speed").id == "friction.speed_curve"
    found = friction.members(run, "never_saved", "dropped")
    assert found.id == "friction.never_saved.dropped"
    assert len(found.rows) == friction.answer(run, "never_saved").rows[0]["reached"] == 72
