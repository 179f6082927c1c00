"""The tracking plan against the data: what arrives, what breaks its rules, and where."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from datetime import timedelta
from typing import Any

import ibis
from ibis import _

from playbook.counting.shaping import Rows
from playbook.data import arrivals, rules, sources
from playbook.declare import DataPoint
from playbook.language.portable import united
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

SIMILAR = 0.7  # names that are this much alike may be one
RESTARTS = timedelta(days=2)  # a renamed event arrives within this time of the last old one
HEIR = "under another name"  # ends the note of an event that took over from a planned one
EXAMPLES = 3
OFTEN = 0.5  # of the worst share: where a rule is broken this often, it is broken there


def data_points(run: Run) -> Result:
    """The plan against the data: one row per planned or arriving event.

    Returns:
        Shape `table`: data point, owner, rows, status (`arrives`, `dead`, `stopped`, `renamed`,
        `not planned`), note, and the number of questions that need it.
    """
    return run.result("audit.data_points", "table", run.log, fetched=lambda: _points(run))


def violations(run: Run) -> Result:
    """The rules of the plan that events break, over the whole history.

    Returns:
        Shape `table`: one row per data point, property and rule that is broken: `rows` of `of`,
        `share`, `where` (the sources and versions, if not everywhere), `since` and `until` (the
        first and last day), `owner`. A rule `unplanned` is a property that arrives on an event
        whose plan does not name it.
    """
    return run.result("audit.rules", "table", run.log, fetched=lambda: _broken(run))


def by_week(run: Run) -> Result:
    """The broken rules by week, source and app version: one row each, `rows` of `of`, `share`."""
    return run.result("audit.rules_by_week", "table", run.log, fetched=lambda: _weeks(run))


def examples(run: Run) -> Answer:
    """Rows that break a rule, some per rule: what was sent, by what, and when."""
    parts = []
    checks = _rules(run)
    for row in violations(run).rows:
        if rule := checks.get((row["data point"], row["property"], row["rule"])):
            rows = run.tables.arrivals.filter(_.event == row["data point"])
            shown = rows.filter(rule.broken(rows)).select(
                "event",
                property=ibis.literal(rule.property),
                rule=ibis.literal(rule.kind),
                value=_[rule.property].cast("string"),
                source="source",
                app_version="app_version",
                at="at",
                event_id="event_id",
            )
            newest = shown.distinct().order_by([_.at.desc(), "event_id"])
            parts.append(newest.limit(EXAMPLES))
    if not parts:
        return Unavailable("audit.examples", "No rule of the plan is broken.")
    stacked = united(parts)
    in_order = stacked.order_by(["event", "property", "rule", "at", "event_id"])
    return run.result("audit.examples", "table", in_order, counts="every row")


def unmapped(run: Run) -> list[str]:
    """Columns of the product's events tables that nothing maps: properties without a plan."""
    return sources.unplanned_columns(run.declared, run.warehouse)


