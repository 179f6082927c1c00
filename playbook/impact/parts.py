"""The sums of trials by what people differ by: what segments and balance are made of."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis import _

from playbook.counting.shaping import Rows
from playbook.data.tables import COLUMNS as CANONICAL
from playbook.declare import Play
from playbook.impact.compared import COUNTS, OF_ALIKE, sums
from playbook.impact.trial import of_all, trials
from playbook.language.portable import united
from playbook.results import Answer
from playbook.results.columns import COUNT, ID
from playbook.results.section import Unfit, section
from playbook.run import Run, fetched

COLUMNS = ("persona", "intent", "acquisition")
MOST_VALUES = 12  # of a trait that people are broken down by without being asked
SUMMED = dict.fromkeys(("play", "arm", "stratum", "column", "segment"), ID)
SUMMED |= dict.fromkeys(("look", *COUNTS, "accounts", *OF_ALIKE), COUNT)
del SUMMED["seen"]


@section("impact.segments")
def segment_sums(run: Run, *, by: Sequence[str] = ()) -> Answer:
    """The sums of all plays by every column that people are broken down by: what `for_whom` and
    the verdicts are made of."""
    all_ = trials(run)
    columns = dict.fromkeys(by or (c for each in all_ for c in columns_of(run, each.play)))
    if not columns:
        raise Unfit("Everybody whom plays are for has one persona, intent and acquisition.")
    parts = [
        sums(all_, [column])
        .mutate(column=ibis.literal(column), segment=_[column].cast("string"))
        .drop(column)
        for column in columns
    ]
    summed = united(parts).drop("seen")  # nobody asks by whom segments were seen
    return of_all(run, "table", summed, lambda rows: rows, own=SUMMED)


def of_play(rows: Rows, slug: str) -> Rows:
    return [row for row in rows if row["play"] == slug]


def columns_of(run: Run, play: Play) -> tuple[str, ...]:
    """The columns by which the people of an audience may differ."""
    tables, product = run.tables, run.declared.product
    named = [*COLUMNS, *product.order, *play.audience, *_traits(run)]
    return tuple(
        column
        for column in dict.fromkeys(named)
        if tables.has("users", column) and _varies(play.audience.get(column))
    )


def _traits(run: Run) -> tuple[str, ...]:
    """The product's own columns of `users` that have a few values."""

    def counted() -> tuple[str, ...]:
        users = run.tables.users
        own = sorted(run.tables.mapped.get("users", frozenset()) - set(CANONICAL["users"]))
        if users is None or not own:
            return ()
        (row,) = fetched(users.aggregate(**{column: users[column].nunique() for column in own}))
        return tuple(column for column in own if 1 < row[column] <= MOST_VALUES)

    return run.remembered(("impact", "traits"), counted)


def _varies(accepted: tuple[str, ...] | None) -> bool:
    """Whether an audience has more than one value of a column."""
    return accepted is None or len(accepted) > 1
