"""A question asked in a cell, or on the command line: answered as a declared one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import md5
from typing import Any

from playbook.answers import answer, phrases_of
from playbook.declare import Question, parse, with_question
from playbook.language.mistakes import Mistake
from playbook.results import Answer
from playbook.run import Run

PLACE = "The question"
DECIDES = "Say what its answer would decide."


def ask(run: Run, *, by: str | Sequence[str] = (), **words: Any) -> Answer:
    """The answer to a question that nobody has declared: the same as if it were.

    Its `yaml()` is the entry to paste into questions.yaml, where it gets a name of its own.

    Args:
        run: The opened run.
        by: Column(s) to break the answer down by.
        words: What the question says, as in questions.yaml: `measure="reached_within"`,
            `start="signed_up"`, `goal="saved"`, `within="24h"` …; `id`, `asks` and `decides` are
            made up, unless given.

    Raises:
        Mistake: A word is wrong, names an event that nobody has planned, or is the `id` of another
            question.
    """
    question = question_of(run, words)
    if (declared := run.declared.question(question.id)) and declared.said != question.said:
        raise Mistake(
            f"`{question.id}` is the id of another question.",
            f"That one asks: {declared.asks}",
            "give yours another `id`, or none.",
        )
    key = ("asked", str(question))

    def opened() -> Run:
        return replace(run, declared=with_question(run.declared, question))

    return answer(run.remembered(key, opened), question.id, by=by)


def question_of(run: Run, words: dict[str, Any]) -> Question:
    """What the words say, as a question with a name."""
    said = {"id": "asked", "asks": "?", "decides": DECIDES} | words
    question = parse(said, Question, place=PLACE)
    if "id" not in words:
        question = question.model_copy(update={"id": _name(question)})
    if "asks" not in words:
        asks = f"{phrases_of(run, question).title}?"
        question = question.model_copy(update={"asks": asks})
    return question


def _name(question: Question) -> str:
    """A name of what it says: equal questions have one, and so have their figures."""
    told = question.model_dump(exclude_defaults=True, exclude={"id", "asks", "decides", "by"})
    text = "_".join(map(str, told.values()))
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return name if text.isascii() else f"{name}_{md5(text.encode()).hexdigest()[:6]}"
