"""The ledger of all plays against one that is written as plainly as possible, row by row."""

from __future__ import annotations

import os

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import ledger
from playbook.data.warehouse import Warehouse
from playbook.declare import Limit, Play, Quiet, Sending, Step
from tests import ledger_by_hand, random_plays

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "6"))


def decided(world, connection):
    found = ledger.decided(random_plays.run(world, Warehouse(connection)))
    return ordered(connection.to_pyarrow(found).to_pylist())


def ordered(rows):
    return sorted(rows, key=lambda r: (r["play"], r["step"], r["unit"], r["episode"]))


@settings(max_examples=EXAMPLES, derandomize=EXAMPLES <= 100)
@given(random_plays.plays(), random_plays.sending(), st.integers(0, 2**32))
def test_the_ledger_is_that_of_a_walk_through_time(plays, sending, seed):
    world = random_plays.world(plays, sending, seed)
    expected = ordered(ledger_by_hand.ledger(world))
    found = decided(world, ibis.duckdb.connect())
    for ours, theirs in zip(found, expected, strict=False):
        assert ours == theirs
    assert len(found) == len(expected)


SENDING = Sending(
    limits=(
        Limit(most=2, within="7d"),
        Limit(most=1, within="day", channel="email"),
        Limit(most=3, within="week", per="account"),
    ),
    quiet=(
        Quiet(begins="21:00", ends="08:00"),
        Quiet(begins="08:00", ends="09:00", channel="email"),
        Quiet(begins="12:00", ends="13:00", then="drop"),
    ),
    zone="Europe/Berlin",
    holdout=0.1,
)


def everything():
    """Plays that use all there is."""
    common = {"says": "Says.", "audience": {}, "goal": "saved", "goal_within": "72h"}
    welcome = Play(
        **common | {"slug": "welcome", "channel": "email", "trigger": "signed_up"},
        then=(Step(after="24h", unless="ran"), Step(after="4d", channel="in_app", having="ran")),
        holdout_by={"persona": {"engineer": 0.4}},
    )
    nudge = Play(
        **common | {"slug": "nudge", "channel": "in_app", "trigger": "ran", "after": "9h"},
        again="7d",
        exits=("left", "ran"),
        unit="account",
        priority=5,
        suppressed_by=("welcome",),
    )
    tip = Play(
        **common | {"slug": "tip", "channel": "email", "trigger": "ran"},
        unless="left",
        again="24h",
        holdout=0.3,
    )
    return [welcome, nudge, tip]


@pytest.fixture(scope="module")
def full():
    return random_plays.world(everything(), SENDING, 7, people=150)


def test_each_decision_is_made_for_somebody(full):
    made = {(row["decision"], row["arm"]) for row in ledger_by_hand.ledger(full)}
    assert {decision for decision, _arm in made} == {
        *("send", "holdout", "already_done", "quiet", "suppressed", "unreachable"),
        *("lost_priority", "capped"),
    }
    assert {arm for _decision, arm in made} == {"treated", "holdout", "everything"}


def test_the_ledger_is_the_same_on_duckdb_and_postgresql(full, engine):
    assert decided(full, engine) == ordered(ledger_by_hand.ledger(full))


def _keeps_nothing(monkeypatch):
    """As an engine that keeps no table; the embedded one of rounds does."""
    keep = Warehouse.keep

    def kept(self, table, name):
        return keep(self, table, name) if "round" in name else table

    monkeypatch.setattr(Warehouse, "keep", kept)


def test_an_engine_that_keeps_no_table_gives_the_same_ledger(full, monkeypatch):
    _keeps_nothing(monkeypatch)
    few = random_plays.world(everything(), SENDING, 3, people=20)
    assert decided(few, ibis.duckdb.connect()) == ordered(ledger_by_hand.ledger(few))


@pytest.fixture(scope="module")
def whole():
    """The ledger as one statement."""
    few = random_plays.world(everything(), SENDING, 3, people=20)
    with pytest.MonkeyPatch.context() as patch:
        _keeps_nothing(patch)
        return ledger.decided(random_plays.run(few, Warehouse(ibis.duckdb.connect()))).unbind()


@pytest.mark.parametrize(
    "dialect", ["bigquery", "snowflake", "clickhouse", "trino", "databricks", "pyspark"]
)
def test_the_ledger_compiles_for_warehouses_that_are_not_here(whole, dialect):
    assert ibis.to_sql(whole, dialect=dialect, pretty=False)
