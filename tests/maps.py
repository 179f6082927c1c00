"""Products of a few maps, written as YAML, for tests of how tables become canonical."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import yaml

from playbook import declare
from playbook.data import sources
from playbook.data.tables import Tables
from playbook.data.warehouse import Warehouse
from playbook.declare import DataPoint, Declarations, Product
from tests.spec import rows


def declared(plan: str = "", *, more: str = "", **maps: str) -> Declarations:
    """A product of these maps, each a list in YAML, and of `more` fields."""
    tables = {name: yaml.safe_load(dedent(text)) for name, text in maps.items()}
    product = {"name": "Small", "tables": tables} | (yaml.safe_load(dedent(more)) or {})
    points = yaml.safe_load(dedent(plan)) or []
    return Declarations(
        product=declare.parse(product, Product, place="product.yaml"),
        plan=tuple(declare.parse(point, DataPoint, place="plan") for point in points),
        questions=(),
        plays=(),
        experiments=(),
    )


def events(tables: Tables, warehouse: Warehouse, *columns: str) -> list[dict[str, Any]]:
    """These columns of each event once."""
    return rows(tables.events.select(*columns), warehouse.connection)


def loaded(warehouse: Warehouse, *columns: str, **declares: str) -> list[dict[str, Any]]:
    """These columns of the events that a product of these maps has."""
    return events(sources.tables_of(declared(**declares), warehouse), warehouse, *columns)
