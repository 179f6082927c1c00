"""The suite finds in the sample company what was planted in it."""

import math

import pytest

import playbook as pb
from playbook.demo import TRUTH


def near(share, truth, n, errors=4):
    """Within four binomial standard errors of the planted share."""
    return abs(share - truth) <= errors * math.sqrt(truth * (1 - truth) / n)


def by(rows, column):
    return {row[column]: row for row in rows}


def test_the_declared_plays_are_the_planted_ones(airtouch):
    for play in airtouch.declared.plays:
        planted = TRUTH["plays"][play.slug]
        assert {column: tuple(values) for column, values in play.audience.items()} == {
            column: (value,) if isinstance(value, str) else tuple(value)
            for column, value in planted["audience"].items()
        }
        assert (play.unit, play.channel, play.goal) == (
            planted["unit"],
            planted["channel"],
            planted["goal"],
        )
        assert play.holdout == planted["holdout"]
        assert set(play.unless) == set(planted.get("unless", ()))
        assert set(play.having) == set(planted.get("having", ()))
    assert {play.slug for play in airtouch.declared.plays} == set(TRUTH["plays"])


def test_the_first_workflow_within_24_hours_by_persona(airtouch):
    rows = by(pb.audit.answer(airtouch, "first_workflow_24h", by="persona").rows, "persona")
    for persona, truth in TRUTH["first_workflow_within_24h"].items():
        row = rows["(unknown)" if persona == "unknown" else persona]
        assert near(row["share"], truth, row["n"]), persona
        again = TRUTH["second_workflow_within_24h"][persona]
        assert near(row["repeated"] / row["reached"], again, row["reached"]), persona


def test_accounts_by_the_time_of_their_first_run(airtouch):
    rows = by(pb.audit.answer(airtouch, "account_first_run").rows, "position")
    planted = TRUTH["account_first_run"]
    for position, name in enumerate(("within_24h", "24h_to_72h", "72h_to_30d")):
        # Guides add runs of their own to the planted base.
        assert near(rows[position]["share"], planted[name], rows[position]["total"], errors=5)


def test_who_never_verifies_by_acquisition(airtouch):
    rows = by(pb.friction.answer(airtouch, "never_verified", by="acquisition").rows, "acquisition")
    for acquisition, truth in TRUTH["verified_within_48h"].items():
        row = rows[acquisition]
        assert near(row["share"], 1 - truth, row["n"]), acquisition


def test_what_unverified_people_do_with_their_trial(airtouch):
    rows = by(pb.friction.answer(airtouch, "trial_unverified").rows, "position")
    planted = TRUTH["unverified_in_48h"]
    truth = (1 - planted["connection_created"]) * (1 - planted["colleague_invited"])
    assert near(rows[0]["share"], truth, rows[0]["total"])


def test_what_invited_people_do_by_persona(airtouch):
    rows = pb.audit.answer(airtouch, "invited_people_do", by="persona").rows
    for persona, planted in TRUTH["invited_in_14_days"].items():
        name = "(unknown)" if persona == "unknown" else persona
        own = {row["position"]: row for row in rows if row["persona"] == name}
        assert near(own[1]["share"], planted["connections_only"], own[1]["total"]), persona
        assert near(own[3]["share"], planted["workflows_too"], own[3]["total"]), persona


def test_the_core_persona_is_stuck_where_it_was_planted(airtouch):
    verdicts = by(pb.friction.stuck(airtouch, "started_never_saved").rows, "persona")
    assert verdicts["data_engineer"]["verdict"] == "defect"
    assert verdicts["sales"]["verdict"] == "playing"
    # Intent tells which data engineers: those who want data in the warehouse.
    intents = pb.friction.answer(airtouch, "started_never_saved", by=["persona", "intent"]).rows
    core = {row["intent"]: row["share"] for row in intents if row["persona"] == "data_engineer"}
    saved, later = TRUTH["draft_saved"]["data_engineer"], TRUTH["saved_in_a_later_session"]
    for intent in ("into_warehouse", "out_of_warehouse"):
        assert core[intent] == pytest.approx(1 - saved[intent] * (1 - later), abs=0.03)


@pytest.mark.parametrize(
    ("slug", "verdict"),
    [
        ("organic_engineer_guide_into", "works"),
        ("organic_engineer_guide_out", "cannot tell"),
        ("organic_engineer_welcome", "cannot tell"),
        ("invited_engineer_community", "works"),
    ],
)
def test_each_play_gets_its_verdict(airtouch, slug, verdict):
    (row,) = pb.impact.effect(airtouch, slug).rows
    assert row["verdict"] == verdict
    assert row["low"] <= TRUTH["plays"][slug]["effect"] <= row["high"]
    assert row["grade"] == "A"


def test_the_play_that_does_nothing_has_a_splendid_conversion_rate(airtouch):
    (row,) = pb.impact.effect(airtouch, "organic_engineer_welcome").rows
    assert row["treated"] > TRUTH["plays"]["organic_engineer_welcome"]["naive_conversion_above"]
    assert row["verdict"] == "cannot tell"


def test_the_guide_to_invite_helps_one_persona_and_harms_another(airtouch):
    rows = by(
        pb.impact.effect(airtouch, "sales_marketing_invite_guide", by="persona").rows, "persona"
    )
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "sales": "works",
        "marketing": "harms",
    }


def test_planted_defects_are_found_at_their_size(airtouch):
    planted = TRUTH["defects"]
    found = by(pb.audit.soundness(airtouch).rows, "what")
    assert found["copies of an event"]["share"] == pytest.approx(planted["duplicates"], abs=0.001)
    points = by(pb.audit.data_points(airtouch).rows, "data point")
    assert points[planted["renamed"]["from"]]["status"] == "stopped"
    assert points[planted["renamed"]["to"]]["status"] == "not planned"
    assert points["workflow_shared"]["status"] == "dead"
    runs = airtouch.coverage["workflow_ran"]
    assert runs["inferred"] / runs["n"] == pytest.approx(planted["unlinked_runs"], abs=0.003)
