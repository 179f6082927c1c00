"""Sentences about plays: whom they cover, what a dry run does with them, and what is wrong."""

from __future__ import annotations

from playbook.findings.markdown import Finding, bullets, named, plain, said
from playbook.language.wording import count, percent, times
from playbook.ledger import HELD_BACK
from playbook.results import Answer


def coverage(result: Answer) -> Finding:
    """How much of the loss lies in cells that a play covers, and the largest gap."""

    def say(rows: list) -> str:
        told = [row for row in rows if row["lost"] is not None]
        lost = sum(row["lost"] for row in told)
        gaps = [row for row in told if row["plays"] == "none: a gap"]
        open_ = sum(row["lost"] for row in gaps)
        text = (
            f"**{percent(1 - open_ / lost if lost else None)}** of {lost:,} people who do not get "
            "there are in the audience of a play"
        )
        if not gaps:
            return f"{text}."
        cell, people = named(result, gaps[0]), gaps[0]["lost"]
        return f"{text}. The largest gap is {cell}: {people:,} people and no play."

    return said(result, say)


def decisions(result: Answer) -> Finding:
    """How many messages were due, how many would have gone out, and what held back the rest."""

    def say(rows: list) -> str:
        total = {name: sum(row[name] for row in rows) for name in ("due", "send", "holdout")}
        done = sum(row["already_done"] for row in rows)
        wanted = total["due"] - done
        text = (
            f"**{count(total['due'])}** messages were due. {count(done)} came too late to be "
            f"needed: their people had done it, or were not ready. Of the other {count(wanted)}, "
            f"{count(total['send'])} would have gone out and {count(total['holdout'])} been held "
            "out to compare with."
        )
        lost = {name: sum(row[name] for row in rows) for name in HELD_BACK}
        if not any(lost.values()):
            return f"{text} Nothing else would have held one back."
        worst = sorted((name for name in lost if lost[name]), key=lambda name: -lost[name])
        parts = [f"{plain(result.label(name))} {count(lost[name])}" for name in worst]
        share = percent(sum(lost.values()) / wanted if wanted else None)
        return f"{text} The rules would have held back {share}: {', '.join(parts)}."

    return said(result, say)


def contention(result: Answer) -> Finding:
    """The pair of plays that meets most often, and who wins."""

    def say(rows: list) -> str:
        met, top = sum(row["both"] for row in rows), rows[0]
        wins = f"{plain(top['play'])} wins {count(top['play won'])}"
        if top["both went out"]:
            wins += f", both go out {times(top['both went out'], 'time')}"
        return (
            f"Two plays want the same one at the same time on {times(met, 'occasion')}. Most "
            f"often it is {plain(top['play'])} and {plain(top['rival'])} ({count(top['both'])}): "
            f"{wins}."
        )

    return said(result, say, empty="No two plays ever want the same one at the same time.")


def pressure(result: Answer) -> Finding:
    """How much the fullest weeks hold, for people and for accounts."""

    def say(rows: list) -> str:
        lines = []
        for per in dict.fromkeys(row["per"] for row in rows):
            own = [row for row in rows if row["per"] == per]
            once = next((row["share"] for row in own if row["position"] == 0), 0.0)
            lines.append(
                f"Of the weeks in which a{'n' if per[0] in 'aeiou' else ''} {per} gets any "
                f"message, {percent(once)} bring one alone (n = {count(own[0]['total'])}); the "
                f"fullest brings {count(max(row['most'] for row in own))}."
            )
        return bullets(lines)

    return said(result, say, empty="Nothing would have gone out.")


def lint(result: Answer) -> Finding:
    """How many findings of which weight, and those that block, each in a line."""

    def say(rows: list) -> str:
        weights = dict.fromkeys(row["severity"] for row in rows)
        sums = [f"{sum(r['severity'] == w for r in rows)} {w}" for w in weights]
        plays = len({row["play"] for row in rows})
        text = f"{times(len(rows), 'finding')} ({', '.join(sums)}) in {times(plays, 'play')}."
        blocking = [row for row in rows if row["severity"] == "blocking"]
        if not blocking:
            return f"{text} None of them keeps a play from working."
        lines = [
            f"{plain(row['play'])}: {plain(row['seen'])}; {plain(row['hint'])}" for row in blocking
        ]
        return bullets([text, *lines])

    return said(result, say, empty="Every play is sound.")


def cards(result: Answer) -> Finding:
    """How many plays there are, how many of them are drafts, and which lack a holdout."""

    def say(rows: list) -> str:
        drafts = sum(row["draft"] for row in rows)
        without = [plain(row["play"]) for row in rows if row["holdout"].startswith("0 % ")]
        text = f"**{times(len(rows), 'play')}** {'are' if len(rows) > 1 else 'is'} declared"
        text += f", {drafts} of them not sent yet" if drafts else ""
        if without:
            return f"{text}; without a holdout, and so beyond measure: {', '.join(without)}."
        return f"{text}. Each has a holdout: each of them can be measured."

    return said(result, say)


def holdouts(result: Answer) -> Finding:
    """How many plays can tell within a year what they are worth, and which cannot."""

    def say(rows: list) -> str:
        told = [row for row in rows if row["answerable"]]
        text = (
            f"**{len(told)} of {times(len(rows), 'play')}** can tell within a year whether they "
            "bring the smallest effect worth having"
        )
        if told:
            soonest = min(told, key=lambda row: row["weeks"])
            text += f"; the soonest is {plain(soonest['play'])}, after {soonest['weeks']} weeks"
        never = [plain(row["play"]) for row in rows if not row["answerable"]]
        return (
            f"{text}. Not with this traffic and holdout: {', '.join(never)}."
            if never
            else f"{text}."
        )

    return said(result, say)
