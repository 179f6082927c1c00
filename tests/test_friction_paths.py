"""What units did instead of a step: paths that add up, whatever the order of the rows."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from playbook import friction
from playbook.airtouch import TRUTH
from playbook.declare import DataPoint
from playbook.declare.plan import Property
from playbook.results import Unavailable, figures
from tests import small
from tests.small import question

PATH = question("path", "steps", start="a", goals=["b", "c"], within="48h")
SAVED = question("saved", "missed_within", start="a", goal="b", within="24h")
START = datetime(2026, 1, 5)
# Of the sample company: what nobody decides to do.
WITHOUT = ["page_viewed", "session_started"]


def paths(found):
    return {row["label"]: row["n"] for row in found.rows}


def run_over(events, **given):
    return small.run(**{"questions": [PATH, SAVED], "events": events} | given)


def test_a_path_holds_what_follows_the_step_before_until_its_time_ends():
    run = run_over("""
        user_id | event | at
        ann     | a     | 2026-01-05 09:00
        ann     | look  | 2026-01-05 09:00
        ann     | ask   | 2026-01-06 09:00
        ann     | late  | 2026-01-06 09:00:01
        bob     | look  | 2026-01-05 08:00
        bob     | a     | 2026-01-05 09:00
        cat     | a     | 2026-01-05 09:00
        cat     | look  | 2026-01-05 10:00
        cat     | look  | 2026-01-05 11:00
        cat     | ask   | 2026-01-05 12:00
        cat     | look  | 2026-01-05 13:00
        cat     | pay   | 2026-01-05 14:00
        dee     | a     | 2026-01-05 09:00
        dee     | b     | 2026-01-06 09:00
    """)
    found = friction.instead(run, "saved")
    # What Ann did at the very moment of her start is no later; Cat's second look is the same.
    assert paths(found) == {"(left: nothing more)": 1, "ask": 1, "look → ask → look": 1}
    assert [row["position"] for row in found.rows] == [0, 1, 2]
    assert {row["total"] for row in found.rows} == {3}
    assert (found.id, found.shape) == ("friction.saved_instead_of_b", "mix")
    assert paths(friction.instead(run, "saved", within="25h", length=5)) == {
        "(left: nothing more)": 1,
        "ask → late": 1,
        "look → ask → look → pay": 1,
    }


def test_equal_times_stand_in_the_order_of_names_whatever_the_order_of_the_rows():
    events = """
        user_id | event | at
        ann     | a     | 2026-01-05 09:00
        ann     | z     | 2026-01-05 10:00
        ann     | x     | 2026-01-05 10:00
        ann     | y     | 2026-01-05 10:00
        ann     | x     | 2026-01-05 10:00
        bob     | a     | 2026-01-05 09:00
        bob     | b     | 2026-01-25 09:00
    """
    head, *lines = [line for line in events.splitlines() if line.strip()]
    draw = random.Random(4)
    for _place in range(4):
        draw.shuffle(lines)
        found = friction.instead(run_over("\n".join([head, *lines])), "saved")
        assert paths(found) == {"(left: nothing more)": 1, "x → y → z": 1}


MANY = """
    user_id | event | at
    ann     | a     | 2026-01-05 09:00
    ann     | b     | 2026-01-05 10:00
    ann     | look  | 2026-01-05 11:00
    bob     | a     | 2026-01-05 09:00
    bob     | b     | 2026-01-05 10:00
    bob     | ask   | 2026-01-05 11:00
    bob     | c     | 2026-01-06 09:00
    cat     | a     | 2026-01-05 09:00
    cat     | c     | 2026-01-05 10:00
    dee     | a     | 2026-01-05 09:00
    dee     | b     | 2026-01-05 10:00
    dee     | c     | 2026-01-07 09:00
    eve     | a     | 2026-01-05 09:00
    eve     | b     | 2026-01-05 10:00
