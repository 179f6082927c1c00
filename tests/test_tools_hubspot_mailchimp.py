"""HubSpot and Mailchimp: e-mails to addresses, and who must not get any."""

from __future__ import annotations

import pytest

from playbook.language.mistakes import Mistake
from tests.exports import ANN, CAT, Drawn
from tests.spec import at

EVENT = """
    id | type | created | recipient | sent_by_id | email_campaign_id | filtered_event \
        | obsoleted_by_id
"""


def test_hubspots_events_belong_to_the_message_that_one_of_them_sent():
    times = ("sent_at", "delivered_at", "seen_at", "clicked_at")
    assert Drawn("hubspot").messages("message_id", "play", "user_id", *times) == [
        {
            "message_id": "hubspot:h1",
            "play": "welcome",
            "user_id": "ann",
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:02"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "hubspot:h5",
            "play": "welcome",
            "user_id": "cat",
            "sent_at": at("2026-01-05 09:01"),
        },
    ]
    assert Drawn("hubspot").tables()["assignments"] == []


def test_hubspots_filtered_events_are_machines_and_obsolete_or_stray_ones_are_left_out():
    drawn = Drawn(
        "hubspot",
        email_event=EVENT
        + """
        h1 | SENT    | 2026-01-05 09:01 | ann@x.co |    | 12 |       |
        h2 | OPEN    | 2026-01-05 09:02 | ann@x.co | h1 | 12 | true  |
        h3 | CLICK   | 2026-01-05 09:02 | ann@x.co | h1 | 12 | true  |
        h4 | CLICK   | 2026-01-05 09:03 | ann@x.co | h1 | 12 | false | h9
        h5 | OPEN    | 2026-01-05 09:04 | ann@x.co |    | 12 | false |
        h6 | FORWARD | 2026-01-05 09:05 | ann@x.co | h6 | 12 | false |
        """,
    )
    assert drawn.messages("message_id", "sent_at", "seen_at", "seen_by_machine", "clicked_at") == [
        {
            "message_id": "hubspot:h1",
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 09:02"),
            "seen_by_machine": True,
        }
    ]


def test_hubspots_bounces_are_hard_where_the_address_is_no_good_and_dropped_mail_was_not_sent():
    event = (
        EVENT
        + """
        h1 | BOUNCE     | 2026-01-05 09:01 | ann@x.co | s1 | 12 | |
        h2 | BOUNCE     | 2026-01-05 09:02 | ann@x.co | s2 | 12 | |
        h3 | DROPPED    | 2026-01-05 09:03 | ann@x.co |    | 12 | |
        h4 | BOUNCE     | 2026-01-05 09:04 | ann@x.co | s4 | 12 | |
        h5 | SPAMREPORT | 2026-01-05 09:05 | ann@x.co | s5 | 12 | |
        """
    )
    bounces = "id | category\n h1 | UNKNOWN_USER\n h2 | MAILBOX_FULL"
    drawn = Drawn("hubspot", email_event=event, email_event_bounce=bounces)
    columns = ("message_id", "bounced_at", "bounce_kind", "complained_at", "sent_at")
    assert drawn.messages(*columns) == [
        {
            "message_id": "hubspot:h3",
            "bounced_at": at("2026-01-05 09:03"),
            "bounce_kind": "drop",
        },
        {"message_id": "hubspot:s1", "bounced_at": at("2026-01-05 09:01"), "bounce_kind": "hard"},
        {"message_id": "hubspot:s2", "bounced_at": at("2026-01-05 09:02"), "bounce_kind": "soft"},
        {"message_id": "hubspot:s4", "bounced_at": at("2026-01-05 09:04")},
        {"message_id": "hubspot:s5", "complained_at": at("2026-01-05 09:05")},
    ]


def test_who_leaves_hubspots_mail_is_suppressed_until_they_come_back():
    event = (
        EVENT
        + """
        h1 | STATUSCHANGE | 2026-01-05 | ann@x.co | s1 | 12 | |
        h2 | STATUSCHANGE | 2026-01-07 | ann@x.co |    |    | |
        h3 | STATUSCHANGE | 2026-01-08 | cat@x.co |    |    | |
        """
    )
    changes = "id | portal_subscription_status\n h1 | UNSUBSCRIBED\n h2 | SUBSCRIBED"
    drawn = Drawn("hubspot", email_event=event, email_event_status_change=changes)
    assert drawn.rows("suppressions", "user_id", "channel", "reason", "from_at", "to_at") == [
        {
            "user_id": "ann",
            "channel": "email",
            "reason": "unsubscribed",
            "from_at": at("2026-01-05"),
            "to_at": at("2026-01-07"),
        }
    ]
    assert drawn.messages("message_id", "unsubscribed_at") == [
        {"message_id": "hubspot:s1", "unsubscribed_at": at("2026-01-05")}
    ]


