"""What an analyst writes, read strictly into frozen models; never code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playbook.declare.experiment import Experiment
from playbook.declare.plan import DataPoint, Property
from playbook.declare.play import Play
from playbook.declare.product import Product, TableMap
from playbook.declare.question import Question
from playbook.declare.reading import Noun, load, parse, read, read_list
from playbook.mistakes import Mistake, listed, nearest

__all__ = [
    "DataPoint",
    "Declarations",
    "Experiment",
    "Noun",
    "Play",
    "Product",
    "Property",
    "Question",
    "TableMap",
    "declarations",
    "load",
    "parse",
    "read",
    "read_list",
]


@dataclass(frozen=True)
class Declarations:
    """All that a product's folder declares."""

    product: Product
    plan: tuple[DataPoint, ...]
    questions: tuple[Question, ...]
    plays: tuple[Play, ...]
    experiments: tuple[Experiment, ...]

    def question(self, id: str) -> Question | None:
        """The question of that id, if the product asks it."""
        return next((question for question in self.questions if question.id == id), None)

    @property
    def properties(self) -> dict[str, str]:
        """Every planned property and its type: the columns that `events` has besides."""
        return {
            name: "timestamp(6)" if spec.type == "timestamp" else spec.type
            for point in self.plan
            for name, spec in point.properties.items()
        }


def declarations(folder: Path) -> Declarations:
    """Everything in a product's folder, read and checked against the plan."""
    if not (folder / "product.yaml").is_file():
        found = sorted(path.parent.name for path in folder.parent.glob("*/product.yaml"))
        raise Mistake(
            f"`{folder}` holds no product.yaml.",
            f"Beside it there are the products: {listed(found)}.",
            nearest(folder.name, found) if found else "start from a copy of params/airtouch.",
        )
    found = Declarations(
        product=read(folder / "product.yaml", Product).model_copy(update={"slug": folder.name}),
        plan=_listed_in(folder / "tracking_plan.yaml", DataPoint),
        questions=_listed_in(folder / "questions.yaml", Question),
        plays=_each_in(folder / "plays", Play),
        experiments=_each_in(folder / "experiments", Experiment),
    )
    _check_names(found)
    return found


def _listed_in(path: Path, noun: type[Noun]) -> tuple:
    return read_list(path, noun) if path.is_file() else ()


def _each_in(folder: Path, noun: type[Noun]) -> tuple:
    return tuple(
        read(path, noun).model_copy(update={"slug": path.stem})
        for path in sorted(folder.glob("*.yaml"))
    )


def _check_names(found: Declarations) -> None:
    """Every event and property that is used must be planned, and no name stands twice."""
    planned = [point.event for point in found.plan]
    used = [(f"question `{q.id}`", event) for q in found.questions for event in q.events]
    used += [
        (f"play `{play.slug}`", event)
        for play in found.plays
        for event in (play.trigger, play.goal, *play.unless, *play.having)
    ]
    for place, event in used:
        if event not in planned:
            raise Mistake(
                f"The {place} uses the event `{event}`, which the tracking plan does not have.",
                f"The plan has: {listed(planned)}.",
                nearest(event, planned),
            )
    for question in found.questions:
        if question.hold and question.hold not in found.properties:
            raise Mistake(
                f"The question `{question.id}` holds `{question.hold}`, which no event carries.",
                f"The plan's properties are: {listed(found.properties)}.",
                nearest(question.hold, found.properties),
            )
    for kind, names in (
        ("data points", planned),
        ("questions", [question.id for question in found.questions]),
    ):
        if twice := [name for name in names if names.count(name) > 1]:
            raise Mistake(
                f"Two {kind} are called `{twice[0]}`.",
                f"The names are: {listed(names)}.",
                "rename one of them.",
            )
