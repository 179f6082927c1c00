"""Persona x intent x acquisition: who is there, where they stop, and which play covers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from playbook import answers
from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.language.mistakes import either
from playbook.language.wording import count, too_few
from playbook.results import UNKNOWN, Answer, Result, shown
from playbook.results.columns import COUNT, NAME, TEXT, Column, share_of
from playbook.results.section import Unanswerable, needed, section
from playbook.results.sentences import Told, named, not_known
from playbook.run import Run

CELLS = ("persona", "intent", "acquisition")
REACHING = ("reached_within", "did_before")
GAP, UNSURE = "none: a gap", "not known"
OF_CELL = Column("count", of="people")
LOSS = {"people": COUNT, "reached": share_of("people"), "lost": OF_CELL}
STOP = {"most_stop_before": NAME, "of_them": OF_CELL}
PLAYS = {"plays": TEXT}


@section("personalization.matrix")
def matrix(run: Run, id: str = "", *, path: str = "", cells: Sequence[str] = ()) -> Answer:
    """Persona x intent x acquisition: size, friction, and the plays that cover each cell.

    Args:
        run: The opened run.
        id: A share question whose missing share is the friction; unless given, the first that
            counts which people reach a goal.
        path: A question of `steps`: the step at which a cell loses most is its friction; where no
            `id` is given either, the way to value, if it is about the same units.
        cells: The columns that make a cell; unless given, those of the guide that are mapped.

    Returns:
        Shape `table` by `cells`: one row per cell: `people`, `reached`, `lost` (people who did
        not reach it), with `path` also the step that `most_stop_before` and how many `of_them`,
        and the `plays` whose audience includes it (`not known` where none does for sure, and
        one may, for what nobody maps); largest loss first. Of a cell below `min_n` only its
        people are said, and it comes after the others: what it loses would say who did not get
        there.
    """

    if not id:
        id = _first_reaching(run)
        path = path or _path_beside(run, id)
    cells = cells or _mapped_cells(run, id)

    def answered(id: str) -> Result:
        return needed(answers.answer(run, id, by=list(cells), stage="personalization"))

    found = answered(id)
    if run.declared.question(id).measure not in REACHING:
        raise Unanswerable(
            f"`{id}` does not count who reaches a goal: use {' or '.join(REACHING)}."
        )
    walked = answered(path) if path else None
    if walked and walked.shape != "steps":
        measure = run.declared.question(path).measure
        raise Unanswerable(f"`{path}` is counted by `{measure}`: where people stop needs steps.")

    def finish(rows: Rows) -> Rows:
        stops = _most_lost(walked) if walked else None
        told = [_cell_and_plays(run, row, found, stops) for row in found.finish(rows)]
        return sorted(told, key=lambda row: 1 if row["lost"] is None else -row["lost"])

    return replace(
        found,
        shape="table",
        own=LOSS | (STOP if walked else {}) | PLAYS,
        made_of=(walked,) if walked else (),
        finish=finish,
        says=_coverage_in_words if run.declared.plays else _loss_in_words,
    )


def _first_reaching(run: Run) -> str:
    """The question about people whose missing share is the friction: the headline, if it is one."""
    reaching = [
        question
        for question in run.declared.questions
        if question.measure in REACHING and question.unit == "user"
        if not question.hold and question.count == "units"
    ]
    if not reaching:
        raise Unanswerable(
            f"Nobody asks which people reach a goal. Declare a question of {either(REACHING)}."
        )
    ids = [question.id for question in reaching]
    return run.headline if run.headline in ids else ids[0]


def _mapped_cells(run: Run, id: str) -> tuple[str, ...]:
    question = run.declared.question(id)
    found = tuple(c for c in CELLS if question is None or answers.mapped(run, question, c))
    if not found:
        raise Unanswerable(f"No table maps {either(CELLS)}: nothing says who people are.")
    return found


def _path_beside(run: Run, id: str) -> str:
    """The way to value of the same units; "" where nobody asks for it."""
    question = run.declared.question(id)
    ways = [run.declared.question(way) for way in run.declared.roles["path"]]
    return next((way.id for way in ways if question and way.unit == question.unit), "")


def _most_lost(walked: Result) -> dict[str, tuple[str, int]]:
    """Cell → the step before which it loses most, and how many."""
    found: dict[str, tuple[str, int]] = {}
    for row in walked.rows:
        cell = walked.segment(row)
        if row["lost"] > found.get(cell, ("", 0))[1]:
            found[cell] = (row["step"], row["lost"])
    return found


def _cell_and_plays(
    run: Run,
    row: Mapping[str, Any],
    found: Result,
    stops: Mapping[str, tuple[str, int]] | None,
) -> dict[str, Any]:
    enough = row["n"] >= found.min_n
    told = {column: row[column] for column in found.by} | {"people": row["n"]}
    told |= {"reached": row["share"] if enough else None}
    told |= {"lost": row["n"] - row["reached"] if enough else None}
    if stops is not None:
        step, n = stops.get(found.segment(row), ("", None)) if enough else ("", None)
        told |= {"most_stop_before": step, "of_them": n}
    covering = [play for play in run.declared.plays if _covers(play, row)]
    names = [f"{play.slug} (draft)" if play.draft else play.slug for play in covering]
    blind = [column for column in CELLS if not run.tables.has("users", column)]
    may = [play for play in run.declared.plays if _covers(play, row, blind)]
    return told | {"plays": ", ".join(names) or (UNSURE if may else GAP)}


def _covers(play: Play, row: Mapping[str, Any], blind: Sequence[str] = ()) -> bool:
    """Whether a cell lies in a play's audience, or may, whatever the `blind` columns would say; a
    play for everybody covers no cell by itself."""
    return bool(play.audience) and all(
        column in blind or row.get(column, UNKNOWN) in map(shown, accepted)
        for column, accepted in play.audience.items()
    )


def _loss_in_words(result: Result, told: Told, _words: str) -> str:
    """Where no play is declared: how many are lost, and where most of them are."""
    known = [row for row in result.rows if row["lost"]]
    if not known:
        return "No play is declared; of no cell it is known that anybody is lost."
    lost, cell = told.count("lost", sum(row["lost"] for row in known)), named(result, known[0])
    return (
        f"No play is declared: {lost} {result.counted} do not get there, the largest part of "
        f"them {cell} (**{count(known[0]['lost'])}**)."
    )


def _coverage_in_words(result: Result, told: Told, _words: str) -> str:
    """How much of the loss lies in cells that a play covers, and the largest gap."""
    known = [row for row in result.rows if row["lost"] is not None]
    gaps = [row for row in known if row["plays"] == GAP]
    unsure = [row for row in known if row["plays"] == UNSURE]
    if unsure:
        n = told.count("unsure", sum(row["lost"] for row in unsure))
        why = "no column that their audiences name is mapped"
        return not_known(f"which plays are for {n} {result.counted} who do not get there", why)
    lost, left = (sum(row["lost"] for row in rows) for rows in (known, gaps))
    if not known:
        return f"{too_few(sum(row['people'] for row in result.rows))}."
    if not lost:
        people = told.count("people", sum(row["people"] for row in known))
        return f"All of {people} {result.counted} get there: no play is needed."
    covered = told.share("covered", 1 - left / lost if lost else None, lost)
    text = (
        f"**{covered}** of {told.count('lost', lost)} {result.counted} who do not get there are "
        "in the audience of a play"
    )
    if not gaps:
        return f"{text}."
    cell, n = named(result, gaps[0]), count(gaps[0]["lost"])
    return f"{text}. The largest gap is {cell}: {n} {result.counted} and no play."
