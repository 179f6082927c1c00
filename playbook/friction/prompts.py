"""What became of the messages that ask people for a step, such as the mail with a link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir
from ibis import _

from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import count_if
from playbook.run import Run, fetched


@dataclass(frozen=True)
class Mail:
    """The messages that ask for a step, as far as the data have them.

    Attributes:
        plays: What the messages' `play` says; none: they are not known.
        because: Why they are not known; "" if they are.
        first: When the first message of any play was sent: before, nothing is known.
        last: When the last one was.
    """

    plays: tuple[str, ...] = ()
    because: str = ""
    first: datetime | None = None
    last: datetime | None = None


def mail(run: Run, goal: str) -> Mail:
    """The messages that ask for an event, from when to when the data have any."""
    declared = run.declared.product.prompts.get(goal, ())
    if not run.tables.has("messages"):
        return Mail(because="no messages are mapped")
    if lacking := [c for c in ("play", "sent_at") if not run.tables.has("messages", c)]:
        return Mail(because=f"the messages have no {listed(lacking)}")
    if not declared:
        return Mail(because="`prompts` of product.yaml names no message for it")
    sent = run.tables.messages.filter(~_.is_ghost, _.sent_at.notnull())
    per_play = sent.group_by("play").aggregate(first=_.sent_at.min(), last=_.sent_at.max())
    seen = run.remembered(("sendings", run.period.as_of), lambda: fetched(per_play))
    if not seen:
        return Mail(because="the table of messages is empty")
    there = sorted(str(row["play"]) for row in seen)
    if strange := [play for play in declared if play not in there]:
        raise Mistake(
            f"product.yaml says that `{strange[0]}` asks for `{goal}`, and no message is of it.",
            f"The messages are of: {listed(there)}.",
            nearest(strange[0], there),
        )
    return Mail(
        plays=declared,
        first=min(row["first"] for row in seen),
        last=max(row["last"] for row in seen),
    )


def with_fates(run: Run, missed: ir.Table, mail: Mail) -> ir.Table:
    """The people who missed it, with what became of their mail by the end of their window.

    Each column says of how many of their messages it is true; null: none was sent.
    """
    if not mail.plays:
        return missed
    starts = missed.select(unit_="unit", began_="started_at", ends_="ends_at")
    sent = run.tables.messages.filter(
        ~_.is_ghost, _.sent_at.notnull(), _.play.isin(list(mail.plays))
    )
    mails = sent.join(starts, sent.user_id == starts.unit_).filter(_.sent_at <= _.ends_)
    delivered, bounced, seen, clicked, complained = (
        (mails[f"{name}_at"] <= mails.ends_).fill_null(False)
        for name in ("delivered", "bounced", "seen", "clicked", "complained")
    )
    opened = (seen & ~mails.seen_by_machine.fill_null(False)) | clicked
    fates = mails.group_by(["unit_", "began_"]).aggregate(
        sent_=mails.count(),
        bounced_=count_if(bounced),
        arrived_=count_if((delivered & ~bounced) | opened | complained),
        opened_=count_if(opened),
        clicked_=count_if(clicked),
        complained_=count_if(complained),
    )
    on = [missed.unit == fates.unit_, missed.started_at == fates.began_]
    return missed.left_join(fates, on).drop("unit_", "began_")
