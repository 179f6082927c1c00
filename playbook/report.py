"""Runs the notebooks with a run's parameters and publishes a folder of self-contained pages."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from playbook import declare, figures, pages, personalization, run
from playbook.mistakes import Mistake, listed, nearest
from playbook.run import Run
from playbook.warehouse import scrubbed

STAGES = {
    "1_audit": "Collection audit",
    "2_friction": "Friction analysis",
    "3_personalization": "Personalization design",
    "4_impact": "Impact measurement",
}
BOTTOM_LINE = "bottom-line"  # the tag of the cell whose sentences open the report
CELL_TIMEOUT = 600  # seconds
ACTIVE = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins with one
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


class Failed(Exception):  # noqa: N818 (it is how a report ends)
    """A notebook failed: `page` says what and where; the last good report is untouched."""

    def __init__(self, stages: list[Stage], page: Path) -> None:
        super().__init__("; ".join(f"{s.title}: {s.reason}" for s in stages if s.reason))
        self.page = page


def parameters(path: Path) -> dict[str, str]:
    """A run's parameters, refused before a kernel starts if a notebook does not declare them.

    A parameter's value is data, but papermill writes its name into code: so names are checked.
    """
    given = declare.load(path)
    if not isinstance(given, dict):
        raise Mistake(
            f"{path.name} holds no parameters.",
            f"It is a {type(given).__name__}.",
            "write one `name: value` a line, as in params/airtouch/runs/weekly.yaml.",
        )
    for slug in STAGES:
        known = declared(slug)
        for name in given:
            if name not in known:
                raise Mistake(
                    f"{path.name}: the notebook {slug} has no parameter `{name}`.",
                    f"It has: {listed(known)}.",
                    nearest(str(name), known),
                )
    values = {name: "" if value is None else str(value) for name, value in given.items()}
    for name, value in values.items():
        if scrubbed(value) != value:
            raise Mistake(
                f"{path.name}: `{name}` holds a password.",
                f"It is: {scrubbed(value)}.",
                "put the URL into a variable and write `warehouse: env:NAME_OF_IT`.",
            )
    return values


def declared(slug: str) -> dict[str, Any]:
    """The parameters that a notebook declares, by papermill's own inspection."""
    import papermill

    return papermill.inspect_notebook(str(run.root() / "notebooks" / f"{slug}.ipynb"))


def render(path: Path, *, out: Path | None = None, progress: Progress = print) -> Path:
    """The report of a run: its index page, after everything else is in place.

    Args:
        path: The run's YAML file.
        out: Where reports go; the project's `reports/` by default.
        progress: Called with each thing that is done.

    Raises:
        Mistake: The run, the product or the warehouse is wrong.
        Failed: A notebook failed.
    """
    given = parameters(path)
    opened = run.open(**{name: value for name, value in given.items() if name != "by"})
    progress(f"{opened.declared.product.name}: data up to {opened.as_of} UTC")
    home = (out or run.root() / "reports") / opened.declared.product.slug / path.stem
    home.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=home))
    try:
        stages = [_execute(slug, given, building, progress) for slug in STAGES]
        final = home / f"{opened.period.as_of:%Y-%m-%d}"
        if any(stage.reason for stage in stages):
            _write(building, stages, opened, given, path.stem, previous=None)
            raise Failed(stages, _move(building, home / "failed") / "index.html")
        _audiences(building / "audiences", opened)
        _write(building, stages, opened, given, path.stem, previous=_previous(home, final.name))
        return _move(building, final) / "index.html"
    finally:
        shutil.rmtree(building, ignore_errors=True)


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


def _execute(slug: str, given: Mapping[str, str], building: Path, progress: Progress) -> Stage:
    """One notebook, executed beside its final place."""
    import papermill
    from traitlets.config import Config

    transport = "tcp" if sys.platform == "win32" else "ipc"
    source = run.root() / "notebooks" / f"{slug}.ipynb"
    target = building / f"{slug}.ipynb"
    began = datetime.now(UTC)
    problem = ""
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            parameters=dict(given),
            kernel_name="python3",
            cwd=str(source.parent),
            progress_bar=False,
            execution_timeout=CELL_TIMEOUT,
            iopub_timeout=120,
            config=Config({"KernelManager": {"transport": transport}}),
        )
    except Exception as error:  # whatever it was, the other stages run
        problem = f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
    notebook = _scrub(target, given)
    reason = (trusted(notebook) if notebook else "") or problem
    seconds = (datetime.now(UTC) - began).total_seconds()
    progress(f"{STAGES[slug]}: {reason or 'done'} ({seconds:.0f} s)")
    return Stage(slug, STAGES[slug], notebook, reason, seconds)


def _scrub(target: Path, given: Mapping[str, str]) -> nbformat.NotebookNode | None:
    """The executed notebook, read back with the warehouse's URL and password blotted out."""
    if not target.is_file():
        return None
    text = scrubbed(target.read_text(encoding="utf-8"))
    for value in given.values():
        secret = os.environ.get(value.removeprefix("env:"), "") if value.startswith("env:") else ""
        if "://" in secret:
            text = text.replace(secret, "***")
    target.write_text(text, encoding="utf-8")
    try:
        return nbformat.reads(text, as_version=4)
    except Exception:
        return None


