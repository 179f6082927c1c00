"""What each person does of their own accord or because of a play, from signing up on."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.drafts import (
    first_day,
    first_fortnight,
    further_drafts,
    guide_starts,
    late_start,
)
from playbook.airtouch.draws import Columns, between, planted, stack
from playbook.airtouch.invitations import invitations, invite
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER
from playbook.airtouch.people import NOT_SO, by_persona
from playbook.airtouch.plays import (
    HOLDOUT,
    PLAYS,
    TREATED,
    arms_of_play,
    goals,
    moments,
    reached_people,
)
from playbook.airtouch.truth import PERSONAS, TRUTH

HABITS = TRUTH["habits"]
GUIDES = ("organic_engineer_guide_into", "organic_engineer_guide_out")


def journeys(rng: np.random.Generator, people: Columns, block: int) -> dict[str, Columns]:
    """What people do: one row per draft, connection and invitation, with `by` and `at` (ms).

    `by` is a position in `people`, which gets a column with the first time of each event that a
    play names (NEVER where it does not happen). Bots do nothing.
    """
    people |= {slug: arms_of_play(slug, people, block) for slug in PLAYS}
    drafts = [first_day(rng, people)]
    _first_connections(rng, people)
    shown = np.zeros(len(people["created"]), bool)
    for slug in GUIDES:
        reached = reached_people(slug, people)
        shown |= reached
        drafts.append(guide_starts(rng, people, slug, reached))
    drafts.append(first_fortnight(rng, people, ~shown))
    _later_connections(rng, people)
    drafts.append(late_start(rng, people))
    _verify_late(rng, people)
    _look_around(rng, people)
    invite(rng, people)
    drafts.append(further_drafts(rng, people))
    return {
        "drafts": stack(drafts),
        "connections": _connections(people, drafts[-1]),
        "invitations": invitations(rng, people, shown),
    }


def _first_connections(rng: np.random.Generator, people: Columns) -> None:
    """Connections of the first 24 hours: before the first saved draft, or on their own."""
    created, n = people["created"], len(people["created"])
    saved = people["workflow_saved"] < NEVER
    before = created + between(
        rng, MINUTE, np.where(saved, people["first_saved_draft"] - created, 0), n
    )
    truth = TRUTH["unverified_in_48h"]
    locked_only = (truth["connection_created"] - truth["workflow_saved"]) / (
        1 - truth["workflow_saved"]
    )
    only = np.where(
        people["locked"],
        locked_only,
        by_persona(HABITS["connection_only_24h"], people["persona"]),
    )
    connects = ~people["bot"] & (rng.random(n) < only)
    alone = created + between(rng, 4 * MINUTE, 23 * HOUR, n, early=2)
    people["connection_created"] = np.where(saved, before, np.where(connects, alone, NEVER))


def _later_connections(rng: np.random.Generator, people: Columns) -> None:
    """Connections after the first 24 hours: shortly before the first saved draft, or alone."""
    n, saved = len(people["created"]), people["workflow_saved"] < NEVER
    connected = people["connection_created"] < NEVER
    before = people["first_saved_draft"] - between(rng, 2 * MINUTE, 20 * MINUTE, n)
    eligible = ~people["locked"] & ~saved & ~connected
    alone = eligible & people["organic"] & (rng.random(n) < HABITS["connection_later"])
    for persona, name in enumerate(PERSONAS):
        truth = TRUTH["invited_in_14_days"][name]
        group = (people["persona"] == persona) & ~people["organic"]
        have = (group & connected & ~saved).sum()
        alone |= planted(rng, group & eligible, truth["connections_only"] * group.sum() - have)
    later = people["created"] + between(rng, 25 * HOUR, 13 * DAY, n, early=2)
    late = np.where(saved, before, np.where(alone, later, NEVER))
    people["connection_created"] = np.where(connected, people["connection_created"], late)


def _connections(people: Columns, further: Columns) -> Columns:
    """Every connection: the first of each person, and one before every fourth further draft."""
    first = np.flatnonzero(people["connection_created"] < NEVER)
    more = slice(None, None, 4)
    return {
        "by": np.concatenate([first, further["by"][more]]),
        "at": np.concatenate(
            [people["connection_created"][first], further["at"][more] - 4 * MINUTE]
        ),
    }


def _verify_late(rng: np.random.Generator, people: Columns) -> None:
    """Verifies some of those who have not done so in 48 hours; the tutorial helps."""
    slug = "unverified_tutorial"
    people["email_verified"] = people["verified"]
    reached, n = reached_people(slug, people), len(people["created"])
    could = people["unverified"] == NOT_SO
    play = PLAYS[slug]
    soon = np.zeros(n, bool)
    for which in (HOLDOUT, TREATED):
        group = reached & (people[slug] == which)
        goals = (play["base"] + play["effect"] * (which == TREATED)) * group.sum()
        soon |= planted(rng, group & could, goals - (group & ~people["locked"]).sum())
    late = could & ~soon & (rng.random(n) < TRUTH["unverified_verifies_later"])
    on_third_day = people["created"] + between(rng, 48 * HOUR + 10 * MINUTE, 71 * HOUR, n)
    any_day = people["created"] + between(rng, 73 * HOUR, 20 * DAY, n)
    people["verified"] = np.where(soon, on_third_day, np.where(late, any_day, people["verified"]))
    people["email_verified"] = people["verified"]


def _look_around(rng: np.random.Generator, people: Columns) -> None:
    """Opens the documentation and joins the community."""
    n = len(people["created"])
    slug = "invited_engineer_docs"
    opens = ~people["bot"] & (rng.random(n) < HABITS["docs_opened_72h"])
    for group, expected in goals(people, slug, reached_people(slug, people)):
        opens = np.where(group, planted(rng, group, expected), opens)
    at = people["created"] + between(rng, 6 * MINUTE, 46 * HOUR, n, early=2)
    people["docs_opened"] = np.where(opens, at, NEVER)
    slug = "invited_engineer_community"
    joins = ~people["locked"] & (rng.random(n) < HABITS["community_joined_7d"])
    for group, expected in goals(people, slug, reached_people(slug, people)):
        joins = np.where(group, planted(rng, group & ~people["locked"], expected), joins)
    at = moments(slug, people) + between(rng, HOUR // 2, 160 * HOUR, n, early=2)
    people["community_joined"] = np.where(joins, at, NEVER)