"""


def test_by_default_the_step_that_the_largest_share_does_not_take():
    # One of five does not take b; two of four do not take c.
    found = friction.instead(run_over(MANY), "path")
    assert found.id == "friction.path_instead_of_c"
    assert paths(found) == {"(left: nothing more)": 1, "look": 1}
    assert dict(found.definition)["after"] == "b"


def test_those_who_did_not_take_a_step_and_those_who_did_add_up_to_the_questions_steps():
    run = run_over(MANY)
    steps = {row["step"]: row for row in friction.answer(run, "path").rows}
    for step in ("b", "c"):
        dropped, converted = (
            friction.instead(run, "path", step=step, outcome=outcome)
            for outcome in ("dropped", "converted")
        )
        assert sum(paths(dropped).values()) == steps[step]["lost"]
        assert sum(paths(converted).values()) == steps[step]["n"]
    assert converted.id == "friction.path_instead_of_c_converted"
    assert paths(converted) == {"(nothing in that time)": 1, "ask → c": 1}
    # Cat's c came without a b before it: that is what she did instead.
    assert paths(friction.instead(run, "path", step="b")) == {"c": 1}


def test_units_whose_time_since_the_step_is_not_over_are_open():
    run = run_over(
        """
        user_id | event | at
        ann     | a     | 2026-01-05 09:00
        ann     | look  | 2026-01-05 12:00
        bob     | a     | 2026-01-06 08:00
        bob     | look  | 2026-01-06 12:00
        """,
        period=("2026-01-01", "2026-02-01", "2026-01-07 09:00"),
        questions=[question("quick", "reached_within", start="a", goal="look", within="1h")],
    )
    found = friction.instead(run, "quick", within="36h")
    assert [(row["label"], row["n"], row["share"]) for row in found.rows] == [
        ("look", 1, 1.0),
        ("still open", 1, None),
    ]


def test_the_paths_beyond_the_most_frequent_ones_are_one_class():
    lines = ["user_id | event | at"]
    for k in range(12):
        for n in range(1 if k > 1 else 3):
            lines += [f"u{k}_{n} | a | 2026-01-05 09:00", f"u{k}_{n} | x{k:02} | 2026-01-05 10:00"]
    lines.append("bob | b | 2026-01-05 09:00")
    found = friction.instead(run_over("\n".join(lines)), "saved")
    labels = [row["label"] for row in found.rows]
    assert labels == [*(f"x{k:02}" for k in range(8)), "(other paths)"]
    assert paths(found)["(other paths)"] == 4
    assert sum(row["share"] for row in found.rows) == pytest.approx(1)


def test_events_may_be_passed_over_and_names_are_said_in_the_products_words():
    run = run_over(MANY, words={"labels": {"look": "had a look"}})
    assert paths(friction.instead(run, "path")) == {"(left: nothing more)": 1, "had a look": 1}
    found = friction.instead(run, "path", without=["look", "ask"])
    assert paths(found) == {"(left: nothing more)": 2}
    assert dict(found.definition)["passed over"] == "look, ask"
    assert "passed over" not in dict(friction.instead(run, "path").definition)


def test_an_attempt_that_holds_a_property_goes_on_with_all_that_its_unit_does():
    held = question("held", "missed_within", start="a", goal="b", within="24h", hold="draft")
    run = run_over(
        """
        user_id | event | at               | draft
        ann     | a     | 2026-01-05 09:00 | d1
        ann     | a     | 2026-01-05 10:00 | d2
        ann     | b     | 2026-01-05 11:00 | d2
        ann     | look  | 2026-01-05 12:00 |
        """,
        questions=[held],
        plan=[DataPoint(event="a", says="It began.", properties={"draft": Property()})],
    )
    assert paths(friction.instead(run, "held")) == {"a → b → look": 1}
    assert paths(friction.instead(run, "held", outcome="converted")) == {"b → look": 1}


def test_a_step_that_may_be_left_out_is_nobodys_stop():
    may = question("may", "steps", start="a", goals=["b", "c", "d"], optional=["c"], within="48h")
    run = run_over(
        """
        user_id | event | at
        ann     | a     | 2026-01-05 09:00
        ann     | b     | 2026-01-05 10:00
        ann     | c     | 2026-01-05 11:00
        bob     | a     | 2026-01-05 09:00
        bob     | b     | 2026-01-05 10:00
        bob     | d     | 2026-01-05 12:00
        """,
        questions=[may],
    )
    found = friction.instead(run, "may")
    assert (found.id, paths(found)) == ("friction.may_instead_of_d", {"c": 1})
    assert "that must be taken" in friction.instead(run, "may", step="c").reason


REFUSED = [
    ({"step": "pay"}, "no step `pay`"),
    ({"step": "a"}, "no step `a`"),
    ({"outcome": "open"}, "no outcome `open`"),
    ({"length": 0}, "tells nothing"),
    ({"within": "24"}, "no duration"),
]


@pytest.mark.parametrize(("given", "why"), REFUSED)
def test_what_has_no_paths_says_why_and_how_to_go_on(given, why):
    found = friction.instead(run_over(MANY), "path", **given)
    assert isinstance(found, Unavailable)
    assert found.id.startswith("friction.path_instead")
    assert why in found.reason
    assert "Hint:" in found.reason


@pytest.mark.parametrize(
    "asked",
    [
        question("speed", "time_to", start="a", goal="b", edges=["24h"]),
        question("any", "steps", start="a", goals=["b", "c"], within="24h", order="any"),
    ],
    ids=lambda asked: asked.id,
)
def test_only_steps_in_order_can_be_stopped_before(asked):
    found = friction.instead(run_over(MANY, questions=[asked]), asked.id)
    assert "ask it of a question with steps in order" in found.reason


def test_nobody_gives_no_rows():
    run = run_over("user_id | event | at\n ann | a | 2026-01-05 09:00\n ann | b | 2026-01-05 10:00")
    assert friction.instead(run, "saved").rows == []
    assert "declares no question `churn`" in friction.instead(run, "churn").reason


def expected(log, *, within, time, length, as_of):
    """Path → how many units, by the definition: a unit at a time."""
    per_unit = {}
    for unit, event, hour in log:
        per_unit.setdefault(unit, []).append((hour, event))
    found = Counter()
    for done in per_unit.values():
        starts = [hour for hour, event in done if event == "a" and hour + within <= as_of]
        goals = [hour for hour, event in done if event == "b"]
        if not starts or any(s <= g <= s + within for s in starts for g in goals):
            continue
        left = min(starts)
        later = [event for hour, event in sorted(done) if left < hour <= left + time]
        told = [e for k, e in enumerate(later) if not k or later[k - 1] != e]
        path = " → ".join(told[:length]) or "(left: nothing more)"
        found["still open" if left + time > as_of else path] += 1
    return found


@pytest.mark.parametrize("seed", range(6))
def test_every_path_equals_a_brute_force_reference(seed):
    draw = random.Random(seed)
    log = [
        (unit, draw.choice("aaxxyb"), draw.randrange(40))
        for unit in range(120)
        for _place in range(draw.randrange(7))
    ]
    lines = [f"u{unit} | {event} | {START + timedelta(hours=hour)}" for unit, event, hour in log]
    asked = question("saved", "reached_within", start="a", goal="b", within="5h")
    run = run_over(
        "\n".join(["user_id | event | at", *lines]),
        questions=[asked],
        period=("2026-01-01", "2026-02-01", str(START + timedelta(hours=42))),
    )
    found = paths(friction.instead(run, "saved", within="12h", length=2))
    wanted = expected(log, within=5, time=12, length=2, as_of=42)
    special = {"(left: nothing more)", "still open"}
    ranked = sorted((-n, path) for path, n in wanted.items() if path not in special)
    kept = {path: -n for n, path in ranked[:8]}
    kept |= {path: wanted[path] for path in special if wanted[path]}
    if len(ranked) > 8:
        kept["(other paths)"] = -sum(n for n, _path in ranked[8:])
    assert found == kept


# The sample company.


def test_paths_add_up_to_what_the_path_to_value_loses(airtouch):
    steps = friction.answer(airtouch, "path_to_value").rows
    worst = min(steps[1:], key=lambda row: row["of_previous"])
    found = friction.instead(airtouch, "path_to_value")
    assert dict(found.definition)["instead of"] == worst["step"]
    assert sum(paths(found).values()) == worst["lost"]


def test_unverified_people_left_as_they_were_planted_to(airtouch):
    # Those who did none of the three things that are planted for their 48 hours.
    names = {row["event"] for row in airtouch.arrived}
    others = sorted(names - {"connection_created", "colleague_invited", "workflow_saved"})
    found = friction.instead(airtouch, "never_verified", within="48h", without=others)
    planted = TRUTH["unverified_in_48h"]
    truth = (1 - planted["connection_created"]) * (1 - planted["colleague_invited"])
    row = found.rows[0]
    assert row["label"] == "(left: nothing more)"
    assert row["low"] <= truth <= row["high"]
    # The same people as the question that asks for it by name.
    (none, *_rest) = friction.answer(airtouch, "trial_unverified").rows
    assert (row["n"], row["total"]) == (none["n"], none["total"])


def test_whoever_takes_a_step_within_a_day_does_something_in_that_day(airtouch):
    (share,) = friction.answer(airtouch, "first_workflow_24h").rows
    took = friction.instead(airtouch, "first_workflow_24h", outcome="converted", without=WITHOUT)
    assert sum(paths(took).values()) == share["reached"]
    assert "(nothing in that time)" not in paths(took)
    others = friction.instead(airtouch, "first_workflow_24h", without=WITHOUT)
    assert sum(paths(others).values()) == share["n"] - share["reached"]
    assert "(left: nothing more)" in paths(others)


def test_a_figure_is_named_after_the_step_and_its_path(airtouch):
    names = [row["figure"] for row in figures.of(friction.instead(airtouch, "never_verified"))]
    assert names[0].startswith("friction.never_verified_instead_of_email_verified.")
    assert len(names) == len(set(names))
