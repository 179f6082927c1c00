"""One table of a product as one map takes it: which rows, and what they hold for each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.data import keys
from playbook.data.mapping.columns import Reader, engine_text, joined_text, raw_value, reader_of
from playbook.data.mapping.places import column_of, matching, value_at
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse
from playbook.declare.mapping import FirstOf, TableMap, Value, parts_of
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import joined, md5, united


@dataclass(frozen=True)
class Part:
    """One table of the product, as one map takes it.

    Attributes:
        to: The canonical table.
        map: The map.
        table: The product's table, one of the map's.
        stands_for: What `*` stands for in its name.
        prefix: Begins its event ids, so that they are no other map's.
        warehouse: Where the table is.
        types: Each canonical column and its type.
        properties: The planned properties.
        others: Further tables of the same shape, whose rows are taken with it: see `alike`.
    """

    to: str
    map: TableMap
    table: str
    stands_for: str
    prefix: str
    warehouse: Warehouse
    types: Mapping[str, str]
    properties: frozenset[str]
    others: tuple[str, ...] = ()

    @cached_property
    def readers(self) -> dict[str, Reader]:
        """How each column is read."""
        own = COLUMNS[self.to]
        planned = {name for name in self.properties if self.to == "events" and name not in own}
        return {
            name: reader_of(self.map, name, self.types[name], is_planned=name in planned)
            for name in self.raw.columns
            if name in self.types
        }

    @cached_property
    def raw(self) -> ir.Table:
        """The rows that the map takes, with what they hold for each canonical column."""
        wanted = {**self._made_id, **self._columns, **self._constants}
        found = self._newest(wanted) if self._order else self.taken.select(**wanted)
        if needed := self.map.must_have:
            found = found.filter(*(self._is_known(found, column) for column in needed))
        return found

    def source_of(self, column: str) -> str:
        """The product's columns of a canonical one, as people read them."""
        return listed(parts_of(self.map.columns[column])) if column in self.map.columns else column

    def refuse_inexact_ids(self) -> None:
        """Raises a Mistake where a number holds ids and cannot: see `keys.refuse_inexact`."""
        held = {
            path: self.at(path)
            for column in self.map.columns
            if self._holds_ids(column)
            for path in self.there(column)
        }
        numbers = {path: value for path, value in held.items() if keys.inexact(value) is not None}
        if numbers:
            found = self.taken.select(**numbers)
            keys.refuse_inexact(self.warehouse, found, list(numbers), self.table)

    def impossible(self, column: str, said: str, hint: str = "") -> Mistake:
        """That the product's column cannot become the canonical one."""
        where = f"or cast it in {self.warehouse.where_to_cast}"
        return Mistake(
            f"Column `{self.source_of(column)}` of table `{self.table}` cannot become "
            f"`{self.to}.{column}`.",
            said,
            f"{hint}, {where}." if hint else f"map another column, leave the rows out, {where}.",
        )

    def root(self, path: str) -> ir.Value | None:
        """The column that a path leads into; None if it is a column itself."""
        column = column_of(self.stored.columns, path)
        return None if column == path else self.taken[column]

    def refuse_absent(self, column: str) -> None:
        """Raises the Mistake of a table that lacks the columns of a canonical one."""
        for path in parts_of(self.map.columns[column]):
            self.at(path)

    @cached_property
    def stored(self) -> ir.Table:
        """The product's table; of several of one shape, what the map names of their rows."""
        table = self.warehouse.table(self.table)
        if not self.others:
            return table
        named = [name for name, _kind in self.shape]
        further = [self.warehouse.table(name).select(named) for name in self.others]
        return united([table.select(named), *further])

    @cached_property
    def shape(self) -> tuple[tuple[str, dt.DataType], ...]:
        """The table's columns that the map names, and their types."""
        schema = self.warehouse.table(self.table).schema()
        roots = {column_of(schema.names, path) for path in self.map.sources}
        return tuple((name, schema[name]) for name in sorted(roots - {""}))

    @cached_property
    def taken(self) -> ir.Table:
        """The rows that `only` and `leave_out` leave."""
        if not self.map.columns:
            needed = [column for column, spec in COLUMNS[self.to].items() if spec.required]
            raise Mistake(
                f"The map of table `{self.table}` to `{self.to}` names no columns.",
                f"The table has: {listed(self.stored.columns)}.",
                f"write `columns:` with {listed(f'`{column}: …`' for column in needed)} at least.",
            )
        kept = []
        for path, values in self.map.only.items():
            kept.append(_has_one_of(self.at(path, self.stored), values))
        for path, values in self.map.leave_out.items():
            value = self.at(path, self.stored)
            kept.append(~_has_one_of(value, values) | value.isnull())
        return self.stored.filter(*kept) if kept else self.stored

    def there(self, column: str) -> list[str]:
        """The product's columns of a canonical one, without those that the table may lack."""
        source, columns = self.map.columns[column], self.stored.columns
        paths = list(parts_of(source))
        found = [path for path in paths if column_of(columns, path)]
        if found and isinstance(source, FirstOf):
            return found
        return found if self.map.is_of_many and not found else paths

    def at(self, path: str, table: ir.Table | None = None) -> ir.Value:
        """What stands at a path of the rows that the map takes."""
        rows = self.taken if table is None else table
        return value_at(rows, path, of=self.table, to=self.to, engine=self.warehouse.engine)

    @cached_property
    def _columns(self) -> dict[str, ir.Value]:
        found = {}
        for column, source in self.map.columns.items():
            if paths := self.there(column):
                found[column] = self._raw(column, source, [self.at(path) for path in paths])
        return found

    def _raw(self, column: str, source: object, parts: Sequence[ir.Value]) -> ir.Value:
        reader = reader_of(self.map, column, self.types[column], is_planned=False)
        if not reader.holds_ids:  # several are one value; of an id, each must be one
            parts = [raw_value(column, source, parts, ids=False)]
        for part in parts:
            if wrong := reader.impossible(part.type()):
                raise self.impossible(column, *wrong)
        return raw_value(column, source, parts, ids=True) if reader.holds_ids else parts[0]

    @property
    def _constants(self) -> dict[str, ir.Value]:
        given = dict(self.map.constants)
        if self.map.from_name:
            given[self.map.from_name] = self.stands_for
        return {
            column: ibis.literal(engine_text(value)).cast(self.types[column])
            for column, value in given.items()
        }

    @property
    def _made_id(self) -> dict[str, ir.Value]:
        if not self.map.id_of:
            return {}
        known = joined_text([self.at(path) for path in self.map.id_of])
        return {"event_id": md5(known, engine=self.warehouse.engine)}

    @property
    def _order(self) -> str:
        return self.map.newest or self.map.oldest

    def _newest(self, wanted: Mapping[str, ir.Value]) -> ir.Table:
        """One row per id: by the column that the map names, and where that is equal, any one, the
        same in every run."""
        rows = self.taken.select(**wanted, order_=self.at(self._order))
        key = next(iter(COLUMNS[self.to]))
        others = joined([rows[c].cast("string").fill_null("") for c in rows.columns])
        by = rows.order_.desc() if self.map.newest else rows.order_
        order = [ibis.ifelse(rows.order_.isnull(), 1, 0), by, others]
        own = ibis.window(group_by=keys.key_of(key, [rows[key]]), order_by=order)
        placed = rows.mutate(place_=ibis.row_number().over(own))
        return placed.filter(placed.place_ == 0).drop("place_", "order_")

    def _is_known(self, rows: ir.Table, column: str) -> ir.BooleanValue:
        if column in self.map.named and column not in rows.columns:
            return ibis.literal(False)  # one of several tables lacks it
        if column not in rows.columns:
            raise Mistake(
                f"`must_have` of table `{self.table}` names `{column}`, which no column of it "
                "gives.",
                f"It gives: {listed(rows.columns)}.",
                nearest(column, rows.columns),
            )
        value = rows[column]
        if self._holds_ids(column):
            value = keys.key_of(column, [value])
        return (value.nullif("") if value.type().is_string() else value).notnull()

    def _holds_ids(self, column: str) -> bool:
        return keys.is_id(column) and ibis.dtype(self.types[column]).is_string()


