"""The five-step funnel of people, any entry, within 14 days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import ibis

from playbook import measures
from playbook.attempts import attempts
from playbook.periods import Period

STEPS = ["session_started", "connection_created", "workflow_creation_started"]
STEPS += ["workflow_saved", "workflow_ran"]
WITHIN = timedelta(days=14)
ALL = Period(datetime(2000, 1, 1), datetime(2100, 1, 1), datetime(2200, 1, 1))


def ours(folder: Path) -> Callable[[], list[int]]:
    """Through our expressions."""
    connection = ibis.duckdb.connect(threads=2)
    events = connection.read_parquet(_files(folder))
    rows = events.filter(events.user_id.notnull()).select(
        unit="user_id", held=ibis.literal(""), event="event", at="occurred_at"
    )
    counted = measures.steps(attempts(rows, STEPS, within=WITHIN, period=ALL), len(STEPS))
    connection.raw_sql("select 1")

    def run() -> list[int]:
        row = counted.to_pyarrow().to_pylist()[0]
        return [row[f"step_{k}"] for k in range(1, len(STEPS) + 1)]

    return run


def by_hand(folder: Path) -> Callable[[], list[int]]:
    """The best SQL of the same semantics that we know: running maxima, pruned after each step."""
    text = f"""
        create or replace temp table rows_ as
        select user_id as unit, occurred_at as moment,
               list_position({STEPS!r}, event)::int as step
        from read_parquet('{_files(folder)}')
        where user_id is not null and event in ({", ".join(repr(step) for step in STEPS)})
    """
    level = """
        select unit, moment, step, case when step = 1 then moment end as entry from rows_
    """
    for k in range(2, len(STEPS) + 1):
        level = f"""
            select unit, moment, step, case when step = {k} then
                (case when moment <= before + interval 14 day then before end)
                else entry end as entry
            from (select *, max(case when step = {k - 1} then entry end) over (
                partition by unit order by moment, step
                rows between unbounded preceding and 1 preceding
            ) as before from ({level}))
        """
    counts = ", ".join(
        f"count(distinct unit) filter (step = {k} and entry is not null)"
        for k in range(1, len(STEPS) + 1)
    )
    connection = duckdb.connect(config={"threads": 2})

    def run() -> list[int]:
        connection.execute(text)
        return list(connection.execute(f"select {counts} from ({level})").fetchone())

    return run


def scan(folder: Path) -> Callable[[], int]:
    """A scan of the three columns."""
    connection = duckdb.connect(config={"threads": 2})
    text = f"select bit_xor(hash(user_id, event, occurred_at)) from '{_files(folder)}'"

    def run() -> int:
        return connection.execute(text).fetchone()[0] % 1000

    return run


def _files(folder: Path) -> str:
    single = folder / "events.parquet"
    return str(single if single.is_file() else folder / "events" / "*.parquet")


CONTENDERS = {"ours": ours, "by_hand": by_hand, "scan": scan}
