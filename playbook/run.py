"""One run: a product's declarations and tables, opened over one period."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from playbook.data import arrivals, sources
from playbook.data import warehouse as warehouses
from playbook.data.arrivals import Rows
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, Question, declarations
from playbook.language import periods
from playbook.language.mistakes import Mistake, Nothing, listed
from playbook.language.periods import Ends, Period
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
    """

    declared: Declarations
    warehouse: Warehouse
    tables: Tables
    period: Period
    log_begins: datetime
    arrived: Rows
    copied: Rows
    inferred: Rows
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

    @property
    def log(self) -> ir.Table:
        """The statement that `arrived` was fetched by: what a result made of its rows rests on."""
        return arrivals.daily_counts(self.tables.arrivals, self.declared.plan)

    @cached_property
    def ends(self) -> dict[str | None, Ends]:
        """Source → how far it covers time."""
        return periods.ends(self.arrived)

    def reaches(self, question: Question) -> datetime:
        """The watermark of a question: the end of the slowest source that it needs.

        A source that has always been silent for days is not slow because it is silent again.
        """
        ends = [
            end
            for source, end in self.stalled.items()
            if any(self._needs(source, end, event) for event in question.events)
        ]
        return min([*ends, self.period.as_of])

    def _needs(self, source: str | None, end: datetime, event: str) -> bool:
        """Whether an event counts on a source that fell silent.

        One that sent less than a hundredth of it (a test), or that others had replaced before
        the period, takes nothing from an answer.
        """
        sent = [row for row in self.arrived if row["event"] == event and row["day"] is not None]
        lately = [row for row in sent if row["day"] >= self.period.since.date()]
        beside = [row for row in lately or sent if row["day"] <= end.date()]
        own = sum(row["n"] for row in beside if row["source"] == source)
        return own > sum(row["n"] for row in beside) * (1 - arrivals.CAVEAT_BELOW)

    @property
    def stalled(self) -> dict[str | None, datetime]:
        """The sources that fell silent while others went on, and when."""
        fastest = max((ends.last for ends in self.ends.values()), default=self.period.as_of)
        return {s: ends.last for s, ends in self.ends.items() if ends.stalled(fastest)}

    def remembered(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What `make` makes, made once for each key: results fetch their rows once."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]

    def result(
        self,
        id: str,
        shape: str,
        table: ir.Table,
        finish: Callable[[Rows], Rows] | None = None,
        *,
        by: tuple[str, ...] = (),
        counts: str = "each event once",
        says: tuple[tuple[str, str], ...] = (),
        fetched: Callable[[], Rows] | None = None,
    ) -> Result:
        """A result of this run, which is made and fetched once."""

        def make() -> Result:
            return Result(
                id=id,
                shape=shape,
                table=table,
                by=by,
                definition=(("what", id.partition(".")[2]), ("counts", counts), *says),
                as_of=self.as_of,
                min_n=self.declared.product.min_n,
                labels=self.labels,
                finish=finish,
                fetched=fetched,
                prepared=self.warehouse.prepared,
            )

        return self.remembered(("result", id), make)

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
    from playbook import airtouch

    files = sorted(Path(airtouch.__file__).parent.glob("*.py"))
    version = hashlib.md5(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
    folder = at / ".demo" / version
    return folder if folder.is_dir() else airtouch.write(folder)


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
    opened = warehouses.warehouse_at(url)
    tables = sources.tables_of(declared, opened)
    counts = _arrived(declared, opened, tables)
    known = periods.ends(counts[0]).values()
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
        counts = _arrived(declared, opened, tables)
    return Run(declared, opened, tables.until(period.as_of), period, first, *counts)


def fetched(table: ir.Table) -> Rows:
    """The rows of a table that counts."""
    return table.to_pyarrow().to_pylist()


def counted(declared: Declarations, tables: Tables) -> tuple[Rows, Rows, Rows]:
    """What arrived, the copies among it, and what has its account from its user, less copies."""
    plan, users, logs = declared.plan, tables.users, (tables.arrivals, tables.copies)
    arrived, copied = (fetched(arrivals.daily_counts(log, plan)) for log in logs)
    if users is None or not any(row["unlinked"] for row in arrived):
        return arrived, copied, []
    inferred = (fetched(arrivals.inferred_counts(log, users)) for log in logs)
    return arrived, copied, arrivals.without_copies(*inferred)


def _arrived(declared: Declarations, opened: Warehouse, tables: Tables) -> tuple[Rows, Rows, Rows]:
    with sources.cast_failures(declared, opened):
        return counted(declared, tables)
