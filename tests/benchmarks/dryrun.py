"""The dry run of twelve plays over the whole history, against one funnel of five steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import playbook as pb
from playbook import ledger
from playbook.declare import Declarations, Limit, Play, Quiet, Sending, Step
from tests.benchmarks import SMALL, funnel, log

PLAYS = 12
SENDING = Sending(
    limits=(
        Limit(most=2, within="7d"),
        Limit(most=1, within="day", channel="email"),
        Limit(most=4, within="week", per="account"),
    ),
    quiet=(Quiet(begins="21:00", ends="08:00", channel="email"),),
    zone="Europe/Berlin",
    holdout=0.05,
)


def ours(folder: Path) -> Callable[[], dict[str, int]]:
    """The ledger of all plays, with caps, quiet hours, a sequence, exits and episodes.

    Each event once is there before: what all results of a report read.
    """
    _decisions(_opened(log(SMALL), SENDING))
    run = _opened(folder, SENDING)
    return lambda: _decisions(run)


def for_everybody(folder: Path) -> Callable[[], dict[str, int]]:
    """The same where three of the copies, the sequence among them, are for everybody."""
    _decisions(_opened(log(SMALL), SENDING, {"audience": {}}))
    run = _opened(folder, SENDING, {"audience": {}})
    return lambda: _decisions(run)


def without_limits(folder: Path) -> Callable[[], dict[str, int]]:
    """The same plays where only priorities part them."""
    _decisions(_opened(log(SMALL), Sending()))
    run = _opened(folder, Sending())
    return lambda: _decisions(run)


def one_funnel(folder: Path) -> Callable[[], list[int]]:
    """The five-step funnel alone, from the Parquet files."""
    return funnel.ours(folder)


def _opened(folder: Path, sending: Sending, said: dict | None = None) -> pb.Run:
    run = pb.open("params/airtouch", str(folder))
    run.tables.events.count().to_pyarrow()
    product = run.declared.product.model_copy(update={"sending": sending})
    plays = _plays(run.declared, said or {})
    return replace(run, declared=replace(run.declared, product=product, plays=plays))


def _plays(declared: Declarations, said: dict) -> tuple[Play, ...]:
    """The product's plays, and copies of them that do what the product's do not."""
    own = [play for play in declared.plays if not play.then][:8]
    back = own[0].model_copy(
        update={
            "slug": "come_back",
            "trigger": "workflow_ran",
            "after": "72h",
            "again": "30d",
            "exits": ("workflow_saved",),
            "unless": (),
            **said,
        }
    )
    sequence = own[1].model_copy(
        update={
            "slug": "sequence",
            "then": (
                Step(after="48h", unless=("connection_created",)),
                Step(after="7d", channel="in_app", having=("connection_created",)),
            ),
            **said,
        }
    )
    once = own[2].model_copy(update={"slug": "once", "suppressed_by": (own[0].slug, "sequence")})
    wide = own[3].model_copy(update={"slug": "wide", "priority": 5, **said})
    found = (*own, back, sequence, once, wide)
    assert len(found) == PLAYS
    return found


def _decisions(run: pb.Run) -> dict[str, int]:
    decided = ledger.decided(run)
    rows = decided.group_by("decision").aggregate(n=decided.count()).to_pyarrow().to_pylist()
    return {row["decision"]: row["n"] for row in sorted(rows, key=lambda row: row["decision"])}


CONTENDERS = {
    "ours": ours,
    "for_everybody": for_everybody,
    "without_limits": without_limits,
    "one_funnel": one_funnel,
}
