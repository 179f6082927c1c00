"""Stage 3: cells and the plays that cover them, reach, cards in words, and whom to send to."""

from __future__ import annotations

import pytest

from playbook import findings, ledger, personalization
from playbook.personalization import dryrun
from playbook.results import Unavailable, figures, listings
from tests import small
from tests.small import play, question

QUESTIONS = [
    question("saved", "reached_within", start="signed_up", goal="saved", within="24h"),
    question("missed", "missed_within", start="signed_up", goal="saved", within="24h"),
    question("path", "steps", start="signed_up", goals=["saved"], within="24h"),
]
EVENTS = """
    user_id | event     | at
    ann     | signed_up | 2026-01-05 09:00
    ann     | saved     | 2026-01-05 10:00
    bob     | signed_up | 2026-01-05 09:00
    cat     | signed_up | 2026-01-06 09:00
    cat     | verified  | 2026-01-06 10:00
    dee     | signed_up | 2026-01-07 09:00
    eve     | signed_up | 2026-01-08 09:00
    fay     | signed_up | 2026-01-09 09:00
"""
USERS = """
    user_id | account_id | persona  | intent | acquisition | is_internal
    ann     | a1         | engineer | into   | organic     |
    bob     | a1         | engineer | into   | organic     |
    cat     | a2         | engineer | out    | organic     |
    dee     | a3         | sales    | into   | invited     |
    eve     | a3         | sales    | into   | invited     |
    fay     | a4         |          |        | organic     |
    gus     | a4         | engineer | into   | organic     | true
"""
GUIDE = play(
    "guide",
    audience={"persona": "engineer", "intent": ["into", "out"]},
    channel="in_app",
    after="24h",
    unless="verified",
    unit="account",
    priority=10,
    holdout=0.25,
)
WELCOME = play("welcome", audience={"persona": "engineer", "intent": "into"}, priority=20)
EVERYBODY = play("everybody", audience={}, having=["saved", "verified"], holdout=0)
LABELS = {"engineer": "data engineers", "into": "into the warehouse"}


def opened(*plays, **said):
    given = {"questions": QUESTIONS, "events": EVENTS, "users": USERS, "plays": plays}
    return small.run(**given | {"words": {"labels": LABELS, "min_n": 2}} | said)


@pytest.fixture(scope="module")
def run():
    return opened(GUIDE, WELCOME, EVERYBODY)


def test_each_cell_has_its_friction_and_the_plays_that_cover_it(run):
    found = personalization.matrix(run, "saved")
    assert (found.id, found.by) == (
        "personalization.matrix",
        ("persona", "intent", "acquisition"),
    )
    # Largest loss first; below `min_n` neither share nor loss; a play for everybody covers no
    # cell by itself.
    assert [tuple(row.values()) for row in found.rows] == [
        ("sales", "into", "invited", 2, 0.0, 2, "none: a gap"),
        ("engineer", "into", "organic", 2, 0.5, 1, "guide, welcome"),
        ("engineer", "out", "organic", 1, None, None, "guide"),
        ("(unknown)", "(unknown)", "organic", 1, None, None, "none: a gap"),
    ]
    # People read labels; figures keep the names of the data, and nothing of a small cell.
    assert [row[:3] for row in listings.table(found).rows] == [
        ("sales", "into the warehouse", "invited"),
        ("data engineers", "into the warehouse", "organic"),
        ("data engineers", "out", "organic"),
        ("(unknown)", "(unknown)", "organic"),
    ]
    reached = {
        row["segment"]: (row["n"], row["value"])
        for row in figures.of(found)
        if row["figure"] == "personalization.matrix.reached"
    }
    assert reached == {
        "persona=sales, intent=into, acquisition=invited": (2, 0.0),
        "persona=engineer, intent=into, acquisition=organic": (2, 0.5),
        "persona=engineer, intent=out, acquisition=organic": (1, None),
        "persona=(unknown), intent=(unknown), acquisition=organic": (1, None),
    }


