"""Who comes back: cohorts by the week in which they started, over periods that are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import SHARE_TREND, Asked
from playbook.counting import shaping
from playbook.counting.shaping import WEEK
from playbook.declare import Question
from playbook.friction.questions import unfit
from playbook.inference import stats
from playbook.language import wording
from playbook.language.mistakes import Mistake
from playbook.language.periods import Period, duration, words
from playbook.language.portable import count_if, pieces, seconds, when
from playbook.results import PERIOD, Answer, Result, Rows
from playbook.results.section import section
from playbook.results.sentences import Told, each_segment
from playbook.run import Run

DAY = timedelta(days=1)
Point = tuple[int, int, tuple[float, float, float]]  # period, units, share with its interval
CALENDAR = {DAY: "D", WEEK: "W"}  # a calendar's periods, as Ibis cuts times to them
ON, ON_OR_AFTER = "on", "on or after"
SAID = (1, 4)  # the periods that are told, beside the last one
TOO_EARLY = "*No period is over for a whole week of starters so far.*"


@section("friction.{id}_retention")
def retention(
    run: Run, id: str, *, every: str = "7d", calendar: bool = False, by: str | Sequence[str] = ()
) -> Answer:
    """The share of each week's starters that does the goal again, period by period.

    A unit starts with its first start in the period. What an `active` question counts (things, or
    units) starts when it first does the goal, if that lies in the period. The goal counts after
    the start only.

    Args:
        run: The opened run.
        id: A question with a start and a goal and without `hold`, or one of measure `active`.
        every: The length of a period.
        calendar: Whether periods are days or weeks of the calendar (UTC, from Monday), the one
            of the start being period 0. Else they are as long as `every` for each unit: period
            k is what comes after its start + k times `every`, up to and with the end of the
            next; times are compared to the second.
        by: Column(s) to break the result down by.

    Returns:
        Shape `retention`: one row per `by`, `cohort` (Monday of the week of the start, UTC) and
        `position` (k: 0, 1 …): `n` units, how many did the goal `on` it with `share`, `low` and
        `high`, and `on_or_after` it, as far as the data goes. `complete`: the cohort's week is
        over, and so is the period for every unit in it; else all but `n` is null.
    """
    return _of_cohorts(answers.asked(run, id, by=by), every, calendar, cohorts)


@section("friction.{id}_retained")
def retained(
    run: Run, id: str, *, every: str = "7d", calendar: bool = False, by: str | Sequence[str] = ()
) -> Answer:
    """Retention over all cohorts, from its complete periods alone; arguments as for `retention`.

    `on` is the plain share over the cohorts for which the period is complete. It may rise, when
    people come back, or when a cohort that came back less drops out. `on or after` never rises:
    from one period to the next only the cohorts count that were seen through both, so that
    their change is one of behaviour and not of who is compared (Kaplan and Meier 1958). Its last
    periods are low all the same, as there is little time left in which to come back.

    Returns:
        Shape `trend` by `kind` and `by`: one row per `period` (k, as text), its `value` the
        share, `low` and `high` its interval, `n` the units of the cohorts for which the period
        is complete.
    """
    found = _of_cohorts(answers.asked(run, id, by=by), every, calendar, pooled)
    return replace(
        found,
        shape="trend",
        own=SHARE_TREND,
        by=("kind", *found.by),
        title=found.title.replace("by the week of", "by the time since"),
        table=found.table.mutate(kind=ibis.literal("")),  # each row counts for either kind
        says=_say_retained,
        silence=TOO_EARLY,
    )


def cohorts(
    rows: Rows, by: Sequence[str], *, every: timedelta, calendar: bool, period: Period
) -> Rows:
    """Counts per cohort and period of coming back → the rows of `retention`.

    Args:
        rows: `by`, `cohort`, `position` (null: never came back), `units` that came back in it,
            of these those for whom it is the `last`, and the `latest` of their starts.
        by: Columns that the result is broken down by.
        every: The length of a period.
        calendar: Whether periods are the calendar's.
        period: How far the data goes.
    """
    segments = shaping.grouped(rows, (*by, "cohort")).items()
    drawn = [
        dict(zip(by, key, strict=True)) | row
        for (*key, cohort), own in segments
        for row in _periods_of_cohort(cohort, own, every, calendar, period)
    ]
    return sorted(drawn, key=lambda row: row["cohort"])


def pooled(
    rows: Rows, by: Sequence[str], *, every: timedelta, calendar: bool, period: Period
) -> Rows:
    """The same counts → the rows of `retained`."""
    drawn = cohorts(rows, by, every=every, calendar=calendar, period=period)
    complete = shaping.grouped([row for row in drawn if row["complete"]], by)
    return [
        {"kind": kind, **dict(zip(by, key, strict=True)), "period": str(k), "series": "share"}
        | {"value": value, "n": n, "low": low, "high": high, "complete": True}
        for kind, pool in ((ON, _on), (ON_OR_AFTER, _on_or_after))
        for key, own in complete.items()
        for k, n, (value, low, high) in pool(own)
    ]


def _say_retained(result: Result, told: Told, says: str) -> str:
    """The share that comes back in period 1, in period 4 and in the last one that is known."""

    def say(rows: Rows, says: str) -> str:
        known = [row for row in rows if row["n"] >= max(result.min_n, 1)]
        if not known:
            return f"{wording.too_few(max(row['n'] for row in rows))}."
        shown = [row for row in known if int(row["period"]) in SAID]
        first, *others = shown if known[-1] in shown else [*shown, known[-1]]
        sides = wording.interval(first["low"], first["high"])
        text = (
            f"**{wording.percent(first['value'])}** ({sides}, n = {first['n']:,}) {says}".rstrip()
        )
        rest = [f"{wording.percent(row['value'])} in period {row['period']}" for row in others]
        return ", ".join([f"{text} in period {first['period']}", *rest]) + "."

    on = [row for row in result.rows if row["kind"] == ON]
    return each_segment(
        replace(result, by=result.by[1:], fetched=lambda: on, finish=None), told, says, say
    )


def _of_cohorts(asking: Asked, every: str, calendar: bool, shaped: Callable[..., Rows]) -> Result:
    question, period = asking.question, asking.run.period
    if question.measure != "active" and (question.hold or not (question.start and question.goal)):
        why = "retention needs a start and a goal of whole units, or what is active"
        raise unfit(question, why)
    length = _period_length(every, calendar)

    def finish(rows: Rows) -> Rows:
        return shaped(rows, asking.by, every=length, calendar=calendar, period=period)

    kind = "of the calendar, UTC" if calendar else "from each start on"
    together = asking.run.declared.product.any_of
    kept = {*_counting_words(question), *together}
    definition = (
        ("measure", "retention"),
        *(p for p in answers.definition(question, period, together) if p[0] in kept),
        ("entry", "the first start in the period"),
        ("cohorts", "week of the start (Monday, UTC)"),
        ("periods", f"{words(length)} {kind}; only complete ones"),
    )
    table = _returns(asking, length, calendar)
    again = " again" if question.measure == "active" else ""
    back, said = (f"{p.whom} do “{p.label(question.goal)}”{again}" for p in asking.both)
    given = {"title": f"How many {back}, by the week of their start", "words": f"of {said}"}
    return asking.result("retention", table, finish, definition=definition, within="", **given)


def _counting_words(question: Question) -> set[str]:
    """The words of a question's definition that count here: its attempts and window do not."""
    known = {"unit", "start", "goal", "hold", "unless", PERIOD, "left out", *question.among}
    return known | ({"within"} if question.unless else set())


