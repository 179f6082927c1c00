"""Tests that somebody else has drawn, as tables: a tool's, a flag's, an account's whole team's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import ibis
import numpy as np
import pandas as pd

from playbook.data import sources
from playbook.data.warehouse import Warehouse
from playbook.declare import (
    DataPoint,
    Declarations,
    Experiment,
    Play,
    Product,
    Property,
    Question,
    TableMap,
)
from playbook.language.periods import Period
from playbook.run import Run, counted

BEGINS = pd.Timestamp("2026-01-05 08:00")
AS_OF = pd.Timestamp("2026-03-31 20:00")
GOES_ON = ("ping", "goal")
GIVEN = {"says": "Says how.", "audience": {}, "channel": "email", "trigger": "due"}
GIVEN |= {"goal": "goal", "goal_within": "7d", "looks": "400d"}


def opened(
    play: dict[str, Any],
    *,
    as_of: pd.Timestamp = AS_OF,
    product: dict[str, Any] | None = None,
    questions: Sequence[dict[str, Any]] = (),
    experiments: Sequence[Experiment] = (),
    **frames: pd.DataFrame,
) -> Run:
    """A product whose only play is `play` (a field or more besides `GIVEN`), over these tables.

    Args:
        play: The play.
        as_of: The end of the data.
        product: What product.yaml says besides.
        questions: What questions.yaml says.
        experiments: What `experiments/` says.
        frames: Canonical table → its rows.
    """
    connection, maps = ibis.duckdb.connect(), {}
    for name, frame in frames.items():
        told = frame.copy()
        for column in told.columns[[str(kind).startswith("datetime") for kind in told.dtypes]]:
            told[column] = told[column].astype("datetime64[us]")
        connection.create_table(name, told)
        maps[name] = (TableMap(table=name, columns={c: c for c in frame.columns}),)
    properties = [c for c in frames["events"].columns if c == "amount"]
    planned = {name: Property(says="How much.", type="float64") for name in properties}
    plan = [
        DataPoint(event=event, says="It.", properties=planned)
        for event in sorted(frames["events"]["event"].unique())
    ]
    words = Product(name="Elsewhere", tables=maps, **{"min_n": 30} | (product or {}))
    asked = tuple(Question(**question) for question in questions)
    plays = (Play(slug="test", **GIVEN | play),)
    declared = Declarations(words, tuple(plan), asked, plays, tuple(experiments))
    warehouse = Warehouse(connection)
    tables = sources.tables_of(declared, warehouse)
    since, last = datetime(2026, 1, 1), as_of.to_pydatetime()
    period = Period(since, last, last)
    return Run(declared, warehouse, tables, period, since, *counted(declared, tables))


def people(
    arms: dict[str, tuple[int, float]],
    *,
    seed: int = 0,
    a_day: int = 40,
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """One row per person: `user_id`, `arm`, `due` (so many a day), and whether they `did`.

    Args:
        arms: Arm → how many people, and the share that does the goal.
        seed: Of the draw.
        a_day: How many are due in a day.
        rng: In place of the seed.
    """
    rng = rng or np.random.default_rng(seed)
    arm = np.repeat(list(arms), [n for n, _share in arms.values()])
    did = rng.random(len(arm)) < np.repeat(*zip(*[(s, n) for n, s in arms.values()], strict=True))
    order = rng.permutation(len(arm))
    found = pd.DataFrame({"arm": arm[order], "did": did[order]})
    found["due"] = BEGINS + pd.to_timedelta(np.arange(len(found)) // a_day, unit="D")
    found["user_id"] = [f"u{k:05d}" for k in range(len(found))]
    return found.reset_index(drop=True)


def log(told: pd.DataFrame, *more: pd.DataFrame) -> pd.DataFrame:
    """The events of people: `due` for all, `goal` two days later for those who did, and more."""
    did, days = told[told["did"]], pd.date_range(BEGINS, AS_OF, freq="6h")
    parts = [
        pd.DataFrame({"user_id": told["user_id"], "event": "due", "at": told["due"]}),
        pd.DataFrame(
            {"user_id": did["user_id"], "event": "goal", "at": did["due"] + pd.Timedelta("2D")}
        ),
        # Both events go on: nothing has fallen silent.
        *(pd.DataFrame({"user_id": "ping", "event": event, "at": days}) for event in GOES_ON),
        *more,
    ]
    events = pd.concat(parts, ignore_index=True)
    return events.assign(event_id=[f"e{k}" for k in range(len(events))])


def users(told: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The table of these people."""
    found = pd.DataFrame({"user_id": told["user_id"], "signed_up_at": told["due"]})
    return found.assign(**columns)


def messages(told: pd.DataFrame, *, goes_on: bool = True) -> pd.DataFrame:
    """A mail to each of these people when it was due; the tool goes on with others, or not."""
    sent = pd.DataFrame({"play": "test", "user_id": told["user_id"], "sent_at": told["due"]})
    if goes_on:
        days = pd.date_range(BEGINS, AS_OF, freq="6h")
        others = pd.DataFrame({"play": "other", "user_id": "ping", "sent_at": days})
        sent = pd.concat([sent, others], ignore_index=True)
    sent["delivered_at"] = sent["sent_at"]
    return sent.assign(message_id=[f"m{k}" for k in range(len(sent))])


def assignments(told: pd.DataFrame, *, unit: str = "user_id", **columns: Any) -> pd.DataFrame:
    """The log of arms: one row per unit."""
    found = told.drop_duplicates(unit)
    drawn = pd.DataFrame({"play": "test", "unit_id": found[unit], "arm": found["arm"]})
    kind = unit.removesuffix("_id")
    given = {"unit_type": kind, "assigned_at": found["due"], "source": "tool"}
    return drawn.assign(**given | columns)
