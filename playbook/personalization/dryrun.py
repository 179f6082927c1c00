"""The dry run: every play over the period as if it had been live, under the product's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ibis.expr.types as ir
from ibis import _

from playbook import ledger
from playbook.counting import messages, shaping
from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.language.periods import duration, words
from playbook.language.portable import count_if
from playbook.language.wording import chosen, count, percent, plain, times
from playbook.results import PERIOD, Answer, Result
from playbook.results.columns import COUNT, KEY
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, bullets, not_known
from playbook.run import Run

DECISIONS = ("send", "holdout", "already_done", *ledger.HELD_BACK)
NONE_DUE = "No message was due in the period: there is nothing to decide on."
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
DECIDED = {"play": KEY, "message": KEY} | dict.fromkeys(("due", *DECISIONS), COUNT)
MET = {"play": KEY, "rival": KEY} | dict.fromkeys(
    ("both", "play_won", "rival_won", "both_went_out", "neither_did"), COUNT
)


@section("personalization.decisions")
def decisions(run: Run) -> Answer:
    """What would have become of every message that was due, by play and step.

    Returns:
        Shape `table`: one row per play and message of its sequence, by messages due: `play`,
        `message` (1 is the first), `due`, and a column per decision; null is what no column
        tells: see `blind`.
    """
    unknown = blind(run)
    each = {name: count_if(_.decision == name) for name in DECISIONS}
    of_play = messages_due(run).group_by("play", message=_.step + 1)
    return run.result(
        "table",
        of_play.aggregate(due=_.count(), **each),
        lambda rows: [row | _unseen(row, unknown) for row in _most_due_first(rows)],
        own=DECIDED,
        says=partial(_decisions_in_words, unknown=unknown),
        silence=NONE_DUE,
        **dry_run(run),
    )


def blind(run: Run) -> dict[str, str]:
    """Decision that cannot be told → why: nothing that is mapped says who must not be sent to."""
    has = run.tables.unknown
    told_by = {"suppressed": [has("suppressions"), has("messages", "unsubscribed_at")]}
    channels = {part.channel for play in run.declared.plays for part in (play, *play.then)}
    if "email" in channels:
        told_by["unreachable"] = [has("users", "email_domain"), has("messages", "bounced_at")]
    return {decision: " and ".join(why) for decision, why in told_by.items() if all(why)}


@section("personalization.by_day")
def by_day(run: Run) -> Answer:
    """The decisions by day: how even the load is, and when rules bind.

    Returns:
        Shape `load`: one row per day (UTC) of the moment and decision: `day`, `decision` and
        `n`, how many messages.
    """
    due = messages_due(run)
    per_day = due.group_by(day=_.moment_at.date(), decision="decision").aggregate(n=_.count())
    return run.result("load", per_day, _days_in_order, silence=NONE_DUE, **dry_run(run))


@section(lambda per: "personalization.contention" + ("_per_account" if per == "account" else ""))
def contention(run: Run, *, per: str = "person") -> Answer:
    """Which plays want the same person, or account, at the same time, and which of them wins.

    Args:
        run: The opened run.
        per: "person" or "account".

    Returns:
        Shape `table`: one row per pair of plays: `play` (the one that wins more often),
        `rival`, `both` (how often both were due in the same stretch of time to the same person,
        or account), and how often `play_won`, `rival_won`, `both_went_out` and `neither_did`.
        Messages held out or stopped on their own account want nobody.
    """
    if per not in PER:
        raise Unanswerable(f"`per` is {' or '.join(PER)}: `{per}`.")
    return run.result(
        "table",
        _meetings(run, messages_due(run), PER[per]),
        _winner_first,
        own=MET,
        says=_contention_in_words,
        silence=_none_meet(run, per),
        **dry_run(run),
    )


@section("personalization.pressure")
def pressure(run: Run) -> Answer:
    """How many messages people and accounts would have got in a week.

    Returns:
        Shape `mix` by `per` (person or account): of all weeks in which one got any message, the
        share with 1, 2, 3 … of them, and the `most` that such a week brought; weeks begin on
        Monday (UTC).
    """
    sent = messages_due(run).filter(_.decision == "send").mutate(at=_.moment_at)
    return run.result(
        "mix",
        messages.weekly(sent, most=MOST),
        lambda rows: messages.classes(rows, MOST),
        by=("per",),
        own={"most": COUNT},
        says=_pressure_in_words,
        silence="Nothing would have gone out in the period: no week brings a message.",
        **dry_run(run),
    )


def declared_plays(run: Run) -> tuple[Play, ...]:
    """The product's plays, of which a section needs one at least."""
    if not run.declared.plays:
        raise Unanswerable(
            f"{run.declared.product.name} has no plays. A play says who gets which message when. "
            "Declare plays to see this section."
        )
    return run.declared.plays


def messages_due(run: Run) -> ir.Table:
    """The ledger of all plays, if the audience of each can be told."""
    for play in declared_plays(run):
        ledger.play_of(run, play.slug)
    return ledger.decided(run)


def dry_run(run: Run) -> dict[str, Any]:
    """What all results of the dry run say of themselves, as fields."""
    definition = (
        ("what", "every message that the plays would have sent, and what decides on it"),
        *_rules_of_sending(run),
        (PERIOD, f"{run.period.since:%d %b %Y} to {run.period.until:%d %b %Y}"),
        ("left out", "bots and internal people; messages due after the end of the data"),
    )
    return {"definition": definition, "labels": run.labels | WORDS}


