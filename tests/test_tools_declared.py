"""An export that says its own shape: action rows of any tool, and mistakes in what it says."""

from __future__ import annotations

from pathlib import Path

import ibis
import pytest

from playbook import declare
from playbook.adapters import exports
from playbook.data.warehouse import Warehouse
from playbook.declare import Export, shape
from playbook.language.mistakes import Mistake
from tests.exports import Drawn
from tests.spec import at, rows, table

ACTIONS = {"send": "sent_at", "open": "seen_at", "click": "clicked_at", "held_out": "ghost"}
OWN = {
    "facts": [
        {
            "table": "mails",
            "columns": {
                "message": ["campaign", "who"],
                "at": "done_at",
                "campaign": "campaign",
                "person": "who",
            },
            "channel": "email",
            "what": {"column": "action", "values": ACTIONS},
        }
    ],
    "arms": [
        {
            "table": "mails",
            "where": {"action": ["send", "held_out"]},
            "columns": {"campaign": "campaign", "person": "who", "assigned_at": "done_at"},
            "arm": {"column": "action", "values": {"held_out": "holdout"}, "otherwise": "treated"},
        }
    ],
    "lists": [
        {
            "table": "mails",
            "columns": {"person": "who", "from_at": "done_at"},
            "channel": "email",
            "reason": {"column": "action", "values": {"leave": "unsubscribed"}},
        }
    ],
    "plays": {"hello": "welcome"},
}
MAILS = """
    who | campaign | action   | done_at
    ann | hello    | Send     | 2026-01-05 09:00
    ann | hello    | open     | 2026-01-05 10:00
    ann | hello    | open     | 2026-01-05 10:00
    ann | hello    | open     | 2026-01-06 10:00
    ann | hello    | click    | 2026-01-05 10:01
    bob | hello    | held_out | 2026-01-05 09:00
    cat | hello    | send     | 2026-01-05 09:00
    cat |          | leave    | 2026-01-06 09:00
    cat | hello    | printed  | 2026-01-06 09:00
        | hello    | send     | 2026-01-05 09:00
"""


def landed(said: dict, **drawn: str) -> dict[str, list[dict]]:
    """What an export lands as: name → rows without nulls."""
    connection = ibis.duckdb.connect()
    for name, text in drawn.items():
        connection.create_table(name, table(text))
    export = declare.parse(said, Export, place="product.yaml, exports")
    found = exports.exported_tables([export], Warehouse(connection))
    return {
        name: [
            {key: value for key, value in row.items() if value is not None}
            for each in tables
            for row in rows(each, connection)
        ]
        for name, tables in found.items()
    }


def refused(said: dict, **drawn: str) -> Mistake:
    with pytest.raises(Mistake) as told:
        landed(said, **drawn)
    return told.value


def changed(of: str, **fields) -> dict:
    (part,) = OWN[of]
    return OWN | {of: [part | fields]}


