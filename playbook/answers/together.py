"""`any_of`: the log as a question sees it that names several events as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import ibis.expr.types as ir

from playbook.data.arrivals import Rows, is_count, log_key
from playbook.data.tables import Tables
from playbook.declare import Question
from playbook.run import Run

FIRSTS = {"first", "sane_first"}  # what is counted is added up; of the moments, these are earliest


def as_seen(run: Run, question: Question) -> Run:
    """The run in which the events that a question names together have that name."""
    groups = run.declared.product.any_of
    names = {event: name for name in question.events for event in groups.get(name, ())}

    def renamed() -> Run:
        logs = ("arrived", "copied", "inferred")
        counts = {log: _counts(getattr(run, log), names) for log in logs}
        return replace(run, tables=_tables(run.tables, names), **counts)

    return run.remembered(("together", *names.items()), renamed) if names else run


def _tables(tables: Tables, names: Mapping[str, str]) -> Tables:
    def renamed(log: ir.Table) -> ir.Table:
        return log.mutate(event=log.event.substitute(dict(names)))

    rows = {"arrivals": tables.arrivals, "shared": tables.shared}
    logs = {name: renamed(log) for name, log in rows.items() if log is not None}
    return replace(tables, once=lambda: renamed(tables.events), **logs)


def _counts(rows: Rows, names: Mapping[str, str]) -> Rows:
    """What `daily_counts` would count if events of these names had those."""
    found: dict[tuple, dict] = {}
    for row in rows:
        row = row | {"event": names.get(row["event"], row["event"])}
        own = found.setdefault(log_key(row), row)
        for name in row if own is not row else ():
            if is_count(name):
                own[name] += row[name]
            elif ends := [end for end in (own[name], row[name]) if end is not None]:
                own[name] = (min if name in FIRSTS else max)(ends)
    return list(found.values())
