"""OneSignal and Loops: one table of events each, whose names say all."""

from __future__ import annotations

import ibis
import pytest

from playbook.language.mistakes import Mistake
from tests.exports import Drawn
from tests.spec import at, rows

ONE = """
    event_kind | event_timestamp | message_id | message_template_id | onesignal_id | external_id
"""
LOOPS = "event_name | event_time | email_id | loop_id | contact_user_id | contact_email"
NINE = 1767603600  # 2026-01-05 09:00


def test_a_message_of_onesignals_is_one_to_one_person():
    columns = ("play", "channel", "sent_at", "seen_at", "clicked_at", "unsubscribed_at")
    assert Drawn("onesignal").messages("message_id", "user_id", *columns) == [
        {
            "message_id": "onesignal:m1:o1",
            "user_id": "ann",
            "play": "welcome",
            "channel": "email",
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "onesignal:m1:o3",
            "user_id": "cat",
            "play": "welcome",
            "channel": "email",
            "sent_at": at("2026-01-05 09:01"),
            "unsubscribed_at": at("2026-01-09"),
        },
    ]
    assert Drawn("onesignal").rows("suppressions", "user_id", "channel", "reason", "from_at") == [
        {
            "user_id": "cat",
            "channel": "email",
            "reason": "unsubscribed",
            "from_at": at("2026-01-09"),
        }
    ]


def test_onesignals_pushes_bounces_and_what_it_draws_in_the_app():
    events = f"""
        message.push.sent         | {NINE}      | m1 | t1 | o1 | ann
        message.push.sent         | {NINE}      | m1 | t1 | o1 | ann
        message.push.received     | {NINE + 60} | m1 | t1 | o1 | ann
        message.push.clicked      | {NINE + 90} | m1 |    | o1 | ann
        message.iam.displayed     | {NINE}      | m2 | t2 | o1 | ann
        message.iam.pagedisplayed | {NINE + 1}  | m2 | t2 | o1 | ann
        message.email.hardbounced | {NINE}      | m3 | t3 | o1 | ann
        message.email.supressed   | {NINE}      | m4 | t3 | o1 | ann
        message.email.sent        | {NINE}      | m5 | t3 | o9 |
        message.email.sent        | {NINE}      |    | t3 | o1 | ann
    """
    drawn = Drawn("onesignal", onesignal_events=ONE + events)
    nine = at("2026-01-05 09:00")
    columns = ("channel", "sent_at", "delivered_at", "seen_at", "seen_by_machine", "clicked_at")
    assert drawn.messages("message_id", *columns, "bounced_at", "bounce_kind") == [
        {
            "message_id": "onesignal:m1:o1",
            "channel": "push",
            "sent_at": nine,
            "delivered_at": at("2026-01-05 09:01"),
            "clicked_at": at("2026-01-05 09:01:30"),
        },
        {
            "message_id": "onesignal:m2:o1",
            "channel": "in_app",
            "sent_at": nine,
            "delivered_at": nine,
            "seen_at": nine,
            "seen_by_machine": False,
        },
        {
            "message_id": "onesignal:m3:o1",
            "channel": "email",
            "bounced_at": nine,
            "bounce_kind": "hard",
        },
        {
            "message_id": "onesignal:m4:o1",
            "channel": "email",
            "bounced_at": nine,
            "bounce_kind": "drop",
        },
        {"message_id": "onesignal:m5:o9", "channel": "email", "sent_at": nine},
    ]
    assert drawn.rows("suppressions", "user_id", "reason") == [
        {"user_id": "ann", "reason": "hard_bounce"}
    ]


def test_onesignals_table_without_any_of_the_columns_of_a_time_names_the_first():
    with pytest.raises(Mistake, match="no column `event_timestamp`, without which OneSignal's"):
        Drawn("onesignal", onesignal_events="event_kind | message_id | external_id").tables()


def test_a_message_of_loops_is_one_e_mail_and_transactional_mail_is_none_of_a_play():
    columns = ("play", "sent_at", "delivered_at", "seen_at", "clicked_at")
    assert Drawn("loops").messages("message_id", "user_id", *columns) == [
        {
            "message_id": "loops:m1",
            "user_id": "ann",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:02"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "loops:m2",
            "user_id": "cat",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:01"),
        },
        {
            "message_id": "loops:m3",
            "user_id": "cat",
            "play": "loops:transactional:t9",
            "sent_at": at("2026-01-05 09:01"),
        },
    ]


def test_loops_bounces_complaints_and_who_left_and_came_back():
    events = f"""
        email.softBounced    | {NINE}          | m1 | l1 | ann | ann@x.co
        email.hardBounced    | {NINE + 60}     | m1 | l1 | ann | ann@x.co
        email.spamReported   | {NINE}          | m2 | l1 | cat | cat@x.co
        email.unsubscribed   | {NINE}          | m3 | l1 | dan | dan@x.co
        email.resubscribed   | {NINE + 86_400} |    |    | dan | dan@x.co
        contact.created      | {NINE}          |    |    | eve | eve@x.co
        email.opened         | {NINE}          |    | l1 | eve | eve@x.co
    """
    drawn = Drawn("loops", loops_events=f"{LOOPS}\n{events}")
    nine = at("2026-01-05 09:00")
    columns = ("bounced_at", "bounce_kind", "complained_at", "unsubscribed_at")
    assert drawn.messages("message_id", *columns) == [
        {"message_id": "loops:m1", "bounced_at": at("2026-01-05 09:01"), "bounce_kind": "hard"},
        {"message_id": "loops:m2", "complained_at": nine},
        {"message_id": "loops:m3", "unsubscribed_at": nine},
    ]
    assert drawn.rows("suppressions", "user_id", "reason", "from_at", "to_at") == [
        {"user_id": "ann", "reason": "hard_bounce", "from_at": at("2026-01-05 09:01")},
        {"user_id": "cat", "reason": "complained", "from_at": nine},
        {
            "user_id": "dan",
            "reason": "unsubscribed",
            "from_at": nine,
            "to_at": at("2026-01-06 09:00"),
        },
    ]


def test_loops_webhooks_may_stand_as_they_came():
    drawn = Drawn("loops")
    hooks = ibis.memtable(
        {
            "eventName": ["loop.email.sent", "email.opened"],
            "eventTime": [NINE, NINE + 60],
            "loopId": ["l1", "l1"],
            "contactIdentity": [{"id": "c1", "email": "ann@x.co", "userId": "ann"}] * 2,
            "email": [{"id": "m1", "emailMessageId": "v1", "subject": "Hi"}] * 2,
        }
    )
    drawn.connection.create_table("hooks", hooks)
    drawn.export = drawn.export.model_copy(update={"tables": {"loops_events": "hooks"}})
    (found,) = drawn.tables()["messages"]
    told = rows(found.select("message_id", "user_id", "play", "sent_at", "seen_at"))
    assert told == [
        {
            "message_id": "loops:m1",
            "user_id": "ann",
            "play": "welcome",
            "sent_at": at("2026-01-05 09:00"),
            "seen_at": at("2026-01-05 09:01"),
        }
    ]