def _rules_of_sending(run: Run) -> tuple[tuple[str, str], ...]:
    """What all plays obey together, as (word, value) pairs."""
    sending = run.declared.product.sending
    limits = [
        f"{each.most} {f'by {each.channel} ' if each.channel else ''}per {each.per} "
        + (f"and {each.within}" if each.within in ("day", "week") else _in_time(each.within))
        for each in sending.limits
    ]
    quiet = [
        f"{each.begins} to {each.ends}, {each.channel or 'every channel'}: {each.then}"
        for each in sending.quiet
    ]
    held = f"{chosen(sending.holdout)} of {sending.holdout_unit}s"
    pairs = [
        ("priority", f"one message per {sending.one_per} {_in_time(sending.every)}"),
        ("at most", "; ".join(limits)),
        ("quiet", "; ".join(quiet)),
        ("zone", f"the person's; {sending.zone} where unknown" if quiet or limits else ""),
        ("held out from all", held if sending.holdout else ""),
    ]
    return tuple((word, value) for word, value in pairs if value)


def _in_time(text: str) -> str:
    return f"in {words(duration(text))}"


def _most_due_first(rows: Rows) -> Rows:
    most: Counter[str] = Counter()
    for row in rows:
        most[row["play"]] += row["due"]
    return sorted(rows, key=lambda row: (-most[row["play"]], row["play"], row["message"]))


def _days_in_order(rows: Rows) -> Rows:
    rows = sorted(rows, key=lambda row: (row["day"], DECISIONS.index(row["decision"])))
    return [row | {"day": row["day"].isoformat()[:10]} for row in rows]


def _meetings(run: Run, messages: ir.Table, scope: str) -> ir.Table:
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
        play_won=count_if(_.went & ~_.rival_went),
        rival_won=count_if(~_.went & _.rival_went),
        both_went_out=count_if(_.went & _.rival_went),
        neither_did=count_if(~_.went & ~_.rival_went),
    )


def _winner_first(rows: Rows) -> Rows:
    swapped = {"play": "rival", "rival": "play", "play_won": "rival_won", "rival_won": "play_won"}
    found = [
        row | {name: row[other] for name, other in swapped.items()}
        if row["rival_won"] > row["play_won"]
        else row
        for row in rows
    ]
    return sorted(found, key=lambda row: (-row["both"], row["play"], row["rival"]))


def _none_meet(run: Run, per: str) -> Callable[[Rows], str]:
    """What is said where no two plays meet: there may have been nothing that could."""

    def silence(_rows: Rows) -> str:
        if not any(row[name] for row in decisions(run).rows for name in WANTS):
            return "No message wanted anybody in the period: no plays could meet."
        if per == "account" and (reason := run.tables.unknown("users", "account_id")):
            return f"Nobody can say which plays want the same account: {reason}."
        return f"No two plays wanted the same {per} at the same time in the period."

    return silence


def _unseen(row: Mapping[str, Any], unknown: Mapping[str, str]) -> dict[str, None]:
    """The decisions of a row that nobody can tell, as null; those that were made all the same
    (a play is `suppressed_by` another) stay."""
    return dict.fromkeys(decision for decision in unknown if not row[decision])


def _decisions_in_words(
    result: Result, told: Told, _words: str, unknown: Mapping[str, str] | None = None
) -> str:
    """How many messages were due, how many would have gone out, and what held back the rest."""
    sums = {name: sum(row[name] or 0 for row in result.rows) for name in ("due", *DECISIONS)}
    parts = [(f"how many are {result.label(each)}", why) for each, why in (unknown or {}).items()]
    dark = "".join(f" {not_known(*part)}" for part in parts)
    sums["wanted"] = sums["due"] - sums["already_done"]

    def many(name: str) -> str:
        return told.count(name, sums[name])

    text = (
        f"**{many('due')}** messages were due. {many('already_done')} came too late to be "
        f"needed: their people had done it, or were not ready. Of the other {many('wanted')}, "
        f"{many('send')} would have gone out and {many('holdout')} been held out to compare with."
    )
    worst = sorted((name for name in ledger.HELD_BACK if sums[name]), key=lambda name: -sums[name])
    if not worst:
        return text + (dark or " Nothing else would have held one back.")
    parts = [f"{plain(result.label(name))} {many(name)}" for name in worst]
    lost, wanted = sum(sums[name] for name in worst), sums["wanted"]
    share = told.share("held_back", lost / wanted if wanted else None, wanted)
    return f"{text} The rules would have held back {share}: {', '.join(parts)}.{dark}"


def _contention_in_words(result: Result, told: Told, _words: str) -> str:
    """The pair of plays that meets most often, and who wins."""
    top, met = result.rows[0], sum(row["both"] for row in result.rows)
    wins = f"{plain(top['play'])} wins {count(top['play_won'])}"
    if top["both_went_out"]:
        wins += f", both go out {times(top['both_went_out'], 'time')}"
    return (
        f"Two plays want the same one at the same time on "
        f"{told.count('occasions', met, 'occasion')}. Most often it is {plain(top['play'])} and "
        f"{plain(top['rival'])} ({count(top['both'])}): {wins}."
    )


def _pressure_in_words(result: Result, told: Told, _words: str) -> str:
    """How much the fullest weeks hold, for people and for accounts."""
    lines = []
    for (per,), own in shaping.grouped(result.rows, result.by).items():
        told.segment, total = result.segment(own[0]), own[0]["total"]
        alone = next((percent(row["share"]) for row in own if not row["position"]), None)
        lines.append(
            f"Of the weeks in which a{'n' if per[0] in 'aeiou' else ''} {per} gets any message, "
            f"{alone or told.share('1', 0.0, total)} bring one alone (n = {count(total)}); the "
            f"fullest brings {told.count('fullest', max(row['most'] for row in own))}."
        )
    return bullets(lines)
