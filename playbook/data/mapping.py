"""How a product's tables become canonical ones: by the names of columns in product.yaml."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from playbook.data import keys
from playbook.data.rules import MISFIT, fitted_value
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse, first_line
from playbook.declare import TableMap
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.portable import count_if, joined, when

Value = str | int | bool


@dataclass(frozen=True)
class Source:
    """What a vendor's tables of events have everywhere, so that no product has to map it.

    Attributes:
        name: The vendor, as people call it.
        preset: Canonical column → the vendor's columns, of which the first that is there counts.
        own: Begin the columns that a company's own plan fills: no others are a gap in it.
    """

    name: str = ""
    preset: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own: tuple[str, ...] = ("",)

    def mapped(
        self,
        name: str,
        maps: Sequence[TableMap],
        warehouse: Warehouse,
        types: Mapping[str, str],
        properties: Collection[str],
    ) -> Mapped:
        """A canonical table as a product maps it."""
        if name == "events" and self.preset:
            maps = [self._completed(each, warehouse) for each in maps]
        return Mapped(name, maps, warehouse, types, properties)

    def _completed(self, each: TableMap, warehouse: Warehouse) -> TableMap:
        """A map of events with the preset's columns that it does not name and the table has."""
        # Some engines spell every name in capitals.
        there = {column.lower(): column for column in warehouse.table(each.table).columns}
        columns = dict(each.columns)
        for canonical, candidates in self.preset.items():
            found = [there[column] for column in candidates if column in there]
            if canonical in {*columns, *each.constants}:
                continue
            if found:
                columns[canonical] = found[0]
            elif COLUMNS["events"][canonical].required:
                raise Mistake(
                    f"Table `{each.table}` has no column `{candidates[0]}`, which {self.name}'s "
                    "events have.",
                    f"It has: {listed(there.values())}.",
                    f"name {self.name}'s own table, or write `columns: {{{canonical}: …}}`.",
                )
        return each.model_copy(update={"columns": columns})

    def unmapped(self, maps: Sequence[TableMap], warehouse: Warehouse) -> list[str]:
        """Each column of the mapped tables that no map names, as "table.column", if it is own."""
        names: dict[str, set[str]] = {}
        for each in maps:
            names.setdefault(each.table, set()).update(_sources_of(each), each.only, each.leave_out)
        return [
            f"{table}.{column}"
            for table, known in names.items()
            for column in warehouse.table(table).columns
            if column not in known and column.lower().startswith(self.own)
        ]


