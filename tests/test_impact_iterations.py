"""The next iteration, the log of the earlier ones, and the next burning question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playbook import findings, impact
from playbook.airtouch import TRUTH
from playbook.declare import DataPoint, Experiment, Property
from playbook.inference import segments, sizing
from playbook.results import Unavailable, listings
from tests import small
from tests.small import play, question
from tests.test_impact_claims import NOTHING, effects, with_effects
from tests.test_impact_rollouts import with_experiments

GUIDE = play("guide", holdout=0.2, smallest_effect=0.1)
EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    ann     | saved     | 2026-01-05 10:00
    bob     | signed_up | 2026-01-05 09:00
    cat     | signed_up | 2026-01-05 09:00
    cat     | invited   | 2026-01-06 09:00
    zed     | verified  | 2026-01-06 09:00
"""
NOW = {
    "label": "guide",
    "play": "guide",
    "verdict": "works",
    "grade": "A",
    "n_treated": 400,
    "n_holdout": 100,
}
NOW |= {"treated": 0.32, "holdout": 0.2, "difference": 0.12, "low": 0.02, "high": 0.22}


def world(*plays, questions=(), experiments=()):
    found = small.run(
        plays=plays or (GUIDE,),
        questions=questions,
        events=EVENTS,
        period=("2026-01-01", "2026-01-31", "2026-01-31"),
        words={"min_n": 3},
    )
    return with_experiments(found, *experiments)


def tried(**said):
    log = {"play": "guide", "live_from": "2025-10-01", "until": "2026-01-01"}
    log |= {"difference": 0.04, "low": -0.02, "high": 0.10}
    return Experiment(slug="log", hypothesis="It helps.", tried=[log | said])


