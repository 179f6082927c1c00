"""The plan's rules on drawn rows: what breaks each kind, and what a missing value breaks."""

from __future__ import annotations

from typing import Any

import ibis
import pytest

from playbook.data.rules import MISFIT, Rule, distinct_rules, property_rules
from playbook.declare import DataPoint, Property
from tests.spec import rows, table


def rule(kind: str, property: str = "x", **said: Any) -> Rule:
    return Rule(property, kind, "", Property(**said))


def broken(events: ibis.Table, one: Rule, engine: ibis.BaseBackend) -> list[str]:
    """The ids of the rows that break a rule."""
    found = events.filter(one.broken(events)).select("id")
    return [row["id"] for row in rows(found, engine)]


def point(event: str = "saved", **properties: Property) -> DataPoint:
    return DataPoint(event=event, says="It happens.", properties=properties)


def test_a_required_value_is_there(engine):
    events = table("id | x\n a | d1\n b |")
    assert broken(events, rule("required", required=True), engine) == ["b"]


def test_a_misfit_is_there_and_breaks_the_type_alone(engine):
    events = table(
        """
        id | x | x_misfit
        a  | 1 | false
        b  |   | true
        c  |   | false
        d  |   |
        """,
        x="int64",
        x_misfit="boolean",
    )
    assert events.columns[2] == "x" + MISFIT
    assert broken(events, rule("type", type="int64"), engine) == ["b"]
    # Where nobody says whether it is a misfit, it is none.
    assert broken(events, rule("required", type="int64", required=True), engine) == ["c", "d"]


def test_a_text_is_one_of_its_values_to_the_letter(engine):
    events = table("id | x\n a | d1\n b | D1\n c | d2 x\n d |\n e | d2")
    assert broken(events, rule("values", values=("d1", "d2")), engine) == ["b", "c"]


@pytest.mark.parametrize(
    ("type", "values", "expected"),
    [
        ("int64", ("1", "20"), ["b"]),
        ("float64", ("1", "2e1"), ["b"]),
        ("float64", ("1.0", "+20.", "none", ".3"), ["b"]),
        ("float64", ("none",), ["a", "b", "d"]),
    ],
)
def test_a_number_is_one_of_its_values_however_it_is_written(engine, type, values, expected):
    events = table("id | x\n a | 1\n b | 2\n c |\n d | 20", x=type)
    assert broken(events, rule("values", type=type, values=values), engine) == expected


def test_a_yes_or_no_is_one_of_its_values(engine):
    events = table("id | is_x\n a | true\n b | false\n c |")
    yes = rule("values", "is_x", type="boolean", values=("true",))
    assert broken(events, yes, engine) == ["b"]


def test_a_text_matches_its_pattern_somewhere(engine):
    events = table("id | x\n a | w-12\n b | w-\n c |\n d | my w-3.")
    assert broken(events, rule("pattern", pattern="w-[0-9]+"), engine) == ["b"]
    assert broken(events, rule("pattern", pattern="^w-[0-9]+$"), engine) == ["b", "d"]


@pytest.mark.parametrize("type", ["int64", "float64"])
def test_a_number_lies_in_its_range_whose_ends_are_included(engine, type):
    events = table("id | x\n a | 1\n b | 2\n c | 8\n d | 9\n e |", x=type)
    assert broken(events, rule("range", type=type, least=2, most=8), engine) == ["a", "d"]
    assert broken(events, rule("range", type=type, least=2), engine) == ["a"]
    assert broken(events, rule("range", type=type, most=0), engine) == ["a", "b", "c", "d"]


def test_a_data_point_has_the_rules_that_its_columns_can_be_checked_on():
    planned = point(
        draft=Property(required=True, values=("d1", "d2"), pattern="^d"),
        size=Property(type="int64", least=0, most=1_000_001),
        part=Property(type="float64", most=0.5),
        absent=Property(required=True),
        free=Property(),
    )
    columns = ["draft", "size", "size_misfit", "part", "free"]
    found = [(one.property, one.kind, one.expects) for one in property_rules(planned, columns)]
    assert found == [
        ("draft", "required", "it is there"),
        ("draft", "values", "one of d1, d2"),
        ("draft", "pattern", "like ^d"),
        ("size", "type", "int64"),
        ("size", "range", "at least 0 and at most 1000001"),
        ("part", "range", "at most 0.5"),
    ]


def test_rules_that_ask_the_same_stand_once_and_others_apart():
    plan = [
        point("saved", draft=Property(required=True, values=("d1",))),
        point("ran", draft=Property(required=True, values=("d1", "d2"))),
        point("seen", draft=Property(required=True, values=("d1",))),
        point("told", draft=Property(required=True, values=("d1, d2",))),
        point("grew", size=Property(type="int64", most=1_000_000)),
        point("shrank", size=Property(type="int64", most=1_000_001)),
    ]
    found = distinct_rules(plan, ["draft", "size"])
    assert list(found) == [
        ("draft", "required", "it is there", ()),
        ("draft", "values", "one of d1", ("d1",)),
        ("draft", "values", "one of d1, d2", ("d1", "d2")),
        ("draft", "values", "one of d1, d2", ("d1, d2",)),
        ("size", "range", "at most 1000000", ()),
        ("size", "range", "at most 1000001", ()),
    ]
    assert all(key == one.key for key, one in found.items())
