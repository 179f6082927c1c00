"""What arrives, and what questions need of it: one scan of the log for all that counts rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.rules import distinct_rules
from playbook.data.tables import Tables
from playbook.declare import DataPoint, Question
from playbook.language.periods import ANCIENT, duration, moment
from playbook.language.portable import count_if, when
from playbook.language.wording import percent

UNIT_COLUMN = {"user": "user_id", "account": "account_id", "session": "session_id"}
IDS = (*UNIT_COLUMN.values(), "anonymous_id")
COUNTS = {"n", "unlinked", "bots", "ahead", "skewed", "ancient"}
FIRSTS = {"first", "sane_first"}  # of its moments, the earliest; the others are the latest
LATE = (60, 3600, 86_400, 259_200)  # seconds after which an arrival is late
AHEAD = 60  # seconds that a clock may be ahead of the collector's
Rows = list[dict[str, Any]]
CLOCKS = timedelta(seconds=AHEAD)
BLOCKS_BELOW = 0.5  # with less than half of a data point there, no answer is worth printing
CAVEAT_BELOW = 0.99
SILENT = timedelta(days=7)
USUAL = 0.95  # the share of rows that tells by when rows usually arrive


def daily_counts(arrivals: ir.Table, plan: Sequence[DataPoint]) -> ir.Table:
    """What arrived: one scan of the log, one row per event, source, version and day.

    Returns:
        `event`, `source`, `app_version`, `day` (of `at`, UTC; null: it has no time), `n` rows,
        `first` and `last` moment, `sane_first` and `sane_last` (of the times that are possible),
        `received` (the last arrival), `with_<column>` for each id, `received_at` and each planned
        property (rows that have it), `unlinked` (a user and no account), `bots`,
        `late_<seconds>`, `ahead` (its time is more than a minute after its arrival), `skewed`
        (its clock is a minute off the collector's), `ancient` (before 2000), and for each rule
        of the plan `broken_<i>`.
    """
    planned = [name for point in plan for name in point.properties]
    held = (name for name in planned if name in arrivals.columns)
    columns = dict.fromkeys((*IDS, "received_at", *held))
    possible = (_.received_at.isnull() | (_.at <= _.received_at)) & (_.at >= moment(ANCIENT))
    # How many of the limits an arrival is beyond; nearly all are settled by the first.
    limits = [_.received_at <= _.at + ibis.interval(seconds=limit) for limit in LATE]
    beyond = ibis.cases(
        (_.received_at.isnull() | _.at.isnull() | limits[0], 0),
        *((limit, i) for i, limit in enumerate(limits[1:], 1)),
        else_=len(LATE),
    )
    rows = arrivals.mutate(beyond_=beyond, possible_at=when(possible, _.at))
    broken = distinct_rules(plan, arrivals.columns).values()
    return rows.group_by(
        event=_.event, source=_.source, app_version=_.app_version, day=_.at.date()
    ).aggregate(
        n=_.count(),
        first=_.at.min(),
        last=_.at.max(),
        sane_first=_.possible_at.min(),
        sane_last=_.possible_at.max(),
        received=_.received_at.max(),
        **{f"with_{column}": _[column].count() for column in columns},
        unlinked=count_if(_.user_id.notnull() & _.account_id.isnull()),
        bots=count_if(_.is_bot),
        **{f"late_{limit}": count_if(_.beyond_ > i) for i, limit in enumerate(LATE)},
        ahead=count_if(early(rows.received_at, rows.at)),
        skewed=count_if(skewed(rows)),
        ancient=count_if(_.at < moment(ANCIENT)),
        **{f"broken_{i}": count_if(rule.broken(rows)) for i, rule in enumerate(broken)},
    )


def early(one: ir.TimestampValue, other: ir.TimestampValue) -> ir.BooleanValue:
    """Whether one time is more than a minute before another: clocks differ by less.

    Most rows are settled by the bare comparison, which costs a tenth of adding an interval.
    """
    return (one < other) & (one + ibis.interval(seconds=AHEAD) < other)


def skewed(rows: ir.Table) -> ir.BooleanValue:
    """Whether a row's clock is off: it was sent over a minute before or after it arrived.

    What a device holds back it sends late, but stamps as it sends it: so a late arrival is none.
    """
    sent, received = rows.sent_at, rows.received_at
    return early(sent, received) | early(received, sent) | early(received, rows.at)


def inferred_counts(arrivals: ir.Table, users: ir.Table) -> ir.Table:
    """Rows that name a user and no account, and whose user has one, counted as above."""
    owners = users.filter(_.account_id.notnull()).select("user_id")
    rows = arrivals.filter(_.account_id.isnull()).semi_join(owners, "user_id")
    return rows.group_by(
        event=_.event, source=_.source, app_version=_.app_version, day=_.at.date()
    ).aggregate(n=_.count())


def conflicts(shared: ir.Table, columns: Sequence[str]) -> ir.Table:
    """The ids whose rows differ in one of the columns: one row per id, `event_id`, `event`."""
    values = {f"of_{name}": _[name].cast("string").fill_null("") for name in columns}
    per_id = shared.mutate(**values).group_by("event_id")
    differs = [_[f"least_{name}"] != _[f"most_{name}"] for name in columns]
    ends = {f"least_{name}": _[f"of_{name}"].min() for name in columns}
    ends |= {f"most_{name}": _[f"of_{name}"].max() for name in columns}
    return (
        per_id.aggregate(event=_.event.min(), **ends)
        .filter(ibis.or_(*differs))
        .select("event_id", "event")
    )


def without_copies(rows: Rows, copies: Rows) -> Rows:
    """What `daily_counts` counts of all rows, less what it counts of the copies among them."""
    less = {_log_key(row): row for row in copies}
    return [
        {
            name: value - less[_log_key(row)][name] if _is_count(name) else value
            for name, value in row.items()
        }
        if _log_key(row) in less
        else row
        for row in rows
    ]


def renamed(rows: Rows, names: Mapping[str, str]) -> Rows:
    """What `daily_counts` would count if events of these names had those."""
    found: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        row = row | {"event": names.get(row["event"], row["event"])}
        own = found.setdefault(_log_key(row), row)
        for name in row if own is not row else ():
            if _is_count(name):
                own[name] += row[name]
            elif ends := [end for end in (own[name], row[name]) if end is not None]:
                own[name] = (min if name in FIRSTS else max)(ends)
    return list(found.values())


def usual_lateness(rows: Rows) -> timedelta:
    """How long after it happened an event is usually there: a minute, or else an hour.

    It is the first after which 95 % of the rows have arrived that say when they did; a minute,
    where none does. A log that is later still has an hour: what is missing then shall not count
    as there.
    """
    known = sum(row["with_received_at"] for row in rows)
    late = sum(row[f"late_{LATE[0]}"] for row in rows)
    return timedelta(seconds=LATE[late > (1 - USUAL) * known])


def coverage_per_event(rows: Rows, from_user: Rows, as_of: datetime) -> dict[str, dict[str, Any]]:
    """Event name → what its rows hold up to a moment, each event once.

    Returns:
        `n` events, `first` and `last`, those counts, and `inferred` (events whose
        account comes from their user). Rows without a time are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    until = as_of.date()
    for row in rows:
        if row["day"] is None or row["day"] > until or not row["n"]:
            continue
        event = found.setdefault(row["event"], {"event": row["event"], "inferred": 0})
        for name, value in row.items():
            if _is_count(name):
                event[name] = event.get(name, 0) + value
        event["first"] = min(event.get("first", row["first"]), row["first"])
        event["last"] = min(max(event.get("last", row["last"]), row["last"]), as_of)
    for row in from_user:
        if row["event"] in found and row["day"] is not None and row["day"] <= until:
            found[row["event"]]["inferred"] += row["n"]
    for event in found.values():
        event["with_account_id"] += event["inferred"]
    return found


def _is_count(name: str) -> bool:
    return name in COUNTS or name.startswith(("with_", "late_", "broken_"))


def _log_key(row: Mapping[str, Any]) -> tuple:
    return row["event"], row["source"], row["app_version"], row["day"]


def by_idleness(tables: Tables, unit: str) -> bool:
    """Whether units are sessions that the source does not name, and the 30-minute rule tells."""
    return unit == "session" and not tables.has("events", "session_id")


def unit_column(tables: Tables, unit: str) -> str:
    """The column of events that says whose they are."""
    if by_idleness(tables, unit):
        return "user_id" if tables.has("events", "user_id") else "anonymous_id"
    return UNIT_COLUMN[unit]


def need(
    question: Question,
    event: str,
    known: Mapping[str, Mapping[str, Any]],
    as_of: datetime,
    *,
    column: str = "",
) -> tuple[str, str]:
    """How well an event serves a question: (status, what was seen).

    The status is `ok`, `caveat` (it fell silent before `as_of` for longer than a week and than
    the question's window, or some of its rows lack what the question needs) or `missing`.
    `column` names its units, if it is not the usual one.
    """
    row = known.get(event)
    if not row or not row["n"]:
        return "missing", "no such event arrives"
    column = column or UNIT_COLUMN[question.unit]
    of_things = question.measure == "active" and question.hold  # whoever runs them
    if not of_things and (seen := _share_with(row, column)) < CAVEAT_BELOW:
        status, lacks = _graded(seen, column)
        # What a server did is in no visit: to leave it out of those that began is no loss.
        is_outside = question.unit == "session" and seen and event != question.start
        return ("caveat" if is_outside else status), lacks
    for held in question.hold:
        if (seen := _share_with(row, held)) < CAVEAT_BELOW:
            return _graded(seen, held)
    if question.unit == "account" and (part := row["inferred"] / row["n"]) > 1 - CAVEAT_BELOW:
        return (
            "caveat",
            f"{percent(part)} of its events name no account; it is taken from their user",
        )
    window = duration(question.within) if question.within else SILENT
    if as_of - row["last"] > max(window, SILENT):
        return "caveat", f"it fell silent: last seen {row['last']:%d %b %Y}"
    return "ok", f"{row['n']:,} events"


def _share_with(row: Mapping[str, Any], column: str) -> float:
    return row.get(f"with_{column}", 0) / row["n"]


def _graded(seen: float, column: str) -> tuple[str, str]:
    status = "missing" if seen < BLOCKS_BELOW else "caveat"
    return status, f"{percent(1 - seen)} of its events have no {column}"
