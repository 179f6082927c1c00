"""For whom a play works: do its effects differ between the segments of a column?"""

from __future__ import annotations

import ibis
from ibis import _

from playbook.counting import shaping
from playbook.counting.shaping import Rows, grouped
from playbook.impact import counted
from playbook.impact.asking import compared, result
from playbook.impact.effects import Judged, by_segment, with_effect
from playbook.inference import segments
from playbook.inference.permuted import two_sided
from playbook.language.portable import united
from playbook.results import Answer, Unavailable
from playbook.run import Run

COLUMNS = ("persona", "intent", "acquisition")
TESTED = "Cochran's Q between segments, corrected by Benjamini and Hochberg over the columns"
DIFFERS, NO_EVIDENCE = "differs", "no evidence that it differs"
NOT_COMPARED = "too few to compare"


def for_whom(run: Run, slug: str) -> Answer:
    """The effect of a play by persona, intent and acquisition, and whether it differs by each.

    A segment has a verdict of its own only where effects are shown to differ between the
    segments of its column: an effect that is shown here and not there is no such difference.

    Returns:
        Shape `effect`, broken down by `column` and `segment`: one row per segment, with the
        columns of `effects.judged` and, of its column, `p_differs` (corrected for the columns
        looked at; null: fewer than two segments can be compared) and `differs` in words.
    """
    name = "for_whom"
    whole = with_effect(run, slug, name, "break down")
    if isinstance(whole, Unavailable):
        return whole
    play = whole.played.play
    columns = [c for c in COLUMNS if run.tables.has("users", c) and _varies(play.audience.get(c))]
    if not columns:
        reason = "Everybody whom it is for has one persona, intent and acquisition."
        return Unavailable(f"impact.{slug}.{name}", reason)
    parts = [
        counted.sums(run, [play], [column])
        .mutate(column=ibis.literal(column), segment=_[column].cast("string"))
        .drop(column)
        for column in columns
    ]

    def finish(rows: Rows) -> Rows:
        return _tested(run, whole, grouped(rows, ("column",)))

    says = (*compared(play), ("differs", TESTED))
    return result(
        run,
        name,
        "effect",
        united(parts),
        finish,
        play=play,
        by=("column", "segment"),
        says=says,
    )


def _varies(accepted: tuple[str, ...] | None) -> bool:
    """Whether an audience has more than one value of a column."""
    return accepted is None or len(accepted) > 1


def _tested(run: Run, whole: Judged, columns: dict[tuple, Rows]) -> Rows:
    """Every column's segments; verdicts where its corrected p value shows that effects differ."""
    parts = {column: grouped(own, ("segment",)) for (column,), own in columns.items()}
    effects = {column: by_segment(run, whole, own).effects for column, own in parts.items()}
    found: Rows = []
    for test in segments.interactions(effects):
        told = by_segment(run, whole, parts[test.column], test.corrected)
        rows = [
            {"column": test.column, "segment": segment} | row | {"differs": _said(test, whole)}
            for (segment,), row in told.rows.items()
        ]
        order = {"segment": run.declared.product.order.get(test.column, ())}
        found += shaping.ordered(rows, ("segment",), order)
    return found


def _said(test: segments.Interaction, whole: Judged) -> str:
    """In words; what is looked at often needs as much to differ as it needs to work."""
    if test.corrected is None:
        return NOT_COMPARED
    return DIFFERS if test.corrected < two_sided(whole.row["deviations"]) else NO_EVIDENCE
