"""The linter: what is wrong with a play before anything is sent, by its words and by history."""

from __future__ import annotations

import re
from collections import Counter
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
from playbook.language.wording import percent, plain
from playbook.personalization.dryrun import contention, decisions, declared_plays
from playbook.personalization.holdouts import holdouts
from playbook.results import SEVERITIES, Answer, Result, Unavailable
from playbook.results.columns import ID, TEXT
from playbook.results.section import Unanswerable, section, there
from playbook.results.sentences import Told, bullets
from playbook.run import Run

BLOCKING, WARNING, NOTE = SEVERITIES
# An open or a click tells that a message was noticed, not that people do anything.
_MESSAGE = re.compile(r"e?_?mails?|messages?|guides?|tours?|push|newsletters?|notifications?")
_NOTICED = re.compile(r"opened|open|clicked|click|seen|viewed|shown|delivered|displayed|received")
DAY = 24 * 60  # minutes
MUCH = 0.2  # of a play's messages: what is lost beyond it is worth a word
# Decision → what is seen of a message that much is lost of, and how to go on.
HELD_BACK = {
    "unreachable": ("cannot be delivered", "choose another channel"),
    "suppressed": ("is for people who must not be sent to", "choose another channel"),
    "capped": ("is over a limit", "raise its priority, the limit, or its delay"),
    "lost_priority": ("loses to {rivals}", "give them other moments, or one of them up"),
}
FAULT = {"play": ID} | dict.fromkeys(("severity", "check", "seen", "hint"), TEXT)
Said = tuple[str, str, str, str]  # severity, check, what is seen, how to go on


@section("personalization.lint")
def lint(run: Run) -> Answer:
    """Everything that would keep a play from being sent, from helping, or from being measured.

    Returns:
        Shape `table`: one row per finding: `play`, `severity` (`blocking`: it cannot work;
        `warning`: it will not do what it says, or nobody will know; `note`), `check`, `seen`
        and `hint`; the worst first. A product whose plays are all sound has no rows.
    """
    plays = declared_plays(run)
    if not run.tables.has("users"):
        raise Unanswerable(ledger.lacks(run, plays[0].slug))

    def finish(rows: Rows) -> Rows:
        people = {(row["column"], row["value"]): row["people"] for row in rows}
        found = [
            dict(zip(FAULT, (play.slug, *said), strict=True))
            for play in plays
            for said in (
                *_faults_of_declaration(run, play),
                *_faults_of_audience(run, play, people),
                *_faults_in_history(run, play),
            )
        ]
        worst = {severity: place for place, severity in enumerate(SEVERITIES)}
        return sorted(found, key=lambda row: (worst[row["severity"]], row["play"], row["check"]))

    tried = (decisions(run), contention(run), holdouts(run))
    return run.result(
        "table",
        _people_with_traits(run),
        finish,
        counts="real people, once each",
        own=FAULT,
        made_of=(*run.scans, *there(*tried)),
        says=_faults_in_words,
        silence=f"Nothing is found wrong with {listed(play.slug for play in plays)}.",
    )


def _faults_of_declaration(run: Run, play: Play) -> Iterator[Said]:
    """What the declaration alone, the plan and the log tell."""
    for event in play.events:
        if event not in run.coverage:
            yield _missing_event(play, event)
    parts = play.goal.lower().replace("-", "_").split("_")
    if any(map(_NOTICED.fullmatch, parts)) and any(map(_MESSAGE.fullmatch, parts)):
        hint = "name what people should do in the product"
        yield WARNING, "goal", f"`{play.goal}` says that a message was noticed, no more", hint
    if not play.holds_out:
        hint = "hold out a share: 0.1 is little to give"
        yield WARNING, "holdout", "nobody is held out, so nothing can be compared", hint
    yield from _faults_of_exits(play)
    yield from _faults_of_delays(run, play)
    yield from _faults_of_tool(run, play)
    yield from _faults_of_quiet_hours(run, play)


def _missing_event(play: Play, event: str) -> Said:
    needed = {play.trigger: "it never starts", play.goal: "nobody can reach its goal"}
    needed |= dict.fromkeys(play.having, "its condition is never met")
    does = needed.get(event, "it never stops anything")
    severity = BLOCKING if event in needed else WARNING
    seen = f"`{event}` never arrives: {does}"
    return severity, "event", seen, "mend the collection: see the audit"


def _faults_of_exits(play: Play) -> Iterator[Said]:
    """Whoever has done the goal by then should not be asked for it."""
    stops = {*play.unless, *play.exits}
    hint = f"put `{play.goal}` under `unless`"
    if duration(play.after) and play.goal not in stops:
        seen = f"waits {words(duration(play.after))} and is sent to those who did its goal by then"
        yield WARNING, "exit", seen, hint
    for number, step in enumerate(play.then, start=2):
        if play.goal not in {*step.unless, *play.exits}:
            seen = f"its message {number} goes to those who did its goal by then"
            yield WARNING, "exit", seen, hint


def _faults_of_delays(run: Run, play: Play) -> Iterator[Said]:
    within, waits = duration(play.goal_within), duration(play.after)
    for number, step in enumerate(play.then, start=2):
        if duration(step.after) >= within:
            window = f"the window of the goal ({words(within)})"
            seen = f"message {number} goes out when {window} is over"
            yield WARNING, "delay", seen, "make `goal_within` longer, or the delay shorter"
    if waits + within > run.period.as_of - run.period.since:
        seen = f"{words(waits + within)} from trigger to the end of its window, more than the data"
        yield WARNING, "delay", seen, "look at a longer period"


