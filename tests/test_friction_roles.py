"""Who does each step of an account's way: roles that add up, ties, and what cannot be told."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from playbook import charts, findings, friction
from playbook.results import Unavailable
from tests import small
from tests.small import question
from tests.spec import at

WAY = {"start": "opened", "goals": ["verified", "saved"], "within": "48h"}
QUESTIONS = [
    question("way", "steps", unit="account", entry="any", **WAY),
    question("alone", "steps", **WAY),
    question("twice", "steps", unit="account", start="opened", goals=["saved"] * 2, within="48h"),
    question("fast", "reached_within", unit="account", start="opened", goal="saved", within="48h"),
]
# ann owns a1 and invited bob, who invited cat; dan is a member whom nobody invited. eve owns a2.
USERS = """
    user_id | account_id | signed_up_at     | acquisition | invited_by
    bob     | a1         | 2026-01-05 10:00 |             | ann
    ann     | a1         | 2026-01-05 09:00 | organic     |
    cat     | a1         | 2026-01-05 11:00 | invited     | bob
    dan     | a1         | 2026-01-05 12:00 | organic     |
    eve     | a2         | 2026-01-05 09:00 | organic     |
    fay     | a2         | 2026-01-05 10:00 | invited     |
"""
EVENTS = """
    user_id | account_id | event    | at
            | a1         | opened   | 2026-01-05 09:00
    bob     | a1         | verified | 2026-01-05 10:00
    ann     | a1         | verified | 2026-01-05 11:00
    dan     | a1         | saved    | 2026-01-05 12:00
    cat     | a1         | saved    | 2026-01-05 12:00
            | a2         | opened   | 2026-01-05 09:00
    eve     | a2         | verified | 2026-01-05 09:30
    fay     | a2         | saved    | 2026-01-05 09:10
    fay     | a2         | saved    | 2026-01-05 10:00
            | a3         | opened   | 2026-01-05 09:00
    zoe     | a3         | verified | 2026-01-05 10:00
            | a3         | saved    | 2026-01-05 11:00
            | a4         | opened   | 2026-01-30 09:00
    ann     | a4         | verified | 2026-01-30 10:00
