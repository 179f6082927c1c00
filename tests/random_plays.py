"""Random products: plays that get in each other's way, and people who live through all of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from hypothesis import strategies as st

from playbook.data.tables import COLUMNS, TIME, Tables
from playbook.data.warehouse import Warehouse
from playbook.declare import Declarations, Limit, Play, Product, Quiet, Sending, Step
from playbook.language.periods import Period
from playbook.run import Run
from tests.ledger_by_hand import Row, World

EVENTS = ("signed_up", "saved", "ran", "left")
PERSONAS = ("engineer", "marketer")
CHANNELS = ("email", "in_app")
# Clocks change in New York on 8 March, in Berlin on 29 March, on Lord Howe by half an hour on
# 5 April, all within the log.
BEGINS, DAYS = datetime(2026, 3, 1), 40
CHANGES = (datetime(2026, 3, 8, 7), datetime(2026, 3, 29, 1), datetime(2026, 4, 4, 15))
ZONES = (
    *("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
    *("Pacific/Chatham", "UTC", "Mars/Olympus", None),
)
PERIOD = Period(datetime(2026, 3, 4), datetime(2026, 4, 8), datetime(2026, 4, 9, 12, 30))
KINDS = {"string": pa.string(), TIME: pa.timestamp("us"), "boolean": pa.bool_()}


def some(values: Sequence[str], most: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    if not values:
        return st.just(())
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


@st.composite
def plays(draw: st.DrawFn) -> list[Play]:
    """Up to five plays; each may be suppressed by those before it."""
    found: list[Play] = []
    for place in range(draw(st.integers(1, 5))):
        trigger = draw(st.sampled_from(EVENTS[:3]))
        others = [event for event in EVENTS if event != trigger]
        unless = draw(some(others))
        free = [event for event in others if event not in unless]
        exits = draw(some([*free, trigger], 2))
        found.append(
            Play(
                # Slugs whose order is not that of the declaration.
                slug=f"{'dbeac'[place]}_play",
                says="Says.",
                audience=draw(st.sampled_from([{}, {}, {"persona": ("engineer",)}])),
                channel=draw(st.sampled_from(CHANNELS)),
                trigger=trigger,
                after=draw(st.sampled_from(["0s", "0s", "30m", "9h", "24h", "3d"])),
                again=draw(st.sampled_from([None, None, "0s", "90m", "24h", "7d"])),
                unless=unless,
                exits=exits,
                having=draw(some([event for event in free if event not in exits])),
                suppressed_by=draw(some([play.slug for play in found], 2)),
                then=tuple(draw(st.lists(steps(trigger), max_size=2))),
                goal=draw(st.sampled_from(others)),
                goal_within="72h",
                unit=draw(st.sampled_from(["user", "account"])),
                priority=draw(st.integers(0, 2)),
                holdout=draw(st.sampled_from([0.0, 0.2, 0.5])),
                holdout_by=draw(st.sampled_from([{}, {}, {"persona": {"engineer": 0.6}}])),
                salt=draw(st.sampled_from([None, "again"])),
            )
        )
    return found


def steps(trigger: str) -> st.SearchStrategy[Step]:
    others = [event for event in EVENTS if event != trigger]
    return st.builds(
        Step,
        after=st.sampled_from(["0s", "1h", "24h", "4d"]),
        channel=st.sampled_from([None, *CHANNELS]),
        audience=st.sampled_from([{}, {"persona": ("marketer",)}]),
        unless=some(others),
        having=some(others),
    )


def sending() -> st.SearchStrategy[Sending]:
    limits = st.builds(
        Limit,
        most=st.integers(1, 3),
        per=st.sampled_from(["user", "account"]),
        within=st.sampled_from(["day", "week", "30m", "24h", "26h", "7d"]),
        channel=st.sampled_from([None, *CHANNELS]),
    )
    hours = [("21:00", "08:00"), ("02:00", "02:30"), ("01:30", "03:00"), ("23:00", "02:15")]
    hours += [("12:00", "13:00"), ("08:00", "09:00"), ("07:30", "07:30")]
    quiet = st.tuples(
        st.sampled_from(hours), st.sampled_from(["wait", "drop"]), st.sampled_from([None, "email"])
    ).map(lambda d: Quiet(begins=d[0][0], ends=d[0][1], then=d[1], channel=d[2]))
    return st.builds(
        Sending,
        every=st.sampled_from(["0s", "1h", "5h", "24h"]),
        one_per=st.sampled_from(["user", "account"]),
        limits=st.integers(0, 3).flatmap(lambda n: st.tuples(*[limits] * n)),
        quiet=st.integers(0, 3).flatmap(lambda n: st.tuples(*[quiet] * n)),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
        holdout=st.sampled_from([0.0, 0.2]),
        holdout_unit=st.sampled_from(["user", "account"]),
    )


def world(plays: Sequence[Play], sending: Sending, seed: int, people: int = 60) -> World:
    """A product with a random history."""
    draw = random.Random(seed)
    users = [_user(draw, place, people) for place in range(people)]
    ids = [user["user_id"] for user in users]
    events = [_event(draw, draw.choice(ids)) for _each in range(people * 7)]
    lists = [_suppression(draw, draw.choice(ids)) for _each in range(people // 8)]
    messages = [_sent(draw, draw.choice(ids)) for _each in range(people // 4)]
    return World(plays, sending, PERIOD, events, users, lists, messages)


def run(world: World, warehouse: Warehouse) -> Run:
    """The same product, opened."""
    product = Product(name="Random", tables={}, sending=world.sending)
    declared = Declarations(product, (), (), tuple(world.plays), ())
    internal = {user["user_id"] for user in world.users if user["is_internal"]}
    rows = [event | {"event_id": str(place)} for place, event in enumerate(world.events)]
    events = stored("events", rows).mutate(is_inferred=False)
    events = events.mutate(is_internal=events.user_id.isin([*internal, ""]))
    tables = {"users": world.users, "suppressions": world.suppressions, "messages": world.messages}
    found = {name: stored(name, rows) for name, rows in tables.items()}
    mapped = {name: frozenset(COLUMNS[name]) for name in found}
    opened = Tables(arrivals=events, once=lambda: events, mapped=mapped, **found)
    uncounted = {"arrived": [], "copied": [], "inferred": []}
    return Run(declared, warehouse, opened, world.period, BEGINS, **uncounted)


def stored(name: str, rows: Sequence[Row]) -> ir.Table:
    """Rows as a canonical table."""
    types = {column: spec.type for column, spec in COLUMNS[name].items() if spec.type in KINDS}
    schema = pa.schema([(column, KINDS[kind]) for column, kind in types.items()])
    found = ibis.memtable(pa.Table.from_pylist(list(rows), schema))
    flags = [column for column in found.columns if column.startswith("is_")]
    times = [column for column, kind in types.items() if kind == TIME]
    return found.mutate(
        **{column: found[column].cast(TIME) for column in times},
        **{column: found[column].fill_null(False) for column in flags},
    )


def _time(draw: random.Random) -> datetime:
    """Often near another one, on a quarter of an hour, or where clocks change."""
    if draw.random() < 0.2:
        return draw.choice(CHANGES) + timedelta(minutes=15 * draw.randrange(-120, 120))
    time = BEGINS + timedelta(minutes=15 * draw.randrange(DAYS * 96))
    return time + timedelta(seconds=draw.choice([0, 0, 1, 59.5]))


def _event(draw: random.Random, user: str) -> Row:
    return {"user_id": user, "event": draw.choice(EVENTS), "at": _time(draw), "is_bot": False}


def _user(draw: random.Random, place: int, people: int) -> Row:
    account = draw.randrange(people // 3)
    return {
        "user_id": f"u{place:02d}",
        "account_id": f"a{account:02d}" if draw.random() < 0.85 else None,
        "signed_up_at": BEGINS + timedelta(hours=draw.randrange(99)),
        "email_domain": "acme.example" if draw.random() < 0.9 else None,
        "persona": draw.choice([*PERSONAS, None]),
        "timezone": draw.choice(ZONES),
        "is_internal": draw.random() < 0.1,
    }


def _suppression(draw: random.Random, user: str) -> Row:
    return {
        "user_id": user,
        "channel": draw.choice([None, *CHANNELS]),
        "reason": draw.choice(["complained", "opted_out", None]),
        "from_at": draw.choice([None, _time(draw)]),
        "to_at": draw.choice([None, _time(draw)]),
    }


def _sent(draw: random.Random, user: str) -> Row:
    happened = draw.choice(["unsubscribed_at", "complained_at", "bounced_at", "seen_at"])
    time = _time(draw)
    return {
        "message_id": str(draw.random()),
        "user_id": user,
        "channel": draw.choice(CHANNELS),
        "sent_at": time,
        "bounce_kind": draw.choice(["hard", "soft", None]),
        happened: time,
    }
