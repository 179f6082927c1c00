"""What a question may choose of an attempt: read strictly, printed, and never at odds."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from pydantic import ValidationError

from playbook import friction
from playbook.counting import attempts
from playbook.counting.attempts import Exclusion, Rules
from tests import small
from tests.small import question

STEPS = {"start": "signed_up", "goals": ["saved", "shared", "ran"], "within": "24h"}
AGAIN = {"start": "signed_up", "goals": ["saved", "saved", "ran"], "within": "24h"}
BACK = {"start": "signed_up", "goals": ["saved", "signed_up"], "within": "24h"}
LEAVE = {"event": "left", "effect": "leave_out"}


def test_the_defaults_are_the_definition():
    assert attempts.of(question("path", "steps", **STEPS)) == Rules()


@pytest.mark.parametrize(
    ("said", "rules"),
    [
        ({"entry": "first_ever"}, Rules(entry="first_ever")),
        ({"order": "any"}, Rules(any_order=True)),
        ({"order": "strict"}, Rules(exclude=(Exclusion(None, 1, 4),))),
        ({"ties": "strict"}, Rules(ties="strict")),
        ({"ties": "2s"}, Rules(ties=timedelta(seconds=2))),
        ({"anchor": "previous"}, Rules(from_previous=True)),
        (
            {"windows": ["1h", "1d", "7d"]},
            Rules(windows=(timedelta(hours=1), timedelta(days=1), timedelta(days=7))),
        ),
        ({"optional": "shared"}, Rules(optional=frozenset({3}))),
        ({"exclude": [{"event": "left"}]}, Rules(exclude=(Exclusion("left", 1, 4),))),
        (
            {"exclude": [LEAVE | {"after": "saved", "before": "shared"}]},
            Rules(exclude=(Exclusion("left", 2, 3, leaves_out=True),)),
        ),
        ({"count": "attempts"}, Rules(attempts=True)),
    ],
)
def test_each_choice_becomes_a_rule(said, rules):
    assert attempts.of(question("path", "steps", **STEPS | said)) == rules


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (STEPS | {"windows": ["1h"]}, "`windows` has 1 and goals has 3: one for each"),
        (STEPS | {"optional": ["ran"]}, "`optional` names ran, which is no goal before the last"),
        (STEPS | {"exclude": [{"event": "x", "after": "y"}]}, "names y, which is no step"),
        (
            STEPS | {"exclude": [{"event": "x", "after": "ran", "before": "saved"}]},
            "`exclude` needs its `after` to be a step before its `before`",
        ),
        (STEPS | {"order": "any", "ties": "2s"}, "order: any does not go with ties"),
        (STEPS | {"optional": "saved", "anchor": "previous"}, "optional does not go with anchor"),
        (STEPS | {"exclude": [LEAVE, {"event": "x"}]}, "leave_out does not go with effect: drop"),
        (STEPS | {"exclude": [LEAVE], "ties": "2s"}, "does not go with a length of time for ties"),
        (STEPS | {"exclude": [LEAVE], "order": "strict"}, "does not go with order: strict"),
        (AGAIN | {"optional": "saved"}, "a step that stands twice does not go with optional"),
        (BACK | {"anchor": "previous"}, "a step that comes back does not go with anchor"),
        (BACK | {"ties": "1s"}, "a step that comes back does not go with a length of time"),
        (STEPS | {"ties": "soon"}, "ties"),
        (STEPS | {"entry": "last"}, "'any', 'first' or 'first_ever'"),
    ],
)
def test_what_does_not_go_together_is_a_mistake(said, wrong):
    with pytest.raises(ValidationError, match=re.escape(wrong)):
        question("path", "steps", **said)


def test_a_share_takes_no_options_of_steps():
    window = {"start": "signed_up", "goal": "saved", "within": "24h"}
    with pytest.raises(ValidationError, match="takes no anchor"):
        question("share", "reached_within", anchor="previous", **window)
    with pytest.raises(ValidationError, match="`order: any` is for `steps`"):
        question("share", "reached_within", order="any", **window)


PLAN = [small.DataPoint(event="opened", says="Opened.", properties={"draft": {}, "team": {}})]
EVENTS = """
    user_id | event     | at               | draft | team
    ann     | signed_up | 2026-01-05 09:00 |       |
    ann     | ran       | 2026-01-05 10:00 |       |
    ann     | shared    | 2026-01-05 11:00 |       |
    ann     | saved     | 2026-01-05 12:00 |       |
    bob     | signed_up | 2026-01-05 09:00 |       |
    bob     | saved     | 2026-01-05 10:00 |       |
    bob     | left      | 2026-01-05 10:30 |       |
    bob     | shared    | 2026-01-05 11:00 |       |
    bob     | ran       | 2026-01-05 12:00 |       |
    cat     | signed_up | 2026-01-05 09:00 |       |
    cat     | saved     | 2026-01-05 10:00 |       |
    cat     | ran       | 2026-01-05 12:00 |       |
    dee     | opened    | 2026-01-05 09:00 | d1    | red
    dee     | opened    | 2026-01-05 09:30 | d1    | blue
    dee     | closed    | 2026-01-05 10:00 | d1    | red
    dee     | opened    | 2026-01-05 11:00 | d1    | red
    dee     | closed    | 2026-01-05 12:00 | d1    | red
"""


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({}, [3, 3, 1, 1]),
        ({"order": "any"}, [3, 3, 3, 2]),
        ({"optional": "shared"}, [3, 3, 1, 2]),
        ({"exclude": [{"event": "left"}]}, [3, 3, 0, 0]),
        ({"exclude": [LEAVE]}, [2, 2, 0, 0]),
        ({"order": "strict"}, [3, 2, 0, 0]),
        ({"windows": ["30m", "1d", "1d"]}, [3, 0, 0, 0]),
    ],
)
def test_an_answer_is_counted_and_defined_by_what_its_question_sets(said, counts):
    asked = question("path", "steps", **STEPS | said)
    found = friction.answer(small.run(questions=[asked], events=EVENTS, plan=PLAN), "path")
    assert [row["n"] for row in found.rows] == counts
    plain = friction.answer(
        small.run(questions=[question("path", "steps", **STEPS)], events=EVENTS, plan=PLAN), "path"
    )
    assert bool(said) == (found.definition_hash != plain.definition_hash)


def test_attempts_may_hold_several_properties_and_each_may_count():
    window = {"start": "opened", "goal": "closed", "within": "24h"}
    asked = [
        question("drafts", "reached_within", hold="draft", **window),
        question("each", "reached_within", hold=["draft", "team"], count="attempts", **window),
    ]
    run = small.run(
        questions=asked,
        events=EVENTS,
        plan=PLAN,
    )
    (drafts,) = friction.answer(run, "drafts").rows
    (each,) = friction.answer(run, "each").rows
    assert (drafts["n"], drafts["reached"]) == (1, 1)
    assert (each["n"], each["reached"]) == (3, 2)
    held = [row["held"] for row in friction.members(run, "each", "dropped").rows]
    assert held == ["d1 | blue#1"]
