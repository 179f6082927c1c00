"""Braze's Currents, or its Snowflake share, under the share's names of tables.

Braze has no id of a message: it is a dispatch to one person on one channel. Where it says no
dispatch, as of messages in the product, one person's messages of a step are one; a short link's
click without one belongs to no message.

`campaign` is the id of the campaign or Canvas. Whoever a campaign enrols in its control gets a
ghost; a Canvas says of everybody who enters whether they are in its control group, so both arms
are known; the draw of an experiment step is one of its own, `<canvas>:<experiment step>`. Braze
forgets who was in an older Global Control Group, and what it filters by it leaves no trace.

`machine_open` is true or null, and null does not say that it was a human. `is_suspected_bot_click`
says both. Aborts are left out. Two people with the same address both count as recipients.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import GHOST, HOLDOUT, SHOWN, TREATED, WHO, Landing
from playbook.adapters.exports.reading import Tool, Vendor, flag, text, timestamp
from playbook.language.mistakes import listed

# The tool's table of events → channel, what one event says, and the kind of a bounce.
EVENTS = {
    "users_messages_email_send_shared": ("email", "sent_at", ""),
    "users_messages_email_delivery_shared": ("email", "delivered_at", ""),
    "users_messages_email_bounce_shared": ("email", "bounced_at", "hard"),
    "users_messages_email_softbounce_shared": ("email", "bounced_at", "soft"),
    "users_messages_email_open_shared": ("email", "seen_at", ""),
    "users_messages_email_click_shared": ("email", "clicked_at", ""),
    "users_messages_email_unsubscribe_shared": ("email", "unsubscribed_at", ""),
    "users_messages_email_markasspam_shared": ("email", "complained_at", ""),
    "users_messages_pushnotification_send_shared": ("push", "sent_at", ""),
    "users_messages_pushnotification_bounce_shared": ("push", "bounced_at", "hard"),
    "users_messages_pushnotification_open_shared": ("push", "seen_at", ""),
    "users_messages_sms_send_shared": ("sms", "sent_at", ""),
    "users_messages_sms_delivery_shared": ("sms", "delivered_at", ""),
    "users_messages_sms_deliveryfailure_shared": ("sms", "bounced_at", "drop"),
    "users_messages_sms_rejection_shared": ("sms", "bounced_at", "soft"),
    "users_messages_sms_shortlinkclick_shared": ("sms", "clicked_at", ""),
    "users_messages_whatsapp_send_shared": ("whatsapp", "sent_at", ""),
    "users_messages_whatsapp_delivery_shared": ("whatsapp", "delivered_at", ""),
    "users_messages_whatsapp_failure_shared": ("whatsapp", "bounced_at", "soft"),
    "users_messages_whatsapp_read_shared": ("whatsapp", "seen_at", ""),
    "users_messages_whatsapp_click_shared": ("whatsapp", "clicked_at", ""),
    "users_messages_inappmessage_impression_shared": ("in_app", SHOWN, ""),
    "users_messages_inappmessage_click_shared": ("in_app", "clicked_at", ""),
    "users_messages_contentcard_send_shared": ("in_app", "sent_at", ""),
    "users_messages_contentcard_impression_shared": ("in_app", "seen_at", ""),
    "users_messages_contentcard_click_shared": ("in_app", "clicked_at", ""),
    "users_messages_contentcard_dismiss_shared": ("in_app", "dismissed_at", ""),
}
CONTROL = "users_campaigns_enrollincontrol_shared"
ENTRY = "users_canvas_entry_shared"
SPLIT = "users_canvas_experimentstep_splitentry_shared"
STATES = "users_behaviors_subscription_globalstatechange_shared"
GIVES = {
    **{
        table: f"when messages were {what.removesuffix('_at')} ({channel})"
        for table, (channel, what, _kind) in EVENTS.items()
    },
    CONTROL: "who is held out from a campaign",
    ENTRY: "who is held out from a Canvas",
    SPLIT: "who is held out by a step of a Canvas",
    STATES: "who left a channel, and came back",
}
USER = ("user_id", "external_user_id")
VARIATIONS = (
    "canvas_step_message_variation_api_id",
    "canvas_step_message_variation_id",
    "message_variation_api_id",
    "message_variation_id",
)


def braze_export(tool: Tool) -> Landing:
    """Messages from one table per kind of event; arms from what Braze's control groups leave."""
    events = [table for table in EVENTS if tool.has(table)]
    if not events:
        raise tool.lacking(
            "none of Braze's tables of messages, which give what was sent.",
            f"sync them, or say under `exports: tables:` what they are called: {listed(EVENTS)}.",
        )
    drawn = [_control_group(table, tool) for table in (CONTROL, ENTRY, SPLIT) if tool.has(table)]
    said = [_braze_events(table, tool) for table in events] + [_ghosts(rows) for rows in drawn]
    return Landing(
        facts=facts.united_parts(said),
        arms=facts.united_parts([_control_arms(rows) for rows in drawn]),
        lists=_left_channels(tool) if tool.has(STATES) else None,
    )


