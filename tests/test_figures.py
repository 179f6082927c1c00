"""Numbers as rows: ids, segments, n, values with their intervals, and what has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

import playbook as pb
from playbook.impact.judging import SEVERAL
from playbook.results import Unavailable, figures
from playbook.results.columns import COUNT, ID, KEY, TEXT, share_of, with_ends
from tests import pictures, pictures_of_quality

FEW = 12  # below the pictures' `min_n` of 30


def told(result, *names):
    return [tuple(row[name] for name in names) for row in figures.of(result)]


def test_a_figure_has_the_columns_that_reports_keep():
    (share, still) = figures.of(pictures.ALL)
    assert tuple(share) == figures.COLUMNS
    assert share == {
        "figure": "test.share.share",
        "question": "share",
        "segment": "",
        "n": 5168,
        "value": 0.3061,
        "low": 0.2937,
        "high": 0.3188,
        "unit": "share",
        "as_of": "2026-04-01 00:00",
        "definition": pictures.ALL.definition_hash,
    }
    assert still | {"figure": "test.share.open", "value": 44, "unit": "count"} == still
    assert still["low"] is still["high"] is None


def test_a_segment_is_written_as_the_data_writes_it_and_below_min_n_has_no_value():
    found = [row for row in figures.of(pictures.SHARE) if row["unit"] == "share"]
    assert [(row["segment"], row["n"], row["value"]) for row in found] == [
        ("persona=data_engineer", 2612, 0.3821),
        ("persona=sales", 1310, 0.184),
        ("persona=out", 1234, 0.2747),
        ("persona=(unknown)", FEW, None),
    ]
    assert found[-1]["low"] is found[-1]["high"] is None


def test_two_columns_make_one_segment():
    result = replace(pictures.ALL, by=("persona", "intent"))
    assert result.segment({"persona": "a", "intent": "b"}) == "persona=a, intent=b"


@pytest.mark.parametrize("name", ["mix", "time"])
def test_classes_have_a_share_of_the_closed_ones_and_a_count(name):
    result = pictures.EVERY[name]
    rows = result.rows
    expected = []
    for row in rows:
        figure = f"test.{result.shape}.{row['label'].replace(' ', '_')}"
        expected.append((figure, row["total"], row["share"], "share"))
        expected.append((f"{figure}.n", None, row["n"], "count"))
    assert told(result, "figure", "n", "value", "unit") == expected


def test_classes_of_a_small_segment_have_no_share():
    found = [row for row in figures.of(pictures.MIX_BY) if row["segment"] == "persona=sales"]
    assert [(row["n"], row["value"]) for row in found if row["unit"] == "share"] == [(14, None)] * 2


def test_a_step_is_a_share_of_those_who_entered_however_few_arrive():
    few = [
        row | {"n": 3, "of_first": 0.0007} if row["position"] == 5 else row
        for row in pictures.STEPS_ROWS
    ]
    found = told(pictures.result("steps", few), "figure", "n", "value", "unit")
    assert found[0] == ("test.steps.signed_up", 4182, 1.0, "share")
    assert found[-1] == ("test.steps.ran", 4182, 0.0007, "share")
    small = [row for row in figures.of(pictures.STEPS_BY) if row["segment"] == "persona=sales"]
    assert {(row["n"], row["value"]) for row in small} == {(12, None)}


def test_a_step_that_is_done_twice_is_two_figures():
    rows = [row | {"step": "saved"} for row in pictures.STEPS_ROWS[:3]]
    found = told(pictures.result("steps", rows), "figure")
    assert found == [("test.steps.saved",), ("test.steps.saved_2",), ("test.steps.saved_3",)]


def test_a_trend_has_a_figure_per_period_and_series():
    found = figures.of(pictures.TREND)
    assert [row["figure"] for row in found][:2] == [
        "test.trend.share.2025-12-22",
        "test.trend.share.2025-12-29",
    ]
    assert [(row["n"], row["value"]) for row in found][2] == (FEW, None)
    counts = figures.of(pictures.ACTIVE)
    assert {row["unit"] for row in counts} == {"count"}
    assert [row["value"] for row in counts][:2] == [1000, 1090]


def test_an_effect_has_a_figure_per_play_and_none_where_it_has_no_difference():
    effects = replace(pictures.EFFECT, id="impact.effects", own=SEVERAL)
    found = figures.of(effects)
    assert [(row["figure"], row["n"], row["value"], row["unit"]) for row in found][:2] == [
        ("impact.effects.data_engineer_into", 8120, 0.031, "difference"),
        ("impact.effects.out", 1234, 0.018, "difference"),
    ]
    refused = [{**pictures.EFFECT.rows[3], "difference": None, "low": None, "high": None}]
    found = figures.of(pictures.result("effect", refused))
    assert [(row["value"], row["low"], row["high"]) for row in found] == [(None, None, None)]


def test_the_effect_of_one_play_is_called_its_difference_per_segment():
    rows = [row | {"persona": "sales", "label": "guide"} for row in pictures.EFFECT.rows[:1]]
    one = replace(pictures.result("effect", rows, "persona"), id="impact.guide.effect_by_persona")
    assert told(one, "figure", "segment", "value") == [
        ("impact.guide.effect_by_persona.difference", "persona=sales", 0.031)
    ]


def test_values_are_kept_to_six_digits():
    rows = [row | {"share": 1 / 3, "low": 0.123456789} for row in pictures.ALL.rows]
    found = figures.of(pictures.result("share", rows))[0]
    assert (found["value"], found["low"]) == (0.333333, 0.123457)


@pytest.mark.parametrize("name", pictures.EVERY)
def test_no_figure_stands_twice(name):
    found = [(row["figure"], row["segment"]) for row in figures.of(pictures.EVERY[name])]
    assert len(found) == len(set(found))


def test_the_sample_companys_figures_stand_once(airtouch):
    every = [pb.audit.answer(airtouch, q.id, by="persona") for q in airtouch.declared.questions[:4]]
    for answer in [*every, pb.impact.effects(airtouch)]:
        found = [(row["figure"], row["segment"]) for row in figures.of(answer)]
        assert found
        assert len(found) == len(set(found))


def test_audits_curves_lists_and_what_is_unavailable_have_no_figures():
    assert figures.of(pictures.AUDIT) == figures.of(pictures.CURVE) == []
    assert figures.of(pictures.result("list", [{"unit": "ann"}], own={"unit": ID})) == []
    assert figures.of(Unavailable("x", "No.")) == []


def test_a_table_has_a_figure_for_each_of_its_numbers_named_by_its_keys():
    own = {"play": KEY, "sent": COUNT, **with_ends("bounced", share_of("sent")), "says": TEXT}
    rows = [
        {"play": "a", "sent": 400, "bounced": 0.018, "low": 0.009, "high": 0.036, "says": "x"},
        {"play": "b", "sent": FEW, "bounced": 0.5, "low": 0.2, "high": 0.8, "says": ""},
    ]
    names = ("figure", "n", "value", "low", "high", "unit")
    assert told(pictures.result("table", rows, own=own), *names) == [
        ("test.table.a.bounced", 400, 0.018, 0.009, 0.036, "share"),
        ("test.table.a.sent", None, 400, None, None, "count"),
        ("test.table.b.bounced", FEW, None, None, None, "share"),
        ("test.table.b.sent", None, FEW, None, None, "count"),
    ]


def test_bounds_have_a_figure_per_question_and_one_for_each_end():
    found = figures.of(pictures_of_quality.BOUNDS)
    assert [tuple(row[name] for name in ("figure", "n", "value", "low", "high", "unit"))
            for row in found[:3]] == [
        ("test.bounds.activation_rate", 2104, 0.3821, 0.3616, 0.4031, "share"),
        ("test.bounds.activation_rate.lowest", 2104, 0.369, None, None, "share"),
        ("test.bounds.activation_rate.highest", 2104, 0.406, None, None, "share"),
    ]  # fmt: skip


def test_a_question_without_a_share_keeps_its_figure_and_below_min_n_has_no_value():
    found = {row["figure"]: row for row in figures.of(pictures_of_quality.BOUNDS)}
    for name in ("time_to_first_run", "unverified_did", "unverified_did.lowest"):
        row = found[f"test.bounds.{name}"]
        assert [row[key] for key in ("value", "low", "high")] == [None] * 3
    assert "test.bounds.time_to_first_run.lowest" not in found


def test_days_have_one_figure_that_counts_those_out_of_the_ordinary():
    found = told(pictures_of_quality.VOLUME, "figure", "segment", "n", "value", "unit")
    assert found == [("test.volume.anomalies", "", 2880, 4, "count")]
    assert told(pictures_of_quality.CALM, "value") == [(0,)]
    assert figures.of(replace(pictures_of_quality.CALM, finish=lambda _rows: [])) == []


def test_a_name_that_ends_as_bounds_do_keeps_its_interval():
    rows = [row | {"step": "a.lowest"} for row in pictures.STEPS_ROWS[:1]]
    assert figures.of(pictures.result("steps", rows))[0]["low"] == 0.9991
