"""How firm an answer is: the same attempts under other rules, and as other tools count them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import ATTEMPTS, Asked
from playbook.counting import attempts
from playbook.counting.attempts import Rules, comes_back, key_of, numbered
from playbook.counting.shaping import shares
from playbook.language.periods import Period, moment
from playbook.language.portable import count_if, joined, united, when
from playbook.language.wording import count, percent, plain, too_few
from playbook.results import Answer, Result, Rows
from playbook.results.columns import COUNT, TEXT
from playbook.results.section import section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

BY = "counted"
EVER = timedelta(days=3650)  # longer than any log: no window
DAY = timedelta(days=1)
TOOLS = ("PostHog", "Mixpanel", "Amplitude", "ClickHouse")


@dataclass(frozen=True)
class Way:
    """A way to count attempts: what it makes of a question's rows, rules, window and period."""

    label: str
    steps: Sequence[str | int]
    rules: Rules
    rows: ir.Table
    within: timedelta
    period: Period


@section("friction.{id}_firm")
def firm(run: Run, id: str) -> Answer:
    """A question that counts attempts, by other rules and by other tools' definitions.

    The tools' are told from their sources and documents. PostHog bounds completions by the
    period, too. Mixpanel takes each unit's first entry, and neighbours within two seconds may
    swap. Amplitude cuts times to the second, and neighbours within one second may swap.
    ClickHouse's `windowFunnel` lets one event serve two steps, unless it is `strict_once`, and
    knows no exclusions. None of them waits for the window to close: who is still open has failed.

    Returns:
        Shape `share`, by `counted`: `n` units that it counts, `reached`, `share` with its
        interval, `open`, `differ` (units that it tells otherwise than we do, or that only one of
        us counts), and `such_as` (two of their ids).
    """
    asking = answers.asked(run, id, counted_by=ATTEMPTS)
    numbers = _unit_numbers(asking)
    ways = list(_ways_to_count(asking, numbers))
    missed = asking.question.measure == "missed_within"
    counted = _counts_by_way(_outcomes_by_way(asking, ways, numbers), len(ways))
    # One row holds the counts of all ways, so that the log is read once.
    counts = asking.result("list", counted, list)
    return replace(
        counts,
        shape="share",
        own={"differ": COUNT, "such_as": TEXT},
        title=f"{counts.title}, by way of counting",
        words=f"of {asking.said.whom} {asking.said.does}",
        table=None,
        by=(BY,),
        made_of=(counts,),
        finish=None,
        fetched=lambda: _way_rows(counts.raw[0], [way.label for way in ways], missed),
        says=_say_firm,
    )


def _say_firm(result: Result, told: Told, whose: str) -> str:
    """How far the answer moves under other rules, and what other tools would show."""
    ours, *others = result.rows
    if ours["n"] < max(result.min_n, 1):
        return f"As declared: {too_few(ours['n'])}."
    rules = [row for row in others if not row[BY].startswith(TOOLS)]
    tools = [row for row in others if row[BY].startswith(TOOLS)]
    known = sorted((row for row in rules if row["share"] is not None), key=lambda r: r["share"])
    lines = [f"As declared, **{percent(ours['share'])}** {whose or f'of {result.counted}'}."]
    if known:
        least, most = (f"{percent(r['share'])} ({plain(r[BY])})" for r in (known[0], known[-1]))
        lines[0] += f" With one rule changed it is between {least} and {most}."
    lines += [_tools_told(result, told, tools, ours["open"])] if tools else []
    if same := [plain(row[BY]) for row in rules if not row["differ"]]:
        lines.append(f"No outcome depends on: {'; '.join(same)}.")
    widest = max(rules, key=lambda row: row["differ"])
    if widest["differ"]:
        told.segment = result.segment(widest)
        n = told.count("differ", widest["differ"])
        lines.append(
            f"Most outcomes depend on: {plain(widest[BY])}, which tells {n} otherwise, such as "
            f"{plain(widest['such_as'])}."
        )
    return bullets(lines)


