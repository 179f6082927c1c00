"""Which question plays which part of the guide, and the words in which it is spoken of."""

from __future__ import annotations

import pytest
import yaml

import playbook as pb
from playbook.answers.phrases import Phrases
from playbook.declare import PARTS, Question, Roles, declarations, played
from playbook.declare.question import MEASURES
from playbook.declare.roles import KINDS
from playbook.language.mistakes import Mistake
from playbook.results import Unavailable
from playbook.views import Unasked, each, index, show
from tests import small
from tests.small import question

SHARE = question("paid", "reached_within", start="joined", goal="paid", within="24h")
NEVER = question("never", "missed_within", start="joined", goal="confirmed", within="48h")
DID = question(
    "did", "mix", start="joined", goals=("paid", "left"), within="48h", unless="confirmed"
)
WAY = question("way", "steps", start="joined", goals=("confirmed", "paid"), within="7d")
CLANS = question("clans", "steps", unit="account", start="founded", goals=("paid",), within="7d")
SOON = question("soon", "time_to", start="joined", goal="paid", edges=("24h",), within="14d")
DECKS = question("decks", "active", hold="deck_id", goal="paid", within="7d")
EVERY = (SHARE, NEVER, DID, CLANS, WAY, SOON, DECKS)
EVENTS = """
    user_id | event     | at
    ann     | joined    | 2026-01-02 09:00
    ann     | confirmed | 2026-01-02 10:00
    ann     | paid      | 2026-01-02 11:00
    bob     | joined    | 2026-01-03 09:00
"""


def test_a_question_tells_its_role_by_how_it_is_counted():
    found = played(Roles(verification="never"), EVERY)
    assert {part: ids for part, ids in found.items() if ids} == {
        "headline": ("paid",),
        "verification": ("never",),
        "unverified": ("did",),
        "key_metric": ("decks",),
        "path": ("way",),
        "account_path": ("clans",),
        "first_value": ("soon",),
    }
    assert not played(Roles(), EVERY)["verification"]  # nothing tells what verifies


def test_what_is_named_plays_the_role_and_nothing_else_does():
    named = Roles(headline="way", path="clans", verification="never", invitations=("did", "paid"))
    found = played(named, EVERY)
    assert found["headline"] == ("way",)
    assert (found["path"], found["account_path"]) == (("clans",), ())
    assert found["unverified"] == ("did",)
    assert found["invitations"] == ("paid", "did")  # in reading order


def test_every_part_and_every_measure_has_its_place():
    assert set(PARTS) == set(Roles.model_fields)
    assert sorted(m for measures in KINDS.values() for m in measures) == sorted(MEASURES)


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ({"path": "nobody"}, "role `path` to the question `nobody`"),
        ({"path": "first_workflow_24h"}, "which cannot play it"),
        ({"headline": ["activation_rate", "never_verified"]}, "several headlines"),
        ({"hero": "never_verified"}, "no field `roles.hero`"),
    ],
)
def test_a_role_that_nobody_can_play_is_refused(tmp_path, project, roles, says):
    product = project / "params" / "airtouch" / "product.yaml"
    text = yaml.safe_load(product.read_text("utf-8"))
    folder = tmp_path / "airtouch"
    folder.mkdir()
    for file in ("tracking_plan.yaml", "questions.yaml"):
        (folder / file).write_text((product.with_name(file)).read_text("utf-8"), "utf-8")
    (folder / "product.yaml").write_text(yaml.safe_dump(text | {"roles": roles}), "utf-8")
    with pytest.raises(Mistake) as mistake:
        declarations(folder)
    assert says in str(mistake.value)


@pytest.fixture
def project():
    from playbook.run import root

    return root()


LABELS = {"joined": "joined the game", "paid": "bought coins"}


def phrases(asked: Question) -> Phrases:
    return Phrases(asked, LABELS, {"deck": "decks of cards"})


@pytest.mark.parametrize(
    ("asked", "title", "of"),
    [
        (
            SHARE,
            "People who get from “joined the game” to “bought coins” within 24 hours",
            "of people get from “joined the game” to “bought coins” within 24 hours",
        ),
        (
            NEVER,
            "People who do not get from “joined the game” to “confirmed” within 48 hours",
            "of people do not get from “joined the game” to “confirmed” within 48 hours",
        ),
        (
            DID,
            "What people without “confirmed” within 48 hours of “joined the game” did in that time",
            "people without “confirmed” within 48 hours of “joined the game”, by what they did in "
            "that time",
        ),
        (CLANS, "Accounts on the way from “founded” to “bought coins” within 7 days", "accounts"),
        (
            SOON,
            "People: time from “joined the game” to “bought coins”",
            "people, by the time from “joined the game” to “bought coins”",
        ),
        (
            DECKS,
            "Active decks of cards at the end of each week: “bought coins” within 7 days",
            "decks of cards are active",
        ),
    ],
)
def test_titles_and_sentences_have_the_words_of_the_product(asked, title, of):
    assert (phrases(asked).title, phrases(asked).of) == (title, of)


