"""A tool's tables by the names that its vendor gives them, and their values in canonical types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from playbook.adapters.exports.facts import Landing
from playbook.data import keys
from playbook.data.rules import NO, YES
from playbook.data.tables import TIME
from playbook.data.warehouse import Warehouse
from playbook.declare.export import Export
from playbook.language import portable
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import when

UTC = "timestamp('UTC', 6)"
MILLISECONDS = 100_000_000_000  # seconds since 1970 that are never reached before the year 5138


@dataclass(frozen=True)
class Vendor:
    """What a vendor's module declares, as `VENDOR`.

    Attributes:
        name: The tool, as people call it.
        knows: What it knows people by: `ids`, `addresses` or both.
        gives: The tool's tables → what each gives.
        landing: What its tables say.
    """

    name: str
    knows: tuple[str, ...]
    gives: Mapping[str, str]
    landing: Callable[[Tool], Landing]


@dataclass(frozen=True)
class Tool:
    """One tool's export in a warehouse.

    Attributes:
        vendor: Whose it is.
        export: What the product declares of it.
        warehouse: Where its tables are.
        source: What its rows are marked with: the vendor, and its place if it has several exports.
    """

    vendor: Vendor
    export: Export
    warehouse: Warehouse
    source: str

    def has(self, table: str) -> bool:
        """Whether a table is there, or said to be."""
        stored = self.stored(table)
        declared = table in self.export.tables
        return bool(stored) and (declared or stored in self.warehouse.names)

    def rows(self, table: str, *needed: str) -> ir.Table:
        """The table of that name, its columns in lower case; it must have the needed ones."""
        stored, names = self.stored(table) or table, self.warehouse.names
        if not self.has(table) or stored not in names:
            raise self.lacking(
                f"no table `{stored}`: {self.vendor.name}'s `{table}`, which gives "
                f"{self.vendor.gives[table]}.",
                f"sync it, or say under `exports: tables:` what it is called; "
                f"{nearest(stored, names)}",
            )
        found = self.warehouse.table(stored)
        # Some engines spell every name in capitals.
        rows = found.select(**{column.strip().lower(): found[column] for column in found.columns})
        ids = [name for name in rows.columns if name == "id" or name.endswith("_id")]
        keys.refuse_inexact(self.warehouse, rows, ids, stored)
        for column in needed:
            if column not in rows.columns:
                raise Mistake(
                    f"Table `{stored}` has no column `{column}`, without which "
                    f"{self.vendor.name}'s `{table}` cannot give {self.vendor.gives[table]}.",
                    f"It has: {listed(rows.columns)}.",
                    "sync the column too, or say under `exports: tables:` which table it is; "
                    f"{nearest(column, rows.columns)}",
                )
        return rows

    def lacking(self, what: str, hint: str) -> Mistake:
        """That the warehouse has not what is needed."""
        names = listed(self.warehouse.names)
        return Mistake(f"The warehouse has {what}", f"It has: {names}.", hint)

    def named(self, rows: ir.Table, table: str, *, key: str, at: str) -> ir.Table:
        """The rows with `named`, the newest name of their `campaign`; null without that table."""
        if not self.has(table):
            return rows.mutate(named=ibis.null("string"))
        found = self.rows(table, key, "name", at)
        history = found.select(
            key_=text(found, key), named=text(found, "name"), at_=timestamp(found, at)
        )
        names = newest(history, "key_", "at_").drop("at_")
        return rows.left_join(names, rows.campaign == names.key_).drop("key_")

    def address(self, rows: ir.Table, *columns: str) -> ir.StringValue:
        """The md5 of an address, trimmed and in lower case: no address goes any further."""
        return self.hashed(text(rows, *columns))

    def hashed(self, address: ir.StringValue) -> ir.StringValue:
        """The md5 of an address, trimmed and in lower case; null of null."""
        plain = address.strip().lower().nullif("")
        return when(plain.notnull(), portable.md5(plain, engine=self.warehouse.engine))

    def stored(self, table: str) -> str:
        """What the warehouse calls the tool's table; "" if the export says that there is none."""
        if table in self.export.tables:
            return self.export.tables[table]
        return {name.lower(): name for name in self.warehouse.names}.get(table, table)


