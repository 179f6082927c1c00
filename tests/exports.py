"""Exports of engagement tools, drawn with the vendors' real names of columns, and landed.

In every one of them a play welcomes ann, who reads it and clicks (or finishes it), and cat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from playbook import declare
from playbook.adapters import exports
from playbook.data.warehouse import Warehouse
from playbook.declare import Export
from tests.exports_declared import DECLARED
from tests.spec import rows, table

TYPES = dict.fromkeys(("time", "event_time", "event_timestamp"), "int64") | dict.fromkeys(
    ("timewarp", "prefetched", "proxied", "machine", "machine_open", "is_suspected_bot_click"),
    "boolean",
)
# The md5 of their addresses, as Mailchimp calls its members.
ANN, CAT = "c25494367cc1538700196e279bf6e01f", "9bc3e8b883bebabc6cc427f3728d2c28"
APP_USERS = """
    id  | email
    ann | Ann@x.co
    cat | cat@x.co
"""
BY_EMAIL = {"table": "app_users", "user_id": "id", "email": "email"}

VENDORS: dict[str, tuple[dict[str, Any], dict[str, str]]] = DECLARED | {
    "customerio": (
        {"plays": {"12": "welcome"}, "holdout": {"34": 1}},
        {
            "people": """
                internal_customer_id | customer_id | suppressed | updated_at       | email_addr
                i1                   | ann         | false      | 2026-01-01       | ann@x.co
                i2                   | bob         | false      | 2026-01-01       | bob@x.co
                i3                   | cat         | true       | 2026-01-09       | cat@x.co
                i3                   | cat         | false      | 2026-01-01       | cat@x.co
            """,
            "subjects": """
                subject_name | internal_customer_id | campaign_id
                s1           | i1                   | 12
                s2           | i2                   | 12
                s3           | i3                   | 12
            """,
            "campaigns": """
                campaign_id | name    | updated_at
                12          | Welcome | 2026-01-01
            """,
            "outputs": """
                subject_name | action_id | delivery_id | split_test_index | created_at
                s1           | 34        | d1          | 0                | 2026-01-05 09:00
                s2           | 34        | d2          | 1                | 2026-01-05 09:00
                s3           | 34        | d3          | 0                | 2026-01-05 09:00
            """,
            "deliveries": """
                delivery_id | internal_customer_id | delivery_type | campaign_id | action_id \
                    | content_id | created_at
                d1 | i1 | email | 12 | 34 | 7 | 2026-01-05 09:00
                d2 | i2 | email | 12 | 34 | 7 | 2026-01-05 09:00
                d3 | i3 | email | 12 | 34 | 7 | 2026-01-05 09:00
            """,
            "metrics": """
                delivery_id | metric    | created_at       | proxied | prefetched | machine
                d1          | sent      | 2026-01-05 09:01 |         |            |
                d1          | delivered | 2026-01-05 09:02 |         |            |
                d1          | opened    | 2026-01-05 10:00 | false   | false      | false
                d1          | clicked   | 2026-01-05 10:01 | false   | false      | false
                d2          | sent      | 2026-01-05 09:01 |         |            |
                d2          | delivered | 2026-01-05 09:02 |         |            |
                d3          | sent      | 2026-01-05 09:01 |         |            |
            """,
        },
    ),
    "braze": (
        {"plays": {"12": "welcome"}},
        {
            "users_messages_email_send_shared": """
                id | user_id | external_user_id | dispatch_id | campaign_id | time
                e1 | b1      | ann              | x1          | 12          | 1767603660
                e2 | b3      | cat              | x1          | 12          | 1767603660
            """,
            "users_messages_email_delivery_shared": """
                id | user_id | external_user_id | dispatch_id | campaign_id | time
                e3 | b1      | ann              | x1          | 12          | 1767603720
            """,
            "users_messages_email_open_shared": """
                id | user_id | external_user_id | dispatch_id | campaign_id | time | machine_open
                e4 | b1      | ann              | x1          | 12          | 1767607200 |
            """,
            "users_messages_email_click_shared": """
                id | user_id | external_user_id | dispatch_id | campaign_id | time \
                    | is_suspected_bot_click
                e5 | b1 | ann | x1 | 12 | 1767607260 | false
            """,
            "users_canvas_entry_shared": """
                id | user_id | external_user_id | canvas_id | canvas_name | in_control_group | time
                c1 | b1      | ann              | c12       | Tour        | false            | \
                    1767603600
                c2 | b2      | bob              | c12       | Tour        | true             | \
                    1767603600
            """,
            "users_canvas_experimentstep_splitentry_shared": """
                id | user_id | external_user_id | canvas_id | experiment_step_id \
                    | in_control_group | time
                c3 | b1 | ann | c12 | s1 | true | 1767603660
            """,
            "users_campaigns_enrollincontrol_shared": """
                id | user_id | external_user_id | campaign_id | time
                e6 | b2      | bob              | 12          | 1767603600
            """,
            "users_behaviors_subscription_globalstatechange_shared": """
                id | external_user_id | channel | subscription_status | time
                e7 | cat              | email   | Unsubscribed        | 1767916800
            """,
        },
    ),
    "iterable": (
        {"plays": {"12": "welcome"}},
        {
            "event": """
                _fivetran_id | _fivetran_user_id | email | event_name | message_id | campaign_id \
                    | message_type_id | recipient_state | created_at
                f1 | u1 | ann@x.co | emailSend     | m1 | 12 | 5 | | 2026-01-05 09:01
                f2 | u1 | ann@x.co | emailOpen     | m1 | 12 | 5 | | 2026-01-05 10:00
                f3 | u1 | ann@x.co | emailClick    | m1 | 12 | 5 | | 2026-01-05 10:01
                f4 | u2 | bob@x.co | emailSendSkip |    | 12 | 5 | | 2026-01-05 09:01
                f1 | u3 | cat@x.co | emailSend     | m1 | 12 | 5 | | 2026-01-05 09:01
            """,
            "event_extension": """
                _fivetran_id | _fivetran_user_id | reason            | is_ghost_push
                f4           | u2                | ExperimentHoldOut |
            """,
            "user_history": """
                email    | user_id | updated_at
                ann@x.co | ann     | 2026-01-01
                bob@x.co | bob     | 2026-01-01
                cat@x.co | cat     | 2026-01-01
            """,
            "channel": """
                id | channel_type  | message_medium
                1  | Marketing     | Email
                2  | Transactional | Email
            """,
            "campaign_history": """
                id | name    | updated_at
                12 | Hello   | 2026-01-01
                12 | Welcome | 2026-01-02
            """,
            "message_type": """
                id | channel_id
                5  | 1
                6  | 2
            """,
            "user_unsubscribed_channel_history": """
                email    | channel_id | updated_at
                cat@x.co | 1          | 2026-01-09
                cat@x.co | 1          | 2026-01-10
                cat@x.co | 2          | 2026-01-08
            """,
        },
    ),
    "sendgrid": (
        {"plays": {"Welcome": "welcome"}, "users": BY_EMAIL},
        {
            "app_users": APP_USERS,
            "event": """
                _fivetran_id | singlesend_id | singlesend_name | email | event | sg_message_id \
                    | sg_machine_open | type | timestamp
                f1 | 12 | Welcome | ann@x.co | processed   | m1 |       | | 2026-01-05 09:01
                f2 | 12 | Welcome | ann@x.co | delivered   | m1 |       | | 2026-01-05 09:02
                f3 | 12 | Welcome | Ann@X.co | open        | m1 | false | | 2026-01-05 10:00
                f4 | 12 | Welcome | ann@x.co | click       | m1 |       | | 2026-01-05 10:01
                f5 | 12 | Welcome | cat@x.co | processed   | m2 |       | | 2026-01-05 09:01
                f6 | 12 | Welcome | cat@x.co | unsubscribe |    |       | | 2026-01-09 00:00
            """,
        },
    ),
    "hubspot": (
        {"plays": {"Welcome": "welcome"}, "users": BY_EMAIL},
        {
            "app_users": APP_USERS,
            "email_event": """
                id | type         | created          | recipient | sent_by_id | email_campaign_id \
                    | filtered_event | obsoleted_by_id
                h1 | SENT         | 2026-01-05 09:01 | ann@x.co  | h1 | 12 |       |
                h2 | DELIVERED    | 2026-01-05 09:02 | ann@x.co  | h1 | 12 |       |
                h3 | OPEN         | 2026-01-05 10:00 | ann@x.co  | h1 | 12 | false |
                h4 | CLICK        | 2026-01-05 10:01 | ann@x.co  | h1 | 12 | false |
                h5 | SENT         | 2026-01-05 09:01 | cat@x.co  | h5 | 12 |       |
                h6 | STATUSCHANGE | 2026-01-09       | cat@x.co  |    |    |       |
            """,
            "email_event_bounce": """
                id | category
                h0 | UNKNOWN_USER
            """,
            "email_campaign": """
                id | name    | type
                12 | Welcome | AUTOMATED_EMAIL
            """,
            "email_event_status_change": """
                id | portal_subscription_status
                h6 | UNSUBSCRIBED
            """,
        },
    ),
    "mailchimp": (
        {"plays": {"Welcome": "welcome"}, "users": BY_EMAIL},
        {
            "app_users": APP_USERS,
            "campaign": """
                id | title   | send_time           | timewarp
                12 | Welcome | 2026-01-05 09:01:00 | false
            """,
            "campaign_recipient": f"""
                campaign_id | member_id | combination_id
                12          | {ANN}     |
                12          | {CAT}     |
            """,
            "campaign_recipient_activity": f"""
                campaign_id | member_id | action | timestamp        | bounce_type
                12          | {ANN}     | open   | 2026-01-05 10:00 |
                12          | {ANN}     | click  | 2026-01-05 10:01 |
            """,
            "automation_recipient": f"""
                automation_email_id | member_id
                a1                  | {ANN}
            """,
            "automation_recipient_activity": f"""
                automation_email_id | member_id | action | timestamp        | bounce_type
                a1                  | {ANN}     | bounce | 2026-01-06 10:00 | Soft
            """,
            "automation_email": """
                id | title
                a1 | Tips
            """,
            "unsubscribe": f"""
                campaign_id | member_id | timestamp
                12          | {CAT}     | 2026-01-09
            """,
            "member": f"""
                id    | status       | last_changed
                {ANN} | subscribed   | 2026-01-09
                {CAT} | unsubscribed | 2026-01-09
            """,
        },
    ),
    "pendo": (
        {"plays": {"g1": "welcome"}},
        {
            "guide_event": """
                guide_id | guide_step_id | visitor_id | type           | timestamp
                g1       | one           | ann        | guideSeen      | 2026-01-05 09:01
                g1       | one           | ann        | guideAdvanced  | 2026-01-05 09:02
                g1       | two           | ann        | guideSeen      | 2026-01-05 09:03
                g1       | one           | cat        | guideSeen      | 2026-01-05 09:01
                g1       | one           | cat        | guideDismissed | 2026-01-05 09:04
            """,
            "guide_history": """
                id | name    | last_updated_at
                g1 | Welcome | 2026-01-01
            """,
            "guide_step_history": """
                guide_id | guide_last_updated_at | step_id
                g1       | 2026-01-01            | old
                g1       | 2026-01-02            | one
                g1       | 2026-01-02            | two
            """,
        },
    ),
    "intercom": (
        {"plays": {"12": "welcome"}},
        {
            "receipts": """
                receipt_id | user_external_id | email | ruleset_id | content_type \
                    | content_title | received_at | first_open | first_click
                r1 | ann | ann@x.co | 12 | Email | Welcome | 2026-01-05 09:01 \
                    | 2026-01-05 10:00 | 2026-01-05 10:01
                r2 | cat | cat@x.co | 12 | Email | Welcome | 2026-01-05 09:01 | |
            """,
            "click": """
                receipt_id | clicked_at
                r1         | 2026-01-05 10:02
                r2         | 2026-01-06 09:00
            """,
            "contact_history": """
                id | external_id | updated_at | unsubscribed_from_emails
                c3 | cat         | 2026-01-01 | false
                c3 | cat         | 2026-01-09 | true
            """,
        },
    ),
}


class Drawn:
    """One vendor's export in an engine: the drawn tables, others in their place, as it lands."""

    def __init__(
        self,
        vendor: str,
        said: Mapping[str, Any] | None = None,
        *,
        connection: BaseBackend | None = None,
        without: tuple[str, ...] = (),
        **drawn: str,
    ) -> None:
        self.connection = connection or ibis.duckdb.connect()
        usual, tables = VENDORS[vendor]
        self.stored = [name for name in {**tables, **drawn} if name not in without]
        for name in self.stored:
            text = drawn[name] if name in drawn else tables[name]
            self.connection.create_table(name, table(text, **TYPES), overwrite=True)
        self.export = declare.parse(
            {"vendor": vendor} | usual | dict(said or {}), Export, place="product.yaml, exports"
        )

    def tables(self) -> dict[str, list[ir.Table]]:
        return exports.exported_tables([self.export], Warehouse(self.connection))

    def rows(self, name: str, *columns: str) -> list[dict[str, Any]]:
        """The rows of a canonical table without what is null or no, sorted by these columns."""
        (found,) = self.tables()[name]
        told = rows(found.select(*(columns or found.columns)), self.connection)
        return [{k: v for k, v in row.items() if v is not None} for row in told]

    def messages(self, *columns: str) -> list[dict[str, Any]]:
        return self.rows("messages", *columns)
