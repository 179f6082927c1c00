"""The event log in order: what people did in sessions, with page views, and what servers did."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, pick_value, repeated, stack, take
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER, SECOND, SPAN
from playbook.airtouch.truth import TRUTH

EVENTS = (
    *("signed_up", "session_started", "email_verified", "connection_created"),
    *("connection_tested", "workflow_creation_started", "workflow_saved", "workflow_ran"),
    *("workflow_failed", "workflow_deleted", "colleague_invited", "invitation_accepted"),
    *("docs_opened", "community_joined", "page_viewed"),
)
CODE = {name: code for code, name in enumerate(EVENTS)}
# A position in the table that an id names; -1 is null.
REFERENCES = ("workflow", "draft", "connection", "direction", "invitee", "error")
HABITS = TRUTH["habits"]
IDLE = 30 * MINUTE
MARGIN = 5 * SECOND


def entries(event: str, by: np.ndarray, at: np.ndarray, **references: np.ndarray) -> Columns:
    """Rows of the log: `event`, `by`, `at`, `session` (-1: none) and the references."""
    n = len(by)
    table = {"event": np.full(n, CODE[event], np.int8), "by": by, "at": at}
    table["session"] = np.full(n, -1)
    return table | {name: references.get(name, np.full(n, -1)) for name in REFERENCES}


def possible_rows(people: Columns, table: Columns) -> Columns:
    """The rows that can happen: before END, and not while their person is locked out."""
    by, at = table["by"], table["at"]
    tried = at < people["created"][by] + 48 * HOUR
    return take(table, (at < SPAN - MARGIN) & (tried | (at >= people["verified"][by])))


def page_visits(rng: np.random.Generator, people: Columns) -> Columns:
    """One page view per visit: the one after signing up, and those that bring people back."""
    human = np.flatnonzero(~people["bot"])
    arrival = people["created"][human] + between(rng, SECOND, 20 * SECOND, len(human))
    months = np.where(people["locked"], 0.05, people["lifetime"] / (30 * DAY))
    keen = (1.6 - 1.2 * people["eager"]) * np.where(people["workflow_saved"] < NEVER, 1.0, 0.3)
    expected = HABITS["visits_a_month"] * months * keen
    times = np.floor(expected * 2 * rng.random(len(months)) + rng.random(len(months)))
    by, _ = repeated(np.where(people["bot"], 0, times).astype(np.int64))
    stays = np.where(people["locked"], 40 * HOUR, people["lifetime"])[by]
    later = people["created"][by] + 2 * HOUR + between(rng, 0, stays, len(by), early=2)
    return entries("page_viewed", np.concatenate([human, by]), np.concatenate([arrival, later]))


def in_sessions(
    rng: np.random.Generator, people: Columns, actions: Columns
) -> tuple[Columns, Columns]:
    """The actions in sessions that end after 30 idle minutes, with page views; and the sessions.

    Returns:
        The log's rows (with `session_started`), and one row per session: `by`, `at`, ordered by
        both.
    """
    actions = take(actions, np.lexsort((actions["event"], actions["at"], actions["by"])))
    by, at = actions["by"], actions["at"]
    begins = np.ones(len(by), bool)
    begins[1:] = (by[1:] != by[:-1]) | (at[1:] - at[:-1] >= IDLE)
    actions["session"] = np.cumsum(begins) - 1
    ends = np.ones(len(by), bool)
    ends[:-1] = begins[1:]
    first, last = np.flatnonzero(begins), np.flatnonzero(ends)
    sessions = {"by": by[first], "at": at[first] - between(rng, 200, 900, len(first))}
    started = entries("session_started", sessions["by"], sessions["at"])
    started["session"] = np.arange(len(first))
    pages = _pages(rng, sessions, at[last])
    return stack([actions, started, possible_rows(people, pages)]), sessions


def _pages(rng: np.random.Generator, sessions: Columns, ends: np.ndarray) -> Columns:
    """Page views within sessions and up to 8 minutes after their last action."""
    n = len(ends)
    following = np.full(n, NEVER)
    same = sessions["by"][1:] == sessions["by"][:-1]
    following[:-1] = np.where(same, sessions["at"][1:], NEVER)
    tail = np.clip(following - ends - IDLE - SECOND, 0, 8 * MINUTE)
    session, _ = repeated(pick_value(rng, HABITS["pages_a_session"], n).astype(np.int64))
    begin = sessions["at"][session] + SECOND
    at = between(rng, begin, (ends + tail)[session], len(session))
    table = entries("page_viewed", sessions["by"][session], at)
    table["session"] = session
    return table
