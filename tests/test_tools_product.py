"""A whole product with exports: what lands counts beside what it maps itself."""

from __future__ import annotations

import ibis
import pytest

from playbook import declare
from playbook.data import sources
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, Product
from playbook.language.mistakes import Mistake
from tests.exports import TYPES, VENDORS
from tests.spec import at, rows, table

OWN = {
    "log": """
        id | person | what      | done_at
        1  | ann    | signed_up | 2026-01-05 08:00
    """,
    "workers": """
        id  | workspace
        ann | w1
        bob | w2
        cat | w2
    """,
    "letters": """
        id | person | campaign | sent_at
        d1 | ann    | welcome  | 2026-01-04
    """,
    "held": """
        campaign | person | arm
        other    | ann    | holdout
    """,
}
MAPS = {
    "events": {"event_id": "id", "user_id": "person", "event": "what", "at": "done_at"},
    "users": {"user_id": "id", "account_id": "workspace"},
    "messages": {
        "message_id": "id",
        "user_id": "person",
        "play": "campaign",
        "sent_at": "sent_at",
    },
    "assignments": {"play": "campaign", "unit_id": "person", "arm": "arm"},
}
FROM = {"events": "log", "users": "workers", "messages": "letters", "assignments": "held"}


def loaded(*mapped: str, vendors: tuple[str, ...]) -> Tables:
    """The product's tables: its own maps, and these vendors' drawn exports."""
    connection = ibis.duckdb.connect()
    drawn = dict(OWN)
    for vendor in vendors:
        drawn |= VENDORS[vendor][1]
    for name, text in drawn.items():
        connection.create_table(name, table(text, **TYPES))
    said = {
        "name": "Small",
        "tables": {name: [{"table": FROM[name], "columns": MAPS[name]}] for name in mapped},
        "exports": [{"vendor": vendor} | VENDORS[vendor][0] for vendor in vendors],
    }
    product = declare.parse(said, Product, place="product.yaml")
    return sources.tables_of(Declarations(product, (), (), (), ()), Warehouse(connection))


def test_exports_stand_beside_the_products_own_messages_and_arms():
    found = loaded("events", "users", "messages", "assignments", vendors=("customerio", "pendo"))
    messages = found.messages.filter(found.messages.play == "welcome")
    assert rows(messages.select("message_id", "user_id", "account_id", "is_ghost", "sent_at")) == [
        {
            "message_id": id,
            "user_id": user,
            "account_id": account,
            "is_ghost": sent is None,
            "sent_at": sent,
        }
        for id, user, account, sent in (
            ("customerio:d1", "ann", "w1", at("2026-01-05 09:01")),
            ("customerio:d2", "bob", "w2", None),
            ("customerio:d3", "cat", "w2", at("2026-01-05 09:01")),
            ("d1", "ann", "w1", at("2026-01-04")),
            ("pendo:g1:ann", "ann", "w1", at("2026-01-05 09:01")),
            ("pendo:g1:cat", "cat", "w2", at("2026-01-05 09:01")),
        )
    ]
    assert rows(found.assignments.select("play", "unit_id", "arm", "source")) == [
        {"play": "other", "unit_id": "ann", "arm": "holdout", "source": None},
        {"play": "welcome", "unit_id": "ann", "arm": "treated", "source": "customerio"},
        {"play": "welcome", "unit_id": "bob", "arm": "holdout", "source": "customerio"},
        {"play": "welcome", "unit_id": "cat", "arm": "treated", "source": "customerio"},
    ]
    assert found.has("messages", "seen_at", "clicked_at")


def test_a_product_may_have_its_messages_from_exports_alone():
    found = loaded("events", vendors=("sendgrid", "pendo"))
    assert len(rows(found.messages)) == 4
    assert rows(found.suppressions.select("user_id", "reason")) == [
        {"user_id": "cat", "reason": "unsubscribed"}
    ]
    assert found.assignments is None
    assert found.has("messages", "sent_at")
    assert not found.has("assignments")


def test_a_product_without_exports_is_as_it_was():
    found = loaded("events", "messages", vendors=())
    assert len(rows(found.messages)) == 1
    assert found.mapped["messages"] == frozenset(MAPS["messages"])
    assert found.suppressions is None


def test_what_is_missing_of_an_export_is_said_when_the_product_is_opened():
    connection = ibis.duckdb.connect()
    connection.create_table("log", table(OWN["log"]))
    maps = {"events": [{"table": "log", "columns": MAPS["events"]}]}
    said = {"name": "Small", "tables": maps, "exports": [{"vendor": "pendo"}]}
    product = declare.parse(said, Product, place="product.yaml")
    with pytest.raises(Mistake, match="no table `guide_event`: Pendo's `guide_event`, which gives"):
        sources.tables_of(Declarations(product, (), (), (), ()), Warehouse(connection))
