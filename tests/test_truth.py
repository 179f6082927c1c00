"""The suite finds in the sample company what was planted in it."""

import math
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

import playbook as pb
from playbook import airtouch, ledger
from playbook.airtouch import TRUTH
from playbook.airtouch.truth import START
from playbook.language.periods import duration
from playbook.results import Result


def near(share, truth, n, errors=4):
    """Within four binomial standard errors of the planted share."""
    return abs(share - truth) <= errors * math.sqrt(truth * (1 - truth) / n)


def by(rows, column):
    return {row[column]: row for row in rows}


def test_the_declared_plays_are_the_planted_ones(airtouch):
    others = TRUTH["drawn_elsewhere"]
    live = [play for play in airtouch.declared.plays if not play.draft]
    live = [play for play in live if play.slug not in others]
    for play in live:
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
        later = [(step.after, step.unless, step.audience["intent"][0]) for step in play.then]
        assert later == [
            (f"{step['after_hours']}h", step["unless"], step["intent"])
            for step in planted.get("then", ())
        ]
    assert {play.slug for play in live} == set(TRUTH["plays"])


def test_the_declared_tests_of_others_are_the_planted_ones(airtouch):
    declared = {play.slug: play for play in airtouch.declared.plays}
    lowest = min(play.priority for play in airtouch.declared.plays)
    for slug, planted in TRUTH["drawn_elsewhere"].items():
        play = declared[slug]
        assert (play.unit, play.channel, play.goal) == (
            planted["unit"],
            planted["channel"],
            planted["goal"],
        )
        hours = planted.get("goal_within_hours") or 24 * planted["within_days"]
        assert duration(play.goal_within) == timedelta(hours=hours)
        assert (play.split, play.arms) == (planted["split"], "logged")
        assert (play.audience, play.priority) == ({}, lowest)
        days = [planted.get(name) for name in ("from_day", "until_day")]
        dates = [f"{START + timedelta(days=day):%Y-%m-%d}" if day else None for day in days]
        assert [play.live_from, play.until] == dates
        assert ledger.arms_of(airtouch, play).control == planted["control"]


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


@pytest.mark.parametrize("slug", ["new_editor", "spring_digest"])
def test_each_test_of_others_gets_its_verdict(airtouch, slug):
    (row,) = pb.impact.effect(airtouch, slug).rows
    assert (row["verdict"], row["grade"], row["action"]) == ("works", "A", "ship")
    assert row["low"] <= TRUTH["drawn_elsewhere"][slug]["effect"] <= row["high"]
    log = next(
        row
        for row in pb.impact.checks(airtouch).rows
        if (row["subject"], row["check"]) == (slug, "log")
    )
    assert (log["status"], log["seen"]) == ("ok", "all in one")


def test_the_form_known_by_its_totals_gets_its_verdict(airtouch):
    (row,) = pb.impact.totals(airtouch).rows
    planted = TRUTH["signup_form"]
    assert (row["verdict"], row["grade"]) == ("works", "C")
    assert row["low"] <= 100 * planted["effect"] <= row["high"]
    (how,) = (each.totals for each in airtouch.declared.experiments if each.totals)
    days = [START + timedelta(days=planted[name]) for name in ("from_day", "until_day")]
    assert [how.since, how.until] == [f"{day:%Y-%m-%d}" for day in days]
    assert (how.split, how.within) == (planted["split"], f"{planted['within_days']}d")


def test_the_offer_has_a_row_for_each_of_its_mails(airtouch):
    rows = by(pb.impact.effects(airtouch).rows, "label")
    own = {label for label, row in rows.items() if row["play"] == "upgrade_offer"}
    assert own == {"upgrade_offer: short", "upgrade_offer: long"}
    found = [row for row in pb.impact.checks(airtouch).rows if row["subject"] in own]
    seen = {row["check"]: row["seen"] for row in found if row["status"] == "caveat"}
    assert set(seen) == {"log"}
    assert seen["log"].endswith("in several arms are left out")


def test_what_others_have_drawn_leaves_our_own_plays_alone(airtouch):
    sent = ledger.decided(airtouch).select("play").distinct().to_pyarrow()["play"].to_pylist()
    assert set(sent) <= {play.slug for play in airtouch.declared.plays} - set(
        TRUTH["drawn_elsewhere"]
    )


