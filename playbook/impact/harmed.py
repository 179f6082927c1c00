"""Whom plays harm: everybody, or some of the segments by which their effects differ."""

from __future__ import annotations

from typing import Any

from playbook.counting.shaping import Rows
from playbook.impact.effects import effects
from playbook.impact.judging import HARMS, HARMS_SOME, of_play
from playbook.impact.segments import differing
from playbook.impact.trial import trial
from playbook.language.wording import count, plain, signed
from playbook.results import Answer, Result, shown
from playbook.results.columns import COUNT, KEY, MEASURE, TEXT, with_ends
from playbook.results.section import needed, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

EVERYBODY = "everybody"
HARMED = {"play": KEY, "whom": KEY, "n": COUNT, **with_ends("difference", MEASURE), "in": TEXT}
NUMBERS = ("difference", "low", "high")


@section("impact.harmed")
def harmed(run: Run) -> Answer:
    """Whom plays make do less of what they want, surely, as assigned.

    Returns:
        Shape `table`: one row per play (or treatment) and segment that it harms, the worst
        first: `play`, `whom` (everybody, or a segment of a column by which its effects are shown
        to differ), `n` units compared, `difference`, `low`, `high`, and what these are `in`.
    """
    found = needed(effects(run))
    rows = [row for each in found.rows for row in _harmed(run, each)]
    return run.result(
        "table",
        None,
        lambda _rows: sorted(rows, key=lambda row: (row["in"], row["difference"])),
        own=HARMED,
        counts="units compared",
        made_of=(found,),
        says=_say,
        silence="No play is shown to make anybody do less of what it wants.",
    )


def _harmed(run: Run, row: dict[str, Any]) -> Rows:
    """The rows of one play, of its row of `effects`."""
    if row["verdict"] == HARMS:
        prefix = "metric_" if row["metric"] else ""
        ends = {name: row[prefix + name] for name in NUMBERS}
        if not prefix:
            ends = {name: 100 * value for name, value in ends.items()}
        n, unit = row["n_treated"] + row["n_holdout"], row["metric_in"] or "points"
        return [{"play": row["label"], "whom": EVERYBODY, "n": n, **ends, "in": unit}]
    if row["verdict"] != HARMS_SOME:
        return []
    wholes = of_play(trial(run, row["play"]))
    own = next(whole for whole in wholes if whole.counts.label == row["label"])
    return [
        {"play": row["label"], "whom": run.label(shown(part["segment"])), "in": "points"}
        | {name: 100 * part[name] for name in NUMBERS}
        | {"n": part["n_treated"] + part["n_holdout"]}
        for part in differing(run, own)
        if part["verdict"] == HARMS
    ]


def _say(result: Result, _told: Told, _words: str) -> str:
    """Whom each play harms, and by how much."""
    return bullets(
        f"{plain(row['play'])} harms **{plain(row['whom'])}**: **{signed(row['difference'])}** "
        f"{plain(row['in'])} ({signed(row['low'])} to {signed(row['high'])}, "
        f"n = {count(row['n'])})."
        for row in result.rows
    )
