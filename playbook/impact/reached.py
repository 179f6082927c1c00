"""The effect among those whom the message reached, beside the effect as assigned."""

from __future__ import annotations

from typing import Any

from playbook.counting.shaping import Rows
from playbook.impact import counted
from playbook.impact.asking import BY_STRATA, compared, result
from playbook.impact.checking import of
from playbook.impact.effects import Judged, judged, verdict_of, with_effect
from playbook.inference.reached import Reached, Shape
from playbook.inference.reached import reached as two_stage
from playbook.results import Answer, Unavailable
from playbook.run import Run

ASSIGNED, REACHED = "as assigned", "among those reached"
ASSUMED = "A-"  # randomized, and assumed: the assignment works through the message alone
SAID = "among those reached: two-stage; its interval is Anderson and Rubin's"
EXCLUSION = "the play works through a delivered message alone"


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
    whole = with_effect(run, slug, "among_reached", "print")
    if isinstance(whole, Unavailable):
        return whole
    play = whole.played.play
    if play.holdout_by:
        return Unavailable(f"impact.{slug}.among_reached", BY_STRATA)

    def finish(rows: Rows) -> Rows:
        assigned = judged(run, of(run, play, rows))
        return [_reached(assigned) | assigned.row | {"label": ASSIGNED}, _reached(assigned)]

    says = (*compared(play), ("reached", SAID), ("assumes", EXCLUSION))
    table = counted.sums(run, [play])
    return result(run, "among_reached", "effect", table, finish, play=play, says=says)


def _reached(assigned: Judged) -> dict[str, Any]:
    arms = [assigned.played.arm(arm) for arm in counted.ARMS]
    found = two_stage(*arms, deviations=assigned.row["deviations"])
    told = found is not None and found.shape is Shape.INTERVAL and found.effect is not None
    effect = found.effect if told else None
    share = arms[0].did_got / arms[0].got if arms[0].got else None
    return assigned.row | {
        "label": REACHED,
        "reached_treated": arms[0].got,
        "reached_holdout": arms[1].got,
        "treated": share,
        "holdout": share - effect if told and share is not None else None,
        "difference": effect,
        "low": found.low if told else None,
        "high": found.high if told else None,
        "verdict": _verdict(found, told=told),
        "grade": ASSUMED if told else "–",
        "why": "" if told else "the message reached too few to say",
        "first_stage": found.f if found else None,
        "action": "",
    }


def _verdict(found: Reached | None, *, told: bool) -> str:
    if not told:
        return "reached too few"
    return verdict_of(found.low, found.high)
