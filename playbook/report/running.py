"""Runs one notebook with a run's parameters, and says whether it may be believed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from playbook import declare, run
from playbook.counting import units
from playbook.data.warehouse import variable_of, without_passwords
from playbook.language.mistakes import Mistake, listed, nearest

STAGES = {
    "1_audit": "Collection audit",
    "2_friction": "Friction analysis",
    "3_personalization": "Personalization design",
    "4_impact": "Impact measurement",
}
CELL_TIMEOUT = 600  # seconds
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
        """`ok` or `failed`."""
        return "failed" if self.reason else "ok"


def parameters(path: Path, slugs: Iterable[str] = tuple(STAGES)) -> dict[str, str]:
    """A run's parameters, refused before a kernel starts if a notebook does not declare them.

    A parameter's value is data, but papermill writes its name into code: so names are checked.
    """
    given = declare.read_yaml(path)
    if not isinstance(given, dict):
        raise Mistake(
            f"{path.name} holds no parameters.",
            f"It is a {type(given).__name__}.",
            "write one `name: value` a line, as in params/airtouch/runs/weekly.yaml.",
        )
    for slug in slugs:
        known = declared(slug)
        for name in given:
            if name not in known:
                raise Mistake(
                    f"{path.name}: the notebook {slug} has no parameter `{name}`.",
                    f"It has: {listed(known)}.",
                    nearest(str(name), known),
                )
    for name, value in given.items():
        if isinstance(value, dict | list):
            raise Mistake(
                f"{path.name}: `{name}` is no single value.",
                f"It is: {value}.",
                f"write `{name}: value`.",
            )
    values = {name: "" if value is None else str(value) for name, value in given.items()}
    for name, value in values.items():
        if without_passwords(value) != value:
            raise Mistake(
                f"{path.name}: `{name}` holds a password.",
                f"It is: {without_passwords(value)}.",
                "put the URL into a variable and write `warehouse: env:NAME_OF_IT`.",
            )
    return values


def opened_run(given: Mapping[str, str]) -> run.Run:
    """The run of a file's parameters, if a table has the column that it is broken down by."""
    opened = run.open(**{name: value for name, value in given.items() if name != "by"})
    refuse_unmapped(opened, given.get("by", ""))
    return opened


def refuse_unmapped(opened: run.Run, by: str, id: str = "") -> None:
    """Refuses a column that the units of no question have, or not those of one.

    Raises:
        Mistake: Which it is, and which there are.
    """
    questions = opened.declared.questions
    asked = list(dict.fromkeys(q.unit for q in questions if not id or q.id == id))
    refused = []
    for unit in asked if by and by != units.WEEK else ():
        try:
            units.traits(opened.tables, unit, [by])
        except Mistake as mistake:
            refused.append(mistake)
    if refused and len(refused) == len(asked):
        wrong = f"No table has the column `{by}` to break the answers down by."
        raise Mistake(wrong, f"{refused[0].wrong} {refused[0].there}", refused[0].hint)


def notebook_file(slug: str) -> Path:
    """A notebook of the project's own, or the one that comes with the package."""
    package = Path(run.__file__).parent
    folders = [run.root(), package, package.parent]  # in a wheel, in a checkout
    files = [folder / "notebooks" / f"{slug}.ipynb" for folder in folders]
    return next((file for file in files if file.is_file()), files[0])


def declared(slug: str) -> dict[str, Any]:
    """The parameters that a notebook declares, by papermill's own inspection."""
    import papermill

    return papermill.inspect_notebook(str(notebook_file(slug)))


def execute(
    slug: str, title: str, given: Mapping[str, str], building: Path, progress: Progress
) -> Stage:
    """One notebook, executed beside its final place."""
    import papermill
    from traitlets.config import Config

    # Sockets of its own: by default two reports that run at a time would share theirs.
    sockets = tempfile.TemporaryDirectory(prefix="kernel-")
    wires = {"transport": "ipc", "ip": f"{sockets.name}/k"} if sys.platform != "win32" else {}
    home, source = run.root(), notebook_file(slug)
    target = building / f"{slug}.ipynb"
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
            execution_timeout=CELL_TIMEOUT,
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
    return Stage(slug, title, notebook, reason, seconds)


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