def _tools_told(result: Result, told: Told, tools: Rows, still_open: int) -> str:
    """What the tools would show, those that agree together."""
    by_answer: dict[tuple, list[str]] = {}
    for row in tools:
        by_answer.setdefault((row["share"], row["n"]), []).append(plain(row[BY]))
    said = [
        f"{percent(share)} of {count(n)} in {' and '.join(filter(None, (', '.join(some), last)))}"
        for (share, n), (*some, last) in by_answer.items()
    ]
    most = max(tools, key=lambda row: row["differ"])
    differ = "no outcome differs"
    if most["differ"]:
        told.segment = result.segment(most)
        differ = f"{told.count('differ', most['differ'], 'outcome')} at most differ from ours"
    waits = f", of which {count(still_open)} are still open: the tools do not wait for them"
    return f"Other tools would show {', '.join(said)}; {differ}{waits if still_open else ''}."


def _ways_to_count(asking: Asked, numbers: ir.Table | None) -> Iterator[Way]:
    """Ours first, then ours with one rule changed, then the tools'."""
    rules, rows, period = asking.rules, _kept_steps(asking, numbers), asking.run.period
    steps = asking.question.steps
    ours = Way("as declared", asking.walked, rules, rows, asking.within, period)
    yield ours
    simple = not (rules.any_order or comes_back(steps))
    if simple:
        yield replace(ours, label="equal times are no order", rules=replace(rules, ties="strict"))
    if not rules.attempts:
        entry, label = (
            ("first", "first entry only") if rules.entry == "any" else ("any", "any entry")
        )
        yield replace(ours, label=label, rules=replace(rules, entry=entry))
    at_once = replace(period, as_of=datetime(2200, 1, 1))
    endless = replace(rules, windows=())
    yield Way("no window, open ones failed", asking.walked, endless, rows, EVER, at_once)
    yield _by_day(ours)
    if asking.run.tables.has("events", "received_at"):
        arrived = _kept_steps(_by_arrival(asking), numbers)
        yield replace(ours, label="by the time of arrival", rows=arrived)
    own = (rules.any_order, rules.from_previous, rules.windows, rules.optional, rules.attempts)
    if not any(own):
        yield from _ways_of_tools(replace(ours, period=at_once), steps)


def _kept_steps(asking: Asked, numbers: ir.Table | None) -> ir.Table:
    """What the question's units did of its steps, computed once for all ways to count it."""
    rows = _rows_of_steps(asking)
    if numbers is not None:
        rows = numbered(rows, numbers, asking.question.events)
    return asking.run.warehouse.shared(rows)


def _unit_numbers(asking: Asked) -> ir.Table | None:
    """The units' numbers, where the engine keeps them, and the clock does not choose the units."""
    if not asking.run.warehouse.keeps or asking.rules.attempts or asking.question.unless:
        return None
    return asking.run.warehouse.shared(attempts.numbers(_rows_of_steps(asking)))


def _rows_of_steps(asking: Asked) -> ir.Table:
    rows, question = asking.counted_rows(), asking.question
    strict = question.order == "strict"
    return rows if strict else rows.filter(_.event.isin(list(question.events)))


def _ways_of_tools(ours: Way, steps: Sequence[str]) -> Iterator[Way]:
    """The tools' own definitions, as far as they can say what the question asks.

    None of them knows windows or anchors per step; only PostHog and Amplitude know a strict
    order; ClickHouse knows no exclusions. Steps that come back are told without a grace.
    """
    rules = ours.rules
    strict = [each for each in rules.exclude if each.event is None]
    named = [each for each in rules.exclude if each.event is not None]
    drops = (*strict, *(replace(each, leaves_out=False) for each in named))
    again, back = len(set(steps)) < len(steps), comes_back(steps)
    if not (named and (again or strict)):
        leaves = (*strict, *(replace(each, leaves_out=True) for each in named))
        until = ours.rows.filter(_.at < moment(ours.period.until))
        yield replace(ours, label="PostHog", rules=Rules(exclude=leaves), rows=until)
    if not back and not strict:
        lenient = Rules(entry="first", ties=timedelta(seconds=2), exclude=drops)
        yield replace(ours, label="Mixpanel", rules=lenient)
    if not back:
        cut = ours.rows.mutate(at=_.at.truncate("s"))
        seconds = replace(ours.period, since=ours.period.since.replace(microsecond=0))
        lenient = Rules(ties=timedelta(seconds=1), exclude=drops)
        yield replace(ours, label="Amplitude", rules=lenient, rows=cut, period=seconds)
    if not rules.exclude:
        if not back:
            yield replace(ours, label="ClickHouse", rules=Rules(reuse=True))
        yield replace(ours, label="ClickHouse, strict_once", rules=Rules())


