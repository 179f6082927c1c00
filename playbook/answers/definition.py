"""How a question is counted, in words: what every chart's table of its definition prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook.declare import Question
from playbook.language.periods import Period, duration, words
from playbook.results import PERIOD


def definition(
    question: Question, period: Period, any_of: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, str], ...]:
    """How a question is counted, as (word, value) pairs in reading order."""
    pairs = [
        ("measure", question.measure),
        ("unit", question.unit),
        ("start", question.start),
        ("first", question.first),
        ("goal", question.goal),
        ("goals", ", ".join(question.goals)),
        ("within", question.within and _window_told(question)),
        ("edges", ", ".join(words(duration(edge)) for edge in question.edges)),
        ("hold", ", ".join(question.hold)),
        ("unless", question.unless),
        *(
            (name, f"any of {', '.join(any_of[name])}")
            for name in question.events
            if name in any_of
        ),
        *_attempts_told(question),
        (PERIOD, f"{period.since:%d %b %Y} to {period.until:%d %b %Y}"),
    ]
    pairs += [(column, " or ".join(values)) for column, values in question.among.items()]
    pairs += [("left out", "bots and internal people; who is from before the log")]
    return tuple((word, value) for word, value in pairs if value)


def _window_told(question: Question) -> str:
    length = words(duration(question.within))
    if question.measure != "active":
        return f"{length}, end included"
    begins = ", UTC" if question.each == "day" else " (from Monday, UTC)"
    return f"{length} before the end of each {question.each}{begins}; the end itself excluded"


_ENTRY = {
    "any": "any start in the period",
    "first": "each unit's first start in the period",
    "first_ever": "each unit's first start ever, if in the period",
}
_ORDER = {
    "ordered": "as listed; others may come between",
    "any": "any after the start",
    "strict": "as listed, with no other event between",
}


def _attempts_told(question: Question) -> list[tuple[str, str | None]]:
    """What counts as an attempt, as (word, value) pairs."""
    if not question.measured.attempts:
        return [("entry", _ENTRY[question.enters] if question.start else None)]
    ties = {"step_order": "in step order", "strict": "not in order"}.get(question.ties)
    windows = [words(duration(window)) for window in question.windows]
    each = zip(question.goals, windows, strict=True) if windows else ()
    between = [
        f"{e.event} from {e.after or question.steps[0]} to {e.before or question.steps[-1]}"
        + (" leaves out" if e.effect == "leave_out" else " ends it")
        for e in question.exclude
    ]
    return [
        ("entry", _ENTRY[question.enters]),
        ("order", _ORDER[question.order]),
        ("ties", ties or f"neighbours within {words(duration(question.ties))} in either order"),
        ("window from", f"the {question.anchor}" + (" step" if question.anchor != "entry" else "")),
        ("windows", ", ".join(f"{goal}: {window}" for goal, window in each)),
        ("may be left out", " and ".join(question.optional)),
        ("and counts", "wherever it comes in the window" if question.optional else None),
        ("exclude", "; ".join(between)),
        ("counted", "units, by their best attempt" if question.count == "units" else "attempts"),
    ]
