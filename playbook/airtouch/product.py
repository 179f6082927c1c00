"""The product's own tables as Arrow: users, workspaces, workflows, connections and invoices."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from playbook.airtouch.cells import ids, known, names_at, timestamps
from playbook.airtouch.defects import DEFECTS
from playbook.airtouch.draws import Columns, pick
from playbook.airtouch.milliseconds import NEVER, SPAN
from playbook.airtouch.people import DISPOSABLE
from playbook.airtouch.sessions import MARGIN
from playbook.airtouch.truth import INTENTS, PERSONAS, TRUTH

NAMES = (
    *("amber", "birch", "cobalt", "delta", "ember", "fjord", "granite", "harbor"),
    *("iris", "juniper", "kestrel", "lumen", "meadow", "nimbus", "orchard", "pioneer"),
)
TRADES = (
    *("analytics", "bank", "cargo", "dental", "energy", "foods"),
    *("games", "health", "labs", "media", "robotics", "travel"),
)


def user_table(
    rng: np.random.Generator, people: Columns, there: np.ndarray, block: int, *, defects: bool
) -> pa.Table:
    """One row per user, in order of signing up; `there` says who had done so by END."""
    (for_zones,) = rng.spawn(1)  # apart: it leaves what `rng` draws as it is
    zones = TRUTH["timezones"]
    zone = pick(for_zones, list(zones.values()), people["account"].max() + 1)
    domains = _domains(rng, people, defects=defects)
    verified = np.where(people["verified"] < SPAN - MARGIN, people["verified"], NEVER)
    table = pa.table(
        {
            "id": ids(people["number"], f"b{block}-u", 6),
            "workspace_id": ids(people["account"], f"b{block}-w", 5),
            "created_at": timestamps(people["created"]),
            "verified_at": timestamps(verified),
            "email_domain": domains,
            "persona": known(PERSONAS, people["persona"]),
            "intent": known(INTENTS, people["intent"]),
            "acquisition": names_at(("invited", "organic"), people["organic"].astype(int)),
            "invited_by": ids(people["inviter"], f"b{block}-u", 6),
            "role": names_at(("member", "owner"), people["organic"].astype(int)),
            "timezone": known(tuple(zones), zone[people["account"]]),
            "is_staff": pa.array(people["staff"]),
        }
    )
    return table.filter(pa.array(there)).sort_by("created_at")


def workspace_table(rng: np.random.Generator, people: Columns, block: int) -> pa.Table:
    """One row per account."""
    owners = np.flatnonzero(people["organic"])
    n = len(owners)
    size = 3 + (rng.random(n) * rng.random(n) * rng.random(n) * 4000).astype(int)
    unknown = rng.random(n) < TRUTH["size_unknown"]
    return pa.table(
        {
            "id": ids(people["account"][owners], f"b{block}-w", 5),
            "created_at": timestamps(people["created"][owners]),
            "plan": names_at(tuple(TRUTH["plans"]), pick(rng, list(TRUTH["plans"].values()), n)),
            "size": pa.array(size, pa.int64(), mask=unknown),
        }
    )


def workflow_table(table: Columns, people: Columns, block: int) -> pa.Table:
    """One row per workflow that was ever saved or imported."""
    return pa.table(
        {
            "id": ids(table["number"], f"b{block}-f", 6),
            "workspace_id": ids(people["account"][table["by"]], f"b{block}-w", 5),
            "created_by": ids(table["by"], f"b{block}-u", 6),
            "created_at": timestamps(table["at"]),
        }
    )


def connection_table(table: Columns, people: Columns, block: int) -> pa.Table:
    """One row per connection that was ever created."""
    return pa.table(
        {
            "id": ids(table["number"], f"b{block}-c", 6),
            "workspace_id": ids(people["account"][table["by"]], f"b{block}-w", 5),
            "created_at": timestamps(table["at"]),
        }
    )


def invoice_table(table: Columns, block: int) -> pa.Table:
    """One row per invoice that was paid."""
    return pa.table(
        {
            "id": ids(np.arange(len(table["account"])), f"b{block}-i", 6),
            "workspace_id": ids(table["account"], f"b{block}-w", 5),
            "paid_at": timestamps(table["at"]),
            "amount": pa.array(table["cents"] / 100),
        }
    )


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
    return names_at([*companies, *disposable, "airtouch.example"], place)
