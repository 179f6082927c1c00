"""Small made-up companies as warehouses of many shapes, for `playbook init` to look at."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

import playbook as pb
from playbook import report

BEGIN = datetime(2026, 1, 5)
EVENTS = ("signed_up", "page_viewed", "note_saved", "note_shared")
Writer = Callable[[Path], None]


def answered(run_file: str | Path) -> dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]]:
    """The rows of the answer to each question of a run, whole and broken down as it says."""
    told = report.parameters(Path(run_file))
    run = report.opened_run(told)
    return {
        (question.id, by): pb.audit.answer(run, question.id, by=by).rows
        for question in run.declared.questions
        for by in dict.fromkeys([(), (told["by"],) if told["by"] else ()])
    }


def log(
    n: int = 60,
    *,
    events: Sequence[str] = EVENTS,
    days: int = 60,
    person: str = "user_id",
    event: str = "event",
    at: str = "timestamp",
    id: str = "event_id",
) -> pd.DataFrame:
    """Who did what when: all do the first event, half of them each other one, a few times."""
    dice, rows = np.random.default_rng(5), []
    for who in range(n):
        start = BEGIN + timedelta(hours=who * days * 24 / n)
        rows.append((f"u{who}", events[0], start))
        for name in events[1:]:
            if dice.random() < 0.5:
                times = dice.exponential(120, 1 + dice.poisson(3))
                rows += [(f"u{who}", name, start + timedelta(hours=float(h))) for h in times]
    found = pd.DataFrame(rows, columns=[person, event, at])
    found[at] = found[at].astype("datetime64[us]")
    found = found[found[at] < BEGIN + timedelta(days=days)].sort_values(at, ignore_index=True)
    if id:
        found.insert(0, id, [f"e{number}" for number in range(len(found))])
    return found


def users(n: int = 60) -> pd.DataFrame:
    """One row for each person."""
    return pd.DataFrame(
        {
            "id": [f"u{who}" for who in range(n)],
            "email": [f"somebody{who}@corp.com" for who in range(n)],
            "created_at": [BEGIN + timedelta(hours=who * 24) for who in range(n)],
            "role": [("engineer", "designer", "other")[who % 3] for who in range(n)],
        }
    )


def in_files(folder: Path, **tables: pd.DataFrame) -> None:
    """Writes each table as a Parquet file."""
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")


def in_database(folder: Path, *statements: str, **tables: pd.DataFrame) -> None:
    """Writes tables into one DuckDB file, then runs statements."""
    with duckdb.connect(folder / "company.duckdb") as connection:
        for name, table in tables.items():
            connection.register("given", table)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')
            connection.unregister("given")
        for statement in statements:
            connection.execute(statement)


def segment_call(id: str = "") -> pd.DataFrame:
    """Segment's `tracks`, without properties."""
    own = log()
    times = dict.fromkeys(("timestamp", "received_at", "sent_at"), own["timestamp"])
    ids = {"id": id + own["event_id"], "user_id": own["user_id"]}
    call = pd.DataFrame(ids | {"event": own["event"], "event_text": own["event"]} | times)
    return call.assign(anonymous_id="anon_" + own["user_id"], context_ip="10.0.0.1")


def segment(folder: Path) -> None:
    """`tracks` and a table for each event, of which some carry a property."""
    calls = segment_call()
    single = {
        name: own.assign(note_id="n1") if "note" in name else own
        for name, own in calls.groupby("event")
    }
    identifies = calls[["id", "user_id", "anonymous_id", "timestamp"]]
    in_files(folder, tracks=calls, identifies=identifies, users=users(), **single)


def segment_tracks(folder: Path) -> None:
    in_files(folder, tracks=segment_call(), users=users())


def rudderstack(folder: Path) -> None:
    calls = segment_call().assign(channel="web", context_session_id=1)
    in_database(
        folder,
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.tracks AS SELECT * FROM t",
        "DROP TABLE t",
        t=calls,
    )


def posthog(folder: Path) -> None:
    own = log(id="uuid")
    said = [json.dumps({"$lib": "web", "$user_id": who}) for who in own["user_id"]]
    rows = own.assign(distinct_id="d" + own["user_id"], properties=said)
    in_files(folder, events=rows.drop(columns="user_id"))


def posthog_without_users(folder: Path) -> None:
    own = log(id="uuid", person="distinct_id")
    in_files(folder, events=own.assign(properties='{"$lib": "web"}'))


def amplitude(folder: Path) -> None:
    own = log(person="USER_ID", event="EVENT_TYPE", at="EVENT_TIME", id="UUID")
    rows = own.assign(AMPLITUDE_ID=own["USER_ID"].str[1:].astype(int), SESSION_ID=-1)
    in_files(folder, EVENTS_7=rows)


def mixpanel(folder: Path) -> None:
    own = log(id="insert_id", event="event_name", at="time")
    seconds = own["time"].astype("datetime64[s]").astype("int64")
    rows = own.assign(distinct_id="d" + own["user_id"], time=seconds, properties="{}")
    in_files(folder, mp_master_event=rows)