@pytest.mark.parametrize("kind", ["SINGLE_SEND_API", "SMTP_TOKEN"])
def test_hubspots_mail_by_the_api_is_none_of_a_play(kind):
    campaigns = f"id | name | type\n 12 | Welcome | {kind}"
    for plays, play in (
        ({"12": "a"}, "hubspot:transactional:12"),
        ({"transactional:12": "a"}, "a"),
    ):
        drawn = Drawn("hubspot", {"plays": plays}, email_campaign=campaigns)
        assert {row["play"] for row in drawn.messages("play")} == {play}


def test_hubspots_marketing_mail_by_the_api_may_be_of_a_play():
    campaigns = "id | name | type\n 12 | Welcome | MARKETING_SINGLE_SEND_API"
    assert {row["play"] for row in Drawn("hubspot", email_campaign=campaigns).messages("play")} == {
        "welcome"
    }


def test_hubspots_own_contacts_may_say_who_an_address_is():
    users = {"table": "contact", "user_id": "property_user_id", "email": "property_email"}
    contact = "property_email | property_user_id\n ann@x.co | u1\n cat@x.co |"
    drawn = Drawn("hubspot", {"users": users}, contact=contact)
    assert drawn.messages("message_id", "user_id") == [
        {"message_id": "hubspot:h1", "user_id": "u1"},
        {"message_id": "hubspot:h5"},
    ]


def test_a_campaign_of_mailchimps_is_sent_to_all_at_one_time():
    times = ("sent_at", "seen_at", "seen_by_machine", "clicked_at", "bounced_at", "bounce_kind")
    told = Drawn("mailchimp").messages("message_id", "play", "user_id", *times, "unsubscribed_at")
    assert told == [
        {
            "message_id": "mailchimp:12:ann",
            "play": "welcome",
            "user_id": "ann",
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "mailchimp:12:cat",
            "play": "welcome",
            "user_id": "cat",
            "sent_at": at("2026-01-05 09:01"),
            "unsubscribed_at": at("2026-01-09"),
        },
        {
            "message_id": "mailchimp:a1:ann",
            "play": "mailchimp:a1",
            "user_id": "ann",
            "bounced_at": at("2026-01-06 10:00"),
            "bounce_kind": "soft",
        },
    ]
    assert Drawn("mailchimp").tables()["assignments"] == []


def test_when_mailchimp_sent_by_the_members_zones_is_not_known():
    campaign = "id | title | send_time | timewarp\n 12 | Welcome | 2026-01-05 09:01:00 | true"
    drawn = Drawn("mailchimp", campaign=campaign)
    assert all("sent_at" not in row for row in drawn.messages("message_id", "sent_at"))


def test_an_automations_mail_of_mailchimps_was_sent_though_nobody_knows_when():
    told = Drawn("mailchimp").messages("message_id", "is_sent", "sent_at")
    assert told == [
        {"message_id": "mailchimp:12:ann", "sent_at": at("2026-01-05 09:01")},
        {"message_id": "mailchimp:12:cat", "sent_at": at("2026-01-05 09:01")},
        {"message_id": "mailchimp:a1:ann", "is_sent": True},
    ]


def test_an_automation_of_mailchimps_may_be_a_play_and_its_variants_are_combinations():
    drawn = Drawn(
        "mailchimp",
        {"plays": {"Tips": "tips"}},
        campaign_recipient=f"campaign_id | member_id | combination_id\n 12 | {ANN} | c1",
        unsubscribe=f"campaign_id | member_id | timestamp\n a1 | {ANN} | 2026-01-07",
    )
    assert drawn.messages("message_id", "play", "variant", "unsubscribed_at") == [
        {"message_id": "mailchimp:12:ann", "play": "mailchimp:12", "variant": "c1"},
        {
            "message_id": "mailchimp:a1:ann",
            "play": "tips",
            "unsubscribed_at": at("2026-01-07"),
        },
    ]


def test_mailchimps_members_who_left_or_bounced_are_suppressed_since_their_last_change():
    member = f"""
        id    | status       | last_changed
        {ANN} | cleaned      | 2026-01-08
        {CAT} | unsubscribed | 2026-01-09
        other | unsubscribed | 2026-01-09
    """
    drawn = Drawn("mailchimp", member=member)
    assert drawn.rows("suppressions", "user_id", "reason", "from_at") == [
        {"user_id": "ann", "reason": "hard_bounce", "from_at": at("2026-01-08")},
        {"user_id": "cat", "reason": "unsubscribed", "from_at": at("2026-01-09")},
    ]


def test_mailchimp_without_recipients_is_a_mistake():
    drawn = Drawn("mailchimp", without=("campaign_recipient", "automation_recipient"))
    with pytest.raises(Mistake, match="none of Mailchimp's `campaign_recipient`, `auto"):
        drawn.tables()
