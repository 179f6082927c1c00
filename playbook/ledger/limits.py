"""The limits that all plays share, as one notion: so many sent messages, of these, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from playbook.declare import Limit, Play, Sending
from playbook.language import portable
from playbook.language.periods import duration, moment, words
from playbook.language.portable import when
from playbook.run import Run

EPOCH = moment(datetime(1970, 1, 1))
STRETCH = "stretch"
SCOPES = {"user": "user_no", "account": "home_no"}
NAMES = {"user": "person", "account": "account"}


@dataclass(frozen=True)
class Bound:
    """At most `most` sent messages of those that `counts` names, before any that it `applies` to.

    Attributes:
        decision: What becomes of a message that is one too many.
        reason: Why, in words; "": it says which play won.
        scope: The columns that messages share which are counted together.
        most: So many may be sent.
        back: How many seconds the count goes back, from the stretch of the message; null: to
            the first one.
        counts: Whether a message counts.
        applies: Whether a message obeys.
    """

    decision: str
    reason: str
    scope: tuple[str, ...]
    most: int
    back: int | None = None
    counts: Callable[[ir.Table], ir.BooleanValue] = lambda rows: ibis.literal(True)
    applies: Callable[[ir.Table], ir.BooleanValue] = lambda rows: ibis.literal(True)

    def broken(self, rows: ir.Table, among: ir.BooleanValue) -> ir.BooleanValue:
        """Whether as many messages as may be sent come before a message, of those `among`."""
        one = when(among & self.counts(rows), rows.place)
        own = one.count().over(self.window(rows))
        if self.back is not None:
            # Of its own stretch those before it, of the stretches before it all.
            last = ibis.window(
                group_by=list(self.scope[:1]), order_by=STRETCH, range=(1 - self.back, -1)
            )
            own += one.count().over(last)
        return self.applies(rows) & (own >= self.most)

    def window(self, rows: ir.Table) -> ibis.expr.builders.WindowBuilder:
        """The messages before each that share its scope."""
        return ibis.window(group_by=list(self.scope), order_by="place", rows=(None, -1))


def stretch(at: ir.TimestampValue, every: int) -> ir.IntegerValue:
    """When the stretch of `every` seconds begins that a moment is in, as seconds since 1970.

    All stretches are as long, and the first one began with 1970: those that part a day begin at
    midnight UTC.
    """
    seconds = portable.seconds(EPOCH, at)
    return seconds - seconds % every


def every(sending: Sending) -> int:
    """The length of a stretch in seconds."""
    return max(int(duration(sending.every).total_seconds()), 1)


def with_scopes(run: Run, rows: ir.Table) -> ir.Table:
    """The messages with the columns that bounds count by: `stretch`, days and weeks."""
    sending = run.declared.product.sending
    found = {STRETCH: stretch(rows.moment_at, every(sending))}
    for limit in sending.limits:
        if limit.within in ("day", "week"):
            found[_calendar(limit)] = _begins(run, rows, limit)
    return rows.mutate(**found)


def bounds(plays: Sequence[Play], sending: Sending) -> list[Bound]:
    """What a message must obey, in the order in which reasons are given."""
    ranks = {slug: rank for rank, slug in enumerate(sorted(play.slug for play in plays))}
    found = [
        _after_another(ranks[play.slug], ranks[other], other)
        for play in plays
        for other in play.suppressed_by
        if other in ranks
    ]
    found.append(Bound("lost_priority", "", (SCOPES[sending.one_per], STRETCH), 1))
    return found + [_cap(limit, every(sending)) for limit in sending.limits]


def per_account(sending: Sending) -> bool:
    """Whether what colleagues are sent matters."""
    return "account" in (sending.one_per, *(limit.per for limit in sending.limits))


def _after_another(play: int, other: int, name: str) -> Bound:
    return Bound(
        "suppressed",
        f"had been sent {name}",
        (SCOPES["user"],),
        1,
        counts=lambda rows: rows["rank"] == other,
        applies=lambda rows: rows["rank"] == play,
    )


def _cap(limit: Limit, length: int) -> Bound:
    scope, calendar = SCOPES[limit.per], limit.within in ("day", "week")
    back = None if calendar else int(duration(limit.within).total_seconds())
    when_ = f"a {limit.within}" if calendar else f"in {words(duration(limit.within))}"
    kind = f"{limit.channel} " if limit.channel else ""

    def mine(rows: ir.Table) -> ir.BooleanValue:
        return rows.channel == limit.channel if limit.channel else ibis.literal(True)

    return Bound(
        "capped",
        f"{limit.most} {kind}per {NAMES[limit.per]} {when_}",
        (scope, _calendar(limit) if calendar else STRETCH),
        limit.most,
        back=back if back and back > length else None,
        counts=mine,
        applies=mine,
    )


def _calendar(limit: Limit) -> str:
    return f"{limit.within}_of_{limit.per}"


def _begins(run: Run, rows: ir.Table, limit: Limit) -> ir.DateValue:
    """The first day of the day or week that a moment is in: of the person's zone, or for an
    account of the product's."""
    zone, period = run.declared.product.sending.zone, run.period
    day = rows.local_at.date()
    if limit.per == "account":
        years = {"first_year": period.since.year, "last_year": period.as_of.year + 1}
        day = portable.local_day(rows.moment_at, zone, **years)
    return day.truncate("W") if limit.within == "week" else day
