"""Level shifts: which share moved in one week and stayed there, and whose it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from playbook import answers
from playbook.answers import SHARES
from playbook.counting import shaping, units
from playbook.declare import Question
from playbook.friction.questions import answer
from playbook.inference import levels, stats
from playbook.language.periods import Period
from playbook.language.wording import percent, plain, points
from playbook.results import Answer, Result, Rows
from playbook.results.columns import ID, MOMENT, NAME, TEXT, Column, points_of, share_of, with_ends
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

SHOWN = 0.01  # the corrected p value below which a shift is shown: any false one in 100 reports
SMALLEST = 0.03  # of a share: what is smaller is seldom worth an afternoon's search for its cause
NEAR = timedelta(days=14)  # shifts of one thing so near to each other are one: places are estimates
FELL, ROSE = "fell", "rose"
KEYS = ("question", "step", "segment")
Questions = Mapping[str, Question]  # by id
TESTS = (
    ("p", "likelihood ratio over all weeks, by the dispersion of the weeks, times the weeks tried"),
    ("corrected", "for all series that were compared (Holm)"),
    ("shown", "below 1 %, 3 points or more, and no odd week, drift, slow change or return"),
)


def _figure(column: str) -> Callable[[dict[str, Any]], str]:
    """The name of a figure: question, step and segment as far as there are any, and the column."""
    return lambda row: ".".join(
        [*(str(row[key]).replace(" ", "_") for key in KEYS if row[key]), column]
    )


SIDES = ("n_before", "n_after")
SHIFT: dict[str, Column] = {
    "question": ID,
    "step": NAME,
    "segment": ID,
    "since": MOMENT,
    "before": share_of("n_before", figure=_figure("before")),
    "after": share_of("n_after", figure=_figure("after")),
    **with_ends("difference", points_of(*SIDES, figure=_figure("difference"))),
    **{name: Column("count", figure=_figure(name)) for name in SIDES},
    **{name: Column("p", figure=_figure(name)) for name in ("p", "p_corrected")},
    "verdict": TEXT,
}


@section("friction.shifts")
def shifts(run: Run, *, by: str | Sequence[str] = "") -> Answer:
    """Shares that moved to another level in one week and stayed there, and whose they are.

    A series is the share of one question by week of the start, of everybody or of one value of a
    column: of `by`, and of the question's own `by`, as far as its units have them. Of steps it is
    each one's share of the step before it, so that a step that breaks is named and those behind
    it are not. Weeks that are not over, or have an open window, do not count. It takes 3 weeks
    before and 2 since, with `min_n` on either side; the test is `inference.levels.shift`.

    What moves at once is told once. Of the shown shifts of a step in one direction and within two
    weeks, the segments of a column are named alone if all others of that column together did not
    move in that week: neither half as far in log odds, nor by 3 points and shown at 5 %; of
    several such columns the one with the smallest p value. Where the others moved, or are too few
    to say, it is everybody, or the segments if everybody shows none. Of several questions about
    one event (a step, or a share's goal) one is told: a segment alone before everybody, and a step
    before a share.

    Args:
        run: The opened run.
        by: Further column(s) whose values are looked at.

    Returns:
        Shape `table`: one row per shift that is shown, the largest first: `question`, `step` (the
        event; "" for a share), `segment` ("persona=sales"; "" for everybody), `since` (the first
        week at the new level), `before` and `after` (the shares of all weeks on either side),
        their `difference` with `low` and `high` (Newcombe 1998, method 10; the choice of the week
        and the dispersion are paid for by p alone), `n_before`, `n_after`, `p`, `p_corrected`
        (Holm 1979, over all series that were compared) and `verdict`: `fell` or `rose`.
    """
    parts = list(_parts(run, by))
    if not parts:
        raise Unanswerable(
            "No share and no steps are declared that the data can tell: there is nothing to scan."
        )
    least = max(run.declared.product.min_n, 1)
    asked = {question.id: question for question, *_ in parts}
    columns = ", ".join(dict.fromkeys(column for _question, column, *_ in parts if column))

    def finish(rows: Rows) -> Rows:
        found = _told_once(_owners_of(_shown(rows), rows, least), asked)
        largest = sorted(found, key=lambda row: -abs(row["difference"]))
        return [{name: row[name] for name in SHIFT} for row in largest]

    return run.result(
        "table",
        None,
        finish,
        counts="the share of each question and step by week of the start (Monday, UTC)",
        told=(("by", columns or "none"), *TESTS),
        own=SHIFT,
        made_of=tuple(found for *_, found in parts),
        fetched=lambda: [row for part in parts for row in _series(*part, least)],
        says=partial(_say_shifts, asked=asked),
        silence=_none_shifted,
    )


def _say_shifts(result: Result, _told: Told, _words: str, *, asked: Questions) -> str:
    """Whose share of what moved, from what to what, and since when."""
    names = {row["segment"]: result.label(row["value"]) for row in result.raw if row["segment"]}
    times = Counter(names.values())
    lines = []
    for row in result.rows:
        name = names.get(row["segment"], "")
        whose = name if times[name] == 1 else row["segment"]
        what = result.label(row["step"]) if row["step"] else asked[row["question"]].asks
        text = (
            f"“{plain(what)}” {row['verdict']} from {percent(row['before'])} to "
            f"{percent(row['after'])} {result.when(row['since'])} and stayed "
            f"({points(row['difference'])} points, {points(row['low'])} to {points(row['high'])})."
        )
        lines.append(f"**{plain(whose)}**: {text}" if whose else text)
    return bullets(lines)


def _none_shifted(rows: Rows) -> str:
    n = sum(row["p"] is not None for row in rows)
    if not n:
        return "*No series has enough complete weeks: it takes 3 before a shift and 2 since.*"
    return (
        f"None of {n:,} series (questions, steps and segments) is shown to have moved to another "
        "level."
    )


def _parts(run: Run, by: str | Sequence[str]) -> Iterator[tuple[Question, str, Period, Result]]:
    """What is fetched: every question by week for everybody, and by week and each column."""
    for question in run.declared.questions:
        if question.measure not in (*SHARES, "steps"):
            continue
        columns = dict.fromkeys((*([by] if isinstance(by, str) else by or ()), *question.by))
        known = [name for name in columns if name and answers.mapped(run, question, name)]
        for column in ("", *known):
            found = answer(run, question.id, by=[units.WEEK, *filter(None, [column])])
            if isinstance(found, Result):
                period = answers.asked(run, question.id).run.period
                yield question, column, period, found


def _series(question: Question, column: str, period: Period, found: Result, least: int) -> Rows:
    """The series of a column (of everybody, if it is ""), each with its likeliest shift."""
    rows, own = found.rows, replace(found, by=(column,) if column else ())
    still = {row[units.WEEK] for row in rows if row["open"]}
    over = {
        week
        for week in {row[units.WEEK] for row in rows} - still
        if period.over(shaping.midnight(date.fromisoformat(week)) + shaping.WEEK)
    }
    series: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row[units.WEEK]):
        step, reached, n = _reached(row)
        value = row[column] if column else ""
        named = {"question": question.id, "step": step, "segment": own.segment(row)}
        named |= {"column": column, "value": value}
        one = series.setdefault((step, named["segment"]), named | {"weeks": {}})
        if n and row[units.WEEK] in over:
            one["weeks"][row[units.WEEK]] = (reached, n)
    return [one | _likeliest(one["weeks"], least) for one in series.values()]


def _reached(row: dict[str, Any]) -> tuple[str, int, int]:
    """The step, how many reached it, and of how many; nobody needs a start, or what is optional."""
    if "step" not in row:
        return "", row["reached"], row["n"]
    counts = row["position"] and row["of_previous"] is not None
    return row["step"], row["n"], row["n"] + row["lost"] if counts else 0


def _likeliest(weeks: dict[str, levels.Week], least: int) -> dict[str, Any]:
    found = levels.shift(list(weeks.values()), least=least)
    if found is None:
        return {"p": None}
    (did, n), (did_since, n_since) = found.before, found.after
    low, high = stats.newcombe(did_since, n_since, did, n)
    return {
        "since": list(weeks)[found.place],
        "before": did / n,
        "after": did_since / n_since,
        "difference": found.difference,
        "low": low,
        "high": high,
        **dict(zip(SIDES, (n, n_since), strict=True)),
        "p": found.p,
        "stayed": found.stayed,
        "verdict": FELL if found.difference < 0 else ROSE,
    }


def _shown(rows: Rows) -> Rows:
    """The series of which a shift is shown that is large enough, the surest first."""
    compared = [row for row in rows if row["p"] is not None]
    corrected = stats.corrected_all([row["p"] for row in compared])
    found = [row | {"p_corrected": p} for row, p in zip(compared, corrected, strict=True)]
    large = [row for row in found if row["stayed"] and abs(row["difference"]) >= SMALLEST]
    sure = [row for row in large if row["p_corrected"] < SHOWN]
    return sorted(sure, key=lambda row: (row["p"], -abs(row["difference"])))


def _owners_of(shown: Rows, rows: Rows, least: int) -> Rows:
    """The shifts of those whose they are: some segments' or everybody's; see `shifts`."""
    found: Rows = []
    while shown:
        at_once = [row for row in shown if _are_one(row, shown[0])]
        found += _whose(at_once, rows, least)
        shown = [row for row in shown if not _are_one(row, shown[0])]
    return found


def _are_one(row: dict[str, Any], other: dict[str, Any]) -> bool:
    alike = all(row[key] == other[key] for key in ("question", "step", "verdict"))
    return alike and _near(row, other)


def _near(row: dict[str, Any], other: dict[str, Any]) -> bool:
    since, since_other = (date.fromisoformat(each["since"]) for each in (row, other))
    return abs(since - since_other) <= NEAR


def _whose(at_once: Rows, rows: Rows, least: int) -> Rows:
    columns = shaping.grouped(at_once, ["column"])
    everybody = columns.pop(("",), [])
    for (column,), own in columns.items():
        names = {row["segment"] for row in own}
        others = [
            row["weeks"]
            for row in rows
            if (row["question"], row["step"], row["column"])
            == (own[0]["question"], own[0]["step"], column)
            and row["segment"] not in names
        ]
        if not _moved(others, own[0], least):
            return [row | {"alone": True} for row in own]
    return [row | {"alone": False} for row in everybody or next(iter(columns.values()))]


def _moved(others: Sequence[dict[str, levels.Week]], own: dict[str, Any], least: int) -> bool:
    """Whether all others together moved with a segment, or are too few to say."""
    there = sorted({week for weeks in others for week in weeks})
    counts = [[weeks[week] for weeks in others if week in weeks] for week in there]
    together = [(sum(did for did, _ in each), sum(n for _, n in each)) for each in counts]
    place = sum(week < own["since"] for week in there)
    (did, n), (did_since, n_since) = (
        [sum(each) for each in zip((0, 0), *side, strict=True)]
        for side in (together[:place], together[place:])
    )
    if min(n, n_since) < least:
        return True
    way = 1 if own["difference"] > 0 else -1
    is_shown = levels.p_at(together, place) < stats.SURE
    if is_shown and (did_since / n_since - did / n) * way >= SMALLEST:
        return True
    before, after, n_before, n_after = (own[name] for name in ("before", "after", *SIDES))
    whole = _log_odds(after * n_after, n_after) - _log_odds(before * n_before, n_before)
    return (_log_odds(did_since, n_since) - _log_odds(did, n)) * way >= abs(whole) / 2


def _log_odds(did: float, n: int) -> float:
    """In these a third less is as much of 6 % as of 30 %; a half more keeps them off the ends."""
    return math.log((did + 0.5) / (n - did + 0.5))


def _told_once(found: Rows, asked: Questions) -> Rows:
    """Of several shifts that are about one event, the one that says most; see `shifts`."""
    kept: Rows = []
    for row in sorted(found, key=lambda row: (not row["alone"], row["step"] == "", row["p"])):
        event = row["step"] or asked[row["question"]].goal
        known = [
            other["segment"]
            for other in kept
            if other["event"] == event and other["question"] != row["question"]
            if _near(row, other)
        ]
        if not known or (row["alone"] and row["segment"] not in known):
            kept.append(row | {"event": event})
    return kept
