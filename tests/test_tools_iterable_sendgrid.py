"""Iterable and SendGrid: what of their exports is a message, who was held out, who left."""

from __future__ import annotations

import pytest

from tests.exports import Drawn
from tests.spec import at

EVENT = """
    _fivetran_id | _fivetran_user_id | email | event_name | message_id | campaign_id \
        | message_type_id | recipient_state | created_at
"""
GRID = """
    _fivetran_id | sg_event_id | singlesend_id | email | event | sg_message_id \
        | sg_machine_open | type | timestamp
"""


def test_two_people_of_iterable_who_share_an_id_of_fivetrans_get_two_messages():
    columns = ("message_id", "user_id", "play", "is_ghost", "sent_at", "seen_at", "clicked_at")
    assert Drawn("iterable").messages(*columns) == [
        {
            "message_id": "iterable:m1:ann",
            "user_id": "ann",
            "play": "welcome",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "iterable:m1:cat",
            "user_id": "cat",
            "play": "welcome",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
        },
        {
            "message_id": "iterable:skip:f4:bob",
            "user_id": "bob",
            "play": "welcome",
            "is_ghost": True,
        },
    ]
    assert Drawn("iterable").rows("assignments", "unit_id", "arm", "play", "assigned_at") == [
        {
            "unit_id": "bob",
            "arm": "holdout",
            "play": "welcome",
            "assigned_at": at("2026-01-05 09:01"),
        }
    ]


def test_iterable_holds_nobody_out_by_other_skips_nor_by_the_probe_of_uninstalls():
    drawn = Drawn(
        "iterable",
        event=EVENT
        + """
        f1 | u1 | ann@x.co | emailSendSkip |    | 12 | | | 2026-01-05 09:01
        f2 | u2 | bob@x.co | pushSend      | m2 | 12 | | | 2026-01-05 09:01
        f3 | u3 | cat@x.co | inAppSendSkip | m3 | 12 | | | 2026-01-05 09:01
        f3 | u1 | ann@x.co | inAppSendSkip | m4 | 12 | | | 2026-01-05 09:01
        """,
        event_extension="""
            _fivetran_id | _fivetran_user_id | reason            | is_ghost_push
            f1           | u1                | FrequencyCapping  |
            f2           | u2                |                   | true
            f3           | u3                | ExperimentHoldOut |
        """,
    )
    assert drawn.messages("message_id", "channel", "is_ghost", "sent_at") == [
        {
            "message_id": "iterable:m2:bob",
            "channel": "push",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
        },
        {"message_id": "iterable:skip:f3:cat", "channel": "in_app", "is_ghost": True},
    ]
    assert drawn.rows("assignments", "unit_id", "arm") == [{"unit_id": "cat", "arm": "holdout"}]


def test_iterables_transactional_mail_is_none_of_a_play():
    drawn = Drawn(
        "iterable",
        {"plays": {"12": "welcome", "transactional:14": "verification"}},
        event=EVENT
        + """
        f1 | u1 | ann@x.co | emailSend | m1 | 12 | 6 | | 2026-01-05 09:01
        f2 | u1 | ann@x.co | emailSend | m2 | 12 | 5 | | 2026-01-05 09:02
        f3 | u1 | ann@x.co | emailSend | m3 | 14 | 6 | | 2026-01-05 09:03
        f4 | u1 | ann@x.co | emailSend | m4 | 12 |   | | 2026-01-05 09:04
        """,
    )
    assert [row["play"] for row in drawn.messages("message_id", "play")] == [
        "iterable:transactional:12",
        "welcome",
        "verification",
        "welcome",
    ]


def test_iterables_events_without_a_message_and_events_of_the_product_make_none():
    drawn = Drawn(
        "iterable",
        event=EVENT
        + """
        f1 | u1 | ann@x.co | emailUnSubscribe |    | 12 | | | 2026-01-05 09:01
        f2 | u1 | ann@x.co | customEvent      | m2 | 12 | | | 2026-01-05 09:02
        f3 | u1 | ann@x.co | emailOpen        | m3 | 12 | | | 2026-01-05 09:03
        f3 | u1 | ann@x.co | emailOpen        | m3 | 12 | | | 2026-01-05 09:03
        """,
    )
    assert drawn.messages(
        "message_id", "seen_at", "seen_by_machine", "sent_at", "delivered_at"
    ) == [{"message_id": "iterable:m3:ann", "seen_at": at("2026-01-05 09:03")}]