def ga4(folder: Path) -> None:
    own = log(event="event_name", at="event_timestamp", id="event_bundle_sequence_id", days=20)
    micros = own["event_timestamp"].astype("int64")
    rows = own.assign(event_timestamp=micros, user_pseudo_id="d" + own["user_id"])
    half = len(rows) // 2
    in_files(folder, events_20260105=rows[:half], events_20260106=rows[half:])


def snowplow(folder: Path) -> None:
    own = log(event="event_name", at="dvce_created_tstamp")
    same = own["dvce_created_tstamp"]
    rows = own.assign(collector_tstamp=same, domain_userid="d" + own["user_id"], platform="web")
    in_files(folder, events=rows)


VENDORS: dict[str, tuple[Writer, ...]] = {
    "segment": (segment, segment_tracks),
    "rudderstack": (rudderstack,),
    "posthog": (posthog, posthog_without_users),
    "amplitude": (amplitude,),
    "mixpanel": (mixpanel,),
    "ga4": (ga4,),
    "snowplow": (snowplow,),
}


def table_per_event(folder: Path, *, before: str = "track_", numbered: bool = False) -> None:
    """One table for each event, with ids of its own if `numbered`."""
    for name, own in log().groupby("event"):
        rows = own.drop(columns="event")
        rows = rows.assign(event_id=range(len(rows))) if numbered else rows
        rows.to_parquet(folder / f"{before}{name}.parquet")


def _texts(form: str) -> pd.DataFrame:
    own = log()
    return own.assign(timestamp=own["timestamp"].dt.strftime(form))


def _since_1970(unit: str) -> pd.DataFrame:
    own = log(at="ts")
    return own.assign(ts=own["ts"].astype(f"datetime64[{unit}]").astype("int64"))


def _many(folder: Path) -> None:
    more = [f"CREATE TABLE t{i} AS SELECT {i} AS a, 'x' AS b" for i in range(399)]
    in_database(folder, *more, events=log())


def _views(folder: Path) -> None:
    in_database(
        folder,
        "CREATE VIEW also AS SELECT * FROM events",
        "CREATE TABLE gone AS SELECT 1 AS a",
        "CREATE VIEW broken AS SELECT * FROM gone",
        "DROP TABLE gone",
        events=log(),
    )


def _spaces(folder: Path) -> None:
    own = log(person="User ID", event="Event Name", at="Event Time", id="Event ID")
    own.to_csv(folder / "my events.csv", index=False)
    users().to_csv(folder / "all users.csv", index=False)


def _numbers(folder: Path) -> None:
    own = log(id="")
    own = own.assign(user_id=own["user_id"].str[1:].astype(int), id=range(len(own)))
    in_files(folder, events=own, users=users().assign(id=range(60)))


def _unicode(folder: Path) -> None:
    names = ("регистрация", "просмотр", "заказ")
    own = log(person="пользователь", event="событие", at="время", id="", events=names)
    in_files(folder, журнал=own)


def _case_alike(folder: Path) -> None:
    in_files(folder, events=log().assign(USER_ID="x", Event="y"))


def _hostile(folder: Path) -> None:
    names = ("signed: up", 'a "b" #c', "- d", "null")
    in_files(folder, events=log(events=names).assign(**{'it\'s "x": #': "v", "a.b": 1, "{x}": "y"}))


def _late(folder: Path, *rows: int) -> None:
    own = log()
    own.loc[own.index[slice(*rows)], "timestamp"] += timedelta(days=20_000)
    in_files(folder, events=own)


def _fractions(folder: Path) -> None:
    own = log(id="")
    ids = own["user_id"].str[1:].astype(float).mask(own.index % 7 == 0)
    in_files(folder, events=own.assign(user_id=ids), users=users().assign(id=range(60)))


def _booleans(folder: Path) -> None:
    own = log().assign(is_big=True, is_bot=False)
    in_files(folder, events=own, users=users().assign(is_internal=False, active=[True, False] * 30))


def _nested(folder: Path) -> None:
    more = "{'size': 3, 'x': {'y': 1}} AS properties, MAP {'k': 'v'} AS traits, ['a'] AS tags"
    made = f"CREATE TABLE nested AS SELECT *, {more}, 'no JSON' AS params FROM events"
    in_database(folder, made, "DROP TABLE events", events=log())


def _types(folder: Path) -> None:
    names = ", ".join(f"'{name}'" for name in EVENTS)
    columns = "md5(user_id)::UUID AS user_id, event::k AS event, timestamp::TIMESTAMPTZ AS at"
    made = f"CREATE TABLE typed AS SELECT {columns} FROM events"
    in_database(folder, f"CREATE TYPE k AS ENUM ({names})", made, "DROP TABLE events", events=log())


def _wide(folder: Path) -> None:
    own = log()
    wide = pd.DataFrame({f"c{i}": ["x", "y"][i % 2] for i in range(500)}, index=own.index)
    in_files(folder, events=pd.concat([wide, own], axis=1))


def _gaps(folder: Path) -> None:
    own = log()
    own.loc[::5, "event"] = ""
    own.loc[1::5, "timestamp"] = pd.NaT
    own.assign(user_id=own["user_id"].mask(own.index % 3 == 0, "")).to_csv(folder / "events.csv")


