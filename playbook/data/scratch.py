"""A schema in which a session may make tables: a run names it, and nothing of ours stays in it."""

from __future__ import annotations

import atexit
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from playbook.data.warehouse import KEPT, first_line
from playbook.language.mistakes import Mistake

LEFT = timedelta(days=1)  # after which a table is one that a killed session left
HOUR = "%Y%m%d%H"
_made: list[tuple[BaseBackend, str, str]] = []


def stored(connection: BaseBackend, table: ir.Table, schema: str) -> ir.Table:
    """The table, computed into one of ours in the schema; it is gone with this process."""
    name = f"{KEPT}{datetime.now(UTC):{HOUR}}_{uuid4().hex}"
    try:
        found = connection.create_table(name, table, database=schema)
    except Exception as error:
        # A table or a function that is not there is another mistake.
        absent = rf"\b{re.escape(schema)}\b.* does not exist"
        if re.search(f"denied|read-only|not authorized|{absent}", str(error)):
            raise Mistake(
                f"The run's `scratch` schema `{schema}` takes no table.",
                f"The engine says: {first_line(error)}",
                "grant this user the right to create tables in it, or leave `scratch` out.",
            ) from None
        raise
    _made.append((connection, schema, name))
    return found


def sweep(connection: BaseBackend, schema: str) -> None:
    """Removes the tables that killed sessions left in the schema."""
    try:
        names = connection.list_tables(database=schema)
    except Exception as error:
        raise Mistake(
            f"The run's `scratch` schema `{schema}` cannot be read.",
            f"The engine says: {first_line(error)}",
            "create it, or correct its name in `engine` of the run.",
        ) from None
    oldest = f"{datetime.now(UTC) - LEFT:{HOUR}}"
    for name in names:
        made_at = re.match(rf"{KEPT}(\d{{10}})_", name)
        if made_at and made_at[1] < oldest:
            connection.drop_table(name, database=schema, force=True)


@atexit.register
def clear() -> None:
    """Removes what this process has made."""
    while _made:
        connection, schema, name = _made.pop()
        with suppress(Exception):  # a lost connection: the next session sweeps
            connection.drop_table(name, database=schema, force=True)
