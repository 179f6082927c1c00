"""What files of text hold, CSV or JSON lines: their columns, and the types that lose nothing.

All rows are read when the files are opened, once: a line that is broken, or a value that is no
number after a million that are, must not be lost without a word. A column has a type that all its
values keep their text in, in all files of a table; else it is text. So `007` and whole numbers of
more digits than fit stay text, and ids are text whatever they look like.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ibis.backends import BaseBackend

from playbook.data.column_types import (
    FILE,
    UNKNOWN,
    Column,
    Described,
    files_in_sql,
    name_in_sql,
    text_in_sql,
)
from playbook.language.mistakes import Mistake, listed

DELIMITERS = ",;\t|"
SAMPLE = 10_000  # rows that rule out most types before all rows are looked at
ID = re.compile(r"(?:^|_)(?:id|ID|Id)$|[a-z]I[dD]$")
_MOMENT = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.]\d+)?)?)?"
_ZONE = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d([.]\d+)?)? ?(Z|UTC|[+-]\d\d(:?\d\d)?)"
# A type → whether a text `{c}` is one of its values, written so that nothing is lost.
CHECKS = {
    "BOOLEAN": "lower({c}) in ('true', 'false')",
    "BIGINT": "try_cast({c} as bigint)::varchar = {c}",
    "DOUBLE": r"regexp_full_match({c}, '-?(0|[1-9]\d{{0,14}})([.]\d+)?([eE][+-]?\d+)?')",
    "DATE": "length({c}) = 10 and try_cast({c} as date) is not null",
    "TIMESTAMP": f"regexp_full_match({{c}}, '{_MOMENT.replace('{4}', '{{4}}')}') "
    "and try_cast({c} as timestamp) is not null",
    "TIMESTAMP WITH TIME ZONE": f"regexp_full_match({{c}}, '{_ZONE.replace('{4}', '{{4}}')}') "
    "and try_cast({c} as timestamptz) is not null",
}
NUMBERS, TIMES = ("BIGINT", "DOUBLE"), ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
IN_JSON = dict.fromkeys(("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"), NUMBERS)
IN_JSON |= {"BOOLEAN": ("BOOLEAN",), "VARCHAR": TIMES}  # what such a value may be


def described_csv(connection: BaseBackend, files: Sequence[str]) -> dict[str, Described]:
    """The columns of CSV files with a header, parted by a comma, semicolon, tab or bar.

    Empty fields are null. Fields are quoted with `"`.
    """
    found = {}
    for file in files:
        names, delimiter = _header(file)
        options = (
            f"auto_detect = false, header = true, strict_mode = true, nullstr = '', quote = '\"', "
            f"escape = '\"', delim = {text_in_sql(delimiter)}, columns = {_texts(names)}"
        )
        found[file] = Described("read_csv", options, _columns(names))
    allowed = {key: tuple(CHECKS) for each in found.values() for key in each.columns}
    return _typed(connection, found, allowed, {})


def described_json(connection: BaseBackend, files: Sequence[str]) -> dict[str, Described]:
    """The columns of files with one JSON object a line; what is inside a value stays inside."""
    (said,) = connection.raw_sql(
        f"from read_json_objects({files_in_sql(files)}, format = 'newline_delimited') "
        "select json_group_structure(json)"
    ).fetchone()
    structure = json.loads(said) if said else {}
    if not isinstance(structure, dict) or not structure:
        raise Mistake(
            f"{listed(f'`{file}`' for file in files)} cannot be read as JSON lines.",
            "There is no line, or a line is no object with keys.",
            'write one object a line: {"id": 1, "at": "2026-01-05T09:00:00Z"}.',
        )
    nested = {
        name: _nested_type(name, kind)
        for name, kind in structure.items()
        if not isinstance(kind, str) and kind
    }
    options = "format = 'newline_delimited', auto_detect = false, columns = "
    options += _texts(structure, nested)
    columns = _columns(structure)
    allowed = {n.casefold(): IN_JSON.get(k, ()) if isinstance(k, str) else ()
               for n, k in structure.items()}  # fmt: skip
    found = {file: Described("read_json", options, columns) for file in files}
    return _typed(connection, found, allowed, {n.casefold(): kind for n, kind in nested.items()})


def _header(file: str) -> tuple[list[str], str]:
    """The names of a CSV file's columns, and what parts its fields."""
    opened = gzip.open if file.lower().endswith(".gz") else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as stream:
            line = stream.readline()
            delimiter = max(DELIMITERS, key=re.sub('"[^"]*"', "", line).count)
            names = next(csv.reader(chain([line], stream), delimiter=delimiter), [])
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(file, f"Its first line: {error}") from None
    names = [name.strip() or f"column{place}" for place, name in enumerate(names)]
    twice = {name for name in names if [n.casefold() for n in names].count(name.casefold()) > 1}
    if twice or not line.strip():
        raise _unreadable(file, f"Its header names {listed(sorted(twice))}"
                          f"{' several times' if twice else ': it is empty'}.")  # fmt: skip
    return names, delimiter


