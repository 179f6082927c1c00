"""What the values of properties break of the plan: which rule, how often, where and since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import ibis
from ibis import _

from playbook.audit.violation import Violation
from playbook.data import arrivals, rules
from playbook.declare import DataPoint
from playbook.language.portable import united
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, ID, KEY, MOMENT, TEXT, Column, share_of
from playbook.results.section import Unanswerable, section
from playbook.run import Run

EXAMPLES = 3
OFTEN = 0.5  # of the worst share: where a rule is broken this often, it is broken there
# A broken rule of the plan → what is seen; its property and what it expects are filled in.
BROKEN = {
    "required": "{property} is missing",
    "type": "{property} is no {expects}",
    "values": "{property} is not {expects}",
    "pattern": "{property} is not {expects}",
    "range": "{property} is not {expects}",
    "unplanned": "carries {property}, which its plan does not name",
}
ASKED = {"data point": KEY, "property": KEY, "rule": KEY, "expects": TEXT}
COUNTED = {"rows": COUNT, "of": COUNT, "share": share_of("of")}
PLACE = {"source": KEY, "app version": KEY, "week": Column("moment", is_key=True)}
RULE = {**ASKED, **COUNTED, "where": TEXT, "since": MOMENT, "until": MOMENT, "owner": TEXT}
EXAMPLE = {"event": ID, "property": ID, "rule": ID, "value": TEXT}
EXAMPLE |= {"source": ID, "app_version": ID, "at": MOMENT, "event_id": ID}


@section("audit.rules")
def broken_rules(run: Run) -> Result:
    """The rules of the plan that events break, over the whole history.

    Returns:
        Shape `table`: one row per data point, property and rule that is broken: `rows` of `of`,
        `share`, `where` (the sources and versions, if not everywhere), `since` and `until` (the
        first and last day), `owner`. A rule `unplanned` is a property that arrives on an event
        whose plan does not name it.
    """
    return run.result(
        "table",
        None,
        lambda _rows: _broken(run),
        own=RULE,
        made_of=run.scans,
        silence=lambda _rows: _none_broken(run),
    )


@section("audit.rules_by_week")
def rules_by_week(run: Run) -> Result:
    """The broken rules by week, source and app version: one row each, `rows` of `of`, `share`."""

    def rows(_rows: Rows) -> Rows:
        return [row for row in _checked_by_week(run) if row["rows"]]

    own = {**ASKED, **PLACE, **COUNTED}
    given = {"own": own, "made_of": run.scans, "silence": lambda _rows: _none_broken(run)}
    return run.result("table", None, rows, **given)


@section("audit.examples")
def examples(run: Run) -> Result:
    """Rows that break a rule, some per rule: what was sent, by what, and when; a `list`."""
    parts = []
    columns = run.tables.arrivals.columns
    checks = {
        (point.event, rule.property, rule.kind): rule
        for point in run.declared.plan
        for rule in rules.property_rules(point, columns)
    }
    for row in broken_rules(run).rows:
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
        raise Unanswerable(_none_broken(run))
    stacked = united(parts)
    in_order = stacked.order_by(["event", "property", "rule", "at", "event_id"])
    return run.result("list", in_order, counts="every row", own=EXAMPLE)


def rule_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Each rule that is broken."""
    for row in found.rows:
        said = {name: row[name] for name in ("property", "rows", "of", "where", "since")}
        seen = BROKEN[row["rule"]].format(**row)
        yield Violation("rules", row["data point"], seen, expected=row["expects"], **said)


def _none_broken(run: Run) -> str:
    """What is said where no rule is broken: there may be none, or none that can be checked."""
    if _checked_by_week(run):
        return "No rule of the plan is broken."
    return "Nothing that arrives has a rule of the plan to keep: there is nothing to check."


def _broken(run: Run) -> Rows:
    """Every broken rule, summed over the weeks."""
    found: dict[tuple, Rows] = defaultdict(list)
    for row in _checked_by_week(run):
        found[tuple(row[name] for name in ASKED)].append(row)
    owners = {point.event: point.owner for point in run.declared.plan}
    rows: Rows = []
    for asked, own in found.items():
        weeks = [row["week"] for row in own if row["rows"]]
        if not weeks:
            continue
        n, of = (sum(row[column] for row in own) for column in ("rows", "of"))
        rows.append(
            dict(zip(ASKED, asked, strict=True))
            | {"rows": n, "of": of, "share": n / of, "where": _where(own)}
            | {"since": min(weeks), "until": max(weeks), "owner": owners.get(asked[0], "")}
        )
    return sorted(rows, key=lambda row: (-row["rows"], *list(row.values())[:4]))


def _checked_by_week(run: Run) -> Rows:
    """Rows and broken rows per data point, property, rule, source, version and week."""
    counted: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    columns = run.tables.arrivals.columns
    places = {key: i for i, key in enumerate(rules.distinct_rules(run.declared.plan, columns))}
    points = {point.event: point for point in run.declared.plan}
    for row in run.arrived_once:
        point = points.get(row["event"])
        if point is None:
            continue
        place = (row["source"], row["app_version"], _monday(row["day"]))
        for rule in rules.property_rules(point, columns):
            sums = counted[point.event, rule.property, rule.kind, rule.expects, *place]
            sums[0] += row[f"broken_{places[rule.key]}"]
            sums[1] += row["n"]
        for name in _unplanned_properties(point, row):
            sums = counted[point.event, name, "unplanned", "it is in the plan", *place]
            sums[0] += row[f"with_{name}"]
            sums[1] += row["n"]
    return [
        dict(zip((*ASKED, *PLACE), key, strict=True)) | {"rows": n, "of": of, "share": n / of}
        for key, (n, of) in sorted(
            counted.items(), key=lambda each: [str(k or "") for k in each[0]]
        )
        if of
    ]


def _unplanned_properties(point: DataPoint, row: dict[str, Any]) -> list[str]:
    """Properties that other events plan, and that this one carries."""
    held = (name.removeprefix("with_") for name in row if name.startswith("with_"))
    others = {*arrivals.IDS, "received_at", *point.properties}
    return [name for name in held if name not in others]


def _monday(day: date | None) -> str:
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
