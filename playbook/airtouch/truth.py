"""What is true of the simulated Airtouch: every planted rate, effect and defect, read by it."""

from __future__ import annotations

from datetime import datetime

from playbook.airtouch.effects import DRAWN_ELSEWHERE, PLAYS, SIGNUP_FORM

START = datetime(2026, 1, 5)
END = datetime(2026, 7, 6)

PERSONAS = ("data_engineer", "analyst", "sales", "marketing", "other", "unknown")
INTENTS = ("into_warehouse", "out_of_warehouse", "unknown")

# Where a share has no other note, its denominator is every person who signed up and whose window
# has closed by END, without bots and internal people. Personas and intents called "unknown" are
# null in the tables.
TRUTH: dict = {
    "size": {
        "events_per_account": 150,
        "users_per_account": 2.75,
        "block_accounts": 4000,
        "weekend_sign_ups": 0.45,  # on a day of the weekend, relative to a working day
    },
    # Who signs up on their own (and owns an account), and whom each of them invites.
    "owners": {
        "persona": {
            "data_engineer": 0.40,
            "analyst": 0.10,
            "sales": 0.17,
            "marketing": 0.17,
            "other": 0.10,
            "unknown": 0.06,
        },
    },
    "invited": {
        "persona_by_inviter": {
            "data_engineer": (0.36, 0.27, 0.08, 0.07, 0.16, 0.06),
            "analyst": (0.42, 0.22, 0.09, 0.09, 0.12, 0.06),
            "sales": (0.60, 0.10, 0.10, 0.05, 0.09, 0.06),
            "marketing": (0.57, 0.13, 0.04, 0.11, 0.09, 0.06),
            "other": (0.40, 0.15, 0.10, 0.10, 0.19, 0.06),
            "unknown": (0.40, 0.15, 0.10, 0.10, 0.19, 0.06),
        },
        "accepted": 0.72,  # share of invitations whose invitee signs up, END left aside
    },
    "intent": {  # into_warehouse, out_of_warehouse, unknown
        "data_engineer": (0.62, 0.22, 0.16),
        "analyst": (0.55, 0.20, 0.25),
        "sales": (0.15, 0.60, 0.25),
        "marketing": (0.20, 0.60, 0.20),
        "other": (0.35, 0.30, 0.35),
        "unknown": (0.25, 0.25, 0.50),
    },
    # Verifying the e-mail. The product may be tried for 48 hours unverified, then is locked.
    "verified_within_48h": {"organic": 0.78, "invited": 0.95},
    "verified_after": {"1h": 0.88, "24h": 0.11, "48h": 0.01},  # of those: at the latest
    "unverified_reasons": {  # of those who do not verify within 48 hours; the rest simply do not
        "organic": {"disposable_domain": 0.15, "hard_bounce": 0.12},
        "invited": {"disposable_domain": 0.0, "hard_bounce": 0.30},
    },
    "unverified_verifies_later": 0.08,  # of the rest, from 72 hours to 20 days after signing up
    # What those who do not verify within 48 hours did in their 48 hours. The three are drawn
    # apart, so the share that did nothing is (1 - connection_created) * (1 - colleague_invited).
    "unverified_in_48h": {
        "connection_created": 0.30,
        "colleague_invited": 0.12,
        "workflow_saved": 0.08,  # each of them also created a connection
    },
    # First workflow_saved within 24 hours of signed_up, organic and invited alike.
    "first_workflow_within_24h": {
        "data_engineer": 0.38,
        "analyst": 0.26,
        "sales": 0.09,
        "marketing": 0.08,
        "other": 0.12,
        "unknown": 0.18,
    },
    # Of those, the share with a second workflow_saved within the same 24 hours.
    "second_workflow_within_24h": {
        "data_engineer": 0.25,
        "analyst": 0.22,
        "sales": 0.10,
        "marketing": 0.10,
        "other": 0.12,
        "unknown": 0.15,
    },
    # Of workflow_creation_started, the share of drafts that are saved. The planted friction: data
    # engineers who want data in the warehouse stall.
    "draft_saved": {
        "data_engineer": {"into_warehouse": 0.52, "out_of_warehouse": 0.72, "unknown": 0.62},
        "analyst": 0.66,
        "sales": 0.38,
        "marketing": 0.36,
        "other": 0.40,
        "unknown": 0.50,
    },
    "saved_in_a_later_session": 0.10,  # of the drafts that are saved
    # First colleague_invited within 14 days and before (or without) any workflow_saved. Organic
    # sales and marketing people have plays that change it; see `organic_inviters` below.
    "invites_before_workflow": {
        "organic": {
            "data_engineer": 0.20,
            "analyst": 0.32,
            "other": 0.26,
            "unknown": 0.24,
        },
        "invited": {
            "data_engineer": 0.07,
            "analyst": 0.12,
            "sales": 0.22,
            "marketing": 0.20,
            "other": 0.08,
            "unknown": 0.08,
        },
    },
    "organic_inviters": {"within_first_hour": 0.05},  # sales and marketing, not stopped by a play
    # What invited people did within 14 days of signing up; the rest did neither.
    "invited_in_14_days": {
        "data_engineer": {"connections_only": 0.22, "workflows_too": 0.52},
        "analyst": {"connections_only": 0.20, "workflows_too": 0.38},
        "sales": {"connections_only": 0.12, "workflows_too": 0.19},
        "marketing": {"connections_only": 0.12, "workflows_too": 0.15},
        "other": {"connections_only": 0.14, "workflows_too": 0.20},
        "unknown": {"connections_only": 0.16, "workflows_too": 0.34},
    },
    # First workflow_ran of an account after its creation; the rest never ran one in 30 days.
    "account_first_run": {"within_24h": 0.19, "24h_to_72h": 0.10, "72h_to_30d": 0.16},
    "plays": PLAYS,
    "drawn_elsewhere": DRAWN_ELSEWHERE,
    "signup_form": SIGNUP_FORM,
    # What accounts pay. Their typical invoice is the amount / √(tail + u), u even from 0 to 1.
    "invoices": {
        "pay": {"free": 0.15, "team": 1.0, "business": 1.0},  # share of accounts with invoices
        "amount": {"free": 8, "team": 15, "business": 50},
        "tail": 0.01,
        "every_days": 14,
        "due": 0.85,  # of those days: otherwise there is nothing to pay
    },
    # How messages fare, per message.
    "messages": {
        "verification_opened_in_vain": 0.35,  # of those delivered to people who never verify
        "verification_bounced_softly": 0.08,  # of those to people who could, but never verify
        "verification_bounced_for_bots": 0.4,
        "email_delivered": 0.97,
        "email_hard_of_bounced": 0.6,
        "machine_opened": 0.25,  # of delivered
        "seen_by_unknown": 0.06,  # of seen: the tool does not say who
        # Whoever connects a source, sooner or later, reads more mail: openers look splendid.
        "human_open_most_eager": 0.85,
        "human_open_least_eager": 0.05,
        "reading_follows_use": 0.4,
        "clicked": 0.30,  # of human opens
        "unsubscribed": 0.008,
        "complained": 0.0015,
        "in_app_completed": 0.40,  # of seen
        "in_app_dismissed": 0.45,
    },
    # Behaviour that no headline question asks for.
    "habits": {
        "connection_only_24h": {  # of verified people who save nothing in 24 hours
            "data_engineer": 0.26,
            "analyst": 0.18,
            "sales": 0.06,
            "marketing": 0.06,
            "other": 0.08,
            "unknown": 0.10,
        },
        "connection_tested": 0.9,
        "connection_later": 0.15,  # organic, neither connection nor workflow so far
        "first_workflow_later": {  # organic, from 24 hours to 14 days, no play concerned
            "data_engineer": 0.22,
            "analyst": 0.18,
            "sales": 0.09,
            "marketing": 0.09,
            "other": 0.10,
            "unknown": 0.12,
        },
        "first_workflow_after_14d": 0.05,
        "eagerness_counts": 0.9,  # share of people whose eagerness decides their first day
        "invites_after_workflow": 0.35,
        "colleagues_invited": {1: 0.19, 2: 0.20, 3: 0.18, 5: 0.20, 8: 0.15, 9: 0.08},
        "docs_opened_72h": 0.25,
        "community_joined_7d": 0.05,
        "lifetime_days": {5: 0.22, 25: 0.28, 90: 0.25, 240: 0.25},
        "drafts_a_month": {  # of people who have saved a workflow
            "data_engineer": 1.6,
            "analyst": 1.1,
            "sales": 0.7,
            "marketing": 0.7,
            "other": 0.7,
            "unknown": 0.9,
        },
        "visits_a_month": 3.3,
        "pages_a_session": {0: 0.5, 1: 0.3, 2: 0.12, 4: 0.08},
        "account_first_run_after_30d": 0.01,
        "workflow_never_runs": 0.12,
        "run_failed": 0.045,
        "run_every_hours": {6: 0.02, 12: 0.05, 24: 0.56, 168: 0.37},
        "workflow_lifetime_days": {3: 0.20, 20: 0.28, 75: 0.29, 240: 0.23},
        "workflow_deleted": 0.35,  # at the end of its lifetime
    },
    "timezones": {  # of accounts; everybody in one shares it
        "America/New_York": 0.27,
        "Europe/Berlin": 0.20,
        "Europe/London": 0.15,
        "America/Los_Angeles": 0.14,
        "Asia/Kolkata": 0.11,
        "Australia/Sydney": 0.05,
        "unknown": 0.08,
    },
    "plans": {"free": 0.62, "team": 0.29, "business": 0.09},
    "size_unknown": 0.15,
    # What the engagement tool is sent, and keeps a copy of.
    "mailer_gets": ("signed_up", "email_verified", "colleague_invited"),
    # What is wrong with the data, only with defects=True.
    "defects": {
        "duplicates": 0.012,  # of rows, sent once more with the same event_id
        "conflicting_copies": 0.05,  # of those copies: another app_version than the original's
        "late_arrivals": 0.02,  # of rows, received 1 to 72 hours after they happened
        "skewed_clocks": 0.008,  # of people, whose browser's clock is off by 2 to 26 hours
        "impossible_times": 12,  # events per block in 1970 or beyond END
        "unlinked_runs": 0.03,  # of workflow_ran, without workspace_id
        "renamed": {"from": "connection_tested", "to": "connection_checked", "after_weeks": 13},
        # A Wednesday on which most of the rows of an event are lost; days since START.
        "outage": {"event": "page_viewed", "day": 100, "lost": 0.75},
        "double_fired": {"event": "docs_opened", "share": 0.02},  # of events, once more at once
        "unplanned_property": "experiment_flag",  # a column that nobody planned
        "unplanned_property_filled": 0.05,  # of page_viewed; null elsewhere
        "workflows_without_event": 0.01,  # of workflows with one: as many more, imported
        "mailer_lost": 0.03,  # of the events that the engagement tool is sent
        "mailer_slow": 0.10,  # of the rest, received there 2 to 12 hours after us
        "direction_missing_from_version": "3.4.0",  # on every workflow_saved from then on
        "staff_accounts": 0.005,  # everybody in them is internal
        "bots": 0.02,  # of sign-ups; each owns an account of its own
        "anonymous_first_view": 0.6,  # of organic people: a page_viewed before signing up
        "disposable_domains": (
            *("mailinator.com", "guerrillamail.com", "yopmail.com", "10minutemail.com"),
            *("trashmail.com", "sharklasers.com", "maildrop.cc", "getnada.com"),
            *("throwawaymail.com", "mintemail.com", "fakeinbox.com", "temp-mail.org", "mohmal.com"),
        ),
    },
    "app_versions": {  # version: week since START in which it went live
        "3.1.0": 0,
        "3.2.0": 5,
        "3.3.0": 10,
        "3.4.0": 16,
        "3.5.0": 21,
    },
}
