"""Customer.io's own sync to a warehouse (not Fivetran's connector, which has another shape).

The messages of people who are held out by a test are made like all others, and go to a trap.
Which branch of which action that is stands in no table, so the export says it; while a test is
drawn of which it says nothing, nothing is read:

    holdout: {"34": 1}      # of action 34's branches, the one with this index gets nothing
    holdout: {"35": []}     # action 35 compares two messages, both of which go out

A bounce's kind is not said. An open through a proxy may have been anybody's; one that a mailbox
fetched ahead, or that Customer.io marks as a machine's, is a machine's. `campaign` is the id of the
campaign, `newsletter:<id>` or `transactional:<id>`, three counts that start at 1 each.

A suppressed person's own row says so without a date: they count as suppressed from its last change
on, which is the latest that it can have been.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.adapters.exports import facts
from playbook.adapters.exports.facts import GHOST, HOLDOUT, TREATED, WHO, Landing
from playbook.adapters.exports.reading import Tool, Vendor, flag, newest, text, timestamp
from playbook.language.mistakes import Mistake, listed
from playbook.language.portable import when

GIVES = {
    "deliveries": "every message, and whom it was for",
    "metrics": "what became of each message",
    "people": "our id of each person",
    "outputs": "the branch of each test that a person was drawn into",
    "subjects": "who went through a campaign, and so whose branch it was",
    "campaigns": "the names of campaigns",
}
WHAT = {
    "sent": "sent_at",
    "delivered": "delivered_at",
    "opened": "seen_at",
    "clicked": "clicked_at",
    "bounced": "bounced_at",
    "dropped": "bounced_at",
    "suppressed": "bounced_at",
    "failed": "bounced_at",
    "spammed": "complained_at",
    "unsubscribed": "unsubscribed_at",
}
NEVER_LEFT = ("dropped", "suppressed", "failed")


def customerio_export(tool: Tool) -> Landing:
    """Messages from deliveries and their metrics, without those that went to the trap."""
    people, outputs = _last_states(tool), tool.rows("outputs", "action_id", "split_test_index")
    _check_tests(outputs, tool)
    said = [_deliveries(people, tool), _metrics(tool)]
    drawn = _drawn_branches(outputs, tool) if any(tool.export.holdout.values()) else None
    if drawn is not None:
        trapped = drawn.filter(_.arm == HOLDOUT)
        said.append(facts.facts(trapped, "at", message=trapped.letter, what=GHOST))
    return Landing(
        facts=facts.united_parts(said),
        arms=None if drawn is None else _branch_arms(drawn, people, tool),
        lists=_suppressed_people(people),
    )


def _last_states(tool: Tool) -> ir.Table:
    """The last state of each person: `internal`, `person`, `address`, `is_suppressed`, `at`."""
    rows = tool.rows("people", "internal_customer_id", "customer_id", "updated_at")
    states = rows.select(
        internal=text(rows, "internal_customer_id"),
        person=text(rows, "customer_id"),
        address=tool.address(rows, "email_addr"),
        is_suppressed=flag(rows, "suppressed"),
        at=timestamp(rows, "updated_at"),
    )
    return newest(states, "internal", "at")


def _deliveries(people: ir.Table, tool: Tool) -> ir.Table:
    """Every delivery, whatever became of it, with its names."""
    rows = tool.rows("deliveries", "delivery_id", "internal_customer_id", "campaign_id")
    own = {
        "transactional:": text(rows, "transactional_message_id"),
        "newsletter:": text(rows, "newsletter_id"),
        "": text(rows, "campaign_id"),
    }
    letters = rows.select(
        message=text(rows, "delivery_id"),
        internal=text(rows, "internal_customer_id"),
        at=timestamp(rows, "created_at"),
        channel=text(rows, "delivery_type"),
        campaign=ibis.coalesce(*(ibis.literal(kind) + id for kind, id in own.items())),
        step=text(rows, "action_id"),
        variant=text(rows, "content_id"),
    )
    known = letters.left_join(people.select("internal", *WHO), "internal")
    joined = tool.named(known, "campaigns", key="campaign_id", at="updated_at")
    names = ("message", "at", "channel", "campaign", "named", "step", "variant", *WHO)
    return facts.facts(joined, *names, what="made")


def _metrics(tool: Tool) -> ir.Table:
    rows = tool.rows("metrics", "delivery_id", "metric", "created_at")
    fetched = flag(rows, "machine").fill_null(False) | flag(rows, "prefetched").fill_null(False)
    anybody = flag(rows, "proxied").fill_null(False) | flag(rows, "machine").isnull()
    return facts.facts(
        rows,
        message=text(rows, "delivery_id"),
        what=rows.metric.substitute(WHAT),
        at=timestamp(rows, "created_at"),
        is_machine=when(fetched | ~anybody, fetched),
        kind=when(rows.metric.isin(NEVER_LEFT), ibis.literal("drop")),
    )


def _check_tests(outputs: ir.Table, tool: Tool) -> None:
    """Every test that was drawn must be said: else its trap would count as sent."""
    tests = outputs.filter(outputs.split_test_index.notnull())
    branches = tests.select(action=text(tests, "action_id"), index=text(tests, "split_test_index"))
    rows = tool.warehouse.connection.to_pyarrow(branches.distinct()).to_pylist()
    unsaid = sorted({row["action"] for row in rows} - set(tool.export.holdout))
    if unsaid:
        indexes = sorted(row["index"] for row in rows if row["action"] == unsaid[0])
        raise Mistake(
            f"Customer.io draws a test at its action {unsaid[0]}, and the export does not say "
            "which branch is held out: its messages went to a trap, and would count as sent.",
            f"The branches are {listed(indexes)}; tests without a word: {listed(unsaid)}.",
            f'write `holdout: {{"{unsaid[0]}": {indexes[-1]}}}` with the right branch, or '
            f'`{{"{unsaid[0]}": []}}` if all of them are sent.',
        )


def _drawn_branches(outputs: ir.Table, tool: Tool) -> ir.Table:
    """Whoever a declared test or random branch drew: `subject`, `letter`, `arm`, `at`."""
    branches = [name for name in ("split_test_index", "branch_index") if name in outputs.columns]
    rows = outputs.select(
        subject=text(outputs, "subject_name"),
        letter=text(outputs, "delivery_id"),
        action=text(outputs, "action_id"),
        index=ibis.coalesce(*(outputs[name].cast("int64") for name in branches)),
        at=timestamp(outputs, "created_at"),
    )
    said = {action: held for action, held in tool.export.holdout.items() if held}
    held = [(rows.action == action) & rows.index.isin(which) for action, which in said.items()]
    arm = ibis.ifelse(ibis.or_(*held), ibis.literal(HOLDOUT), ibis.literal(TREATED))
    drawn = rows.filter(rows.action.isin(list(said)), rows.index.notnull())
    return drawn.select("subject", "letter", "at", arm=arm)


def _branch_arms(drawn: ir.Table, people: ir.Table, tool: Tool) -> ir.Table:
    rows = tool.rows("subjects", "subject_name", "internal_customer_id", "campaign_id")
    subjects = rows.select(
        subject=text(rows, "subject_name"),
        internal=text(rows, "internal_customer_id"),
        campaign=text(rows, "campaign_id"),
    ).distinct()
    joined = drawn.inner_join(subjects, "subject").inner_join(people.drop("at"), "internal")
    found = tool.named(joined, "campaigns", key="campaign_id", at="updated_at")
    return facts.arms(found, "campaign", "named", *WHO, "arm", assigned_at=found.at)


def _suppressed_people(people: ir.Table) -> ir.Table:
    off = people.filter(people.is_suppressed.fill_null(False))
    return facts.lists(off, *WHO, reason="suppressed", from_at=off.at)


VENDOR = Vendor("Customer.io", knows=("ids", "addresses"), gives=GIVES, landing=customerio_export)
