"""Whom plays are for: real people, when they first did what plays name, and their arms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.data.arrivals import UNIT_COLUMN
from playbook.declare import Play
from playbook.language import portable
from playbook.language.portable import when
from playbook.run import Run

TREATED, HOLDOUT, EVERYTHING = "treated", "holdout", "everything"
OF = "of_"  # begins the columns that hold what `users` says of a person
FIRST = "first_"  # begins those with the first time of an event


def people(run: Run, columns: Iterable[str]) -> ir.Table:
    """One row per real person: `user_id`, `account_id`, each of `columns` as `of_…`, and
    `gets_none`: whether they are held out from all plays.

    Who is in no account is held out by their own id.
    """
    real, sending = run.tables.users.filter(~_.is_internal), run.declared.product.sending
    whole = real.user_id
    if sending.holdout_unit == "account":
        whole = ibis.coalesce(real.account_id, real.user_id)
    none: ir.BooleanValue = ibis.literal(False)
    if sending.holdout:
        none = _place(run, sending.salt, whole) < _cut(sending.holdout)
    chosen = {OF + column: real[column] for column in columns}
    return real.select("user_id", "account_id", **chosen, gets_none=none)


def acting(run: Run, plays: Sequence[Play], columns: Iterable[str]) -> ir.Table:
    """`people`, of those who did anything that the plays name, with when they first did it.

    One scan of the log for all plays: the i-th event of `named` has the column `first_i`. People
    and accounts have a number besides, because a whole number is sorted several times faster
    than a text: `user_no`, in order of `user_id`, and `home_no`, their account's. Who is in no
    account is at home alone.
    """
    events = named(plays)
    firsts = (
        units.rows(run.tables, "user")
        .filter(_.event.isin(list(events)))
        .group_by(user_id="unit")
        .aggregate(**{column: when(_.event == e, _.at).min() for e, column in events.items()})
    )
    found = people(run, columns).inner_join(firsts, "user_id")
    number = ibis.row_number().over(ibis.window(order_by="user_id")).cast("int64")
    found = found.mutate(user_no=number)
    first = found.user_no.min().over(ibis.window(group_by="account_id"))
    return found.mutate(home_no=ibis.ifelse(found.account_id.isnull(), found.user_no, first))


def named(plays: Sequence[Play]) -> dict[str, str]:
    """Event → its column: the events whose first time decides."""
    events = [
        event
        for play in plays
        for part in (play, *play.then)
        for event in (*part.unless, *part.having)
    ]
    names = dict.fromkeys([*(play.trigger for play in plays), *events])
    return {event: f"{FIRST}{place}" for place, event in enumerate(names)}


def columns(play: Play) -> list[str]:
    """The columns of `users` that say whether a person is meant."""
    return [*play.audience, *(column for step in play.then for column in step.audience)]


def among(rows: ir.Table, audience: Mapping[str, Sequence[str]]) -> ir.Table:
    """The rows of `people` who are in an audience."""
    for column, accepted in audience.items():
        rows = rows.filter(_[OF + column].isin(list(accepted)))
    return rows


def with_unit(rows: ir.Table, play: Play) -> ir.Table:
    """The rows that have a unit of the play, with it: `unit`."""
    own = rows.mutate(unit=_[UNIT_COLUMN[play.unit]])
    return own.filter(_.unit.notnull())


def with_arms(run: Run, play: Play, rows: ir.Table) -> ir.Table:
    """The rows (`unit`, `gets_none` …) with `arm`: `treated`, `holdout` or `everything`.

    An arm is drawn from a salt and the unit's id alone, so it is the same on every engine, in
    every run, and before anything is sent. Strata (`holdout_by`) are the unit's own: whoever is
    in none has the play's `holdout`.
    """
    kept, cut = rows.columns, ibis.literal(_cut(play.holdout))
    for column, shares in play.holdout_by.items():
        strata = units.traits(run.tables, play.unit, [column])
        strata = strata.select(of_unit="unit", stratum_=_[column].cast("string"))
        rows = rows.left_join(strata, rows.unit == strata.of_unit)
        own = [(rows.stratum_ == value, _cut(share)) for value, share in shares.items()]
        cut = ibis.cases(*own, else_=cut) if own else cut
    cases = [(rows.gets_none, EVERYTHING)]
    if play.holds_out:
        cases.append((_place(run, play.salted, rows.unit) < cut, HOLDOUT))
    return rows.mutate(arm=ibis.cases(*cases, else_=TREATED)).select(*kept, "arm")


def _cut(share: float) -> int:
    return round(share * portable.BUCKETS)


def _place(run: Run, salt: str, id: ir.StringValue) -> ir.IntegerValue:
    return portable.bucket(ibis.literal(f"{salt}:") + id, engine=run.warehouse.engine)
