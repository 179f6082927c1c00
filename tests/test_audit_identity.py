"""Who is behind the events: devices, people, accounts, crawlers, addresses thrown away."""

from __future__ import annotations

import pytest

from playbook import audit
from playbook.results import Unavailable
from tests import small

# d1 is known from its first moment, d2 later, d3 has two users; d4 is never known and seen once,
# d5 twice; d6 sends everything two minutes late by its clock, d7 only once; a server has none.
DEVICES = """
    user_id | anonymous_id | event | at               | sent_at          | received_at
    ann     | d1           | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 2026-01-05 09:01
            | d1           | seen  | 2026-01-05 10:00 | 2026-01-05 10:00 | 2026-01-05 10:00
            | d2           | seen  | 2026-01-05 08:00 | 2026-01-05 08:00 | 2026-01-05 08:00
    bob     | d2           | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 2026-01-05 09:00
    ann     | d3           | seen  | 2026-01-05 09:00 |                  |
    bob     | d3           | seen  | 2026-01-05 09:00 |                  |
            | d4           | seen  | 2026-01-05 09:00 |                  |
            | d5           | seen  | 2026-01-05 09:00 |                  |
            | d5           | seen  | 2026-01-05 09:00 |                  |
    cat     | d6           | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 2026-01-05 09:02
    cat     | d6           | seen  | 2026-01-05 10:00 | 2026-01-05 10:00 | 2026-01-05 10:03
    dan     | d7           | seen  | 2026-01-05 09:00 | 2026-01-05 09:00 | 2026-01-05 09:02
    dan     | d7           | seen  | 2026-01-05 10:00 | 2026-01-05 10:00 | 2026-01-05 10:00
    eve     | d8           | seen  | 2026-01-05 09:00 | 2026-01-05 11:00 | 2026-01-05 09:00
    fay     |              | ran   | 2026-01-05 09:00 |                  | 2026-01-05 09:00
"""


def said(run, *checks):
    rows = audit.violations(run).rows
    return {(r["subject"], r["rows"], r["of"]) for r in rows if r["check"] in checks}


def test_devices_become_people():
    assert audit.devices(small.run(events=DEVICES)).rows == [
        {"devices": 8, "known": 6, "shared": 1, "before": 1, "clock_off": 2, "one_hit": 1}
    ]


def test_shared_devices_and_those_known_later_are_violations_and_so_is_a_clock():
    run = small.run(events=DEVICES)
    found = [r for r in audit.violations(run).rows if r["subject"] == "devices"]
    assert sorted((r["check"], r["rows"], r["of"], r["severity"]) for r in found) == [
        ("clocks", 2, 8, "warning"),
        ("identity", 1, 8, "note"),  # known later: that is how people arrive
        ("identity", 1, 8, "warning"),
    ]


def test_without_devices_there_is_nothing_to_say():
    found = audit.devices(small.run(events="user_id | event | at\nann | seen | 2026-01-05"))
    assert isinstance(found, Unavailable)
    assert "`anonymous_id`" in found.reason


PEOPLE = """
    user_id | anonymous_id | account_id | event | at               | is_bot
    ann     | d1           | a1         | seen  | 2026-01-05 09:00 |
    ann     | d2           | a1         | seen  | 2026-01-05 09:00 |
    ann     |              |            | seen  | 2026-01-05 09:00 |
    bob     | d3           | a1         | seen  | 2026-01-05 09:00 |
    bob     | d3           | a2         | seen  | 2026-01-05 09:00 | true
    bot     | d4           | a3         | seen  | 2026-01-05 09:00 | true
    bot     | d4           | a3         | seen  | 2026-01-05 09:00 | true
    eve     | d5           | a1         | seen  | 2026-01-05 09:00 |
    zoe     | d6           | a1         | seen  | 2026-01-05 09:00 |
            | d7           | a9         | seen  | 2026-01-05 09:00 |
"""
USERS = """
    user_id | account_id | is_internal
    ann     | a1         |
    bob     | a1         | false
    bot     | a3         |
    eve     | a1         | true
    ida     | a1         | true
"""


def test_people_have_devices_and_accounts_and_some_are_bots_staff_or_strangers():
    assert audit.people(small.run(events=PEOPLE, users=USERS)).rows == [
        {
            "people": 5,
            "several_devices": 1,
            "several_accounts": 1,
            "bots": 1,  # bob was a bot only once
            "staff": 1,  # ida never came
            "strangers": 1,
            "one_hit": 2,
        }
    ]


