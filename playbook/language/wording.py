"""Numbers as people read them, the same in charts, sentences and tables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date

MINUS, NONE = "\u2212", "–"
DAY, LONG = 24, 72  # hours; from the second on a time is told in days
# What Markdown, HTML or MathJax read as more than text; `_` inside a word is text.
SPECIAL = re.compile(r"[\\$`*\[\]<>&~]|(?<![^\W_])_|_(?![^\W_])")
NO_FORMULA = "\u2060"  # a word joiner: Jupyter reads a backslash and a bracket as a formula


def count(n: float | None) -> str:
    """A count: "1,234"."""
    return NONE if n is None else f"{n:,.0f}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """A share: "38.2 %"."""
    return NONE if share is None else f"{share * 100:.1f} %".replace("-", MINUS)


def chosen(share: float) -> str:
    """A share that somebody chose: "10 %", "0.4 %"."""
    return f"{share * 100:.3g} %"


def points(difference: float | None) -> str:
    """A difference of shares in percentage points: "+3.1"; a second digit where one says 0.0."""
    if difference is None:
        return NONE
    value = difference * 100
    digits = 1 if abs(value) >= 0.05 else 2
    return (f"{value:+.{digits}f}" if round(value, 2) else "0.0").replace("-", MINUS)


def measure(value: float | None) -> str:
    """A number of any size, to three digits or to the unit: "1,234", "12.3", "0.0457"."""
    if value is None:
        return NONE
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, digits):,.{min(max(digits, 0), 6)}f}".replace("-", MINUS)


def signed(difference: float | None) -> str:
    """A difference of numbers of any size: "+12.3"."""
    told = measure(difference)
    return f"+{told}" if difference and difference > 0 else told


def interval(low: float | None, high: float | None) -> str:
    """An interval of shares: "36.9 to 39.6 %"."""
    return NONE if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f} %"


def too_few(n: int | None) -> str:
    """What stands in the place of a value that rests on too few."""
    return f"too few to say (n = {count(n or 0)})"


def times(n: int, noun: str) -> str:
    """A count of things: "1 event", "1,234 events"."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def about(n: float | None) -> str:
    """An estimated count, to three digits: "about 1,240"."""
    if n is None:
        return NONE
    digits = 2 - math.floor(math.log10(abs(n))) if n else 0
    value = round(n, min(digits, 0)) if abs(n) >= 10 else round(n, 1)
    return f"about {value:,.0f}" if value == int(value) else f"about {value:,.1f}"


def rare(share: float | None) -> str:
    """A share that may be small: a second digit where one says 0.0."""
    if not share or share >= 0.0005:
        return percent(share)
    return f"{share * 100:.2f} %" if share >= 0.00005 else "less than 0.01 %"


def moved(difference: float | None) -> str:
    """By how much a share may move, whichever way: "2.3 points"."""
    return NONE if difference is None else f"{points(abs(difference)).lstrip('+')} points"


def hours(n: float) -> str:
    """A length of time: "an hour", "72 hours"."""
    return "an hour" if n == 1 else f"{n:,g} hours"


def day(text: str) -> str:
    """A day with its weekday: "Wed 22 Apr 2026"; what is no day stays as it is."""
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return text
    return f"{found:%a} {found.day} {found:%b %Y}"


def length(hours: float) -> str:
    """A length of time in its own unit: "24 minutes", "6 hours", "3.5 days"."""
    if hours < 2:
        return times(round(hours * 60), "minute")
    if hours < LONG:
        return f"{hours:,.0f} hours"
    return f"{hours / DAY:,.1f}".removesuffix(".0") + " days"


def labelled(labels: Mapping[str, str], name: object) -> str:
    """The words for a name of the data: its label, or else the name without underscores."""
    return labels.get(str(name), str(name).replace("_", " "))


def capital(text: str) -> str:
    """Text that begins with a capital, and is else as it stands."""
    return text[:1].upper() + text[1:]


def plural(noun: str) -> str:
    """Several of a thing, as English mostly has it: "drafts", "companies", "boxes"."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun if noun.endswith("s") and not noun.endswith("ss") else f"{noun}es"
    return f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}s"


def plain(text: object) -> str:
    """A name from the data as Markdown that shows it as it is, whatever it holds."""
    return escaped(" ".join(str(text).split()))


def escaped(text: str) -> str:
    """Text as Markdown that shows it as it is, line by line."""
    return SPECIAL.sub(r"\\\g<0>", text.replace("\\", f"\\{NO_FORMULA}"))
