"""Why people do not verify: one reason each, as many as the question counts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from playbook import friction
from playbook.airtouch import TRUTH
from playbook.declare import DataPoint, Property, declarations
from playbook.language.mistakes import Mistake
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.test_truth import near

WINDOW = {"start": "signed_up", "goal": "verified", "within": "48h"}
QUESTIONS = [
    question("never_verified", "missed_within", **WINDOW),
    question("verified", "reached_within", **WINDOW),
    question("never_paid", "missed_within", start="signed_up", goal="paid", within="48h"),
    question("account", "missed_within", unit="account", **WINDOW),
    question("draft", "missed_within", hold="draft", **WINDOW),
    question("speed", "time_to", start="signed_up", goal="verified", edges=["24h"]),
]
MAIL = {"prompts": {"verified": ["link"]}}
CHROME, CRAWLER = "Mozilla/5.0 Chrome/120.0", "Mozilla/5.0 (compatible; Googlebot/2.1)"
# Everybody signs up on the 5th at 09:00 and has time until the 7th at 09:00.
NAMES = (
    *("ann", "bob", "cat", "dee", "eve", "fay", "gus", "hal", "ivy", "jon"),
    *("kim", "leo", "mia", "ned", "ola"),
)
# What became of each message, by days of January.
FATES = """
    user_id | play  | ghost | sent | delivered | bounced | seen | machine | clicked | complained
    bob     | link  |       | 5    | 5         |         |      |         |         |
    dee     | other |       | 5    | 5         |         |      |         |         |
    eve     | link  |       | 5    |           | 5       |      |         |         |
    fay     | link  |       | 5    |           | 5       |      |         |         |
    fay     | link  |       | 6    | 6         |         |      |         |         |
    gus     | link  |       | 5    | 5         |         | 6    |         |         | 6
    hal     | link  |       | 5    | 5         |         | 6    | true    |         |
    ivy     | link  |       | 5    | 5         |         | 6    |         |         |
    jon     | link  |       | 5    | 5         |         | 6    | false   | 6       |
    kim     | link  |       | 5    |           |         |      |         |         |
    leo     | link  |       | 5    | 5         |         | 8    |         | 8       |
    mia     | link  | true  | 5    |           |         |      |         |         |
    ned     | link  |       | 8    | 8         |         |      |         |         |
    ola     | link  |       | 5    | 5         |         |      |         |         |
