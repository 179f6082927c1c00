"""Sentences about how far the data can be trusted: bounds, volume, late arrivals, what to mend."""

from __future__ import annotations

from typing import Any

from playbook.findings.markdown import Finding, bullets, each_segment, plain, said
from playbook.language.wording import (
    about,
    count,
    day,
    hours,
    interval,
    moved,
    percent,
    rare,
    times,
    too_few,
)
from playbook.results import Answer, Result

LATE = 24  # hours after which an arrival is worth a word
UNMOVED = "what its data leaves open does not move it"
MOST = 3  # days or fixes that are named
RANKS = ("Mend first", "Then", "After that")


def bounds(result: Answer) -> Finding:
    """Per question with a share: the answer, and the ends that its data's defects leave open."""

    def say(rows: list) -> str:
        answered = [row for row in rows if row["share"] is not None]
        lines = [f"*{plain(row['asks'])}* {_bounds(result, row)}" for row in answered]
        rest = len(rows) - len(answered)
        if rest:
            one = f"{rest:,} more {'has' if rest == 1 else 'have'} no answer as a share."
            none = "No question has an answer as a share."
            lines.append(one if answered else none)
        return bullets(lines)

    return said(result, say, empty="*No question is declared: there is nothing to answer.*")


def volume(result: Answer) -> Finding:
    """How many days are out of the ordinary, and the ones that are so most."""
    return said(result, _volume, empty="*No day is complete: there is nothing to compare.*")


def lateness(result: Answer) -> Finding:
    """What arrives within an hour, what takes longer than a day, and when all is there.

    Args:
        result: Shape `curve`, its share being what has *not* arrived by each hour.
    """
    return said(
        result,
        lambda rows: each_segment(result, rows, lambda own: _lateness(result, own)),
        empty="*Nothing arrived in the period: there is nothing to say.*",
    )


def fixes(result: Answer) -> Finding:
    """The first three things to mend, in their order, and how many more there are.

    Args:
        result: Shape `table`, ranked: `what`, `where`, `owner`, `rows`, `share`, `severity`
            (`blocking`, `warning`, `note`), `questions` and `moves` (shares, or null).
    """

    def say(rows: list) -> str:
        lines = [f"**{rank}**: {_fix(row)}" for rank, row in zip(RANKS, rows[:MOST], strict=False)]
        if rest := rows[MOST:]:
            blocking = sum(row["severity"] == "blocking" for row in rest)
            lines.append(f"{len(rest):,} more" + (f", {blocking:,} blocking." if blocking else "."))
        return bullets(lines)

    return said(result, say, empty="Nothing to mend.")


def strangeness(row: dict[str, Any]) -> float:
    """How far an anomaly lies from what was expected, in widths of the band: 1.5, say."""
    if row["expected"] is None:
        return 0.0
    width = (row["high"] or 0) - (row["low"] or 0)
    return abs(row["n"] - row["expected"]) / (width or row["expected"] or 1)


def instead(row: dict[str, Any]) -> str:
    """What came, and what was expected: "312 instead of about 1,240"."""
    usual = row["expected"]
    return count(row["n"]) + (f" instead of {about(usual)}" if usual is not None else "")


def _bounds(result: Result, row: dict[str, Any]) -> str:
    if row["n"] < result.min_n:
        return f"{too_few(row['n'])}."
    sides = interval(row["low"], row["high"])
    answer = f"**{percent(row['share'])}** ({sides}, n = {row['n']:,})"
    because = f": {plain(row['because'])}" if row["because"] else ""
    lowest, highest = row["lowest"], row["highest"]
    ends = {percent(lowest), percent(highest)}
    if None not in (lowest, highest) and ends != {percent(row["share"])}:
        span = interval(lowest, highest).replace(" to ", " and ")
        return f"{answer}; given what its data leaves open, between {span}{because}."
    return f"{answer}; {UNMOVED if because else 'as it stands'}{because}."


def _volume(rows: list) -> str:
    events = times(len({row["event"] for row in rows}), "event")
    odd: dict[str, list] = {}
    for row in sorted((row for row in rows if row["anomaly"]), key=strangeness, reverse=True):
        odd.setdefault(row["event"], []).append(row)
    n = sum(map(len, odd.values()))
    text = (
        f"Of {times(len(rows), 'complete day')} of {events}, {count(n) if n else 'none'} "
        f"{'are' if n > 1 else 'is'} out of the ordinary"
    )
    named = [_strangest(own) for own in list(odd.values())[:MOST]]
    if len(odd) > MOST:
        named.append(f"and {times(len(odd) - MOST, 'event')} more")
    text += f": {'; '.join(named)}." if odd else "."
    if blind := sum(row["expected"] is None for row in rows):
        text += f" For {count(blind)} of these there are too few days around to tell."
    return text


def _strangest(rows: list) -> str:
    """An event's strangest day, which comes first, and how many more it has."""
    first, more = rows[0], len(rows) - 1
    text = f"{plain(first['event'])} on {day(first['day'])} ({instead(first)})"
    return text + (f" and {times(more, 'day')} more" if more else "")


def _lateness(result: Result, rows: list) -> str:
    n = rows[0]["n"]
    if n < result.min_n:
        return f"{too_few(n)}."
    known = {}
    for at in (1, LATE):
        before = [row["share"] for row in rows if row["hours"] <= at]
        known |= {at: before[-1]} if before else {}
    done = next((row["hours"] for row in rows if row["share"] == 0), None)
    whom = f"Of {times(n, 'event')}"
    if done is not None and done <= 1:
        return f"{whom} all arrive within an hour."
    parts = [f"**{_arrived(known[1])}** arrive within an hour"] if 1 in known else []
    if known.get(LATE):
        parts.append(f"{rare(known[LATE])} take longer than {hours(LATE)}")
    last = rows[-1]
    if done is None:
        parts.append(f"after {hours(last['hours'])} {rare(last['share'])} are still missing")
    else:
        parts.append(f"after {hours(done)} all are there")
    return f"{whom} {'; '.join(parts)}."


def _arrived(late: float) -> str:
    """The share that is there, which is not all while some are late."""
    there = percent(1 - late)
    return f"all but {rare(late)}" if late and there == percent(1) else there


def _fix(row: dict[str, Any]) -> str:
    where = f" in {plain(row['where'])}" if row["where"] else ""
    owner = f" ({plain(row['owner'])})" if row["owner"] else ""
    share = "" if row["share"] is None else f", {rare(row['share'])}"
    sizes = f"; {times(row['rows'], 'row')}{share}" if row["rows"] else ""
    does = "blocks" if row["severity"] == "blocking" else "touches"
    touched = times(row["questions"], "question") if row["questions"] else "no question"
    moves = f", and moves an answer by up to {moved(row['moves'])}" if row["moves"] else ""
    return f"{plain(row['what'])}{where}{owner}{sizes}; {does} {touched}{moves}."
