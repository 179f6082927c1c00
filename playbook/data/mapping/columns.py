"""How one canonical column is read from the product's values: as an id, a time, a plain value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.data import keys
from playbook.data.mapping import times
from playbook.data.rules import fitted_value
from playbook.declare.mapping import Clock, FirstOf, TableMap, Value
from playbook.language.portable import joined

DOMAIN = "email_domain"  # of an address that is mapped to it, the domain alone enters


@dataclass(frozen=True)
class Reader:
    """How the values of one canonical column are read.

    Attributes:
        column: The canonical column.
        kind: Its type.
        values: The product's values, as text, and ours.
        clock: How a time is written.
        is_planned: Whether it is a planned property: what does not fit is null, and marked.
        is_read: Whether the values are read already: constants are.
    """

    column: str
    kind: dt.DataType
    values: tuple[tuple[str, str], ...] = ()
    clock: Clock | None = None
    is_planned: bool = False
    is_read: bool = False

    @property
    def holds_ids(self) -> bool:
        """Whether the column holds ids."""
        return keys.is_id(self.column) and self.kind.is_string()

    def meant(self, value: ir.Value) -> tuple[ir.Value, ir.BooleanValue | None]:
        """The value before it is cast, and whether it fits; None where it must."""
        if self.is_read:
            return value, None
        if self.holds_ids:
            value = keys.key_of(self.column, [value])
        if self.column == DOMAIN and value.type().is_string():
            value = _domain(value)
        if self.values:
            value = value.cast("string").substitute(dict(self.values))
            value = keys.known(value) if self.column in keys.WHOSE else value
        if self.is_planned and not self.clock:
            return fitted_value(value, self.kind)
        return value, None

    def cast(self, value: ir.Value, *, strict: bool = True) -> ir.Value:
        """What is meant, in the column's type; where not `strict`, null instead of a failure."""
        if self.is_read:
            return value
        if self.kind.is_timestamp():
            return times.time_of(value, self.clock, strict=strict)
        if value.type().is_string() and not self.kind.is_string():
            value = value.nullif("")  # of a text, `conform` sees to it
        return value.cast(self.kind) if strict else value.try_cast(self.kind)

    def read(self, value: ir.Value) -> ir.Value:
        """The value in the column's type."""
        return self.cast(self.meant(value)[0])

    def impossible(self, kind: dt.DataType) -> tuple[str, str] | None:
        """Why no value of a type can be read, and a hint; None if they can."""
        said = f"It is {kind}, and must be {self.kind}."
        if self.is_read:
            return None
        if self.kind.is_timestamp():
            if times.can_be_read(kind, self.clock):
                return None
            if kind.is_numeric():
                return said, f"say what it counts, such as `times: {{{self.column}: epoch_ms}}`"
            return said, ""
        if self.holds_ids and (kind.is_json() or kind.is_nested()):
            return f"It is {kind}, and an id is one value.", "name what is inside it, by a path"
        if self.kind.is_boolean():
            possible = kind.is_boolean() or kind.is_string() or kind.is_integer()
        else:
            possible = not (kind.is_nested() or kind.is_binary()) and (
                self.kind.is_string() or not kind.is_temporal()
            )
        return None if possible else (said, "")


def raw_value(
    column: str, source: str | tuple[str, ...] | FirstOf, parts: Sequence[ir.Value], *, ids: bool
) -> ir.Value:
    """What the product's columns hold for one canonical column, before it is read.

    It is the column itself, the first of several that is not null, or the text of several: null
    where all are, an id where any is.
    """
    if isinstance(source, str):
        return parts[0]
    if isinstance(source, FirstOf):
        texts = [keys.as_text(part) if ids else part.cast("string") for part in parts]
        same = len({part.type() for part in parts}) == 1
        found = parts if same and not parts[0].type().is_string() else texts
        return ibis.coalesce(*(p.nullif("") if p.type().is_string() else p for p in found))
    if ids:
        return keys.key_of(column, parts)
    return joined_text(parts)


def joined_text(parts: Sequence[ir.Value]) -> ir.StringValue:
    """The text of several values, which no others make; null where all are."""
    texts = [part.cast("string").fill_null("") for part in parts]
    return joined(texts).nullif(":" * (len(parts) - 1))


def reader_of(each: TableMap, column: str, kind: str, *, is_planned: bool) -> Reader:
    """How a map's column is read."""
    if column in each.constants or column == each.from_name:
        return Reader(column, ibis.dtype(kind), is_read=True)
    renames = each.values.get(column, {})
    values = tuple((engine_text(old), new) for old, new in renames.items())
    clock = each.times.get(column)
    return Reader(column, ibis.dtype(kind), values, clock, is_planned)


def engine_text(value: Value) -> str:
    """A YAML value as engines write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _domain(text: ir.StringValue) -> ir.StringValue:
    """What follows the @ of an address; a text without one is a domain already."""
    found = text.lower().re_extract("@([^@>[:space:]]+)[>[:space:]]*$", 1)
    return ibis.ifelse(text.contains("@"), found.nullif(""), text)
