"""Results about the quality of the data, as literal rows: what the tests of their views draw."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

from playbook.audit.freshness import _what_comes_when
from tests.pictures import result, table

ASKS = (
    "What share of new accounts run a workflow within their first seven days?",
    "What share of new sign-ups save their first workflow within 24 hours, and how many save "
    "more than one?",
    "What share invite a colleague before they save their first workflow?",
    "Of the people who were invited, how many only create connections, and how many also save "
    "workflows?",
    "When do accounts first run a workflow, within 24 hours, in 1 to 3 days, later, or never?",
    "What share of new sign-ups do not verify their e-mail address within 48 hours?",
    "What did those who did not verify do in the 48 hours that they could try Airtouch?",
    "What share of the drafts that are started in a visit are not saved in it?",
    "How many workflows are active, and how many come and go each week?",
    "How far do new people get on the way from sign-up to a first run?",
    "How far do new accounts get on the way from sign-up to a first run, whoever does the steps?",
    "How long does it take new people to save their first workflow?",
)
IDS = (
    *("activation_rate", "first_workflow_24h", "invited_before_first_workflow", "invited_create"),
    *("time_to_first_run", "never_verified", "unverified_did", "started_never_saved"),
    *("active_workflows", "path_to_first_run", "path_of_accounts", "time_to_first_workflow"),
)
NUMBERS = table(
    "n     | share  | low    | high   | lowest | highest | because",
    "2104  | 0.3821 | 0.3616 | 0.4031 | 0.369  | 0.406   | 3.1 % of workflow_ran name no "
    "account; 1.4 % depend on ties",
    "5120  | 0.3061 | 0.2937 | 0.3188 | 0.3061 | 0.3061  | ",
    "5120  | 0.0411 | 0.036  | 0.0469 | 0.031  | 0.084   | 4.3 % of invitations have no user",
    "900   | 0.2089 | 0.1836 | 0.2366 | 0.2089 | 0.2104  | 0.1 % depend on ties",
    "–     | –      | –      | –      | –      | –       | its answer is times, not one share",
    "5168  | 0.2205 | 0.2094 | 0.232  | 0.19   | 0.2205  | 3.0 % of email_verified arrived late",
    "12    | 0.3333 | 0.1381 | 0.6094 | 0.3    | 0.5     | 12 % are bots",
    "9120  | 0.4512 | 0.441  | 0.4614 | 0.4512 | 0.4512  | ",
    "–     | –      | –      | –      | –      | –       | it counts workflows",
    "4182  | 0.1927 | 0.1811 | 0.205  | 0.17   | 0.241   | 4.8 % of workflow_ran name no user",
    "2104  | 0.61   | 0.589  | 0.6306 | 0.58   | 0.632   | 3.1 % of workflow_ran name no account",
    "–     | –      | –      | –      | –      | –       | cannot be answered: no workflow_saved "
    "arrives",
)
BOUNDS = result(
    "bounds",
    [
        {"subject": id, "asks": asks, **numbers}
        for id, asks, numbers in zip(IDS, ASKS, NUMBERS, strict=True)
    ],
    definition=(),
)

EVENTS = {
    "page_viewed": 1150,
    "session_started": 610,
    "workflow_ran": 480,
    "connection_tested": 150,
    "workflow_creation_started": 120,
    "signed_up": 95,
    "workflow_saved": 88,
    "email_verified": 74,
    "connection_created": 61,
    "docs_opened": 40,
    "workflow_failed": 33,
    "colleague_invited": 21,
    "invitation_accepted": 12,
    "account_created": 11,
    "workflow_deleted": 6,
    "community_joined": 2,
}


def days(first: str, n: int) -> list[str]:
    """n days in a row, as ISO text."""
    return [str(date.fromisoformat(first) + timedelta(days=k)) for k in range(n)]


def daily(event: str, base: float, n: int, odd: dict[int, float] | None = None) -> list[dict]:
    """Rows of one event: growth, quiet weekends, noise without chance, and odd days by factor."""
    found: list[dict[str, Any]] = []
    for k, day in enumerate(days("2025-12-01", n)):
        usual = base * (1 + k / 260) * (0.35 if date.fromisoformat(day).weekday() > 4 else 1)
        noise = math.sin(k * 12.9898 + base) * 0.9 * math.sqrt(usual)
        seen = (odd or {}).get(k, 1) * (usual + noise)
        wide = 2.6 * math.sqrt(usual) + 0.04 * usual
        known = k >= 14
        found.append(
            {
                "event": event,
                "day": day,
                "n": max(0, round(seen)),
                "expected": round(usual, 2) if known else None,
                "low": max(0.0, usual - wide) if known else None,
                "high": usual + wide if known else None,
                "anomaly": k in (odd or {}),
            }
        )
    return found


ODD = {"page_viewed": {142: 0.25}, "email_verified": {90: 0.1, 91: 0.0, 92: 0.2}}
VOLUME = result(
    "volume",
    [row for event, base in EVENTS.items() for row in daily(event, base, 180, ODD.get(event))],
    definition=(("days", "UTC"), ("expected", "from the same weekdays around a day")),
    labels={},
)
CALM = result("volume", daily("signed_up", 40, 30), definition=(), labels={})

# Letters of the matrix: o in order, c caveat, m missing, a dot not needed.
POINTS = (
    *("account_created", "signed_up", "session_started", "email_verified", "connection_created"),
    *("connection_tested", "workflow_creation_started", "workflow_saved", "workflow_ran"),
    *("workflow_failed", "workflow_deleted", "colleague_invited", "invitation_accepted"),
    *("docs_opened", "community_joined", "page_viewed", "workflow_shared", "persona"),
)
STATUS = {"o": "ok", "c": "caveat", "m": "missing", ".": "not needed", "u": "used"}
MATRIX = {
    "activation_rate": "co......c........o",
    "first_workflow_24h": ".o.....o.........o",
    "invited_before_first_workflow": ".o.....o...m.....o",
    "invited_create": "....o..o....o....o",
    "time_to_first_run": "o.......c.........",
    "never_verified": ".o.o.............o",
    "unverified_did": ".o.ooooooo...o....",
    "started_never_saved": "..o...co.........o",
    "active_workflows": "........c.o.......",
    "path_to_first_run": ".o.oo.ooc........o",
    "path_of_accounts": "o...o..oc.........",
    "time_to_first_workflow": ".o.....o.........o",
}
SAID = {"o": "12,345 events", "c": "3.1 % of its events name no account", "m": "no such event"}


def matrix(lines: dict[str, str], checks: tuple[str, ...], *, verdict: bool) -> list[dict]:
    """Rows of an audit from letters, with a verdict per subject if wanted."""
    found = []
    for subject, letters in lines.items():
        worst = next(letter for letter in "mcou" if letter in letters)
        cells = [("verdict", worst)] if verdict else []
        cells += [(c, x) for c, x in zip(checks, letters, strict=True) if x != "."]
        found += [
            {"subject": subject, "check": check, "status": STATUS[x], "seen": SAID.get(x, "—"),
             "expected": "it arrives, with account_id"}
            for check, x in cells
        ]  # fmt: skip
    return found


VERDICTS = result("audit", matrix(MATRIX, POINTS, verdict=True), definition=(), labels={})
PURPOSES = {
    point: "".join(
        "u" if flag else "."
        for flag in (i not in (15, 16), i in (1, 3, 11), i in (1, 4, 7, 9), i == 8, False)
    )
    for i, point in enumerate(POINTS[:17])
}
PURPOSES |= {"page_viewed": "....m", "workflow_shared": "....m"}
DESTINATIONS = result(
    "audit",
    matrix(PURPOSES, ("warehouse", "mailer", "guides", "crm", "no consumer"), verdict=False),
    definition=(),
    labels={},
)


def falling(source: str | None, first: float, n: int, done: int = 168) -> list[dict[str, Any]]:
    """Rows of a curve of what has not arrived yet, from an hour on."""
    found = []
    for hour in (1, 2, 3, 6, 9, 12, 18, 24, 30, 36, 48, 60, 72, 96, 120, 144, 168):
        share = 0.0 if hour >= done else first * math.exp(-hour / (done / 3.5))
        half = 1.96 * math.sqrt(share * (1 - share) / n)
        edges = {"low": max(0.0, share - half), "high": share + half}
        found.append({"source": source, "hours": float(hour), "share": share, "n": n} | edges)
    return found


LATE_WORDS = {"definition": (("share", "not arrived yet"), ("of", "events"))}
LATE_WORDS |= {"falling": "not arrived yet", "counted": "events", "says": _what_comes_when}
LATE = result(
    "curve",
    [{k: v for k, v in row.items() if k != "source"} for row in falling("", 0.021, 612_000, 96)],
    **LATE_WORDS,
)
LATE_BY = result(
    "curve",
    [
        *falling("app", 0.004, 480_000, 72),
        *falling("web", 0.0271, 120_400, 168),
        *falling("server", 0.012, 9_800, 120),
        *falling(None, 0.02, 12, 120),
    ],
    "source",
    **LATE_WORDS,
)
EVERY = {
    "bounds": BOUNDS,
    "volume": VOLUME,
    "calm": CALM,
    "verdicts": VERDICTS,
    "destinations": DESTINATIONS,
    "late": LATE,
    "late by": LATE_BY,
}
