"""The published cases are restated right: plain references give the same numbers."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import chain

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.counting import attempts
from playbook.language.periods import Period
from tests import brute_force, published
from tests.published import windowfunnel
from tests.small import question
from tests.spec import rows

ORIGIN = datetime(2000, 1, 1)
CASES = published.cases()
LEVELS = published.read("clickhouse")
OPTIONS = {"order", "entry", "ties", "hold", "exclude", "count", "optional"}
EXPECTED = {"counts", "depth", "seconds", "mean_seconds", "started", "converted", "by", "returned"}


def seconds(events):
    """Events as name and second, from an arbitrary origin."""
    return [(event.name, (event.at - ORIGIN) // timedelta(seconds=1)) for event in events]


def test_the_reference_of_windowfunnel_gives_every_value_of_clickhouses_own_test():
    found = [
        windowfunnel.level(line["events"], line["steps"], line["window_seconds"], line["mode"])
        for line in LEVELS
    ]
    assert found == [line["expected"] for line in LEVELS]
    assert len(LEVELS) == 111
    assert len({line["source"].split(", ")[1] for line in LEVELS}) == 47


@pytest.mark.parametrize("mode", ["", "strict_increase", "strict_once", "strict_order"])
def test_the_reference_of_windowfunnel_gives_the_compared_depths(mode):
    profile = f"clickhouse_{mode}" if mode else "clickhouse"
    compared = [case for case in published.cases("comparison") if case.profile == profile]
    for case in compared:
        ((unit, events),) = case.units().items()
        rows = [(second, name) for name, second in seconds(events)]
        found = windowfunnel.level(rows, case.steps, case.window_seconds, {mode})
        assert {unit: found} == case.expected["depth"], case.says
    assert len(compared) == 16


ROWS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), max_size=8)


@settings(max_examples=300)
@given(ROWS, st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.integers(0, 9))
def test_each_event_once_is_the_definition_of_an_attempt(rows, steps, window):
    swapped = [(name, second) for second, name in rows]
    found = windowfunnel.level(rows, steps, window, {"strict_once"})
    assert found == brute_force.depth(swapped, steps, window)


PLAIN = [
    case
    for case in CASES
    if not (case.options or case.beyond or case.since)
    and case.profile != "clickhouse"
    and case.expected.keys() & {"counts", "depth"}
]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: f"{case.source}, {case.profile}")
def test_the_definition_gives_the_published_numbers_where_no_option_is_set(case):
    depths = {
        unit: brute_force.depth(seconds(events), case.steps, case.window_seconds)
        for unit, events in case.units().items()
    }
    reached = [sum(depth >= k for depth in depths.values()) for k in range(1, len(case.steps) + 1)]
    assert case.expected.get("counts", reached) == reached
    assert depths | case.expected.get("depth", {}) == depths


def test_every_case_speaks_the_vocabulary():
    for case in CASES:
        assert case.options.keys() <= OPTIONS, case
        assert case.expected, case
        assert case.expected.keys() <= EXPECTED, case
        assert case.says.endswith("."), case
        assert len(case.expected.get("counts", case.steps)) == len(case.steps), case
        assert case.merged.keys() <= case.persons.keys(), case


def test_a_merged_person_and_a_unit_of_several_persons_have_one_journey():
    (merged,) = [case for case in published.cases("posthog") if case.merged]
    assert {unit: len(events) for unit, events in merged.units().items()} == {
        "pay": 3,
        "all": 3,
        "movie": 1,
        "wrong order": 3,
    }
    (ungrouped,) = [
        case for case in published.cases("posthog") if case.source.endswith("without one")
    ]
    assert list(ungrouped.units()) == ["org 5"]


def options(case):
    """What the question of a case sets; a case counts its steps, a question names them."""
    said = dict(case.options)
    # What a question refuses together, and what makes no difference in these cases.
    if said.get("order") == "any" or said.get("count") == "attempts":
        said.pop("ties", None)
    if said.get("count") == "attempts":
        said.pop("entry", None)
    if "optional" in said:
        said["optional"] = [case.steps[place - 1] for place in said["optional"]]
    if "exclude" in said:
        said["exclude"] = [
            each | {end: case.steps[each[end] - 1] for end in ("after", "before")}
            for each in said["exclude"]
        ]
    return said


def alike(source):
    """The cases of a source that the engine can tell, by what they ask: one statement each."""
    found = defaultdict(list)
    for case in published.cases(source):
        if not case.beyond and {"counts", "depth", "seconds"} & set(case.expected):
            asked = (case.steps, case.window_seconds, options(case), case.since, case.until)
            found[repr(asked)].append(case)
    return found.values()


def answered(cases):
    """What the engine says of cases that ask alike: the attempts of each one's units."""
    case, *_others = cases
    days, rest = divmod(case.window_seconds, 86_400)
    within = f"{case.window_seconds}s" if rest else f"{days}d"
    start, *goals = case.steps
    asked = question("case", "steps", start=start, goals=goals, within=within, **options(case))
    events = [
        (
            f"{k} {unit}",
            "|".join(str(event.properties.get(name)) for name in asked.hold),
            *event[:2],
        )
        for k, case in enumerate(cases)
        for unit, done in case.units().items()
        for event in done
        if all(event.properties.get(name) for name in asked.hold)
    ]
    columns = zip(*events, strict=True)
    rows_ = ibis.memtable(dict(zip(("unit", "held", "at", "event"), columns, strict=True)))
    period = Period(
        since=datetime.fromisoformat(case.since or "1990-01-01"),
        until=datetime.fromisoformat(case.until or "2090-01-01"),
        as_of=datetime(2100, 1, 1),
    )
    found = attempts.timelines(
        rows_.cast({"at": "timestamp(6)"}),
        case.steps,
        within=timedelta(seconds=case.window_seconds),
        period=period,
        rules=attempts.of(asked),
    )
    own = [[] for _case in cases]
    for row in rows(found):
        k, _space, unit = row["unit"].partition(" ")
        own[int(k)].append(row | {"unit": unit})
    return zip(cases, own, strict=True)


@pytest.mark.parametrize("source", published.SOURCES)
def test_the_engine_gives_the_published_numbers(source):
    compared, wrong = 0, []
    for case, found in chain.from_iterable(map(answered, alike(source))):
        last = len(case.steps)
        said = {}
        if "counts" in case.expected:
            did = [f"did_{k}" for k in range(1, last + 1)]
            said["counts"] = [
                sum(row.get(name, row["depth"] >= k) for row in found)
                for k, name in enumerate(did, 1)
            ]
        if "depth" in case.expected:
            depths = {row["unit"]: row["depth"] for row in found}
            said["depth"] = {unit: depths.get(unit, 0) for unit in case.expected["depth"]}
        if "seconds" in case.expected:
            said["seconds"] = {
                row["unit"]: (row[f"step_{last}_at"] - row["entry_at"]).total_seconds()
                for row in found
                if row["unit"] in case.expected["seconds"]
            }
        compared += 1
        wrong += [(case.source, case.says, said)] * any(
            said[kind] != case.expected[kind] for kind in said
        )
    assert wrong == []
    assert compared > 5
