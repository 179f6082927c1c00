"""Why people miss a step that a mail asks for, such as verifying their address: one reason each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.answers import Asked, unfit
from playbook.counting import shaping
from playbook.counting.shaping import Rows
from playbook.data import agents, domains
from playbook.friction import prompts
from playbook.friction.asking import asked, of_class, unit_by_unit
from playbook.friction.prompts import Mail
from playbook.language.mistakes import Mistake, listed
from playbook.language.periods import interval, moment
from playbook.language.portable import count_if
from playbook.results import Answer, Unavailable
from playbook.run import Run, fetched

# The reasons in the order in which they are asked: a person has the first that applies.
THROWN_AWAY, BOT, NO_MAIL, BOUNCED, SPAM = range(5)
UNOPENED, UNCLICKED, CLICKED, UNCERTAIN, UNKNOWN = range(5, 10)
KINDS = {
    **dict.fromkeys((THROWN_AWAY, BOT), "fake"),
    **dict.fromkeys((NO_MAIL, BOUNCED, SPAM), "not reached"),
    **dict.fromkeys((UNOPENED, UNCLICKED, CLICKED), "reached"),
    **dict.fromkeys((UNCERTAIN, UNKNOWN), "not known"),
}


def reasons(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """Why people miss a step in time: of those who missed it, one reason each.

    The reasons are asked in the order of the list, and the first that applies counts: so they
    add up to those who missed the step. All is looked at up to the end of a person's window.
    Which messages ask for the step stands in product.yaml, under `prompts`.

    - a disposable address: of the domains that `playbook.domains` knows
    - a bot: something of theirs was flagged, or sent by a crawler, and nothing by a browser that
      is none. Whoever is flagged all along is in no share: see `bots`.
    - no mail was sent; it bounced, and none arrived; it was marked as spam
    - delivered and not opened; opened and not clicked; clicked, and still not done. A machine's
      opens do not count; those of which the tool does not know whose they are do.
    - sent, and nothing is known of its arrival
    - not known, because the messages are not mapped, not declared, or not there at the time

    Args:
        run: The opened run.
        id: A question of measure `missed_within` that counts users.
        by: Column(s) to break the reasons down by.

    Returns:
        Shape `mix`: a row per reason that somebody has, and its `kind`: `fake`, `not reached`
        (by the mail), `reached`, `not known`. `total` is how many missed the step.
    """
    found = _classified(run, id, by=by)
    if isinstance(found, Unavailable):
        return found
    counting, per_person, names = found
    counted = per_person.aggregate(by=[*counting.by, "position"], n=_.count())

    def finish(rows: Rows) -> Rows:
        named = [
            row | {"label": names[row["position"]], "kind": KINDS[row["position"]]} for row in rows
        ]
        return shaping.classes(named, counting.by, last=len(names))

    result = counting.result("mix", counted, finish)
    return replace(result, definition=(*result.definition, *_said(counting)))


def missed_because(run: Run, id: str, label: str) -> Answer:
    """The people who have one of the reasons: `unit`, `started_at`, in order of time."""
    found = _classified(run, id)
    if isinstance(found, Unavailable):
        return found
    counting, per_person, names = found
    if label not in names.values():
        return Unavailable(
            counting.id, f"There is no reason “{label}”. The reasons are: {listed(names.values())}."
        )
    place = next(place for place, name in names.items() if name == label)
    chosen = per_person.filter(_.position == place).select("unit", "started_at")
    listing = counting.result("table", chosen.order_by(["started_at", "unit"]), list)
    return of_class(replace(listing, definition=(*listing.definition, *_said(counting))), label)


def bots(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The share of starts that flagged bots make: they are in no other share.

    Returns:
        Shape `share`: of all whose window has closed, bots included, `reached` are bots.
    """
    counting = asked(run, id, "bots", by=by)
    if isinstance(counting, Unavailable):
        return counting
    question, tables = counting.question, counting.run.tables
    if question.measure not in {"missed_within", "reached_within"}:
        return unfit(counting.id, question, "it counts no attempts of single steps")
    if refused := unit_by_unit(counting):
        return refused
    if not tables.has("events", "is_bot"):
        return Unavailable(counting.id, "No `is_bot` is mapped, so no event is flagged as a bot's.")
    everybody = tables.changed(is_bot=ibis.literal(False))
    all_of_them = replace(counting, run=replace(counting.run, tables=everybody))
    steps = (question.start, question.goal)
    people = counting.attempts(steps).select(real_="unit").distinct()
    starts = all_of_them.attempts(steps)
    joined = starts.left_join(people, starts.unit == people.real_)
    closed, is_bot = _.depth >= 1, _.real_.isnull()
    counted = joined.aggregate(
        by=list(counting.by),
        n=count_if(closed),
        reached=count_if(closed & is_bot),
        repeated=ibis.null("int64"),
        open=count_if(~closed),
    )
    result = counting.result("share", counted, shaping.shares)
    kept = [pair for pair in result.definition if pair[0] != "left out"]
    return replace(result, definition=(*kept, ("share", "bots"), ("left out", "internal people")))


