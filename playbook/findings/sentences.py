"""One sentence per shape, with n and interval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from playbook.findings import behaviour, quality
from playbook.findings.markdown import Finding, bullets, each_segment, named, plain, said
from playbook.findings.segments import length
from playbook.language.mistakes import Mistake, listed
from playbook.language.wording import count, interval, percent, points, too_few
from playbook.results import Answer, Result, Unavailable

FOUR_WEEKS = timedelta(days=28)
HALF = 0.5 - 1e-9  # shares that are the product of others may miss the half by a rounding


def share(result: Answer, says: str) -> Finding:
    """Per segment: "38.2 % (36.9 to 39.6, n = 5,120) of new users …", the words being `says`."""
    return said(result, lambda rows: _each(result, rows, lambda row: _share(result, row, says)))


def mix(result: Answer, says: str) -> Finding:
    """The classes in order, as shares of the closed ones; the open ones apart."""
    return said(
        result, lambda rows: each_segment(result, rows, lambda own: _classes(result, own, says))
    )


buckets = mix


def steps(result: Answer, says: str = "") -> Finding:
    """The share that arrives at the last step, and the step with the largest loss."""
    return said(
        result, lambda rows: each_segment(result, rows, lambda own: _steps(result, own, says))
    )


def trend(result: Answer, says: str) -> Finding:
    """Per segment: the last complete period against the one four before it."""
    return said(
        result, lambda rows: each_segment(result, rows, lambda own: _trend(result, own, says))
    )


def curve(result: Answer, says: str, *, at: Sequence[int] = (24, 72)) -> Finding:
    """Per segment: the median, and the share that has reached by some hours; all censored."""
    return said(
        result, lambda rows: each_segment(result, rows, lambda own: _curve(result, own, says, at))
    )


def effect(result: Answer) -> Finding:
    """Per play or segment: what changed, from what to what, the interval, verdict and grade."""
    return said(result, lambda rows: bullets(_effect(result, row) for row in rows))


def audit(result: Answer, says: str = "questions can be answered") -> Finding:
    """How many subjects have all that they need, and which do not."""
    return said(result, lambda rows: _audit(rows, says))


def of(result: Answer, says: str = "") -> Finding:
    """The sentence of a result's shape."""
    shapes = {
        "share": share,
        "mix": mix,
        "buckets": mix,
        "steps": steps,
        "trend": trend,
        "curve": curve,
        "effect": lambda found, _says: effect(found),
        "audit": lambda found, _says: audit(found),
        "bounds": lambda found, _says: quality.bounds(found),
        "volume": lambda found, _says: quality.volume(found),
        "drivers": lambda found, _says: behaviour.drivers(found),
    }
    if isinstance(result, Unavailable):
        return said(result, str)
    if result.shape not in shapes:
        raise Mistake(
            f"`{result.id}` has no sentence of its own.",
            f"Its shape is `{result.shape}`; there are sentences for {listed(shapes)}.",
            "use the finding of its stage, or pb.listings.table for a table.",
        )
    return shapes[result.shape](result, says)


def _each(result: Result, rows: list, say) -> str:
    return each_segment(result, rows, lambda own: say(own[0]))


def _share(result: Result, row: dict, says: str) -> str:
    still = _still(row["open"])
    if row["n"] < result.min_n:
        return f"{too_few(row['n'])}.{still}"
    text = (
        f"**{percent(row['share'])}** ({interval(row['low'], row['high'])}, "
        f"n = {row['n']:,}) {says}"
    ).rstrip()
    if row.get("repeated") is not None and row["reached"]:
        text += f"; {row['repeated']:,} of these {row['reached']:,} {result.again[0]}"
    return f"{text}.{still}"


def _still(n: int) -> str:
    return f" {count(n)} {'is' if n == 1 else 'are'} still open." if n else ""


def _classes(result: Result, rows: list, says: str) -> str:
    closed = [row for row in rows if row["share"] is not None]
    still = sum(row["n"] for row in rows if row["share"] is None)
    if not closed:
        return f"no window has closed yet ({still:,} still open)."
    if closed[0]["total"] < result.min_n:
        return f"{too_few(closed[0]['total'])}.{_still(still)}"
    parts = [f"**{percent(row['share'])}** {plain(row['label'])}" for row in closed]
    whom = f"{closed[0]['total']:,} {says}".rstrip()
    return f"Of {whom}: {', '.join(parts)}.{_still(still)}"


def _steps(result: Result, rows: list, says: str) -> str:
    rows = sorted(rows, key=lambda row: row["position"])
    last, losses = rows[-1], rows[1:]
    still = _still(rows[0].get("open") or 0)
    if rows[0]["n"] < max(result.min_n, 1):
        return f"{too_few(rows[0]['n'])}.{still}"
    worst = min(losses, key=lambda row: 1 if row["of_previous"] is None else row["of_previous"])
    unit = dict(result.definition).get("unit", "unit")
    text = (
        f"**{percent(last['of_first'])}** ({interval(last['low'], last['high'])}) "
        f"of {rows[0]['n']:,} {says or f'{unit}s'} get as far as "
        f"“{plain(result.label(last['step']))}”."
    )
    if worst["lost"]:
        text += (
            f" The largest loss is before “{plain(result.label(worst['step']))}”: "
            f"{worst['lost']:,} {unit}s, "
            f"{percent(1 - (worst['of_previous'] or 0))} of those who came that far."
        )
    return text + still


