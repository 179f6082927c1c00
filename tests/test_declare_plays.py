"""Plays that cannot be sent, or never learnt from: one message each, in three parts."""

from __future__ import annotations

from textwrap import dedent

import pytest

from playbook import declare
from playbook.language.mistakes import Mistake
from tests.test_declare import PLAN, PLAY, PRODUCT, write


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "small"
    people = "  users: [{table: people, columns: {user_id: id, persona: role}}]\n"
    product = dedent(PRODUCT) + people
    texts = {"product": product, "tracking_plan": PLAN, "plays/guide": PLAY}
    for name, text in texts.items():
        write(home / f"{name}.yaml", text)
    return home


def said(folder, more, name="plays/guide.yaml"):
    path = folder / name
    path.write_text(path.read_text().rstrip() + "\n" + more + "\n")
    with pytest.raises(Mistake) as found:
        declare.declarations(folder)
    assert found.value.wrong
    assert found.value.there
    assert found.value.hint
    return str(found.value)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ("unless: signed_up", "the play would stop itself"),
        ("unless: workflow_saved\nhaving: workflow_saved", "must have come (`having`)"),
        ("then: [{after: 1h, unless: signed_up}]", "the play would stop itself"),
        ("suppressed_by: guide", "suppresses itself"),
        ("suppressed_by: gide", "`gide`, which is not declared"),
        ("then: [{after: 1h, audience: {colour: red}}]", "`colour`, which is not declared"),
        ("holdout_by: {colour: {red: 0.5}}", "`colour`, which is not declared"),
        ("holdout_by: {persona: {a: 0.5}, user_id: {b: 0.1}}", "strata are those of one column"),
        ("holdout_by: {persona: {a: 1.0}}", "holdout_by.persona.a: 1.0"),
        ("again: -1d", "again: -1d"),
        ("then: [{after: -24h}]", "after: -24h"),
        ("live_from: tomorrow", "live_from: tomorrow"),
        ("smallest_effect: 0", "smallest_effect: 0"),
        ("salt: a b", "salt: a b"),
    ],
)
def test_a_play_that_cannot_work_is_a_mistake(folder, more, wrong):
    assert wrong in said(folder, more)


def test_plays_that_suppress_each_other_in_a_circle_are_named(folder):
    write(folder / "plays" / "second.yaml", dedent(PLAY) + "suppressed_by: third\n")
    write(folder / "plays" / "third.yaml", dedent(PLAY) + "suppressed_by: guide\n")
    found = said(folder, "suppressed_by: second")
    assert "`guide` by `second` by `third` by `guide`" in found


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ("sending: {limits: [{most: 0, within: 24h}]}", "limits[0].most: 0"),
        ("sending: {limits: [{most: 1, within: month}]}", "limits[0].within: month"),
        ("sending: {quiet: [{begins: '25:00', ends: '08:00'}]}", "quiet[0].begins: 25:00"),
        ("sending: {zone: Mars/Olympus}", "sending.zone: Mars/Olympus"),
        ("sending: {holdout: 1}", "sending.holdout: 1"),
    ],
)
def test_rules_of_sending_that_make_no_sense_are_mistakes(folder, more, wrong):
    assert wrong in said(folder, more, "product.yaml")


def test_a_version_changes_with_the_design_and_not_with_the_words(folder):
    play = declare.declarations(folder).plays[0]
    assert play.version == play.model_copy(update={"says": "Other words.", "priority": 9}).version
    for change in ({"goal_within": "24h"}, {"salt": "anew"}, {"holdout": 0.3}, {"exits": ("x",)}):
        assert play.model_copy(update=change).version != play.version
