"""What to mend, and in which order: every defect as a row, ranked by what it does to answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playbook.audit.agreement import agreement
from playbook.audit.destinations import NO_CONSUMER, copies, destinations
from playbook.audit.identity import crawlers, devices, disposable, people
from playbook.audit.order import causes, visits
from playbook.audit.plan import HEIR, data_points, unmapped
from playbook.audit.plan import violations as rules
from playbook.audit.questions import moved, needs
from playbook.audit.soundness import duplicates, freshness, timeless, total, volume
from playbook.counting.shaping import Rows
from playbook.results import SEVERITIES, Answer, Result, Unavailable
from playbook.run import Run

BLOCKING, WARNING, NOTE = SEVERITIES
WORTH = 0.01  # a defect that touches one row in a hundred is more than a note
TOLERATED = 0.001  # of rows: what stays below happens to every log
# A broken rule of the plan → what is seen; its property and what it expects are filled in.
BROKEN = {
    "required": "{property} is missing",
    "type": "{property} is no {expects}",
    "values": "{property} is not {expects}",
    "pattern": "{property} is not {expects}",
    "range": "{property} is not {expects}",
    "unplanned": "carries {property}, which its plan does not name",
}
GONE = {"dead", "renamed"}  # what a question needs and the data do not have
VIOLATION = (  # the columns of one, in order
    "check",
    "subject",
    "seen",
    "expected",
    "where",
    "since",
    "rows",
    "of",
    "share",
    "severity",
    "questions",
    "moves",
    "owner",
)


def violations(run: Run) -> Result:
    """Every defect of plan and data as a row: what `playbook check` writes and counts.

    Returns:
        Shape `table`: `check` (the family), `subject` (what it is about), `seen`, `expected`,
        `where`, `since`, `rows` of `of` and their `share`, `severity` (`blocking`: a question
        has no answer for it; `warning`: it touches one row in a hundred, or moves an answer by
        a point; else `note`), `questions` (how many need the subject), `moves` (by how much it
        moves the answer that it moves most; null: unknown) and `owner`; the worst first.
    """
    table = run.log
    return run.result("audit.violations", "table", table, fetched=lambda: _ranked(run))


def fixes(run: Run) -> Result:
    """What to fix first: the violations by the questions they unblock and the answers they move.

    Returns:
        Shape `table`: `what`, `where`, `owner`, `rows`, `share`, `severity`, `questions`,
        `moves`; the most worthwhile first.
    """

    def rows() -> Rows:
        return [
            {"what": f"{row['subject']}: {row['seen']}"}
            | {n: row[n] for n in ("where", "owner", "rows", "share", "severity")}
            | {n: row[n] for n in ("questions", "moves")}
            for row in violations(run).rows
        ]

    return run.result("audit.fixes", "table", violations(run).table, fetched=rows)


def _ranked(run: Run) -> Rows:
    owners = {point.event: point.owner for point in run.declared.plan}
    moves = moved(run)
    families = (_plan, _rules, _log, _twice, _order, _people, _tools, _lost, _volumes)
    found = [_row(run, owners, moves, **said) for family in families for said in family(run)]
    return sorted(
        found,
        key=lambda row: (
            SEVERITIES.index(row["severity"]),
            -row["questions"],
            -(row["moves"] or 0),
            -(row["share"] or 0),
            row["check"],
            row["subject"],
        ),
    )


def _row(
    run: Run,
    owners: dict[str, str],
    moves: list,
    *,
    check: str,
    subject: str,
    seen: str,
    expected: str = "",
    rows: int = 0,
    of: int = 0,
    where: str = "",
    since: str = "",
    blocks: bool = False,
    minor: bool = False,
    defect: str = "",
    property: str | None = None,
    elsewhere: bool = False,
) -> dict[str, Any]:
    """A violation with its weight.

    `defect` begins the name of what `bounds` recounts for it; `property` is what it is about,
    where it is not the whole subject; what happens `elsewhere` touches no question.
    """
    own = [row["moves"] for _q, row in moves if defect and row["defect"].startswith(defect)]
    asking = [] if elsewhere else [q for q in run.declared.questions if subject in q.events]
    if property is not None:
        asking = [
            question for question in asking if property in (*question.hold, *question.columns)
        ]
    asked = len(asking)
    share = rows / of if of else None
    most = max(own, default=None)
    weighty = (share or 0) >= WORTH or (most or 0) >= WORTH or not of
    severity = BLOCKING if blocks else WARNING if weighty and not minor else NOTE
    given = {"check": check, "subject": subject, "seen": seen, "expected": expected}
    given |= {"where": where, "since": since, "rows": rows, "of": of, "share": share}
    given |= {"severity": severity, "questions": max(asked, len(own)), "moves": most}
    return given | {"owner": owners.get(subject, "")}


def _plan(run: Run) -> Iterator[dict[str, Any]]:
    """Data points that do not arrive as planned, or that nobody consumes."""
    for row in data_points(run).rows:
        if row["status"] == "arrives" or row["note"].endswith(HEIR):
            continue
        planned = row["status"] != "not planned"
        needed = row["questions"] > 0
        yield {
            "check": "plan",
            "subject": row["data point"],
            "seen": ": ".join(filter(None, [row["status"], row["note"]])),
            "expected": "it arrives" if planned else "it is in the plan",
            "rows": row["rows"],
            "blocks": needed and row["status"] in GONE,
            "minor": not planned,
        }
    gone = {row["data point"] for row in data_points(run).rows if row["status"] in GONE}
    for need in needs(run):
        if need["status"] == "missing" and need["check"] not in gone:
            said = {"check": "question", "subject": need["check"], "seen": need["seen"]}
            yield said | {"expected": need["expected"], "blocks": True, "where": need["subject"]}
    for row in destinations(run).rows:
        if row["check"] == NO_CONSUMER:
            said = {"check": "destinations", "subject": row["subject"], "seen": row["check"]}
            yield said | {"expected": row["expected"], "minor": True}
    for column in unmapped(run):
        said = {"check": "plan", "subject": column, "seen": "a column that nothing maps"}
        yield said | {"expected": "it is in the plan, or is not collected", "minor": True}


def _rules(run: Run) -> Iterator[dict[str, Any]]:
    for row in rules(run).rows:
        yield {
            "check": "rules",
            "subject": row["data point"],
            "seen": BROKEN[row["rule"]].format(**row),
            "expected": row["expects"],
            "property": row["property"],
            "rows": row["rows"],
            "of": row["of"],
            "where": row["where"],
            "since": row["since"],
        }


def _log(run: Run) -> Iterator[dict[str, Any]]:
    """What the one scan of the log counts."""
    n = total(run)
    for row in freshness(run).rows:
        if row["status"] == "stalled":
            seen = f"silent since {row['last']}, while other sources go on"
            said = {"check": "freshness", "subject": row["source"], "seen": seen}
            said["minor"] = all(run.reaches(q) == run.period.as_of for q in run.declared.questions)
            yield said | {"expected": "as fresh as the others", "rows": row["rows"]}
    counted = (
        ("late", "late arrivals", "late_3600", "arrive more than an hour late", TOLERATED),
        ("clocks", "clocks", "ahead", "happened after their own arrival", 0),
        ("clocks", "clocks", "ancient", "happened before 2000", 0),
        ("accounts", "unlinked accounts", "unlinked", "name a user and no account", TOLERATED),
    )
    has_accounts = run.tables.has("events", "account_id")
    for check, defect, name, says, tolerated in counted:
        rows = total(run, name)
        if name == "unlinked" and not has_accounts:
            continue
        if rows > tolerated * n:
            said = {"check": check, "subject": "the log", "seen": f"rows that {says}"}
            yield said | {"expected": "none", "rows": rows, "of": n, "defect": defect}
    known = [row for row in run.coverage.values() if 2 * row["with_user_id"] > row["n"]]
    of, held = (sum(row[name] for row in known) for name in ("n", "with_user_id"))
    if of - held > TOLERATED * of:
        seen = "rows of events that mostly name a user, and here do not"
        said = {"check": "identity", "subject": "the log", "seen": seen}
        yield said | {"expected": "none", "rows": of - held, "of": of}
    if untimed := timeless(run):
        said = {"check": "clocks", "subject": "the log", "seen": "rows without a time"}
        yield said | {"expected": "none", "rows": untimed, "of": n}


def _twice(run: Run) -> Iterator[dict[str, Any]]:
    for row in duplicates(run).rows:
        if row["rows"]:
            seen = f"{row['kind']}, most often {row['event']}"
            said = {"check": "duplicates", "subject": "the log", "seen": seen}
            said |= {"expected": "each event once", "rows": row["rows"], "of": row["of"]}
            yield said | {"defect": "copies" if "payload" in row["kind"] else ""}


def _order(run: Run) -> Iterator[dict[str, Any]]:
    for row in _rows(causes(run)):
        if wrong := row["without"] + row["before"]:
            seen = f"{row['without']:,} without {row['follows']}, {row['before']:,} before it"
            said = {"check": "order", "subject": row["event"], "seen": seen}
            said |= {"expected": f"after {row['follows']} of the same {row['by']}"}
            yield said | {"rows": wrong, "of": row["things"]}
    seen = _rows(visits(run))
    overtaken, n = sum(row["overtaken"] for row in seen), sum(row["n"] for row in seen)
    if overtaken > TOLERATED * n:
        said = {"check": "order", "subject": "the log", "seen": "events overtaken in their visit"}
        yield said | {"expected": "they arrive in order", "rows": overtaken, "of": n}


def _people(run: Run) -> Iterator[dict[str, Any]]:
    for row in _rows(devices(run)):
        said = {"check": "identity", "subject": "devices", "of": row["devices"]}
        for name, seen in (
            ("shared", "several users on one device"),
            ("before", "were seen before their user was known"),
        ):
            if row[name]:
                told = {"seen": seen, "expected": "one user each", "rows": row[name]}
                yield said | told | {"minor": name == "before"}
        if row["clock_off"]:
            told = {"check": "clocks", "seen": "a clock that is off by more than a minute"}
            told |= {"expected": "the right time", "rows": row["clock_off"], "defect": "clocks"}
            yield said | told
    for row in _rows(people(run)):
        said = {"check": "identity", "subject": "people", "of": row["people"]}
        for name, seen, check in (
            ("several_accounts", "act in several accounts", "accounts"),
            ("strangers", "are not in the users table", "identity"),
            ("bots", "are bots, and left out of every headline", "bots"),
            ("staff", "are our own, and left out of every headline", "bots"),
        ):
            if row[name] and not (name == "strangers" and run.tables.users is None):
                said |= {"check": check, "seen": seen, "expected": "none", "rows": row[name]}
                known = check == "bots"
                yield said | {"defect": check if known else "", "minor": known}
    unflagged = [row for row in _rows(crawlers(run)) if row["flagged"] < row["rows"]]
    if unflagged:
        n = sum(row["rows"] - row["flagged"] for row in unflagged)
        said = {"check": "bots", "subject": "the log", "seen": "rows of crawlers without a flag"}
        yield said | {"expected": "is_bot", "rows": n, "of": unflagged[0]["of"]}
    thrown = _rows(disposable(run))
    if thrown:
        n = sum(row["people"] for row in thrown)
        said = {"check": "bots", "subject": "people", "seen": "have disposable addresses"}
        yield said | {"expected": "none", "rows": n, "of": thrown[0]["of"], "minor": True}


def _tools(run: Run) -> Iterator[dict[str, Any]]:
    """What the product's own tables and the destinations' copies say."""
    product = run.declared.product
    for check, found, declared in (
        ("agreement", agreement(run), product.agrees),
        ("destinations", copies(run), product.copies),
    ):
        if declared and isinstance(found, Unavailable):
            said = {"check": check, "subject": "product.yaml", "seen": found.reason}
            yield said | {"expected": "what it names can be read", "elsewhere": True}
    for row in _rows(agreement(run)):
        said = {"check": "agreement", "subject": row["event"], "of": row["in_table"]}
        said |= {"where": row["table"], "expected": "the log and the table agree"}
        for name, seen in (
            ("no_event", "in the table and not in the log"),
            ("no_row", "in the log and not in the table"),
            ("apart", "more than an hour apart"),
        ):
            if row[name]:
                yield said | {"seen": seen, "rows": row[name]}
    for row in _rows(copies(run)):
        said = {"check": "destinations", "subject": row["event"], "where": row["destination"]}
        said |= {"of": row["in_warehouse"], "elsewhere": True}
        if row["lost"]:
            yield said | {"seen": "lost", "expected": "it arrives there", "rows": row["lost"]}
        if row["slow"]:
            told = {"seen": "there over an hour late", "expected": "soon", "rows": row["slow"]}
            yield said | told
        if row["extra"]:
            yield said | {"seen": "not in the warehouse", "rows": row["extra"], "of": 0}


def _lost(run: Run) -> Iterator[dict[str, Any]]:
    """Events that name no unit or no time, and equal times: by how far they move an answer."""
    most: dict[str, dict[str, Any]] = {}
    for _question, row in moved(run):
        mendable = " without " in row["defect"] or row["defect"] == "ties"
        if mendable and row["moves"] > most.get(row["defect"], {"moves": 0})["moves"]:
            most[row["defect"]] = row
    for defect, row in most.items():
        said = {"check": "answers", "subject": defect.partition(" without ")[0]}
        said |= {"seen": row["touches"], "expected": "none", "defect": defect}
        yield said | {"minor": row["moves"] < WORTH}


def _volumes(run: Run) -> Iterator[dict[str, Any]]:
    for row in volume(run).rows:
        if row["anomaly"]:
            seen = f"{row['n']:,} on {row['day']}"
            said = {"check": "volume", "subject": row["event"], "seen": seen, "since": row["day"]}
            yield said | {"expected": f"about {row['expected']:,.0f}", "rows": row["n"]}


def _rows(answer: Answer) -> Rows:
    return [] if isinstance(answer, Unavailable) else answer.rows