def test_iterable_says_how_a_bounce_came_back_and_what_else_became_of_a_message():
    drawn = Drawn(
        "iterable",
        event=EVENT
        + """
        f1 | u1 | ann@x.co | emailBounce      | m1 | 12 | | HardBounce | 2026-01-05 09:01
        f2 | u1 | ann@x.co | emailBounce      | m2 | 12 | | SoftBounce | 2026-01-05 09:02
        f3 | u1 | ann@x.co | emailComplaint   | m3 | 12 | |            | 2026-01-05 09:03
        f4 | u1 | ann@x.co | emailUnSubscribe | m3 | 12 | |            | 2026-01-05 09:04
        f5 | u1 | ann@x.co | inAppDelivery    | m4 | 12 | |            | 2026-01-05 09:05
        f6 | u1 | ann@x.co | inAppOpen        | m4 | 12 | |            | 2026-01-05 09:06
        f7 | u1 | ann@x.co | inAppClose       | m4 | 12 | |            | 2026-01-05 09:07
        """,
    )
    columns = ("bounced_at", "bounce_kind", "complained_at", "unsubscribed_at", "delivered_at")
    shown = ("seen_at", "seen_by_machine", "dismissed_at")
    assert drawn.messages("message_id", *columns, *shown) == [
        {
            "message_id": "iterable:m1:ann",
            "bounced_at": at("2026-01-05 09:01"),
            "bounce_kind": "hard",
        },
        {
            "message_id": "iterable:m2:ann",
            "bounced_at": at("2026-01-05 09:02"),
            "bounce_kind": "soft",
        },
        {
            "message_id": "iterable:m3:ann",
            "complained_at": at("2026-01-05 09:03"),
            "unsubscribed_at": at("2026-01-05 09:04"),
        },
        {
            "message_id": "iterable:m4:ann",
            "delivered_at": at("2026-01-05 09:05"),
            "seen_at": at("2026-01-05 09:06"),
            "seen_by_machine": False,
            "dismissed_at": at("2026-01-05 09:07"),
        },
    ]


def test_the_newest_profile_with_an_id_says_who_an_address_of_iterables_is():
    drawn = Drawn(
        "iterable",
        user_history="""
            email    | user_id | updated_at
            ann@x.co | old     | 2026-01-01
            Ann@x.co | ann     | 2026-01-02
            ann@x.co |         | 2026-01-03
        """,
    )
    told = drawn.messages("message_id", "user_id")
    assert told[0] == {"message_id": "iterable:m1::1"}
    assert told[1] == {"message_id": "iterable:m1:ann", "user_id": "ann"}
    assert drawn.rows("assignments") == drawn.rows("suppressions") == []


def test_leaving_a_marketing_channel_of_iterables_counts_from_the_first_time_that_it_says_so():
    assert Drawn("iterable").rows("suppressions") == [
        {
            "user_id": "cat",
            "channel": "email",
            "reason": "unsubscribed",
            "from_at": at("2026-01-09"),
            "source": "iterable",
        }
    ]


def test_a_message_of_sendgrids_is_an_id_to_an_address_however_it_is_written():
    columns = ("message_id", "user_id", "play", "sent_at", "delivered_at", "seen_at")
    assert Drawn("sendgrid").messages(*columns, "seen_by_machine", "clicked_at") == [
        {
            "message_id": "sendgrid:m1:ann",
            "user_id": "ann",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:02"),
            "seen_at": at("2026-01-05 10:00"),
            "seen_by_machine": False,
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "sendgrid:m2:cat",
            "user_id": "cat",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:01"),
        },
    ]
    assert Drawn("sendgrid").tables()["assignments"] == []


