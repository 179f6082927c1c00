"""The dry run: every play over the period as if it had been live, under the product's rules."""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting import measures, shaping
from playbook.counting.shaping import Rows
from playbook.language.periods import duration, words
from playbook.language.portable import count_if
from playbook.language.wording import chosen
from playbook.results import PERIOD, Answer, Result, Unavailable
from playbook.run import Run

DECISIONS = ("send", "holdout", "already_done", *ledger.HELD_BACK)
WORDS = {
    "send": "sent",
    "holdout": "held out",
    "already_done": "not needed",
    "quiet": "in quiet hours",
    "lost_priority": "lost to another play",
    "capped": "over a limit",
}
WANTS = ("send", "lost_priority", "capped")  # what nothing but the other messages can stop
MOST = 4  # so many messages a week, or more, are one class of pressure
PER = {"person": "user_id", "account": "account_id"}


def decisions(run: Run) -> Answer:
    """What would have become of every message that was due, by play and step.

    Returns:
        Shape `table`: one row per play and message of its sequence, by messages due: `play`,
        `message` (1 is the first), `due`, and a column per decision.
    """
    return _result(run, "decisions", "table", _per_play, _most_due)


def by_day(run: Run) -> Answer:
    """The decisions by day: how even the load is, and when rules bind.

    Returns:
        Shape `load`: one row per day (UTC) of the moment and decision: `day`, `decision` and
        `n`, how many messages.
    """

    def per_day(due: ir.Table) -> ir.Table:
        return due.group_by(day=_.moment_at.date(), decision="decision").aggregate(n=_.count())

    return _result(run, "by_day", "load", per_day, _days)


def contention(run: Run, *, per: str = "person") -> Answer:
    """Which plays want the same person, or account, at the same time, and which of them wins.

    Args:
        run: The opened run.
        per: "person" or "account".

    Returns:
        Shape `table`: one row per pair of plays: `play` (the one that wins more often),
        `rival`, `both` (how often both were due in the same stretch of time to the same person,
        or account), and how often `play won`, `rival won`, `both went out` and `neither did`.
        Messages held out or stopped on their own account want nobody.
    """
    if per not in PER:
        return Unavailable("personalization.contention", f"`per` is {' or '.join(PER)}: `{per}`.")

    def pairs(due: ir.Table) -> ir.Table:
        return _pairs(run, due, PER[per])

    name = "contention" if per == "person" else f"contention_per_{per}"
    return _result(run, name, "table", pairs, _rivals)


def pressure(run: Run) -> Answer:
    """How many messages people and accounts would have got in a week.

    Returns:
        Shape `mix` by `per` (person or account): of all weeks in which one got any message, the
        share with 1, 2, 3 … of them; weeks begin on Monday (UTC).
    """

    def per_week(due: ir.Table) -> ir.Table:
        sent = due.filter(_.decision == "send").mutate(at=_.moment_at)
        return measures.weekly(sent, most=MOST)

    def finish(rows: Rows) -> Rows:
        return shaping.weekly(rows, MOST)

    return _result(run, "pressure", "mix", per_week, finish, by=("per",))


def _result(run: Run, name: str, shape: str, counted, finish, *, by: tuple[str, ...] = ()):
    id = f"personalization.{name}"
    if not run.declared.plays:
        return no_plays(run, name)
    if reasons := [r for play in run.declared.plays if (r := ledger.obstacle(run, play.slug))]:
        return Unavailable(id, reasons[0])
    period = f"{run.period.since:%d %b %Y} to {run.period.until:%d %b %Y}"

    def made() -> Result:
        return Result(
            id=id,
            shape=shape,
            table=counted(ledger.decided(run)),
            by=by,
            definition=(
                ("what", "every message that the plays would have sent, and what decides on it"),
                *rules(run),
                (PERIOD, period),
                ("left out", "bots and internal people; messages due after the end of the data"),
            ),
            as_of=run.as_of,
            min_n=run.declared.product.min_n,
            labels=run.labels | WORDS,
            finish=finish,
        )

    return run.remembered(("result", id), made)


