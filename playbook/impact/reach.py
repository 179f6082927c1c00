"""What became of a play's treated units, from assigned to *did*, and by whom it was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.answers.phrases import COUNTED_AS
from playbook.counting import shaping
from playbook.counting.shaping import Rows
from playbook.data.arrivals import UNIT_COLUMN
from playbook.declare import Play
from playbook.impact.trial import begins, measurable
from playbook.inference import stats
from playbook.language.mistakes import listed
from playbook.language.periods import duration, moment, words
from playbook.language.portable import count_if
from playbook.language.wording import interval, percent, plain, too_few
from playbook.results import Answer, Result
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, not_known
from playbook.run import Run

WORDS = {
    "allowed": "not suppressed",
    "seen": "seen by a human",
    "clicked": "clicked or finished",
    "did": "did the goal",
}
REACH = ("assigned", "triggered", "allowed", "sent", "delivered", "seen", "clicked", "did")
TOLD = REACH[3:7]  # what the engagement tool says
# Step → the columns of `messages` that tell it: with none of them mapped it is not known.
TOLD_BY = {
    "sent": ("sent_at", "is_sent"),
    "delivered": ("delivered_at", "bounced_at"),
    "seen": ("seen_at",),
    "clicked": ("clicked_at", "completed_at"),
}
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
        it. Units whose window is open are counted apart. What no column tells is no step.
    """
    play, unknown = measurable(run, slug), _untold(run)
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
    steps = [name for name in REACH if name not in unknown]
    return _of_treated(
        run,
        play,
        "steps",
        counted,
        lambda rows: _reach_steps(rows, steps),
        title=f"From assigned to done: {run.label(slug)}",
        says=partial(_reach_said, unknown),
    )


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
    for column in ("delivered_at", "seen_at"):
        if reason := run.tables.unknown("messages", column):
            raise Unanswerable(f"Nobody can say by whom `{slug}` was seen: {reason}.")
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

    silence = "No message of it was delivered to anybody whose window is closed."
    says = partial(_seen_said, bool(run.tables.unknown("messages", "seen_by_machine")))
    return _of_treated(run, play, "mix", counted, finish, says=says, silence=silence)


def _untold(run: Run) -> dict[str, str]:
    """Step of which no column tells → why. Who opened it is told by `seen_by_machine` alone."""
    found = {step: run.tables.unknown("messages", *names) for step, names in TOLD_BY.items()}
    found["seen"] = found["seen"] or run.tables.unknown("messages", "seen_by_machine")
    return {step: why for step, why in found.items() if why}


def _treated(run: Run, play: Play) -> ir.Table:
    """Treated units whose clock began: `unit`, `did`, `is_mature` (both null: not triggered), and
    `held_back`: the ledger's rules would have sent them nothing."""
    # Whoever signed up before the log, or triggered before the play went live, was in no arm.
    begun = ledger.outcomes(run, play).filter(
        _.arm.isin(ledger.arms_of(run, play).own), _.moment_at >= moment(begins(run, play))
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


def _reach_steps(rows: Rows, steps: Sequence[str]) -> Rows:
    counts = [rows[0][name] for name in steps]
    found: Rows = []
    for position, (name, n) in enumerate(zip(steps, counts, strict=True)):
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


def _reach_said(unknown: Mapping[str, str], result: Result, told: Told, _words: str) -> str:
    """What became of the units that a play was meant for; doing the goal apart from the rest."""
    if not result.rows[0]["n"]:
        still = result.rows[0]["open"]
        return (
            f"Nobody is assigned whose window is closed{f'; {still:,} are open' if still else ''}."
        )
    n = {row["step"]: told.count(f"{row['step']}.n", row["n"]) for row in result.rows}
    ways = ", ".join(f"{n[name]} {plain(result.label(name))}" for name in [*n][1:-1])
    did = result.rows[-1]
    share = f"**{percent(did['of_first'])}** ({interval(did['low'], did['high'])})"
    text = (
        f"Of {n['assigned']} assigned, {ways}. {n['did']} did the goal in its "
        f"time, {share} of the assigned, whether or not they were reached."
    )
    parts = {why: [s for s, each in unknown.items() if each == why] for why in unknown.values()}
    for why, own in parts.items():
        text += " " + not_known(f"how many were {listed(map(result.label, own))}", why)
    return text


def _seen_said(blind: bool, result: Result, told: Told, _words: str) -> str:
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
    if blind:
        return f"{text}. {not_known('what machines opened', 'the tool does not tell them apart')}"
    return f"{text}. Machines alone opened it for {percent(machine['share'])}."