@pytest.mark.parametrize(("said", "by"), [("true", True), ("false", False), ("", None)])
def test_sendgrid_says_whether_a_machine_opened_or_it_does_not(said, by):
    event = GRID + f"f1 | e1 | 12 | ann@x.co | open | m1 | {said} | | 2026-01-05 10:00"
    (row,) = Drawn("sendgrid", event=event).messages("seen_at", "seen_by_machine")
    assert (row["seen_at"], row.get("seen_by_machine")) == (at("2026-01-05 10:00"), by)


def test_sendgrids_webhooks_that_come_twice_and_events_without_a_message_change_nothing():
    event = (
        GRID
        + """
        f1 | e1 |   | ann@x.co | processed | m1 | | | 2026-01-05 09:01
        f2 | e1 |   | ann@x.co | processed | m1 | | | 2026-01-05 09:01
        f3 | e2 |   | ann@x.co | open      |    | | | 2026-01-05 09:02
        f4 | e3 |   | ann@x.co | deferred  | m9 | | | 2026-01-05 09:02
        """
    )
    assert Drawn("sendgrid", event=event).messages("message_id", "play", "sent_at", "seen_at") == [
        {
            "message_id": "sendgrid:m1:ann",
            "play": "sendgrid:api",
            "sent_at": at("2026-01-05 09:01"),
        }
    ]


def test_sendgrids_bounces_are_hard_blocked_or_dropped_and_a_dropped_message_was_not_sent():
    event = (
        GRID
        + """
        f1 | e1 | 12 | ann@x.co | bounce  | m1 | | bounce  | 2026-01-05 09:01
        f2 | e2 | 12 | ann@x.co | bounce  | m2 | | blocked | 2026-01-05 09:02
        f3 | e3 | 12 | ann@x.co | dropped | m3 | |         | 2026-01-05 09:03
        """
    )
    drawn = Drawn("sendgrid", event=event)
    assert drawn.messages("message_id", "sent_at", "bounced_at", "bounce_kind") == [
        {
            "message_id": f"sendgrid:m{n}:ann",
            "bounced_at": at(f"2026-01-05 09:0{n}"),
            "bounce_kind": kind,
        }
        for n, kind in ((1, "hard"), (2, "block"), (3, "drop"))
    ]


def test_who_leaves_all_of_sendgrids_mail_is_on_the_list_and_who_leaves_a_group_is_not():
    event = (
        GRID
        + """
        f1 | e1 | 12 | ann@x.co | group_unsubscribe | m1 | | | 2026-01-05 09:01
        f2 | e2 | 12 | cat@x.co | spamreport        | m2 | | | 2026-01-05 09:02
        f3 | e3 | 12 | cat@x.co | unsubscribe       |    | | | 2026-01-05 09:03
        f4 | e4 | 12 | who@x.co | unsubscribe       |    | | | 2026-01-05 09:03
        """
    )
    drawn = Drawn("sendgrid", event=event)
    assert drawn.messages("message_id", "unsubscribed_at", "complained_at") == [
        {"message_id": "sendgrid:m1:ann", "unsubscribed_at": at("2026-01-05 09:01")},
        {"message_id": "sendgrid:m2:cat", "complained_at": at("2026-01-05 09:02")},
    ]
    assert drawn.rows("suppressions", "user_id", "reason", "from_at") == [
        {"user_id": "cat", "reason": "complained", "from_at": at("2026-01-05 09:02")},
        {"user_id": "cat", "reason": "unsubscribed", "from_at": at("2026-01-05 09:03")},
    ]


def test_sendgrids_automations_are_campaigns_whether_their_id_was_landed_or_not():
    events = """
        email    | event     | sg_message_id | timestamp        | mc_stats   | mc_auto_id \
            | mc_auto_name
        ann@x.co | processed | m1            | 2026-01-05 09:01 | automation | 77         | Welcome
        ann@x.co | processed | m2            | 2026-01-05 09:02 | automation |            |
        ann@x.co | processed | m3            | 2026-01-05 09:03 |            |            |
    """
    told = Drawn("sendgrid", event=events).messages("message_id", "play")
    assert [row["play"] for row in told] == ["welcome", "sendgrid:automation", "sendgrid:api"]
