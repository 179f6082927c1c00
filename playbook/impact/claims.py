"""The vendor's claim beside ours: what a tool would call converted, and what the play brought."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting import units
from playbook.counting.shaping import Rows
from playbook.declare import Play
from playbook.impact.effects import effects
from playbook.impact.harms import sent
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import count_if
from playbook.language.wording import count, percent, plain, points
from playbook.results import Answer, Result, shown
from playbook.results.columns import COUNT, FLAG, ID, KEY, TEXT, points_of, share_of, with_ends
from playbook.results.section import needed, section, there
from playbook.results.sentences import Told, bullets
from playbook.run import Run

GROUPS = {"sent": "claim", "opened": "claim_opened", "clicked": "claim_clicked"}
# Of a row of shape `effect`.
OURS = {"n_treated": COUNT, "n_holdout": COUNT, "holdout": share_of("n_holdout")}
OURS |= with_ends("difference", points_of("n_treated", "n_holdout"))
OURS |= {"verdict": TEXT, "grade": TEXT}
CLAIMS = {"play": KEY, "declared": FLAG}
CLAIMS |= {"sent": COUNT, "claim": share_of("sent")}
CLAIMS |= {"opened": COUNT, "claim_opened": share_of("opened")}
CLAIMS |= {"clicked": COUNT, "claim_clicked": share_of("clicked")}
CLAIMS |= {"converted": COUNT, "credited_twice": COUNT, "shared_with": ID, **OURS, "because": TEXT}
CREDITS = {"play": KEY, "rival": KEY, "both": COUNT, "n_play": COUNT, "n_rival": COUNT}
CREDITS |= {"of_play": share_of("n_play"), "of_rival": share_of("n_rival")}


@section("impact.claims")
def claims(run: Run) -> Answer:
    """What the tool would say of each play, beside the effect, and why the two differ.

    A tool counts whoever does the goal within its time after a message was sent; mostly of all
    sent, sometimes of openers or clickers. None of this is compared with anybody. Messages count
    whose window is over. A play without an effect has a claim and no increment.

    Returns:
        Shape `table`: one row per play that the messages name, the largest difference between
        claim and increment first: `play`, `declared`; people `sent`, `opened` (by anybody, as
        tools count it) and `clicked`, and the `claim`, `claim_opened` and `claim_clicked`: the
        share of each that did the goal in time; `converted`, how many of those sent did;
        `credited_twice`, how many of these conversions are another play's too, and
        `shared_with`, the play with most of them. Of the effect: `n_treated`, `n_holdout`,
        `holdout` (the share that did it without), `difference`, `low`, `high`, `verdict`,
        `grade`; null where there is none. `because`: why claim and increment differ, in words. A
        play that nobody declares, or whose sent people have open windows, has no claim. Null are
        `opened` and `clicked`, too, where no column tells.
    """
    told_by = {"opened": ("seen_at",), "clicked": ("clicked_at", "completed_at")}
    unknown = [n for n, columns in told_by.items() if run.tables.unknown("messages", *columns)]
    found, pairs, counted = effects(run), needed(credits(run)), _claimed(run)

    def finish(rows: Rows) -> Rows:
        ours = {row["label"]: row for row in found.rows}
        several = {row["play"] for row in found.rows if row["label"] != row["play"]}
        shared = _shared_most(pairs.rows)
        asked = {name for names in run.declared.product.prompts.values() for name in names}
        rows = [row | dict.fromkeys(unknown) for row in rows if row["play"] not in asked]
        told = [_claim(run, row, ours, shared, several) for row in rows]
        return sorted(told, key=lambda row: (-_overclaim(row), row["play"]))

    return run.result(
        "table",
        counted,
        finish,
        own=CLAIMS,
        counted="people",
        counts="people sent a message in the period whose window is over",
        told=(("claim", "the goal within its time after the message was sent"),),
        made_of=there(found, pairs),
        says=_say_claims,
        silence="No message of the period has a window that is over: there is nothing to claim.",
    )


@section("impact.credits")
def credits(run: Run) -> Answer:
    """Conversions that two plays are credited with: both had sent a message shortly before.

    A play is credited with the first time that a person does its goal in the window of one of
    its messages. So a conversion has one moment, and counts twice where two plays want the same.

    Returns:
        Shape `table`: one row per pair of plays that share any: `play`, `rival`, `both` (how
        many conversions), how many each is credited with (`n_play`, `n_rival`), and the share
        of these that both are: `of_play`, `of_rival`.
    """

    def finish(rows: Rows) -> Rows:
        own = {row["play"]: row["both"] for row in rows if row["play"] == row["rival"]}
        found = [
            row
            | {f"n_{name}": own[row[name]] for name in ("play", "rival")}
            | {f"of_{name}": row["both"] / own[row[name]] for name in ("play", "rival")}
            for row in rows
            if row["play"] < row["rival"]
        ]
        return sorted(found, key=lambda row: (-row["both"], row["play"], row["rival"]))

    return run.result(
        "table",
        _credited_pairs(run),
        finish,
        own=CREDITS,
        counted="conversions",
        counts="first conversions in the window of a play's messages, by person and moment",
        says=_say_credits,
        silence=lambda rows: _none_credited(run, rows),
    )


def _none_credited(run: Run, rows: Rows) -> str:
    """What is said where no two plays share a conversion: there may be nothing to share."""
    if not run.declared.plays:
        return "No play is declared: there is nothing to credit."
    return f"No conversion is credited to {'two plays' if rows else 'any play'}."


def _closed_messages(run: Run) -> ir.Table:
    """One row per message with a closed window (all, of plays that nobody declares): `play`,
    `user_id`, `sent_at`, `until_at`, `goal`, `opened`, `clicked`."""
    plays, told = run.declared.plays, sent(run).filter(_.user_id.notnull())
    if run.tables.users is not None:  # staff do nothing that counts
        staff = run.tables.users.filter(_.is_internal).select("user_id")
        told = told.anti_join(staff, "user_id")
    rows = told.select(
        "play",
        "user_id",
        "sent_at",
        opened=_.seen_at.notnull(),
        clicked=_.clicked_at.notnull() | _.completed_at.notnull(),
    )
    if not plays:
        return rows.mutate(until_at=_.sent_at, goal=ibis.null("string"))
    ends = [(_.play == p.slug, _.sent_at + interval(duration(p.goal_within))) for p in plays]
    rows = rows.mutate(
        until_at=ibis.cases(*ends, else_=_.sent_at),
        goal=ibis.cases(*((_.play == p.slug, p.goal) for p in plays), else_=ibis.null("string")),
    )
    return rows.filter(_.until_at <= moment(run.period.as_of))


def _conversions(run: Run) -> ir.Table:
    """One row per play and person that it is credited with: `play`, `user_id`, `done_at`."""
    wanted = sorted({play.goal for play in run.declared.plays})
    goals = units.rows(run.tables, "user").filter(_.event.isin(wanted))
    goals = goals.select(doer="unit", event="event", at="at")
    told = _closed_messages(run).filter(_.goal.notnull())
    joined = told.inner_join(goals, [told.user_id == goals.doer, told.goal == goals.event])
    inside = joined.filter(_.at >= _.sent_at, _.at <= _.until_at)
    return inside.group_by("play", "user_id").aggregate(goal=_.event.min(), done_at=_.at.min())


def _claimed(run: Run) -> ir.Table:
    people = (
        _closed_messages(run)
        .group_by("play", "user_id")
        .aggregate(opened=count_if(_.opened) > 0, clicked=count_if(_.clicked) > 0)
    )
    did = _conversions(run).select(credited="play", doer="user_id", done_at="done_at")
    both = people.left_join(did, [people.play == did.credited, people.user_id == did.doer])
    told = both.mutate(sent=ibis.literal(True), did=_.done_at.notnull())
    counts = {name: count_if(_[name]) for name in GROUPS}
    counts |= {f"did_{name}": count_if(_[name] & _.did) for name in GROUPS}
    return told.group_by("play").aggregate(**counts)


def _credited_pairs(run: Run) -> ir.Table:
    """`play`, `rival` and how many conversions `both` are credited with; each with itself too."""
    own = _conversions(run)
    other = own.select(rival="play", doer="user_id", what="goal", then_at="done_at")
    met = own.inner_join(
        other,
        [own.user_id == other.doer, own.goal == other.what, own.done_at == other.then_at],
    )
    return met.group_by("play", "rival").aggregate(both=_.count())


def _shared_most(pairs: Rows) -> dict[str, tuple[str, int]]:
    """Play → the play with which it shares most conversions, and how many."""
    found: dict[str, tuple[str, int]] = {}
    for row in pairs:
        for play, rival in ((row["play"], row["rival"]), (row["rival"], row["play"])):
            if row["both"] > found.get(play, ("", 0))[1]:
                found[play] = rival, row["both"]
    return found


def _claim(
    run: Run,
    row: dict[str, Any],
    ours: dict[str, Any],
    shared: dict[str, tuple[str, int]],
    several: set[str],
) -> dict[str, Any]:
    slug = shown(row["play"])
    play = next((play for play in run.declared.plays if play.slug == slug), None)
    found: dict[str, Any] = {"play": slug, "declared": play is not None}
    for name, claim in GROUPS.items():
        n = row[name]
        found |= {name: n, claim: row[f"did_{name}"] / n if play and n else None}
    rival, both = shared.get(slug, ("", 0))
    found |= {"converted": row["did_sent"] if play else None}
    found |= {"credited_twice": both, "shared_with": rival}
    effect = ours.get(slug, {})
    found |= {name: effect.get(name) for name in OURS}
    if slug in several:
        return found | {"because": "it has several treatments, each with an increment of its own"}
    return found | {"because": _why_apart(run, play, found)}


def _why_apart(run: Run, play: Play | None, row: dict[str, Any]) -> str:
    """Why the claim is no increment, in words."""
    if play is None:
        return "nobody declares this play: it has no goal to look for"
    if row["sent"] < run.declared.product.min_n:
        return f"too few to say: {row['sent']} were sent it"
    if row["difference"] is None:
        return "no increment can be told, so nobody knows how many would have done it anyway"
    said = [f"{row['holdout'] * 100:.1f} % of those held out did it without the message"]
    if row["credited_twice"]:
        part = row["credited_twice"] / row["converted"] * 100
        said.append(f"{part:.0f} % of its conversions are credited to {row['shared_with']} as well")
    return "; ".join(said)


def _overclaim(row: dict[str, Any]) -> float:
    if row["claim"] is None:
        return -2.0
    return -1.0 if row["difference"] is None else row["claim"] - row["difference"]


def _say_claims(result: Result, _told: Told, _words: str) -> str:
    """Per play what the tool says beside the increment, and why they differ."""
    lines = [_say_claim(row, result.min_n) for row in result.rows if row["declared"]]
    strange = [row for row in result.rows if not row["declared"]]
    if strange:
        names = ", ".join(f"{plain(row['play'])} ({count(row['sent'])})" for row in strange)
        lines.append(f"Messages that no declared play has sent, by people: {names}.")
    return bullets(lines)


def _say_claim(row: dict[str, Any], least: int) -> str:
    name, because = f"**{plain(row['play'])}**", plain(row["because"])
    if row["claim"] is None or row["sent"] < least:
        return f"{name}: {because}."
    some = [group for group in ("opened", "clicked") if (row[group] or 0) >= max(least, 1)]
    beside = ", ".join(f"{percent(row[GROUPS[group]])} of those who {group}" for group in some)
    text = f"{name}: the tool says {percent(row['claim'])} converted"
    text += f" ({beside})" if beside else ""
    if row["difference"] is None:
        return f"{text}; there is no increment to print: {because}."
    ends = f"{points(row['low'])} to {points(row['high'])}"
    return f"{text}; the increment is **{points(row['difference'])} points** ({ends}): {because}."


def _say_credits(result: Result, told: Told, _words: str) -> str:
    """How many conversions count for two plays, and which two share most."""
    top, *others = result.rows
    n = told.count("both", sum(row["both"] for row in result.rows), "conversion")
    text = (
        f"**{n}** credited twice: two plays had sent something shortly before. Most are of "
        f"{plain(top['play'])} and {plain(top['rival'])}: {count(top['both'])}"
    )
    if min(top["n_play"], top["n_rival"]) >= result.min_n:
        text += f", {percent(top['of_play'])} of the one's and {percent(top['of_rival'])}"
        text += " of the other's"
    besides = ", ".join(
        f"{plain(row['play'])} and {plain(row['rival'])} {count(row['both'])}" for row in others
    )
    return f"{text}. Besides: {besides}." if besides else f"{text}."
