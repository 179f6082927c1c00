"""Identities: what somebody did without a user is theirs, if the device was never another's."""

from __future__ import annotations

import pytest

from playbook.data import sources
from playbook.language.mistakes import Mistake
from tests.maps import declared, events, loaded
from tests.spec import rows, table

LOG = """
    id | device | person | done_at          | arrived_at
    1  | d1     |        | 2026-01-05 09:00 | 2026-01-05
    2  | d1     | ann    | 2026-01-05 10:00 | 2026-01-05
    3  | d2     |        | 2026-01-05 09:00 | 2026-01-05
    4  | d3     |        | 2026-01-05 09:00 | 2026-01-05
    5  | d4     |        | 2026-01-05 09:00 | 2026-01-05
    6  |        |        | 2026-01-05 09:00 | 2026-01-05
    7  | d5     |        | 2026-01-05 09:00 | 2026-01-05
    7  | d5     | zoe    | 2026-01-05 09:00 | 2026-01-06
"""
PAIRS = """
    device    | person
    d2        | bob
    d2        | bob
    d3        | bob
    d3        | cat
    undefined | eve
              | eve
    d4        | null
"""
LOG_MAP = """
    - table: log
      columns: {event_id: id, anonymous_id: device, user_id: person, at: done_at,
                received_at: arrived_at}
      constants: {event: ran}
"""
PAIRS_MAP = "[{table: pairs, columns: {anonymous_id: device, user_id: person}}]"


def owners(found: list) -> dict[str, str | None]:
    return {row["event_id"]: row["user_id"] for row in found}


def test_an_event_without_a_user_has_the_only_one_of_its_device_and_says_so(stored):
    warehouse = stored(log=table(LOG), pairs=table(PAIRS))
    found = loaded(
        warehouse, "event_id", "user_id", "is_resolved", events=LOG_MAP, identities=PAIRS_MAP
    )
    assert found == [
        {"event_id": "1", "user_id": "ann", "is_resolved": True},  # the log itself tells
        {"event_id": "2", "user_id": "ann", "is_resolved": False},
        {"event_id": "3", "user_id": "bob", "is_resolved": True},
        {"event_id": "4", "user_id": None, "is_resolved": False},  # of two people: nobody's
        {"event_id": "5", "user_id": None, "is_resolved": False},
        {"event_id": "6", "user_id": None, "is_resolved": False},
        {"event_id": "7", "user_id": None, "is_resolved": False},  # a copy's user tells nothing
    ]


def test_without_identities_nothing_is_resolved(stored):
    found = loaded(stored(log=table(LOG)), "event_id", "user_id", events=LOG_MAP)
    assert owners(found)["1"] is None


def test_the_account_and_the_staff_of_a_resolved_user_follow(stored):
    people = table("id | firm | is_staff\n bob | w1 | true")
    warehouse = stored(log=table(LOG), pairs=table(PAIRS), people=people)
    users = "[{table: people, columns: {user_id: id, account_id: firm, is_internal: is_staff}}]"
    columns = ("event_id", "account_id", "is_inferred", "is_internal")
    found = loaded(warehouse, *columns, events=LOG_MAP, identities=PAIRS_MAP, users=users)
    assert found[2] == {
        "event_id": "3",
        "account_id": "w1",
        "is_inferred": True,
        "is_internal": True,
    }
    assert not any(row["is_inferred"] for row in found if row["event_id"] != "3")


MERGES = """
    old | new
    a1  | a2
    a2  | a3
    a3  | a4
    b1  | c1
    b2  | c1
    e1  | f1
    e2  | f1
    g1  | g2
    g2  | g1
    h1  | h2
    h1  | h3
"""


def merged_log(*devices: str, known: dict[str, str]) -> str:
    lines = ["id | device | person | done_at | arrived_at"]
    lines += [f"{d} | {d} | | 2026-01-05 09:00 | 2026-01-05" for d in devices]
    lines += [f"{d}_{p} | {d} | {p} | 2026-01-06 | 2026-01-06" for d, p in known.items()]
    return "\n".join(lines)


