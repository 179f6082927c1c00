"""The next iteration of each play, and the log of the earlier ones with shrunken effects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from playbook.counting.shaping import WEEK, Rows
from playbook.declare import Play
from playbook.inference import segments, sizing, stats
from playbook.language.periods import duration
from playbook.results import Answer, Unavailable
from playbook.run import Run

ENDS = ("difference", "low", "high")
LOGGED = ("play", "version", "says", "live_from", "until", "current", *ENDS)
DRAWN = ("drawn", "drawn_low", "drawn_high")


def iterations(run: Run, effects: Answer) -> Answer:
    """The plan of the next iteration of each play: how many units, and how long it takes.

    Planned for is the smallest effect worth having, with 80 % power, from the share that does
    the goal without the play and the traffic of the period; see `playbook.sizing`.

    Args:
        run: The opened run.
        effects: The effects of all plays: rows of shape `effect` with the play as `label`.

    Returns:
        Shape `table`: one row per play, the soonest first: `play`, `verdict` and `difference` of
        this iteration, `drawn`, the difference drawn towards those of all plays and iterations
        (see `tried`), `unit`, `base`, `per_week` (units that trigger), `smallest_effect`,
        `holdout` (a share), `units` (both arms) and `weeks` that the next one takes, the window
        included; `weeks_at_half`, were half held out; and `plan`, in words. Null is what cannot
        be told.
    """
    if isinstance(effects, Unavailable):
        return Unavailable("impact.iterations", effects.reason)
    plays = {play.slug: play for play in run.declared.plays}

    def rows() -> Rows:
        drawn = {row["play"]: row["drawn"] for row in tried(run, effects).rows if row["current"]}
        found = [
            _planned(run, plays[row["label"]], row) | {"drawn": drawn.get(row["label"])}
            for row in effects.rows
        ]
        return sorted(found, key=lambda row: (row["weeks"] is None, row["weeks"] or 0, row["play"]))

    return run.result(
        "impact.iterations",
        "table",
        effects.table,
        counts="units that trigger in the period, in both arms",
        says=(("plan", "80 % power at 5 %, two-sided"), ("test", "Newcombe's interval")),
        fetched=rows,
    )


def tried(run: Run, effects: Answer) -> Answer:
    """The log: every iteration that was measured, and what they say together.

    Earlier ones stand under `tried:` in `experiments/`, the failures too; the present ones are
    the effects. Each is drawn towards the mean of all as far as its own error says: whoever
    keeps the best of several keeps luck, too (see `playbook.inference.segments.shrunken`).

    Args:
        run: The opened run.
        effects: The effects of all plays: rows of shape `effect` with the play as `label`.

    Returns:
        Shape `table`: one row per iteration, by play and time: `play`, `version`, `says`,
        `live_from`, `until`, `current` (whether it is measured here), `difference`, `low`,
        `high`, and the same `drawn`, `drawn_low`, `drawn_high`; null with fewer than two. A
        present play without an effect is left out.
    """
    now = [] if isinstance(effects, Unavailable) else effects
    earlier = [each for experiment in run.declared.experiments for each in experiment.tried]
    if isinstance(effects, Unavailable) and not earlier:
        return Unavailable("impact.tried", effects.reason)

    def rows() -> Rows:
        found = [each.model_dump() | {"current": False} for each in earlier]
        found += [_present(run, row) for row in (now.rows if now else [])]
        found = [row for row in found if row["difference"] is not None and row["low"] < row["high"]]
        pooled = segments.shrunken([_estimate(row) for row in found])
        ends = pooled.effects if pooled else [(None, None, None)] * len(found)
        told = [
            {name: row[name] for name in LOGGED} | dict(zip(DRAWN, own, strict=True))
            for row, own in zip(found, ends, strict=True)
        ]
        return sorted(told, key=lambda row: (row["play"], row["current"], row["live_from"]))

    return run.result(
        "impact.tried",
        "table",
        effects.table if now else run.log,
        counts="iterations of plays that were measured, the failures too",
        says=(("drawn", "towards the mean of all (normal–normal, DerSimonian and Laird)"),),
        fetched=rows,
    )


def _present(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    play = next(play for play in run.declared.plays if play.slug == row["label"])
    return {
        "play": play.slug,
        "version": play.version,
        "says": play.says,
        "live_from": play.live_from or f"{run.period.since:%Y-%m-%d}",
        "until": f"{run.period.until:%Y-%m-%d}",
        **{end: row[end] for end in ENDS},
        "current": True,
        # An interval that is looked at often reaches further than its error.
        "error": row.get("error"),
    }


def _estimate(row: dict[str, Any]) -> segments.Estimate:
    """A difference and its standard error; of what was noted down, from its 95 % interval."""
    if row.get("error"):
        return row["difference"], row["error"]
    return row["difference"], (row["high"] - row["low"]) / (2 * stats.DEVIATIONS)


def _planned(run: Run, play: Play, row: dict[str, Any]) -> dict[str, Any]:
    compared = row["n_treated"] + row["n_holdout"]
    units = compared + row.get("open", 0)
    weeks = _weeks(run, play)
    found = {
        "play": play.slug,
        "verdict": row["verdict"],
        "difference": row["difference"],
        "unit": play.unit,
        "base": row["holdout"] if row["n_holdout"] >= run.declared.product.min_n else None,
        "per_week": units / weeks if weeks else 0.0,
        "smallest_effect": play.smallest_effect,
        "holdout": row["n_holdout"] / compared if play.holdout_by and compared else play.holdout,
    }
    found |= {"units": _units(run, found, found["holdout"])}
    found |= {"weeks": _until(play, found, found["units"])}
    found |= {"weeks_at_half": _until(play, found, _units(run, found, 0.5))}
    return found | {"plan": _said(found)}


def _weeks(run: Run, play: Play) -> float:
    """For how many weeks of the period units could trigger."""
    since = run.period.since
    if play.live_from:
        since = max(since, datetime.fromisoformat(play.live_from))
    last = min(run.period.until, run.period.as_of - duration(play.after))
    return max((last - since) / WEEK, 0)


def _units(run: Run, row: dict[str, Any], holdout: float) -> int | None:
    least = run.declared.product.min_n
    return sizing.units_needed(
        row["base"] or 0, row["smallest_effect"], holdout=holdout, least=least
    )


def _until(play: Play, row: dict[str, Any], units: int | None) -> int | None:
    """How many weeks until so many have triggered and their windows are over."""
    return sizing.weeks_needed(units, row["per_week"], duration(play.goal_within) / WEEK)


def _said(row: dict[str, Any]) -> str:
    """The plan in words, or why there is none."""
    rise = f"{row['smallest_effect'] * 100:.3g} points"
    if not row["per_week"]:
        return "Nobody triggers it: there is no traffic to plan on."
    if row["base"] is None:
        return "Too few were held out to say what people do without it."
    if row["units"] is None:
        return f"From {row['base'] * 100:.1f} % there is no rise of {rise} to plan for."
    size = f"{row['units']:,} {row['unit']}s, {row['weeks']:,} weeks, to see {rise}."
    if row["weeks"] <= sizing.LONGEST:
        return size
    half = row["weeks_at_half"]
    if half is not None and half <= sizing.LONGEST:
        return f"{size} Hold out half and it takes {half:,}."
    return f"{size} Not answerable with this traffic: want more of the play, or more people."
