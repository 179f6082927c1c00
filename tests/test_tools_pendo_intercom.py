"""Pendo and Intercom: guides that were seen, and content that was received."""

from __future__ import annotations

import pytest

from playbook.language.mistakes import Mistake
from tests.exports import Drawn
from tests.spec import at

GUIDE = "guide_id | guide_step_id | visitor_id | type | timestamp\n"
RECEIPTS = "receipt_id | user_external_id | email | ruleset_id | content_type | content_id"


def test_a_guide_of_pendos_is_sent_delivered_and_seen_at_once_and_finished_by_seeing_it_all():
    columns = ("sent_at", "delivered_at", "seen_at", "seen_by_machine")
    shown = dict.fromkeys(columns[:3], at("2026-01-05 09:01")) | {"seen_by_machine": False}
    ends = ("completed_at", "dismissed_at", "clicked_at")
    assert Drawn("pendo").messages("message_id", "channel", "play", "user_id", *columns, *ends) == [
        {
            "message_id": "pendo:g1:ann",
            "channel": "in_app",
            "play": "welcome",
            "user_id": "ann",
            **shown,
            "completed_at": at("2026-01-05 09:03"),
        },
        {
            "message_id": "pendo:g1:cat",
            "channel": "in_app",
            "play": "welcome",
            "user_id": "cat",
            **shown,
            "dismissed_at": at("2026-01-05 09:04"),
        },
    ]
    assert Drawn("pendo").tables()["assignments"] == []


def test_a_guide_of_pendos_that_comes_again_is_one_message_and_snoozing_is_no_closing():
    drawn = Drawn(
        "pendo",
        guide_event=GUIDE
        + """
        g1 | one | ann | guideSeen     | 2026-01-06 09:00
        g1 | one | ann | guideSeen     | 2026-01-05 09:00
        g1 | one | ann | guideSnoozed  | 2026-01-05 09:01
        g1 | one | ann | guideTimeout  | 2026-01-05 09:02
        g1 | one | ann | guideActivity | 2026-01-06 09:01
        g2 | one | ann | guideAdvanced | 2026-01-05 09:03
        """,
    )
    assert drawn.messages("play", "seen_at", "clicked_at", "dismissed_at", "completed_at") == [
        {
            "play": "welcome",
            "seen_at": at("2026-01-05 09:00"),
            "clicked_at": at("2026-01-06 09:01"),
        }
    ]


def test_a_guide_of_pendos_is_finished_on_its_newest_version_if_that_has_several_steps():
    steps = "guide_id | guide_last_updated_at | step_id\n"
    events = """
        g1 | one | ann | guideSeen | 2026-01-05 09:00
        g1 | two | ann | guideSeen | 2026-01-05 09:01
        g1 | two | ann | guideSeen | 2026-01-06 09:01
        g2 | one | ann | guideSeen | 2026-01-05 09:02
    """

    def finished(history):
        drawn = Drawn("pendo", guide_event=GUIDE + events, guide_step_history=steps + history)
        return [row.get("completed_at") for row in drawn.messages("play", "completed_at")]

    both = "g1 | 2026-01-02 | one\n g1 | 2026-01-02 | two\n"
    assert finished(both) == [None, at("2026-01-05 09:01")]
    assert finished(both + "g1 | 2026-01-01 | gone") == [None, at("2026-01-05 09:01")]
    assert finished(both + "g1 | 2026-01-02 | three") == [None, None]
    assert finished("g2 | 2026-01-02 | one") == [None, None]
    without = Drawn("pendo", guide_event=GUIDE + events, without=("guide_step_history",))
    assert without.messages("completed_at") == [{}, {}]


def test_anonymous_visitors_of_pendos_are_nobody():
    event = GUIDE + "g1 | one | _PENDO_T_x1 | guideSeen | 2026-01-05 09:00"
    assert Drawn("pendo", guide_event=event).messages("message_id", "user_id") == [
        {"message_id": "pendo:g1:_PENDO_T_x1"}
    ]


