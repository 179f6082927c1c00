"""Every count of README's "Rules of counting" again, in loops over events: slow, and readable.

It was written from README and docs/questions.md by somebody who had not read the engine, and covers
the measures with their defaults, `unless`, `entry` and `among`. Where README is silent, the rule
is another text's, or was settled when the two were first compared; each says "README is silent".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from playbook.declare import Question
from playbook.language.periods import duration

DAY, WEEK, MOMENT = timedelta(days=1), timedelta(days=7), timedelta(microseconds=1)
NOTHING = timedelta(0)
CLOCKS = timedelta(minutes=1)  # by which clocks may differ: README is silent
UNKNOWN, OPEN = "(unknown)", "still open"


@dataclass(frozen=True)
class Event:
    """One row of the log. `place` tells apart two that are otherwise alike."""

    place: int
    event: str
    at: datetime
    source: str
    user: str | None = None
    account: str | None = None
    session: str | None = None
    thing: str | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Person:
    user: str
    account: str | None = None
    signed_up_at: datetime | None = None
    persona: str | None = None
    is_internal: bool = False


@dataclass(frozen=True)
class Account:
    account: str
    created_at: datetime | None = None
    plan: str | None = None


@dataclass(frozen=True)
class Log:
    """What there is to count, and the run's period: first day, first day after it, watermark."""

    events: tuple[Event, ...]
    people: Mapping[str, Person]
    accounts: Mapping[str, Account]
    since: datetime
    until: datetime
    as_of: datetime

    def knowing(self, as_of: datetime) -> Log:
        """The log with the people of then: who signs up later has no traits yet.

        README is silent: `pb.open` looks at the data as it was at `as_of`.
        """
        known = {
            who: person
            for who, person in self.people.items()
            if person.signed_up_at is None or person.signed_up_at <= as_of
        }
        return replace(self, people=known)


# Rules 1, 4, 5 and 6: who is counted, and from when to when.


def done_by(log: Log, unit: str, as_of: datetime) -> dict[str, list[Event]]:
    """Unit → its events up to a moment: nobody's, bots' and internal people's are in none.

    Nor is an account where nobody else is known to have acted.
    """
    found, acted = defaultdict(list), defaultdict(list)
    for each in sorted(log.events, key=lambda each: (each.at, each.place)):
        if each.at > as_of:
            continue
        person = log.people.get(each.user)
        is_real = not (each.is_bot or (person and person.is_internal))
        who = {"user": each.user, "session": each.session, "account": _account(log, each)}[unit]
        if who is not None and each.user is not None:
            acted[who].append(is_real)
        if who is not None and is_real:
            found[who].append(each)
    unreal = {who for who, real in acted.items() if unit == "account" and not any(real)}
    return {who: events for who, events in found.items() if who not in unreal}


def _account(log: Log, each: Event) -> str | None:
    """That of the event; where it names none, that of its person.

    README is silent: `Tables.events` says so.
    """
    person = log.people.get(each.user)
    return each.account or (person.account if person else None)


def watermark(log: Log, question: Question) -> datetime:
    """The last moment of the slowest source, or of an event that fell silent.

    A source ends the data where others went on for more than a day, and for half as long again as
    it was ever silent before. README is silent: `Run.reaches` says that one that has always been
    silent for days is not slow.
    """
    came = [each for each in log.events if each.at <= log.as_of]
    lasts = {source: _last(came, source) for source in {each.source for each in came}}
    ends = [log.as_of]
    for source, last in lasts.items():
        silence = _longest_silence([each.at for each in came if each.source == source])
        stalled = max(lasts.values()) - last > max(DAY, 1.5 * silence)
        if stalled and any(_needs(log, name, source) for name in question.events):
            ends.append(last)
    for name in question.events:
        if name != question.start:
            ends += _fell_silent([each.at for each in came if each.event == name], log.as_of)
    return min(ends)


def _needs(log: Log, name: str, source: str) -> bool:
    """Whether an event counts on a source: by more than a hundredth, in the period if it came.

    README is silent on the hundredth.
    """
    came = [each for each in log.events if each.event == name and each.at <= log.as_of]
    lately = [each for each in came if each.at >= log.since] or came
    end = _midnight(_last(log.events, source, log.as_of)) + DAY
    beside = [each.source for each in lately if each.at < end]
    return beside.count(source) * 100 > len(beside)


def _last(events: Iterable[Event], source: str, as_of: datetime = datetime.max) -> datetime:
    return max(each.at for each in events if each.source == source and each.at <= as_of)