def no_plays(run: Run, name: str) -> Unavailable:
    return Unavailable(
        f"personalization.{name}",
        f"{run.declared.product.name} has no plays. A play says who gets which message when. "
        "Declare plays to see this section.",
    )


def rules(run: Run) -> tuple[tuple[str, str], ...]:
    """What all plays obey together, as (word, value) pairs."""
    sending = run.declared.product.sending
    limits = [
        f"{each.most} {f'by {each.channel} ' if each.channel else ''}per {each.per} "
        + (f"and {each.within}" if each.within in ("day", "week") else f"in {_length(each.within)}")
        for each in sending.limits
    ]
    quiet = [
        f"{each.begins} to {each.ends}, {each.channel or 'every channel'}: {each.then}"
        for each in sending.quiet
    ]
    held = f"{chosen(sending.holdout)} of {sending.holdout_unit}s"
    pairs = [
        ("priority", f"one message per {sending.one_per} in {_length(sending.every)}"),
        ("at most", "; ".join(limits)),
        ("quiet", "; ".join(quiet)),
        ("zone", f"the person's; {sending.zone} where unknown" if quiet or limits else ""),
        ("held out from all", held if sending.holdout else ""),
    ]
    return tuple((word, value) for word, value in pairs if value)


def _length(text: str) -> str:
    return words(duration(text))


def _per_play(due: ir.Table) -> ir.Table:
    each = {name: count_if(_.decision == name) for name in DECISIONS}
    return due.group_by("play", "step").aggregate(due=_.count(), **each)


def _most_due(rows: Rows) -> Rows:
    found = []
    for row in rows:
        named = {"play": row["play"], "message": row["step"] + 1, "due": row["due"]}
        found.append(named | {name: row[name] for name in DECISIONS})
    most = {row["play"]: 0 for row in found}
    for row in found:
        most[row["play"]] += row["due"]
    return sorted(found, key=lambda row: (-most[row["play"]], row["play"], row["message"]))


def _days(rows: Rows) -> Rows:
    place = {name: position for position, name in enumerate(DECISIONS)}
    rows = sorted(rows, key=lambda row: (row["day"], place[row["decision"]]))
    return [row | {"day": row["day"].isoformat()[:10]} for row in rows]


def _pairs(run: Run, messages: ir.Table, scope: str) -> ir.Table:
    """How often two plays are due to one scope in one stretch of time, and who goes out."""
    due = messages.filter(_.decision.isin(WANTS), _[scope].notnull()).mutate(
        stretch=ledger.stretch(_.moment_at, ledger.limits.every(run.declared.product.sending))
    )
    per = due.group_by(scope=scope, stretch="stretch", play="play").aggregate(
        went=count_if(_.decision == "send") > 0
    )
    other = per.select(scope_="scope", stretch_="stretch", rival="play", rival_went="went")
    joined = per.inner_join(
        other,
        [per.scope == other.scope_, per.stretch == other.stretch_, per.play < other.rival],
    )
    return joined.group_by("play", "rival").aggregate(
        both=_.count(),
        won=count_if(_.went & ~_.rival_went),
        lost=count_if(~_.went & _.rival_went),
        sent=count_if(_.went & _.rival_went),
        none=count_if(~_.went & ~_.rival_went),
    )


def _rivals(rows: Rows) -> Rows:
    found = []
    for row in rows:
        wins = [(row["play"], row["won"]), (row["rival"], row["lost"])]
        (play, won), (rival, lost) = sorted(wins, key=lambda win: -win[1])
        found.append(
            {"play": play, "rival": rival, "both": row["both"], "play won": won}
            | {"rival won": lost, "both went out": row["sent"], "neither did": row["none"]}
        )
    return sorted(found, key=lambda row: (-row["both"], row["play"], row["rival"]))
