"""Charts of how far the data can be trusted: bounds, days, the matrix, what arrives late."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import vl_convert

from playbook import charts
from playbook.charts import look, marks
from tests import pictures_of_quality as pictures
from tests.pictures import HOSTILE, result
from tests.test_charts import row_of, svg, values

TITLE = "How far the data can be trusted"
NAMES = [HOSTILE, "<b>&amp;</b>", "“quoted” 'x' \"y\"", "🔥 new\nline", "x" * 200, "datum['a']"]


def drawn(name: str) -> charts.Chart:
    return charts.of(pictures.EVERY[name], title=TITLE)


@pytest.mark.parametrize("name", pictures.EVERY)
def test_every_chart_draws_with_the_newest_vega_lite_and_compiles_with_that_of_jupyterlab(name):
    chart = drawn(name)
    assert f">{TITLE}<" in svg(chart)
    assert vl_convert.vegalite_to_vega(chart.spec, vl_version="5.8")["marks"]


@pytest.mark.parametrize("name", pictures.EVERY)
def test_a_chart_is_the_same_json_in_every_run(name):
    one, two = (charts.of(replace(pictures.EVERY[name]), title=TITLE) for _ in range(2))
    assert json.dumps(one.spec) == json.dumps(two.spec)
    assert one.spec == json.loads(json.dumps(one.spec, allow_nan=False))


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_question_an_event_or_a_check_is_drawn_as_text(name):
    rows = pictures.BOUNDS.rows
    asked = result("bounds", [row | {"asks": name, "because": name} for row in rows])
    cells = pictures.matrix({name: "ocm."}, (name, "b", "c", "d"), verdict=True)
    for found in (
        asked,
        result("volume", pictures.daily(name, 40, 30, {20: 3}), labels={}),
        result("audit", cells, labels={}),
    ):
        drawn = svg(charts.of(found, title=name))
        assert "<script" not in drawn
        assert "<b>" not in drawn


# Bounds


def test_bounds_draw_the_answer_its_interval_and_how_far_the_data_leaves_it_open():
    row = row_of(drawn("bounds"), asks=pictures.ASKS[0])
    assert [row[key] for key in ("lowest", "low", "share", "high", "highest")] == [
        0.369,
        0.3616,
        0.3821,
        0.4031,
        0.406,
    ]
    assert row["share_text"] == "38.2 %"
    assert row["interval_text"] == "36.2 to 40.3 %"
    assert row["bounds_text"] == "36.9 to 40.6 %"
    assert row["n_text"] == "2,104"


def test_an_answer_that_nothing_moves_stands():
    assert row_of(drawn("bounds"), asks=pictures.ASKS[1])["bounds_text"] == "as it stands"


def test_a_question_is_written_whole_in_as_many_lines_as_it_needs():
    chart = drawn("bounds")
    assert row_of(chart, asks=pictures.ASKS[0])["asks_text"] == pictures.ASKS[0]
    two = row_of(chart, asks=pictures.ASKS[1])["asks_text"]
    assert two == pictures.ASKS[1].replace(" than one?", "\nthan one?")


def test_a_question_without_a_share_says_why_and_has_no_numbers():
    row = row_of(drawn("bounds"), asks=pictures.ASKS[4])
    assert row["note"] == "its answer is times, not one share"
    assert row["share"] is None
    assert row["share_text"] == row["bounds_text"] == ""
    assert f"{pictures.ASKS[4]} its answer is times, not one share" in drawn("bounds").description


def test_an_answer_that_rests_on_too_few_is_not_drawn():
    chart = drawn("bounds")
    row = row_of(chart, asks=pictures.ASKS[6])
    assert (row["note"], row["share"], row["highest"]) == ("too few to say (n = 12)", None, None)
    assert 0.3333 not in [row.get("share") for row in values(chart.spec)]


def test_questions_that_have_no_shares_at_all_are_still_listed():
    chart = charts.of(result("bounds", pictures.BOUNDS.rows[4:5]), title=TITLE)
    assert "its answer is times" in svg(chart)
    assert not [row for row in values(chart.spec) if row.get("share") is not None]


def test_bounds_are_said_in_words():
    assert (
        f"{pictures.ASKS[0]} 38.2 % (36.2 to 40.3 %, n = 2,104), bounds 36.9 to 40.6 %: 3.1 % of "
        "workflow_ran name no account; 1.4 % depend on ties"
    ) in drawn("bounds").description


def test_the_axis_of_bounds_ends_at_the_next_tenth():
    assert '"domain": [0, 0.7]' in json.dumps(drawn("bounds").spec)


def test_the_end_of_an_axis_may_be_small_where_a_chart_says_so():
    assert [marks.top(0.01), marks.top(0.01, least=0.002), marks.top(0.0)] == [0.05, 0.01, 0.05]
    assert marks.top(0.9) == 1.0


# Days


def panels(chart: charts.Chart) -> list[str]:
    """The names of the panels, from the top."""
    return [row["name"] for row in values(chart.spec) if "said" in row and "name" in row]


def test_panels_with_anomalies_come_first_by_size_and_then_the_busiest():
    assert panels(drawn("volume")) == [
        "page viewed",
        "email verified",
        "session started",
        "workflow ran",
        "connection tested",
        "workflow creation started",
    ]


def test_the_number_of_panels_is_the_readers_and_the_note_counts_the_rest():
    chart = charts.of(pictures.VOLUME, title=TITLE, most=1)
    assert panels(chart) == ["page viewed"]
    assert chart.spec["title"]["subtitle"][-1] == "15 events not shown."
    assert drawn("volume").spec["title"]["subtitle"][-1] == "10 events not shown, all as usual."
    assert "not shown" not in "".join(drawn("calm").spec["title"]["subtitle"])


def test_an_anomaly_is_a_point_that_says_its_day_what_came_and_what_was_expected():
    chart = drawn("volume")
    row = row_of(chart, when="Wed 22 Apr 2026")
    assert (row["n"], row["seen"], row["expected"]) == (439, "439", "about 1,780")
    assert look.ORANGE in json.dumps(chart.spec)
    assert row_of(chart, name="page viewed")["said"] == (
        "Wed 22 Apr 2026: 439 instead of about 1,780"
    )
    assert row_of(chart, name="email verified")["said"].endswith(", and 2 days more")
    assert "page viewed, Wed 22 Apr 2026: 439 instead of about 1,780" in chart.description
    assert "Nothing out of the ordinary: session started, workflow ran" in chart.description


def test_a_day_is_written_once_however_many_panels_there_are():
    chart = drawn("volume")
    text = json.dumps(chart.spec)
    assert text.count('"2026-03-04"') == 1
    assert len(text) < 40_000


def test_a_day_without_a_row_breaks_the_line_and_is_no_zero():
    rows = pictures.daily("a", 40, 4)
    lists = row_of(charts.of(result("volume", [rows[0], rows[3]]), title=TITLE), low0=[None] * 4)
    assert lists["day"] == ["2025-12-01", "2025-12-02", "2025-12-03", "2025-12-04"]
    assert lists["n0"] == [rows[0]["n"], None, None, rows[3]["n"]]


def test_one_event_of_one_day_without_expectation_is_drawn():
    chart = charts.of(result("volume", pictures.daily("a", 40, 1)), title=TITLE)
    assert panels(chart) == ["a"]
    assert "area" not in json.dumps(chart.spec)
    assert svg(chart)


def test_truth_values_of_numpy_are_truth_values():
    assert look.json_rows([{"a": np.False_, "b": np.float64(0.5), "c": np.int64(3)}]) == [
        {"a": False, "b": 0.5, "c": 3}
    ]


def test_no_rows_are_a_note():
    for found in (pictures.BOUNDS, pictures.VOLUME, pictures.VERDICTS, pictures.LATE):
        empty = replace(found, finish=lambda rows: [])
        assert charts.of(empty, title=TITLE).reason == charts.NOTHING


# The matrix


def layers(spec: dict) -> list[dict]:
    """Every layer with a mark, however deep."""
    own = spec.get("layer", [])
    return [spec] if "mark" in spec else [found for layer in own for found in layers(layer)]


def heads(chart: charts.Chart) -> list[str]:
    """The names of the columns, from the left."""
    return [row["check"] for row in values(chart.spec) if set(row) == {"check", "at"}]


def test_the_verdict_stands_apart_and_the_data_points_follow_by_how_many_need_them():
    chart = drawn("verdicts")
    assert heads(chart)[:5] == ["verdict", "persona", "workflow saved", "signed up", "workflow ran"]
    right, left = (
        row_of(chart, check=check)[end] for check, end in (("verdict", "x2"), ("persona", "x"))
    )
    assert left - right == 12


def test_what_is_nowhere_there_comes_last():
    assert heads(drawn("destinations")) == ["warehouse", "guides", "mailer", "crm", "no consumer"]
    assert heads(drawn("verdicts"))[-1] == "colleague invited"


def test_a_use_is_blue_as_it_is_no_judgement_and_a_data_point_without_any_is_loud():
    chart = drawn("destinations")
    cells = [row for row in values(chart.spec) if "status" in row]
    assert {(row["status"], row.get("fill")) for row in cells} == {
        ("used", look.BLUE),
        ("missing", look.ORANGE),
        ("not needed", None),
    }
    assert [row["word"] for row in values(chart.spec) if "word" in row] == [
        "used",
        "missing",
        "not used",
    ]
    loud = [layer for layer in layers(chart.spec) if layer["mark"].get("color") == look.ORANGE]
    assert [row["said"] for layer in loud for row in values(layer)] == [
        "page viewed",
        "workflow shared",
    ]


def test_a_matrix_says_in_how_many_rows_a_column_is_filled():
    sums = [row["n"] for row in values(drawn("destinations").spec) if set(row) == {"at", "n"}]
    assert sums == ["15", "4", "3", "1", "2"]


def test_a_matrix_of_eighteen_columns_is_no_wider_than_a_page():
    lines = {f"a question with rather a long name {i}": "ocm" * 6 for i in range(20)}
    found = result("audit", pictures.matrix(lines, pictures.POINTS, verdict=True), labels={})
    width = float(svg(charts.of(found, title="x")).split('width="')[1].split('"')[0])
    assert width < 740


# What arrives late


def test_what_falls_is_what_has_not_arrived_and_is_not_drawn_as_reached():
    chart = drawn("late")
    assert chart.spec["title"]["subtitle"][-1] == (
        "Share not arrived yet, from the first hour on, with its 95 % band."
    )
    assert "reached" not in chart.description
    assert "n\u00a0=\u00a0612,000 not arrived yet: 2.0 % after an hour, 0.9 % after 24 hours" in (
        chart.description.replace("n = ", "n\u00a0=\u00a0")
    )
    points = [row for row in values(chart.spec) if "share" in row]
    assert (points[0]["hours"], points[0]["share"]) == (1.0, 0.020248)


def test_the_axes_of_late_arrivals_fit_them():
    text = json.dumps(drawn("late").spec)
    assert '"domain": [0, 0.03]' in text
    assert '"values": [0, 24, 72, 168.0]' in text
    assert "Hours after it happened" in text


def test_whether_a_curve_falls_is_a_field_and_neither_its_shares_nor_a_word_of_its_definition():
    rows = [{"hours": h, "share": s, "low": s, "high": s, "n": 99} for h, s in ((1, 0.2), (9, 0.1))]
    flat = [row | {"share": 0.0} for row in rows]
    words = (("share", "not arrived yet"),)
    for shown in (rows, flat):
        late = result("curve", shown, falling="not there yet")
        assert "Share not there yet" in charts.of(late, title=TITLE).description
        reached = result("curve", shown, definition=words)
        assert "that has reached it" in charts.of(reached, title=TITLE).description


def test_late_sources_stand_in_the_order_of_their_beginnings_and_too_few_last():
    tags = [row["said"] for row in values(drawn("late by").spec) if "name" in row and "said" in row]
    assert [tag.split()[0] for tag in tags] == ["web", "server", "app", "unknown:"]
