"""What messages cost: who left because of them, what came back, and how many one account gets."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook.counting import measures, shaping
from playbook.counting.shaping import Rows
from playbook.impact.asking import NO_MESSAGES
from playbook.inference import stats
from playbook.language.portable import count_if
from playbook.results import UNKNOWN, Answer, Unavailable
from playbook.run import Run

HARMS = {"unsubscribed": "unsubscribed_at", "complained": "complained_at", "bounced": "bounced_at"}
MOST = 5  # messages a week, or more


def harms(run: Run) -> Answer:
    """What each play's messages brought besides: of messages sent, not of people.

    Nothing is compared: these counts say what happened to the messages, and not whether people
    would have left anyway.

    Returns:
        Shape `table`: one row per play that the messages name, whoever declares it: `play`,
        `declared`, `messages` (that left the tool in the period, ghosts not among them), and for
        `unsubscribed`, `complained` and `bounced` each: how many, its `_share` of the messages,
        and the `_low` and `_high` of that. The play with the largest share of complaints and
        unsubscribes first.
    """
    if not run.tables.has("messages"):
        return Unavailable("impact.harms", NO_MESSAGES)
    each = {name: count_if(_[column].notnull()) for name, column in HARMS.items()}
    counted = sent(run).group_by("play").aggregate(messages=_.count(), **each)
    slugs = {play.slug for play in run.declared.plays}

    def finish(rows: Rows) -> Rows:
        found = [_harmed(row, slugs) for row in rows]
        return sorted(found, key=lambda row: (-_worst(row), row["play"]))

    return run.result(
        "impact.harms",
        "table",
        counted,
        finish,
        counts="messages sent in the period",
        says=(("left out", "ghosts: messages that were logged and never sent"),),
    )


def load(run: Run) -> Answer:
    """How many messages people and accounts were sent in a week, of all plays together.

    Returns:
        Shape `mix`, by `per` (`person`, `account`): of the weeks (from Monday, UTC) in which
        one was sent anything, how many brought 1, 2, … messages; besides, `most`: the largest
        number in one week.
    """
    if not run.tables.has("messages"):
        return Unavailable("impact.load", NO_MESSAGES)
    return run.result(
        "impact.load",
        "mix",
        measures.weekly(sent(run).mutate(at=_.sent_at), most=MOST),
        lambda rows: shaping.weekly(rows, MOST),
        by=("per",),
        counts="messages sent in the period, of all plays together",
        says=(("week", "from Monday, UTC"),),
    )


def sent(run: Run) -> ir.Table:
    """The messages that left the tool in the period, none of them a ghost."""
    return run.tables.messages.filter(
        ~_.is_ghost, _.sent_at.notnull(), run.period.entered(_.sent_at)
    )


def _harmed(row: dict[str, Any], slugs: set[str]) -> dict[str, Any]:
    n = row["messages"]
    found = {
        "play": UNKNOWN if row["play"] is None else row["play"],
        "declared": row["play"] in slugs,
        "messages": n,
    }
    for name in HARMS:
        low, high = stats.wilson(row[name], n)
        found |= {name: row[name], f"{name}_share": row[name] / n}
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _worst(row: dict[str, Any]) -> float:
    return row["unsubscribed_share"] + row["complained_share"]
