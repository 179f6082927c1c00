"""The vendor's claim beside the effect, conversions that count twice, and what messages cost."""

from __future__ import annotations

import pytest

from playbook import findings, impact
from playbook.airtouch import TRUTH
from playbook.results import Answer, Result, Unavailable, listings
from tests import small
from tests.small import play

GUIDE, MAIL = play("guide"), play("mail", goal_within="7d")
OTHER = play("other", goal="invited")
EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    ann     | saved     | 2026-01-06 09:00
    bob     | signed_up | 2026-01-05 09:00
    bob     | saved     | 2026-01-08 10:00
    bob     | saved     | 2026-01-09 10:00
    cat     | signed_up | 2026-01-05 09:00
    cat     | saved     | 2026-01-04 09:00
    dee     | saved     | 2026-01-31 09:00
    ann     | invited   | 2026-01-06 09:00
"""
# ann did it in both windows; bob a second too late for the guide; cat before; dee's are open.
MESSAGES = """
    user_id | account_id | play   | is_ghost | sent_at          | seen_at    | clicked_at
    ann     | a          | guide  |          | 2026-01-05 10:00 | 2026-01-06 | 2026-01-06
    ann     | a          | mail   |          | 2026-01-05 12:00 |            |
    bob     | a          | guide  |          | 2026-01-05 09:59 | 2026-01-06 |
    bob     | a          | mail   |          | 2026-01-05 12:00 |            |
    cat     | b          | guide  |          | 2026-01-05 10:00 |            |
    cat     | b          | mail   | true     | 2026-01-05 10:00 |            |
    dee     | b          | guide  |          | 2026-01-30 10:00 |            |
    dee     | b          | legacy |          | 2026-01-30 10:00 |            |
    dee     | b          |        |          | 2026-01-30 10:00 |            |
    dee     | b          | mail   |          |                  |            |
"""
USERS = "user_id | persona\n" + "".join(f"{u} | engineer\n" for u in ("ann", "bob", "cat", "dee"))


def world(plays=(GUIDE, MAIL, OTHER), messages=MESSAGES, **said):
    return small.run(plays=plays, events=EVENTS, users=USERS, messages=messages, **said)


def effects(*rows):
    """A result of shape `effect` with these rows."""
    none = dict.fromkeys(("treated", "holdout", "difference", "low", "high"))
    base = none | {"n_treated": 0, "n_holdout": 0, "verdict": "too few", "grade": "–"}
    return Result(
        "impact.effects",
        "effect",
        finish=lambda _raw: [base | {"play": row["label"]} | row for row in rows],
    )


NOTHING = Unavailable("impact.effects", "No play with a holdout.")


def with_effects(run, found: Answer):
    """The run as if its plays had these effects: that section is made already."""
    run.remembered(("section", "impact.effects"), lambda: found)
    return run


SURE = {"n_treated": 900, "n_holdout": 100, "holdout": 0.61, "grade": "A"}
SURE |= {"difference": -0.002, "low": -0.01, "high": 0.006}


def test_the_claim_is_of_people_sent_who_did_the_goal_in_time_after_the_message():
    rows = {row["play"]: row for row in impact.claims(with_effects(world(), NOTHING)).rows}
    told = {
        slug: (row["sent"], row["converted"], row["claim"], row["claim_opened"])
        for slug, row in rows.items()
    }
    assert told == {
        "guide": (3, 1, pytest.approx(1 / 3), 0.5),
        "mail": (2, 2, 1.0, None),
        "legacy": (1, None, None, None),
        "(unknown)": (1, None, None, None),
    }
    assert rows["guide"]["claim_clicked"] == 1.0
    assert not rows["legacy"]["declared"]


def test_a_conversion_in_two_windows_counts_twice_and_the_pair_is_named():
    found = impact.credits(world())
    assert found.rows == [
        {"play": "guide", "rival": "mail", "both": 1}
        | {"n_play": 1, "n_rival": 2, "of_play": 1.0, "of_rival": 0.5}
    ]
    assert findings.of(found).text == (
        "**1 conversion** credited twice: two plays had sent something shortly before. Most are of "
        "guide and mail: 1, 100.0 % of the one's and 50.0 % of the other's."
    )
    claims = {row["play"]: row for row in impact.claims(with_effects(world(), NOTHING)).rows}
    assert (claims["mail"]["credited_twice"], claims["mail"]["shared_with"]) == (1, "guide")


def test_the_sentence_sets_the_claim_beside_the_increment_and_says_why():
    found = impact.claims(with_effects(world(), effects({"label": "guide", **SURE})))
    said = findings.of(found).text.splitlines()
    assert said[0] == (
        "- **guide**: the tool says 33.3 % converted (50.0 % of those who opened, 100.0 % of "
        "those who clicked); the increment is **−0.2 points** (−1.0 to +0.6): 61.0 % of those "
        "held out did it without the message; 100 % of its conversions are credited to mail as "
        "well."
    )
    assert "**mail**: the tool says 100.0 % converted; there is no increment to print" in said[1]
    assert said[-1] == (
        "- Messages that no declared play has sent, by people: (unknown) (1), legacy (1)."
    )


def test_messages_that_ask_for_a_step_are_no_play_that_somebody_forgot_to_declare():
    words = {"min_n": 1, "prompts": {"saved": ["legacy"]}}
    slugs = {row["play"] for row in impact.claims(with_effects(world(words=words), NOTHING)).rows}
    assert slugs == {"guide", "mail", "(unknown)"}


@pytest.mark.parametrize("plays", [(), (GUIDE,), (OTHER,)])
@pytest.mark.parametrize("messages", ["user_id | play | sent_at\n", MESSAGES, None])
def test_whatever_is_missing_there_is_a_sentence(plays, messages):
    drawn = {} if messages is None else {"messages": messages}
    run = with_effects(small.run(plays=plays, events=EVENTS, users=USERS, **drawn), NOTHING)
    asked = (impact.claims, impact.credits, impact.harms, impact.messages_a_week)
    said = [findings.of(ask(run)).text for ask in asked]
    assert all(said)
    assert "nan" not in " ".join(said).lower()
    if messages is None:
        assert all("`messages` is not mapped" in text for text in said)


HARMED = """
    user_id | account_id | play  | is_ghost | sent_at    | unsubscribed_at | bounced_at
    ann     | a          | guide |          | 2026-01-05 | 2026-01-06      |
    bob     | a          | guide |          | 2026-01-06 |                 | 2026-01-06
    bob     | a          | mail  |          | 2026-01-11 |                 |
    bob     | a          | mail  | true     | 2026-01-11 | 2026-01-12      |
    cat     |            | mail  |          | 2026-01-12 |                 |
    cat     |            | mail  |          |            | 2026-01-12      |
