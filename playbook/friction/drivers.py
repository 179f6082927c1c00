"""Which behaviour in the first hours goes with reaching value: associations, fairly exposed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.counting.shaping import grouped
from playbook.declare import Question
from playbook.friction.questions import unfit_because
from playbook.inference import stats
from playbook.language.mistakes import Mistake
from playbook.language.periods import Period, duration, interval, words
from playbook.language.portable import count_if, united
from playbook.language.wording import plain, points
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, P, points_of, share_of, with_ends
from playbook.results.section import section
from playbook.results.sentences import Told
from playbook.run import Run

MEASURES = ("reached_within", "missed_within", "steps", "time_to")
DAY = timedelta(days=1)
TRAIT = "persona"  # who somebody is decides much of both what they do and what they reach
# Words of a definition that tell attempts, or goals beside the last.
OF_ATTEMPTS = {"goals", "edges", "order", "ties", "window from", "windows", "may be left out"}
OF_ATTEMPTS |= {"exclude", "counted"}
EVERYBODY = ""  # stands for the event of the rows that count all units
COUNTS = ("event", "n", "reached", "n_twice", "reached_twice", "decided", "open")
ADJUSTED = ("adjusted", "adjusted_low", "adjusted_high")
SIDES = dict.fromkeys(("reached_did", "reached_not", "decided", "open"), COUNT)
SIDES |= {"share_did": share_of("n_did"), "share_not": share_of("n_not"), "p": P}
SIDES |= with_ends("adjusted", points_of("n_did", "n_not"), ends=ADJUSTED[1:])
NOTHING_ELSE = "*Nobody is left to compare, or nobody did anything else in that time.*"


@section("friction.{id}_drivers")
def drivers(run: Run, id: str, *, at: str = "") -> Answer:
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
        at: The landmark: a duration shorter than `within`; a day, unless given, or half of
            `within` where that is less.

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
    asking = answers.asked(run, id)
    question, goal, landmark = asking.question, _last_goal(asking.question), _landmark(asking, at)
    by = [TRAIT] if answers.mapped(run, question, TRAIT) else []
    times = replace(asking, by=tuple(by)).first_times(goal)
    people = _people_at(landmark, times, asking.span, asking.run.period)
    rows = asking.rows().filter(_.event.notnull(), ~_.event.isin([question.start, goal]))
    counted = united([_all_compared(people, by), _early_behaviour(rows, people, landmark, by)])
    result = asking.result(
        "drivers",
        counted,
        lambda rows: _behaviours(rows, by, run.declared.product.min_n),
        own=SIDES,
        within=words(asking.span),
        title=f"What is done in the first {words(landmark)}, and getting to "
        f"“{asking.phrases.label(goal)}” later",
        says=partial(_say_drivers, goal=goal, landmark=words(landmark)),
        silence=NOTHING_ELSE,
    )
    return replace(result, definition=_how_compared(result, asking, landmark, by))


def _say_drivers(result: Result, told: Told, _words: str = "", *, goal: str, landmark: str) -> str:
    """What goes with reaching the goal, the strongest first; an association, never a cause."""
    rows = result.rows
    compared = [row for row in rows if row["difference"] is not None]
    shown = [row for row in compared if row["verdict"] in {"more", "less"}]
    whom = (
        f"{told.count('compared', rows[0]['n_did'] + rows[0]['n_not'])} {result.counted} who had "
        f"not reached “{plain(result.label(goal))}” in the first {landmark}"
    )
    behaviours, few = told.count("behaviours", len(compared)), len(rows) - len(compared)
    apart = ""
    if few:
        alone = told.count("not_compared", few)
        apart = f" Not compared: {alone}, which too few did, or too few did not."
    if not shown:
        none = f"none of {behaviours} behaviours compared shows a difference"
        return f"Among {whom}, {none if compared else 'no behaviour can be compared'}.{apart}"
    ways = {word: sum(row["verdict"] == word for row in shown) for word in ("more", "less")}
    kinds = ", ".join(
        f"{word} often for {told.count(f'{word}_often', n)}" for word, n in ways.items() if n
    )
    text = (
        f"Among {whom}, {_strongest(result, told, shown[0])} Of {behaviours} behaviours compared, "
        f"the goal is shown to be reached {kinds}."
    )
    if same := [row for row in shown if _vanishes(row)]:
        names = ", ".join(_behaviour(result, row) for row in same)
        text += f" Among units of the same persona no difference is left for {names}."
    return (
        f"{text}{apart} These are associations: they do not say what would change if more did it."
    )


def _strongest(result: Result, told: Told, row: dict[str, Any]) -> str:
    """The behaviour with the largest difference, in words."""
    name = row["event"] + (".twice" if row["times"] == 2 else "")
    did, others = (
        f"{told.share(f'{name}.{side}', row[f'share_{side}'], row[f'n_{side}'])} of "
        f"{told.count(f'{name}.n_{side}', row[f'n_{side}'])}"
        for side in ("did", "not")
    )
    adjusted = ""
    if row["adjusted"] is not None:
        ends = (row["adjusted_low"], row["adjusted_high"])
        within = told.points(f"{name}.adjusted", row["adjusted"], ends=ends)
        adjusted = f"; {within} among units of the same persona"
    return (
        f"those who in that time {_behaviour(result, row)} reach it later {row['verdict']} often: "
        f"**{points(row['difference'])} points** ({points(row['low'])} to {points(row['high'])}), "
        f"{did} against {others}{adjusted}."
    )


def _behaviour(result: Result, row: dict[str, Any]) -> str:
    twice = " at least twice" if row["times"] == 2 else ""
    return f"“{plain(result.label(row['event']))}”{twice}"


def _vanishes(row: dict[str, Any]) -> bool:
    """Whether who they are accounts for the difference."""
    return row["adjusted"] is not None and row["adjusted_low"] <= 0 <= row["adjusted_high"]


def _last_goal(question: Question) -> str:
    return question.goal or (question.goals[-1] if question.goals else "")


def _landmark(asking: Asked, at: str) -> timedelta:
    """How long behaviour counts: as long as is said, or a day, or half the time if that is less."""
    question = asking.question
    cannot = f"Nothing can be said of what leads to the goal of `{question.id}`."
    if question.measure not in MEASURES or question.hold or not question.within:
        held = f", one attempt for each `{', '.join(question.hold)}`" if question.hold else ""
        raise unfit_because(
            cannot,
            f"It is counted by `{question.measure}`{held}.",
            "ask it of a question with a start, a goal and `within`, and without `hold`.",
        )
    if question.start == _last_goal(question):
        raise unfit_because(
            cannot,
            f"Its goal is its start, `{question.start}`, so that everybody has reached it.",
            "ask it of a question with another goal.",
        )
    within = asking.span
    landmark = duration(at) if at else min(DAY, within / 2)
    if not timedelta(0) < landmark < within:
        raise Mistake(
            f"The landmark `{at}` leaves no time for behaviour or for the goal.",
            f"`{question.id}` gives {words(within)} from the start.",
            "choose a landmark inside that time.",
        )
    return landmark


def _people_at(
    landmark: timedelta, first_times: ir.Table, within: timedelta, period: Period
) -> ir.Table:
    """One row per unit that started: whether it is `open`, `decided`, and `reached` in time."""
    is_open = ~period.closed(_.started_at, within)
    by_then = (_.goal_0_at <= _.started_at + interval(landmark)).fill_null(False)
    return first_times.mutate(
        is_open=is_open,
        decided=~is_open & (_.goal_0_before | by_then),
        reached=(_.goal_0_at <= _.started_at + interval(within)).fill_null(False),
    )


def _all_compared(people: ir.Table, by: list[str]) -> ir.Table:
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


def _early_behaviour(
    rows: ir.Table, people: ir.Table, landmark: timedelta, by: list[str]
) -> ir.Table:
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


def _behaviours(rows: Rows, by: list[str], least: int) -> Rows:
    """Each event of the fetched counts, its doers against the others."""
    # In one order: sums of fractions depend on it, and engines give rows in any.
    rows = sorted(rows, key=lambda row: str(row.get(TRAIT)))
    events = grouped(rows, ["event"])
    everybody = {row.get(TRAIT): row for row in events.pop((EVERYBODY,), ())}
    apart = {name: sum(row[name] for row in everybody.values()) for name in ("decided", "open")}
    found: Rows = []
    for (event,), own in sorted(events.items()):
        for times, n, reached in ((1, "n", "reached"), (2, "n_twice", "reached_twice")):
            did = {row.get(TRAIT): (row[n], row[reached]) for row in own}
            strata = list(_persona_strata(did, everybody))
            if any(stratum[0] for stratum in strata):
                compared = _did_against_not(strata, by, least)
                found.append({"event": event, "times": times} | compared | apart)
    tested = [row for row in found if row["p"] is not None]
    for row, p in zip(tested, stats.corrected([row["p"] for row in tested]), strict=True):
        row["p"] = p
    return sorted((row | {"verdict": _driver_verdict(row)} for row in found), key=_strength)


def _persona_strata(did: dict, everybody: dict) -> Iterator[stats.Stratum]:
    """Per persona: who did it and who did not, with how many of each reached."""
    for persona, row in everybody.items():
        n, reached = did.get(persona, (0, 0))
        yield n, reached, row["n"] - n, row["reached"] - reached


def _did_against_not(strata: list[stats.Stratum], by: list[str], least: int) -> dict:
    """An event's counts, differences and p value, which is not yet corrected."""
    did, reached_did, others, reached_not = (sum(each) for each in zip(*strata, strict=True))
    row = {"n_did": did, "reached_did": reached_did, "n_not": others, "reached_not": reached_not}
    row |= dict.fromkeys(("share_did", "share_not", "difference", "low", "high", "p", *ADJUSTED))
    if min(did, others) < max(least, 1):
        return row
    share_did, share_not = reached_did / did, reached_not / others
    low, high = stats.newcombe(reached_did, did, reached_not, others)
    row |= {"share_did": share_did, "share_not": share_not, "difference": share_did - share_not}
    row |= {"low": low, "high": high, "p": stats.fisher(reached_did, did, reached_not, others)}
    adjusted = zip(ADJUSTED, stats.mantel_haenszel(strata), strict=True)
    return row | dict(adjusted if by else ())


def _driver_verdict(row: dict) -> str:
    if row["p"] is None:
        return "too few"
    if row["p"] >= stats.SURE:
        return "no difference shown"
    return "more" if row["difference"] > 0 else "less"


def _strength(row: dict) -> tuple:
    """The largest difference first; what is not compared last, what most did before the rest."""
    if row["difference"] is None:
        return (1, -row["n_did"], row["event"], row["times"])
    return (0, -abs(row["difference"]), row["event"], row["times"])


def _how_compared(
    found: Result, asking: Asked, landmark: timedelta, by: list[str]
) -> tuple[tuple[str, str], ...]:
    """How the question is counted, and how behaviour is compared; attempts play no part."""
    pairs = dict(found.definition) | {
        "goal": _last_goal(asking.question),
        "within": f"{words(asking.span)}, end included",
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
