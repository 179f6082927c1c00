"""Users and accounts that stand twice: copies over time count as of the start, doubts are told."""

from __future__ import annotations

import pytest
from ibis import _

from playbook import answers
from playbook.data import versions
from playbook.data.tables import TIME
from playbook.language.mistakes import Mistake
from playbook.run import fetched
from tests.small import question, run
from tests.spec import at, rows, table

COPIES = """
    user_id | plan  | valid_from
    ann     | free  |
    ann     | trial | 2026-01-05
    ann     | paid  | 2026-01-07
    bob     | paid  | 2026-01-09
"""
COPIED = table(COPIES).mutate(valid_from=_.valid_from.cast(TIME))
EVENTS = """
    user_id | account_id | event     | at
    ann     | w1         | signed_up | 2026-01-06 09:00
    ann     | w1         | saved     | 2026-01-06 10:00
    bob     | w1         | signed_up | 2026-01-06 09:00
    cat     | w2         | signed_up | 2026-01-07 00:00
    cat     | w2         | opened    | 2026-01-30 00:00
"""
USERS = """
    user_id | account_id | signed_up_at | plan  | valid_from
    ann     | w1         | 2026-01-06   | trial | 2026-01-05
    ann     | w1         | 2026-01-06   | paid  | 2026-01-08
    bob     | w1         | 2026-01-07   | paid  | 2026-01-09
    cat     | w2         | 2026-01-07   | trial | 2026-01-06
    cat     | w2         | 2026-01-07   | paid  | 2026-01-07
"""
ASKED = {
    unit: question(unit, "reached_within", unit=unit, start="signed_up", goal="saved", within="24h")
    for unit in ("user", "account", "session")
}


def told(found, unit="user", by="plan"):
    answer = answers.answer(found, unit, by=by)
    return {row[by]: (row["n"], row["reached"]) for row in answer.rows}


@pytest.mark.parametrize(
    ("as_of", "plans"),
    [
        (None, {"ann": "paid", "bob": "paid"}),
        ("2026-01-06", {"ann": "trial", "bob": "paid"}),  # bob's first row holds earlier, too
        ("2026-01-04", {"ann": "free", "bob": "paid"}),
    ],
)
def test_the_newest_row_of_a_moment_is_the_one_that_held_then(engine, as_of, plans):
    found = versions.newest(COPIED, at(as_of) if as_of else None)
    assert {row["user_id"]: row["plan"] for row in rows(found, engine)} == plans


def test_each_row_holds_until_the_next_and_the_first_always_before(engine):
    found = versions.over_time(COPIED).select("user_id", "plan", "until_")
    ends = {(row["user_id"], row["plan"]): row["until_"] for row in rows(found, engine)}
    assert ends["ann", "free"] == at("2026-01-05")
    assert ends["ann", "trial"] == at("2026-01-07")
    assert ends["ann", "paid"] == ends["bob", "paid"] == at("2200-01-01")


@pytest.mark.parametrize(
    ("unit", "counted"),
    [
        ("user", {"trial": (1, 1), "paid": (2, 0)}),
        ("account", {"trial": (1, 1), "paid": (1, 0)}),  # of who came first
        ("session", {"trial": (1, 0), "paid": (2, 0)}),
    ],
)
def test_traits_are_those_of_the_start_where_rows_are_copies_over_time(unit, counted):
    found = run(questions=list(ASKED.values()), events=EVENTS, users=USERS)
    assert told(found, unit) == counted


def test_accounts_have_copies_over_time_too():
    accounts = """
        account_id | size | valid_from
        w1         | 5    | 2026-01-01
        w1         | 50   | 2026-01-07
        w2         | 7    | 2026-01-07
    """
    found = run(questions=list(ASKED.values()), events=EVENTS, users=USERS, accounts=accounts)
    assert told(found, "account", by="size") == {"5": (1, 1), "7": (1, 0)}


def test_rows_of_one_time_that_differ_are_refused_and_name_the_way_on():
    users = USERS.replace("| valid_from", "| noted").replace(
        "2026-01-06   | paid", "2026-01-06|paid"
    )
    found = run(questions=list(ASKED.values()), events=EVENTS, users=users)
    reason = answers.answer(found, "user", by="plan").reason
    assert reason.startswith("`plan` of `users` cannot be told as of the start: 2 of 3 users stand")
    assert "map `valid_from`" in reason
    assert [row["n"] for row in answers.answer(found, "user").rows] == [3]


def test_of_few_that_differ_the_trait_is_unknown_and_the_rest_stays():
    users = "user_id | signed_up_at | plan | country\n" + "".join(
        f"u{i} | 2026-01-05 | free | SE\n" for i in range(199)
    )
    users += "u1 | 2026-01-05 | paid | SE\nu2 | 2026-01-09 | paid | NO"  # u2's first row counts
    events = "user_id | event | at\n" + "".join(
        f"u{i} | signed_up | 2026-01-05 09:00\n" for i in range(199)
    )
    events += "u1 | saved | 2026-01-20 09:00"
    found = run(questions=list(ASKED.values()), events=events, users=users)
    assert told(found) == {"free": (198, 0), "(unknown)": (1, 0)}
    assert told(found, by="country") == {"SE": (199, 0)}
    counts = fetched(found.tables.doubts["users"])[0]
    assert (counts["ids_"], counts["of_"], counts["plan"], counts["country"]) == (1, 199, 1, 0)


def test_a_mistake_is_one_where_the_rows_are_asked_directly():
    found = run(
        questions=list(ASKED.values()), events=EVENTS, users=USERS.replace("valid_from", "x")
    )
    with pytest.raises(Mistake, match="cannot be told as of the start"):
        answers.asked(found, "user", by="plan")
