"""Writes the simulated company as Parquet: a table is one file, or a file per block."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from playbook.airtouch import product
from playbook.airtouch.agents import AGENTS
from playbook.airtouch.cells import ids, names_at, timestamps
from playbook.airtouch.collection import FLAGS
from playbook.airtouch.company import company
from playbook.airtouch.defects import DEFECTS, VERSIONS
from playbook.airtouch.drawn_elsewhere import DIGEST, FLAG, FORM, OFFER, TESTS, drawn_elsewhere
from playbook.airtouch.draws import Columns, stack, take
from playbook.airtouch.messages import SENDINGS, TIMES, VARIANTS, VERIFICATION
from playbook.airtouch.milliseconds import NEVER, SPAN
from playbook.airtouch.plays import NOT_IN_AUDIENCE, PLAYS, unit_ids
from playbook.airtouch.sessions import EVENTS, MARGIN
from playbook.airtouch.truth import INTENTS, TRUTH
from playbook.airtouch.workflows import ERRORS


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
    users = product.user_table(rng, people, there, block, defects=defects)
    workspaces = product.workspace_table(rng, people, block)
    # Last: what it draws leaves all else as it is.
    (for_others,) = rng.spawn(1)
    plans = workspaces["plan"].to_numpy(zero_copy_only=False)
    others = drawn_elsewhere(for_others, people, numbers["events"], plans)
    return {
        "events": _event_table(numbers["events"], block),
        "users": users,
        "workspaces": workspaces,
        "workflows": product.workflow_table(numbers["workflows"], people, block),
        "connections": product.connection_table(numbers["connections"], people, block),
        "messages": _message_table(_and_later(numbers["messages"], others["mails"]), people, block),
        "suppressions": _suppression_table(numbers["messages"], block),
        "holdouts": _holdout_table(people, there, block),
        "mailer_events": _mailer_table(numbers["mailer_events"], block),
        "tool_arms": _tool_arm_table(others, block),
        "flags": _flag_table(others["flags"], block),
        "invoices": product.invoice_table(others["invoices"], block),
        "form_visits": _visit_table(others["visits"], block),
    }


def _event_table(events: Columns, block: int) -> pa.Table:
    names = [*EVENTS, DEFECTS["renamed"]["to"]]
    table = {
        "event_id": ids(events["id"], f"b{block}-e", 9),
        "event": names_at(names, events["event"]),
        "user_id": ids(events["by"], f"b{block}-u", 6),
        "anonymous_id": ids(events["anonymous"], f"b{block}-a", 6),
        "workspace_id": ids(events["account"], f"b{block}-w", 5),
        "session_id": ids(events["session"], f"b{block}-s", 7),
        "occurred_at": timestamps(events["occurred"]),
        "received_at": timestamps(events["received"]),
        "sent_at": timestamps(events["sent"]),
        "source": names_at(("server", "web"), events["web"].astype(int)),
        "app_version": names_at(VERSIONS, events["version"]),
        "user_agent": names_at(AGENTS, events["agent"]),
        "is_bot": pa.array(events["bot"]),
        "workflow_id": ids(events["workflow"], f"b{block}-f", 6),
        "draft_id": ids(events["draft"], f"b{block}-d", 6),
        "connection_id": ids(events["connection"], f"b{block}-c", 6),
        "direction": names_at(INTENTS, events["direction"]),
        "invitee_id": ids(events["invitee"], f"b{block}-u", 6),
        "error": names_at(ERRORS, events["error"]),
    }
    if "flag" in events:
        table[DEFECTS["unplanned_property"]] = names_at(FLAGS, events["flag"])
    return pa.table(table)


def _mailer_table(events: Columns, block: int) -> pa.Table:
    return pa.table(
        {
            "event_id": ids(events["id"], f"b{block}-e", 9),
            "event": names_at(EVENTS, events["event"]),
            "received_at": timestamps(events["received"]),
        }
    )


def _and_later(messages: Columns, mails: Columns) -> Columns:
    """All messages in order of sending; the mails are numbered after the others."""
    table = stack([messages, mails])
    table["number"] = np.arange(len(table["by"]))
    return take(table, np.argsort(table["sent_at"], kind="stable"))


def _message_table(messages: Columns, people: Columns, block: int) -> pa.Table:
    channel = {slug: play["channel"] for slug, play in (PLAYS | TESTS).items()}
    channel |= {VERIFICATION: "email"}
    in_app = np.array([channel[slug] == "in_app" for slug in SENDINGS])[messages["play"]]
    n, by = len(in_app), messages["by"]
    table = {
        "message_id": ids(messages["number"], f"b{block}-m", 6),
        "tool": names_at(("mailer", "guides"), in_app.astype(int)),
        "channel": names_at(("email", "in_app"), in_app.astype(int)),
        "play": names_at(SENDINGS, messages["play"]),
        "step": pa.array(messages["step"]),
        "variant": names_at(VARIANTS, messages["variant"]),
        "user_id": ids(by, f"b{block}-u", 6),
        "workspace_id": ids(people["account"][by], f"b{block}-w", 5),
        "is_ghost": pa.array(np.zeros(n, bool)),
    }
    table |= {name: timestamps(messages[name]) for name in TIMES}
    seen_by = messages["seen_by"]
    table["bounce_kind"] = names_at(("hard", "soft"), messages["bounce_kind"])
    table["seen_by_machine"] = pa.array(seen_by == 1, mask=seen_by < 0)
    return pa.table(table)


def _suppression_table(messages: Columns, block: int) -> pa.Table:
    """The mailer's list of whom it must not write to, oldest first."""
    tables = []
    for reason in ("unsubscribed", "complained"):
        at = messages[f"{reason}_at"]
        rows = np.flatnonzero(at < NEVER)
        tables.append(
            pa.table(
                {
                    "user_id": ids(messages["by"][rows], f"b{block}-u", 6),
                    "channel": pa.array(["email"] * len(rows), pa.string()),
                    "reason": pa.array([reason] * len(rows), pa.string()),
                    "since": timestamps(at[rows]),
                }
            )
        )
    return pa.concat_tables(tables).sort_by("since")


