"""What became of a play's treated units, from assigned to *did*, and by whom it was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting import shaping
from playbook.counting.shaping import Rows
from playbook.data.arrivals import UNIT_COLUMN
from playbook.declare import Play
from playbook.impact.trial import COUNTED_AS, begins, measurable
from playbook.inference import stats
from playbook.language.periods import duration, moment, words
from playbook.language.portable import count_if
from playbook.language.wording import interval, percent, too_few
from playbook.results import Answer, Result
from playbook.results.section import section
from playbook.results.sentences import Told, plain
from playbook.run import Run

WORDS = {
    "allowed": "not suppressed",
    "seen": "seen by a human",
    "clicked": "clicked or finished",
    "did": "did the goal",
}
REACH = ("assigned", "triggered", "allowed", "sent", "delivered", "seen", "clicked", "did")
TOLD = REACH[3:7]  # what the engagement tool says
BY_HUMAN, BY_MACHINE, BY_UNKNOWN = "a human", "a machine alone", "nobody knows whom"
SEEN_BY = (BY_HUMAN, BY_UNKNOWN, BY_MACHINE, "not seen")


@section("impact.{slug}.reach")
def reach(run: Run, slug: str) -> Answer:
    """What became of a play's treated units: assigned to *did*, on assigned denominators.

    Returns:
        Shape `steps`, one row per step: `assigned` (treated units whose clock began in the
        period), `triggered`, `allowed` (nothing in the ledger held the message back, or it was
        sent all the same), `sent`, `delivered`, `seen` (by a human: machine and unknown opens
        are not, whoever clicked is), `clicked` (or finished the guide; a machine's click is
        none), and `did`: the goal within its time of the trigger, whether or not they clicked.
        Of what the tool says, a unit that came further came as far: who saw a message was sent
        it. Units whose window is open are counted apart.
    """
    play = measurable(run, slug)
    units = _treated(run, play).left_join(_told_steps(run, play), "unit")
    is_open = (~_.is_mature).fill_null(False)
    told = {name: count_if(_.is_mature & _[name]) for name in TOLD}
    counted = units.aggregate(
        assigned=count_if(~is_open),
        triggered=count_if(_.is_mature),
        allowed=count_if(_.is_mature & (~_.held_back | _.sent.fill_null(False))),
        **told,
        did=count_if(_.is_mature & _.did),
        open=count_if(is_open),
    )
    return _of_treated(run, play, "steps", counted, _reach_steps, says=_reach_said)


@section("impact.{slug}.seen")
def seen(run: Run, slug: str) -> Answer:
    """By whom a play's delivered messages were seen; machines and unknown openers apart.

    Returns:
        Shape `mix`, of treated units with a delivered message and a closed window, each counted
        in the first class that any of its messages is in: seen by a human (or clicked), by
        nobody knows whom, by a machine alone, not seen. The share that people saw lies between
        the first class and the first two.
    """
    play = measurable(run, slug)
    own = _treated(run, play).filter(_.is_mature.fill_null(False)).select("unit")
    counted = (
        own.inner_join(_lookers(run, play), "unit")
        .group_by(position=ibis.cases((_.human, 0), (_.unknown, 1), (_.machine, 2), else_=3))
        .aggregate(n=_.count())
    )

    def finish(rows: Rows) -> Rows:
        counts = {row["position"]: row["n"] for row in rows}
        if not counts:
            return []
        every = [
            {"label": label, "position": position, "n": counts.get(position, 0)}
            for position, label in enumerate(SEEN_BY)
        ]
        return shaping.classes(every, (), last=-1)

    return _of_treated(run, play, "mix", counted, finish, says=_seen_said)


def _treated(run: Run, play: Play) -> ir.Table:
    """Treated units whose clock began: `unit`, `did`, `is_mature` (both null: not triggered), and
    `held_back`: the ledger's rules would have sent them nothing."""
    # Whoever signed up before the log, or triggered before the play went live, was in no arm.
    begun = ledger.outcomes(run, play).filter(
        _.arm == "treated", _.moment_at >= moment(begins(run, play))
    )
    due = _.decision != "already_done"
    ruled = ledger.decided(run).filter(
        _.play == play.slug, _.step == 0, _.episode == 1, _.decision.isin(ledger.HELD_BACK)
    )
    held = ruled.select(held="unit").distinct()
    return begun.left_join(held, begun.unit == held.held).select(
        "unit",
        did=ibis.ifelse(due, _.did, ibis.null("boolean")),
        is_mature=ibis.ifelse(due, _.is_mature, ibis.null("boolean")),
        held_back=_.held.notnull(),
    )