def alike(parts: Sequence[Part]) -> list[Part]:
    """The same rows in fewer parts: tables of a map whose columns are the same are read as one.

    A year of a table a day is 365 tables: what is read of them would be said 365 times in every
    statement. Where each table counts for itself (`newest`, `from_name`) it stays alone.
    """
    groups: dict[tuple, list[Part]] = {}
    for part in parts:
        own = part.map
        alone = part.table if own.from_name or own.newest or own.oldest else ""
        groups.setdefault((id(own), alone, part.shape), []).append(part)
    return [
        replace(first, others=tuple(other.table for other in others))
        for first, *others in groups.values()
    ]


def parts_of_map(each: TableMap, warehouse: Warehouse) -> dict[str, str]:
    """The tables of a map → what `*` stands for in each; a Mistake if a pattern has none."""
    names = warehouse.names if each.is_of_many else ()
    left = {name for pattern in each.without for name in matching(names, pattern)}
    found: dict[str, str] = {}
    for pattern in each.table:
        own = {n: part for n, part in matching(names, pattern).items() if n not in left}
        if not own:
            raise Mistake(
                f"No table is called like `{pattern}`.",
                f"The warehouse has: {listed(names)}.",
                nearest(pattern.replace("*", ""), names),
            )
        found |= own
    return found


def _has_one_of(column: ir.Value, values: Sequence[Value]) -> ir.BooleanValue:
    """Whether a column has one of the values; numbers meet numbers, all else meets as text."""
    if column.type().is_numeric() and all(type(value) is int for value in values):
        return column.isin(values)
    return column.cast("string").isin([engine_text(value) for value in values])
