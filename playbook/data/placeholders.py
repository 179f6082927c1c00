"""Ids that may not be one person or account each: placeholders, crowds, blanks, twins."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.language.portable import when

# In lower case: what may be somebody's id, and mostly says that nobody was known.
DOUBTFUL = (
    *("0", "-1", "anonymous", "anon", "unknown", "guest", "visitor", "default", "test", "user"),
    *("undefined", "null", "none", "nil", "nan", "n/a", "na", "not set", "true", "false", "id"),
    *("user_id", "userid", "distinct_id", "not_authenticated", "[object object]", "(not set)"),
)
MANY, USUAL = 24, 10  # devices of one id, and how many times those of the others
FLAGS = ("doubtful", "crowded", "padded", "twins")


def odd_ids(arrivals: ir.Table, column: str) -> ir.Table:
    """The ids of users or accounts that may not be one each, without those of bots.

    Returns:
        One row per id: `id`, `rows`, `devices`, `doubtful` (it reads like a placeholder),
        `crowded` (more than 24 devices, and more than ten times those of the others on average),
        `padded` (blanks around it), `twins` (others differ in case or blanks alone).
    """
    seen = arrivals.filter(arrivals[column].notnull(), ~_.is_bot)
    by_device = seen.group_by(id=column, device="anonymous_id").aggregate(rows=_.count())
    devices = _.device.count() if column == "user_id" else ibis.literal(0, "int64")
    per_id = by_device.group_by("id").aggregate(rows=_.rows.sum(), devices=devices)
    per_id = per_id.mutate(plain_=_.id.strip().lower())
    everybody = per_id.aggregate(
        with_=when(_.devices > 0, 1).count(), all_=_.devices.sum().coalesce(0)
    )
    beside = per_id.cross_join(everybody)
    usual = _.devices * (_.with_ - 1) > USUAL * (_.all_ - _.devices)
    return beside.select(
        *("id", "rows", "devices"),
        doubtful=_.plain_.isin(DOUBTFUL),
        crowded=(_.devices > MANY) & usual & (_.with_ > 1),
        padded=_.id != _.id.strip(),
        twins=_.id.count().over(ibis.window(group_by="plain_")) > 1,
    )
