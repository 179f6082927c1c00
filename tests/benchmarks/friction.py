"""All that the friction notebook asks of a log in Parquet, against one funnel of five steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat

import playbook as pb
from playbook.results import Result
from playbook.run import root
from tests.benchmarks import SMALL, funnel, log


def ours(folder: Path) -> Callable[[], int]:
    """Every cell of the notebook, from the opened log on; charts and sentences are made, too."""
    cells = _cells()
    _told(cells, log(SMALL))
    run = pb.open("params/airtouch", str(folder))
    run.tables.events.count().to_pyarrow()  # each event once: what all cells read
    return lambda: _told(cells, folder, run)


def one_funnel(folder: Path) -> Callable[[], list[int]]:
    """The five-step funnel alone, from the Parquet files."""
    return funnel.ours(folder)


def opened(folder: Path) -> Callable[[], int]:
    """To open the log: load, copies told from firsts, and each event once."""
    pb.open("params/airtouch", str(log(SMALL)))

    def run() -> int:
        tables = pb.open("params/airtouch", str(folder)).tables
        return tables.events.count().to_pyarrow().as_py()

    return run


def _cells() -> list[str]:
    notebook = nbformat.read(root() / "notebooks" / "2_friction.ipynb", as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [text for text in code if "pb.open" not in text and 'product = "' not in text]


def _told(cells: list[str], folder: Path, run: pb.Run | None = None) -> int:
    names = {"pb": pb, "by": "persona", "run": run or pb.open("params/airtouch", str(folder))}
    for text in cells:
        exec(text, names)
    return sum(len(value.rows) for value in names.values() if isinstance(value, Result))


CONTENDERS = {"ours": ours, "one_funnel": one_funnel, "opened": opened}
