"""The canonical tables: every column's type and meaning, `Tables`, and `conform`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import ibis
import ibis.expr.types as ir

from playbook.data import versions
from playbook.language.mistakes import Mistake, either, listed


@dataclass(frozen=True)
class Column:
    """One column of a canonical table; a required one must be mapped."""

    type: str
    means: str
    required: bool = False


TIME = "timestamp(6)"  # UTC, without a zone: the one form that all engines compare alike

COLUMNS: dict[str, dict[str, Column]] = {
    "events": {
        "event_id": Column("string", "identifies the event; rows that share it are copies", True),
        "user_id": Column("string", "who did it; null for unidentified visitors"),
        "anonymous_id": Column("string", "the device or cookie, before and after sign-up"),
        "account_id": Column("string", "the account it was done in"),
        "session_id": Column("string", "the visit it belongs to"),
        "event": Column("string", "what was done, as the tracking plan names it", True),
        "at": Column(TIME, "when it was done: the clock of all analysis", True),
        "received_at": Column(TIME, "when the collector received it"),
        "sent_at": Column(TIME, "when the device sent it"),
        "source": Column("string", "which program sent it"),
        "app_version": Column("string", "that program's version"),
        "user_agent": Column("string", "the browser, as it names itself"),
        "is_bot": Column("boolean", "sent by a crawler or a test"),
    },
    "users": {
        "user_id": Column("string", "identifies the person", True),
        "account_id": Column("string", "the account the person belongs to"),
        "signed_up_at": Column(TIME, "when the person signed up"),
        "email_verified_at": Column(TIME, "when the address was verified; null: never"),
        "email_domain": Column("string", "what follows the @; addresses never enter"),
        "persona": Column("string", "who they say they are"),
        "intent": Column("string", "what they came to do"),
        "acquisition": Column("string", "organic or invited"),
        "invited_by": Column("string", "the user_id of who invited them"),
        "role": Column("string", "their role in the account"),
        "timezone": Column("string", "their time zone, such as Europe/Berlin"),
        "is_internal": Column("boolean", "works for us"),
        "valid_from": Column(TIME, "since when the row holds, where rows are copies over time"),
    },
    "accounts": {
        "account_id": Column("string", "identifies the account", True),
        "created_at": Column(TIME, "when the account was created"),
        "plan": Column("string", "what they pay for"),
        "size": Column("int64", "employees"),
        "valid_from": Column(TIME, "since when the row holds, where rows are copies over time"),
    },
    "messages": {
        "message_id": Column("string", "identifies one message to one person", True),
        "source": Column("string", "the engagement tool"),
        "channel": Column("string", "email, in_app, push …"),
        "play": Column("string", "the play that it belongs to"),
        "step": Column("string", "which message of a sequence"),
        "variant": Column("string", "which wording"),
        "user_id": Column("string", "to whom", True),
        "account_id": Column("string", "the account of that person"),
        "is_ghost": Column("boolean", "logged for a held-out person, never sent"),
        "is_sent": Column("boolean", "whether it left the tool; null: if it says when"),
        "sent_at": Column(TIME, "when it left the tool; null: not, or at an unknown time"),
        "delivered_at": Column(TIME, "when it arrived"),
        "bounced_at": Column(TIME, "when it came back"),
        "bounce_kind": Column("string", "hard, soft …"),
        "seen_at": Column(TIME, "first open or view, by anybody"),
        "seen_by_machine": Column("boolean", "true, false, or null: the tool does not know"),
        "clicked_at": Column(TIME, "first click"),
        "completed_at": Column(TIME, "guide finished"),
        "dismissed_at": Column(TIME, "guide closed"),
        "unsubscribed_at": Column(TIME, "unsubscribed by this message"),
        "complained_at": Column(TIME, "marked as spam"),
    },
    "assignments": {
        "play": Column("string", "the play", True),
        "unit_type": Column("string", "user or account"),
        "unit_id": Column("string", "the user_id or account_id", True),
        "arm": Column("string", "treated, holdout, or as whoever draws it calls it", True),
        "assigned_at": Column(TIME, "when the unit was assigned to it"),
        "source": Column("string", "ours, or who else drew it"),
    },
    "values": {
        "name": Column("string", "what the value is of, such as revenue", True),
        "user_id": Column("string", "whose it is"),
        "account_id": Column("string", "or whose account's"),
        "at": Column(TIME, "when", True),
        "value": Column("float64", "how much", True),
    },
    "totals": {
        "test": Column("string", "the test, as its experiment names it", True),
        "arm": Column("string", "the arm, as whoever draws it calls it", True),
        "at": Column(TIME, "the day (UTC) on which these units entered", True),
        "metric": Column("string", "what is added up; null: the only metric"),
        "n": Column("int64", "how many units entered", True),
        "value": Column("float64", "how many of them did it, or what they brought", True),
        "squares": Column("float64", "the sum of the squares of what each brought"),
        "counted_at": Column(TIME, "when this was counted; of several times the last counts"),
    },
    "identities": {
        "anonymous_id": Column("string", "a device or cookie, or an id that was merged", True),
        "user_id": Column("string", "whose it is, or"),
        "merged_id": Column("string", "the anonymous id that it was merged into"),
    },
    "suppressions": {
        "user_id": Column("string", "who must not be sent to", True),
        "channel": Column("string", "on which channel; null: on every one"),
        "reason": Column("string", "unsubscribed, complained, hard_bounce …"),
        "from_at": Column(TIME, "since when; null: always"),
        "to_at": Column(TIME, "until when; null: for good"),
        "source": Column("string", "the tool that says so"),
    },
}
KNOWN_SINCE = {"suppressions": "from_at", "assignments": "assigned_at", "values": "at"}
KNOWN_SINCE["totals"] = "counted_at"
FLAGS = {"is_bot", "is_internal", "is_ghost"}  # unknown counts as no


@dataclass(frozen=True)
class Tables:
    """A product's canonical tables; None where the product maps none.

    Of users, accounts and messages that stand there several times, the earliest row: null where
    rows of one time differ. Of copies over time (`valid_from`), the newest row.

    Attributes:
        arrivals: Every row of the log as it arrived.
        once: Makes `events`, when somebody first asks for them.
        shared: The rows of `arrivals` that share their id, with `copy_`: 0 is the row that
            counts, null a row without a time, which never does.
        histories: All rows of users or accounts, where they are copies over time.
        doubts: Of users and accounts, one row: how many there are (`of_`), of how many the rows
            differ and nobody says which holds (`ids_`), and of how many in each column.
        mapped: The columns that the source delivers; the others are there, and null.
    """

    arrivals: ir.Table
    once: Callable[[], ir.Table]
    shared: ir.Table | None = None
    users: ir.Table | None = None
    accounts: ir.Table | None = None
    messages: ir.Table | None = None
    assignments: ir.Table | None = None
    suppressions: ir.Table | None = None
    values: ir.Table | None = None
    totals: ir.Table | None = None
    histories: Mapping[str, ir.Table] = field(default_factory=dict)
    doubts: Mapping[str, ir.Table] = field(default_factory=dict)
    mapped: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def events(self) -> ir.Table:
        """Each event that has a time once, with the account of its user where it names none
        (`is_inferred`), and whether that user is one of us (`is_internal`)."""
        return self.once()

    @property
    def copies(self) -> ir.Table:
        """The rows of `arrivals` that count nowhere: an earlier one has their id."""
        return self.shared.filter(self.shared.copy_ > 0)

    def changed(self, **columns: ir.Value) -> Tables:
        """The tables as if these columns of `events` were others."""
        events = self.events.mutate(**columns)
        return replace(self, once=lambda: events)

    def until(self, as_of: datetime) -> Tables:
        """The tables as they were at a moment: what happened later is in none of them."""
        last = ibis.literal(as_of, TIME)
        newest = {name: versions.newest(rows, as_of) for name, rows in self.histories.items()}

        def by_then(rows: ir.Table | None, column: str) -> ir.Table | None:
            return rows if rows is None else rows.filter((rows[column] <= last).fill_null(True))

        messages = by_then(self.messages, "sent_at")
        return replace(
            self,
            once=lambda: self.events.filter(self.events.at <= last),
            users=by_then(newest.get("users", self.users), "signed_up_at"),
            accounts=newest.get("accounts", self.accounts),
            messages=messages if messages is None else versions.known(messages, last),
            **{name: by_then(getattr(self, name), at) for name, at in KNOWN_SINCE.items()},
        )

    def received(self, as_of: datetime) -> Tables:
        """The tables without the rows of the log that arrived after a moment."""
        last = ibis.literal(as_of, TIME)
        return self.with_log(lambda log: log.filter(log.received_at.coalesce(log.at) <= last))

    def with_log(self, change: Callable[[ir.Table], ir.Table]) -> Tables:
        """The tables whose log, however it is counted, has changed."""
        rows = {"arrivals": self.arrivals, "shared": self.shared}
        changed = {name: change(each) for name, each in rows.items() if each is not None}
        return replace(self, once=lambda: change(self.events), **changed)

    def has(self, name: str, *columns: str) -> bool:
        """Whether the table is mapped, with these columns."""
        return set(columns) <= self.mapped.get(name, frozenset()) and name in self.mapped

    def unknown(self, name: str, *columns: str) -> str:
        """Why nobody can say what a table, or any of these columns, would tell; "" if it is there.

        What is not mapped is null in every row: whoever counts it finds none, and knows nothing.
        """
        if self.has(name) and (not columns or any(self.has(name, each) for each in columns)):
            return ""
        what = f"{either(columns)} of `{name}`" if columns else f"table `{name}`"
        return f"no {what} is mapped"


def conform(table: ir.Table, name: str, *, extra: Mapping[str, str] | None = None) -> ir.Table:
    """The table in canonical form: every canonical column, typed, in order, then `extra`.

    Args:
        table: A table whose columns already have canonical names.
        name: A key of `COLUMNS`.
        extra: Types of declared properties or traits that the table carries besides.

    Returns:
        One row per row of `table`; columns that it lacks are null, flags that are null are
        false, "" is null, times are UTC.
    """
    lacking = [
        column
        for column, spec in COLUMNS[name].items()
        if spec.required and column not in table.columns
    ]
    if lacking:
        raise Mistake(
            f"Table `{name}` lacks the column(s) {listed(lacking)}.",
            f"It has: {listed(table.columns)}.",
            f"map them under `tables: {name}:` of product.yaml.",
        )
    canonical = {column: spec.type for column, spec in COLUMNS[name].items()}
    types = canonical | {c: kind for c, kind in (extra or {}).items() if c not in canonical}
    return table.select(**{column: _typed(table, column, kind) for column, kind in types.items()})


def _typed(table: ir.Table, column: str, kind: str) -> ir.Value:
    value = table[column] if column in table.columns else ibis.null(kind)
    if value.type().is_string():
        value = value.nullif("")
    typed = value if value.type() == ibis.dtype(kind) else value.cast(kind)
    return typed.fill_null(False) if column in FLAGS else typed
