"""Sentences about plays: whom they cover, what a dry run makes of them, whether they can tell."""

from __future__ import annotations

from playbook import findings, personalization
from playbook.personalization import cells, dryrun
from playbook.personalization.holdouts import SIZED, _sizes_in_words
from tests import small
from tests.pictures import result, table
from tests.small import play

UNAVAILABLE = "*Not available.* Small has no plays. A play says who gets which message when."


def said(rows, says, *by, **given):
    """The sentence about rows, and the figures of the numbers that stand in none of them."""
    found = findings.of(result("table", rows, *by, says=says, **given))
    kept = {
        (row["figure"].removeprefix("test.table."), row["segment"]): (row["n"], row["value"])
        for row in found.figures
    }
    return found.text, kept


def covered(*lines):
    rows = table("persona | people | reached | lost | plays", *lines)
    own = cells.LOSS | cells.PLAYS
    return said(rows, cells._coverage_in_words, "persona", counted="people", own=own)


def test_coverage_says_how_much_of_the_loss_a_play_is_for_and_the_largest_gap():
    text, kept = covered(
        "sales | 90 | 0.1 | 75 | none: a gap", "data_engineer | 90 | 0.5 | 25 | into"
    )
    assert text == (
        "**25.0 %** of 100 people who do not get there are in the audience of a play. "
        "The largest gap is Sales and marketing: 75 people and no play."
    )
    assert kept["covered", ""] == (100, 0.25)
    assert kept["lost", ""] == (None, 100)
    assert kept["lost", "persona=sales"] == (90, 75)
    text, kept = covered("sales | 90 | 0.5 | 45 | into", "other | 3 | – | – | none: a gap")
    assert text == "**100.0 %** of 45 people who do not get there are in the audience of a play."
    assert kept["reached", "persona=other"] == (3, None)
    assert covered("sales | 90 | 1.0 | 0 | into")[0] == (
        "All of 90 people get there: no play is needed."
    )


def cards(*plays):
    events = "user_id | event | at\nann | signed_up | 2026-01-05\n"
    users = "user_id | persona\nann | engineer\n"
    return personalization.cards(small.run(events=events, users=users, plays=plays))


def test_cards_say_how_many_and_which():
    a, b = play("a", holdout=0.1), play("b", draft=True, holdout=0)
    found = findings.of(cards(a, b))
    assert found.text == (
        "**2 plays** are declared, 1 of them not sent yet; without a holdout, and so beyond "
        "measure: b."
    )
    counts = {row["figure"]: row["value"] for row in found.figures}
    assert counts["personalization.cards.plays"] == 2
    assert counts["personalization.cards.drafts"] == 1
    assert counts["personalization.cards.a.a_week"] >= 0
    assert findings.of(cards(a)).text == (
        "**1 play** is declared. Each has a holdout: each of them can be measured."
    )


def test_a_play_that_holds_out_some_segments_alone_can_be_measured():
    some = play("a", holdout=0, holdout_by={"persona": {"engineer": 0.5}})
    assert cards(some).rows[0]["holdout"] == "0 % of users, but 50 % of engineer"
    assert findings.of(cards(some)).text.endswith("each of them can be measured.")


def test_decisions_say_what_was_due_what_went_out_and_what_held_back_the_rest():
    head = "play | message | due|send|holdout|already_done|quiet|suppressed|unreachable"
    rows = table(
        f"{head}|lost_priority|capped",
        "a | 1 | 1000|500|100|200|0|20|30|150|0",
        "b | 1 | 100|90|10|0|0|0|0|0|0",
    )
    text, kept = said(rows, dryrun._decisions_in_words, own=dryrun.DECIDED)
    assert text == (
        "**1,100** messages were due. 200 came too late to be needed: their people had done it, "
        "or were not ready. Of the other 900, 590 would have gone out and 110 been held out to "
        "compare with. The rules would have held back 22.2 %: lost priority 150, unreachable 30, "
        "suppressed 20."
    )
    assert {name: value for (name, _segment), (_n, value) in kept.items() if "." not in name} == {
        "due": 1100,
        "already_done": 200,
        "wanted": 900,
        "send": 590,
        "holdout": 110,
        "held_back": 0.222222,
        "lost_priority": 150,
        "unreachable": 30,
        "suppressed": 20,
    }
    assert kept["held_back", ""][0] == 900
    assert (kept["a.1.due", ""], kept["b.1.send", ""]) == ((None, 1000), (None, 90))
    text, _kept = said(rows[1:], dryrun._decisions_in_words, own=dryrun.DECIDED)
    assert text.endswith("Nothing else would have held one back.")


def test_weeks_of_which_none_brings_one_message_alone_say_none():
    rows = table(
        "per | label | position | n | total | share | low | high | most",
        "person | 1 | 0 | 60 | 80 | 0.75 | 0.6 | 0.8 | 1",
        "person | 2 | 1 | 20 | 80 | 0.25 | 0.2 | 0.4 | 2",
        "account | 4 or more | 3 | 40 | 40 | 1.0 | 0.9 | 1.0 | 7",
    )
    rows = [row | {"label": str(row["label"])} for row in rows]
    found = findings.of(result("mix", rows, "per", says=dryrun._pressure_in_words))
    assert found.text == (
        "- Of the weeks in which a person gets any message, 75.0 % bring one alone (n = 80); "
        "the fullest brings 2.\n"
        "- Of the weeks in which an account gets any message, 0.0 % bring one alone (n = 40); "
        "the fullest brings 7."
    )
    kept = {(row["figure"], row["segment"]): row["value"] for row in found.figures}
    assert kept["test.mix.1", "per=person"] == 0.75
    assert kept["test.mix.1", "per=account"] == 0
    assert kept["test.mix.fullest", "per=account"] == 7


def test_holdouts_say_how_many_plays_can_tell_and_which_never_will():
    rows = [
        {"play": "a", "weeks": 14, "answerable": True},
        {"play": "b", "weeks": 9, "answerable": True},
        {"play": "c", "weeks": 90, "answerable": False},
    ]
    own = {name: SIZED[name] for name in rows[0]}
    text, kept = said(rows, _sizes_in_words, own=own)
    assert text == (
        "**2 of 3 plays** can tell within a year whether they bring the smallest effect worth "
        "having; the soonest is b, after 9 weeks. Not with this traffic and holdout: c."
    )
    assert kept["answerable", ""] == (None, 2)
    assert kept["plays", ""] == (None, 3)
    assert kept["b.weeks", ""] == (None, 9)
    assert said(rows[2:], _sizes_in_words, own=own)[0].startswith("**0 of 1 play** can")


def test_without_plays_every_section_about_them_says_so():
    bare = small.run(events="user_id | event | at\nann | signed_up | 2026-01-05\n")
    sections = ("cards", "decisions", "by_day", "contention", "pressure", "lint")
    for name in sections:
        found = getattr(personalization, name)(bare)
        assert found.id == f"personalization.{name}"
        assert findings.of(found).text.startswith(UNAVAILABLE)
