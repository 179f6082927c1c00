"""What saved workflows do: they run, fail and get deleted, from the first run of the account on."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.draws import Columns, between, pick_value, planted, repeated, stack, take
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, NEVER, SPAN
from playbook.airtouch.sessions import MARGIN, possible_rows
from playbook.airtouch.truth import TRUTH

HABITS = TRUTH["habits"]
ERRORS = ("timeout", "permission denied", "schema changed", "rate limited")


def workflows(rng: np.random.Generator, people: Columns, drafts: Columns) -> Columns:
    """One row per saved workflow: `draft`, `by`, `saved_at`, `starts` and `ends` running (ms)."""
    draft = np.flatnonzero(drafts["saved_at"] < SPAN)
    by, saved_at = drafts["by"][draft], drafts["saved_at"][draft]
    n = len(draft)
    account = people["account"][by]
    first, first_run = _first_runs(rng, people, by, saved_at)
    starts = np.maximum(
        saved_at + between(rng, 5 * MINUTE, 3 * DAY, n, early=3),
        np.minimum(first_run[account], NEVER // 2) + between(rng, MINUTE, 2 * HOUR, n),
    )
    runs = rng.random(n) >= HABITS["workflow_never_runs"]
    starts = np.where(runs & (first_run[account] < NEVER), starts, NEVER)
    has_first = np.flatnonzero(first_run < NEVER)
    starts[first[has_first]] = first_run[has_first]
    life = DAY * pick_value(rng, HABITS["workflow_lifetime_days"], n).astype(np.int64)
    life = life // 2 + between(rng, 0, life, n)
    every = HOUR * pick_value(rng, HABITS["run_every_hours"], n).astype(np.int64)
    return {
        "draft": draft,
        "by": by,
        "saved_at": saved_at,
        "starts": starts,
        "ends": starts + life,
        "every": every,
    }


def runs(rng: np.random.Generator, table: Columns) -> Columns:
    """One row per run: `workflow`, `at` and `error` (a position in ERRORS, or -1)."""
    ends = np.minimum(table["ends"], SPAN)
    times = np.maximum(-(-(ends - table["starts"]) // table["every"]), 0)
    workflow, rank = repeated(np.where(table["starts"] < SPAN, times, 0))
    n, every = len(workflow), table["every"][workflow]
    jitter = np.where(rank == 0, 0, between(rng, 0, every // 5, n))
    fails = (rank > 0) & (rng.random(n) < HABITS["run_failed"])
    return {
        "workflow": workflow,
        "at": table["starts"][workflow] + rank * every + jitter,
        "error": np.where(fails, rng.integers(0, len(ERRORS), n), -1),
    }


def deletions(rng: np.random.Generator, people: Columns, table: Columns) -> Columns:
    """One row per deleted workflow: `workflow` and `at`."""
    n = len(table["by"])
    gone = (rng.random(n) < HABITS["workflow_deleted"]) & ~people["locked"][table["by"]]
    at = table["ends"] + table["every"] // 5 + between(rng, HOUR, 2 * DAY, n)
    kept = np.flatnonzero(gone & (at < SPAN))
    return {"workflow": kept, "at": at[kept]}


def stored_workflows(
    rng: np.random.Generator, people: Columns, table: Columns, *, defects: bool
) -> Columns:
    """The product's own workflows, by the servers' clock: `number`, `by` and `at`, oldest first."""
    n = len(table["by"])
    saved = {"number": np.arange(n), "by": table["by"], "at": table["saved_at"]}
    saved = possible_rows(people, saved)
    if defects:
        imported = _imported(rng, people, saved)
        imported["number"] = n + np.arange(len(imported["by"]))
        saved = stack([saved, imported])
    return take(saved, np.argsort(saved["at"], kind="stable"))


def _imported(rng: np.random.Generator, people: Columns, saved: Columns) -> Columns:
    """Workflows that people imported through the API, of which the log knows nothing."""
    able = take(saved, ~people["locked"][saved["by"]])
    n = int(TRUTH["defects"]["workflows_without_event"] * len(saved["by"]) + rng.random())
    n = min(n, len(able["by"]))
    # Whoever saves workflows imports others, within a month.
    table = take(able, (rng.random(n) * len(able["by"])).astype(np.int64))
    latest = np.minimum(table["at"] + 30 * DAY, SPAN - MARGIN)
    return table | {"at": between(rng, table["at"], latest, n)}


def _first_runs(
    rng: np.random.Generator, people: Columns, by: np.ndarray, saved_at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Per account: which workflow runs first (-1: none does), and when (NEVER).

    Saving decides who can run; which of those do so in time is drawn so that the planted shares
    come out over all accounts. People who stay unverified can only run on their first day.
    """
    owners = people["inviter"] < 0
    created, human = people["created"][owners], ~people["bot"][owners]
    account, n = people["account"][by], int(human.sum())
    anyone = _first_saved(account, saved_at, len(created))
    verified = np.where(people["locked"][by], NEVER, saved_at)
    lasting = _first_saved(account, verified, len(created))
    truth = TRUTH["account_first_run"]
    first, at = np.full(len(created), -1), np.full(len(created), NEVER)
    for share, (workflow, saved), low, high in (
        (truth["within_24h"], anyone, 0, 24 * HOUR),
        (truth["24h_to_72h"], lasting, 24 * HOUR, 72 * HOUR),
        (truth["72h_to_30d"], lasting, 72 * HOUR, 30 * DAY),
        (HABITS["account_first_run_after_30d"], lasting, 30 * DAY, 60 * DAY),
    ):
        can = (at == NEVER) & (saved < created + high - HOUR // 2) & human
        chosen = planted(rng, can, share * n)
        soonest = np.maximum(saved, created + low) + 2 * MINUTE
        when = between(rng, soonest, created + high - MINUTE, len(created), early=2)
        at, first = np.where(chosen, when, at), np.where(chosen, workflow, first)
    return first, at


def _first_saved(
    account: np.ndarray, saved_at: np.ndarray, accounts: int
) -> tuple[np.ndarray, np.ndarray]:
    """Per account: its first saved workflow (-1: none) and when that was saved (NEVER)."""
    first, at = np.full(accounts, -1), np.full(accounts, NEVER)
    order = np.argsort(saved_at, kind="stable")[::-1]
    order = order[saved_at[order] < NEVER]
    first[account[order]], at[account[order]] = order, saved_at[order]
    return first, at
