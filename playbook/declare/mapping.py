"""`TableMap`: how a table of a product becomes a canonical one. Data only: no SQL, no code."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from playbook.declare.reading import Names, Noun
from playbook.declare.sending import Zone

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}  # microseconds in one
DIRECTIVES = ("%Y", "%y", "%m", "%b", "%d", "%H", "%I", "%p", "%M", "%S", "%f", "%z")
Value = str | int | bool


class FirstOf(Noun):
    """Several of the product's columns, of which the first that is not null counts.

    Those that a table lacks are passed over, as long as it has one.
    """

    first_of: Names


class Clock(Noun):
    """How a column says when.

    Attributes:
        format: `epoch_s`, `epoch_ms` or `epoch_us` (a number since 1970), or the form of a text:
            `%d.%m.%Y %H:%M`. It knows %Y %y %m %b %d %H %I %p %M %S %f %z.
        zone: The zone of times that name none; UTC, unless given.
    """

    format: str = ""
    zone: Zone | None = None

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if not self.format and not self.zone:
            raise ValueError("it says neither a `format` nor a `zone`")
        if self.format in EPOCHS or not self.format:
            if self.format and self.zone:
                raise ValueError(f"`{self.format}` counts from 1970 in UTC: it has no zone")
            return self
        used = re.findall("%.?", self.format)
        if unknown := [each for each in used if each not in DIRECTIVES]:
            known = f"{', '.join(EPOCHS)}, or a text with {' '.join(DIRECTIVES)}"
            raise ValueError(f"a format knows no `{unknown[0]}`: it is {known}")
        if twice := [each for each in used if used.count(each) > 1]:
            raise ValueError(f"`{twice[0]}` stands twice in the format")
        if not ({"%Y", "%y"} & {*used} and {"%m", "%b"} & {*used} and "%d" in used):
            raise ValueError(
                "a format says the year, the month and the day, as in `%Y-%m-%d %H:%M`; "
                f"numbers since 1970 are {', '.join(EPOCHS)}"
            )
        if "%z" in used and self.zone:
            raise ValueError("a format with `%z` says the zone itself")
        return self


def _clock(value: object) -> object:
    return {"format": value} if isinstance(value, str) else value


def _one_star(name: str) -> str:
    if name.count("*") > 1:
        raise ValueError(f"`{name}` has several `*`: one stands for what differs")
    return name


Table = Annotated[str, AfterValidator(_one_star)]
Tables = Annotated[tuple[Table, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]


class TableMap(Noun):
    """How one table of the product, or several of one shape, become (a part of) a canonical one.

    A column may be a path: `properties.plan` is what a struct, a map, JSON, a text with JSON, or
    an array of pairs of `key` and `value` holds under that name. A column that is called so goes
    first. A name with a dot stands in double quotes: `properties."a.b"`.

    Attributes:
        table: The product's table, or several of one shape, as a list or a pattern such as
            `track_*`; one of several may lack a column that others have.
        without: Tables, or patterns, that are not meant.
        from_name: The canonical column that gets what `*` stands for in the table's name.
        columns: Canonical column → the product's column, several that identify together, or
            `{first_of: […]}`.
        constants: Canonical column → a value that all rows have.
        values: Canonical column → {the product's value: ours}; other values stay.
        times: Canonical column → how the product's column says when: see `Clock`.
        only: The product's column → the values that rows must have.
        leave_out: The product's column → the values that rows must not have; null stays.
        must_have: Canonical columns without which a row is left out.
        id_of: The product's columns that tell events apart, where none is their id: the id is
            made of them, so that rows which agree in all are copies of one event.
        newest: Of users or accounts, the product's column that says which row of an id counts:
            the one with the largest value; or
        oldest: the one with the smallest.
        fills: Of users or accounts: the rows say, column by column, what those of the maps before
            leave unknown of the same id; other ids are added.
    """

    table: Tables
    without: Tables = ()
    from_name: str = ""
    columns: dict[str, str | tuple[str, ...] | FirstOf] = {}
    constants: dict[str, Value] = {}
    values: dict[str, dict[Value, str]] = {}
    times: dict[str, Annotated[Clock, BeforeValidator(_clock)]] = {}
    only: dict[str, tuple[Value, ...]] = {}
    leave_out: dict[str, tuple[Value, ...]] = {}
    must_have: Names = ()
    id_of: Names = ()
    newest: str = ""
    oldest: str = ""
    fills: bool = False

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        if not self.table:
            raise ValueError("`table` names none")
        given = [*self.columns, *self.constants, *filter(None, [self.from_name])]
        if twice := sorted(name for name in given if given.count(name) > 1):
            where = "`columns`" if twice[0] in self.columns else "`from_name`"
            other = "`constants`" if twice[0] in self.constants else "`from_name`"
            raise ValueError(f"`{twice[0]}` stands under {where} and under {other}")
        if self.id_of and "event_id" in given:
            raise ValueError("`id_of` makes the `event_id`, which is mapped as well")
        if self.newest and self.oldest:
            raise ValueError("say one of `newest` and `oldest`")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The canonical columns that the map gives."""
        made = ("event_id",) if self.id_of else ()
        return *made, *self.columns, *self.constants, *filter(None, [self.from_name])

    @property
    def called(self) -> str:
        """The map's table, the first if it names several."""
        return self.table[0]

    @property
    def is_of_many(self) -> bool:
        """Whether the map may have several tables."""
        return len(self.table) > 1 or "*" in self.called

    @property
    def sources(self) -> tuple[str, ...]:
        """The product's columns that the map names."""
        own = [part for source in self.columns.values() for part in parts_of(source)]
        order = filter(None, [self.newest, self.oldest])
        return tuple(dict.fromkeys([*own, *self.id_of, *order, *self.only, *self.leave_out]))


def parts_of(source: str | tuple[str, ...] | FirstOf) -> tuple[str, ...]:
    """The product's columns that one canonical column is made of."""
    if isinstance(source, FirstOf):
        return source.first_of
    return (source,) if isinstance(source, str) else source
