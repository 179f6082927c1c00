"""What the tools' messages say of plays, and the statements that trials are made of."""

from __future__ import annotations

import ibis
from ibis import _

from playbook import ledger
from playbook.language.periods import moment
from playbook.results import Result
from playbook.run import Run


def others(run: Run) -> tuple[Result, ...]:
    """What trials are made of beside the ledger: the tools' messages, the log of arms, the log."""
    logs = [sent_by_tools(run)] if run.tables.has("messages") else []
    if run.tables.assignments is not None:
        logs.append(ledger.arms_in_log(run))
    return (*logs, *run.scans)


def sent_by_tools(run: Run) -> Result:
    """What the tools sent: one row per source, play and day of `messages`, with `n`.

    The day is null of what was sent at a time that nobody knows.
    """

    def made() -> Result:
        at = ibis.coalesce(_.sent_at, _.delivered_at, _.seen_at, _.clicked_at, _.completed_at)
        there = (_.at_ <= moment(run.period.as_of)) | (_.at_.isnull() & _.is_sent)
        rows = run.tables.messages.mutate(at_=at).filter(there)
        known = run.tables.users.select(known="user_id")
        rows = rows.left_join(known, rows.user_id == known.known)
        found = rows.group_by(source=_.source, play=_.play, day=_.at_.date()).aggregate(
            n=_.count(),
            known=_.known.count(),
            sane_first=_.at_.min(),
            sane_last=_.at_.max(),
        )
        return Result("log.messages", "table", found)

    return run.remembered(("log", "messages"), made)
