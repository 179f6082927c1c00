"""Whether the log agrees with the product's own tables: its workflows, its users, its accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.audit.violation import Violation
from playbook.data.keys import as_text
from playbook.data.warehouse import first_line
from playbook.declare import Agreement
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import moment
from playbook.language.portable import count_if, ratio, seconds, united
from playbook.results import Answer, Result, Unavailable
from playbook.results.columns import COUNT, KEY, Columns, share_of
from playbook.results.section import Unanswerable, section
from playbook.run import Run, fetched

APART = 3600  # seconds by which the two may differ
AGREEMENT = {"event": KEY, "table": KEY, "in_table": COUNT, "no_event": COUNT}
AGREEMENT |= {"share": share_of("in_table"), "no_row": COUNT, "apart": COUNT}
DISAGREES = {
    "no_event": "in the table and not in the log",
    "no_row": "in the log and not in the table",
    "apart": "more than an hour apart",
}


@section("audit.agreement")
def agreement(run: Run) -> Result:
    """The log against the product's own tables, thing by thing, from the log's beginning on.

    Returns:
        Shape `table`: one row per agreement: `event`, `table`, `in_table`, `no_event` (in the
        table alone) and its `share`, `no_row` (in the log alone), `apart` (more than an hour
        between the two).
    """
    declared = run.declared.product.agrees
    if not declared:
        raise Unanswerable(
            "product.yaml names no table of the product that the log must agree with. Write "
            "`agrees:` to compare events with the things and people that the product keeps."
        )

    def parts() -> list[ir.Table]:
        log = _first_log_times(run, declared)
        return [_table_against_log(run, each, log) for each in declared]

    return beside_canonical(run, parts, AGREEMENT, share=ratio(_.no_event, _.in_table))


def beside_canonical(
    run: Run, parts: Callable[[], Sequence[ir.Table]], own: Columns, **shares: ir.Deferred
) -> Result:
    """The union of tables that read what product.yaml names beside the canonical tables.

    Their rows are fetched at once: a table or column that is not there, or that does not read
    as its declaration says, leaves this section out and no other. `shares` are columns besides.
    """
    keys = [name for name, column in own.items() if column.is_key]
    try:
        in_order = united(parts()).mutate(**shares).select(*own).order_by(keys)
        rows = fetched(run.warehouse.prepared(in_order))
    except Mistake:
        raise
    except Exception as error:
        said = f"A table that product.yaml names for it does not read: {first_line(error)}"
        raise Unanswerable(f"{said} Hint: correct the names of its columns.") from error
    return run.result("table", in_order, own=own, fetched=lambda: rows)


def unread_violation(check: str, found: Unavailable) -> Violation:
    """What product.yaml names for a check, and nobody can read."""
    expected = "what it names can be read"
    return Violation(check, "product.yaml", found.reason, expected=expected, elsewhere=True)


def agreement_violations(run: Run, found: Answer) -> Iterator[Violation]:
    """What is in the log or in the table alone, or at different times."""
    if run.declared.product.agrees and isinstance(found, Unavailable):
        yield unread_violation("agreement", found)
    for row in found.rows:
        for name, seen in DISAGREES.items():
            if row[name]:
                wanted, table = "the log and the table agree", row["table"]
                sizes = {"rows": row[name], "of": row["in_table"]}
                yield Violation(
                    "agreement", row["event"], seen, expected=wanted, where=table, **sizes
                )


def _first_log_times(run: Run, declared: Sequence[Agreement]) -> ir.Table:
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
    parts = [_first_times_by(run, keys) for keys in rounds]
    return run.warehouse.shared(united(parts))


def _first_times_by(run: Run, keys: Mapping[str, str]) -> ir.Table:
    """When each thing first has each event, which names it in the column that `keys` says."""
    rows = run.tables.arrivals.filter(_.event.isin(list(keys)))
    ids = [(rows.event == event, as_text(rows[by])) for event, by in keys.items()]
    names = [(rows.event == event, ibis.literal(by)) for event, by in keys.items()]
    return (
        rows.select("event", log_at="at", key=ibis.cases(*ids), by=ibis.cases(*names))
        .filter(_.key.notnull())
        .group_by(["event", "by", "key"])
        .aggregate(log_at=_.log_at.min())
    )


def _table_against_log(run: Run, each: Agreement, logged: ir.Table) -> ir.Table:
    begins, ends = moment(run.extent.observed_since(each.event)), moment(run.period.as_of)
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
    return counted.cross_join(alone).mutate(
        event=ibis.literal(each.event), table=ibis.literal(each.table)
    )