def _told_steps(run: Run, play: Play) -> ir.Table:
    """What the tool says happened, each step with those after it: tools lack some of their logs."""
    told = ledger.messages_of(run, play)
    further = {step: ibis.or_(*(told[name] for name in TOLD[k:])) for k, step in enumerate(TOLD)}
    return told.select("unit", **further)


def _lookers(run: Run, play: Play) -> ir.Table:
    """Units that the tool delivered the play to: `unit`, `human`, `unknown` and `machine`."""
    unit = UNIT_COLUMN[play.unit]
    arrived = run.tables.messages.filter(
        _.play == play.slug, ~_.is_ghost, _[unit].notnull(), _.delivered_at.notnull()
    )
    acted = _.clicked_at.notnull() | _.completed_at.notnull()
    opened = _.seen_at.notnull()
    return arrived.group_by(unit=unit).aggregate(
        human=count_if(acted | (opened & (~_.seen_by_machine).fill_null(False))) > 0,
        unknown=count_if(opened & _.seen_by_machine.isnull()) > 0,
        machine=count_if(opened & _.seen_by_machine.fill_null(False)) > 0,
    )


def _reach_steps(rows: Rows) -> Rows:
    counts = [rows[0][name] for name in REACH]
    found: Rows = []
    for position, (name, n) in enumerate(zip(REACH, counts, strict=True)):
        # Doing follows from no click: people do it without opening anything. Nothing is lost there.
        before = n if name == "did" else counts[max(position - 1, 0)]
        low, high = stats.wilson(n, counts[0])
        found.append(
            {
                "step": name,
                "position": position,
                "n": n,
                "of_first": n / counts[0] if counts[0] else None,
                "of_previous": n / before if before and name != "did" else None,
                "lost": before - n,
                "low": low,
                "high": high,
                "open": rows[0]["open"],
            }
        )
    return found


def _of_treated(
    run: Run,
    play: Play,
    shape: str,
    table: ir.Table,
    finish: Callable[[Rows], Rows],
    **given: Any,
) -> Result:
    """A result of a play's treated units, in this module's own words."""
    return run.result(
        shape,
        table,
        finish,
        counts=f"treated {play.unit}s, from the recomputed trigger",
        told=(
            ("comparison", "none: treated units alone, as assigned"),
            ("goal", play.goal),
            ("within", words(duration(play.goal_within))),
            ("left out", "units whose window is open; bots and internal people"),
            ("declared", play.version),
        ),
        labels=run.labels | WORDS,
        unit=play.unit,
        counted=COUNTED_AS[play.unit],
        within=words(duration(play.goal_within)),
        **given,
    )


def _reach_said(result: Result, told: Told, _words: str) -> str:
    """What became of the units that a play was meant for; doing the goal apart from the rest."""
    n = {row["step"]: told.count(f"{row['step']}.n", row["n"]) for row in result.rows}
    ways = ", ".join(f"{n[name]} {plain(result.label(name))}" for name in REACH[1:-1])
    did = result.rows[-1]
    share = f"**{percent(did['of_first'])}** ({interval(did['low'], did['high'])})"
    return (
        f"Of {n['assigned']} assigned, {ways}. {n['did']} did the goal in its "
        f"time, {share} of the assigned, whether or not they were reached."
    )


def _seen_said(result: Result, told: Told, _words: str) -> str:
    """Between which shares people saw what was delivered, and what machines opened alone."""
    human, unknown, machine, _not = result.rows
    total = human["total"]
    if total < result.min_n:
        return f"{too_few(total)}."
    text = f"Of {told.count('total', total)} to whom it was delivered, "
    text += f"**{percent(human['share'])}** saw it"
    if unknown["n"]:
        most = told.share("seen_at_most", (human["n"] + unknown["n"]) / total, total)
        text += f" for sure, and {most} if all were people of whom the tool does not know it"
    return f"{text}. Machines alone opened it for {percent(machine['share'])}."
