"""How a product's tables become canonical ones: by the names of columns in product.yaml."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from playbook.data import keys
from playbook.data.mapping.columns import Reader
from playbook.data.mapping.parts import Part, alike, parts_of_map
from playbook.data.mapping.presets import Source
from playbook.data.mapping.unions import filled, in_one
from playbook.data.rules import MISFIT
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse, first_line
from playbook.declare import TableMap
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import count_if, when

__all__ = ["Mapped", "Source", "unread"]

PREFIX = "prefix_"  # the column with what begins a row's event id


@dataclass(frozen=True)
class Mapped:
    """One canonical table as the product's tables are mapped to it.

    What all tables write alike is read once, of all rows together; only what one writes in
    another way is read in each table. So hundreds of tables cost little more than their rows.

    Attributes:
        name: The canonical table.
        maps: The maps, in their order.
        warehouse: Where the product's tables are.
        types: Each column that the maps name, and its type.
        properties: The columns that are planned properties of events. A value that is none of
            the planned type is null, and true in the column that `misfits` names.
    """

    name: str
    maps: Sequence[TableMap]
    warehouse: Warehouse
    types: Mapping[str, str]
    properties: Collection[str] = ()

    def rows(self) -> ir.Table:
        """The maps' rows, united, under canonical names.

        The event ids of the second and later maps are prefixed with their table (and its place,
        if the table is mapped again): ids of several tables must not collide.
        """
        found = self._read([part for part in self.parts if not part.map.fills])
        for each in self.maps:
            if each.fills:
                more = self._read([part for part in self.parts if part.map is each])
                found = filled(found, more, key=next(iter(COLUMNS[self.name])))
        return found

    @cached_property
    def parts(self) -> list[Part]:
        """Each table of each map."""
        self._check_fields()
        prefixes, found = self._prefixes(), []
        for each, prefix in zip(self.maps, prefixes, strict=True):
            names = parts_of_map(each, self.warehouse)
            found += [
                Part(
                    self.name, each, table, stands_for, prefix, self.warehouse, self.types,
                    frozenset(self.properties),
                )
                for table, stands_for in names.items()
            ]  # fmt: skip
            if each.is_of_many:
                self._refuse_absent(each, [part for part in found if part.map is each])
        return found

    def misfits(self) -> dict[str, str]:
        """The columns of `rows` beside the mapped ones: `<property>_misfit` → its type.

        There is one for each property that is planned as a number, a boolean or a time and
        arrives as text, or as a number with a fraction where it is planned whole. It is never
        null.
        """
        return {
            column + MISFIT: "boolean"
            for part in alike(self.parts)
            for column, reader in part.readers.items()
            if reader.is_planned and reader.meant(part.raw[column])[1] is not None
        }

    def said_nobody(self) -> list[ir.Table]:
        """The ids that say nobody, as they arrive: `column`, `text` and `rows` of each."""
        found: dict[str, list[ir.Table]] = {}
        for part in self.parts:
            for name in keys.WHOSE & {*part.map.columns}:
                for path in part.there(name):
                    text = part.at(path)
                    if text.type().is_string():
                        own = part.taken.filter(text.isin(keys.SAID)).select(text=text)
                        found.setdefault(name, []).append(own)
        return [
            in_one(texts).group_by("text").aggregate(rows=ibis._.count())
            .mutate(column=ibis.literal(name))
            for name, texts in found.items()
        ]  # fmt: skip

    def refuse_inexact_ids(self) -> None:
        """Raises a Mistake where a number holds ids and cannot: see `keys.refuse_inexact`."""
        for part in self.parts:
            part.refuse_inexact_ids()

    def uncast(self) -> Mistake | None:
        """The first column that the engine cannot read, as a mistake; asked after a failure."""
        for part in self.parts:
            for column, reader in part.readers.items():
                if said := self._said_of(part, column, reader):
                    return part.impossible(column, said)
        return None

    def _said_of(self, part: Part, column: str, reader: Reader) -> str:
        raw = part.raw[column]
        value, fits = reader.meant(raw)
        if reader.is_read:
            return ""
        if fits is not None:
            return unreadable(part, column)
        tried = reader.cast(value, strict=False)
        return unread(part.raw, value, tried, self.warehouse) or unreadable(part, column)

    def _prefixes(self) -> list[str]:
        """What begins the event ids of each map; nothing those of the first."""
        found = [""]
        for each in self.maps[1:]:
            again, name = 1, each.called.replace(":", "\\:")
            while (prefix := f"{name}.{again}:" if again > 1 else f"{name}:") in found:
                again += 1
            found.append(prefix)
        return found

    def _read(self, parts: Sequence[Part]) -> ir.Table:
        """The rows of parts, in one table, read."""
        parts = alike(parts)
        readers = _common_readers(parts)
        alone = [self._alike(part, readers) for part in parts]
        rows = in_one(alone)
        wanted: dict[str, ir.Value] = {}
        for column in [c for c in rows.columns if c in self.types]:
            if reader := readers.get(column):
                value, fits = reader.meant(rows[column])
                wanted[column] = reader.cast(value)
                if fits is not None:
                    wanted[column + MISFIT] = ~fits
            else:
                wanted[column] = rows[column]
                if column + MISFIT in rows.columns:
                    wanted[column + MISFIT] = rows[column + MISFIT].fill_null(False)
        if PREFIX in rows.columns and "event_id" in wanted:
            wanted["event_id"] = rows[PREFIX] + wanted["event_id"].nullif("")
        return rows.select(**wanted)

    def _alike(self, part: Part, readers: Mapping[str, Reader]) -> ir.Table:
        """A part's rows; what it writes in another way than the other parts do is read already."""
        wanted: dict[str, ir.Value] = {}
        for column, own in part.readers.items():
            value = part.raw[column]
            if column not in readers:
                meant, fits = own.meant(value)
                value = own.cast(meant)
                if fits is not None:
                    wanted[column + MISFIT] = ~fits
            wanted[column] = value
        if self.name == "events" and len(self.maps) > 1:
            wanted[PREFIX] = self._prefix(part)
        return part.raw.select(**wanted)

    def _prefix(self, part: Part) -> ir.StringValue:
        """What begins a part's event ids: ids of the first map that read like another's, a colon.

        Asked of each table apart: an engine may ask what stands behind a union once per table.
        """
        others = [each for each in self._prefixes() if each]
        ids = part.raw["event_id"] if "event_id" in part.raw.columns else None
        if part.prefix or ids is None or not ids.type().is_string():
            return ibis.literal(part.prefix)
        taken = ibis.or_(*(ids.startswith(each) for each in (":", *others)))
        return ibis.ifelse(taken.fill_null(False), ":", "")

    def _check_fields(self) -> None:
        for each in self.maps:
            for field in ("newest", "oldest", "fills"):
                if getattr(each, field) and self.name not in {"users", "accounts"}:
                    raise Mistake(
                        f"The map of table `{each.called}` to `{self.name}` says `{field}`.",
                        "Only users and accounts have one row each.",
                        "leave it out.",
                    )
            for field in ("values", "times"):
                for lost in {*getattr(each, field)} - {*each.columns}:
                    raise Mistake(
                        f"The map of table `{each.called}` to `{self.name}` says `{field}` of "
                        f"`{lost}`, which no column becomes.",
                        f"It maps: {listed(each.columns)}.",
                        nearest(lost, each.columns),
                    )
        if self.maps[0].fills:
            raise Mistake(
                f"The first map of `{self.name}` fills what maps before it leave unknown.",
                "There are none before it.",
                "leave out its `fills`, or put it behind another map.",
            )

    def _refuse_absent(self, each: TableMap, parts: Sequence[Part]) -> None:
        """Raises a Mistake where not one of the tables of a map has a column."""
        for column in each.columns:
            if not any(part.there(column) for part in parts):
                parts[0].refuse_absent(column)


