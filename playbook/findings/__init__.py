"""A result as a sentence, with n and interval: prose that survives next Monday's data.

The sentences here are those of shapes. A result that says something of its own brings it along,
from the topic that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from playbook.findings import comparing, counting, quality
from playbook.language.mistakes import Mistake, listed
from playbook.language.wording import plain
from playbook.results import Answer, Result, Unavailable
from playbook.results.sentences import Finding, Says, said, together

__all__ = ["Finding", "answers", "headline", "of", "together"]

# Shape → its sentence: what is called `say_<shape>` in the modules of sentences.
SENTENCES: dict[str, Says] = {
    name.removeprefix("say_"): function
    for module in (counting, comparing, quality)
    for name, function in vars(module).items()
    if name.startswith("say_")
}


def __getattr__(name: str) -> Callable[..., Finding]:
    """The sentence of one shape by its name: `pb.findings.share(result, "of new people …")`."""
    if name in SENTENCES:
        return partial(said, says=SENTENCES[name])
    raise AttributeError(f"there is no sentence `{name}`; there are: {listed(SENTENCES)}")


def of(result: Answer | Sequence[Answer], words: str = "") -> Finding:
    """What a result says: its own sentence, or that of its shape; of several a line each.

    Args:
        result: A result, or why there is none; or several of them.
        words: What the numbers are of; what the result itself says, unless given.
    """
    if not isinstance(result, Result | Unavailable):
        return together(*(of(each, words) for each in result))
    if isinstance(result, Unavailable):
        return said(result, says=counting.say_share)
    if not has(result):
        raise Mistake(
            f"`{result.id}` has no sentence of its own.",
            f"Its shape is `{result.shape}`; there are sentences for {listed(SENTENCES)}.",
            "use pb.listings.table for a table.",
        )
    return said(result, words or result.words, says=result.says or SENTENCES[result.shape])


def has(result: Result) -> bool:
    """Whether a result says anything in a sentence."""
    return bool(result.says) or result.shape in SENTENCES


def headline(result: Answer) -> Finding:
    """The answer to the product's headline question, after the question itself."""
    return answers([result])


def answers(results: Sequence[Answer]) -> Finding:
    """One line per question: what is asked, and the answer or why there is none."""
    lines = []
    for result in results:
        found = of(result)
        text = found.text.replace("\n", " ")
        asks = f"*{plain(result.asks)}* " if isinstance(result, Result) else ""
        lines.append(replace(found, text=f"{asks}{text}"))
    return together(*lines)
