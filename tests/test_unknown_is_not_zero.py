"""No sentence and no row speaks of an empty set, or of a column that nobody maps, as of a zero.

The sample company's declarations over tables that hold little: every section that the notebooks
ask for is read, sentence by sentence and cell by cell.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

import playbook as pb
from playbook import findings
from playbook.charts import Chart, Note
from playbook.data.tables import COLUMNS
from playbook.declare import Declarations, declarations
from playbook.results import Answer, Result, Unavailable, listings
from playbook.results.columns import NUMBERS
from playbook.results.sentences import Finding
from playbook.run import Run, root
from tests import small
from tests.test_contract import NOTEBOOKS

EVENTS = """
    user_id | event              | at
    ann     | signed_up          | 2026-01-02 09:00
    bob     | signed_up          | 2026-01-03 09:00
    bob     | email_verified     | 2026-01-03 09:30
    bob     | connection_created | 2026-01-03 10:00
    cat     | signed_up          | 2026-01-04 09:00
    cat     | connection_created | 2026-01-04 10:00
    cat     | workflow_saved     | 2026-01-04 11:00
    dan     | signed_up          | 2026-01-05 09:00
    dan     | email_verified     | 2026-01-05 09:30
    dan     | workflow_saved     | 2026-01-05 11:00
    dan     | workflow_ran       | 2026-01-05 12:00
"""
USERS = """
    user_id | signed_up_at
    ann     | 2026-01-02 09:00
    bob     | 2026-01-03 09:00
    cat     | 2026-01-04 09:00
    dan     | 2026-01-05 09:00
"""
PEOPLE = """
    user_id | account_id | persona       | intent         | acquisition
    ann     | north      | data_engineer | into_warehouse | organic
    bob     | east       | data_engineer | into_warehouse | organic
    cat     | south      | data_engineer | into_warehouse | organic
    dan     | west       | data_engineer | into_warehouse | organic
"""
NO_MESSAGES = """
    user_id | play | sent_at
"""
MESSAGES = """
    user_id | play                        | sent_at
    ann     | organic_engineer_welcome    | 2026-01-02 10:00
    bob     | organic_engineer_welcome    | 2026-01-03 10:00
    cat     | organic_engineer_guide_into | 2026-01-05 10:00
    dan     | verification                | 2026-01-05 09:01
