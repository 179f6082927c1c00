"""The linter: each thing that is wrong with a play, found in a small product that has it."""

from __future__ import annotations

import pytest

from playbook import findings, personalization
from playbook.declare import DataPoint
from tests import small
from tests.small import play

EVENTS = "user_id | event | at\n" + "".join(
    f"u{k:02d} | signed_up | 2026-01-0{1 + k % 7} 09:{k:02d}\nu{k:02d} | saved | 2026-01-1{k % 7}\n"
    for k in range(40)
)
USERS = "user_id | persona | email_domain\n" + "".join(
    f"u{k:02d} | {'engineer' if k % 2 else 'sales'} | {'' if k % 2 else 'a.example'}\n"
    for k in range(40)
)
SOUND = {"channel": "in_app", "smallest_effect": 0.9, "audience": {}, "unless": "saved"}


def found(*plays, check="", **said):
    given = {"events": EVENTS, "users": USERS, "plays": plays} | said
    rows = personalization.lint(small.run(**given)).rows
    return [(row["severity"], row["seen"]) for row in rows if not check or row["check"] == check]


def test_a_sound_play_has_no_finding_but_the_size_of_its_audience():
    rows = personalization.lint(
        small.run(events=EVENTS, users=USERS, plays=[play("sound", **SOUND)])
    ).rows
    assert [row["check"] for row in rows] == ["holdout"]


@pytest.mark.parametrize(
    ("said", "severity", "seen"),
    [
        ({"trigger": "logged_in"}, "blocking", "`logged_in` never arrives: it never starts"),
        ({"goal": "ran"}, "blocking", "`ran` never arrives: nobody can reach its goal"),
        ({"having": "met"}, "blocking", "`met` never arrives: its condition is never met"),
        ({"exits": "left"}, "warning", "`left` never arrives: it never stops anything"),
    ],
)
def test_an_event_that_never_arrives_is_named_with_what_it_breaks(said, severity, seen):
    assert (severity, seen) in found(play("p", **SOUND | said), check="event")


@pytest.mark.parametrize("goal", ["email_opened", "guide_viewed", "push_clicked", "mail_seen"])
def test_a_goal_that_a_message_was_noticed_is_none(goal):
    seen = f"`{goal}` says that a message was noticed, no more"
    assert found(play("p", **SOUND | {"goal": goal}), check="goal") == [("warning", seen)]


@pytest.mark.parametrize("goal", ["docs_opened", "message_sent", "open_account", "guided"])
def test_a_goal_in_the_product_is_one_however_it_is_called(goal):
    assert found(play("p", **SOUND | {"goal": goal}), check="goal") == []


def test_a_play_without_a_holdout_can_never_be_measured():
    assert found(play("p", **SOUND | {"holdout": 0}), check="holdout") == [
        ("warning", "nobody is held out, so nothing can be compared")
    ]


def test_what_waits_must_be_stopped_by_its_own_goal():
    waits = SOUND | {"after": "24h", "unless": ()}
    seen = "waits 24 hours and is sent to those who did its goal by then"
    assert found(play("p", **waits), check="exit") == [("warning", seen)]
    assert found(play("p", **waits | {"exits": "saved"}), check="exit") == []
    steps = SOUND | {"then": [{"after": "1h"}]}
    assert found(play("p", **steps), check="exit") == [
        ("warning", "its message 2 goes to those who did its goal by then")
    ]


def test_a_delay_may_not_outlive_the_window_of_the_goal_nor_the_data():
    late = SOUND | {"goal_within": "24h", "then": [{"after": "24h", "unless": "saved"}]}
    assert found(play("p", **late), check="delay") == [
        ("warning", "message 2 goes out when the window of the goal (24 hours) is over")
    ]
    assert found(play("p", **SOUND | {"after": "20d", "goal_within": "20d"}), check="delay") == [
        ("warning", "40 days from trigger to the end of its window, more than the data")
    ]


def test_a_tool_that_is_not_sent_an_event_is_named():
    point = {"says": "It.", "owner": "us"}
    plan = [
        DataPoint(event="signed_up", destinations={"mailer": "starts mails"}, **point),
        DataPoint(event="saved", destinations={"warehouse": "is counted"}, **point),
    ]
    asked = play("p", **SOUND | {"destination": "mailer"})
    assert found(asked, check="tool", plan=plan) == [("note", "mailer is not sent `saved`")]


def test_a_column_that_its_tool_asks_for_and_nobody_has_is_said_before_any_export():
    columns = {"plan": "persona", "tier": "email_domian"}
    words = {"min_n": 1, "destinations": {"mailer": {"columns": columns}}}
    rows = personalization.lint(
        small.run(
            events=EVENTS,
            users=USERS,
            plays=[play("p", **SOUND | {"destination": "mailer"}), play("q", **SOUND)],
            words=words,
        )
    ).rows
    assert [
        (row["play"], row["severity"], row["seen"], row["hint"])
        for row in rows
        if row["check"] == "tool" and row["severity"] == "blocking"
    ] == [
        (
            "p",
            "blocking",
            "mailer asks for the column `email_domian`, which `users` lacks",
            "did you mean `email_domain`?",
        )
    ]


