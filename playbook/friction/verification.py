"""Why people miss a step that a mail asks for, such as verifying their address: one reason each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook import answers
from playbook.answers import Asked
from playbook.counting import shaping
from playbook.data import agents, domains
from playbook.friction import prompts
from playbook.friction.prompts import Mail
from playbook.friction.questions import unit_by_unit
from playbook.language.mistakes import listed
from playbook.language.periods import interval, moment
from playbook.language.portable import count_if
from playbook.language.wording import percent, plain, too_few
from playbook.results import Answer, Result, Rows
from playbook.results.columns import TEXT
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, each_segment
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
# Kind of reason → what is true of those people; of which the result has no row is left out.
MEANS: dict[str, tuple[str, dict[int, str]]] = {
    "fake": ("{}", {THROWN_AWAY: "have a disposable address", BOT: "are bots"}),
    "not reached": (
        "got no mail: it {}",
        {NO_MAIL: "was not sent", BOUNCED: "bounced", SPAM: "was marked as spam"},
    ),
    "reached": ("had the mail and did not act on it", {}),
    "not known": ("are unexplained: the data do not tell", {}),
}


@section("friction.{id}_reasons")
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
    asking, per_person, names = _reasons_of_people(run, id, by=by)
    counted = per_person.aggregate(by=[*asking.by, "position"], n=_.count())

    def finish(rows: Rows) -> Rows:
        named = [
            row | {"label": names[row["position"]], "kind": KINDS[row["position"]]} for row in rows
        ]
        return shaping.classes(named, asking.by, last=len(names))

    given = {"told": _how_reasons_are_told(asking), "own": {"kind": TEXT}, "says": _say_reasons}
    given |= {
        "title": f"Why {asking.phrases.whom} {asking.phrases.does}",
        "words": asking.said.missing,
    }
    return asking.result("mix", counted, finish, **given)


def missed_because(run: Run, id: str, label: str) -> Result:
    """The people who have one of the reasons: `unit`, `started_at`, in order of time.

    Raises:
        Unanswerable: There is no such reason, or there are none.
    """
    asking, per_person, names = _reasons_of_people(run, id)
    if label not in names.values():
        raise Unanswerable(
            f"There is no reason “{label}”. The reasons are: {listed(names.values())}."
        )
    place = next(place for place, name in names.items() if name == label)
    chosen = per_person.filter(_.position == place).select("unit", "started_at")
    return asking.listing(chosen, told=(*_how_reasons_are_told(asking), ("class", label)))


@section("friction.{id}_bots")
def bots(run: Run, id: str, *, by: str | Sequence[str] = ()) -> Answer:
    """The share of starts that flagged bots make: they are in no other share.

    Returns:
        Shape `share`: of all whose window has closed, bots included, `reached` are bots.
    """
    asking = answers.asked(run, id, by=by, counted_by=("missed_within", "reached_within"))
    question, tables = unit_by_unit(asking).question, asking.run.tables
    if not tables.has("events", "is_bot"):
        raise Unanswerable("No `is_bot` is mapped, so no event is flagged as a bot's.")
    everybody = tables.changed(is_bot=ibis.literal(False))
    all_of_them = replace(asking, run=replace(asking.run, tables=everybody))
    steps = (question.start, question.goal)
    people = asking.attempts(steps).select(real_="unit").distinct()
    starts = all_of_them.attempts(steps)
    joined = starts.left_join(people, starts.unit == people.real_)
    closed, is_bot = _.depth >= 1, _.real_.isnull()
    counted = joined.aggregate(
        by=list(asking.by),
        n=count_if(closed),
        reached=count_if(closed & is_bot),
        repeated=ibis.null("int64"),
        open=count_if(~closed),
    )
    words = {"title": "", "words": "of those who start are flagged as bots, which no share counts"}
    result = asking.result("share", counted, shaping.shares, **words)
    kept = [pair for pair in result.definition if pair[0] != "left out"]
    return replace(result, definition=(*kept, ("share", "bots"), ("left out", "internal people")))


def _say_reasons(result: Result, told: Told, whom: str) -> str:
    """Per segment: the kinds of reasons, and the largest single one; `whom` says who they are."""

    there = {row["position"] for row in result.rows}

    def say(rows: Rows, whom: str) -> str:
        total = rows[0]["total"]
        if total < result.min_n:
            return f"{too_few(total)}."
        parts = []
        for kind, (means, ways) in MEANS.items():
            if n := sum(row["n"] for row in rows if row["kind"] == kind):
                share = told.share(f"kind.{kind}", n / total, total)
                said = means.format(_one_of([way for place, way in ways.items() if place in there]))
                parts.append(f"**{share}** {said} ({told.count(f'kind.{kind}.n', n)})")
        first = max(rows, key=lambda row: (row["n"], -row["position"]))
        most = f"The largest single reason: {plain(first['label'])}, {percent(first['share'])}."
        people = f"{told.count('total', total)} {whom or result.counted}"
        return f"Of {people}, {'; '.join(parts)}. {most}"

    return each_segment(result, told, whom, say)


def _one_of(ways: Sequence[str]) -> str:
    """What is true of people, one way or another: "a or b", "a, b, or c"."""
    if len(ways) < 3:
        return " or ".join(ways)
    return f"{', '.join(ways[:-1])}, or {ways[-1]}"


def _reasons_of_people(
    run: Run, id: str, *, by: str | Sequence[str] = ()
) -> tuple[Asked, ir.Table, dict[int, str]]:
    """The question as it is counted, each person who missed it with the reason's place, and the
    words for the places."""
    asking = unit_by_unit(answers.asked(run, id, by=by, counted_by=("missed_within",)))
    question = asking.question
    if question.unit != "user" or question.hold:
        what = f"{question.unit}s" + (
            f" that hold {', '.join(question.hold)}" if question.hold else ""
        )
        raise Unanswerable(
            f"`{id}` counts {what}. Mail is sent to people. Ask it of `unit: user`, without `hold`."
        )
    mail = prompts.mail(asking.run, question.goal)
    missed = (
        asking.best()
        .filter(_.outcome == "dropped")
        .select("unit", "started_at", *asking.by, ends_at=_.started_at + interval(asking.within))
    )
    judged = prompts.with_fates(asking.run, _with_signs(asking.run, missed), mail)
    per_person = judged.mutate(position=_reason_place(mail).cast("int64"))
    return asking, per_person, _reason_names(asking.run, mail)


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
        _values_of(run, given, "email_domain"), run.declared.product.disposable
    )
    return given.filter(_.email_domain.isin(sorted(known))).select("user_id") if known else None


def _suspects(run: Run) -> ir.Table | None:
    """People with a bot's signature and no sign of a browser; None: nothing tells."""
    events = run.tables.events
    named = _values_of(run, events, "user_agent") if run.tables.has("events", "user_agent") else ()
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


def _values_of(run: Run, table: ir.Table, column: str) -> list[str]:
    """The few values of a column, fetched once for a watermark."""
    values = table.filter(table[column].notnull()).group_by(column).aggregate(n=_.count())
    key = ("values", column, run.period.as_of)
    return [row[column] for row in run.remembered(key, lambda: fetched(values))]


def _reason_place(mail: Mail) -> ir.IntegerValue:
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


def _reason_names(run: Run, mail: Mail) -> dict[int, str]:
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


def _how_reasons_are_told(asking: Asked) -> tuple[tuple[str, str], ...]:
    """What the definition says beside the question's own."""
    run, said = asking.run, (("reason", "the first that applies, by the end of the window"),)
    product = run.declared.product
    said += (("mail", " or ".join(product.prompts.get(asking.question.goal, ()))),)
    own = {"disposable": product.disposable.add, "not disposable": product.disposable.remove}
    said += tuple((word, ", ".join(domains)) for word, domains in own.items())
    if run.tables.has("messages", "seen_at"):
        said += (("opened", "machines do not count; unknown openers do"),)
    return tuple(pair for pair in said if pair[1])