"""
NAMED = NO_MESSAGES.replace("sent_at", "channel") + "    ann | organic_engineer_welcome | email\n"
VISITED = EVENTS.replace("signed_up ", "page_viewed")


def full(text: str, name: str) -> str:
    """A drawn table with every other column of its kind: mapped, and null in all rows."""
    head, *rows = text.strip().splitlines()
    there = {cell.strip() for cell in head.split("|")} | {f"{name[:-1]}_id", "size"}
    more = [column for column in COLUMNS[name] if column not in there]
    return "\n".join([" | ".join([head, *more]), *(row + " | " * len(more) for row in rows)])


ALL_NULL = {
    "events": full(EVENTS, "events"),
    "users": full(PEOPLE, "users"),
    "messages": full(MESSAGES, "messages"),
    "suppressions": full("user_id | reason", "suppressions"),
    "assignments": full("play | unit_id | arm", "assignments"),
}
EMPTY = ("questions", "plan", "plays")
Period = tuple[str, str, str] | None
LATER = ("2026-01-20", "2026-01-30", "2026-01-31")
# What is mapped, what is not declared, the period, where it is another, and the notebooks that
# have something else to say of it than of others.
BARE, TOLD = {"events": EVENTS, "users": USERS}, {"events": EVENTS, "users": PEOPLE}
SENT = TOLD | {"messages": MESSAGES}
PRODUCTS: dict[str, tuple[dict[str, str], tuple[str, ...], Period, str]] = {
    "a log alone": ({"events": EVENTS}, (), None, "01234"),
    "users without traits": (BARE | {"messages": MESSAGES}, (), None, "1234"),
    "messages that were sent": (SENT, (), None, "234"),
    "messages without a time": (TOLD | {"messages": NAMED}, (), None, "4"),
    "nobody triggers": (TOLD | {"events": VISITED, "messages": NO_MESSAGES}, (), None, "34"),
    "no holdout": (SENT, ("holdouts",), None, "34"),
    "nothing declared": (BARE | {"messages": NO_MESSAGES}, EMPTY, None, "01234"),
    "everything mapped and null": (ALL_NULL, (), None, "1234"),
    "nobody in the period": (SENT, (), LATER, "1234"),
}
# Table and columns → how one speaks of what they tell, in a sentence or as the name of a row.
WORDS = {
    ("messages", "complained_at"): r"complain|as spam",
    ("messages", "unsubscribed_at"): r"unsubscrib",
    ("messages", "bounced_at", "delivered_at"): r"bounce|delivered",
    ("messages", "seen_at", "clicked_at", "completed_at"): r"\bopened|seen by",
    ("messages", "seen_by_machine"): r"[Mm]achines? alone|seen by a human|seen$",
    ("messages", "clicked_at", "completed_at"): r"\bclicked",
    ("messages", "unsubscribed_at", "suppressed"): r"^suppressed",
    ("events", "is_bot"): r"\bbots?\b|^flagged",
    ("events", "received_at"): r"1 hour late|their own arrival|arrive within|overtaken",
    ("events", "session_id"): r"fired twice",
    ("events", "anonymous_id"): r"\bdevices?\b",
    ("events", "account_id"): r"no account\b|several accounts",
    ("users", "is_internal"): r"\bour own\b|^staff",
    ("users", "email_domain"): r"disposable|^unreachable",
    ("users", "account_id"): r"have a colleague",
    ("users",): r"not in the users table|^strangers",
}
UNKNOWN = r"mapped|[Nn]ot known|tell|can say|lacks|not available|no lack"
# What a sentence speaks of → whether the product has any of it.
THINGS = {
    r"\bplays?\b": lambda run: run.declared.plays,
    r"\bquestions?\b": lambda run: run.declared.questions,
    r"\bdata points?\b|\brules?\b": lambda run: run.declared.plan,
    r"\b(?:was|were) sent\b|\bdelivered\b": lambda run: run.tables.has("messages", "sent_at"),
    r"\bholdouts?\b|held out": lambda run: any(play.holds_out for play in run.declared.plays),
}
OF_ALL = r"\b(?:[Ee]very|[Aa]ll|[Ee]ach|[Nn]one|[Nn]obody|[Nn]o|[Nn]othing|[Nn]ever|0 of)\b"
NOTHING = (
    "declare|planned|mapped|nothing to|there is none|[Nn]ot known|can say|tells|has no|have no"
    "|of the plan to keep|compares"
)
OF_NOBODY = r"\bof 0\b|\bon 0\b"


def product(name: str) -> Run:
    """One of the products, with what the sample company declares."""
    tables, lacks, period, _notebooks = PRODUCTS[name]
    declared = sample()
    plays = [] if "plays" in lacks else list(declared.plays)
    if "holdouts" in lacks:
        plays = [play.model_copy(update={"holdout": 0.0, "holdout_by": {}}) for play in plays]
    words = {"prompts": {"email_verified": ["verification"]}, "path": declared.product.path}
    return small.run(
        questions=() if "questions" in lacks else declared.questions,
        plan=() if "plan" in lacks else declared.plan,
        plays=plays,
        words=words,
        **({"period": period} if period else {}),
        **tables,
    )


@cache
def sample() -> Declarations:
    return declarations(root() / "params" / "airtouch")


@dataclass(frozen=True)
class Read:
    """What is read of a product.

    Attributes:
        run: The product, opened.
        results: All results that the notebooks show, and what they are made of.
        said: Every sentence of what they show, with where it stands.
    """

    run: Run
    results: tuple[Result, ...]
    said: frozenset[tuple[str, str]]


@pytest.fixture(scope="module", params=PRODUCTS)
def read(request) -> Read:
    """All that the notebooks show of a product."""
    run, views = product(request.param), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pb, "open", lambda *_, since="", **__: run)
        for path in notebooks(request.param):
            space: dict[str, Any] = {}
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    views.append(value(cell.source, space))
    return reading(run, views)


def notebooks(name: str) -> list[Path]:
    return [path for path in NOTEBOOKS if path.name[0] in PRODUCTS[name][3]]


def reading(run: Run, views: list[Any]) -> Read:
    answers = [each for each in run.memory.values() if isinstance(each, Result | Unavailable)]
    answers = [each for each in answers if not each.id.startswith("log.")]
    results = tuple(each for each in answers if isinstance(each, Result))
    return Read(run, results, frozenset(sentences([*views, *answers])))


def value(source: str, space: dict[str, Any]) -> Any:
    """What the last line of a cell shows."""
    *before, last = ast.parse(source).body
    exec(compile(ast.Module(before, []), "cell", "exec"), space)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), space)
    return exec(compile(ast.Module([last], []), "cell", "exec"), space)


def sentences(views: list[Any]) -> Iterator[tuple[str, str]]:
    """Every sentence of what is shown, with the id of its result where it has one."""
    for view in views:
        if isinstance(view, Result | Unavailable):
            yield from ((view.id, each) for each in parted(said(view)))
            continue
        for part in getattr(view, "parts", [view]):
            if isinstance(part, Finding):
                yield from (("a cell", each) for each in parted(part.text))
            elif isinstance(part, Chart):
                yield from (("a chart", each) for each in parted(part.description))
            elif isinstance(part, Note):
                yield from (("a note", each) for each in parted(part.reason))


def said(answer: Answer) -> str:
    if isinstance(answer, Unavailable):
        return answer.reason
    text = findings.of(answer, "of them").text if findings.has(answer) else ""
    return "\n".join([text, listings.table(answer).note])


def parted(text: str) -> list[str]:
    """Its sentences, without what the product itself declares in words."""
    for question in sample().questions:
        text = text.replace(question.asks, "…")
    for point in sample().plan:
        text = text.replace(point.event, "…").replace(point.event.replace("_", " "), "…")
    text = text.replace("bots and internal people", "…")  # whom a way of counting leaves out
    return re.split(r"(?<=[.;:])\s+|\n", text)


def unmapped(run: Run) -> list[str]:
    """How one speaks of what no mapped column tells."""
    return [
        words
        for (table, *columns), words in WORDS.items()
        if not any(run.tables.has(table, column) for column in columns)
        and not (not columns and run.tables.has(table))
        and not (words == "^suppressed" and run.tables.has("suppressions"))
    ]


def test_sentences_say_of_what_is_not_mapped_that_it_is_not_known(read):
    wrong = {
        (where, text)
        for words in unmapped(read.run)
        for where, text in read.said
        if re.search(words, text) and not re.search(UNKNOWN, text)
    }
    assert not wrong


def test_rows_hold_no_number_of_what_is_not_mapped(read):
    wrong = set()
    for result in read.results:
        for words in unmapped(read.run):
            for row in result.rows:
                named = any(re.search(words, str(cell)) for cell in row.values())
                for name, column in result.columns.items():
                    own = re.search(words, name.replace("_", " "))
                    if column.kind not in NUMBERS or not (own or (named and name in SAYS)):
                        continue
                    if row.get(name) is not None:
                        wrong.add((result.id, name, str(row)))
    assert not wrong


SAYS = {"rows", "counted", "share"}  # the number of a row that its other cells name


def test_no_sentence_speaks_of_all_of_nothing(read):
    empty = [words for words, has in THINGS.items() if not has(read.run)]
    wrong = {
        (where, text)
        for where, text in read.said
        for words in empty
        if re.search(OF_ALL, text) and re.search(words, text) and not re.search(NOTHING, text)
    }
    assert not wrong


def test_no_sentence_and_no_cell_counts_of_none(read):
    wrong = {(where, text) for where, text in read.said if re.search(OF_NOBODY, text)}
    for result in read.results:
        for row in listings.table(result).rows:
            wrong |= {(result.id, cell) for cell in row if re.search(OF_NOBODY, cell)}
    assert not wrong


def test_shares_of_nobody_are_null(read):
    wrong = {
        (result.id, name, str(row))
        for result in read.results
        for row in result.rows
        for name, column in result.columns.items()
        if column.kind in {"share", "points"} and row.get(name) is not None
        if name not in {end for each in result.columns.values() for end in each.ends}
        if column.sizes and result.size(row, column) == 0
    }
    assert not wrong


def test_what_is_empty_says_something_and_nothing_of_a_zero(read):
    """A result without rows: its words, wherever it is shown."""
    for result in read.results:
        if not result.rows:
            assert result.nothing.strip("*"), result.id
            assert listings.table(result).note == result.nothing.strip("*")