def _period_length(every: str, calendar: bool) -> timedelta:
    length = duration(every)
    if not length or (calendar and length not in CALENDAR):
        raise Mistake(
            f"`every: {every}` is no period{' of the calendar' if calendar else ''}.",
            "A calendar's periods are days (1d) and weeks (7d); others have any length.",
            'write "7d" or "1d".',
        )
    return length


def _returns(asking: Asked, every: timedelta, calendar: bool) -> ir.Table:
    """One row per `by`, cohort and period of coming back: see `cohorts`."""
    of_goals = asking.question.measure == "active"
    starts, goals = (_starts_of_goals if of_goals else _starts_of_units)(asking)
    joined = starts.left_join(goals, "unit")
    after = joined.at > joined.started_at
    position = when(after, _place_of_period(joined.started_at, joined.at, every, calendar))
    mine = ibis.window(group_by="unit")
    did = (
        joined.select("unit", *asking.by, "started_at", position=position)
        .distinct()
        .mutate(last=_.position.max().over(mine))
    )
    once = did.filter(_.position.notnull() | _.last.isnull())
    return once.mutate(cohort=_.started_at.truncate("W").date()).aggregate(
        by=[*asking.by, "cohort", "position"],
        units=_.count(),
        last=count_if(_.position == _.last),
        latest=_.started_at.max(),
    )


