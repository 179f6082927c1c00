"""The few expressions that engines disagree on, each written once and proved equal on every one.

Everything else in the package is plain Ibis; a lint test refuses the bare forms elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

BUCKETS = 10_000
_HEX = "0123456789abcdef"


def ratio(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.FloatingValue:
    """A true quotient; null where the denominator is 0.

    PostgreSQL, Trino and others divide integers to integers, and Ibis loses its own cast
    after an aggregation: the SQL that it shows is not the SQL that it runs.
    """
    return numerator.cast("float64") / denominator.nullif(0)


def united(tables: Sequence[ir.Table]) -> ir.Table:
    """The rows of all tables, one under another; Ibis makes no union of a single one."""
    return ibis.union(*tables, distinct=False) if len(tables) > 1 else tables[0]


def joined(texts: Sequence[ir.StringValue], separator: str = ":") -> ir.StringValue:
    r"""Several texts as one, which no other texts make; null if one is.

    Engines disagree on what a null does to texts that a function joins.

    A separator within a text is written `\:`, and a backslash twice.
    """
    mark = separator.strip()
    told = [text.replace("\\", "\\\\").replace(mark, f"\\{mark}") for text in texts]
    if len(texts) == 1:
        return texts[0]
    return functools.reduce(lambda sofar, text: sofar + separator + text, told)


def count_if(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """How many rows meet the condition; null counts as no, no rows as 0."""
    return when(condition, 1).count()


def when(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    """The value where the condition holds, else null of the same type."""
    return ibis.cases((condition, value), else_=None)


def seconds(start: ir.TimestampValue, end: ir.TimestampValue) -> ir.IntegerValue:
    """Whole seconds from `start` to `end`, each first cut to its second.

    `delta` counts boundaries, rounds or truncates, depending on the engine.
    """
    return _epoch(end) - _epoch(start)


def within(
    start: ir.TimestampValue, time: ir.TimestampValue, window: ir.IntervalScalar
) -> ir.BooleanValue:
    """Whether `time` lies in the window from `start`; both ends included, null is no."""
    return ((time >= start) & (time <= start + window)).fill_null(False)


def pieces(amount: ir.IntegerValue, size: int) -> ir.IntegerValue:
    """How many pieces of `size` it takes to hold `amount` ≥ 0: the quotient, rounded up."""
    return whole(amount + (size - 1), size)


def whole(amount: ir.IntegerValue, size: int) -> ir.IntegerValue:
    """How many whole pieces of `size` are in `amount` ≥ 0: the quotient, rounded down."""
    return ((amount - amount % size).cast("float64") / size).round(0).cast("int64")


def local_day(
    time: ir.TimestampValue, zone: str, *, first_year: int = 2000, last_year: int = 2040
) -> ir.DateValue:
    """The calendar day of a UTC time in an IANA zone.

    A cast to a zone is silently ignored by most engines, so the zone's offsets become a CASE.
    """
    stretches = offsets(zone, first_year, last_year)
    local = [(end, time + ibis.interval(seconds=offset)) for end, offset in stretches]
    cases, (_end, last) = [(time < end, own) for end, own in local[:-1]], local[-1]
    return (ibis.cases(*cases, else_=last) if cases else last).date()


def shifted(time: ir.TimestampValue, seconds: ir.IntegerValue) -> ir.TimestampValue:
    """The time so many seconds later, or earlier: at most a day.

    Trino has no negative duration that is read from a column.
    """
    return time - ibis.interval(days=1) + (seconds + 86_400).as_interval("s")


def offsets(zone: str, first_year: int, last_year: int) -> list[tuple[datetime, int]]:
    """(UTC end, seconds east of UTC) per stretch of constant offset; the last has no end."""
    found: list[tuple[datetime, int]] = []
    day, end = datetime(first_year, 1, 1), datetime(last_year, 1, 1)
    local = ZoneInfo(zone)
    while day < end:
        offset, next_day = _offset(day, local), day + timedelta(days=1)
        if _offset(next_day, local) != offset:
            minutes = (day + timedelta(minutes=minute) for minute in range(1, 24 * 60 + 1))
            found.append((next(at for at in minutes if _offset(at, local) != offset), offset))
        day = next_day
    return [*found, (end, _offset(end, local))]


def md5(text: ir.StringValue, *, engine: str) -> ir.StringValue:
    """The hex digest of a text's UTF-8 bytes, as `hashlib.md5(...).hexdigest()` gives it."""
    match engine:
        case "clickhouse":
            return _builtin("lower")(_builtin("hex")(_builtin("MD5")(text)))
        case "bigquery":
            return _builtin("to_hex")(_builtin("md5")(text))
        case "trino":
            return _builtin("lower")(_builtin("to_hex")(_builtin("md5")(_builtin("to_utf8")(text))))
        case _:
            return _builtin("md5")(text)


def bucket(text: ir.StringValue, *, engine: str) -> ir.IntegerValue:
    """A number from 0 to 9,999 that depends on the text alone, the same on every engine.

    It is the first seven hex digits of the text's md5, modulo 10,000.
    """
    digest = md5(text, engine=engine)
    if engine == "duckdb":  # it reads hex itself, some twenty times faster
        return ibis.literal("0x").concat(digest.substr(0, 7)).cast("int64") % BUCKETS
    digits = ibis.literal(_HEX)
    number = ibis.literal(0, "int64")
    for place in range(7):
        number = number * 16 + digits.find(digest.substr(place, 1)).cast("int64")
    return number % BUCKETS


def _epoch(time: ir.TimestampValue) -> ir.IntegerValue:
    """Seconds since 1970, whole; some engines keep fractions, others do not."""
    return time.truncate("s").epoch_seconds().cast("int64")


def _offset(time: datetime, zone: ZoneInfo) -> int:
    utc = time.replace(tzinfo=ZoneInfo("UTC"))
    return int(utc.astimezone(zone).utcoffset().total_seconds())


@functools.cache
def _builtin(name: str) -> Callable[[ir.StringValue], ir.StringValue]:
    """An engine's own function from a text to a text."""

    def one(a) -> str: ...

    return ibis.udf.scalar.builtin(one, name=name)
