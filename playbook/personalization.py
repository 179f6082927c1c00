"""Stage 3, personalization design: who is there, where they stop, and which play covers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers, triggers
from playbook.declare import Play
from playbook.periods import duration, words
from playbook.portable import count_if
from playbook.results import UNKNOWN, Answer, Result, Unavailable
from playbook.run import Run
from playbook.shaping import Rows

CELLS = ("persona", "intent", "acquisition")
REACHING = ("reached_within", "did_before")


def matrix(run: Run, id: str, *, cells: Sequence[str] = CELLS) -> Answer:
    """Persona x intent x acquisition: size, friction, and the plays that cover each cell.

    Args:
        run: The opened run.
        id: A share question whose missing share is the friction.
        cells: The columns that make a cell.

    Returns:
        Shape `table`: one row per cell: the cell, people, reached, lost (people who did not
        reach it), and the plays whose audience includes it; largest loss first.
    """
    found = answers.answer(run, id, by=list(cells), stage="personalization")
    if isinstance(found, Unavailable):
        return found
    if run.declared.question(id).measure not in REACHING:
        return Unavailable(
            "personalization.matrix",
            f"`{id}` does not count who reaches a goal: use {' or '.join(REACHING)}.",
        )

    def finish(rows: Rows) -> Rows:
        return _cells(run, found, found.finish(rows), cells)

    return replace(
        found, id="personalization.matrix", shape="table", by=tuple(cells), finish=finish
    )


def cards(run: Run) -> Answer:
    """Every play in words: one row per play, by priority."""
    if not run.declared.plays:
        return _no_plays(run, "cards")
    plays = sorted(run.declared.plays, key=lambda play: (-play.priority, play.slug))
    said = [_card(run, play) for play in plays]
    return Result(
        id="personalization.cards",
        shape="table",
        table=run.tables.arrivals.limit(0).select("event"),
        as_of=run.as_of,
        finish=lambda _rows: said,
    )


def reach(run: Run) -> Answer:
    """Whom each play would have reached in the period, had it been live.

    Returns:
        Shape `table`: one row per play: people in the audience, units that trigger, of these
        sent and held out, and messages per week.
    """
    if not run.declared.plays:
        return _no_plays(run, "reach")
    if reasons := [r for play in run.declared.plays if (r := triggers.obstacle(run, play.slug))]:
        return Unavailable("personalization.reach", reasons[0])
    end = min(run.period.until, run.period.as_of)
    weeks = max((end - run.period.since).days / 7, 1)
    counted = ibis.union(*[_counted(run, play) for play in run.declared.plays], distinct=False)

    def finish(rows: Rows) -> Rows:
        for row in rows:
            row["sends a week"] = round(row["sent"] / weeks, 1)
        return sorted(rows, key=lambda row: (-row["sent"], row["play"]))

    return Result(
        id="personalization.reach",
        shape="table",
        table=counted,
        definition=(("what", "the trigger of each play, recomputed from product data"),),
        as_of=run.as_of,
        labels=run.labels,
        finish=finish,
    )


def audience(run: Run, slug: str) -> Answer:
    """Whom to send a play to: its send list; held-out units are never in it.

    Returns:
        Shape `table`: one row per unit: `unit`, `user_id`, `account_id` and `moment_at`, when
        the message goes out; in order of time.
    """
    if reason := triggers.obstacle(run, slug):
        return Unavailable(f"personalization.audience.{slug}", reason)
    chosen = (
        triggers.ledger(run, triggers.play_of(run, slug))
        .filter(_.decision == "send")
        .select("unit", "user_id", "account_id", "moment_at")
        .order_by(["moment_at", "unit"])
    )
    return Result(
        id=f"personalization.audience.{slug}", shape="table", table=chosen, as_of=run.as_of
    )


def _no_plays(run: Run, name: str) -> Unavailable:
    return Unavailable(
        f"personalization.{name}",
        f"{run.declared.product.name} has no plays. A play says who gets which message when. "
        "Declare plays to see this section.",
    )


def _counted(run: Run, play: Play) -> ir.Table:
    people = triggers.audience(run, play).aggregate(people=_.count())
    decided = triggers.ledger(run, play).aggregate(
        triggered=count_if(_.decision != "already_done"),
        sent=count_if(_.decision == "send"),
        held_out=count_if(_.decision == "holdout"),
    )
    joined = people.cross_join(decided)
    return joined.select(
        "people", "triggered", "sent", "held_out", play=ibis.literal(play.slug)
    ).select("play", "people", "triggered", "sent", "held_out")


def _cells(run: Run, found: Result, rows: Rows, cells: Sequence[str]) -> Rows:
    lines: Rows = []
    for row in rows:
        covering = [play.slug for play in run.declared.plays if _covers(play, row)]
        lines.append(
            {column: found.label(row[column]) for column in cells}
            | {"people": row["n"], "reached": row["share"] if row["n"] >= found.min_n else None}
            | {"lost": row["n"] - row["reached"], "plays": ", ".join(covering) or "none: a gap"}
        )
    return sorted(lines, key=lambda line: -line["lost"])


def _covers(play: Play, row: dict) -> bool:
    """Whether a cell lies in a play's audience; a play for everybody covers no cell by itself."""
    return bool(play.audience) and all(
        row.get(column, UNKNOWN) in accepted for column, accepted in play.audience.items()
    )


def _card(run: Run, play: Play) -> dict[str, str]:
    label = run.labels.get
    who = ", ".join(
        " or ".join(label(value, value) for value in values) for values in play.audience.values()
    )
    delay = duration(play.after)
    when = f"{words(delay)} after" if delay else "at"
    stops = f", unless {' or '.join(play.unless)} came before" if play.unless else ""
    needs = f", if {' and '.join(play.having)} came before" if play.having else ""
    return {
        "play": play.slug,
        "says": play.says,
        "for": who or "everybody",
        "when": f"{when} {play.trigger}{stops}{needs}",
        "by": play.channel.replace("_", "-"),
        "goal": f"{play.goal} within {words(duration(play.goal_within))}",
        "holdout": f"{play.holdout * 100:g}% of {play.unit}s",
    }
