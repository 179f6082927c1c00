"""The questions' options, handed to what the stage makes of an answer."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from playbook import audit, findings, friction
from playbook.results import Result, Unavailable
from tests import small
from tests.small import question

STEPS = {"start": "a", "goals": ["b", "c"], "within": "24h"}
WINDOW = {"start": "a", "goal": "b", "within": "24h"}


def run(asked, events, **given):
    return small.run(questions=[asked], events=f"user_id | event | at\n{events}", **given)


def test_a_step_that_may_be_left_out_loses_nobody():
    asked = question("path", "steps", optional="b", **STEPS)
    drawn = run(
        asked,
        """ann | a | 2026-01-05 09:00
        ann | c | 2026-01-05 10:00
        bob | a | 2026-01-05 09:00
        bob | b | 2026-01-05 10:00
        bob | c | 2026-01-05 11:00
        """,
    )
    found = friction.answer(drawn, "path")
    told = [(row["step"], row["n"], row["lost"], row["of_previous"]) for row in found.rows]
    assert told == [("a", 2, 0, 1.0), ("b", 1, 0, None), ("c", 2, 0, 1.0)]
    assert findings.steps(found).text == (
        "**100.0 %** (34.2 to 100.0 %) of 2 people get as far as “c” within 24 hours."
    )


def test_in_any_order_an_attempt_has_reached_a_number_of_steps():
    asked = question("path", "steps", order="any", **STEPS)
    drawn = run(asked, "ann | a | 2026-01-05 09:00\nann | c | 2026-01-05 10:00\n")
    # Nobody ever did b: without it there is no answer.
    assert isinstance(friction.answer(drawn, "path"), Unavailable)
    drawn = run(
        asked,
        """ann | a | 2026-01-05 09:00
        ann | c | 2026-01-05 10:00
        zed | b | 2026-01-02 10:00
        """,
    )
    found = friction.answer(drawn, "path").rows
    assert [(row["step"], row["n"]) for row in found] == [
        ("a", 1),
        ("1 of 2 steps", 1),
        ("2 of 2 steps", 0),
    ]
    (left,) = friction.members(drawn, "path", "dropped").rows
    assert left["reached"] == "1 of 2 steps"


@pytest.mark.parametrize("name", ["stopped", "came_back", "reasons", "bots", "instead"])
def test_what_follows_a_unit_is_refused_where_attempts_count(name):
    asked = question("missed", "missed_within", count="attempts", **WINDOW)
    drawn = run(
        asked,
        "ann | a | 2026-01-05 09:00\nann | b | 2026-01-07 10:00\n",
        users="user_id | persona | email_domain\nann | one | x.org",
    )
    found = getattr(friction, name)(drawn, "missed")
    assert isinstance(found, Unavailable)
    if name != "bots":  # without a flag it has another reason
        assert "count: units" in found.reason


@pytest.mark.parametrize("measure", ["steps", "reached_within"])
def test_in_strict_order_of_accounts_it_says_what_was_done_instead(measure):
    said = STEPS if measure == "steps" else WINDOW
    asked = question("path", measure, unit="account", order="strict", **said)
    drawn = small.run(
        questions=[asked],
        events="""
            user_id | account_id | event | at
            ann     | one        | a     | 2026-01-05 09:00
            ann     | one        | x     | 2026-01-05 09:30
            bob     | one        | b     | 2026-01-05 10:00
            bob     | one        | c     | 2026-01-05 11:00
            cat     | two        | a     | 2026-01-05 10:00
            cat     | two        | b     | 2026-01-05 11:00
        """,
    )
    found = friction.instead(drawn, "path", step="b")
    assert isinstance(found, Result)
    assert {row["label"]: row["n"] for row in found.rows}["x → b → c"] == 1


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"optional": "b", "exclude": [{"event": "x"}]}, "optional does not go with exclude"),
        ({"count": "attempts", "entry": "first"}, "count: attempts does not go with entry"),
        ({"count": "attempts", "ties": "2s"}, "does not go with a length of time for ties"),
    ],
)
def test_what_cannot_be_counted_together_is_refused(said, wrong):
    with pytest.raises(ValidationError, match=re.escape(wrong)):
        question("path", "steps", **STEPS | said)


def test_things_are_not_chosen_by_the_traits_of_people():
    with pytest.raises(ValidationError, match="`active` with hold takes no among"):
        question(
            "active", "active", goal="ran", hold="flow", within="7d", among={"persona": "engineer"}
        )


def test_a_lost_exclusion_may_only_break_what_got_through():
    asked = question("got", "reached_within", exclude=[{"event": "x"}], **WINDOW)
    events = "user_id | event | at\n"
    events += "".join(f"{name} | a | 2026-01-05 09:00\n" for name in ("ann", "bob", "cat"))
    events += "".join(f"{name} | b | 2026-01-05 11:00\n" for name in ("ann", "bob", "cat"))
    events += "cat | x | 2026-01-05 10:00\n | x | 2026-01-05 10:00\n"
    drawn = small.run(questions=[asked], events=events)
    found = audit.bounds_of(drawn, "got")
    assert found.rows[0]["share"] == pytest.approx(2 / 3)
    assert found.rows[0]["lowest"] == pytest.approx(1 / 3)


def test_an_earlier_start_without_a_user_may_have_been_the_first():
    asked = question("got", "reached_within", entry="first", **WINDOW)
    drawn = run(
        asked,
        """ann | a | 2026-01-05 09:00
        ann | b | 2026-01-05 09:30
         | a | 2026-01-04 09:00
        """,
    )
    assert audit.bounds_of(drawn, "got").rows[0]["lowest"] == 0


def test_a_tool_is_shown_as_it_counts_whatever_the_question_sets():
    events = """ann | a | 2026-01-05 09:00
        ann | x | 2026-01-05 09:30
        ann | b | 2026-01-05 10:00
        bob | a | 2026-01-05 09:00
        bob | b | 2026-01-05 09:00
        """
    strict = run(question("got", "reached_within", order="strict", **WINDOW), events)
    told = {r["counted"]: (r["reached"], r["n"]) for r in friction.firm(strict, "got").rows}
    assert told["PostHog"] == told["Amplitude"] == (1, 2)
    assert not {"Mixpanel", "ClickHouse"} & set(told)
    ties = run(question("got", "reached_within", ties="strict", **WINDOW), events)
    told = {r["counted"]: (r["reached"], r["n"]) for r in friction.firm(ties, "got").rows}
    assert (told["as declared"], told["ClickHouse"]) == ((1, 2), (2, 2))
    assert told["calendar days (UTC)"] == (2, 2)


def test_by_calendar_days_each_window_is_whole_days():
    events = "ann | a | 2026-01-05 23:50\nann | b | 2026-01-06 00:10\nann | c | 2026-01-06 00:20\n"
    asked = question("path", "steps", windows=["1h", "1h"], **STEPS)
    told = {r["counted"]: r["reached"] for r in friction.firm(run(asked, events), "path").rows}
    assert told["calendar days (UTC)"] == 1


def test_a_curve_says_nothing_beyond_its_window():
    asked = question("speed", "time_to", start="a", goal="b", edges=["10m"], within="30m")
    drawn = run(
        asked,
        "ann | a | 2026-01-05 09:00\nbob | a | 2026-01-05 09:00\n"
        "cat | a | 2026-01-05 09:00\nann | b | 2026-01-05 09:20\n",
    )
    text = findings.curve(friction.curve(drawn, "speed"), "reach it").text
    assert text == "**less than half reach it within 30 minutes** (n = 3)."


def test_reasons_are_defined_by_the_mail_and_the_domains():
    asked = question("missed", "missed_within", **WINDOW)
    given = {
        "users": "user_id | email_domain\nann | x.org",
        "messages": """
            user_id | play | sent_at
            ann     | ask  | 2026-01-05 09:01
        """,
    }
    events = "ann | a | 2026-01-05 09:00\nann | b | 2026-01-07 10:00\n"
    hashes = {
        friction.reasons(run(asked, events, words=words, **given), "missed").definition_hash
        for words in (
            {},
            {"prompts": {"b": "ask"}},
            {"prompts": {"b": "ask"}, "disposable": {"add": ["x.org"]}},
        )
    }
    assert len(hashes) == 3
