import hashlib

import pytest

from playbook import ledger
from playbook.data.tables import COLUMNS, Tables, conform
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, Limit, Play, Product, Quiet, Sending, Step
from playbook.language.periods import Period
from playbook.run import Run
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


MAPPED = {name: frozenset(COLUMNS[name]) for name in ("users", "messages", "suppressions")}


def opened(tables, connection, *plays, sending=None):
    product = Product(name="Small", tables={}, sending=sending or Sending())
    declared = Declarations(product, (), (), plays or (PLAY,), ())
    uncounted = {"arrived": [], "copied": [], "inferred": []}
    return Run(declared, Warehouse(connection), tables, PERIOD, at("2026-01-01"), **uncounted)


def drawn(events=EVENTS, users=USERS, **others):
    seen = {"seen_by_machine": "boolean"}
    found = conform(table(events), "events").mutate(is_internal=False, is_inferred=False)
    tables = {n: conform(table(t, **seen), n) for n, t in {"users": users, **others}.items()}
    return Tables(once=lambda: found, arrivals=found, mapped=MAPPED, **tables)


@pytest.fixture
def run(duckdb_connection):
    return opened(drawn(), duckdb_connection)


def play(**said):
    return Play(**(PLAY.model_dump() | {"unless": (), "holdout": 0.0, "after": "0s"} | said))


def arm(unit, play=PLAY):
    digest = hashlib.md5(f"{play.slug}:{unit}".encode()).hexdigest()
    return "holdout" if int(digest[:7], 16) % 10_000 < play.holdout * 10_000 else "treated"


def test_the_audience_has_an_arm_that_plain_python_can_draw_too(run):
    found = rows(ledger.audience(run, PLAY))
    assert [row["unit"] for row in found] == ["ann", "bob", "cat", "eve", "fay"]
    assert [row["arm"] for row in found] == [arm(row["unit"]) for row in found]


def test_the_ledger_holds_who_triggers_in_both_arms_and_who_had_done_it(run):
    found = {row["unit"]: row for row in rows(ledger.ledger(run, PLAY))}
    # Fay's moment lies beyond the data; bob connected at the very moment, cat a minute later.
    assert set(found) == {"ann", "bob", "cat", "eve"}
    assert found["bob"]["decision"] == "already_done"
    for unit in ("ann", "cat", "eve"):
        assert found[unit]["decision"] == ("holdout" if arm(unit) == "holdout" else "send")
    assert found["ann"]["moment_at"] == at("2026-01-06 09:00")


def test_an_outcome_counts_from_the_moment_and_matures_with_its_window(run):
    found = {row["unit"]: row for row in rows(ledger.outcomes(run, PLAY))}
    assert {unit: row["did"] for unit, row in found.items()} == {
        "ann": True,
        "bob": False,
        "cat": False,
        "eve": False,
    }
    assert found["ann"]["is_mature"]
    assert not found["eve"]["is_mature"]


def test_accounts_share_an_arm_and_trigger_with_their_first_person(duckdb_connection):
    play = PLAY.model_copy(update={"unit": "account"})
    run = opened(drawn(), duckdb_connection, play)
    found = {row["unit"]: row for row in rows(ledger.ledger(run, play))}
    assert set(found) == {"a1", "a2", "a4"}
    assert found["a1"]["user_id"] == "ann"
    assert found["a1"]["arm"] == arm("a1", play)
    assert {row["unit"]: row["did"] for row in rows(ledger.outcomes(run, play))}["a1"]


def test_having_must_come_before_the_moment(duckdb_connection):
    play = PLAY.model_copy(update={"unless": (), "having": ("connected",)})
    run = opened(drawn(), duckdb_connection, play)
    found = {row["unit"]: row["decision"] for row in rows(ledger.ledger(run, play))}
    assert found["bob"] in {"send", "holdout"}
    assert found["ann"] == found["cat"] == "already_done"


