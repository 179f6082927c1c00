"""Which column of a table is which canonical one: by its name, its type and what it holds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from playbook.beginning.looking import Column, Table, is_plain
from playbook.beginning.maps import PRIVATE
from playbook.data.tables import COLUMNS

# Canonical column → the names that it has elsewhere, the surest first.
EVENTS: dict[str, tuple[str, ...]] = {
    "event_id": ("event_id", "eventid", "event_uuid", "insert_id", "uuid", "id", "message_id"),
    "user_id": (
        *("user_id", "userid", "uid", "distinct_id", "customer_id", "actor_id", "member_id"),
        *("person_id", "profile_id", "contact_id", "subscriber_id", "player_id", "client_user_id"),
        *("user", "customer", "actor", "member", "person", "player", "visitor_id"),
    ),
    "anonymous_id": (
        *("anonymous_id", "anon_id", "anonymousid", "device_id", "cookie_id", "visitor_id"),
        *("client_id", "browser_id", "user_pseudo_id", "domain_userid", "device"),
    ),
    "account_id": (
        *("account_id", "accountid", "workspace_id", "org_id", "organization_id"),
        *("organisation_id", "company_id", "team_id", "tenant_id", "group_id"),
        "context_group_id",
    ),
    "session_id": ("session_id", "sessionid", "session", "visit_id"),
    "event": (
        *("event", "event_name", "eventname", "event_type", "event_key", "action", "action_name"),
        *("activity", "activity_type", "event_action", "verb", "event_text", "operation"),
        *("name", "type", "kind", "what"),
    ),
    "at": (
        *("timestamp", "occurred_at", "event_time", "event_timestamp", "event_at", "at"),
        *("happened_at", "time", "ts", "datetime", "date_time", "created_at", "created"),
        *("createdat", "logged_at", "server_time", "event_date", "date", "day", "when"),
    ),
    "received_at": ("received_at", "server_received_at", "ingested_at"),
    "sent_at": ("sent_at",),
    "source": ("source", "platform"),
    "app_version": ("app_version",),
    "user_agent": ("user_agent", "useragent"),
    "is_bot": ("is_bot",),
}
USERS: dict[str, tuple[str, ...]] = {
    "account_id": EVENTS["account_id"],
    "signed_up_at": (
        *("signed_up_at", "signup_at", "signup_date", "registered_at", "registration_date"),
        *("date_joined", "joined_at", "created_at", "created", "createdat", "creation_date"),
        *("first_seen_at", "first_seen"),
    ),
    "email_verified_at": ("email_verified_at", "verified_at", "email_confirmed_at", "confirmed_at"),
    "email_domain": ("email_domain", "email", "email_address", "mail", "e_mail"),
    "persona": ("persona", "job", "job_title", "job_role", "profession", "department", "role"),
    "intent": ("intent", "use_case", "goal"),
    "acquisition": ("acquisition", "acquisition_channel", "acquisition_source"),
    "invited_by": ("invited_by", "invited_by_id", "inviter_id"),
    "timezone": ("timezone", "time_zone", "tz"),
    "is_internal": ("is_internal", "is_staff", "is_employee"),
}
ACCOUNTS: dict[str, tuple[str, ...]] = {
    "created_at": ("created_at", "created", "createdat", "creation_date", "signed_up_at"),
    "plan": ("plan", "plan_name", "tier", "subscription", "subscription_plan"),
    "size": ("size", "employees", "employee_count", "seats"),
}
KNOWN = {name for of in (EVENTS, USERS, ACCOUNTS) for names in of.values() for name in names}
WEAK = {"name", "type", "kind", "what"}  # of an event column: much else is called so
IDS = {"event_id", "user_id", "anonymous_id", "account_id", "session_id", "invited_by"}
NO_TIME = ("updated", "received", "deleted", "loaded", "birth", "modified", "expire", "sent")
ROW_IDS = 0.95  # of the rows have an id of their own
FEW, MOST_EVENTS = 12, 2_000
MOST_TRAITS, MOST_PROPERTIES = 8, 30


def candidates(table: Table, names: Sequence[str], fits: Callable[[Column], bool]) -> list[Column]:
    """The columns that are called by one of some names, the surest first, and fit.

    Those that end in such a name, as `evt_user_id` does, come after the others.
    """
    exact = [c for name in names for c in table.columns if c.plain == name]
    ends = tuple(f"_{name}" for name in names if len(name) > 3)
    more = [c for c in table.columns if c.plain.endswith(ends)] if ends else []
    return [c for c in dict.fromkeys((*exact, *more)) if fits(c)]


def fitting(canonical: str, of: str) -> Callable[[Column], bool]:
    """Whether a column may be a canonical one, by its type and what it holds."""
    kind = COLUMNS[of][canonical].type
    if canonical in IDS:
        return lambda c: c.may_be_id
    if kind.startswith("timestamp"):
        return lambda c: c.clock is not None
    if kind == "boolean":
        return lambda c: c.kind.is_boolean() and c.filled > 0
    if kind == "int64":
        return lambda c: c.kind.is_integer() and c.filled > 0
    if canonical == "email_domain":
        return lambda c: c.kind.is_string() and c.filled > 0
    return lambda c: c.kind.is_string() and c.filled > 0 and not c.addresses


def is_event(column: Column) -> bool:
    """Whether a column may hold the names of events: a text of few values."""
    few = column.distinct <= MOST_EVENTS and (
        column.distinct * 2 <= column.filled or column.filled < 50
    )
    text = column.kind.is_string() and column.clock is None and not column.addresses
    return text and few and column.filled > 0


def is_row_id(column: Column, table: Table) -> bool:
    """Whether a column may be the id of rows: nearly each row has its own, copies apart."""
    return column.may_be_id and column.distinct >= ROW_IDS * (table.rows or 0)


def columns_by_name(
    table: Table, of: str, wanted: dict[str, tuple[str, ...]], taken: Collection[str] = ()
) -> dict[str, Column]:
    """Canonical column → the column that is called so and fits; each column once."""
    found: dict[str, Column] = {}
    for canonical, names in wanted.items():
        used = {*taken, *(column.name for column in found.values())}
        own = [c for c in candidates(table, names, fitting(canonical, of)) if c.name not in used]
        if own:
            found[canonical] = own[0]
    return found


def traits(table: Table, of: str, taken: Collection[str]) -> list[Column]:
    """Further columns of users or accounts that have few values, to break answers down by."""
    found = []
    for column in table.columns:
        text = column.kind.is_string() or column.kind.is_boolean()
        few = 2 <= column.distinct <= FEW and column.filled * 10 >= (table.rows or 0)
        if text and few and column.clock is None and not column.addresses:
            found.append(column)
    return list(_free(found, of, taken))[:MOST_TRAITS]


def properties(table: Table, taken: Collection[str]) -> list[Column]:
    """The columns of a log that are nothing canonical: what its events carry."""
    holders = {c.inside for c in table.columns}
    plain = [c for c in table.columns if is_plain(c.kind) and c.filled and not c.addresses]
    plain = [c for c in plain if c.name not in holders]
    return list(_free(plain, "events", taken))[:MOST_PROPERTIES]


def times_of(found: dict[str, Column]) -> dict[str, Any]:
    """What a map says under `times`, of the columns that are no times yet."""
    timed = {c: column.clock for c, column in found.items() if column.clock and _is_time(c)}
    return {"times": timed} if timed else {}


def recognised(table: Table, found: dict[str, Column]) -> str:
    """How many columns are recognised, and which is which: a comment."""
    named = ", ".join(f"{name} = `{c.name}` ({_why(name, c)})" for name, c in found.items())
    used = len({column.name for column in found.values()})
    return f"{used} of {len(table.columns)} columns recognised: {named}."


def _is_time(canonical: str) -> bool:
    return canonical == "at" or canonical.endswith("_at")


def _why(canonical: str, column: Column) -> str:
    if column.clock and _is_time(canonical):
        return f"all {column.filled:,} values read as {column.clock}"
    if column.clock == "":
        return "a time" if not column.kind.is_string() else "a text that always is a time"
    if column.addresses:
        return "addresses, of which the domain alone enters"
    return f"{column.distinct:,} value{'' if column.distinct == 1 else 's'}"


def _free(columns: Sequence[Column], of: str, taken: Collection[str]) -> Iterator[Column]:
    """Those whose names are no canonical one's, nor near one's, and say nothing private."""
    seen = {name.lower() for name in taken}
    for column in columns:
        name = column.last.lower()
        near = difflib.get_close_matches(column.last, COLUMNS[of], n=1, cutoff=0.8)
        private = column.plain in PRIVATE or name.startswith("_")  # `_synced` is of a loader
        if name in seen or near or private or name.endswith("_misfit"):
            continue
        seen.add(name)
        yield column
