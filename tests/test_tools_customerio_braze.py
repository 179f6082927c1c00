"""Customer.io and Braze: what of their exports is a message, who was held out, who left."""

from __future__ import annotations

import pytest

from playbook.language.mistakes import Mistake
from tests.exports import Drawn
from tests.spec import at

CIO_TESTS = """
    subject_name | action_id | delivery_id | split_test_index | branch_index | created_at
    s1           | 50        |             |                  | 0            | 2026-01-05 09:00
    s2           | 50        |             |                  | 1            | 2026-01-05 09:00
    s2           | 50        |             |                  | 1            | 2026-01-07 09:00
    s3           | 51        |             |                  | 0            | 2026-01-05 09:00
"""
OPENS = "users_messages_email_open_shared"
CLICKS = "users_messages_email_click_shared"
SENDS = "users_messages_email_send_shared"


def test_customerio_sends_nothing_to_the_trap_and_says_who_was_drawn():
    drawn = Drawn("customerio")
    columns = ("user_id", "play", "is_ghost", "sent_at", "delivered_at", "seen_at", "clicked_at")
    assert drawn.messages(*columns) == [
        {
            "user_id": "ann",
            "play": "welcome",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:02"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {"user_id": "bob", "play": "welcome", "is_ghost": True},
        {
            "user_id": "cat",
            "play": "welcome",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
        },
    ]
    assert drawn.rows("assignments", "unit_id", "arm", "play", "assigned_at", "source") == [
        {
            "unit_id": user,
            "arm": arm,
            "play": "welcome",
            "assigned_at": at("2026-01-05 09:00"),
            "source": "customerio",
        }
        for user, arm in (("ann", "treated"), ("bob", "holdout"), ("cat", "treated"))
    ]


def test_customerio_reads_nothing_while_a_test_is_drawn_of_which_nothing_is_said():
    with pytest.raises(Mistake) as told:
        Drawn("customerio", {"holdout": {}}).tables()
    assert "draws a test at its action 34" in told.value.wrong
    assert told.value.there == "The branches are 0, 1; tests without a word: 34."
    assert told.value.hint.startswith('write `holdout: {"34": 1}` with the right branch')


def test_customerio_sends_all_branches_of_a_test_that_is_said_to_hold_nobody_out():
    drawn = Drawn("customerio", {"holdout": {"34": []}})
    sent = drawn.messages("user_id", "sent_at")
    assert [row["user_id"] for row in sent if "sent_at" in row] == ["ann", "bob", "cat"]
    assert drawn.tables()["assignments"] == []


def test_customerios_random_branches_draw_arms_without_a_message():
    drawn = Drawn("customerio", {"holdout": {"50": [1, 2]}}, outputs=CIO_TESTS)
    assert drawn.rows("assignments", "unit_id", "arm", "assigned_at") == [
        {"unit_id": "ann", "arm": "treated", "assigned_at": at("2026-01-05 09:00")},
        {"unit_id": "bob", "arm": "holdout", "assigned_at": at("2026-01-05 09:00")},
    ]
    assert not any(row["is_ghost"] for row in drawn.messages("is_ghost"))


@pytest.mark.parametrize(
    ("flags", "by"),
    [
        ("false | false | false", False),
        ("true  | false | false", None),
        ("false | true  | false", True),
        ("false | false | true", True),
        ("true  | true  | false", True),
        ("      |       |", None),
    ],
)
def test_customerio_tells_machines_from_humans_and_proxies_from_both(flags, by):
    metrics = f"""
        delivery_id | metric | created_at       | proxied | prefetched | machine
        d1          | opened | 2026-01-05 10:00 | {flags}
    """
    drawn = Drawn("customerio", metrics=metrics)
    row = drawn.messages("user_id", "seen_at", "seen_by_machine")[0]
    assert row["seen_at"] == at("2026-01-05 10:00")
    assert row.get("seen_by_machine") is by


def test_customerios_campaigns_newsletters_and_transactional_mail_are_counted_apart():
    drawn = Drawn(
        "customerio",
        {"plays": {"Welcome": "welcome", "transactional:12": "verification"}},
        outputs="action_id | split_test_index",
        deliveries="""
            delivery_id | internal_customer_id | campaign_id | newsletter_id \
                | transactional_message_id
            d1 | i1   | 12 |    |
            d2 | i1   |    | 12 |
            d3 | i1   |    |    | 12
            d4 | i1   |    |    | 13
            d5 | gone |    |    |
        """,
    )
    assert drawn.messages("message_id", "play", "user_id") == [
        {"message_id": "customerio:d1", "play": "welcome", "user_id": "ann"},
        {"message_id": "customerio:d2", "play": "customerio:newsletter:12", "user_id": "ann"},
        {"message_id": "customerio:d3", "play": "verification", "user_id": "ann"},
        {"message_id": "customerio:d4", "play": "customerio:transactional:13", "user_id": "ann"},
        {"message_id": "customerio:d5"},
    ]


def test_customerio_says_what_came_back_or_never_left():
    drawn = Drawn(
        "customerio",
        metrics="""
            delivery_id | metric    | created_at
            d1          | sent      | 2026-01-05 09:01
            d1          | bounced   | 2026-01-05 09:02
            d1          | converted | 2026-01-05 09:03
            d3          | dropped   | 2026-01-05 09:01
        """,
    )
    assert drawn.messages("user_id", "sent_at", "bounced_at", "bounce_kind") == [
        {
            "user_id": "ann",
            "sent_at": at("2026-01-05 09:01"),
            "bounced_at": at("2026-01-05 09:02"),
        },
        {"user_id": "bob"},
        {"user_id": "cat", "bounced_at": at("2026-01-05 09:01"), "bounce_kind": "drop"},
    ]


def test_customerios_suppressions_are_the_newest_state_of_each_person():
    people = """
        internal_customer_id | customer_id | suppressed | updated_at
        i1                   | ann         | true       | 2026-01-01
        i1                   | ann         | false      | 2026-01-02
        i2                   | bob         | true       | 2026-01-03
    """
    assert Drawn("customerio", people=people).rows("suppressions") == [
        {
            "user_id": "bob",
            "reason": "suppressed",
            "from_at": at("2026-01-03"),
            "source": "customerio",
        }
    ]


def test_braze_holds_out_who_is_in_a_control_group_and_sends_to_the_others():
    drawn = Drawn("braze")
    assert drawn.messages("message_id", "play", "user_id", "is_ghost", "sent_at") == [
        {
            "message_id": "braze:control:c2",
            "play": "braze:c12",
            "user_id": "bob",
            "is_ghost": True,
        },
        {
            "message_id": "braze:control:c3",
            "play": "braze:c12:s1",
            "user_id": "ann",
            "is_ghost": True,
        },
        {"message_id": "braze:control:e6", "play": "welcome", "user_id": "bob", "is_ghost": True},
        {
            "message_id": "braze:email:x1:b1",
            "play": "welcome",
            "user_id": "ann",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
        },
        {
            "message_id": "braze:email:x1:b3",
            "play": "welcome",
            "user_id": "cat",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
        },
    ]
    assert drawn.rows("assignments", "play", "unit_id", "arm") == [
        {"play": "braze:c12", "unit_id": "ann", "arm": "treated"},
        {"play": "braze:c12", "unit_id": "bob", "arm": "holdout"},
        {"play": "braze:c12:s1", "unit_id": "ann", "arm": "holdout"},
        {"play": "welcome", "unit_id": "bob", "arm": "holdout"},
    ]


def test_braze_reads_a_control_group_that_is_text_and_leaves_out_who_is_in_neither():
    drawn = Drawn(
        "braze",
        users_canvas_entry_shared="""
            id | external_user_id | canvas_id | in_control_group | time
            c1 | ann              | c12       | False            | 1767603600
            c2 | bob              | c12       | TRUE             | 1767603600
            c3 | cat              | c12       |                  | 1767603600
        """,
        without=("users_canvas_experimentstep_splitentry_shared",),
    )
    assert drawn.rows("assignments", "play", "unit_id", "arm")[:2] == [
        {"play": "braze:c12", "unit_id": "ann", "arm": "treated"},
        {"play": "braze:c12", "unit_id": "bob", "arm": "holdout"},
    ]
    assert len(drawn.rows("assignments")) == 3


def test_brazes_machine_opens_are_known_and_others_are_not():
    drawn = Drawn(
        "braze",
        **{
            OPENS: """
                external_user_id | user_id | dispatch_id | campaign_id | time       | machine_open
                ann              | b1      | x1          | 12          | 1767607200 | true
                cat              | b3      | x1          | 12          | 1767607200 | true
                cat              | b3      | x1          | 12          | 1767607260 |
            """,
            CLICKS: """
                external_user_id | user_id | dispatch_id | campaign_id | time \
                    | is_suspected_bot_click
                ann | b1 | x1 | 12 | 1767607200 | true
                cat | b3 | x1 | 12 | 1767607260 |
            """,
        },
    )
    sent = [
        row
        for row in drawn.messages(
            "play", "user_id", "seen_at", "seen_by_machine", "clicked_at", "is_ghost"
        )
        if not row["is_ghost"]
    ]
    assert [{**row, "is_ghost": None} for row in sent] == [
        {
            "play": "welcome",
            "user_id": "ann",
            "seen_at": at("2026-01-05 10:00"),
            "seen_by_machine": True,
            "is_ghost": None,
        },
        {
            "play": "welcome",
            "user_id": "cat",
            "seen_at": at("2026-01-05 10:01"),
            "clicked_at": at("2026-01-05 10:01"),
            "is_ghost": None,
        },
    ]


def test_a_braze_message_is_a_dispatch_to_a_person_on_a_channel():
    drawn = Drawn(
        "braze",
        without=(
            OPENS,
            CLICKS,
            "users_messages_email_delivery_shared",
            "users_canvas_entry_shared",
            "users_canvas_experimentstep_splitentry_shared",
            "users_campaigns_enrollincontrol_shared",
        ),
        **{
            SENDS: """
                external_user_id | user_id | dispatch_id | canvas_api_id | canvas_id \
                    | canvas_step_api_id | canvas_step_message_variation_api_id | time
                ann | b1 | x1 | c1 | 5f | s1 | v1 | 1767603660
                ann | b1 | x1 | c1 | 5f | s1 | v1 | 1767603660
                ann | b1 | x2 | c1 | 5f | s1 | v1 | 1767603720000
            """,
            "users_messages_pushnotification_send_shared": """
                external_user_id | user_id | dispatch_id | canvas_id | canvas_step_id | time
                ann              | b1      | x1          | c1        | s1             | 1767603660
            """,
            "users_messages_inappmessage_impression_shared": """
                external_user_id | user_id | dispatch_id | canvas_id | canvas_step_id | time
                ann              | b1      |             | c1        | s2             | 1767603660
                ann              | b1      |             | c1        | s2             | 1767607200
            """,
        },
    )
    told = drawn.messages("message_id", "channel", "play", "step", "variant", "sent_at", "seen_at")
    minute, later = at("2026-01-05 09:01"), at("2026-01-05 09:02")
    step = {"play": "braze:c1", "step": "s1"}
    assert told == [
        {
            "message_id": "braze:email:x1:b1",
            "channel": "email",
            **step,
            "variant": "v1",
            "sent_at": minute,
        },
        {
            "message_id": "braze:email:x2:b1",
            "channel": "email",
            **step,
            "variant": "v1",
            "sent_at": later,
        },
        {
            "message_id": "braze:in_app:c1:s2:b1",
            "channel": "in_app",
            "play": "braze:c1",
            "step": "s2",
            "sent_at": minute,
            "seen_at": minute,
        },
        {"message_id": "braze:push:x1:b1", "channel": "push", **step, "sent_at": minute},
    ]
    assert drawn.tables()["assignments"] == []


def test_brazes_bounces_are_hard_soft_or_dropped():
    header = "external_user_id | user_id | dispatch_id | campaign_id | is_drop | time"
    drawn = Drawn(
        "braze",
        users_messages_email_bounce_shared=f"""
            {header}
            ann | b1 | x1 | 12 | false | 1767603720
            cat | b3 | x1 | 12 | true  | 1767603720
        """,
        users_messages_email_softbounce_shared=f"""
            {header}
            ann | b1 | x1 | 12 | | 1767603660
        """,
    )
    bounced = [
        row for row in drawn.messages("user_id", "bounce_kind", "bounced_at") if len(row) > 1
    ]
    assert bounced == [
        {"user_id": "ann", "bounce_kind": "hard", "bounced_at": at("2026-01-05 09:02")},
        {"user_id": "cat", "bounce_kind": "drop", "bounced_at": at("2026-01-05 09:02")},
    ]


def test_somebody_who_comes_back_to_a_channel_of_brazes_is_suppressed_until_then():
    states = """
        external_user_id | channel | subscription_status | time
        cat              | email   | Unsubscribed        | 1767603600
        cat              | email   | Opted-In            | 1767916800
        ann              | push    | Subscribed          | 1767916800
    """
    drawn = Drawn("braze", users_behaviors_subscription_globalstatechange_shared=states)
    assert drawn.rows("suppressions", "user_id", "channel", "reason", "from_at", "to_at") == [
        {
            "user_id": "cat",
            "channel": "email",
            "reason": "unsubscribed",
            "from_at": at("2026-01-05 09:00"),
            "to_at": at("2026-01-09"),
        }
    ]


def test_braze_without_any_table_of_messages_is_a_mistake():
    drawn = Drawn("braze", without=(SENDS, OPENS, CLICKS, "users_messages_email_delivery_shared"))
    with pytest.raises(Mistake, match="none of Braze's tables of messages"):
        drawn.tables()


def test_brazes_text_messages_are_read_and_a_short_links_click_without_a_dispatch_is_none():
    drawn = Drawn(
        "braze",
        users_messages_sms_send_shared="""
            id | user_id | external_user_id | dispatch_id | campaign_id | time
            s1 | b1      | ann              | x9          | 13          | 1767603660
        """,
        users_messages_sms_rejection_shared="""
            id | user_id | external_user_id | dispatch_id | campaign_id | time
            s2 | b1      | ann              | x9          | 13          | 1767603720
        """,
        users_messages_sms_shortlinkclick_shared="""
            id | user_id | external_user_id | campaign_id | time
            s3 | b1      | ann              | 13          | 1767603780
        """,
        users_messages_whatsapp_read_shared="""
            id | user_id | external_user_id | dispatch_id | campaign_id | time
            s4 | b3      | cat              | x8          | 14          | 1767607200
        """,
    )
    columns = ("message_id", "user_id", "sent_at", "seen_at", "clicked_at", "bounced_at")
    told = drawn.messages(*columns, "bounce_kind")
    texts = ("braze:sms", "braze:whatsapp")
    assert [row for row in told if row["message_id"].startswith(texts)] == [
        {
            "message_id": "braze:sms:x9:b1",
            "user_id": "ann",
            "sent_at": at("2026-01-05 09:01"),
            "bounced_at": at("2026-01-05 09:02"),
            "bounce_kind": "soft",
        },
        {
            "message_id": "braze:whatsapp:x8:b3",
            "user_id": "cat",
            "seen_at": at("2026-01-05 10:00"),
        },
    ]
