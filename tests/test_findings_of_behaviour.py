"""Sentences about behaviour: an association is called one, and who did nothing comes first."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from playbook import findings
from tests.pictures_of_behaviour import DRIVERS, NOT_ADJUSTED, PATHS, only


def text(finding):
    return finding.text


def test_drivers_say_the_strongest_what_is_only_a_persona_and_what_it_does_not_mean():
    assert text(findings.of(DRIVERS)) == (
        "Among 1,000 people who had not reached “saved a workflow” in the first 24 hours, those "
        "who in that time “verified the e-mail” reach it later more often: **+18.0 points** "
        "(+14.0 to +22.0), 20.0 % of 400 against 2.0 % of 600; +17.0 among units of the same "
        "persona. Of 3 behaviours compared, the goal is shown to be reached more often for 1, "
        "less often for 1. Among units of the same persona no difference is left for “started a "
        "workflow” at least twice. Not compared: 1, which too few did, or too few did not. These "
        "are associations: they do not say what would change if more did it."
    )


def test_drivers_without_personas_say_nothing_of_them():
    assert "persona" not in text(findings.of(NOT_ADJUSTED))


def test_drivers_that_show_nothing_say_so():
    shown = only(DRIVERS, "no difference shown", "too few")
    assert text(findings.of(shown)) == (
        "Among 1,000 people who had not reached “saved a workflow” in the first 24 hours, none of "
        "1 behaviours compared shows a difference. Not compared: 1, which too few did, or too few "
        "did not."
    )
    shown = only(DRIVERS, "too few")
    assert "no behaviour can be compared. Not compared: 1" in text(findings.of(shown))


def test_paths_say_who_did_nothing_and_what_most_others_did():
    assert text(findings.of(PATHS)) == (
        "**42.0 %** (39.0 to 45.0 %) of the 1,000 people that stopped before “added a connection” "
        "did nothing in the 24 hours after “verified the e-mail”, “page viewed” aside. What was "
        "done most often: opened the docs (18.0 %), opened the docs → started a workflow "
        "(12.0 %), invited a colleague (10.0 %). For 31 that time is not over."
    )


def test_paths_of_those_who_took_the_step_say_so():
    took = replace(
        PATHS,
        counted="drafts",
        says=partial(
            PATHS.says.func, went="went on to", step="connection", after="verified", without=()
        ),
        finish=lambda rows: rows[1:2],
    )
    assert text(findings.of(took)) == (
        "**None** of the 1,000 drafts that went on to “added a connection” did nothing in the "
        "24 hours after “verified the e-mail”. What was done most often: opened the docs (18.0 %)."
    )


def test_few_have_no_paths_in_a_sentence():
    few = replace(PATHS, finish=lambda rows: [row | {"total": 12} for row in rows])
    assert text(findings.of(few)) == "too few to say (n = 12). For 31 that time is not over."


def test_every_number_that_is_said_has_a_figure():
    said = {row["figure"].removeprefix("test."): row for row in findings.of(DRIVERS).figures}
    assert said["drivers.compared"]["value"] == 1000
    assert said["drivers.behaviours"]["value"] == 3
    assert said["drivers.not_compared"]["value"] == 1
    assert said["drivers.verified.did"]["value"] == 0.2
    assert said["drivers.verified.adjusted"]["value"] == 0.17
    paths = {row["figure"].removeprefix("test."): row for row in findings.of(PATHS).figures}
    assert (paths["mix.total"]["value"], paths["mix.still_open.n"]["value"]) == (1000, 31)
