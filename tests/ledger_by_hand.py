"""The ledger of all plays as plainly as possible: every message judged by itself, in time order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playbook.declare import Limit, Play, Quiet, Sending, Step
from playbook.language.periods import Period, duration, words

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class World:
    """What plays look at; every row is a dictionary by canonical columns."""

    plays: Sequence[Play]
    sending: Sending
    period: Period
    events: Sequence[Row]
    users: Sequence[Row]
    suppressions: Sequence[Row] = ()
    messages: Sequence[Row] = ()
    done: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in sorted(self.events, key=lambda row: row["at"]):
            self.done.setdefault((row["user_id"], row["event"]), []).append(row["at"])

    def times(self, user: str, event: str) -> list[datetime]:
        return self.done.get((user, event), [])


def ledger(world: World) -> list[Row]:
    """One row per message that is due, decided."""
    due = [row for play in world.plays for row in _of_play(world, play)]
    waiting = []
    for row in due:
        decision, reason = _alone(world, row)
        row |= {"decision": decision, "reason": reason}
        if not decision:
            waiting.append(row)
    sent: list[Row] = []
    for row in sorted(waiting, key=lambda row: _order(world, row)):
        decision, reason = _beside(world, row, sent)
        if not decision and row["arm"] != "treated":
            which = "all plays" if row["arm"] == "everything" else "this play"
            decision, reason = "holdout", f"held out from {which}"
        if not decision:
            decision, reason = "send", ""
            sent.append(row)
        row |= {"decision": decision, "reason": reason}
    hidden = ("persons", "of", "began_at", "done", "quiet", "local")
    return [{key: value for key, value in row.items() if key not in hidden} for row in due]


# Who and when


def _of_play(world: World, play: Play) -> Iterator[Row]:
    firsts = [row for user in world.users for row in _of_person(world, play, user)]
    if play.unit == "account":
        by_unit: dict[tuple, list[Row]] = {}
        for row in firsts:
            by_unit.setdefault((row["unit"], row["episode"]), []).append(row)
        firsts = [
            min(rows, key=lambda row: (bool(row["done"]), row["moment_at"], row["user_id"]))
            for rows in by_unit.values()
        ]
    for first in firsts:
        if first["began_at"] < world.period.since:
            continue
        first["arm"] = _arm(world, play, first)
        yield first
        if first["done"]:
            continue
        for number, step in enumerate(play.then, 1):
            if _meant(first["of"], step.audience):
                due_at = first["triggered_at"] + duration(step.after)
                base = {k: first[k] for k in ("unit", "episode", "of", "began_at", "arm")}
                if row := _message(world, play, step, number, due_at, base):
                    yield row


def _of_person(world: World, play: Play, user: Row) -> Iterator[Row]:
    unit = user[f"{play.unit}_id"]
    if user["is_internal"] or unit is None or not _meant(user, play.audience):
        return
    for episode, began_at in enumerate(_episodes(world, play, user["user_id"]), 1):
        if began_at < world.period.until:
            base = {"unit": unit, "episode": episode, "of": user, "began_at": began_at}
            due_at = began_at + duration(play.after)
            if row := _message(world, play, play, 0, due_at, base):
                yield row


def _episodes(world: World, play: Play, user: str) -> list[datetime]:
    begun: list[datetime] = []
    for time in world.times(user, play.trigger):
        if not begun or (
            play.again is not None and time > begun[-1] and time - begun[-1] >= duration(play.again)
        ):
            begun.append(time)
    return begun


def _message(
    world: World, play: Play, part: Play | Step, step: int, due_at: datetime, base: Row
) -> Row | None:
    user, channel = base["of"], part.channel or play.channel
    rules = [q for q in world.sending.quiet if q.channel in (None, channel)]
    zone = _zone(world, user)
    moment = due_at
    waits = [rule for rule in rules if rule.then == "wait"]
    if any(_inside(moment, zone, rule) for rule in waits):
        moment = _first_out(moment, zone, waits)
    if moment > world.period.as_of:
        return None
    row = base | {
        "play": play.slug,
        "step": step,
        "user_id": user["user_id"],
        "account_id": user["account_id"],
        "channel": channel,
        "triggered_at": due_at,
        "moment_at": moment,
        "local": _local(moment, zone),
    }
    inside = [rule for rule in rules if _inside(moment, zone, rule)]
    row["quiet"] = f"{inside[0].begins} to {inside[0].ends}, {zone.key}" if inside else ""
    row["done"] = _done(world, play, part, row)
    return row


def _first_out(moment: datetime, zone: ZoneInfo, rules: Sequence[Quiet]) -> datetime:
    """Minute by minute, until the clock on the wall shows no quiet hours any more."""
    time = moment.replace(second=0, microsecond=0)
    while time < moment or any(_inside(time, zone, rule) for rule in rules):
        time += MINUTE
    return time


def _inside(moment: datetime, zone: ZoneInfo, rule: Quiet) -> bool:
    now = _local(moment, zone).strftime("%H:%M")
    if rule.begins <= rule.ends:
        return rule.begins <= now < rule.ends
    return now >= rule.begins or now < rule.ends


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _zone(world: World, user: Row) -> ZoneInfo:
    try:
        return ZoneInfo(user["timezone"] or "")
    except (KeyError, ValueError, OSError):
        return ZoneInfo(world.sending.zone)


def _meant(user: Row, audience: dict[str, Sequence[str]]) -> bool:
    return all(user[column] in accepted for column, accepted in audience.items())


def _done(world: World, play: Play, part: Play | Step, row: Row) -> str:
    user, moment = row["user_id"], row["moment_at"]
    for event in part.unless:
        if any(at <= moment for at in world.times(user, event)):
            return f"had done {event}"
    for event in play.exits:
        if any(row["began_at"] < at <= moment for at in world.times(user, event)):
            return f"did {event} after the trigger"
    for event in part.having:
        if not any(at <= moment for at in world.times(user, event)):
            return f"had not done {event}"
    return ""


# Arms


def bucket(text: str) -> int:
    return int(hashlib.md5(text.encode()).hexdigest()[:7], 16) % 10_000


def _arm(world: World, play: Play, row: Row) -> str:
    sending, user = world.sending, row["of"]
    whole = user["user_id"]
    if sending.holdout_unit == "account" and user["account_id"] is not None:
        whole = user["account_id"]
    if bucket(f"{sending.salt}:{whole}") < round(sending.holdout * 10_000):
        return "everything"
    share = play.holdout
    for column, shares in play.holdout_by.items():
        value = user[column]
        if play.unit == "account":
            value = _of_account(world, row["unit"], column)
        share = shares.get(value, share)
    salt = play.salt or play.slug
    return "holdout" if bucket(f"{salt}:{row['unit']}") < round(share * 10_000) else "treated"


def _of_account(world: World, account: str, column: str) -> Any:
    """What the person says who came first."""
    members = [u for u in world.users if u["account_id"] == account and not u["is_internal"]]
    late = datetime(9999, 1, 1)
    return min(members, key=lambda u: (u["signed_up_at"] or late, u["user_id"]))[column]


# What stops a message


def _alone(world: World, row: Row) -> tuple[str, str]:
    if row["done"]:
        return "already_done", row["done"]
    if row["quiet"]:
        return "quiet", row["quiet"]
    user, channel, moment = row["user_id"], row["channel"], row["moment_at"]
    lists = [
        each["reason"] or "not to be sent"
        for each in world.suppressions
        if each["user_id"] == user
        and each["channel"] in (None, channel)
        and (each["from_at"] is None or each["from_at"] <= moment)
        and (each["to_at"] is None or each["to_at"] > moment)
    ]
    if lists:
        return "suppressed", f"on the list: {min(lists)}"
    earlier = [m for m in world.messages if m["user_id"] == user and m["channel"] == channel]

    def happened(column: str, among: Sequence[Row] = earlier) -> bool:
        return any(m.get(column) is not None and m[column] <= moment for m in among)

    if happened("unsubscribed_at"):
        return "suppressed", "had unsubscribed"
    if happened("complained_at"):
        return "suppressed", "had marked it as spam"
    if channel == "email" and row["of"]["email_domain"] is None:
        return "unreachable", "no e-mail address"
    if channel == "email" and happened(
        "bounced_at", [m for m in earlier if m.get("bounce_kind") == "hard"]
    ):
        return "unreachable", "an e-mail had bounced"
    return "", ""


def _order(world: World, row: Row) -> tuple:
    play = _play(world, row)
    return (
        _stretch(world, row),
        -play.priority,
        row["moment_at"],
        row["play"],
        row["step"],
        row["user_id"],
        row["episode"],
    )


def _beside(world: World, row: Row, sent: Sequence[Row]) -> tuple[str, str]:
    """What the messages that were sent before it make of a message."""
    for other in _play(world, row).suppressed_by:
        if any(s["play"] == other and s["user_id"] == row["user_id"] for s in sent):
            return "suppressed", f"had been sent {other}"
    own = _stretch(world, row)
    for s in sent:
        if _stretch(world, s) == own and _whose(s, world.sending.one_per) == _whose(
            row, world.sending.one_per
        ):
            return "lost_priority", f"to {s['play']}"
    for limit in world.sending.limits:
        if limit.channel not in (None, row["channel"]):
            continue
        counted = [
            s
            for s in sent
            if limit.channel in (None, s["channel"])
            and _whose(s, limit.per) == _whose(row, limit.per)
            and _is_near(world, limit, s, row)
        ]
        if len(counted) >= limit.most:
            return "capped", _told(limit)
    return "", ""


def _is_near(world: World, limit: Limit, sent: Row, row: Row) -> bool:
    if limit.within not in ("day", "week"):
        length = int(duration(limit.within).total_seconds())
        return _stretch(world, sent) > _stretch(world, row) - length or _stretch(
            world, sent
        ) == _stretch(world, row)

    def begins(each: Row) -> Any:
        product = ZoneInfo(world.sending.zone)
        time = each["local"] if limit.per == "user" else _local(each["moment_at"], product)
        day = time.date()
        return day - timedelta(days=day.weekday()) if limit.within == "week" else day

    return begins(sent) == begins(row)


def _told(limit: Limit) -> str:
    calendar = limit.within in ("day", "week")
    span = f"a {limit.within}" if calendar else f"in {words(duration(limit.within))}"
    kind = f"{limit.channel} " if limit.channel else ""
    who = {"user": "person", "account": "account"}[limit.per]
    return f"{limit.most} {kind}per {who} {span}"


def _whose(row: Row, per: str) -> tuple:
    if per == "account" and row["account_id"] is not None:
        return "account", row["account_id"]
    return "user", row["user_id"]


def _stretch(world: World, row: Row) -> int:
    seconds = int((row["moment_at"] - EPOCH) // timedelta(seconds=1))
    every = max(int(duration(world.sending.every).total_seconds()), 1)
    return seconds - seconds % every


def _play(world: World, row: Row) -> Play:
    return next(play for play in world.plays if play.slug == row["play"])