QUIET = "its quiet hours cover the whole day: nothing goes out by in_app"
NO_TIME = "quiet hours from 08:00 to 08:00 are no time at all"


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        ([("08:00", "20:00", None), ("20:00", "08:00", None)], [("blocking", QUIET)]),
        ([("07:00", "23:00", "in_app"), ("22:00", "07:00", None)], [("blocking", QUIET)]),
        ([("08:00", "20:00", None), ("20:00", "08:00", "email")], []),
        ([("08:00", "20:00", None), ("20:01", "08:00", None)], []),
        ([("08:00", "08:00", None)], [("warning", NO_TIME)]),
        ([("08:00", "08:00", "email")], []),
    ],
)
def test_quiet_hours_that_leave_no_time_to_send_or_are_none_are_said(quiet, said):
    rules = [
        {"begins": begins, "ends": ends, "then": "drop", "channel": channel}
        for begins, ends, channel in quiet
    ]
    words = {"min_n": 1, "sending": {"quiet": rules}}
    assert found(play("p", **SOUND), check="quiet", words=words) == said


def test_an_audience_of_values_that_nobody_has_is_empty():
    typo = play("p", **SOUND | {"audience": {"persona": ["enginer", "sales"]}})
    assert found(typo, check="audience") == [("warning", "nobody's persona is `enginer`")]
    empty = play("p", **SOUND | {"audience": {"persona": "enginer"}})
    assert found(empty, check="audience") == [
        ("blocking", "nobody's persona is `enginer`"),
    ]
    both = play("p", **SOUND | {"audience": {"persona": "sales", "email_domain": "b.example"}})
    users = USERS + "zoe | engineer | b.example\n"
    assert found(both, check="audience", users=users) == [("blocking", "its audience holds nobody")]
    lacks = play("p", **SOUND | {"audience": {"colour": "red"}})
    ((severity, seen),) = found(lacks, check="audience")
    assert severity == "blocking"
    assert seen.startswith("The audience of `p` names colour, which `users` lacks.")


def test_what_cannot_be_delivered_is_said():
    mail = play("p", **SOUND | {"channel": "email"})
    assert ("warning", "50.0 % of it cannot be delivered") in found(mail, check="reach")
    engineers = play("p", **SOUND | {"channel": "email", "audience": {"persona": "engineer"}})
    assert ("blocking", "100.0 % of it cannot be delivered") in found(engineers, check="reach")


def test_two_plays_that_cannot_both_be_honoured_name_each_other():
    first = play("first", **SOUND | {"priority": 2, "holdout": 0})
    second = play("second", **SOUND | {"priority": 1})
    assert ("blocking", "100.0 % of it loses to first") in found(first, second, check="reach")


def test_a_play_that_a_limit_keeps_from_going_out_says_so():
    words = {"min_n": 1, "sending": {"limits": [{"most": 1, "within": "24h"}]}}
    first = play("first", **SOUND | {"holdout": 0})
    second = play("second", **SOUND | {"after": "2h"})
    assert ("blocking", "100.0 % of it is over a limit") in found(
        first, second, check="reach", words=words
    )


def test_what_nobody_needs_or_triggers_is_said():
    done = play("p", **SOUND | {"after": "14d"})
    seen = "it is never needed: whoever was due had done it, or was not ready"
    assert ("warning", seen) in found(done, check="reach")
    late = play("p", **SOUND | {"after": "40d"})
    assert ("warning", "no message of it was due in the period") in found(late, check="reach")


def test_what_sends_nothing_is_due_to_nobody():
    flag = play("p", **SOUND | {"after": "40d", "channel": "product"})
    assert not found(flag, check="reach")


def test_the_worst_stands_first_and_the_sentence_counts_them():
    plays = [play("b", **SOUND | {"goal": "ran"}), play("a", **SOUND | {"holdout": 0})]
    run = small.run(events=EVENTS, users=USERS, plays=plays)
    result = personalization.lint(run)
    weights = [row["severity"] for row in result.rows]
    assert weights == sorted(weights, key=["blocking", "warning", "note"].index)
    text = findings.of(result).text
    assert f"{len(result.rows)} findings" in text
    assert "\n- b: `ran` never arrives" in text.replace("\\", "")


def test_the_sample_companys_plays_can_all_work(airtouch):
    rows = personalization.lint(airtouch).rows
    assert not [row for row in rows if row["severity"] == "blocking"]
    # Planted: the mail of a day later loses to the guide of the same moment.
    assert ("organic_engineer_welcome", "reach") in {(row["play"], row["check"]) for row in rows}
    assert "organic_engineer_guide_into" in next(
        row["seen"] for row in rows if "loses to" in row["seen"]
    )
