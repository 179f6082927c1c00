"""Numbers as people read them, the same in charts, sentences and tables."""

from __future__ import annotations

MINUS, NONE = "\u2212", "–"


def count(n: float | None) -> str:
    """A count: "1,234"."""
    return NONE if n is None else f"{n:,.0f}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """A share: "38.2 %"."""
    return NONE if share is None else f"{share * 100:.1f} %".replace("-", MINUS)


def points(difference: float | None) -> str:
    """A difference of shares in percentage points: "+3.1"; a second digit where one says 0.0."""
    if difference is None:
        return NONE
    value = difference * 100
    digits = 1 if abs(value) >= 0.05 else 2
    return (f"{value:+.{digits}f}" if round(value, 2) else "0.0").replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """An interval of shares: "36.9 to 39.6 %"."""
    return NONE if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f} %"


def too_few(n: int | None) -> str:
    """What stands in the place of a value that rests on too few."""
    return f"too few to say (n = {count(n or 0)})"
