"""One result of every shape, as literal rows: what the tests of charts and pages draw."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa

from playbook.answers import SHARE_TREND
from playbook.results import Result

LABELS = {
    "data_engineer": "Data engineer",
    "sales": "Sales and marketing",
    "out": "Moves data out of the warehouse",
    "signed_up": "signed up",
    "verified": "verified the e-mail",
    "connection": "added a connection",
    "started": "started a workflow",
    "saved": "saved the workflow",
}
COUNTED = (
    ("unit", "user"),
    ("start", "signed_up"),
    ("goal", "workflow_created"),
    ("within", "24 hours, end included"),
    ("period", "01 Jan 2026 to 01 Apr 2026"),
)


def result(shape: str, rows: list[dict[str, Any]], *by: str, **given: Any) -> Result:
    """A result over literal rows."""
    given = {
        "definition": COUNTED,
        "counted": "people",
        "as_of": "2026-04-01 00:00",
        "labels": LABELS,
    } | given
    return Result(
        id=f"test.{shape}",
        shape=shape,
        table=ibis.memtable(pa.Table.from_pylist(rows)),
        by=by,
        min_n=30,
        **given,
    )


def table(columns: str, *lines: str) -> list[dict[str, Any]]:
    """Rows from lines of cells between bars; numbers are numbers and "–" is None."""
    names = [name.strip() for name in columns.split("|")]
    return [dict(zip(names, map(_cell, line.split("|")), strict=True)) for line in lines]


def _cell(text: str) -> Any:
    text = text.strip()
    if text in {"–", "yes", "no"}:
        return {"–": None, "yes": True, "no": False}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


SHARE = result(
    "share",
    table(
        "persona       | n    | reached | repeated | open | share  | low    | high",
        "data_engineer | 2612 | 998     | 401      | 31   | 0.3821 | 0.3637 | 0.4009",
        "sales         | 1310 | 241     | 52       | 12   | 0.1840 | 0.1640 | 0.2059",
        "out           | 1234 | 339     | 0        | 0    | 0.2747 | 0.2505 | 0.3003",
        "–             | 12   | 4       | 1        | 1    | 0.3333 | 0.1381 | 0.6094",
    ),
    "persona",
)
ALL = result(
    "share",
    table(
        "n    | reached | repeated | open | share  | low    | high",
        "5168 | 1582    | 454      | 44   | 0.3061 | 0.2937 | 0.3188",
    ),
)
MIX = result(
    "mix",
    table(
        "label                 | position | n   | total | share  | low    | high",
        "none of these         | 0        | 310 | 900   | 0.3444 | 0.3141 | 0.3761",
        "connections only      | 1        | 402 | 900   | 0.4467 | 0.4145 | 0.4793",
        "connections+workflows | 2        | 188 | 900   | 0.2089 | 0.1836 | 0.2366",
        "still open            | 3        | 17  | 900   | –      | –      | –",
    ),
    idle=0,
)
MIX_BY = result(
    "mix",
    table(
        "persona | label         | position | n   | total | share  | low    | high",
        "data_engineer | none of these    | 0 | 110 | 500 | 0.22 | 0.1859 | 0.2583",
        "data_engineer | connections only | 1 | 260 | 500 | 0.52 | 0.4762 | 0.5635",
        "data_engineer | connections + workflows | 2 | 130 | 500 | 0.26 | 0.2235 | 0.3002",
        "out           | none of these    | 0 | 100 | 200 | 0.50 | 0.4314 | 0.5686",
        "out           | connections only | 1 | 92  | 200 | 0.46 | 0.3923 | 0.5292",
        "out           | connections + workflows | 2 | 8 | 200 | 0.04 | 0.0204 | 0.0769",
        "out           | still open       | 3 | 6   | 200 | –    | –      | –",
        "sales         | none of these    | 0 | 9   | 14  | 0.6429 | 0.3876 | 0.8366",
        "sales         | connections only | 1 | 5   | 14  | 0.3571 | 0.1634 | 0.6124",
    ),
    "persona",
    idle=0,
)
TIME = result(
    "mix",
    table(
        "label           | position | n    | total | share  | low    | high",
        "within 24 hours | 0        | 412  | 1890  | 0.2180 | 0.2000 | 0.2372",
        "24 hours to 3 days | 1     | 205  | 1890  | 0.1085 | 0.0952 | 0.1233",
        "after 3 days, within 30 days | 2 | 361 | 1890 | 0.1910 | 0.1739 | 0.2094",
        "never within 30 days | 3   | 912  | 1890  | 0.4825 | 0.4601 | 0.5051",
        "still open      | 5        | 240  | 1890  | –      | –      | –",
    ),
    idle=3,
)
TIME_BY = result(
    "mix",
    [
        {**row, "persona": persona, "label": row["label"]}
        for persona in ("data_engineer", "out", None)
        for row in TIME.table.to_pyarrow().to_pylist()
    ],
    "persona",
    idle=3,
)
STEPS_ROWS = table(
    "step       | position | n    | of_first | of_previous | lost | low    | high   | open",
    "signed_up  | 0        | 4182 | 1.0      | 1.0         | 0    | 0.9991 | 1.0    | 61",
    "verified   | 1        | 3260 | 0.7795   | 0.7795      | 922  | 0.7667 | 0.7918 | 61",
    "connection | 2        | 2410 | 0.5763   | 0.7393      | 850  | 0.5612 | 0.5912 | 61",
    "started    | 3        | 1655 | 0.3957   | 0.6867      | 755  | 0.3810 | 0.4107 | 61",
    "saved      | 4        | 1122 | 0.2683   | 0.6779      | 533  | 0.2551 | 0.2819 | 61",
    "ran        | 5        | 806  | 0.1927   | 0.7184      | 316  | 0.1811 | 0.2050 | 61",
)
STEPS = result("steps", STEPS_ROWS)
STEPS_BY = result(
    "steps",
    [row | {"persona": "data_engineer"} for row in STEPS_ROWS[:4]]
    + [row | {"persona": "out", "of_previous": row["of_previous"] ** 2} for row in STEPS_ROWS[:4]]
    + [row | {"persona": "sales", "n": 12, "of_first": 0.4321} for row in STEPS_ROWS[:4]],
    "persona",
)
TREND = result(
    "trend",
    [
        {
            "period": f"{'2025-12' if day < 0 else '2026-01'}-{day % 32:02d}",
            "series": "share",
            "value": 0.2 + i / 50,
            "n": 12 if i == 2 else 300 + i,
            "low": 0.16 + i / 50,
            "high": 0.24 + i / 50,
            "complete": i < 6,
        }
        for i, day in enumerate((-10, -3, 5, 12, 19, 26, 31))
    ],
    own=SHARE_TREND,
)
ACTIVE = result(
    "trend",
    [
        {
            "period": f"2026-{1 + week // 4:02d}-{1 + 7 * (week % 4):02d}",
            "series": series,
            "value": start + slope * week,
            "n": 1000 + 90 * week,
            "low": None,
            "high": None,
            "complete": week < 12,
        }
        for series, start, slope in (
            ("active", 1000, 90),
            ("new", 150, 4),
            ("kept", 820, 84),
            ("revived", 30, 2),
            ("lost", 110, 3),
        )
        for week in range(13)
    ],
)


def _curve(persona: str | None, most: float, n: int, hours: int = 168) -> list[dict[str, Any]]:
    found = []
    for hour in range(0, hours + 1, 2):
        share = most * (1 - 0.965**hour)
        half = 0.0 if hour == 0 else 0.9 / n**0.5
        edges = {"low": max(0.0, share - half), "high": min(1.0, share + half)}
        found.append({"persona": persona, "hours": float(hour), "share": share, "n": n} | edges)
    return found


CURVE = result(
    "curve",
    [
        *_curve("data_engineer", 0.62, 1510, hours=140),
        *_curve("sales", 0.36, 820),
        *_curve("out", 0.345, 1234),
        *_curve(None, 0.2, 12),
    ],
    "persona",
)
EFFECT = result(
    "effect",
    table(
        "label | n_treated | treated | n_holdout | holdout | difference | low | high | verdict "
        "| grade",
        "data_engineer_into | 7300 | 0.352 | 820 | 0.321 | 0.031 | 0.013 | 0.049 | works | A",
        "out    | 1110 | 0.302 | 124 | 0.284 | 0.018 | -0.009 | 0.045 | cannot tell | A",
        "sales  | 2890 | 0.212 | 310 | 0.255 | -0.043 | -0.083 | -0.004 | harms | A",
        "invite | 45   | 0.2   | 6   | 0.1   | 0.1    | -0.1   | 0.3    | too few | –",
        "docs   | 900  | 0.2   | 300 | 0.1   | 0.1    | 0.05   | 0.15   | check failed | –",
        "blog   | 900  | 0.2   | 300 | 0.1   | 0.1    | 0.05   | 0.15   | works | F",
    ),
)
AUDIT = result(
    "audit",
    [
        {
            "subject": subject,
            "check": check,
            "status": status,
            "seen": f"{n:,} rows",
            "expected": "arrives every day",
        }
        for subject, statuses in {
            "Do new sign-ups create their first workflow within 24 hours, and then more?": "oocmn",
            "Do they invite a colleague before the first workflow?": "ocooo",
            "Moves data out of the warehouse": "onmoc",
        }.items()
        for n, (check, letter) in enumerate(
            zip(
                ("signed_up", "workflow_created", "invitation_sent", "email_verified", "persona"),
                statuses,
                strict=True,
            )
        )
        if (status := {"o": "ok", "c": "caveat", "m": "missing", "n": "not needed"}[letter])
    ],
)
HOSTILE = "</script><script>alert(1)</script>"
EVERY = {
    "share": SHARE,
    "all": ALL,
    "mix": MIX,
    "mix by": MIX_BY,
    "time": TIME,
    "time by": TIME_BY,
    "steps": STEPS,
    "steps by": STEPS_BY,
    "trend": TREND,
    "active": ACTIVE,
    "curve": CURVE,
    "effect": EFFECT,
    "audit": AUDIT,
}
