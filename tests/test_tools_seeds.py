"""The vendors' exports on real seeds: the files that Fivetran tests its own packages with.

Their ids do not all join, so only what does is counted.
"""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest
from ibis import _

from playbook.adapters import exports
from playbook.data.warehouse import Warehouse
from playbook.declare import Export
from tests.spec import at, rows, table

# Of our own: whom some of the hashed addresses belong to.
PEOPLE = """
    id  | email                         | member_id
    han | o2wjpPyUfzBfq9OSt9I2NQ==      |
    ian | person_1f87f86d15@example.com |
    mia |                               | 4d1bf0aa67690a2b483771ce00cfb6a7
"""


@pytest.fixture
def seeds(shared):
    """Reads a vendor's files as tables, and lands them with what the export says."""

    def landed(vendor: str, **said) -> dict[str, list[ir.Table]]:
        folder = shared / "data" / "vendor_exports" / vendor
        if not folder.is_dir():
            pytest.skip(f"the seeds of {vendor} are not beside the project")
        connection = ibis.duckdb.connect()
        for path in sorted(folder.glob("*.csv")):
            _read(connection, path)
        connection.create_table("app_users", table(PEOPLE))
        return exports.exported_tables([Export(vendor=vendor, **said)], Warehouse(connection))

    return landed


def _read(connection: ibis.BaseBackend, path: Path) -> None:
    name, file = path.stem.removesuffix("_data"), str(path).replace("'", "''")
    connection.raw_sql(f"create table \"{name}\" as from read_csv('{file}', strict_mode = false)")


def told(found: list[ir.Table], *columns: str) -> list[dict]:
    return rows(found[0].select(*columns))


def test_pendos_seeds_are_guides_of_visitors(seeds):
    found = seeds("pendo", plays={"y79LPO5hn8iStQ84i0379UFAsgI": "tour"})
    assert told(found["messages"], "play", "user_id", "seen_at", "dismissed_at", "clicked_at") == [
        {
            "play": "pendo:KNtGlp7GrL0a5FG5HLvNlVfovfw",
            "user_id": "thick_register",
            "seen_at": at("2021-07-20 11:58:14.710"),
            "dismissed_at": None,
            "clicked_at": None,
        },
        {
            "play": "pendo:WCfleGskyXv-2jM2VnfvZGGqO3s",
            "user_id": "source_oxygen",
            "seen_at": at("2021-05-26 14:05:12.753"),
            "dismissed_at": None,
            "clicked_at": None,
        },
        {
            "play": "tour",
            "user_id": "source_oxygen",
            "seen_at": at("2021-05-26 14:07:49.718"),
            "dismissed_at": at("2021-05-26 14:08:01.602"),
            "clicked_at": at("2021-05-26 14:08:01.617"),
        },
    ]


def test_iterables_seeds_hold_no_message_and_people_who_left_a_marketing_channel(seeds):
    people = {"table": "app_users", "user_id": "id", "email": "email"}
    found = seeds("iterable", users=people)
    # Their events are sign-ups and the product's own; the transactional channel is not counted.
    assert told(found["messages"], "message_id") == []
    assert told(found["assignments"], "unit_id") == []
    assert told(found["suppressions"], "user_id", "channel", "from_at") == [
        {"user_id": "ian", "channel": "email", "from_at": at("2020-09-28 04:21:18")}
    ]


def test_intercoms_seeds_hold_no_receipts_and_contacts_whom_nothing_stops(seeds):
    found = seeds("intercom")
    assert found["messages"] == []
    assert told(found["suppressions"], "user_id") == []


def test_mailchimps_seeds_are_one_campaign_and_two_automations(seeds):
    people = {"table": "app_users", "user_id": "id", "md5": "member_id"}
    found = seeds("mailchimp", users=people, plays={"Welcome Message": "welcome"})
    per_play = (
        found["messages"][0]
        .group_by("play")
        .aggregate(
            n=_.count(),
            sent=_.sent_at.count(),
            seen=_.seen_at.count(),
            clicked=_.clicked_at.count(),
        )
    )
    # Both automations' e-mails have one title.
    assert rows(per_play) == [
        {"play": "mailchimp:c2b4c1c0d9", "n": 10, "sent": 10, "seen": 7, "clicked": 2},
        {"play": "welcome", "n": 3, "sent": 0, "seen": 2, "clicked": 3},
    ]
    assert told(found["suppressions"], "user_id", "reason", "from_at") == [
        {"user_id": "mia", "reason": "unsubscribed", "from_at": at("2020-04-17 16:32:51")}
    ]


def test_hubspots_seeds_are_events_of_e_mails_of_which_few_were_sent_in_them(seeds):
    people = {"table": "app_users", "user_id": "id", "email": "email"}
    found = seeds("hubspot", users=people)
    by_user = (
        found["messages"][0]
        .group_by("user_id")
        .aggregate(
            n=_.count(),
            sent=_.sent_at.count(),
            delivered=_.delivered_at.count(),
            seen=_.seen_at.count(),
            by_human=(~_.seen_by_machine).sum(),
        )
    )
    assert rows(by_user) == [
        {"user_id": None, "n": 18, "sent": 0, "delivered": 0, "seen": 18, "by_human": 18},
        {"user_id": "han", "n": 4, "sent": 4, "delivered": 3, "seen": 4, "by_human": 4},
    ]
    assert told(found["suppressions"], "user_id") == []
