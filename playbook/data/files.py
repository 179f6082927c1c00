"""A folder as tables: which files are read, which are left out, and as what types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import duckdb
from ibis.backends import BaseBackend

from playbook.data.column_types import (
    FILE,
    UNKNOWN,
    Column,
    Columns,
    Described,
    common_type,
    is_nested,
    name_in_sql,
)
from playbook.data.parquet_files import described_parquet, null_throughout
from playbook.data.text_files import described_csv, described_json, scan
from playbook.language.mistakes import Mistake, listed

# A format → how its files end, and what reads them; the first that a table has counts.
FORMATS: dict[str, tuple[tuple[str, ...], Callable]] = {
    "Parquet": ((".parquet", ".parq", ".pq"), described_parquet),
    "CSV": ((".csv", ".tsv", ".csv.gz", ".tsv.gz"), described_csv),
    "JSON lines": ((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"), described_json),
}

Files = list[tuple[str, str]]  # each with why it is left out; "" where it is read


class Thing(NamedTuple):
    """What lies in a folder and may be a table: a file, or a folder of parts.

    Attributes:
        name: The table's.
        place: Where it lies; what stands above it says nothing about its rows.
        files: Its files, with slashes, each with why it is left out.
    """

    name: str
    place: str
    files: Files


Views = tuple[dict[str, Mistake], tuple[str, ...]]  # tables that cannot be read; what is left out


def views_of_folder(connection: BaseBackend, folder: Path) -> Views:
    """Makes a view of each file of a folder and of each folder of parts; the files stay there.

    Parts are followed into deeper folders, whose `key=value` names are columns of text where
    the files lack them. Hidden files (`_…`, `.…`: staged or unfinished) are left out, and so is
    what has another format than the other parts of its table.

    Returns:
        The tables that cannot be read, with the mistake; what was left out, and why.
    """
    _refuse_other_formats(folder)
    things, refused = [], {}
    for path in sorted(folder.iterdir()):
        try:
            name = path.name if path.is_dir() else table_of(path.name)
            things.append(Thing(name, path.as_posix(), _of_one_format(list(_files(path)))))
        except Mistake as mistake:
            refused[path.name] = mistake
    return views_of(connection, folder.as_posix(), things, refused)


def view_of_file(connection: BaseBackend, path: Path) -> Views:
    """Makes a view of one file, called as the file is."""
    thing = Thing(table_of(path.name), path.as_posix(), [(path.as_posix(), "")])
    return views_of(connection, path.parent.as_posix(), [thing], {})


def views_of(
    connection: BaseBackend, folder: str, things: Sequence[Thing], refused: dict[str, Mistake]
) -> Views:
    """The same of what lies in a folder; `refused` are the tables that cannot be read so far."""
    found: dict[str, list[Thing]] = {}
    left_out = [
        f"{file[len(folder) + 1 :]} ({why})" for each in things for file, why in each.files if why
    ]
    for thing in things:
        if parts := [(file, why) for file, why in thing.files if not why]:
            found.setdefault(thing.name.casefold(), []).append(thing._replace(files=parts))
    for each in found.values():
        try:
            if len(each) > 1:
                raise Mistake(
                    f"Several things in `{folder}` are the table `{each[0].name}`.",
                    f"They are: {listed(thing.place.rpartition('/')[2] for thing in each)}.",
                    "keep one of them, or name them apart.",
                )
            statement, apart = _statement(connection, folder, each[0])
            left_out += [f"column {each[0].name}.{name} (its types differ)" for name in apart]
            # Ibis would make a view of the session, beside the tables that we keep.
            connection.raw_sql(f"create view {name_in_sql(each[0].name)} as {statement}")
        except Mistake as mistake:
            refused |= dict.fromkeys((thing.name for thing in each), mistake)
    return refused, tuple(left_out)


def format_of(file: str) -> str:
    """The format that a file's name says; "" where it is none that is read."""
    ends = (name for name, (endings, _read) in FORMATS.items() if file.lower().endswith(endings))
    return next(ends, "")


def table_of(file: str) -> str:
    """What a file is called without its ending."""
    endings = [end for ends, _read in FORMATS.values() for end in ends]
    longest = max((end for end in endings if file.lower().endswith(end)), key=len, default="")
    return file[: len(file) - len(longest)]


def is_hidden(name: str) -> bool:
    """Whether a file or folder is staged or unfinished, by its name."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _statement(connection: BaseBackend, folder: str, thing: Thing) -> tuple[str, list[str]]:
    """The statement that reads a table, and the columns that it leaves out."""
    described = _described(connection, [file for file, _why in thing.files])
    # A file's own column is what it says; a folder's name stands in where there is none.
    columns = {
        file: _columns_of_folders(thing.place, file) | dict(each.columns)
        for file, each in described.items()
    }
    common, apart = _common_types(connection, folder, columns)
    return _union_of_parts(described, columns, common), apart


def _refuse_other_formats(folder: Path) -> None:
    """Their Parquet files alone are not the table: some rows in them are deleted or replaced."""
    marks = {
        "Delta Lake": (folder / "_delta_log").is_dir(),
        "Hudi": (folder / ".hoodie").is_dir(),
        "Iceberg": any((folder / "metadata").glob("*.metadata.json")),
    }
    for vendor, is_one in marks.items():
        if is_one:
            raise of_other_format(folder.as_posix(), vendor)


def of_other_format(folder: str, vendor: str) -> Mistake:
    """That a folder's Parquet files are not its rows."""
    return Mistake(
        f"`{folder}` is a table of {vendor}.",
        "Its Parquet files also hold rows that were deleted or replaced since.",
        f"write it out as plain Parquet, or name an engine that reads {vendor}.",
    )