def _holdout_table(people: Columns, there: np.ndarray, block: int) -> pa.Table:
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
                    "arm": names_at(("holdout", "treated"), people[slug][rows]),
                    "assigned_at": timestamps(people["created"][rows]),
                }
            )
        )
    return pa.concat_tables(tables)


def _tool_arm_table(others: dict[str, Columns], block: int) -> pa.Table:
    """The mailer's own log of whom it has drawn into which arm of its tests."""
    tables = []
    for slug, drawn, prefix in (
        (OFFER, others["accounts"], f"b{block}-w"),
        (DIGEST, others["people"], f"b{block}-u"),
    ):
        n, width = len(drawn["unit"]), 5 if drawn is others["accounts"] else 6
        tables.append(
            pa.table(
                {
                    "play": pa.array([slug] * n, pa.string()),
                    "unit_type": pa.array([TESTS[slug]["unit"]] * n, pa.string()),
                    "unit_id": ids(drawn["unit"], prefix, width),
                    "arm": names_at(list(TESTS[slug]["split"]), drawn["arm"]),
                    "assigned_at": timestamps(drawn["at"]),
                }
            )
        )
    return pa.concat_tables(tables)


def _flag_table(drawn: Columns, block: int) -> pa.Table:
    """What the tool of flags says: whom it showed what, from when on."""
    return pa.table(
        {
            "flag": pa.array([FLAG] * len(drawn["unit"]), pa.string()),
            "user_id": ids(drawn["unit"], f"b{block}-u", 6),
            "variation": names_at(list(TESTS[FLAG]["split"]), drawn["arm"]),
            "evaluated_at": timestamps(drawn["at"]),
        }
    )


def _visit_table(counted: Columns, block: int) -> pa.Table:
    """What the website counts of its form: visitors and sign-ups by day, of each server."""
    n = len(counted["at"])
    return pa.table(
        {
            "server": pa.array([f"s{block}"] * n, pa.string()),
            "form": names_at(list(FORM["split"]), counted["arm"]),
            "day": timestamps(counted["at"]).cast(pa.date32()),
            "visitors": pa.array(counted["visitors"]),
            "signups": pa.array(counted["signups"]),
        }
    )
