"""Who is older than the log, and which of a unit's starts is told: drawn by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from playbook import answers, findings, friction, impact, ledger
from playbook.language.mistakes import Mistake
from playbook.results import figures, listings
from tests import small
from tests.small import play, question
from tests.spec import at

MONTH = ("2025-01-01", "2026-02-01", "2026-01-31")

# The table of people goes back to 2025, the log to 5 January 2026. cat and dee join within it.
OLD_PEOPLE = """
    user_id | account_id | event     | source | at
    ann     | a1         | signed_up | people | 2025-03-01 09:00
    bob     | a2         | signed_up | people | 2025-12-30 09:00
    cat     | a1         | signed_up | people | 2026-01-06 09:00
    dee     | a3         | signed_up | people | 2026-01-07 09:00
    ann     | a1         | visited   | web    | 2026-01-05 00:00
    bob     | a2         | visited   | web    | 2026-01-06 08:00
    ann     | a1         | visited   | web    | 2026-01-08 08:00
    cat     | a1         | wrote     | web    | 2026-01-06 12:00
    ann     | a1         | wrote     | web    | 2026-01-08 12:00
    dee     | a3         | visited   | web    | 2026-01-30 12:00
"""
PEOPLE = """
    user_id | account_id | signed_up_at
    ann     | a1         | 2025-03-01 09:00
    bob     | a2         | 2025-12-30 09:00
    cat     | a1         | 2026-01-06 09:00
    dee     | a3         | 2026-01-07 09:00
"""
WRITES = {"goal": "wrote", "within": "24h"}
ASKED = [
    question("writes", "reached_within", start="signed_up", **WRITES),
    question("visits", "reached_within", start="visited", **WRITES),
    question("first_visit", "reached_within", start="visited", entry="first_ever", **WRITES),
    question("accounts", "reached_within", unit="account", start="signed_up", **WRITES),
    question(
        "any_account", "reached_within", unit="account", start="signed_up", entry="any", **WRITES
    ),
    question("when", "time_to", start="signed_up", goal="wrote", edges=["24h"], within="7d"),
    question("before", "did_before", start="visited", first="wrote", goal="visited", within="7d"),
    question("steps", "steps", start="signed_up", goals=["visited", "wrote"], within="48h"),
    question("alone", "reached_within", start="signed_up", goal="signed_up", within="24h"),
]


def opened(events=OLD_PEOPLE, **said):
    given = {"questions": ASKED, "period": MONTH, "events": events, "users": PEOPLE}
    return small.run(**given | said)


def counted(run, id):
    (row,) = answers.answer(run, id).rows
    return row["n"], row["reached"]


def test_people_from_before_the_log_are_left_out_counted_and_said():
    run = opened()
    found = answers.answer(run, "writes")
    assert counted(run, "writes") == (2, 1)
    told = findings.of(found)
    assert told.text.endswith(" 2 from before the log are left out.")
    (kept,) = [row for row in told.figures if row["figure"].endswith(".older")]
    assert (kept["figure"], kept["value"]) == ("audit.writes.older", 2)
    assert ("from before the log", "2") in listings.definition(found).rows
    assert "older" not in str(figures.of(found))


def test_what_people_do_again_and_again_is_no_beginning_unless_it_is_asked_as_one():
    # ann visits on two days: a visit lets everybody in, however old.
    assert counted(opened(), "visits") == (2, 1)
    assert counted(opened(), "first_visit") == (0, 0)
    # Where nobody does it on another day, it is taken for a beginning.
    once = OLD_PEOPLE.replace("2026-01-08 08:00", "2026-01-05 08:00")
    assert counted(opened(once), "visits") == (0, 0)


def test_an_account_is_new_once_whoever_joins_it_later():
    run = opened()
    assert counted(run, "accounts") == (1, 0)  # a3; cat joins a1, which ann began
    assert answers.answer(run, "accounts").older() == 2
    assert counted(run, "any_account") == (2, 1)  # a1 by cat's sign-up
    # Without the table of people the log knows of no older ones, but for their own sign-up.
    nobody = small.run(questions=ASKED, period=MONTH, events=OLD_PEOPLE)
    assert counted(nobody, "accounts") == (1, 0)
    assert counted(nobody, "any_account") == (2, 1)


def test_an_account_is_as_old_as_its_table_says():
    accounts = "account_id | created_at\n a1 | 2026-01-05\n a2 | 2026-01-05\n a3 | 2024-01-01"
    assert counted(opened(accounts=accounts), "accounts") == (0, 0)


def test_every_measure_leaves_them_out():
    run = opened()
    when = {row["label"]: row["n"] for row in answers.answer(run, "when").rows}
    assert when == {"within 24 hours": 1, "never within 7 days": 1}
    assert [row["n"] for row in answers.answer(run, "steps").rows] == [2, 0, 0]
    before = answers.answer(run, "before")
    assert (before.rows[0]["n"], before.rows[0]["open"], before.older()) == (0, 1, 2)
    weeks = {row["cohort"]: row["n"] for row in friction.retention(run, "writes").rows}
    assert weeks == {"2026-01-05": 2}


def test_a_source_that_the_question_does_not_need_does_not_matter():
    late = OLD_PEOPLE + "dee | a3 | billed | bank | 2026-01-20 12:00\n"
    assert counted(opened(late), "writes") == (2, 1)
    # Who signs up is known since the table begins.
    assert counted(opened(), "alone") == (4, 0)
    assert answers.answer(opened(), "alone").older() == 0


LATER = """
    user_id | event     | source | at
    ann     | signed_up | web    | 2026-01-02 09:00
    bob     | signed_up | web    | 2026-01-12 09:00
    cat     | signed_up | web    | 2026-01-13 09:00
    {first}
    bob     | wrote     | app    | 2026-01-12 08:00
    bob     | wrote     | app    | 2026-01-12 10:00
    ann     | wrote     | app    | 2026-01-14 10:00
    cat     | wrote     | app    | 2026-01-15 10:00
    ann     | visited   | web    | 2026-01-20 10:00
