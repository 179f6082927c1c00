"""HubSpot's marketing e-mails, as Fivetran lands them.

HubSpot knows people by their addresses, so the export says `users`; that table may be HubSpot's
own `contact`, where a property of contacts holds our id. A message is what one `SENT` or `DROPPED`
event began; all others say by whom they were sent (`sent_by_id`), and those that do not are left
out. So are events that a later one made obsolete (`obsoleted_by_id`).

`filtered_event` is true of what HubSpot's filter of bots and own addresses took out: a machine's.
A bounce is hard where the address does not exist or its mailbox is set up wrongly. Mail by the
SMTP API or the single-send API is transactional; mail of the editor that is marked so is not told
apart, and `MARKETING_SINGLE_SEND_API` is none.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import Landing
from playbook.adapters.exports.reading import Tool, Vendor, flag, text, timestamp
from playbook.language.portable import when

GIVES = {
    "email_event": "what was sent, and what became of it",
    "email_event_bounce": "which bounces are for good",
    "email_event_status_change": "who unsubscribed, and came back",
    "email_campaign": "the names of campaigns, and which are transactional",
}
WHAT = {
    "SENT": "sent_at",
    "DELIVERED": "delivered_at",
    "OPEN": "seen_at",
    "CLICK": "clicked_at",
    "BOUNCE": "bounced_at",
    "DROPPED": "bounced_at",
    "SPAMREPORT": "complained_at",
}
BEGIN = ("SENT", "DROPPED")
CHANGE = "STATUSCHANGE"
HARD = ("UNKNOWN_USER", "MAILBOX_MISCONFIGURATION")
LEFT = "UNSUBSCRIBED"
BY_API = ("SINGLE_SEND_API", "SMTP_TOKEN")


def hubspot_export(tool: Tool) -> Landing:
    """Messages from e-mail events, suppressions from changes of a contact's status."""
    rows = _with_campaign(_with_kind(_email_events(tool), tool), tool)
    changed = rows.filter(rows.type == CHANGE)
    what = ibis.ifelse(rows.status == LEFT, ibis.literal("unsubscribed_at"), "changed")
    known = facts.facts(
        rows,
        *("message", "at", "is_machine", "kind", "campaign", "named", "address"),
        what=ibis.ifelse(rows.type == CHANGE, what, rows.type.substitute(WHAT)),
        channel="email",
    )
    left = facts.stretches(
        changed.filter(changed.status.notnull()),
        off=_.status == LEFT,
        address=_.address,
        channel="email",
        reason="unsubscribed",
        from_at=_.at,
    )
    return Landing(facts=known, lists=left if tool.has("email_event_status_change") else None)


def _email_events(tool: Tool) -> ir.Table:
    rows = tool.rows("email_event", "id", "type", "created", "recipient", "sent_by_id")
    kind = text(rows, "type").upper()
    rows = rows.filter(text(rows, "obsoleted_by_id").isnull(), kind.isin([*WHAT, CHANGE]))
    kind = text(rows, "type").upper()
    return rows.select(
        event=text(rows, "id"),
        type=kind,
        message=text(rows, "sent_by_id").coalesce(when(kind.isin(BEGIN), text(rows, "id"))),
        at=timestamp(rows, "created"),
        is_machine=flag(rows, "filtered_event"),
        campaign=text(rows, "email_campaign_id"),
        address=tool.address(rows, "recipient"),
    )


def _with_kind(rows: ir.Table, tool: Tool) -> ir.Table:
    """The rows with the `kind` of a bounce and the `status` that a contact changed to."""
    rows = _joined(rows, tool, "email_event_bounce", "event", category="category")
    changes = {"status": "portal_subscription_status"}
    rows = _joined(rows, tool, "email_event_status_change", "event", **changes)
    returned = ibis.ifelse(rows.category.upper().isin(HARD), ibis.literal("hard"), "soft")
    kinds = [(rows.type == "DROPPED", "drop"), (rows.category.notnull(), returned)]
    return rows.mutate(kind=ibis.cases(*kinds, else_=None), status=rows.status.upper())


def _with_campaign(rows: ir.Table, tool: Tool) -> ir.Table:
    """The rows with the name of their campaign; one by the API is a transactional one."""
    joined = _joined(rows, tool, "email_campaign", "campaign", named="name", by="type")
    own = ibis.literal("transactional:") + joined.campaign
    is_own = joined.by.upper().isin(BY_API)
    return joined.mutate(campaign=ibis.ifelse(is_own, own, joined.campaign))


def _joined(rows: ir.Table, tool: Tool, table: str, on: str, **columns: str) -> ir.Table:
    """The rows with what a table says of their event or campaign; null without that table."""
    if not tool.has(table):
        return rows.mutate(**dict.fromkeys(columns, ibis.null("string")))
    found = tool.rows(table, "id", next(iter(columns.values())))
    texts = {name: text(found, column) for name, column in columns.items()}
    said = found.select(key_=text(found, "id"), **texts).group_by("key_")
    one = said.aggregate(**{name: _[name].max() for name in columns})
    return rows.left_join(one, rows[on] == one.key_).drop("key_")


VENDOR = Vendor("HubSpot", knows=("addresses",), gives=GIVES, landing=hubspot_export)
