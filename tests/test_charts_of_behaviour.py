"""The chart of drivers: what stands out, what is left out, and what is said of it."""

from __future__ import annotations

import pytest
import vl_convert

from playbook import charts
from playbook.charts import look
from playbook.results import figures, listings
from tests.pictures_of_behaviour import DRIVERS, NOT_ADJUSTED, PATHS, only
from tests.test_charts import row_of, svg, values

TITLE = "Behaviour on the first day"


@pytest.mark.parametrize("shown", [DRIVERS, NOT_ADJUSTED, PATHS, only(DRIVERS, "too few")])
def test_it_draws_with_the_newest_vega_lite_and_compiles_with_that_of_jupyterlab(shown):
    chart = charts.of(shown, title=TITLE)
    assert f">{TITLE}<" in svg(chart)
    assert vl_convert.vegalite_to_vega(chart.spec, vl_version="5.8")["marks"]
    assert charts.of(shown, title=TITLE) == chart


def test_a_difference_that_is_shown_is_blue_and_one_that_is_not_is_grey():
    chart = charts.of(DRIVERS, title=TITLE)
    row = row_of(chart, who="verified the e-mail")
    assert (row["verdict"], row["difference_text"], row["adjusted_text"]) == (
        "difference shown",
        "+18.0 pp",
        "+17.0 pp",
    )
    assert row_of(chart, who="added a connection")["verdict"] == "no difference shown"
    assert look.BLUE in str(chart.spec)
    assert look.GREY in str(chart.spec)


def test_twice_is_said_and_what_few_did_is_counted_and_not_drawn():
    chart = charts.of(DRIVERS, title=TITLE)
    assert [row["who"] for row in values(chart.spec) if "who" in row] == [
        "verified the e-mail",
        "started a workflow, twice or more",
        "added a connection",
    ]
    assert "Not compared: 1, which too few did, or too few did not." in chart.description
    assert "Associations, not causes." in chart.description


def test_only_the_largest_differences_are_drawn():
    chart = charts.of(DRIVERS, title=TITLE, most=2)
    assert len([row for row in values(chart.spec) if "who" in row]) == 2
    assert "The 2 largest of 3 differences." in chart.description


def test_without_personas_there_is_no_ring():
    assert "Ring" in charts.of(DRIVERS, title=TITLE).description
    chart = charts.of(NOT_ADJUSTED, title=TITLE)
    assert "Ring" not in chart.description
    assert "adjusted" not in svg(chart)


def test_drivers_have_a_figure_each_and_their_numbers_in_a_table():
    found = figures.of(DRIVERS)
    assert [(row["figure"], row["n"], row["value"], row["low"]) for row in found] == [
        ("test.drivers.verified", 1000, 0.18, 0.14),
        ("test.drivers.started.twice", 1000, -0.08, -0.1),
        ("test.drivers.connection", 1000, 0.01, -0.03),
        ("test.drivers.docs", 1000, None, None),
    ]
    shown = listings.table(DRIVERS)
    row = dict(zip(shown.columns, shown.rows[0], strict=True))
    assert (row["share did"], row["difference"], row["p"]) == ("20.0 %", "+18.0", "0.0001")


def test_who_did_nothing_more_is_grey():
    chart = charts.of(PATHS, title=TITLE)
    assert row_of(chart, share_text="42.0 %")["colour"] == look.NOTHING
    assert row_of(chart, share_text="18.0 %")["colour"] == look.BLUE
