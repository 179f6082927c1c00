"""Stage 1, the collection audit: the questions that matter, what they need, and is it there."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook import answers, coverage
from playbook.coverage import UNIT_COLUMN
from playbook.declare import Question
from playbook.periods import duration, moment, words
from playbook.portable import count_if, seconds
from playbook.results import Answer, Result
from playbook.run import Run
from playbook.shaping import Rows

RANK = {"ok": 0, "caveat": 1, "missing": 2}
VERDICTS = {"ok": "answerable", "caveat": "with caveats", "missing": "not answerable"}
LATE = 3600  # seconds after which an arrival is late


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
        (the data point), `status`, `seen`, and `expected` (why the question needs it).
    """
    return _result(run, "questions", "audit", _coverage(run), lambda rows: _needs(run, rows))


def verdicts(run: Run) -> Result:
    """One row per question: can it be answered, and what stands in the way."""
    return _result(run, "verdicts", "table", _coverage(run), lambda rows: _verdicts(run, rows))


def data_points(run: Run) -> Result:
    """The plan against the data: one row per planned or arriving event.

    Returns:
        Shape `table`: data point, owner, rows, status (`arrives`, `dead`, `stopped`, `not
        planned`), note, and the number of questions that need it.
    """
    return _result(run, "data_points", "table", _coverage(run), lambda rows: _points(run, rows))


def destinations(run: Run) -> Result:
    """Where each data point is consumed and for what purpose.

    Returns:
        Shape `audit`: `subject` (data point), `check` (destination), `status` (`ok`, or
        `missing` where nobody consumes it) and `seen` (the purpose).
    """
    return _result(run, "destinations", "audit", _coverage(run), lambda _rows: _purposes(run))


def soundness(run: Run) -> Result:
    """What is unsound in the events that arrived: one row per defect, in one scan.

    Returns:
        Shape `table`: what, rows, of, share, what we do about it.
    """
    arrivals = run.tables.arrivals
    received = arrivals.received_at.notnull()
    ahead = arrivals.at > arrivals.received_at
    counted = arrivals.aggregate(
        rows=_.count(),
        ids=_.event_id.nunique(),
        nameless=count_if(_.event_id.isnull()),
        timeless=count_if(_.at.isnull()),
        late=count_if(received & (seconds(_.at, _.received_at) > LATE)),
        ahead=count_if(received & ahead),
        ancient=count_if(_.at < moment(run.log_begins)),
        unidentified=count_if(_.user_id.isnull()),
        unlinked=count_if(_.account_id.isnull() & _.user_id.notnull()),
        bots=count_if(_.is_bot),
    )
    return _result(run, "soundness", "table", counted, lambda rows: _defects(rows[0]))


def _coverage(run: Run) -> ir.Table:
    return coverage.per_event(run.tables.events, run.declared.properties)


def _result(run: Run, name: str, shape: str, table: ir.Table, finish) -> Result:
    return Result(
        id=f"audit.{name}",
        shape=shape,
        table=table,
        definition=(("what", name), ("counts", "each event once")),
        as_of=run.as_of,
        labels=run.labels,
        finish=finish,
    )


def _needs(run: Run, rows: Rows) -> Rows:
    known = {row["event"]: row for row in rows}
    found: Rows = []
    for question in run.declared.questions:
        for event in question.events:
            status, seen = coverage.need(question, event, known, run.period.as_of)
            found.append(_need(question, event, status, seen))
        for column in question.columns:
            status, seen = "ok", "mapped"
            if not answers.mapped(run, question, column):
                # Without the units that it is about there is no answer; without a breakdown, one.
                status = "missing" if column in question.among else "caveat"
                seen = "no such column is mapped"
            found.append(_need(question, column, status, seen))
    return found


def _need(question: Question, check: str, status: str, seen: str) -> dict[str, Any]:
    unit = UNIT_COLUMN[question.unit]
    return {
        "subject": question.id,
        "check": check,
        "status": status,
        "seen": seen,
        "expected": f"it arrives, with {question.hold or unit}",
    }


def _verdicts(run: Run, rows: Rows) -> Rows:
    needs = _needs(run, rows)
    found: Rows = []
    for question in run.declared.questions:
        own = [need for need in needs if need["subject"] == question.id]
        worst = max((need["status"] for need in own), key=RANK.__getitem__)
        blocks = [f"{need['check']}: {need['seen']}" for need in own if need["status"] == worst]
        found.append(
            {
                "question": question.asks,
                "verdict": VERDICTS[worst],
                "because": "; ".join(blocks) if worst != "ok" else "",
            }
        )
    return found


def _points(run: Run, rows: Rows) -> Rows:
    known = {row["event"]: row for row in rows}
    planned = [point.event for point in run.declared.plan]
    unplanned = sorted(set(known) - set(planned))
    owners = {point.event: point.owner for point in run.declared.plan}
    last = run.period.as_of
    found: Rows = []
    for event in (*planned, *unplanned):
        row = known.get(event)
        status, note = "arrives", ""
        if event in unplanned:
            close = difflib.get_close_matches(event, planned, n=1, cutoff=0.7)
            status, note = "not planned", f"like {close[0]}: renamed?" if close else ""
        elif not row:
            status, note = "dead", "planned, and never arrives"
        elif last - row["last"] > _silence(run):
            status, note = "stopped", f"last seen {row['last']:%d %b %Y}"
        found.append(
            {
                "data point": event,
                "owner": owners.get(event, ""),
                "rows": row["n"] if row else 0,
                "status": status,
                "note": note,
                "questions": sum(event in q.events for q in run.declared.questions),
            }
        )
    return found


def _silence(run: Run):
    """For how long an event may be silent: a tenth of the log."""
    return (run.period.as_of - run.log_begins) / 10


def _purposes(run: Run) -> Rows:
    names = list(dict.fromkeys(d for point in run.declared.plan for d in point.destinations))
    found: Rows = []
    for point in run.declared.plan:
        found += [
            {
                "subject": point.event,
                "check": destination,
                "status": "ok",
                "seen": point.destinations[destination],
                "expected": "",
            }
            for destination in names
            if destination in point.destinations
        ]
        if not point.destinations:
            found.append(
                {
                    "subject": point.event,
                    "check": "no consumer",
                    "status": "missing",
                    "seen": "nobody has said what it is for: resist collecting it",
                    "expected": "a destination and a purpose",
                }
            )
    return found


def _defects(row: dict[str, Any]) -> Rows:
    late = words(duration(f"{LATE}s"))
    copies = row["rows"] - row["ids"] - row["nameless"]  # without an id nothing is a copy
    said = [
        ("copies of an event", copies, "each event counts once"),
        ("no time", row["timeless"], "left out: nobody can say when"),
        (f"arrived more than {late} late", row["late"], "the newest days may still grow"),
        ("clock ahead of its arrival", row["ahead"], "kept; the watermark ignores them"),
        ("time before the log begins", row["ancient"], "kept; no period reaches them"),
        ("no user", row["unidentified"], "left out where people are counted"),
        ("a user and no account", row["unlinked"], "taken from the users table"),
        ("sent by bots", row["bots"], "left out of every headline"),
    ]
    return [
        {"what": what, "rows": n, "of": row["rows"], "share": n / row["rows"], "we": we}
        for what, n, we in said
    ]
