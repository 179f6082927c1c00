"""Whether the log is sound, taken together: what is wrong with rows, and copies among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ibis import _

from playbook.audit.identity import known_people
from playbook.audit.order import events_of_visits
from playbook.audit.violation import Violation
from playbook.data import arrivals
from playbook.language.wording import count, rare, times
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, ID, KEY, TEXT, share_of
from playbook.results.section import section, there
from playbook.results.sentences import Told, not_known
from playbook.run import Run

TOLERATED = 0.001  # of rows: what stays below happens to every log
PART = {"rows": COUNT, "of": COUNT, "share": share_of("of")}
COPIES, LATE, OURS = "copies of an event", "arrived more than 1 hour late", "people of our own"
AHEAD, ANCIENT, UNTIMED = "after their own arrival", "before the year 2000", "no time"
UNLINKED, NO_USER, BY_BOTS = "a user and no account", "no user", "sent by bots"
# What is wrong with rows → how a sentence says it after a share, and what is done about it here.
DEFECTS = {
    COPIES: ("are copies of an event", "each event counts once"),
    UNTIMED: ("have no time", "left out: nobody can say when"),
    LATE: (LATE, "the newest days may grow"),
    AHEAD: (f"happened {AHEAD}", "kept; the watermark ignores them"),
    ANCIENT: (f"happened {ANCIENT}", "kept; no period reaches them"),
    NO_USER: ("name no user", "left out where people are counted"),
    UNLINKED: (f"name {UNLINKED}", "taken from the users table"),
    BY_BOTS: ("were sent by bots", "left out of every headline"),
    OURS: ("are our own", "left out of every headline"),
}
TOLD_BY = {NO_USER: "user_id", UNLINKED: "account_id", BY_BOTS: "is_bot"}
# The same → its check, what is seen, what is recounted for it, and the share that is tolerated.
VIOLATED = {
    LATE: ("late", "rows that arrive more than an hour late", "late arrivals", TOLERATED),
    AHEAD: ("clocks", "rows that happened after their own arrival", "clocks", 0),
    ANCIENT: ("clocks", "rows that happened before 2000", "clocks", 0),
    UNLINKED: ("accounts", f"rows that name {UNLINKED}", "unlinked accounts", TOLERATED),
    UNTIMED: ("clocks", "rows without a time", "", 0),
}


@section("audit.duplicates")
def duplicates(run: Run) -> Result:
    """Events that arrive more than once, by kind.

    Returns:
        Shape `table`: `kind` (`same id`, `same id, another payload`, `fired twice`), `event`
        (the one it happens to most), `rows`, `of`, `share`; null is what no visit tells.
    """
    envelope = {"event_id", "received_at", "sent_at"}
    payload = [name for name in run.tables.arrivals.columns if name not in envelope]
    shared = run.tables.shared
    differ = arrivals.conflicts(shared, payload).group_by("event").aggregate(n=_.count())
    visits = events_of_visits(run)

    def finish(rows: Rows) -> Rows:
        copied: Counter[str] = Counter()
        for row in run.copied:
            copied[row["event"]] += row["n"]
        kinds = {
            "same id": copied,
            "same id, another payload": {row["event"]: row["n"] for row in rows},
            "fired twice": {row["event"]: row["twice"] for row in visits.rows},
        }
        found = [
            {"kind": kind, "event": _most_frequent(counts)}
            | _touched(sum(counts.values()), total_arrived(run))
            for kind, counts in kinds.items()
        ]
        if not visits.rows:
            found[-1] |= _touched(None, total_arrived(run))
        return found

    return run.result(
        "table",
        differ.order_by([_.n.desc(), "event"]),
        finish,
        counts="every row",
        own={"kind": KEY, "event": ID, **PART},
        made_of=(*run.scans, *there(visits)),
    )


@section("audit.soundness")
def soundness(run: Run) -> Result:
    """What is unsound in the events that arrived, and what is done about it here.

    Returns:
        Shape `table`: one row per kind of defect: `what`, `rows`, `of`, `share`, `we`. Null is
        what no column tells.
    """
    people = known_people(run)

    def rows(_rows: Rows) -> Rows:
        of, counts = total_arrived(run), _defects_of_rows(run)
        parts = {what: _touched(counts[what], of) for what in DEFECTS if what != OURS}
        for row in people.rows:
            if row["staff"]:
                parts[OURS] = _touched(row["staff"], row["people"])
        return [{"what": what} | part | {"we": DEFECTS[what][1]} for what, part in parts.items()]

    return run.result(
        "table",
        None,
        rows,
        own={"what": KEY, **PART, "we": TEXT},
        made_of=(*run.scans, *there(people)),
        says=_what_is_unsound,
    )


def total_arrived(run: Run, name: str = "n") -> int:
    """How many rows arrived, or how many of them have what `arrivals.counted` counts."""
    return sum(row[name] for row in run.arrived)


def duplicate_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Each kind of events that arrive more than once."""
    for row in found.rows:
        if row["rows"]:
            seen = f"{row['kind']}, most often {row['event']}"
            said = {"expected": "each event once", "rows": row["rows"], "of": row["of"]}
            defect = "copies" if "payload" in row["kind"] else ""
            yield Violation("duplicates", "the log", seen, defect=defect, **said)


