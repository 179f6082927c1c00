"""What a session keeps of its statements: what several are made of, and what one names twice.

DuckDB and PostgreSQL compute once what a statement names twice. Spark and ClickHouse put it in as
often as it is named: ten steps, each told from the one before it twice, are a thousand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING
from uuid import uuid4

import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.expr.operations import Relation

from playbook.data import scratch
from playbook.language.dialects import with_booleans

if TYPE_CHECKING:
    from playbook.data.warehouse import Warehouse

ONCE = {"duckdb", "postgres"}  # compute what a statement names twice; others put it in
# What PostgreSQL says to a user without the right, in a session that only reads, and on a replica.
REFUSED = ("permission denied to create temporary", "read-only transaction", "during recovery")
DEAR = 2  # of these, at least, is a part made that is worth keeping
COMPUTED = (ops.Aggregate, ops.Distinct, ops.JoinChain, ops.Set, ops.Sort)


def prepared(warehouse: Warehouse, table: ir.Table) -> ir.Table:
    """The table, whose parts are read from what the session keeps of them."""
    statement = table.op()
    _mark(warehouse, statement)
    found = statement.replace(_kept_parts(warehouse, [statement])).to_expr()
    return with_booleans(found) if warehouse.engine == "clickhouse" else found


def kept(warehouse: Warehouse, table: ir.Table, name: str) -> ir.Table:
    """The table, computed once, under a name of the session's; as it is where that is refused."""
    whole, connection = table.op(), warehouse.connection
    _mark(warehouse, whole)
    of_parts = whole.replace(_kept_parts(warehouse, whole.__children__)).to_expr()
    if warehouse.scratch:
        stored = scratch.stored(connection, of_parts, warehouse.scratch)
        _analyse(connection, stored.op())
        return stored.op().copy(schema=table.schema()).to_expr()
    if warehouse.engine in ONCE:
        stored = _keep(connection, of_parts, name)
        return table if stored is None else stored
    # A table may be made of one of the same name: neither engine replaces one by the other.
    name = "_".join([*re.findall(r"\w+", name), uuid4().hex])
    keep = _keep_on_spark if warehouse.engine == "pyspark" else _keep_on_clickhouse
    keep(connection, of_parts, name)
    # With the types that the statement has: these engines' times have no scale, or another.
    return connection.table(name).op().copy(schema=table.schema()).to_expr()


def named_twice(statement: Relation, kept: Container[Relation] = ()) -> list[Relation]:
    """What a statement names twice and is dear to compute, and the tables that it brings along.

    What such a part is made of comes before it.

    Args:
        statement: The relation that is computed.
        kept: Relations that are parts already.
    """
    below = _made_of(statement, kept)
    named = Counter(part for parts in below.values() for part in parts)
    cost: dict[Relation, int] = {}
    found = []
    for node, parts in below.items():
        cost[node] = _is_computed(node) + sum(cost[part] for part in parts)
        if node is not statement and (node in kept or _is_part(node, named[node], cost[node])):
            found.append(node)
            cost[node] = 0
    return [node for node in found if node not in kept]


def _mark(warehouse: Warehouse, statement: Relation) -> None:
    if warehouse.keeps and warehouse.engine not in ONCE:
        warehouse.parts.update(dict.fromkeys(named_twice(statement, warehouse.parts)))


def _kept_parts(warehouse: Warehouse, nodes: Iterable[Relation]) -> dict[Relation, Relation]:
    """The outermost parts among expressions and what they are made of, as kept."""
    found, seen, waiting = {}, set(), list(nodes)
    while waiting:
        node = waiting.pop()
        if node in warehouse.parts:
            found[node] = warehouse.parts[node] or _computed(warehouse, node)
        elif node not in seen:
            seen.add(node)
            waiting += node.__children__
    return found