def test_action_rows_become_one_message_each():
    found = landed(OWN, mails=MAILS)
    known = {"channel": "email", "play": "welcome", "source": "own", "variant": None}
    assert found["messages"] == [
        {
            "message_id": "own:hello:ann",
            "user_id": "ann",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:00"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        }
        | {key: value for key, value in known.items() if value},
        {"message_id": "own:hello:bob", "user_id": "bob", "is_ghost": True}
        | {key: value for key, value in known.items() if value},
        {
            "message_id": "own:hello:cat",
            "user_id": "cat",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:00"),
        }
        | {key: value for key, value in known.items() if value},
    ]
    assert [(row["unit_id"], row["play"], row["arm"]) for row in found["assignments"]] == [
        ("ann", "welcome", "treated"),
        ("bob", "welcome", "holdout"),
        ("cat", "welcome", "treated"),
    ]
    assert [(row["user_id"], row["reason"]) for row in found["suppressions"]] == [
        ("cat", "unsubscribed")
    ]


def test_a_tool_without_a_preset_has_the_name_that_the_export_gives_it():
    (message, *_others) = landed(OWN | {"vendor": "vero"}, mails=MAILS)["messages"]
    assert (message["message_id"], message["source"]) == ("vero:hello:ann", "vero")


def test_an_exports_own_facts_stand_in_place_of_its_presets():
    events = [
        {
            "table": "guide_event",
            "columns": {"message": "guide_id", "at": "timestamp", "person": "visitor_id"},
            "what": {"column": "type", "values": {"guideSeen": "seen_at"}},
        }
    ]
    told = Drawn("pendo", {"facts": events}).messages("message_id", "seen_at", "sent_at")
    assert told == [{"message_id": "pendo:g1", "seen_at": at("2026-01-05 09:01")}]


def test_people_of_ones_own_tool_may_be_told_by_address_and_no_address_goes_further():
    facts = {
        "table": "mails",
        "columns": {"letter": "mail_id", "at": "done_at", "address": "who"},
        "what": "sent_at",
    }
    users = {"table": "app_users", "user_id": "id", "email": "email"}
    found = landed(
        {"facts": [facts], "users": users},
        mails="mail_id | who | done_at\n 7 | Ann@x.co | 2026-01-05\n 7 | who@x.co | 2026-01-05",
        app_users="id | email\n ann | ann@x.co",
    )
    assert [row["message_id"] for row in found["messages"]] == ["own:7::1", "own:7:ann"]
    assert "@" not in str(found)


def test_a_history_gives_what_it_says_last():
    lookup = {
        "table": "names",
        "on": "campaign",
        "key": "id",
        "newest": "said_at",
        "columns": {"title": "title"},
    }
    columns = OWN["facts"][0]["columns"] | {"named": "title"}
    found = landed(
        changed("facts", lookups=[lookup], columns=columns) | {"plays": {"New": "a", "Old": "b"}},
        mails=MAILS,
        names="""
            id    | title | said_at
            hello | New   | 2026-01-02
            hello | Old   | 2026-01-01
        """,
    )
    assert {row["play"] for row in found["messages"]} == {"a"}


def test_every_vendor_has_a_module_or_a_preset_and_every_preset_is_read():
    assert {"appcues", "braze", "klaviyo", "own"} & set(shape.vendors()) == {
        *("appcues", "braze", "klaviyo")
    }
    for path in Path(shape.PRESETS).glob("*.yaml"):
        found = shape.preset(path.stem)
        assert found.facts
        assert path.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({}, "exports: an export names no vendor, and says no shape of its own."),
        ({"vendor": "vero"}, "exports: nothing is known of the vendor `vero`."),
        ({"facts": {}}, "exports: `facts` is no list."),
        (changed("facts", cols={}), "exports: facts, entry 1: Part has no field `cols`."),
        (changed("facts", arm="treated"), "exports: facts, entry 1: facts have no `arm`."),
        (changed("facts", columns={"at": "x"}), "entry 1 lacks `columns: message`."),
        (changed("facts", columns={"mesage": "x"}), "entry 1: facts have no `mesage`."),
        (changed("facts", what=None), "exports: facts, entry 1 lacks `what`."),
        (changed("facts", what={"values": {"a": "sent_at"}}), "entry 1: `what: a mapping"),
        (changed("facts", what="snt_at"), "entry 1: `what` has no `snt_at`."),
        (changed("facts", kind={"column": "k", "values": {"H": "Hard"}}), "has no `Hard`."),
        (changed("arms", columns={"at": "x"}), "exports: arms, entry 1: arms have no `at`."),
    ],
)
def test_what_a_shape_says_wrongly_is_named(said, wrong):
    assert wrong in refused(said).wrong


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (
            OWN,
            "The warehouse has no table `mails`: your tool's `mails`, which gives what was sent, "
            "and what became of it.",
        ),
        (
            changed("facts", table="mail"),
            "Table `mail` has no column `campaign`, without which your tool's `mail` cannot give "
            "what was sent, and what became of it.",
        ),
    ],
)
def test_what_the_warehouse_lacks_of_a_shape_is_named(said, wrong):
    assert refused(said, mail="who | action | done_at").wrong == wrong