@dataclass(frozen=True)
class Mapped:
    """One canonical table as the product's tables are mapped to it.

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
        prefixes = self._prefixes()
        parts = [self._part(each, prefixes, place) for place, each in enumerate(self.maps)]
        columns = list(dict.fromkeys(column for part in parts for column in part.columns))
        absent = {
            c: ibis.null(self.types[c]) if c in self.types else ibis.literal(False) for c in columns
        }
        aligned = [
            part.select(**{c: part[c] if c in part.columns else absent[c] for c in columns})
            for part in parts
        ]
        return aligned[0] if len(aligned) == 1 else ibis.union(*aligned, distinct=False)

    def misfits(self) -> dict[str, str]:
        """The columns of `rows` beside the mapped ones: `<property>_misfit` → its type.

        There is one for each property that is planned as a number, a boolean or a time and
        arrives as text, or as a number with a fraction where it is planned whole. It is never
        null.
        """
        return {
            canonical + MISFIT: "boolean"
            for each in self.maps
            for canonical, _source, _value, fits in self._values(each, self._taken(each))
            if fits is not None
        }

    def said_nobody(self) -> list[ir.Table]:
        """The ids that say nobody, as they arrive: `column`, `text` and `rows` of each."""
        found = []
        for each in self.maps:
            table = self._taken(each)
            for name in keys.WHOSE & set(each.columns):
                for part in _listed(each.columns[name]):
                    if table[part].type().is_string():
                        own = table.filter(table[part].isin(keys.SAID)).group_by(text=part)
                        counted = own.aggregate(rows=ibis._.count())
                        found.append(counted.mutate(column=ibis.literal(name)))
        return found

    def refuse_inexact_ids(self) -> None:
        """Raises a Mistake where a number holds ids and cannot: see `keys.refuse_inexact`."""
        for each in self.maps:
            held = [each.columns[name] for name in each.columns if self._holds_ids(name)]
            columns = dict.fromkeys(column for source in held for column in _listed(source))
            keys.refuse_inexact(self.warehouse, self._taken(each), list(columns), each.table)

    def uncast(self) -> Mistake | None:
        """The first column that the engine cannot cast, as a mistake; asked after a failure."""
        for each in self.maps:
            table = self._taken(each)
            for canonical, source, value, _fits in self._values(each, table):
                tried = self._cast(value, canonical, strict=False)
                if said := unread(table, value, tried, self.warehouse):
                    return self._impossible(each, canonical, source, said)
        return None

    def _prefixes(self) -> list[str]:
        """What begins the event ids of each map; nothing those of the first."""
        found = [""]
        for each in self.maps[1:]:
            again, name = 1, each.table.replace(":", "\\:")
            while (prefix := f"{name}.{again}:" if again > 1 else f"{name}:") in found:
                again += 1
            found.append(prefix)
        return found

    def _part(self, each: TableMap, prefixes: Sequence[str], place: int) -> ir.Table:
        table = self._taken(each)
        wanted = {}
        for canonical, source, value, fits in self._values(each, table):
            self._check_cast(each, canonical, source, table)
            wanted[canonical] = self._cast(value, canonical)
            if fits is not None:
                wanted[canonical + MISFIT] = ~fits
            if prefixes[1:] and self.name == "events" and canonical == "event_id":
                wanted[canonical] = _prefixed(wanted[canonical].nullif(""), prefixes, place)
        for canonical, value in each.constants.items():
            wanted[canonical] = self._cast(ibis.literal(_engine_text(value)), canonical)
        return table.select(**wanted)

    def _taken(self, each: TableMap) -> ir.Table:
        """The rows of the product's table that the map takes."""
        table = self.warehouse.table(each.table)
        if not each.columns:
            needed = [column for column, spec in COLUMNS[self.name].items() if spec.required]
            raise Mistake(
                f"The map of table `{each.table}` to `{self.name}` names no columns.",
                f"The table has: {listed(table.columns)}.",
                f"write `columns:` with {listed(f'`{column}: …`' for column in needed)} at least.",
            )
        for column in (*_sources_of(each), *each.only, *each.leave_out):
            if column not in table.columns:
                raise Mistake(
                    f"Table `{each.table}` has no column `{column}`, which `{self.name}` is "
                    "mapped to.",
                    f"It has: {listed(table.columns)}.",
                    nearest(column, table.columns),
                )
        for column, values in each.only.items():
            table = table.filter(_has_one_of(table[column], values))
        for column, values in each.leave_out.items():
            table = table.filter(~_has_one_of(table[column], values) | table[column].isnull())
        return table

    def _values(
        self, each: TableMap, table: ir.Table
    ) -> Iterator[tuple[str, str | Sequence[str], ir.Value, ir.BooleanValue | None]]:
        """Per mapped column: its canonical name, its source, its value, and whether that fits.

        The last is None where a value must fit: all but planned properties.
        """
        for canonical, source in each.columns.items():
            value = self._joined_columns(table, canonical, source)
            if canonical in each.values:
                renames = {_engine_text(old): new for old, new in each.values[canonical].items()}
                value = value.cast("string").substitute(renames)
                value = keys.known(value) if canonical in keys.WHOSE else value
            planned = self.name == "events" and canonical in self.properties
            if planned and canonical not in COLUMNS[self.name]:
                yield canonical, source, *fitted_value(value, ibis.dtype(self.types[canonical]))
            else:
                yield canonical, source, value, None

    def _joined_columns(
        self, table: ir.Table, canonical: str, source: str | Sequence[str]
    ) -> ir.Value:
        """The product's column, or the text of several: null where all are, an id where any is."""
        parts = [table[column] for column in _listed(source)]
        if self._holds_ids(canonical):
            return keys.key_of(canonical, parts)
        if isinstance(source, str):
            return parts[0]
        texts = joined([part.cast("string").fill_null("") for part in parts])
        return texts.nullif(":" * (len(parts) - 1))

    def _holds_ids(self, canonical: str) -> bool:
        return keys.is_id(canonical) and ibis.dtype(self.types[canonical]).is_string()

    def _check_cast(
        self, each: TableMap, canonical: str, source: str | Sequence[str], table: ir.Table
    ) -> None:
        kinds = [table[column].type() for column in _listed(source)]
        kind = kinds[0] if isinstance(source, str) else ibis.dtype("string")
        wanted = ibis.dtype(self.types[canonical])
        if wanted.is_timestamp():
            possible = kind.is_timestamp() or kind.is_date() or kind.is_string()
        elif wanted.is_boolean():
            possible = kind.is_boolean() or kind.is_string() or kind.is_integer()
        else:
            possible = not (kind.is_nested() or kind.is_binary()) and (
                wanted.is_string() or not kind.is_temporal()
            )
        if not possible:
            said = f"It is {kind}, and must be {wanted}."
            raise self._impossible(each, canonical, source, said)

    def _impossible(
        self, each: TableMap, canonical: str, source: str | Sequence[str], said: str
    ) -> Mistake:
        column = source if isinstance(source, str) else ", ".join(source)
        return Mistake(
            f"Column `{column}` of table `{each.table}` cannot become `{self.name}.{canonical}`.",
            said,
            "map another column, leave the rows out, or cast it in "
            f"{self.warehouse.where_to_cast}.",
        )

    def _cast(self, value: ir.Value, canonical: str, *, strict: bool = True) -> ir.Value:
        """A value in its canonical type; where not `strict`, null instead of a failure."""
        kind, wanted = value.type(), ibis.dtype(self.types[canonical])
        if kind.is_string() and not wanted.is_string():
            value = value.nullif("")  # of a text, `conform` sees to it
        steps = [wanted]
        if wanted.is_timestamp() and (kind.is_string() or (kind.is_timestamp() and kind.timezone)):
            # A text may name its zone: a direct cast would drop it without a word.
            steps = [ibis.dtype("timestamp('UTC')"), wanted]
        for step in steps:
            value = value.cast(step) if strict else value.try_cast(step)
        return value


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


