"""Questions answered: every measure, on somebody and on nobody, or the reason why not."""

from __future__ import annotations

from collections import Counter

import pytest

from playbook import answers, charts, findings
from playbook.declare import DataPoint, Property
from playbook.results import Result, Unavailable, figures, listings
from tests import small
from tests.small import question

EVENTS = """
    user_id | account_id | session_id | event     | at               | draft
    ann     | a1         | s1         | signed_up | 2026-01-05 09:00 |
    ann     | a1         | s1         | started   | 2026-01-05 09:10 | d1
    ann     | a1         | s1         | started   | 2026-01-05 09:20 | d2
    ann     | a1         | s1         | invited   | 2026-01-05 09:30 |
    ann     | a1         | s1         | saved     | 2026-01-05 10:00 | d1
    ann     | a1         | s2         | saved     | 2026-01-06 09:00 | d3
    bob     | a1         | s3         | signed_up | 2026-01-05 10:00 |
    bob     | a1         | s3         | started   | 2026-01-05 10:10 | d4
    bob     | a1         | s4         | saved     | 2026-01-06 10:01 | d4
    cat     | a2         | s5         | signed_up | 2026-01-06 10:00 |
    cat     | a2         | s5         | invited   | 2026-01-06 11:00 |
    dee     | a3         |            | signed_up | 2026-01-14 10:00 |
    eve     | a4         | s6         | signed_up | 2026-01-30 23:00 |
    eve     | a4         | s6         | saved     | 2026-01-30 23:30 | d5
"""
USERS = """
    user_id | account_id | signed_up_at     | persona  | acquisition
    ann     | a1         | 2026-01-05 09:00 | engineer | organic
    bob     | a1         | 2026-01-05 10:00 | marketer | invited
    cat     | a2         | 2026-01-06 10:00 | marketer | organic
    dee     | a3         | 2026-01-14 10:00 |          | organic
    eve     | a4         | 2026-01-30 23:00 | engineer | organic
"""
FIRST = {"start": "signed_up", "goal": "saved", "within": "24h"}
HELD = {"unit": "session", "hold": "draft", "start": "started", "goal": "saved", "within": "1h"}
QUESTIONS = [
    question("first_day", "reached_within", **FIRST),
    question("missed", "missed_within", **FIRST),
    question("organic", "reached_within", **FIRST, among={"acquisition": "organic"}),
    question("uninviting", "reached_within", **FIRST, unless="invited"),
    question("before", "did_before", **FIRST, first="invited"),
    question("kinds", "mix", start="signed_up", goals=["invited", "saved"], within="24h"),
    question(
        "speed", "time_to", start="signed_up", goal="saved", edges=["1h", "24h"], within="48h"
    ),
    question("path", "steps", start="signed_up", goals=["invited", "saved"], within="24h"),
    question("drafts", "missed_within", **HELD),
    question("living", "active", goal="saved", hold="draft", within="7d"),
    question("never_sent", "reached_within", start="signed_up", goal="rang", within="24h"),
    question("visits", "reached_within", unit="session", **FIRST),
    question("rich", "reached_within", **FIRST, among={"intent": "sell"}),
]
MEASURES = [q.id for q in QUESTIONS if q.id not in {"never_sent", "rich"}]
PLAN = [DataPoint(event="saved", says="Saved.", properties={"draft": Property()})]
WORDS = {"name": "Small", "order": {"persona": ["marketer", "engineer"]}}
SEGMENTS = ["marketer", "engineer", "(unknown)"]


def opened(**said):
    given = {"questions": QUESTIONS, "plan": PLAN, "words": WORDS}
    return small.run(**given | {"events": EVENTS, "users": USERS} | said)


@pytest.fixture(scope="module")
def run():
    return opened()


@pytest.fixture(scope="module")
def nobody():
    return opened(period=("2026-01-20", "2026-01-21", "2026-01-31"))


def counts(found, *names):
    assert isinstance(found, Result), found
    return [tuple(row[name] for name in names) for row in found.rows]


# What the answers are


def test_a_share_in_a_window_counts_firsts_seconds_and_open_ones(run):
    found = answers.answer(run, "first_day")
    assert counts(found, "n", "reached", "repeated", "open", "share") == [(4, 1, 1, 1, 0.25)]
    assert counts(answers.answer(run, "missed"), "n", "reached", "share") == [(4, 3, 0.75)]


