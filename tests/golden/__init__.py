"""Tables whose figures are published.

- `mpdta`: jobs of teenagers in 500 US counties (Census Bureau, Quarterly Workforce Indicators),
  and the year in which their state raised the minimum wage; the example of R's package did.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from playbook.inference.arms import Arm

HERE = Path(__file__).parent


def arms(path: Path) -> tuple[Arm, Arm]:
    """The accounts of the oracle's table, treated and held out: 309 users in 80 accounts, drawn
    to be treated (z), got the message (d), did the goal (y); figures by R's estimatr 1.0.0."""
    rows = read(path)
    n, did, got = (Counter() for _ in range(3))
    for row in rows:
        account = row["account"], row["z"]
        n[account] += 1
        did[account] += int(row["y"])
        got[account] += int(row["d"])
    treated, holdout = (
        Arm.of((n[key], did[key], got[key]) for key in n if key[1] == z) for z in "10"
    )
    return treated, holdout


def counties() -> list[tuple[str, int, int | None, float]]:
    """One row per county and year of `mpdta`: the logarithm of its jobs."""
    return [
        (row["county"], year, int(row["first_raised"] or 0) or None, math.log(int(row[str(year)])))
        for row in read(HERE / "mpdta.csv")
        for year in range(2003, 2008)
    ]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
