"""Intercom's export of content data (receipts and what followed), and its contacts.

Only the receipts say what was sent: Fivetran's and Segment's tables keep the last state of each
contact, which gives suppressions and no messages. Statistics stand in columns of the receipts
(`first_open` …), in files of their own, or in both. An export holds messages by the day that they
were sent: what happened to them later comes with a new export of that day.

A receipt says nothing of a delivery, nor by whom an e-mail was opened; what is shown in the
product is seen by humans. `campaign` is the id of the content (`ruleset_id`), whatever the series.
Who was in a control group is in no file.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import WHO, Landing
from playbook.adapters.exports.reading import Tool, Vendor, flag, text, timestamp
from playbook.language.portable import when

GIVES = {
    "receipts": "what was sent to whom",
    "open": "each time that a message was opened",
    "click": "each click",
    "completion": "who finished a tour or a survey",
    "dismissal": "who closed a message",
    "unsubscribe": "who unsubscribed by a message",
    "hard_bounce": "which e-mails came back for good",
    "contact_history": "who unsubscribed, complained or has a dead address",
}
# A statistic's file → what it says, the column of the receipts, and its own. Intercom documents
# the receipts' columns and `clicked_at`; the other files are taken to be named like that.
STATISTICS = {
    "open": ("seen_at", ("first_open",), ("opened_at",)),
    "click": ("clicked_at", ("first_click",), ("clicked_at",)),
    "completion": ("completed_at", ("first_completion",), ("completed_at",)),
    # The vendor writes it so.
    "dismissal": ("dismissed_at", ("first_dismisall", "first_dismissal"), ("dismissed_at",)),
    "unsubscribe": ("unsubscribed_at", ("first_unsubscribe",), ("unsubscribed_at",)),
    "hard_bounce": ("bounced_at", ("first_hard_bounce",), ("hard_bounced_at", "bounced_at")),
}
CHANNELS = {"email": "email", "push": "push", "sms": "sms", "whatsapp": "whatsapp"}
STATES = {
    "unsubscribed_from_emails": "unsubscribed",
    "marked_email_as_spam": "complained",
    "has_hard_bounced": "hard_bounce",
}


def intercom_export(tool: Tool) -> Landing:
    """Messages from receipts and statistics, suppressions from the history of contacts."""
    if not (tool.has("receipts") or tool.has("contact_history")):
        raise tool.lacking(
            "no table `receipts`: Intercom's export of content data, which gives "
            f"{GIVES['receipts']}.",
            "export content data into it, or say under `exports: tables:` what it is called.",
        )
    return Landing(
        facts=_receipts(tool) if tool.has("receipts") else None,
        lists=_contact_states(tool) if tool.has("contact_history") else None,
    )


def _receipts(tool: Tool) -> ir.Table:
    rows = tool.rows("receipts", "receipt_id", "received_at", "ruleset_id", "content_type")
    kind = text(rows, "content_type").lower()
    rows = rows.mutate(
        message=text(rows, "receipt_id"),
        channel=kind.substitute(CHANNELS, else_=ibis.literal("in_app")),
        person=text(rows, "user_external_id"),
        address=tool.address(rows, "email"),
    )
    sent = facts.facts(
        rows,
        *("message", "channel", *WHO),
        what="sent_at",
        at=timestamp(rows, "received_at"),
        campaign=text(rows, "ruleset_id"),
        named=text(rows, "content_title"),
        step=text(rows, "node_id").nullif("-1"),
        variant=text(rows, "content_id"),
    )
    letters = rows.select("message", "channel")
    own = [_statistic(each, letters, tool) for each in STATISTICS if tool.has(each)]
    wide = [_first_column(rows, what, first) for what, first, _own in STATISTICS.values()]
    return facts.united_parts([sent, *wide, *own])


def _first_column(rows: ir.Table, what: str, columns: tuple[str, ...]) -> ir.Table | None:
    """What a column of the receipts says; None where they have none."""
    if not set(columns) & set(rows.columns):
        return None
    told = rows.mutate(at=timestamp(rows, *columns)).filter(_.at.notnull())
    return _follow_up_facts(told, what)


def _statistic(table: str, letters: ir.Table, tool: Tool) -> ir.Table:
    what, _first, columns = STATISTICS[table]
    rows = tool.rows(table, "receipt_id")
    if not set(columns) & set(rows.columns):
        tool.rows(table, columns[0])
    told = rows.select(message=text(rows, "receipt_id"), at=timestamp(rows, *columns))
    return _follow_up_facts(told.inner_join(letters, "message"), what)


def _follow_up_facts(rows: ir.Table, what: str) -> ir.Table:
    human = when(rows.channel == "in_app", ibis.literal(False))
    kind = ibis.literal("hard") if what == "bounced_at" else ibis.null("string")
    return facts.facts(rows, "message", "at", what=what, is_machine=human, kind=kind)


def _contact_states(tool: Tool) -> ir.Table:
    """Whoever's contact says that they must not get e-mails, for as long as it says so."""
    rows = tool.rows("contact_history", "updated_at", "external_id")
    there = [column for column in STATES if column in rows.columns]
    if not there:
        tool.rows("contact_history", next(iter(STATES)))
    return facts.united_parts(
        [
            facts.stretches(
                rows,
                off=flag(rows, column).fill_null(False),
                person=text(rows, "external_id"),
                address=tool.address(rows, "email"),
                channel="email",
                reason=STATES[column],
                from_at=timestamp(rows, "updated_at"),
            )
            for column in there
        ]
    )


VENDOR = Vendor("Intercom", knows=("ids", "addresses"), gives=GIVES, landing=intercom_export)
