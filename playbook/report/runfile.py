"""What a run's file says: its parameters, and the notebooks that its report is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from playbook import declare, run
from playbook.counting import units
from playbook.data.warehouse import without_passwords
from playbook.language.mistakes import Mistake, listed, nearest
from playbook.report.sections import PARAMETERS

STAGES = {
    "1_audit": "Collection audit",
    "2_friction": "Friction analysis",
    "3_personalization": "Personalization design",
    "4_impact": "Impact measurement",
}
INDEX = "index"  # the report's first page
NOTEBOOKS = "notebooks"  # what a run's file says beside the parameters


def parameters(path: Path, slugs: Iterable[str] | None = None) -> dict[str, str]:
    """A run's parameters, refused before a kernel starts if a notebook does not declare them.

    A parameter's value is data, but papermill writes its name into code: so names are checked.

    Args:
        path: The run's YAML file.
        slugs: The notebooks that must know them; those of the run, unless given.
    """
    given = _told_in(path)
    slugs = tuple(notebooks(path)) if slugs is None else slugs
    given.pop(NOTEBOOKS, None)
    for slug in slugs:
        known = declared(slug)
        for name in given:
            if name not in known:
                raise Mistake(
                    f"{path.name}: the notebook {slug} has no parameter `{name}`.",
                    f"It has: {listed(known)}.",
                    nearest(str(name), known),
                )
    if isinstance(given.get("engine"), dict):
        given["engine"] = ", ".join(f"{name}: {value}" for name, value in given["engine"].items())
    for name, value in given.items():
        if isinstance(value, dict | list):
            raise Mistake(
                f"{path.name}: `{name}` is no single value.",
                f"It is: {value}.",
                f"write `{name}: value`.",
            )
    values = {name: "" if value is None else str(value) for name, value in given.items()}
    for name, value in values.items():
        if without_passwords(value) != value:
            raise Mistake(
                f"{path.name}: `{name}` holds a password.",
                f"It is: {without_passwords(value)}.",
                "put the URL into a variable and write `warehouse: env:NAME_OF_IT`.",
            )
    if not values.get("product"):
        raise Mistake(
            f"{path.name} names no product.",
            f"It has: {listed(values)}.",
            "write `product: params/…`, the folder of your declarations.",
        )
    return values


def notebooks(path: Path) -> dict[str, str]:
    """The notebooks of a run's report, in their order: slug → title.

    They are the four stages, unless the run lists its `notebooks`: a stage by its slug, or any
    notebook by its path from the project's folder, if it has a cell of parameters.
    """
    listed_ = _told_in(path).get(NOTEBOOKS)
    if listed_ is None:
        return dict(STAGES)
    if not isinstance(listed_, list) or not listed_ or not all(isinstance(n, str) for n in listed_):
        raise Mistake(
            f"{path.name}: `notebooks` is no list of notebooks.",
            f"It is: {listed_}.",
            f"write a list such as [{', '.join(STAGES)}, notebooks/pricing.ipynb].",
        )
    found = {name.removesuffix(".ipynb"): _title_of(path, name) for name in listed_}
    stems = [Path(name).name.removesuffix(".ipynb") for name in listed_]
    _refuse_names(path, stems)
    if twice := [stem for stem in stems if stems.count(stem) > 1]:
        raise Mistake(
            f"{path.name}: two notebooks are called `{twice[0]}`.",
            f"It lists: {listed(listed_)}.",
            "rename one: their pages have their names.",
        )
    return found


def opened_run(given: Mapping[str, str]) -> run.Run:
    """The run of a file's parameters, if a table has the column that it is broken down by."""
    opened = run.open(**{name: value for name, value in given.items() if name != "by"})
    refuse_unmapped(opened, given.get("by", ""))
    return opened


def refuse_unmapped(
    opened: run.Run, by: str, *, asked: Sequence[declare.Question] | None = None
) -> None:
    """Refuses a column that the units of no question have; of all declared ones, unless given.

    Raises:
        Mistake: Which it is, and which there are.
    """
    questions = opened.declared.questions if asked is None else asked
    counted = list(dict.fromkeys(question.unit for question in questions))
    refused = []
    for unit in counted if by and by != units.WEEK else ():
        try:
            units.traits(opened.tables, unit, [by])
        except Mistake as mistake:
            refused.append(mistake)
    if refused and len(refused) == len(counted):
        wrong = f"No table has the column `{by}` to break the answers down by."
        raise Mistake(wrong, f"{refused[0].wrong} {refused[0].there}", refused[0].hint)


def notebook_file(slug: str) -> Path:
    """A notebook of the project's own, or the one that comes with the package."""
    package = Path(run.__file__).parent
    folders = [run.root(), package, package.parent]  # in a wheel, in a checkout
    files = [folder / "notebooks" / f"{slug}.ipynb" for folder in folders]
    if "/" in slug:  # a run's own, by its path from the project's folder
        files = [run.root() / f"{slug}.ipynb"]
    return next((file for file in files if file.is_file()), files[0])


def declared(slug: str) -> dict[str, Any]:
    """The parameters that a notebook declares, by papermill's own inspection."""
    import papermill

    return papermill.inspect_notebook(str(notebook_file(slug)))


def _refuse_names(path: Path, stems: Sequence[str]) -> None:
    """Pages are called after their notebooks: by what may stand in a link, and not the index."""
    for stem in stems:
        try:
            name = declare.reading.identifier(stem)
        except ValueError as error:
            name, why = "", f"{error}."
        if name in ("", INDEX):
            raise Mistake(
                f"{path.name}: no page can be called after the notebook `{stem}`.",
                why if not name else f"`{INDEX}.html` opens the report.",
                "rename the notebook.",
            )


def _title_of(path: Path, name: str) -> str:
    """The title of a notebook that a run lists: a stage's, or that of its first heading."""
    slug = name.removesuffix(".ipynb")
    if slug in STAGES:
        return STAGES[slug]
    file = notebook_file(slug)
    if not file.is_file():
        raise Mistake(
            f"{path.name}: there is no notebook `{name}`.",
            f"The stages are: {listed(STAGES)}.",
            "name a stage, or a notebook by its path from the project's folder.",
        )
    try:
        cells = nbformat.read(file, as_version=4).cells
        declared(slug)
    except Exception as error:  # of any of the libraries that read it
        raise Mistake(
            f"{path.name}: `{name}` cannot be read as a notebook.",
            f"{type(error).__name__}: {(str(error).strip() or 'no reason given').splitlines()[0]}",
            "open it in JupyterLab and save it, with a kernel chosen.",
        ) from error
    if not any(PARAMETERS in cell.metadata.get("tags", []) for cell in cells):
        raise Mistake(
            f"{path.name}: the notebook `{name}` has no cell tagged `{PARAMETERS}`.",
            "So a run has nowhere to say what it is about.",
            f"copy that cell from notebooks/{next(iter(STAGES))}.ipynb, with its tag.",
        )
    heads = (re.search(r"(?m)^# (.+)$", c.source) for c in cells if c.cell_type == "markdown")
    found = next(filter(None, heads), None)
    return found[1].partition(":")[0].strip() if found else Path(slug).name.replace("_", " ")


def _told_in(path: Path) -> dict[str, Any]:
    """What a run's file says."""
    given = declare.read_yaml(path)
    if not isinstance(given, dict):
        raise Mistake(
            f"{path.name} holds no parameters.",
            f"It is a {type(given).__name__}.",
            "write one `name: value` a line, as in params/airtouch/runs/weekly.yaml.",
        )
    return dict(given)
