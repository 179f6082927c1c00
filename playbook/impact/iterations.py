"""The next iteration of each play, and the log of the earlier ones with shrunken effects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from playbook.answers.phrases import COUNTED_AS
from playbook.counting.shaping import WEEK, Rows
from playbook.declare import Metric, Play
from playbook.impact.effects import effects
from playbook.inference import segments, sizing, stats
from playbook.language.periods import duration
from playbook.language.wording import count, plain, points, times
from playbook.results import Answer, Result
from playbook.results.columns import (
    COUNT,
    FLAG,
    ID,
    KEY,
    MOMENT,
    NUMBER,
    POINTS,
    SHARE,
    TEXT,
    Column,
    with_ends,
)
from playbook.results.section import needed, section, there
from playbook.results.sentences import Told, bullets
from playbook.run import Run

PLANNED = {"play": KEY, "verdict": TEXT, "difference": POINTS, "drawn": POINTS, "unit": TEXT}
PLANNED |= {"base": SHARE, "per_week": NUMBER, "smallest_effect": POINTS, "holdout": SHARE}
PLANNED |= {"units": COUNT, "weeks": COUNT, "weeks_at_half": COUNT, "plan": TEXT}
LOGGED = {"play": KEY, "version": ID, "says": TEXT, "live_from": Column("moment", is_key=True)}
LOGGED |= {"until": MOMENT, "current": FLAG} | with_ends("difference", POINTS)
DRAWN = with_ends("drawn", POINTS, ends=("drawn_low", "drawn_high"))


@section("impact.iterations")
def iterations(run: Run) -> Answer:
    """The plan of the next iteration of each play: how many units, and how long it takes.

    Planned for is the smallest effect worth having, with 80 % power, from the share that does
    the goal without the play and the traffic of the period; see `playbook.inference.sizing`.

    Returns:
        Shape `table`: one row per play, the soonest first: `play`, `verdict` and `difference` of
        this iteration, `drawn`, the difference drawn towards those of all plays and iterations
        (see `tried`), `unit`, `base`, `per_week` (units that trigger), `smallest_effect`,
        `holdout` (a share), `units` (both arms) and `weeks` that the next one takes, the window
        included; `weeks_at_half`, were half held out; and `plan`, in words. Null is what cannot
        be told.
    """
    found, log = needed(effects(run)), needed(tried(run))
    plays = {play.slug: play for play in run.declared.plays}

    def finish(_rows: Rows) -> Rows:
        drawn = {row["play"]: row["drawn"] for row in log.rows if row["current"]}
        rows = [
            _planned(run, plays[row["play"]], row, drawn.get(row["label"])) for row in found.rows
        ]
        return sorted(rows, key=lambda row: (row["weeks"] is None, row["weeks"] or 0, row["play"]))

    return run.result(
        "table",
        None,
        finish,
        own=PLANNED,
        counts="units that trigger in the period, in both arms",
        told=(
            ("plan", "80 % power at 5 %, two-sided, looked at as often as this one"),
            ("test", "Newcombe's interval"),
        ),
        made_of=(found, log),
        says=_say_iterations,
    )


@section("impact.tried")
def tried(run: Run) -> Answer:
    """The log: every iteration that was measured, and what they say together.

    Earlier ones stand under `tried:` in `experiments/`, the failures too; the present ones are
    the effects. Each is drawn towards the mean of all as far as its own error says: whoever
    keeps the best of several keeps luck, too (see `playbook.inference.segments.shrunken`).

    Returns:
        Shape `table`: one row per iteration, by play and time: `play`, `version`, `says`,
        `live_from`, `until`, `current` (whether it is measured here), `difference`, `low`,
        `high`, and the same `drawn`, `drawn_low`, `drawn_high`; null with fewer than two. A
        present play without an effect is left out.
    """
    now = effects(run)
    earlier = [each for experiment in run.declared.experiments for each in experiment.tried]
    if not earlier:
        needed(now)

    def finish(_rows: Rows) -> Rows:
        found = [each.model_dump() | {"current": False} for each in earlier]
        found += [_present_iteration(run, row) for row in now.rows]
        found = [row for row in found if row["difference"] is not None and row["low"] < row["high"]]
        pooled = segments.shrunken([_estimate(row) for row in found])
        ends = pooled.effects if pooled else [(None, None, None)] * len(found)
        told = [
            {name: row[name] for name in LOGGED} | dict(zip(DRAWN, own, strict=True))
            for row, own in zip(found, ends, strict=True)
        ]
        return sorted(told, key=lambda row: (row["play"], row["current"], row["live_from"]))

    return run.result(
        "table",
        None,
        finish,
        own=LOGGED | DRAWN,
        counts="iterations of plays that were measured, the failures too",
        told=(("drawn", "towards the mean of all (normal–normal, DerSimonian and Laird)"),),
        made_of=there(now),
        says=_say_tried,
        silence="No iteration has been measured yet.",
    )


def _present_iteration(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    play = next(play for play in run.declared.plays if play.slug == row["play"])
    return {
        "play": row["label"],
        "version": play.version,
        "says": play.says,
        "live_from": play.live_from or f"{run.period.since:%Y-%m-%d}",
        "until": f"{run.period.until:%Y-%m-%d}",
        **{name: row[name] for name in ("difference", "low", "high")},
        "current": True,
        # An interval that is looked at often reaches further than its error.
        "error": row.get("error"),
    }


def _estimate(row: dict[str, Any]) -> segments.Estimate:
    """A difference and its standard error; of what was noted down, from its 95 % interval."""
    if row.get("error"):
        return row["difference"], row["error"]
    return row["difference"], (row["high"] - row["low"]) / (2 * stats.DEVIATIONS)


def _planned(run: Run, play: Play, row: dict[str, Any], drawn: float | None) -> dict[str, Any]:
    least, window = run.declared.product.min_n, duration(play.goal_within) / WEEK
    compared = row["n_treated"] + row["n_holdout"]
    weeks = _weeks_open(run, play)
    per_week = (compared + row.get("open", 0)) / weeks if weeks else 0.0
    base = row["holdout"] if row["n_holdout"] >= least else None
    shared = play.holdout_by or play.split
    holdout = row["n_holdout"] / compared if shared and compared else play.holdout
    given = {"least": least, "design_effect": row.get("design_effect") or 1.0}
    given["per_look"] = per_week * (duration(play.looks) / WEEK)
    once, at_half = (
        sizing.units_at_pace(base or 0, play.smallest_effect, holdout=share, **given)
        for share in (holdout, 0.5)
    )
    found = {
        "play": row["label"],
        "verdict": row["verdict"],
        "difference": row["difference"],
        "drawn": drawn,
        "unit": play.unit,
        "base": base,
        "per_week": per_week,
        "smallest_effect": play.smallest_effect,
        "holdout": holdout,
        "units": once,
        "weeks": sizing.weeks_needed(once, per_week, window),
        "weeks_at_half": sizing.weeks_needed(at_half, per_week, window),
    }
    if play.primary:
        found |= dict.fromkeys(("base", "smallest_effect", "weeks_at_half"))
        found["units"] = row["planned"] if play.primary.smallest_effect else None
        found["weeks"] = sizing.weeks_needed(found["units"], per_week, window)
        return found | {"plan": _plan_by_metric(found, play.primary, row)}
    return found | {"plan": _plan_in_words(found)}


def _weeks_open(run: Run, play: Play) -> float:
    """For how many weeks of the period units could trigger."""
    since = run.period.since
    if play.live_from:
        since = max(since, datetime.fromisoformat(play.live_from))
    last = min(run.period.until, run.period.as_of - duration(play.after))
    return max((last - since) / WEEK, 0)


def _plan_by_metric(row: dict[str, Any], metric: Metric, effect: dict[str, Any]) -> str:
    """The plan of a play that is judged by a metric, or why there is none."""
    if not row["units"]:
        return f"Nobody says which effect on {metric.words} is worth having."
    if not row["per_week"]:
        return "Nobody triggers it: there is no traffic to plan on."
    size = f"{row['units']:,} {COUNTED_AS[row['unit']]}, {row['weeks']:,} weeks"
    return f"{size}, to see {metric.smallest_effect:g} {effect['metric_in']}."


def _plan_in_words(row: dict[str, Any]) -> str:
    """The plan, or why there is none."""
    rise = f"{row['smallest_effect'] * 100:.3g} points"
    if not row["per_week"]:
        return "Nobody triggers it: there is no traffic to plan on."
    if row["base"] is None:
        return "Too few were held out to say what people do without it."
    if row["units"] is None:
        return f"From {row['base'] * 100:.1f} % there is no rise of {rise} to plan for."
    size = f"{row['units']:,} {COUNTED_AS[row['unit']]}, {row['weeks']:,} weeks, to see {rise}."
    if row["weeks"] <= sizing.LONGEST:
        return size
    half = row["weeks_at_half"]
    if half is not None and half <= sizing.LONGEST:
        return f"{size} Hold out half and it takes {half:,}."
    return f"{size} Not answerable with this traffic: want more of the play, or more people."


def _say_iterations(result: Result, told: Told, _words: str) -> str:
    """How many plays can go round again within a year, the soonest, and those that cannot."""
    rows = result.rows
    noun = "comparison" if any(": " in row["play"] for row in rows) else "play"
    soon = [row for row in rows if row["weeks"] is not None and row["weeks"] <= sizing.LONGEST]
    text = (
        f"**{told.count('within_a_year', len(soon))} of {told.count('plays', len(rows), noun)}**"
        " can be tried anew within a year and show the smallest effect worth having"
    )
    if soon:
        first = soon[0]
        text += (
            f"; the soonest is {plain(first['play'])}: {count(first['units'])} "
            f"{COUNTED_AS[first['unit']]}, {times(first['weeks'], 'week')}"
        )
    slow = [f"{plain(row['play'])}: {plain(row['plan'])}" for row in rows if row not in soon]
    return bullets([f"{text}.", *slow])


def _say_tried(result: Result, told: Told, _words: str) -> str:
    """What all iterations say together, and the one that luck flatters most."""
    rows = result.rows
    # A treatment is called after its play.
    plays = told.count("plays", len({row["play"].partition(": ")[0] for row in rows}), "play")
    text = f"{told.count('iterations', len(rows), 'iteration')} of {plays} were measured"
    if any(row["drawn"] is None for row in rows):
        return f"{text}: too few to say what luck is in the largest."
    top = max(rows, key=lambda row: row["difference"])
    ends = f"{points(top['drawn_low'])} to {points(top['drawn_high'])}"
    return (
        f"{text}. The largest, of {plain(top['play'])} ({top['live_from']}), is "
        f"{points(top['difference'])} points; seen beside all others, expect "
        f"**{points(top['drawn'])}** ({ends})."
    )
