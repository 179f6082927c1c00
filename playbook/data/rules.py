"""What the tracking plan asks of the values of a property: that they fit its type, and rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from playbook.declare import DataPoint, Property
from playbook.language.portable import when

MISFIT = "_misfit"  # ends the column that marks texts which the planned type cannot hold
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

# Texts that fit a planned type, so that every engine casts them: few can try a cast.
YES, NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_LEAP_YEAR = "([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)"
_MONTH_DAY = (
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_DAY = f"([12][0-9]{{3}}-{_MONTH_DAY}|{_LEAP_YEAR}-02-29)"
_ZONE = "(Z| ?UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_CLOCK = f"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{{1,9}})?{_ZONE}?)?"
_FITS = {
    dt.Int64: "^[+-]?[0-9]{1,18}([.]0*)?$",  # 12.0 is whole; a 19th digit may leave the 64 bits
    dt.Float64: "^[+-]?([0-9]{1,100}([.][0-9]{0,100})?|[.][0-9]{1,100})([eE][+-]?[0-9]{1,2})?$",
    dt.Timestamp: f"^{_DAY}([T ]{_CLOCK})?$",
}


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of a property, whichever event carries it.

    Attributes:
        property: The column of `events`.
        kind: `required`, `type`, `values`, `pattern` or `range`.
        expects: What must hold, in words.
        spec: The property as it is planned.
    """

    property: str
    kind: str
    expects: str
    spec: Property

    @property
    def key(self) -> tuple:
        """The same for rules that ask the same: they are counted once."""
        # One text of the values would be the same for "a, b" and for "a" and "b".
        values = self.spec.values if self.kind == "values" else ()
        return self.property, self.kind, self.expects, values

    def broken(self, events: ir.Table) -> ir.BooleanValue:
        """Whether a row breaks the rule; a missing value breaks `required` alone."""
        spec, value = self.spec, events[self.property]
        match self.kind:
            case "required":
                marked = self.property + MISFIT
                absent = value.isnull()
                if marked in events.columns:
                    return absent & ~events[marked].fill_null(False)
                return absent
            case "type":
                return events[self.property + MISFIT].fill_null(False)
            case "values":
                return value.notnull() & ~_is_planned(value, spec.values)
            case "pattern":
                return value.notnull() & ~value.re_search(spec.pattern)
        least = ibis.literal(False) if spec.least is None else value < spec.least
        most = ibis.literal(False) if spec.most is None else value > spec.most
        return (least | most).fill_null(False)


def property_rules(point: DataPoint, columns: Sequence[str]) -> Iterator[Rule]:
    """The rules of a data point's properties that can be checked on these columns."""
    for name, spec in point.properties.items():
        if name not in columns:
            continue
        if spec.required:
            yield Rule(name, "required", "it is there", spec)
        if name + MISFIT in columns:
            yield Rule(name, "type", f"{spec.type}", spec)
        if spec.values:
            yield Rule(name, "values", f"one of {', '.join(spec.values)}", spec)
        if spec.pattern:
            yield Rule(name, "pattern", f"like {spec.pattern}", spec)
        if spec.least is not None or spec.most is not None:
            least = "" if spec.least is None else f"at least {spec.least:.15g}"
            most = "" if spec.most is None else f"at most {spec.most:.15g}"
            yield Rule(name, "range", " and ".join(filter(None, [least, most])), spec)


def distinct_rules(plan: Sequence[DataPoint], columns: Sequence[str]) -> dict[tuple, Rule]:
    """Every rule of the plan once, by its key."""
    found = (rule for point in plan for rule in property_rules(point, columns))
    return {rule.key: rule for rule in found}


def fitted_value(value: ir.Value, wanted: dt.DataType) -> tuple[ir.Value, ir.BooleanValue | None]:
    """A value that is null where it is none of its type, and whether it fits; null and "" do."""
    kind = value.type()
    if kind.is_string() and wanted.is_boolean():
        word = value.strip().lower()
        known = word.isin([*YES, *NO])
        return when(known, word.isin(YES)), _or_empty(known, value)
    if kind.is_string() and type(wanted) in _FITS:
        text = value.strip()
        fits = text.re_search(_FITS[type(wanted)])
        whole = text.re_replace("[.]0*$", "") if wanted.is_integer() else text
        return when(fits, whole), _or_empty(fits, value)
    if (kind.is_floating() or kind.is_decimal()) and wanted.is_integer():
        # Guarded twice: a number beyond 64 bits, or none, must not reach the cast in `floor`.
        small = when(value.abs() < 9e18, value)
        fits = (small == small.floor()).fill_null(False)
        return when(fits, small.floor()), fits | value.isnull()
    return value, None


def _or_empty(fits: ir.BooleanValue, text: ir.StringValue) -> ir.BooleanValue:
    return fits.fill_null(False) | text.isnull() | (text == "")


def _is_planned(value: ir.Value, texts: Sequence[str]) -> ir.BooleanValue:
    """Whether a value is one of those that the plan writes as text."""
    if not value.type().is_floating():
        return value.cast("string").isin(list(texts))
    # Engines write 1.0 differently: numbers meet numbers.
    return value.isin([float(text) for text in texts if _NUMBER.fullmatch(text)])
