"""What an engine in our own process may take of the machine, and where it writes what is more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

import duckdb

from playbook.data.warehouse import Warehouse, first_line
from playbook.declare.engine import Engine
from playbook.language.mistakes import Mistake, listed

SPILL = ".spill-"  # begins the names of the folders that an engine makes when it needs one


def limit(warehouse: Warehouse, engine: Engine, home: Path) -> None:
    """Limits an embedded engine; a server has limits of its own.

    Raises:
        Mistake: The warehouse is a server, and the run limits it; or the engine refuses.
    """
    if warehouse.engine != "duckdb":
        if engine.model_fields_set:
            raise Mistake(
                f"The run's `engine` limits {listed(engine.model_fields_set)}, and the warehouse "
                "is a server.",
                f"It is: {warehouse.engine}.",
                "set that on the server, and leave `engine` out of the run.",
            )
        return
    folder = home / engine.spill
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(
            f"The run's `engine` cannot spill to `{engine.spill}`.",
            f"The system says: {error.strerror} ({error.filename}).",
            "name a folder that can be written, from the project's folder.",
        ) from None
    _sweep(folder)
    # Two engines of one process would share the names of their files.
    settings = {"temp_directory": str(folder / f"{SPILL}{os.getpid()}-{uuid4().hex[:8]}")}
    settings |= {"memory_limit": engine.memory} if engine.memory else {}
    settings |= {"threads": str(engine.threads)} if engine.threads else {}
    for name, value in settings.items():
        quoted = value.replace("'", "''")
        try:
            warehouse.connection.raw_sql(f"SET {name} = '{quoted}'")
        except duckdb.Error as error:
            raise Mistake(
                f"The engine does not take the run's {name}.",
                f"It says: {first_line(error)}",
                "correct `engine` of the run.",
            ) from None


def _sweep(folder: Path) -> None:
    """Removes what processes left that were killed: an engine clears its own folder away."""
    for left in folder.glob(f"{SPILL}*-*"):
        process = left.name.removeprefix(SPILL).partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True
