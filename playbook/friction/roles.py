"""Who did each step of an account's way: its owner, who invites, who was invited, nobody named."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.counting import attempts, shaping, units
from playbook.data.tables import Tables
from playbook.friction.questions import step_titles, unfit
from playbook.language.portable import united, when
from playbook.results import Answer, Rows, shown
from playbook.results.section import Unanswerable, section
from playbook.run import Run

OWNER, INVITER, INVITEE = "owner", "inviter", "invitee"
OTHER, NOBODY = "other member", "nobody named"
ROLES = (OWNER, INVITER, INVITEE, OTHER, NOBODY)
INVITED = "invited"  # the value of `acquisition`


@section("friction.{id}_roles")
def roles(run: Run, id: str) -> Answer:
    """Who did each step of the accounts' best attempts, among those that reached it.

    The step is done by whoever's event reached it first; of several people at the same moment
    it is the one whose id comes first. Each has one role, the first that applies: `owner` (who
    came first in the account), `inviter` (somebody of the account names them as who invited
    them), `invitee` (was invited), `other member`, and `nobody named` where the event names no
    person. Roles are read as the product keeps them, not as of the step.

    Returns:
        Shape `mix` by `step`: one row per step and role: `label`, `position`, `n`, `total` (what
        the question counts at that step), `share` with its interval.
    """
    asking = answers.asked(run, id)
    question = asking.question
    if question.measure != "steps" or question.unit != "account":
        raise unfit(question, "roles need the steps of accounts")
    if question.order == "any" or question.count == "attempts":
        raise unfit(question, "roles need each account's steps in their order")
    if lacking := [c for c in ("account_id", "signed_up_at") if not run.tables.has("users", c)]:
        raise Unanswerable(
            f"Who owns an account cannot be told: no table maps `{lacking[0]}` of users. "
            "Map it under `tables: users:` of product.yaml."
        )
    steps = step_titles(question)

    def finish(rows: Rows) -> Rows:
        for row in rows:
            row["position"] = ROLES.index(row["label"])
        drawn = shaping.classes(rows, ["step"], last=len(ROLES))
        order = list(map(shown, steps))
        return sorted(drawn, key=lambda row: (order.index(row["step"]), row["position"]))

    known = [c for c in ("invited_by", "acquisition") if run.tables.has("users", c)]
    who = "whoever came first to a step" + ("" if known else "; nothing says who was invited")
    table = _roles_of_steps(asking, steps)
    whom = {"title": f"Who did each step, {asking.phrases.whom}"}
    whom |= {"words": f"{asking.said.whom} that took the step"}
    return asking.result("mix", table, finish, by=("step",), told=(("who", who),), **whom)


def _roles_of_steps(asking: Asked, steps: Sequence[str]) -> ir.Table:
    """One row per step and role: `step`, `label`, `n`."""
    events, rows = asking.question.steps, asking.rows()
    ways = asking.timelines()
    key = attempts.key_of(ways)
    taken = [
        ways.select(
            *key,
            event=ibis.literal(event),
            # The first start, whether or not it was the one that came furthest.
            at=when(_.depth > 0, _.started_at) if k == 1 else f"step_{k}_at",
            step=ibis.literal(step),
        )
        for k, (event, step) in enumerate(zip(events, steps, strict=True), 1)
    ]
    did = rows.join(united(taken).filter(_.at.notnull()), [*key, "event", "at"])
    return _doers(asking.run.tables, did, key).group_by("step", "label").aggregate(n=_.count())


def _doers(tables: Tables, rows: ir.Table, key: Sequence[str]) -> ir.Table:
    """One row per account and step that it took: the role of who did it, `label`."""
    moments = rows.group_by(*key, "step").aggregate(user_id=_.user_id.min())
    known = _account_roles(tables)
    joined = moments.left_join(
        known, (moments.unit == known.account) & (moments.user_id == known.person)
    )
    people = tables.users.select(guest="user_id", is_invitee=_invited())
    joined = joined.left_join(people, joined.user_id == people.guest)
    label = ibis.cases(
        (_.user_id.isnull(), NOBODY),
        (_.is_owner.fill_null(False), OWNER),
        (_.is_inviter.fill_null(False), INVITER),
        (_.is_invitee.fill_null(False), INVITEE),
        else_=OTHER,
    )
    return joined.select("step", label=label)


def _account_roles(tables: Tables) -> ir.Table:
    """One row per account and person: `is_owner` (came first), `is_inviter` (of its people)."""
    owners = units.traits(tables, "account", ["user_id"]).select(
        account="unit", person="user_id", owns=ibis.literal(1), invites=ibis.literal(0)
    )
    inviters = tables.users.filter(_.account_id.notnull(), _.invited_by.notnull()).select(
        account="account_id", person="invited_by", owns=ibis.literal(0), invites=ibis.literal(1)
    )
    return (
        united([owners, inviters])
        .group_by("account", "person")
        .aggregate(is_owner=_.owns.max() == 1, is_inviter=_.invites.max() == 1)
    )


def _invited() -> ir.BooleanValue:
    return _.invited_by.notnull() | (_.acquisition == INVITED).fill_null(False)
