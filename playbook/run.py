"""One run: a product's declarations and tables, opened over one period."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from playbook import coverage, demo, periods, sources
from playbook import warehouse as warehouses
from playbook.declare import Declarations, declarations
from playbook.mistakes import Mistake, Nothing, listed
from playbook.periods import Period
from playbook.tables import Tables
from playbook.warehouse import Warehouse


@dataclass(frozen=True, repr=False)
class Run:
    """A product, its tables, and the period that is looked at.

    Attributes:
        declared: What the product's folder declares.
        warehouse: The open warehouse.
        tables: The canonical tables.
        period: When units enter, and how far the data goes.
        log_begins: First moment of the events: who signed up earlier is not in them.
    """

    declared: Declarations
    warehouse: Warehouse
    tables: Tables
    period: Period
    log_begins: datetime

    @cached_property
    def coverage(self) -> dict[str, dict[str, Any]]:
        """Event name → what its rows hold; fetched once."""
        found = coverage.per_event(self.tables.events, self.declared.properties)
        return {row["event"]: row for row in found.to_pyarrow().to_pylist()}

    @property
    def labels(self) -> dict[str, str]:
        """Names in the data → words for people."""
        return self.declared.product.labels

    @property
    def as_of(self) -> str:
        """The watermark as text, to the second."""
        return self.period.as_of.strftime("%Y-%m-%d %H:%M:%S")

    @property
    def headline(self) -> str:
        """The id of the question that opens every report: the named one, or the first."""
        asked = [question.id for question in self.declared.questions]
        return self.declared.product.headline or (asked[0] if asked else "")

    def __repr__(self) -> str:
        return self._repr_markdown_().replace("*", "")

    def _repr_markdown_(self) -> str:
        product, period = self.declared.product, self.period
        return (
            f"**{product.name}** · entries from {period.since:%d %b %Y} to "
            f"{period.until:%d %b %Y} · data up to {period.as_of:%d %b %Y %H:%M} UTC · "
            f"{len(self.declared.questions)} questions, {len(self.declared.plays)} plays"
        )


def root(start: Path | None = None) -> Path:
    """The nearest folder, from here upwards, that holds `params/`."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir():
            return folder
    raise Mistake(
        f"No folder from `{here}` upwards holds `params/`.",
        f"The working folder has: {listed(sorted(p.name for p in here.iterdir()))}.",
        "start from the project's folder.",
    )


def demo_folder(at: Path) -> Path:
    """The sample company's tables, written once for each version of the simulator."""
    source = Path(demo.__file__)
    files = sorted(source.parent.glob("*.py")) if source.stem == "__init__" else [source]
    version = hashlib.md5(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
    folder = at / ".demo" / version
    return folder if folder.is_dir() else demo.write(folder)


def open(
    product: str,
    warehouse: str = "demo",
    *,
    since: str = "",
    until: str = "",
    as_of: str = "",
) -> Run:
    """A run, ready to be asked.

    Args:
        product: Folder with the declarations, from the project's folder.
        warehouse: "demo", a folder of Parquet, a DuckDB file, or `env:NAME` of a variable with
            an Ibis URL.
        since: First day of entries (UTC), or "-90d" before the last event; "": all.
        until: First day after the entries; "": up to the last event.
        as_of: Look at the data as it was then; "": up to the last event.
    """
    home = root()
    declared = declarations(home / product)
    url = str(demo_folder(home)) if warehouse == "demo" else warehouse
    if "://" not in url and not url.startswith("env:"):
        url = str(home / url)
    opened = warehouses.open(url)
    tables = sources.load(declared, opened)
    with sources.explained(declared, opened):
        ends = periods.watermark(tables.arrivals).to_pyarrow().to_pylist()[0]
    if ends["last"] is None:
        raise Nothing(
            "The events table is empty.",
            f"The warehouse has: {listed(opened.names)}.",
            "check the mapping of `events` in product.yaml.",
        )
    period = periods.period(since, until, as_of, first=ends["first"], last=ends["last"])
    return Run(declared, opened, tables.until(period.as_of), period, log_begins=ends["first"])