def _faults_of_tool(run: Run, play: Play) -> Iterator[Said]:
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


def _faults_of_quiet_hours(run: Run, play: Play) -> Iterator[Said]:
    """Quiet hours that leave no time to send in, or that are no time."""
    for channel in dict.fromkeys(part.channel or play.channel for part in (play, *play.then)):
        rules = [q for q in run.declared.product.sending.quiet if q.channel in (None, channel)]
        if len({minute for rule in rules for minute in _minutes_of_quiet(rule)}) == DAY:
            seen = f"its quiet hours cover the whole day: nothing goes out by {channel}"
            yield BLOCKING, "quiet", seen, "leave hours in which it may go out"
        for rule in rules:
            if rule.begins == rule.ends:
                seen = f"quiet hours from {rule.begins} to {rule.ends} are no time at all"
                yield WARNING, "quiet", seen, "say when they end, or remove them"


def _minutes_of_quiet(rule: Quiet) -> set[int]:
    """The minutes of the day that quiet hours hold."""
    begins, ends = (int(hour[:2]) * 60 + int(hour[3:]) for hour in (rule.begins, rule.ends))
    after = set(range(begins, ends if begins <= ends else DAY))
    return after if begins <= ends else after | set(range(ends))


def _faults_of_audience(run: Run, play: Play, people: dict[tuple[str, str], int]) -> Iterator[Said]:
    """Values that nobody has, and an audience that holds nobody."""
    if reason := ledger.lacks(run, play.slug):
        yield BLOCKING, "audience", reason, "correct the audience"
        return
    nobody = not people.get((play.slug, ""), 0)
    for column, accepted in play.audience.items():
        known = [value for of, value in people if of == column and value is not None]
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


def _faults_in_history(run: Run, play: Play) -> Iterator[Said]:
    """What the dry run tells."""
    tried = decisions(run)
    if isinstance(tried, Unavailable):
        return  # the audience of some play cannot be told, which is said at that play
    own = [row for row in tried.rows if row["play"] == play.slug]
    for row in own:
        yield from _loss_of_reach(run, play, row)
    if not own and ledger.is_ours_to_send(run, play):
        yield WARNING, "reach", "no message of it was due in the period", "look at its conditions"
    yield from _faults_of_holdout(run, play)


def _loss_of_reach(run: Run, play: Play, row: dict[str, Any]) -> Iterator[Said]:
    """Where the rules would hold back much of a message."""
    due = row["due"] - row["already_done"]
    which = f"message {row['message']}" if play.then else "it"
    if not due:
        seen = f"{which} is never needed: whoever was due had done it, or was not ready"
        yield WARNING, "reach", seen, "look at `unless` and `having`"
        return
    for decision, (what, hint) in HELD_BACK.items():
        if (lost := (row[decision] or 0) / due) >= MUCH:
            severity = BLOCKING if lost == 1 else WARNING
            seen = f"{percent(lost)} of {which} {what.format(rivals=_winners(run, play))}"
            yield severity, "reach", seen, hint


def _winners(run: Run, play: Play) -> str:
    pairs = [row for row in contention(run).rows if row["rival"] == play.slug and row["play_won"]]
    return listed(row["play"] for row in pairs[:3]) if pairs else "other plays"


def _faults_of_holdout(run: Run, play: Play) -> Iterator[Said]:
    for row in holdouts(run).rows:
        if row["play"] == play.slug and not row["answerable"]:
            hint = "hold out more, look for a larger effect, or do without knowing"
            yield WARNING, "holdout", row["verdict"].rstrip("."), hint


def _people_with_traits(run: Run) -> ir.Table:
    """How many people have each value of the columns that audiences name, and are in each."""
    people = run.tables.users.filter(~_.is_internal)
    columns = dict.fromkeys(column for play in run.declared.plays for column in play.audience)
    counted = [
        people.group_by(value=people[column].cast("string"))
        .aggregate(people=_.count())
        .mutate(column=ibis.literal(column))
        for column in columns
        if column in people.columns
    ]
    audiences = {"": people} | {
        play.slug: ledger.audience(run, play)
        for play in run.declared.plays
        if not ledger.lacks(run, play.slug)
    }
    counted += [
        rows.aggregate(people=_.count()).mutate(column=ibis.literal(name), value=ibis.literal(""))
        for name, rows in audiences.items()
    ]
    return united([table.select("column", "value", "people") for table in counted])


def _faults_in_words(result: Result, told: Told, _words: str) -> str:
    """How many findings of which weight, and those that block, each in a line."""
    weights = Counter(row["severity"] for row in result.rows)
    sums = [f"{told.count(severity, n)} {severity}" for severity, n in weights.items()]
    text = (
        f"{told.count('findings', len(result.rows), 'finding')} ({', '.join(sums)}) in "
        f"{told.count('plays', len({row['play'] for row in result.rows}), 'play')}."
    )
    blocking = [row for row in result.rows if row["severity"] == BLOCKING]
    if not blocking:
        return f"{text} None of them keeps a play from working."
    lines = [
        f"{plain(row['play'])}: {plain(row['seen'])}; {plain(row['hint'])}" for row in blocking
    ]
    return bullets([text, *lines])
