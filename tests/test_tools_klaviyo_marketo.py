"""Klaviyo, Marketo and ActiveCampaign: presets that look names and people up in other tables."""

from __future__ import annotations

import pytest

from playbook.language.mistakes import Mistake
from tests.exports import Drawn
from tests.spec import at

METRICS = """
    id | name
    m1 | Received Email
    m2 | Opened Email
    m3 | Clicked Email
    m4 | Bounced Email
    m5 | Dropped Email
    m6 | Marked Email as Spam
    m7 | Unsubscribed from List
    m8 | Received SMS
    m9 | Unsubscribed from Email Marketing
    ms | Subscribed to Email Marketing
"""
EVENT = """
    id | metric_id | person_id | datetime | flow_id | flow_message_id | campaign_id \
        | property_apple_privacy_open | property_bounce_type
"""
ACTIVITY = """
    id | lead_id | activity_date | campaign_id | campaign_run_id | primary_attribute_value_id \
        | primary_attribute_value | is_bot_activity
"""


def klaviyo(events: str, **said) -> Drawn:
    return Drawn("klaviyo", said, metric=METRICS, event=EVENT + events)


def test_a_message_of_klaviyos_is_a_flows_message_or_a_campaign_to_one_profile():
    drawn = klaviyo("""
        e1 | m1 | p1 | 2026-01-05 09:00 | f1 | fm1 |    | |
        e1 | m1 | p1 | 2026-01-05 09:00 | f1 | fm1 |    | |
        e2 | m1 | p1 | 2026-01-05 09:10 | f1 | fm2 |    | |
        e3 | m1 | p1 | 2026-01-05 09:20 |    |     | c1 | |
        e4 | m8 | p3 | 2026-01-05 09:30 |    |     | c2 | |
        e5 | m1 | p9 | 2026-01-05 09:40 |    |     | c1 | |
        e6 | m7 |    | 2026-01-05 09:50 |    |     | c1 | |
    """)
    columns = ("message_id", "user_id", "play", "step", "channel", "delivered_at", "sent_at")
    assert drawn.messages(*columns) == [
        {
            "message_id": "klaviyo:c1:p1",
            "user_id": "ann",
            "play": "klaviyo:c1",
            "channel": "email",
            "delivered_at": at("2026-01-05 09:20"),
        },
        {
            "message_id": "klaviyo:c1:p9",
            "play": "klaviyo:c1",
            "channel": "email",
            "delivered_at": at("2026-01-05 09:40"),
        },
        {
            "message_id": "klaviyo:c2:p3",
            "user_id": "cat",
            "play": "klaviyo:c2",
            "channel": "sms",
            "delivered_at": at("2026-01-05 09:30"),
        },
        {
            "message_id": "klaviyo:fm1:p1",
            "user_id": "ann",
            "play": "welcome",
            "step": "fm1",
            "channel": "email",
            "delivered_at": at("2026-01-05 09:00"),
        },
        {
            "message_id": "klaviyo:fm2:p1",
            "user_id": "ann",
            "play": "welcome",
            "step": "fm2",
            "channel": "email",
            "delivered_at": at("2026-01-05 09:10"),
        },
    ]


def test_klaviyos_opens_by_apples_proxy_are_a_machines_and_unknown_ones_may_be_anybodys():
    drawn = klaviyo("""
        e1 | m2 | p1 | 2026-01-05 09:00 | f1 | fm1 | | true  |
        e2 | m2 | p1 | 2026-01-05 09:10 | f1 | fm2 | | true  |
        e3 | m2 | p1 | 2026-01-05 09:20 | f1 | fm2 | | false |
        e4 | m2 | p3 | 2026-01-05 09:30 | f1 | fm1 | |       |
    """)
    assert drawn.messages("message_id", "seen_at", "seen_by_machine") == [
        {
            "message_id": "klaviyo:fm1:p1",
            "seen_at": at("2026-01-05 09:00"),
            "seen_by_machine": True,
        },
        {"message_id": "klaviyo:fm1:p3", "seen_at": at("2026-01-05 09:30")},
        {
            "message_id": "klaviyo:fm2:p1",
            "seen_at": at("2026-01-05 09:20"),
            "seen_by_machine": False,
        },
    ]


def test_klaviyos_bounces_drops_complaints_and_who_left_and_came_back():
    drawn = klaviyo("""
        e1 | m4 | p1 | 2026-01-05 09:00 | | a | | | Soft
        e2 | m4 | p1 | 2026-01-05 09:10 | | a | | | Hard
        e3 | m5 | p1 | 2026-01-05 09:20 | | b | | |
        e4 | m6 | p3 | 2026-01-05 09:30 | | c | | |
        e5 | m9 | p3 | 2026-01-06 00:00 | |   | | |
        e6 | ms | p3 | 2026-01-08 00:00 | |   | | |
        e7 | m9 | p1 | 2026-01-09 00:00 | |   | | |
        e8 | m7 | p1 | 2026-01-09 00:00 | | b | | |
    """)
    columns = ("bounced_at", "bounce_kind", "complained_at", "unsubscribed_at")
    assert drawn.messages("message_id", *columns) == [
        {
            "message_id": "klaviyo:a:p1",
            "bounced_at": at("2026-01-05 09:10"),
            "bounce_kind": "hard",
        },
        {
            "message_id": "klaviyo:b:p1",
            "bounced_at": at("2026-01-05 09:20"),
            "bounce_kind": "drop",
            "unsubscribed_at": at("2026-01-09"),
        },
        {"message_id": "klaviyo:c:p3", "complained_at": at("2026-01-05 09:30")},
    ]
    assert drawn.rows("suppressions", "user_id", "channel", "from_at", "to_at") == [
        {"user_id": "ann", "channel": "email", "from_at": at("2026-01-09")},
        {
            "user_id": "cat",
            "channel": "email",
            "from_at": at("2026-01-06"),
            "to_at": at("2026-01-08"),
        },
    ]