"""


def test_units_count_from_when_all_that_they_need_is_in_the_log():
    run = small.run(questions=ASKED, events=LATER.format(first=""), period=MONTH)
    assert run.extent.observed_since("signed_up", "wrote") == at("2026-01-12 08:00")
    assert counted(run, "writes") == (2, 1)  # nobody could see what ann wrote
    assert answers.answer(run, "writes").older() == 1
    assert run.extent.observed_since("signed_up") == at("2026-01-02 09:00")


@pytest.mark.parametrize("source", ["web", "old"])
def test_a_source_that_takes_over_or_comes_beside_lets_nothing_be_missed(source):
    before = "".join(f"ann | wrote | {source} | 2026-01-0{day} 10:00\n" for day in (2, 3, 4))
    run = small.run(questions=ASKED, events=LATER.format(first=before), period=MONTH)
    assert run.extent.observed_since("signed_up", "wrote") == at("2026-01-02 09:00")


def test_plays_and_their_trials_leave_out_who_had_the_trigger_before_the_log():
    guide = play("guide", audience={}, trigger="signed_up", goal="wrote")
    run = opened(
        plays=[guide], messages="user_id | play | sent_at\n cat | guide | 2026-01-06 09:00"
    )
    rows = ledger.ledger(run, guide).to_pyarrow().to_pylist()
    assert sorted(row["unit"] for row in rows) == ["cat", "dee"]
    assert impact.trial.trial(run, "guide").begins == at("2026-01-05 00:00")
    decided = ledger.decided(run).to_pyarrow().to_pylist()
    assert sorted(row["user_id"] for row in decided) == ["cat", "dee"]


TWICE = "user_id | event | at\n" + "".join(
    f"{who}{k} | opened | {day}\n"
    for who in "cd"
    for k in range(4)
    for day in ("2026-01-06 09:00", "2026-01-13 09:00")
)
TWICE += "".join(f"c{k} | saved | 2026-01-14 09:00\n" for k in range(4))


@pytest.mark.parametrize("entry", [None, "first", "first_ever"])
def test_the_week_of_a_unit_does_not_depend_on_whether_it_converted(entry):
    asked = [
        question("q", "reached_within", start="opened", goal="saved", within="14d", entry=entry)
    ]
    run = small.run(questions=asked, events=TWICE + "z | other | 2026-01-31\n")
    weeks = {row["period"]: (row["n"], row["value"]) for row in friction.by_week(run, "q").rows}
    assert weeks == {"2026-01-05": (8, 0.5)}


def test_unless_is_asked_of_each_start():
    events = """
        user_id | event    | at
        ann     | opened   | 2026-01-05 09:00
        ann     | verified | 2026-01-05 10:00
        ann     | saved    | 2026-01-05 11:00
        bob     | opened   | 2026-01-05 09:00
        bob     | opened   | 2026-01-10 09:00
        bob     | verified | 2026-01-10 10:00
        bob     | saved    | 2026-01-10 11:00
        cat     | opened   | 2026-01-05 09:00
        cat     | verified | 2026-01-05 10:00
        cat     | opened   | 2026-01-10 09:00
        cat     | saved    | 2026-01-10 11:00
        dee     | opened   | 2026-01-05 09:00
        dee     | verified | 2026-01-06 09:00
        zed     | other    | 2026-01-30 09:00
    """
    told = {"start": "opened", "unless": "verified", "within": "24h"}
    run = small.run(
        events=events,
        questions=[
            question("q", "reached_within", goal="saved", **told),
            question("first", "reached_within", goal="saved", entry="first", **told),
            question("mix", "mix", goals=["saved"], **told),
        ],
    )
    # bob counts by his first start, cat by the second; ann's and dee's do not count.
    assert counted(run, "q") == (2, 1)
    assert counted(run, "first") == (1, 0)
    assert [(row["label"], row["n"]) for row in answers.answer(run, "mix").rows] == [
        ("none of these", 1)
    ]


def test_a_start_that_is_the_goal_takes_another_event():
    events = """
        user_id | event  | at
        ann     | ran    | 2026-01-05 09:00
        bob     | ran    | 2026-01-05 09:00
        bob     | ran    | 2026-01-05 12:00
        cat     | ran    | 2026-01-05 09:00
        cat     | shared | 2026-01-05 11:00
        cat     | ran    | 2026-01-20 09:00
        dee     | ran    | 2026-01-05 09:00
        dee     | ran    | 2026-01-05 09:00
        zed     | other  | 2026-01-30 09:00
    """
    asked = [
        question("when", "time_to", start="ran", goal="ran", edges=["24h"], within="7d"),
        question("mix", "mix", start="ran", goals=["ran", "shared"], within="24h"),
        question("share", "reached_within", start="ran", goal="ran", within="24h"),
        question("before", "did_before", start="ran", first="shared", goal="ran", within="24h"),
    ]
    run = small.run(questions=asked, events=events)
    told = {
        id: {r["label"]: r["n"] for r in answers.answer(run, id).rows} for id in ("when", "mix")
    }
    assert told["when"] == {"within 24 hours": 2, "never within 7 days": 2}
    assert told["mix"] == {"none of these": 1, "ran only": 2, "shared only": 1}
    assert counted(run, "share") == (4, 2)
    assert counted(run, "before") == (4, 1)


def test_time_to_counts_closed_windows_with_and_without_within():
    events = "user_id | event | at\n" + "".join(
        f"u{k} | signed_up | 2026-01-01\n"
        + (f"u{k} | saved | 2026-01-01 20:00\n" if k < 3 else "")
        + f"v{k} | signed_up | 2026-01-30 23:00\n"
        for k in range(6)
    )
    told = {"start": "signed_up", "goal": "saved", "edges": ["24h", "72h"]}
    asked = [question("free", "time_to", **told), question("end", "time_to", within="72h", **told)]
    run = small.run(
        questions=asked, events=events, period=("2026-01-01", "2026-02-01", "2026-01-31")
    )
    for id, never in (("free", "not so far"), ("end", "never within 3 days")):
        rows = {row["label"]: (row["n"], row["share"]) for row in answers.answer(run, id).rows}
        assert rows == {"within 24 hours": (3, 0.5), never: (3, 0.5), "still open": (6, None)}


@pytest.mark.parametrize(
    "said",
    [
        {"edges": ["72h", "24h"], "within": "7d"},
        {"edges": ["24h", "1d"], "within": "7d"},
        {"edges": ["24h", "72h"], "within": "48h"},
    ],
)
def test_edges_that_make_no_sense_are_refused(said):
    with pytest.raises((Mistake, ValueError), match="`edges`"):
        question("q", "time_to", start="a", goal="b", **said)


def test_a_measure_of_one_start_takes_no_other_entry():
    with pytest.raises(ValueError, match="looks at one start"):
        question("q", "time_to", start="a", goal="b", edges=["24h"], entry="any")
    told = question("q", "time_to", unit="account", start="a", goal="b", edges=["24h"])
    assert told.enters == "first_ever"
    first = question(
        "q", "time_to", unit="account", start="a", goal="b", edges=["24h"], entry="first"
    )
    assert first.enters == "first"


def test_an_event_that_came_every_day_and_stopped_is_no_zero():
    days = [at("2026-01-01") + timedelta(days=k) for k in range(30)]
    events = "user_id | event | at\n" + "".join(
        f"u{k} | signed_up | {day}\n" + (f"u{k} | saved | {day}\n" if k < 15 else "")
        for k, day in enumerate(days)
    )
    asked = [question("q", "reached_within", start="signed_up", goal="saved", within="24h")]
    run = small.run(questions=asked, events=events)
    # `saved` came last on the 15th: what follows is unknown, not failed.
    assert counted(run, "q") == (14, 14)
    assert answers.answer(run, "q").rows[0]["open"] == 1
    assert answers.answer(run, "q").as_of == "2026-01-15 00:00:00"
    # A week is not long enough, and of an event that comes now and then nobody can tell.
    week = ("2026-01-01", "2026-02-01", "2026-01-22")
    assert small.run(questions=asked, events=events, period=week).extent.fell_silent == {}
    rare = events.replace("u3 | saved", "u3 | stored").replace("u4 | saved", "u4 | stored")
    assert small.run(questions=asked, events=rare).extent.fell_silent == {}


def test_a_time_that_cannot_be_makes_no_account_older():
    events = """
        user_id | account_id | event     | at
        ann     | a1         | signed_up | 1970-01-01 00:00
        ann     | a1         | signed_up | 2026-01-05 09:00
        ann     | a1         | wrote     | 2026-01-05 10:00
        bob     | a1         | visited   | 2026-01-30 10:00
    """
    run = small.run(questions=ASKED, events=events)
    assert counted(run, "accounts") == (1, 1)
    assert answers.answer(run, "accounts").older() == 0


def test_of_a_table_that_knows_days_nobody_is_older_on_the_day_itself():
    events = """
        user_id | event     | at
        ann     | signed_up | 2026-01-05 09:00
        bob     | signed_up | 2026-01-05 10:00
        bob     | wrote     | 2026-01-05 11:00
        cat     | signed_up | 2026-01-06 10:00
        zed     | other     | 2026-01-30 10:00
    """
    users = "user_id | signed_up_at\n ann | 2026-01-05\n bob | 2026-01-04\n cat | 2026-01-06"
    run = small.run(questions=ASKED, events=events, users=users)
    assert counted(run, "writes") == (2, 0)
    assert answers.answer(run, "writes").older() == 1
