"""What messages cost: who left because of them, what came back, and how many one account gets."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook.counting import messages
from playbook.counting.shaping import Rows
from playbook.impact.trial import NO_MESSAGES
from playbook.inference import stats
from playbook.language.mistakes import listed
from playbook.language.portable import count_if
from playbook.language.wording import count, interval, plain, rare, too_few
from playbook.results import Answer, Result, shown
from playbook.results.columns import COUNT, FLAG, KEY, share_of, with_ends
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, bullets, not_known
from playbook.run import Run

# What a message may do, by the column that says when → as a noun.
HARMS = {"complained": "complaint", "unsubscribed": "unsubscribe", "bounced": "bounce"}
HARMED = {"play": KEY, "declared": FLAG, "messages": COUNT} | {
    name: column
    for harm in HARMS
    for name, column in {
        harm: COUNT,
        **with_ends(f"{harm}_share", share_of("messages"), ends=(f"{harm}_low", f"{harm}_high")),
    }.items()
}
MOST = 5  # messages a week, or more


@section("impact.harms")
def harms(run: Run) -> Answer:
    """What each play's messages brought besides: of messages sent, not of people.

    Nothing is compared: these counts say what happened to the messages, and not whether people
    would have left anyway.

    Returns:
        Shape `table`: one row per play that the messages name, whoever declares it: `play`,
        `declared`, `messages` (that left the tool in the period, ghosts not among them), and for
        `complained`, `unsubscribed` and `bounced` each: how many, its `_share` of the messages,
        and the `_low` and `_high` of that; null where no column tells. The play with the
        largest share of complaints and unsubscribes first.
    """
    each = {name: count_if(_[f"{name}_at"].notnull()) for name in HARMS}
    counted = sent(run).group_by("play").aggregate(messages=_.count(), **each)
    slugs = {play.slug for play in run.declared.plays}
    unknown = [name for name in HARMS if run.tables.unknown("messages", f"{name}_at")]

    def finish(rows: Rows) -> Rows:
        found = [_harmed_play(row | dict.fromkeys(unknown), slugs) for row in rows]
        return sorted(found, key=lambda row: (-_left_share(row), row["play"]))

    return run.result(
        "table",
        counted,
        finish,
        own=HARMED,
        counted="messages",
        counts="messages sent in the period",
        told=(("left out", "ghosts: messages that were logged and never sent"),),
        says=_say_harms,
        silence="No message was sent in the period.",
    )


@section("impact.load")
def messages_a_week(run: Run) -> Answer:
    """How many messages people and accounts were sent in a week, of all plays together.

    Returns:
        Shape `mix`, by `per` (`person`, `account`): of the weeks (from Monday, UTC) in which
        one was sent anything, how many brought 1, 2, … messages; besides, `most`: the largest
        number in one week.
    """
    return run.result(
        "mix",
        messages.weekly(sent(run).mutate(at=_.sent_at), most=MOST),
        lambda rows: messages.classes(rows, MOST),
        own={"most": COUNT},
        by=("per",),
        counted="weeks with any message",
        counts="messages sent in the period, of all plays together",
        told=(("week", "from Monday, UTC"),),
        silence="No message was sent in the period.",
    )


def sent(run: Run) -> ir.Table:
    """The messages that left the tool in the period, none of them a ghost.

    Raises:
        Unanswerable: The messages are not mapped, or nothing says when they were sent.
    """
    if not run.tables.has("messages"):
        raise Unanswerable(NO_MESSAGES)
    if reason := run.tables.unknown("messages", "sent_at"):
        raise Unanswerable(f"Nobody can say what was sent in the period: {reason}.")
    return run.tables.messages.filter(
        ~_.is_ghost, _.sent_at.notnull(), run.period.entered(_.sent_at)
    )


def _harmed_play(row: dict[str, Any], slugs: set[str]) -> dict[str, Any]:
    n = row["messages"]
    found = {
        "play": shown(row["play"]),
        "declared": row["play"] in slugs,
        "messages": n,
    }
    for name in HARMS:
        harmed = row[name]
        low, high = (None, None) if harmed is None else stats.wilson(harmed, n)
        found |= {name: harmed, f"{name}_share": None if harmed is None else harmed / n}
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _left_share(row: dict[str, Any]) -> float:
    return (row["unsubscribed_share"] or 0) + (row["complained_share"] or 0)


def _say_harms(result: Result, told: Told, _words: str) -> str:
    """The play with the largest share of each harm, of those with enough messages."""
    rows, total = result.rows, sum(row["messages"] for row in result.rows)
    messages = told.count("messages", total, "message")
    enough = [row for row in rows if row["messages"] >= result.min_n]
    if not enough:
        return f"{too_few(total)}."
    known = [name for name in HARMS if rows[0][name] is not None]
    lines = []
    for name, noun in ((name, HARMS[name]) for name in known):
        n = sum(row[name] for row in rows)
        harmed = told.count(name, n, noun)
        if not n:
            lines.append(f"No {noun} on {messages}.")
            continue
        worst = max(enough, key=lambda row: (row[f"{name}_share"], row["play"]))
        ends = interval(worst[f"{name}_low"], worst[f"{name}_high"])
        lines.append(
            f"{harmed} on {messages}; most on {plain(worst['play'])}: "
            f"**{rare(worst[f'{name}_share'])}** ({ends}, n = {count(worst['messages'])})."
        )
    if unknown := [f"{noun}s" for name, noun in HARMS.items() if name not in known]:
        why = "no column of `messages` that would tell is mapped"
        lines.append(not_known(f"{listed(unknown)} on {messages}", why))
    return bullets(lines)