def _longest_silence(times: list[datetime]) -> timedelta:
    days = sorted({_midnight(at) for at in times})
    return max((later - before for before, later in pairwise(days)), default=timedelta(0))


def _fell_silent(times: list[datetime], as_of: datetime) -> list[datetime]:
    """When an event came last that came regularly and no longer does; else nothing."""
    days = sorted({_midnight(at) for at in times})
    if len(days) < 14:
        return []
    silent = as_of - max(times)
    return [max(times)] if silent > max(WEEK, 3 * _longest_silence(times)) else []


def observed_since(log: Log, question: Question) -> datetime:
    """The first moment of the latest source, where that begins more than a day later.

    An event does not count on a source if three quarters of what came in the four weeks after it
    began had come as often before. README says "as often"; `Run.observed_since` has the quarter.
    """
    came = [each for each in log.events if each.at <= log.as_of]
    firsts = {}
    for source in {each.source for each in came}:
        first = min(each.at for each in came if each.source == source)
        if any(_lacked(log, name, source, first) for name in question.events):
            firsts[source] = first
    if not firsts:
        return min(each.at for each in came)
    late = max(firsts.values()) - min(firsts.values()) > DAY
    return max(firsts.values()) if late else min(firsts.values())


def _lacked(log: Log, name: str, source: str, first: datetime) -> bool:
    """Whether an event was missing before a source brought it."""
    came = [each for each in log.events if each.event == name and each.at <= log.as_of]
    if source not in {each.source for each in came} or not _needs(log, name, source):
        return False
    day = _midnight(first)
    span = min(4 * WEEK, _midnight(log.as_of) - day + DAY)
    before = sum(day - span <= each.at < day for each in came)
    after = sum(day <= each.at < day + span for each in came)
    return before < 0.75 * after


def rests_on_age(question: Question, done: Mapping[str, list[Event]]) -> bool:
    """Whether the answer rests on when its units began."""
    if question.enters == "first_ever" or question.measure in {"did_before", "time_to"}:
        return True
    days = [
        len({_midnight(each.at) for each in events if each.event == question.start})
        for events in done.values()
    ]
    return sum(n >= 2 for n in days) * 100 <= sum(n >= 1 for n in days)


def knows_older(log: Log, question: Question) -> bool:
    """Whether README says how many are left out.

    Where only first starts count, it does not say whether a unit that first started before the
    period, and before the question was observed, is left out as older.
    """
    if question.enters != "first_ever":
        return True
    begins = observed_since(log, question) - CLOCKS
    done = done_by(log, question.unit, watermark(log, question))
    firsts = [
        min(each.at for each in events if each.event == question.start)
        for events in done.values()
        if any(each.event == question.start for each in events)
    ]
    return not any(first < min(begins, log.since) for first in firsts)


def is_older(log: Log, unit: str, who: str, begins: datetime) -> bool:
    """Whether a unit began before the question was observed; a midnight, on an earlier day."""
    began, day = [], _midnight(begins)
    if unit == "user" and who in log.people:
        began = [log.people[who].signed_up_at]
    if unit == "account":
        ours = [each for each in log.people.values() if not each.is_internal]
        began = [each.signed_up_at for each in ours if each.account == who]
        began += [log.accounts[who].created_at] if who in log.accounts else []
    return any(at is not None and at < begins and at != day for at in began)


# Rules 2, 3, 7 and 8: starts, and what comes in their windows.


@dataclass(frozen=True)
class Entered:
    """A unit with its starts, and all that it did.

    Attributes:
        closed: Those of its starts whose window is over; none: the unit is open.
    """

    who: str
    segment: str
    starts: list[Event]
    closed: list[Event]
    done: list[Event]

    @property
    def first(self) -> Event:
        return self.starts[0]


@dataclass(frozen=True)
class Counted:
    """The units that count, how many are left out as older, and how far the data goes."""

    units: list[Entered]
    older: int
    as_of: datetime


