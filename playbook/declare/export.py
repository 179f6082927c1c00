"""`Export`: what an engagement tool writes into the warehouse about the messages that it sent."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from playbook.declare.reading import Noun


def _word(value: object) -> object:
    """An id may look like a number; it is text nevertheless."""
    return str(value) if type(value) is int else value


def _listed_branch(value: object) -> object:
    return (value,) if type(value) is int else value


Word = Annotated[str, BeforeValidator(_word)]
Branches = Annotated[tuple[int, ...], BeforeValidator(_listed_branch)]


class Recipients(Noun):
    """A table of the product that says which of our users a tool's recipient is.

    Attributes:
        table: The product's table.
        user_id: Its column with our ids of people.
        id: Its column with the tool's ids of them; or
        email: its column with their addresses, which are hashed in the engine; or
        md5: its column with the md5 of their addresses, trimmed and in lower case.
    """

    table: str
    user_id: str
    id: str = ""
    email: str = ""
    md5: str = ""

    @model_validator(mode="after")
    def _says_one_key(self) -> Self:
        if sum(map(bool, (self.id, self.email, self.md5))) != 1:
            raise ValueError("say one of `id`, `email` and `md5`")
        return self


class Export(Noun):
    """One tool's export, as it lands in the warehouse.

    Attributes:
        vendor: Whose it is: a preset (YAML) or a module of `playbook.adapters.exports`; any other
            name, or none, where the export says its own shape.
        tables: The tool's table → the warehouse's, where they are called otherwise; "" says that
            there is none, where another tool's is called so.
        plays: The tool's campaign, by its id or name → the `play` of its messages. Campaigns
            that are not listed keep their id, as `<vendor>:<id>`.
        holdout: The tool's action that draws a test → the branches that get nothing; an empty
            list if all are sent. For Customer.io, which sends the held-out to a trap.
        users: How the tool's recipients are told, where it does not know our ids.
        facts, arms, lists, people: Its shape, in place of the preset's; `playbook.declare.shape`
            says what is in it.
    """

    vendor: str = "own"
    tables: dict[str, str] = {}
    plays: dict[Word, str] = {}
    holdout: dict[Word, Branches] = {}
    users: Recipients | None = None
    facts: tuple[Any, ...] = ()
    arms: tuple[Any, ...] = ()
    lists: tuple[Any, ...] = ()
    people: tuple[Any, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _says_what_is_read(cls, said: Any) -> Any:
        from playbook.declare import shape  # which few products need

        return shape.checked_export(said)
