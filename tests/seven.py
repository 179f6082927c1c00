"""One small company, made once, and whose its events are, told by hand and not by the product.

Sixty people in fifteen accounts, three months. All were anonymous before they signed up; twenty
have a second device that is theirs only weeks later, some by an identification after which nothing
more was done on it; two people share a device; eight visitors never sign up. A row in twenty
stands twice, one in twenty is late, and what people write is not all ASCII.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

FIRST = datetime(2026, 1, 5, 8)
LAST = datetime(2026, 4, 4)
PERSONAS = ["Händler", "engineer", "データ", None]
ODD = {3: "zoë", 7: "o'neil", 11: "李-11", 19: 'q"19'}
PROPERTIES = {
    "draft": "string",
    "size": "int64",
    "amount": "float64",
    "is_big": "boolean",
    "note": "string",
}
PLAN = {
    "page_viewed": (),
    "signed_up": (),
    "project_created": ("size", "note"),
    "draft_opened": ("draft", "size"),
    "draft_saved": ("draft", "amount", "is_big", "note"),
    "draft_shared": ("draft",),
    "commented": ("note",),
    "invited": ("size",),
    "plan_viewed": (),
    "upgraded": ("amount",),
    "exported": ("size", "is_big"),
    "settings_changed": ("is_big",),
}


@dataclass(frozen=True)
class Event:
    """A row of the log as it was sent: `person` is "" where nobody was signed in."""

    id: str
    device: str
    person: str
    name: str
    at: datetime
    received_at: datetime
    session: int
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def sent_at(self) -> datetime:
        return self.at + timedelta(milliseconds=250)

    @property
    def source(self) -> str:
        return "ios" if self.device.endswith("b") else "web"


@dataclass(frozen=True)
class Company:
    """What happened.

    Attributes:
        people: `user_id`, `account_id`, `persona`, `signed_up_at`.
        events: The log, copies among it, in the order of their arrival.
        identified: Device, person and when, in the order of time.
    """

    people: list[dict[str, Any]]
    events: list[Event]
    identified: list[tuple[str, str, datetime]]

    def once(self) -> list[Event]:
        """Each event once: of its rows the one that came first."""
        return list({event.id: event for event in reversed(self.events)}.values())


@cache
def company() -> Company:
    """The company, the same in every run."""
    draw = random.Random(7)
    people, log, identified = [], [], []
    for n in range(60):
        person = ODD.get(n, f"u{n:02}")
        came = FIRST + timedelta(hours=draw.uniform(0, 24 * 65), milliseconds=draw.randrange(1000))
        joined = _to_ms(came + timedelta(hours=draw.uniform(0.1, 100)))
        people.append(
            {
                "user_id": person,
                "account_id": f"acc-{n % 15:02}",
                "persona": PERSONAS[draw.randrange(4)],
                "signed_up_at": joined,
            }
        )
        device = f"d{n - 1 if n == 6 else n:02}a"  # the seventh person signs up on the sixth's
        log += _events(draw, device, "", ["page_viewed"] * draw.randint(1, 3), came, joined)
        identified.append((device, person, joined))
        log += _events(draw, device, person, ["signed_up"], joined, joined)
        log += _life(draw, device, person, joined)
        if n % 3 == 1:
            log += _second_device(draw, n, person, joined, identified)
    for n in range(8):
        names = ["page_viewed", "plan_viewed", "page_viewed"][: draw.randint(1, 3)]
        log += _events(draw, f"v{n}a", "", names, FIRST, LAST)
    log = [replace(event, id=f"e-{i:05}") for i, event in enumerate(log) if event.at < LAST]
    copies = [
        replace(event, received_at=event.received_at + timedelta(hours=1)) for event in log[::20]
    ]
    log = sorted([*log, *copies], key=lambda event: (event.received_at, event.id))
    return Company(people, log, sorted(identified, key=lambda told: told[2]))


def owners_of_devices(found: Company) -> dict[str, str]:
    """Device → its person, where it was ever only one's: what a shape with devices can tell."""
    seen: dict[str, set[str]] = {}
    for event in found.events:
        if event.person:
            seen.setdefault(event.device, set()).add(event.person)
    for device, person, _at in found.identified:
        seen.setdefault(device, set()).add(person)
    return {device: min(whose) for device, whose in seen.items() if len(whose) == 1}


def first_owners(found: Company) -> dict[str, str]:
    """Device → who was identified on it first: what a shape tells whose vendor merges people."""
    return {device: person for device, person, _at in reversed(found.identified)}


def _life(draw: random.Random, device: str, person: str, joined: datetime) -> Iterator[Event]:
    """What somebody does after they signed up: a first path, then ever less."""
    at, draft = joined, 0
    for name, chance in (("project_created", 0.8), ("draft_opened", 0.9), ("draft_saved", 0.8)):
        if draw.random() > chance:
            break
        at += timedelta(hours=draw.choice([0.2, 2, 9, 30]) * draw.random())
        yield from _events(draw, device, person, [name], at, at, f"{person}/{draft}")
    for week in range(12):
        if draw.random() > 0.9 / (1 + week / 6):
            continue
        at = joined + timedelta(days=7 * week + draw.uniform(1, 7))
        draft += 1
        names = ["page_viewed", "draft_opened", "draft_saved", "draft_shared", *list(PLAN)[6:]]
        chosen = [name for name in names if draw.random() < 0.5]
        later = at + timedelta(minutes=40)
        yield from _events(draw, device, person, chosen, at, later, f"{person}/{draft}")


def _second_device(
    draw: random.Random, n: int, person: str, joined: datetime, identified: list
) -> Iterator[Event]:
    """A device that is nobody's for weeks; on every other one, nothing is done once it is known."""
    device, known = f"d{n:02}b", _to_ms(joined + timedelta(days=draw.uniform(8, 20)))
    if known >= LAST:
        return
    begins = joined - timedelta(days=2)
    yield from _events(draw, device, "", ["page_viewed", "plan_viewed"], begins, known)
    identified.append((device, person, known))
    if n % 2:
        later = known + timedelta(hours=1)
        yield from _events(draw, device, person, ["page_viewed", "draft_saved"], known, later)


def _events(
    draw: random.Random,
    device: str,
    person: str,
    names: list[str],
    first: datetime,
    last: datetime,
    draft: str = "",
) -> Iterator[Event]:
    """Events of one visit, in order of their time, each with some of its properties."""
    times = sorted(first + (last - first) * draw.random() for _name in names)
    session = 0
    for name, at in zip(names, map(_to_ms, times), strict=True):
        session = session or _in_ms(at) * 1000 + draw.randrange(1000)
        late = timedelta(days=2) if draw.random() < 0.05 else timedelta(milliseconds=700)
        given = {key: _value(draw, key, draft) for key in PLAN[name]}
        known = {key: value for key, value in given.items() if value is not None}
        yield Event("", device, person, name, at, at + late, session, known)


def _value(draw: random.Random, key: str, draft: str) -> Any:
    values = {
        "draft": draft or None,
        "size": draw.choice([0, 3, 12_000_000_000]),
        "amount": draw.choice([0.5, 19.99, 1e6]),
        "is_big": draw.choice([True, False]),
        "note": draw.choice(["naïve “draft” 🚀", "a\\b, 'c'", "plain"]),
    }
    return None if draw.random() < 0.15 else values[key]


def _to_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _in_ms(at: datetime) -> int:
    return round((at - datetime(1970, 1, 1)).total_seconds() * 1000)
