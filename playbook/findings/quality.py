"""Sentences of shapes about the data: needs that are met, bounds of answers, days of events."""

from __future__ import annotations

from typing import Any

from playbook.language.wording import about, count, day, interval, percent, plain, too_few
from playbook.results import Result, Rows
from playbook.results.sentences import Told, bullets

UNMOVED = "what its data leaves open does not move it"
MOST = 3  # days that are named
RANK = {"ok": 0, "used": 0, "not needed": 0, "caveat": 1, "missing": 2, "failed": 2}


def say_audit(result: Result, told: Told, words: str) -> str:
    """How many subjects have all that they need, and which do not."""
    worst: dict[str, str] = {}
    for row in result.rows:
        name = plain(row["subject"])
        worst[name] = max(worst.get(name, "ok"), row["status"], key=RANK.__getitem__)
    good = [name for name, status in worst.items() if not RANK[status]]
    whole = told.count("subjects", len(worst))
    text = f"**{told.count('sound', len(good))} of {whole}** {words or 'have all that they need'}."
    for rank, says in ((1, "With caveats"), (2, "Not")):
        if names := [name for name, status in worst.items() if RANK[status] == rank]:
            text += f" {says}: {', '.join(names)}."
    return text


def say_bounds(result: Result, told: Told, _words: str = "") -> str:
    """Per question with a share: the answer, and the ends that its data's defects leave open."""
    answered = [row for row in result.rows if row["share"] is not None]
    lines = [f"*{plain(row['asks'])}* {_answer(result, row)}" for row in answered]
    if rest := len(result.rows) - len(answered):
        more = told.count("without_a_share", rest)
        one = f"{more} more {'has' if rest == 1 else 'have'} no answer as a share."
        lines.append(one if answered else "No question has an answer as a share.")
    return bullets(lines)


def say_volume(result: Result, told: Told, _words: str = "") -> str:
    """How many days are out of the ordinary, and the ones that are so most."""
    rows = result.rows
    odd: dict[str, Rows] = {}
    for row in sorted((row for row in rows if row["anomaly"]), key=strangeness, reverse=True):
        odd.setdefault(row["event"], []).append(row)
    n = sum(map(len, odd.values()))
    days = told.count("days", len(rows), "complete day")
    events = told.count("events", len({row["event"] for row in rows}), "event")
    blind = sum(row["expected"] is None for row in rows)
    if blind == len(rows):
        return f"Nobody can tell yet which of {days} of {events} are out of the ordinary."
    text = (
        f"Of {days} of {events}, {count(n) if n else 'none'} "
        f"{'are' if n > 1 else 'is'} out of the ordinary"
    )
    named = [_strangest(told, own) for own in list(odd.values())[:MOST]]
    if len(odd) > MOST:
        named.append(f"and {told.count('further_events', len(odd) - MOST, 'event')} more")
    text += f": {'; '.join(named)}." if odd else "."
    if blind:
        few = told.count("not_compared", blind)
        text += f" For {few} of these there are too few days around to tell."
    return text


def strangeness(row: dict[str, Any]) -> float:
    """How far an anomaly lies from what was expected, in widths of the band: 1.5, say."""
    if row["expected"] is None:
        return 0.0
    width = (row["high"] or 0) - (row["low"] or 0)
    return abs(row["n"] - row["expected"]) / (width or row["expected"] or 1)


def instead_of(row: dict[str, Any]) -> str:
    """What came, and what was expected: "312 instead of about 1,240"."""
    usual = row["expected"]
    return count(row["n"]) + (f" instead of {about(usual)}" if usual is not None else "")


def _answer(result: Result, row: dict[str, Any]) -> str:
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


def _strangest(told: Told, rows: Rows) -> str:
    """An event's strangest day, which comes first, and how many more it has."""
    first, more = rows[0], len(rows) - 1
    event = first["event"]
    told.kept(f"{event}.strangest", first["n"], kind="count")
    if first["expected"] is not None:
        told.kept(f"{event}.strangest_expected", first["expected"], kind="count")
    text = f"{plain(event)} on {day(first['day'])} ({instead_of(first)})"
    further = told.count(f"{event}.further_days", more, "day") if more else ""
    return text + (f" and {further} more" if more else "")
