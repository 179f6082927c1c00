"""The user's mistake, said in three parts: what is wrong, what is there, how to go on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Mistake(Exception):  # noqa: N818 (it is not an error of ours)
    """A mistake that its user can mend; printed without a traceback.

    Args:
        wrong: What is wrong, in the words that the user wrote.
        there: What is there instead.
        hint: How to go on.
    """

    def __init__(self, wrong: str, there: str, hint: str) -> None:
        super().__init__(f"{wrong}\n{there}\nHint: {hint}")
        self.wrong, self.there, self.hint = wrong, there, hint

    @property
    def sentence(self) -> str:
        """All three parts in one line."""
        return f"{self.wrong} {self.there} Hint: {self.hint}"


class Nothing(Mistake):
    """There is nothing to report on: no mistake of the declarations, but no data either."""


def nearest(name: str, names: Iterable[str]) -> str:
    """A question that suggests the nearest of `names`, or a plain look at them."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else "pick one of the names above."


def listed(names: Iterable[str]) -> str:
    """Names as a sentence part: "a, b, c", or "nothing"."""
    return ", ".join(str(name) for name in names) or "nothing"


def either(names: Iterable[str]) -> str:
    """Names of which one will do: "`a`, `b` or `c`"."""
    *others, last = [f"`{name}`" for name in names]
    return f"{', '.join(others)} or {last}" if others else last