def _by_day(way: Way) -> Way:
    """By calendar days, as a table with a date in it is counted: the window is whole days."""
    midnight = way.period.since.replace(hour=0, minute=0, second=0, microsecond=0)
    return replace(
        way,
        label="calendar days (UTC)",
        rules=replace(
            way.rules, ties="step_order", windows=tuple(map(_whole_days, way.rules.windows))
        ),
        rows=way.rows.mutate(at=_.at.truncate("D")),
        within=_whole_days(way.within),
        # A window of days ends with its last day.
        period=replace(way.period, since=midnight, as_of=way.period.as_of - DAY),
    )


def _whole_days(length: timedelta) -> timedelta:
    return -(-length // DAY) * DAY


def _by_arrival(asking: Asked) -> Asked:
    """The question over events that happened when they arrived: the collector's clock."""
    tables = asking.run.tables.changed(at=_.received_at.coalesce(_.at))
    return replace(asking, run=replace(asking.run, tables=tables))


def _outcomes_by_way(asking: Asked, ways: Sequence[Way], numbers: ir.Table | None) -> ir.Table:
    """One row per unit (and held value) that a way counts: `key` as text, `outcome_<place>`."""
    told = [asking.best() if numbers is None else numbered(asking.best(), numbers)]
    told += [
        _attempts_by(asking, way if numbers is None else _by_place(asking, way)) for way in ways[1:]
    ]
    key = key_of(told[0])
    placed = [each.select(*key, "outcome", way=place) for place, each in enumerate(told)]
    found = (
        united(placed)
        .group_by(key)
        .aggregate(
            **{
                f"outcome_{place}": when(_.way == place, _.outcome).max()
                for place in range(len(ways))
            }
        )
    )
    if numbers is not None:
        found = found.rename(number="unit").join(numbers, "number")
    return found.mutate(key=joined([found[name] for name in key_of(found)], " | "))


def _by_place(asking: Asked, way: Way) -> Way:
    """The way over rows that hold the places of events, as `_counted` makes them, for names."""
    place = {name: k for k, name in enumerate(asking.question.events)}
    exclude = tuple(replace(each, event=place.get(each.event)) for each in way.rules.exclude)
    steps = [place[name] for name in way.steps]
    return replace(way, steps=steps, rules=replace(way.rules, exclude=exclude))


def _attempts_by(asking: Asked, way: Way) -> ir.Table:
    return attempts.attempts(
        way.rows,
        way.steps,
        within=way.within,
        period=way.period,
        success=len(asking.question.steps),
        rules=replace(way.rules, unless=asking.rules.unless),
    )


def _counts_by_way(per_unit: ir.Table, ways: int) -> ir.Table:
    """One row: what each way counts, and where it differs from the first."""
    ours = per_unit.outcome_0.fill_null("")
    found: dict[str, ir.Value] = {}
    for k in range(ways):
        theirs = per_unit[f"outcome_{k}"].fill_null("")
        differs = theirs != ours
        found |= {
            f"converted_{k}": count_if(theirs == "converted"),
            f"dropped_{k}": count_if(theirs == "dropped"),
            f"open_{k}": count_if(theirs == "open"),
            f"differ_{k}": count_if(differs),
            f"one_{k}": when(differs, per_unit.key).min(),
            f"other_{k}": when(differs, per_unit.key).max(),
        }
    return per_unit.aggregate(**found)


def _way_rows(counts: dict, labels: list[str], missed: bool) -> Rows:
    found = []
    for k, label in enumerate(labels):
        got = {name: counts[f"{name}_{k}"] for name in ("converted", "dropped", "open", "differ")}
        n = got["converted"] + got["dropped"]
        such = dict.fromkeys(counts[f"{end}_{k}"] for end in ("one", "other"))
        found.append(
            {
                BY: label,
                "n": n,
                "reached": got["dropped"] if missed else got["converted"],
                **dict.fromkeys(("repeated", "share", "low", "high")),
                "open": got["open"],
                "differ": got["differ"],
                "such_as": ", ".join(filter(None, such)),
            }
        )
    return shares(found)
