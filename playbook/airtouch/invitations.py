"""Whom people invite to their account, when, and who accepts."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, pick_value, planted, repeated
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER
from playbook.airtouch.people import by_persona, given_lock, waits_for_colleague
from playbook.airtouch.plays import HOLDOUT, PLAYS, TREATED, goals, reached_people
from playbook.airtouch.truth import TRUTH

HABITS = TRUTH["habits"]
LOCKED_AFTER = 48 * HOUR


def invite(rng: np.random.Generator, people: Columns) -> None:
    """When each person first invites a colleague, before the first workflow or after it."""
    n, created = len(people["created"]), people["created"]
    waits = waits_for_colleague(people)
    rates = TRUTH["invites_before_workflow"]
    share = np.where(
        people["organic"],
        by_persona(rates["organic"], people["persona"]),
        by_persona(rates["invited"], people["persona"]),
    )
    locked_share = TRUTH["unverified_in_48h"]["colleague_invited"]
    share = given_lock(people, share, locked_share)
    first = ~people["bot"] & ~waits & (rng.random(n) < share)
    at = _before_workflow(rng, people, np.full(n, 2 * MINUTE), 13 * DAY)
    people["colleague_invited"] = np.where(first, at, NEVER)
    _invite_organic(rng, people, waits)
    saved = people["workflow_saved"]
    after = (saved < NEVER) & ~people["locked"] & (people["colleague_invited"] == NEVER)
    after &= rng.random(n) < HABITS["invites_after_workflow"]
    floor = np.where(waits, created + 15 * DAY, 0)
    at = np.maximum(np.minimum(saved, NEVER // 2), floor) + between(rng, HOUR, 25 * DAY, n, early=2)
    people["colleague_invited"] = np.where(after, at, people["colleague_invited"])


def invitations(rng: np.random.Generator, people: Columns, guided: np.ndarray) -> Columns:
    """One row per invitation: `by`, `at`, `accepted` and when the invitee `joins`."""
    inviters = np.flatnonzero(people["colleague_invited"] < NEVER)
    times = pick_value(rng, HABITS["colleagues_invited"], len(inviters)).astype(np.int64)
    rows, rank = repeated(times)
    by, n = inviters[rows], len(rows)
    wait = np.where(
        rng.random(n) < 0.5, between(rng, 0, 20 * MINUTE, n), between(rng, 0, 20 * DAY, n, early=2)
    )
    at = people["colleague_invited"][by] + np.where(rank == 0, 0, wait)
    open_until = np.where(people["locked"][by], people["created"][by] + LOCKED_AFTER, NEVER)
    joins = at + between(rng, 20 * MINUTE, 6 * DAY, n, early=3)
    # An account that a guide reached stays alone with its owner until the guide's window closes,
    # so that the account and its owner have the same trigger and the same outcome.
    alone = people["created"][by] + between(rng, 98 * HOUR, 110 * HOUR, n)
    joins = np.where(guided[by], np.maximum(joins, alone), joins)
    accepted = rng.random(n) < TRUTH["invited"]["accepted"]
    kept = at < open_until
    table = {"by": by, "at": at, "accepted": accepted, "joins": joins}
    return {name: values[kept] for name, values in table.items()}


def _invite_organic(rng: np.random.Generator, people: Columns, waits: np.ndarray) -> None:
    """Invitations of organic sales and marketing people, for whom there are two plays."""
    n, locked = len(waits), people["locked"]
    truth, guide = TRUTH["organic_inviters"], "sales_marketing_invite_guide"
    early = waits & (rng.random(n) < truth["within_first_hour"])
    at = _before_workflow(rng, people, np.full(n, 4 * MINUTE), 58 * MINUTE)
    people["colleague_invited"] = np.where(early, at, people["colleague_invited"])
    unverified = TRUTH["unverified_in_48h"]["colleague_invited"] - truth["within_first_hour"]
    chosen = waits & locked & ~early
    chosen &= rng.random(n) < unverified / (1 - truth["within_first_hour"])
    invites = chosen.copy()
    for group, expected in goals(people, guide, reached_people(guide, people)):
        invites |= planted(rng, group & ~locked, expected - (group & chosen).sum())
    at = _before_workflow(rng, people, np.full(n, 76 * MINUTE), 70 * HOUR)
    people["colleague_invited"] = np.where(invites, at, people["colleague_invited"])
    slug = "sales_marketing_welcome"
    eligible = (people["colleague_invited"] == NEVER) & ~locked
    eligible &= people["workflow_saved"] > people["created"] + 75 * HOUR
    late = np.zeros(n, bool)
    for which in (HOLDOUT, TREATED):
        group = people[slug] == which
        share = PLAYS[slug]["late_base"] + PLAYS[slug]["effect"] * (which == TREATED)
        late |= planted(rng, group & eligible, share * group.sum())
    at = _before_workflow(rng, people, np.full(n, 74 * HOUR), 166 * HOUR)
    people["colleague_invited"] = np.where(late, at, people["colleague_invited"])


def _before_workflow(
    rng: np.random.Generator, people: Columns, low: np.ndarray, high: int
) -> np.ndarray:
    """Times after signing up, before the first saved workflow and while unlocked."""
    high = np.minimum(high, people["workflow_saved"] - people["created"] - MINUTE)
    high = np.where(people["locked"], np.minimum(high, LOCKED_AFTER - HOUR), high)
    return people["created"] + between(rng, low, high, len(low), early=2)
