"""The shape of a tool's export: which tables hold facts, arms and lists, and under what columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from playbook.declare.reading import Noun, parse, read_yaml
from playbook.language.mistakes import Mistake, listed, nearest

PRESETS = Path(__file__).parents[1] / "adapters" / "exports"
OWN = "own"  # a tool that is nobody's: the export says its shape itself
WHO = ("person", "address", "md5")
KINDS = {  # of parts → the columns that they may map, and what else they may say
    "facts": (
        ("message", "letter", "at", "campaign", "named", "step", "variant", *WHO),
        ("what", "channel", "kind", "is_machine"),
    ),
    "arms": (("campaign", "named", "assigned_at", *WHO), ("arm",)),
    "lists": (("from_at", "to_at", *WHO), ("channel", "reason", "off")),
    "people": (WHO, ()),
}
TIMES = (
    *("sent_at", "delivered_at", "seen_at", "clicked_at", "completed_at", "dismissed_at"),
    *("bounced_at", "unsubscribed_at", "complained_at"),
)
OURS = {  # what a word of ours may be
    "what": (*TIMES, "shown", "ghost", "changed"),
    "kind": ("hard", "soft", "block", "drop"),
    "is_machine": ("true", "false"),
    "off": ("true", "false"),
}
NEEDED = {"facts": "what", "arms": "arm", "lists": "reason"}


def _text_of(value: object) -> object:
    """What a cell may hold, as text: `true` and 12 are words, too."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else "" if value is None else value


def _as_column(value: object) -> object:
    if isinstance(value, list):
        return {"joined": value}
    return {"column": value} if isinstance(value, str) else value


def _as_constant(value: object) -> object:
    value = _text_of(value)
    return {"text": value} if isinstance(value, str) else value


def _as_listed_texts(value: object) -> object:
    return [_text_of(each) for each in (value if isinstance(value, list) else [value])]


Text = Annotated[str, BeforeValidator(_text_of)]
Where = dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_listed_texts)]]


class Cell(Noun):
    """A value of a row; a bare name is a `column`, a list of them is `joined`.

    Attributes:
        column: A column that must be there, or a field within one (`payload.email`); or
        first_of: the first of several that is there and not empty; or
        joined: several as one text, parted by colons, null if one is; or
        text: a word.
        extract: The part of the text in the parentheses of a regular expression.
        values: What the text says, in any case → our word for it.
        otherwise: The word for every other text; null, unless given.
        plain: Whether it is trimmed and in small letters, as addresses are compared.
        before: What is put before it.
        where: Column → the texts that it must have, in any case; "" is an empty one. Else null.
    """

    column: str = ""
    first_of: tuple[Value, ...] = ()
    joined: tuple[Value, ...] = ()
    text: Text = ""
    extract: str = ""
    values: dict[Text, Text] = {}
    otherwise: Text = ""
    plain: bool = False
    before: str = ""
    where: Where = {}

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(map(bool, (self.column, self.first_of, self.joined, self.text))) != 1:
            raise ValueError("say one of `column`, `first_of`, `joined` and `text`")
        return self


Value = Annotated[Cell, BeforeValidator(_as_column)]
Word = Annotated[Cell, BeforeValidator(_as_constant)]


class Lookup(Noun):
    """Columns that another table knows of a row.

    Attributes:
        table: The other table.
        key: Its value that is the row's `on`.
        on: The row's value.
        columns: New columns of the row → the other table's; null where it knows nothing.
        newest: Its column of times, where it keeps a history: the newest row that says any of
            these columns counts.
        optional: Whether it may be missing; then its columns are null.
    """

    table: str
    key: Value
    on: Value
    columns: dict[str, Value] = Field(min_length=1)
    newest: str = ""
    optional: bool = False


class Part(Noun):
    """What one table says; which fields are for facts, arms and lists is in `KINDS`.

    Attributes:
        table: The tool's table.
        columns: Our column → the table's.
        where: Only rows whose columns have these texts, as in a cell.
        lookups: What other tables add to its rows, one after another.
        optional: Whether it may be missing, or all of the columns of which it needs one.
        what: Of facts: a time of `messages`, `shown` or `ghost`. Rows without one say nothing.
        channel: Of facts and lists.
        kind: Of a bounce: `hard`, `soft`, `block`, `drop`.
        is_machine: Whether a machine looked or clicked: `true`, `false`, or unknown.
        arm: Of arms: `holdout`, `treated`, or the tool's own word.
        reason: Of lists: why nothing may be sent.
        off: Of lists that are changes: `true` where somebody left with it, else they came back.
    """

    table: str
    columns: dict[str, Value] = Field(min_length=1)
    where: Where = {}
    lookups: tuple[Lookup, ...] = ()
    optional: bool = False
    what: Word | None = None
    channel: Word | None = None
    kind: Word | None = None
    is_machine: Word | None = None
    arm: Word | None = None
    reason: Word | None = None
    off: Word | None = None