def test_without_a_column_an_answer_is_whole(run):
    whole = counts(answers.answer(run, "first_day"), "n", "reached")
    for nothing in (None, "", (), []):  # papermill gives None where a run leaves `by` empty
        assert counts(answers.answer(run, "first_day", by=nothing), "n", "reached") == whole


def test_did_before_counts_who_did_the_first_thing_first(run):
    found = answers.answer(run, "before")
    assert counts(found, "n", "reached", "repeated", "open") == [(4, 2, 1, 1)]
    assert found.again == ("did both, in this order", "both")


def test_a_mix_says_its_classes_in_words_and_in_the_order_of_its_goals(run):
    assert counts(answers.answer(run, "kinds"), "label", "n", "total", "share") == [
        ("none of these", 2, 4, 0.5),
        ("invited only", 1, 4, 0.25),
        ("invited + saved", 1, 4, 0.25),
        ("still open", 1, 4, None),
    ]


def test_time_to_has_a_bucket_for_everybody(run):
    assert counts(answers.answer(run, "speed"), "label", "n", "total") == [
        ("within 1 hour", 1, 4),
        ("after 24 hours, within 48 hours", 1, 4),
        ("never within 48 hours", 2, 4),
        ("still open", 1, 4),
    ]


def test_steps_say_what_is_lost_before_each(run):
    names = ("step", "n", "lost", "of_first", "of_previous", "open")
    assert counts(answers.answer(run, "path"), *names) == [
        ("signed_up", 4, 0, 1.0, 1.0, 1),
        ("invited", 2, 2, 0.5, 0.5, 1),
        ("saved", 1, 1, 0.25, 0.5, 1),
    ]


def test_a_held_property_makes_one_attempt_of_each_of_its_values(run):
    # Ann saves d1 and leaves d2; bob saves d4 in another session.
    assert counts(answers.answer(run, "drafts"), "n", "reached", "open") == [(3, 2, 0)]


def test_active_things_come_and_go_and_a_week_without_any_is_a_zero(run):
    found = answers.answer(run, "living")
    told: dict[str, list[int]] = {}
    for row in found.rows:
        told.setdefault(row["series"], []).append(row["value"])
    assert [row["period"] for row in found.rows if row["series"] == "active"] == [
        "2026-01-05",
        "2026-01-12",
        "2026-01-19",
    ]
    assert told == {
        "active": [3, 0, 0],
        "new": [3, 0, 0],
        "kept": [0, 0, 0],
        "revived": [0, 0, 0],
        "lost": [0, 3, 0],
    }


def test_among_keeps_units_with_a_trait_and_unless_drops_those_who_did_an_event(run):
    assert counts(answers.answer(run, "organic"), "n", "reached", "open") == [(3, 1, 1)]
    assert counts(answers.answer(run, "uninviting"), "n", "reached", "open") == [(2, 0, 1)]


# Segments


def totals(found):
    """Class or step → units, over all segments; the open ones of a share too."""
    sums = Counter()
    for row in found.rows:
        sums[row.get("label", row.get("step", "closed"))] += row["n"]
        sums["open"] += row.get("open", 0)
    return sums


@pytest.mark.parametrize("id", ["first_day", "missed", "before", "kinds", "speed", "path"])
def test_the_segments_add_up_to_everybody(run, id):
    assert totals(answers.answer(run, id, by="persona")) == totals(answers.answer(run, id))


def test_segments_stand_in_the_products_order_and_the_unknown_one_last(run):
    found = answers.answer(run, "first_day", by="persona")
    assert counts(found, "persona", "n", "open") == [
        ("marketer", 2, 0),
        ("engineer", 1, 1),
        ("(unknown)", 1, 0),
    ]
    both = answers.answer(run, "kinds", by=["persona", "acquisition", "persona"])
    assert both.by == ("persona", "acquisition")
    assert list(dict.fromkeys(row["persona"] for row in both.rows)) == SEGMENTS


def test_a_segment_of_sessions_is_that_of_their_person(run):
    found = answers.answer(run, "drafts", by="persona")
    assert counts(found, "persona", "n", "reached") == [("marketer", 1, 1), ("engineer", 2, 1)]


# Lists and curves


