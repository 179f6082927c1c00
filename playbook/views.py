"""Everything about a result in one cell: its chart or its table, and its sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from playbook import answers, charts, findings
from playbook.counting.units import WEEK
from playbook.declare import PARTS
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.wording import capital, plain
from playbook.results import Answer, Result, Unavailable, listings
from playbook.results.sentences import Finding
from playbook.run import Run

WORDS = "{within}"  # in a title or a sentence: the window of the result, in words
# Says in an output which part of the guide nobody asks for: reports list them at their end.
UNASKED = "application/vnd.playbook.unasked+json"
HEADING = "application/vnd.playbook.heading+json"
Section = Callable[..., Answer]
FRICTION = "2_friction"
# Roles whose questions that notebook draws.
CHARTED = (
    *("verification", "unverified", "unfinished", "key_metric"),
    *("path", "account_path", "first_value"),
)


class Shown:
    """What a cell shows, one below the other."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for part in self.parts:
            display(part)


@dataclass(frozen=True)
class Heading:
    """What begins a section of one question or play: it answers nothing by itself."""

    text: str

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return {HEADING: {}, "text/markdown": self.text, "text/plain": self.text}


@dataclass(frozen=True)
class Unasked:
    """A part of the guide that no question of the product plays, and what it would tell.

    Attributes:
        part: The part; "": nothing is asked, and nothing of the guide is missed.
    """

    part: str

    @property
    def text(self) -> str:
        """What it would tell, and how to ask for it."""
        if not self.part:
            return ""
        part = PARTS[self.part]
        takes = f"It takes {part.asked}, with the role `{self.part}` in product.yaml."
        return f"{capital(part.tells)}. {takes}"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        if not self.text:
            return {UNASKED: {"text": ""}, "text/plain": ""}
        text = f"*Not asked.* {self.text}"
        return {UNASKED: {"text": self.text}, "text/markdown": text, "text/plain": text}


def show(
    *results: Answer | Sequence[Answer],
    title: str = "",
    says: str = "",
    whole: Answer | None = None,
    table: bool = False,
    most: int = listings.ROWS,
    only: Sequence[str] = (),
    **given: Any,
) -> Shown:
    """A result's chart and its sentence, or its table where it has neither; of several one by one.

    Args:
        results: Results, or why there is none; of a list of them the sentences.
        title: The subject of the chart; that of the result itself, unless given.
        says: What the numbers are of, such as "of new people save a report within {within}"; what
            the result itself says, unless given.
        whole: What the sentence is about, where it is not what is drawn: everybody, of segments.
        table: Whether its rows are listed, too.
        most: Rows of a table, at most.
        only: Columns of a table; all, unless given.
        given: What its chart may be told besides; see `playbook.charts.of`.
    """
    parts: list[Any] = []
    for result in results:
        if isinstance(result, Result):
            name = _filled(title, result) or result.title
            is_drawn = bool(name) and charts.has(result)
            parts += [charts.of(result, title=name, **given)] if is_drawn else []
            if table or not (is_drawn or findings.has(result)):
                parts.append(listings.table(result, most=most, only=only))
        told = result if whole is None else whole
        if not isinstance(told, Result) or findings.has(told):
            parts.append(findings.of(told, _filled(says, told)))
    return Shown(*parts)


def each(
    run: Run,
    part: str | Sequence[str],
    *sections: Section,
    heading: bool = False,
    whole: Section | None = None,
    table: bool = False,
    **given: Any,
) -> Shown:
    """Sections for every question, or play, of a part of the guide, one below the other.

    What does not suit a question, because it is counted otherwise or nobody maps the column `by`
    for its units, is passed over; under a heading, everybody is shown instead.

    Args:
        run: The opened run.
        part: A role, such as "path"; a kind of the questions without one, such as "shares";
            "plays"; or several.
        sections: Functions of the run and an id, such as `pb.friction.answer`.
        heading: Whether each begins with what is asked, and what its answer would decide; and
            whether it is said that nobody plays the part.
        whole: The section that the sentences are about, where it is not what is drawn.
        table: Whether their rows are listed, too.
        given: What the sections are told besides, such as `by`.
    """
    parts: list[Any] = []
    for name in [part] if isinstance(part, str) else part:
        ids = _of_part(run, name)
        if not ids and heading and name in PARTS:
            parts.append(Unasked(name))
        for id in ids:
            told = _told_by(run, id, given, heading)
            made = [section(run, id, **told) for section in sections] if told is not None else []
            own = [shown for found in made for shown in _parts(run, id, found, whole, table)]
            parts += [*([_heading(run, id)] if heading and own else []), *own]
    return Shown(*parts or [Unasked("")])


def index(run: Run) -> Finding:
    """Every question of the product in one line: the answer, and where its chart stands."""
    elsewhere = {id for part in CHARTED for id in run.declared.roles[part]}
    lines = []
    for question in run.declared.questions:
        line = findings.answers([answers.answer(run, question.id, stage="audit")])
        link = f" See [the friction analysis]({FRICTION}.ipynb)."
        lines.append(replace(line, text=line.text + link) if question.id in elsewhere else line)
    return findings.together(*lines)


def shown(result: Result) -> None:
    """Displays a result that stands bare in a cell: its chart, its sentence and its table."""
    title = result.title or result.asks or result.question.replace("_", " ").capitalize()
    show(result, title=title, table=True)._ipython_display_()


def _of_part(run: Run, part: str) -> tuple[str, ...]:
    known = run.declared.parts
    if part not in known:
        raise Mistake(
            f"There is no part `{part}` to show each of.",
            f"The parts are: {listed(known)}.",
            nearest(part, known),
        )
    return known[part]


def _told_by(run: Run, id: str, given: dict[str, Any], heading: bool) -> dict[str, Any] | None:
    """What a section of one question is told; None: its units do not have the column."""
    by, question = answers.columns(given.get("by")), run.declared.question(id)
    if question is None or all(each == WEEK or answers.mapped(run, question, each) for each in by):
        return given
    return {name: value for name, value in given.items() if name != "by"} if heading else None


def _parts(run: Run, id: str, found: Answer, whole: Section | None, table: bool) -> Iterator[Any]:
    """What is shown of one section of a question or play."""
    if isinstance(found, Unavailable) and not found.fits:
        return
    told = found if whole is None else whole(run, id)
    about = told if isinstance(told, Result) and isinstance(found, Result) else None
    yield from show(found, whole=about, table=table).parts


def _heading(run: Run, id: str) -> Heading:
    """What is asked, and what the answer would decide; or what a play says."""
    if question := run.declared.question(id):
        return Heading(f"### {plain(question.asks)}\n\nIt decides: {plain(question.decides)}")
    play = next(play for play in run.declared.plays if play.slug == id)
    return Heading(f"### {plain(play.says)}")


def _filled(text: str, result: Answer | Sequence[Answer]) -> str:
    return text.replace(WORDS, getattr(result, "within", ""))
