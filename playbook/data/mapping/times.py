"""Times as products write them: numbers since 1970, texts of any form, clocks of a zone."""

from __future__ import annotations

import functools
import re
from datetime import datetime, timedelta

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.data.tables import TIME
from playbook.declare.mapping import EPOCHS, Clock
from playbook.language.portable import offsets, shifted

UTC = dt.dtype("timestamp('UTC', 6)")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DIGITS = {"%Y": "[0-9]{4}", "%f": "[0-9]{1,6}"}
_WORDS = {"%b": "[A-Za-z]{3}", "%p": "[AaPp][Mm]", "%z": "Z|[+-][0-9]{2}:?[0-9]{2}"}
_ZONED = ":[0-9.]+ ?(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"  # ends a text that names its zone


def can_be_read(kind: dt.DataType, clock: Clock | None) -> bool:
    """Whether values of a type can be times, as they are said to be written."""
    if clock and clock.format in EPOCHS:
        return kind.is_numeric() or kind.is_string()
    if clock and clock.format:
        return kind.is_string() or kind.is_integer()
    zoned = kind.is_timestamp() and kind.timezone
    return kind.is_string() or kind.is_date() or (kind.is_timestamp() and not (clock and zoned))


def time_of(value: ir.Value, clock: Clock | None, *, strict: bool = True) -> ir.TimestampValue:
    """A value as a UTC time; where not `strict`, null instead of a failure.

    In the hour that a zone's clocks go through twice, the first time is meant; in the hour that
    they leave out, none is, and the time is read by the new offset.
    """
    if value.type().is_string():
        value = value.nullif("")
    if clock and clock.format in EPOCHS:
        return _since_1970(value, EPOCHS[clock.format], strict)
    if clock and clock.format:
        value = _iso(value.cast("string"), clock.format)
    if clock and clock.zone:
        return _from_zone(value, clock.zone, strict)
    if value.type().is_string() or (value.type().is_timestamp() and value.type().timezone):
        # A text may name its zone: a direct cast would drop it without a word.
        value = _cast(value, UTC, strict)
    return _cast(value, TIME, strict)


def _cast(value: ir.Value, kind: dt.DataType | str, strict: bool) -> ir.Value:
    return value.cast(kind) if strict else value.try_cast(kind)


def _since_1970(value: ir.Value, size: int, strict: bool) -> ir.TimestampValue:
    if not value.type().is_integer():
        value = (_cast(value, "float64", strict) * size).round(0).cast("int64")
    else:
        value = value.cast("int64") * size
    return ibis.literal(datetime(1970, 1, 1), TIME) + value.as_interval("us")


def _from_zone(value: ir.Value, zone: str, strict: bool) -> ir.TimestampValue:
    """A clock's time in UTC; a text that names its own zone is none of the clock's."""
    if not value.type().is_string():
        return _utc(_cast(value, TIME, strict), zone)
    own = value.re_search(_ZONED)
    told = _cast(_cast(value, UTC, strict), TIME, strict)
    return ibis.ifelse(own, told, _utc(told, zone))


def _utc(local: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    *stretches, (_end, last) = offsets(zone, 2000, 2040)
    cases = [(local < end + timedelta(seconds=east), -east) for end, east in stretches]
    return shifted(local, ibis.cases(*cases, else_=-last) if cases else ibis.literal(-last))


def _iso(text: ir.StringValue, form: str) -> ir.StringValue:
    """A text of a form as ISO writes it; one of another form says that it has none."""
    used, pattern = re.findall("%.", form), _pattern(form)
    text = text.strip()
    part = {each: text.re_extract(pattern, place) for place, each in enumerate(used, 1)}
    year = part["%Y"] if "%Y" in part else ibis.literal("20") + part["%y"]
    day = year + "-" + _month(part) + "-" + part["%d"].lpad(2, "0")
    clock = [_hour(part), *(_two(part, each) for each in ("%M", "%S"))]
    found = day + " " + functools.reduce(lambda sofar, each: sofar + ":" + each, clock)
    if "%f" in part:
        found = found + "." + part["%f"]
    if "%z" in part:
        found = found + part["%z"]
    wrong = ibis.literal(f"not of the form {form}: ") + text
    return ibis.cases((text.re_search(pattern), found), (text.notnull(), wrong), else_=None)


def _pattern(form: str) -> str:
    pieces = re.split("(%.)", form)
    groups = (
        f"({_WORDS.get(piece) or _DIGITS.get(piece, '[0-9]{1,2}')})"
        if piece.startswith("%")
        else re.sub(r"([^\w\s])", r"\\\1", piece)
        for piece in pieces
    )
    return f"^{''.join(groups)}$"


def _month(part: dict[str, ir.StringValue]) -> ir.StringValue:
    if "%m" in part:
        return part["%m"].lpad(2, "0")
    name = part["%b"].lower()
    return ibis.cases(*((name == m, f"{i:02d}") for i, m in enumerate(_MONTHS, 1)), else_="00")


def _hour(part: dict[str, ir.StringValue]) -> ir.StringValue:
    if "%I" not in part:
        return _two(part, "%H")
    hour = part["%I"].lpad(2, "0")
    is_late = part["%p"].lower() == "pm" if "%p" in part else ibis.literal(False)
    late = ibis.cases(*((hour == f"{h:02d}", f"{h + 12}") for h in range(1, 12)), else_=hour)
    return ibis.ifelse(is_late, late, ibis.ifelse(hour == "12", "00", hour))


def _two(part: dict[str, ir.StringValue], each: str) -> ir.Value:
    return part[each].lpad(2, "0") if each in part else ibis.literal("00")
