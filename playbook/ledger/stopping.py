"""What stops a message whatever else goes out: it is done, the hour, a list, the address."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.language.portable import when
from playbook.ledger.due import EMAIL, KEY
from playbook.run import Run

HARD = "hard"  # the kind of bounce after which an address is no good
LETTERS = ("unsubscribed_at", "complained_at", "bounced_at")


def stopped(run: Run, due: ir.Table) -> ir.Table:
    """The messages that are due with `decision` and `reason`; null where nothing stops them.

    Both arms are judged alike, at the moment that the message would go out: by suppressions that
    hold then, and by what earlier messages brought about, such as leaving the channel.
    """
    rows = _with_letters(run, _with_lists(run, due))
    gone = {column: (rows[column] <= rows.moment_at).fill_null(False) for column in LETTERS}
    by_mail = rows.channel == EMAIL
    cases = [
        (rows.done.notnull(), "already_done", rows.done),
        (rows.quiet.notnull(), "quiet", rows.quiet),
        (rows.on_list.notnull(), "suppressed", ibis.literal("on the list: ") + rows.on_list),
        (gone["unsubscribed_at"], "suppressed", ibis.literal("had unsubscribed")),
        (gone["complained_at"], "suppressed", ibis.literal("had marked it as spam")),
        (by_mail & ~rows.has_address, "unreachable", ibis.literal("no e-mail address")),
        (by_mail & gone["bounced_at"], "unreachable", ibis.literal("an e-mail had bounced")),
    ]
    none = ibis.null("string")
    return rows.mutate(
        decision=ibis.cases(*((met, decision) for met, decision, _why in cases), else_=none),
        reason=ibis.cases(*((met, why) for met, _decision, why in cases), else_=none),
    ).drop("on_list", *LETTERS)


def _with_lists(run: Run, due: ir.Table) -> ir.Table:
    """With `on_list`: the reason of a suppression that holds at the moment, if there is any."""
    if run.tables.suppressions is None:
        return due.mutate(on_list=ibis.null("string"))
    lists = run.tables.suppressions.select(
        "user_id",
        "from_at",
        "to_at",
        on_channel="channel",
        why=_.reason.fill_null("not to be sent"),
    )
    hits = (
        due.select(*KEY, "user_id", "channel", "moment_at")
        .inner_join(lists, "user_id")
        .filter(
            _.on_channel.isnull() | (_.on_channel == _.channel),
            _.from_at.isnull() | (_.from_at <= _.moment_at),
            _.to_at.isnull() | (_.to_at > _.moment_at),
        )
        .group_by(list(KEY))
        .aggregate(on_list=_.why.min())
    )
    return due.left_join(hits, list(KEY)).select(*due.columns, "on_list")


def _with_letters(run: Run, due: ir.Table) -> ir.Table:
    """With when the person first left the channel, complained of it, or had no address there."""
    told = run.tables.messages
    if told is None:
        return due.mutate(**{column: ibis.null("timestamp(6)") for column in LETTERS})
    first = {column: _[column].min() for column in LETTERS[:2]}
    first["bounced_at"] = when(_.bounce_kind == HARD, _.bounced_at).min()
    ends = (
        told.group_by("user_id", "channel")
        .aggregate(**first)
        .filter(ibis.or_(*(_[column].notnull() for column in LETTERS)))
    )
    return due.left_join(ends, ["user_id", "channel"]).select(*due.columns, *LETTERS)
