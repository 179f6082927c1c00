"""What every result of the notebooks keeps: its columns, its SQL, the figures of its sentence."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import nbformat
import pytest

import playbook as pb
from playbook import findings
from playbook.language import wording
from playbook.language.wording import plain
from playbook.results import Result, figures, listings
from playbook.results.columns import KINDS
from playbook.run import root

NOTEBOOKS = sorted((root() / "notebooks").glob("*.ipynb"))
KINDS_OF_TEXT = {"name", "id", "text", "moment"}
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-\d+)?")
# What a sentence says of time and of the rules, which is declared and not counted.
DECLARED = (
    r"\d{4}-\d\d-\d\d|\d{1,2} [A-Z][a-z]{2} \d{4}|“[^”]*”|\*[^*]*\?\*"
    r"|within (?:less than )?[\d.,]+ (?:hour|day|week|minute)s?|period \d+|\d+ weeks? show"
    r"|(?:longer than|after|in the|in the first) \d+ hours|95 %|grade [A-F]"
    r"|(?<=\*\* )\d+(?: or more)?(?=[,.])"  # the name of a class
)


def shown(source: str, space: dict[str, Any]) -> None:
    """Runs a cell, and makes what its last line shows."""
    *before, last = ast.parse(source).body
    exec(compile(ast.Module(before, []), "cell", "exec"), space)
    if isinstance(last, ast.Expr):
        eval(compile(ast.Expression(last.value), "cell", "eval"), space)
    else:
        exec(compile(ast.Module([last], []), "cell", "exec"), space)


@pytest.fixture(scope="module")
def results(airtouch) -> list[Result]:
    """Every result that the notebooks' cells ask for, and those that these are made of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pb, "open", lambda *_, since="", **__: airtouch)
        for path in NOTEBOOKS:
            space: dict[str, Any] = {}
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    shown(cell.source, space)
    found = [each for each in airtouch.memory.values() if isinstance(each, Result)]
    assert len({each.id for each in found}) > 90
    return found


def test_rows_have_the_columns_that_are_declared(results):
    wrong = {
        each.id: sorted(set(row) ^ set(each.columns))
        for each in results
        for row in each.rows[:1]
        if each.id.partition(".")[0] != "log" and set(row) != set(each.columns)
    }
    assert not wrong


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a kind; anything may be unknown."""
    if value is None:
        return True
    match kind:
        case "share":
            return isinstance(value, int | float) and -1e-9 <= value <= 1 + 1e-9
        case "points":
            return isinstance(value, int | float) and -1 - 1e-9 <= value <= 1 + 1e-9
        case "count":
            return isinstance(value, int | float) and float(value) >= 0 and math.isfinite(value)
        case "moved" | "number" | "measure" | "ratio" | "p" | "hours" | "days":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case "place":
            return isinstance(value, int)
        case "moment":
            return isinstance(value, str | date | datetime)
        case _:
            return isinstance(value, str | tuple | int)


def test_values_are_of_the_kind_that_is_declared(results):
    wrong = {
        (each.id, name, column.kind, str(row[name]))
        for each in results
        for name, column in each.columns.items()
        for row in each.rows
        if name in row and not fits(row[name], column.kind)
    }
    assert not wrong
    assert {column.kind for each in results for column in each.columns.values()} <= set(KINDS)


def test_the_columns_that_a_value_rests_on_are_there(results):
    for each in results:
        for row in each.rows[:3]:
            for column in each.columns.values():
                each.size(row, column)
                assert not set(column.ends) - set(each.columns), each.id


def test_what_is_shown_as_sql_returns_the_rows_that_a_result_is_made_from(results, airtouch):
    """Every statement, run as it stands."""
    connection, seen = airtouch.warehouse.connection, 0
    parts = {id(part): part for each in results for part in listings.parts(each)}
    for part in parts.values():
        (text,) = listings.statements(replace(part, made_of=())).values()
        run = connection.raw_sql(text).to_arrow_table().to_pylist()
        assert ordered(run) == ordered(part.raw), part.id
        seen += 1
    assert seen > 60
    # And every result rests on at least one, but for what the plan alone declares.
    without = {each.id for each in results if not listings.statements(each)}
    assert without == {"audit.destinations"}


def ordered(rows: list[dict[str, Any]]) -> list[str]:
    def text(value: Any) -> str:
        return f"{value:.9g}" if isinstance(value, float) else str(value)

    return sorted(str({name: text(value) for name, value in row.items()}) for row in rows)


def numbers_of(figure: dict[str, Any]) -> Iterator[str]:
    """How the numbers of a figure may be written."""
    for value in (figure["value"], figure["low"], figure["high"], figure["n"]):
        if value is None:
            continue
        # A figure is kept to six digits: what lies on the edge may be rounded either way.
        for each in (value, abs(value), 1 - value, value + 1e-6, value - 1e-6):
            for text in (
                wording.count(each),
                wording.percent(each),
                wording.points(each),
                wording.rare(each),
                wording.about(each),
                wording.length(each),
                wording.measure(each),
                *(f"{each:,.1f}", f"{each:.2f}", f"{each:.2g}", f"{each * 100:.3g}", str(each)),
            ):
                yield from NUMBER.findall(text)


def said(result: Result) -> list[str]:
    """The numbers of a result's sentence that stand in no text of its rows."""
    text = findings.of(result, "of them").text
    told = {
        plain(cell)
        for row in result.rows
        for name, column in result.columns.items()
        if column.kind in KINDS_OF_TEXT and row.get(name)
        for value in (row[name] if isinstance(row[name], tuple) else (row[name],))
        for cell in (value, result.label(value))
        if not str(cell).isdigit()
    }
    for cell in sorted(told, key=len, reverse=True):
        text = re.sub(rf"(?<![\d,.]){re.escape(cell)}(?![\d%])", " ", text)
    return NUMBER.findall(re.sub(DECLARED, " ", text))


def test_every_number_of_a_sentence_has_its_row_in_figures(results):
    missing = {}
    for each in results:
        if findings.has(each) and each.rows:
            kept = {
                n for figure in findings.of(each, "of them").figures for n in numbers_of(figure)
            }
            if lost := [number for number in said(each) if number not in kept]:
                missing[each.id] = (lost, findings.of(each, "of them").text[:300])
    assert not missing


def test_figures_have_names_of_their_own(results):
    for each in results:
        names = [(row["figure"], row["segment"]) for row in figures.of(each)]
        assert len(names) == len(set(names)), each.id
        if findings.has(each):
            values: dict[tuple[str, str], Any] = {}
            for row in findings.of(each, "of them").figures:
                key = (row["figure"], row["segment"])
                assert values.setdefault(key, row["value"]) == row["value"], key
