"""Users and accounts of several rows and tables: the newest, the oldest, one filling another."""

from __future__ import annotations

import pytest

from playbook.data import sources
from playbook.language.mistakes import Mistake
from tests.maps import declared
from tests.spec import at, rows, table

LOG = table("id | what | done_at\n 1 | ran | 2026-01-05")
LOG_MAP = "[{table: log, columns: {event_id: id, event: what, at: done_at}}]"
PEOPLE = """
    id  | joined_at  | plan | changed_at
    ann | 2026-01-05 | free | 2026-01-05
    ann | 2026-01-05 | pro  | 2026-03-01
    ann | 2026-01-05 | team |
    bob | 2026-01-06 | pro  | 2026-02-01
    bob | 2026-01-06 | free | 2026-02-01
    cat | 2026-01-07 | free |
"""
COLUMNS = "{user_id: id, signed_up_at: joined_at, plan: plan}"


def users(warehouse, *columns: str, maps: str) -> list:
    tables = sources.tables_of(declared(events=LOG_MAP, users=maps), warehouse)
    return rows(tables.users.select("user_id", *columns), warehouse.connection)


@pytest.mark.parametrize(
    ("which", "ann", "bob"), [("newest", "pro", "free"), ("oldest", "free", "free")]
)
def test_of_several_rows_the_newest_or_the_oldest_counts_ties_alike(stored, which, ann, bob):
    maps = f"[{{table: people, columns: {COLUMNS}, {which}: changed_at}}]"
    assert users(stored(log=LOG, people=table(PEOPLE)), "plan", maps=maps) == [
        {"user_id": "ann", "plan": ann},
        {"user_id": "bob", "plan": bob},
        {"user_id": "cat", "plan": "free"},
    ]


def test_a_map_fills_what_those_before_it_leave_unknown_and_adds_its_own_ids(stored):
    people = table("id | role\n ann | admin\n bob |\n bea |")
    traits = table("""
        who | role   | country | seen_at
        ann | member | SE      | 2026-01-05
        ann | member | NO      | 2026-02-05
        bob | member |         | 2026-01-05
        cat | owner  | DE      | 2026-01-05
            | owner  | FR      | 2026-01-05
    """)
    more = table("who | country\n bob | FI\n bea | DK\n ann | US")
    maps = """
    - {table: people, columns: {user_id: id, role: role}}
    - table: traits
      columns: {user_id: who, role: role, country: country}
      newest: seen_at
      fills: true
    - {table: more, columns: {user_id: who, country: country}, fills: true}
    """
    warehouse = stored(log=LOG, people=people, traits=traits, more=more)
    assert users(warehouse, "role", "country", maps=maps) == [
        {"user_id": "ann", "role": "admin", "country": "NO"},
        {"user_id": "bea", "role": None, "country": "DK"},
        {"user_id": "bob", "role": "member", "country": "FI"},
        {"user_id": "cat", "role": "owner", "country": "DE"},
    ]


def test_accounts_are_filled_too(stored):
    firms = table("id | plan\n w1 | pro\n w2 |")
    sizes = table("id | staff | plan\n w1 | 3 | x\n w2 | 4 | free", staff="int64")
    maps = """
    - {table: firms, columns: {account_id: id, plan: plan}}
    - {table: sizes, columns: {account_id: id, size: staff, plan: plan}, fills: true}
    """
    warehouse = stored(log=LOG, firms=firms, sizes=sizes)
    tables = sources.tables_of(declared(events=LOG_MAP, accounts=maps), warehouse)
    found = rows(tables.accounts.select("account_id", "plan", "size"), warehouse.connection)
    assert found == [
        {"account_id": "w1", "plan": "pro", "size": 3},
        {"account_id": "w2", "plan": "free", "size": 4},
    ]


def test_two_maps_that_fill_nothing_are_united_as_before(stored):
    old = table("id | joined_at\n ann | 2026-01-05")
    new = table("id | joined_at\n bob | 2026-01-06\n ann | 2026-02-01")
    maps = """
    - {table: old, columns: {user_id: id, signed_up_at: joined_at}}
    - {table: new, columns: {user_id: id, signed_up_at: joined_at}}
    """
    assert users(stored(log=LOG, old=old, new=new), "signed_up_at", maps=maps) == [
        {"user_id": "ann", "signed_up_at": at("2026-01-05")},
        {"user_id": "bob", "signed_up_at": at("2026-01-06")},
    ]


@pytest.mark.parametrize(
    ("maps", "wrong"),
    [
        ({"events": LOG_MAP.replace("{table", "{newest: done_at, table")}, "says `newest`"),
        ({"events": LOG_MAP.replace("{table", "{fills: true, table")}, "says `fills`"),
        (
            {"events": LOG_MAP, "users": "[{table: p, columns: {user_id: id}, fills: true}]"},
            "The first map of `users` fills what maps before it leave unknown.",
        ),
    ],
)
def test_what_has_not_one_row_each_and_what_has_nothing_to_fill_are_mistakes(stored, maps, wrong):
    with pytest.raises(Mistake) as mistake:
        sources.tables_of(declared(**maps), stored(log=LOG, p=table("id\n ann")))
    assert wrong in mistake.value.wrong


def test_of_an_address_that_is_mapped_as_a_domain_the_domain_alone_enters(stored):
    people = table("""
        id  | mail
        ann | Ann.Lee@Acme.Example
        bob | Bob <bob@beta.example>
        cat | gamma.example
        dee | @
        eve |
        fay | "a@b"@delta.example
    """)
    maps = "[{table: people, columns: {user_id: id, email_domain: mail}}]"
    assert users(stored(log=LOG, people=people), "email_domain", maps=maps) == [
        {"user_id": "ann", "email_domain": "acme.example"},
        {"user_id": "bob", "email_domain": "beta.example"},
        {"user_id": "cat", "email_domain": "gamma.example"},
        {"user_id": "dee", "email_domain": None},
        {"user_id": "eve", "email_domain": None},
        {"user_id": "fay", "email_domain": "delta.example"},
    ]
