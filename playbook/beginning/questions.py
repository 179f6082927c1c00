"""The first questions: activation, the way there, who stays active, and what is left undone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playbook.beginning.asking import Ask
from playbook.beginning.behaviour import WINDOWS, After, Behaviour, Event, Watched, watched
from playbook.beginning.looking import plain
from playbook.language.mistakes import Mistake
from playbook.language.periods import duration, words

# Parts of names of events, as `plain` writes them.
STARTS = "sign(ed)?_?up|regist|(account|user|profile)_created|created?_(account|user)|joined$"
PASSIVE = (
    "page|screen|session|_?viewed$|^view|heartbeat|ping$|impression|app_open|identif|visit|scroll"
    "|web_vitals|autocapture|log(ged)?_?in|sign(ed)?_?in|first_open|user_engagement|focus|load(ed)?$"
)
UNWANTED = (
    "cancel|churn|delet|remov|unsub|error|fail|declin|bounce|expir|log(ged)?_?out|sign(ed)?_?out"
    "|reject|refund|remind|uninstall|complain|dismiss|rage"
)
VERIFIED = "verif|(mail|address).*confirm|confirm.*(mail|address)"
BEGUN = "_?(started|begun|opened|initiated|draft(ed)?)$"
FINISHED = ("saved", "completed", "finished", "submitted", "published", "created", "done")
LEAST, MOST, WISHED = 0.1, 0.7, 0.4  # shares of people who do a goal in the time watched
SURE = 0.8  # of those who ever do a goal do it within the window
BETWEEN = 3  # steps between start and goal
FEW = 5  # people on either side, for a difference


@dataclass(frozen=True)
class Asked:
    """A question as questions.yaml has it, the comments above it, and the role that it plays."""

    says: dict[str, Any]
    notes: tuple[str, ...]
    role: str = ""


@dataclass(frozen=True)
class Guide:
    """What was chosen: the start, the goal and the way there, and the questions of it."""

    path: tuple[str, ...]
    passive: tuple[str, ...]
    questions: tuple[Asked, ...]

    @property
    def roles(self) -> dict[str, str]:
        """Part of the guide → the question that plays it."""
        return {asked.role: asked.says["id"] for asked in self.questions if asked.role}


def is_start(name: str) -> bool:
    """Whether an event is called like a sign-up."""
    return bool(re.search(STARTS, plain(name))) and "invit" not in name.lower()


def guide_of(behaviour: Behaviour, events: Sequence[Event], ask: Ask) -> Guide:
    """The start, the goal and the way there, and the questions of it."""
    start, why = _start(events, behaviour.people, ask)
    seen = watched(behaviour, start.name)
    goal, separates = _goal(seen, start, ask)
    path = _path(seen, start, goal)
    entry = {} if start.is_beginning else {"entry": "first_ever"}
    first = _activation(start, goal, seen, (why, separates), entry)
    questions = [first, _way(path, seen, entry), _active(events, goal)]
    questions += _verification(events, start, entry) + _unfinished(events)
    passive = tuple(sorted(e.name for e in events if _is(PASSIVE, e.name) and e.name not in path))
    return Guide(tuple(dict.fromkeys(path)), passive, tuple(questions))


def _is(pattern: str, name: str) -> bool:
    return bool(re.search(pattern, plain(name)))


def _start(events: Sequence[Event], people: int, ask: Ask) -> tuple[Event, str]:
    """The event by which people begin."""
    if not events:
        raise Mistake(
            "The log holds too little to begin with.",
            f"No event that names a person was done ten times, by {people:,} people.",
            "begin when more has come, or name a warehouse that holds more.",
        )
    called = [e for e in events if is_start(e.name) and (e.people >= 30 or e.people * 10 >= people)]
    by_name = sorted(called, key=lambda e: (-e.people, e.name))
    by_place = sorted(events, key=lambda e: (-e.near, -e.first, e.name))
    order = list(dict.fromkeys([*by_name, *by_place]))
    best, known = order[0], {event.name: event for event in events}
    why = f"{best.people:,} of {people:,} people do it, for {best.first:,} it is their first event"
    why = f"it is called like a sign-up; {why}" if best in called else why
    name = ask("By which event do people begin?", [e.name for e in order[:6]], why)
    return known[name], why if name == best.name else "you said so"


def _goal(seen: Watched, start: Event, ask: Ask) -> tuple[After | None, str]:
    """What people should do: what best tells those who are active later; None: the start again."""
    fit = [e for e in seen.events if not _is(f"{UNWANTED}|{VERIFIED}|{STARTS}", e.name)]
    wanted = [e for e in fit if not _is(PASSIVE, e.name)] or fit
    common = [e for e in wanted if LEAST * seen.n <= e.done <= MOST * seen.n] or wanted
    order = sorted(common, key=lambda e: (-_difference(e, seen), _distance(e, seen), e.name))
    if not order:
        return None, "nothing else is done after it: whoever does it again comes back"
    why = _separates(order[0], seen)
    names = [e.name for e in order[:6]]
    name = ask(f"What should people do after “{start.name}”?", names, why)
    return next(e for e in order if e.name == name), why if name == names[0] else "you said so"


def _difference(event: After, seen: Watched) -> float:
    """How much more of those who did it are active later than of the others, as a share."""
    others = seen.n - event.done
    if event.done < FEW or others < FEW:
        return 0.0
    return event.kept / event.done - (seen.kept - event.kept) / others


def _distance(event: After, seen: Watched) -> float:
    return abs(event.done / seen.n - WISHED) if seen.n else 0.0


def _separates(event: After, seen: Watched) -> str:
    length, others = words(duration(seen.within)), seen.n - event.done
    share = f"{event.done / seen.n:.0%}" if seen.n else "nobody knows how many"
    said = f"{share} of {seen.n:,} people do it within {length}"
    if event.done < FEW or others < FEW:
        return said
    kept = (seen.kept - event.kept) / others
    return (
        f"{said}; {event.kept / event.done:.0%} of them are active in the {length} after that, and "
        f"{kept:.0%} of the others"
    )


def _window(event: After | None, seen: Watched) -> tuple[str, str]:
    """The smallest window in which most of those do an event who ever do it, and why."""
    longest = duration(seen.within) * 2
    possible = [w for w in WINDOWS if duration(w) <= longest]
    if event is None:
        return "7d" if "7d" in possible else possible[-1], "the window is one of the usual ones"
    for window in possible:
        if event.by[window] >= SURE * event.ever:
            break
    share = event.by[window] / event.ever if event.ever else 0
    return window, f"{window}: {share:.0%} of those who ever do it have done it by then"


def _path(seen: Watched, start: Event, goal: After | None) -> list[str]:
    """The start, frequent events on the way in the order of their usual time, and the goal."""
    if goal is None:
        return [start.name, start.name]
    least = min(goal.done, round(MOST * seen.n))
    between = [
        event
        for event in seen.events
        if event is not goal
        and event.seconds <= goal.seconds
        and event.done >= max(least, 1)
        and not _is(f"{PASSIVE}|{UNWANTED}|{STARTS}", event.name)
    ]
    common = sorted(between, key=lambda e: (-e.done, e.name))[:BETWEEN]
    way = sorted(common, key=lambda e: (e.seconds, -e.done, e.name))
    return [start.name, *(event.name for event in way), goal.name]


def _activation(
    start: Event, goal: After | None, seen: Watched, why: tuple[str, str], entry: dict[str, str]
) -> Asked:
    name, (window, chosen) = goal.name if goal else start.name, _window(goal, seen)
    does = f"do “{_said(name)}”" if goal else f"do “{_said(name)}” again"
    says = {
        "id": "activation",
        "asks": f"What share of new people {does} within {words(duration(window))}?",
        "decides": "Whether activation is what to work on first.",
        "measure": "reached_within",
        "unit": "user",
        "start": start.name,
        "goal": name,
        "within": window,
        **entry,
    }
    notes = [f"start: {why[0]}.", f"goal: {why[1]}.", f"within {chosen}."]
    if entry:
        notes.append("People do the start again and again: only their first ever counts.")
    return Asked(says, tuple(notes), "headline")


def _way(path: Sequence[str], seen: Watched, entry: dict[str, str]) -> Asked:
    known = {event.name: event for event in seen.events}
    within = [w for w in WINDOWS if duration(w) <= duration(seen.within) * 2][-1]
    steps = ", ".join(
        f"{name} ({known[name].done / seen.n:.0%})" for name in path[1:] if name in known and seen.n
    )
    says = {
        "id": "path_to_value",
        "asks": f"How far do new people get on the way to “{_said(path[-1])}”?",
        "decides": "Which step to mend first.",
        "measure": "steps",
        "unit": "user",
        "start": path[0],
        "goals": list(path[1:]),
        "within": within,
        **entry,
    }
    note = "The steps: what most people do before the goal, in the order of their usual time"
    told = f": {steps} within {words(duration(seen.within))}." if steps else "."
    return Asked(says, (note + told,), "path")


def _active(events: Sequence[Event], goal: After | None) -> Asked:
    """Who is active: by the goal, or by what people come back for."""
    fit = [e for e in events if not _is(f"{PASSIVE}|{UNWANTED}|{VERIFIED}|{STARTS}", e.name)]
    again = [e for e in fit or events if e.days * 2 >= e.people * 3]
    known = {event.name: event for event in again}
    if goal and goal.name in known:
        core, why = known[goal.name], "the goal, which people do on several days"
    else:
        core = min(again or fit or events, key=lambda e: (-e.days, e.name))
        why = "what people do on most days together"
    per = core.days / core.people if core.people else 0
    says = {
        "id": "active_people",
        "asks": f"How many people do “{_said(core.name)}” each week, and how many come and go?",
        "decides": "Whether the product keeps the people whom it wins.",
        "measure": "active",
        "unit": "user",
        "goal": core.name,
        "within": "7d",
    }
    return Asked(
        says, (f"goal: {why}: {core.people:,} people, {per:.1f} days each.",), "key_metric"
    )


def _verification(events: Sequence[Event], start: Event, entry: dict[str, str]) -> list[Asked]:
    found = [e for e in events if _is(VERIFIED, e.name) and not _is("sent|fail|request", e.name)]
    if not found or found[0].name == start.name:
        return []
    best = min(found, key=lambda e: (-e.people, e.name))
    says = {
        "id": "never_verified",
        "asks": f"What share of new people do not do “{_said(best.name)}” within 48 hours?",
        "decides": "Whether verification loses people who wanted to stay.",
        "measure": "missed_within",
        "unit": "user",
        "start": start.name,
        "goal": best.name,
        "within": "48h",
        **entry,
    }
    return [Asked(says, (f"“{best.name}” is called like a verification.",), "verification")]


def _unfinished(events: Sequence[Event]) -> list[Asked]:
    """What is begun and not finished: two events of one thing."""
    names = {plain(event.name): event.name for event in events}
    for begun, name in sorted(names.items()):
        thing = re.sub(BEGUN, "", begun)
        if thing in (begun, ""):
            continue
        stem = re.sub("_(creation|setup|edit)$", "", thing)
        ends = [f"{part}_{word}" for part in (thing, stem) for word in FINISHED]
        if goal := next((names[end] for end in ends if end in names and end != begun), ""):
            return [_left_undone(name, goal)]
    return []


def _left_undone(start: str, goal: str) -> Asked:
    says = {
        "id": "left_unfinished",
        "asks": f"What share of those who do “{_said(start)}” do not do “{_said(goal)}” in a day?",
        "decides": "Whether people are lost half-way.",
        "measure": "missed_within",
        "unit": "user",
        "start": start,
        "goal": goal,
        "within": "24h",
    }
    return Asked(says, ("Their names say that one finishes the other.",), "unfinished")


def without(guide: Guide, ids: Sequence[str]) -> Guide:
    """The guide without some of its questions."""
    left = tuple(asked for asked in guide.questions if asked.says["id"] not in ids)
    return Guide(guide.path, guide.passive, left)


def _said(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