def _trend(result: Result, rows: list, says: str) -> str:
    series = rows[0]["series"]
    complete = [row for row in rows if row["series"] == series and row["complete"]]
    if not complete:
        return "No period is complete yet."
    last = complete[-1]
    is_share = series == "share"
    if is_share and last["n"] < result.min_n:
        return f"{too_few(last['n'])} in the week of {last['period']}."
    value = percent(last["value"]) if is_share else f"{last['value']:,}"
    if last["period"].isdigit():  # counted from each start: there is no week
        return f"**{value}** {says}".rstrip() + f" in period {last['period']}."
    text = f"**{value}** {says}".rstrip() + f" in the week of {last['period']}"
    earlier = str(date.fromisoformat(last["period"]) - FOUR_WEEKS)
    before = next((row["value"] for row in complete if row["period"] == earlier), None)
    if before is None:
        return f"{text}."
    if is_share:
        return f"{text}, {points(last['value'] - before)} points on four weeks earlier."
    if not before:
        return f"{text}, from none four weeks earlier."
    change = percent(last["value"] / before - 1)
    return f"{text}, {'+' if last['value'] >= before else ''}{change} on four weeks earlier."


def _curve(result: Result, rows: list, says: str, at: Sequence[int]) -> str:
    if rows[0]["n"] < result.min_n:
        return f"{too_few(rows[0]['n'])}."
    horizon = rows[-1]["hours"]
    half = next((row["hours"] for row in rows if row["share"] >= HALF), None)
    reached = f"half {says}".rstrip()
    if half is None:
        middle = f"less than {reached} within {length(horizon)}"
    else:
        middle = f"{reached} within {length(half)}"
    # Nobody was looked at for longer.
    inside = [hours for hours in at if hours <= horizon]
    seen = [(hours, [row for row in rows if row["hours"] <= hours][-1]) for hours in inside]
    parts = [f"{percent(row['share'])} within {hours} hours" for hours, row in seen]
    n = f"n = {rows[0]['n']:,}"
    return f"**{middle}** ({'; '.join([', '.join(parts), n] if parts else [n])})."


def _effect(result: Result, row: dict) -> str:
    name = " · ".join(part for part in (plain(row["label"]), named(result, row)) if part)
    sizes = f"{row['n_treated']:,} treated, {row['n_holdout']:,} held out"
    people = row["n_treated"] + row["n_holdout"]
    accounts = row.get("accounts_treated", 0) + row.get("accounts_holdout", 0)
    sizes += f", in {accounts:,} accounts" if 0 < accounts < people else ""
    changed = (
        f"**{points(row['difference'])} points** ({points(row['low'])} to {points(row['high'])}), "
        f"from {percent(row['holdout'])} to {percent(row['treated'])} ({sizes})"
    )
    todo = _todo(row.get("action") or "")
    match row["verdict"]:
        case "works":
            text = f"works: {changed}. {todo or 'Ship it'}; grade {row['grade']}."
        case "harms":
            text = f"harms: {changed}. {todo or 'Stop it'}; grade {row['grade']}."
        case "cannot tell":
            text = (
                f"no effect shown: {changed}; anything in the interval fits the data, and "
                f"the tool would report {percent(row['treated'])}. "
                f"{todo + '; grade' if todo else 'Grade'} {row['grade']}."
            )
        case "not told apart":
            text = f"not told apart from the others: {changed}."
        case "too few":
            text = f"too few to say ({sizes}). {todo or 'Keep it running'}."
        case "not matured":
            text = f"not matured ({sizes}, {row['open']:,} open): {plain(row['why'])}."
        case "no such event":
            text = f"cannot be measured: its goal never arrives ({sizes})."
        case "never sent":
            text = f"was never sent to anybody who triggered it ({sizes}): nothing to measure."
        case "reached too few":
            text = "the message reached too few to say."
        case _:
            text = f"a check failed, so there is no effect to print ({sizes})."
            text = f"{text[:-2]}; {plain(row['why'])})." if row.get("why") else text
    return f"**{name}** {text}"


def _todo(action: str) -> str:
    """What to do, as the beginning of a sentence; "" where nothing is said."""
    doing = {"ship": "Ship it", "stop": "Stop it", "redesign": "Redesign it", "mend": ""}
    prefix, found, day = action.partition("keep running until ")
    return f"Keep it running until {day}" if found else doing.get(action, prefix)


def _audit(rows: list, says: str) -> str:
    worst: dict[str, str] = {}
    rank = {"ok": 0, "used": 0, "not needed": 0, "caveat": 1, "missing": 2}
    for row in rows:
        name = plain(row["subject"])
        old = worst.get(name, "ok")
        worst[name] = max(old, row["status"], key=rank.__getitem__)
    good = [name for name, status in worst.items() if not rank[status]]
    text = f"**{len(good)} of {len(worst)}** {says}."
    caveats = [name for name, status in worst.items() if status == "caveat"]
    missing = [name for name, status in worst.items() if status == "missing"]
    text += f" With caveats: {', '.join(caveats)}." if caveats else ""
    return text + (f" Not: {', '.join(missing)}." if missing else "")
