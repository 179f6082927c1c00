"""Whether the log agrees with the product's own tables: its workflows, its users, its accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import Rows
from playbook.data.warehouse import first_line
from playbook.declare import Agreement
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import moment
from playbook.language.portable import count_if, seconds, united
from playbook.results import Answer, Unavailable
from playbook.run import Run, fetched

APART = 3600  # seconds by which the two may differ
NAME = "audit.agreement"


def agreement(run: Run) -> Answer:
    """The log against the product's own tables, thing by thing, from the log's beginning on.

    Returns:
        Shape `table`: one row per agreement: `event`, `table`, `in_table`, `no_event` (in the
        table alone) and its `share`, `no_row` (in the log alone), `apart` (more than an hour
        between the two).
    """
    declared = run.declared.product.agrees
    if not declared:
        return Unavailable(
            NAME,
            "product.yaml names no table of the product that the log must agree with. Write "
            "`agrees:` to compare events with workflows, connections or invitations.",
        )
    return compared(run, NAME, lambda: _parts(run, declared), ["event", "table"], _shares)


def compared(
    run: Run,
    name: str,
    make: Callable[[], Sequence[ir.Table]],
    order: Sequence[str],
    finish: Callable[[Rows], Rows],
) -> Answer:
    """The union of tables that read what product.yaml names beside the canonical tables.

    Their rows are fetched at once: a table or column that is not there, or that does not read
    as its declaration says, leaves this result out and no other.
    """

    def made() -> Answer:
        try:
            parts = make()
            stacked = united(parts)
            in_order = stacked.order_by(list(order))
            rows = fetched(in_order)
        except Mistake as mistake:
            return Unavailable(name, mistake.sentence)
        except Exception as error:
            said = f"A table that product.yaml names for it does not read: {first_line(error)}"
            return Unavailable(name, f"{said} Hint: correct the names of its columns.")
        return run.result(name, "table", in_order, finish, fetched=lambda: rows)

    return run.remembered(("compared", name), made)


def _parts(run: Run, declared: Sequence[Agreement]) -> list[ir.Table]:
    log = _logged(run, declared)
    return [_compared(run, each, log) for each in declared]


def _logged(run: Run, declared: Sequence[Agreement]) -> ir.Table:
    """When each thing first stands in the log: `event`, `by`, `key`, `log_at`.

    One scan of it; one more where an event must agree by several columns.
    """
    there = run.tables.arrivals.columns
    rounds: list[dict[str, str]] = []
    for event, by in dict.fromkeys((each.event, each.by) for each in declared):
        if by not in there:
            raise Mistake(
                f"product.yaml compares `{event}` by `{by}`, which `events` does not have.",
                f"It has: {listed(there)}.",
                nearest(by, there),
            )
        if free := next((keys for keys in rounds if event not in keys), None):
            free[event] = by
        else:
            rounds.append({event: by})
    parts = [_firsts(run, keys) for keys in rounds]
    stacked = united(parts)
    return run.warehouse.keep(stacked, "agreed")


def _firsts(run: Run, keys: Mapping[str, str]) -> ir.Table:
    """When each thing first has each event, which names it in the column that `keys` says."""
    rows = run.tables.arrivals.filter(_.event.isin(list(keys)))
    ids = [(rows.event == event, rows[by].cast("string")) for event, by in keys.items()]
    names = [(rows.event == event, ibis.literal(by)) for event, by in keys.items()]
    return (
        rows.select("event", log_at="at", key=ibis.cases(*ids), by=ibis.cases(*names))
        .filter(_.key.notnull())
        .group_by(["event", "by", "key"])
        .aggregate(log_at=_.log_at.min())
    )


def _compared(run: Run, each: Agreement, logged: ir.Table) -> ir.Table:
    begins, ends = moment(run.log_begins), moment(run.period.as_of)
    own = run.warehouse.columns(each.table, key=each.key, own_at=each.at)
    known = own.select("key").distinct()  # with what is older than the log, too
    own = own.filter(_.own_at >= begins, _.own_at <= ends)
    log = logged.filter(_.event == each.event, _.by == each.by).select("key", "log_at")
    own = own.group_by("key").aggregate(own_at=_.own_at.min())
    both = own.left_join(log, "key")
    apart = seconds(_.own_at, _.log_at)
    counted = both.aggregate(
        in_table=_.count(),
        no_event=count_if(_.log_at.isnull()),
        apart=count_if(apart.abs() > APART),
    )
    alone = log.filter(_.log_at <= ends).anti_join(known, "key").aggregate(no_row=_.count())
    crossed = counted.cross_join(alone)
    return crossed.select(
        event=ibis.literal(each.event),
        table=ibis.literal(each.table),
        in_table=_.in_table,
        no_event=_.no_event,
        no_row=_.no_row,
        apart=_.apart,
    )


def _shares(rows: Rows) -> Rows:
    names = ("event", "table", "in_table", "no_event", "share", "no_row", "apart")
    for row in rows:
        row["share"] = row["no_event"] / row["in_table"] if row["in_table"] else None
    return [{name: row[name] for name in names} for row in rows]
