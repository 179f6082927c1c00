"""What messages cost: who left because of them, what came back, and how many one account gets."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import stats
from playbook.impact.reach import NO_MESSAGES
from playbook.portable import count_if, united
from playbook.results import UNKNOWN, Answer, Unavailable
from playbook.run import Run
from playbook.shaping import Rows

HARMS = {"unsubscribed": "unsubscribed_at", "complained": "complained_at", "bounced": "bounced_at"}
PER = {"person": "user_id", "account": "account_id"}
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
        united([_weekly(run, per, scope) for per, scope in PER.items()]),
        _classes,
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


def _weekly(run: Run, per: str, scope: str) -> ir.Table:
    """Weeks by the number of messages that they brought one person or account."""
    weekly = (
        sent(run)
        .filter(_[scope].notnull())
        .group_by(scope=scope, week=_.sent_at.truncate("W"))
        .aggregate(n=_.count())
    )
    counted = weekly.group_by(messages=ibis.ifelse(_.n < MOST, _.n, MOST)).aggregate(
        weeks=_.count(), most=_.n.max()
    )
    return counted.mutate(per=ibis.literal(per)).select("per", "messages", "weeks", "most")


def _classes(rows: Rows) -> Rows:
    found: Rows = []
    for per in PER:
        own = sorted((row for row in rows if row["per"] == per), key=lambda row: row["messages"])
        total = sum(row["weeks"] for row in own)
        for row in own:
            low, high = stats.wilson(row["weeks"], total)
            label = f"{MOST} or more" if row["messages"] == MOST else str(row["messages"])
            found.append(
                {"per": per, "label": label, "position": row["messages"] - 1}
                | {"n": row["weeks"], "total": total, "share": row["weeks"] / total}
                | {"low": low, "high": high, "most": row["most"]}
            )
    return found
