"""Arms: who draws them, what they are called, and which one each unit is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.arrivals import UNIT_COLUMN
from playbook.declare import Play
from playbook.declare.play import CONTROLS
from playbook.language import portable
from playbook.ledger.told import arms_in_log, logged_arms, messages_of
from playbook.run import Run

TREATED, HOLDOUT, EVERYTHING = "treated", "holdout", "everything"
SEVERAL, UNASSIGNED = "several", "unassigned"  # the log has it in several arms, or in none
OURS = "ours"
NOT_SENT = (HOLDOUT, EVERYTHING, SEVERAL)


@dataclass(frozen=True)
class Arms:
    """The arms of one play.

    Attributes:
        is_logged: Whether the log of assignments says who is in which; else our salt does.
        control: What the log calls the control; "" if it has none that we know.
        treatments: What the other arms are called, in their order.
        split: Arm → its planned share; empty if nobody planned any.
        names: Every arm that the log names.
    """

    is_logged: bool
    control: str
    treatments: tuple[str, ...]
    split: Mapping[str, float]
    names: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether there is more than one treatment."""
        return len(self.treatments) > 1

    @property
    def is_control_alone(self) -> bool:
        """Whether the log holds nobody but those held out: some tools log no others."""
        return self.is_logged and self.names == (self.control,)

    @property
    def own(self) -> tuple[str, ...]:
        """What the ledger calls the treatments: the only one is `treated`, whatever its name."""
        return self.treatments if self.several else (TREATED,)

    @property
    def compared(self) -> tuple[str, ...]:
        """What the ledger calls all of them, the control first."""
        return (HOLDOUT, *self.own)

    @property
    def called(self) -> dict[str, str]:
        """What the ledger calls an arm → what whoever draws it calls it, the control first."""
        return {HOLDOUT: self.control} | dict(zip(self.own, self.treatments, strict=True))


def arms_of(run: Run, play: Play) -> Arms:
    """The arms of a play; the log's where it is said to draw them, or another source fills it."""
    return run.remembered(("arms", play.slug), lambda: _arms_of(run, play))


def with_arms(run: Run, play: Play, rows: ir.Table) -> ir.Table:
    """The rows (`unit`, `account_id`, `gets_none` …) with `arm`.

    It is `holdout` of the control, `treated` of an only treatment, else the treatment's name;
    `everything` of who is held out from all plays. An arm of ours is drawn from a salt and the
    unit's id alone, so it is the same on every engine, in every run, and before anything is
    sent. Strata (`holdout_by`) are the unit's own: whoever is in none has the play's `holdout`.
    Of a log, who is in several arms is `several`, and who is in none `unassigned`; where it holds
    the control alone, whoever was sent the play is treated.
    """
    arms = arms_of(run, play)
    return _as_logged(run, play, rows, arms) if arms.is_logged else _as_drawn(run, play, rows, arms)


def is_sent(arm: ir.StringValue) -> ir.BooleanValue:
    """Whether a unit in this arm is sent the play; who is in none is drawn by the tool."""
    return ~arm.isin(list(NOT_SENT))


def bucket_of(run: Run, salt: str, id: ir.StringValue) -> ir.IntegerValue:
    """The bucket that a salt draws for an id."""
    return portable.bucket(ibis.literal(f"{salt}:") + id, engine=run.warehouse.engine)


def bucket_cut(share: float) -> int:
    """The bucket below which that share of ids falls."""
    return round(share * portable.BUCKETS)


def _arms_of(run: Run, play: Play) -> Arms:
    logged = {row["arm"]: row for row in arms_in_log(run).rows if row["play"] == play.slug}
    others = any(row["others"] for row in logged.values())
    if play.arms == OURS or (play.arms is None and not others):
        split = dict(play.split) or {HOLDOUT: play.holdout, TREATED: 1 - play.holdout}
        control = play.control or next(name for name in CONTROLS if name in split)
        treatments = tuple(name for name in split if name != control)
        return Arms(False, control, treatments, split if play.holds_out else {})
    names = tuple(sorted(logged))
    known = dict.fromkeys([*play.split, *names])
    control = play.control or next((name for name in CONTROLS if name in known), "")
    treatments = tuple(name for name in play.split or names if name != control) or (TREATED,)
    split = dict(play.split)
    if not split and play.is_split_planned and len(treatments) == 1:
        split = {control: play.holdout, treatments[0]: 1 - play.holdout}
    return Arms(True, control, treatments, split, names)


def _as_drawn(run: Run, play: Play, rows: ir.Table, arms: Arms) -> ir.Table:
    kept, cut = rows.columns, ibis.literal(bucket_cut(play.holdout))
    key = UNIT_COLUMN[play.unit]
    for column, shares in play.holdout_by.items():
        strata = units.traits(run.tables, play.unit, [column])
        strata = strata.select(of_unit="unit", stratum_=_[column].cast("string"))
        rows = rows.left_join(strata, rows[key] == strata.of_unit)
        own = [(rows.stratum_ == value, bucket_cut(share)) for value, share in shares.items()]
        cut = ibis.cases(*own, else_=cut) if own else cut
    cases = [(rows.gets_none, EVERYTHING)]
    if play.holds_out:
        bucket = bucket_of(run, play.salted, rows[key])
        cases.append((bucket < cut, HOLDOUT))
        share = play.holdout
        for name in arms.treatments[:-1]:
            share += arms.split[name]
            cases.append((bucket < bucket_cut(share), name))
    return rows.mutate(arm=ibis.cases(*cases, else_=arms.own[-1])).select(*kept, "arm")


def _as_logged(run: Run, play: Play, rows: ir.Table, arms: Arms) -> ir.Table:
    kept, log = rows.columns, logged_arms(run, play)
    rows = rows.left_join(log, rows[UNIT_COLUMN[play.unit]] == log.drawn)
    cases = [(_.logged_arm != _.other_arm, SEVERAL)]
    cases += [(_.logged_arm == name, arm) for arm, name in arms.called.items()]
    cases.append((_.gets_none, EVERYTHING))
    if arms.is_control_alone and run.tables.has("messages"):
        sent = messages_of(run, play).select(sent_to="unit", was_sent=_.contacted)
        rows = rows.left_join(sent, rows.unit == sent.sent_to)
        cases.append((_.logged_arm.isnull() & _.was_sent.fill_null(False), TREATED))
    return rows.mutate(arm=ibis.cases(*cases, else_=UNASSIGNED)).select(*kept, "arm")
