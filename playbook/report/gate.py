"""Audit and linter as a gate for a team's CI: every violation as a row, and is one too bad?"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from playbook import audit, personalization
from playbook.report.publishing import whole_file
from playbook.report.sendlist import inert_cell
from playbook.results import SEVERITIES, Unavailable
from playbook.run import Run

TYPES = {
    "rows": "int64",
    "of": "int64",
    "questions": "int64",
    "share": "float64",
    "moves": "float64",
}


def write_violations(opened: Run, folder: Path) -> list[dict[str, Any]]:
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
    names = audit.VIOLATION
    schema = pa.schema([(name, getattr(pa, TYPES.get(name, "string"))()) for name in names])
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "violations.parquet") as path:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    with (
        whole_file(folder / "violations.csv") as path,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([inert_cell(row[name]) for name in names] for row in rows)
    return rows


def _plays(opened: Run) -> list[dict[str, Any]]:
    found = personalization.lint(opened)
    none = dict.fromkeys(audit.VIOLATION, "") | dict.fromkeys(TYPES)
    return [
        none
        | {"check": f"play: {row['check']}", "subject": row["play"], "severity": row["severity"]}
        | {"seen": row["seen"], "expected": row["hint"]}
        for row in ([] if isinstance(found, Unavailable) else found.rows)
    ]


def closing_violations(rows: list[dict[str, Any]], severity: str) -> list[dict[str, Any]]:
    """The violations that are as bad as `severity`, or worse."""
    worst = audit.SEVERITIES[: audit.SEVERITIES.index(severity) + 1]
    return [row for row in rows if row["severity"] in worst]
