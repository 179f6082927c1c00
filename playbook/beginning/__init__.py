"""The beginning of a product: its declarations, written from the tables of a warehouse.

Whose tables they are is told by the columns of vendors (`vendors`), or else by names, types and
counts (`logs`, `tables_of_events`, `people`); the first questions by what people do (`behaviour`,
`questions`). Only counts are fetched, in a bounded number of scans.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from playbook import declare, run
from playbook.adapters import plans
from playbook.adapters.plans.draft import Draft, inferred_plan
from playbook.answers import lacks
from playbook.beginning import writing
from playbook.beginning.asking import Ask, asking, choosing
from playbook.beginning.behaviour import behaviour_of, events_done
from playbook.beginning.finding import Company, company_of
from playbook.beginning.questions import Guide, guide_of, without
from playbook.data.duckdb_file import held
from playbook.data.opening import warehouse_at
from playbook.data.warehouse import Warehouse, variable_of, without_passwords
from playbook.declare.reading import identifier
from playbook.language.mistakes import Mistake, listed

__all__ = ["asking", "begin", "choosing"]

Tell = Callable[[str], None]
GENERIC = {
    "csv",
    "parquet",
    "data",
    "tables",
    "warehouse",
    "json",
    "export",
    "exports",
    "db",
    "dwh",
}


@dataclass(frozen=True)
class Begun:
    """A product that was written: its folder, and the file of its run."""

    folder: Path
    run: Path


def begin(warehouse: str, *, product: str = "", ask: Ask, tell: Tell) -> Begun:
    """Writes a product's folder, whole or not at all.

    Args:
        warehouse: As in a run; paths start from the working folder.
        product: What the folder is called; by default after the warehouse.
        ask: Tells what the tables do not.
        tell: Is told what was found.

    Raises:
        Mistake: The folder is there already, or the tables hold no log.
    """
    home = _home()
    place = _place(warehouse, home)
    slug = _slug(product or _name_of(place))
    folder = home / "params" / slug
    _refuse_there(folder)
    opened = warehouse_at(run.warehouse_url(home, place), home)
    name = " ".join(re.split("[_.-]+", slug)).strip().title()
    with held(opened.connection), opened.loading():
        company = company_of(opened, ask, tell)
        behaviour = behaviour_of(company.tables, opened)
        users = company.tables.users if company.tables.has("users", "signed_up_at") else None
        guide = guide_of(behaviour, events_done(behaviour, users), ask)
        company, draft = _drafted(name, company, opened)
    _write(folder, name, company, guide, draft, place, tell)
    return Begun(folder, folder / "runs" / "weekly.yaml")


def _home() -> Path:
    """The project's folder: the nearest with `params/`, or the working folder."""
    try:
        return run.root()
    except Mistake:
        return Path.cwd()


def _place(warehouse: str, home: Path) -> str:
    """The warehouse as a run's file names it: a path from the project's folder, or a URL."""
    warehouse = warehouse.strip()
    if without_passwords(warehouse) != warehouse:
        raise Mistake(
            "The warehouse's URL holds a password, and a run's file would show it.",
            f"It is: {without_passwords(warehouse)}.",
            "put the URL into a variable, and name that: playbook init env:ACME_WAREHOUSE.",
        )
    path = Path(warehouse)
    if not warehouse or variable_of(warehouse) or not path.exists():
        return warehouse
    whole = path.resolve()
    inside = whole.is_relative_to(home.resolve())
    return (whole.relative_to(home.resolve()) if inside else whole).as_posix()


def _name_of(place: str) -> str:
    """What a product is called after: the variable, the file, or the folder that says most."""
    if name := variable_of(place):
        return re.sub("_?(WAREHOUSE|URL|DB|DATABASE|DSN)$", "", name, flags=re.IGNORECASE).lower()
    parts = [re.sub(r"\.\w+$", "", part) for part in re.split(r"[/\\:]+", place.partition("?")[0])]
    named = [part for part in parts if re.search(r"\w", part) and part.lower() not in GENERIC]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", named[-1] if named else "product").strip("_-").lower()


def _slug(name: str) -> str:
    name = name.strip().rstrip("/").removeprefix("params/")
    try:
        return identifier(name)
    except ValueError as error:
        raise Mistake(
            f"No product can be called `{name}`.", f"{error}.", "name it: --product acme."
        ) from None


def _refuse_there(folder: Path) -> None:
    if not (folder.exists() or folder.is_symlink()):
        return
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["a file"]
    raise Mistake(
        f"The product `params/{folder.name}` is there already.",
        f"It has: {listed(there[:8])}. Nothing is overwritten.",
        "name another one with --product, or remove the folder.",
    )


def _drafted(name: str, company: Company, opened: Warehouse) -> tuple[Company, Draft]:
    """The plan that the data suggest; what no event carries is no longer mapped."""
    found = company.found
    log = replace(found, maps=tuple(each for each in found.maps if each.to != "exports"))
    whole = log.product(name, properties=found.properties)
    draft = inferred_plan(whole, (), opened)
    planned = {prop for entry in draft.entries for prop in entry.point.properties}
    gone = [column for column in found.properties if column not in planned]
    maps = tuple(each.without(gone) if each.to == "events" else each for each in found.maps)
    return replace(company, found=replace(found, maps=maps)), draft


def _write(
    folder: Path, name: str, company: Company, guide: Guide, draft: Draft, place: str, tell: Tell
) -> None:
    """Writes all files beside, asks whether they answer, and moves them into their place."""
    params = folder.parent
    made = not params.is_dir()
    params.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".beginning-", dir=params))
    try:
        draft_folder = beside / folder.name
        (draft_folder / "runs").mkdir(parents=True)
        plan = plans.draft_as_yaml(draft)
        by = company.by
        files = {
            "tracking_plan.yaml": plan,
            "runs/weekly.yaml": writing.run_yaml(f"params/{folder.name}", place, by),
        }
        _save(draft_folder, files | _declared(name, company, guide))
        left = _answered(draft_folder, place, guide, tell)
        _save(draft_folder, _declared(name, company, left))
        declare.declarations(draft_folder)
        _refuse_there(folder)
        draft_folder.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if made and not any(params.iterdir()):
            params.rmdir()


def _declared(name: str, company: Company, guide: Guide) -> dict[str, str]:
    return {
        "product.yaml": writing.product_yaml(name, company.found, guide),
        "questions.yaml": writing.questions_yaml(guide),
    }


def _save(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _answered(folder: Path, place: str, guide: Guide, tell: Tell) -> Guide:
    """The guide with the questions that the data can answer; as it is, if they answer none."""
    home = _home()
    opened = run.open(folder.relative_to(home).as_posix(), place)
    asked = opened.declared.questions
    lacking = {question.id: why for question in asked if (why := lacks(opened, question))}
    for id, why in lacking.items():
        tell(f"{id} cannot be answered: {why}")
    return guide if len(lacking) == len(asked) else without(guide, list(lacking))
