"""Reasons, last events and returns on a random company, against plain Python on its rows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from playbook import friction
from playbook.declare import DataPoint, Property
from tests import small
from tests.small import question

START = datetime(2026, 1, 5, 9)
END = START + timedelta(hours=48)
LATER = START + timedelta(hours=96)
WINDOW = {"start": "started", "goal": "saved", "within": "48h"}
QUESTIONS = [
    question("missed", "missed_within", **WINDOW),
    question("left", "missed_within", hold="draft", **WINDOW),
]
PLAN = [DataPoint(event="started", says="x", properties={"draft": Property()})]
TIMES = ("sent", "delivered", "bounced", "seen", "clicked", "complained")
PEOPLE = [f"u{k:03}" for k in range(400)]


def mails(rng: random.Random) -> list[dict]:
    """Up to three messages to each person, each moment of them before, in or after the window."""
    found = []
    for name in PEOPLE:
        for _ in range(rng.randrange(4)):
            moments = {
                what: START + timedelta(hours=12 * rng.randrange(8)) if rng.random() < 0.4 else None
                for what in TIMES
            }
            sent = START + timedelta(hours=12 * rng.randrange(6))
            found.append(
                {"to": name, "play": rng.choice(["link", "link", "news"])}
                | {"ghost": rng.random() < 0.1, "machine": rng.choice([True, False, None])}
                | moments
                | {"sent": sent if rng.random() < 0.9 else None}
            )
    return found


def events(rng: random.Random) -> list[tuple[str, str, datetime, str]]:
    """Everybody starts one draft at the same time, and does things to some drafts later."""
    found = [(name, "started", START, f"{name}.a") for name in PEOPLE]
    for name in PEOPLE:
        for _ in range(rng.randrange(5)):
            event = rng.choice(["saved", "seen", "tested", "started"])
            at = START + timedelta(hours=6 * rng.randrange(20))
            # The other drafts of the same person; nobody starts the first one again.
            drafts = ["b", "c"] if event == "started" else ["a", "b", ""]
            draft = rng.choice(drafts)
            found.append((name, event, at, f"{name}.{draft}" if draft else ""))
    rng.shuffle(found)
    return found


def drawn(columns: str, rows: list[tuple]) -> str:
    def cell(value: object) -> str:
        return "" if value is None else str(value).lower() if value in (True, False) else str(value)

    return "\n".join([columns, *(" | ".join(map(cell, row)) for row in rows)])


@pytest.fixture(scope="module")
def company():
    rng = random.Random(20_260_105)
    sent, done = mails(rng), events(rng)
    messages = drawn(
        "user_id | play | is_ghost | seen_by_machine | " + " | ".join(f"{w}_at" for w in TIMES),
        [(m["to"], m["play"], m["ghost"], m["machine"], *(m[w] for w in TIMES)) for m in sent],
    )
    run = small.run(
        questions=QUESTIONS,
        plan=PLAN,
        events=drawn("user_id | event | at | draft", done),
        messages=messages,
        words={"prompts": {"saved": "link"}},
    )
    return run, sent, done


def reason(own: list[dict]) -> str:
    """A person's reason, told from the messages to them."""
    asking = [m for m in own if m["play"] == "link" and not m["ghost"]]
    asking = [m for m in asking if m["sent"] and m["sent"] <= END]

    def did(message: dict, what: str) -> bool:
        return message[what] is not None and message[what] <= END

    clicked = [m for m in asking if did(m, "clicked")]
    opened = [m for m in asking if did(m, "seen") and not m["machine"]] + clicked
    spam = [m for m in asking if did(m, "complained")]
    there = [m for m in asking if did(m, "delivered") and not did(m, "bounced")]
    there += opened + spam
    if not asking:
        return "no mail sent"
    if not there:
        bounced = any(did(m, "bounced") for m in asking)
        return "the mail bounced" if bounced else "sent, not known whether it arrived"
    if spam:
        return "marked as spam"
    if clicked:
        return "clicked, still not done"
    return "opened, not clicked" if opened else "delivered, not opened"


def missed(done: list[tuple], draft: str | None = None) -> set[str]:
    """Who saves nothing (or not that draft) by the end of the window of any of their starts."""
    found = set()
    for name in PEOPLE:
        own = [(e, at, d) for who, e, at, d in done if who == name]
        starts = [at for e, at, d in own if e == "started" and draft in {None, d[-1:]}]
        saves = [at for e, at, d in own if e == "saved" and draft in {None, d[-1:]}]
        if not any(at <= save <= at + (END - START) for at in starts for save in saves):
            found.add(name)
    return found


def test_each_person_has_the_reason_that_their_messages_tell(company):
    run, sent, done = company
    expected: dict[str, set[str]] = {}
    for name in missed(done):
        told = reason([m for m in sent if m["to"] == name])
        expected.setdefault(told, set()).add(name)
    found = friction.reasons(run, "missed").rows
    assert len(expected) >= 6  # else the company is too poor to tell anything apart
    assert {row["label"]: row["n"] for row in found} == {k: len(v) for k, v in expected.items()}
    for label, people in expected.items():
        listed = friction.cohort(run, "missed_reasons", label).rows
        assert {row["unit"] for row in listed} == people, label


def test_the_last_event_is_the_latest_in_the_window(company):
    run, _sent, done = company
    expected: dict[str, int] = {}
    for name in missed(done):
        own = [(at, event) for who, event, at, _d in done if who == name]
        own = [each for each in own if START <= each[0] <= END and each != (START, "started")]
        last = max(own, default=(None, "nothing else"))[1]
        name = {"started": "started once more"}.get(last, last)
        expected[name] = expected.get(name, 0) + 1
    found = {row["label"]: row["n"] for row in friction.stopped(run, "missed").rows}
    assert found == expected


def test_a_draft_is_finished_later_if_it_is_saved_between_both_windows(company):
    run, _sent, done = company
    left = missed(done, draft="a")
    came = {w for w, e, at, d in done if e == "saved" and d[-1:] == "a" and END < at <= LATER}
    listed = friction.members(run, "left", "dropped").rows
    firsts = {row["unit"] for row in listed if row["held"].endswith("a")}
    assert firsts == left
    others = [row for row in listed if not row["held"].endswith("a")]
    back = 0
    for row in others:
        saves = [at for _w, e, at, d in done if e == "saved" and d == row["held"]]
        after = [at for at in saves if at > row["started_at"]]
        back += any(at <= row["started_at"] + (LATER - START) for at in after)
    (found,) = friction.came_back(run, "left", within="96h", by=()).rows
    assert (found["n"], found["reached"]) == (len(listed), len(came & left) + back)
