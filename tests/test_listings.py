"""A result as a table people read, as the SQL that runs, and as its definition."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

import playbook as pb
from playbook.results import Unavailable, listings
from playbook.results.columns import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    NUMBER,
    POINTS,
    SHARE,
    TEXT,
    Column,
    share_of,
)
from tests import pictures, small
from tests.pictures import result, table
from tests.small import question

GONE = Unavailable("x.y", "The table `users` is not mapped.")


def body(found):
    return [list(row) for row in listings.table(found).rows]


def test_a_share_reads_as_percent_and_a_segment_in_the_words_of_the_product():
    found = listings.table(pictures.SHARE)
    assert found.columns == (
        "persona",
        "n",
        "reached",
        "repeated",
        "open",
        "share",
        "low",
        "high",
    )
    few = "too few to say (n = 12)"
    assert [list(row) for row in found.rows] == [
        ["Data engineer", "2,612", "998", "401", "31", "38.2 %", "36.4 %", "40.1 %"],
        ["Sales and marketing", "1,310", "241", "52", "12", "18.4 %", "16.4 %", "20.6 %"],
        ["Moves data out of the warehouse", "1,234", "339", "0", "0", "27.5 %", "25.1 %", "30.0 %"],
        ["(unknown)", "12", "4", "1", "1", few, few, few],
    ]
    assert found.note == ""


def test_nothing_and_yes_or_no_and_times_and_numbers_are_text():
    rows = [{"is_core": True, "other": False, "x": None, "n": 12345, "weeks": 2.25, "off": -3}]
    rows[0] |= {"at": datetime(2026, 1, 5, 9), "some_name": "a_b"}
    kinds = (FLAG, FLAG, SHARE, COUNT, NUMBER, COUNT, MOMENT, ID)
    own = dict(zip(rows[0], kinds, strict=True))
    assert body(result("table", rows, own=own)) == [
        ["yes", "no", "–", "12,345", "2.2", "−3", "2026-01-05 09:00:00", "a_b"]
    ]
    assert listings.table(result("table", rows, own=own)).columns[-1] == "some name"


@pytest.mark.parametrize(
    ("kind", "value", "reads"),
    [
        ("share", 0.018, "1.8 %"),
        ("share", 0.9941, "99.4 %"),
        ("points", 0.094, "+9.4"),
        ("points", 0.0012, "+0.1"),
        ("moved", 0.0231, "2.3 points"),
        ("ratio", 0.7834, "0.78"),
        ("p", 0.00042, "0.00042"),
        ("hours", 7.46, "7.5"),
        ("name", "saved", "saved the workflow"),
        ("id", "saved", "saved"),
        ("id", ("a", "b"), "a, b"),
    ],
)
def test_a_value_reads_by_the_kind_of_its_column_whatever_the_column_is_called(kind, value, reads):
    rows = [{"whatever": 1, "of": 40}]
    found = result("table", rows, own={"whatever": Column(kind, of="of"), "of": COUNT})
    found = replace(found, finish=lambda rows: [row | {"whatever": value} for row in rows])
    assert body(found) == [[reads, "40"]]


def test_a_share_of_too_few_says_so_in_a_table_too():
    own = {"share": share_of("n"), "n": COUNT, "wanted": POINTS}
    rows = [{"share": 0.5, "n": 12, "wanted": 0.1}]
    assert body(result("table", rows, own=own)) == [["too few to say (n = 12)", "12", "+10.0"]]


def test_an_effect_reads_in_points_and_a_refused_one_shows_none():
    rows = table(
        "label | n_treated | treated | n_holdout | holdout | difference | low | high | verdict",
        "into  | 7300 | 0.352 | 820 | 0.321 | 0.031 | 0.013 | 0.049 | works",
        "docs  | 900  | 0.2   | 12  | 0.1   | –     | –     | –     | too few",
    )
    few = "too few to say (n = 12)"
    assert body(result("effect", rows)) == [
        ["into", "7,300", "35.2 %", "820", "32.1 %", "+3.1", "+1.3", "+4.9", "works"],
        ["docs", "900", "20.0 %", "12", few, "–", "–", "–", "too few"],
    ]


def test_the_share_of_a_step_rests_on_those_who_entered_and_not_on_those_who_arrive():
    rows = table(
        "step | position | n    | of_first | of_previous | lost | low    | high",
        "a    | 0        | 4000 | 1.0      | 1.0         | 0    | 0.99   | 1.0",
        "b    | 1        | 20   | 0.005    | 0.005       | 3980 | 0.003  | 0.008",
        "c    | 2        | 5    | 0.001    | 0.25        | 15   | 0.0005 | 0.003",
    )
    few = "too few to say (n = 20)"
    assert body(result("steps", rows))[1:] == [
        ["b", "20", "0.5 %", "0.3 %", "0.8 %", "0.5 %", "3,980"],
        ["c", "5", "0.1 %", "0.1 %", "0.3 %", few, "15"],
    ]


def test_a_class_rests_on_the_total_of_its_segment():
    rows = body(pictures.MIX)
    assert rows[0][:4] == ["none of these", "310", "900", "34.4 %"]
    assert rows[3][:4] == ["still open", "17", "900", "–"]
    assert body(pictures.MIX_BY)[-1][4] == "too few to say (n = 14)"


def test_bounds_read_as_percent_days_as_counts_and_what_moves_as_points():
    rows = table(
        "subject | n    | share | low  | high | lowest | highest | because",
        "runs    | 5120 | 0.382 | 0.37 | 0.39 | 0.3    | 0.4     | ties",
        "none    | –    | –     | –    | –    | –      | –       | no such event",
        "few     | 12   | 0.5   | 0.2  | 0.8  | 0.4    | 0.6     | ties",
    )
    few = "too few to say (n = 12)"
    assert body(result("bounds", rows)) == [
        ["runs", "5,120", "38.2 %", "37.0 %", "39.0 %", "30.0 %", "40.0 %", "ties"],
        ["none", "–", "–", "–", "–", "–", "–", "no such event"],
        ["few", "12", few, few, few, few, few, "ties"],
    ]
    rows = table(
        "event | n | expected | low | high | anomaly", "a | 312 | 1239.6 | 1100.4 | 1.5e3 | yes"
    )
    assert body(result("volume", rows)) == [["a", "312", "1,240", "1,100", "1,500", "yes"]]


def test_a_long_table_ends_after_most_rows_and_says_how_many_there_are():
    long = result("table", [{"n": k} for k in range(1200)], own={"n": COUNT})
    found = listings.table(long, most=2)
    assert found.rows == (("0",), ("1",))
    assert found.note == "2 of 1,200 rows"
    assert found._plain() == "n\n0\n1\n2 of 1,200 rows"
    assert listings.table(long, most=1200).note == ""


def test_nobody_and_what_is_unavailable_have_no_rows():
    nobody = replace(pictures.ALL, finish=lambda _rows: [])
    note = "Nobody in the period: there is nothing to say."
    assert listings.table(nobody) == listings.Listing((), (), note)
    for view in (listings.table, listings.definition):
        assert view(GONE) == listings.Listing((), (), GONE.reason)


def test_every_cell_head_and_note_is_escaped():
    hostile = "<script>alert('x') & more</script>"
    found = result("table", [{hostile: hostile}, {hostile: "b"}], own={hostile: TEXT})
    shown = listings.table(replace(found), most=1)._repr_mimebundle_()["text/html"]
    escaped = "&lt;script&gt;alert(&#x27;x&#x27;) &amp; more&lt;/script&gt;"
    assert shown == (
        f"<table><thead><tr><th>{escaped}</th></tr></thead>"
        f"<tbody><tr><td>{escaped}</td></tr></tbody></table><p>1 of 2 rows</p>"
    )
    note = listings.table(Unavailable("x", hostile))._repr_mimebundle_()["text/html"]
    assert note.endswith(f"<p>{escaped}</p>")


def test_the_definition_is_read_word_by_word_with_its_watermark_and_hash():
    found = listings.definition(pictures.ALL)
    assert found.columns == ("word", "value")
    assert found.rows == (
        *pictures.COUNTED,
        ("as of", "2026-04-01 00:00"),
        ("hash", pictures.ALL.definition_hash),
    )


# SQL

EVENTS = """
    user_id | event | at
    ann     | began | 2026-01-05 09:00
    ann     | saved | 2026-01-05 10:00
    bob     | began | 2026-01-05 10:00
    cat     | began | 2026-01-30 10:00
