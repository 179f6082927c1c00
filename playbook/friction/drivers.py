"""Which behaviour in the first hours goes with reaching value: associations, fairly exposed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.counting.shaping import Rows
from playbook.declare import Question
from playbook.friction import asking
from playbook.inference import stats
from playbook.language.mistakes import Mistake
from playbook.language.periods import Period, duration, interval, words
from playbook.language.portable import count_if, united
from playbook.results import Answer, Result, Unavailable
from playbook.run import Run

MEASURES = ("reached_within", "missed_within", "steps", "time_to")
TRAIT = "persona"  # who somebody is decides much of both what they do and what they reach
# Words of a definition that tell attempts, or goals beside the last.
OF_ATTEMPTS = {"goals", "edges", "order", "ties", "window from", "windows", "may be left out"}
OF_ATTEMPTS |= {"exclude", "counted"}
EVERYBODY = ""  # stands for the event of the rows that count all units
COUNTS = ("event", "n", "reached", "n_twice", "reached_twice", "decided", "open")


def drivers(run: Run, id: str, *, at: str = "24h") -> Answer:
    """Behaviour in the first hours that goes with reaching the goal later: an association.

    Everybody is watched for the same time. At the landmark, `at` after its first start in the
    period, a unit counts if it has not reached the goal so far, nor before its start. Behaviour
    is what it did from the start to the landmark; the outcome is whether it does the goal after
    the landmark and within the question's time; ends are included, and that time must have
    passed. So who reaches early has no less time to do things, and nothing that only follows
    from the goal counts (the landmark method: Anderson, Cain and Gelber 1983). Of several goals
    the last is meant; the others are behaviour like any other.

    Args:
        run: The opened run.
        id: A question with a start, a goal and `within`, and without `hold`.
        at: The landmark: a duration shorter than `within`.

    Returns:
        Shape `drivers`: for each event that somebody did, but the start and the goal, a row for
        `times` 1 (at all) and 2 (at least twice), the largest difference first. `n_did`,
        `reached_did` and `share_did` of those who did it so often; the same as `…_not` of
        the others. `difference` of the shares with `low` and `high` (Newcombe). `p`: Fisher's
        exact test, as few may have reached even where many are compared, corrected for the
        number of rows compared (Benjamini and Hochberg). `adjusted`, `adjusted_low` and
        `adjusted_high`: the difference among units of the same persona; null without personas.
        `verdict`: `more`, `less`, `no difference shown`; `too few` where fewer than `min_n` did
        it or did not: such rows have counts alone, and stand at the end. On every row, and in
        none of the counts: `decided` units and `open` ones, whose time has not passed.
    """
    asked = asking.asked(run, id, "drivers")
    if isinstance(asked, Unavailable):
        return asked
    question, goal = asked.question, _goal(asked.question)
    try:
        landmark = _landmark(asked, at)
    except Mistake as mistake:
        return Unavailable(asked.id, mistake.sentence)
    by = [TRAIT] if answers.mapped(run, question, TRAIT) else []
    times = replace(asked, by=tuple(by)).first_times(goal)
    people = _people(times, landmark, asked.span, asked.run.period)
    rows = asked.rows().filter(_.event.notnull(), ~_.event.isin([question.start, goal]))
    counted = united([_everybody(people, by), _done(rows, people, landmark, by)])
    least = run.declared.product.min_n
    result = asked.result("drivers", counted, lambda rows: _compared(rows, by, least))
    return replace(result, definition=_definition(result, asked, landmark, by))


def _goal(question: Question) -> str:
    return question.goal or (question.goals[-1] if question.goals else "")


def _landmark(asked: Asked, at: str) -> timedelta:
    """How long behaviour counts."""
    question = asked.question
    if question.measure not in MEASURES or question.hold or not question.within:
        held = f", one attempt for each `{', '.join(question.hold)}`" if question.hold else ""
        raise Mistake(
            f"Nothing can be said of what leads to the goal of `{question.id}`.",
            f"It is counted by `{question.measure}`{held}.",
            "ask it of a question with a start, a goal and `within`, and without `hold`.",
        )
    if question.start == _goal(question):
        raise Mistake(
            f"Nothing can be said of what leads to the goal of `{question.id}`.",
            f"Its goal is its start, `{question.start}`, so that everybody has reached it.",
            "ask it of a question with another goal.",
        )
    landmark, within = duration(at), asked.span
    if not timedelta(0) < landmark < within:
        raise Mistake(
            f"The landmark `{at}` leaves no time for behaviour or for the goal.",
            f"`{question.id}` gives {words(within)} from the start.",
            "choose a landmark inside that time.",
        )
    return landmark


def _people(
    first_times: ir.Table, landmark: timedelta, within: timedelta, period: Period
) -> ir.Table:
    """One row per unit that started: whether it is `open`, `decided`, and `reached` in time."""
    is_open = ~period.closed(_.started_at, within)
    by_then = (_.goal_0_at <= _.started_at + interval(landmark)).fill_null(False)
    return first_times.mutate(
        is_open=is_open,
        decided=~is_open & (_.goal_0_before | by_then),
        reached=(_.goal_0_at <= _.started_at + interval(within)).fill_null(False),
    )


def _everybody(people: ir.Table, by: list[str]) -> ir.Table:
    """One row per persona: all who are compared, as if of an event that each did twice."""
    fair = ~_.is_open & ~_.decided
    counted = people.aggregate(
        by=by,
        n=count_if(fair),
        reached=count_if(fair & _.reached),
        decided=count_if(_.decided),
        open=count_if(_.is_open),
    )
    twice = {"n_twice": _.n, "reached_twice": _.reached}
    return counted.mutate(event=ibis.literal(EVERYBODY), **twice).select(*by, *COUNTS)


def _done(rows: ir.Table, people: ir.Table, landmark: timedelta, by: list[str]) -> ir.Table:
    """One row per persona and event: who did it up to the landmark, and twice, and reached."""
    fair = people.filter(~_.is_open, ~_.decided).select("unit", "started_at", "reached", *by)
    per_unit = (
        rows.select("unit", "event", "at")
        .inner_join(fair, "unit")
        .filter(_.at >= _.started_at, _.at <= _.started_at + interval(landmark))
        .group_by(["unit", "event", "reached", *by])
        .aggregate(times=_.count())
    )
    counted = per_unit.aggregate(
        by=[*by, "event"],
        n=_.count(),
        reached=count_if(_.reached),
        n_twice=count_if(_.times >= 2),
        reached_twice=count_if((_.times >= 2) & _.reached),
    )
    none = ibis.literal(0, "int64")
    return counted.mutate(decided=none, open=none).select(*by, *COUNTS)


def _compared(rows: Rows, by: list[str], least: int) -> Rows:
    """Each event of the fetched counts, its doers against the others."""
    # In one order: sums of fractions depend on it, and engines give rows in any.
    rows = sorted(rows, key=lambda row: str(row.get(TRAIT)))
    everybody = {row.get(TRAIT): row for row in rows if row["event"] == EVERYBODY}
    events: dict[str, Rows] = {}
    for row in rows:
        if row["event"] != EVERYBODY:
            events.setdefault(row["event"], []).append(row)
    apart = {name: sum(row[name] for row in everybody.values()) for name in ("decided", "open")}
    found: Rows = []
    for event, own in sorted(events.items()):
        for times, n, reached in ((1, "n", "reached"), (2, "n_twice", "reached_twice")):
            did = {row.get(TRAIT): (row[n], row[reached]) for row in own}
            cells = list(_cells(did, everybody))
            if any(cell[0] for cell in cells):
                found.append({"event": event, "times": times} | _row(cells, by, least) | apart)
    return sorted(_judged(found), key=_place)


def _cells(did: dict, everybody: dict) -> Iterator[stats.Stratum]:
    """Per persona: who did it and who did not, with how many of each reached."""
    for persona, row in everybody.items():
        n, reached = did.get(persona, (0, 0))
        yield n, reached, row["n"] - n, row["reached"] - reached


def _row(cells: list[stats.Stratum], by: list[str], least: int) -> dict:
    """An event's counts, differences and p value, which is not yet corrected."""
    n_did, reached_did, n_not, reached_not = (sum(numbers) for numbers in zip(*cells, strict=True))
    row = {"n_did": n_did, "reached_did": reached_did, "n_not": n_not, "reached_not": reached_not}
    names = ("share_did", "share_not", "difference", "low", "high", "p")
    row |= dict.fromkeys((*names, "adjusted", "adjusted_low", "adjusted_high"))
    if min(n_did, n_not) < max(least, 1):
        return row
    share_did, share_not = reached_did / n_did, reached_not / n_not
    low, high = stats.newcombe(reached_did, n_did, reached_not, n_not)
    row |= {"share_did": share_did, "share_not": share_not, "difference": share_did - share_not}
    row |= {"low": low, "high": high, "p": stats.fisher(reached_did, n_did, reached_not, n_not)}
    if by:
        names = ("adjusted", "adjusted_low", "adjusted_high")
        row |= dict(zip(names, stats.mantel_haenszel(cells), strict=True))
    return row