def test_bots_and_staff_are_notes_because_they_are_left_out_of_every_headline():
    run = small.run(events=PEOPLE, users=USERS)
    found = [r for r in audit.violations(run).rows if r["subject"] == "people"]
    assert sorted((r["check"], r["rows"], r["severity"]) for r in found) == [
        ("accounts", 1, "warning"),
        ("bots", 1, "note"),
        ("bots", 1, "note"),
        ("identity", 1, "warning"),
    ]


def test_without_a_users_table_nobody_is_a_stranger():
    run = small.run(events=PEOPLE)
    assert not [r for r in audit.violations(run).rows if "users table" in r["seen"]]
    (row,) = audit.people(run).rows
    assert (row["people"], row["staff"], row["strangers"]) == (5, None, None)


def test_without_users_in_the_log_there_are_no_people():
    found = audit.people(small.run(events="event | at\nseen | 2026-01-05"))
    assert isinstance(found, Unavailable)
    assert "`user_id`" in found.reason


AGENTS = """
    event | at               | is_bot | user_agent
    seen  | 2026-01-05 09:00 | true   | Mozilla/5.0 (compatible; bingbot/2.0)
    seen  | 2026-01-05 09:00 |        | curl/8.11.1
    seen  | 2026-01-05 09:00 | true   | curl/8.11.1
    seen  | 2026-01-05 09:00 |        | Mozilla/5.0 (Macintosh) Firefox/140.0
    seen  | 2026-01-05 09:00 |        |
"""


def test_crawlers_are_known_by_the_names_of_their_browsers_flagged_or_not():
    names = ("user_agent", "rows", "flagged", "of")
    found = audit.crawlers(small.run(events=AGENTS)).rows
    assert [tuple(r[name] for name in names) for r in found] == [
        ("curl/8.11.1", 2, 1, 4),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", 1, 1, 4),
    ]


def test_only_crawlers_without_a_flag_are_a_violation():
    assert said(small.run(events=AGENTS), "bots") == {("the log", 1, 4)}
    flagged = AGENTS.replace("|        | curl", "| true   | curl")
    assert said(small.run(events=flagged), "bots") == set()


def test_without_user_agents_crawlers_are_known_by_their_flag_alone():
    found = audit.crawlers(small.run(events=PEOPLE))
    assert isinstance(found, Unavailable)
    assert "`user_agent`" in found.reason


DOMAINS = """
    user_id | email_domain
    ann     | mailinator.com
    bob     | mailinator.com
    cat     | Sub.YopMail.com
    dan     | acme.com
    eve     | throw.example
    fay     |
"""


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, [("mailinator.com", 2, 5), ("Sub.YopMail.com", 1, 5)]),
        (
            {"add": ["throw.example"], "remove": ["mailinator.com"]},
            [("Sub.YopMail.com", 1, 5), ("throw.example", 1, 5)],
        ),
    ],
)
def test_people_with_disposable_addresses_are_counted_by_domain(own, expected):
    run = small.run(events=PEOPLE, users=DOMAINS, words={"disposable": own})
    assert [tuple(r.values()) for r in audit.disposable(run).rows] == expected
    assert ("people", sum(n for _d, n, _of in expected), 5) in said(run, "bots")


def test_without_domains_there_is_nothing_to_say():
    found = audit.disposable(small.run(events=PEOPLE, users=USERS))
    assert isinstance(found, Unavailable)
    assert "`email_domain`" in found.reason


def test_events_are_counted_with_the_users_of_their_devices_and_without():
    events = """
        user_id | anonymous_id | event | at
                | d1           | seen  | 2026-01-05 08:00
        ann     | d1           | seen  | 2026-01-05 09:00
                | d2           | seen  | 2026-01-05 09:00
                | d3           | seen  | 2026-01-05 09:00
                |              | seen  | 2026-01-05 09:00
    """
    pairs = """
        anonymous_id | user_id | merged_id
        d2           | bob     |
        d3           | bob     |
        d3           | cat     |
    """
    run = small.run(events=events, identities=pairs)
    assert audit.identities(run).rows == [
        {"identities": 5, "named": 1, "resolved": 2, "nobodys": 2}
    ]
    told = {row["what"]: (row["counted"], row["of"]) for row in audit.who(run).rows}
    assert told["events that name their user"] == (1, 5)
    assert told["events whose device tells their user"] == (2, 5)
    # Of devices what arrived counts: d1 was seen before its user was known.
    assert audit.devices(run).rows[0]["before"] == 1
    assert audit.devices(run).rows[0]["known"] == 1


def test_without_identities_there_is_nothing_to_compare():
    run = small.run(events=DEVICES)
    assert isinstance(audit.identities(run), Unavailable)
    assert "events that name their user" not in {row["what"] for row in audit.who(run).rows}
