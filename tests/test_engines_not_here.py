"""Warehouses whose drivers are not here: every statement that they would run, read by a parser.

A connection that runs nothing stands for each; it is told what DuckDB is, and writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis
import ibis.expr.operations as ops
import pytest
import sqlglot
from sqlglot import exp

import playbook as pb
from playbook.data import kept_parts
from playbook.data.warehouse import Warehouse
from playbook.results import listings
from tests.every_result import results

DIALECTS = ("bigquery", "databricks", "snowflake", "trino")
LONGEST = 100_000  # characters of a statement
MOST = 110  # queries in a statement: the bounds of one question have 106, all others fewer than 90
SCRATCH = "growth"


@dataclass
class Recorder:
    """A connection that writes down what it would run."""

    name: str
    statements: list[str] = field(default_factory=list)

    def compile(self, table: ibis.Table) -> str:
        return ibis.to_sql(table, dialect=self.name, pretty=False)

    def create_table(self, name: str, made_of: ibis.Table, *, database: str) -> ibis.Table:
        if not isinstance(made_of.op(), ops.InMemoryTable):  # that is loaded, and not said
            self.statements.append(self.compile(made_of))
        return ibis.table(made_of.schema(), name=name, database=database)

    def raw_sql(self, statement: str) -> None:
        self.statements.append(statement)

    def drop_table(self, name: str, **_given) -> None:
        """Nothing was made."""


@pytest.fixture(scope="module")
def asked(small):
    """What a run keeps while it opens, and what all its results read."""
    kept, keep = [], kept_parts.kept

    def told(warehouse, table, name):
        kept.append(table)
        return keep(warehouse, table, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_parts, "kept", told)
        run = pb.open("params/airtouch", str(small))
        opening = list(kept)
        found = results(run)
        measures = {q.measure: q.id for q in run.declared.questions if q.measure != "active"}
        found += [pb.audit.bounds_of(run, id) for id in measures.values()]
    parts = [part for result in found for part in listings.parts(result)]
    read = {part.table.op(): part.id for part in parts}
    return run, opening, read


@pytest.fixture(scope="module", params=DIALECTS)
def recorded(asked, request):
    run, opening, read = asked
    connection = Recorder(request.param)
    warehouse = Warehouse(connection, scratch=SCRATCH)
    warehouse.parts.update(dict.fromkeys(run.warehouse.parts))
    for table in opening:
        warehouse.keep(table, "opening")
    for statement in read:
        connection.statements.append(connection.compile(warehouse.prepared(statement.to_expr())))
    return connection


def test_every_statement_is_one_of_its_dialect(recorded):
    assert len(recorded.statements) > 150
    for text in recorded.statements:
        assert sqlglot.parse_one(text, read=recorded.name)


def test_no_statement_is_long_or_holds_many_others(recorded):
    sizes = {text: len(text) for text in recorded.statements}
    queries = {
        text: len(list(sqlglot.parse_one(text, read=recorded.name).find_all(exp.Select)))
        for text in recorded.statements
    }
    print(recorded.name, len(sizes), max(sizes.values()), sorted(queries.values())[-3:])
    assert max(sizes.values()) <= LONGEST
    assert max(queries.values()) <= MOST
