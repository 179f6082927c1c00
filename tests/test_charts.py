"""Charts: one per shape, the same in every run, and honest about what they leave out."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
import vl_convert

from playbook import charts
from playbook.charts import launches, look, steps
from playbook.language.mistakes import Mistake
from playbook.results import SHAPES, UNTOLD, Unavailable, figures
from tests import pictures

TITLE = "Created a workflow within 24 hours"
# Shapes that are read as a sentence or a table only.
NOT_DRAWN = {"differences", "table", "list"}


def values(spec: dict) -> list[dict]:
    """Every row of data in a specification."""
    if isinstance(spec, list):
        return [row for item in spec for row in values(item)]
    if not isinstance(spec, dict):
        return []
    own = spec["values"] if isinstance(spec.get("values"), list) else []
    rows = [row for row in own if isinstance(row, dict)]
    return rows + [row for item in spec.values() if item is not own for row in values(item)]


def row_of(chart: charts.Chart, **wanted: object) -> dict:
    """The first row of data with these values."""
    return next(r for r in values(chart.spec) if all(r.get(k) == v for k, v in wanted.items()))


def svg(chart: charts.Chart) -> str:
    return vl_convert.vegalite_to_svg(chart.spec, vl_version="6.4")


@pytest.mark.parametrize("name", pictures.EVERY)
def test_every_chart_draws_with_the_newest_vega_lite_and_compiles_with_that_of_jupyterlab(name):
    chart = charts.of(pictures.EVERY[name], title=TITLE)
    assert f">{TITLE}<" in svg(chart)
    assert vl_convert.vegalite_to_vega(chart.spec, vl_version="5.8")["marks"]


@pytest.mark.parametrize("name", pictures.EVERY)
def test_a_chart_is_the_same_json_in_every_run(name):
    one, two = (charts.of(replace(pictures.EVERY[name]), title=TITLE) for _ in range(2))
    assert json.dumps(one.spec) == json.dumps(two.spec)
    assert one.spec == json.loads(json.dumps(one.spec, allow_nan=False))


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - NOT_DRAWN))
def test_each_shape_is_drawn_by_the_file_of_its_name(shape):
    assert charts.has(pictures.result(shape, pictures.MIX.rows))
    assert callable(importlib.import_module(f"playbook.charts.{shape}").draw)


def test_a_chart_is_shown_as_vega_lite_and_as_text_and_keeps_its_figures():
    chart = charts.of(pictures.STEPS, title=TITLE)
    assert chart._repr_mimebundle_() == {
        "application/vnd.vegalite.v5+json": chart.spec,
        "text/plain": chart.description,
        "application/vnd.playbook.figures+json": figures.of(pictures.STEPS),
    }


def test_the_subtitle_says_how_it_is_counted_and_how_far_the_data_goes():
    subtitle = charts.of(pictures.ALL, title=TITLE).spec["title"]["subtitle"]
    assert subtitle == [
        "unit: user · start: signed up · goal: workflow created · within: 24 hours, end included",
        "period: 01 Jan 2026 to 01 Apr 2026 · data up to 2026-04-01 00:00",
        "Dark blue: twice or more.",
    ]


def test_what_every_chart_would_repeat_stands_in_the_description_only():
    words = (("measure", "mix"), ("goals", "started, saved"), ("left out", "bots"))
    chart = charts.of(replace(pictures.ALL, definition=words), title=TITLE)
    goals = "goals: started a workflow, saved the workflow"
    assert chart.spec["title"]["subtitle"][0] == f"{goals} · data up to 2026-04-01 00:00"
    assert f"measure: mix · {goals} · left out: bots" in chart.description


def test_a_long_label_keeps_its_n():
    name = look.with_n("created a connection + invited a colleague + saved a workflow", 1234)
    lines = look.fitted(name).split("\n")
    assert len(lines) == 2
    assert lines[1].endswith("(n\u00a0=\u00a01,234)")


def test_the_description_says_in_words_what_is_drawn():
    chart = charts.of(pictures.SHARE, title=TITLE)
    assert chart.spec["description"] == chart.description
    assert "Data engineer (n\u00a0=\u00a02,612): 38.2 % (36.4 to 40.1 %)" in chart.description
    assert "too few to say (n = 12)" in chart.description


@pytest.mark.parametrize(
    ("name", "share"),
    [("share", 0.3333), ("mix by", 0.6429), ("steps by", 0.4321), ("trend", 0.24)],
)
def test_below_the_least_n_there_is_a_remark_and_no_value(name, share):
    chart = charts.of(pictures.EVERY[name], title=TITLE)
    assert "too few to say (n = 1" in svg(chart)
    shown = [row.get("share", row.get("value")) for row in values(chart.spec)]
    assert share not in shown


def test_a_curve_of_too_few_is_named_and_not_drawn():
    chart = charts.of(pictures.CURVE, title=TITLE)
    assert "unknown: too few to say (n = 12)" in chart.description
    assert not any(row.get("name") == "unknown" and "hours" in row for row in values(chart.spec))


def test_tooltips_have_n_and_interval():
    row = row_of(charts.of(pictures.SHARE, title=TITLE), n=2612)
    assert (row["n_text"], row["interval_text"]) == ("2,612", "36.4 to 40.1 %")
    for name in set(pictures.EVERY) - {"audit", "effect"}:
        spec = json.dumps(charts.of(pictures.EVERY[name], title=TITLE).spec)
        assert '"title": "95 % interval"' in spec
        assert '"title": "n"' in spec


def test_axes_of_shares_begin_at_zero():
    for name in ("share", "all", "mix", "mix by", "time", "trend", "curve"):
        chart = charts.of(pictures.EVERY[name], title=TITLE)
        found = json.dumps(chart.spec)
        assert '"domain": [0, ' in found or '"domain": [0.0, ' in found


def test_the_largest_relative_loss_stands_out_and_is_not_the_largest_number():
    chart = charts.of(pictures.STEPS, title=TITLE)
    orange = [row for row in values(chart.spec) if row.get("colour") == look.ORANGE]
    assert [row["name"] for row in orange] == ["saved the workflow"]
    assert orange[0]["loss"] == "−533 lost here (32.2 %)"
    assert row_of(chart, name="verified the e-mail")["loss"].startswith("−922")


def test_of_equal_losses_the_first_is_the_worst_and_small_steps_cannot_be():
    rows = pictures.table(
        "n   | of_previous | lost",
        "100 | 1.0         | 0",
        "50  | 0.5         | 50",
        "25  | 0.5         | 25",
        "1   | 0.04        | 24",
    )
    assert steps.worst(rows, least=30) == 1
    assert steps.worst(rows, least=0) == 3
    assert steps.worst(rows[:1], least=0) is None


def test_curves_begin_at_nothing_and_end_at_the_horizon():
    chart = charts.of(pictures.CURVE, title=TITLE)
    points = [r for r in values(chart.spec) if r.get("name") == "Data engineer" and "hours" in r]
    assert (points[0]["hours"], points[0]["share"]) == (0.0, 0.0)
    assert points[-1]["hours"] == 168.0
    assert points[-1]["share"] == points[-2]["share"]


LAUNCHES = {
    "2025-11-01": ("older",),
    "2025-12-30": ("guide_into",),
    "2026-01-12": ("a", "b"),
    "2026-01-14": ("c",),
}


def test_launches_are_rules_in_their_periods_and_several_are_one_label():
    chart = charts.of(pictures.TREND, title=TITLE, launches=LAUNCHES)
    rows = [row for row in values(chart.spec) if "days" in row]
    assert [(row["said"], row["days"], row["names"]) for row in rows[:2]] == [
        ("guide into", "2025-12-30", "guide into"),
        ("3 plays", "2026-01-12, 2026-01-14", "a, b, c"),
    ]
    assert "Live before: 1 play." in chart.spec["title"]["subtitle"]
    assert "Went live on 2025-12-30: guide into" in chart.description
    assert ">3 plays<" in svg(chart)
    assert vl_convert.vegalite_to_vega(chart.spec, vl_version="5.8")["marks"]


def test_launches_change_neither_figures_nor_the_definition():
    plain = charts.of(pictures.TREND, title=TITLE)
    assert charts.of(pictures.TREND, title=TITLE, launches={}) == plain
    assert charts.of(pictures.TREND, title=TITLE, launches=LAUNCHES).figures == plain.figures


def test_names_of_launches_do_not_touch_and_no_rule_goes_through_one():
    said = "organic engineer guide into"
    rows = [
        {"place": k, "days": "", "names": "", "said": said if k < 3 else "last"} for k in range(4)
    ]
    rules, _, _ = launches.launch_rules(rows, [0, 40, 80, 490], (500, 260))
    drawn = rules.to_dict()["data"]["values"]
    assert [row["at"] for row in drawn] == [-36, -22, -8, -8]
    assert [row["align"] for row in drawn] == ["left", "left", "left", "right"]


def test_labels_at_the_ends_of_lines_do_not_touch():
    assert look.spread([10, 12, 250], [20, 20, 20], 260) == [10, 30, 250]
    assert look.spread([255, 258], [20, 20], 260) == [230, 250]
    assert look.spread([], [], 260) == []


def test_a_period_that_is_not_over_is_marked():
    chart = charts.of(pictures.TREND, title=TITLE)
    assert row_of(chart, when="2026-01-31")["state"] == "not over yet"
    assert "Hollow and dashed: not over yet." in chart.spec["title"]["subtitle"]


@pytest.mark.parametrize(
    ("who", "effect", "refusal"),
    [
        ("data engineer into", "+3.1 pp", ""),
        ("Sales and marketing", "−4.3 pp", ""),
        ("invite", "", "too few to say (n = 51)"),
        ("docs", "", "check failed: no effect"),
        ("blog", "", "grade F: no effect"),
    ],
)
def test_an_effect_is_printed_only_where_the_design_supports_it(who, effect, refusal):
    row = row_of(charts.of(pictures.EFFECT, title=TITLE), who=who)
    assert (row["effect"], row["refusal"]) == (effect, refusal)
    assert (row["difference"] is None) == bool(refusal)


def test_audit_cells_have_a_symbol_besides_their_colour():
    chart = charts.of(pictures.AUDIT, title=TITLE)
    rows = [row for row in values(chart.spec) if "status" in row]
    assert {row["status"]: row["symbol"] for row in rows} == {
        "ok": "✓",
        "caveat": "~",
        "missing": "✗",
        "not needed": "",
    }


def test_decimals_and_what_is_not_a_number_become_json():
    rows = look.json_rows([{"a": Decimal("0.5"), "b": float("nan"), "c": 1 / 3, "d": None}])
    assert rows == [{"a": 0.5, "b": None, "c": 0.333333, "d": None}]


def test_an_unavailable_result_shows_its_reason_escaped():
    note = charts.of(Unavailable("audit.x", "No <b>table</b>."), title="Never & ever")
    assert note._repr_mimebundle_() == {
        "text/html": '<p class="note"><strong>Never &amp; ever</strong><br>'
        "No &lt;b&gt;table&lt;/b&gt;.</p>",
        "text/plain": "Never & ever\nNo <b>table</b>.",
        UNTOLD: {"why": "No <b>table</b>."},
    }


def test_nobody_is_a_note_and_not_an_empty_picture():
    empty = replace(pictures.ALL, finish=lambda rows: [])
    assert charts.of(empty, title=TITLE).reason == charts.NOTHING


@pytest.mark.parametrize("shape", sorted(NOT_DRAWN))
def test_a_shape_without_a_chart_is_a_mistake_that_says_how_to_go_on(shape):
    shown = pictures.result(shape, pictures.SHARE.rows)
    assert not charts.has(shown)
    with pytest.raises(Mistake, match=rf"(?s)`test.{shape}` has no chart.*`{shape}`.*listings"):
        charts.of(shown, title=TITLE)


def test_the_module_is_cheap_to_import():
    import subprocess
    import sys

    code = "import sys, playbook.charts; sys.exit('altair' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_hostile_names_stay_text():
    rows = [{"persona": pictures.HOSTILE, "n": 40, "reached": 4, "repeated": 0, "open": 0}]
    shares = {"share": 0.1, "low": 0.04, "high": 0.23}
    hostile = pictures.result("share", [rows[0] | shares], "persona", labels={})
    drawn = svg(charts.of(hostile, title=pictures.HOSTILE))
    assert "<script" not in drawn
