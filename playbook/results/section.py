"""A section of a stage: named, made once, and where it cannot be told, the reason in its place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from playbook.language.mistakes import Mistake
from playbook.results import Answer, Result, Unavailable


class Unanswerable(Exception):  # noqa: N818 (it is no error: data may lack what is asked)
    """The data cannot tell: says what is missing, and what it would answer."""


class Unfit(Unanswerable):
    """What is asked does not suit how the question is counted."""


def section(name: str | Callable[..., str]) -> Callable[[Callable[..., Answer]], Callable]:
    """Makes a stage's function a section: whoever writes it raises, and returns a result.

    What it gives is named, and made once for a run and its arguments. `Unanswerable` and the
    user's mistakes become the `Unavailable` that every view shows in the section's place.

    Args:
        name: The id of what it gives, with its arguments in braces; or what makes it of them.
    """

    def decorated(function: Callable[..., Answer]) -> Callable[..., Answer]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def asked(run: Any, *args: Any, **kwargs: Any) -> Answer:
            bound = signature.bind(run, *args, **kwargs)
            bound.apply_defaults()
            given = dict(list(bound.arguments.items())[1:])
            id = name(**given) if callable(name) else name.format(**given)

            def made() -> Answer:
                try:
                    found = function(*bound.args, **bound.kwargs)
                except Unanswerable as no:
                    return Unavailable(id, str(no), fits=not isinstance(no, Unfit))
                except Mistake as mistake:
                    return Unavailable(id, mistake.sentence)
                return found.named(id)

            return run.remembered(("section", id, *map(_hashable, given.values())), made)

        return asked

    return decorated


def needed(answer: Answer) -> Result:
    """The result that another one is made of; without it, that one cannot be told either."""
    if isinstance(answer, Unavailable):
        raise Unanswerable(answer.reason)
    return answer


def there(*answers: Answer) -> tuple[Result, ...]:
    """Those of some results that there are: what another is made of that can do without any."""
    return tuple(answer for answer in answers if isinstance(answer, Result))


def _hashable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    return value
