"""Exports at their edges: shared addresses, ids without one, texts that are no time, names."""

from __future__ import annotations

import hashlib

import ibis
import pytest

from playbook import declare
from playbook.adapters import exports
from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, Export, Product
from playbook.language.mistakes import Mistake
from tests.exports import ANN, APP_USERS, CAT, VENDORS, Drawn
from tests.spec import at, rows, table

# Suppressions of an address

GLOBAL = "users_behaviors_subscription_globalstatechange_shared"
SENT = """
    id | user_id | external_user_id | email_address | dispatch_id | campaign_id | time
    e1 | b1      | ann              | team@x.co     | x1          | 12          | 1767603660
    e2 | b3      | cat              | Team@X.co     | x1          | 12          | 1767603660
    e3 | b4      | dan              | dan@x.co      | x1          | 12          | 1767603660
"""


def suppressed(drawn: Drawn) -> list[tuple]:
    told = drawn.rows("suppressions", "user_id", "from_at", "to_at")
    return [(row["user_id"], row["from_at"], row.get("to_at")) for row in told]


def test_a_suppression_of_an_address_alone_holds_for_everybody_whose_address_it_is():
    drawn = Drawn(
        "braze",
        users_messages_email_send_shared=SENT,
        **{
            GLOBAL: """
                id | external_user_id | email_address | channel | subscription_status | time
                g1 |                  | TEAM@x.co     | email   | Unsubscribed        | 1767916800
                g2 | dan              | dan@x.co      | email   | Unsubscribed        | 1767916800
                g3 |                  | who@x.co      | email   | Unsubscribed        | 1767916800
            """
        },
    )
    ninth = at("2026-01-09")
    assert suppressed(drawn) == [(name, ninth, None) for name in ("ann", "cat", "dan")]


def test_whoever_left_and_comes_back_under_another_address_is_back():
    history = """
        id | external_id | email     | updated_at | unsubscribed_from_emails
        c1 | ann         | old@x.co  | 2026-01-01 | true
        c1 | ann         | new@x.co  | 2026-01-03 | false
        c2 | cat         | cat@x.co  | 2026-01-01 | true
        c3 | dan         | cat@x.co  | 2026-01-03 | false
    """
    assert suppressed(Drawn("intercom", contact_history=history)) == [
        ("ann", at("2026-01-01"), at("2026-01-03")),
        ("cat", at("2026-01-01"), None),
    ]


def test_leaving_a_channel_of_iterables_holds_for_everybody_who_had_the_address():
    drawn = Drawn(
        "iterable",
        user_history="""
            email    | user_id | updated_at
            cat@x.co | cat     | 2026-01-01
            Cat@x.co | dan     | 2026-01-02
            eve@x.co | eve     | 2026-01-02
        """,
    )
    assert suppressed(drawn) == [(name, at("2026-01-09"), None) for name in ("cat", "dan")]


def test_an_md5_of_ours_may_stand_in_capitals_and_between_spaces():
    users = {"table": "app_users", "user_id": "id", "md5": "md5"}
    people = f"id | md5\n ann | {ANN}\n cat | x"
    drawn = Drawn("mailchimp", {"users": users}, app_users=people)
    spaced = ibis.memtable({"id": ["cat"], "md5": [f"  {CAT.upper()} "]})
    drawn.connection.create_table("app_users", spaced, overwrite=True)
    assert suppressed(drawn) == [("cat", at("2026-01-09"), None)]


# Ids of messages

SECOND = hashlib.md5(b"second@x.co").hexdigest()


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_id_of_a_message_holds_a_hash_of_an_address(vendor):
    usual = VENDORS[vendor][0]
    said = {"users": usual["users"]} if "users" in usual else {}
    drawn = Drawn(vendor, said, **({"app_users": "id | email"} if said else {}))
    ids = [row["message_id"] for row in drawn.messages("message_id")]
    assert ids
    assert len(set(ids)) == len(ids)
    assert not [id for id in ids if ANN in id or CAT in id or "@" in id]


def test_messages_to_addresses_have_the_user_and_a_number_in_their_ids(engine):
    drawn = Drawn(
        "mailchimp",
        connection=engine,
        app_users=APP_USERS + "ann | second@x.co\n bob | CAT@x.co\n",
        campaign_recipient=f"""
            campaign_id | member_id | combination_id
            12          | {ANN}     |
            12          | {CAT}     |
            12          | ffffffffffffffffffffffffffffffff |
            12          | 00000000000000000000000000000000 |
            12          | {SECOND}  |
            13          | {ANN}     |
        """,
    )
    try:
        told = drawn.messages("message_id", "user_id")
    finally:
        for name in drawn.stored:
            engine.drop_table(name)
    assert [(row["message_id"], row.get("user_id")) for row in told] == [
        ("mailchimp:12::1", None),
        ("mailchimp:12::2", None),
        ("mailchimp:12:ann", "ann"),
        ("mailchimp:12:ann:2", "ann"),
        ("mailchimp:12:bob", "bob"),
        ("mailchimp:12:cat", "cat"),
        ("mailchimp:13:ann", "ann"),
        ("mailchimp:a1:ann", "ann"),
    ]


# Texts that are no time


