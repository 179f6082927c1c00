"""Answers a file of journeys and says where the engine differs: `python -m tests.oracle FILE`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from playbook.counting.attempts import attempts
from playbook.language.periods import Period

START = datetime(2026, 1, 1)
PERIOD = Period(since=START, until=datetime(2027, 1, 1), as_of=datetime(2028, 1, 1))


def read(path: Path) -> list[dict[str, Any]]:
    """The journeys of a file, one JSON object a line: id, steps, window_s, events, deepest."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def depths(journeys: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The engine's depth of each journey, by id."""
    groups: dict[tuple, list] = defaultdict(list)
    for journey in journeys:
        groups[tuple(journey["steps"]), journey["window_s"]].append(journey)
    return {
        id: depth
        for (steps, seconds), group in groups.items()
        for id, depth in _depths(group, steps, timedelta(seconds=seconds)).items()
    }


def _depths(group: list, steps: tuple, within: timedelta) -> dict[str, int]:
    events = [(j["id"], event, second) for j in group for event, second in j["events"]]
    ids, names, seconds = zip(*events, strict=True) if events else ((), (), ())
    rows = ibis.memtable(
        pa.table(
            {
                "unit": pa.array(ids, pa.string()),
                "held": pa.array([""] * len(ids), pa.string()),
                "event": pa.array(names, pa.string()),
                "at": pa.array([START + timedelta(seconds=s) for s in seconds], "timestamp[us]"),
            }
        )
    ).mutate(at=ibis._.at.cast("timestamp(6)"))
    found = attempts(rows, steps, within=within, period=PERIOD).to_pyarrow().to_pylist()
    return {j["id"]: 0 for j in group} | {row["unit"]: row["depth"] for row in found}


def main(path: str) -> int:
    journeys = read(Path(path))
    found = depths(journeys)
    wrong = [j for j in journeys if found[j["id"]] != j["deepest"]]
    for journey in wrong[:10]:
        print(f"{journey['id']}: {found[journey['id']]} instead of {journey['deepest']}")
    print(f"{len(journeys)} journeys, {len(wrong)} mismatches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
