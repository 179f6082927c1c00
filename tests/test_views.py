"""A result in a cell: chart and sentence, or all of it where it stands bare."""

from __future__ import annotations

from dataclasses import replace

import IPython.display
import pytest

import playbook as pb
from playbook.charts import Chart
from playbook.results import Unavailable
from playbook.results.columns import COUNT, KEY
from playbook.results.listings import Listing
from playbook.results.sentences import Finding
from tests import pictures

TWO_DAYS = replace(pictures.ALL, within="48 hours")
GONE = Unavailable("x.y", "The table `users` is not mapped.")
TABLE = pictures.result("table", [{"play": "a", "sent": 3}], own={"play": KEY, "sent": COUNT})


@pytest.fixture
def displayed(monkeypatch):
    """What cells show."""
    found = []
    monkeypatch.setattr(IPython.display, "display", found.append)
    return found


def kinds(shown):
    return [type(part) for part in shown]


def test_a_chart_and_its_sentence_stand_in_one_cell_with_the_window_of_the_question(displayed):
    pb.show(TWO_DAYS, title="Within {within}", says="verify within {within}")._ipython_display_()
    chart, finding = displayed
    assert kinds(displayed) == [Chart, Finding]
    assert chart.spec["title"]["text"] == ["Within 48 hours"]
    assert finding.text.startswith("**30.6 %** (29.4 to 31.9 %, n = 5,168) verify within 48 hours;")


def test_the_sentence_may_be_about_everybody_where_segments_are_drawn(displayed):
    pb.show(pictures.SHARE, title="By persona", whole=TWO_DAYS, says="verify")._ipython_display_()
    chart, finding = displayed
    assert "Data engineer" in chart.description
    assert "Data engineer" not in finding.text


def test_without_a_title_there_is_the_sentence_and_without_a_sentence_the_chart():
    assert kinds(pb.show(TWO_DAYS, says="verify").parts) == [Finding]
    days = [{"day": "2026-01-05", "decision": "send", "n": 3}]
    assert kinds(pb.show(pictures.result("load", days), title="Load").parts) == [Chart]


def test_what_is_unavailable_gives_its_reason_and_several_results_a_line_each():
    (found,) = pb.show(GONE, title="Never", says="x").parts
    assert found.text == "*Not available.* The table `users` is not mapped."
    (found,) = pb.show([TWO_DAYS, GONE], says="verify").parts
    assert [line[:4] for line in found.text.splitlines()] == ["- **", "- *N"]


def test_a_bare_result_is_its_chart_its_sentence_and_its_table_and_no_plan(displayed):
    TWO_DAYS._ipython_display_()
    assert kinds(displayed) == [Chart, Listing, Finding]
    displayed.clear()
    TABLE._ipython_display_()
    assert kinds(displayed) == [Listing]
    assert repr(TWO_DAYS) == "<test.share: a result of shape share>"


def test_a_result_gives_its_rows_as_a_frame_and_as_csv(tmp_path):
    assert TABLE.to_pandas().to_dict("records") == [{"play": "a", "sent": 3}]
    assert TABLE.to_csv(tmp_path / "sent.csv") == "play,sent\na,3\n"
    assert (tmp_path / "sent.csv").read_text() == "play,sent\na,3\n"


def test_the_package_offers_what_an_analyst_uses_each_with_a_docstring_of_its_own():
    assert dir(pb) == sorted(pb.__all__)
    for name in pb.__all__:
        assert (getattr(pb, name).__doc__ or "").strip(), name
