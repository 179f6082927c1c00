"""`any_of`: the log as a question sees it that names several events as one."""

from __future__ import annotations

from dataclasses import replace

import ibis.expr.types as ir

from playbook.data import arrivals
from playbook.declare import Question
from playbook.run import Run


def as_seen(run: Run, question: Question) -> Run:
    """The run in which the events that a question names together have that name."""
    groups = run.declared.product.any_of
    names = {event: name for name in question.events for event in groups.get(name, ())}

    def under_names(log: ir.Table) -> ir.Table:
        return log.mutate(event=log.event.substitute(names))

    def renamed() -> Run:
        logs = ("arrived", "copied", "inferred")
        counts = {log: arrivals.renamed(getattr(run, log), names) for log in logs}
        return replace(run, tables=run.tables.with_log(under_names), **counts)

    return run.remembered(("together", *names.items()), renamed) if names else run
