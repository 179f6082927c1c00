"""Runs the notebooks with a run's parameters and publishes a folder of self-contained pages."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playbook import run
from playbook.answers import lacks
from playbook.language.mistakes import Nothing
from playbook.report import audiences, publishing
from playbook.report.runfile import (
    STAGES,
    notebooks,
    opened_run,
    parameters,
    refuse_unmapped,
)
from playbook.report.running import Progress, Stage, execute, trusted

__all__ = ["STAGES", "Failed", "Stage", "opened_run", "parameters", "refuse_unmapped", "render"]
__all__ += ["trusted"]
MEND = "run `playbook check`: it lists what each question needs, and what is there."


class Failed(Exception):  # noqa: N818 (it is how a report ends)
    """A notebook failed: `page` says what and where; the last good report is untouched."""

    def __init__(self, stages: list[Stage], page: Path) -> None:
        super().__init__("; ".join(f"{s.title}: {s.reason}" for s in stages if s.reason))
        self.page = page


def render(path: Path, *, out: Path | None = None, progress: Progress = print) -> Path:
    """The report of a run: its index page, after everything else is in place.

    Args:
        path: The run's YAML file.
        out: Where reports go; the project's `reports/` by default.
        progress: Called with each thing that is done.

    Raises:
        Mistake: The run, the product or the warehouse is wrong.
        Nothing: No question that the product declares can be answered.
        Failed: A notebook failed.
    """
    given, asked = parameters(path), notebooks(path)
    opened = opened_run(given)
    progress(f"{opened.declared.product.name}: data up to {opened.as_of} UTC")
    home = (out or run.root() / "reports") / opened.declared.product.slug / path.stem
    home.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=home))
    try:
        events = sum(row["n"] for row in opened.arrived)
        stages = [
            execute(slug, title, given, building, progress, events=events)
            for slug, title in asked.items()
        ]
        opened.warehouse.refuse_changes()  # else some notebooks told of another state
        final = home / f"{opened.period.as_of:%Y-%m-%d}"
        if any(stage.reason for stage in stages):
            publishing.write_pages(building, stages, opened, given, path.stem)
            raise Failed(stages, publishing.move(building, home / "failed") / "index.html")
        if unanswered := nothing_answered(opened):
            publishing.write_pages(building, stages, opened, given, path.stem)
            page = publishing.move(building, home / "failed") / "index.html"
            raise Nothing("No question can be answered.", f"{unanswered} See {page}.", MEND)
        earlier = publishing.earlier_reports(home, final.name)
        sent = audiences.write_audiences(building / "audiences", opened, earlier=earlier)
        publishing.write_pages(
            building, stages, opened, given, path.stem, earlier=earlier, sent=sent
        )
        shutil.rmtree(home / "failed", ignore_errors=True)  # it is mended
        return publishing.move(building, final) / "index.html"
    finally:
        shutil.rmtree(building, ignore_errors=True)


def nothing_answered(opened: run.Run) -> str:
    """Why the data answers no question, as the first one says it; "" if it answers any."""
    reasons = [lacks(opened, question) for question in opened.declared.questions]
    return f"Of {len(reasons)}, the first: {reasons[0]}" if reasons and all(reasons) else ""
