"""Facts about messages, one row per message and kind of event, pivoted into one per message.

Every vendor's export becomes facts first; what one fact says is decided once, here:

- A time is the first one of its kind: duplicates, such as webhooks that came twice, change
  nothing, and neither does what came before the sending because a clock was wrong.
- A message that a human saw at any time was seen by a human, at the first such time; if none
  is known, it was seen at the first time of which the tool does not know by whom; and only a
  message that nobody but machines saw was seen by a machine. So null says that it may have been a
  human.
- A machine's click is no click.
- Nothing is inferred: a message that was opened and has no delivery has none.
- What bounces hard once has bounced hard, and at that time. `drop` is what the tool gave up
  before sending, `block` what was refused for now.
- A message that the tool says was sent, and not when, was sent: `is_sent` says so.
- A ghost was logged for somebody who is held out: it has no times at all, whatever the tool
  says that it did with it.
- An event that names no message makes none.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.data.tables import TIME
from playbook.language.portable import count_if, united, when

FIRST = (
    "sent_at",
    "delivered_at",
    "completed_at",
    "dismissed_at",
    "unsubscribed_at",
    "complained_at",
)
SHOWN = "shown"  # sent, delivered and seen at once: what is drawn on a screen
GHOST = "ghost"
WHO = {"person": "string", "address": "string"}
NAMES = {
    **dict.fromkeys(("channel", "campaign", "named", "step", "variant"), "string"),
    **WHO,
}
FACT = {
    "message": "string",
    "letter": "string",
    "what": "string",
    "at": TIME,
    "is_machine": "boolean",
    "kind": "string",
    **NAMES,
}
ARM = {"campaign": "string", "named": "string", **WHO, "arm": "string", "assigned_at": TIME}
LISTED = {**WHO, "channel": "string", "reason": "string", "from_at": TIME, "to_at": TIME}
TREATED, HOLDOUT = "treated", "holdout"


@dataclass(frozen=True)
class Landing:
    """What one export says.

    In all three, people stand as the tool's id of them (`person`) or the md5 of their address
    (`address`), and campaigns as the tool's id (`campaign`) or name (`named`).

    Attributes:
        facts: `message`, `letter` (the tool's id of the message), `what` (a time of `messages`,
            `shown`, `ghost`, or anything else, which says no more than that there is such a
            message), `at`, `is_machine` (of a look or a click; null: unknown), `kind` (of a
            bounce), `channel`, `campaign`, `named`, `step`, `variant`, `person`, `address`.
        arms: `campaign`, `named`, `person`, `address`, `arm`, `assigned_at`.
        lists: Who must not be sent to: `person`, `address`, `channel`, `reason`, `from_at`,
            `to_at`.
        is_addressed: Whether a `message` is a `letter` to an address, whose hash it ends with and
            which must go no further; else there are no letters.
        people: Who has, or had, which address: `person`, `address`.
    """

    facts: ir.Table | None = None
    arms: ir.Table | None = None
    lists: ir.Table | None = None
    is_addressed: bool = False
    people: ir.Table | None = None


def facts(rows: ir.Table, *own: str, **values: ir.Value | str) -> ir.Table:
    """Facts: these columns of the rows' own, these values, and null for what else a fact has."""
    return _with_nulls(rows, FACT, own, values)


def arms(rows: ir.Table, *own: str, **values: ir.Value | str) -> ir.Table:
    """The arms that a tool drew, made as facts are."""
    return _with_nulls(rows, ARM, own, values)


def lists(rows: ir.Table, *own: str, **values: ir.Value | str) -> ir.Table:
    """Who must not be sent to, made as facts are."""
    return _with_nulls(rows, LISTED, own, values)


def people(rows: ir.Table, *own: str, **values: ir.Value | str) -> ir.Table:
    """Who has which address, made as facts are."""
    return _with_nulls(rows, WHO, own, values)


def stretches(rows: ir.Table, *, off: ir.BooleanValue, **values: ir.Value | str) -> ir.Table:
    """Suppressions from changes of state: each lasts until the person's next change.

    Whoever has an id is the same person under another address; without one the address is theirs.

    Args:
        rows: One row per change.
        off: Whether the person left with it; else they came back.
        values: As of `lists`; `from_at` is the time of the change.
    """
    changes = _with_nulls(rows, LISTED | {"off": "boolean"}, (), values | {"off": off})
    who = _.person.coalesce(_.address)
    following = ibis.window(group_by=[who, _.channel], order_by=["from_at", "off"])
    ended = changes.filter(_.from_at.notnull()).mutate(to_at=_.from_at.lead().over(following))
    # A change at the same moment ends it before it began.
    lasting = ended.filter(_.off, _.to_at.isnull() | (_.to_at > _.from_at))
    return lasting.select(*LISTED)


def one_per_message(found: ir.Table) -> ir.Table:
    """One row per message: its names, its recipient, and what `messages` says of it."""
    named = found.filter(_.message.notnull())
    per_message = named.group_by("message").aggregate(
        **{name: _[name].min() for name in ("letter", *NAMES)},
        sent_=count_if(_.what.isin(["sent_at", SHOWN])) > 0,
        **{name: _first_time(name) for name in FIRST},
        clicked_at=_first_time("clicked_at", ~_.is_machine.fill_null(False)),
        human_=_first_time("seen_at", (~_.is_machine).fill_null(False)),
        unknown_=_first_time("seen_at", _.is_machine.isnull()),
        machine_=_first_time("seen_at", _.is_machine.fill_null(False)),
        hard_=_first_time("bounced_at", (_.kind == "hard").fill_null(False)),
        returned_=_first_time("bounced_at"),
        kind_=when(_.what == "bounced_at", _.kind).min(),
        is_ghost=count_if(_.what == GHOST) > 0,
    )
    told = per_message.mutate(
        is_sent=when(_.sent_ & _.sent_at.isnull(), ibis.literal(True)),
        seen_at=ibis.coalesce(_.human_, _.unknown_, _.machine_),
        seen_by_machine=when(
            _.human_.notnull() | (_.unknown_.isnull() & _.machine_.notnull()), _.human_.isnull()
        ),
        bounced_at=_.hard_.coalesce(_.returned_),
        bounce_kind=ibis.ifelse(_.hard_.notnull(), ibis.literal("hard"), _.kind_),
    )
    seen = ("clicked_at", "seen_at", "seen_by_machine")
    said = ("is_sent", *FIRST, *seen, "bounced_at", "bounce_kind")
    real = {name: when(~told.is_ghost, told[name]) for name in said}
    return told.select("message", "letter", *NAMES, "is_ghost", **real)


def united_parts(parts: list[ir.Table | None]) -> ir.Table | None:
    """All parts that are there, one under another."""
    there = [part for part in parts if part is not None]
    return united(there) if there else None


def _first_time(what: str, condition: ir.Deferred | bool = True) -> ir.Deferred:
    """The first time of a kind of fact."""
    shown = what in ("sent_at", "delivered_at", "seen_at")
    return when(_.what.isin([what, SHOWN] if shown else [what]) & condition, _.at).min()


def _with_nulls(
    rows: ir.Table, types: dict[str, str], own: tuple[str, ...], values: dict[str, ir.Value | str]
) -> ir.Table:
    given = {k: ibis.literal(v) if isinstance(v, str) else v for k, v in values.items()}
    given |= {name: rows[name] for name in own}
    return rows.select(
        **{name: given[name] if name in given else ibis.null(kind) for name, kind in types.items()}
    )
