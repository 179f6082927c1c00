"""Who is behind the events: devices and people, accounts, crawlers, addresses thrown away."""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import Rows
from playbook.data import agents, domains
from playbook.data.arrivals import early
from playbook.language.portable import count_if, when
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

# What is counted of devices and of people → how people say it.
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
}


def devices(run: Run) -> Answer:
    """How devices (anonymous ids) become people.

    Returns:
        Shape `table`, one row: `devices`, `known` (some user was seen on it), `shared` (more
        than one was), `before` (it was seen before its user was known), `clock_off` (everything
        it sent was stamped more than a minute off the collector's clock), `one_hit` (unknown,
        and seen once).
    """
    name = "audit.devices"
    if not run.tables.has("events", "anonymous_id"):
        return Unavailable(name, "No `anonymous_id` is mapped, so visitors have no devices.")
    per_device = (
        _seen(run)
        .filter(_.anonymous_id.notnull())
        .group_by("anonymous_id")
        .aggregate(
            users=_.user_id.nunique(),
            rows=_.rows.sum(),
            unknown_from=when(_.user_id.isnull(), _.first).min(),
            known_from=when(_.user_id.notnull(), _.first).min(),
            sent=_.sent.sum(),
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
    )
    return run.result(name, "table", counted, counts="every row")


def people(run: Run) -> Answer:
    """Who the known people are.

    Returns:
        Shape `table`, one row: `people`, `several_devices`, `several_accounts`, `bots` (all of
        their events are sent by bots), `staff` (our own), `strangers` (not in the users table),
        `one_hit` (seen once).
    """
    name = "audit.people"
    if not run.tables.has("events", "user_id"):
        return Unavailable(name, "No `user_id` is mapped, so events have no people.")
    per_user = (
        _seen(run)
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
    )
    return run.result(name, "table", counted, counts="every row")


def who(run: Run) -> Answer:
    """Devices and people as a list to read: what they are, how many, and of how many.

    Returns:
        Shape `table`: `what`, `counted`, `of`, `share`.
    """
    found = [answer for answer in (devices(run), people(run)) if isinstance(answer, Result)]
    if not found:
        return Unavailable("audit.who", "Neither `anonymous_id` nor `user_id` is mapped.")

    def rows() -> Rows:
        counted = [(answer.rows[0], WORDS[answer.question]) for answer in found]
        return [
            {"what": says, "counted": row[name], "of": of, "share": row[name] / of if of else None}
            for row, words in counted
            for of in [row[next(iter(row))]]
            for name, says in words.items()
        ]

    return run.result("audit.who", "table", found[-1].table, fetched=rows, counts="every row")


def crawlers(run: Run) -> Answer:
    """What the browsers' names say: rows that crawlers sent, whether or not they are flagged.

    Returns:
        Shape `table`: one row per crawler: `user_agent`, `rows`, `flagged`, and `of` rows that
        name a browser.
    """
    name = "audit.crawlers"
    if not run.tables.has("events", "user_agent"):
        return Unavailable(
            name, "No `user_agent` is mapped, so crawlers are known by their flag alone."
        )
    counted = (
        run.tables.arrivals.filter(_.user_agent.notnull())
        .group_by("user_agent")
        .aggregate(rows=_.count(), flagged=count_if(_.is_bot))
    )

    def finish(rows: Rows) -> Rows:
        known = agents.crawler_agents(row["user_agent"] for row in rows)
        of = sum(row["rows"] for row in rows)
        found = [row | {"of": of} for row in rows if row["user_agent"] in known]
        return sorted(found, key=lambda row: (-row["rows"], row["user_agent"]))

    return run.result(name, "table", counted, finish, counts="every row")


def disposable(run: Run) -> Answer:
    """People whose address is of a disposable domain: one row per domain, `people` of `of`."""
    name = "audit.disposable"
    if not run.tables.has("users", "email_domain"):
        return Unavailable(name, "No `email_domain` of `users` is mapped.")
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

    return run.result(name, "table", counted, finish, counts="users")


def _seen(run: Run) -> ir.Table:
    """One row per device, user and account seen together: the one scan of this family."""
    rows = run.tables.arrivals
    seen = rows.group_by(["anonymous_id", "user_id", "account_id"]).aggregate(
        rows=_.count(),
        first=_.at.min(),
        bots=count_if(_.is_bot),
        sent=_.sent_at.count(),
        ahead=count_if(early(rows.received_at, rows.sent_at)),
        behind=count_if(early(rows.sent_at, rows.received_at)),
    )
    return run.remembered(("seen",), lambda: run.warehouse.keep(seen, "seen"))
