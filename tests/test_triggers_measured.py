"""Whom a play is compared on: since it began, by what the tool logs, and as things were then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from playbook import impact, ledger
from tests import small
from tests.small import play

EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-02
    bob     | signed_up | 2026-01-12
    bob     | saved     | 2026-01-13
"""
USERS = """
    user_id | account_id | persona  | is_internal
    ann     | a1         | engineer |
    bob     | a1         | engineer |
    sam     | a9         | engineer | true
"""
HEAD = "user_id | source | channel | play | sent_at | delivered_at | bounced_at | unsubscribed_at\n"
EVERYBODY = play("p", audience={}, holdout=0, goal="saved", goal_within="7d")


def opened(*plays, messages="", **said):
    drawn = {"events": EVENTS, "users": USERS}
    if messages:
        drawn["messages"] = HEAD + messages
    return small.run(plays=plays, **drawn | said)


def rows(table):
    return sorted(table.to_pyarrow().to_pylist(), key=lambda row: row["unit"])


def test_a_play_is_compared_since_it_began_whatever_period_is_looked_at():
    late = opened(EVERYBODY, period=("2026-01-10", "2026-02-01", "2026-01-31"))
    # The log of a small run begins with its period; this one began before.
    early = replace(late, log_begins=datetime(2026, 1, 1))
    assert [row["unit"] for row in rows(ledger.ledger(early, EVERYBODY))] == ["ann", "bob"]
    # What would be sent is that of the period.
    sent = ledger.decided(early).to_pyarrow().to_pylist()
    assert [row["user_id"] for row in sent] == ["bob"]


def test_an_account_that_triggered_before_the_period_is_compared_by_its_first_person():
    team = EVERYBODY.model_copy(update={"unit": "account"})
    late = opened(team, period=("2026-01-10", "2026-02-01", "2026-01-31"))
    early = replace(late, log_begins=datetime(2026, 1, 1))
    assert [row["user_id"] for row in rows(ledger.ledger(early, team))] == ["ann"]


def test_a_goal_that_is_the_trigger_once_more_is_not_met_by_the_trigger():
    back = play("p", audience={}, holdout=0, goal="signed_up", goal_within="7d", again="1d")
    events = EVENTS + "ann | signed_up | 2026-01-05\n"
    found = rows(ledger.outcomes(opened(back, events=events), back))
    assert {row["unit"]: row["did"] for row in found} == {"ann": True, "bob": False}


def test_of_a_tool_that_logs_no_delivery_what_was_sent_and_not_returned_arrived():
    run = opened(
        EVERYBODY,
        messages="""ann | iterable | email | p | 2026-01-03 | | |
                    bob | iterable | email | p | 2026-01-13 | | 2026-01-13 |""",
    )
    found = {row["unit"]: row["delivered"] for row in rows(ledger.messages_of(run, EVERYBODY))}
    assert found == {"ann": True, "bob": False}
    # One delivery in its log, and the others count by it.
    run = opened(
        EVERYBODY,
        messages="""ann | mailer | email | p | 2026-01-03 | | |
                    bob | mailer | email | p | 2026-01-13 | 2026-01-13 | |""",
    )
    found = {row["unit"]: row["delivered"] for row in rows(ledger.messages_of(run, EVERYBODY))}
    assert found == {"ann": False, "bob": True}


def test_what_became_of_a_message_later_is_not_known_then():
    run = opened(EVERYBODY, messages="ann | m | email | p | 2026-01-03 | 2026-01-03 | | 2026-01-20")
    then = run.tables.until(datetime(2026, 1, 10)).messages.to_pyarrow().to_pylist()
    assert [(row["delivered_at"].day, row["unsubscribed_at"]) for row in then] == [(3, None)]


def test_reach_begins_when_the_play_went_live():
    live = EVERYBODY.model_copy(update={"live_from": "2026-01-10"})
    run = opened(live, messages="bob | m | email | p | 2026-01-12 | 2026-01-12 | |")
    assigned, *_rest = impact.reach(run, "p").rows
    assert (assigned["step"], assigned["n"]) == ("assigned", 1)


def test_staff_and_nobody_are_no_part_of_what_a_tool_converts():
    run = opened(
        EVERYBODY,
        messages="""bob | m | email | p | 2026-01-12 | 2026-01-12 | |
                    sam | m | email | p | 2026-01-12 | 2026-01-12 | |
                    | m | email | p | 2026-01-12 | 2026-01-12 | |""",
    )
    (row,) = impact.claims(run).rows
    assert (row["sent"], row["claim"]) == (1, 1.0)


def test_an_account_is_sent_a_play_once_whichever_period_is_looked_at():
    team = EVERYBODY.model_copy(update={"unit": "account"})
    late = opened(team, period=("2026-01-10", "2026-02-01", "2026-01-31"))
    assert ledger.decided(late).count().to_pyarrow().as_py() == 0
