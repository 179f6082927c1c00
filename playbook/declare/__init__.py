"""What an analyst writes, read strictly into frozen models; never code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from playbook.declare.experiment import Experiment
from playbook.declare.export import Export, Recipients
from playbook.declare.mapping import TableMap
from playbook.declare.metric import Amount, Metric
from playbook.declare.plan import DataPoint, Follows, Property
from playbook.declare.play import Play, Step
from playbook.declare.product import Agreement, Copy, Domains, Product
from playbook.declare.question import Question
from playbook.declare.reading import (
    Noun,
    identifier,
    parse,
    read_list,
    read_one,
    read_text,
    read_yaml,
)
from playbook.declare.roles import KINDS, PARTS, Part, Roles, played
from playbook.declare.sending import Destination, Limit, Quiet, Sending
from playbook.language.mistakes import Mistake, listed, nearest

__all__ = [
    "PARTS",
    "Agreement",
    "Amount",
    "Copy",
    "DataPoint",
    "Declarations",
    "Destination",
    "Domains",
    "Experiment",
    "Export",
    "Follows",
    "Limit",
    "Metric",
    "Noun",
    "Part",
    "Play",
    "Product",
    "Property",
    "Question",
    "Quiet",
    "Recipients",
    "Roles",
    "Sending",
    "Step",
    "TableMap",
    "declarations",
    "parse",
    "read_list",
    "read_one",
    "read_text",
    "read_yaml",
    "with_question",
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

    def needed(self, question: Question) -> tuple[str, ...]:
        """The planned events that a question needs, and the names that it has for several."""
        groups = self.product.any_of
        of_groups = (event for name in question.events for event in groups.get(name, ()))
        return tuple(dict.fromkeys((*question.events, *of_groups)))

    @cached_property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """Part of the guide → the ids of the questions that play it, in reading order."""
        product = self.product
        found = played(product.roles, self.questions)
        return found | ({"headline": (product.headline,)} if product.headline else {})

    @cached_property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """What sections are made for each of → ids: the roles; of the questions that play none,
        those of a kind; and the plays that are sent, as "plays"."""
        cast = {id for ids in self.roles.values() for id in ids}
        others = [question for question in self.questions if question.id not in cast]
        kinds = {
            kind: tuple(q.id for q in others if q.measure in measures)
            for kind, measures in KINDS.items()
        }
        return self.roles | kinds | {"plays": tuple(p.slug for p in self.plays if not p.draft)}

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
    from playbook.declare.checks import check_names  # whoever reads what is declared needs none

    if not (folder / "product.yaml").is_file():
        found = sorted(path.parent.name for path in folder.parent.glob("*/product.yaml"))
        raise Mistake(
            f"`{folder}` holds no product.yaml.",
            f"Beside it there are the products: {listed(found)}.",
            nearest(folder.name, found) if found else "start from a copy of params/airtouch.",
        )
    found = Declarations(
        product=read_one(folder / "product.yaml", Product).model_copy(update={"slug": folder.name}),
        plan=_listed_in(folder / "tracking_plan.yaml", DataPoint),
        questions=_listed_in(folder / "questions.yaml", Question),
        plays=_each_in(folder / "plays", Play),
        experiments=_each_in(folder / "experiments", Experiment),
    )
    check_names(found)
    return found


def with_question(found: Declarations, question: Question) -> Declarations:
    """The declarations with one more question, in the place of one of its name; checked alike."""
    from playbook.declare.checks import check_names

    others = tuple(each for each in found.questions if each.id != question.id)
    more = replace(found, questions=(*others, question))
    check_names(more)
    return more


def _listed_in(path: Path, noun: type[Noun]) -> tuple:
    return read_list(path, noun) if path.is_file() else ()


def _each_in(folder: Path, noun: type[Noun]) -> tuple:
    return tuple(
        read_one(path, noun).model_copy(update={"slug": _slug(path)})
        for path in sorted(folder.glob("*.yaml"))
    )


def _slug(path: Path) -> str:
    try:
        return identifier(path.stem)
    except ValueError as error:
        raise Mistake(
            f"The file `{path.name}` has a name that nothing can be called after.",
            f"{error}.",
            "rename the file.",
        ) from None
