"""A plan as it was read or inferred: data points, and what is said beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from playbook.data.tables import COLUMNS
from playbook.declare import DataPoint, Property
from playbook.language.mistakes import listed

NUMBERS = {"int64", "float64"}


@dataclass(frozen=True)
class Lost:
    """A rule of the other tool that our plan cannot hold.

    Attributes:
        kind: What kind of rule, for the summary: "nested object", "maxLength" …
        says: The rule, as people read it.
        property: The property that it is about; "": the whole event, or the whole plan.
    """

    kind: str
    says: str
    property: str = ""


@dataclass(frozen=True)
class Entry:
    """A data point, with what is said in comments.

    Attributes:
        point: The data point.
        lost: The rules of it that could not be kept.
        notes: What else is said about it.
        beside: Property → what else is said about that.
        version: Its version in the other tool; of two, the higher one counts.
    """

    point: DataPoint
    lost: tuple[Lost, ...] = ()
    notes: tuple[str, ...] = ()
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Entries in their order, and rules lost that belong to none of them."""

    entries: tuple[Entry, ...]
    lost: tuple[Lost, ...] = ()

    @property
    def kinds(self) -> str:
        """The kinds of rules that could not be kept, and how many of each; most first."""
        every = [*self.lost, *(lost for entry in self.entries for lost in entry.lost)]
        counted = Counter(lost.kind for lost in every).most_common()
        return ", ".join(f"{kind} ({n})" if n > 1 else kind for kind, n in counted)

    @property
    def summary(self) -> str:
        """How many data points there are, and how many rules could not be kept."""
        points, rules = len(self.entries), len(self.lost) + sum(len(e.lost) for e in self.entries)
        said = f"{points:,} data point" + ("" if points == 1 else "s")
        if not rules:
            return f"{said}; every rule is kept."
        return f"{said}; {rules:,} rule{'' if rules == 1 else 's'} could not be kept: {self.kinds}."


def settled_plan(plan: Plan) -> Plan:
    """The plan that our declarations accept: each event once, each property of one type."""
    return _of_one_type(_each_once(plan))


def _each_once(plan: Plan) -> Plan:
    """Of entries of the same event, the newest version, or else the first."""
    kept: dict[str, Entry] = {}
    lost = list(plan.lost)
    for entry in plan.entries:
        name = entry.point.event
        if (other := kept.setdefault(name, entry)) is entry:
            continue
        newer, older = (entry, other) if entry.version > other.version else (other, entry)
        if newer.version > older.version:
            note = f"version {_dotted(older)} is left out: {_dotted(newer)} is newer."
            newer = replace(newer, notes=(*newer.notes, note))
        else:
            lost.append(Lost("event again", f"`{name}` stands there again; the first one is kept"))
        kept[name] = newer
    return Plan(tuple(kept.values()), tuple(lost))


def _dotted(entry: Entry) -> str:
    return "-".join(map(str, entry.version))


def _of_one_type(plan: Plan) -> Plan:
    """A property is one column of `events`: where it has several types, it falls back to text."""
    types: dict[str, dict[str, str]] = {}
    for entry in plan.entries:
        for name, spec in entry.point.properties.items():
            types.setdefault(name, {}).setdefault(spec.type, entry.point.event)
    wanted = {name: _common(name, found) for name, found in types.items()}
    said: set[str] = set()
    return replace(
        plan, entries=tuple(_retyped(entry, types, wanted, said) for entry in plan.entries)
    )


def _common(name: str, types: Mapping[str, str]) -> str:
    if name in COLUMNS["events"]:
        return COLUMNS["events"][name].type.partition("(")[0]
    if len(types) == 1:
        return next(iter(types))
    return "float64" if set(types) == NUMBERS else "string"


def _retyped(
    entry: Entry,
    types: Mapping[str, Mapping[str, str]],
    wanted: Mapping[str, str],
    said: set[str],
) -> Entry:
    """The entry with the types that all entries agree on; the loss is counted once a property."""
    properties = dict(entry.point.properties)
    lost, beside = list(entry.lost), dict(entry.beside)
    for name, spec in properties.items():
        if set(types[name]) == {wanted[name]}:
            continue
        why = _why_retyped(name, types[name], wanted[name])
        properties[name] = as_type(spec, wanted[name])
        lost += [
            Lost("limit of a number", f"{limit} {bound:g}", name)
            for limit, bound in (("at least", spec.least), ("at most", spec.most))
            if bound is not None and properties[name].least is None
        ]
        if name not in said:
            said.add(name)
            lost.append(Lost("type that differs between events", why, name))
        else:
            beside[name] = (*beside.get(name, ()), why)
    point = entry.point.model_copy(update={"properties": properties})
    return replace(entry, point=point, lost=tuple(lost), beside=beside)


def as_type(spec: Property, type_: str) -> Property:
    """The property with another type, and without the rules that such a type cannot have."""
    fields = spec.model_dump(exclude_defaults=True) | {"type": type_}
    if type_ != "string":
        fields.pop("pattern", None)
    if type_ not in NUMBERS:
        fields.pop("least", None), fields.pop("most", None)
    return Property(**fields)


def _why_retyped(name: str, types: Mapping[str, str], wanted: str) -> str:
    if name in COLUMNS["events"]:
        return f"planned as {listed(types)}, but `{name}` is a column of every event: {wanted}"
    found = listed(f"{type_} in `{event}`" for type_, event in types.items())
    return f"its type differs: {found}; a property has one type, so it is kept as {wanted}"