def _braze_events(table: str, tool: Tool) -> ir.Table:
    rows = tool.rows(table, "external_user_id", "time")
    channel, what, kind = EVENTS[table]
    by = flag(rows, "machine_open").coalesce(flag(rows, "is_suspected_bot_click"))
    dropped = flag(rows, "is_drop").fill_null(False)
    step, campaign = text(rows, "canvas_step_api_id", "canvas_step_id"), _campaign(rows)
    dispatch = text(rows, "dispatch_id")
    if "shortlink" not in table:
        dispatch = dispatch.coalesce(campaign + ":" + step.fill_null(""))
    return facts.facts(
        rows,
        message=ibis.literal(f"{channel}:") + dispatch + ":" + text(rows, *USER),
        what=what,
        at=timestamp(rows, "time"),
        is_machine=ibis.literal(False) if channel == "in_app" else by,
        kind=ibis.ifelse(dropped, "drop", kind) if kind else ibis.null("string"),
        channel=channel,
        campaign=campaign,
        named=text(rows, "campaign_name", "canvas_name"),
        step=step,
        variant=text(rows, *VARIATIONS),
        person=text(rows, "external_user_id"),
        address=tool.address(rows, "email_address"),
    )


def _control_group(table: str, tool: Tool) -> ir.Table:
    """Whoever a control group drew: `message`, `at`, `arm`, and the names of campaign and person.

    Of a campaign Braze says the held out alone.
    """
    needed = [] if table == CONTROL else ["in_control_group"]
    rows = tool.rows(table, "external_user_id", "time", *needed)
    held = ibis.literal(True) if table == CONTROL else flag(rows, "in_control_group")
    step = ibis.literal(":") + text(rows, "experiment_step_api_id", "experiment_step_id")
    return rows.select(
        message=ibis.literal("control:") + text(rows, "id"),
        at=timestamp(rows, "time"),
        arm=ibis.cases((held, HOLDOUT), (~held, TREATED), else_=None),
        campaign=_campaign(rows) + step if table == SPLIT else _campaign(rows),
        named=ibis.null("string") if table == SPLIT else text(rows, "campaign_name", "canvas_name"),
        person=text(rows, "external_user_id"),
        address=tool.address(rows, "email_address"),
    )


def _ghosts(drawn: ir.Table) -> ir.Table:
    held = drawn.filter(drawn.arm == HOLDOUT)
    return facts.facts(held, "message", "at", "campaign", "named", *WHO, what=GHOST)


def _control_arms(drawn: ir.Table) -> ir.Table:
    known = drawn.filter(drawn.arm.notnull())
    return facts.arms(known, "campaign", "named", "arm", *WHO, assigned_at=known.at)


def _left_channels(tool: Tool) -> ir.Table:
    rows = tool.rows(STATES, "external_user_id", "subscription_status", "time")
    return facts.stretches(
        rows,
        off=(rows.subscription_status.lower() == "unsubscribed").fill_null(False),
        person=text(rows, "external_user_id"),
        address=tool.address(rows, "email_address"),
        channel=text(rows, "channel"),
        reason="unsubscribed",
        from_at=timestamp(rows, "time"),
    )


def _campaign(rows: ir.Table) -> ir.StringValue:
    return text(rows, "campaign_api_id", "campaign_id", "canvas_api_id", "canvas_id")


VENDOR = Vendor("Braze", knows=("ids", "addresses"), gives=GIVES, landing=braze_export)