def test_merges_are_followed_through_chains_and_to_everybody_who_was_merged(stored):
    log = merged_log(
        *("a1", "a2", "a3", "a4", "b1", "b2", "c1", "e1", "e2", "f1", "g1", "g2", "h1", "h2", "h3"),
        known={"a4": "ann", "b1": "bob", "e1": "eve", "e2": "fay", "g1": "gil", "h2": "hal"},
    )
    warehouse = stored(log=table(log), merges=table(MERGES))
    maps = "[{table: merges, columns: {anonymous_id: old, merged_id: new}}]"
    found = owners(loaded(warehouse, "event_id", "user_id", events=LOG_MAP, identities=maps))
    assert {name: user for name, user in found.items() if "_" not in name} == {
        **dict.fromkeys(["a1", "a2", "a3", "a4"], "ann"),
        **dict.fromkeys(["b1", "b2", "c1"], "bob"),  # b2 by what b1 was merged into
        **dict.fromkeys(["e1", "e2", "f1"], None),  # two people were merged: nobody's
        "g1": "gil",
        "g2": None,  # a circle leads nowhere
        "h1": "hal",
        "h2": "hal",
        "h3": None,
    }


def test_chains_of_up_to_eight_merges_are_followed(stored):
    merges = "old | new\n" + "\n".join(f"m{i} | m{i + 1}" for i in range(9))
    devices = [f"m{i}" for i in range(10)]
    log = merged_log(*devices, known={"m9": "ann"})
    warehouse = stored(log=table(log), merges=table(merges))
    maps = "[{table: merges, columns: {anonymous_id: old, merged_id: new}}]"
    found = owners(loaded(warehouse, "event_id", "user_id", events=LOG_MAP, identities=maps))
    assert [found[device] for device in devices] == [None, *["ann"] * 9]


def test_events_of_the_log_may_be_the_pairs_by_all_that_maps_can(stored):
    log = table("""
        id | device | kind     | p
        1  | d1     | ran      | {}
        2  | ann    | identify | {"before": "d1"}
        3  | bob    | ran      | {"before": "d2"}
        4  | d2     | ran      | {}
    """)
    log = log.mutate(at=table("at\n2026-01-05").at.max().as_scalar())
    maps = "[{table: log, columns: {event_id: id, anonymous_id: device, event: kind, at: at}}]"
    pairs = """
    - table: log
      columns: {anonymous_id: p.before, user_id: device}
      only: {kind: [identify]}
    """
    found = owners(loaded(stored(log=log), "event_id", "user_id", events=maps, identities=pairs))
    assert found == {"1": "ann", "2": None, "3": None, "4": None}


def test_what_arrived_is_resolved_too_so_that_coverage_counts_it(stored):
    warehouse = stored(log=table(LOG), pairs=table(PAIRS))
    tables = sources.tables_of(declared(events=LOG_MAP, identities=PAIRS_MAP), warehouse)
    arrived = rows(tables.arrivals.select("event_id", "user_id"), warehouse.connection)
    assert len(arrived) == 8
    assert owners(arrived)["3"] == "bob"
    assert len(rows(tables.copies, warehouse.connection)) == 1
    assert len(events(tables, warehouse, "event_id")) == 7


def test_identities_of_events_without_devices_are_a_mistake(stored):
    warehouse = stored(log=table(LOG), pairs=table(PAIRS))
    found = declared(events=LOG_MAP.replace("anonymous_id: device, ", ""), identities=PAIRS_MAP)
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(found, warehouse)
    assert str(mistake.value) == (
        "product.yaml maps `identities`, and events have no `anonymous_id`.\n"
        "Events have: event_id, user_id, event, at, received_at.\n"
        "Hint: map the `anonymous_id` of `events`, or no `identities`."
    )