def test_a_ghost_is_no_message_and_a_machine_is_no_reader(duckdb_connection):
    messages = """
            message_id | play  | user_id | is_ghost | sent_at    | seen_at    | seen_by_machine
            1          | guide | ann     |          | 2026-01-06 | 2026-01-06 | false
            2          | guide | bob     | true     | 2026-01-06 |            |
            3          | guide | cat     |          | 2026-01-06 | 2026-01-06 | true
            4          | guide | eve     |          | 2026-01-06 | 2026-01-06 |
            5          | other | fay     |          | 2026-01-06 |            |
    """
    told = opened(drawn(messages=messages), duckdb_connection)
    found = {row["unit"]: row["seen"] for row in rows(ledger.messages_of(told, PLAY))}
    assert found == {"ann": True, "cat": False, "eve": False}


def test_the_ledger_is_the_same_on_postgresql(run, postgres_connection):
    there = opened(drawn(), postgres_connection)
    found = rows(ledger.outcomes(there, PLAY), postgres_connection)
    assert found == rows(ledger.outcomes(run, PLAY))


def decided(run):
    """(play, step, user) → decision and reason."""
    found = rows(ledger.decided(run), run.warehouse.connection)
    return {(r["play"], r["step"], r["user_id"]): (r["decision"], r["reason"]) for r in found}


def test_exits_count_after_the_trigger_only_and_stop_the_steps_that_follow(duckdb_connection):
    sequence = play(after="1h", exits=("connected",), then=(Step(after="48h"),))
    found = decided(opened(drawn(), duckdb_connection, sequence))
    left = ("already_done", "did connected after the trigger")
    assert found["guide", 0, "bob"] == found["guide", 0, "ann"] == ("send", "")
    assert found["guide", 1, "bob"] == found["guide", 1, "cat"] == left
    assert found["guide", 1, "ann"] == ("send", "")
    assert ("guide", 1, "eve") not in found  # its moment lies beyond the data


def test_the_play_that_presses_more_wins_whatever_its_name_and_a_ghost_wins_nothing(
    duckdb_connection,
):
    strong, weak = play(slug="b", priority=9), play(slug="a")
    found = decided(opened(drawn(), duckdb_connection, strong, weak))
    assert found["b", 0, "ann"] == ("send", "")
    assert found["a", 0, "ann"] == ("lost_priority", "to b")
    held = opened(drawn(), duckdb_connection, play(slug="b", priority=9, holdout=0.999), weak)
    found = decided(held)
    assert found["b", 0, "ann"] == ("holdout", "held out from this play")
    assert found["a", 0, "ann"] == ("send", "")


def test_whoever_was_sent_one_play_is_not_sent_another(duckdb_connection):
    later = play(slug="later", after="2h", suppressed_by=("first",))
    found = decided(opened(drawn(), duckdb_connection, play(slug="first"), later))
    assert found["later", 0, "ann"] == ("suppressed", "had been sent first")


def test_a_cap_counts_what_was_sent_and_colleagues_where_it_is_their_accounts(duckdb_connection):
    plays = [play(slug=slug, after=after) for slug, after in (("a", "0s"), ("b", "2h"))]
    sending = Sending(limits=(Limit(most=1, within="24h"),))
    found = decided(opened(drawn(), duckdb_connection, *plays, sending=sending))
    assert found["b", 0, "ann"] == ("capped", "1 per person in 24 hours")
    sending = Sending(limits=(Limit(most=1, per="account", within="week"),))
    found = decided(opened(drawn(), duckdb_connection, plays[0], sending=sending))
    assert found["a", 0, "ann"] == ("send", "")
    assert found["a", 0, "bob"] == ("capped", "1 per account a week")


def test_a_wait_ends_with_the_quiet_hours_of_the_person_and_may_end_beyond_the_data(
    duckdb_connection,
):
    users = USERS.replace("is_internal", "timezone").replace("engineer | true", "engineer |")
    users = users.replace("bob     | a1         | engineer |", "bob | a1 | engineer | Asia/Tokyo")
    quiet = Sending(quiet=(Quiet(begins="18:00", ends="10:00"),), zone="Europe/Berlin")
    run = opened(drawn(users=users), duckdb_connection, play(), sending=quiet)
    found = {r["user_id"]: r["moment_at"] for r in rows(ledger.decided(run))}
    # In Berlin 09:00 UTC is 10:00: no longer quiet. In Tokyo it is 18:00, and quiet until 01:00.
    assert found["ann"] == at("2026-01-05 09:00")
    assert found["bob"] == at("2026-01-07 01:00")
    drop = Sending(quiet=(Quiet(begins="18:00", ends="10:00", then="drop"),))
    found = decided(opened(drawn(users=users), duckdb_connection, play(), sending=drop))
    assert found["guide", 0, "ann"] == ("quiet", "18:00 to 10:00, UTC")


