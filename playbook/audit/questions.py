"""The burning questions: what each needs, whether it is there, and how far answers may be off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playbook import answers
from playbook.answers import bounds as bounding
from playbook.counting.shaping import Rows
from playbook.data import arrivals
from playbook.declare import Question
from playbook.inference import stats
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

RANK = {"ok": 0, "caveat": 1, "missing": 2}
VERDICTS = {"ok": "answerable", "caveat": "with caveats", "missing": "not answerable"}
VERDICT = "verdict"
MOVES = 0.01  # a defect that moves an answer by more than a point is a caveat
NO_CAVEAT = ("open windows", "late arrivals", "bots")  # these pass, or are left out knowingly
SAID = 3  # reasons of an answer's bounds that are said: those that move it most
NAMED = 0.0005  # what moves an answer by less is not worth a word


def answer(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The answer to a burning question; see `playbook.answers.answer`."""
    return answers.answer(run, id, by=by, stage="audit")


def headline(run: Run) -> Answer:
    """The answer to the product's headline question, or to its first."""
    return answer(run, run.headline)


def every_answer(run: Run) -> list[Answer]:
    """The answers to all declared questions, in reading order."""
    return [answer(run, question.id) for question in run.declared.questions]


def questions(run: Run) -> Result:
    """Every question against the data points it needs.

    Returns:
        Shape `audit`: one row per question and data point: `subject` (the question), `check`
        (the data point; the first is its `verdict`), `status`, `seen`, and `expected` (why the
        question needs it).
    """
    return run.result("audit.questions", "audit", run.log, fetched=lambda: _matrix(run))


def verdicts(run: Run) -> Result:
    """One row per question: can it be answered, and what stands in the way."""
    return run.result("audit.verdicts", "table", run.log, fetched=lambda: _verdicts(run))


def bounds(run: Run) -> Result:
    """Every question's answer, with the ends between which the defects of the data leave it.

    Returns:
        Shape `bounds`: one row per question. Of a `mix` it is the share that does any of the
        things, of `time_to` that gets there at all, of `steps` that goes all the way.
    """
    return run.result("audit.bounds", "bounds", run.log, fetched=lambda: _bounds(run))


def bounds_of(run: Run, id: str) -> Answer:
    """How far each defect moves the answer to one question; see `playbook.bounds.bounds`."""
    return run.remembered(("bounds", id), lambda: bounding.bounds(run, id))


def moved(run: Run) -> list[tuple[Question, dict[str, Any]]]:
    """Every defect of every question's data, as (question, row of `bounds_of`); not of a few."""
    found = []
    for question in run.declared.questions:
        result = bounds_of(run, question.id)
        rows = [] if isinstance(result, Unavailable) else result.rows
        if rows and rows[0]["n"] >= run.declared.product.min_n:
            found += [(question, row) for row in rows[1:]]
    return found


def needs(run: Run) -> Rows:
    """What each question needs of the data, and what is there: rows of shape `audit`."""
    found: Rows = []
    known = answers.lately(run)
    for question in run.declared.questions:
        for event in question.events:
            column = arrivals.unit_column(run.tables, question.unit)
            status, seen = arrivals.need(
                question, event, known, run.reaches(question), column=column
            )
            found.append(_need(run, question, event, status, seen))
        for column in question.columns:
            status, seen = "ok", "mapped"
            if not answers.mapped(run, question, column):
                # Without the units that it is about there is no answer; without a breakdown, one.
                status = "missing" if column in question.among else "caveat"
                seen = "no such column is mapped"
            found.append(_need(run, question, column, status, seen))
        if run.reaches(question) < run.period.as_of:
            seen = f"a source fell silent: its data end on {run.reaches(question):%d %b %Y}"
            found.append(_need(run, question, "fresh data", "caveat", seen))
    return found


def _need(run: Run, question: Question, check: str, status: str, seen: str) -> dict[str, Any]:
    unit = arrivals.unit_column(run.tables, question.unit)
    return {
        "subject": question.id,
        "check": check,
        "status": status,
        "seen": seen,
        "expected": f"it arrives, with {' and '.join(question.hold) or unit}",
    }


def _verdict(run: Run, question: Question, own: Rows) -> tuple[str, str]:
    """(status, what stands in the way): the weakest data point, or a defect that moves much."""
    worst = max((need["status"] for need in own), key=RANK.__getitem__)
    because = [f"{need['check']}: {need['seen']}" for need in own if need["status"] == worst]
    if worst == "missing":
        return worst, "; ".join(because)
    said = tuple(f"{need['check']} without" for need in own if need["status"] != "ok")
    strong = [
        f"{row['defect']}: {row['touches']}"
        for asked, row in moved(run)
        if asked is question
        and row["moves"] > MOVES
        and not row["defect"].startswith((*NO_CAVEAT, *said))
    ]
    if worst == "ok" and not strong:
        return worst, ""
    return "caveat", "; ".join([*(because if worst == "caveat" else []), *strong])


def _matrix(run: Run) -> Rows:
    found: Rows = []
    for question, own, status, because in _judged(run):
        row = _need(run, question, VERDICT, status, because or VERDICTS[status])
        found += [row | {"expected": VERDICTS[status]}, *own]
    return found


def _verdicts(run: Run) -> Rows:
    return [
        {"question": question.asks, "verdict": VERDICTS[status], "because": because}
        for question, _own, status, because in _judged(run)
    ]


def _judged(run: Run) -> list[tuple[Question, Rows, str, str]]:
    every = needs(run)
    found = []
    for question in run.declared.questions:
        own = [need for need in every if need["subject"] == question.id]
        found.append((question, own, *_verdict(run, question, own)))
    return found


def _bounds(run: Run) -> Rows:
    found: Rows = []
    for question in run.declared.questions:
        result = bounds_of(run, question.id)
        row: dict[str, Any] = {"subject": question.id, "asks": question.asks}
        row |= dict.fromkeys(("n", "share", "low", "high", "lowest", "highest"))
        row["because"] = result.reason if isinstance(result, Unavailable) else "nobody yet"
        if not isinstance(result, Unavailable) and result.rows:
            stands, *defects = result.rows
            row |= {name: stands[name] for name in ("n", "share", "lowest", "highest")}
            row["low"], row["high"] = stats.wilson(
                round(stands["share"] * stands["n"]), stands["n"]
            )
            named = [defect["touches"] for defect in defects if defect["moves"] >= NAMED]
            row["because"] = "; ".join(named[:SAID])
            means = bounding.MEANS[answer(run, question.id).shape]
            row["asks"] += f" ({means})" if means else ""
        found.append(row)
    return found
