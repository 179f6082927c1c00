"""`Roles`: which question plays which part of the guide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playbook.declare.question import Question
from playbook.declare.reading import Names, Noun
from playbook.language.mistakes import either


@dataclass(frozen=True)
class Part:
    """A part of the guide that a question can play.

    Attributes:
        tells: What a report tells where a question plays it.
        measures: How such a question is counted; any way, unless said.
        units: Who it counts; anybody, unless said.
    """

    tells: str
    measures: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """Which question can play it: "a question counted by `steps`, of unit `account`"."""
        counted = f" counted by {either(self.measures)}" if self.measures else ""
        return f"a question{counted}" + (f", of unit {either(self.units)}" if self.units else "")

    def fits(self, question: Question) -> bool:
        """Whether a question can play it."""
        counted = not self.measures or question.measure in self.measures
        return counted and (not self.units or question.unit in self.units)


PARTS = {
    "headline": Part("the answer that opens every report, and whether it moves"),
    "verification": Part(
        "who signs up and never verifies, and why: fake addresses, bots, mail that does not arrive",
        ("missed_within",),
        ("user",),
    ),
    "unverified": Part("what people do who do not verify", ("mix",), ("user",)),
    "unfinished": Part(
        "who starts something and never finishes it, what they did last, and who comes back",
        ("missed_within",),
    ),
    "key_metric": Part(
        "how many are active, how many come and go, and whether they stay", ("active",)
    ),
    "path": Part(
        "at which step of the way to value people stop, for whom, and what they did instead",
        ("steps",),
    ),
    "account_path": Part(
        "where accounts stop on the way to value, and who does the steps", ("steps",), ("account",)
    ),
    "first_value": Part(
        "how long it takes to get to value, and what the first day of those who do has in common",
        ("time_to",),
    ),
    "invitations": Part("what invited people do, and whether inviting is a way in"),
}
# Kind of the questions that play no part → how they are counted, in the order of a report.
KINDS = {
    "shares": ("reached_within", "missed_within", "did_before"),
    "classes": ("mix",),
    "times": ("time_to",),
    "ways": ("steps",),
    "active": ("active",),
}


class Roles(Noun):
    """Which questions play which part of the guide, where they do not tell it by themselves.

    Attributes:
        headline: Whose answer opens every report; the first question, unless said.
        verification: Who does not verify in time.
        unverified: What they do; unless said, the `mix` of those `unless` they verify.
        unfinished: What is started and not finished.
        key_metric: What is active; unless said, the first `active` question.
        path: The way to value; unless said, the first question of `steps` that is not about
            accounts, or else the first.
        account_path: The way of accounts; unless said, the first other question of their `steps`.
        first_value: How soon value is reached; unless said, the first `time_to` question that has
            `within` and is not about accounts.
        invitations: What invited people do.
    """

    headline: Names = ()
    verification: Names = ()
    unverified: Names = ()
    unfinished: Names = ()
    key_metric: Names = ()
    path: Names = ()
    account_path: Names = ()
    first_value: Names = ()
    invitations: Names = ()


def played(roles: Roles, asked: Sequence[Question]) -> dict[str, tuple[str, ...]]:
    """Part → the questions that play it: those that are named, or else those that tell it.

    Args:
        roles: What the product says.
        asked: Its questions, in reading order.
    """
    steps = [question for question in asked if question.measure == "steps"]
    of_others = [question for question in steps if question.unit != "account"]
    path = [q for q in asked if q.id in roles.path] or of_others[:1] or steps[:1]
    implied = {
        "headline": asked[:1],
        "key_metric": [q for q in asked if q.measure == "active"][:1],
        "path": path,
        "account_path": [q for q in steps if q.unit == "account" and q not in path][:1],
        "first_value": [
            q for q in asked if q.measure == "time_to" and q.within and q.unit != "account"
        ][:1],
    }
    found: dict[str, Any] = {}
    for part in PARTS:
        named = getattr(roles, part)
        found[part] = [q for q in asked if q.id in named] if named else implied.get(part, [])
    verified = {question.goal for question in found["verification"]}
    if not roles.unverified:
        found["unverified"] = [q for q in asked if q.measure == "mix" and q.unless in verified]
    return {part: tuple(question.id for question in own) for part, own in found.items()}