def test_the_matrix_chooses_its_question_its_path_and_the_columns_that_are_mapped():
    found = personalization.matrix(opened(GUIDE))
    assert list(found.rows[0]) == [
        *("persona", "intent", "acquisition", "people", "reached", "lost"),
        *("most_stop_before", "of_them", "plays"),
    ]
    some = opened(
        GUIDE, users="user_id | persona\nann | engineer\nbob | sales", questions=QUESTIONS
    )
    assert personalization.matrix(some).by == ("persona",)
    nobody = opened(GUIDE, questions=QUESTIONS[1:])
    assert "Nobody asks which people reach a goal" in personalization.matrix(nobody).reason


def test_without_a_play_the_loss_is_told_and_no_share_that_is_covered():
    text = findings.of(personalization.matrix(opened())).text
    assert text == (
        "No play is declared: 3 people do not get there, the largest part of them sales · into "
        "the warehouse · invited (**2**)."
    )


def test_a_cell_of_too_few_is_no_gap_to_close_first_however_much_it_loses():
    run = opened(GUIDE, words={"min_n": 2})
    by_acquisition = personalization.matrix(run, "saved", cells=["persona"])
    told = [tuple(row.values())[:4] for row in by_acquisition.rows]
    assert told == [("engineer", 3, 1 / 3, 2), ("sales", 2, 0.0, 2), ("(unknown)", 1, None, None)]
    assert findings.of(by_acquisition).text == (
        "**0.0 %** of 4 people who do not get there are in the audience of a play. "
        "The largest gap is engineer: 2 people and no play."
    )


def test_a_cell_that_a_play_may_be_for_is_no_gap():
    users = "user_id | persona\nann | engineer\nbob | sales\ncat | engineer\n"
    run = opened(play("guide", audience={"persona": "engineer", "intent": "load"}), users=users)
    found = personalization.matrix(run, "saved")
    told = {row["persona"]: row["plays"] for row in found.rows}
    assert (told["engineer"], told["sales"]) == ("not known", "none: a gap")
    assert findings.of(found).text.startswith("Not known: which plays are for")


def test_the_cells_may_be_others(run):
    found = personalization.matrix(run, "saved", cells=["acquisition"])
    assert [(row["acquisition"], row["people"]) for row in found.rows] == [
        ("organic", 4),
        ("invited", 2),
    ]


@pytest.mark.parametrize("id", ["missed", "path"])
def test_a_matrix_needs_a_question_that_counts_who_reaches_a_goal(run, id):
    reason = f"`{id}` does not count who reaches a goal: use reached_within or did_before."
    assert personalization.matrix(run, id) == Unavailable("personalization.matrix", reason)


def test_a_matrix_over_a_column_that_is_not_there_says_so(run):
    found = personalization.matrix(run, "saved", cells=["persona", "colour"])
    assert "lacks the column(s) colour" in found.reason


def test_where_most_of_a_cell_stop_is_told_where_it_has_enough_people():
    path = question("path", "steps", start="signed_up", goals=["verified", "saved"], within="24h")
    run = opened(GUIDE, questions=[*QUESTIONS[:2], path])
    found = personalization.matrix(run, "saved", path="path")
    cells = {row["persona"] + " " + row["intent"]: row for row in found.rows}
    # Ann saved without verifying first, so both of her cell stop before that.
    into = cells["engineer into"]
    assert (into["most_stop_before"], into["of_them"]) == ("verified", 2)
    assert cells["engineer out"]["of_them"] is None
    reason = "`saved` is counted by `reached_within`: where people stop needs steps."
    assert personalization.matrix(run, "saved", path="saved").reason == reason


