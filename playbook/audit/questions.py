"""The burning questions: what each needs, whether it is there, and how far answers may be off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from playbook import answers
from playbook.answers import bounds as bounding
from playbook.answers.together import as_seen
from playbook.audit.plan import GONE, data_points
from playbook.audit.violation import Violation
from playbook.data import arrivals
from playbook.declare import Question
from playbook.inference import stats
from playbook.results import Answer, Result, Rows, Unavailable
from playbook.results.columns import SHAPES, TEXT
from playbook.results.section import section, there
from playbook.run import Run

RANK = {"ok": 0, "caveat": 1, "missing": 2}
VERDICTS = {"ok": "answerable", "caveat": "with caveats", "missing": "not answerable"}
VERDICT = "verdict"
NONE_ASKED = "*No question is declared: there is nothing to answer.*"
MOVES = 0.01  # a defect that moves an answer by more than a point is a caveat, and no note
NO_CAVEAT = ("open windows", "late arrivals", "bots")  # these pass, or are left out knowingly
SAID = 3  # reasons of an answer's bounds that are said: those that move it most
NAMED = 0.0005  # what moves an answer by less is not worth a word


def answer(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The answer to a burning question; see `playbook.answers.answer`."""
    return answers.answer(run, id, by=by, stage="audit")


def headline_answer(run: Run) -> Answer:
    """The answer to the product's headline question, or to its first."""
    return answer(run, run.headline)


def every_answer(run: Run) -> list[Answer]:
    """The answers to all declared questions, in reading order."""
    return [answer(run, question.id) for question in run.declared.questions]


@section("audit.questions")
def questions(run: Run) -> Result:
    """Every question against the data points it needs.

    Returns:
        Shape `audit`: one row per question and data point: `subject` (the question), `check`
        (the data point; the first is its `verdict`), `status`, `seen`, and `expected` (why the
        question needs it).
    """

    def rows(_rows: Rows) -> Rows:
        found: Rows = []
        for question, own, status, because in _verdicts(run):
            row = _need(run, question, VERDICT, status, because or VERDICTS[status])
            found += [row | {"expected": VERDICTS[status]}, *own]
        return found

    made_of = (*run.scans, bounds_of_answers(run))
    return run.result("audit", None, rows, made_of=made_of, silence=NONE_ASKED)


@section("audit.verdicts")
def verdicts(run: Run) -> Result:
    """One row per question: can it be answered, and what stands in the way."""

    def rows(_rows: Rows) -> Rows:
        return [
            {"question": question.asks, "verdict": VERDICTS[status], "because": because}
            for question, _own, status, because in _verdicts(run)
        ]

    own = dict.fromkeys(("question", "verdict", "because"), TEXT)
    made_of = (*run.scans, bounds_of_answers(run))
    return run.result("table", None, rows, own=own, made_of=made_of, silence=NONE_ASKED)


@section("audit.bounds")
def bounds_of_answers(run: Run) -> Result:
    """Every question's answer, with the ends between which the defects of the data leave it.

    Returns:
        Shape `bounds`: one row per question. Of a `mix` it is the share that does any of the
        things, of `time_to` that gets there at all, of `steps` that goes all the way.
    """
    asked = run.declared.questions
    found = [bounds_of(run, question.id) for question in asked]
    return run.result(
        "bounds",
        None,
        lambda _rows: [_ends_of_answer(*pair) for pair in zip(asked, found, strict=True)],
        made_of=there(*found),
        silence=NONE_ASKED,
    )


def bounds_of(run: Run, id: str) -> Answer:
    """How far each defect moves the answer to one question; see `playbook.answers.bounds`."""
    return bounding.bounds(run, id)


def question_violations(run: Run, _found: Answer) -> Iterator[Violation]:
    """What a question needs and the data lack, unless the plan says so already."""
    gone = {row["data point"] for row in data_points(run).rows if row["status"] in GONE}
    for need in needs(run):
        if need["status"] == "missing" and need["check"] not in gone:
            said = {"expected": need["expected"], "where": need["subject"], "blocks": True}
            yield Violation("question", need["check"], need["seen"], **said)