"""
PLAN = [DataPoint(event="signed_up", says="x", properties={"draft": Property()})]


def mails(fates: str) -> str:
    """A table of messages from one of days."""
    head, *lines = [line.strip() for line in fates.strip().splitlines()]
    kept = {"user_id": "user_id", "play": "play", "ghost": "is_ghost", "machine": "seen_by_machine"}
    names = [name.strip() for name in head.split("|")]
    rows = [" | ".join(kept.get(name, f"{name}_at") for name in names)]
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        rows.append(" | ".join(f"2026-01-0{cell}" if cell.isdigit() else cell for cell in cells))
    return "\n".join(rows)


def sign_ups(*, agents: dict[str, str] | None = None) -> str:
    rows = "user_id | event | at | user_agent | anonymous_id\n"
    for name in NAMES:
        agent = (agents or {}).get(name, "")
        rows += f"{name} | signed_up | 2026-01-05 09:00 | {agent} | \n"
    return rows + "ann | verified | 2026-01-07 09:00 | | \nann | paid | 2026-01-05 10:00 | | \n"


def users(**domains: str) -> str:
    kinds = {name: "invited" if name < "g" else "organic" for name in NAMES}
    rows = [f"{name} | {domains.get(name, 'acme.test')} | {kinds[name]}" for name in NAMES]
    return "user_id | email_domain | acquisition\n" + "\n".join(rows)


def opened(**given):
    drawn = {"events": sign_ups(), "users": users(), "messages": mails(FATES), "words": MAIL}
    return small.run(questions=QUESTIONS, **(drawn | given))


def sizes(found) -> dict[str, int]:
    return {row["label"]: row["n"] for row in found.rows}


def whose(run, label) -> list[str]:
    return [row["unit"] for row in friction.cohort(run, "never_verified_reasons", label).rows]


def missed(run) -> int:
    return friction.answer(run, "never_verified").rows[0]["reached"]


def test_each_person_has_the_first_reason_that_applies():
    run = opened(
        events=sign_ups(agents={"cat": CRAWLER, "ola": CRAWLER}),
        users=users(bob="MAILINATOR.com", ola="mailinator.com"),
    )
    found = friction.reasons(run, "never_verified")
    assert (found.id, found.shape) == ("friction.never_verified_reasons", "mix")
    reasons = [(row["label"], whose(run, row["label"])) for row in found.rows]
    assert reasons == [
        ("a disposable address", ["bob", "ola"]),
        ("a bot", ["cat"]),
        ("no mail sent", ["dee", "mia", "ned"]),
        ("the mail bounced", ["eve"]),
        ("marked as spam", ["gus"]),
        # One mail bounced and the next came; a machine opened; opened after the window.
        ("delivered, not opened", ["fay", "hal", "leo"]),
        # Nobody knows who opened it.
        ("opened, not clicked", ["ivy"]),
        ("clicked, still not done", ["jon"]),
        ("sent, not known whether it arrived", ["kim"]),
    ]
    assert {row["total"] for row in found.rows} == {missed(run)} == {14}


def test_reasons_add_up_to_what_the_question_counts_in_every_segment():
    run = opened(users=users(bob="mailinator.com"))
    found = friction.reasons(run, "never_verified", by="acquisition").rows
    counted = friction.answer(run, "never_verified", by="acquisition").rows
    for segment in counted:
        own = [row for row in found if row["acquisition"] == segment["acquisition"]]
        assert sum(row["n"] for row in own) == own[0]["total"] == segment["reached"]
    assert sum(row["n"] for row in found) == missed(run)


def test_attempts_that_are_still_open_have_no_reason():
    run = opened(period=("2026-01-01", "2026-02-01", "2026-01-07"))
    assert friction.answer(run, "never_verified").rows[0]["open"] == 15
    assert friction.reasons(run, "never_verified").rows == []


def test_without_messages_the_rest_is_not_known():
    told = {"events": sign_ups(), "users": users(bob="mailinator.com")}
    run = small.run(questions=QUESTIONS, **told)
    assert sizes(friction.reasons(run, "never_verified")) == {
        "a disposable address": 1,
        "not known: no messages are mapped": 13,
    }
    alone = small.run(questions=QUESTIONS, events=sign_ups())
    assert sizes(friction.reasons(alone, "never_verified")) == {
        "not known: no messages are mapped": 14
    }


@pytest.mark.parametrize(
    ("messages", "words", "because"),
    [
        (mails(FATES), {}, "`prompts` of product.yaml names no message for it"),
        ("user_id | play | sent_at", MAIL, "the table of messages is empty"),
        ("user_id | sent_at\nbob | 2026-01-05", MAIL, "the messages have no play"),
        ("user_id | play\nbob | link", MAIL, "the messages have no sent_at"),
    ],
)
def test_messages_that_do_not_tell_leave_the_reason_open(messages, words, because):
    found = friction.reasons(opened(messages=messages, words=words), "never_verified")
    assert sizes(found) == {f"not known: {because}": 14}


def test_before_the_first_message_and_after_the_last_nobody_was_seen_not_to_get_one():
    events = """
        user_id | event     | at
        ann     | signed_up | 2026-01-02 09:00
        bob     | signed_up | 2026-01-09 09:00
        cat     | signed_up | 2026-01-20 09:00
        dee     | verified  | 2026-01-20 09:00
    """
    messages = """
        user_id | play  | sent_at
        zoe     | link  | 2026-01-06 09:00
        zoe     | other | 2026-01-12 09:00
    """
    run = opened(events=events, messages=messages)
    only = "not known: there are messages from 06 Jan 2026 to 12 Jan 2026 only"
    assert sizes(friction.reasons(run, "never_verified")) == {"no mail sent": 1, only: 2}
    assert whose(run, only) == ["ann", "cat"]


def test_what_the_tool_does_not_tell_is_not_claimed():
    lacking = """
        user_id | play | sent_at          | delivered_at
        bob     | link | 2026-01-05 09:00 | 2026-01-05 09:00
        cat     | link | 2026-01-05 09:00 |
    """
    found = friction.reasons(opened(messages=lacking), "never_verified")
    assert sizes(found) == {
        "no mail sent": 12,
        "delivered, not known whether opened": 1,
        "sent, not known whether it arrived": 1,
    }
    assert "opened" not in dict(found.definition)
    seen = """
        user_id | play | sent_at          | seen_at
        bob     | link | 2026-01-05 09:00 | 2026-01-05 09:00
    """
    found = friction.reasons(opened(messages=seen), "never_verified")
    assert sizes(found) == {"no mail sent": 13, "opened, not known whether clicked": 1}


def test_a_window_includes_its_end():
    at_the_end = "user_id | play | sent_at | seen_at | clicked_at\n"
    at_the_end += "bob | link | 2026-01-07 09:00 | 2026-01-07 09:00 | 2026-01-07 09:01"
    assert sizes(friction.reasons(opened(messages=at_the_end), "never_verified")) == {
        "no mail sent": 13,
        "opened, not clicked": 1,
    }


def test_a_bot_has_a_bots_signature_and_nothing_from_another_browser():
    events = f"""
        user_id | event     | at               | user_agent | anonymous_id | is_bot
        ann     | signed_up | 2026-01-05 09:00 |            |              | false
        ann     | seen      | 2026-01-05 09:01 | {CRAWLER}  |              | false
        bob     | signed_up | 2026-01-05 09:00 | {CHROME}   |              | false
        bob     | seen      | 2026-01-05 09:01 | {CRAWLER}  |              | false
        cat     | signed_up | 2026-01-05 09:00 |            |              | false
        cat     | seen      | 2026-01-05 09:01 |            |              | true
        dee     | signed_up | 2026-01-05 09:00 |            | d1           | false
        dee     | seen      | 2026-01-05 09:01 |            |              | true
        eve     | signed_up | 2026-01-05 09:00 | {CRAWLER}  |              | true
    """
    # A question needs its goal to arrive at all.
    run = opened(events=events + "zoe | verified | 2026-01-05 09:00 | | | false")
    assert whose(run, "a bot") == ["ann", "cat"]
    assert missed(run) == 4
    flagged = friction.bots(run, "never_verified").rows
    assert [(row["n"], row["reached"], row["open"]) for row in flagged] == [(5, 1, 0)]


def test_flagged_bots_are_shares_of_all_who_start_in_every_segment():
    events = """
        user_id | event     | at               | is_bot
        ann     | signed_up | 2026-01-05 09:00 | false
        ann     | verified  | 2026-01-05 09:10 | false
        bob     | signed_up | 2026-01-05 09:00 | true
        gus     | signed_up | 2026-01-05 09:00 | true
        hal     | signed_up | 2026-01-30 09:00 | true
    """
    run = opened(events=events)
    found = friction.bots(run, "never_verified", by="acquisition")
    counts = [(r["acquisition"], r["n"], r["reached"], r["open"]) for r in found.rows]
    assert counts == [("invited", 2, 1, 0), ("organic", 1, 1, 1)]
    assert dict(found.definition)["left out"] == "internal people"


def test_a_play_that_no_message_is_of_is_a_mistake_in_three_parts():
    run = opened(words={"prompts": {"verified": "lnik"}})
    assert friction.reasons(run, "never_verified") == Unavailable(
        "friction.never_verified_reasons",
        "product.yaml says that `lnik` asks for `verified`, and no message is of it. "
        "The messages are of: link, other. Hint: did you mean `link`?",
    )


def test_prompts_ask_for_events_of_the_plan(tmp_path):
    folder = tmp_path / "airtouch"
    shutil.copytree(Path("params/airtouch"), folder)
    text = (folder / "product.yaml").read_text("utf-8")
    (folder / "product.yaml").write_text(text.replace("{email_verified: ver", "{verified: ver"))
    with pytest.raises(Mistake) as mistake:
        declarations(folder)
    wrong = "The `prompts` of product.yaml uses the event `verified`, which is not declared."
    assert mistake.value.wrong == wrong
    assert mistake.value.hint == "did you mean `email_verified`?"


@pytest.mark.parametrize(
    ("id", "says"),
    [
        (
            "verified",
            "is counted by `reached_within`: this section needs `missed_within`.",
        ),
        ("account", "`account` counts accounts. Mail is sent to people"),
        ("draft", "`draft` counts users that hold draft. Mail is sent to people"),
        ("churn", "declares no question `churn`"),
    ],
)
def test_questions_without_reasons_say_why(id, says):
    head, rest = sign_ups().split("\n", 1)
    events = f"{head} | account_id | draft\n" + rest.replace(" | \n", " | | w1 | d1\n")
    run = opened(events=events, plan=PLAN)
    assert says in friction.reasons(run, id).reason


def test_a_breakdown_that_is_not_there_says_so():
    found = friction.reasons(opened(), "never_verified", by="shoe_size")
    assert "lacks the column(s) shoe_size" in found.reason


def test_a_reason_that_nobody_can_have_says_which_there_are():
    found = friction.cohort(opened(), "never_verified_reasons", "the weather")
    assert "There is no reason “the weather”. The reasons are: a disposable address" in found.reason


def test_a_reason_that_nobody_has_is_an_empty_list():
    assert whose(opened(), "a disposable address") == []


# What is planted in the sample company.


def test_the_planted_reasons_come_out_by_acquisition(airtouch):
    found = friction.reasons(airtouch, "never_verified", by="acquisition").rows
    rates = TRUTH["messages"]
    for acquisition, planted in TRUTH["unverified_reasons"].items():
        own = {row["label"]: row for row in found if row["acquisition"] == acquisition}
        n = next(iter(own.values()))["total"]
        fake, hard = planted["disposable_domain"], planted["hard_bounce"]
        assert near(share(own, "a disposable address"), fake, n), acquisition
        # Of the rest, those who do not verify later either may have a mail that bounces softly.
        never = (1 - fake - hard) * (1 - TRUTH["unverified_verifies_later"])
        soft = never * rates["verification_bounced_softly"]
        assert near(share(own, "the mail bounced"), hard + soft, n), acquisition
        # Half of those who look in vain are machines, whose opens do not count.
        looks = (never - soft) * rates["verification_opened_in_vain"]
        assert near(share(own, "opened, not clicked"), looks / 2, n), acquisition
        unopened = 1 - fake - hard - soft - looks / 2
        assert near(share(own, "delivered, not opened"), unopened, n), acquisition
        assert len(own) == 3 + (fake > 0)


def share(rows, label) -> float:
    return rows[label]["share"] if label in rows else 0.0


def test_the_planted_reasons_add_up_to_those_who_never_verified(airtouch):
    counted = friction.answer(airtouch, "never_verified").rows[0]["reached"]
    found = friction.reasons(airtouch, "never_verified").rows
    assert sum(row["n"] for row in found) == counted
    for row in found:
        listed = friction.cohort(airtouch, "never_verified_reasons", row["label"]).rows
        assert len(listed) == row["n"], row["label"]


def test_the_planted_bots_are_left_out_and_told_apart(airtouch):
    (row,) = friction.bots(airtouch, "never_verified").rows
    assert near(row["share"], TRUTH["defects"]["bots"], row["n"])
    assert "a bot" not in {r["label"] for r in friction.reasons(airtouch, "never_verified").rows}


def test_what_the_unverified_did_is_a_cohort_for_each_class(airtouch):
    found = friction.answer(airtouch, "trial_unverified").rows
    people: set[str] = set()
    for row in found:
        listed = friction.cohort(airtouch, "trial_unverified", row["label"]).rows
        own = [each["unit"] for each in listed]
        assert len(own) == row["n"], row["label"]
        assert not people & set(own)
        people |= set(own)
    unknown = friction.cohort(airtouch, "trial_unverified", "slept")
    assert "Nobody is in the class “slept”. The classes are: none of these," in unknown.reason


def test_only_classes_have_cohorts(airtouch):
    found = friction.cohort(airtouch, "never_verified", "x")
    assert "`never_verified` is counted by `missed_within`" in found.reason
    assert "declares no question `churn`" in friction.cohort(airtouch, "churn", "x").reason