def test_hours_that_are_always_quiet_let_nothing_out(duckdb_connection):
    quiet = (Quiet(begins="06:00", ends="18:00"), Quiet(begins="18:00", ends="06:00"))
    run = opened(drawn(), duckdb_connection, play(), sending=Sending(quiet=quiet))
    assert {decision for decision, _why in decided(run).values()} == {"quiet"}


def test_lists_hold_from_their_beginning_to_before_their_end_on_their_channel(duckdb_connection):
    suppressions = """
        user_id | channel | reason       | from_at    | to_at
        ann     | in_app  | unsubscribed | 2026-01-05 09:00 |
        bob     | email   | unsubscribed |            |
        cat     |         | complained   |            | 2026-01-06 09:00
        eve     |         |              |            | 2026-01-19 09:01
    """
    found = decided(opened(drawn(suppressions=suppressions), duckdb_connection, play()))
    assert found["guide", 0, "ann"] == ("suppressed", "on the list: unsubscribed")
    assert found["guide", 0, "bob"] == found["guide", 0, "cat"] == ("send", "")
    assert found["guide", 0, "eve"] == ("suppressed", "on the list: not to be sent")


def test_lists_are_those_of_the_watermark(duckdb_connection):
    suppressions = """
        user_id | channel | from_at
        ann     |         | 2026-01-19
        bob     |         |
        cat     |         | 2026-01-21
    """
    known = drawn(suppressions=suppressions).until(at("2026-01-20"))
    assert [row["user_id"] for row in rows(known.suppressions)] == ["ann", "bob"]


def test_a_play_that_may_come_again_counts_from_the_beginning_of_each_episode(duckdb_connection):
    events = """
        event_id | user_id | event     | at
        1        | ann     | signed_up | 2025-12-31 00:00
        2        | ann     | signed_up | 2026-01-01 23:59
        3        | ann     | signed_up | 2026-01-02 00:00
        4        | ann     | signed_up | 2026-01-03 12:00
        5        | ann     | signed_up | 2026-01-04 00:00
        6        | ann     | signed_up | 2026-01-04 00:00
    """
    run = opened(drawn(events), duckdb_connection, play(again="48h"))
    found = [(r["episode"], r["triggered_at"]) for r in rows(ledger.decided(run))]
    # The first episode began before the period; its number stays with the others.
    assert found == [(2, at("2026-01-02 00:00")), (3, at("2026-01-04 00:00"))]
    assert rows(ledger.ledger(run, run.declared.plays[0])) == []


def test_strata_hold_out_their_own_shares_and_all_plays_one_of_their_own(duckdb_connection):
    strata = {"persona": {"engineer": 0.999, "marketer": 0.0}}
    everybody = play(audience={}, holdout=0.5, holdout_by=strata)
    found = decided(opened(drawn(), duckdb_connection, everybody))
    assert found["guide", 0, "dee"] == ("send", "")
    assert found["guide", 0, "ann"] == ("holdout", "held out from this play")
    none = Sending(holdout=0.999)
    found = decided(opened(drawn(), duckdb_connection, everybody, sending=none))
    assert set(found.values()) == {("holdout", "held out from all plays")}


def test_what_columns_a_play_needs_is_said_of_steps_and_strata_too(duckdb_connection):
    step = play(slug="step", then=(Step(after="1h", audience={"persna": "engineer"}),))
    strata = play(slug="strata", holdout_by={"persna": {"engineer": 0.2}})
    run = opened(drawn(), duckdb_connection, step, strata)
    assert ledger.lacks(run, "step").startswith("The audience of `step` names persna, which")
    assert ledger.lacks(run, "strata").startswith("The holdout of `strata` is by persna, wh")
    assert ledger.decided(run).count().to_pyarrow().as_py() == 0


def test_two_runs_of_one_session_have_their_own_ledgers(duckdb_connection):
    one = ledger.decided(opened(drawn(), duckdb_connection, play()))
    other = ledger.decided(opened(drawn(), duckdb_connection, play(audience={})))
    assert one.count().to_pyarrow().as_py() == 5
    assert other.count().to_pyarrow().as_py() == 6
