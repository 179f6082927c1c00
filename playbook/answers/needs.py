"""What a question needs of the data, and what of it is not there, or in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playbook.answers.together import as_seen
from playbook.data import arrivals
from playbook.declare import Question
from playbook.language.mistakes import Mistake, listed
from playbook.run import Run


def lacks(run: Run, question: Question) -> str:
    """What a question needs and the data do not have; "" if it can be answered."""
    run = as_seen(run, question)
    for event in question.events:
        status, seen = arrivals.need(
            question,
            event,
            lately(run),
            run.period.as_of,
            column=arrivals.unit_column(run.tables, question.unit),
        )
        if status == "missing":
            return f"`{event}`: {seen}."
    if missing := [name for name in question.among if not mapped(run, question, name)]:
        return f"it is about some units only, and no table maps {listed(missing)}."
    return ""


def lately(run: Run) -> dict[str, dict[str, Any]]:
    """What the events hold in the period and after it, or ever if they have not come since."""

    def made() -> dict[str, dict[str, Any]]:
        return run.coverage | run.coverage_between(run.period.since, run.period.as_of)

    return run.remembered(("lately",), made)


def mapped(run: Run, question: Question, column: str) -> bool:
    """Whether the question's units have a column: of `users`, or of their `accounts`."""
    known = question.unit == "account" or run.tables.has("users", "account_id")
    tables = ("users", "accounts") if known else ("users",)
    return any(run.tables.has(table, column) for table in tables)


def refuse_doubted(run: Run, question: Question, by: Sequence[str]) -> None:
    """Raises a Mistake where a column is in doubt for more than a few: see `Tables.doubts`."""
    for name, counts in run.doubts.items():
        if question.unit != "account" and name == "accounts":
            continue
        for column in dict.fromkeys((*by, *question.among)):
            if (n := counts.get(column, 0)) > (1 - arrivals.CAVEAT_BELOW) * counts["of_"]:
                raise Mistake(
                    f"`{column}` of `{name}` cannot be told as of the start: {n:,} of "
                    f"{counts['of_']:,} {name} stand in several rows, and these differ.",
                    "The rows have one time, and nothing says since when each of them holds.",
                    "map `valid_from` where the rows are copies over time, or leave out all but "
                    "one of each in a view.",
                )