"""


def test_harms_are_of_messages_that_were_sent_with_their_intervals():
    found = impact.harms(world(messages=HARMED))
    told = [(row["play"], row["messages"], row["unsubscribed"]) for row in found.rows]
    assert told == [("guide", 2, 1), ("mail", 2, 0)]
    # Wilson 1927, 1 of 2.
    first = found.rows[0]
    ends = first["unsubscribed_low"], first["unsubscribed_high"]
    assert ends == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert findings.of(found).text.splitlines() == [
        "- 1 unsubscribe on 4 messages; most on guide: **50.0 %** (9.5 to 90.5 %, n = 2).",
        "- 1 bounce on 4 messages; most on guide: **50.0 %** (9.5 to 90.5 %, n = 2).",
        "- Not known: complaints on 4 messages, because no column of `messages` that would tell "
        "is mapped.",
    ]
    assert first["complained"] is first["complained_share"] is first["complained_low"] is None
    noted = impact.harms(world(messages=HARMED.replace("bounced_at", "complained_at")))
    assert findings.of(noted).text.startswith("- 1 complaint on 4")


def test_every_share_is_shown_as_one_and_is_a_figure_with_its_interval():
    run = with_effects(world(messages=HARMED), NOTHING)
    harms = impact.harms(run)
    shown = listings.table(harms)
    first = dict(zip(shown.columns, shown.rows[0], strict=True))
    ends = [first[f"bounced {name}"] for name in ("share", "low", "high")]
    assert ends == ["50.0 %", "9.5 %", "90.5 %"]
    kept = {row["figure"]: row for row in findings.of(harms).figures}
    bounced = kept["impact.harms.guide.bounced_share"]
    assert (bounced["n"], bounced["value"], bounced["low"]) == (2, 0.5, pytest.approx(0.094531))
    assert (kept["impact.harms.bounced"]["value"], kept["impact.harms.messages"]["value"]) == (1, 4)
    credits = impact.credits(world())
    shown = listings.table(credits)
    assert dict(zip(shown.columns, shown.rows[0], strict=True))["of rival"] == "50.0 %"
    assert "impact.credits.both" in {row["figure"] for row in findings.of(credits).figures}


def test_what_too_few_were_sent_or_opened_has_no_share():
    words = {"min_n": 3}
    claims = impact.claims(with_effects(world(words=words), NOTHING))
    assert findings.of(claims).text.splitlines()[:2] == [
        "- **guide**: the tool says 33.3 % converted; there is no increment to print: no increment "
        "can be told, so nobody knows how many would have done it anyway.",
        "- **mail**: too few to say: 2 were sent it.",
    ]
    assert findings.of(impact.credits(world(words=words))).text.endswith("guide and mail: 1.")


def test_the_load_counts_weeks_from_monday_of_people_and_accounts():
    found = impact.messages_a_week(world(messages=HARMED))
    told = [(row["per"], row["label"], row["n"], row["most"]) for row in found.rows]
    # 11 January is a Sunday: bob's two are of one week, and account a's three.
    assert told == [("person", "1", 2, 1), ("person", "2", 1, 2), ("account", "3", 1, 3)]


def test_the_welcome_mail_of_the_sample_company_claims_much_and_brings_nothing(airtouch):
    slug = "organic_engineer_welcome"
    rows = {row["play"]: row for row in impact.claims(airtouch).rows}
    row = rows[slug]
    assert row["claim"] > TRUTH["plays"][slug]["naive_conversion_above"]
    assert row["low"] < 0 < row["high"]
    assert "of those held out did it without the message" in row["because"]
    assert "verification" not in rows
    # Two plays want sales and marketing people to invite somebody.
    pair = impact.credits(airtouch).rows[0]
    assert {pair["play"], pair["rival"]} == {
        "sales_marketing_invite_guide",
        "sales_marketing_welcome",
    }
