"""What a run lets its engine take: of this machine, and of a server."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import duckdb

from playbook.data import scratch
from playbook.data.warehouse import Warehouse, first_line
from playbook.declare.engine import Engine
from playbook.language.mistakes import Mistake, listed

SPILL = ".spill-"  # begins the names of the folders that an engine makes when it needs one


def limited(warehouse: Warehouse, engine: Engine, home: Path) -> Warehouse:
    """The warehouse, as far as the run lets it go.

    Raises:
        Mistake: An embedded engine is told what a server is, or the other way round; or it refuses.
    """
    if warehouse.engine == "duckdb":
        _refuse(engine, {"scratch"}, "is in this process: it needs no schema to keep tables in")
        _limit(warehouse, engine, home)
        return warehouse
    of_ours = {"memory", "threads", "spill"}
    _refuse(engine, of_ours, f"is a server ({warehouse.engine}), which has limits of its own")
    if not engine.scratch:
        return warehouse
    scratch.sweep(warehouse.connection, engine.scratch)
    return replace(warehouse, scratch=engine.scratch)


def _refuse(engine: Engine, names: set[str], because: str) -> None:
    if told := sorted(engine.model_fields_set & names):
        raise Mistake(
            f"The run's `engine` says {listed(told)}, and the warehouse {because}.",
            f"It says: {engine.model_dump(exclude_unset=True)}.",
            "leave that out of the run.",
        )


def _limit(warehouse: Warehouse, engine: Engine, home: Path) -> None:
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
