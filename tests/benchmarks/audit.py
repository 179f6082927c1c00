"""The whole audit of a log in Parquet: load, and every check, without the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

import playbook as pb
from playbook.data import sources
from playbook.results import Unavailable
from tests.benchmarks import SMALL, log
from tests.benchmarks.funnel import _files

CHECKS = (
    *("data_points", "rules", "rules_by_week", "examples", "destinations", "copies", "freshness"),
    *("lateness", "volume", "duplicates", "visits", "causes", "devices", "people", "crawlers"),
    *("disposable", "agreement", "soundness"),
)
READ = (
    *("user_id", "anonymous_id", "workspace_id", "session_id", "event", "occurred_at"),
    *("received_at", "sent_at", "source", "app_version", "user_agent", "is_bot", "workflow_id"),
    *("draft_id", "connection_id", "direction", "invitee_id", "error"),
)


def ours(folder: Path) -> Callable[[], int]:
    """Everything that the audit says of a log; imports and the engine's start are left out."""
    _checked(log(SMALL))
    return lambda: _checked(folder)


def ours_but_duplicates(folder: Path) -> Callable[[], int]:
    """The same as if no event ever shared its id."""
    _checked(log(SMALL))

    def run() -> int:
        twice = sources._twice
        sources._twice = lambda table, key: table.select(key).limit(0)
        try:
            return _checked(folder)
        finally:
            sources._twice = twice

    return run


def duplicates(folder: Path) -> Callable[[], int]:
    """The dearest query that no audit can do without: how many events share an id, exactly."""
    return _query(f"select count(*) - count(distinct event_id) from '{_files(folder)}'")


def scan(folder: Path) -> Callable[[], int]:
    """A scan of the columns that the audit reads beside the event's id."""
    text = f"select bit_xor(hash({', '.join(READ)})) % 1000 from '{_files(folder)}'"
    return _query(text)


def _checked(folder: Path) -> int:
    run = pb.open("params/airtouch", str(folder))
    found = [getattr(pb.audit, name)(run) for name in CHECKS]
    return sum(len(result.rows) for result in found if not isinstance(result, Unavailable))


def _query(text: str) -> Callable[[], int]:
    connection = duckdb.connect(config={"threads": 2})
    return lambda: connection.execute(text).fetchone()[0]


CONTENDERS = {
    "ours": ours,
    "ours_but_duplicates": ours_but_duplicates,
    "duplicates": duplicates,
    "scan": scan,
}