def _common_readers(parts: Sequence[Part]) -> dict[str, Reader]:
    """The columns that all parts write alike, and how these are read."""
    seen: dict[str, set[tuple]] = {}
    readers: dict[str, Reader] = {}
    for part in parts:
        for column, reader in part.readers.items():
            readers[column] = reader
            seen.setdefault(column, set()).add((part.raw[column].type(), reader))
    return {column: readers[column] for column, ways in seen.items() if len(ways) == 1}


def unread(table: ir.Table, value: ir.Value, tried: ir.Value, warehouse: Warehouse) -> str:
    """How many values of a table a cast that is `tried` cannot read, in words; "" if all can be."""
    failed = value.notnull() & tried.isnull()
    counted = table.aggregate(
        bad=count_if(failed), example=when(failed, value.cast("string")).max()
    )
    try:
        row = warehouse.connection.to_pyarrow(counted).to_pylist()[0]
    except Exception as error:
        # This engine cannot try a cast: it fails on the column, and says on what value.
        return f"The engine says: {first_line(error)}" if _readable(warehouse, value) else ""
    return f"{row['bad']:,} row(s) do not cast, such as `{row['example']}`." if row["bad"] else ""


def unreadable(part: Part, column: str) -> str:
    """What the engine says of a path that it cannot follow, such as into a text that is no JSON;
    "" if it can, or the product's column itself is not to blame."""
    for path in part.there(column) if column in part.map.columns else ():
        root = part.root(path)
        if root is None or not _readable(part.warehouse, root):
            continue
        try:
            part.warehouse.connection.to_pyarrow(part.at(path).count())
        except Exception as error:
            return f"The engine says: {first_line(error)}"
    return ""


def _readable(warehouse: Warehouse, value: ir.Value) -> bool:
    """Whether the engine reads the column as it is: else the column is not to blame."""
    try:
        warehouse.connection.to_pyarrow(value.count())
    except Exception:
        return False
    return True
