"""Iterable, as Fivetran lands it.

A message is a `message_id` to one person: `_fivetran_id` is made of campaign, second and event, so
that two people share it, and `_fivetran_user_id` of a person's id or address. Whoever an experiment
holds out gets a `Send Skip` with the reason `ExperimentHoldOut`; other skips are left out, and
`is_ghost_push`, the probe of whether the app is still installed, holds nobody out. Who did get a
message of the experiment is not said to be drawn.

Iterable logs no delivery of e-mails, and not by whom one was opened. Our id of a person is the
`user_id` of their newest profile. Leaving a marketing channel counts as leaving its medium; that
somebody came back to it is not said.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import GHOST, HOLDOUT, WHO, Landing
from playbook.adapters.exports.reading import Tool, Vendor, newest, text, timestamp

GIVES = {
    "event": "what was sent, and what became of it",
    "event_extension": "why nothing was sent: who is held out",
    "user_history": "our id of each person",
    "campaign_history": "the names of campaigns",
    "message_type": "which messages are transactional",
    "channel": "which messages are transactional",
    "user_unsubscribed_channel_history": "who left a channel",
}
WHAT = {
    "Send": "sent_at",
    "Delivery": "delivered_at",
    "Open": "seen_at",
    "Click": "clicked_at",
    "Close": "dismissed_at",
    "Bounce": "bounced_at",
    "Complaint": "complained_at",
    "UnSubscribe": "unsubscribed_at",
}
CHANNELS = {"email": "email", "inApp": "in_app", "push": "push", "sms": "sms"}
EVENTS = {
    tool + kind: (ours, what)
    for tool, ours in CHANNELS.items()
    for kind, what in (WHAT | {"SendSkip": GHOST}).items()
}
HELD_OUT = "experimentholdout"
TRANSACTIONAL = "transactional"


def iterable_export(tool: Tool) -> Landing:
    """Messages from the events that name one, and from the skips of experiments."""
    rows = _known_events(tool).filter(_.event.isin(list(EVENTS)))
    what = rows.event.substitute({event: what for event, (_c, what) in EVENTS.items()})
    held = (rows.why == HELD_OUT).fill_null(False)
    rows = rows.mutate(what=what).filter((what != GHOST) | held)
    channel = rows.event.substitute({event: ours for event, (ours, _w) in EVENTS.items()})
    kinds = [(rows.state.contains(kind), kind) for kind in ("hard", "soft")]
    out = rows.filter(rows.what == GHOST)
    return Landing(
        arms=facts.arms(out, "campaign", "named", *WHO, arm=HOLDOUT, assigned_at=out.at),
        facts=facts.facts(
            rows,
            *("message", "letter", "what", "at", "campaign", "named", "step", *WHO),
            channel=channel,
            kind=ibis.cases(*kinds, else_=None),
            is_machine=ibis.ifelse(channel == "in_app", False, ibis.null("boolean")),
        ),
        lists=_marketing_leavers(tool) if tool.has("user_unsubscribed_channel_history") else None,
        is_addressed=True,
    )


def _known_events(tool: Tool) -> ir.Table:
    """The events with who they are of, why nothing was sent, and what the campaign is called."""
    rows = tool.rows("event", "_fivetran_id", "event_name", "message_id", "campaign_id")
    address = tool.address(rows, "email")
    one = text(rows, "_fivetran_user_id").coalesce(address)
    skipped = ibis.literal("skip:") + text(rows, "_fivetran_id")
    skips = rows.event_name.endswith("SendSkip")
    known = rows.select(
        event=text(rows, "event_name"),
        letter=ibis.ifelse(skips, skipped, text(rows, "message_id")),
        row=text(rows, "_fivetran_id"),
        one=one,
        at=timestamp(rows, "created_at"),
        state=text(rows, "recipient_state").lower(),
        campaign=text(rows, "campaign_id"),
        kind=text(rows, "message_type_id"),
        step=text(rows, "content_id"),
        address=address,
    )
    known = known.mutate(message=_.letter + ":" + _.one)
    found = known.left_join(_skip_reasons(tool), ["row", "one"]).drop("row_right", "one_right")
    # Whose address it is: our id in the newest profile that has one.
    people = newest(_profiles(tool), "address", "at").drop("at")
    found = found.left_join(people, "address").drop("address_right")
    return _with_type(tool.named(found, "campaign_history", key="id", at="updated_at"), tool)


def _skip_reasons(tool: Tool) -> ir.Table:
    rows = tool.rows("event_extension", "_fivetran_id", "_fivetran_user_id", "reason")
    said = rows.select(
        row=text(rows, "_fivetran_id"),
        one=text(rows, "_fivetran_user_id"),
        why=text(rows, "reason").lower(),
    )
    return said.group_by("row", "one").aggregate(why=_.why.min())


def _profiles(tool: Tool) -> ir.Table:
    """Every profile that ever had an address, with our id of the person."""
    rows = tool.rows("user_history", "email", "user_id", "updated_at")
    profiles = rows.select(
        address=tool.address(rows, "email"),
        person=text(rows, "user_id"),
        at=timestamp(rows, "updated_at"),
    )
    return profiles.filter(_.person.notnull())


def _with_type(rows: ir.Table, tool: Tool) -> ir.Table:
    """Campaigns of a transactional channel are others than those of marketing."""
    if not (tool.has("message_type") and tool.has("channel")):
        return rows
    types, channels = tool.rows("message_type", "id", "channel_id"), _channels(tool)
    kinds = types.select(kind=text(types, "id"), channel_=text(types, "channel_id"))
    sent = kinds.inner_join(channels, kinds.channel_ == channels.id_)
    sent = sent.filter(_.type_ == TRANSACTIONAL).select("kind").distinct().mutate(own_=True)
    joined = rows.left_join(sent, "kind")
    own = ibis.literal(f"{TRANSACTIONAL}:") + joined.campaign
    return joined.mutate(campaign=ibis.ifelse(_.own_.fill_null(False), own, _.campaign))


def _channels(tool: Tool) -> ir.Table:
    rows = tool.rows("channel", "id", "channel_type", "message_medium")
    return rows.select(
        id_=text(rows, "id"),
        type_=text(rows, "channel_type").lower(),
        medium_=text(rows, "message_medium").lower(),
    )


def _marketing_leavers(tool: Tool) -> ir.Table:
    """Whoever left a marketing channel, since the first time that the history says so.

    The history names an address: it holds for everybody who ever had it.
    """
    rows = tool.rows("user_unsubscribed_channel_history", "email", "channel_id", "updated_at")
    left = rows.select(
        address=tool.address(rows, "email"),
        id_=text(rows, "channel_id"),
        at=timestamp(rows, "updated_at"),
    )
    known = left.inner_join(_channels(tool), "id_").filter(_.type_ != TRANSACTIONAL)
    since = known.group_by("address", "medium_").aggregate(at=_.at.min())
    everybody = _profiles(tool).drop("at").distinct()
    found = since.left_join(everybody, "address").drop("address_right")
    channel = found.medium_.substitute({"inapp": "in_app"})
    return facts.lists(found, *WHO, channel=channel, reason="unsubscribed", from_at=found.at)


VENDOR = Vendor("Iterable", knows=("ids", "addresses"), gives=GIVES, landing=iterable_export)
