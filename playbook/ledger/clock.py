"""The clock of whoever gets a message: their zone, their day, and their quiet hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from playbook.data.tables import TIME
from playbook.declare import Quiet
from playbook.language import portable
from playbook.ledger.people import OF
from playbook.run import Run

ZONE = OF + "timezone"
DAY = 24 * 60  # in minutes
Hours = tuple[int, int]  # the first quiet minute of the day, and the first after them
ALWAYS, NEVER = datetime(1900, 1, 1), datetime(2200, 1, 1)


def needed(run: Run) -> bool:
    """Whether anything depends on what time it is where people are."""
    sending = run.declared.product.sending
    return bool(sending.quiet) or any(each.within in ("day", "week") for each in sending.limits)


def going_out(run: Run, rows: ir.Table, channel: str) -> ir.Table:
    """The rows (`triggered_at`, and the person's zone where one is needed) with their moment.

    A message that is due in quiet hours waits for the first moment at which the person's wall
    clock is out of them: at a change of clocks that may be the change itself. Where several
    quiet hours follow on each other it waits for the end of the last.

    Returns:
        `moment_at`, `local_at` (the wall clock then), and `quiet`: the quiet hours that the
        moment is in nevertheless, in words, because these are not waited for, or never end.
    """
    if not needed(run):
        return rows.mutate(
            moment_at=_.triggered_at, local_at=_.triggered_at, quiet=ibis.null("string")
        )
    rules = [q for q in run.declared.product.sending.quiet if q.channel in (None, channel)]
    hours = _waiting(rules)
    judged = rules if _never_ends(hours) else [rule for rule in rules if rule.then == "drop"]
    columns, zones = rows.columns, _zones(run)
    known = rows.mutate(zone_=_zone_of(run, rows)).inner_join(
        zones,
        [
            _.zone_ == zones.of_zone,
            _.triggered_at >= zones.from_at,
            _.triggered_at < zones.until_at,
        ],
    )
    found = known.mutate(moment_at=_waited(known, hours, _resumed(channel)))
    found = found.mutate(local_at=_local(found))
    return found.mutate(quiet=_quiet_in_words(found, judged)).select(
        *columns, "moment_at", "local_at", "quiet"
    )


def _waiting(rules: Sequence[Quiet]) -> list[Hours]:
    """The hours of the day that are waited for the end of, those that touch or overlap as one."""
    day = range(DAY)
    within = [any(rule.then == "wait" and _holds(rule, minute) for rule in rules) for minute in day]
    if all(within):
        return [(0, DAY)]
    begins = [minute for minute in day if within[minute] and not within[minute - 1]]
    found = []
    for begin in begins:
        length = next(n for n in day if not within[(begin + n) % DAY])
        found.append((begin, (begin + length) % DAY))
    return found


def _holds(rule: Quiet, minute: int) -> bool:
    return _inside((_minute(rule.begins), _minute(rule.ends)), minute)


def _inside(hours: Hours, minute: int) -> bool:
    """Whether a minute of the day is in quiet hours; none is where they begin as they end."""
    begins, ends = hours
    return begins <= minute < ends if begins <= ends else minute >= begins or minute < ends


def _never_ends(hours: Sequence[Hours]) -> bool:
    return list(hours) == [(0, DAY)]


def _zone_of(run: Run, rows: ir.Table) -> ir.StringValue:
    """The person's zone, or the product's where they have none that we know."""
    fallback = run.declared.product.sending.zone
    known = _known_zones(run)
    if ZONE not in rows.columns or not known:
        return ibis.literal(fallback)
    return ibis.cases((rows[ZONE].isin(known), rows[ZONE]), else_=fallback)


def _known_zones(run: Run) -> list[str]:
    """The zones that occur among people; other texts are none."""

    def fetched() -> list[str]:
        if not run.tables.has("users", "timezone"):
            return []
        users = run.tables.users.filter(_.timezone.notnull())
        told = users.select("timezone").distinct()
        names = run.warehouse.connection.to_pyarrow(told)["timezone"].to_pylist()
        return sorted(name for name in names if _is_zone(name))

    return run.remembered(("zones",), fetched)


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False


def _zones(run: Run) -> ir.Table:
    """One row per zone and stretch of constant offset: `of_zone`, `from_at`, `until_at` (UTC),
    `offset` and `next_offset` (seconds east of UTC), and for each channel `resumed_…`: when
    whoever waits across the change of clocks is out of its quiet hours."""

    def drawn() -> ir.Table:
        sending = run.declared.product.sending
        parts = [part for play in run.declared.plays for part in (play, *play.then)]
        channels = sorted({part.channel for part in parts if part.channel})
        hours = {
            channel: _waiting([q for q in sending.quiet if q.channel in (None, channel)])
            for channel in channels
        }
        years = run.period.since.year, run.period.as_of.year + 1
        names = dict.fromkeys([sending.zone, *_known_zones(run)])
        rows = [row for name in names for row in _stretches(name, hours, *years)]
        found = ibis.memtable(pa.Table.from_pylist(rows))
        times = [column for column in found.columns if found[column].type().is_timestamp()]
        return found.mutate(**{column: found[column].cast(TIME) for column in times})

    return run.remembered(("zones", "stretches"), drawn)


def _stretches(
    name: str, hours: Mapping[str, Sequence[Hours]], first: int, last: int
) -> list[dict[str, Any]]:
    offsets = portable.offsets(name, first, last)
    ends = [*(end for end, _offset in offsets[:-1]), NEVER]
    found, begins = [], ALWAYS
    for place, (end, (_end, offset)) in enumerate(zip(ends, offsets, strict=True)):
        following = offsets[min(place + 1, len(offsets) - 1)][1]
        row = {"of_zone": name, "from_at": begins, "until_at": end}
        row |= {"offset": offset, "next_offset": following}
        for channel, own in hours.items():
            row[_resumed(channel)] = _out_of(own, end, following)
        found.append(row)
        begins = end
    return found


def _out_of(hours: Sequence[Hours], time: datetime, offset: int) -> datetime:
    """The first moment, from a time on, that is out of quiet hours while the offset stays."""
    local = time + timedelta(seconds=offset)
    minute = local.hour * 60 + local.minute
    inside = [ends for begins, ends in hours if _inside((begins, ends), minute)]
    if not inside or _never_ends(hours):
        return time
    return time + timedelta(minutes=(inside[0] - minute) % DAY)


def _resumed(channel: str) -> str:
    return f"resumed_{channel}"


def _waited(rows: ir.Table, hours: Sequence[Hours], resumed: str) -> ir.TimestampValue:
    """When each message that is due goes out, after waiting for the end of quiet hours."""
    if not hours or _never_ends(hours):
        return rows.triggered_at
    local = portable.shifted(rows.triggered_at, rows.offset)
    day, cases = local.truncate("D"), []
    for begins, ends in hours:
        today, tomorrow = (day + ibis.interval(minutes=ends + more) for more in (0, DAY))
        begun, over = local >= day + ibis.interval(minutes=begins), local >= today
        if begins < ends:
            cases.append((begun & ~over, today))
        else:
            cases += [(begun, tomorrow), (~over, today)]
    out = portable.shifted(ibis.cases(*cases, else_=local), -rows.offset)
    return ibis.ifelse(out < rows.until_at, out, rows[resumed])


def _local(rows: ir.Table) -> ir.TimestampValue:
    """The wall clock at each message's moment."""
    offset = ibis.ifelse(rows.moment_at < rows.until_at, rows.offset, rows.next_offset)
    return portable.shifted(rows.moment_at, offset)


def _quiet_in_words(rows: ir.Table, rules: Sequence[Quiet]) -> ir.StringValue:
    """The first of the quiet hours that a moment is in; null if none."""
    day, cases = rows.local_at.truncate("D"), []
    for rule in rules:
        begun = rows.local_at >= day + ibis.interval(minutes=_minute(rule.begins))
        not_over = rows.local_at < day + ibis.interval(minutes=_minute(rule.ends))
        inside = (begun | not_over) if rule.begins > rule.ends else (begun & not_over)
        cases.append((inside, ibis.literal(f"{rule.begins} to {rule.ends}, ") + rows.zone_))
    return ibis.cases(*cases, else_=None) if cases else ibis.null("string")


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
