"""The triangle of cohorts: what is known, what is too little, what is not over yet."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import vl_convert

from playbook import charts, findings
from playbook.answers import SHARE_TREND
from playbook.charts import retention
from playbook.friction.retention import _say_retained
from tests.pictures import result
from tests.test_charts import svg, values

TITLE = "People who come back"


def cohorts(n, weeks, *by, size=100):
    """So many weeks of starters, of whom ever fewer come back."""
    return [
        {
            **dict(by),
            "cohort": f"2026-{1 + week // 4:02d}-{1 + 7 * (week % 4):02d}",
            "position": k,
            "n": size,
            "on": None if k + week >= weeks else 60 - k,
            "share": None if k + week >= weeks else (60 - k) / 100,
            "low": None if k + week >= weeks else 0.1,
            "high": None if k + week >= weeks else 0.7,
            "on_or_after": None if k + week >= weeks else 60 - k,
            "complete": k + week < weeks,
        }
        for week in range(n)
        for k in range(weeks - week + 1)
    ]


SMALL = result("retention", cohorts(4, 4))
FEW = result("retention", cohorts(4, 4, size=12))
LONG = result("retention", cohorts(30, 40))
BY = result(
    "retention",
    cohorts(3, 3, ("persona", "data_engineer")) + cohorts(3, 3, ("persona", "sales")),
    "persona",
)
EVERY = {"small": SMALL, "few": FEW, "long": LONG, "by": BY}


def drawn(name):
    return charts.of(EVERY[name], title=TITLE)


@pytest.mark.parametrize("name", EVERY)
def test_every_triangle_draws_and_compiles_and_is_the_same_in_every_run(name):
    chart = drawn(name)
    assert f">{TITLE}<" in svg(chart)
    assert vl_convert.vegalite_to_vega(chart.spec, vl_version="5.8")["marks"]
    assert json.dumps(chart.spec) == json.dumps(charts.of(EVERY[name], title=TITLE).spec)


def cells(chart):
    return [row for row in values(chart.spec) if "digits" in row]


def test_a_cell_says_its_share_and_one_that_is_not_over_says_nothing():
    found = {(row["cohort"], row["position"]): row for row in cells(drawn("small"))}
    assert [found["2026-01-01", k]["digits"] for k in range(4)] == ["60", "59", "58", "57"]
    open_one = found["2026-01-08", 3]
    assert (open_one["digits"], open_one["share"]) == ("", None)
    assert open_one["share_text"] == "not over yet"
    assert found["2026-01-01", 0]["interval_text"] == "10.0 to 70.0 %"


def test_too_few_have_no_share():
    found = cells(drawn("few"))
    assert {row["share"] for row in found} == {None}
    assert {row["share_text"] for row in found} == {"too few to say (n = 12)"}
    assert "no period 1 is complete for enough" in drawn("few").description


def test_a_long_triangle_shows_its_last_cohorts_and_its_first_periods_and_says_so():
    found = cells(drawn("long"))
    assert len({row["cohort"] for row in found}) == retention.MOST
    assert max(row["position"] for row in found) == retention.MOST - 1
    assert "The last 26 cohorts are shown." in drawn("long").description
    assert "The first 26 of 40 periods are shown." in drawn("long").description


def test_each_segment_has_a_triangle_and_a_sentence():
    said = drawn("by").description.splitlines()
    assert "Data engineer: in period 1, 59.0 % of those of 2026-01-01, 59.0 %" in said[-2]
    assert said[-1].startswith("Sales and marketing: in period 1, 59.0 % of those")


def pooled(*rows):
    """(period, share, n) as `friction.retained` gives it, with a kind that the sentence skips."""
    return result(
        "trend",
        [
            {"kind": kind, "period": str(k), "series": "share", "value": value, "n": n}
            | {"low": value - 0.01, "high": value + 0.01, "complete": True}
            for kind in ("on", "on or after")
            for k, value, n in rows
        ],
        "kind",
        own=SHARE_TREND,
    )


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [(0, 0.6, 900), (1, 0.5, 800), (2, 0.4, 700), (4, 0.3, 600), (5, 0.2, 29)],
            "**50.0 %** (49.0 to 51.0 %, n = 800) run again in period 1, 30.0 % in period 4.",
        ),
        (
            [(0, 0.6, 900), (1, 0.5, 800), (2, 0.4, 700)],
            "**50.0 %** (49.0 to 51.0 %, n = 800) run again in period 1, 40.0 % in period 2.",
        ),
        ([(0, 0.6, 90)], "**60.0 %** (59.0 to 61.0 %, n = 90) run again in period 0."),
        ([(0, 0.6, 12)], "too few to say (n = 12)."),
    ],
)
def test_the_sentence_tells_periods_1_and_4_and_the_last_that_enough_have_seen(rows, text):
    said = findings.of(replace(pooled(*rows), says=_say_retained), "run again")
    assert said.text == text


def test_its_shape_has_a_sentence_too_which_names_no_week():
    text = findings.of(pooled((0, 0.6, 900), (1, 0.5, 800)), "run again").text
    assert text.splitlines() == [
        "- **on**: **50.0 %** run again in period 1.",
        "- **on or after**: **50.0 %** run again in period 1.",
    ]
