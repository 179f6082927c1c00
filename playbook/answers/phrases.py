"""What a question is about, in words: for titles and sentences of any product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playbook.declare import Question
from playbook.language.periods import duration, words
from playbook.language.wording import capital, labelled, plural

COUNTED_AS = {"user": "people", "account": "accounts", "session": "sessions"}


@dataclass(frozen=True)
class Phrases:
    """A question in the words of its product.

    Attributes:
        question: The question.
        labels: Names in the data → words for people.
        things: What questions hold → the word for several of them.
        written: How a name of the data is written, so that it is read as it is.
    """

    question: Question
    labels: Mapping[str, str]
    things: Mapping[str, str]
    written: Callable[[str], str] = str

    @property
    def counted(self) -> str:
        """What is counted: "people", "accounts", or the things that are held."""
        question = self.question
        if question.count == "attempts":
            return "attempts"
        if not question.hold:
            return COUNTED_AS[question.unit]
        held = question.hold[0]
        name = held.removesuffix("_id")
        named = self.things.get(name, self.things.get(held))
        return self.written(named or plural(name.replace("_", " ")))

    @property
    def whom(self) -> str:
        """What is counted, and of which kind: "people whose acquisition is “invited”"."""
        kinds = [
            f"{self.label(column)} is {' or '.join(map(self._named, values))}"
            for column, values in self.question.among.items()
        ]
        text = self.counted + (f" whose {' and '.join(kinds)}" if kinds else "")
        unless = self.question.unless
        return f"{text} without {self._named(unless)}{self._after}" if unless else text

    @property
    def who(self) -> str:
        """ "who" of people, "that" of all else."""
        return "who" if self.counted == COUNTED_AS["user"] else "that"

    @property
    def does(self) -> str:
        """What a unit of a share does: "get from “signed up” to “ran a report” within 24 hours"."""
        question = self.question
        verb = "do not get" if question.measure == "missed_within" else "get"
        if question.measure == "did_before":
            first, goal = self._named(question.first), self._named(question.goal)
            return f"get from {self._start} to {first}{self._in_time}, before any {goal}"
        return f"{verb} from {self._start} to {self._last}{self._in_time}"

    @property
    def of(self) -> str:
        """What the numbers of its answer are of, as its sentence says it."""
        match self.question.measure:
            case "steps":
                return self.whom
            case "mix":
                return f"{self.whom}, by what they did{self._then}"
            case "time_to":
                return f"{self.whom}, by the time from {self._start} to {self._last}"
            case "active":
                return f"{self.whom} are active"
        return f"of {self.whom} {self.does}"

    @property
    def got(self) -> str:
        """Whom a curve is about, and where they get: "people get from “a” to “b”"."""
        return f"{self.whom} get from {self._start} to {self._last}"

    @property
    def missing(self) -> str:
        """Those whom `missed_within` counts: "people who do not get from “a” to “b” …"."""
        return f"{self.whom} {self.who} {self.does}"

    @property
    def title(self) -> str:
        """The subject of its chart."""
        match self.question.measure:
            case "mix":
                text = f"what {self.whom} did{self._then}"
            case "time_to":
                text = f"{self.whom}: time from {self._start} to {self._last}"
            case "active":
                goal, each = self._named(self.question.goal), self.question.each
                text = f"active {self.whom} at the end of each {each}: {goal} within {self._window}"
            case "steps":
                text = f"{self.whom} on the way from {self._start} to {self._last}{self._in_time}"
            case _:
                text = f"{self.whom} {self.who} {self.does}"
        return capital(text)

    @property
    def within(self) -> str:
        """The window of the whole way, in words; "" where each step has its own."""
        question = self.question
        own = question.windows or question.anchor == "previous"
        return "" if own or not question.within else self._window

    def label(self, name: str) -> str:
        """The words for a name of the data."""
        return self.written(labelled(self.labels, name))

    @property
    def _start(self) -> str:
        return self._named(self.question.start)

    @property
    def _last(self) -> str:
        if self.question.order == "any":
            return f"all of {', '.join(map(self._named, self.question.goals))}"
        return self._named(self.question.steps[-1])

    @property
    def _in_time(self) -> str:
        visit = ", in one session" if self.question.unit == "session" else ""
        return (f" within {self.within}" if self.within else "") + visit

    @property
    def _after(self) -> str:
        return f" within {self._window} of {self._start}"

    @property
    def _then(self) -> str:
        return " in that time" if self.question.unless else self._after

    @property
    def _window(self) -> str:
        return words(duration(self.question.within))

    def _named(self, name: str) -> str:
        return f"“{self.label(name)}”"
