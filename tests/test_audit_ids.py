"""Whether an id is one person or account: placeholders, crowds, blanks, twins, rows that differ."""

from __future__ import annotations

import ibis
import pytest
from ibis import _

from playbook import answers, audit
from playbook.data import placeholders
from playbook.results import Unavailable
from tests import small
from tests.spec import rows, table

QUESTION = small.question("q", "reached_within", start="signed_up", goal="saved", within="24h")


def log(*lines: str) -> str:
    """Thirty people with a device each, of whom u0 saves; and these lines."""
    people = [f"u{i} | d{i} | signed_up | 2026-01-05 09:00" for i in range(30)]
    saved = "u0 | d0 | saved | 2026-01-05 10:00"
    return "\n".join(["user_id | anonymous_id | event | at", *people, saved, *lines])


def many(id: str, devices: int) -> list[str]:
    return [f"{id} | e{i} | signed_up | 2026-01-05 09:00" for i in range(devices)]


def told(run) -> dict:
    return {
        (r["column"], r["what"]): (r["ids"], r["rows"], r["example"]) for r in audit.ids(run).rows
    }


def seen(run) -> list[tuple]:
    rows = audit.violations(run).rows
    return [(r["severity"], r["seen"]) for r in rows if r["subject"] in ("user_id", "account_id")]


def test_ids_that_are_one_person_each_are_silent():
    run = small.run(events=log(), questions=[QUESTION])
    assert audit.ids(run).rows == []
    assert seen(run) == []


def test_what_says_nobody_is_unknown_and_a_violation():
    run = small.run(events=log(*many("undefined", 3), *many("NaN", 1)), questions=[QUESTION])
    assert [(r["n"], r["reached"]) for r in answers.answer(run, "q").rows] == [(30, 1)]
    assert told(run) == {("user_id", "says nobody"): (2, 4, "undefined")}
    assert seen(run) == [
        ("warning", "says nobody, such as `undefined`: unknown here, and in no answer")
    ]


def test_what_may_say_nobody_counts_and_says_how_far_it_moves_the_answer():
    run = small.run(events=log(*many("Anonymous", 9)), questions=[QUESTION])
    assert [row["n"] for row in answers.answer(run, "q").rows] == [31]
    assert told(run) == {("user_id", "doubtful"): (1, 9, "Anonymous")}
    found = {r["defect"]: r["share"] for r in audit.bounds_of(run, "q").rows}
    assert found == {"as it stands": 1 / 31, "shared ids": 1 / 31}
    (row,) = (r for r in audit.violations(run).rows if r["subject"] == "user_id")
    assert row["moves"] == pytest.approx(1 / 30 - 1 / 31)


@pytest.mark.parametrize(("devices", "is_crowded"), [(24, False), (25, True)])
def test_an_id_on_more_than_two_dozen_devices_is_no_single_person(devices, is_crowded):
    run = small.run(events=log(*many("x7", devices)), questions=[QUESTION])
    assert (("user_id", "crowded") in told(run)) == is_crowded


def test_where_everybody_has_many_devices_nobody_is_a_crowd():
    lines = [f"u{i} | {i}-{n} | signed_up | 2026-01-05 09:00" for i in range(30) for n in range(26)]
    assert told(small.run(events=log(*lines))) == {}


def test_blanks_and_case_make_twins():
    lines = ["U1 | d1 | saved | 2026-01-05 10:00", "u2  | d2 | saved | 2026-01-05 10:00"]
    assert told(small.run(events=log(*lines))) == {("user_id", "twins"): (2, 2, "U1")}


def test_ids_in_doubt_are_the_same_on_each_engine(engine):
    drawn = log(*many("Guest", 26), "U1 | d1 | saved | 2026-01-05 10:00").replace("\n", "\n ")
    arrivals = table(drawn).mutate(is_bot=ibis.literal(False))
    odd = placeholders.odd_ids(arrivals, "user_id").filter(_.doubtful | _.crowded | _.twins)
    assert [tuple(row.values()) for row in rows(odd, engine)] == [
        ("Guest", 26, 26, True, True, False, False),
        ("U1", 1, 1, False, False, False, True),
        ("u1", 1, 1, False, False, False, True),
    ]


def test_rows_of_users_and_accounts_that_differ_are_told_with_their_columns():
    users = "user_id | persona | role\nu1 | a | x\nu1 | b | x\nu2 | a | x\nu2 | a | x"
    accounts = "account_id | plan\nw | free\nw | paid"
    run = small.run(events=log(), users=users, accounts=accounts)
    assert told(run) == {
        ("account_id", "twice"): (1, 1, "`plan`"),
        ("user_id", "twice"): (1, 1, "`persona`"),
    }


@pytest.mark.parametrize(
    ("users", "why"),
    [
        ("U1", "they match but for case and blanks: "),
        ("user-1", "they match but for what stands around the digits: "),
        ("zoe", ""),
    ],
)
def test_a_log_that_joins_no_user_is_blocking_and_guesses_why(users, why):
    run = small.run(events=log(), users=f"user_id | persona\n{users} | a")
    (row,) = (r for r in audit.violations(run).rows if r["severity"] == "blocking")
    assert row["seen"] == (
        f"are not in the users table, not one: {why}`u0` in the log, `{users}` in the table"
    )


def test_without_ids_there_is_nothing_to_say():
    found = audit.ids(small.run(events="session_id | event | at\ns | seen | 2026-01-05"))
    assert isinstance(found, Unavailable)