def test_the_play_that_does_nothing_has_a_splendid_conversion_rate(airtouch):
    (row,) = pb.impact.effect(airtouch, "organic_engineer_welcome").rows
    assert row["treated"] > TRUTH["plays"]["organic_engineer_welcome"]["naive_conversion_above"]
    assert row["verdict"] == "cannot tell"


def test_every_check_of_the_sample_companys_plays_passes(airtouch):
    rows = pb.impact.checks(airtouch).rows
    assert [row for row in rows if row["status"] == "failed"] == []
    assert {row["subject"].split(":")[0] for row in rows} == {
        play.slug for play in airtouch.declared.plays if not play.draft
    }


def test_each_verdict_says_what_to_do(airtouch):
    rows = by(pb.impact.effects(airtouch).rows, "label")
    assert rows["organic_engineer_guide_into"]["action"] == "ship"
    assert rows["organic_engineer_welcome"]["action"] == "redesign"  # ten points are ruled out
    assert rows["organic_engineer_guide_out"]["action"].startswith("keep running until 2026-")
    why = by(pb.impact.why_null(airtouch).rows, "play")
    assert "are ruled out" in why["organic_engineer_welcome"]["why"]
    assert why["organic_engineer_guide_out"]["why"].startswith("Size:")


def test_the_effect_is_found_by_persona_and_by_nothing_else(airtouch):
    rows = pb.impact.for_whom(airtouch, "sales_marketing_invite_guide").rows
    assert {row["column"]: row["differs"] for row in rows} == {
        "persona": "differs",
        "intent": "no evidence that it differs",
    }
    planted = TRUTH["plays"]["sales_marketing_invite_guide"]["effect"]
    own = {row["segment"]: row for row in rows if row["column"] == "persona"}
    for persona, effect in planted.items():
        assert own[persona]["low"] <= effect <= own[persona]["high"], persona


def test_the_guide_to_invite_helps_one_persona_and_harms_another(airtouch):
    rows = by(
        pb.impact.effect(airtouch, "sales_marketing_invite_guide", by="persona").rows, "persona"
    )
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "sales": "works",
        "marketing": "harms",
    }


# Each planted defect, as the public results of the audit show it, and by name in `violations`.
DEFECTS = TRUTH["defects"]


@pytest.fixture(scope="module")
def violations(airtouch):
    return pb.audit.violations(airtouch).rows


def named(violations, check, subject, seen=""):
    """The one violation that is meant."""
    (found,) = [
        row
        for row in violations
        if (row["check"], row["subject"]) == (check, subject) and seen in row["seen"]
    ]
    return found


def people(run, **having):
    """How many people of the users table have these values."""
    users = run.tables.users
    chosen = users.filter(*(users[name] == value for name, value in having.items()))
    return chosen.count().to_pyarrow().as_py()


def test_duplicates_are_found(airtouch, violations):
    row = by(pb.audit.duplicates(airtouch).rows, "kind")["same id"]
    # Of originals; what would arrive after the end is not sent again.
    assert near(row["rows"] / (row["of"] - row["rows"]), DEFECTS["duplicates"], row["of"])
    assert named(violations, "duplicates", "the log", "same id, most")["rows"] == row["rows"]


def test_conflicting_copies_are_found(airtouch, violations):
    rows = by(pb.audit.duplicates(airtouch).rows, "kind")
    copies, differ = rows["same id"]["rows"], rows["same id, another payload"]["rows"]
    assert near(differ / copies, DEFECTS["conflicting_copies"], copies)
    assert named(violations, "duplicates", "the log", "another payload")["rows"] == differ


def test_events_that_fired_twice_are_found(airtouch, violations):
    planted = DEFECTS["double_fired"]
    row = by(pb.audit.visits(airtouch).rows, "event")[planted["event"]]
    n = row["n"] - row["twice"]
    assert near(row["twice"] / n, planted["share"], n)
    assert sum(each["twice"] for each in pb.audit.visits(airtouch).rows) == row["twice"]
    found = named(violations, "duplicates", "the log", "fired twice")
    assert found["rows"] == row["twice"]


def test_late_arrivals_are_found(airtouch, violations):
    # Of the server's rows: a browser's clock that is behind makes its rows look late, too.
    rows = pb.audit.lateness(airtouch).rows
    row = next(row for row in rows if row["source"] == "server")
    assert near(row["share"], DEFECTS["late_arrivals"], row["n"])
    late = by(pb.audit.soundness(airtouch).rows, "what")["arrived more than 1 hour late"]
    assert named(violations, "late", "the log")["rows"] == late["rows"]