"""
USERS = """
    user_id | persona
    ann     | it's; -- "x"
    bob     | b
    cat     |
"""
FIRST = {"start": "began", "goal": "saved", "within": "24h"}
QUESTIONS = [
    question("share", "reached_within", **FIRST, among={"persona": ['it\'s; -- "x"', "b"]}),
    question("mix", "mix", start="began", goals=["saved"], within="24h"),
    question("time", "time_to", start="began", goal="saved", edges=["1h"], within="24h"),
    question("steps", "steps", start="began", goals=["saved"], within="24h"),
]


@pytest.fixture(scope="module")
def run():
    return small.run(questions=QUESTIONS, events=EVENTS, users=USERS)


def same_as_runs(run, found):
    """Whether the SQL that is shown gives the rows that the result fetches."""
    assert found.raw
    for part in listings.parts(found):
        (text,) = listings.statements(replace(part, made_of=())).values()
        assert text in listings.sql(found).text
        shown = run.warehouse.connection.raw_sql(text).fetchall()
        fetched = [row.values() for row in part.raw]
        if sorted(map(str, map(tuple, shown))) != sorted(map(str, map(tuple, fetched))):
            return False
    return True


@pytest.mark.parametrize("by", ["", "persona"])
@pytest.mark.parametrize("id", ["share", "mix", "time", "steps"])
def test_the_sql_that_is_shown_is_what_runs(run, id, by):
    assert same_as_runs(run, pb.audit.answer(run, id, by=by))


def test_the_sql_of_lists_audits_and_effects_is_what_runs(run, airtouch):
    assert same_as_runs(run, pb.friction.members(run, "steps", "dropped"))
    for found in (
        pb.audit.answer(airtouch, "activation_rate", by="persona"),
        pb.audit.answer(airtouch, "active_workflows"),
        pb.impact.effect(airtouch, "organic_engineer_welcome"),
    ):
        assert same_as_runs(airtouch, found)


def test_sql_is_shown_as_code_that_nothing_in_it_can_end():
    shown = listings.Sql("SELECT '```' AS x")._repr_mimebundle_()
    assert shown["text/markdown"] == "````sql\nSELECT '```' AS x\n````"
    assert shown["text/plain"] == "SELECT '```' AS x"
    assert listings.Sql("SELECT 1")._repr_mimebundle_()["text/markdown"] == (
        "```sql\nSELECT 1\n```"
    )


def test_there_is_no_sql_of_what_is_unavailable():
    assert listings.sql(GONE).text == "-- The table `users` is not mapped."
    assert listings.sql(Unavailable("x", "No\nDROP TABLE users")).text == "-- No DROP TABLE users"
