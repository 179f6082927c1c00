"""Pendo's guides, as Fivetran lands them.

A guide is shown or it is not: the first time that somebody saw it is when it was sent, delivered
and seen, and no machine sees it. A message is a guide to one visitor, however often it is shown.
Visitors are called as the product calls them; anonymous ones (`_PENDO_T_…`) are nobody.

Pendo has no event for the end of a guide. Somebody finished one when they saw each step that its
newest version has, if it has several; a guide that leads different people along different
steps is never finished. Snoozing is no closing, and moving on is no click. Who was held out stands
in no table.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import SHOWN, Landing
from playbook.adapters.exports.reading import Tool, Vendor, text, timestamp
from playbook.language.portable import when

GIVES = {
    "guide_event": "who saw which guide, and what they did with it",
    "guide_step_history": "the steps of a guide, to tell who saw them all",
    "guide_history": "the names of guides",
}
SEEN = "guideSeen"
WHAT = {SEEN: SHOWN, "guideActivity": "clicked_at", "guideDismissed": "dismissed_at"}
ANONYMOUS = "_PENDO_T_"


def pendo_export(tool: Tool) -> Landing:
    """Messages from the events of guides."""
    rows = _guide_events(tool)
    said = [_guide_facts(rows, rows.type.substitute(WHAT), tool)]
    if tool.has("guide_step_history"):
        finished = _finished_guides(rows, tool)
        said.append(_guide_facts(finished, ibis.literal("completed_at"), tool))
    return Landing(facts=facts.united_parts(said))


def _guide_events(tool: Tool) -> ir.Table:
    rows = tool.rows("guide_event", "guide_id", "visitor_id", "type", "timestamp")
    visitor = text(rows, "visitor_id")
    events = rows.select(
        guide=text(rows, "guide_id"),
        guide_step=text(rows, "guide_step_id"),
        visitor=visitor,
        person=when(~visitor.startswith(ANONYMOUS), visitor),
        type=text(rows, "type"),
        at=timestamp(rows, "timestamp"),
    )
    return events.filter(_.guide.notnull(), _.visitor.notnull(), _.type.isin(list(WHAT)))


def _guide_facts(rows: ir.Table, what: ir.StringValue, tool: Tool) -> ir.Table:
    told = rows.mutate(what=what, campaign=rows.guide)
    named = tool.named(told, "guide_history", key="id", at="last_updated_at")
    return facts.facts(
        named,
        *("what", "at", "campaign", "named", "person"),
        message=named.guide + ":" + named.visitor,
        is_machine=ibis.literal(False),
        channel="in_app",
    )


def _finished_guides(rows: ir.Table, tool: Tool) -> ir.Table:
    """Who saw every step of the newest version of a guide, and when they saw the one left."""
    table = tool.rows("guide_step_history", "guide_id", "guide_last_updated_at", "step_id")
    versions = table.select(
        guide=text(table, "guide_id"),
        step=text(table, "step_id"),
        version=timestamp(table, "guide_last_updated_at"),
    ).distinct()
    latest = versions.group_by("guide").aggregate(version=_.version.max())
    steps = versions.semi_join(latest, ["guide", "version"])
    sizes = steps.group_by("guide").aggregate(size=_.count()).filter(_.size > 1)
    seen = (
        rows.filter(_.type == SEEN)
        .semi_join(steps, [rows.guide == steps.guide, rows.guide_step == steps.step])
        .group_by("guide", "guide_step", "visitor", "person")
        .aggregate(at=_.at.min())
        .group_by("guide", "visitor", "person")
        .aggregate(seen=_.count(), at=_.at.max())
    )
    return seen.inner_join(sizes, "guide").filter(_.seen == _.size)


VENDOR = Vendor("Pendo", knows=("ids",), gives=GIVES, landing=pendo_export)
