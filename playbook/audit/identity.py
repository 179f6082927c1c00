"""Who is behind the events: devices and people, accounts, crawlers, addresses thrown away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook.audit.identified import TOLD, identified_events
from playbook.audit.ids import why_strangers
from playbook.audit.violation import Violation
from playbook.data import agents, domains
from playbook.data.arrivals import early
from playbook.data.identities import RESOLVED
from playbook.language.portable import count_if, when
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, KEY, Columns, share_of
from playbook.results.section import Unanswerable, section, there
from playbook.run import Run

# What is counted of devices and of people → how people say it; of the first, all the others.
WORDS = {
    "devices": {
        "known": "devices with a known user",
        "before": "devices seen before their user was known",
        "shared": "devices of several users",
        "clock_off": "devices whose clock is off",
        "one_hit": "devices of nobody known, seen once",
    },
    "people": {
        "several_devices": "people with several devices",
        "several_accounts": "people in several accounts",
        "bots": "people who are bots",
        "staff": "people of our own",
        "strangers": "people who are not in the users table",
        "one_hit": "people seen once",
    },
    "identities": TOLD,
}
# What is counted of people → the columns without which nobody knows it.
TOLD_BY = {"bots": ("events", "is_bot"), "staff": ("users", "is_internal"), "strangers": ("users",)}
DEVICES = dict.fromkeys(("devices", "known", "shared", "before", "clock_off", "one_hit"), COUNT)
PEOPLE = dict.fromkeys(("people", *WORDS["people"]), COUNT)
WHO = {"what": KEY, "counted": COUNT, "of": COUNT, "share": share_of("of")}
CRAWLER = {"user_agent": KEY, "rows": COUNT, "flagged": COUNT, "of": COUNT}
DOMAIN = {"email_domain": KEY, "people": COUNT, "of": COUNT}


@section("audit.devices")
def devices(run: Run) -> Result:
    """How devices (anonymous ids) become people.

    Returns:
        Shape `table`, one row: `devices`, `known` (some user was seen on it), `shared` (more
        than one was), `before` (it was seen before its user was known), `clock_off` (everything
        it sent was stamped more than a minute off the collector's clock), `one_hit` (unknown,
        and seen once). Null is what no column tells.
    """
    if not run.tables.has("events", "anonymous_id"):
        raise Unanswerable("No `anonymous_id` is mapped, so visitors have no devices.")
    per_device = (
        _seen_together(run)
        .filter(_.anonymous_id.notnull())
        .group_by("anonymous_id")
        .aggregate(
            users=_.user_id.nunique(),
            rows=_.rows.sum(),
            unknown_from=when(_.user_id.isnull(), _.first).min(),
            known_from=when(_.user_id.notnull(), _.first).min(),
            sent=_.sent.sum(),
            clocks=_.clocks.sum(),
            ahead=_.ahead.sum(),
            behind=_.behind.sum(),
        )
    )
    off = (_.sent > 0) & ((_.ahead == _.sent) | (_.behind == _.sent))
    counted = per_device.aggregate(
        devices=_.count(),
        known=count_if(_.users > 0),
        shared=count_if(_.users > 1),
        before=count_if(_.unknown_from < _.known_from),
        clock_off=count_if(off),
        one_hit=count_if((_.users == 0) & (_.rows == 1)),
        users=_.users.sum(),
        clocks=_.clocks.sum(),
    )

    def finish(rows: Rows) -> Rows:
        told = dict.fromkeys(("known", "shared", "before", "one_hit"), "users")
        return [_told_alone(row, told | {"clock_off": "clocks"}, DEVICES) for row in rows]

    return run.result("table", counted, finish, counts="every row", own=DEVICES)


@section("audit.people")
def known_people(run: Run) -> Result:
    """Who the known people are.

    Returns:
        Shape `table`, one row: `people`, `several_devices`, `several_accounts`, `bots` (all of
        their events are sent by bots), `staff` (our own), `strangers` (not in the users table),
        `one_hit` (seen once). Null is what no column tells.
    """
    if not run.tables.has("events", "user_id"):
        raise Unanswerable("No `user_id` is mapped, so events have no people.")
    per_user = (
        _seen_together(run)
        .filter(_.user_id.notnull())
        .group_by("user_id")
        .aggregate(
            devices=_.anonymous_id.nunique(),
            accounts=_.account_id.nunique(),
            rows=_.rows.sum(),
            bots=_.bots.sum(),
        )
    )
    users = run.tables.users
    if users is None:
        joined = per_user.mutate(listed="user_id", staff=per_user.rows < 0)
    else:
        own = users.select(listed="user_id", staff="is_internal")
        joined = per_user.left_join(own, per_user.user_id == own.listed)
    counted = joined.aggregate(
        people=_.count(),
        several_devices=count_if(_.devices > 1),
        several_accounts=count_if(_.accounts > 1),
        bots=count_if(_.bots == _.rows),
        staff=count_if(_.staff),
        strangers=count_if(_.listed.isnull()),
        one_hit=count_if(_.rows == 1),
        devices=_.devices.sum(),
        accounts=_.accounts.sum(),
    )

    def finish(rows: Rows) -> Rows:
        told = {"several_devices": "devices", "several_accounts": "accounts"}
        unmapped = [name for name, of in TOLD_BY.items() if run.tables.unknown(*of)]
        return [_told_alone(row, told, PEOPLE) | dict.fromkeys(unmapped) for row in rows]

    return run.result("table", counted, finish, counts="every row", own=PEOPLE)


@section("audit.who")
def who(run: Run) -> Result:
    """Devices and people as a list to read: what they are, how many, and of how many.

    Returns:
        Shape `table`: `what`, `counted`, `of`, `share`; null is what no column tells.
    """
    found = there(devices(run), known_people(run), identified_events(run))
    if not found:
        raise Unanswerable("Neither `anonymous_id` nor `user_id` is mapped.")

    def rows(_rows: Rows) -> Rows:
        counted = [
            (says, row[name], row[answer.question])
            for answer in found
            for row in answer.rows
            for name, says in WORDS[answer.question].items()
        ]
        return [
            {"what": says, "counted": n, "of": of}
            | {"share": n / of if of and n is not None else None}
            for says, n, of in counted
        ]

    return run.result("table", None, rows, counts="every row", own=WHO, made_of=found)


@section("audit.crawlers")
def rows_of_crawlers(run: Run) -> Result:
    """What the browsers' names say: rows that crawlers sent, whether or not they are flagged.

    Returns:
        Shape `table`: one row per crawler: `user_agent`, `rows`, `flagged` (null: no flag is
        mapped), and `of` rows that name a browser.
    """
    if not run.tables.has("events", "user_agent"):
        raise Unanswerable("No `user_agent` is mapped, so crawlers are known by their flag alone.")
    counted = (
        run.tables.arrivals.filter(_.user_agent.notnull())
        .group_by("user_agent")
        .aggregate(rows=_.count(), flagged=count_if(_.is_bot))
    )

    def finish(rows: Rows) -> Rows:
        known = agents.crawler_agents(row["user_agent"] for row in rows)
        of = {"of": sum(row["rows"] for row in rows)}
        of |= {"flagged": None} if run.tables.unknown("events", "is_bot") else {}
        found = [row | of for row in rows if row["user_agent"] in known]
        return sorted(found, key=lambda row: (-row["rows"], row["user_agent"]))

    return run.result(
        "table",
        counted,
        finish,
        counts="every row",
        own=CRAWLER,
        silence=lambda rows: (
            "No row that names a browser is a crawler's." if rows else "No row names a browser."
        ),
    )


@section("audit.disposable")
def people_by_disposable_domain(run: Run) -> Result:
    """People whose address is of a disposable domain: one row per domain, `people` of `of`."""
    if not run.tables.has("users", "email_domain"):
        raise Unanswerable("No `email_domain` of `users` is mapped.")
    counted = (
        run.tables.users.filter(_.email_domain.notnull())
        .group_by("email_domain")
        .aggregate(people=_.count())
    )

    def finish(rows: Rows) -> Rows:
        given = (row["email_domain"] for row in rows)
        known = domains.disposable_domains(given, run.declared.product.disposable)
        of = sum(row["people"] for row in rows)
        found = [row | {"of": of} for row in rows if row["email_domain"] in known]
        return sorted(found, key=lambda row: (-row["people"], row["email_domain"]))

    return run.result(
        "table",
        counted,
        finish,
        counts="users",
        own=DOMAIN,
        silence=lambda rows: (
            "No address that is known is disposable." if rows else "No address is known."
        ),
    )


def device_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Devices of several users or of users known later, and clocks that are off."""
    for row in found.rows:
        for name, check, seen, expected in (
            ("shared", "identity", "several users on one device", "one user each"),
            ("before", "identity", "were seen before their user was known", "one user each"),
            ("clock_off", "clocks", "a clock that is off by more than a minute", "the right time"),
        ):
            if row[name]:
                said = {"expected": expected, "minor": name == "before"}
                said |= {"defect": check} if check == "clocks" else {}
                sizes = {"rows": row[name], "of": row["devices"]}
                yield Violation(check, "devices", seen, **said, **sizes)


