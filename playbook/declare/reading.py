"""YAML into frozen models, strictly: a wrong key or value names file, entry and field."""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from playbook.language.mistakes import Mistake, listed, nearest
from playbook.language.periods import duration


class Noun(BaseModel):
    """A declared noun: frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def identifier(name: str) -> str:
    """The name, if files and figures can be called so."""
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(
            f"`{name}` names files and figures: only letters, digits, `_`, `.` and `-`, "
            "and the first is a letter or digit"
        )
    return name


def _duration(value: object) -> object:
    if value is not None:
        try:
            duration(str(value))
        except Mistake as mistake:
            raise ValueError(mistake.there.removesuffix(".")) from mistake
    return value


def _listed_name(value: object) -> object:
    """One name stands for a list of one."""
    return [value] if isinstance(value, str) else value


_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Duration = Annotated[str, BeforeValidator(_duration)]
Identifier = Annotated[str, AfterValidator(identifier)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed_name)]
N = TypeVar("N", bound=Noun)
SLUG = "slug"  # a noun's own name: its file's, and never a field of the file


class _Loader(yaml.SafeLoader):
    """Safe YAML 1.2 scalars: no `yes`, no `12:30`, no `010`, no dates; and no key twice."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|false|False)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?)$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key, deep=True) for key, _value in node.value]
    for place, key in enumerate(keys):
        mark = node.value[place][0].start_mark
        if isinstance(key, list | dict):
            raise yaml.constructor.ConstructorError(problem="a key is one word", problem_mark=mark)
        if key in keys[:place]:
            raise Mistake(
                f"{Path(mark.name).name}, line {mark.line + 1}: `{key}` stands twice.",
                f"The keys are: {listed(keys)}.",
                "keep one of them.",
            )
    return {
        key: loader.construct_object(value, deep=True)
        for key, (_k, value) in zip(keys, node.value, strict=True)
    }


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; a date is the text that stands there."""
    try:
        with path.open(encoding="utf-8") as stream:
            return yaml.load(stream, Loader=_Loader)  # noqa: S506 (it is a safe loader)
    except FileNotFoundError:
        there = (
            sorted(other.name for other in path.parent.glob("*")) if path.parent.is_dir() else []
        )
        raise Mistake(
            f"There is no file `{path}`.",
            f"The folder has: {listed(there)}.",
            "correct the path, or start from a copy of params/airtouch.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise Mistake(
            f"{path.name}{place} is not YAML.",
            f"The parser says: {getattr(error, 'problem', None) or error}.",
            "look at the indentation and the quotes of that line.",
        ) from None


def read_text(text: str, place: str) -> Any:
    """The content of a piece of YAML that stands in a place, such as an option."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a safe loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise Mistake(
            f"{place} is not YAML.",
            f"It is `{text}`; the parser says: {getattr(error, 'problem', None) or error}.",
            "write a plain value, or in quotes a mapping such as '{plan: pro}'.",
        ) from None


def read_one(path: Path, noun: type[N]) -> N:
    """The one `noun` that a file declares; a mapping."""
    return parse(read_yaml(path), noun, place=path.name)


def read_list(path: Path, noun: type[N]) -> tuple[N, ...]:
    """The `noun`s that a file lists."""
    entries = read_yaml(path)
    if not isinstance(entries, list):
        raise Mistake(
            f"{path.name} is no list.",
            f"It is {_yaml_kind(entries)}.",
            f"begin each {noun.__name__.lower()} with `- `.",
        )
    return tuple(
        parse(entry, noun, place=f"{path.name}, entry {number}")
        for number, entry in enumerate(entries, 1)
    )


def parse(data: object, noun: type[N], *, place: str) -> N:
    """A noun from plain data; the first wrong field is a mistake that names it."""
    if not isinstance(data, dict):
        raise Mistake(
            f"{place} is no {noun.__name__.lower()}.",
            f"It is {_yaml_kind(data)}.",
            f"write `field: value` lines; the fields are {listed(_field_names(noun))}.",
        )
    if SLUG in data:
        raise _unknown_field(noun, (SLUG,), place)
    try:
        return noun.model_validate(data)
    except ValidationError as error:
        # An unknown field explains a missing one, so it comes first.
        found = error.errors(include_url=False)
        first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    if first["type"] == "extra_forbidden":
        raise _unknown_field(noun, first["loc"], place)
    field, there = _path(first["loc"]), first["input"]
    if first["type"] == "missing":
        raise Mistake(
            f"{place}: {noun.__name__} lacks `{field}`.",
            f"It has: {listed(there)}."
            if isinstance(there, dict)
            else f"It is {_yaml_kind(there)}.",
            f"add `{field}:`.",
        )
    cause = getattr(first.get("ctx", {}).get("error"), "__cause__", None)
    shown = _yaml_kind(there) if isinstance(there, dict | list) else there
    raise Mistake(
        f"{place}: `{field}: {shown}` is wrong." if field else f"{place} is wrong.",
        f"{first['msg'].removeprefix('Value error, ')}.",
        cause.hint
        if isinstance(cause, Mistake)
        else "correct the value; docs/fields.md says which page explains it.",
    )


def _unknown_field(noun: type[BaseModel], where: Sequence[str | int], place: str) -> Mistake:
    known = _field_names(noun, where[:-1])
    return Mistake(
        f"{place}: {noun.__name__} has no field `{_path(where)}`.",
        f"It has: {listed(known)}.",
        nearest(str(where[-1]), known),
    )


def _path(where: Sequence[str | int]) -> str:
    """A place inside a noun as people write it: `tables.events[0].columns`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).removeprefix(".")


def _yaml_kind(data: object) -> str:
    """What a piece of YAML is, in words."""
    match data:
        case None:
            return "empty"
        case dict():
            return f"a mapping of {listed(data)}"
        case list():
            return f"a list of {len(data)}"
        case _:
            return f"`{data}`"


def _field_names(noun: type[BaseModel], where: Sequence[str | int] = ()) -> list[str]:
    """The fields of the model at a place inside a noun, as far as files may hold them."""
    inner: Any = noun
    for part in where:
        if fields := getattr(inner, "model_fields", None):
            inner = fields[part].annotation
        else:
            # Of `dict[str, model]` the last argument, of `tuple[model, ...]` the first.
            arguments = typing.get_args(inner)
            inner = arguments[0 if isinstance(part, int) else -1]
    return [name for name in inner.model_fields if name != SLUG]