def test_klaviyos_people_may_be_told_by_their_addresses():
    by_email = {"table": "app_users", "user_id": "id", "email": "email"}
    drawn = Drawn("klaviyo", {"users": by_email}, app_users="id | email\n u1 | Ann@x.co")
    assert drawn.messages("message_id", "user_id") == [
        {"message_id": "klaviyo:fm1:p1", "user_id": "u1"},
        {"message_id": "klaviyo:fm1:p3"},
    ]


def test_klaviyo_without_its_metrics_says_what_they_would_give():
    with pytest.raises(Mistake) as told:
        Drawn("klaviyo", without=("metric",)).tables()
    assert told.value.wrong == (
        "The warehouse has no table `metric`: Klaviyo's `metric`, which gives `metric`."
    )


def test_a_message_of_marketos_is_an_asset_to_a_lead_in_one_run():
    columns = ("sent_at", "seen_at", "seen_by_machine", "clicked_at", "unsubscribed_at")
    assert Drawn("marketo").messages("message_id", "play", "step", "variant", *columns) == [
        {
            "message_id": "marketo:99:7:ann",
            "play": "welcome",
            "step": "99",
            "variant": "1",
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 10:00"),
            "seen_by_machine": False,
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "marketo:99:7:cat",
            "play": "welcome",
            "step": "99",
            "variant": "2",
            "sent_at": at("2026-01-05 09:01"),
            "unsubscribed_at": at("2026-01-09"),
        },
    ]


def test_bots_of_marketos_see_and_click_nothing_and_its_bounces_have_tables_of_their_own():
    drawn = Drawn(
        "marketo",
        activity_open_email=ACTIVITY + "a1 | ann | 2026-01-05 09:02 | 12 | 7 | 99 | Hi | true",
        activity_click_email=ACTIVITY + "a2 | ann | 2026-01-05 09:02 | 12 | 7 | 99 | Hi | true",
        activity_email_bounced=ACTIVITY + "a3 | cat | 2026-01-05 09:03 | 12 | 7 | 99 | Hi |",
        activity_email_bounced_soft=ACTIVITY + "a4 | cat | 2026-01-05 09:02 | 12 | 7 | 99 | Hi |",
    )
    columns = ("seen_at", "seen_by_machine", "clicked_at", "bounced_at", "bounce_kind")
    assert drawn.messages("message_id", *columns) == [
        {
            "message_id": "marketo:99:7:ann",
            "seen_at": at("2026-01-05 09:02"),
            "seen_by_machine": True,
        },
        {
            "message_id": "marketo:99:7:cat",
            "bounced_at": at("2026-01-05 09:03"),
            "bounce_kind": "hard",
        },
    ]


def test_whose_lead_of_marketos_is_back_may_be_sent_to():
    lead = "id | email | unsubscribed\n ann | ann@x.co | false\n cat | cat@x.co | false"
    assert Drawn("marketo", lead=lead).rows("suppressions") == []
    assert Drawn("marketo").rows("suppressions", "user_id", "from_at") == [
        {"user_id": "cat", "from_at": at("2026-01-09")}
    ]


def test_activecampaign_sent_to_whoever_opened_and_whoever_did_not():
    columns = ("play", "sent_at", "seen_at", "clicked_at", "unsubscribed_at")
    assert Drawn("activecampaign").messages("message_id", "user_id", *columns) == [
        {
            "message_id": "activecampaign:12:ann",
            "user_id": "ann",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "activecampaign:12:cat",
            "user_id": "cat",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:01"),
            "unsubscribed_at": at("2026-01-09"),
        },
    ]


def test_an_automations_mail_of_activecampaigns_was_sent_though_nobody_knows_when():
    drawn = Drawn(
        "activecampaign",
        campaign_report_unopen_list="""
            campaignid | subscriberid | email    | messageid | tstamp
            13         | cat          | cat@x.co | 5         | 2026-01-05 09:01
        """,
        campaign_report_bounce_list="""
            campaignid | subscriberid | email    | tstamp           | type
            13         | cat          | cat@x.co | 2026-01-05 09:02 | soft
        """,
        without=("campaign_report_link_list", "campaign_report_unsubscription_list"),
    )
    columns = ("is_sent", "sent_at", "bounced_at", "bounce_kind")
    assert drawn.messages("message_id", *columns)[1:] == [
        {
            "message_id": "activecampaign:13:cat",
            "is_sent": True,
            "bounced_at": at("2026-01-05 09:02"),
            "bounce_kind": "soft",
        }
    ]
    assert drawn.tables()["suppressions"] == []