def test_skewed_clocks_are_found(airtouch, violations):
    (row,) = pb.audit.devices(airtouch).rows
    assert near(row["clock_off"] / row["devices"], DEFECTS["skewed_clocks"], row["devices"])
    assert named(violations, "clocks", "devices")["rows"] == row["clock_off"]


def test_impossible_times_are_found(airtouch, violations):
    # Half of them are in 1970, the others beyond the end, where clocks that are ahead are too.
    half = DEFECTS["impossible_times"] / 2
    rows = by(pb.audit.soundness(airtouch).rows, "what")
    ancient, ahead = rows["before the year 2000"]["rows"], rows["after their own arrival"]["rows"]
    assert half <= ancient <= half + 1  # a view may be chosen twice, or be sent again
    assert named(violations, "clocks", "the log", "before 2000")["rows"] == ancient
    assert named(violations, "clocks", "the log", "after their own arrival")["rows"] == ahead
    assert ahead >= half


def test_runs_without_an_account_are_found(airtouch, violations):
    runs = airtouch.coverage["workflow_ran"]
    assert near(runs["inferred"] / runs["n"], DEFECTS["unlinked_runs"], runs["n"])
    found = named(violations, "accounts", "the log")
    assert near(
        found["rows"] / runs["n"], DEFECTS["unlinked_runs"] * (1 + DEFECTS["duplicates"]), runs["n"]
    )


def test_the_event_that_was_renamed_is_found_with_its_new_name(airtouch, violations):
    planted = DEFECTS["renamed"]
    points = by(pb.audit.data_points(airtouch).rows, "data point")
    since = START + timedelta(weeks=planted["after_weeks"])
    said = f"arrives as {planted['to']} since {since:%d %b %Y}"
    assert (points[planted["from"]]["status"], points[planted["from"]]["note"]) == ("renamed", said)
    assert points[planted["to"]]["status"] == "not planned"
    assert points["workflow_shared"]["status"] == "dead"
    assert said in named(violations, "plan", planted["from"])["seen"]


def test_the_property_that_a_version_no_longer_sends_is_found(airtouch, violations):
    version = DEFECTS["direction_missing_from_version"]
    (row,) = pb.audit.rules(airtouch).rows
    live = START + timedelta(weeks=TRUTH["app_versions"][version])
    assert (row["data point"], row["property"], row["rule"]) == (
        "workflow_saved",
        "direction",
        "required",
    )
    assert row["where"] == f"web {version}, web 3.5.0"
    assert row["since"] == f"{live:%Y-%m-%d}"
    assert {week["share"] for week in pb.audit.rules_by_week(airtouch).rows} == {1.0}
    assert named(violations, "rules", "workflow_saved")["rows"] == row["rows"]


def test_staff_is_found(airtouch, violations):
    (row,) = pb.audit.people(airtouch).rows
    # Whole accounts are staff: chance draws accounts, not people.
    accounts = airtouch.tables.accounts.count().to_pyarrow().as_py()
    assert near(row["staff"] / row["people"], DEFECTS["staff_accounts"], accounts)
    assert named(violations, "bots", "people", "our own")["rows"] == row["staff"]


def test_bots_are_found(airtouch, violations):
    (row,) = pb.audit.people(airtouch).rows
    assert near(row["bots"] / row["people"], DEFECTS["bots"], row["people"])
    assert named(violations, "bots", "people", "are bots")["rows"] == row["bots"]
    # Their browsers say so, too, and all of them are flagged.
    assert all(each["flagged"] == each["rows"] for each in pb.audit.crawlers(airtouch).rows)


def test_visits_before_the_sign_up_are_found(airtouch, violations):
    (row,) = pb.audit.devices(airtouch).rows
    bots = pb.audit.people(airtouch).rows[0]["bots"]
    organic = people(airtouch, acquisition="organic") - bots
    assert near(row["before"] / organic, DEFECTS["anonymous_first_view"], organic)
    found = named(violations, "identity", "devices", "before their user was known")
    assert found["rows"] == row["before"]


