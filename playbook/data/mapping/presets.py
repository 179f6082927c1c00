"""What a vendor's tables have everywhere: declarations that complete a product's maps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir

from playbook.data.mapping.parts import parts_of_map
from playbook.data.mapping.places import column_of
from playbook.data.tables import COLUMNS
from playbook.data.warehouse import Warehouse
from playbook.declare import TableMap, read_one
from playbook.declare.mapping import FirstOf, parts_of
from playbook.declare.preset import Preset
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.nested import inside, steps

if TYPE_CHECKING:
    from playbook.data.mapping import Mapped

PRESETS = Path(__file__).parents[1] / "sources"
NATIVE = "native"  # a product's own tables, all of whose columns product.yaml maps
ROWS = ("only", "leave_out", "must_have", "newest", "oldest")  # which rows a map takes


@dataclass(frozen=True)
class Source:
    """What a vendor's tables have everywhere; nothing, of a product's own tables.

    Attributes:
        name: The vendor, as people call it.
        tables: Canonical table → maps: see `Preset`.
        own: Begin the columns that a company's own plan fills: no others are a gap in it.
        theirs: Begin columns that the vendor fills.
    """

    name: str = ""
    tables: Mapping[str, Sequence[TableMap]] = field(default_factory=dict)
    own: tuple[str, ...] = ("",)
    theirs: tuple[str, ...] = ()

    def mapped(
        self,
        name: str,
        maps: Sequence[TableMap],
        warehouse: Warehouse,
        types: Mapping[str, str],
        properties: Collection[str],
    ) -> Mapped:
        """A canonical table as a product maps it."""
        from playbook.data.mapping import Mapped  # which reads sources

        whole = [self.completed(name, each, warehouse) for each in maps]
        return Mapped(name, whole, warehouse, types, properties)

    def completed(self, name: str, each: TableMap, warehouse: Warehouse) -> TableMap:
        """A map with what the preset says of its table, and the map does not say itself."""
        preset = self._preset_of(name, each)
        if preset is None:
            return each
        there = _columns(each, warehouse)
        each = _spelt_as_there(each, there)
        columns = dict(self._missing(name, each, preset, there))
        given: dict[str, Any] = {"columns": {**each.columns, **columns}}
        taken = {*each.named, *columns}
        others = {c: value for c, value in preset.constants.items() if c not in taken}
        given["constants"] = {**each.constants, **others}
        for own in ("values", "times"):
            own_of = {c: v for c, v in getattr(preset, own).items() if c in columns}
            given[own] = {**own_of, **getattr(each, own)}
        given["times"] = {
            c: v for c, v in given["times"].items() if c not in _timed(columns, there)
        }
        for which in ROWS:
            if not getattr(each, which):
                given[which] = getattr(preset, which)
        if not each.leave_out:  # who lacks the column has nothing to leave out
            left_out = {_spelt(path, there): own for path, own in preset.leave_out.items()}
            given["leave_out"] = {path: own for path, own in left_out.items() if path}
        if "event_id" not in taken:
            given["id_of"] = tuple(filter(None, (_spelt(path, there) for path in preset.id_of)))
        if preset.from_name and preset.from_name not in {*taken, *others}:
            given["from_name"] = preset.from_name
        return each.model_copy(update=given)

    def unmapped(self, maps: Sequence[TableMap], warehouse: Warehouse) -> list[str]:
        """Each column of the mapped tables that no map names, as "table.column", if it is own."""
        names: dict[str, set[str]] = {}
        for each in maps:
            for table in parts_of_map(each, warehouse):
                names.setdefault(table, set()).update(each.sources)
        there = {table: warehouse.table(table).columns for table in names}
        known = {t: {column_of(there[t], path) for path in paths} for t, paths in names.items()}
        return [
            f"{table}.{column}"
            for table, columns in there.items()
            for column in columns
            if column not in known[table]
            and column.lower().startswith(self.own)
            and not column.lower().startswith(self.theirs)
        ]

    def _preset_of(self, name: str, each: TableMap) -> TableMap | None:
        last = each.called.rpartition(".")[2].lower()
        own = {preset.called.lower(): preset for preset in self.tables.get(name, ())}
        return own.get(last, own.get("*"))

    def _missing(
        self, name: str, each: TableMap, preset: TableMap, there: Mapping[str, ir.Value]
    ) -> Iterator[tuple[str, str | tuple[str, ...] | FirstOf]]:
        """The preset's columns that a map does not name and its table has."""
        for canonical, source in preset.columns.items():
            found = [spelt for path in parts_of(source) if (spelt := _spelt(path, there))]
            if canonical in each.named:
                continue
            if isinstance(source, FirstOf) and len(found) > 1:
                yield canonical, FirstOf(first_of=tuple(found))
            elif isinstance(source, tuple) and len(found) == len(source):
                yield canonical, tuple(found)
            elif found and not isinstance(source, tuple):
                yield canonical, found[0]
            elif COLUMNS[name][canonical].required:
                raise Mistake(
                    f"Table `{each.called}` has no column `{parts_of(source)[0]}`, which "
                    f"{self.name}'s {name} have.",
                    f"It has: {listed(column.get_name() for column in there.values())}.",
                    f"name {self.name}'s own table, or write `columns: {{{canonical}: …}}`.",
                )


