"""The effect among those whom the message reached, beside the effect as assigned."""

from __future__ import annotations

from functools import partial
from typing import Any

from playbook.counting.shaping import Rows
from playbook.impact.compared import sums
from playbook.impact.counts import ARMS
from playbook.impact.judging import (
    ACTION,
    OWN,
    SEVERAL,
    Judged,
    judged,
    of_each,
    verdict_of,
    with_effect,
)
from playbook.impact.trial import MESSAGES, NOTHING_SENT
from playbook.inference.reached import Shape
from playbook.inference.reached import reached as two_stage
from playbook.language.wording import points
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, NUMBER
from playbook.results.section import Unanswerable, Unfit, section
from playbook.results.sentences import Told
from playbook.run import Run

ASSIGNED, REACHED = "as assigned", "among those reached"
ASSUMED = "A-"  # randomized, and assumed: the assignment works through the message alone
HOW = "among those reached: two-stage; its interval is Anderson and Rubin's"
EXCLUSION = "the play works through a delivered message alone"
WEAK = 10  # squared deviations of delivery between the arms, below which a division is shaky
BY_STRATA = (
    "Its arms are drawn by strata, each with another share held out: across them neither those "
    "reached nor times can be compared. Hold out one share to see this section."
)
COLUMNS = SEVERAL | {"reached_treated": COUNT, "reached_holdout": COUNT, "first_stage": NUMBER}


@section("impact.{slug}.among_reached")
def among_reached(run: Run, slug: str) -> Answer:
    """The effect of a play as assigned, and among those who got it because they were treated.

    Reached is whom the tool says it delivered to: unopened messages work, too.

    Returns:
        Shape `effect`: a row `as assigned`, and a row `among those reached`: its `treated` is the
        share of treated units with the message that did the goal, `holdout` that share less the
        effect, `low` and `high` the Anderson–Rubin interval (null where it has no two ends: then
        there is no difference, and `why` says so). Also `reached_treated` and `reached_holdout`,
        the units that got the message, and `first_stage`: how far delivery differs, in squared
        deviations; below 10 it is weak.
    """
    of = with_effect(run, slug, "print")[0].of
    if of.play.holdout_by:
        raise Unanswerable(BY_STRATA)
    if not of.play.sends:
        raise Unfit(NOTHING_SENT.format(slug=slug))
    if of.delivery != MESSAGES:
        raise Unanswerable("No message says who got it: nobody can say whom it reached.")

    def finish(rows: Rows) -> Rows:
        return [
            row
            for counts in of.contrasts(rows)
            if not (assigned := judged(of, counts)).why
            for row in _both_ways(assigned)
        ]

    told = (("reached", HOW), ("assumes", EXCLUSION))
    return of.result(
        "effect",
        sums([of]),
        finish,
        told=told,
        own=OWN | ACTION | COLUMNS,
        says=_among_reached_said,
    )


def _both_ways(assigned: Judged) -> Rows:
    """The effect as assigned, and among those reached; named after the treatment, if several."""
    arms, reached = assigned.of.arms, _among_reached(assigned)
    which = f"{assigned.counts.treatment}, " if arms.several else ""
    return [
        reached | assigned.row | {"label": which + ASSIGNED},
        reached | {"label": which + REACHED},
    ]


def _among_reached(assigned: Judged) -> dict[str, Any]:
    arms = [assigned.counts.arm(arm) for arm in ARMS]
    found = two_stage(*arms, deviations=assigned.row["deviations"])
    known = found is not None and found.shape is Shape.INTERVAL and found.effect is not None
    effect = found.effect if known else None
    share = arms[0].did_got / arms[0].got if arms[0].got else None
    return assigned.row | {
        "label": REACHED,
        "reached_treated": arms[0].got,
        "reached_holdout": arms[1].got,
        "treated": share,
        "holdout": share - effect if known and share is not None else None,
        "difference": effect,
        "low": found.low if known else None,
        "high": found.high if known else None,
        "verdict": verdict_of(found.low, found.high) if known else "reached too few",
        "grade": ASSUMED if known else "–",
        "why": "" if known else "the message reached too few to say",
        "first_stage": found.f if found else None,
        "action": "",
    }


def _among_reached_said(result: Result, told: Told, _words: str) -> str:
    """The effect among those who got the message, and what that assumes."""
    return of_each(result.rows[1::2], "label", partial(_reached_said, told))


def _reached_said(told: Told, rows: Rows) -> str:
    (row,) = rows
    prefix = (
        "" if row["label"] == REACHED else row["label"].removesuffix(REACHED).rstrip(", ") + "."
    )
    names = ("reached_treated", "n_treated", "reached_holdout", "n_holdout")
    treated, n_treated, held, n_held = (told.count(prefix + name, row[name]) for name in names)
    got = f"{treated} of {n_treated} treated got the message"
    if row["reached_holdout"]:
        got += f", and {held} of {n_held} held out"
    if row["difference"] is None:
        return f"{got}: too few to say what it does to those whom it reaches."
    weak = "; delivery hardly differs" if (row["first_stage"] or WEAK) < WEAK else ""
    return (
        f"{got}. Among those reached it is **{points(row['difference'])} points** "
        f"({points(row['low'])} to {points(row['high'])}{weak}), if it works through the "
        f"message alone; grade {row['grade']}."
    )