def answer_violations(run: Run, _found: Answer) -> Iterator[Violation]:
    """Events that name no unit or no time, and equal times: by how far they move an answer."""
    most: dict[str, dict[str, Any]] = {}
    for _question, row in defects_of_answers(run):
        mendable = " without " in row["defect"] or row["defect"] == "ties"
        if mendable and row["moves"] > most.get(row["defect"], {"moves": 0})["moves"]:
            most[row["defect"]] = row
    for defect, row in most.items():
        subject, minor = defect.partition(" without ")[0], row["moves"] < MOVES
        yield Violation("answers", subject, row["touches"], defect=defect, minor=minor)


def defects_of_answers(run: Run) -> list[tuple[Question, dict[str, Any]]]:
    """Every defect of every question's data, as (question, row of `bounds_of`); not of a few."""
    found = []
    for question in run.declared.questions:
        rows = bounds_of(run, question.id).rows
        if rows and rows[0]["n"] >= run.declared.product.min_n:
            found += [(question, row) for row in rows[1:]]
    return found


def needs(run: Run) -> Rows:
    """What each question needs of the data, and what is there: rows of shape `audit`."""
    found: Rows = []
    for question in run.declared.questions:
        own = as_seen(run, question)
        known = answers.lately(own)
        reaches = own.extent.reaches(*question.events, but=question.start)
        for event in question.events:
            column = arrivals.unit_column(run.tables, question.unit)
            status, seen = arrivals.need(question, event, known, reaches, column=column)
            found.append(_need(run, question, event, status, seen))
        for column in question.columns:
            status, seen = "ok", "mapped"
            if not answers.mapped(run, question, column):
                # Without the units that it is about there is no answer; without a breakdown, one.
                status = "missing" if column in question.among else "caveat"
                seen = "no such column is mapped"
            found.append(_need(run, question, column, status, seen))
        if reaches < run.period.as_of:
            silent = [f"`{e}`" for e in question.events if e in own.extent.fell_silent]
            seen = (
                f"{', '.join(silent) or 'a source'} fell silent: its data end on {reaches:%d %b %Y}"
            )
            found.append(_need(run, question, "fresh data", "caveat", seen))
    return found


def _need(run: Run, question: Question, check: str, status: str, seen: str) -> dict[str, Any]:
    unit = arrivals.unit_column(run.tables, question.unit)
    expected = f"it arrives, with {' and '.join(question.hold) or unit}"
    cells = (question.id, check, status, seen, expected)
    return dict(zip(SHAPES["audit"], cells, strict=True))


def _verdicts(run: Run) -> Iterator[tuple[Question, Rows, str, str]]:
    """(question, what it needs, status, what stands in the way) of each."""
    every = needs(run)
    for question in run.declared.questions:
        own = [need for need in every if need["subject"] == question.id]
        yield question, own, *_in_the_way(run, question, own)


def _in_the_way(run: Run, question: Question, own: Rows) -> tuple[str, str]:
    """(status, what stands in the way): the weakest data point, or a defect that moves much."""
    worst = max((need["status"] for need in own), key=RANK.__getitem__)
    because = [f"{need['check']}: {need['seen']}" for need in own if need["status"] == worst]
    if worst == "missing":
        return worst, "; ".join(because)
    said = tuple(f"{need['check']} without" for need in own if need["status"] != "ok")
    strong = [
        f"{row['defect']}: {row['touches']}"
        for asked, row in defects_of_answers(run)
        if asked is question
        and row["moves"] > MOVES
        and not row["defect"].startswith((*NO_CAVEAT, *said))
    ]
    if worst == "ok" and not strong:
        return worst, ""
    return "caveat", "; ".join([*(because if worst == "caveat" else []), *strong])


def _ends_of_answer(question: Question, answer: Answer) -> dict[str, Any]:
    row: dict[str, Any] = {"subject": question.id, "asks": question.asks}
    row |= dict.fromkeys(("n", "share", "low", "high", "lowest", "highest"))
    row["because"] = answer.reason if isinstance(answer, Unavailable) else "nobody yet"
    if answer.rows:
        stands, *defects = answer.rows
        row |= {name: stands[name] for name in ("n", "share", "lowest", "highest")}
        row["low"], row["high"] = stats.wilson(round(stands["share"] * stands["n"]), stands["n"])
        named = [defect["touches"] for defect in defects if defect["moves"] >= NAMED]
        row["because"] = "; ".join(named[:SAID])
        means = question.measured.bounded
        row["asks"] += f" ({means})" if means else ""
    return row
