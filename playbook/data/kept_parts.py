"""What a statement names twice: engines that inline what is named compute it as often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator

import ibis.expr.operations as ops
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
        elif node is not statement and named[node] > 1 and weight[node] >= WORTH and not isinstance(node, ops.Reference):
            found.append(node)
            weight[node] = 0
    return found


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


def _own_weight(node: Relation) -> int:
    if isinstance(node, COMPUTED):
        return 1
    values = node.values.values() if isinstance(node, ops.Project) else ()
    return int(any(value.find(ops.WindowFunction, filter=ops.Value) for value in values))
