"""The five-step funnel of people, any entry, within 14 days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import ibis

from playbook.counting import attempts, measures
from playbook.language.periods import Period

STEPS = ["session_started", "connection_created", "workflow_creation_started"]
STEPS += ["workflow_saved", "workflow_ran"]
WITHIN = timedelta(days=14)
ALL = Period(datetime(2000, 1, 1), datetime(2100, 1, 1), datetime(2200, 1, 1))


def ours(folder: Path) -> Callable[[], list[int]]:
    """Through our expressions, over kept rows with whole numbers for the people."""
    connection = ibis.duckdb.connect(threads=2)
    events = connection.read_parquet(_files(folder))
    rows = events.filter(events.user_id.notnull(), events.event.isin(STEPS)).select(
        unit="user_id", event="event", at="occurred_at"
    )
    connection.raw_sql("select 1")

    def run() -> list[int]:
        numbers = connection.create_table("numbers", attempts.numbers(rows), temp=True)
        numbered = attempts.numbered(rows, numbers, STEPS)
        kept = connection.create_table("rows_", numbered, temp=True)
        found = attempts.attempts(kept, range(len(STEPS)), within=WITHIN, period=ALL)
        counted = measures.steps(found, len(STEPS))
        row = counted.to_pyarrow().to_pylist()[0]
        return [row[f"step_{k}"] for k in range(1, len(STEPS) + 1)]

    return run


def by_hand(folder: Path) -> Callable[[], list[int]]:
    """The best SQL of the same semantics that we know.

    A running maximum over two steps at a time, of the rows that a unit's attempts can reach, and
    of these only those after which more entries come.
    """
    listed = ", ".join(repr(step) for step in STEPS)
    texts = [
        f"""
        create or replace temp table units as
        select user_id, row_number() over () as unit from (
            select distinct user_id from read_parquet('{_files(folder)}')
            where user_id is not null and event in ({listed})
        )
        """,
        f"""
        create or replace temp table rows_ as
        select unit, occurred_at as moment, list_position({STEPS!r}, event)::tinyint as step
        from read_parquet('{_files(folder)}') join units using (user_id) where event in ({listed})
        """,
        """
        create or replace temp table step_1 as
        select unit, moment, moment as entry from rows_ where step = 1
        """,
    ]
    for k in range(2, len(STEPS) + 1):
        texts += [
            f"""
            create or replace temp table near as
            select rows_.unit, moment, last, moment >= settled_from as settled from rows_ join (
                select unit, min(moment) as low, max(entry) as last,
                    if(min(entry) = max(entry), min(moment), max(moment)) as settled_from
                from step_{k - 1} group by unit
            ) as reach
            on reach.unit = rows_.unit and moment between low and last + interval 14 day
            where step = {k}
            """,
            f"""
            create or replace temp table step_{k} as
            select unit, moment, last as entry from near where settled
            union all
            select unit, moment, latest as entry from (
                select *, max(entry) over (
                    partition by unit order by moment, part
                    rows between unbounded preceding and 1 preceding
                ) as latest
                from (
                    select step_{k - 1}.*, 0 as part from step_{k - 1} semi join (
                        select unit, min(moment) - interval 14 day as low, max(moment) as high
                        from near where not settled group by unit
                    ) as useful
                    on useful.unit = step_{k - 1}.unit and moment <= high and entry >= low
                    union all
                    select unit, moment, null, 1 from near where not settled
                )
            ) where part = 1 and moment <= latest + interval 14 day
            """,
        ]
    counts = ", ".join(
        f"(select count(distinct unit) from step_{k})" for k in range(1, len(STEPS) + 1)
    )
    connection = duckdb.connect(config={"threads": 2})

    def run() -> list[int]:
        for text in texts:
            connection.execute(text)
        return list(connection.execute(f"select {counts}").fetchone())

    return run


def clickhouse(folder: Path) -> Callable[[], list[int]]:
    """ClickHouse's `windowFunnel(…, 'strict_once')`, in this process (needs the package chdb)."""
    import chdb.session

    conditions = ", ".join(f"event = '{step}'" for step in STEPS)
    listed = ", ".join(f"'{step}'" for step in STEPS)
    session = chdb.session.Session()
    text = f"""
        select level, count() from (
            select windowFunnel({int(WITHIN.total_seconds() * 1e6)}, 'strict_once')(
                toUInt64(toUnixTimestamp64Micro(occurred_at)), {conditions}
            ) as level
            from file('{_files(folder)}', Parquet)
            where user_id is not null and event in ({listed}) group by user_id
        ) group by level settings max_threads = 2
    """

    def run() -> list[int]:
        lines = session.query(text, "CSV").bytes().decode().split()
        levels = dict(tuple(map(int, line.split(","))) for line in lines)
        return [sum(n for level, n in levels.items() if level >= k) for k in range(1, 6)]

    return run


def pandas_expert(folder: Path) -> Callable[[], list[int]]:
    """The same in pandas, by somebody who knows it: no loop, no join."""
    import pandas as pd

    def run() -> list[int]:
        events = _frame(folder, ["user_id", "event", "occurred_at"]).dropna(subset="user_id")
        events["step"] = events.event.map({step: k for k, step in enumerate(STEPS, 1)})
        events["unit"] = pd.factorize(events.user_id)[0]
        events = events[["unit", "occurred_at", "step"]].sort_values(
            ["unit", "occurred_at", "step"]
        )
        entry = events.occurred_at.where(events.step == 1)
        counts = [events.unit[events.step == 1].nunique()]
        for k in range(2, len(STEPS) + 1):
            latest = entry.where(events.step == k - 1).groupby(events.unit).ffill()
            in_time = (events.step == k) & (events.occurred_at - latest <= WITHIN)
            entry = latest.where(in_time)
            counts.append(int(events.unit[in_time].nunique()))
        return counts

    return run


def pandas_notebook(folder: Path) -> Callable[[], list[int]]:
    """As most notebooks write it: the whole file, a join per step, from the first entry only.

    It is another number: who starts again is judged by the first start.
    """

    def run() -> list[int]:
        events = _frame(folder, None)
        reached = events[events.event == STEPS[0]].groupby("user_id").occurred_at.min()
        reached = reached.rename("start").reset_index().assign(at=lambda rows: rows.start)
        counts = [len(reached)]
        for step in STEPS[1:]:
            own = events[events.event == step][["user_id", "occurred_at"]]
            both = reached.merge(own, on="user_id")
            both = both[(both.occurred_at >= both["at"])]
            both = both[both.occurred_at <= both.start + WITHIN]
            firsts = both.groupby(["user_id", "start"]).occurred_at.min()
            reached = firsts.rename("at").reset_index()
            counts.append(len(reached))
        return counts

    return run


def _frame(folder: Path, columns: list[str] | None):
    import pandas as pd

    path = folder / "events.parquet"
    filters = [("event", "in", STEPS)] if columns else None
    return pd.read_parquet(
        path if path.is_file() else folder / "events", columns=columns, filters=filters
    )


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


CONTENDERS = {
    "ours": ours,
    "by_hand": by_hand,
    "clickhouse": clickhouse,
    "pandas_expert": pandas_expert,
    "pandas_notebook": pandas_notebook,
    "scan": scan,
}
NEEDS = {"clickhouse": "chdb"}  # a package of half a gigabyte: installed by hand
