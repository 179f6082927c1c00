"""Writes the simulated company as Parquet: Airtouch's own tables, one file or a file per block."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from playbook.demo.company import company
from playbook.demo.defects import DEFECTS, VERSIONS
from playbook.demo.draws import NEVER, SECOND, SPAN, Columns, pick
from playbook.demo.messages import SENDINGS, TIMES, VERIFICATION
from playbook.demo.people import DISPOSABLE
from playbook.demo.plays import NOT_IN_AUDIENCE, PLAYS, unit_ids
from playbook.demo.sessions import EVENTS, MARGIN
from playbook.demo.truth import INTENTS, PERSONAS, START, TRUTH
from playbook.demo.workflows import ERRORS

EPOCH = int((START - datetime(1970, 1, 1)).total_seconds()) * SECOND
NAMES = (
    "amber",
    "birch",
    "cobalt",
    "delta",
    "ember",
    "fjord",
    "granite",
    "harbor",
    "iris",
    "juniper",
    "kestrel",
    "lumen",
    "meadow",
    "nimbus",
    "orchard",
    "pioneer",
)
TRADES = (
    "analytics",
    "bank",
    "cargo",
    "dental",
    "energy",
    "foods",
    "games",
    "health",
    "labs",
    "media",
    "robotics",
    "travel",
)


def write(
    folder: Path,
    *,
    events: int = 600_000,
    seed: int = 1,
    defects: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Writes the simulated company to a folder, which is replaced when all of it is there.

    Args:
        folder: Where the tables go: `<table>.parquet`, or `<table>/part-00000.parquet` and so on
            where there is more than one block of accounts.
        events: About how many events to write.
        seed: Another seed is another company with the same truths.
        defects: Whether to plant the defects of `TRUTH["defects"]`; otherwise the data is clean.
        progress: Is told, block by block, what has been written.

    Returns:
        The folder.
    """
    accounts = max(1, round(events / TRUTH["size"]["events_per_account"]))
    return write_blocks(
        Path(folder),
        accounts=accounts,
        block_accounts=TRUTH["size"]["block_accounts"],
        seed=seed,
        defects=defects,
        progress=progress,
    )


