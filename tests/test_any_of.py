"""`any_of`: a question that names several events as one counts as if the log did, too."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import playbook as pb
from playbook import answers, declare
from playbook.audit.questions import needs
from playbook.declare import DataPoint, Question
from playbook.declare.checks import check_names
from playbook.language.mistakes import Mistake
from playbook.results import Unavailable
from tests import small

MEMBERS = {"ran_a", "ran_b"}
GROUP = {"any_of": {"ran": sorted(MEMBERS)}}
EVENTS = ("came", "saved", "left", *sorted(MEMBERS))
PERIOD = ("2026-01-01", "2026-01-22", "2026-01-31")
REACHED = {"start": "came", "goal": "ran", "within": "36h"}
ASKED = [
    small.question("reached", "reached_within", **REACHED),
    small.question("from_any", "reached_within", start="ran", goal="saved", within="36h"),
    small.question("again", "reached_within", start="ran", goal="ran", within="36h"),
    small.question("missed", "missed_within", unit="account", **REACHED),
    small.question("unless", "reached_within", unit="session", unless="left", **REACHED),
    small.question("spared", "reached_within", **{**REACHED, "goal": "saved"}, unless="ran"),
    small.question("before", "did_before", first="ran", **{**REACHED, "goal": "saved"}),
    small.question("mixed", "mix", start="came", goals=["saved", "ran"], within="36h"),
    small.question("time", "time_to", start="came", goal="ran", edges=["6h", "1d", "3d"]),
    small.question("steps", "steps", start="came", goals=["ran", "saved"], within="3d"),
    small.question(
        "strict", "steps", start="came", goals=["ran", "saved"], within="3d", order="strict"
    ),
    small.question(
        "clean",
        "steps",
        start="came",
        goals=["saved", "left"],
        within="3d",
        exclude=[{"event": "ran"}],
    ),
    small.question("active", "active", goal="ran", within="3d", every="1d"),
]


def drawn(seed: int) -> list[tuple[str, ...]]:
    """Random rows of a log: event, user, account, session, time; some of them late or of bots."""
    draw, rows = random.Random(seed), []
    for _place in range(260):
        at = datetime(2026, 1, 1) + timedelta(hours=6 * draw.randrange(112))
        late = at + timedelta(seconds=draw.choice([1, 1, 1, 4000, 100_000]))
        who, is_bot = f"u{draw.randrange(14)}", "true" if draw.random() < 0.05 else ""
        place = (f"a{draw.randrange(5)}", f"s{draw.randrange(30)}")
        rows.append((draw.choice(EVENTS), who, *place, f"{at}", f"{late}", is_bot))
    return rows


def run_of(rows, *, renamed: bool):
    """The log as it is, with the group declared; or with one name in the place of its events."""
    names = dict.fromkeys(MEMBERS, "ran") if renamed else {}
    lines = [" | ".join((names.get(event, event), *others)) for event, *others in rows]
    head = "event | user_id | account_id | session_id | at | received_at | is_bot"
    planned = {names.get(event, event) for event in EVENTS}
    return small.run(
        questions=ASKED,
        plan=[DataPoint(event=event, says=f"Somebody {event}.") for event in sorted(planned)],
        period=PERIOD,
        words={} if renamed else GROUP,
        events="\n".join([head, *lines]),
        users="user_id | account_id\n" + "\n".join(f"u{n} | a{n % 5}" for n in range(14)),
    )


@pytest.fixture(scope="module", params=[1, 2, 3])
def both(request):
    rows = drawn(request.param)
    return run_of(rows, renamed=False), run_of(rows, renamed=True)


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.id)
def test_an_answer_is_that_of_a_log_with_one_name(both, question):
    grouped, renamed = (answers.answer(run, question.id) for run in both)
    assert grouped.rows == renamed.rows != []
    told = dict(grouped.definition)
    assert told.pop("ran") == "any of ran_a, ran_b"
    assert told == dict(renamed.definition)


@pytest.mark.parametrize("question", ASKED[:-1], ids=lambda question: question.id)
def test_defects_move_it_as_they_would_there(both, question):
    grouped, renamed = (pb.audit.bounds_of(run, question.id) for run in both)
    assert grouped.rows == renamed.rows != []


def test_the_audit_asks_for_the_same(both):
    grouped, renamed = map(needs, both)
    assert grouped == renamed


def test_further_sections_count_alike(both):
    for section in (
        lambda run: pb.friction.retention(run, "active", every="1d"),
        lambda run: pb.friction.retention(run, "reached", every="1d"),
        lambda run: pb.friction.stuck(run, "missed"),
        lambda run: pb.friction.instead(run, "steps"),
        lambda run: pb.friction.drivers(run, "reached"),
        lambda run: pb.friction.curve(run, "time"),
        lambda run: pb.friction.by_week(run, "steps"),
    ):
        grouped, renamed = map(section, both)
        assert type(grouped) is type(renamed)
        if isinstance(grouped, Unavailable):
            assert grouped.reason == renamed.reason
        else:
            assert grouped.rows == renamed.rows


def test_a_data_point_serves_the_questions_that_count_it_with_others(both):
    rows = {row["data point"]: row["questions"] for row in pb.audit.data_points(both[0]).rows}
    using = sum("ran" in question.events for question in ASKED)
    assert rows["ran_a"] == rows["ran_b"] == using


def test_one_of_several_is_enough(both):
    grouped = both[0]
    product = grouped.declared.product.model_copy(update={"any_of": {"ran": ("ran_a", "never")}})
    run = replace(grouped, declared=replace(grouped.declared, product=product))
    alone = grouped.declared.question("reached").model_copy(update={"goal": "ran_a"})
    own = replace(grouped.declared, questions=(alone,))
    expected = answers.answer(replace(grouped, declared=own), "reached").rows
    assert answers.answer(run, "reached").rows == expected


def declared(any_of, *questions: Question, **more):
    product = declare.Product(name="Small", tables={}, any_of=any_of, **more)
    plan = tuple(DataPoint(event=event, says="It happens.") for event in EVENTS)
    return declare.Declarations(product, plan, questions, (), ())


@pytest.mark.parametrize(
    ("any_of", "said"),
    [
        ({"ran": ["ran_a", "walked"]}, "`ran` is the event `walked`, which is not declared"),
        ({"saved": ["ran_a"]}, "Two events are called `saved`"),
        ({"ran": []}, "names no event"),
    ],
)
def test_a_name_for_several_is_new_and_its_events_are_planned(any_of, said):
    with pytest.raises((Mistake, ValueError), match=said):
        check_names(declared(any_of))


@pytest.mark.parametrize("goals", [["ran", "ran_a"], ["ran", "moved"]])
def test_no_question_counts_an_event_under_two_names(goals):
    asked = small.question("twice", "steps", start="came", goals=goals, within="1d")
    groups = {"ran": ["ran_a", "ran_b"], "moved": ["ran_a", "left"]}
    with pytest.raises(Mistake, match="counts the event `ran_a` under two names"):
        check_names(declared(groups, asked))


def test_only_questions_count_several_as_one():
    with pytest.raises(Mistake, match="which stands for several events") as raised:
        check_names(declared({"ran": ["ran_a", "ran_b"]}, path=["came", "ran"]))
    assert "only questions count several as one" in raised.value.hint