def _files(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[str, str]]:
    """The files of a path, each with why it is left out; "" where it is read.

    A hidden file that is no data is not worth a word, nor is what lies in a hidden folder.
    """
    if path.is_dir() and is_hidden(path.name):
        if any(format_of(each.name) for each in path.rglob("*")):
            yield path.as_posix(), "hidden"
    elif path.is_dir() and path.resolve() not in above:
        _refuse_other_formats(path)
        for inner in sorted(path.iterdir()):
            yield from _files(inner, (*above, path.resolve()))
    elif not path.is_dir():
        is_data = bool(format_of(path.name))
        if is_data or not is_hidden(path.name):
            why = "hidden" if is_hidden(path.name) else "" if is_data else "no table"
            yield path.as_posix(), why


def _of_one_format(files: Files) -> Files:
    """The same files: what has another format than most of a table's is no part of it."""
    there = {format_of(file) for file, why in files if not why}
    first = next((name for name in FORMATS if name in there), "")
    return [
        (file, why or ("" if format_of(file) == first else f"beside {first}"))
        for file, why in files
    ]


def _described(connection: BaseBackend, files: Sequence[str]) -> dict[str, Described]:
    """What files of one format hold."""
    name = format_of(files[0])
    _endings, read = FORMATS[name]
    try:
        return read(connection, files)
    except duckdb.Error:
        # DuckDB does not always name the file.
        unreadable = {file: said for file in files if (said := _unreadable(connection, file))}
        raise Mistake(
            f"{listed(f'`{file}`' for file in unreadable)} cannot be read as {name}.",
            f"DuckDB says: {next(iter(unreadable.values()), 'nothing.')}",
            "write it again, or move it out of the folder.",
        ) from None


def _unreadable(connection: BaseBackend, file: str) -> str:
    """What DuckDB says of a file that it cannot read: which line, and what of it."""
    try:
        FORMATS[format_of(file)][1](connection, [file])
    except duckdb.Error as error:
        first, *others = str(error).strip().splitlines()
        why = (line for line in others if line.startswith(("Expected", "Value with")))
        return " ".join([first, *why])
    return ""


def _columns_of_folders(place: str, file: str) -> dict[str, Column]:
    """The `key=value` folders between a table's own and its file, as columns of text.

    As text, `01` stays what it is. Folders above the table say nothing about its rows.
    """
    own = place.count("/") + 1
    found = {}
    for number, folder in enumerate(file.split("/")[own:-1], own):
        name, is_pair, _value = folder.partition("=")
        if is_pair and name:
            text = f"split_part({name_in_sql(FILE)}, '/', {number + 1})"
            value = f"nullif(substr({text}, {len(name) + 2}), '__HIVE_DEFAULT_PARTITION__')"
            name = unquote(name)
            found[name.casefold()] = Column(name, "VARCHAR", f"url_decode({value})")
    return found


def _common_types(
    connection: BaseBackend, folder: str, files: dict[str, Columns]
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
        if common_type(_kinds(files, key)) is None:
            for file in null_throughout(connection, [f for f in files if key in files[f]], name):
                column = files[file][key]._replace(kind=UNKNOWN)
                files[file] = {**files[file], key: column}
        kinds = _kinds(files, key)
        if kind := common_type(kinds):
            common[key] = Column(name, kind, "")
        elif any(map(is_nested, kinds)):
            apart.append(name)
        else:
            pairs = list(combinations([kind for kind in kinds if kind != UNKNOWN], 2))
            one, other = next((pair for pair in pairs if not common_type(pair)), pairs[0])
            raise Mistake(
                f"Column `{name}` has several types in files of one table.",
                f"It is {one} in `{kinds[one][len(folder) + 1 :]}` and {other} in "
                f"`{kinds[other][len(folder) + 1 :]}`.",
                "write one of them again: between types, ids lose digits and times their zone.",
            )
    return common, apart


def _kinds(files: Mapping[str, Columns], key: str) -> dict[str, str]:
    """The types that files have for a column, each with a file that has it."""
    return {cs[key].kind: file for file, cs in files.items() if key in cs}


def _union_of_parts(
    described: Mapping[str, Described],
    files: Mapping[str, Columns],
    common: Mapping[str, Column],
) -> str:
    """The statement that reads a table's files: each scan those that have the same columns."""
    scans: dict[tuple, list[str]] = {}
    for file, columns in files.items():
        values = tuple(_value(columns.get(key), wanted) for key, wanted in common.items())
        how = described[file]._replace(columns=frozenset(columns.values()))
        scans.setdefault((values, how), []).append(file)
    return " union all ".join(  # by place: each has all columns, in one order
        f"from {scan(how, of_scan)} select {', '.join(values)}"
        for (values, how), of_scan in scans.items()
    )


def _value(column: Column | None, wanted: Column) -> str:
    if column is None or column.kind == UNKNOWN:
        value = "null" if is_nested(wanted.kind) else f"null::{wanted.kind}"
    elif column.kind == "BLOB":
        # Text that its writer did not mark; what is none, such as a key of bytes, stays apart.
        value = f"coalesce(try(decode({column.value})), {column.value}::varchar)"
    else:
        same = column.kind == wanted.kind
        value = column.value if same else f"{column.value}::{wanted.kind}"
    return f"{value} as {name_in_sql(wanted.name)}"
