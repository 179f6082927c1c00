"""Whom a play would have been sent to, by name."""

from __future__ import annotations

from ibis import _

from playbook import ledger
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run


def audience(run: Run, slug: str) -> Answer:
    """Whom to send a play to: its send list; held-out units are never in it.

    Returns:
        Shape `table`: one row per message: `unit`, `user_id`, `account_id`, `message` (1 is the
        first of a sequence) and `moment_at`, when it goes out; in order of time.
    """
    if reason := ledger.obstacle(run, slug):
        return Unavailable(f"personalization.audience.{slug}", reason)
    chosen = (
        ledger.decided(run)
        .filter(_.play == slug, _.decision == "send")
        .select("unit", "user_id", "account_id", "moment_at", message=_.step + 1)
        .order_by(["moment_at", "unit", "message"])
    )
    return Result(
        id=f"personalization.audience.{slug}", shape="table", table=chosen, as_of=run.as_of
    )
