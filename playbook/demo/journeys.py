"""What each person does of their own accord or because of a play, from signing up on."""

from __future__ import annotations

import numpy as np

from playbook.demo.draws import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    Columns,
    between,
    pick_value,
    planted,
    repeated,
    stack,
)
from playbook.demo.people import NOT_SO, by_acquisition, by_persona
from playbook.demo.plays import HOLDOUT, PLAYS, TREATED, arms, moments, triggered
from playbook.demo.truth import INTENTS, PERSONAS, TRUTH

HABITS = TRUTH["habits"]
GUIDES = ("organic_engineer_guide_into", "organic_engineer_guide_out")
LOCKED_AFTER = 48 * HOUR


def journeys(rng: np.random.Generator, people: Columns, block: int) -> dict[str, Columns]:
    """What people do: one row per draft, connection and invitation, with `by` and `at` (ms).

    `by` is a position in `people`, which gets a column with the first time of each event that a
    play names (NEVER where it does not happen). Bots do nothing.
    """
    arm = {slug: arms(slug, people, block) for slug in PLAYS}
    people |= arm
    drafts = [_first_day(rng, people)]
    _first_connections(rng, people)
    guided = np.zeros(len(people["created"]), bool)
    for slug in GUIDES:
        reached = triggered(slug, people)
        guided |= reached
        drafts.append(_guided(rng, people, slug, reached, arm[slug]))
    drafts.append(_first_fortnight(rng, people, ~guided))
    _later_connections(rng, people)
    drafts.append(_late_start(rng, people))
    _verify_late(rng, people, arm["unverified_tutorial"])
    _look_around(rng, people, arm)
    _invite(rng, people, arm)
    drafts.append(_further_drafts(rng, people))
    return {
        "drafts": stack(drafts),
        "connections": _connections(people, drafts[-1]),
        "invitations": _invitations(rng, people, guided),
    }


def saved_share(people: Columns) -> np.ndarray:
    """The share of each person's drafts that end in a saved workflow."""
    shares = TRUTH["draft_saved"]
    table = [
        [shares[p][i] if isinstance(shares[p], dict) else shares[p] for i in INTENTS]
        for p in PERSONAS
    ]
    return np.array(table)[people["persona"], people["intent"]]


def _draft(rng: np.random.Generator, people: Columns, by: np.ndarray, at: np.ndarray) -> Columns:
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


def _first_day(rng: np.random.Generator, people: Columns) -> Columns:
    """The drafts of the first 24 hours: none, one or two, so that the planted shares come out.

    With s the share of drafts saved, b the share of starters with two drafts and a of starters,
    P(saved) = a (s + b s (1 - s)) and P(saved twice | saved) = b s / (1 + b (1 - s)).
    """
    n, s = len(people["created"]), saved_share(people)
    people["workflow_saved"] = np.full(n, NEVER)
    people["first_saved_draft"] = np.full(n, NEVER)
    twice = by_persona(TRUTH["second_workflow_within_24h"], people["persona"])
    two = twice / (s - twice * (1 - s))
    share = _given_lock(
        people,
        by_persona(TRUTH["first_workflow_within_24h"], people["persona"]),
        TRUTH["unverified_in_48h"]["workflow_saved"],
    )
    whim = np.where(rng.random(n) < HABITS["eagerness_counts"], people["eager"], rng.random(n))
    starts = ~people["bot"] & (whim < share / (s + two * s * (1 - s)))
    has_two = starts & (rng.random(n) < two)
    delay = between(rng, 3 * MINUTE, np.where(has_two, 9 * HOUR, 18 * HOUR), n, early=2)
    delay += np.where(_waits_for_colleague(people), 90 * MINUTE, 0)
    first, second = np.flatnonzero(starts), np.flatnonzero(has_two)
    again = between(rng, delay[second] + 3 * HOUR, 20 * HOUR, len(second))
    by = np.concatenate([first, second])
    at = people["created"][by] + np.concatenate([delay[first], again])
    return _draft(rng, people, by, at)


def _given_lock(people: Columns, share: np.ndarray, locked_share: float) -> np.ndarray:
    """Each person's probability: `locked_share` for those who stay unverified for 48 hours, and
    for the others what makes `share` come out over all."""
    verified = by_acquisition(TRUTH["verified_within_48h"], people["organic"])
    others = (share - (1 - verified) * locked_share) / verified
    return np.where(people["locked"], locked_share, np.maximum(others, 0.0))


def _waits_for_colleague(people: Columns) -> np.ndarray:
    waiting = [PERSONAS.index("sales"), PERSONAS.index("marketing")]
    return people["organic"] & np.isin(people["persona"], waiting)


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


