"""SendGrid's events, as Fivetran lands them.

SendGrid knows people by their addresses, so the export says `users`. A message is a
`sg_message_id` to one address; events that name none make no message, though who unsubscribed or
complained by one is on the list of those who must not be sent to, all the same.

`campaign` is the single send or the older campaign; what a product sends through the API is of
the campaign `api`, which says no more: list it under `plays` where it is all of one play.
`processed` is when SendGrid took the message on, and `dropped` that it went no further. `blocked`
bounces are refused for now. Who leaves one group of several has not left the channel.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import Landing
from playbook.adapters.exports.reading import Tool, Vendor, flag, text, timestamp

GIVES = {"event": "what was sent, and what became of it"}
WHAT = {
    "processed": "sent_at",
    "delivered": "delivered_at",
    "open": "seen_at",
    "click": "clicked_at",
    "bounce": "bounced_at",
    "dropped": "bounced_at",
    "spamreport": "complained_at",
    "unsubscribe": "unsubscribed_at",
    "group_unsubscribe": "unsubscribed_at",
}
LEAVES = {"spamreport": "complained", "unsubscribe": "unsubscribed"}


def sendgrid_export(tool: Tool) -> Landing:
    """Messages and suppressions, both from the one table of events."""
    rows = tool.rows("event", "event", "timestamp", "email", "sg_message_id")
    rows = rows.mutate(
        kind_of_event=text(rows, "event").lower(),
        at=timestamp(rows, "timestamp"),
        address=tool.address(rows, "email"),
    )
    sent = rows.filter(_.kind_of_event.isin(list(WHAT)))
    return Landing(facts=_sent_mail(sent), lists=_mail_leavers(rows), is_addressed=True)


def _sent_mail(rows: ir.Table) -> ir.Table:
    event, kind = rows.kind_of_event, text(rows, "type").lower()
    bounces = [
        (event == "dropped", "drop"),
        (kind == "blocked", "block"),
        (event == "bounce", "hard"),
    ]
    return facts.facts(
        rows,
        *("at", "address"),
        message=text(rows, "sg_message_id") + ":" + rows.address,
        letter=text(rows, "sg_message_id"),
        what=event.substitute(WHAT),
        is_machine=flag(rows, "sg_machine_open"),
        kind=ibis.cases(*bounces, else_=None),
        channel="email",
        campaign=text(rows, "singlesend_id", "campaign_id").coalesce(ibis.literal("api")),
        named=text(rows, "singlesend_name"),
    )


def _mail_leavers(rows: ir.Table) -> ir.Table:
    off = rows.filter(rows.kind_of_event.isin(list(LEAVES)))
    reason = off.kind_of_event.substitute(LEAVES)
    return facts.lists(off, "address", channel="email", reason=reason, from_at=off.at)


VENDOR = Vendor("SendGrid", knows=("addresses",), gives=GIVES, landing=sendgrid_export)
