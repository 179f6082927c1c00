"""A map as it is found: what product.yaml says of a table, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playbook import declare
from playbook.data.mapping.places import matching
from playbook.declare import Product

PRIVATE = {"email", "e_mail", "mail", "phone", "ip", "name", "first_name", "last_name", "address"}
PRIVATE |= {"full_name", "username", "password", "ip_address", "user_email", "token", "surname"}


@dataclass(frozen=True)
class Map:
    """A map of product.yaml, and the comments above it.

    Attributes:
        to: The canonical table, or `exports`.
        says: The map's fields.
        notes: A comment each.
        read: The tables that it reads, where it does not name them.
    """

    to: str
    says: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it reads, or patterns of them."""
        if self.read:
            return self.read
        named = self.says["table"]
        return (named,) if isinstance(named, str) else tuple(named)

    def without(self, columns: Iterable[str]) -> Map:
        """The map without some of its columns."""
        gone = {*columns}
        named = self.says.get("columns", {})
        left = {name: of for name, of in named.items() if name not in gone}
        times = {n: form for n, form in self.says.get("times", {}).items() if n not in gone}
        fields = {"columns": left, "times": times}
        says = {f: fields.get(f, own) for f, own in self.says.items() if fields.get(f, own)}
        return replace(self, says=says)


@dataclass(frozen=True)
class Found:
    """What was recognised of a warehouse.

    Attributes:
        source: The vendor whose tables these are; "": nobody's.
        maps: The maps, in their order.
        properties: The columns of `events` that are properties, not yet planned.
        notes: What is said at the head of product.yaml.
    """

    source: str = ""
    maps: tuple[Map, ...] = ()
    properties: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def of(self, table: str) -> tuple[Map, ...]:
        """The maps of a canonical table."""
        return tuple(each for each in self.maps if each.to == table)

    def mapped(self, names: Iterable[str]) -> dict[str, str]:
        """Those tables that are mapped → the canonical table; patterns count."""
        names, found = [*names], {}
        for each in self.maps:
            for pattern in each.tables:
                own = matching(names, pattern) if "*" in pattern else [pattern]
                found |= dict.fromkeys(own, each.to)
        return found

    def adding(self, *maps: Map) -> Found:
        """With further maps."""
        return replace(self, maps=(*self.maps, *maps))

    def product(self, name: str, *, properties: Sequence[str] = ()) -> Product:
        """What product.yaml declares so far, with some of the properties."""
        hidden = {*self.properties} - {*properties}
        tables: dict[str, list[Any]] = {}
        for each in self.maps:
            says = each.without(hidden).says if each.to == "events" else each.says
            tables.setdefault(each.to, []).append(dict(says))
        exports = tables.pop("exports", [])
        said = {"name": name, "tables": tables, "exports": exports} | (
            {"source": self.source} if self.source else {}
        )
        return declare.parse(said, Product, place="product.yaml")