def test_the_window_of_a_way_is_said_only_where_it_is_that_of_all():
    own = WAY.model_copy(update={"windows": ("2h", "1d")})
    assert phrases(WAY).does == "get from “joined the game” to “bought coins” within 7 days"
    assert phrases(own).does == "get from “joined the game” to “bought coins”"
    either = WAY.model_copy(update={"order": "any"})
    assert phrases(either).does.startswith("get from “joined the game” to all of “confirmed”, “b")


def test_whom_a_question_is_about_is_said():
    invited = SHARE.model_copy(update={"among": {"came": ("invited", "asked")}})
    assert phrases(invited).whom == "people whose came is “invited” or “asked”"
    first = question("first", "did_before", start="joined", first="left", goal="paid", within="7d")
    assert phrases(first).does == (
        "get from “joined the game” to “left” within 7 days, before any “bought coins”"
    )


def test_a_section_is_shown_for_each_question_of_a_part_under_what_it_asks():
    run = small.run(questions=(SHARE, WAY), events=EVENTS)
    heading, chart, sentence = each(run, "headline", pb.audit.answer, heading=True).parts
    assert heading.text.startswith("### paid?\n\nIt decides: What to do.")
    assert "People who get from" in chart.description
    assert "of people get from “joined” to “paid” within 24 hours" in sentence.text
    assert [type(part) for part in each(run, "path", pb.friction.roles).parts] == [Unasked]


def test_a_part_that_nobody_plays_is_said_once_and_one_that_is_no_role_not_at_all():
    run = small.run(questions=(SHARE,), events=EVENTS)
    (unasked,) = each(run, "path", pb.friction.answer, heading=True).parts
    assert "At which step of the way to value people stop" in unasked.text
    assert "role `path`" in unasked.text
    (nothing,) = each(run, "path", pb.friction.by_week).parts
    assert nothing._repr_mimebundle_()["text/plain"] == ""
    with pytest.raises(Mistake, match="no part `paths`"):
        each(run, "paths", pb.friction.answer)


def test_a_column_that_nobody_maps_leaves_everybody_under_a_heading_and_nothing_elsewhere():
    run = small.run(questions=(SHARE,), events=EVENTS)
    shown = each(run, "headline", pb.audit.answer, heading=True, by="persona").parts
    assert len(shown) == 3
    assert "Unavailable" not in str(shown)
    assert [type(p) for p in each(run, "headline", pb.audit.answer, by="persona").parts] == [
        Unasked
    ]


def test_every_question_stands_in_one_line_with_a_link_to_its_chart():
    lines = index(small.run(questions=(SHARE, WAY), events=EVENTS)).text.splitlines()
    assert lines[0].startswith("- *paid?* ")
    assert "2_friction" not in lines[0]
    assert lines[1].endswith("See [the friction analysis](2_friction.ipynb).")


def test_several_results_stand_one_below_the_other():
    run = small.run(questions=(SHARE,), events=EVENTS)
    answer = pb.audit.answer(run, "paid")
    assert len(show(answer, Unavailable("x", "Nothing."), answer).parts) == 5
    assert len(show(answer, table=True).parts) == 3


def test_a_question_asked_in_a_cell_has_the_answer_of_a_declared_one():
    run = small.run(questions=(SHARE,), events=EVENTS, plan=small.plan_of(EVENTS))
    said = {"measure": "reached_within", "start": "joined", "goal": "paid", "within": "24h"}
    asked, declared = pb.ask(run, **said), pb.audit.answer(run, "paid")
    assert asked.rows == declared.rows == [declared.rows[0]]
    assert asked.definition == declared.definition
    (entry,) = yaml.safe_load(asked.yaml())
    assert entry.items() >= said.items()
    assert Question(**entry) == Question(**yaml.safe_load(pb.ask(run, **said).yaml())[0])
    assert pb.ask(run, **said, id="own", asks="Who pays?").question == "own"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"measure": "reached_within", "start": "joined"}, "also needs goal, within"),
        ({"measure": "reached", "start": "joined"}, "measure: reached"),
        ({"mesure": "steps"}, "no field `mesure`"),
        (
            {"measure": "reached_within", "start": "jioned", "goal": "paid", "within": "1h"},
            "did you mean `joined`?",
        ),
    ],
)
def test_what_is_asked_wrongly_in_a_cell_is_a_mistake(words, says):
    run = small.run(events=EVENTS, plan=small.plan_of(EVENTS))
    with pytest.raises(Mistake) as mistake:
        pb.ask(run, **words)
    assert says in str(mistake.value)