def test_a_card_says_a_play_in_words_and_the_most_important_stands_first(run):
    cards = personalization.cards(run).rows
    assert [card["play"] for card in cards] == ["welcome", "guide", "everybody"]
    assert {name: cards[1][name] for name in ("draft", "in_words", "holdout")} == {
        "draft": False,
        "in_words": (
            "Shows a guide to data engineers (into the warehouse or out) 24 hours after they "
            "signed_up, unless they verified by then. Wants: saved within 3 days."
        ),
        "holdout": "25 % of accounts",
    }
    assert cards[0]["in_words"].startswith(
        "Mails data engineers (into the warehouse) as soon as they signed_up. Wants"
    )
    assert cards[2]["in_words"].startswith(
        "Mails everybody as soon as they signed_up, provided they saved and verified by then."
    )
    assert (cards[2]["holdout"], cards[2]["waits_for"]) == (
        "0 % of users",
        "a holdout, to be measured against",
    )


def test_a_card_tells_a_sequence_a_message_and_a_draft():
    later = {"after": "48h", "unless": "saved", "message": {"link": "https://x.example"}}
    declared = play(
        "tour",
        draft=True,
        audience={"intent": "into"},
        message={"subject": "Hello"},
        again="30d",
        exits="saved",
        then=[later | {"audience": {"persona": "engineer"}, "channel": "push"}],
        holdout=0.1,
        holdout_by={"persona": {"engineer": 0.5}},
    )
    card = personalization.cards(opened(declared)).rows[0]
    assert card["in_words"] == (
        "Mails people (into the warehouse) as soon as they signed_up, again after 30 days, unless "
        "they saved by then: subject “Hello”. Then sends a push to data engineers 48 hours later, "
        "unless they saved by then: link “https://x.example”. Wants: saved within 3 days."
    )
    assert card["holdout"] == "10 % of users, but 50 % of data engineers"
    assert card["draft"]
    assert card["waits_for"].startswith("Go live. Then: ")


def test_cards_tell_of_what_sends_nothing_and_of_what_others_assign(airtouch):
    cards = {row["play"]: row["in_words"] for row in personalization.cards(airtouch).rows}
    assert cards["new_editor"] == (
        "Changes the product for everybody as soon as they started a workflow. "
        "Wants: saved a workflow within 24 hours."
    )
    assert cards["upgrade_offer"].startswith("Mails everybody when they are assigned to an arm: ")


def test_a_small_holdout_is_a_holdout():
    found = personalization.cards(opened(play("tiny", holdout=0.004)))
    assert found.rows[0]["holdout"] == "0.4 % of users"
    assert findings.of(found).text.endswith("each of them can be measured.")


def test_the_decisions_of_a_dry_run_add_up_to_what_was_due(run):
    found = {row["play"]: row for row in personalization.decisions(run).rows}
    # Cat had verified before her moment; accounts count once; welcome wins over guide at once.
    due = {slug: (row["due"], row["already_done"]) for slug, row in found.items()}
    assert due == {"guide": (2, 1), "welcome": (2, 0), "everybody": (6, 6)}
    for row in found.values():
        assert sum(row[name] or 0 for name in dryrun.DECISIONS) == row["due"]
    days = personalization.by_day(run).rows
    for name in dryrun.DECISIONS:
        of_all = sum(row[name] or 0 for row in found.values())
        assert sum(row["n"] for row in days if row["decision"] == name) == of_all


def test_plays_that_meet_are_counted_by_person_and_by_account():
    # Ann and Bob are colleagues: two plays meet at each of them, and both at their account.
    first, second = play("first", holdout=0, priority=2), play("second", holdout=0, priority=1)
    run = opened(first, second)
    pair = {"play": "first", "rival": "second", "rival_won": 0, "both_went_out": 0}
    assert personalization.contention(run).rows == [
        pair | {"both": 3, "play_won": 3, "neither_did": 0}
    ]
    # Cat is alone in hers.
    assert personalization.contention(run, per="account").rows == [
        pair | {"both": 2, "play_won": 2, "neither_did": 0}
    ]
    text = findings.of(personalization.contention(run)).text
    assert text.endswith("Most often it is first and second (3): first wins 3.")
    lone = personalization.contention(opened(first))
    assert findings.of(lone).text.startswith("No two plays")
    assert "`per` is person or account" in personalization.contention(run, per="team").reason


