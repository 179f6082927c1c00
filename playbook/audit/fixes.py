"""What to mend, and in which order: every violation, ranked by what it does to answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from playbook.audit.questions import defects_of_answers
from playbook.audit.violation import VIOLATION, Violation, violation_row
from playbook.declare import Question
from playbook.language.wording import moved, plain, rare, times
from playbook.results import SEVERITIES, Answer, Result, Rows
from playbook.results.columns import COUNT, KEY, SHARE, TEXT
from playbook.results.section import there
from playbook.results.sentences import Told, bullets
from playbook.run import Run

BLOCKING, WARNING, NOTE = SEVERITIES
WORTH = 0.01  # a defect that touches one row in a hundred is more than a note
RANKS = ("Mend first", "Then", "After that")
FIX = {"what": KEY, "where": TEXT, "owner": TEXT, "rows": COUNT, "share": SHARE}
FIX |= {name: VIOLATION[name] for name in ("severity", "questions", "moves")}
# A section → what makes violations of its rows, or of why it has none.
Checks = Mapping[Callable[[Run], Answer], Callable[[Run, Answer], Iterator[Violation]]]
Defects = list[tuple[Question, dict[str, Any]]]


def ranked_violations(run: Run, checks: Checks) -> Result:
    """Every violation that the checks find, with its weight; the worst first."""
    found = [(section(run), violations) for section, violations in checks.items()]

    def rows(_rows: Rows) -> Rows:
        moves = defects_of_answers(run)
        weighed = [
            _weighed(run, violation, moves)
            for answer, violations in found
            for violation in violations(run, answer)
        ]
        return sorted(weighed, key=_rank)

    made_of = there(*(answer for answer, _violations in found))
    return run.result("table", None, rows, own=VIOLATION, made_of=made_of)


def list_of_fixes(run: Run, violations: Result) -> Result:
    """The ranked violations in the words of a list."""

    def rows(_rows: Rows) -> Rows:
        said = [row | {"what": f"{row['subject']}: {row['seen']}"} for row in violations.rows]
        return [{name: row[name] for name in FIX} for row in said]

    return run.result(
        "table",
        None,
        rows,
        own=FIX,
        made_of=(violations,),
        says=_what_to_mend_first,
        silence="No check that the data allow finds anything to mend.",
    )


def _weighed(run: Run, violation: Violation, moves: Defects) -> dict[str, Any]:
    """A violation with its weight: the questions that need it, and how far it moves answers."""
    subject, defect, property = violation.subject, violation.defect, violation.property
    own = [row["moves"] for _q, row in moves if defect and row["defect"].startswith(defect)]
    asking = [q for q in run.declared.questions if subject in run.declared.needed(q)]
    if property is not None:
        asking = [q for q in asking if property in (*q.hold, *q.columns)]
    asked = 0 if violation.elsewhere else len(asking)
    share = violation.rows / violation.of if violation.of else None
    most = max(own, default=None)
    weighty = (share or 0) >= WORTH or (most or 0) >= WORTH or not violation.of
    light = WARNING if weighty and not violation.minor else NOTE
    said = {name: value for name, value in vars(violation).items() if name in VIOLATION}
    return violation_row(
        **said,
        share=share,
        severity=BLOCKING if violation.blocks else light,
        questions=max(asked, len(own)) if run.declared.questions else None,
        moves=most,
        owner=next((p.owner for p in run.declared.plan if p.event == subject), ""),
    )


def _rank(row: Mapping[str, Any]) -> tuple:
    return (
        SEVERITIES.index(row["severity"]),
        -(row["questions"] or 0),
        -(row["moves"] or 0),
        -(row["share"] or 0),
        row["check"],
        row["subject"],
    )


def _what_to_mend_first(result: Result, told: Told, _words: str) -> str:
    """The first three things to mend, in their order, and how many more there are."""
    rows = result.rows
    lines = [f"**{rank}**: {_fix_in_words(row)}" for rank, row in zip(RANKS, rows, strict=False)]
    if rest := rows[len(RANKS) :]:
        blocking = sum(row["severity"] == BLOCKING for row in rest)
        blocked = f", {told.count('further_blocking', blocking)} blocking" if blocking else ""
        lines.append(f"{told.count('further', len(rest))} more{blocked}.")
    return bullets(lines)


def _fix_in_words(row: Mapping[str, Any]) -> str:
    where = f" in {plain(row['where'])}" if row["where"] else ""
    owner = f" ({plain(row['owner'])})" if row["owner"] else ""
    share = "" if row["share"] is None else f", {rare(row['share'])}"
    sizes = f"; {times(row['rows'], 'row')}{share}" if row["rows"] else ""
    does = "blocks" if row["severity"] == BLOCKING else "touches"
    if row["questions"] is None:
        return f"{plain(row['what'])}{where}{owner}{sizes}."
    touched = times(row["questions"], "question") if row["questions"] else "no question"
    moves = f", and moves an answer by up to {moved(row['moves'])}" if row["moves"] else ""
    return f"{plain(row['what'])}{where}{owner}{sizes}; {does} {touched}{moves}."