@pytest.mark.parametrize("id", ["first_day", "missed", "path", "drafts", "visits"])
def test_a_list_is_exactly_as_long_as_its_bar(run, id):
    row = answers.answer(run, id).rows[0]
    lengths = {o: len(answers.members(run, id, o).rows) for o in answers.OUTCOMES}
    assert sum(lengths.values()) == row["n"] + row["open"]
    assert lengths["open"] == row["open"]
    if id == "path":
        assert lengths["converted"] == answers.answer(run, id).rows[-1]["n"]
    else:
        missed = id in {"missed", "drafts"}
        assert lengths["dropped" if missed else "converted"] == row["reached"]


def test_a_list_says_when_a_unit_started_and_how_far_it_came(run):
    dropped = answers.members(run, "path", "dropped")
    assert counts(dropped, "unit", "reached") == [
        ("bob", "signed_up"),
        ("cat", "invited"),
        ("dee", "signed_up"),
    ]
    held = answers.members(run, "drafts", "dropped")
    assert counts(held, "unit", "held") == [("s1", "d2"), ("s3", "d4")]


@pytest.mark.parametrize(
    ("id", "outcome", "reason"),
    [
        (
            "kinds",
            "dropped",
            "`kinds` is counted by `mix`: this section needs `reached_within`, "
            "`missed_within` or `steps`.",
        ),
        ("path", "gone", "There is no outcome `gone`. The outcomes are: converted, dropped, open."),
        ("missing", "dropped", "Small declares no question `missing`."),
    ],
)
def test_what_has_no_list_says_why(run, id, outcome, reason):
    found = answers.members(run, id, outcome)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(reason)


def test_a_curve_starts_at_0_never_falls_and_reaches_the_horizon(run):
    found = answers.curve(run, "speed")
    assert counts(found, "hours", "n") == [(0, 5), (1, 5), (25, 5), (48, 5)]
    shares = [row["share"] for row in found.rows]
    # Two of five at once; eve is out of sight after an hour; one of the other three a day later.
    assert shares == pytest.approx([0, 0.4, 0.6, 0.6])
    assert all(row["low"] <= row["share"] <= row["high"] for row in found.rows)


def test_each_segments_curve_reaches_the_horizon(run):
    found = answers.curve(run, "speed", by="persona")
    assert list(dict.fromkeys(row["persona"] for row in found.rows)) == SEGMENTS
    for persona in SEGMENTS:
        own = [row for row in found.rows if row["persona"] == persona]
        assert (own[0]["hours"], own[0]["share"], own[-1]["hours"]) == (0, 0, 48)
        assert [row["share"] for row in own] == sorted(row["share"] for row in own)


def test_a_week_that_is_not_over_or_has_an_open_window_is_marked(run):
    found = answers.activation_by_week(
        opened(period=("2026-01-01", "2026-02-01", "2026-01-16")), "first_day"
    )
    assert counts(found, "period", "value", "n", "complete") == [
        ("2026-01-05", 1 / 3, 3, True),
        ("2026-01-12", 0.0, 1, False),
    ]
    # Eve's week has nobody whose window is closed, and so no share.
    assert [row["period"] for row in answers.activation_by_week(run, "first_day").rows] == [
        "2026-01-05",
        "2026-01-12",
    ]


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (answers.curve, "`kinds` is counted by `mix`: this section needs `time_to`."),
        (
            answers.activation_by_week,
            "`kinds` is counted by `mix`: this section needs `reached_within`, "
            "`missed_within`, `did_before` or `steps`.",
        ),
    ],
)
def test_a_question_of_the_wrong_measure_says_so(run, ask, reason):
    assert ask(run, "kinds").reason == reason


# What cannot be answered


def test_an_unknown_question_names_the_product_and_what_it_asks(run):
    found = answers.answer(run, "churn")
    assert found == Unavailable("audit.churn", found.reason)
    assert found.reason.startswith("Small declares no question `churn`. It asks: first_day, missed")


def test_an_event_that_never_arrives_is_the_reason(run):
    assert answers.answer(run, "never_sent").reason == (
        "“never_sent?” cannot be answered: `rang`: no such event arrives."
    )


def test_a_unit_that_most_events_lack_is_the_reason():
    lacking = EVENTS.replace("| s5         | signed_up", "|            | signed_up").replace(
        "| s3         | signed_up", "|            | signed_up"
    )
    found = answers.answer(opened(events=lacking), "visits")
    assert found.reason == (
        "“visits?” cannot be answered: `signed_up`: 60.0 % of its events have no session_id."
    )


