"""Random logs of a handful of people with all that is awkward to count, and questions of them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from playbook.declare import Question
from tests.counting_by_rules import DAY, MOMENT, WEEK, Account, Event, Log, Person

BEGINS = datetime(2026, 1, 1)
NAMES = ("signed_up", "a", "b", "c", "d")
MEASURES = ("reached_within", "missed_within", "did_before", "mix", "time_to", "steps")


def random_log(seed: int) -> Log:
    """A handful of people in three accounts, over some weeks, with everything that is awkward."""
    dice = random.Random(seed)
    days = dice.choice([16, 30, 45])
    sources = _sources(dice)
    people = {str(k): _person(dice, str(k), days) for k in range(1, dice.randint(5, 8))}
    accounts = {
        name: Account(name, _began(dice, days), dice.choice(["free", "paid", None]))
        for name in ("x", "y", "z")[: dice.randint(1, 3)]
    }
    events = _signed_up(dice, people, days, sources)
    for _each in range(dice.randint(20, 60)):
        events.append(_event(dice, days, people, sources, events))
    events += _regular(dice, days, sources)
    events = [each for each in events if each.at >= sources[each.source]]
    if not events:
        return random_log(seed + 1_000_000)
    known = {who: person for who, person in people.items() if dice.random() < 0.9}
    last = max(each.at for each in events)
    as_of = last if dice.random() < 0.6 else last - dice.random() * 5 * DAY
    as_of = max(as_of.replace(microsecond=0), min(each.at for each in events) + DAY)
    since = BEGINS + dice.choice([0, 0, 0, 2, 7]) * DAY
    until = BEGINS + dice.choice([days, days, days // 2 + 2, days + 20]) * DAY
    placed = tuple(replace(each, place=place) for place, each in enumerate(events))
    return Log(placed, known, accounts, since, until, min(as_of, last))


def _sources(dice: random.Random) -> dict[str, datetime]:
    """Source → when it begins; the table of people goes years back."""
    return {
        "web": BEGINS,
        "server": BEGINS + dice.choice([0, 0.5, 1, 3, 8]) * DAY,
        "people": BEGINS - 3000 * DAY,
    }


def _person(dice: random.Random, who: str, days: int) -> Person:
    return Person(
        who,
        account=dice.choice(["x", "x", "y", "y", "z", "z", None]),
        signed_up_at=_began(dice, days),
        persona=dice.choice(["engineer", "analyst", None]),
        is_internal=dice.random() < 0.1,
    )


def _began(dice: random.Random, days: int) -> datetime | None:
    """A moment in the log, or before it, or none."""
    return dice.choice(
        [
            _moment(dice, days),
            _moment(dice, days),
            _moment(dice, days),
            BEGINS - dice.random() * 1500 * DAY,
            None,
        ]
    )


def _moment(dice: random.Random, days: int) -> datetime:
    """Any moment, the hour, midnight, a Monday's midnight, or one with a fraction."""
    day = BEGINS + dice.randrange(days) * DAY
    monday = min(day - day.weekday() * DAY + WEEK, BEGINS + (days - 1) * DAY)
    within = timedelta(hours=dice.randrange(24), minutes=dice.choice([0, 0, 30]))
    fraction = timedelta(microseconds=dice.choice([1, 250_000, 500_000, 999_999]))
    return dice.choice([day, monday, day + within, day + within, day + within + fraction])


def _signed_up(
    dice: random.Random, people: dict[str, Person], days: int, sources: dict[str, datetime]
) -> list[Event]:
    """The sign-ups, from the table of people or from the log."""
    source = dice.choice(["people", "web"])
    return [
        Event(0, "signed_up", at, source, who, person.account, f"s{who}")
        for who, person in people.items()
        if (at := person.signed_up_at) and at >= sources[source]
    ]


