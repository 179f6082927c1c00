"""Exports of tools that are presets alone, drawn with their documented names of columns.

In every one of them a play welcomes ann, who reads it and clicks (or finishes it), and cat.
"""

from __future__ import annotations

from typing import Any

DECLARED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "klaviyo": (
        {"plays": {"Welcome": "welcome"}},
        {
            "metric": """
                id | name
                m1 | Received Email
                m2 | Opened Email
                m3 | Clicked Email
                m4 | Unsubscribed from Email Marketing
                m5 | Placed Order
            """,
            "person": """
                id | email    | external_id | updated
                p1 | ann@x.co | ann         | 2026-01-01
                p3 | cat@x.co | cat         | 2026-01-01
            """,
            "flow": """
                id | name
                f1 | Welcome
            """,
            "event": """
                id | metric_id | person_id | datetime         | flow_id | flow_message_id \
                    | campaign_id | property_apple_privacy_open
                e1 | m1 | p1 | 2026-01-05 09:02 | f1 | fm1 | |
                e2 | m2 | p1 | 2026-01-05 10:00 | f1 | fm1 | | false
                e3 | m3 | p1 | 2026-01-05 10:01 | f1 | fm1 | |
                e4 | m1 | p3 | 2026-01-05 09:02 | f1 | fm1 | |
                e5 | m4 | p3 | 2026-01-09 00:00 |    |     | |
                e6 | m5 | p1 | 2026-01-09 00:00 |    |     | |
            """,
        },
    ),
    "onesignal": (
        {"plays": {"t1": "welcome"}},
        {
            "onesignal_events": """
                event_id | event_kind | event_timestamp | message_id | message_name \
                    | message_template_id | onesignal_id | external_id | subscription_id
                e1 | message.email.sent         | 1767603660 | m1 | Hi | t1 | o1 | ann | s1
                e2 | message.email.opened       | 1767607200 | m1 | Hi | t1 | o1 | ann | s1
                e3 | message.email.clicked      | 1767607260 | m1 |    |    | o1 | ann | s1
                e4 | message.email.sent         | 1767603660 | m1 | Hi | t1 | o3 | cat | s3
                e5 | message.email.unsubscribed | 1767916800 | m1 | Hi | t1 | o3 | cat | s3
            """,
        },
    ),
    "appcues": (
        {"plays": {"fl1": "welcome"}},
        {
            "appcues_events": """
                id | event          | user_id | timestamp        | flow_id | flow_name \
                    | experiment_group | experiment_experience_id
                e1 | flow_started       | ann | 2026-01-05 09:01 | fl1 | Welcome |         |
                e2 | step_interacted    | ann | 2026-01-05 09:02 | fl1 | Welcome |         |
                e3 | flow_completed     | ann | 2026-01-05 09:03 | fl1 | Welcome |         |
                e4 | flow_started       | cat | 2026-01-05 09:01 | fl1 | Welcome |         |
                e5 | experiment_entered | bob | 2026-01-05 09:00 |     |         | control | fl1
                e6 | experiment_entered | ann | 2026-01-05 09:00 |     |         | exposed | fl1
            """,
        },
    ),
    "userpilot": (
        {"plays": {"experience:448": "welcome"}},
        {
            "userpilot_events": """
                event_type  | event_name               | user_id | inserted_at
                interaction | experience:448:SEEN      | ann     | 2026-01-05 09:01
                interaction | experience:448:COMPLETED | ann     | 2026-01-05 09:03
                interaction | experience:448:SEEN      | cat     | 2026-01-05 09:01
                track       | board:1:SEEN             | cat     | 2026-01-05 09:01
            """,
        },
    ),
    "marketo": (
        {"plays": {"Welcome": "welcome"}},
        {
            "lead": """
                id  | email    | unsubscribed
                ann | ann@x.co | false
                cat | cat@x.co | true
            """,
            "campaign": """
                id | name
                12 | Welcome
            """,
            "activity_send_email": """
                id | lead_id | activity_date    | campaign_id | campaign_run_id \
                    | primary_attribute_value_id | primary_attribute_value | test_variant
                a1 | ann | 2026-01-05 09:01 | 12 | 7 | 99 | Hi.Mail | 1
                a2 | cat | 2026-01-05 09:01 | 12 | 7 | 99 | Hi.Mail | 2
            """,
            "activity_open_email": """
                id | lead_id | activity_date    | campaign_id | campaign_run_id \
                    | primary_attribute_value_id | primary_attribute_value | is_bot_activity
                a3 | ann | 2026-01-05 10:00 | 12 | 7 | 99 | Hi.Mail | false
            """,
            "activity_click_email": """
                id | lead_id | activity_date    | campaign_id | campaign_run_id \
                    | primary_attribute_value_id | primary_attribute_value | is_bot_activity
                a4 | ann | 2026-01-05 10:01 | 12 | 7 | 99 | Hi.Mail | false
            """,
            "activity_unsubscribe_email": """
                id | lead_id | activity_date | campaign_id | campaign_run_id \
                    | primary_attribute_value_id | primary_attribute_value
                a5 | cat | 2026-01-09 | 12 | 7 | 99 | Hi.Mail
            """,
        },
    ),
    "activecampaign": (
        {"plays": {"Welcome": "welcome"}},
        {
            "campaigns": """
                id | name    | sdate            | automation
                12 | Welcome | 2026-01-05 09:01 | 0
                13 | Tips    | 2026-01-05 09:01 | 1
            """,
            "campaign_report_open_list": """
                campaignid | subscriberid | email    | messageid | tstamp
                12         | ann          | ann@x.co | 5         | 2026-01-05 10:00
            """,
            "campaign_report_link_list": """
                campaignid | subscriberid | email    | tstamp
                12         | ann          | ann@x.co | 2026-01-05 10:01
            """,
            "campaign_report_unopen_list": """
                campaignid | subscriberid | email    | messageid | tstamp
                12         | cat          | cat@x.co | 5         | 2026-01-05 09:01
            """,
            "campaign_report_unsubscription_list": """
                campaignid | subscriberid | email    | tstamp
                12         | cat          | cat@x.co | 2026-01-09
            """,
        },
    ),
    "loops": (
        {"plays": {"l1": "welcome"}},
        {
            "loops_events": """
                event_name | event_time | email_id | loop_id | loop_name | transactional_id \
                    | contact_user_id | contact_email
                loop.email.sent        | 1767603660 | m1 | l1 | Welcome |    | ann | ann@x.co
                email.delivered        | 1767603720 | m1 | l1 |         |    | ann | ann@x.co
                email.opened           | 1767607200 | m1 | l1 |         |    | ann | ann@x.co
                email.clicked          | 1767607260 | m1 | l1 |         |    | ann | ann@x.co
                loop.email.sent        | 1767603660 | m2 | l1 | Welcome |    | cat | cat@x.co
                transactional.email.sent | 1767603660 | m3 |  |         | t9 | cat | cat@x.co
                contact.unsubscribed   | 1767916800 |    |    |         |    | cat | cat@x.co
            """,
        },
    ),
}
