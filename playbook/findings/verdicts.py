"""Sentences beside the verdict of a play: its checks, for whom, among whom, how soon, why not."""

from __future__ import annotations

from typing import Any

from playbook.findings.markdown import Finding, bullets, plain, said
from playbook.findings.segments import length
from playbook.language.wording import points, times
from playbook.results import Answer, Result

WEAK = 10  # squared deviations of delivery between the arms, below which a division is shaky


def checks(result: Answer) -> Finding:
    """How many plays pass every check, which fail one, and what to know of the others."""

    def say(rows: list) -> str:
        plays = list(dict.fromkeys(row["subject"] for row in rows if row["check"] != "plays"))
        failed = [row for row in rows if row["status"] == "failed"]
        bad = {row["subject"] for row in failed}
        sound = len(plays) - len(bad)
        lines = [f"**{sound} of {times(len(plays), 'play')}** pass the checks before an effect."]
        lines += [f"{_checked(row)} **Failed**: no effect is printed." for row in failed]
        lines += [_checked(row) for row in rows if row["status"] == "caveat"]
        return bullets(lines)

    return said(result, say)


def whom(result: Answer) -> Finding:
    """Per column whether the effect differs between its segments, and what it is in each."""

    def say(rows: list) -> str:
        columns: dict[str, list] = {}
        for row in rows:
            columns.setdefault(row["column"], []).append(row)
        return bullets(_whom(result, column, own) for column, own in columns.items())

    return said(result, say)


def reached(result: Answer) -> Finding:
    """The effect among those who got the message, and what that assumes."""

    def say(rows: list) -> str:
        row = rows[-1]
        got = f"{row['reached_treated']:,} of {row['n_treated']:,} treated got the message"
        if row["reached_holdout"]:
            got += f", and {row['reached_holdout']:,} of {row['n_holdout']:,} held out"
        if row["difference"] is None:
            return f"{got}: too few to say what it does to those whom it reaches."
        weak = "; delivery hardly differs" if (row["first_stage"] or WEAK) < WEAK else ""
        return (
            f"{got}. Among those reached it is **{points(row['difference'])} points** "
            f"({points(row['low'])} to {points(row['high'])}{weak}), if it works through the "
            f"message alone; grade {row['grade']}."
        )

    return said(result, say)


def sooner(result: Answer) -> Finding:
    """How much sooner, or later, the treated get to the goal."""

    def say(rows: list) -> str:
        row = rows[0]
        low, high = row["low_hours"], row["high_hours"]
        limit = length(row["within_hours"])
        between = f"{-high:,.1f} to {-low:,.1f} hours sooner"
        if low > 0 or high < 0:
            way = "sooner" if high < 0 else "later"
            text = f"The treated get there **{abs(row['difference_hours']):,.1f} hours {way}**"
        else:
            text = "It is not shown that the treated get there sooner or later"
        return (
            f"{text} on average ({between}; whoever does not within {limit} counts with these; "
            f"{row['n_treated']:,} treated, {row['n_holdout']:,} held out)."
        ).replace("-", "−")

    return said(result, say, empty="*The waiting times are not known for the whole window yet.*")


def why_null(result: Answer) -> Finding:
    """Per play that shows no effect the main reason."""

    def say(rows: list) -> str:
        return bullets(f"**{plain(row['play'])}** {plain(row['why'])}" for row in rows)

    return said(result, say, empty="Every play that is measured shows an effect.")


def _checked(row: dict[str, Any]) -> str:
    return f"{plain(row['subject'])}, {plain(row['check'])}: {plain(row['seen'])}."


def _whom(result: Result, column: str, rows: list) -> str:
    row = rows[0]
    p = row["p_differs"]
    parts = [_segment(result, row) for row in rows if row["verdict"] != "too few"]
    few = [plain(result.label(row["segment"])) for row in rows if row["verdict"] == "too few"]
    text = {
        "differs": f"the effect differs by {column} (p = {p:.2g})" if p is not None else "",
        "no evidence that it differs": f"no evidence that the effect differs by {column}"
        + (f" (p = {p:.2g})" if p is not None else ""),
    }.get(row["differs"], f"too few to compare by {column}")
    text = f"**{plain(column)}** {text}"
    text += f": {', '.join(parts)}" if parts else ""
    return f"{text}. Too few to say: {', '.join(few)}." if few else f"{text}."


def _segment(result: Result, row: dict[str, Any]) -> str:
    return (
        f"{plain(result.label(row['segment']))} {points(row['difference'])} points "
        f"({points(row['low'])} to {points(row['high'])}, "
        f"n = {row['n_treated'] + row['n_holdout']:,})"
    )
