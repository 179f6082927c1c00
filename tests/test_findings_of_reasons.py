"""Why people miss a step, as a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playbook import findings
from playbook.friction.verification import _say_reasons
from playbook.results import Unavailable
from tests.pictures import result, table

COLUMNS = "persona | label | kind | position | n | total | share | low | high"


def reasons(*lines, by=()):
    return result("mix", table(COLUMNS, *lines), *by, says=_say_reasons)


def test_the_kinds_are_said_with_the_largest_reason():
    found = reasons(
        "– | a disposable address | fake        | 0 | 15 | 120 | 0.125 | 0.08 | 0.2",
        "– | a bot                | fake        | 1 | 15 | 120 | 0.125 | 0.08 | 0.2",
        "– | the mail bounced     | not reached | 3 | 30 | 120 | 0.25  | 0.18 | 0.34",
        "– | opened, not clicked  | reached     | 6 | 30 | 120 | 0.25  | 0.18 | 0.34",
        "– | sent, not known      | not known   | 8 | 30 | 120 | 0.25  | 0.18 | 0.34",
    )
    assert findings.of(found, "people who did not verify").text == (
        "Of 120 people who did not verify, "
        "**25.0 %** have a disposable address or are bots (30); "
        "**25.0 %** got no mail: it bounced (30); "
        "**25.0 %** had the mail and did not act on it (30); "
        "**25.0 %** are unexplained: the data do not tell (30). "
        "The largest single reason: the mail bounced, 25.0 %."
    )


def test_a_kind_that_nobody_has_is_not_said():
    found = reasons("– | no mail sent | not reached | 2 | 30 | 30 | 1.0 | 0.89 | 1.0")
    assert findings.of(found, "people").text == (
        "Of 30 people, **100.0 %** got no mail: it was not sent (30). The largest single reason: "
        "no mail sent, 100.0 %."
    )


def test_each_segment_has_its_line_and_small_ones_say_nothing():
    found = reasons(
        "sales         | a bot | fake | 1 | 40 | 40 | 1.0 | 0.91 | 1.0",
        "data_engineer | a bot | fake | 1 | 29 | 29 | 1.0 | 0.88 | 1.0",
        by=["persona"],
    )
    assert findings.of(found, "people").text == (
        "- **Sales and marketing**: Of 40 people, **100.0 %** are bots (40). The largest single "
        "reason: a bot, 100.0 %.\n"
        "- **Data engineer**: too few to say (n = 29)."
    )


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (replace(reasons(), fetched=list), "*Nobody in the period: there is nothing to say.*"),
        (Unavailable("friction.x", "No `users`."), "*Not available.* No `users`."),
    ],
)
def test_nobody_and_nothing_say_so(found, says):
    assert findings.of(found, "people").text == says