def test_pressure_counts_the_messages_of_a_week_of_people_and_accounts():
    run = opened(
        play("now", holdout=0),
        play("later", holdout=0, after="24h"),
        play("next_week", holdout=0, after="7d"),
    )
    found = personalization.pressure(run).rows
    assert [(row["per"], row["label"], row["n"], row["most"]) for row in found] == [
        ("person", "1", 3, 1),
        ("person", "2", 3, 2),
        ("account", "1", 1, 1),
        ("account", "2", 2, 2),
        ("account", "4 or more", 1, 4),
    ]
    assert "the fullest brings 4." in findings.of(personalization.pressure(run)).text


def test_an_audience_holds_whom_the_ledger_sends_to_and_never_a_held_out_unit():
    people = [f"u{k:03d}" for k in range(200)]
    events = "user_id | event | at\n" + "".join(f"{u} | signed_up | 2026-01-05\n" for u in people)
    events += "u000 | saved | 2026-01-05\n"
    users = "user_id | persona\n" + "".join(f"{u} | engineer\n" for u in people)
    run = small.run(plays=[play("half")], events=events, users=users)
    found = personalization.audience(run, "half")
    due = ledger.ledger(run, play("half")).to_pyarrow().to_pylist()
    arms = {row["unit"]: row["arm"] for row in due}
    assert len(arms) == 200
    assert {row["unit"] for row in found.rows} == {u for u, arm in arms.items() if arm == "treated"}
    assert 60 < len(found.rows) < 140
    assert found.id == "personalization.audience.half"


def test_the_sample_companys_audiences_hold_no_held_out_unit(airtouch):
    for declared in airtouch.declared.plays:
        held = ledger.audience(airtouch, declared).filter(lambda t: t.arm == "holdout")
        sent = personalization.audience(airtouch, declared.slug).table
        assert sent.semi_join(held, "unit").count().to_pyarrow().as_py() == 0, declared.slug


def test_what_a_section_rests_on_is_in_its_sql(run):
    parts = listings.statements(personalization.cards(run))
    assert list(parts) == ["personalization.decisions", "personalization.holdouts"]
    linted = list(listings.statements(personalization.lint(run)))
    assert linted[0] == "personalization.lint"
    assert {"log.arrivals", "personalization.contention", *parts} <= set(linted)
    # Where the dry run cannot be made, what is left of them is no less a result.
    wrong = opened(play("typo", audience={"persna": "engineer"}))
    assert listings.statements(personalization.cards(wrong)) == {}
    assert [card["a_week"] for card in personalization.cards(wrong).rows] == [None]
    assert [row["check"] for row in personalization.lint(wrong).rows] == ["audience"]


def test_what_is_not_there_is_said():
    bare = opened()
    reason = "Small has no plays. A play says who gets which message when."
    assert personalization.cards(bare).reason.startswith(reason)
    assert personalization.decisions(bare).reason.startswith(reason)
    assert personalization.lint(bare).reason.startswith(reason)
    assert personalization.audience(bare, "x").reason == (
        "Small declares no play `x`. It declares: nothing."
    )
    alone = small.run(plays=[GUIDE], events=EVENTS)
    for found in (personalization.decisions(alone), personalization.audience(alone, "guide")):
        assert found.reason.startswith("The table `users` is not mapped")
    wrong = opened(play("typo", audience={"persna": "engineer"}))
    for found in (personalization.decisions(wrong), personalization.audience(wrong, "typo")):
        assert found.reason.startswith("The audience of `typo` names persna, which `users` lacks.")
        assert found.reason.endswith("did you mean `persona`?")
