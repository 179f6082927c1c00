"""A folder of Parquet as tables: which files are read, which are left out, and as what types."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import duckdb
from ibis.backends import BaseBackend

from playbook.language.mistakes import Mistake, listed

PARQUET = {".parquet", ".parq", ".pq"}
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


def views_of_folder(
    connection: BaseBackend, folder: Path
) -> tuple[dict[str, Mistake], tuple[str, ...]]:
    """Makes a view of each file of a folder and of each folder of parts; the files stay there.

    Parts are followed into deeper folders, whose `key=value` names are columns of text where
    the files lack them. Hidden files (`_…`, `.…`: staged or unfinished) are left out.

    Returns:
        The tables that cannot be read, with the mistake; what was left out, and why.
    """
    _refuse_other_formats(folder)
    found: dict[str, list[tuple[Path, list[Path]]]] = {}
    refused: dict[str, Mistake] = {}
    left_out = []
    for path in sorted(folder.iterdir()):
        try:
            files = list(_files(path))
        except Mistake as mistake:
            refused[path.name] = mistake
            continue
        left_out += [f"{file.relative_to(folder)} ({why})" for file, why in files if why]
        if parts := [file for file, why in files if not why]:
            name = path.name if path.is_dir() else path.stem
            found.setdefault(name.casefold(), []).append((path, parts))
    for each in found.values():
        (path, parts), *others = each
        names = [path.name if path.is_dir() else path.stem for path, _parts in each]
        try:
            if others:
                raise Mistake(
                    f"Several things in `{folder}` are the table `{names[0]}`.",
                    f"They are: {listed(path.name for path, _parts in each)}.",
                    "keep one of them, or name them apart.",
                )
            columns = _columns_of_files(connection, path, parts)
            common, apart = _common_types(connection, folder, columns)
            left_out += [f"column {names[0]}.{name} (its types differ)" for name in apart]
            # Ibis would make a view of the session, beside the tables that we keep.
            statement = _union_of_parts(columns, common)
            connection.raw_sql(f"create view {_quoted(names[0])} as {statement}")
        except Mistake as mistake:
            refused |= dict.fromkeys(names, mistake)
    return refused, tuple(left_out)


def _refuse_other_formats(folder: Path) -> None:
    """Their Parquet files alone are not the table: some rows in them are deleted or replaced."""
    marks = {
        "Delta Lake": (folder / "_delta_log").is_dir(),
        "Hudi": (folder / ".hoodie").is_dir(),
        "Iceberg": any((folder / "metadata").glob("*.metadata.json")),
    }
    for vendor, is_one in marks.items():
        if is_one:
            raise Mistake(
                f"`{folder}` is a table of {vendor}.",
                "Its Parquet files also hold rows that were deleted or replaced since.",
                f"write it out as plain Parquet, or name an engine that reads {vendor}.",
            )


def _files(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[Path, str]]:
    """The files of a path, each with why it is left out; "" where it is read.

    A hidden file that is no data is not worth a word, nor is what lies in a hidden folder.
    """
    is_data = path.suffix.lower() in PARQUET
    hidden = path.name.startswith(".") or (path.name.startswith("_") and "=" not in path.name)
    if path.is_dir() and hidden:
        if any(each.suffix.lower() in PARQUET for each in path.rglob("*")):
            yield path, "hidden"
    elif path.is_dir() and path.resolve() not in above:
        _refuse_other_formats(path)
        for inner in sorted(path.iterdir()):
            yield from _files(inner, (*above, path.resolve()))
    elif hidden:
        if is_data:
            yield path, "hidden"
    else:
        yield path, "" if is_data else "no Parquet"


def _columns_of_files(
    connection: BaseBackend, path: Path, files: Sequence[Path]
) -> dict[Path, Columns]:
    """The columns of each file of a table, those that its folders name among them."""
    try:
        described = _described(connection, files)
    except duckdb.Error:
        # DuckDB does not always name the file.
        unreadable = {file: said for file in files if (said := _unreadable(connection, file))}
        raise Mistake(
            f"{listed(f'`{file}`' for file in unreadable)} cannot be read as Parquet.",
            f"DuckDB says: {next(iter(unreadable.values()), 'nothing.')}",
            "write it again, or move it out of the folder.",
        ) from None
    # A file's own column is what it says; a folder's name stands in where there is none.
    return {file: _columns_of_folders(path, file) | described[file] for file in files}


def _unreadable(connection: BaseBackend, file: Path) -> str:
    try:
        _described(connection, [file])
    except duckdb.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


def _described(connection: BaseBackend, files: Sequence[Path]) -> dict[Path, dict[str, Column]]:
    """The columns of files, from their schemas."""
    rows = connection.raw_sql(
        f"from parquet_schema({_list_of(files)}) "
        "select file_name, name, coalesce(duckdb_type, logical_type, type, 'group'), num_children"
    ).fetchall()
    found: dict[Path, dict[str, Column]] = {}
    for file, of_file in groupby(rows, key=lambda row: row[0]):
        inside = iter(list(of_file)[1:])  # the first is the row itself
        columns = found[Path(file)] = {}
        for _file, name, kind, children in inside:
            # DuckDB names the second of two columns that differ by capitals alone like this.
            name = f"{name}_1" if name.casefold() in columns else name
            kind = f"{kind}{_inner(inside, children)}" if children else kind
            columns[name.casefold()] = Column(name, kind, _quoted(name))
    return found


def _inner(rows: Iterator[tuple], children: int) -> str:
    """What is inside a nested column, as a text: rows follow each other from the outside in."""
    inside = []
    for _child in range(children):
        _file, name, kind, further = next(rows)
        inside.append(f"{name} {kind}{_inner(rows, further) if further else ''}")
    return f"({', '.join(inside)})"


def _columns_of_folders(path: Path, file: Path) -> dict[str, Column]:
    """The `key=value` folders between a table's own and its file, as columns of text.

    As text, `01` stays what it is. Folders above the table say nothing about its rows.
    """
    own = len(path.parts)
    found = {}
    for place, folder in enumerate(file.parts[own:-1], own):
        name, is_pair, _value = folder.partition("=")
        if is_pair and name:
            # Of "/a/b", the parts are "/", "a" and "b", and the texts between slashes "", "a", "b".
            text = f"split_part({_quoted(FILE)}, '/', {place + 1})"
            value = f"nullif(substr({text}, {len(name) + 2}), '__HIVE_DEFAULT_PARTITION__')"
            name = unquote(name)
            found[name.casefold()] = Column(name, "VARCHAR", f"url_decode({value})")
    return found


def _common_types(
    connection: BaseBackend, folder: Path, files: dict[Path, Columns]
) -> tuple[dict[str, Column], list[str]]:
    """The name and type of each column of all files, and the nested ones that have none.

    A file in which a column is null throughout has no say in its type: its own is `UNKNOWN`
    in `files` from here on, where it differs.
    """
    common: dict[str, Column] = {}
    apart = []
    names: dict[str, str] = {}
    for columns in files.values():
        names = {key: column.name for key, column in columns.items()} | names
    for key, name in names.items():
        if _common_type(_kinds(files, key)) is None:
            for file in _null_throughout(connection, [f for f in files if key in files[f]], name):
                column = files[file][key]._replace(kind=UNKNOWN)
                files[file] = {**files[file], key: column}
        kinds = _kinds(files, key)
        if kind := _common_type(kinds):
            common[key] = Column(name, kind, "")
        elif any(map(_nested, kinds)):
            apart.append(name)
        else:
            pairs = list(combinations([kind for kind in kinds if kind != UNKNOWN], 2))
            one, other = next((pair for pair in pairs if not _common_type(pair)), pairs[0])
            raise Mistake(
                f"Column `{name}` has several types in files of one table.",
                f"It is {one} in `{kinds[one].relative_to(folder)}` and {other} in "
                f"`{kinds[other].relative_to(folder)}`.",
                "write one of them again: between types, ids lose digits and times their zone.",
            )
    return common, apart


def _kinds(files: Mapping[Path, Columns], key: str) -> dict[str, Path]:
    """The types that files have for a column, each with a file that has it."""
    return {cs[key].kind: file for file, cs in files.items() if key in cs}


def _common_type(kinds: Collection[str]) -> str | None:
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


def _nested(kind: str) -> bool:
    return "(" in kind and not kind.startswith("DECIMAL(")


def _null_throughout(connection: BaseBackend, files: Sequence[Path], name: str) -> list[Path]:
    """The files in which a column is null in every row, as far as they tell."""
    empty = connection.raw_sql(
        f"from parquet_file_metadata({_list_of(files)}) select file_name where num_rows = 0"
    ).fetchall()
    null = connection.raw_sql(
        f"from parquet_metadata({_list_of(files)}) select file_name "
        f"where lower(path_in_schema) = lower({_text(name)}) group by file_name "
        "having bool_and(coalesce(stats_null_count = num_values, false))"
    ).fetchall()
    return [Path(file) for file in {row[0] for row in empty + null}]


def _union_of_parts(files: Mapping[Path, Columns], common: Mapping[str, Column]) -> str:
    """The statement that reads a table's files: each scan those that have the same columns."""
    scans: dict[tuple[tuple[str, ...], frozenset[Column]], list[Path]] = {}
    for file, columns in files.items():
        values = tuple(_value(columns.get(key), wanted) for key, wanted in common.items())
        scans.setdefault((values, frozenset(columns.values())), []).append(file)
    return " union all ".join(  # by place: each has all columns, in one order
        f"from read_parquet({_list_of(of_scan)}, hive_partitioning = false, "
        f"filename = {_text(FILE)}) select {', '.join(values)}"
        for (values, _columns), of_scan in scans.items()
    )


def _value(column: Column | None, wanted: Column) -> str:
    if column is None or column.kind == UNKNOWN:
        value = "null" if _nested(wanted.kind) else f"null::{wanted.kind}"
    elif column.kind == "BLOB":
        # Text that its writer did not mark; what is none, such as a key of bytes, stays apart.
        value = f"coalesce(try(decode({column.value})), {column.value}::varchar)"
    else:
        same = column.kind == wanted.kind
        value = column.value if same else f"{column.value}::{wanted.kind}"
    return f"{value} as {_quoted(wanted.name)}"


def _list_of(files: Sequence[Path]) -> str:
    """Files as DuckDB's SQL names them: each letter of a pattern stands for itself."""
    names = (re.sub(r"([\[*?])", r"[\1]", str(file)) for file in files)
    return f"[{', '.join(map(_text, names))}]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
