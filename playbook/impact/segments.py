"""For whom a play works: do its effects differ between the segments of a column?"""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from playbook.counting import shaping
from playbook.counting.shaping import Rows, grouped
from playbook.impact.effects import DIFFERS as OF_SEGMENTS
from playbook.impact.effects import OWN, Judged, by_segment, with_effect
from playbook.impact.trial import sums
from playbook.inference.permuted import two_sided
from playbook.inference.segments import Interaction, interactions
from playbook.language.portable import united
from playbook.language.wording import plain, points
from playbook.results import Answer, Result
from playbook.results.columns import ID, NAME, TEXT
from playbook.results.section import Unfit, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

COLUMNS = ("persona", "intent", "acquisition")
TESTED = "Cochran's Q between segments, corrected by Benjamini and Hochberg over the columns"
DIFFERS, NO_EVIDENCE = "differs", "no evidence that it differs"
NOT_COMPARED = "too few to compare"


@section("impact.{slug}.for_whom")
def for_whom(run: Run, slug: str) -> Answer:
    """The effect of a play by persona, intent and acquisition, and whether it differs by each.

    A segment has a verdict of its own only where effects are shown to differ between the
    segments of its column: an effect that is shown here and not there is no such difference.

    Returns:
        Shape `effect`, broken down by `column` and `segment`: one row per segment, with the
        columns of `effects.judged` and, of its column, `p_differs` (corrected for the columns
        looked at; null: fewer than two segments can be compared) and `differs` in words.
    """
    whole = with_effect(run, slug, "break down")
    of = whole.of
    audience = of.play.audience
    columns = [c for c in COLUMNS if run.tables.has("users", c) and _varies(audience.get(c))]
    if not columns:
        raise Unfit("Everybody whom it is for has one persona, intent and acquisition.")
    parts = [
        sums([of], [column])
        .mutate(column=ibis.literal(column), segment=_[column].cast("string"))
        .drop(column)
        for column in columns
    ]
    return of.result(
        "effect",
        united(parts),
        lambda rows: _tested(run, whole, grouped(rows, ("column",))),
        by=("column", "segment"),
        title=f"The effect, for whom: {run.label(slug)}",
        told=(("differs", TESTED),),
        own={"column": ID, "segment": NAME} | OWN | OF_SEGMENTS | {"differs": TEXT},
        says=_for_whom_said,
    )


def _varies(accepted: tuple[str, ...] | None) -> bool:
    """Whether an audience has more than one value of a column."""
    return accepted is None or len(accepted) > 1


def _tested(run: Run, whole: Judged, columns: dict[tuple, Rows]) -> Rows:
    """Every column's segments; verdicts where its corrected p value shows that effects differ."""
    parts = {column: grouped(own, ("segment",)) for (column,), own in columns.items()}
    effects = {column: by_segment(whole, own).effects for column, own in parts.items()}
    found: Rows = []
    for test in interactions(effects):
        shown = by_segment(whole, parts[test.column], test.corrected)
        differs = _differs(test, whole)
        rows = [
            {"column": test.column, "segment": segment} | row | {"differs": differs}
            for (segment,), row in shown.rows.items()
        ]
        order = {"segment": run.declared.product.order.get(test.column, ())}
        found += shaping.ordered(rows, ("segment",), order)
    return found


def _differs(test: Interaction, whole: Judged) -> str:
    """In words; what is looked at often needs as much to differ as it needs to work."""
    if test.corrected is None:
        return NOT_COMPARED
    return DIFFERS if test.corrected < two_sided(whole.row["deviations"]) else NO_EVIDENCE


def _for_whom_said(result: Result, told: Told, _words: str) -> str:
    """Per column whether the effect differs between its segments, and what it is in each."""
    columns = grouped(result.rows, ("column",))
    return bullets(_column_said(result, told, column, own) for (column,), own in columns.items())


def _column_said(result: Result, told: Told, column: str, rows: Rows) -> str:
    row = rows[0]
    p = row["p_differs"]
    told.segment = f"column={column}"
    told.kept("p_differs", p, kind="p")
    by = f" (p = {p:.2g})" if p is not None else ""
    text = {
        DIFFERS: f"the effect differs by {column}{by}",
        NO_EVIDENCE: f"no evidence that the effect differs by {column}{by}",
    }.get(row["differs"], f"too few to compare by {column}")
    text = f"**{plain(column)}** {text}"
    parts = [_segment_said(result, row) for row in rows if row["verdict"] != "too few"]
    text += f": {', '.join(parts)}" if parts else ""
    few = [plain(result.label(row["segment"])) for row in rows if row["verdict"] == "too few"]
    return f"{text}. Too few to say: {', '.join(few)}." if few else f"{text}."


def _segment_said(result: Result, row: dict[str, Any]) -> str:
    return (
        f"{plain(result.label(row['segment']))} {points(row['difference'])} points "
        f"({points(row['low'])} to {points(row['high'])}, "
        f"n = {row['n_treated'] + row['n_holdout']:,})"
    )
