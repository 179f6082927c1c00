"""Whose an anonymous id is, by what the product's tables of identities and the log say together.

An anonymous id that was only ever one person's makes that person's what it did without a user:
before they signed up, or after they signed out. What of two people, it leaves with nobody.
"""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from playbook.data.warehouse import Warehouse
from playbook.language.mistakes import Mistake
from playbook.language.portable import united

HOPS = 3  # each doubles how many merges of a chain are followed: 8 at most
RESOLVED = "is_resolved"  # the column of events whose user is that of their anonymous id


def refuse_without_devices(events: ir.Table, mapped: frozenset[str]) -> None:
    """Raises a Mistake where events say nothing that identities could be of."""
    if "anonymous_id" not in mapped:
        raise Mistake(
            "product.yaml maps `identities`, and events have no `anonymous_id`.",
            f"Events have: {', '.join(c for c in events.columns if c in mapped)}.",
            "map the `anonymous_id` of `events`, or no `identities`.",
        )


def owners_of_devices(
    events: ir.Table, identities: ir.Table, mapped: frozenset[str], warehouse: Warehouse
) -> ir.Table:
    """Each anonymous id that was only ever one person's: `device_`, `owner_`.

    Args:
        events: The log, each event once; a row with both ids says that they belong together.
        identities: `anonymous_id`, and `user_id` or the id that it was merged into, `merged_id`.
        mapped: Those of its columns that are mapped.
        warehouse: Keeps what is read again.

    Returns:
        One row per anonymous id. Ids that were merged, one after another or into one, are one
        person's together. Chains of more than 8 merges, and circles, are not followed.
    """
    pairs = warehouse.keep(_pairs(events, identities), "pairs_of_ids")
    if "merged_id" in mapped:
        roots = warehouse.keep(_roots(pairs, identities, warehouse), "roots_of_ids")
    else:
        roots = pairs.select(id_="device_", root_="device_").distinct()
    told = pairs.join(roots, pairs.device_ == roots.id_).select("root_", user_="user_id")
    per_device = (
        roots.join(told.distinct(), "root_")
        .group_by(device_="id_")
        .aggregate(owner_=_.user_.min(), last_=_.user_.max())
    )
    alone = per_device.filter(_.owner_ == _.last_).select("device_", "owner_")
    return warehouse.keep(alone, "owners_of_ids")


def with_owner(rows: ir.Table, owners: ir.Table) -> ir.Table:
    """Rows of the log with the user of their anonymous id where they name none, and whether it is
    that one (`is_resolved`)."""
    joined = rows.left_join(owners, rows.anonymous_id == owners.device_)
    return joined.mutate(
        is_resolved=_.user_id.isnull() & _.owner_.notnull(), user_id=_.user_id.coalesce(_.owner_)
    ).select(*rows.columns, RESOLVED)


def _pairs(events: ir.Table, identities: ir.Table) -> ir.Table:
    """Which anonymous id was seen with which user: `device_`, `user_id`."""
    told = [
        rows.filter(_.anonymous_id.notnull(), _.user_id.notnull()).select(
            device_="anonymous_id", user_id="user_id"
        )
        for rows in (events, identities)
    ]
    return united(told).distinct()


def _roots(pairs: ir.Table, identities: ir.Table, warehouse: Warehouse) -> ir.Table:
    """What each anonymous id was merged into in the end, or itself: `id_`, `root_`."""
    merges = identities.filter(_.merged_id.notnull(), _.anonymous_id != _.merged_id)
    steps = merges.select(id_="anonymous_id", next_="merged_id").distinct()
    steps = warehouse.keep(steps, "merges_of_ids")
    ids = [pairs.select(id_="device_"), steps.select("id_"), steps.select(id_="next_")]
    alone = united(ids).distinct()
    reached = united([alone.mutate(next_="id_"), steps])
    for hop in range(HOPS):
        further = reached.select(next_="id_", end_="next_")
        joined = reached.join(further, "next_").select("id_", next_="end_").distinct()
        reached = warehouse.keep(joined, f"reached_by_ids_{hop}")
    merged = steps.select(merged_="id_").distinct()
    ends = reached.left_join(merged, reached.next_ == merged.merged_)
    found = ends.filter(ends.merged_.isnull()).select("id_", root_="next_")
    known = found.select(known_="id_").distinct()
    lost = alone.left_join(known, alone.id_ == known.known_).filter(_.known_.isnull())
    return united([found, lost.select("id_", root_="id_")])
