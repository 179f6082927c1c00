"""Mailchimp's campaigns and automations, as Fivetran lands them.

A member's id is the md5 of their address in lower case, so the export says `users`. A message is
a campaign's (or an automation's e-mail's) to one member.

Mailchimp does not say when it sent to whom: a campaign's time of sending is all its messages',
unless it goes out by the members' zones (`timewarp`), and that of an automation's e-mail is not
known, though that it was sent is. Deliveries, complaints and who opened are not said either.

A member who is `unsubscribed` or `cleaned` (bounced for good) counts as that from their last change
on, which is the latest that it can have been.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import Landing
from playbook.adapters.exports.reading import Tool, Vendor, flag, text, timestamp
from playbook.data.tables import TIME
from playbook.language.portable import when

GIVES = {
    "campaign_recipient": "who was sent a campaign",
    "campaign_recipient_activity": "who opened and clicked a campaign, and what came back",
    "campaign": "when campaigns were sent, and their names",
    "automation_recipient": "who was sent an automation's e-mail",
    "automation_recipient_activity": "who opened and clicked an automation's e-mail",
    "automation_email": "the names of automations' e-mails",
    "unsubscribe": "who unsubscribed by which e-mail",
    "member": "who must not be sent to",
}
ACTIONS = {"open": "seen_at", "click": "clicked_at", "bounce": "bounced_at"}
STATUSES = {"unsubscribed": "unsubscribed", "cleaned": "hard_bounce"}
CAMPAIGN, AUTOMATION = ("campaign", "campaign_id"), ("automation", "automation_email_id")


def mailchimp_export(tool: Tool) -> Landing:
    """Messages from recipients and their activity, suppressions from the state of members."""
    both = (CAMPAIGN, AUTOMATION)
    kinds = [(kind, key) for kind, key in both if tool.has(f"{kind}_recipient")]
    if not kinds:
        raise tool.lacking(
            "neither of Mailchimp's `campaign_recipient` and `automation_recipient`, which give "
            "who was sent what.",
            "sync them, or say under `exports: tables:` what they are called.",
        )
    said = [_recipients(kind, key, tool) for kind, key in kinds]
    said += [
        _activity(f"{kind}_recipient_activity", key, tool)
        for kind, key in kinds
        if tool.has(f"{kind}_recipient_activity")
    ]
    if tool.has("unsubscribe"):
        said.append(_unsubscribes(tool))
    lists = _members_off(tool) if tool.has("member") else None
    return Landing(facts=facts.united_parts(said), lists=lists, is_addressed=True)


def _recipients(kind: str, key: str, tool: Tool) -> ir.Table:
    rows = tool.rows(f"{kind}_recipient", key, "member_id")
    known = rows.select(
        campaign=text(rows, key),
        address=text(rows, "member_id"),
        variant=text(rows, "combination_id"),
    )
    names = _campaign_names(kind, tool)
    named = known.left_join(names, known.campaign == names.key_)
    return _email_facts(named, "at", "named", "variant", what="sent_at")


def _campaign_names(kind: str, tool: Tool) -> ir.Table:
    """What each campaign is called, and when it was sent, as far as that is one time."""
    table = "campaign" if kind == "campaign" else "automation_email"
    rows = tool.rows(table, "id", "title", *(["send_time"] if kind == "campaign" else []))
    at = ibis.null(TIME)
    if kind == "campaign":
        at = when(~flag(rows, "timewarp").fill_null(False), timestamp(rows, "send_time"))
    named = rows.select(key_=text(rows, "id"), named=text(rows, "title"), at=at)
    return named.group_by("key_").aggregate(named=_.named.max(), at=_.at.min())


def _activity(table: str, key: str, tool: Tool) -> ir.Table:
    rows = tool.rows(table, key, "member_id", "action", "timestamp")
    return _email_facts(
        rows.mutate(campaign=text(rows, key), address=text(rows, "member_id")),
        what=text(rows, "action").lower().substitute(ACTIONS),
        at=timestamp(rows, "timestamp"),
        kind=text(rows, "bounce_type").lower(),
    )


def _unsubscribes(tool: Tool) -> ir.Table:
    rows = tool.rows("unsubscribe", "campaign_id", "member_id", "timestamp")
    return _email_facts(
        rows.mutate(campaign=text(rows, "campaign_id"), address=text(rows, "member_id")),
        what="unsubscribed_at",
        at=timestamp(rows, "timestamp"),
    )


def _email_facts(rows: ir.Table, *own: str, **values: ir.Value | str) -> ir.Table:
    """Facts about e-mails: one of a `campaign` to one `address`."""
    message = rows.campaign + ":" + rows.address
    names = ("campaign", "address", *own)
    return facts.facts(
        rows, *names, message=message, letter=rows.campaign, channel="email", **values
    )


def _members_off(tool: Tool) -> ir.Table:
    rows = tool.rows("member", "id", "status", "last_changed")
    off = rows.filter(rows.status.lower().isin(list(STATUSES)))
    return facts.lists(
        off,
        address=text(off, "id"),
        channel="email",
        reason=off.status.lower().substitute(STATUSES),
        from_at=timestamp(off, "last_changed"),
    )


VENDOR = Vendor("Mailchimp", knows=("addresses",), gives=GIVES, landing=mailchimp_export)