def _sources_of(each: TableMap) -> list[str]:
    """The product's columns that a map names."""
    return [column for source in each.columns.values() for column in _listed(source)]


def _listed(source: str | Sequence[str]) -> Sequence[str]:
    """The product's columns that one canonical column is made of."""
    return [source] if isinstance(source, str) else source


def _prefixed(ids: ir.StringValue, prefixes: Sequence[str], place: int) -> ir.StringValue:
    """The event ids of the map at a place, which those of no other map read like."""
    if place:
        return ibis.literal(prefixes[place]) + ids
    taken = ibis.or_(*(ids.startswith(prefix) for prefix in (":", *prefixes[1:])))
    return ibis.ifelse(taken, ibis.literal(":") + ids, ids)


def _has_one_of(column: ir.Value, values: Sequence[Value]) -> ir.BooleanValue:
    """Whether a column has one of the values; numbers meet numbers, all else meets as text."""
    if column.type().is_numeric() and all(type(value) is int for value in values):
        return column.isin(values)
    return column.cast("string").isin([_engine_text(value) for value in values])


def _engine_text(value: Value) -> str:
    """A YAML value as engines write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _readable(warehouse: Warehouse, value: ir.Value) -> bool:
    """Whether the engine reads the column as it is: else the column is not to blame."""
    try:
        warehouse.connection.to_pyarrow(value.count())
    except Exception:
        return False
    return True
