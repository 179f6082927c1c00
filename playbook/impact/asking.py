"""Which plays can be measured, why others cannot, and a result with how it is done in words."""

from __future__ import annotations

from collections.abc import Callable

import ibis.expr.types as ir

from playbook import ledger
from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.language.periods import duration, words
from playbook.language.wording import chosen
from playbook.results import Result
from playbook.run import Run

Says = tuple[tuple[str, str], ...]
COMPARED = "treated minus held out, as assigned, from the recomputed trigger"
WIDENED = "intervals are widened for all looks so far (O'Brien–Fleming spending over the plan)"
LEFT_OUT = "units whose window is open; bots and internal people"
NO_MESSAGES = "The table `messages` is not mapped: without it nobody can say what was sent."
BY_STRATA = (
    "Its arms are drawn by strata, each with another share held out: across them neither those "
    "reached nor times can be compared. Hold out one share to see this section."
)


def obstacle(run: Run, slug: str) -> str:
    """Why nothing can be said of a play; "" if something can."""
    if reason := ledger.obstacle(run, slug):
        return reason
    if not run.tables.has("messages"):
        return NO_MESSAGES
    return ""


def incomparable(run: Run, slug: str) -> str:
    """Why a play has no effect to measure, whatever its data; "" if it has one."""
    if reason := obstacle(run, slug):
        return reason
    play = ledger.play_of(run, slug)
    if play.draft:
        return f"The play `{slug}` is a draft: no tool sends it yet."
    if not play.holds_out:
        return f"The play `{slug}` has no holdout: nothing can be compared."
    return ""


def incomparable_all(run: Run) -> str:
    """Why there are no effects to measure; "" if every play that holds somebody out has one."""
    plays = experiments(run)
    if not plays:
        return "No play with a holdout is declared: nothing can be compared."
    return next(filter(None, (obstacle(run, play.slug) for play in plays)), "")


def experiments(run: Run) -> list[Play]:
    """The plays that are sent and hold somebody out, as they are declared."""
    return [play for play in run.declared.plays if play.holds_out and not play.draft]


def compared(play: Play | None = None) -> Says:
    """How effects are compared and looked at, as (word, value) pairs; of all plays, unless one."""
    if not play:
        return (("comparison", COMPARED), ("looks", WIDENED))
    return (
        ("comparison", COMPARED),
        ("since", play.live_from or "the beginning of the data"),
        ("looks", f"every {words(duration(play.looks))}; {WIDENED}"),
        ("worth having", f"{play.smallest_effect * 100:g} points"),
    )


def result(
    run: Run,
    name: str,
    shape: str,
    table: ir.Table,
    finish: Callable[[Rows], Rows] | None = None,
    *,
    play: Play | None = None,
    by: tuple[str, ...] = (),
    says: Says = (("comparison", COMPARED),),
    words_for: dict[str, str] | None = None,
) -> Result:
    """A result of this stage, made once.

    Args:
        run: The opened run.
        name: What its id ends with; the play's name comes before it.
        shape: A key of `results.SHAPES`.
        table: The lazy table.
        finish: Makes the rows of the shape of the fetched ones.
        play: The play it is of; of all that are declared, unless given.
        by: Columns that it is broken down by.
        says: How it is counted, as (word, value) pairs before what the play says itself.
        words_for: Further names in the data → words for people.
    """
    pairs = [*says]
    if play:
        pairs += [("goal", play.goal), ("within", words(duration(play.goal_within)))]
        pairs += [("unit", play.unit), ("holdout", _holdout(play))]
    versions = [play.version] if play else [each.version for each in run.declared.plays]
    pairs += [("left out", LEFT_OUT), ("declared", " ".join(versions))]
    id = f"impact.{play.slug}.{name}" if play else f"impact.{name}"

    def made() -> Result:
        return Result(
            id=id,
            shape=shape,
            table=table,
            by=by,
            definition=tuple(pairs),
            as_of=run.as_of,
            min_n=run.declared.product.min_n,
            labels=run.labels | (words_for or {}),
            finish=finish,
            prepared=run.warehouse.prepared,
        )

    return run.remembered(("result", id), made)


def _holdout(play: Play) -> str:
    shares = [(column, *pair) for column, own in play.holdout_by.items() for pair in own.items()]
    strata = "".join(f"; {column} {value}: {chosen(share)}" for column, value, share in shares)
    return f"{chosen(play.holdout)}{strata}"