def _unreadable(file: str, why: str) -> Mistake:
    return Mistake(
        f"`{file}` cannot be read as CSV.", why, "write it again in UTF-8, each column named once."
    )


def _columns(names: Sequence[str] | Mapping[str, Any]) -> dict[str, Column]:
    return {name.casefold(): Column(name, "VARCHAR", name_in_sql(name)) for name in names}


def _texts(names: Sequence[str] | Mapping[str, Any], other: Mapping[str, str] | None = None) -> str:
    """Columns as DuckDB's readers are told them: texts, unless they have another type."""
    kinds = other or {}
    told = (f"{text_in_sql(n)}: {text_in_sql(kinds.get(n, 'VARCHAR'))}" for n in names)
    return f"{{{', '.join(told)}}}"


def _nested_type(name: str, said: Any) -> str:
    """DuckDB's type of a value in JSON with values inside."""
    if isinstance(said, list) and said:
        return f"{_nested_type(name, said[0])}[]"
    if isinstance(said, dict) and said:
        inner = (f"{name_in_sql(key)} {_nested_type(key, kind)}" for key, kind in said.items())
        return f"STRUCT({', '.join(inner)})"
    is_text = ID.search(name) or said not in IN_JSON
    return "VARCHAR" if is_text else said


def _typed(
    connection: BaseBackend,
    files: Mapping[str, Described],
    allowed: Mapping[str, Sequence[str]],
    nested: Mapping[str, str],
) -> dict[str, Described]:
    """The same files, whose columns have the first allowed type that all their values are of."""
    names = {key: c.name for each in files.values() for key, c in each.columns.items()}
    plain = {key: name for key, name in names.items() if key not in nested}
    alike: dict[Described, list[str]] = {}
    for file, each in files.items():
        alike.setdefault(each._replace(columns=None), []).append(file)
    rows = " union all by name ".join(
        f"from {scan(each, of_scan)} select * exclude ({name_in_sql(FILE)})"
        for each, of_scan in alike.items()
    )
    left = {key: [] if ID.search(name) else allowed[key] for key, name in plain.items()}
    for limit in (f"limit {SAMPLE}", ""):
        left = _holding(connection, f"{rows} {limit}", plain, left)
    kinds = {key: next(iter(of_key), "VARCHAR") for key, of_key in left.items()} | dict(nested)
    return {
        file: each._replace(
            columns={key: _as(c, kinds[key], key in nested) for key, c in each.columns.items()}
        )
        for file, each in files.items()
    }


def _holding(
    connection: BaseBackend,
    rows: str,
    names: Mapping[str, str],
    left: Mapping[str, Sequence[str]],
) -> dict[str, list[str]]:
    """The types that are left for each column after its rows; `UNKNOWN` alone where all are null.

    What a sample leaves unknown may be anything still.
    """
    asked = [(key, kind) for key, kinds in left.items() for kind in kinds if kind != UNKNOWN]
    quoted = {key: name_in_sql(name) for key, name in names.items()}
    checks = [
        f"bool_and({quoted[key]} is null or coalesce({CHECKS[kind].format(c=quoted[key])}, false))"
        for key, kind in asked
    ]
    counts = [f"count({quoted[key]})" for key in names]
    statement = f"from ({rows}) select {', '.join(['count(*)', *counts, *checks])}"
    _all, *told = connection.raw_sql(statement).fetchone()
    is_known = {key: n > 0 for key, n in zip(names, told, strict=False)}
    holds = dict(zip(asked, told[len(names) :], strict=True))
    return {
        key: [k for k in kinds if holds.get((key, k), k != UNKNOWN)]
        if is_known[key]
        else [UNKNOWN, *(k for k in kinds if k != UNKNOWN)]
        for key, kinds in left.items()
    }


def _as(column: Column, kind: str, is_nested: bool) -> Column:
    value = column.value if is_nested or kind in (UNKNOWN, "VARCHAR") else f"{column.value}::{kind}"
    return column._replace(kind=kind, value=value)


def scan(described: Described, files: Sequence[str]) -> str:
    """The SQL that reads files of one kind and shape, each row with its file's name."""
    told = f"{files_in_sql(files)}, filename = {text_in_sql(FILE)}, {described.options}"
    return f"{described.function}({told})"
