import hashlib
from dataclasses import replace

import pytest

from playbook import triggers
from playbook.declare import Play
from playbook.periods import Period
from playbook.run import Run
from playbook.tables import Tables, conform
from playbook.warehouse import Warehouse
from tests.spec import at, rows, table

PERIOD = Period(since=at("2026-01-01"), until=at("2026-02-01"), as_of=at("2026-01-20 09:00"))
PLAY = Play(
    slug="guide",
    says="Guides.",
    audience={"persona": "engineer"},
    channel="in_app",
    trigger="signed_up",
    after="24h",
    unless="connected",
    goal="saved",
    goal_within="72h",
    holdout=0.5,
)
EVENTS = """
    event_id | user_id | account_id | event     | at
    1        | ann     | a1         | signed_up | 2026-01-05 09:00
    2        | ann     | a1         | saved     | 2026-01-09 09:00
    3        | bob     | a1         | signed_up | 2026-01-06 09:00
    4        | bob     | a1         | connected | 2026-01-07 09:00
    5        | cat     | a2         | signed_up | 2026-01-06 09:00
    6        | cat     | a2         | connected | 2026-01-07 09:01
    7        | cat     | a2         | saved     | 2026-01-07 08:59
    8        | dee     | a3         | signed_up | 2026-01-06 09:00
    9        | eve     | a4         | signed_up | 2026-01-19 09:00
    10       | fay     | a5         | signed_up | 2026-01-19 09:01
"""
USERS = """
    user_id | account_id | persona  | is_internal
    ann     | a1         | engineer |
    bob     | a1         | engineer |
    cat     | a2         | engineer |
    dee     | a3         | marketer |
    eve     | a4         | engineer |
    fay     | a5         | engineer |
    gus     | a5         | engineer | true
"""


def opened(tables, connection):
    uncounted = {"arrived": [], "copied": [], "inferred": []}
    return Run(None, Warehouse(connection), tables, PERIOD, at("2026-01-01"), **uncounted)


@pytest.fixture
def run(duckdb_connection):
    events = conform(table(EVENTS), "events").mutate(is_internal=False, is_inferred=False)
    users = conform(table(USERS), "users")
    tables = Tables(once=lambda: events, arrivals=events, users=users)
    return opened(tables, duckdb_connection)


def arm(unit, play=PLAY):
    digest = hashlib.md5(f"{play.slug}:{unit}".encode()).hexdigest()
    return "holdout" if int(digest[:7], 16) % 10_000 < play.holdout * 10_000 else "treated"


def test_the_audience_has_an_arm_that_plain_python_can_draw_too(run):
    found = rows(triggers.audience(run, PLAY))
    assert [row["unit"] for row in found] == ["ann", "bob", "cat", "eve", "fay"]
    assert [row["arm"] for row in found] == [arm(row["unit"]) for row in found]


def test_the_ledger_holds_who_triggers_in_both_arms_and_who_had_done_it(run):
    found = {row["unit"]: row for row in rows(triggers.ledger(run, PLAY))}
    # Fay's moment lies beyond the data; bob connected at the very moment, cat a minute later.
    assert set(found) == {"ann", "bob", "cat", "eve"}
    assert found["bob"]["decision"] == "already_done"
    for unit in ("ann", "cat", "eve"):
        assert found[unit]["decision"] == ("holdout" if arm(unit) == "holdout" else "send")
    assert found["ann"]["moment_at"] == at("2026-01-06 09:00")


def test_an_outcome_counts_from_the_moment_and_matures_with_its_window(run):
    found = {row["unit"]: row for row in rows(triggers.outcomes(run, PLAY))}
    assert {unit: row["did"] for unit, row in found.items()} == {
        "ann": True,
        "bob": False,
        "cat": False,
        "eve": False,
    }
    assert found["ann"]["is_mature"]
    assert not found["eve"]["is_mature"]


def test_accounts_share_an_arm_and_trigger_with_their_first_person(run):
    play = PLAY.model_copy(update={"unit": "account"})
    found = {row["unit"]: row for row in rows(triggers.ledger(run, play))}
    assert set(found) == {"a1", "a2", "a4"}
    assert found["a1"]["user_id"] == "ann"
    assert found["a1"]["arm"] == arm("a1", play)
    assert {row["unit"]: row["did"] for row in rows(triggers.outcomes(run, play))}["a1"]


def test_having_must_come_before_the_moment(run):
    play = PLAY.model_copy(update={"unless": (), "having": ("connected",)})
    found = {row["unit"]: row["decision"] for row in rows(triggers.ledger(run, play))}
    assert found["bob"] in {"send", "holdout"}
    assert found["ann"] == found["cat"] == "already_done"


def test_a_ghost_is_no_message_and_a_machine_is_no_reader(run, duckdb_connection):
    messages = conform(
        table(
            """
            message_id | play  | user_id | is_ghost | sent_at    | seen_at    | seen_by_machine
            1          | guide | ann     |          | 2026-01-06 | 2026-01-06 | false
            2          | guide | bob     | true     | 2026-01-06 |            |
            3          | guide | cat     |          | 2026-01-06 | 2026-01-06 | true
            4          | guide | eve     |          | 2026-01-06 | 2026-01-06 |
            5          | other | fay     |          | 2026-01-06 |            |
        """,
            seen_by_machine="boolean",
        ),
        "messages",
    )
    told = opened(replace(run.tables, messages=messages), duckdb_connection)
    found = {row["unit"]: row["seen"] for row in rows(triggers.messages_of(told, PLAY))}
    assert found == {"ann": True, "cat": False, "eve": False}


def test_the_ledger_is_the_same_on_postgresql(run, postgres_connection):
    there = opened(run.tables, postgres_connection)
    found = rows(triggers.outcomes(there, PLAY), postgres_connection)
    assert found == rows(triggers.outcomes(run, PLAY))