def entered(log: Log, question: Question, *, by: str = "", first: bool = False) -> Counted:
    """The units that entered in the period.

    README is silent on two things: what `unless` takes away is chosen first, so that a unit that
    enters by its first start leaves with it; and nobody asks it of those who are left out.

    Args:
        log: The log.
        question: Which starts count.
        by: The column that tells their segment.
        first: Whether they enter by one start, as in retention.
    """
    as_of, observed = watermark(log, question), observed_since(log, question) - CLOCKS
    length = duration(question.within or question.edges[-1])
    units, older = [], 0
    done, log = done_by(log, question.unit, as_of), log.knowing(as_of)
    ages = rests_on_age(question, done)
    for who, events in done.items():
        if not _among(log, question, who):
            continue
        starts = [each for each in events if each.event == question.start]
        if not any(log.since <= each.at < log.until for each in starts):
            continue
        kept = starts[:1] if question.enters == "first_ever" else starts
        kept = [each for each in kept if log.since <= each.at < log.until]
        unseen = bool(kept) and all(each.at < observed for each in kept)
        if unseen or (ages and is_older(log, question.unit, who, observed)):
            older += 1
            continue
        starts = [each for each in kept if each.at >= observed]
        if first or question.enters == "first":
            starts = starts[:1]
        starts = [each for each in starts if not _taken_away(question, each, events)]
        if not starts:
            continue
        closed = [start for start in starts if start.at + length <= as_of]
        units.append(Entered(who, _segment(log, question.unit, who, by), starts, closed, events))
    return Counted(units, older, as_of)


def _taken_away(question: Question, start: Event, events: list[Event]) -> bool:
    if not question.unless:
        return False
    end = start.at + duration(question.within)
    return any(each.event == question.unless and start.at <= each.at <= end for each in events)


def _among(log: Log, question: Question, who: str) -> bool:
    return all(
        _known(log, question.unit, who, column) in values
        for column, values in question.among.items()
    )


def _segment(log: Log, unit: str, who: str, by: str) -> str:
    return (_known(log, unit, who, by) or UNKNOWN) if by else ""


def _known(log: Log, unit: str, who: str, column: str) -> str | None:
    return getattr((log.people if unit == "user" else log.accounts).get(who), column, None)


def reached_at(
    start: Event, goals: Iterable[str], done: list[Event], end: datetime
) -> list[datetime]:
    """When the start and the goals after it are reached, each by an event of its own."""
    times, used = [start.at], {start.place}
    for goal in goals:
        fits = [
            each
            for each in done
            if each.event == goal and times[-1] <= each.at <= end and each.place not in used
        ]
        if not fits:
            break
        times.append(fits[0].at)
        used.add(fits[0].place)
    return times


def goals_in(start: Event, goal: str, done: list[Event], end: datetime) -> list[Event]:
    """The events other than the start that reach the goal up to the end."""
    return [
        each
        for each in done
        if each.event == goal and start.at <= each.at <= end and each.place != start.place
    ]


# The measures.


def shares(log: Log, question: Question, by: str = "") -> dict[str, tuple[int, int, int, int]]:
    """Segment → n, reached, repeated, open, of `reached_within` and `missed_within`."""
    found = defaultdict(lambda: [0, 0, 0, 0])
    for unit in entered(log, question, by=by).units:
        row = found[unit.segment]
        if not unit.closed:
            row[3] += 1
            continue
        times = _times(question, unit)
        missed = question.measure == "missed_within"
        row[0] += 1
        row[1] += (times == 0) if missed else (times >= 1)
        row[2] += 0 if missed else times >= 2
    return _as_tuples(found)


def did_before(log: Log, question: Question, by: str = "") -> dict[str, tuple[int, int, int, int]]:
    """Segment → n, reached, repeated, open.

    README is silent: repeated are those of the reached who then do the goal in time.
    """
    found = defaultdict(lambda: [0, 0, 0, 0])
    for unit in entered(log, question, by=by).units:
        row = found[unit.segment]
        if not unit.closed:
            row[3] += 1
            continue
        did = did_first(question, unit)
        row[0] += 1
        row[1] += did
        row[2] += did and _times(question, unit) >= 1
    return _as_tuples(found)


def did_first(question: Question, unit: Entered) -> bool:
    """Whether a unit does `first` in time, and its goal no earlier."""
    (start,) = unit.closed
    firsts = goals_in(start, question.first, unit.done, start.at + duration(question.within))
    earlier = [
        each
        for each in unit.done
        if each.event == question.goal and each.place != start.place and firsts
        if each.at < firsts[0].at and (each.at >= start.at or not _again(question))
    ]
    return bool(firsts) and not earlier


def _times(question: Question, unit: Entered) -> int:
    """How often a unit does the goal in the best of its windows."""
    within = duration(question.within)
    return max(
        len(goals_in(start, question.goal, unit.done, start.at + within)) for start in unit.closed
    )


