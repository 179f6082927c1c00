"""Whose events are: by what they name themselves, and by what identities tell of a device."""

from __future__ import annotations

from ibis import _

from playbook.data.identities import RESOLVED
from playbook.language.portable import count_if
from playbook.results import Result
from playbook.results.columns import COUNT
from playbook.results.section import Unanswerable, section
from playbook.run import Run

# What is counted → how people say it.
TOLD = {
    "named": "events that name their user",
    "resolved": "events whose device tells their user",
    "nobodys": "events of nobody known, with all that is told",
}
IDENTITIES = dict.fromkeys(("identities", *TOLD), COUNT)


@section("audit.identities")
def identified_events(run: Run) -> Result:
    """Whose the events are, with identities and without them.

    Returns:
        Shape `table`, one row: `identities` (events, each once), `named` (they name their user),
        `resolved` (they do not, and their device is only one user's), `nobodys`.
    """
    events = run.tables.events
    if RESOLVED not in events.columns:
        raise Unanswerable("No `identities` are mapped: what names no user is nobody's.")
    counted = events.aggregate(
        identities=_.count(),
        named=count_if(_.user_id.notnull() & ~_[RESOLVED]),
        resolved=count_if(_[RESOLVED]),
        nobodys=count_if(_.user_id.isnull()),
    )
    return run.result("table", counted, counts="every row", own=IDENTITIES)
