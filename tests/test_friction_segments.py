"""Segments against all others together, and the weeks of entry."""

from __future__ import annotations

import math

import pytest

from playbook import findings, friction
from playbook.inference import stats
from playbook.results import Unavailable, figures, listings
from tests import small
from tests.small import question
from tests.test_truth import near

WAY = {"start": "signed_up", "within": "24h"}
QUESTIONS = [
    question("saved", "reached_within", goal="saved", **WAY),
    question("missed", "missed_within", goal="saved", **WAY),
    question("before", "did_before", first="tried", goal="saved", **WAY),
    question("way", "steps", goals=["tried", "saved"], **WAY),
    question("speed", "time_to", start="signed_up", goal="saved", edges=["24h"]),
]
# Persona → how many sign up, try, save.
PEOPLE = {"engineer": (60, 45, 40), "analyst": (60, 40, 21), "sales": (60, 30, 4), "": (5, 5, 5)}


@pytest.fixture(scope="module")
def run():
    """Of each persona every third signs up a week later."""
    people = [
        (f"{persona}{k}", persona, [k < tried, k < saved], "12" if k % 3 == 2 else "05")
        for persona, (n, tried, saved) in PEOPLE.items()
        for k in range(n)
    ]
    events = "user_id | event | at\n"
    for name, _persona, did, day in people:
        events += f"{name} | signed_up | 2026-01-{day} 09:00\n"
        for event, done in zip(("tried", "saved"), did, strict=True):
            events += f"{name} | {event} | 2026-01-{day} 10:00\n" if done else ""
    users = "user_id | persona\n" + "".join(f"{name} | {p}\n" for name, p, *_ in people)
    words = {"min_n": 30, "order": {"persona": ["engineer", "analyst", "sales"]}}
    return small.run(questions=QUESTIONS, events=events, users=users, words=words)


def told(found, *names):
    assert not isinstance(found, Unavailable), found
    return [tuple(row[name] for name in names) for row in found.rows]


def test_a_segment_is_compared_with_all_others_together_and_not_with_everybody(run):
    found = friction.differences(run, "saved", "persona")
    names = ("persona", "n", "reached", "n_others", "reached_others", "verdict")
    assert told(found, *names) == [
        ("engineer", 60, 40, 125, 30, "higher"),
        ("analyst", 60, 21, 125, 49, "no difference shown"),
        ("sales", 60, 4, 125, 66, "lower"),
        ("(unknown)", 5, 5, 180, 65, "too few"),
    ]
    first = found.rows[0]
    assert first["difference"] == first["share"] - first["share_others"] == 40 / 60 - 30 / 125
    assert (first["low"], first["high"]) == stats.newcombe(40, 60, 30, 125)


def fisher(reached, n, reached_others, n_others):
    """The chance of all tables with these sums that are no more likely than this one."""
    whole, did = n + n_others, reached + reached_others
    ways = [math.comb(n, k) * math.comb(n_others, did - k) for k in range(did + 1)]
    return sum(way for way in ways if way <= ways[reached]) / math.comb(whole, did)


def test_p_is_fishers_and_corrected_over_the_rows_that_are_compared(run):
    rows = friction.differences(run, "saved", "persona").rows
    known = [(40, 60, 30, 125), (21, 60, 49, 125), (4, 60, 66, 125)]
    assert [row["p"] for row in rows[:3]] == [pytest.approx(fisher(*each)) for each in known]
    assert [row["p_corrected"] for row in rows[:3]] == stats.corrected([r["p"] for r in rows[:3]])
    assert [rows[3][name] for name in ("difference", "low", "p", "p_corrected")] == [None] * 4


def test_of_steps_each_is_compared_over_all_who_entered(run):
    found = friction.differences(run, "way", "persona")
    assert told(found, "step", "persona", "n", "reached") == [
        *[("tried", p or "(unknown)", n, tried) for p, (n, tried, _) in PEOPLE.items()],
        *[("saved", p or "(unknown)", n, saved) for p, (n, _, saved) in PEOPLE.items()],
    ]
    p = [row["p"] for row in found.rows if row["p"] is not None]
    known = [row["p_corrected"] for row in found.rows if row["p_corrected"] is not None]
    assert known == stats.corrected(p)
    assert "all rows" in dict(found.definition)["p"]


