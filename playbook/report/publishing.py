"""Writes what a report is made of: pages, index, figures and status; and publishes it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playbook.report import pages
from playbook.report.audiences import Manifest, overview
from playbook.report.running import Stage
from playbook.report.sections import BOTTOM_LINE
from playbook.results import figures
from playbook.run import Run


def write_pages(
    folder: Path,
    stages: list[Stage],
    opened: Run,
    given: Mapping[str, str],
    name: str,
    *,
    earlier: Sequence[Path] = (),
    sent: Manifest | None = None,
) -> None:
    """Pages, index, figures and status of a report, into a folder that nobody reads yet.

    `earlier` are the good reports before it, and `sent` is the manifest of its audiences.
    """
    nav = [("index.html", "Overview"), *((f"{s.slug}.html", s.title) for s in stages)]
    for stage in stages:
        if stage.notebook:
            page = pages.page(
                stage.notebook, title=stage.title, nav=nav, status=_stage_status(stage, given)
            )
            (folder / f"{stage.slug}.html").write_text(page, encoding="utf-8")
    rows = [row for stage in stages for row in _figures(stage)]
    _write_figures(rows, folder / "figures.parquet")
    status = {
        "notebooks": {stage.slug: _stage_status(stage, given) for stage in stages},
        "as_of": opened.as_of,
        "made_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "versions": {"python": sys.version.split()[0]}
        | {p: version(p) for p in ("growth-playbook", "ibis-framework", "duckdb", "papermill")},
    }
    (folder / "status.json").write_text(json.dumps(status, indent=2), encoding="utf-8")
    changes = _changes(stages, earlier[0]) if earlier else []
    index = _index(stages, opened, name, status, changes, sent)
    (folder / "index.html").write_text(pages.index(index), encoding="utf-8")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside its final place, which takes that place when it is whole."""
    building = path.with_name(f".{path.name}")
    try:
        yield building
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)


def move(building: Path, final: Path) -> Path:
    """Publish: the finished folder takes its name in one step; an old one makes room first."""
    aside = final.with_name(f".old-{final.name}")
    if aside.exists() and not final.exists():
        aside.rename(final)  # a crash between the two renames: this is the last good one
    shutil.rmtree(aside, ignore_errors=True)
    building.chmod(0o755)
    if final.exists():
        final.rename(aside)
    building.rename(final)
    shutil.rmtree(aside, ignore_errors=True)
    return final


def earlier_reports(home: Path, name: str) -> list[Path]:
    """The good reports before this one, the last one first."""
    older = [
        folder
        for folder in home.iterdir()
        if folder.name[:1].isdigit()
        and folder.name < name
        and (folder / "figures.parquet").is_file()
    ]
    return sorted(older, key=lambda folder: folder.name, reverse=True)


def _stage_status(stage: Stage, given: Mapping[str, str]) -> dict[str, Any]:
    times = stage.notebook.metadata.get("papermill", {}) if stage.notebook else {}
    return {
        "state": stage.state,
        "reason": stage.reason,
        "sections": {"answered": stage.told.answered, "of": stage.told.of},
        "because": stage.told.because,
        "not_asked": list(stage.told.unasked),
        "started": times.get("start_time"),
        "ended": times.get("end_time"),
        "seconds": round(stage.seconds, 1),
        "parameters": dict(given),
    }


def _index(stages, opened: Run, name: str, status, changes, sent) -> dict[str, Any]:
    period = opened.period
    files = [("figures.parquet: every number of this report", "figures.parquet")]
    files += [("status.json: how it was made", "status.json")]
    if sent:
        path = "audiences/manifest.json"
        files += [(f"{path}: what the files of audiences hold", path)]
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
                "in_words": "failed" if stage.reason else stage.told.in_words,
                "reason": stage.reason,
                "bottom_line": _bottom_line(stage),
                "page": f"{stage.slug}.html" if stage.notebook else "",
            }
            for stage in stages
        ],
        "changes": changes,
        "audiences": overview(sent) if sent else None,
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


def _write_figures(rows: list[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"n": pa.int64(), "value": pa.float64(), "low": pa.float64(), "high": pa.float64()}
    schema = pa.schema([(name, numbers.get(name, pa.string())) for name in figures.COLUMNS])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _changes(stages: list[Stage], previous: Path) -> list[dict[str, str]]:
    """How the numbers of the bottom lines moved since the last report, counted the same way."""
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
