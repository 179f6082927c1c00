"""`Product`: the vocabulary of one company, and where its tables are."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from playbook.declare.export import Export
from playbook.declare.mapping import TableMap
from playbook.declare.reading import Names, Noun
from playbook.declare.roles import Roles
from playbook.declare.sending import Destination, Sending


class Agreement(Noun):
    """One of the product's own tables, which an event must agree with.

    Attributes:
        event: The event that should stand in the log for each of the table's rows.
        by: The column of `events` that says which row.
        table: The product's table, such as its workflows.
        key: That table's column with the same ids.
        at: That table's column that says when; rows without one are not expected in the log.
    """

    event: str
    by: str
    table: str
    key: str
    at: str


class Copy(Noun):
    """A destination's own copy of the events, as its tool exports it to the warehouse.

    Attributes:
        destination: As the tracking plan names it.
        table: The table of the export.
        event_id: Its column with our event ids.
        at: Its column that says when the tool received the event.
    """

    destination: str
    table: str
    event_id: str
    at: str


class Domains(Noun):
    """Domains of disposable addresses, beside those of the package that the playbook reads.

    Attributes:
        add: Domains that are disposable, too.
        remove: Domains that are not.
    """

    add: Names = ()
    remove: Names = ()


class Product(Noun):
    """One company: its words, its tables, and the thresholds of its reports.

    Attributes:
        name: As people call it.
        source: Whose tables these are: `native`, your own, or a vendor's, by its preset.
        tables: Canonical table → one or more maps (their rows are united).
        core_personas: Whom the product is for: their getting stuck is a defect.
        order: Column → its values in reading order.
        labels: Names in the data → words for people.
        path: The events of the path to value, in order.
        any_of: Name → events that a question counts as one by that name: whoever did any of them
            did it. A question names such a name or one of its events, never both.
        passive: Events that nobody decides to do, such as page views: paths pass over them.
        headline: The question whose answer opens every report: short for `roles: {headline: …}`.
        roles: Which questions play which part of the guide, where they do not tell it.
        things: What questions hold → the word for several of them, such as {draft: drafts}.
        min_n: Below this many units no share is shown.
        agrees: Which of the product's own tables the log must agree with.
        copies: Destinations whose own copy of the events is in the warehouse.
        disposable: Which domains of addresses are disposable, or are not after all.
        prompts: Event → the `play` of the messages that ask people for it, such as the mail with
            the link to verify an address.
        sending: What all plays obey together: priorities, frequency caps, quiet hours.
        destinations: Tool → how its files of audiences name people.
        exports: What engagement tools write into the warehouse about their messages.
    """

    name: str
    source: str = "native"
    tables: dict[str, tuple[TableMap, ...]]
    core_personas: Names = ()
    order: dict[str, tuple[str, ...]] = {}
    labels: dict[str, str] = {}
    path: Names = ()
    any_of: dict[str, Names] = {}
    passive: Names = ()
    headline: str = ""
    roles: Roles = Roles()
    things: dict[str, str] = {}
    min_n: int = Field(default=30, ge=1)
    agrees: tuple[Agreement, ...] = ()
    copies: tuple[Copy, ...] = ()
    disposable: Domains = Domains()
    prompts: dict[str, Names] = {}
    sending: Sending = Sending()
    destinations: dict[str, Destination] = {}
    exports: tuple[Export, ...] = ()
    slug: str = ""

    @model_validator(mode="after")
    def _says_the_headline_once(self) -> Self:
        named = self.roles.headline
        if len(named) > 1:
            raise ValueError("`roles` names several headlines: one question opens a report")
        if named and self.headline and named != (self.headline,):
            raise ValueError(
                f"`headline` is {self.headline}, and under `roles` it is {named[0]}: say it once"
            )
        return self