def _write(
    folder: Path,
    stages: list[Stage],
    opened: Run,
    given: Mapping[str, str],
    name: str,
    *,
    previous: Path | None,
) -> None:
    """Pages, index, figures and status of a report, into a folder that nobody reads yet."""
    nav = [("index.html", "Overview"), *((f"{s.slug}.html", s.title) for s in stages)]
    for stage in stages:
        if stage.notebook:
            page = pages.page(
                stage.notebook, title=stage.title, nav=nav, status=_told(stage, given)
            )
            (folder / f"{stage.slug}.html").write_text(page, encoding="utf-8")
    rows = [row for stage in stages for row in _figures(stage)]
    _parquet(rows, folder / "figures.parquet")
    status = {
        "notebooks": {stage.slug: _told(stage, given) for stage in stages},
        "as_of": opened.as_of,
        "made_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "versions": {"python": sys.version.split()[0]}
        | {p: version(p) for p in ("growth-playbook", "ibis-framework", "duckdb", "papermill")},
    }
    (folder / "status.json").write_text(json.dumps(status, indent=2), encoding="utf-8")
    index = _index(stages, opened, name, status, _changes(stages, previous), folder)
    (folder / "index.html").write_text(pages.index(index), encoding="utf-8")


def _told(stage: Stage, given: Mapping[str, str]) -> dict[str, Any]:
    times = stage.notebook.metadata.get("papermill", {}) if stage.notebook else {}
    return {
        "state": stage.state,
        "reason": stage.reason,
        "started": times.get("start_time"),
        "ended": times.get("end_time"),
        "seconds": round(stage.seconds, 1),
        "parameters": dict(given),
    }


def _index(stages, opened: Run, name: str, status, changes, folder: Path) -> dict[str, Any]:
    period = opened.period
    files = [("figures.parquet: every number of this report", "figures.parquet")]
    files += [("status.json: how it was made", "status.json")]
    files += [
        (f"audience of {path.stem}", f"audiences/{path.name}")
        for path in sorted((folder / "audiences").glob("*.csv"))
    ]
    return {
        "product": opened.declared.product.name,
        "run": name,
        "since": f"{period.since:%d %b %Y}",
        "until": f"{period.until:%d %b %Y}",
        "as_of": opened.as_of,
        "made_at": status["made_at"],
        "stages": [
            {
                "slug": stage.slug,
                "title": stage.title,
                "state": stage.state,
                "reason": stage.reason,
                "bottom_line": _bottom_line(stage),
                "page": f"{stage.slug}.html" if stage.notebook else "",
            }
            for stage in stages
        ],
        "changes": changes,
        "files": files,
    }


def _outputs(stage: Stage, *, tag: str = "") -> list[dict[str, Any]]:
    """The output bundles of a stage's cells, or of those with a tag."""
    cells = stage.notebook.cells if stage.notebook else []
    return [
        output["data"]
        for cell in cells
        if not tag or tag in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
        if "data" in output
    ]


def _bottom_line(stage: Stage) -> list[str]:
    said = [
        data["text/markdown"]
        for data in _outputs(stage, tag=BOTTOM_LINE)
        if "text/markdown" in data
    ]
    return [text if isinstance(text, str) else "".join(text) for text in said]


def _figures(stage: Stage, *, tag: str = "") -> list[dict[str, Any]]:
    """The figures that a stage states, each once."""
    found = {
        (row["figure"], row["segment"]): row
        for data in _outputs(stage, tag=tag)
        for row in data.get(figures.MIME, [])
    }
    return list(found.values())


def _parquet(rows: list[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"n": pa.int64(), "value": pa.float64(), "low": pa.float64(), "high": pa.float64()}
    schema = pa.schema([(name, numbers.get(name, pa.string())) for name in figures.COLUMNS])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _changes(stages: list[Stage], previous: Path | None) -> list[dict[str, str]]:
    """How the numbers of the bottom lines moved since the last report, counted the same way."""
    if previous is None:
        return []
    import pyarrow.parquet as pq

    old = {
        (row["figure"], row["segment"], row["definition"]): row["value"]
        for row in pq.read_table(previous / "figures.parquet").to_pylist()
    }
    found = []
    for stage in stages:
        for row in _figures(stage, tag=BOTTOM_LINE):
            before = old.get((row["figure"], row["segment"], row["definition"]))
            if None in (before, row["value"]) or row["unit"] == "count":
                continue
            found.append(
                {
                    "label": f"{row['figure']} {row['segment']}".strip(),
                    "before": f"{before * 100:.1f} %",
                    "now": f"{row['value'] * 100:.1f} %",
                    "change": f"{(row['value'] - before) * 100:+.1f} points",
                }
            )
    return found


def _previous(home: Path, name: str) -> Path | None:
    """The last good report before this one."""
    older = [
        folder
        for folder in home.iterdir()
        if folder.name[:1].isdigit()
        and folder.name < name
        and (folder / "figures.parquet").is_file()
    ]
    return max(older, key=lambda folder: folder.name, default=None)


def _audiences(folder: Path, opened: Run) -> None:
    """One file per play: whom to send it to; held-out units are in none."""
    if not opened.tables.has("users"):
        return
    for play in opened.declared.plays:
        folder.mkdir(exist_ok=True)
        table = personalization.audience(opened, play.slug).table
        with (folder / f"{play.slug}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            for batch in table.to_pyarrow_batches():
                writer.writerows([_inert(v) for v in row.values()] for row in batch.to_pylist())


def _inert(value: object) -> object:
    """A cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(ACTIVE) else value


def _move(building: Path, final: Path) -> Path:
    """Publish: the finished folder takes its name in one step; an old one makes room first."""
    aside = final.with_name(f".old-{final.name}")
    shutil.rmtree(aside, ignore_errors=True)
    building.chmod(0o755)
    if final.exists():
        final.rename(aside)
    building.rename(final)
    shutil.rmtree(aside, ignore_errors=True)
    return final


def _first_error(notebook: nbformat.NotebookNode) -> str:
    found = [_error(cell) for cell in notebook.cells if cell.cell_type == "code"]
    return next((error for error in found if error), "")


def _error(cell: nbformat.NotebookNode) -> str:
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue.splitlines()[0] if output.evalue else ''}"
    return ""