def people_violations(run: Run, found: Answer) -> Iterator[Violation]:
    """People in several accounts or in no table; and whom every headline leaves out."""
    for row in found.rows:
        for name, check, seen in (
            ("several_accounts", "accounts", "act in several accounts"),
            ("strangers", "identity", "are not in the users table"),
            ("bots", "bots", "are bots, and left out of every headline"),
            ("staff", "bots", "are our own, and left out of every headline"),
        ):
            if row[name]:
                said = {"defect": check, "minor": True} if check == "bots" else {}
                sizes = {"rows": row[name], "of": row["people"]}
                if name == "strangers" and row[name] == row["people"]:
                    # Nothing that `users` says of anybody reaches an answer.
                    seen, said = f"{seen}, not one: {why_strangers(run)}", {"blocks": True}
                yield Violation(check, "people", seen, **said, **sizes)


def crawler_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """Rows of crawlers that nobody flagged."""
    if n := sum(row["rows"] - (row["flagged"] or 0) for row in found.rows):
        seen, of = "rows of crawlers without a flag", found.rows[0]["of"]
        yield Violation("bots", "the log", seen, expected="is_bot", rows=n, of=of)


def disposable_violations(_run: Run, found: Answer) -> Iterator[Violation]:
    """People with addresses that are made to be thrown away."""
    if n := sum(row["people"] for row in found.rows):
        seen, of = "have disposable addresses", found.rows[0]["of"]
        yield Violation("bots", "people", seen, rows=n, of=of, minor=True)


def _told_alone(row: Mapping[str, Any], told: Mapping[str, str], own: Columns) -> dict[str, Any]:
    """The row's `own` columns; null is a count for which the log has nothing to tell by."""
    silent = {name for name, by in told.items() if not row[by]}
    return {name: None if name in silent else row[name] for name in own}


def _seen_together(run: Run) -> ir.Table:
    """One row per device, user and account seen together: the one scan of this family."""
    rows = run.tables.arrivals
    if RESOLVED in rows.columns:  # what devices tell of people is no evidence of them
        rows = rows.mutate(user_id=when(~rows[RESOLVED], rows.user_id))
    seen = rows.group_by(["anonymous_id", "user_id", "account_id"]).aggregate(
        rows=_.count(),
        first=_.at.min(),
        bots=count_if(_.is_bot),
        sent=_.sent_at.count(),
        clocks=count_if(rows.sent_at.notnull() & rows.received_at.notnull()),
        ahead=count_if(early(rows.received_at, rows.sent_at)),
        behind=count_if(early(rows.sent_at, rows.received_at)),
    )
    return run.warehouse.shared(seen)