def _judged(rows: Rows) -> Rows:
    """The rows with corrected p values, and the verdict on each."""
    compared = [row for row in rows if row["p"] is not None]
    for row, p in zip(compared, stats.corrected([row["p"] for row in compared]), strict=True):
        row["p"] = p
    return [row | {"verdict": _verdict(row)} for row in rows]


def _verdict(row: dict) -> str:
    if row["p"] is None:
        return "too few"
    if row["p"] >= stats.SURE:
        return "no difference shown"
    return "more" if row["difference"] > 0 else "less"


def _place(row: dict) -> tuple:
    """The largest difference first; what is not compared last, what most did before the rest."""
    if row["difference"] is None:
        return (1, -row["n_did"], row["event"], row["times"])
    return (0, -abs(row["difference"]), row["event"], row["times"])


def _definition(
    found: Result, asked: Asked, landmark: timedelta, by: list[str]
) -> tuple[tuple[str, str], ...]:
    """How the question is counted, and how behaviour is compared; attempts play no part."""
    pairs = dict(found.definition) | {
        "goal": _goal(asked.question),
        "within": f"{words(asked.span)}, end included",
        "entry": "each unit's first start in the period",
    }
    said = {
        "behaviour": f"in the first {words(landmark)}",
        "among": "those who had not reached the goal by then",
        "tests": "Fisher's, corrected for their number (Benjamini and Hochberg)",
        "adjusted": f"within each {by[0]} (Mantel and Haenszel)" if by else "",
    }
    kept = {word: value for word, value in pairs.items() if word not in OF_ATTEMPTS}
    return tuple((word, value) for word, value in (kept | said).items() if value)
