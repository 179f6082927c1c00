"""The linter: what is wrong with a play before anything is sent, by its words and by history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting.shaping import Rows
from playbook.declare import Destination, Play, Quiet
from playbook.language.mistakes import listed, nearest
from playbook.language.periods import duration, words
from playbook.language.portable import united
from playbook.language.wording import percent
from playbook.personalization.dryrun import contention, decisions, no_plays
from playbook.personalization.holdouts import holdouts
from playbook.results import SEVERITIES, Answer, Unavailable
from playbook.run import Run

BLOCKING, WARNING, NOTE = SEVERITIES
# An open or a click tells that a message was noticed, not that people do anything.
_MESSAGE = re.compile(r"e?_?mails?|messages?|guides?|tours?|push|newsletters?|notifications?")
_NOTICED = re.compile(r"opened|open|clicked|click|seen|viewed|shown|delivered|displayed|received")
DAY = 24 * 60  # minutes
MUCH = 0.2  # of a play's messages: what is lost beyond it is worth a word
Said = tuple[str, str, str, str]  # severity, check, what is seen, how to go on


def lint(run: Run) -> Answer:
    """Everything that would keep a play from being sent, from helping, or from being measured.

    Returns:
        Shape `table`: one row per finding: `play`, `severity` (`blocking`: it cannot work;
        `warning`: it will not do what it says, or nobody will know; `note`), `check`, `seen`
        and `hint`; the worst first. A product whose plays are all sound has no rows.
    """
    if not run.declared.plays:
        return no_plays(run, "lint")
    if not run.tables.has("users"):
        return Unavailable("personalization.lint", ledger.obstacle(run, run.declared.plays[0].slug))

    def finish(rows: Rows) -> Rows:
        people = {(row["column"], row["value"]): row["people"] for row in rows}
        found = [
            dict(
                zip(("play", "severity", "check", "seen", "hint"), (play.slug, *said), strict=True)
            )
            for play in run.declared.plays
            for said in (*_declared(run, play), *_audience(run, play, people), *_tried(run, play))
        ]
        worst = {severity: place for place, severity in enumerate(SEVERITIES)}
        return sorted(found, key=lambda row: (worst[row["severity"]], row["play"], row["check"]))

    return run.result(
        "personalization.lint", "table", _values(run), finish, counts="real people, once each"
    )


def _declared(run: Run, play: Play) -> Iterator[Said]:
    """What the declaration alone, the plan and the log tell."""
    for event in play.events:
        if event not in run.coverage:
            yield _absent(play, event)
    parts = play.goal.lower().replace("-", "_").split("_")
    if any(map(_NOTICED.fullmatch, parts)) and any(map(_MESSAGE.fullmatch, parts)):
        hint = "name what people should do in the product"
        yield WARNING, "goal", f"`{play.goal}` says that a message was noticed, no more", hint
    if not play.holds_out:
        hint = "hold out a share: 0.1 is little to give"
        yield WARNING, "holdout", "nobody is held out, so nothing can be compared", hint
    yield from _exits(play)
    yield from _delays(run, play)
    yield from _tool(run, play)
    yield from _quiet(run, play)


def _absent(play: Play, event: str) -> Said:
    needed = {play.trigger: "it never starts", play.goal: "nobody can reach its goal"}
    needed |= dict.fromkeys(play.having, "its condition is never met")
    does = needed.get(event, "it never stops anything")
    severity = BLOCKING if event in needed else WARNING
    return (
        severity,
        "event",
        f"`{event}` never arrives: {does}",
        "mend the collection: see the audit",
    )


def _exits(play: Play) -> Iterator[Said]:
    """Whoever has done the goal by then should not be asked for it."""
    stops = {*play.unless, *play.exits}
    hint = f"put `{play.goal}` under `unless`"
    if duration(play.after) and play.goal not in stops:
        seen = f"waits {words(duration(play.after))} and is sent to those who did its goal by then"
        yield WARNING, "exit", seen, hint
    for number, step in enumerate(play.then, start=2):
        if play.goal not in {*step.unless, *play.exits}:
            yield (
                WARNING,
                "exit",
                f"its message {number} goes to those who did its goal by then",
                hint,
            )


def _delays(run: Run, play: Play) -> Iterator[Said]:
    within, waits = duration(play.goal_within), duration(play.after)
    for number, step in enumerate(play.then, start=2):
        if duration(step.after) >= within:
            seen = (
                f"message {number} goes out when the window of the goal ({words(within)}) is over"
            )
            yield WARNING, "delay", seen, "make `goal_within` longer, or the delay shorter"
    if waits + within > run.period.as_of - run.period.since:
        seen = f"{words(waits + within)} from trigger to the end of its window, more than the data"
        yield WARNING, "delay", seen, "look at a longer period"


def _tool(run: Run, play: Play) -> Iterator[Said]:
    """A tool that never hears of an event cannot be started or stopped by it."""
    planned = {point.event: point.destinations for point in run.declared.plan}
    named = [event for event in play.events if event != play.goal or event in play.unless]
    lacks = [event for event in named if play.destination not in planned.get(event, {})]
    if play.destination and lacks:
        seen = f"{play.destination} is not sent {listed(f'`{event}`' for event in lacks)}"
        yield NOTE, "tool", seen, "hand it the audience file, or plan to send it the event"
    asked = run.declared.product.destinations.get(play.destination, Destination()).columns
    has = sorted(run.tables.mapped["users"])
    for column in asked.values():
        if column not in has:
            seen = f"{play.destination} asks for the column `{column}`, which `users` lacks"
            yield BLOCKING, "tool", seen, nearest(column, has)


def _quiet(run: Run, play: Play) -> Iterator[Said]:
    """Quiet hours that leave no time to send in, or that are no time."""
    for channel in dict.fromkeys(part.channel or play.channel for part in (play, *play.then)):
        rules = [q for q in run.declared.product.sending.quiet if q.channel in (None, channel)]
        if len({minute for rule in rules for minute in _minutes(rule)}) == DAY:
            seen = f"its quiet hours cover the whole day: nothing goes out by {channel}"
            yield BLOCKING, "quiet", seen, "leave hours in which it may go out"
        for rule in rules:
            if rule.begins == rule.ends:
                seen = f"quiet hours from {rule.begins} to {rule.ends} are no time at all"
                yield WARNING, "quiet", seen, "say when they end, or remove them"


def _minutes(rule: Quiet) -> set[int]:
    """The minutes of the day that quiet hours hold."""
    begins, ends = (int(hour[:2]) * 60 + int(hour[3:]) for hour in (rule.begins, rule.ends))
    after = set(range(begins, ends if begins <= ends else DAY))
    return after if begins <= ends else after | set(range(ends))


def _audience(run: Run, play: Play, people: dict[tuple[str, str], int]) -> Iterator[Said]:
    """Values that nobody has, and an audience that holds nobody."""
    if reason := ledger.obstacle(run, play.slug):
        yield BLOCKING, "audience", reason, "correct the audience"
        return
    nobody = not people.get((play.slug, ""), 0)
    for column, accepted in play.audience.items():
        known = [value for of, value in people if of == column]
        absent = [value for value in accepted if value not in known]
        if len(absent) == len(accepted):
            nobody = False  # this is why, and is said
        for value in absent:
            severity = BLOCKING if len(absent) == len(accepted) else WARNING
            seen = f"nobody's {column} is `{value}`"
            yield severity, "audience", seen, nearest(value, known) if known else "map the column"
    if nobody:
        hint = "there is no person with all of these traits at once"
        yield BLOCKING, "audience", "its audience holds nobody", hint


def _tried(run: Run, play: Play) -> Iterator[Said]:
    """What the dry run tells."""
    tried = decisions(run)
    if isinstance(tried, Unavailable):
        return  # the audience of some play cannot be told, which is said at that play
    for row in tried.rows:
        if row["play"] == play.slug:
            yield from _held_back(run, play, row)
    if not any(row["play"] == play.slug for row in tried.rows):
        yield WARNING, "reach", "no message of it was due in the period", "look at its conditions"
    yield from _learnt(run, play)


def _held_back(run: Run, play: Play, row: dict[str, Any]) -> Iterator[Said]:
    """Where the rules would hold back much of a message."""
    due, which = (
        row["due"] - row["already_done"],
        f"message {row['message']}" if play.then else "it",
    )
    if not due:
        seen = f"{which} is never needed: whoever was due had done it, or was not ready"
        yield WARNING, "reach", seen, "look at `unless` and `having`"
        return
    for decision, what, hint in (
        ("unreachable", "cannot be delivered", "choose another channel"),
        ("suppressed", "is for people who must not be sent to", "choose another channel"),
        ("capped", "is over a limit", "raise its priority, the limit, or its delay"),
        ("lost_priority", _lost(run, play), "give them other moments, or one of them up"),
    ):
        lost = row[decision] / due
        if lost >= MUCH:
            severity = BLOCKING if lost == 1 else WARNING
            yield severity, "reach", f"{percent(lost)} of {which} {what}", hint


def _lost(run: Run, play: Play) -> str:
    pairs = contention(run)
    if isinstance(pairs, Unavailable):
        return "loses to other plays"
    rivals = [row["play"] for row in pairs.rows if row["rival"] == play.slug and row["play won"]]
    return f"loses to {listed(rivals[:3])}" if rivals else "loses to other plays"


def _learnt(run: Run, play: Play) -> Iterator[Said]:
    sized = holdouts(run)
    if isinstance(sized, Unavailable):
        return
    for row in sized.rows:
        if row["play"] == play.slug and not row["answerable"]:
            hint = "hold out more, look for a larger effect, or do without knowing"
            yield WARNING, "holdout", row["verdict"].rstrip("."), hint


def _values(run: Run) -> ir.Table:
    """How many people have each value of the columns that audiences name, and are in each."""
    people = run.tables.users.filter(~_.is_internal)
    columns = dict.fromkeys(column for play in run.declared.plays for column in play.audience)
    everybody = people.aggregate(people=_.count())
    counted = [everybody.mutate(column=ibis.literal(""), value=ibis.literal(""))]
    counted += [
        people.group_by(value=people[column].cast("string"))
        .aggregate(people=_.count())
        .mutate(column=ibis.literal(column))
        for column in columns
        if column in people.columns
    ]
    counted += [
        ledger.audience(run, play)
        .aggregate(people=_.count())
        .mutate(column=ibis.literal(play.slug), value=ibis.literal(""))
        for play in run.declared.plays
        if not ledger.obstacle(run, play.slug)
    ]
    order: tuple[str, ...] = ("column", "value", "people")
    return united([table.select(*order) for table in counted])


def violation(row: dict[str, Any]) -> str:
    """A finding in a line."""
    return f"{row['severity']}: {row['play']}: {row['seen']}; {row['hint']}"
