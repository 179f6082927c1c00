"""Sentences about what a tool claims, what messages cost, and what to ask and try next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playbook.findings.markdown import Finding, bullets, plain, said, together
from playbook.inference.sizing import LONGEST
from playbook.language.wording import count, interval, percent, points, rare, times, too_few
from playbook.results import Answer

HARMED = {"complained": "complaint", "unsubscribed": "unsubscribe", "bounced": "bounce"}


def seen_by(result: Answer) -> Finding:
    """Between which shares people saw what was delivered, and what machines opened alone."""

    def say(rows: list) -> str:
        human, unknown, machine, _not = rows
        total = human["total"]
        if total < result.min_n:
            return f"{too_few(total)}."
        text = f"Of {count(total)} to whom it was delivered, **{percent(human['share'])}** saw it"
        if unknown["n"]:
            most = percent((human["n"] + unknown["n"]) / total)
            text += f" for sure, and {most} if all were people of whom the tool does not know it"
        return f"{text}. Machines alone opened it for {percent(machine['share'])}."

    return said(result, say)


def vendor(result: Answer) -> Finding:
    """Per play what the tool says beside the increment, and why they differ."""

    def say(rows: list) -> str:
        told = [_claim(row) for row in rows if row["declared"]]
        strange = [row for row in rows if not row["declared"]]
        if strange:
            names = ", ".join(f"{plain(row['play'])} ({count(row['sent'])})" for row in strange)
            told.append(f"Messages that no declared play has sent, by people: {names}.")
        return bullets(told)

    return said(result, say, empty="Nobody was sent a message whose window is over.")


def _claim(row: dict[str, Any]) -> str:
    name = f"**{plain(row['play'])}**"
    if row["claim"] is None:
        return f"{name}: {plain(row['because'])}."
    parts = [f"{name}: the tool says {percent(row['claim'])} converted"]
    if row["claim_clicked"] is not None:
        clickers = f"{percent(row['claim_clicked'])} of those who clicked"
        parts.append(f" ({percent(row['claim_opened'])} of those who opened, {clickers})")
    elif row["claim_opened"] is not None:
        parts.append(f" ({percent(row['claim_opened'])} of those who opened)")
    ours = f"; the increment is **{points(row['difference'])} points**"
    ours += f" ({points(row['low'])} to {points(row['high'])})"
    parts.append(ours if row["difference"] is not None else "; there is no increment to print")
    return f"{''.join(parts)}: {plain(row['because'])}."


def credited_twice(result: Answer) -> Finding:
    """How many conversions count for two plays, and which two share most."""

    def say(rows: list) -> str:
        top = rows[0]
        text = (
            f"**{times(sum(row['both'] for row in rows), 'conversion')}** credited twice: two "
            f"plays had sent something shortly before. Most are of {plain(top['play'])} and "
            f"{plain(top['rival'])}: {count(top['both'])}, {percent(top['of_play'])} of the one's "
            f"and {percent(top['of_rival'])} of the other's"
        )
        others = [
            f"{plain(r['play'])} and {plain(r['rival'])} {count(r['both'])}" for r in rows[1:]
        ]
        return f"{text}. Besides: {', '.join(others)}." if others else f"{text}."

    return said(result, say, empty="No conversion is credited to two plays.")


def harms(result: Answer) -> Finding:
    """The play with the largest share of each harm, of those with enough messages."""

    def say(rows: list) -> str:
        enough = [row for row in rows if row["messages"] >= result.min_n]
        if not enough:
            return f"{too_few(sum(row['messages'] for row in rows))}."
        total = sum(row["messages"] for row in rows)
        lines = []
        for name, word in HARMED.items():
            n = sum(row[name] for row in rows)
            if not n:
                lines.append(f"No {word} on {times(total, 'message')}.")
                continue
            worst = max(enough, key=lambda row: (row[f"{name}_share"], row["play"]))
            low, high = worst[f"{name}_low"], worst[f"{name}_high"]
            lines.append(
                f"{times(n, word)} on {times(total, 'message')}; most on {plain(worst['play'])}: "
                f"**{rare(worst[f'{name}_share'])}** ({interval(low, high)}, "
                f"n = {count(worst['messages'])})."
            )
        return bullets(lines)

    return said(result, say, empty="No message was sent in the period.")


def rollouts(results: Sequence[Answer]) -> Finding:
    """One line per rollout: its effect and the test of its assumption, or why there is none."""
    if not results:
        return Finding("No rollout without a holdout is declared.")
    return together(*(said(result, lambda rows: _rollout(rows[0])) for result in results))


def _rollout(row: dict[str, Any]) -> str:
    name = f"**{plain(row['label'])}**"
    if row["difference"] is None:
        return f"{name} has no claim. {row['because']}"
    power = ""
    if row["power"] is not None:
        power = f"; a trend that explains it all would have shown with {percent(row['power'])}"
    return (
        f"{name} {'shows no effect' if row['verdict'] == 'cannot tell' else row['verdict']}, if "
        f"{row['because']}: **{points(row['difference'])} points** ({points(row['low'])} to "
        f"{points(row['high'])}) of the accounts in a period, from {percent(row['holdout'])} to "
        f"{percent(row['treated'])} ({count(row['n_treated'])} accounts got it in "
        f"{times(row['cohorts'], 'turn')}, {count(row['n_holdout'])} did not). Before the start "
        f"the groups moved alike (p = {row['pretrend_p']:.2f}{power}). Grade {row['grade']}."
    )


def launches(results: Sequence[Answer]) -> Finding:
    """One line per play without a holdout: before and after, how usual that is, and no effect."""
    if not results:
        return Finding("Every play that is sent has a holdout: none rests on before and after.")
    return together(*(said(result, lambda rows: _launch(rows[0])) for result in results))


def _launch(row: dict[str, Any]) -> str:
    name = f"**{plain(row['label'])}**"
    if row["before"] is None:
        return f"{name} has no claim. {row['because']}"
    usual = "there are no other dates to compare that with"
    if row["as_large"] is not None:
        usual = (
            f"a change this large comes at {percent(row['as_large'])} of "
            f"{times(row['dates'], 'date')} when nothing was launched"
        )
    return (
        f"{name}: {percent(row['before'])} did its goal in the weeks before {row['launch']} and "
        f"{percent(row['after'])} in those after it; {usual}. This is no effect: "
        f"{row['because']} Grade {row['grade']}."
    )


def compared(result: Answer) -> Finding:
    """One line per comparison: which play brings more, and by how much."""

    def say(rows: list) -> str:
        lines = []
        for row in rows:
            pair = f"**{plain(row['play'])}** and **{plain(row['against'])}**"
            if row["difference"] is None:
                lines.append(f"{pair} cannot be compared: {plain(row['because'])}.")
                continue
            ends = f"{points(row['low'])} to {points(row['high'])}"
            says = {
                "more": "the first brings more",
                "less": "the first brings less",
                "alike": "they bring as much, as far as it would matter",
            }.get(row["verdict"], "no difference shown")
            lines.append(
                f"{pair}: {says}, **{points(row['difference'])} points** between their effects "
                f"({ends}). Grade {row['grade']}."
            )
        return bullets(lines)

    return said(result, say)


def iterations(result: Answer) -> Finding:
    """How many plays can go round again within a year, the soonest, and those that cannot."""

    def say(rows: list) -> str:
        told = [row for row in rows if row["weeks"] is not None and row["weeks"] <= LONGEST]
        text = (
            f"**{len(told)} of {times(len(rows), 'play')}** can be tried anew within a year and "
            "show the smallest effect worth having"
        )
        if told:
            first = told[0]
            text += (
                f"; the soonest is {plain(first['play'])}: {count(first['units'])} "
                f"{first['unit']}s, {times(first['weeks'], 'week')}"
            )
        slow = [f"{plain(row['play'])}: {plain(row['plan'])}" for row in rows if row not in told]
        return bullets([f"{text}.", *slow]) if slow else f"{text}."

    return said(result, say)


def tried(result: Answer) -> Finding:
    """What all iterations say together, and the one that luck flatters most."""

    def say(rows: list) -> str:
        plays = len({row["play"] for row in rows})
        text = f"{times(len(rows), 'iteration')} of {times(plays, 'play')} were measured"
        if any(row["drawn"] is None for row in rows):
            return f"{text}: too few to say what luck is in the largest."
        top = max(rows, key=lambda row: row["difference"])
        ends = f"{points(top['drawn_low'])} to {points(top['drawn_high'])}"
        return (
            f"{text}. The largest, of {plain(top['play'])} ({top['live_from']}), is "
            f"{points(top['difference'])} points; seen beside all others, expect "
            f"**{points(top['drawn'])}** ({ends})."
        )

    return said(result, say, empty="No iteration has been measured yet.")


def burning(result: Answer) -> Finding:
    """The question to ask next, and why it is that one."""

    def say(rows: list) -> str:
        top = rows[0]
        text = f"The next burning question: *{plain(top['asks'])}* "
        if top["lost"] is None:
            return f"{text}The data cannot answer it: {plain(top['because'])}"
        step = plain(result.label(top["to"]))
        text += (
            f"**{count(top['lost'])}** of {count(top['of'])} {top['unit']}s are lost before "
            f"“{step}”, "
        )
        names = ", ".join(plain(slug) for slug in top["plays"])
        if top["work"]:
            works = ", ".join(plain(slug) for slug in top["work"])
            return f"{text}and what is shown to work on it ({works}) is for {count(top['helped'])}."
        if not top["plays"]:
            return f"{text}and no play wants that."
        return f"{text}and of the plays that want that ({names}) none is shown to work."

    return said(result, say, empty="No question says who does not arrive: there is none to rank.")
