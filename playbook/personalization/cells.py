"""Persona x intent x acquisition: who is there, where they stop, and which play covers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playbook import answers
from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.results import UNKNOWN, Answer, Result, Unavailable
from playbook.run import Run

CELLS = ("persona", "intent", "acquisition")
REACHING = ("reached_within", "did_before")
GAP = "none: a gap"


def matrix(run: Run, id: str, *, path: str = "", cells: Sequence[str] = CELLS) -> Answer:
    """Persona x intent x acquisition: size, friction, and the plays that cover each cell.

    Args:
        run: The opened run.
        id: A share question whose missing share is the friction.
        path: A question of `steps`: the step at which a cell loses most is its friction.
        cells: The columns that make a cell.

    Returns:
        Shape `table`: one row per cell: the cell, people, reached, lost (people who did not
        reach it), where most of them stop (with `path`) and how many, and the plays whose
        audience includes it; largest loss first. Of a cell below `min_n` only its people are
        said, and it comes after the others: what it loses would say who did not get there.
    """
    found = answers.answer(run, id, by=list(cells), stage="personalization")
    if isinstance(found, Unavailable):
        return found
    if run.declared.question(id).measure not in REACHING:
        return Unavailable(
            "personalization.matrix",
            f"`{id}` does not count who reaches a goal: use {' or '.join(REACHING)}.",
        )
    walked = answers.answer(run, path, by=list(cells), stage="personalization") if path else None
    if isinstance(walked, Unavailable):
        return walked
    if walked and walked.shape != "steps":
        return answers.unfit(
            "personalization.matrix", run.declared.question(path), "where people stop needs steps"
        )

    def finish(rows: Rows) -> Rows:
        stops = _stops(walked, cells) if walked else None
        return _cells(run, found, found.finish(rows), cells, stops)

    return replace(
        found, id="personalization.matrix", shape="table", by=tuple(cells), finish=finish
    )


def _stops(walked: Result, cells: Sequence[str]) -> dict[tuple, tuple[str, int]]:
    """Cell → the step before which it loses most, and how many."""
    found: dict[tuple, tuple[str, int]] = {}
    for row in walked.rows:
        cell = tuple(row[column] for column in cells)
        if row["lost"] > found.get(cell, ("", 0))[1]:
            found[cell] = (row["step"], row["lost"])
    return found


def _cells(
    run: Run,
    found: Result,
    rows: Rows,
    cells: Sequence[str],
    stops: dict[tuple, tuple[str, int | None]] | None,
) -> Rows:
    lines: Rows = []
    for row in rows:
        enough = row["n"] >= found.min_n
        covering = [_named(play) for play in run.declared.plays if _covers(play, row)]
        line = {column: found.label(row[column]) for column in cells}
        line |= {"people": row["n"], "reached": row["share"] if enough else None}
        line |= {"lost": row["n"] - row["reached"] if enough else None}
        if stops is not None:
            cell = tuple(row[column] for column in cells)
            step, n = stops.get(cell, ("", None)) if enough else ("", None)
            line |= {"most stop before": found.label(step), "of them": n}
        lines.append(line | {"plays": ", ".join(covering) or GAP})
    return sorted(lines, key=lambda line: 1 if line["lost"] is None else -line["lost"])


def _named(play: Play) -> str:
    return f"{play.slug} (draft)" if play.draft else play.slug


def _covers(play: Play, row: dict) -> bool:
    """Whether a cell lies in a play's audience; a play for everybody covers no cell by itself."""
    return bool(play.audience) and all(
        row.get(column, UNKNOWN) in accepted for column, accepted in play.audience.items()
    )
