"""What stands at a place of a product's table: a column, or something inside one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import ibis.expr.types as ir

from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.nested import inside, steps


def value_at(table: ir.Table, path: str, *, of: str, to: str, engine: str) -> ir.Value:
    """The column of that name, else what the path leads to.

    Args:
        table: The product's table.
        path: A column, or a path such as `properties.plan`.
        of: What the table is called.
        to: What it is mapped to.
        engine: The name of the engine.
    """
    if path in table.columns:
        return table[path]
    if not (column := column_of(table.columns, path)):
        raise Mistake(
            f"Table `{of}` has no column `{path}`, which `{to}` is mapped to.",
            f"It has: {listed(table.columns)}.",
            nearest(path, table.columns),
        )
    names = [name for _rest, name in steps(path[len(column) + 1 :])]
    value = table[column]
    for place in range(len(names)):
        if inside(value, names[: place + 1], engine=engine) is None:
            raise _nothing_there(value, column, names[: place + 1], of)
    return inside(value, names, engine=engine)


def column_of(columns: Iterable[str], path: str) -> str:
    """The column that a path begins with, the longest if several do; "" if none does."""
    whole = {path, *(path[: -len(rest) - 1] for rest, _name in steps(path)[1:])}
    return max((column for column in columns if column in whole), key=len, default="")


def matching(names: Iterable[str], pattern: str) -> dict[str, str]:
    """The tables of a pattern → what `*` stands for in each; without a `*`, the whole name.

    A `*` never stands for a dot: `shop.*` is every table of that schema.
    """
    before, star, after = pattern.partition("*")
    if not star:
        return {pattern: pattern.rpartition(".")[2]}
    form = re.compile(f"{re.escape(before)}([^.]+){re.escape(after)}")
    return {name: match[1] for name in names if (match := form.fullmatch(name))}


def _nothing_there(value: ir.Value, column: str, names: Sequence[str], of: str) -> Mistake:
    holder = inside(value, names[:-1], engine="") if names[:-1] else value
    place, kind = ".".join([column, *names[:-1]]), holder.type()
    if kind.is_struct():
        return Mistake(
            f"`{place}` of table `{of}` has no field `{names[-1]}`.",
            f"It has: {listed(kind.names)}.",
            nearest(names[-1], kind.names),
        )
    return Mistake(
        f"`{place}` of table `{of}` holds nothing called `{names[-1]}`.",
        f"It is {kind}.",
        "a path leads into a struct, a map, JSON, a text with JSON, or an array of structs of a "
        "`key` and a `value`.",
    )
