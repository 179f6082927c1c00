"""Why a play shows nothing: what its test could have seen, and what stood in the way."""

from __future__ import annotations

from typing import Any

from playbook.counting.shaping import Rows
from playbook.impact import checking, counted
from playbook.impact.asking import compared, experiments, incomparable_all, result
from playbook.impact.effects import CANNOT_TELL, HARMS, NOT_MATURED, TOO_FEW, WORKS, Judged, judged
from playbook.impact.played import Played
from playbook.impact.segments import DIFFERS, for_whom
from playbook.inference import sizing, stats
from playbook.language.mistakes import listed
from playbook.language.wording import percent
from playbook.results import Answer, Unavailable
from playbook.run import Run

SILENT = (CANNOT_TELL, TOO_FEW, NOT_MATURED)
REACHED = 0.5  # of treated units: with fewer reached, most of an effect is lost on the way


def why_null(run: Run) -> Answer:
    """Why plays show no effect: one row per play without one.

    Returns:
        Shape `table`: `play`, `verdict`, `sees` (the smallest rise of the share that the units
        at hand show with 80 % power, for as often as it has been looked at; null: none),
        `smallest_effect` worth having, `delivered` and `seen` (shares of treated units, seen by
        a human), `contaminated` (share of held-out units with a delivered message), `matured`
        (share of units that triggered), `planned` (share of the plan that is there), and `why`:
        the first of these that explains it, in a sentence; and for whom the effect is another,
        where effects are shown to differ (see `for_whom`).
    """
    if reason := incomparable_all(run):
        return Unavailable("impact.why_null", reason)
    plays = experiments(run)

    def finish(rows: Rows) -> Rows:
        found = [judged(run, played) for played in checking.each(run, plays, rows)]
        return [_row(run, each) for each in found if each.row["verdict"] in SILENT]

    table = counted.sums(run, plays)
    return result(run, "why_null", "table", table, finish, says=compared())


def _row(run: Run, judged: Judged) -> dict[str, Any]:
    played, n = judged.played, judged.row["n_treated"]
    held, triggered = judged.row["n_holdout"], played.sum("triggered")
    row = {
        "play": played.play.slug,
        "verdict": judged.row["verdict"],
        "sees": sees(played),
        "smallest_effect": played.play.smallest_effect,
        "delivered": _share(played.sum("got", "treated"), n),
        "seen": _share(played.sum("seen", "treated"), n),
        "contaminated": _share(played.sum("got", "holdout"), held),
        "matured": _share(n + held, triggered),
        "planned": judged.row["information"],
    }
    apart = _differing(run, judged) if judged.row["verdict"] == CANNOT_TELL else ""
    return row | {"why": _why(judged, row) + apart}


def sees(played: Played) -> float | None:
    """The smallest rise that the units at hand show with 80 % power; None: not even to all.

    An interval that reaches further, for the looks so far, is one of fewer units.
    """
    base = played.arm("holdout").share
    wider = (played.deviations / stats.DEVIATIONS) ** 2
    return sizing.smallest_difference(
        base or 0, played.sum("n"), holdout=played.held, design_effect=wider
    )


def _why(judged: Judged, row: dict[str, Any]) -> str:
    """The main reason, in a sentence."""
    rise, worth = row["sees"], row["smallest_effect"]
    if judged.row["verdict"] == NOT_MATURED:
        return f"Not matured: {judged.why}."
    if judged.row["verdict"] == TOO_FEW:
        return f"Too few: {judged.why}."
    if row["delivered"] < REACHED:
        return f"Delivery: {percent(row['delivered'])} of the treated got it; the rest dilute it."
    if row["contaminated"]:
        return f"Contamination: {percent(row['contaminated'])} of the held-out got it, too."
    if judged.difference.high < worth:
        return (
            f"It does too little on average: the {worth * 100:g} points that would be worth having "
            f"are ruled out (at most {judged.difference.high * 100:+.1f})."
        )
    if rise is None or rise > worth:
        could = "no rise at all" if rise is None else f"a rise from {rise * 100:.1f} points on"
        rest = f"{percent(row['planned'])} of the units planned are there"
        return f"Size: so far it could show {could}; {worth * 100:g} are worth having, and {rest}."
    return (
        f"The test was large enough: a rise of {rise * 100:.1f} points would have been seen in "
        "four of five such tests."
    )


def _differing(run: Run, judged: Judged) -> str:
    """By which columns the effect differs, and for whom it works or harms; "" if by none."""
    found = for_whom(run, judged.played.play.slug)
    rows = [] if isinstance(found, Unavailable) else found.rows
    differs = [row for row in rows if row["differs"] == DIFFERS]
    if not differs:
        return ""
    said = [
        f"{does} {listed(found.label(row['segment']) for row in own)}"
        for verdict, does in ((WORKS, "it works for"), (HARMS, "it harms"))
        if (own := [row for row in differs if row["verdict"] == verdict])
    ]
    by = listed(dict.fromkeys(row["column"] for row in differs))
    return f" But its effect differs by {by}: {', '.join(said) or 'it is shown for none alone'}."


def _share(part: int, n: int) -> float | None:
    return part / n if n else None