def test_disposable_domains_are_found(airtouch, violations):
    rows = pb.audit.disposable(airtouch).rows
    assert {row["email_domain"] for row in rows} == set(DEFECTS["disposable_domains"])
    bots = pb.audit.people(airtouch).rows[0]["bots"]
    organic = people(airtouch, acquisition="organic") - bots
    reasons = TRUTH["unverified_reasons"]["organic"]
    truth = (1 - TRUTH["verified_within_48h"]["organic"]) * reasons["disposable_domain"]
    n = sum(row["people"] for row in rows)
    assert near(n / organic, truth, organic)
    assert named(violations, "bots", "people", "disposable")["rows"] == n


def test_workflows_without_an_event_are_found(airtouch, violations):
    row = by(pb.audit.agreement(airtouch).rows, "event")["workflow_saved"]
    logged = row["in_table"] - row["no_event"]
    assert near(row["no_event"] / logged, DEFECTS["workflows_without_event"], logged)
    assert row["no_row"] == 0
    found = named(violations, "agreement", "workflow_saved", "not in the log")
    assert found["rows"] == row["no_event"]


@pytest.mark.parametrize("event", TRUTH["mailer_gets"])
def test_what_the_mailer_lost_and_got_late_is_found(airtouch, violations, event):
    row = by(pb.audit.copies(airtouch).rows, "event")[event]
    assert near(row["share"], DEFECTS["mailer_lost"], row["in_warehouse"])
    assert near(row["slow_share"], DEFECTS["mailer_slow"], row["in_warehouse"] - row["lost"])
    assert named(violations, "destinations", event, "lost")["rows"] == row["lost"]
    assert named(violations, "destinations", event, "late")["rows"] == row["slow"]


def test_the_outage_is_found_and_no_other_day(airtouch, violations):
    planted = DEFECTS["outage"]
    (row,) = [row for row in pb.audit.volume(airtouch).rows if row["anomaly"]]
    day = START + timedelta(days=planted["day"])
    assert (row["event"], row["day"]) == (planted["event"], f"{day:%Y-%m-%d}")
    assert near(row["n"] / row["expected"], 1 - planted["lost"], row["expected"])
    assert named(violations, "volume", planted["event"])["since"] == row["day"]


def test_the_property_that_nobody_planned_is_found(violations):
    found = named(violations, "plan", f"events.{DEFECTS['unplanned_property']}")
    assert "nothing maps" in found["seen"]


def test_every_planted_defect_has_a_test():
    assert set(DEFECTS) == {
        *("duplicates", "conflicting_copies", "double_fired", "late_arrivals", "skewed_clocks"),
        *("impossible_times", "unlinked_runs", "renamed", "direction_missing_from_version"),
        *("staff_accounts", "bots", "anonymous_first_view", "disposable_domains"),
        *("workflows_without_event", "mailer_lost", "mailer_slow", "outage"),
        *("unplanned_property", "unplanned_property_filled"),
    }


# What the plan of the sample company says on purpose: an event that never comes, and one that
# nobody consumes.
KNOWN = {("plan", "workflow_shared"), ("destinations", "page_viewed")}


@pytest.mark.parametrize(
    "seeds", [range(4), pytest.param(range(4, 20), marks=pytest.mark.thorough)]
)
def test_the_audit_is_silent_where_nothing_is_wrong(seeds, tmp_path):
    alarms = {}
    for seed in seeds:
        folder = airtouch.write(tmp_path / "clean", events=60_000, seed=seed, defects=False)
        run = pb.open("params/airtouch", str(folder))
        # Without questions: their bounds are slow, and have a test of their own.
        run = replace(run, declared=replace(run.declared, questions=()))
        alarms[seed] = [row for row in pb.audit.violations(run).rows if not known(row)]
        shutil.rmtree(folder)
    assert {seed: rows for seed, rows in alarms.items() if rows} == {}


def known(row):
    return (row["check"], row["subject"]) in KNOWN


def test_every_question_is_answerable_where_nothing_is_wrong(tmp_path):
    folder = airtouch.write(tmp_path / "clean", events=60_000, seed=1, defects=False)
    run = pb.open("params/airtouch", str(folder))
    verdicts = {row["question"]: row["verdict"] for row in pb.audit.verdicts(run).rows}
    assert set(verdicts.values()) == {"answerable"}
    assert len(verdicts) == len(run.declared.questions)
    found = [pb.audit.bounds_of(run, question.id) for question in run.declared.questions]
    rows = [row for result in found if isinstance(result, Result) for row in result.rows[1:]]
    assert {row["defect"] for row in rows} == {"open windows"}
    assert [row for row in pb.audit.violations(run).rows if not known(row)] == []