"""


NAMED = {"events": EVENTS.replace("            | a", "    eve     | a")}


def opened(**drawn):
    return small.run(questions=QUESTIONS, **{"events": EVENTS, "users": USERS} | drawn)


def told(found):
    """(step, role) → how many accounts."""
    assert not isinstance(found, Unavailable), found
    return {(row["step"], row["label"]): row["n"] for row in found.rows}


def test_each_step_has_the_role_of_who_came_to_it_first():
    # cat and dan save at one moment: the id decides. zoe is in no table, and a4 is still open.
    # fay's first save comes before eve verifies: it reaches no step.
    assert told(friction.roles(opened(), "way")) == {
        ("opened", "nobody named"): 3,
        ("verified", "owner"): 1,
        ("verified", "inviter"): 1,
        ("verified", "other member"): 1,
        ("saved", "invitee"): 2,
        ("saved", "nobody named"): 1,
    }


def test_an_owner_who_invites_stays_owner_and_an_inviter_counts_in_their_own_account_only():
    events = """
        user_id | account_id | event    | at
        ann     | a1         | opened   | 2026-01-05 09:00
        bob     | a1         | verified | 2026-01-05 10:00
        ann     | a2         | opened   | 2026-01-05 09:00
        bob     | a2         | verified | 2026-01-05 10:00
        dan     | a2         | saved    | 2026-01-05 10:00
    """
    assert told(friction.roles(opened(events=events), "way")) == {
        ("opened", "owner"): 1,
        ("opened", "other member"): 1,
        ("verified", "inviter"): 1,
        ("verified", "invitee"): 1,
        ("saved", "other member"): 1,
    }


def test_roles_add_up_to_the_steps_whatever_the_order_of_the_rows():
    draw = random.Random(7)
    rows = [_event(draw) for _ in range(300)]
    head = "user_id | account_id | event | at\n"
    once = opened(events=head + "\n".join(rows))
    found = told(friction.roles(once, "way"))
    sums = Counter()
    for (step, _role), n in found.items():
        sums[step] += n
    assert sums == {row["step"]: row["n"] for row in friction.answer(once, "way").rows if row["n"]}
    draw.shuffle(rows)
    assert told(friction.roles(opened(events=head + "\n".join(rows)), "way")) == found


def test_roles_are_those_of_the_definition_tried_one_by_one():
    for seed in range(5):
        draw = random.Random(seed)
        rows = [_event(draw) for _ in range(120)]
        run = opened(events="user_id | account_id | event | at\n" + "\n".join(rows))
        assert told(friction.roles(run, "way")) == _by_hand(rows)


def _event(draw):
    """An event of a few accounts in a few days, at one of few moments."""
    day, hour = draw.randrange(5, 12), draw.randrange(0, 24, 6)
    who = draw.choice(["ann", "bob", "cat", "dan", "eve", "fay", "zoe", ""])
    event = draw.choice(["opened", "verified", "saved"])
    return f"{who} | a{draw.randrange(1, 9)} | {event} | 2026-01-{day:02d} {hour:02d}:00"


STEPS = ("opened", "verified", "saved")


def _by_hand(rows):
    events = [[cell.strip() for cell in row.split("|")] for row in rows]
    events = [(account, name, at(time), who) for who, account, name, time in events]
    found = Counter()
    for account in {account for account, *_ in events}:
        own = sorted((time, name, who) for a, name, time, who in events if a == account)
        entries = sorted({time for time, name, _ in own if name == "opened"})
        ways = [_way(own, entry) for entry in entries]
        if not ways:
            continue
        # The deepest ways, of these the first to get so far, and of these the last to enter.
        deepest = max(map(len, ways))
        best = min((way for way in ways if len(way) == deepest), key=_place)
        # Who opened first, whether or not that way came furthest.
        for step, moment in zip(STEPS, [entries[0], *best[1:]], strict=False):
            people = sorted(w for t, name, w in own if (t, name) == (moment, step) and w)
            found[step, _role(account, people)] += 1
    return dict(found)


def _place(way):
    return way[-1], way[-1] - way[0]


def _way(own, entry):
    """The moments at which the steps are reached from an entry that a later one does not beat."""
    moments = [entry]
    for step in STEPS[1:]:
        later = [t for t, n, _ in own if n == step and moments[-1] <= t]
        if not later or later[0] > entry + timedelta(hours=48):
            break
        moments.append(later[0])
    return moments


def _role(account, people):
    owner, inviters = {"a1": ("ann", {"bob"}), "a2": ("eve", set())}.get(account, ("", set()))
    if not people:
        return "nobody named"
    if people[0] == owner:
        return "owner"
    if people[0] in inviters:
        return "inviter"
    return "invitee" if people[0] in {"bob", "cat", "fay"} else "other member"


def test_a_step_that_comes_twice_has_its_place_behind_its_name():
    events = """
        user_id | account_id | event  | at
        eve     | a2         | opened | 2026-01-05 09:00
        fay     | a2         | saved  | 2026-01-05 10:00
        eve     | a2         | saved  | 2026-01-05 11:00
    """
    assert told(friction.roles(opened(events=events), "twice")) == {
        ("opened", "owner"): 1,
        ("saved", "invitee"): 1,
        ("saved (3)", "owner"): 1,
    }


@pytest.mark.parametrize(
    ("id", "drawn", "reason"),
    [
        ("alone", NAMED, "`alone` is counted by `steps`: roles need the steps of accounts."),
        ("fast", {}, "`fast` is counted by `reached_within`: roles need the steps of accounts."),
        ("gone", {}, "Small declares no question `gone`."),
        (
            "way",
            {"users": "user_id | account_id\nann | a1"},
            "Who owns an account cannot be told: no table maps `signed_up_at` of users.",
        ),
    ],
)
def test_what_has_no_roles_says_why(id, drawn, reason):
    found = friction.roles(opened(**drawn), id)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)
    without = small.run(questions=QUESTIONS, **{"events": EVENTS} | drawn)
    assert isinstance(friction.roles(without, id), Unavailable)


def test_where_nothing_says_who_was_invited_the_definition_does():
    users = "user_id | account_id | signed_up_at\neve | a2 | 2026-01-05 09:00"
    found = friction.roles(opened(users=users), "way")
    assert dict(found.definition)["who"].endswith("nothing says who was invited")
    assert ("saved", "other member") in told(found)


def test_nobody_has_no_roles_and_the_views_say_so():
    run = small.run(
        questions=QUESTIONS,
        events=EVENTS,
        users=USERS,
        period=("2026-01-20", "2026-01-21", "2026-01-31"),
    )
    found = friction.roles(run, "way")
    assert found.rows == []
    assert "Nobody" in findings.mix(found, "accounts").text
    assert charts.of(found, title="Who").reason == charts.NOTHING


def test_in_the_sample_company_members_save_what_owners_verify(airtouch):
    found = friction.roles(airtouch, "path_to_value_account")
    steps = {row["step"]: row["n"] for row in friction.answer(airtouch, found.question[:-6]).rows}
    shares = {(row["step"], row["label"]): row["share"] for row in found.rows}
    totals = {row["step"]: row["total"] for row in found.rows}
    assert totals == steps
    assert shares["account_created", "nobody named"] == 1
    # The owner is there first; colleagues come later, and are the ones who build.
    assert shares["email_verified", "owner"] > 0.9
    assert shares["workflow_saved", "owner"] < 0.7
    assert ("workflow_saved", "other member") not in shares