def test_the_plan_is_that_of_sizing_at_the_traffic_of_the_period():
    (row,) = impact.iterations(with_effects(world(), effects(NOW))).rows
    weeks = 30 / 7
    assert row["per_week"] == pytest.approx(500 / weeks)
    pace = {"per_look": row["per_week"], "holdout": 0.2}
    assert row["units"] == sizing.units_at_pace(0.2, 0.1, **pace)
    # The window of the last unit is 72 hours.
    expected = -(-(row["units"] / (500 / weeks) + 3 / 7) // 1)
    assert (row["weeks"], row["base"], row["holdout"]) == (expected, 0.2, 0.2)
    assert row["plan"] == f"{row['units']:,} people, {row['weeks']} weeks, to see 10 points."
    assert row["weeks_at_half"] < row["weeks"]


@pytest.mark.parametrize(
    ("changed", "plan"),
    [
        ({"n_treated": 0, "n_holdout": 0}, "Nobody triggers it"),
        ({"n_holdout": 2, "holdout": 0.5}, "Too few were held out"),
        ({"holdout": 1.0}, "From 100.0 % there is no rise of 10 points"),
        ({"holdout": 0.0}, "From 0.0 % there is no rise of 10 points"),
        ({"n_treated": 8, "n_holdout": 5}, "Not answerable with this traffic"),
        ({"n_treated": 56, "n_holdout": 14}, "Hold out half and it takes"),
    ],
)
def test_where_there_is_no_plan_it_says_why(changed, plan):
    found = impact.iterations(with_effects(world(), effects(NOW | changed)))
    assert plan in found.rows[0]["plan"]
    said = findings.of(found).text
    assert plan in said
    assert "nan" not in said.lower()


def test_plays_that_are_looked_at_later_count_from_their_first_day():
    run = world(play("guide", holdout=0.2, live_from="2026-01-24"))
    (row,) = impact.iterations(with_effects(run, effects(NOW))).rows
    assert row["per_week"] == pytest.approx(500)


def test_the_log_draws_every_iteration_towards_all_of_them():
    found = impact.tried(with_effects(world(experiments=[tried()]), effects(NOW)))
    earlier, now = found.rows
    pooled = segments.shrunken([(0.04, 0.12 / 3.919928), (0.12, 0.20 / 3.919928)])
    assert (earlier["current"], now["current"]) == (False, True)
    assert (earlier["drawn"], now["drawn"]) == pytest.approx([e[0] for e in pooled.effects])
    assert 0.04 < earlier["drawn"] < now["drawn"] < 0.12
    assert now["version"] == GUIDE.version
    said = findings.of(found).text
    assert said.startswith("2 iterations of 1 play were measured. The largest, of guide")
    assert "is +12.0 points; seen beside all others, expect **+" in said


def test_what_is_drawn_and_its_ends_are_points_each_with_its_figure():
    found = impact.tried(with_effects(world(experiments=[tried()]), effects(NOW)))
    shown = listings.table(found)
    first = dict(zip(shown.columns, shown.rows[0], strict=True))
    assert all(first[name][0] in "+−" for name in ("drawn", "drawn low", "drawn high"))
    kept = {row["figure"]: row for row in findings.of(found).figures}
    drawn = kept["impact.tried.guide.2025-10-01.drawn"]
    assert drawn["unit"] == "difference"
    assert drawn["low"] < drawn["value"] < drawn["high"]
    assert kept["impact.tried.iterations"]["value"] == 2


def test_an_interval_widened_for_looks_has_the_same_error():
    wide = NOW | {"low": -0.08, "high": 0.32, "error": 0.2 / (2 * 1.959963984540054)}
    once, often = (
        impact.tried(with_effects(world(experiments=[tried()]), effects(row))).rows[1]["drawn"]
        for row in (NOW, wide)
    )
    assert often == pytest.approx(once)


def test_the_log_stands_without_present_effects_and_one_alone_is_not_drawn():
    (row,) = impact.tried(with_effects(world(experiments=[tried()]), NOTHING)).rows
    assert (row["difference"], row["drawn"]) == (0.04, None)
    alone, none = (impact.tried(with_effects(world(), effects(*rows))) for rows in ([NOW], []))
    assert "too few to say what luck" in findings.of(alone).text
    assert "No iteration" in findings.of(none).text
    for ask in (impact.tried, impact.iterations):
        assert isinstance(ask(with_effects(world(), NOTHING)), Unavailable)


# The next burning question


ASKED = (
    question("saves", "reached_within", start="signed_up", goal="saved", within="24h"),
    question("invites", "missed_within", start="signed_up", goal="invited", within="48h"),
    question("path", "steps", start="signed_up", goals=["invited", "saved"], within="7d"),
    question("never", "reached_within", start="signed_up", goal="paid", within="24h"),
    question("few", "reached_within", start="verified", goal="saved", within="24h"),
    question("mixed", "mix", start="signed_up", goals=["saved"], within="24h"),
)


def test_what_cannot_be_answered_comes_first_then_whoever_is_lost_without_a_play_that_works():
    few = effects(NOW | {"n_treated": 1, "n_holdout": 1})
    found = impact.next_question(with_effects(world(questions=ASKED), few))
    told = [
        (r["question"], r["lost"], r["of"], r["to"], r["work"], r["helped"]) for r in found.rows
    ]
    assert told == [
        ("never", None, None, "", (), None),
        ("invites", 2, 3, "invited", (), 0),
        ("path", 2, 3, "invited", (), 0),
        ("saves", 2, 3, "saved", ("guide",), 2),
    ]
    assert "The data cannot answer it: `paid`" in findings.of(found).text.replace("\\", "")


@pytest.mark.parametrize(
    ("asked", "verdict", "said"),
    [
        (
            "invites",
            "works",
            "**2** of 3 people are lost before “invited”, and no play wants that.",
        ),
        ("saves", "works", "and what is shown to work on it (guide) is for 500."),
        ("saves", "cannot tell", "of the plays that want that (guide) none is shown to work."),
    ],
)
def test_the_sentence_says_who_is_lost_and_what_plays_do_about_it(asked, verdict, said):
    questions = [each for each in ASKED if each.id == asked]
    found = effects(NOW | {"verdict": verdict})
    found = impact.next_question(with_effects(world(questions=questions), found))
    assert findings.of(found).text.endswith(said)


DRAFTS = question(
    "drafts", "reached_within", start="signed_up", goal="saved", within="24h", hold=["draft_id"]
)


def test_units_of_another_kind_are_not_subtracted_and_the_order_says_so():
    events = "user_id | draft_id | event | at\n" + "".join(
        f"{name} | {name}_{place} | signed_up | 2026-01-05 09:00\n"
        for name in ("ann", "bob", "cat")
        for place in (1, 2)
    )
    events += "ann | ann_1 | saved | 2026-01-05 10:00\n"
    plan = [DataPoint(event="saved", says="Saved.", properties={"draft_id": Property()})]
    run = small.run(plays=[GUIDE], plan=plan, questions=[ASKED[0], DRAFTS], events=events)
    found = impact.next_question(with_effects(run, effects(NOW)))
    told = [(r["question"], r["lost"], r["of"], r["counted"], r["helped"]) for r in found.rows]
    assert told == [("drafts", 5, 6, "drafts", None), ("saves", 2, 3, "people", 500)]
    assert findings.of(found).text.endswith(
        "**5** of 6 drafts are lost before “saved”, and what is shown to work on it (guide) is for "
        "people: nothing is subtracted from the drafts."
    )
    assert "less those for whom plays work" in dict(found.definition)["order"]


def test_without_questions_or_losses_there_is_a_sentence():
    assert "declares no questions" in impact.next_question(world()).reason
    few = impact.next_question(with_effects(world(questions=[ASKED[4]]), NOTHING))
    assert findings.of(few).text.startswith("No question says who does not arrive")


def test_the_sample_company_can_go_round_again_and_asks_about_its_drafts(airtouch):
    planted = effects(
        *(
            NOW
            | {
                "label": slug,
                "play": slug,
                "difference": 0.1 + place / 100,
                "verdict": "cannot tell",
            }
            for place, slug in enumerate(TRUTH["plays"])
        )
    )
    run = with_effects(replace(airtouch), planted)  # with a memory of its own
    assert len(impact.iterations(run).rows) == len(TRUTH["plays"])
    top = impact.next_question(run).rows[0]
    assert (top["question"], top["to"]) == ("started_never_saved", "workflow_saved")
    assert set(top["plays"]) == {
        *("organic_engineer_guide_into", "organic_engineer_guide_out", "new_editor"),
    }
