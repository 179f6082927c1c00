"""Cardhaven, a card game: the suite on a product of another trade, with planted truths."""

import pytest

import playbook as pb
from playbook.__main__ import main
from playbook.results import Unavailable
from playbook.run import root
from tests import game
from tests.game import TRUTH

PRODUCT = "tests/products/game"
ORGANIC, INVITED = TRUTH["confirmed_within_48h"].values()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    return game.write(tmp_path_factory.mktemp("game"))


@pytest.fixture(scope="module")
def run(warehouse):
    return pb.open(PRODUCT, str(warehouse))


@pytest.fixture
def weekly(warehouse, tmp_path):
    """The weekly run, of the folder that was written."""
    text = (root() / PRODUCT / "runs" / "weekly.yaml").read_text("utf-8")
    run_file = tmp_path / "weekly.yaml"
    run_file.write_text(text.replace("env:GAME_WAREHOUSE", str(warehouse)), "utf-8")
    return run_file


def intervals(result, column):
    """Segment → the ends between which its share is."""
    return {row[column]: (row["low"], row["high"]) for row in result.rows}


def test_those_who_never_confirm_are_as_many_as_planted(run):
    found = intervals(pb.audit.answer(run, "never_confirmed", by="acquisition"), "acquisition")
    assert found["organic"][0] <= 1 - ORGANIC <= found["organic"][1]
    assert found["invited"][0] <= 1 - INVITED <= found["invited"][1]


def test_the_tutorial_is_finished_by_as_many_as_planted(run):
    (row,) = pb.audit.answer(run, "tutorial_24h").rows
    assert row["low"] <= TRUTH["tutorial_within_24h"] <= row["high"]


def test_each_style_leaves_as_many_decks_unsaved_as_planted(run):
    found = intervals(pb.audit.answer(run, "edited_never_saved", by="persona"), "persona")
    for style, share in zip(game.STYLES, TRUTH["decks_never_saved"], strict=True):
        low, high = found[style or "(unknown)"]
        assert low <= share <= high, style


def test_strategists_alone_are_stuck_in_the_deck_builder(run):
    verdicts = {
        row["persona"]: row["verdict"] for row in pb.friction.stuck(run, "edited_never_saved").rows
    }
    assert verdicts == {
        "strategist": "defect",
        "brawler": "playing",
        "collector": "playing",
        "spectator": "playing",
        "(unknown)": "unknown",
    }


def test_the_tip_works_as_much_as_planted(run):
    (row,) = pb.impact.effect(run, "deck_tip").rows
    assert row["verdict"] == "works"
    assert row["low"] <= TRUTH["tip_effect"] <= row["high"]
    assert row["n_holdout"] / (row["n_holdout"] + row["n_treated"]) == pytest.approx(0.2, abs=0.03)


def test_the_letter_changes_nothing_that_could_be_told(run):
    (row,) = pb.impact.effect(run, "league_letter").rows
    assert (row["verdict"], row["low"] <= 0 <= row["high"]) == ("cannot tell", True)


def test_every_check_before_the_effects_of_what_is_sent_passes(run):
    failed = [
        row
        for row in pb.impact.checks(run).rows
        if row["status"] == "failed" and row["subject"] != "confirm_for_coins"
    ]
    assert failed == []


def test_every_question_has_an_answer(run):
    answers = pb.audit.every_answer(run)
    assert len(answers) == len(run.declared.questions)
    assert [each.id for each in answers if isinstance(each, Unavailable)] == []
    assert all(each.rows for each in answers)


def test_every_measure_is_asked_for(run):
    asked = {question.measure for question in run.declared.questions}
    assert asked == {
        *("reached_within", "missed_within", "did_before", "mix"),
        *("time_to", "steps", "active"),
    }


def test_check_finds_nothing_that_blocks(weekly, tmp_path, capsys):
    assert (
        main(["check", str(weekly), "--fail-on", "blocking", "--out", str(tmp_path / "check")]) == 0
    )
    assert "0 blocking" in capsys.readouterr().out


def test_another_seed_is_another_game_and_the_same_seed_the_same(warehouse, tmp_path):
    logs = [
        (game.write(tmp_path / str(seed), seed=seed) / "log.parquet").read_bytes()
        for seed in (3, 4)
    ]
    assert logs[0] == (warehouse / "log.parquet").read_bytes()
    assert logs[0] != logs[1]


@pytest.mark.thorough
def test_the_whole_report_renders(weekly, tmp_path):
    assert main(["report", str(weekly), "--out", str(tmp_path / "reports")]) == 0
    (index,) = (tmp_path / "reports").glob("game/weekly/*/index.html")
    assert "Cardhaven" in index.read_text("utf-8")