class Shape(Noun):
    """A vendor's tables, as its preset says them.

    Attributes:
        name: The tool, as people call it.
        one_of: Tables of which at least one must be there.
        facts, arms, lists: What its tables say.
        people: Who has which address, where a list names addresses alone.
    """

    name: str
    one_of: tuple[str, ...] = ()
    facts: tuple[Any, ...] = ()
    arms: tuple[Any, ...] = ()
    lists: tuple[Any, ...] = ()
    people: tuple[Any, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _reads_parts(cls, said: dict) -> dict:
        return with_parts(said, "preset")


def vendors() -> list[str]:
    """The vendors that are read: those with a preset, and those with a module."""
    inner = {"__init__", "facts", "reading", "shapes"}
    found = {path.stem for path in PRESETS.iterdir() if path.suffix in {".py", ".yaml"}}
    return sorted(found - inner)


def preset(vendor: str) -> Shape | None:
    """The vendor's preset; None where it has none."""
    path = PRESETS / f"{vendor}.yaml"
    return parse(read_yaml(path), Shape, place=path.name) if path.is_file() else None


def checked_export(said: Any) -> Any:
    """What an export says, with its parts as nouns; its vendor is known, or it says its shape."""
    if not isinstance(said, dict):
        return said
    vendor = said.get("vendor", OWN)
    said = with_parts(said, "exports")
    if vendor in vendors() or any(said.get(kind) for kind in KINDS):
        return said
    raise Mistake(
        f"exports: nothing is known of the vendor `{vendor}`."
        if vendor != OWN
        else "exports: an export names no vendor, and says no shape of its own.",
        f"The vendors are: {listed(vendors())}.",
        f"write its `facts:` yourself, or {nearest(str(vendor), vendors())}",
    )


def with_parts(said: dict, place: str) -> dict:
    """The same, its facts, arms and lists read strictly."""
    return said | {kind: tuple(_parts(said[kind], kind, place)) for kind in KINDS if kind in said}


def _parts(said: Any, kind: str, place: str) -> Iterator[Part]:
    if not isinstance(said, list | tuple):
        raise Mistake(
            f"{place}: `{kind}` is no list.", f"It is `{said}`.", "begin each part with `- `."
        )
    for number, entry in enumerate(said, 1):
        where = f"{place}: {kind}, entry {number}"
        part = entry if isinstance(entry, Part) else parse(entry, Part, place=where)
        _refuse_what_is_for_others(part, kind, where)
        yield part


def _refuse_what_is_for_others(part: Part, kind: str, place: str) -> None:
    columns, words = KINDS[kind]
    others = {name for _columns, names in KINDS.values() for name in names} - set(words)
    wrong = [name for name in part.columns if name not in columns]
    if wrong or (wrong := sorted(part.model_fields_set & others)):
        known = columns if wrong[0] in part.columns else words
        raise Mistake(
            f"{place}: {kind} have no `{wrong[0]}`.",
            f"Beside `table` and `where` they have: {listed(known)}.",
            nearest(wrong[0], known),
        )
    for word, ours in OURS.items():
        cell = getattr(part, word)
        if unknown := [text for text in (_said(cell) if cell else ()) if text not in ours]:
            raise Mistake(
                f"{place}: `{word}` has no `{unknown[0]}`.",
                f"It is one of: {listed(ours)}.",
                nearest(unknown[0], ours),
            )
    word = NEEDED.get(kind)
    needed = (word,) if word and getattr(part, word) is None else ()
    if kind == "facts" and not {"message", "letter"} & set(part.columns):
        needed += ("columns: message",)
    if needed:
        raise Mistake(
            f"{place} lacks `{needed[0]}`.",
            f"It has: {listed(sorted(part.model_fields_set | set(part.columns)))}.",
            "say it: `what: sent_at`, or `what: {column: …, values: {Sent: sent_at}}`."
            if needed[0] == "what"
            else f"add `{needed[0]}:`; docs/exports.md has one.",
        )


def _said(cell: Cell) -> Iterator[str]:
    """The words that a cell may give."""
    yield from filter(None, (cell.text, *cell.values.values(), cell.otherwise))
    if not cell.values:
        for each in cell.first_of:
            yield from _said(each)