def _guided(
    rng: np.random.Generator, people: Columns, slug: str, reached: np.ndarray, arm: np.ndarray
) -> Columns:
    """Drafts in the goal window of an in-app guide for organic data engineers."""
    chosen = np.zeros(len(reached), bool)
    for group, goals in _goals(people, slug, reached, arm):
        share = saved_share(people)[group].min(initial=1)
        chosen |= planted(rng, group & ~people["locked"], goals / share)
    rows = np.flatnonzero(chosen)
    hours = PLAYS[slug]["goal_within_hours"] * HOUR
    moment = moments(slug, people)[rows]
    return _draft(rng, people, rows, moment + between(rng, HOUR // 2, hours - 4 * HOUR, len(rows)))


def _goals(
    people: Columns, slug: str, reached: np.ndarray, arm: np.ndarray
) -> list[tuple[np.ndarray, float]]:
    """Groups of people that a play reached, by arm and persona, and the goals expected of each."""
    play, groups = PLAYS[slug], []
    for persona in range(len(PERSONAS)):
        for which in (HOLDOUT, TREATED):
            group = reached & (arm == which) & (people["persona"] == persona)
            base, effect = (_of(play[name], PERSONAS[persona]) for name in ("base", "effect"))
            groups.append((group, (base + effect * (which == TREATED)) * group.sum()))
    return groups


def _of(value: float | dict, persona: str) -> float:
    return value.get(persona, 0.0) if isinstance(value, dict) else value


def _first_fortnight(rng: np.random.Generator, people: Columns, free: np.ndarray) -> Columns:
    """First drafts from 24 hours to 14 days after signing up, of those whom no guide reached."""
    n, s, saved = len(people["created"]), saved_share(people), people["workflow_saved"] < NEVER
    eligible = free & ~people["locked"] & ~saved
    later = by_persona(HABITS["first_workflow_later"], people["persona"])
    starts = eligible & people["organic"] & (rng.random(n) < later / s)
    for persona, truth in enumerate(TRUTH["invited_in_14_days"].values()):
        for intent in range(len(INTENTS)):
            group = (people["persona"] == persona) & (people["intent"] == intent)
            group &= ~people["organic"]
            missing = truth["workflows_too"] * group.sum() - (group & saved).sum()
            share = s[group].min(initial=1)
            starts |= planted(rng, group & eligible, missing / share)
    by = np.flatnonzero(starts)
    delay = between(rng, 24 * HOUR + HOUR // 2, 14 * DAY - 4 * HOUR, len(by), early=2)
    return _draft(rng, people, by, people["created"][by] + delay)


def _later_connections(rng: np.random.Generator, people: Columns) -> None:
    """Connections after the first 24 hours: shortly before the first saved draft, or alone."""
    n, saved = len(people["created"]), people["workflow_saved"] < NEVER
    connected = people["connection_created"] < NEVER
    before = people["first_saved_draft"] - between(rng, 2 * MINUTE, 20 * MINUTE, n)
    eligible = ~people["locked"] & ~saved & ~connected
    alone = eligible & people["organic"] & (rng.random(n) < HABITS["connection_later"])
    for persona, truth in enumerate(TRUTH["invited_in_14_days"].values()):
        group = (people["persona"] == persona) & ~people["organic"]
        have = (group & connected & ~saved).sum()
        alone |= planted(rng, group & eligible, truth["connections_only"] * group.sum() - have)
    later = people["created"] + between(rng, 25 * HOUR, 13 * DAY, n, early=2)
    late = np.where(saved, before, np.where(alone, later, NEVER))
    people["connection_created"] = np.where(connected, people["connection_created"], late)


def _late_start(rng: np.random.Generator, people: Columns) -> Columns:
    """First drafts after 14 days, of people who have saved nothing so far."""
    n = len(people["created"])
    share = HABITS["first_workflow_after_14d"] / saved_share(people)
    eligible = ~people["locked"] & (people["workflow_saved"] == NEVER)
    by = np.flatnonzero(eligible & (rng.random(n) < share))
    drafts = _draft(
        rng, people, by, people["created"][by] + between(rng, 15 * DAY, 60 * DAY, len(by))
    )
    before = people["first_saved_draft"][by] - 10 * MINUTE
    connected = people["connection_created"][by]
    people["connection_created"][by] = np.where(
        (connected == NEVER) & (drafts["saved_at"] < NEVER), before, connected
    )
    return drafts


def _verify_late(rng: np.random.Generator, people: Columns, arm: np.ndarray) -> None:
    """Verifies some of those who have not done so in 48 hours; the tutorial helps."""
    slug = "unverified_tutorial"
    people["email_verified"] = people["verified"]
    reached, n = triggered(slug, people), len(arm)
    could = people["unverified"] == NOT_SO
    play = PLAYS[slug]
    soon = np.zeros(n, bool)
    for which in (HOLDOUT, TREATED):
        group = reached & (arm == which)
        goals = (play["base"] + play["effect"] * (which == TREATED)) * group.sum()
        soon |= planted(rng, group & could, goals - (group & ~people["locked"]).sum())
    late = could & ~soon & (rng.random(n) < TRUTH["unverified_verifies_later"])
    on_third_day = people["created"] + between(rng, 48 * HOUR + 10 * MINUTE, 71 * HOUR, n)
    any_day = people["created"] + between(rng, 73 * HOUR, 20 * DAY, n)
    people["verified"] = np.where(soon, on_third_day, np.where(late, any_day, people["verified"]))
    people["email_verified"] = people["verified"]


def _look_around(rng: np.random.Generator, people: Columns, arm: dict[str, np.ndarray]) -> None:
    """Opens the documentation and joins the community."""
    n = len(people["created"])
    slug = "invited_engineer_docs"
    opens = ~people["bot"] & (rng.random(n) < HABITS["docs_opened_72h"])
    for group, goals in _goals(people, slug, triggered(slug, people), arm[slug]):
        opens = np.where(group, planted(rng, group, goals), opens)
    at = people["created"] + between(rng, 6 * MINUTE, 46 * HOUR, n, early=2)
    people["docs_opened"] = np.where(opens, at, NEVER)
    slug = "invited_engineer_community"
    joins = ~people["locked"] & (rng.random(n) < HABITS["community_joined_7d"])
    for group, goals in _goals(people, slug, triggered(slug, people), arm[slug]):
        joins = np.where(group, planted(rng, group & ~people["locked"], goals), joins)
    at = moments(slug, people) + between(rng, HOUR // 2, 160 * HOUR, n, early=2)
    people["community_joined"] = np.where(joins, at, NEVER)


def _invite(rng: np.random.Generator, people: Columns, arm: dict[str, np.ndarray]) -> None:
    """When each person first invites a colleague, before the first workflow or after it."""
    n, created = len(people["created"]), people["created"]
    waits = _waits_for_colleague(people)
    rates = TRUTH["invites_before_workflow"]
    share = np.where(
        people["organic"],
        by_persona(rates["organic"], people["persona"]),
        by_persona(rates["invited"], people["persona"]),
    )
    locked_share = TRUTH["unverified_in_48h"]["colleague_invited"]
    share = _given_lock(people, share, locked_share)
    first = ~people["bot"] & ~waits & (rng.random(n) < share)
    at = _before_workflow(rng, people, np.full(n, 2 * MINUTE), 13 * DAY)
    people["colleague_invited"] = np.where(first, at, NEVER)
    _invite_organic(rng, people, arm, waits)
    saved = people["workflow_saved"]
    after = (saved < NEVER) & ~people["locked"] & (people["colleague_invited"] == NEVER)
    after &= rng.random(n) < HABITS["invites_after_workflow"]
    floor = np.where(waits, created + 15 * DAY, 0)
    at = np.maximum(np.minimum(saved, NEVER // 2), floor) + between(rng, HOUR, 25 * DAY, n, early=2)
    people["colleague_invited"] = np.where(after, at, people["colleague_invited"])


def _before_workflow(
    rng: np.random.Generator, people: Columns, low: np.ndarray, high: int
) -> np.ndarray:
    """Times after signing up, before the first saved workflow and while unlocked."""
    high = np.minimum(high, people["workflow_saved"] - people["created"] - MINUTE)
    high = np.where(people["locked"], np.minimum(high, LOCKED_AFTER - HOUR), high)
    return people["created"] + between(rng, low, high, len(low), early=2)


def _invite_organic(
    rng: np.random.Generator, people: Columns, arm: dict[str, np.ndarray], waits: np.ndarray
) -> None:
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
    for group, goals in _goals(people, guide, triggered(guide, people), arm[guide]):
        invites |= planted(rng, group & ~locked, goals - (group & chosen).sum())
    at = _before_workflow(rng, people, np.full(n, 76 * MINUTE), 70 * HOUR)
    people["colleague_invited"] = np.where(invites, at, people["colleague_invited"])
    slug = "sales_marketing_welcome"
    eligible = (people["colleague_invited"] == NEVER) & ~locked
    eligible &= people["workflow_saved"] > people["created"] + 75 * HOUR
    late = np.zeros(n, bool)
    for which in (HOLDOUT, TREATED):
        group = arm[slug] == which
        share = PLAYS[slug]["late_base"] + PLAYS[slug]["effect"] * (which == TREATED)
        late |= planted(rng, group & eligible, share * group.sum())
    at = _before_workflow(rng, people, np.full(n, 74 * HOUR), 166 * HOUR)
    people["colleague_invited"] = np.where(late, at, people["colleague_invited"])


def _further_drafts(rng: np.random.Generator, people: Columns) -> Columns:
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
    return _draft(rng, people, by, at)


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


def _invitations(rng: np.random.Generator, people: Columns, guided: np.ndarray) -> Columns:
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