def test_a_column_that_is_not_there_is_the_reason(run):
    found = answers.answer(run, "first_day", by="personna")
    assert found.reason.startswith("Table `users` lacks the column(s) personna. It has: user_id")
    assert found.reason.endswith("did you mean `persona`?")
    assert "lacks the column(s)" in answers.answer(run, "path", by=["persona", "x"]).reason
    assert "lacks the column(s) x" in answers.curve(run, "speed", by="x").reason
    assert "cannot be broken down by week" in answers.answer(run, "living", by="week").reason


def test_units_chosen_by_a_column_that_nobody_maps_are_not_nobody(run):
    reason = "“rich?” cannot be answered: it is about some units only, and no table maps intent."
    assert answers.answer(run, "rich").reason == reason


def test_without_users_there_is_no_breakdown_and_still_an_answer():
    alone = small.run(questions=QUESTIONS, plan=PLAN, events=EVENTS)
    assert counts(answers.answer(alone, "first_day"), "n") == [(4,)]
    assert "lacks the column(s) persona" in answers.answer(alone, "first_day", by="persona").reason
    assert "no table maps acquisition" in answers.answer(alone, "organic").reason


# Nobody


@pytest.mark.parametrize("by", ["", "persona"])
@pytest.mark.parametrize("id", MEASURES)
def test_every_view_of_nobody_says_so_and_holds_no_nan(nobody, id, by):
    if id == "living":
        by = ""
    found = answers.answer(nobody, id, by=by)
    assert isinstance(found, Result)
    said = findings.of(found, "do it").text
    chart = charts.of(found, title="Nobody")._repr_mimebundle_()
    if id != "living":  # what is active needs no entry
        assert "Nobody in the period" in said or "too few to say (n = 0)" in said
        assert all(row["value"] in (None, 0) for row in figures.of(found))
    shown = [said, str(chart), str(figures.of(found)), listings.table(found)._plain()]
    assert not [text for text in shown if "nan" in text.lower()]


def test_lists_curves_and_weeks_of_nobody_are_empty(nobody):
    for found in (
        answers.members(nobody, "path", "dropped"),
        answers.curve(nobody, "speed"),
        answers.curve(nobody, "speed", by="persona"),
        answers.activation_by_week(nobody, "first_day"),
    ):
        assert found.rows == []
        assert listings.table(found).rows == ()
        assert figures.of(found) == []


# The definition


def hashed(**said):
    given = {"id": "one", "measure": "reached_within", **FIRST} | said
    found = answers.answer(opened(questions=[question(**given)]), "one")
    return found.definition_hash


def test_the_hash_changes_with_the_way_of_counting():
    assert hashed() == hashed()
    others = {
        hashed(within="48h"),
        hashed(goal="invited"),
        hashed(unit="account"),
        hashed(unless="invited"),
        hashed(among={"acquisition": "organic"}),
        hashed(measure="missed_within"),
    }
    assert len(others) == 6
    assert hashed() not in others


def test_the_hash_stays_with_the_period_the_watermark_and_the_breakdown(run):
    whole = answers.answer(run, "first_day")
    later = opened(period=("2026-01-06", "2026-01-20", "2026-01-25"))
    other = answers.answer(later, "first_day")
    assert dict(other.definition)["period"] == "06 Jan 2026 to 20 Jan 2026"
    assert other.definition != whole.definition
    by = answers.answer(run, "first_day", by="persona")
    assert {whole.definition_hash, other.definition_hash} == {by.definition_hash}


def test_the_definition_says_all_that_was_asked(run):
    found = answers.answer(run, "organic")
    assert found.definition == (
        ("measure", "reached_within"),
        ("unit", "user"),
        ("start", "signed_up"),
        ("goal", "saved"),
        ("within", "24 hours, end included"),
        ("entry", "any start in the period"),
        ("order", "as listed; others may come between"),
        ("ties", "in step order"),
        ("window from", "the entry"),
        ("counted", "units, by their best attempt"),
        ("period", "05 Jan 2026 to 01 Feb 2026"),
        ("acquisition", "organic"),
        ("left out", "bots and internal people; who is from before the log"),
    )
    assert (found.id, found.as_of, found.asks) == (
        "audit.organic",
        "2026-01-31 00:00:00",
        "organic?",
    )
