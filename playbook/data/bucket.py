"""A folder of Parquet in a bucket as tables: what a listing names, as a folder's files are."""

from __future__ import annotations

from ibis.backends import BaseBackend

from playbook.data.column_types import text_in_sql
from playbook.data.files import (
    Thing,
    Views,
    format_of,
    is_hidden,
    of_other_format,
    table_of,
    views_of,
)
from playbook.language.mistakes import Mistake

MARKS = {"Delta Lake": "/_delta_log/", "Hudi": "/.hoodie/", "Iceberg": ".metadata.json"}


def views_of_bucket(connection: BaseBackend, url: str) -> Views:
    """Makes a view of each Parquet file below a URL, and of each folder of parts."""
    url = url.rstrip("/")
    is_file = bool(format_of(url))
    above = url.rpartition("/")[0] if is_file else url
    pattern = text_in_sql(url if is_file else f"{url}/**")
    listing = [file for (file,) in connection.raw_sql(f"from glob({pattern})").fetchall()]
    # Some listings name files without the scheme.
    if listing and not listing[0].startswith(above):
        above = above.partition("://")[2]
    things: dict[str, Thing] = {}
    for file in sorted(listing):
        first, is_folder, rest = file[len(above) + 1 :].partition("/")
        thing = Thing(first if is_folder else table_of(first), f"{above}/{first}", [])
        things.setdefault(first, thing).files.append((file, _why_not(f"{first}/{rest}")))
    refused: dict[str, Mistake] = {
        first: of_other_format(thing.place, vendor)
        for first, thing in things.items()
        for vendor, mark in MARKS.items()
        if any(mark in file for file, _why in thing.files)
    }
    kept = [thing for first, thing in things.items() if first not in refused]
    return views_of(connection, above, kept, refused)


def _why_not(file: str) -> str:
    """Why a file is left out; "" where it is read. Of texts, all rows would have to be fetched."""
    if any(map(is_hidden, file.rstrip("/").split("/"))):
        return "hidden"
    return "" if format_of(file.rstrip("/")) == "Parquet" else "no Parquet"
