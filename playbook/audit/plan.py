"""The tracking plan against the data: what arrives, and under which name."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from playbook.audit.violation import Violation
from playbook.data import sources
from playbook.language.wording import plain
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, KEY, TEXT
from playbook.results.section import section
from playbook.results.sentences import Told
from playbook.run import Run

SIMILAR = 0.7  # names that are this much alike may be one
RESTARTS = timedelta(days=2)  # a renamed event arrives within this time of the last old one
HEIR = "under another name"  # ends the note of an event that took over from a planned one
UNPLANNED = "not planned"
GONE = {"dead", "renamed"}  # what a question needs and the data do not have
ABSENT = {"dead": "Never seen", "stopped": "Fell silent", UNPLANNED: "Arrive without a plan"}
POINT = {"data point": KEY, "owner": TEXT, "rows": COUNT, "status": TEXT, "note": TEXT}
POINT |= {"questions": COUNT}


@section("audit.data_points")
def data_points(run: Run) -> Result:
    """The plan against the data: one row per planned or arriving event.

    Returns:
        Shape `table`: data point, owner, rows, status (`arrives`, `dead`, `stopped`, `renamed`,
        `not planned`), note, and the number of questions that need it.
    """
    return run.result(
        "table", None, lambda _rows: _points(run), own=POINT, made_of=run.scans, says=_what_arrives
    )


def point_violations(run: Run, found: Answer) -> Iterator[Violation]:
    """Data points that do not arrive as planned, and columns that nobody planned."""
    for row in found.rows:
        if row["status"] == "arrives" or row["note"].endswith(HEIR):
            continue
        planned = row["status"] != UNPLANNED
        yield Violation(
            "plan",
            row["data point"],
            ": ".join(filter(None, [row["status"], row["note"]])),
            expected="it arrives" if planned else "it is in the plan",
            rows=row["rows"],
            blocks=row["questions"] > 0 and row["status"] in GONE,
            minor=not planned,
        )
    for column in sources.unplanned_columns(run.declared, run.warehouse):
        seen, wanted = "a column that nothing maps", "it is in the plan, or is not collected"
        yield Violation("plan", column, seen, expected=wanted, minor=True)


def _points(run: Run) -> Rows:
    known = run.coverage
    owners = {point.event: point.owner for point in run.declared.plan}
    unplanned = sorted(set(known) - set(owners), key=lambda name: (name is None, name or ""))
    heirs = {event: _heir(run, event, unplanned) for event in owners}
    found: Rows = []
    for event in (*owners, *unplanned):
        row = known.get(event)
        status, note = _state(run, event, heirs)
        if event in unplanned:
            status, note = UNPLANNED, _resembles(event, owners, heirs)
        found.append(
            {
                "data point": event or "(no name)",
                "owner": owners.get(event, ""),
                "rows": row["n"] if row else 0,
                "status": status,
                "note": note,
                "questions": sum(event in run.declared.needed(q) for q in run.declared.questions),
            }
        )
    return found


def _state(run: Run, event: str, heirs: dict[str, str]) -> tuple[str, str]:
    row = run.coverage.get(event)
    heir = heirs.get(event)
    if heir:
        begins = run.coverage[heir]["first"]
        return "renamed", f"arrives as {heir} since {begins:%d %b %Y}"
    if not row:
        return "dead", "planned, and never arrives"
    if run.period.as_of - row["last"] > _silence(run):
        return "stopped", f"last seen {row['last']:%d %b %Y}"
    return "arrives", ""


def _heir(run: Run, event: str, unplanned: list[str]) -> str:
    """The unplanned event that took over when this one fell silent; "" if there is none."""
    row = run.coverage.get(event)
    if row and run.period.as_of - row["last"] <= _silence(run):
        return ""
    begins = {name: run.coverage[name]["first"] for name in unplanned if name}
    heirs = (n for n, at in begins.items() if not row or at >= row["last"] - RESTARTS)
    return next((name for name in heirs if _similar(event, name)), "")


def _similar(one: str, other: str) -> bool:
    alike = difflib.SequenceMatcher(None, one, other).ratio() >= SIMILAR
    return alike or _bare(one) == _bare(other)


def _bare(name: str) -> str:
    """A name without its spelling: case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", name).lower()


def _resembles(event: str | None, planned: Iterable[str], heirs: dict[str, str]) -> str:
    if former := [name for name, heir in heirs.items() if heir == event]:
        return f"{former[0]} {HEIR}"
    same = [name for name in planned if event and _bare(name) == _bare(event)]
    if same:
        return f"{same[0]} in another spelling"
    close = difflib.get_close_matches(event or "", list(planned), n=1, cutoff=SIMILAR)
    return f"like {close[0]}: renamed?" if close else ""


def _silence(run: Run) -> timedelta:
    """For how long an event may be silent: a tenth of the log, and a week at least."""
    return max((run.period.as_of - run.log_begins) / 10, timedelta(weeks=1))


def _what_arrives(result: Result, told: Told, _words: str) -> str:
    """How many planned data points arrive, and what is dead, silent or unplanned."""
    counts = Counter(row["status"] for row in result.rows)
    planned = told.count("planned", counts.total() - counts[UNPLANNED])
    arrives = told.count("arrives", counts["arrives"])
    text = f"**{arrives} of {planned}** planned data points arrive."
    if counts.total() == counts[UNPLANNED]:
        text = "No data point is planned: there is nothing to hold the data against."
    for status, says in ABSENT.items():
        names = [
            plain(row["data point"])
            + (f" ({plain(row['note'])})" if status == UNPLANNED and row["note"] else "")
            for row in result.rows
            if row["status"] == status
        ]
        text += f" {says}: {', '.join(names)}." if names else ""
    return text
