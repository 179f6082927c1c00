"""What cannot be told of a play: logs that do not join, times that are not said, averages."""

from __future__ import annotations

import pytest

from playbook import charts, findings, impact
from tests import small
from tests.small import play
from tests.test_impact import GUIDE, one, opened, units
from tests.test_impact_reach import GUIDE as HALF
from tests.test_impact_reach import treated

ARMS = [("treated", 100, 70), ("holdout", 100, 30)]
(ONE,) = units("treated", 1)
LOG = "play | unit_id | arm | source\n"


def check(run, name):
    (row,) = [row for row in impact.checks(run).rows if row["check"] == name]
    return row["status"], row["seen"]


# Logs that do not join


@pytest.mark.parametrize(
    ("log", "status", "seen"),
    [
        (
            "guide | GUIDE-1 | treated | ours\n guide | GUIDE-2 | holdout | ours",
            "caveat",
            "nothing joins: 2 rows name it, and none a user that triggered it",
        ),
        (
            "news | GUIDE-1 | treated | ours",
            "not needed",
            "the log of assignments does not name it",
        ),
        (f"guide | {ONE} | treated | ours", "ok", "0 are in another arm of the log"),
        (
            f"guide | {units('treated', 1)[0]} | holdout | ours",
            "failed",
            "1 are in another arm of the log",
        ),
    ],
)
def test_a_log_of_arms_that_holds_none_of_our_units_is_said_to_join_nothing(log, status, seen):
    run = opened(ARMS, assignments=LOG + log)
    assert check(run, "log") == (status, seen)
    assert one(impact.effect(run, "guide"))["verdict"] == (
        "check failed" if status == "failed" else "works"
    )


def test_messages_of_which_none_is_to_a_user_of_ours_say_nothing_of_the_holdout():
    told = ["ANN@1", "BOB@2"]
    run = opened(ARMS, told=told, live=True)
    assert check(run, "held out")[0] == "ok"
    strangers = "user_id | play | sent_at | delivered_at\n"
    strangers += "".join(f"{name} | guide | 2026-01-05 | 2026-01-05\n" for name in told)
    strangers += "nobody | news | 2026-01-30 | \n"
    events = "".join(f"{u} | signed_up | 2026-01-05\n" for u in units("treated", 2))
    run = small.run(
        plays=[GUIDE],
        events="user_id | event | at\n" + events,
        users="user_id | persona\n" + "".join(f"{u} | engineer\n" for u in units("treated", 2)),
        messages=strangers,
    )
    assert check(run, "held out") == (
        "caveat",
        "nothing joins: 2 messages, and none to a user that we know",
    )


# Times that are not said

FIVE = treated(5)
EVENTS = "user_id | event | at\n" + "".join(f"{u} | signed_up | 2026-01-05\n" for u in FIVE)
USERS = "user_id | persona\n" + "".join(f"{u} | engineer\n" for u in FIVE)


def steps(messages):
    head, *rows = messages.format(*FIVE).strip().splitlines()
    messages = "\n".join([f"{head} | seen_by_machine", *(f"{row} |" for row in rows)])
    run = small.run(plays=[HALF], events=EVENTS, users=USERS, messages=messages)
    found = impact.reach(run, "guide")
    assert "Reach" in str(charts.of(found, title="Reach").__dict__)
    return run, [(row["step"], row["n"], row["lost"]) for row in found.rows[3:7]]


def test_what_was_sent_at_an_unknown_time_was_sent_and_nobody_is_lost_below_none():
    run, told = steps("""
        user_id | play  | channel | is_sent | sent_at | seen_at    | clicked_at | bounced_at
        {0}     | guide | email   | true    |         | 2026-01-06 | 2026-01-06 |
        {1}     | guide | email   | true    |         | 2026-01-06 |            |
        {2}     | guide | email   | true    |         |            |            |
        {3}     | guide | email   | true    |         |            |            | 2026-01-06
        {4}     | guide | email   |         |         |            |            |
    """)
    # Made, and not said to be sent, is not sent; what came back did not arrive.
    assert told == [("sent", 4, 1), ("delivered", 3, 1), ("seen", 1, 2), ("clicked", 1, 0)]
    assert check(run, "people") == ("ok", "4 of 4 messages are to people that `users` has")


