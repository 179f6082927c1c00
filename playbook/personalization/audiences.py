"""Whom a play would have been sent to, by name."""

from __future__ import annotations

from ibis import _

from playbook import ledger
from playbook.results import Answer
from playbook.results.columns import ID, MOMENT
from playbook.results.section import section
from playbook.run import Run

SENT = {"unit": ID, "user_id": ID, "account_id": ID, "moment_at": MOMENT, "message": ID}


@section("personalization.audience.{slug}")
def audience(run: Run, slug: str) -> Answer:
    """Whom to send a play to: its send list; held-out units are never in it.

    Returns:
        Shape `list`: one row per message: `unit`, `user_id`, `account_id`, `moment_at`, when it
        goes out, and `message` (1 is the first of a sequence); in order of time.
    """
    play = ledger.play_of(run, slug)
    chosen = (
        ledger.decided(run)
        .filter(_.play == play.slug, _.decision == "send")
        .select("unit", "user_id", "account_id", "moment_at", message=_.step + 1)
        .order_by(["moment_at", "unit", "message"])
    )
    return run.result("list", chosen, own=SENT, definition=())