def _messages(folder: Path) -> None:
    own = log(id="message_id", event="campaign", at="sent_at")
    in_files(folder, messages=own)


def _accounts(folder: Path) -> None:
    ids = [f"a{number}" for number in range(20)]
    in_files(folder, accounts=pd.DataFrame({"account_id": ids, "plan": "pro", "created_at": BEGIN}))


def _named_abroad(folder: Path) -> None:
    in_files(folder, **{"журнал событий": log(), "Nutzer größer": users()})


def _no_tables(folder: Path) -> None:
    (folder / "readme.md").write_text("hello")
    (folder / "events.xlsx").write_bytes(b"PK")
    (folder / "events.csv").write_text("")


def _malformed(folder: Path) -> None:
    own = log(id="uuid", person="distinct_id")
    in_files(folder, events=own.assign(properties="{broken"))


def _broken(folder: Path) -> None:
    (folder / "x.csv").write_bytes(b"\x00\xff\xfe" * 50)
    (folder / "y.txt").write_text("hello")


# Name → what writes it, and whether a product comes of it; else a mistake in three parts.
ODD: dict[str, tuple[Writer, bool]] = {
    "an empty folder": (lambda f: None, False),
    "empty tables": (lambda f: in_files(f, events=log()[:0], users=users()[:0]), False),
    "users alone": (lambda f: in_files(f, users=users()), False),
    "no times": (lambda f: in_files(f, events=log().drop(columns="timestamp")), False),
    "nobody": (lambda f: in_files(f, events=log().assign(user_id=None)), False),
    "addresses as ids": (
        lambda f: in_files(f, events=log().assign(user_id="a" + log()["user_id"] + "@b.com")),
        False,
    ),
    "ids with fractions": (
        lambda f: in_files(f, events=log().assign(user_id=log().index // 9 + 0.5)),
        False,
    ),
    "two people": (lambda f: in_files(f, events=log(2)), False),
    "broken files": (_broken, False),
    "no table": (_no_tables, False),
    "a head alone": (lambda f: (f / "events.csv").write_text("user_id,event,timestamp\n"), False),
    "one person": (lambda f: in_files(f, events=log(1)), False),
    "one row": (lambda f: in_files(f, events=log()[:1]), False),
    "no names of events": (lambda f: in_files(f, events=log().drop(columns="event")), False),
    "a name each": (
        lambda f: in_files(f, events=log().assign(event=log()["event_id"] + "!")),
        False,
    ),
    "messages alone": (_messages, False),
    "accounts alone": (_accounts, False),
    "a vendor's, empty": (lambda f: in_files(f, tracks=segment_call()[:0], users=users()), False),
    "malformed JSON": (_malformed, False),
    "some times to come": (lambda f: _late(f, -3, None), True),
    "all times to come": (lambda f: _late(f, 0, None), True),
    "numbers with fractions": (_fractions, True),
    "booleans": (_booleans, True),
    "nested": (_nested, True),
    "rare types": (_types, True),
    "500 columns": (_wide, True),
    "gaps": (_gaps, True),
    "tables named abroad": (_named_abroad, True),
    "JSON lines": (
        lambda f: log().to_json(f / "e.jsonl", orient="records", lines=True, date_format="iso"),
        True,
    ),
    "users twice": (lambda f: in_files(f, events=log(), users=pd.concat([users()] * 2)), True),
    "one table": (lambda f: log().to_csv(f / "events.csv", index=False), True),
    "400 tables": (_many, True),
    "spaces": (_spaces, True),
    "German times": (lambda f: in_files(f, events=_texts("%d.%m.%Y %H:%M")), True),
    "ISO texts": (lambda f: in_files(f, events=_texts("%Y-%m-%dT%H:%M:%SZ")), True),
    "milliseconds": (lambda f: in_files(f, events=_since_1970("ms")), True),
    "seconds": (lambda f: in_files(f, events=_since_1970("s")), True),
    "dates only": (
        lambda f: in_files(f, events=log(id="").assign(timestamp=log()["timestamp"].dt.date)),
        True,
    ),
    "two logs": (
        lambda f: in_files(f, web=log(), app=log().assign(event_id="m" + log()["event_id"])),
        True,
    ),
    "views": (_views, True),
    "one event": (lambda f: in_files(f, events=log(events=("opened",))), True),
    "numbers as ids": (_numbers, True),
    "Unicode": (_unicode, True),
    "plain words": (
        lambda f: in_files(f, stuff=log(person="who", event="what", at="when", id="")),
        True,
    ),
    "all null": (
        lambda f: in_files(f, events=log().assign(account_id=None, foo=None), users=users()),
        True,
    ),
    "names alike": (_case_alike, True),
    "hostile names": (_hostile, True),
    "devices": (lambda f: in_files(f, events=log(person="device_id")), True),
    "no sign-up": (
        lambda f: in_files(f, events=log(events=("page_viewed", "note_saved", "x"))), True
    ),
    "one day": (lambda f: in_files(f, events=log(days=1)), True),
    "tables of events": (table_per_event, True),
}  # fmt: skip
