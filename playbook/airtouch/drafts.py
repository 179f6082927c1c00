"""The workflows that people start, and which of them they save."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, pick_value, planted, repeated
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER
from playbook.airtouch.people import by_persona, given_lock, waits_for_colleague
from playbook.airtouch.plays import PLAYS, goals, moments
from playbook.airtouch.truth import INTENTS, PERSONAS, TRUTH

HABITS = TRUTH["habits"]


def first_day(rng: np.random.Generator, people: Columns) -> Columns:
    """The drafts of the first 24 hours: none, one or two, so that the planted shares come out.

    With s the share of drafts saved, b the share of starters with two drafts and a of starters,
    P(saved) = a (s + b s (1 - s)) and P(saved twice | saved) = b s / (1 + b (1 - s)).
    """
    n, s = len(people["created"]), saved_share(people)
    people["workflow_saved"] = np.full(n, NEVER)
    people["first_saved_draft"] = np.full(n, NEVER)
    twice = by_persona(TRUTH["second_workflow_within_24h"], people["persona"])
    two = twice / (s - twice * (1 - s))
    share = given_lock(
        people,
        by_persona(TRUTH["first_workflow_within_24h"], people["persona"]),
        TRUTH["unverified_in_48h"]["workflow_saved"],
    )
    whim = np.where(rng.random(n) < HABITS["eagerness_counts"], people["eager"], rng.random(n))
    starts = ~people["bot"] & (whim < share / (s + two * s * (1 - s)))
    has_two = starts & (rng.random(n) < two)
    delay = between(rng, 3 * MINUTE, np.where(has_two, 9 * HOUR, 18 * HOUR), n, early=2)
    delay += np.where(waits_for_colleague(people), 90 * MINUTE, 0)
    first, second = np.flatnonzero(starts), np.flatnonzero(has_two)
    again = between(rng, delay[second] + 3 * HOUR, 20 * HOUR, len(second))
    by = np.concatenate([first, second])
    at = people["created"][by] + np.concatenate([delay[first], again])
    return _drafts(rng, people, by, at)


def guide_starts(
    rng: np.random.Generator, people: Columns, slug: str, reached: np.ndarray
) -> Columns:
    """Drafts in the goal window of an in-app guide for organic data engineers."""
    chosen = np.zeros(len(reached), bool)
    for group, expected in goals(people, slug, reached):
        share = saved_share(people)[group].min(initial=1)
        chosen |= planted(rng, group & ~people["locked"], expected / share)
    rows = np.flatnonzero(chosen)
    hours = PLAYS[slug]["goal_within_hours"] * HOUR
    moment = moments(slug, people)[rows]
    return _drafts(rng, people, rows, moment + between(rng, HOUR // 2, hours - 4 * HOUR, len(rows)))


def first_fortnight(rng: np.random.Generator, people: Columns, free: np.ndarray) -> Columns:
    """First drafts from 24 hours to 14 days after signing up, of those whom no guide reached."""
    n, s, saved = len(people["created"]), saved_share(people), people["workflow_saved"] < NEVER
    eligible = free & ~people["locked"] & ~saved
    later = by_persona(HABITS["first_workflow_later"], people["persona"])
    starts = eligible & people["organic"] & (rng.random(n) < later / s)
    for persona, name in enumerate(PERSONAS):
        truth = TRUTH["invited_in_14_days"][name]
        for intent in range(len(INTENTS)):
            group = (people["persona"] == persona) & (people["intent"] == intent)
            group &= ~people["organic"]
            missing = truth["workflows_too"] * group.sum() - (group & saved).sum()
            share = s[group].min(initial=1)
            starts |= planted(rng, group & eligible, missing / share)
    by = np.flatnonzero(starts)
    delay = between(rng, 24 * HOUR + HOUR // 2, 14 * DAY - 4 * HOUR, len(by), early=2)
    return _drafts(rng, people, by, people["created"][by] + delay)


def late_start(rng: np.random.Generator, people: Columns) -> Columns:
    """First drafts after 14 days, of people who have saved nothing so far."""
    n = len(people["created"])
    share = HABITS["first_workflow_after_14d"] / saved_share(people)
    eligible = ~people["locked"] & (people["workflow_saved"] == NEVER)
    by = np.flatnonzero(eligible & (rng.random(n) < share))
    drafts = _drafts(
        rng, people, by, people["created"][by] + between(rng, 15 * DAY, 60 * DAY, len(by))
    )
    before = people["first_saved_draft"][by] - 10 * MINUTE
    connected = people["connection_created"][by]
    people["connection_created"][by] = np.where(
        (connected == NEVER) & (drafts["saved_at"] < NEVER), before, connected
    )
    return drafts


def further_drafts(rng: np.random.Generator, people: Columns) -> Columns:
    """The later drafts of people who have saved a workflow."""
    n = len(people["created"])
    people["lifetime"] = DAY * pick_value(rng, HABITS["lifetime_days"], n).astype(np.int64)
    months = people["lifetime"] / (30 * DAY)
    rate = by_persona(HABITS["drafts_a_month"], people["persona"]) * months
    goes_on = (people["workflow_saved"] < NEVER) & ~people["locked"]
    times = np.where(goes_on, np.floor(rate * 2 * rng.random(n) + rng.random(n)), 0)
    by, _ = repeated(times.astype(np.int64))
    since = np.maximum(
        people["created"][by] + 24 * HOUR + 20 * MINUTE, people["workflow_saved"][by] + 3 * HOUR
    )
    at = since + between(rng, 0, people["lifetime"][by], len(by), early=2)
    return _drafts(rng, people, by, at)


def _drafts(rng: np.random.Generator, people: Columns, by: np.ndarray, at: np.ndarray) -> Columns:
    """Drafts, and the first save of whoever saves one; at most 2 h 20 min from start to save."""
    n = len(by)
    later = rng.random(n) < TRUTH["saved_in_a_later_session"]
    at_once = between(rng, 2 * MINUTE, 25 * MINUTE, n)
    back = between(rng, 50 * MINUTE, 140 * MINUTE, n)
    saved = rng.random(n) < saved_share(people)[by]
    saved_at = np.where(saved, at + np.where(later, back, at_once), NEVER)
    started = np.where(saved, at, NEVER)
    np.minimum.at(people["workflow_saved"], by, saved_at)
    np.minimum.at(people["first_saved_draft"], by, started)
    return {"by": by, "at": at, "saved_at": saved_at}


def saved_share(people: Columns) -> np.ndarray:
    """The share of each person's drafts that end in a saved workflow."""
    shares = TRUTH["draft_saved"]
    table = [
        [shares[p][i] if isinstance(shares[p], dict) else shares[p] for i in INTENTS]
        for p in PERSONAS
    ]
    return np.array(table)[people["persona"], people["intent"]]