def opened(drawn: Drawn):
    """A product with a log and this export."""
    log = "id | what | done_at\n 1 | saved | 2026-01-05"
    drawn.connection.create_table("log", table(log), overwrite=True)
    columns = {"event_id": "id", "event": "what", "at": "done_at"}
    said = {"name": "Small", "tables": {"events": [{"table": "log", "columns": columns}]}}
    product = declare.parse(said, Product, place="product.yaml")
    product = product.model_copy(update={"exports": (drawn.export,)})
    return sources.tables_of(Declarations(product, (), (), (), ()), Warehouse(drawn.connection))


def test_a_text_that_is_no_time_names_its_column_and_one_value():
    events = """
        guide_id | guide_step_id | visitor_id | type      | timestamp
        g1       | one           | ann        | guideSeen | 2026-01-05 09:01
        g1       | one           | bob        | guideSeen |
        g1       | one           | cat        | guideSeen | yesterday
    """
    with pytest.raises(Mistake) as told:
        opened(Drawn("pendo", guide_event=events))
    assert told.value.wrong == (
        "Column `timestamp` of `guide_event`, which Pendo exports, holds what is no time."
    )
    assert told.value.there == "1 row(s) do not cast, such as `yesterday`."
    assert "`exports: tables:`" in told.value.hint


def test_on_an_engine_that_tries_no_cast_its_own_words_name_the_value(postgres_connection):
    member = f"id | status | last_changed\n {CAT} | unsubscribed | soon"
    drawn = Drawn("mailchimp", connection=postgres_connection, member=member)
    try:
        with pytest.raises(Mistake) as told:
            opened(drawn)
    finally:
        for name in [*drawn.stored, "log"]:
            postgres_connection.drop_table(name)
    assert told.value.wrong.startswith("Column `last_changed` of `member`, which Mailchimp exports")
    assert "soon" in told.value.there


# Names of tables


def landed(*drawn: tuple[str, dict], connection) -> dict:
    declared = [
        declare.parse(
            {"vendor": vendor} | VENDORS[vendor][0] | said, Export, place="product.yaml, exports"
        )
        for vendor, said in drawn
    ]
    return exports.exported_tables(declared, Warehouse(connection))


def both() -> ibis.BaseBackend:
    """Mailchimp's and Intercom's tables in one place: both have an `unsubscribe`."""
    connection = Drawn("mailchimp").connection
    for name, text in VENDORS["intercom"][1].items():
        connection.create_table(name, table(text))
    return connection


def test_a_table_that_two_exports_would_read_is_a_mistake_that_names_both():
    with pytest.raises(Mistake) as told:
        landed(("mailchimp", {}), ("intercom", {}), connection=both())
    assert told.value.wrong == (
        "Two exports read the table `unsubscribe`: Mailchimp as its `unsubscribe`, and Intercom "
        "as its `unsubscribe`."
    )
    assert told.value.hint.endswith('`unsubscribe: ""` says that there is none.')


def test_an_export_may_say_that_a_table_is_not_its_own():
    none = {"tables": {"unsubscribe": ""}}
    found = landed(("mailchimp", {}), ("intercom", none), connection=both())
    assert len(found["messages"]) == 2
    with pytest.raises(Mistake, match="has no table `guide_event`: Pendo's `guide_event`"):
        Drawn("pendo", {"tables": {"guide_event": ""}}).tables()


def test_two_exports_of_one_tool_are_two_sources():
    connection = Drawn("pendo").connection
    connection.create_table("eu_guide_event", connection.table("guide_event").to_pyarrow())
    none = {"guide_history": "", "guide_step_history": ""}
    other = {"tables": {"guide_event": "eu_guide_event"} | none, "plays": {}}
    found = landed(("pendo", {}), ("pendo", other), connection=connection)
    first, second = found["messages"]
    told = first.union(second).select("message_id", "source", "play")
    assert [tuple(row.values()) for row in rows(told, connection)] == [
        ("pendo.2:g1:ann", "pendo.2", "pendo.2:g1"),
        ("pendo.2:g1:cat", "pendo.2", "pendo.2:g1"),
        ("pendo:g1:ann", "pendo", "welcome"),
        ("pendo:g1:cat", "pendo", "welcome"),
    ]
    with pytest.raises(Mistake, match="Two exports read the table `guide_event`"):
        landed(("pendo", {}), ("pendo", {}), connection=connection)


def test_several_tools_may_write_into_one_log_where_their_exports_say_so():
    log = """
        event        | event_type  | event_name          | user_id | at         | flow_id
        flow_started |             |                     | ann     | 2026-01-05 | f1
                     | interaction | experience:448:SEEN | ann     | 2026-01-05 |
    """
    connection = Drawn("pendo").connection
    drawn = table(log)
    connection.create_table("log", drawn.mutate(timestamp=drawn.at, inserted_at=drawn.at))
    said = [
        (vendor, {"tables": {f"{vendor}_events": "log"}, "plays": {}})
        for vendor in ("appcues", "userpilot")
    ]
    found = landed(*said, connection=connection)
    told = [row["message_id"] for each in found["messages"] for row in rows(each, connection)]
    assert told == ["appcues:f1:ann", "userpilot:experience:448:ann"]
