"""One run: a product's declarations and tables, opened over one period."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from playbook.data import arrivals, extent
from playbook.data.arrivals import Rows
from playbook.data.extent import Extent
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, declarations
from playbook.language import periods
from playbook.language.mistakes import Mistake, Nothing, listed
from playbook.language.periods import Period
from playbook.language.wording import labelled
from playbook.results import Result


@dataclass(frozen=True, repr=False)
class Run:
    """A product, its tables, and the period that is looked at.

    Attributes:
        declared: What the product's folder declares.
        warehouse: The open warehouse.
        tables: The canonical tables.
        period: When units enter, and how far the data goes.
        log_begins: First moment of the events: who signed up earlier is not in them.
        arrived: What arrived, per event, source, version and day; see `arrivals.daily_counts`.
        copied: The same of the copies alone.
        inferred: Events whose account comes from their user, counted alike, without copies.
        scans: The statements that these were counted by, as results that others are made of.
    """

    declared: Declarations
    warehouse: Warehouse
    tables: Tables
    period: Period
    log_begins: datetime
    arrived: Rows
    copied: Rows
    inferred: Rows
    scans: tuple[Result, ...] = ()
    memory: dict[tuple, Any] = field(default_factory=dict, init=False, compare=False)

    @cached_property
    def coverage(self) -> dict[str, dict[str, Any]]:
        """Event name → what its rows hold, each event once."""
        return self.coverage_between(datetime.min, self.period.as_of)

    def coverage_between(self, first: datetime, last: datetime) -> dict[str, dict[str, Any]]:
        """The coverage of the days from one moment to another, both included."""
        days = [
            [row for row in rows if row["day"] is not None and row["day"] >= first.date()]
            for rows in (self.arrived_once, self.inferred)
        ]
        return arrivals.coverage_per_event(*days, min(last, self.period.as_of))

    @cached_property
    def arrived_once(self) -> Rows:
        """What arrived, each event once."""
        return arrivals.without_copies(self.arrived, self.copied)

    @cached_property
    def extent(self) -> Extent:
        """How far the log covers time, by source and by event."""
        period = self.period
        return Extent(self.arrived, self.arrived_once, self.log_begins, period.since, period.as_of)

    def since(self, first: datetime) -> Run:
        """The run with entries from a moment on; as it is where they begin no earlier."""
        if first <= self.period.since:
            return self
        start = min(first, self.period.until)

        def later() -> Run:
            return replace(self, period=replace(self.period, since=start))

        return self.remembered(("since", start), later)

    def until(self, last: datetime) -> Run:
        """The run as if the data ended at a moment; as it is where they end no later."""
        if last >= self.period.as_of:
            return self

        def cut() -> Run:
            period = replace(self.period, as_of=last)
            return replace(self, period=period, tables=self.tables.until(last))

        return self.remembered(("until", last), cut)

    @cached_property
    def doubts(self) -> dict[str, dict[str, int]]:
        """`users` and `accounts` → what `Tables.doubts` counts."""
        return {name: fetched(counts)[0] for name, counts in self.tables.doubts.items()}

    def remembered(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What `make` makes, made once for each key: results fetch their rows once."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]

    def result(
        self,
        shape: str,
        table: ir.Table | None = None,
        finish: Callable[[Rows], Rows] | None = None,
        *,
        counts: str = "each event once",
        told: tuple[tuple[str, str], ...] = (),
        **given: Any,
    ) -> Result:
        """A result of this run; its section names it.

        Args:
            shape: A key of `results.columns.SHAPES`.
            table: The lazy table; none where all is made of other results.
            finish: Makes the rows of the shape of the fetched ones.
            counts: What is counted, for the definition.
            told: How it is counted besides, as (word, value) pairs.
            given: Further fields of the result.
        """
        fields = {
            "id": "",
            "definition": (("counts", counts), *told),
            "as_of": self.as_of,
            "min_n": self.declared.product.min_n,
            "labels": self.labels,
            "prepared": self.warehouse.prepared,
        }
        return Result(shape=shape, table=table, finish=finish, **(fields | given))

    @property
    def labels(self) -> dict[str, str]:
        """Names in the data → words for people."""
        return self.declared.product.labels

    def label(self, name: str) -> str:
        """The words for a name of the data or of a declaration."""
        return labelled(self.labels, name)

    @property
    def as_of(self) -> str:
        """The watermark as text, to the second."""
        return self.period.as_of.strftime("%Y-%m-%d %H:%M:%S")

    @property
    def headline(self) -> str:
        """The id of the question that opens every report: the named one, or the first."""
        return next(iter(self.declared.roles["headline"]), "")

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
    from playbook import airtouch

    files = sorted(Path(airtouch.__file__).parent.glob("*.py"))
    version = hashlib.md5(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
    folder = at / ".demo" / version
    return folder if folder.is_dir() else airtouch.write(folder)


def warehouse_url(home: Path, warehouse: str | None) -> str:
    """Where a run's tables are, as it names them: "demo" is the sample company."""
    named = (warehouse or "").strip()
    return str(demo_folder(home)) if named == "demo" else named