def _computed(warehouse: Warehouse, part: Relation) -> Relation:
    # Several runs may share a connection: none may take another's part for its own.
    stored = warehouse.keep(part.to_expr(), f"part_{uuid4().hex}").op()
    # The types that the statement has: what keeps it may be wider.
    warehouse.parts[part] = stored.copy(schema=part.schema) if stored != part else stored
    return warehouse.parts[part]


def _keep(connection: BaseBackend, table: ir.Table, name: str) -> ir.Table | None:
    """As a temporary table; None where that is refused.

    PostgreSQL plans the cleaning of events as if it left next to no rows, and then loops
    over all of them: a session's own table, with statistics, is some hundred times faster.
    """
    try:
        stored = connection.create_table(name, table, temp=True, overwrite=True)
    except Exception as error:
        if not any(said in str(error) for said in REFUSED):
            raise
        connection.raw_sql("SET enable_nestloop = off")  # without statistics, nothing is worse
        return None
    _analyse(connection, stored.op())
    return stored


def _analyse(connection: BaseBackend, table: Relation) -> None:
    """Tells PostgreSQL how many rows there are: of new tables it does not know."""
    if connection.name == "postgres":
        names = filter(None, (table.namespace.database, table.name))
        connection.raw_sql(
            "ANALYZE " + ".".join('"{}"'.format(n.replace('"', '""')) for n in names)
        )


def _keep_on_spark(connection: BaseBackend, table: ir.Table, name: str) -> None:
    """As a checkpoint: a cached table keeps its plan, which grows with each that is made of it.

    Its rows are in the executors' memory, or on their disks: nothing is left in a catalog, and
    nobody needs a right to write there.
    """
    for brought in table.op().find(ops.InMemoryTable):  # Ibis's own way would lose nulls
        data = brought.data.to_pyarrow(brought.schema)
        connection._session.createDataFrame(data).createOrReplaceTempView(brought.name)
    rows = connection.raw_sql(connection.compile(table))
    stored = rows.localCheckpoint(eager=True)
    if stored.sparkSession is not connection._session:  # of several, Connect takes the first
        stored = type(stored)(stored._plan, connection._session)
    stored.createOrReplaceTempView(name)


def _keep_on_clickhouse(connection: BaseBackend, table: ir.Table, name: str) -> None:
    """As a temporary table of the session's; Ibis's own way would cut its times to the second."""
    connection.raw_sql(
        f"CREATE TEMPORARY TABLE {name} ENGINE = Memory AS {connection.compile(table)}",
        external_tables=connection._collect_in_memory_tables(table),
    )


def _made_of(statement: Relation, kept: Container[Relation]) -> dict[Relation, list[Relation]]:
    """Each relation → those that it reads, which stand before it; of kept ones nothing is read."""
    found: dict[Relation, list[Relation]] = {}
    waiting = [(statement, None)]
    while waiting:
        node, read = waiting.pop()
        if read is not None:
            found[node] = read
        elif node not in found:
            read = [] if node in kept and node is not statement else _read_by(node)
            waiting += [(node, read), *((part, None) for part in read)]
    return found


def _read_by(node: Relation) -> list[Relation]:
    found, seen, waiting = [], {node}, list(node.__children__)
    while waiting:
        child = waiting.pop()
        if child not in seen:
            seen.add(child)
            if isinstance(child, Relation):
                found.append(child)
            else:
                waiting += child.__children__
    return found


def _is_part(node: Relation, named: int, cost: int) -> bool:
    if isinstance(node, ops.InMemoryTable):  # it is sent with each statement that reads it
        return True
    return named > 1 and cost >= DEAR and not isinstance(node, ops.Reference)


def _is_computed(node: Relation) -> bool:
    """Whether a relation is more than columns and rows of another as they are."""
    values = node.values.values() if isinstance(node, ops.Project) else ()
    return isinstance(node, COMPUTED) or any(
        value.find(ops.WindowFunction, filter=ops.Value) for value in values
    )
