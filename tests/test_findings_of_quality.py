"""Sentences about how far the data can be trusted: the exact words, and what cannot be said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from playbook import audit, findings
from playbook.audit.fixes import FIX, _what_to_mend_first
from playbook.audit.freshness import _what_comes_when
from playbook.language.wording import count, hours, moved, percent, rare
from playbook.report.pages import safe
from playbook.results import Unavailable, figures
from tests import pictures_of_quality, small
from tests.pictures import result, table
from tests.test_findings import HOSTILE


def bounds(*lines):
    columns = "subject | asks | n | share | low | high | lowest | highest | because"
    return result("bounds", table(columns, *lines))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "runs | Who runs? | 5120 | 0.382 | 0.369 | 0.396 | 0.369 | 0.406 | 3.1 % lack it",
            "*Who runs?* **38.2 %** (36.9 to 39.6 %, n = 5,120); given what its data leaves open, "
            "between 36.9 and 40.6 %: 3.1 % lack it.",
        ),
        (
            "runs | Who runs? | 5120 | 0.382 | 0.369 | 0.396 | 0.382 | 0.382 | ",
            "*Who runs?* **38.2 %** (36.9 to 39.6 %, n = 5,120); as it stands.",
        ),
        (
            "runs | Who runs? | 5120 | 0.382 | 0.369 | 0.396 | 0.38201 | 0.38202 | 0.1 % are ties",
            "*Who runs?* **38.2 %** (36.9 to 39.6 %, n = 5,120); what its data leaves open does "
            "not move it: 0.1 % are ties.",
        ),
        (
            "runs | Who runs? | 5120 | 0.382 | 0.369 | 0.396 | – | – | ",
            "*Who runs?* **38.2 %** (36.9 to 39.6 %, n = 5,120); as it stands.",
        ),
        (
            "runs | Who runs? | 12 | 0.382 | 0.369 | 0.396 | 0.1 | 0.5 | ",
            "*Who runs?* too few to say (n = 12).",
        ),
        (
            "runs | Who runs? | – | – | – | – | – | – | no such event",
            "No question has an answer as a share.",
        ),
    ],
)
def test_an_answer_says_between_what_its_data_leaves_it(line, expected):
    assert findings.bounds(bounds(line)).text == expected


def test_each_answer_is_a_bullet_and_those_without_a_share_are_counted():
    lines = findings.bounds(pictures_of_quality.BOUNDS).text.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "- 3 more have no answer as a share."


# Days


def days(*lines):
    return result("volume", table("event | day | n | expected | low | high | anomaly", *lines))


USUAL = "saved | 2026-04-21 | 90 | 95 | 80 | 110 | no"
ODD = "page_viewed | 2026-04-22 | 312 | 1239.6 | 1100 | 1390 | yes"
LESS = "page_viewed | 2026-04-23 | 900 | 1239.6 | 1100 | 1390 | yes"
OTHER = "saved | 2026-04-23 | 300 | 95 | 80 | 110 | yes"
EARLY = "saved | 2026-04-01 | 30 | – | – | – | no"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [USUAL, ODD],
            "Of 2 complete days of 2 events, 1 is out of the ordinary: page_viewed on Wed 22 Apr "
            "2026 (312 instead of about 1,240).",
        ),
        (
            [ODD, OTHER, LESS],
            "Of 3 complete days of 2 events, 3 are out of the ordinary: saved on Thu 23 Apr 2026 "
            "(300 instead of about 95); page_viewed on Wed 22 Apr 2026 (312 instead of about "
            "1,240) and 1 day more.",
        ),
        ([USUAL], "Of 1 complete day of 1 event, none is out of the ordinary."),
        (
            [USUAL, EARLY],
            "Of 2 complete days of 1 event, none is out of the ordinary. For 1 of these there are "
            "too few days around to tell.",
        ),
    ],
)
def test_days_out_of_the_ordinary_are_counted_and_the_strangest_of_an_event_named(lines, expected):
    assert findings.volume(days(*lines)).text == expected


def test_of_many_events_the_three_strangest_are_named():
    lines = [ODD.replace("page_viewed", name) for name in "abcd"]
    assert findings.volume(days(*lines)).text.endswith(
        "(312 instead of about 1,240); and 1 event more."
    )


# What arrives late


def late(*points, n=612_000):
    rows = [{"hours": h, "share": s, "low": s, "high": s, "n": n} for h, s in points]
    return result("curve", rows, says=_what_comes_when)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            late((0, 0.9), (1, 0.02), (24, 0.012), (72, 0.0), (168, 0.0)),
            "Of 612,000 events **98.0 %** arrive within an hour; 1.2 % take longer than 24 hours; "
            "after 72 hours all are there.",
        ),
        (
            late((1, 0.0002), (24, 0.0), (168, 0.0)),
            "Of 612,000 events **all but 0.02 %** arrive within an hour; after 24 hours all are "
            "there.",
        ),
        (
            late((1, 0.02), (24, 0.0004), (168, 0.00001)),
            "Of 612,000 events **98.0 %** arrive within an hour; 0.04 % take longer than 24 hours; "
            "after 168 hours less than 0.01 % are still missing.",
        ),
        (
            late((6, 0.02), (36, 0.01), (48, 0.0)),
            "Of 612,000 events 2.0 % take longer than 24 hours; after 48 hours all are there.",
        ),
        (late((1, 0.0), (168, 0.0)), "Of 612,000 events all arrive within an hour."),
        (late((1, 0.5), n=29), "too few to say (n = 29)."),
    ],
)
def test_lateness_says_what_comes_within_an_hour_what_takes_a_day_and_when_all_is_there(
    found, expected
):
    assert findings.of(found).text == expected


def test_lateness_by_source_is_a_list():
    lines = findings.of(pictures_of_quality.LATE_BY).text.splitlines()
    assert lines[1] == (
        "- **web**: Of 120,400 events **97.3 %** arrive within an hour; 1.6 % take longer than 24 "
        "hours; after 168 hours all are there."
    )
    assert lines[3] == "- **(unknown)**: too few to say (n = 12)."


# What to mend


def fixes(*lines):
    columns = "what | where | owner | rows | share | severity | questions | moves"
    return result("table", table(columns, *lines), own=FIX, says=_what_to_mend_first)


DEAD = "never arrives | invitation_sent | growth | 0 | – | blocking | 2 | –"
LOST = "no account | workflow_ran | platform | 4021 | 0.031 | warning | 4 | 0.0231"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
COPIES = "copies |  |  | 1 | 0.0001 | note | 0 | –"


def test_fixes_name_the_first_three_in_their_order():
    assert findings.of(fixes(DEAD, LOST, COPIES)).text.splitlines() == [
        "- **Mend first**: never arrives in invitation_sent (growth); blocks 2 questions.",
        "- **Then**: no account in workflow_ran (platform); 4,021 rows, 3.1 %; touches 4 "
        "questions, and moves an answer by up to 2.3 points.",
        "- **After that**: copies; 1 row, 0.01 %; touches no question.",
    ]
    assert findings.of(fixes(DEAD, LOST, LOST, DEAD, COPIES)).text.splitlines()[3:] == [
        "- 2 more, 1 blocking."
    ]
    assert findings.of(fixes(LOST, LOST, LOST, LOST)).text.splitlines()[3:] == ["- 1 more."]


def numbers_said(figure):
    """How a sentence may write a figure; hours that are no result stand in its name."""
    ways = (count, percent, rare, hours, moved)
    return NUMBER.findall(" ".join([figure["figure"], *(say(figure["value"]) for say in ways)]))


def test_a_list_of_what_to_mend_and_what_is_late_keeps_every_number_that_it_says():
    told = [fixes(DEAD, LOST, LOST, DEAD, COPIES), pictures_of_quality.LATE]
    told += [late((1, 0.0002), (24, 0.0), (168, 0.0)), late((1, 0.02), (168, 0.00001))]
    for shown in told:
        found = findings.of(shown)
        kept = {n for row in found.figures if row["value"] is not None for n in numbers_said(row)}
        assert set(NUMBER.findall(found.text)) <= kept


# Nothing to say, and names that are text

EMPTY = {
    "bounds": "*No question is declared: there is nothing to answer.*",
    "volume": "*No day is complete: there is nothing to compare.*",
    "lateness": "*No row says when it arrived: how late events arrive is not known.*",
    "fixes": "No check that the data allow finds anything to mend.",
}


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_unavailable_gives_its_reason_and_what_is_empty_its_own_words(name):
    reason = findings.Finding("*Not available.* The table `users` is not mapped.")
    assert findings.of(Unavailable("a.b", "The table `users` is not mapped.")) == reason
    nothing = small.run(events="event | at | received_at | user_id | session_id | anonymous_id")
    assert findings.of(getattr(audit, name)(nothing)) == findings.Finding(EMPTY[name])


@pytest.mark.parametrize("name", ["bounds", "volume", "calm", "verdicts", "destinations"])
def test_the_sentence_of_a_shape_is_found_by_its_shape_and_keeps_its_figures(name):
    shown = pictures_of_quality.EVERY[name]
    found = findings.of(shown)
    assert found == getattr(findings, shown.shape)(shown)
    assert [row for row in figures.of(shown) if row not in found.figures] == []


def test_a_use_is_in_order():
    assert findings.audit(pictures_of_quality.DESTINATIONS, "have a consumer").text == (
        "**15 of 17** have a consumer. Not: page_viewed, workflow_shared."
    )


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "say",
    [
        lambda n: findings.bounds(
            result(
                "bounds",
                [r | {"asks": n, "because": n} for r in pictures_of_quality.BOUNDS.rows[:1]],
            )
        ),
        lambda n: findings.volume(
            result("volume", pictures_of_quality.daily(n, 40, 30, {20: 3.0}))
        ),
        lambda n: findings.of(
            result(
                "curve",
                pictures_of_quality.falling(n, 0.02, 999),
                "source",
                says=_what_comes_when,
            )
        ),
        lambda n: findings.of(
            replace(
                fixes(LOST),
                finish=lambda _rows: [fixes(LOST).rows[0] | {"what": n, "where": n, "owner": n}],
            )
        ),
    ],
)
def test_no_name_becomes_markup_in_any_sentence(say, name):
    raw = say(name).text
    page = str(safe.markdown(raw))
    assert not [tag for tag in ("<a ", "<img", "<script", "<del>") if tag in page]
    assert "<" not in raw.replace("\\<", "")
    assert "$" not in raw.replace("\\$", "")
