"""What the tables do not tell is asked on a terminal, or else chosen, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

# A question, its possible answers, the most likely first, and why it is the most likely.
Ask = Callable[[str, Sequence[str], str], str]


def choosing(tell: Callable[[str], None]) -> Ask:
    """Takes the most likely answer, and says which others there were."""

    def ask(question: str, answers: Sequence[str], why: str) -> str:
        others = f"; or {', '.join(answers[1:4])}" if len(answers) > 1 else ""
        tell(f"{question} {answers[0]} ({why}{others})")
        return answers[0]

    return ask


def asking(read: TextIO, write: TextIO) -> Ask:
    """Asks on a terminal: a number or a name; nothing is the most likely answer."""

    def ask(question: str, answers: Sequence[str], why: str) -> str:
        if len(answers) == 1:
            print(f"{question} {answers[0]} ({why})", file=write)
            return answers[0]
        print(f"{question}\n  1  {answers[0]} ({why})", file=write)
        for number, answer in enumerate(answers[1:], 2):
            print(f"  {number}  {answer}", file=write)
        while True:
            print(f"1 to {len(answers)}, or Enter for 1: ", end="", file=write, flush=True)
            said = read.readline()
            if not said.strip():
                return answers[0]
            if (picked := _picked(said.strip(), answers)) is not None:
                return picked
            print(f"`{said.strip()}` is none of them.", file=write)

    return ask


def _picked(said: str, answers: Sequence[str]) -> str | None:
    if said in answers:
        return said
    number = int(said) if said.isdecimal() else 0
    return answers[number - 1] if 1 <= number <= len(answers) else None
