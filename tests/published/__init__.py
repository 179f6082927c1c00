"""Published cases of funnels: journeys, and the numbers that their source gives for them.

A file per source, a case per line, restated as facts:

- `clickhouse`: the functional test 00632_aggregation_window_funnel of ClickHouse.
- `posthog`: tests in posthog/hogql_queries/insights/funnels/test of PostHog, as of 2025.
- `mixpanel`: docs.mixpanel.com/docs/reports/funnels.
- `amplitude`: amplitude.com/docs/analytics/charts/funnel-analysis.
- `comparison`: the same journeys under several definitions; ClickHouse's were run, those of
  PostHog, Mixpanel and Amplitude follow their source or documents.
- `faults`: faults found in other packages, with what ours must say.

Where a source gives an order without times, the times are ours, mostly a minute apart.

`expected` says one or more of:

- `counts`: how many units reach each step; of attempts with `count: attempts`; with an optional
  step, how many did it.
- `depth`: the deepest step of a unit; 0: it does not enter.
- `seconds`: of a unit, from the start of its attempt to the last step.
- `mean_seconds`: of step 2 on, from the step before, over the units that reach it; as many
  steps as the source tells.
- `started`: when the attempt of a unit starts.
- `converted`: how many attempts reach the last step.
- `by`: `counts` by a property of the entry, or by its `day`.
- `returned`: of a cohort, how many came back on a day and how many there are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

SOURCES = ("comparison", "mixpanel", "amplitude", "posthog", "faults")

# What a question sets to follow a profile; those of ClickHouse that are not here set nothing.
OPTIONS: dict[str, dict[str, Any]] = {
    "clickhouse_strict_increase": {"ties": "strict"},
    "clickhouse_strict_order": {"order": "strict"},
    "mixpanel": {"entry": "first", "ties": "2s"},
    "mixpanel_optimized": {"ties": "2s"},
    "amplitude": {"ties": "1s"},
}


class Event(NamedTuple):
    at: datetime
    name: str
    properties: Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """Journeys under one definition.

    Attributes:
        source: Where the numbers come from.
        profile: Whose definition it is.
        says: What the case shows.
        persons: Per person `[time, event]` or `[time, event, properties]`, in the order listed.
        steps: Names of events.
        window_seconds: From the entry to each later step, the end included.
        options: What a question of ours sets to follow the definition.
        expected: See the module.
        since: First moment of entries; empty: no bound.
        until: First moment after them; empty: no bound.
        merged: Persons that are another one.
        unit: Property that names the unit; empty: the person.
        beyond: Why the options of a question cannot say it; empty: they can.
    """

    source: str
    profile: str
    says: str
    persons: Mapping[str, list[list[Any]]]
    steps: list[str]
    window_seconds: int
    options: Mapping[str, Any]
    expected: Mapping[str, Any]
    since: str = ""
    until: str = ""
    merged: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    beyond: str = ""

    def units(self) -> dict[str, list[Event]]:
        """The events of each unit, merged; events without a unit are left out."""
        found: dict[str, list[Event]] = defaultdict(list)
        for person, events in self.persons.items():
            for at, name, *rest in events:
                properties = rest[0] if rest else {}
                unit = properties.get(self.unit) if self.unit else self.merged.get(person, person)
                if unit is not None:
                    found[unit].append(Event(datetime.fromisoformat(at), name, properties))
        return dict(found)


def cases(*sources: str) -> list[Case]:
    """The cases of some sources; of all by default."""
    return [case for source in sources or SOURCES for line in read(source) for case in _cases(line)]


def read(source: str) -> list[dict[str, Any]]:
    """The lines of a source's file.

    Those of `clickhouse` are one journey each, with seconds for times: `events`, `steps`,
    `window_seconds`, `mode` and `expected`, the level that release 26.9 gives. An event "A+B"
    matches the steps A and B; one that is no step matches none. `earlier` is the value of an
    earlier state of that test, before `allow_reentry` and the repair of issue 37177.
    """
    text = (Path(__file__).parent / f"{source}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def _cases(line: dict[str, Any]) -> Iterator[Case]:
    """A line as cases: one, or one for each profile that it has a depth for."""
    if "depths" not in line:
        yield Case(**line)
        return
    (person,) = line["persons"]
    said = {name: value for name, value in line.items() if name not in ("depths", "beyond")}
    for profile, depth in line["depths"].items():
        yield Case(
            **said,
            profile=profile,
            options=OPTIONS.get(profile, {}),
            expected={"depth": {person: depth}},
            beyond=line.get("beyond", {}).get(profile, ""),
        )