def _classified(
    run: Run, id: str, *, by: str | Sequence[str] = ()
) -> tuple[Asked, ir.Table, dict[int, str]] | Unavailable:
    """The question as it is counted, each person who missed it with the reason's place, and the
    words for the places; or why there are none."""
    counting = asked(run, id, "reasons", by=by)
    if isinstance(counting, Unavailable):
        return counting
    question = counting.question
    if question.measure != "missed_within":
        return unfit(counting.id, question, "reasons are for what is missed, so `missed_within`")
    if refused := unit_by_unit(counting):
        return refused
    if question.unit != "user" or question.hold:
        what = f"{question.unit}s" + (
            f" that hold {', '.join(question.hold)}" if question.hold else ""
        )
        return Unavailable(
            counting.id,
            f"`{id}` counts {what}. Mail is sent to people. "
            "Ask it of `unit: user`, without `hold`.",
        )
    try:
        mail = prompts.mail(counting.run, question.goal)
    except Mistake as mistake:
        return Unavailable(counting.id, mistake.sentence)
    missed = (
        counting.best()
        .filter(_.outcome == "dropped")
        .select(
            "unit", "started_at", *counting.by, ends_at=_.started_at + interval(counting.within)
        )
    )
    judged = prompts.with_fates(counting.run, _with_signs(counting.run, missed), mail)
    per_person = judged.mutate(position=_place(mail).cast("int64"))
    return counting, per_person, _names(counting.run, mail)


def _with_signs(run: Run, missed: ir.Table) -> ir.Table:
    """The people who missed it, with `thrown_away_` (their address) and `bot_`."""
    found = _marked(missed, _throwers(run), "thrown_away_")
    return _marked(found, _suspects(run), "bot_")


def _marked(people: ir.Table, some: ir.Table | None, column: str) -> ir.Table:
    """People with a column that says whether they are among some: one row each, `user_id`."""
    if some is None:
        return people.mutate(**{column: ibis.literal(False)})
    joined = people.left_join(some, people.unit == some.user_id)
    return joined.mutate(**{column: _.user_id.notnull()}).drop("user_id")


def _throwers(run: Run) -> ir.Table | None:
    """People with a disposable address; None: addresses are not known, or none is."""
    if not run.tables.has("users", "email_domain"):
        return None
    given = run.tables.users.filter(_.email_domain.notnull())
    known = domains.disposable_domains(
        _values(run, given, "email_domain"), run.declared.product.disposable
    )
    return given.filter(_.email_domain.isin(sorted(known))).select("user_id") if known else None


def _suspects(run: Run) -> ir.Table | None:
    """People with a bot's signature and no sign of a browser; None: nothing tells."""
    events = run.tables.events
    named = _values(run, events, "user_agent") if run.tables.has("events", "user_agent") else ()
    known = agents.crawler_agents(named)
    if not known and not run.tables.has("events", "is_bot"):
        return None
    crawls = events.user_agent.isin(sorted(known)).fill_null(False) if known else False
    # A server's rows name no browser and no device: they speak for nobody.
    from_client = _.user_agent.notnull() | _.anonymous_id.notnull()
    per_person = (
        events.mutate(bot_=events.is_bot | crawls)
        .filter(_.user_id.notnull())
        .group_by("user_id")
        .aggregate(by_bot=count_if(_.bot_), by_others=count_if(~_.bot_ & from_client))
    )
    suspects = per_person.filter(_.by_bot > 0, _.by_others == 0).select("user_id")
    return run.warehouse.shared(suspects)


def _values(run: Run, table: ir.Table, column: str) -> list[str]:
    """The few values of a column, fetched once for a watermark."""
    values = table.filter(table[column].notnull()).group_by(column).aggregate(n=_.count())
    key = ("values", column, run.period.as_of)
    return [row[column] for row in run.remembered(key, lambda: fetched(values))]


def _place(mail: Mail) -> ir.IntegerValue:
    """The place of a person's reason: the first that applies."""
    signs = [(_.thrown_away_, THROWN_AWAY), (_.bot_, BOT)]
    if not mail.plays:
        return ibis.cases(*signs, else_=UNKNOWN)
    unseen = (_.ends_at < moment(mail.first)) | (_.started_at > moment(mail.last))
    return ibis.cases(
        *signs,
        (_.sent_.isnull() & unseen, UNKNOWN),
        (_.sent_.isnull(), NO_MAIL),
        ((_.bounced_ > 0) & (_.arrived_ == 0), BOUNCED),
        (_.complained_ > 0, SPAM),
        (_.clicked_ > 0, CLICKED),
        (_.opened_ > 0, UNCLICKED),
        (_.arrived_ > 0, UNOPENED),
        else_=UNCERTAIN,
    )


def _names(run: Run, mail: Mail) -> dict[int, str]:
    """The words for each place: what the tool does not tell is not claimed."""
    opens, clicks = (run.tables.has("messages", name) for name in ("seen_at", "clicked_at"))
    because = mail.because
    if mail.first and mail.last:
        because = f"there are messages from {mail.first:%d %b %Y} to {mail.last:%d %b %Y} only"
    return {
        THROWN_AWAY: "a disposable address",
        BOT: "a bot",
        NO_MAIL: "no mail sent",
        BOUNCED: "the mail bounced",
        SPAM: "marked as spam",
        UNOPENED: "delivered, not opened" if opens else "delivered, not known whether opened",
        UNCLICKED: "opened, not clicked" if clicks else "opened, not known whether clicked",
        CLICKED: "clicked, still not done",
        UNCERTAIN: "sent, not known whether it arrived",
        UNKNOWN: f"not known: {because}",
    }


def _said(counting: Asked) -> tuple[tuple[str, str], ...]:
    """What the definition says beside the question's own."""
    run, said = counting.run, (("reason", "the first that applies, by the end of the window"),)
    product = run.declared.product
    said += (("mail", " or ".join(product.prompts.get(counting.question.goal, ()))),)
    own = {"disposable": product.disposable.add, "not disposable": product.disposable.remove}
    said += tuple((word, ", ".join(domains)) for word, domains in own.items())
    if run.tables.has("messages", "seen_at"):
        said += (("opened", "machines do not count; unknown openers do"),)
    return tuple(pair for pair in said if pair[1])
