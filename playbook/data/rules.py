"""What the tracking plan asks of the values of a property, as conditions on rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from playbook.declare import DataPoint, Property

MISFIT = "_misfit"  # ends the column that marks texts which the planned type cannot hold
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


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
    def key(self) -> str:
        """The same for rules that ask the same: they are counted once."""
        return f"{self.property}|{self.kind}|{self.expects}"

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
                return value.notnull() & ~_among(value, spec.values)
            case "pattern":
                return value.notnull() & ~value.re_search(spec.pattern)
        least = ibis.literal(False) if spec.least is None else value < spec.least
        most = ibis.literal(False) if spec.most is None else value > spec.most
        return (least | most).fill_null(False)


def rules(point: DataPoint, columns: Sequence[str]) -> Iterator[Rule]:
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


def distinct(plan: Sequence[DataPoint], columns: Sequence[str]) -> dict[str, Rule]:
    """Every rule of the plan once, by its key."""
    found = (rule for point in plan for rule in rules(point, columns))
    return {rule.key: rule for rule in found}


def _among(value: ir.Value, texts: Sequence[str]) -> ir.BooleanValue:
    """Whether a value is one of those that the plan writes as text."""
    if not value.type().is_floating():
        return value.cast("string").isin(list(texts))
    # Engines write 1.0 differently: numbers meet numbers.
    return value.isin([float(text) for text in texts if _NUMBER.fullmatch(text)])