def mix(log: Log, question: Question, by: str = "") -> dict[str, dict[frozenset[str] | str, int]]:
    """Segment → which goals were done → how many units; `OPEN` → how many are."""
    found = defaultdict(Counter)
    for unit in entered(log, question, by=by).units:
        if not unit.closed:
            found[unit.segment][OPEN] += 1
            continue
        (start,) = unit.closed
        end = start.at + duration(question.within)
        did = [goal for goal in question.goals if goals_in(start, goal, unit.done, end)]
        found[unit.segment][frozenset(did)] += 1
    return {segment: dict(counts) for segment, counts in found.items()}


def time_to(log: Log, question: Question, by: str = "") -> dict[str, dict[int | str, int]]:
    """Segment → the place of the edge, `later`, `never`, `before` or `OPEN` → how many units."""
    found = defaultdict(Counter)
    counted = entered(log, question, by=by)
    for unit in counted.units:
        found[unit.segment][_bucket(question, unit, counted.as_of)] += 1
    return {segment: dict(counts) for segment, counts in found.items()}


def _bucket(question: Question, unit: Entered, as_of: datetime) -> int | str:
    if not unit.closed:
        return OPEN
    (start,) = unit.closed
    end = min(start.at + duration(question.within), as_of) if question.within else as_of
    goals = [
        each
        for each in unit.done
        if each.event == question.goal and each.place != start.place
        if each.at >= start.at or not _again(question)
    ]
    if not goals or goals[0].at > end:
        return "never"
    took = goals[0].at - start.at
    if took < timedelta(0):
        return "before"
    edges = [duration(edge) for edge in question.edges]
    return next((place for place, edge in enumerate(edges) if took <= edge), "later")


def _again(question: Question) -> bool:
    """Whether the goal is the start itself: those before the start are no goals."""
    return question.goal == question.start


def steps(log: Log, question: Question, by: str = "") -> dict[str, tuple[tuple[int, ...], int]]:
    """Segment → how many units come as far as each step, the start first; how many are open."""
    far, still = defaultdict(list), Counter()
    for unit in entered(log, question, by=by).units:
        far[unit.segment] += [max(depths(question, unit))] if unit.closed else []
        still[unit.segment] += not unit.closed
    places = range(len(question.goals) + 1)
    return {
        segment: (tuple(sum(each >= place for each in all_) for place in places), still[segment])
        for segment, all_ in far.items()
    }


def depths(question: Question, unit: Entered) -> list[int]:
    """How far each closed attempt of a unit comes."""
    within = duration(question.within)
    return [
        len(reached_at(start, question.steps[1:], unit.done, start.at + within)) - 1
        for start in unit.closed
    ]


def by_week(log: Log, question: Question) -> dict[datetime, tuple[int, int, bool]]:
    """Monday of the first start → n, reached the last step, whether that week is complete."""
    counted = entered(log, question)
    found, still = defaultdict(lambda: [0, 0]), set()
    for unit in counted.units:
        week = _monday(unit.first.at)
        if not unit.closed:
            still.add(week)
            continue
        found[week][0] += 1
        found[week][1] += _converted(question, unit)
    return {
        week: (n, reached, _over(week + WEEK, counted.as_of) and week not in still)
        for week, (n, reached) in found.items()
    }


def _converted(question: Question, unit: Entered) -> bool:
    if question.measure == "did_before":
        return did_first(question, unit)
    all_the_way = max(depths(question, unit)) == len(question.steps) - 1
    return all_the_way != (question.measure == "missed_within")


# Rule 10, and what units did instead.


@dataclass(frozen=True)
class Cohort:
    """The units of a week: when each started, and in which periods each did the goal."""

    starts: list[datetime]
    did: list[set[int]]
    every: timedelta
    calendar: bool
    as_of: datetime
    until: datetime

    def row(self, place: int, week: datetime) -> tuple[int, int, int] | int:
        """n, on the period, on it or after; n alone where that cannot be told yet."""
        n = len(self.starts)
        if not self.complete(place, week):
            return n
        on = sum(place in did for did in self.did)
        return n, on, sum(any(each >= place for each in did) for did in self.did)

    def complete(self, place: int, week: datetime) -> bool:
        begins = [_calendar(at, self.every) if self.calendar else at for at in self.starts]
        end = max(begins) + (place + 1) * self.every
        over = _over(end, self.as_of) if self.calendar else end <= self.as_of
        return over and (self.until <= self.as_of or _over(week + WEEK, self.as_of))