def open(
    product: str,
    warehouse: str = "demo",
    *,
    since: str = "",
    until: str = "",
    as_of: str = "",
    engine: str = "",
) -> Run:
    """A run, ready to be asked.

    Args:
        product: Folder with the declarations, from the project's folder.
        warehouse: "demo", a folder of Parquet, a DuckDB file, or `env:NAME` of a variable with
            an Ibis URL.
        since: First day of entries (UTC), or "-90d" before the last event; "": all.
        until: First day after the entries; "": up to the last event.
        as_of: Look at the data as it was then; "": up to the last event.
        engine: What it may take of the machine, such as "memory: 4GB, threads: 2".
    """
    from playbook.data import opening, sources  # whoever reads how a run is asked needs neither

    home = root()
    declared = declarations(home / product)
    opened = opening.warehouse_at(warehouse_url(home, warehouse), home, engine)
    tables = sources.tables_of(declared, opened)
    with sources.cast_failures(declared, opened):
        counts = counted(declared, tables)
    known = extent.ends(counts[0]).values()
    if not known:
        raise Nothing(
            "The events table is empty.",
            f"The warehouse has: {listed(opened.names)}.",
            "check the mapping of `events` in product.yaml.",
        )
    first, last = min(ends.first for ends in known), max(ends.last for ends in known)
    period = periods.period(since, until, as_of, first=first, last=last)
    if period.as_of < last:
        tables = tables.received(period.as_of)
        with sources.cast_failures(declared, opened):
            counts = counted(declared, tables)
    period = replace(period, late=arrivals.usual_lateness(counts[0]))
    return Run(declared, opened, tables.until(period.as_of), period, first, *counts)


def fetched(table: ir.Table) -> Rows:
    """The rows of a table that counts."""
    return table.to_pyarrow().to_pylist()


def counted(declared: Declarations, tables: Tables) -> tuple[Rows, Rows, Rows, tuple[Result, ...]]:
    """What arrived, the copies among it, what has its account from its user, less copies, and the
    scans that counted them."""
    plan, users = declared.plan, tables.users
    logs = {"arrivals": tables.arrivals, "copies": tables.copies}
    scans = [_scan(name, arrivals.daily_counts(log, plan)) for name, log in logs.items()]
    arrived, copied = (scan.rows for scan in scans)
    if users is None or not any(row["unlinked"] for row in arrived):
        return arrived, copied, [], tuple(scans)
    further = [
        _scan(f"inferred.{n}", arrivals.inferred_counts(log, users)) for n, log in logs.items()
    ]
    inferred = arrivals.without_copies(*(scan.rows for scan in further))
    return arrived, copied, inferred, (*scans, *further)


def _scan(name: str, table: ir.Table) -> Result:
    """A scan of the whole log, fetched already: what results that rest on it show as its SQL."""
    rows = fetched(table)
    return Result(f"log.{name}", "table", table, fetched=lambda: rows)