def write_blocks(
    folder: Path,
    *,
    accounts: int,
    block_accounts: int,
    seed: int,
    defects: bool,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Writes so many accounts in blocks of a given size; see `write`."""
    blocks = max(1, -(-accounts // block_accounts))
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for block in range(blocks):
            size = min(block_accounts, accounts - block * block_accounts)
            for name, table in _block(size, block, seed, defects=defects).items():
                part = f"{name}.parquet" if blocks == 1 else f"{name}/part-{block:05d}.parquet"
                (beside / part).parent.mkdir(exist_ok=True)
                pq.write_table(table, beside / part, compression="zstd")
            if progress:
                progress(f"{block + 1} of {blocks} blocks written")
        _replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _replace(new: Path, folder: Path) -> None:
    """Puts the new folder in the place of the old one."""
    new.chmod(0o755)
    old = new.with_name(f"{new.name}-old")
    if folder.exists():
        os.replace(folder, old)
    os.replace(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def _block(accounts: int, block: int, seed: int, *, defects: bool) -> dict[str, pa.Table]:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, block))))
    numbers = company(rng, accounts, block, defects=defects)
    people = numbers["people"]
    there = people["created"] < SPAN - MARGIN
    return {
        "events": _events(numbers["events"], block),
        "users": _users(rng, people, there, block, defects=defects),
        "workspaces": _workspaces(rng, people, block),
        "messages": _messages(numbers["messages"], people, block),
        "holdouts": _holdouts(people, there, block),
    }


def _events(events: Columns, block: int) -> pa.Table:
    names = [*EVENTS, DEFECTS["renamed"]["to"]]
    return pa.table(
        {
            "event_id": _ids(events["id"], f"b{block}-e", 9),
            "event": _named(names, events["event"]),
            "user_id": _ids(events["by"], f"b{block}-u", 6),
            "anonymous_id": _ids(events["anonymous"], f"b{block}-a", 6),
            "workspace_id": _ids(events["account"], f"b{block}-w", 5),
            "session_id": _ids(events["session"], f"b{block}-s", 7),
            "occurred_at": _times(events["occurred"]),
            "received_at": _times(events["received"]),
            "sent_at": _times(events["sent"]),
            "source": _named(("server", "web"), events["web"].astype(int)),
            "app_version": _named(VERSIONS, events["version"]),
            "is_bot": pa.array(events["bot"]),
            "workflow_id": _ids(events["workflow"], f"b{block}-f", 6),
            "draft_id": _ids(events["draft"], f"b{block}-d", 6),
            "connection_id": _ids(events["connection"], f"b{block}-c", 6),
            "direction": _named(INTENTS, events["direction"]),
            "invitee_id": _ids(events["invitee"], f"b{block}-u", 6),
            "error": _named(ERRORS, events["error"]),
        }
    )


def _users(
    rng: np.random.Generator, people: Columns, there: np.ndarray, block: int, *, defects: bool
) -> pa.Table:
    domains = _domains(rng, people, defects=defects)
    verified = np.where(people["verified"] < SPAN - MARGIN, people["verified"], NEVER)
    table = pa.table(
        {
            "id": _ids(people["number"], f"b{block}-u", 6),
            "workspace_id": _ids(people["account"], f"b{block}-w", 5),
            "created_at": _times(people["created"]),
            "verified_at": _times(verified),
            "email_domain": domains,
            "persona": _known(PERSONAS, people["persona"]),
            "intent": _known(INTENTS, people["intent"]),
            "acquisition": _named(("invited", "organic"), people["organic"].astype(int)),
            "invited_by": _ids(people["inviter"], f"b{block}-u", 6),
            "role": _named(("member", "owner"), people["organic"].astype(int)),
            "is_staff": pa.array(people["staff"]),
        }
    )
    return table.filter(pa.array(there)).sort_by("created_at")


def _domains(rng: np.random.Generator, people: Columns, *, defects: bool) -> pa.Array:
    """Each person's e-mail domain: the account's, a disposable one, or our own."""
    account = people["account"]
    companies = [
        f"{name}-{trade}{n}.example" for n in range(1, 22) for trade in TRADES for name in NAMES
    ]
    place = rng.integers(0, len(companies), account.max() + 1)[account]
    disposable = DEFECTS["disposable_domains"]
    thrown = len(companies) + rng.integers(0, len(disposable), len(account))
    place = np.where((people["unverified"] == DISPOSABLE) & defects, thrown, place)
    place = np.where(people["staff"], len(companies) + len(disposable), place)
    return _named([*companies, *disposable, "airtouch.example"], place)


def _workspaces(rng: np.random.Generator, people: Columns, block: int) -> pa.Table:
    owners = np.flatnonzero(people["organic"])
    n = len(owners)
    size = 3 + (rng.random(n) * rng.random(n) * rng.random(n) * 4000).astype(int)
    unknown = rng.random(n) < TRUTH["size_unknown"]
    return pa.table(
        {
            "id": _ids(people["account"][owners], f"b{block}-w", 5),
            "created_at": _times(people["created"][owners]),
            "plan": _named(tuple(TRUTH["plans"]), pick(rng, list(TRUTH["plans"].values()), n)),
            "size": pa.array(size, pa.int64(), mask=unknown),
        }
    )


def _messages(messages: Columns, people: Columns, block: int) -> pa.Table:
    channel = {slug: play["channel"] for slug, play in PLAYS.items()} | {VERIFICATION: "email"}
    in_app = np.array([channel[slug] == "in_app" for slug in SENDINGS])[messages["play"]]
    n, by = len(in_app), messages["by"]
    table = {
        "message_id": _ids(np.arange(n), f"b{block}-m", 6),
        "tool": _named(("mailer", "guides"), in_app.astype(int)),
        "channel": _named(("email", "in_app"), in_app.astype(int)),
        "play": _named(SENDINGS, messages["play"]),
        "variant": pa.array(["a"] * n, pa.string()),
        "user_id": _ids(by, f"b{block}-u", 6),
        "workspace_id": _ids(people["account"][by], f"b{block}-w", 5),
        "is_ghost": pa.array(np.zeros(n, bool)),
    }
    table |= {name: _times(messages[name]) for name in TIMES}
    seen_by = messages["seen_by"]
    table["bounce_kind"] = _named(("hard", "soft"), messages["bounce_kind"])
    table["seen_by_machine"] = pa.array(seen_by == 1, mask=seen_by < 0)
    return pa.table(table)


def _holdouts(people: Columns, there: np.ndarray, block: int) -> pa.Table:
    tables = []
    for slug, play in PLAYS.items():
        rows = np.flatnonzero(there & (people[slug] != NOT_IN_AUDIENCE))
        chosen = {name: people[name][rows] for name in ("number", "account")}
        tables.append(
            pa.table(
                {
                    "play": pa.array([slug] * len(rows), pa.string()),
                    "unit_type": pa.array([play["unit"]] * len(rows), pa.string()),
                    "unit_id": pa.array(unit_ids(slug, chosen, block), pa.string()),
                    "arm": _named(("holdout", "treated"), people[slug][rows]),
                    "assigned_at": _times(people["created"][rows]),
                }
            )
        )
    return pa.concat_tables(tables)


def _ids(numbers: np.ndarray, prefix: str, width: int) -> pa.Array:
    """Ids such as b0-u000012; a negative number is null."""
    text = pc.utf8_lpad(pc.cast(pa.array(numbers, mask=numbers < 0), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def _named(names: Sequence[str], places: np.ndarray) -> pa.Array:
    """The name at each place; a negative place is null."""
    return pa.array(names, pa.string()).take(pa.array(places.astype(np.int32), mask=places < 0))


def _known(names: Sequence[str], places: np.ndarray) -> pa.Array:
    """The name at each place, where "unknown", the last one, is null."""
    return _named(names, np.where(places == len(names) - 1, -1, places))


def _times(since_start: np.ndarray) -> pa.Array:
    """Timestamps in UTC; NEVER is null."""
    values = (since_start + EPOCH) * 1000
    return pa.array(values, pa.timestamp("us"), mask=since_start >= NEVER)