def _event(
    dice: random.Random,
    days: int,
    people: dict[str, Person],
    sources: dict[str, datetime],
    before: list[Event],
) -> Event:
    name = dice.choice(NAMES[1:])
    at = _moment(dice, days)
    if before and dice.random() < 0.5:
        at = _near(dice, dice.choice(before), days) or at
    who = dice.choice([*people, None]) if dice.random() < 0.3 else dice.choice([*people])
    account = people[who].account if who else None
    return Event(
        0,
        name,
        at,
        {"c": "server", "d": dice.choice(["web", "server"])}.get(name, "web"),
        who,
        dice.choice([account, account, account, "x", "y", None]),
        dice.choice([f"s{who}", f"s{who}", "s0", None]),
        dice.choice(["t1", "t2", "t3", None]) if name == "b" else None,
        dice.random() < 0.05,
    )


def _near(dice: random.Random, other: Event, days: int) -> datetime | None:
    """The very time of another event, or a window later, or a microsecond from that."""
    lengths = [timedelta(0), timedelta(0), timedelta(hours=1), DAY, 2 * DAY, WEEK]
    apart = dice.choice([timedelta(0), timedelta(0), MOMENT, -MOMENT, timedelta(milliseconds=400)])
    at = other.at + dice.choice(lengths) + apart
    return at if BEGINS <= at < BEGINS + days * DAY else None


def _regular(dice: random.Random, days: int, sources: dict[str, datetime]) -> list[Event]:
    """Now and then, an event that comes every day until it falls silent."""
    if dice.random() > 0.15:
        return []
    return [
        Event(0, "d", BEGINS + timedelta(days=day, hours=12), "web", "9", "z", "s9")
        for day in range(min(days, dice.choice([15, 20, 29])))
    ]


def random_questions(seed: int) -> list[tuple[Question, str]]:
    """A question of each measure, and the column that it is broken down by."""
    dice = random.Random(f"questions of {seed}")
    return [_question(dice, measure) for measure in MEASURES]


def _question(dice: random.Random, measure: str) -> tuple[Question, str]:
    unit = dice.choice(["user", "user", "user", "account", "account", "session"])
    column = {"user": "persona", "account": "plan"}.get(unit, "")
    start, *others = dice.sample(NAMES, 4)
    if dice.random() < 0.3:
        start, *others = "signed_up", *dice.sample(NAMES[1:], 3)
    said = {"unit": unit, "start": start, **_asked(dice, measure, start, others)}
    if "within" in said and dice.random() < 0.25:
        said["unless"] = others[2]
    if column and dice.random() < 0.15:
        values = {"user": ("engineer", "analyst"), "account": ("free", "paid")}[unit]
        said["among"] = {column: values[: dice.randint(1, 2)]}
    if dice.random() < 0.3:
        one = measure in {"did_before", "mix", "time_to"}
        said["entry"] = dice.choice(["first", "first_ever", *([] if one else ["any"])])
    asked = Question(id=measure, asks="How many?", decides="Much.", measure=measure, **said)
    return asked, column if dice.random() < 0.5 else ""


def _asked(dice: random.Random, measure: str, start: str, others: list[str]) -> dict[str, Any]:
    """What comes after the start, and how soon; now and then, the start itself again."""
    again = dice.random() < 0.2
    goal = start if again else others[0]
    within = {"within": dice.choice(["1h", "24h", "48h", "7d"])}
    match measure:
        case "steps":
            goals = others[: dice.randint(1, 3)]
            if again:
                goals = dice.choice([[goals[0], *goals[:2]], [start, *goals[:1]]])
            return within | {"goals": tuple(goals)}
        case "mix":
            return within | {"goals": (others[0], start if again else others[1])}
        case "did_before":
            return within | {"goal": goal, "first": others[1]}
        case "time_to":
            within = {"within": dice.choice(["24h", "48h", "7d"])} if dice.random() < 0.5 else {}
            return within | {"goal": goal, "edges": ("1h", "24h")}
    return within | {"goal": goal}