def retention(
    log: Log, question: Question, every: str, *, calendar: bool = False, by: str = ""
) -> dict[tuple[str, datetime], Cohort]:
    """(Segment, Monday of the first start) → its cohort.

    Times are compared to the second, as `friction.retention` says and README does not.
    """
    counted, length = entered(log, question, by=by, first=True), duration(every)
    found = {}
    for unit in counted.units:
        start = unit.first
        goals = [
            each.at
            for each in unit.done
            if each.event == question.goal and start.at < each.at <= counted.as_of
        ]
        if calendar:
            begin = _calendar(start.at, length)
            places = {(_calendar(at, length) - begin) // length for at in goals}
        else:
            places = {
                max(_second(at) - _second(start.at) - MOMENT, NOTHING) // length for at in goals
            }
        key = unit.segment, _monday(start.at)
        whole = Cohort([], [], length, calendar, counted.as_of, log.until)
        cohort = found.setdefault(key, whole)
        cohort.starts.append(start.at)
        cohort.did.append(places)
    return found


def instead(
    log: Log, question: Question, *, step: str, within: str, length: int, outcome: str
) -> dict[tuple[str, ...] | str, int]:
    """The first events after the step before → how many units; `OPEN` → how many are.

    Of several best attempts the first is told, and what comes at the very time of the step before
    is not after it.
    """
    place = question.steps.index(step)
    counted, found = entered(log, question), Counter()
    for unit in counted.units:
        if not unit.closed:
            continue
        far = depths(question, unit)
        best = unit.closed[far.index(max(far))]
        if not (max(far) == place - 1 if outcome == "dropped" else max(far) >= place):
            continue
        end = best.at + duration(question.within)
        after = reached_at(best, question.steps[1:], unit.done, end)[place - 1]
        if after + duration(within) > counted.as_of:
            found[OPEN] += 1
            continue
        later = [each for each in unit.done if after < each.at <= after + duration(within)]
        names = [each.event for each in sorted(later, key=lambda each: (each.at, each.event))]
        path = [name for k, name in enumerate(names) if k == 0 or name != names[k - 1]]
        found[tuple(path[:length])] += 1
    return dict(found)


# Rule 9.


def active(log: Log, question: Question) -> dict[datetime, dict[str, int]]:
    """Monday of each whole week, from the first with anybody → how many were active at its end.

    And how many of them are new, kept and revived; lost are those who no longer were. README is
    silent on which week they stand in, and on which weeks there are.
    """
    as_of = watermark(log, question)
    within, did = duration(question.within), _times_of(log, question, as_of)
    found, week = {}, _monday(max(log.since, observed_since(log, question) - CLOCKS))
    while week + WEEK <= log.until and _over(week + WEEK, as_of):
        now, before = (_active_at(did, end, within) for end in (week + WEEK, week))
        new = {who for who in now if week <= min(did[who]) < week + WEEK}
        found[week] = {
            "active": len(now),
            "new": len(new),
            "kept": len(now & before),
            "revived": len(now - before - new),
            "lost": len(before - now),
        }
        week += WEEK
    first = min((week for week, row in found.items() if row["active"]), default=datetime.max)
    return {week: row for week, row in found.items() if week >= first}


def _times_of(log: Log, question: Question, as_of: datetime) -> dict[str, list[datetime]]:
    """Thing, person or account → when it did the goal."""
    found = defaultdict(list)
    for who, events in done_by(log, question.unit, as_of).items():
        for each in events:
            key = each.thing if question.hold else who
            if each.event == question.goal and each.at <= as_of and key is not None:
                found[key].append(each.at)
    return found


def _active_at(did: Mapping[str, list[datetime]], end: datetime, within: timedelta) -> set[str]:
    return {who for who, times in did.items() if any(end - within <= at < end for at in times)}


# Time.


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _monday(at: datetime) -> datetime:
    return _midnight(at) - at.weekday() * DAY


def _over(end: datetime, as_of: datetime) -> bool:
    """Whether a stretch of the calendar is over, or lacks no more than a minute."""
    return end <= as_of + CLOCKS


def _calendar(at: datetime, every: timedelta) -> datetime:
    return _monday(at) if every == WEEK else _midnight(at)


def _as_tuples(found: Mapping[str, list[int]]) -> dict[str, Any]:
    return {segment: tuple(row) for segment, row in found.items()}
