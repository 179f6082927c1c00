"""Audit and linter as a gate for a team's CI: every violation as a row, and is one too bad?"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from playbook import audit, personalization
from playbook.audit.violation import violation_row
from playbook.report.publishing import inert, replaced
from playbook.results import SEVERITIES
from playbook.run import Run

TYPES = {"count": "int64", "share": "float64", "moved": "float64"}  # of a kind; others: string


def write(opened: Run, folder: Path) -> list[dict[str, Any]]:
    """Writes the violations to a folder, as violations.parquet and violations.csv.

    The files are replaced whole: a reader never sees half of them.

    Returns:
        The rows, the worst first; see `playbook.audit.violations`. What is wrong with plays is
        among them: `check` begins with "play", and `expected` is how to go on.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [*audit.violations(opened).rows, *_plays(opened)]
    rows.sort(key=lambda row: SEVERITIES.index(row["severity"]))
    names = list(audit.VIOLATION)
    kinds = [(name, TYPES.get(column.kind, "string")) for name, column in audit.VIOLATION.items()]
    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in kinds])
    folder.mkdir(parents=True, exist_ok=True)
    with replaced(folder / "violations.parquet") as path:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    with (
        replaced(folder / "violations.csv") as path,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([inert(row[name]) for name in names] for row in rows)
    return rows


def _plays(opened: Run) -> list[dict[str, Any]]:
    return [
        violation_row(
            check=f"play: {row['check']}",
            subject=row["play"],
            seen=row["seen"],
            expected=row["hint"],
            severity=row["severity"],
        )
        for row in personalization.lint(opened).rows
    ]


def closed(rows: list[dict[str, Any]], severity: str) -> list[dict[str, Any]]:
    """The violations that are as bad as `severity`, or worse."""
    worst = audit.SEVERITIES[: audit.SEVERITIES.index(severity) + 1]
    return [row for row in rows if row["severity"] in worst]