def test_who_saw_a_message_was_sent_it_whatever_the_tool_forgot_to_log():
    _run, told = steps("""
        user_id | play  | source | channel | sent_at    | delivered_at | seen_at    | clicked_at
        {0}     | guide | mail   | email   |            |              | 2026-01-06 | 2026-01-06
        {1}     | guide | mail   | email   |            | 2026-01-06   |            |
        {2}     | guide | mail   | email   | 2026-01-05 |              |            | 2026-01-06
    """)
    assert told == [("sent", 3, 2), ("delivered", 3, 0), ("seen", 2, 1), ("clicked", 2, 0)]


def test_a_play_whose_tool_says_no_times_was_sent_all_the_same():
    names = [*units("treated", 100), *units("holdout", 100)]
    events = "".join(f"{u} | signed_up | 2026-01-05\n{u} | saved | 2026-01-05\n" for u in names)
    run = small.run(
        plays=[GUIDE],
        events="user_id | event | at\n" + events,
        users="user_id | persona\n" + "".join(f"{u} | engineer\n" for u in names),
        messages="user_id | play | is_sent\n"
        + "".join(f"{u} | guide | true\n" for u in units("treated", 100)),
    )
    row = one(impact.effect(run, "guide"))
    assert (row["verdict"], row["n_treated"]) == ("cannot tell", 100)


# Averages


def test_a_null_of_which_people_differ_says_for_whom_it_works_and_whom_it_harms():
    first = {*units("treated", 200)[:100], *units("holdout", 200)[:100]}
    run = opened(
        [("treated", 100, 80), ("treated", 100, 20), ("holdout", 100, 50), ("holdout", 100, 50)],
        plays=(play("guide", audience={}, smallest_effect=0.2, looks="30d"),),
        persona=lambda name: "engineer" if name in first else "sales",
        words={"min_n": 30, "labels": {"sales": "Sales people"}},
    )
    (row,) = impact.why_null(run).rows
    assert row["why"].startswith("It does too little on average: the 20 points")
    assert row["why"].endswith(
        " But its effect differs by persona: it works for engineer, it harms Sales people."
    )
    assert "it works for engineer" in findings.of(impact.why_null(run)).text


@pytest.mark.parametrize("both", ["treated", "holdout"])
def test_a_unit_that_the_log_has_in_both_arms_is_in_another_one(both):
    arms = {arm: units(arm, 60) for arm in ("treated", "holdout")}
    log = "play | unit_id | unit_type | arm | assigned_at\n"
    drawn = [(arm, name) for arm, names in arms.items() for name in names]
    drawn += [({"treated": "holdout", "holdout": "treated"}[both], name) for name in arms[both]]
    log += "".join(f"guide | {name} | user | {arm} | 2026-01-05 08:00\n" for arm, name in drawn)
    run = opened([("treated", 60, 36), ("holdout", 60, 24)], assignments=log)
    (row,) = impact.effect(run, "guide").rows
    (check,) = [row for row in impact.checks(run).rows if row["check"] == "log"]
    assert (row["grade"], row["difference"]) == ("–", None)
    assert check["seen"].startswith("60 ")


def test_a_play_for_people_whom_no_column_tells_is_left_out_and_said_to_be():
    events = "user_id | event | at\n" + "".join(f"{u} | signed_up | 2026-01-05\n" for u in FIVE)
    untold = play("tour", audience={"intent": "learn"})
    given = {"plays": [HALF, untold], "events": events, "users": USERS}
    run = small.run(**given, messages=f"user_id | play | sent_at\n{ONE} | guide | 2026-01-05")
    assert [row["label"] for row in impact.effects(run).rows] == ["guide"]
    status, seen = check(run, "audience")
    assert (status, "names intent, which `users` lacks" in seen) == ("failed", True)
    assert "Not known: the effect of tour" in findings.of(impact.verdicts(run)).text
    assert [row["play"] for row in impact.why_null(run).rows] == ["guide", "tour"]


def test_a_play_that_nobody_triggers_passes_no_check_and_is_not_sent_back_to_the_drawing_board():
    messages = "user_id | play | sent_at\n"
    events = "user_id | event | at\nann | saved | 2026-01-05\n"
    run = small.run(plays=[HALF], events=events, users=USERS, messages=messages)
    assert findings.of(impact.checks(run)).text == (
        "Nothing to check yet, because nobody has triggered it: guide."
    )
    said = findings.of(impact.effects(run)).text
    assert said == "**guide** has nothing to measure: nobody has triggered it."
    assert one(impact.effect(run, "guide"))["action"] == "mend"