def text(rows: ir.Table, *columns: str) -> ir.StringValue:
    """The first of the columns that is there and not empty, as text; null if none is."""
    found = _there(rows, columns)
    return _coalesced([_as_text(value, name) for name, value in found.items()], "string")


def timestamp(rows: ir.Table, *columns: str) -> ir.TimestampValue:
    """The first of the columns that is there and not null, as a UTC time; null if none is.

    A number is seconds since 1970, or milliseconds, which are cut to their second.
    """
    return _coalesced([_as_moment(value) for value in _there(rows, columns).values()], TIME)


def flag(rows: ir.Table, column: str) -> ir.BooleanValue:
    """A yes, a no, or null: unknown, also where the column is not there."""
    return flag_of(rows[column]) if column in rows.columns else ibis.null("boolean")


def flag_of(value: ir.Value) -> ir.BooleanValue:
    """The same of a value: a text may say it, too."""
    if value.type().is_boolean():
        return value
    word = value.cast("string").strip().lower()
    return when(word.isin([*YES, *NO]), word.isin(YES))


def newest(rows: ir.Table, key: str, at: str) -> ir.Table:
    """The newest row per key, of a table that keeps the history of each; null is no key."""
    others = [rows[name].desc() for name in rows.columns if name not in (key, at)]
    latest = ibis.window(group_by=key, order_by=[rows[at].desc(), *others])
    ranked = rows.filter(rows[key].notnull(), rows[at].notnull())
    return (
        ranked.mutate(place_=ibis.row_number().over(latest))
        .filter(ibis._.place_ == 0)
        .drop("place_")
    )


def is_there(rows: ir.Table, path: str) -> bool:
    """Whether a table has a column, or the field of one."""
    return _field(rows, path) is not None


def _there(rows: ir.Table, columns: Sequence[str]) -> dict[str, ir.Value]:
    """The columns that are there; `payload.email` is the field of a column that has fields."""
    return {name: value for name in columns if (value := _field(rows, name)) is not None}


def _field(rows: ir.Table, path: str) -> ir.Value | None:
    if path in rows.columns:
        return rows[path]
    column, *inner = path.split(".")
    value = rows[column] if column in rows.columns and inner else None
    for name in inner:
        if value is None or not value.type().is_struct():
            return None
        fields = {field.lower(): field for field in value.type().names}
        value = value[fields[name.lower()]] if name.lower() in fields else None
    return value


def _coalesced(values: Sequence[ir.Value], kind: str) -> ir.Value:
    return ibis.coalesce(*values) if values else ibis.null(kind)


def _as_text(value: ir.Value, name: str) -> ir.StringValue:
    is_id = name.endswith("id") or value.type().is_floating() or value.type().is_decimal()
    return (keys.as_text(value) if is_id else value.cast("string")).nullif("")


def _as_moment(value: ir.Value) -> ir.TimestampValue:
    kind = value.type()
    if kind.is_numeric():
        whole = value.cast("int64")
        # `pieces` rounds up: what is left of 999 less is what a division cuts to.
        cut = portable.pieces(when(whole >= MILLISECONDS, whole) - 999, 1000)
        start = ibis.literal(datetime(1970, 1, 1), UTC)
        return (start + cut.coalesce(whole).as_interval("s")).cast(TIME)
    if kind.is_string():
        value = value.nullif("")
    if kind.is_string() or (kind.is_timestamp() and kind.timezone):
        # A text may name its zone: a direct cast would drop it without a word.
        value = value.cast(UTC)
    return value.cast(TIME)
