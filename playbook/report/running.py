"""Runs one notebook with a run's parameters, and says whether it may be believed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from playbook import run
from playbook.data.warehouse import variable_of, without_passwords
from playbook.report.runfile import notebook_file
from playbook.report.sections import Told, told

CELL_TIMEOUT = 600  # seconds, and as many for each so many events
EVENTS = 5_000_000
# Expressions are many small objects that live long: looking for garbage less often saves 7 %.
SELDOM = "--IPKernelApp.exec_lines=import gc; gc.set_threshold(50_000, 20, 50); del gc"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """One executed notebook, and whether it may be believed."""

    slug: str
    title: str
    notebook: nbformat.NotebookNode | None
    reason: str
    seconds: float

    @property
    def state(self) -> str:
        """`failed`, or how much it tells: `ok`, `partial` or `blank`."""
        return "failed" if self.reason else self.told.state

    @cached_property
    def told(self) -> Told:
        """How much of it is told."""
        return told(self.notebook.cells if self.notebook else [])


def execute(
    slug: str,
    title: str,
    given: Mapping[str, str],
    building: Path,
    progress: Progress,
    *,
    events: int = 0,
) -> Stage:
    """One notebook, executed beside its final place; on so many events."""
    import papermill
    from traitlets.config import Config

    # Sockets of its own: by default two reports that run at a time would share theirs.
    sockets = tempfile.TemporaryDirectory(prefix="kernel-")
    wires = {"transport": "ipc", "ip": f"{sockets.name}/k"} if sys.platform != "win32" else {}
    home, source = run.root(), notebook_file(slug)
    target = building / f"{Path(slug).name}.ipynb"
    began = datetime.now(UTC)
    progress(f"{title} …")
    problem = ""
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            parameters=dict(given),
            engine_name=_engine(),
            kernel_name="python3",
            cwd=str(source.parent if source.is_relative_to(home) else home),
            progress_bar=False,
            execution_timeout=CELL_TIMEOUT * (1 + events // EVENTS),
            iopub_timeout=120,
            config=Config({"KernelManager": wires}),
            extra_arguments=[SELDOM],
        )
    except Exception as error:  # whatever it was, the other stages run
        said = (str(error).strip() or "no reason given").splitlines()[-1]
        problem = f"{type(error).__name__}: {without_passwords(said)}"
    finally:
        sockets.cleanup()
    notebook = _scrub(target, given)
    # What a cell said explains more than what papermill made of it, and both more than silence.
    reason = (_first_error(notebook) if notebook else "") or problem
    reason = reason or (trusted(notebook) if notebook else "it left no notebook")
    seconds = (datetime.now(UTC) - began).total_seconds()
    progress(f"{title}: {reason or 'done'} ({seconds:.0f} s)")
    return Stage(Path(slug).name, title, notebook, reason, seconds)


def trusted(notebook: nbformat.NotebookNode) -> str:
    """Why an executed notebook cannot be believed; "" if it can.

    papermill's own metadata call a crashed run completed, so every cell is looked at.
    """
    told = notebook.metadata.get("papermill", {})
    if not told.get("end_time") or told.get("exception"):
        return _first_error(notebook) or "the run did not end"
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if error := _error(cell):
            return error
        if cell.execution_count is None or (
            cell.metadata.get("papermill", {}).get("status") != "completed"
        ):
            return f"the cell “{cell.source.splitlines()[0]}” did not run"
    return ""


def _engine() -> str:
    """papermill's engine under another name, which writes the notebook at its start and its end.

    Its own writes all of it before and after each cell; `request_save_on_cell_execute=False`
    writes nothing at all where a kernel dies or a cell takes too long.
    """
    from papermill.engines import NBClientEngine, papermill_engines

    class Quiet(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> Any:
            path, nb_man.output_path = nb_man.output_path, None
            try:
                return super().execute_managed_notebook(nb_man, kernel_name, **given)
            finally:
                nb_man.output_path = path

    papermill_engines.register("quiet", Quiet)
    return "quiet"


def _scrub(target: Path, given: Mapping[str, str]) -> nbformat.NotebookNode | None:
    """The executed notebook, read back with the warehouse's URL and password blotted out."""
    if not target.is_file():
        return None
    text = without_passwords(target.read_text(encoding="utf-8"))
    for value in given.values():
        name = variable_of(value)
        secret = os.environ.get(name, "").strip() if name else ""
        if "://" in secret:
            text = text.replace(secret, "***")
    target.write_text(text, encoding="utf-8")
    try:
        return nbformat.reads(text, as_version=4)
    except Exception:
        return None


def _first_error(notebook: nbformat.NotebookNode) -> str:
    found = [_error(cell) for cell in notebook.cells if cell.cell_type == "code"]
    return next((error for error in found if error), "")


def _error(cell: nbformat.NotebookNode) -> str:
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue.splitlines()[0] if output.evalue else ''}"
    return ""
