"""Appcues and Userpilot: what is shown in the product, told from a log of events."""

from __future__ import annotations

import ibis

from tests.exports import Drawn
from tests.spec import at

SEEN = ("sent_at", "delivered_at", "seen_at", "seen_by_machine")
DONE = ("clicked_at", "completed_at", "dismissed_at")


def test_a_flow_of_appcues_is_a_message_to_whoever_it_is_shown_to():
    assert Drawn("appcues").messages("message_id", "play", "channel", "is_ghost", *SEEN, *DONE) == [
        {
            "message_id": "appcues:control:fl1:bob",
            "play": "welcome",
            "channel": "in_app",
            "is_ghost": True,
        },
        {
            "message_id": "appcues:fl1:ann",
            "play": "welcome",
            "channel": "in_app",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 09:01"),
            "seen_by_machine": False,
            "clicked_at": at("2026-01-05 09:02"),
            "completed_at": at("2026-01-05 09:03"),
        },
        {
            "message_id": "appcues:fl1:cat",
            "play": "welcome",
            "channel": "in_app",
            "is_ghost": False,
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 09:01"),
            "seen_by_machine": False,
        },
    ]


def test_both_groups_of_an_experiment_of_appcues_are_known():
    assert Drawn("appcues").rows("assignments", "unit_id", "play", "arm", "assigned_at") == [
        {
            "unit_id": name,
            "play": "welcome",
            "arm": arm,
            "assigned_at": at("2026-01-05 09:00"),
        }
        for name, arm in (("ann", "treated"), ("bob", "holdout"))
    ]


def test_checklists_of_appcues_and_names_with_spaces_count_and_what_repeats_counts_once():
    drawn = Drawn(
        "appcues",
        appcues_events="""
            event               | user_id | timestamp        | flow_id | checklist_id
            Flow Started        | ann     | 2026-01-05 09:00 | fl2     |
            Flow Started        | ann     | 2026-01-06 09:00 | fl2     |
            Flow Skipped        | ann     | 2026-01-06 09:01 | fl2     |
            Checklist Shown     | ann     | 2026-01-05 09:02 |         | ch1
            Checklist Completed | ann     | 2026-01-05 09:03 |         | ch1
            Flow Started        |         | 2026-01-05 09:00 | fl2     |
            board_created       | ann     | 2026-01-05 09:00 |         |
        """,
    )
    assert drawn.messages("message_id", "seen_at", *DONE) == [
        {
            "message_id": "appcues:ch1:ann",
            "seen_at": at("2026-01-05 09:02"),
            "completed_at": at("2026-01-05 09:03"),
        },
        {
            "message_id": "appcues:fl2:ann",
            "seen_at": at("2026-01-05 09:00"),
            "dismissed_at": at("2026-01-06 09:01"),
        },
    ]
    # Where no experiment was ever drawn, its columns are missing, and nothing is made of them.
    assert drawn.tables()["assignments"] == []


def test_mobile_experiences_of_appcues_stand_in_fields_of_their_own():
    drawn = Drawn("appcues")
    names = ("experience_started", "step_interaction", "experience_dismissed")
    events = {
        "name": [f"appcues:v2:{name}" for name in names],
        "user_id": ["ann"] * 3,
        "timestamp": [f"2026-01-05 09:0{n}" for n in range(3)],
        "attributes": [{"experienceId": "x1", "experienceName": "Welcome"}] * 3,
    }
    drawn.connection.create_table("appcues_events", ibis.memtable(events), overwrite=True)
    assert drawn.messages("message_id", "seen_at", *DONE) == [
        {
            "message_id": "appcues:x1:ann",
            "seen_at": at("2026-01-05 09:00"),
            "clicked_at": at("2026-01-05 09:01"),
            "dismissed_at": at("2026-01-05 09:02"),
        }
    ]


def test_an_interaction_of_userpilots_is_a_message_and_other_events_are_none():
    assert Drawn("userpilot").messages("message_id", "play", "channel", *SEEN, *DONE) == [
        {
            "message_id": "userpilot:experience:448:ann",
            "play": "welcome",
            "channel": "in_app",
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 09:01"),
            "seen_by_machine": False,
            "completed_at": at("2026-01-05 09:03"),
        },
        {
            "message_id": "userpilot:experience:448:cat",
            "play": "welcome",
            "channel": "in_app",
            "sent_at": at("2026-01-05 09:01"),
            "delivered_at": at("2026-01-05 09:01"),
            "seen_at": at("2026-01-05 09:01"),
            "seen_by_machine": False,
        },
    ]


def test_checklists_of_userpilots_are_messages_too_and_what_repeats_counts_once():
    drawn = Drawn(
        "userpilot",
        userpilot_events="""
            event_type  | event_name            | user_id | inserted_at
            interaction | checklist:2:SEEN      | ann     | 2026-01-05 09:00
            interaction | checklist:2:SEEN      | ann     | 2026-01-06 09:00
            interaction | checklist:2:DISMISSED | ann     | 2026-01-06 09:01
            interaction | checklist:2:SEEN      |         | 2026-01-05 09:00
            interaction |                       | ann     | 2026-01-05 09:00
        """,
    )
    assert drawn.messages("play", "seen_at", "dismissed_at") == [
        {
            "play": "userpilot:checklist:2",
            "seen_at": at("2026-01-05 09:00"),
            "dismissed_at": at("2026-01-06 09:01"),
        }
    ]
