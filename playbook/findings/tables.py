"""Sentences about what a stage puts into a table: the plan, the matrix, the plays, the verdicts."""

from __future__ import annotations


from playbook.findings.markdown import Finding, bullets, named, plain, said
from playbook.language.wording import interval, percent, points, too_few
from playbook.results import Answer, Result


def outreach(result: Answer) -> Finding:
    """What became of the units that a play was meant for; doing the goal apart from the rest."""

    def say(rows: list) -> str:
        counts = {row["step"]: row for row in rows}
        ways = ", ".join(
            f"{row['n']:,} {plain(result.label(name))}"
            for name, row in counts.items()
            if name not in {"assigned", "did"}
        )
        did = counts["did"]
        share = f"**{percent(did['of_first'])}** ({interval(did['low'], did['high'])})"
        return (
            f"Of {counts['assigned']['n']:,} assigned, {ways}. {did['n']:,} did the goal in its "
            f"time, {share} of the assigned, whether or not they were reached."
        )

    return said(result, say)


def claims(result: Answer) -> Finding:
    """How many plays work, harm, or cannot tell; and the naive rate that misleads most."""

    def say(rows: list) -> str:
        counted: dict[str, list[str]] = {}
        for row in rows:
            counted.setdefault(row["verdict"], []).append(plain(row["label"]))
        parts = [f"{verdict} ({', '.join(names)})" for verdict, names in counted.items()]
        text = f"Of {len(rows)} plays: {'; '.join(parts)}."
        silent = [row for row in rows if row["verdict"] == "cannot tell"]
        if not silent:
            return text
        loud = max(silent, key=lambda row: row["treated"])
        return (
            f"{text} Beware of {plain(loud['label'])}: {percent(loud['treated'])} do its goal "
            f"after it is sent, and {percent(loud['holdout'])} do it without "
            f"({points(loud['difference'])} points)."
        )

    return said(result, say)


def stuck(result: Answer, says: str) -> Finding:
    """The verdict on each persona: a defect of ours, worth watching, or people who play."""
    return said(result, lambda rows: _stuck(result, rows, says))


def _stuck(result: Result, rows: list, says: str) -> str:
    means = {
        "defect": "a core persona gets stuck: mend this now",
        "watch": "a core persona, within bounds: watch it",
        "playing": "not core: assume that they are playing",
        "unknown": "they never said who they are",
    }
    lines = []
    for row in rows:
        if row["n"] < result.min_n:
            verdict = too_few(row["n"])
        else:
            verdict = (
                f"{percent(row['share'])} ({interval(row['low'], row['high'])}, "
                f"n = {row['n']:,}) {says}; {means[row['verdict']]}"
            )
        lines.append(f"**{named(result, row)}**: {verdict}.")
    return bullets(lines)
