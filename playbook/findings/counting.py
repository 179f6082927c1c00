"""Sentences of shapes that count: shares, classes, steps, trends, curves."""

from __future__ import annotations

from datetime import date, timedelta

from playbook.inference import stats
from playbook.language.wording import interval, length, percent, plain, points, too_few
from playbook.results import Result, Rows
from playbook.results.sentences import Told, each_segment

FOUR_WEEKS = timedelta(days=28)
HALF = 0.5 - 1e-9  # shares that are the product of others may miss the half by a rounding
TOLD_AT = (24, 72)  # hours after which a curve is told


def say_share(result: Result, told: Told, words: str) -> str:
    """Per segment: "38.2 % (36.9 to 39.6, n = 5,120) of new users …", the words being given."""
    return each_segment(
        result, told, words, lambda rows, words: _share_said(result, told, rows[0], words)
    )


def say_mix(result: Result, told: Told, words: str) -> str:
    """The classes in order, as shares of the closed ones; the open ones apart."""
    return each_segment(
        result, told, words, lambda rows, words: _classes_said(result, told, rows, words)
    )


def say_steps(result: Result, told: Told, words: str) -> str:
    """The share that arrives at the last step, and the step with the largest loss."""
    return each_segment(
        result, told, words, lambda rows, words: _steps_said(result, told, rows, words)
    )


def say_trend(result: Result, told: Told, words: str) -> str:
    """Per segment: the last complete period against that of four weeks earlier.

    A difference of shares has its interval. A ratio of counts has none: what is active is
    counted, all of it, and not drawn from more.
    """
    return each_segment(
        result, told, words, lambda rows, words: _trend_said(result, told, rows, words)
    )


def say_curve(result: Result, told: Told, words: str) -> str:
    """Per segment: the median, and the share that has reached by some hours; all censored."""
    return each_segment(
        result, told, words, lambda rows, words: _curve_said(result, told, rows, words)
    )


def _share_said(result: Result, told: Told, row: dict, words: str) -> str:
    still = _still(told, row["open"])
    if row["n"] < result.min_n:
        return f"{too_few(row['n'])}.{still}"
    text = (
        f"**{percent(row['share'])}** ({interval(row['low'], row['high'])}, "
        f"n = {row['n']:,}) {words}"
    ).rstrip()
    if row.get("repeated") is not None and row["reached"]:
        repeated, reached = (told.count(name, row[name]) for name in ("repeated", "reached"))
        text += f"; {repeated} of these {reached} {result.again[0]}"
    return f"{text}.{still}"


def _still(told: Told, n: int) -> str:
    return f" {told.count('open', n)} {'is' if n == 1 else 'are'} still open." if n else ""


def _classes_said(result: Result, told: Told, rows: Rows, words: str) -> str:
    closed = [row for row in rows if row["share"] is not None]
    still = sum(row["n"] for row in rows if row["share"] is None)
    if not closed:
        return f"no window has closed yet ({still:,} still open)."
    total = closed[0]["total"]
    if total < result.min_n:
        return f"{too_few(total)}.{_still(told, still)}"
    parts = [f"**{percent(row['share'])}** {plain(row['label'])}" for row in closed]
    whom = words or plain(result.counted)
    return f"Of {told.count('total', total)} {whom}: {', '.join(parts)}.{_still(told, still)}"


def _steps_said(result: Result, told: Told, rows: Rows, words: str) -> str:
    rows = sorted(rows, key=lambda row: row["position"])
    first, last, losses = rows[0], rows[-1], rows[1:]
    still = _still(told, first.get("open") or 0)
    if first["n"] < max(result.min_n, 1):
        return f"{too_few(first['n'])}.{still}"
    window = f" within {result.within}" if result.within else ""
    text = (
        f"**{percent(last['of_first'])}** ({interval(last['low'], last['high'])}) "
        f"of {first['n']:,} {words or plain(result.counted)} get as far as "
        f"“{plain(result.label(last['step']))}”{window}."
    )
    worst = min(losses, key=lambda row: 1 if row["of_previous"] is None else row["of_previous"])
    if worst["lost"]:
        lost = told.count(f"{worst['step']}.lost", worst["lost"])
        part = told.share(
            f"{worst['step']}.lost_share",
            1 - (worst["of_previous"] or 0),
            worst["lost"] + worst["n"],
        )
        text += (
            f" The largest loss is before “{plain(result.label(worst['step']))}”: "
            f"{lost} {plain(result.counted)}, {part} of those who came that far."
        )
    return text + still


def _trend_said(result: Result, told: Told, rows: Rows, words: str) -> str:
    series = rows[0]["series"]
    complete = [row for row in rows if row["series"] == series and row["complete"]]
    if not complete:
        return "No period is complete yet."
    last = complete[-1]
    is_share = result.columns["value"].kind == "share"
    if is_share and last["n"] < result.min_n:
        return f"{too_few(last['n'])} {result.when(last['period'])}."
    value = percent(last["value"]) if is_share else f"{last['value']:,}"
    words = words or ("" if is_share else plain(result.counted))
    if last["period"].isdigit():  # counted from each start: there is no week
        return f"**{value}** {words}".rstrip() + f" in period {last['period']}."
    text = f"**{value}** {words}".rstrip() + f" {result.when(last['period'])}"
    earlier = str(date.fromisoformat(last["period"]) - FOUR_WEEKS)
    before = next((row for row in complete if row["period"] == earlier), None)
    if before is None or (is_share and before["n"] < result.min_n):
        return f"{text}."
    moved = (_share_moved if is_share else _count_moved)(told, last, before)
    return f"{text}, {moved} four weeks earlier."


def _share_moved(told: Told, last: dict, before: dict) -> str:
    """A difference of shares with its interval (Newcombe 1998, method 10)."""
    counts = [each for row in (last, before) for each in (row["value"] * row["n"], row["n"])]
    ends = stats.newcombe(*counts)
    n = last["n"] + before["n"]
    moved = told.points("change", last["value"] - before["value"], n, ends=ends)
    return f"{moved} points ({' to '.join(map(points, ends))}) on"


def _count_moved(told: Told, last: dict, before: dict) -> str:
    """A ratio of counts. It has no interval: all that are active are counted, none is sampled."""
    if not before["value"]:
        return "from none"
    ratio = last["value"] / before["value"] - 1
    return f"{'+' if ratio >= 0 else ''}{told.share('change', ratio)} on"


def _curve_said(result: Result, told: Told, rows: Rows, words: str) -> str:
    n, horizon = rows[0]["n"], rows[-1]["hours"]
    if n < result.min_n:
        return f"{too_few(n)}."
    half = next((row["hours"] for row in rows if row["share"] >= HALF), None)
    told.kept("median_hours", half, kind="hours", n=n)
    reached = f"half {words}".rstrip()
    middle = f"less than {reached} within {length(horizon)}"
    if half is not None:
        middle = f"{reached} within {length(half)}"
    # Nobody was looked at for longer.
    inside = [hours for hours in TOLD_AT if hours <= horizon]
    seen = [(hours, [row for row in rows if row["hours"] <= hours][-1]) for hours in inside]
    parts = [
        f"{told.share(f'within_{at}h', row['share'], n, ends=(row['low'], row['high']))} "
        f"within {at} hours"
        for at, row in seen
    ]
    size = f"n = {n:,}"
    return f"**{middle}** ({'; '.join([', '.join(parts), size] if parts else [size])})."