def _place_of_period(
    start: ir.TimestampValue, at: ir.TimestampValue, every: timedelta, calendar: bool
) -> ir.IntegerValue:
    """The place of the period that a later time lies in."""
    size = int(every.total_seconds())
    if calendar:
        unit = CALENDAR[every]
        return pieces(seconds(start.truncate(unit), at.truncate(unit)), size)
    return ibis.greatest(pieces(seconds(start, at), size) - 1, 0)


def _starts_of_units(asking: Asked) -> tuple[ir.Table, ir.Table]:
    """Units with their first start in the period, and when they did the goal."""
    goals = asking.rows().filter(_.event == asking.question.goal)
    return asking.first_times(), goals.select("unit", "at")


def _starts_of_goals(asking: Asked) -> tuple[ir.Table, ir.Table]:
    """Things or units with their first goal in the period, and when they did it."""
    goals = answers.goals(asking).rename(unit="held")
    starts = goals.group_by(["unit", *asking.by]).aggregate(started_at=_.at.min())
    entered = starts.filter(asking.run.period.entered(_.started_at))
    return entered, goals.select("unit", "at")


def _periods_of_cohort(
    cohort: date, rows: Rows, every: timedelta, calendar: bool, period: Period
) -> Rows:
    """A cohort's periods in their order, from the first to the last that has begun."""
    n = sum(row["units"] if row["position"] is None else row["last"] for row in rows)
    on = {row["position"]: row["units"] for row in rows}
    last = {row["position"]: row["last"] for row in rows if row["position"] is not None}
    begins = shaping.midnight(cohort)
    full = _periods_over(begins, max(row["latest"] for row in rows), every, calendar, period)
    found: Rows = []
    for k in range((period.as_of - begins) // every + 1):
        row = {"cohort": str(cohort)[:10], "position": k, "n": n}
        if k >= full:
            unknown = ("on", "share", "low", "high", "on_or_after")
            found.append(row | dict.fromkeys(unknown) | {"complete": False})
            continue
        did = on.get(k, 0)
        low, high = stats.wilson(did, n)
        later = sum(units for place, units in last.items() if place >= k)
        row |= {"on": did, "share": did / n, "low": low, "high": high, "on_or_after": later}
        found.append(row | {"complete": True})
    return found


def _periods_over(
    begins: datetime, latest: datetime, every: timedelta, calendar: bool, period: Period
) -> int:
    """How many periods are over for every unit of the cohort; 0 while others may still come."""
    if period.until > period.as_of and not period.over(begins + WEEK):
        return 0
    if not calendar:
        return (period.as_of - latest) // every
    first = begins if every == WEEK else shaping.midnight(latest)
    return (period.as_of + period.late - first) // every


def _on(rows: Rows) -> Iterator[Point]:
    """The share of the units that came back in each period."""
    for (k,), own in sorted(shaping.grouped(rows, ["position"]).items()):
        n, did = (sum(row[name] for row in own) for name in ("n", "on"))
        yield k, n, (did / n, *stats.wilson(did, n))


def _on_or_after(rows: Rows) -> Iterator[Point]:
    """The share that came back in each period or later; units leave after their last one.

    In the words of Kaplan and Meier: a unit is gone in the first period on or after which it
    was not seen, if that one is complete; else it is censored at its cohort's last complete one.
    """
    left: list[tuple[int, bool, int]] = []  # period, whether it is the first without them, units
    for own in shaping.grouped(rows, ["cohort"]).values():
        before = own[0]["n"]
        for row in own:
            left.append((row["position"], True, before - row["on_or_after"]))
            before = row["on_or_after"]
        left.append((own[-1]["position"], False, before))
    curve = stats.kaplan_meier(*zip(*(each for each in left if each[2]), strict=True))
    points = zip(curve.times, curve.shares, curve.lows, curve.highs, strict=True)
    drawn = {k: (1 - share, 1 - high, 1 - low) for k, share, low, high in points}
    value = (1.0, 1.0, 1.0)
    for (k,), own in sorted(shaping.grouped(rows, ["position"]).items()):
        value = drawn.get(k, value)
        yield k, sum(row["n"] for row in own), value