def _points(run: Run) -> Rows:
    known = run.coverage
    planned = [point.event for point in run.declared.plan]
    unplanned = sorted(set(known) - set(planned), key=lambda name: (name is None, name or ""))
    owners = {point.event: point.owner for point in run.declared.plan}
    found: Rows = []
    heirs = {event: _heir(run, event, unplanned) for event in planned}
    for event in (*planned, *unplanned):
        row = known.get(event)
        status, note = _state(run, event, heirs)
        if event in unplanned:
            status, note = "not planned", _resembles(event, planned, heirs)
        found.append(
            {
                "data point": event or "(no name)",
                "owner": owners.get(event, ""),
                "rows": row["n"] if row else 0,
                "status": status,
                "note": note,
                "questions": sum(event in q.events for q in run.declared.questions),
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
    alike = [name for name in unplanned if name and _alike(event, name)]
    return next(
        (
            name
            for name in alike
            if not row or run.coverage[name]["first"] >= row["last"] - RESTARTS
        ),
        "",
    )


def _alike(one: str, other: str) -> bool:
    return (
        _bare(one) == _bare(other) or difflib.SequenceMatcher(None, one, other).ratio() >= SIMILAR
    )


def _bare(name: str) -> str:
    """A name without its spelling: case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", name).lower()


def _resembles(event: str | None, planned: list[str], heirs: dict[str, str]) -> str:
    if former := [name for name, heir in heirs.items() if heir == event]:
        return f"{former[0]} {HEIR}"
    same = [name for name in planned if event and _bare(name) == _bare(event)]
    if same:
        return f"{same[0]} in another spelling"
    close = difflib.get_close_matches(event or "", planned, n=1, cutoff=SIMILAR)
    return f"like {close[0]}: renamed?" if close else ""


def _silence(run: Run) -> timedelta:
    """For how long an event may be silent: a tenth of the log, and a week at least."""
    return max((run.period.as_of - run.log_begins) / 10, timedelta(weeks=1))


def _rules(run: Run) -> dict[tuple[str, str, str], rules.Rule]:
    columns = run.tables.arrivals.columns
    return {
        (point.event, rule.property, rule.kind): rule
        for point in run.declared.plan
        for rule in rules.property_rules(point, columns)
    }


def _broken(run: Run) -> Rows:
    """Every broken rule, summed over the weeks."""
    found: dict[tuple, Rows] = defaultdict(list)
    for row in _weeks(run, every=True):
        found[row["data point"], row["property"], row["rule"], row["expects"]].append(row)
    owners = {point.event: point.owner for point in run.declared.plan}
    rows: Rows = []
    for (event, name, rule, expects), own in found.items():
        broken = [row for row in own if row["rows"]]
        if not broken:
            continue
        n, of = (sum(row[column] for row in own) for column in ("rows", "of"))
        rows.append(
            {
                "data point": event,
                "property": name,
                "rule": rule,
                "expects": expects,
                "rows": n,
                "of": of,
                "share": n / of,
                "where": _where(own),
                "since": min(row["week"] for row in broken),
                "until": max(row["week"] for row in broken),
                "owner": owners.get(event, ""),
            }
        )
    return sorted(rows, key=lambda row: (-row["rows"], *list(row.values())[:4]))


def _weeks(run: Run, *, every: bool = False) -> Rows:
    """Rows and broken rows per data point, property, rule, source, version and week."""
    counted: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    places = {key: i for i, key in enumerate(_keys(run))}
    points = {point.event: point for point in run.declared.plan}
    columns = run.tables.arrivals.columns
    for row in run.arrived_once:
        point = points.get(row["event"])
        if point is None:
            continue
        place = (row["source"], row["app_version"], _monday(row["day"]))
        for rule in rules.property_rules(point, columns):
            sums = counted[point.event, rule.property, rule.kind, rule.expects, *place]
            sums[0] += row[f"broken_{places[rule.key]}"]
            sums[1] += row["n"]
        for name in _unplanned(point, row):
            sums = counted[point.event, name, "unplanned", "it is in the plan", *place]
            sums[0] += row[f"with_{name}"]
            sums[1] += row["n"]
    names = ("data point", "property", "rule", "expects", "source", "app version", "week")
    return [
        dict(zip(names, key, strict=True)) | {"rows": n, "of": of, "share": n / of}
        for key, (n, of) in sorted(
            counted.items(), key=lambda each: [str(k or "") for k in each[0]]
        )
        if of and (n or every)
    ]


def _keys(run: Run) -> list[str]:
    return list(rules.distinct_rules(run.declared.plan, run.tables.arrivals.columns))


def _unplanned(point: DataPoint, row: dict[str, Any]) -> list[str]:
    """Properties that other events plan, and that this one carries."""
    held = (name.removeprefix("with_") for name in row if name.startswith("with_"))
    others = {*arrivals.IDS, "received_at", *point.properties}
    return [name for name in held if name not in others]


def _monday(day) -> str:
    return "" if day is None else (day - timedelta(days=day.weekday())).isoformat()


def _where(rows: Rows) -> str:
    """The sources and versions that break a rule; "everywhere" if all do."""
    sums: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        own = sums[row["source"], row["app version"]]
        own[0] += row["rows"]
        own[1] += row["of"]
    shares = {place: n / of for place, (n, of) in sums.items()}
    worst = max(shares.values())
    guilty = [place for place, share in shares.items() if share >= worst * OFTEN]
    if len(guilty) == len(shares):
        return "everywhere"
    named = sorted(" ".join(filter(None, place)) or "(unknown)" for place in guilty)
    return ", ".join(named)