def test_a_receipt_of_intercoms_is_a_message_with_what_followed():
    columns = ("message_id", "channel", "play", "user_id", "sent_at", "delivered_at")
    assert Drawn("intercom").messages(*columns, "seen_at", "seen_by_machine", "clicked_at") == [
        {
            "message_id": "intercom:r1",
            "channel": "email",
            "play": "welcome",
            "user_id": "ann",
            "sent_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 10:00"),
            "clicked_at": at("2026-01-05 10:01"),
        },
        {
            "message_id": "intercom:r2",
            "channel": "email",
            "play": "welcome",
            "user_id": "cat",
            "sent_at": at("2026-01-05 09:01"),
            "clicked_at": at("2026-01-06 09:00"),
        },
    ]
    assert Drawn("intercom").tables()["assignments"] == []


def test_intercoms_statistics_are_read_from_columns_under_the_vendors_own_spelling():
    drawn = Drawn(
        "intercom",
        without=("click",),
        receipts=f"""
            {RECEIPTS} | node_id | received_at | first_completion | first_dismisall \
                | first_unsubscribe | first_hard_bounce | first_open
            r1 | ann |          | 12 | Tour  | v1 | n1 | 2026-01-05 09:01 | 2026-01-05 09:03 | \
                2026-01-05 09:04 | | | 2026-01-05 09:02
            r2 |     | ann@x.co | 12 | Email | v2 | -1 | 2026-01-05 09:01 | | \
                | 2026-01-05 09:05 | 2026-01-05 09:06 |
        """,
    )
    times = ("seen_at", "completed_at", "dismissed_at", "unsubscribed_at", "bounced_at")
    names = ("message_id", "channel", "step", "variant", "user_id", "seen_by_machine")
    assert drawn.messages(*names, *times, "bounce_kind") == [
        {
            "message_id": "intercom:r1",
            "channel": "in_app",
            "step": "n1",
            "variant": "v1",
            "user_id": "ann",
            "seen_by_machine": False,
            "seen_at": at("2026-01-05 09:02"),
            "completed_at": at("2026-01-05 09:03"),
            "dismissed_at": at("2026-01-05 09:04"),
        },
        {
            "message_id": "intercom:r2",
            "channel": "email",
            "variant": "v2",
            "unsubscribed_at": at("2026-01-05 09:05"),
            "bounced_at": at("2026-01-05 09:06"),
            "bounce_kind": "hard",
        },
    ]


def test_intercoms_leads_are_told_by_their_address_where_the_export_says_how():
    users = {"table": "app_users", "user_id": "id", "email": "email"}
    drawn = Drawn("intercom", {"users": users}, app_users="id | email\nu1 | ANN@x.co")
    assert drawn.messages("message_id", "user_id") == [
        {"message_id": "intercom:r1", "user_id": "u1"},
        {"message_id": "intercom:r2"},
    ]


def test_intercoms_contacts_alone_give_suppressions_for_as_long_as_they_say_so():
    drawn = Drawn(
        "intercom",
        without=("receipts", "click"),
        contact_history="""
            id | external_id | updated_at | unsubscribed_from_emails | has_hard_bounced
            c1 | ann         | 2026-01-01 | true                     | false
            c1 | ann         | 2026-01-03 | false                    | false
            c2 | cat         | 2026-01-02 | false                    | true
            c3 |             | 2026-01-02 | true                     | true
        """,
    )
    assert drawn.tables()["messages"] == []
    assert drawn.rows("suppressions", "user_id", "channel", "reason", "from_at", "to_at") == [
        {
            "user_id": "ann",
            "channel": "email",
            "reason": "unsubscribed",
            "from_at": at("2026-01-01"),
            "to_at": at("2026-01-03"),
        },
        {
            "user_id": "cat",
            "channel": "email",
            "reason": "hard_bounce",
            "from_at": at("2026-01-02"),
        },
    ]


def test_intercom_without_receipts_or_contacts_is_a_mistake():
    with pytest.raises(Mistake, match="Intercom's export of content data"):
        Drawn("intercom", without=("receipts", "contact_history")).tables()


def test_a_statistic_of_intercoms_without_its_time_is_a_mistake():
    with pytest.raises(Mistake, match="Table `click` has no column `clicked_at`"):
        Drawn("intercom", click="receipt_id | when").tables()
