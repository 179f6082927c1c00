"""A small product in plain Python: its tables drawn as text, its declarations as models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa

from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Declarations, Play, Product, Question, TableMap
from playbook.language.periods import Period
from playbook.run import Run, counted
from tests.spec import at, table


def run(
    *,
    questions: Sequence[Question] = (),
    plays: Sequence[Play] = (),
    plan: Sequence[DataPoint] = (),
    period: tuple[str, str, str] = ("2026-01-01", "2026-02-01", "2026-01-31"),
    words: dict[str, Any] | None = None,
    **drawn: str,
) -> Run:
    """The product over its drawn tables (`events`, `users` …), in a DuckDB of its own.

    Args:
        questions: What it asks.
        plays: What it sends.
        plan: Its tracking plan.
        period: First day of entries, first day after them, watermark.
        words: Further fields of its product.yaml; `min_n` is 1 unless given.
        drawn: The tables as text; ids that are not drawn are counted.
    """
    connection = ibis.duckdb.connect()
    maps = {}
    for name, text in drawn.items():
        found = table(text, seen_by_machine="boolean").to_pyarrow()
        if name in {"events", "messages"} and f"{name[:-1]}_id" not in found.column_names:
            ids = pa.array([str(place) for place in range(found.num_rows)], pa.string())
            found = found.append_column(f"{name[:-1]}_id", ids)
        connection.create_table(name, found)
        maps[name] = (TableMap(table=name, columns={c: c for c in found.column_names}),)
    product = Product(**({"name": "Small", "tables": maps, "min_n": 1} | (words or {})))
    declared = Declarations(product, tuple(plan), tuple(questions), tuple(plays), ())
    warehouse = Warehouse(connection)
    tables = sources.tables_of(declared, warehouse)
    since, until, as_of = map(at, period)
    period = Period(since, until, as_of)
    return Run(declared, warehouse, tables, period, since, *counted(declared, tables))


def question(id: str, measure: str, **said: Any) -> Question:
    return Question(id=id, asks=f"{id}?", decides="What to do.", measure=measure, **said)


def play(slug: str, **said: Any) -> Play:
    given = {
        "says": "Says how.",
        "audience": {"persona": "engineer"},
        "channel": "email",
        "trigger": "signed_up",
        "goal": "saved",
        "goal_within": "72h",
        "holdout": 0.5,
    }
    return Play(slug=slug, **given | said)


def plan_of(events: str) -> list[DataPoint]:
    """A plan of the events that a drawn log holds."""
    _head, *rows = [line.split("|") for line in events.strip().splitlines()]
    names = dict.fromkeys(cells[1].strip() for cells in rows)
    return [DataPoint(event=name, says=f"Somebody {name}.") for name in names]
