"""For whom a play works: do its effects differ between the segments of a column?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playbook.counting import shaping
from playbook.counting.shaping import Rows, grouped
from playbook.impact.judging import DIFFERS as OF_SEGMENTS
from playbook.impact.judging import HARMS, OWN, WORKS, Judged, by_segment, with_effect
from playbook.impact.parts import columns_of, of_play, segment_sums
from playbook.inference.permuted import two_sided
from playbook.inference.segments import Interaction, interactions
from playbook.language.wording import plain, points
from playbook.results import Answer, Result, Unavailable, shown
from playbook.results.columns import ID, NAME, TEXT
from playbook.results.section import Unfit, needed, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

TESTED = "Cochran's Q between segments, corrected by Benjamini and Hochberg over the columns"
DIFFERS, NO_EVIDENCE = "differs", "no evidence that it differs"
NOT_COMPARED = "too few to compare"


@section(lambda slug, by: ".".join(("impact", slug, "for_whom", *by)))
def for_whom(run: Run, slug: str, *, by: Sequence[str] = ()) -> Answer:
    """The effect of a play by persona, intent, acquisition and what else people differ by.

    A segment has a verdict of its own only where effects are shown to differ between the
    segments of its column: an effect that is shown here and not there is no such difference.

    Args:
        run: The opened run.
        slug: The play.
        by: Columns of `users`; persona, intent, acquisition, those that the product puts in an
            order, and its own traits of few values, unless given.

    Returns:
        Shape `effect`, broken down by `column` and `segment`: one row per segment (and
        treatment), with the columns of `judging.judged` and, of its column, `p_differs`
        (corrected for the columns looked at; null: fewer than two segments can be compared) and
        `differs` in words.
    """
    wholes = with_effect(run, slug, "break down")
    of = wholes[0].of
    columns = tuple(by) or columns_of(run, of.play)
    if not columns:
        raise Unfit("Everybody whom it is for has one persona, intent and acquisition.")
    sources = needed(segment_sums(run, by=tuple(by)))

    def finish(_rows: Rows) -> Rows:
        return [
            row
            for whole in wholes
            for row in _tested(run, whole, of_play(sources.rows, slug), columns)
        ]

    return of.result(
        "effect",
        None,
        finish,
        by=("column", "segment"),
        title=f"The effect, for whom: {run.label(slug)}",
        told=(("differs", TESTED),),
        own={"column": ID, "segment": NAME} | OWN | OF_SEGMENTS | {"differs": TEXT},
        says=_for_whom_said,
        made_of=(sources,),
    )


def apart(run: Run, whole: Judged) -> tuple[list[str], list[str]]:
    """The segments in which a treatment works, and those that it harms, where effects differ."""
    rows = differing(run, whole)
    works, harms = (
        [run.label(shown(row["segment"])) for row in rows if row["verdict"] == verdict]
        for verdict in (WORKS, HARMS)
    )
    return works, harms


def differing_by(run: Run, whole: Judged) -> list[str]:
    """The columns by which the effect of a treatment is shown to differ."""
    return list(dict.fromkeys(row["column"] for row in differing(run, whole)))


def differing(run: Run, whole: Judged) -> Rows:
    """The rows of `for_whom` of the columns by which the effect of a treatment differs."""

    def found() -> Rows:
        sources = segment_sums(run)
        if whole.why or isinstance(sources, Unavailable):
            return []
        rows = of_play(sources.rows, whole.counts.play.slug)
        tested = _tested(run, whole, rows, columns_of(run, whole.of.play))
        return [row for row in tested if row["differs"] == DIFFERS]

    return run.remembered(("impact", "differing", whole.counts.label), found)


def _tested(run: Run, whole: Judged, rows: Rows, columns: Sequence[str]) -> Rows:
    """Every column's segments; verdicts where its corrected p value shows that effects differ."""
    own = grouped(rows, ("column",))
    parts = {c: grouped(own[(c,)], ("segment",)) for c in columns if (c,) in own}
    effects = {column: by_segment(whole, own).effects for column, own in parts.items()}
    found: Rows = []
    for test in interactions(effects):
        own = by_segment(whole, parts[test.column], test.corrected)
        differs = _differs(test, whole)
        rows = [
            {"column": test.column, "segment": shown(segment)} | row | {"differs": differs}
            for (segment,), row in own.rows.items()
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
    several = len({row["label"] for row in result.rows}) > 1
    columns = grouped(result.rows, ("label", "column"))
    return bullets(
        _column_said(result, told, column, own, label if several else "")
        for (label, column), own in columns.items()
    )


def _column_said(result: Result, told: Told, column: str, rows: Rows, label: str) -> str:
    row = rows[0]
    p = row["p_differs"]
    told.segment = f"column={column}" if not label else f"{label}.column={column}"
    told.kept("p_differs", p, kind="p")
    by = f" (p = {p:.2g})" if p is not None else ""
    text = {
        DIFFERS: f"the effect differs by {column}{by}",
        NO_EVIDENCE: f"no evidence that the effect differs by {column}{by}",
    }.get(row["differs"], f"too few to compare by {column}")
    text = f"**{plain(column)}** {text}" if not label else f"**{plain(label)}** {text}"
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
