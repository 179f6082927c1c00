"""How the log arrives: with small delays, and with every planted defect where it is asked for."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, stack, take
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER, SECOND, SPAN
from playbook.airtouch.sessions import CODE, EVENTS, entries
from playbook.airtouch.truth import START, TRUTH

DEFECTS = TRUTH["defects"]
RENAMED = len(EVENTS)
VERSIONS = tuple(TRUTH["app_versions"])
WENT_LIVE = np.array([week * 7 * DAY for week in TRUTH["app_versions"].values()])
ON_SERVERS = (
    *("signed_up", "email_verified", "invitation_accepted", "workflow_ran", "workflow_failed"),
)
# 1970-01-01 is this long before START, and the other impossible day this long after END.
TO_1970 = int((START - START.replace(year=1970, month=1, day=1)).total_seconds()) * SECOND
FAR_AHEAD = SPAN + 400 * DAY


def with_envelope(rng: np.random.Generator, events: Columns, people: Columns) -> Columns:
    """The log with its envelope: `id`, `occurred`, `sent`, `received`, `web`, `version`,
    `anonymous`, `account` and `bot`, all as they should be."""
    events = take(events, np.lexsort((events["event"], events["at"])))
    n, at, by = len(events["at"]), events["at"], events["by"]
    web = ~np.isin(events["event"], [CODE[name] for name in ON_SERVERS])
    sent = at + between(rng, 50, 3 * SECOND, n, early=2)
    bot = people["bot"][by]
    return events | {
        "id": np.arange(n),
        "occurred": at,
        "sent": np.where(web, sent, NEVER),
        "received": np.where(web, sent, at) + between(rng, 30, 1500, n, early=2),
        "web": web,
        "version": np.where(web, np.searchsorted(WENT_LIVE, at, side="right") - 1, -1),
        "anonymous": np.where(web, by, -1),
        "account": people["account"][by],
        "bot": bot,
    }


def with_defects(rng: np.random.Generator, events: Columns, people: Columns) -> Columns:
    """The log with every defect of TRUTH."""
    events = stack([events, _before_signing_up(rng, events, people)])
    n, web, at = len(events["at"]), events["web"], events["at"]
    _late(rng, events)
    skewed = rng.random(len(people["created"])) < DEFECTS["skewed_clocks"]
    ahead = np.where(rng.random(len(skewed)) < 0.5, 1, -1)
    off = np.where(skewed, ahead * between(rng, 2 * HOUR, 26 * HOUR, len(skewed)), 0)
    off = np.where(web, off[np.where(web, events["anonymous"], 0)], 0)
    for name in ("occurred", "sent"):
        events[name] = np.where(events[name] < NEVER, events[name] + off, NEVER)
    _impossible_times(rng, events)
    unlinked = (events["event"] == CODE["workflow_ran"]) & (
        rng.random(n) < DEFECTS["unlinked_runs"]
    )
    events["account"] = np.where(unlinked, -1, events["account"])
    renamed = events["event"] == CODE[DEFECTS["renamed"]["from"]]
    renamed &= at >= DEFECTS["renamed"]["after_weeks"] * 7 * DAY
    events["event"] = np.where(renamed, RENAMED, events["event"]).astype(np.int8)
    broken = VERSIONS.index(DEFECTS["direction_missing_from_version"])
    saved = (events["event"] == CODE["workflow_saved"]) & (events["version"] >= broken)
    events["direction"] = np.where(saved, -1, events["direction"])
    again = np.flatnonzero(rng.random(n) < DEFECTS["duplicates"])
    copies = take(events, again[events["received"][again] < SPAN - 3 * MINUTE])
    copies["received"] += between(rng, SECOND, 2 * MINUTE, len(copies["at"]))
    return stack([events, copies])


def _before_signing_up(rng: np.random.Generator, events: Columns, people: Columns) -> Columns:
    """Page views of organic people before they sign up, known by their browser alone."""
    organic = people["organic"] & ~people["bot"] & (people["created"] > HOUR)
    share = DEFECTS["anonymous_first_view"]
    seen = np.flatnonzero(organic & (rng.random(len(organic)) < share))
    at = people["created"][seen] - between(rng, 5 * SECOND, 6 * MINUTE, len(seen))
    table = with_envelope(rng, entries("page_viewed", seen, at), people)
    table["id"] += len(events["id"])
    return table | {"by": np.full(len(seen), -1), "account": np.full(len(seen), -1)}


def _late(rng: np.random.Generator, events: Columns) -> None:
    """Rows that a device or a queue held back for 1 to 72 hours."""
    n = len(events["at"])
    held = between(rng, HOUR, 72 * HOUR, n, early=2)
    late = rng.random(n) < DEFECTS["late_arrivals"]
    late &= events["received"] + held < SPAN - 3 * MINUTE
    for name in ("received", "sent"):
        chosen = late & (events[name] < NEVER)
        events[name] = np.where(chosen, events[name] + held, events[name])


def _impossible_times(rng: np.random.Generator, events: Columns) -> None:
    """A handful of page views in 1970 or far beyond END."""
    views = np.flatnonzero((events["event"] == CODE["page_viewed"]) & ~events["bot"])
    if len(views) == 0:
        return
    chosen = views[rng.integers(0, len(views), DEFECTS["impossible_times"])]
    moved = np.where(np.arange(len(chosen)) % 2, FAR_AHEAD, -TO_1970)
    events["occurred"][chosen] = events["sent"][chosen] = moved
