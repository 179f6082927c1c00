"""How collecting goes wrong: outage, double firing, other copies, and what a tool gets."""

from __future__ import annotations

import numpy as np

from playbook.airtouch.defects import DEFECTS
from playbook.airtouch.draws import Columns, between, planted, stack, take
from playbook.airtouch.milliseconds import DAY, HOUR, MINUTE, SECOND, SPAN
from playbook.airtouch.sessions import CODE
from playbook.airtouch.truth import TRUTH

FLAGS = ("new_home", "old_home")
SENT_TO_MAILER = [CODE[event] for event in TRUTH["mailer_gets"]]


def with_faults(rng: np.random.Generator, events: Columns) -> Columns:
    """The log with what went wrong on its way, and the column `flag` (-1: null, as mostly).

    The copies of `with_defects` are in it already: what befalls an event befalls its copies too.
    """
    _other_versions(rng, events)
    events["flag"] = _flags(rng, events)
    events = take(events, ~_lost_in_outage(rng, events))
    return stack([events, _fired_again(rng, events)])


def mailer_copy(rng: np.random.Generator, events: Columns, *, defects: bool) -> Columns:
    """The engagement tool's copy of the events that it is sent: `id`, `event` and `received`.

    One row per event, in order of receipt; what would be received after END is not there yet.

    Args:
        rng: Where chance comes from.
        events: The log, in order of receipt.
        defects: Whether the tool loses some events and gets others hours late.
    """
    first = np.unique(events["id"], return_index=True)[1]
    first = np.sort(first[np.isin(events["event"][first], SENT_TO_MAILER)])
    n = len(first)
    lost = rng.random(n) < DEFECTS["mailer_lost"] * defects
    slow = rng.random(n) < DEFECTS["mailer_slow"] * defects
    soon, late = between(rng, SECOND, MINUTE, n), between(rng, 2 * HOUR, 12 * HOUR, n)
    table = {name: events[name][first] for name in ("id", "event", "received")}
    table["received"] = table["received"] + np.where(slow, late, soon)
    table = take(table, ~lost & (table["received"] < SPAN))
    return take(table, np.argsort(table["received"], kind="stable"))


def _other_versions(rng: np.random.Generator, events: Columns) -> None:
    """Some copies, sent again by a tab that still runs another version, say so."""
    first = np.unique(events["id"], return_index=True)[1]
    copy = np.ones(len(events["id"]), bool)
    copy[first] = False
    chosen = planted(rng, copy & events["web"], DEFECTS["conflicting_copies"] * copy.sum())
    other = np.where(events["version"] > 0, events["version"] - 1, 1)
    events["version"] = np.where(chosen, other, events["version"])


def _flags(rng: np.random.Generator, events: Columns) -> np.ndarray:
    """Positions in FLAGS, of some page views; the same for an event and its copies."""
    drawn = rng.random(events["id"].max() + 1)[events["id"]]
    share = DEFECTS["unplanned_property_filled"]
    filled = (events["event"] == CODE["page_viewed"]) & (drawn < share)
    return np.where(filled, np.where(drawn < share / 2, 0, 1), -1)


def _lost_in_outage(rng: np.random.Generator, events: Columns) -> np.ndarray:
    """The rows that an outage took: most of one event's on one day."""
    outage = DEFECTS["outage"]
    drawn = rng.random(events["id"].max() + 1)[events["id"]]
    that_day = events["occurred"] // DAY == outage["day"]
    return that_day & (events["event"] == CODE[outage["event"]]) & (drawn < outage["lost"])


def _fired_again(rng: np.random.Generator, events: Columns) -> Columns:
    """Second rows of what the browser tracked twice: a moment later, with an id of their own."""
    fired = DEFECTS["double_fired"]
    rows = np.flatnonzero(events["event"] == CODE[fired["event"]])
    rows = rows[np.unique(events["id"][rows], return_index=True)[1]]
    rows = rows[rng.random(len(rows)) < fired["share"]]
    rows = rows[events["received"][rows] < SPAN - 3 * SECOND]
    again = take(events, rows)
    gap = between(rng, 50, 1500, len(rows))
    for name in ("at", "occurred", "sent", "received"):
        again[name] = again[name] + gap
    again["id"] = events["id"].max() + 1 + np.arange(len(rows))
    return again
