"""What a session keeps of a statement, and what it should: engines compute twice what is named so.

DuckDB and PostgreSQL compute once what a statement names twice. Spark and ClickHouse put it in as
often as it is named: a statement of ten steps, each made of the one before it twice, is a thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator

import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.expr.operations import Relation

WORTH = 2  # of what is computed twice: less is as soon computed as kept
COMPUTED = (ops.JoinChain, ops.Aggregate, ops.Set, ops.Distinct, ops.Sort)


def named_twice(statement: Relation, kept: Container[Relation]) -> list[Relation]:
    """The relations that several others of a statement are made of, where that would be dear.

    What they are made of comes before them.

    Args:
        statement: The relation that is fetched.
        kept: Relations that are kept already, and cost nothing more.
    """
    below, order = _made_of(statement, kept)
    named: dict[Relation, int] = defaultdict(int)
    for parts in below.values():
        for part in parts:
            named[part] += 1
    weight: dict[Relation, int] = {}
    found = []
    for node in order:
        weight[node] = _own_weight(node) + sum(weight[part] for part in below[node])
        if node in kept and node is not statement:
            weight[node] = 0
        elif node is not statement and _is_part(node, named[node], weight[node]):
            found.append(node)
            weight[node] = 0
    return found


def kept(connection: BaseBackend, table: ir.Table, name: str) -> ir.Table:
    """The table, computed once, under a name of the session's; as it is where that is refused.

    PostgreSQL plans the cleaning of events as if it left next to no rows, and then loops
    over all of them: a session's own table, with statistics, is some hundred times faster.
    """
    match connection.name:
        case "pyspark":
            _keep_on_spark(connection, table, name)
        case "clickhouse":
            _keep_on_clickhouse(connection, table, name)
        case _:
            try:
                stored = connection.create_table(name, table, temp=True, overwrite=True)
            except Exception as error:
                if "permission denied to create temporary" in str(error):
                    return table
                raise
            if connection.name == "postgres":
                connection.raw_sql("ANALYZE " + quoted(name, '"'))
            return stored
    # With the types that the statement has: these engines' times have no scale, or another.
    return connection.table(name).op().copy(schema=table.schema()).to_expr()


def _keep_on_spark(connection: BaseBackend, table: ir.Table, name: str) -> None:
    """As a checkpoint: a cached table would keep its plan, which grows with each made of it.

    Its rows are in the memory of the executors, or on their disks, and nowhere else: nothing is
    left in a catalog, and no right to write there is needed.
    """
    connection._run_pre_execute_hooks(table)
    rows = connection.raw_sql(connection.compile(table))
    rows.localCheckpoint(eager=True).createOrReplaceTempView(name)


def _keep_on_clickhouse(connection: BaseBackend, table: ir.Table, name: str) -> None:
    """As a temporary table of the session's; Ibis's own way would cut times to the second."""
    connection.raw_sql(f"DROP TEMPORARY TABLE IF EXISTS {quoted(name, '`')}")
    connection.raw_sql(
        f"CREATE TEMPORARY TABLE {quoted(name, '`')} ENGINE = Memory AS {connection.compile(table)}",
        external_tables=connection._collect_in_memory_tables(table),
    )


def quoted(name: str, mark: str) -> str:
    """A name as a statement writes it."""
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def _made_of(
    statement: Relation, kept: Container[Relation]
) -> tuple[dict[Relation, list[Relation]], list[Relation]]:
    """Each relation → those that it reads, and all of them in the order of their making."""
    below: dict[Relation, list[Relation]] = {}
    order: list[Relation] = []
    waiting = [(statement, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order.append(node)
        elif node not in below:
            is_kept = node in kept and node is not statement
            below[node] = [] if is_kept else list(_read_by(node))
            waiting.append((node, True))
            waiting += [(part, False) for part in below[node]]
    return below, order


def _read_by(node: Relation) -> Iterator[Relation]:
    seen, waiting = {node}, list(node.__children__)
    while waiting:
        child = waiting.pop()
        if child in seen:
            continue
        seen.add(child)
        if isinstance(child, Relation):
            yield child
        else:
            waiting += child.__children__


def _is_part(node: Relation, named: int, weight: int) -> bool:
    if isinstance(node, ops.InMemoryTable):  # sent with every statement that names it
        return True
    return named > 1 and weight >= WORTH and not isinstance(node, ops.Reference)


def _own_weight(node: Relation) -> int:
    if isinstance(node, COMPUTED):
        return 1
    values = node.values.values() if isinstance(node, ops.Project) else ()
    return int(any(value.find(ops.WindowFunction, filter=ops.Value) for value in values))
