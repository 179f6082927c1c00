"""Types of columns in several files of one table, and the one that holds them all without loss."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

FILE = "playbook file"  # DuckDB's name of the file that a row comes from, unlike any column's
UNKNOWN = '"NULL"'  # the type of a column that is null throughout, as pandas and Arrow write it
# What holds a smaller one without loss.
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
UNSIGNED = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT"}
UNSIGNED |= {"UBIGINT": "HUGEINT"}
ALIKE = {
    frozenset({"FLOAT", "DOUBLE"}): "DOUBLE",
    frozenset({"TIMESTAMP", "TIMESTAMP_NS"}): "TIMESTAMP",  # to the microsecond, as all times are
    frozenset({"VARCHAR", "BLOB"}): "VARCHAR",
}


class Column(NamedTuple):
    """A column of one file: its name, DuckDB's type of it, and the SQL that reads it."""

    name: str
    kind: str
    value: str


Columns = Mapping[str, Column]  # by the name in small letters: DuckDB does not tell them apart


class Described(NamedTuple):
    """What a file holds, and how DuckDB reads it: a function, and what it is told."""

    function: str
    options: str
    columns: Columns


def common_type(kinds: Collection[str]) -> str | None:
    """The type that holds every value of some types as it is; none if there is none."""
    known = {kind for kind in kinds if kind != UNKNOWN} or {"VARCHAR"}
    if len(known) == 1:
        (only,) = known
        return "VARCHAR" if only == "BLOB" else only
    if alike := ALIKE.get(frozenset(known)):
        return alike
    whole = {UNSIGNED.get(kind, kind) for kind in known}
    if whole <= set(INTEGERS):
        return max(whole, key=INTEGERS.index)
    decimals = [re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind) for kind in known]
    if all(decimals):
        sizes = [(int(found[1]), int(found[2])) for found in decimals]
        scale = max(s for _digits, s in sizes)
        digits = scale + max(d - s for d, s in sizes)
        return f"DECIMAL({digits},{scale})" if digits <= 38 else None
    return None


def is_nested(kind: str) -> bool:
    """Whether values of a type have values inside."""
    return kind.endswith("]") or ("(" in kind and not kind.startswith("DECIMAL("))


def files_in_sql(files: Iterable[str]) -> str:
    """Files as DuckDB's SQL names them: each letter of a pattern stands for itself."""
    names = (re.sub(r"([\[*?])", r"[\1]", file) for file in files)
    return f"[{', '.join(map(text_in_sql, names))}]"


def name_in_sql(name: str) -> str:
    """A name as SQL writes it, whatever letters it has."""
    return '"' + name.replace('"', '""') + '"'


def text_in_sql(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
