"""Users and accounts that stand in their table several times, and nobody says which row holds."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.keys import is_id
from playbook.language.portable import count_if, when

DIFFERS = "differs_"


def doubts(shared: ir.Table, since: str) -> ir.Table:
    """The ids whose first rows, all of one time, differ: `differs_<column>` for what is no id."""
    key = shared.columns[0]
    columns = [c for c in shared.columns if c not in (key, "copy_") and _told(shared, c)]
    first = shared[since].min().over(ibis.window(group_by=key))
    same = shared.mutate(first_=first).filter((_[since] == _.first_) | _.first_.isnull())
    differ = {DIFFERS + c: (_[c].min() != _[c].max()).fill_null(False) for c in columns}
    per_id = same.group_by(key).aggregate(**differ)
    return per_id.filter(ibis.or_(*(per_id[name] for name in differ)))


def without_doubts(rows: ir.Table, doubted: ir.Table) -> ir.Table:
    """The rows, with null where nobody can say which of several values holds."""
    key = rows.columns[0]
    twice = doubted.rename(key_=key)
    both = rows.left_join(twice, rows[key] == twice.key_)
    plain = {c: both[c] for c in rows.columns}
    told = {
        c: when(~both[DIFFERS + c].fill_null(False), both[c])
        for c in rows.columns
        if DIFFERS + c in both.columns
    }
    return both.select(**(plain | told))


def counted_doubts(doubted: ir.Table, rows: ir.Table) -> ir.Table:
    """One row: for how many ids each column is in doubt, and how many ids there are, `of`."""
    columns = [c.removeprefix(DIFFERS) for c in doubted.columns if c.startswith(DIFFERS)]
    counts = {c: count_if(doubted[DIFFERS + c]) for c in columns}
    return doubted.aggregate(**counts, ids_=_.count()).cross_join(rows.aggregate(of_=_.count()))


def _told(table: ir.Table, column: str) -> bool:
    kind = table[column].type()
    return (kind.is_string() or kind.is_numeric()) and not is_id(column)