def source_of(name: str) -> Source:
    """The source that product.yaml names: a file of the package, or a product's own tables."""
    names = [NATIVE, *sorted(path.stem for path in PRESETS.glob("*.yaml"))]
    if name not in names:
        raise Mistake(
            f"product.yaml names the source `{name}`, which the playbook does not have.",
            f"It has: {listed(names)}.",
            nearest(name, names),
        )
    if name == NATIVE:
        return Source()
    found = read_one(PRESETS / f"{name}.yaml", Preset)
    return Source(found.name, found.tables, found.own, found.theirs)


def _columns(each: TableMap, warehouse: Warehouse) -> dict[str, ir.Value]:
    """The columns of a map's tables, by their names in lower case: some engines spell all in
    capitals."""
    tables = [warehouse.table(name) for name in parts_of_map(each, warehouse)]
    return {c.lower(): table[c] for table in reversed(tables) for c in table.columns}


def _spelt(path: str, there: Mapping[str, ir.Value]) -> str:
    """A path as the table spells its column; "" if nothing can stand there."""
    column = column_of(there, path.lower() if path.lower() in there else path)
    if not column:
        return ""
    rest = path[len(column) + 1 :]
    if inside(there[column], [name for _rest, name in steps(rest)], engine="") is None:
        return ""
    return there[column].get_name() + path[len(column) :]


def _spelt_as_there(each: TableMap, there: Mapping[str, ir.Value]) -> TableMap:
    """A product's map with the vendor's columns spelt as its tables do."""

    def spelt(source: Any) -> Any:
        if isinstance(source, FirstOf):
            return FirstOf(first_of=spelt(source.first_of))
        if isinstance(source, tuple):
            return tuple(map(spelt, source))
        return _spelt(source, there) or source

    given: dict[str, Any] = {"columns": {c: spelt(own) for c, own in each.columns.items()}}
    for rows in ("only", "leave_out"):
        given[rows] = {spelt(path): values for path, values in getattr(each, rows).items()}
    for order in ("newest", "oldest"):
        given[order] = getattr(each, order) and spelt(getattr(each, order))
    return each.model_copy(update=given)


def _timed(columns: Mapping[str, object], there: Mapping[str, ir.Value]) -> set[str]:
    """The canonical columns whose source is a time already, and no number or text."""
    kinds = {value.get_name(): value.type() for value in there.values()}
    return {
        c
        for c, source in columns.items()
        if str(source) in kinds
        and (kinds[str(source)].is_timestamp() or kinds[str(source)].is_date())
    }
