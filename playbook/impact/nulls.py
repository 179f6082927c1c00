"""Why a play shows nothing: what its test could have seen, and what stood in the way."""

from __future__ import annotations

from functools import partial
from typing import Any

from playbook import ledger
from playbook.counting.shaping import Rows
from playbook.impact.checking import each_counted
from playbook.impact.compared import sums
from playbook.impact.counts import Counts
from playbook.impact.judging import (
    CANNOT_TELL,
    HARMS,
    NOT_MATURED,
    TOO_FEW,
    WORKS,
    Judged,
    judged,
)
from playbook.impact.segments import apart, differing_by
from playbook.impact.trial import of_all, trials
from playbook.inference import sizing, stats
from playbook.language.mistakes import listed
from playbook.language.wording import percent, plain
from playbook.results import Answer, Result
from playbook.results.columns import KEY, POINTS, RATIO, SHARE, TEXT
from playbook.results.section import section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

SHOWN, UNTOLD = (WORKS, HARMS), "not measured"
SHOWN_NOWHERE = "it is shown for none alone"
REACHED = 0.5  # of treated units: with fewer reached, most of an effect is lost on the way
COLUMNS = {
    "play": KEY,
    "verdict": TEXT,
    "sees": POINTS,
    "smallest_effect": POINTS,
    **dict.fromkeys(("delivered", "seen", "contaminated", "matured"), SHARE),
    "planned": RATIO,
    "why": TEXT,
}


@section("impact.why_null")
def why_null(run: Run) -> Answer:
    """Why plays show no effect on their goal: one row per play without one, that is judged by it.

    Returns:
        Shape `table`: `play`, `verdict`, `sees` (the smallest rise of the share that the units
        at hand show with 80 % power, for as often as it has been looked at; null: none),
        `smallest_effect` worth having, `delivered` and `seen` (shares of treated units, seen by
        a human), `contaminated` (share of held-out units with a delivered message), `matured`
        (share of units that triggered), `planned` (share of the plan that is there; null is what
        no unit, or no column, tells), and `why`:
        the first of these that explains it, in a sentence; and for whom the effect is another,
        where effects are shown to differ (see `for_whom`).
    """
    all_ = trials(run)

    def finish(rows: Rows) -> Rows:
        found = [judged(*each) for each in each_counted(all_, rows)]
        found = [each for each in found if each.of.play.primary is None]
        untold = [
            dict.fromkeys(COLUMNS) | {"play": slug, "verdict": UNTOLD, "why": f"Audience: {reason}"}
            for slug, reason in ledger.untold(run).items()
        ]
        return [_null(each) for each in found if each.row["verdict"] not in SHOWN] + untold

    return of_all(
        run,
        "table",
        sums(all_),
        finish,
        own=COLUMNS,
        says=_nulls_said,
        silence="Every play with a holdout that is sent shows an effect.",
    )


def _null(of: Judged) -> dict[str, Any]:
    counts, n = of.counts, of.row["n_treated"]
    held, triggered = of.row["n_holdout"], counts.sum("triggered")
    unknown = partial(of.of.run.tables.unknown, "messages")
    unseen = unknown("seen_at") or unknown("seen_by_machine")
    ungot = unknown("delivered_at", "bounced_at")
    row = {
        "play": counts.label,
        "verdict": of.row["verdict"],
        "sees": sees(counts),
        "smallest_effect": counts.play.smallest_effect,
        "delivered": None if ungot else _part_of(counts.sum("got", "treated"), n),
        "seen": None if unseen else _part_of(counts.sum("seen", "treated"), n),
        "contaminated": _part_of(counts.sum("got", "holdout"), held),
        "matured": _part_of(n + held, triggered),
        "planned": of.row["information"],
    }
    apart = _differing(of) if of.row["verdict"] == CANNOT_TELL else ""
    return row | {"why": _null_reason(of, row) + apart}


def sees(counts: Counts) -> float | None:
    """The smallest rise that the units at hand show with 80 % power; None: not even to all.

    An interval that reaches further, for the looks so far, is one of fewer units.
    """
    base = counts.arm("holdout").share
    wider = (counts.deviations / stats.DEVIATIONS) ** 2
    return sizing.smallest_difference(
        base or 0, counts.sum("n"), holdout=counts.held, design_effect=wider
    )


def _null_reason(of: Judged, row: dict[str, Any]) -> str:
    """The main reason, in a sentence."""
    rise, worth = row["sees"], row["smallest_effect"]
    if of.row["verdict"] == NOT_MATURED:
        return f"Not matured: {of.why}."
    if of.row["verdict"] == TOO_FEW:
        return f"Too few: {of.why}."
    if of.why:
        return f"Nothing to measure: {of.why}."
    if row["delivered"] is not None and row["delivered"] < REACHED:
        return f"Delivery: {percent(row['delivered'])} of the treated got it; the rest dilute it."
    if row["contaminated"]:
        return f"Contamination: {percent(row['contaminated'])} of the held-out got it, too."
    if of.difference.high < worth:
        return (
            f"It does too little on average: the {worth * 100:g} points that would be worth having "
            f"are ruled out (at most {of.difference.high * 100:+.1f})."
        )
    if rise is None or rise > worth:
        could = "no rise at all" if rise is None else f"a rise from {rise * 100:.1f} points on"
        rest = f"{percent(row['planned'])} of the units planned are there"
        return f"Size: so far it could show {could}; {worth * 100:g} are worth having, and {rest}."
    return (
        f"The test was large enough: a rise of {rise * 100:.1f} points would have been seen in "
        "four of five such tests."
    )


def _differing(of: Judged) -> str:
    """By which columns the effect differs, and for whom it works or harms; "" if by none."""
    columns = differing_by(of.of.run, of)
    if not columns:
        return ""
    said = [
        f"{does} {listed(names)}"
        for does, names in zip(("it works for", "it harms"), apart(of.of.run, of), strict=True)
        if names
    ]
    return f" But its effect differs by {listed(columns)}: {', '.join(said) or SHOWN_NOWHERE}."


def _part_of(part: int, n: int) -> float | None:
    return part / n if n else None


def _nulls_said(result: Result, _told: Told, _words: str) -> str:
    """Per play that shows no effect the main reason."""
    return bullets(f"**{plain(row['play'])}** {plain(row['why'])}" for row in result.rows)