def log_violations(run: Run, found: Answer) -> Iterator[Violation]:
    """Rows with times that cannot be, rows that come late, and rows that lack whose they are."""
    parts = {row["what"]: row for row in found.rows}
    for what, (check, seen, defect, tolerated) in VIOLATED.items():
        if (parts[what]["rows"] or 0) > tolerated * parts[what]["of"]:
            sizes = {"rows": parts[what]["rows"], "of": parts[what]["of"]}
            yield Violation(check, "the log", seen, defect=defect, **sizes)
    known = [row for row in run.coverage.values() if 2 * row["with_user_id"] > row["n"]]
    of, held = (sum(row[name] for row in known) for name in ("n", "with_user_id"))
    if of - held > TOLERATED * of:
        seen = "rows of events that mostly name a user, and here do not"
        yield Violation("identity", "the log", seen, rows=of - held, of=of)


def _defects_of_rows(run: Run) -> dict[str, int | None]:
    """What is wrong with a row → how many rows have it; None: no column tells."""
    columns = {LATE: "late_3600", AHEAD: "ahead", ANCIENT: "ancient", UNLINKED: "unlinked"}
    counts = {what: total_arrived(run, name) for what, name in columns.items()}
    counts |= {
        COPIES: sum(row["n"] for row in run.copied),
        UNTIMED: sum(row["n"] for row in run.arrived if row["day"] is None),
        NO_USER: total_arrived(run) - total_arrived(run, "with_user_id"),
        BY_BOTS: total_arrived(run, "bots"),
    }
    arrive = total_arrived(run, "with_received_at")
    unknown = [what for what in (LATE, AHEAD) if not arrive]
    unknown += [what for what, name in TOLD_BY.items() if run.tables.unknown("events", name)]
    return counts | dict.fromkeys(unknown)


def _most_frequent(counts: Mapping[str | None, int]) -> str:
    """The event that has most; "" where none has any."""
    if not any(counts.values()):
        return ""
    return max(counts, key=lambda event: (counts[event], event or "")) or ""


def _touched(rows: int | None, of: int) -> dict[str, Any]:
    return {"rows": rows, "of": of, "share": rows / of if of and rows is not None else None}


def _what_is_unsound(result: Result, _told: Told, _words: str) -> str:
    """The share of rows that each defect touches, the largest first; then that of people."""
    ours = [row for row in result.rows if row["what"] == OURS]
    of_rows = [row for row in result.rows if row not in ours]
    n = times(of_rows[0]["of"], "row")
    worst = sorted((row for row in of_rows if row["rows"]), key=lambda row: -row["rows"])
    parts = [f"{rare(row['share'])} {DEFECTS[row['what']][0]}" for row in worst]
    silent = [DEFECTS[row["what"]][0] for row in result.rows if row["rows"] is None]
    none = "No defect that a column tells" if silent else "None of these defects"
    text = f"Of {n} that arrived, {', '.join(parts)}." if parts else f"{none} touches any of {n}."
    for row in ours:
        people = f"{count(row['of'])} {'person' if row['of'] == 1 else 'people'}"
        text += f" Of {people}, {rare(row['share'])} {DEFECTS[OURS][0]}."
    if silent:
        text += " " + not_known(f"how many {', '.join(silent)}", "no column tells")
    return text