@pytest.mark.parametrize("id", ["missed", "before"])
def test_every_share_can_be_compared(run, id):
    found = friction.differences(run, id, ["persona"])
    assert (found.id, found.shape) == (f"friction.{id}_differences", "differences")
    whole = friction.answer(run, id).rows[0]
    for row in found.rows:
        assert row["n"] + row["n_others"] == whole["n"]
        assert row["reached"] + row["reached_others"] == whole["reached"]


@pytest.mark.parametrize(
    ("id", "by", "reason"),
    [
        (
            "speed",
            "persona",
            "`speed` is counted by `time_to`: this section needs `reached",
        ),
        ("saved", "", "No column says which segments to compare"),
        ("saved", "intents", "Table `users` lacks the column(s) intents."),
        ("gone", "persona", "Small declares no question `gone`."),
    ],
)
def test_what_cannot_be_compared_says_why(run, id, by, reason):
    found = friction.differences(run, id, by)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)


def test_differences_are_listed_in_points_and_kept_as_figures(run):
    found = friction.differences(run, "way", "persona")
    listed = listings.table(found)
    cells = dict(zip(listed.columns, listed.rows[4], strict=True))
    assert (cells["share"], cells["share others"], cells["difference"]) == (
        "66.7 %",
        "24.0 %",
        "+42.7",
    )
    kept = {(row["figure"], row["segment"]): row for row in figures.of(found)}
    row = kept["friction.way_differences.saved.difference", "persona=engineer"]
    assert (row["n"], row["unit"], row["value"]) == (60, "difference", pytest.approx(0.426667))


def test_a_segment_alone_has_nobody_to_be_compared_with(run):
    (row,) = friction.differences(run, "saved", "intent").rows  # a column that nobody maps
    assert (row["intent"], row["n_others"], row["verdict"]) == ("(unknown)", 0, "too few")


def test_a_week_of_entry_has_the_share_of_the_last_step(run):
    found = friction.by_week(run, "way")
    assert (found.id, found.shape) == ("friction.way_by_week", "trend")
    early = sum(1 for _n, _t, saved in PEOPLE.values() for k in range(saved) if k % 3 != 2)
    late = sum(saved for *_x, saved in PEOPLE.values()) - early
    assert told(found, "period", "value", "n", "complete") == [
        ("2026-01-05", early / 124, 124, True),
        ("2026-01-12", late / 61, 61, True),
    ]
    assert sum(row["n"] for row in found.rows) == friction.answer(run, "way").rows[0]["n"]
    assert told(friction.by_week(run, "saved"), "value") == told(found, "value")


def test_a_week_that_is_not_over_is_marked_for_steps_too(run):
    cut = small.run(
        questions=QUESTIONS,
        events="""
            user_id | event     | at
            ann     | signed_up | 2026-01-05 09:00
            ann     | tried     | 2026-01-05 09:30
            ann     | saved     | 2026-01-05 10:00
            bob     | signed_up | 2026-01-12 09:00
            cat     | signed_up | 2026-01-13 23:00
        """,
        period=("2026-01-01", "2026-02-01", "2026-01-14"),
    )
    assert told(friction.by_week(cut, "way"), "period", "value", "n", "complete") == [
        ("2026-01-05", 1.0, 1, True),
        ("2026-01-12", 0.0, 1, False),
    ]
    assert friction.by_week(cut, "speed").reason.endswith("`did_before` or `steps`.")
    assert "declares no question" in friction.by_week(cut, "gone").reason


def test_the_finding_names_who_differs_who_does_not_and_who_is_too_few(run):
    text = findings.of(friction.differences(run, "way", "persona"), "save").text
    lines = text.splitlines()
    assert lines[0].startswith("- **sales**: 6.7 % save, against 52.8 % of all others: **−46.1")
    assert lines[1].startswith("- **engineer**: 66.7 % save, against 24.0 % of all others: **+42.7")
    assert lines[2:] == ["- No difference shown: analyst.", "- Too few to say: (unknown)."]
    gone = friction.differences(run, "gone", "persona")
    assert findings.of(gone, "save").text.startswith("*Not available.*")


def test_the_planted_personas_differ_and_the_planted_share_is_theirs(airtouch):
    rows = friction.differences(airtouch, "first_workflow_24h", "persona").rows
    verdicts = {row["persona"]: row["verdict"] for row in rows}
    assert verdicts["data_engineer"] == "higher"
    assert verdicts["sales"] == verdicts["marketing"] == verdicts["other"] == "lower"
    (core,) = [row for row in rows if row["persona"] == "data_engineer"]
    assert near(core["share"], 0.38, core["n"])
