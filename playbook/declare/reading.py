"""YAML into frozen models, strictly: a wrong key or value names file, entry and field."""

from __future__ import annotations

import re
import types
import typing
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from playbook.mistakes import Mistake, listed, nearest
from playbook.periods import duration


class Noun(BaseModel):
    """A declared noun: frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _duration(value: object) -> object:
    if value is not None:
        duration(str(value))
    return value


def _several(value: object) -> object:
    """One name stands for a list of one."""
    return [value] if isinstance(value, str) else value


Duration = Annotated[str, BeforeValidator(_duration)]
Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
N = TypeVar("N", bound=Noun)


class _Loader(yaml.SafeLoader):
    """Safe YAML 1.2 scalars: no `yes`, no `12:30`, no `010`; and no key twice."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|false|False)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|)$", ["~", "n", "N", ""]),
    ("timestamp", r"^\d{4}-\d{2}-\d{2}$", "0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key, deep=True) for key, _value in node.value]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise Mistake(
            f"{node.start_mark.name}, line {node.start_mark.line + 1}: `{twice[0]}` stands twice.",
            f"The keys are: {listed(keys)}.",
            "keep one of them.",
        )
    return {
        key: loader.construct_object(value, deep=True)
        for key, (_k, value) in zip(keys, node.value, strict=True)
    }


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load(path: Path) -> Any:
    """The content of a YAML file, with dates as ISO text."""
    try:
        with path.open(encoding="utf-8") as stream:
            return _plain(yaml.load(stream, Loader=_Loader))  # noqa: S506 (it is a safe loader)
    except FileNotFoundError:
        there = (
            sorted(other.name for other in path.parent.glob("*")) if path.parent.is_dir() else []
        )
        raise Mistake(
            f"There is no file `{path}`.",
            f"The folder has: {listed(there)}.",
            "correct the path, or start from a copy of params/airtouch.",
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise Mistake(
            f"{path.name}{place} is not YAML.",
            f"The parser says: {getattr(error, 'problem', error)}.",
            "look at the indentation and the quotes of that line.",
        ) from None


def read(path: Path, noun: type[N]) -> N:
    """The one `noun` that a file declares; a mapping."""
    return parse(load(path), noun, place=path.name)


def read_list(path: Path, noun: type[N]) -> tuple[N, ...]:
    """The `noun`s that a file lists."""
    entries = load(path)
    if not isinstance(entries, list):
        raise Mistake(
            f"{path.name} is no list.",
            f"It is a {type(entries).__name__}.",
            f"begin each {noun.__name__.lower()} with `- `.",
        )
    return tuple(
        parse(entry, noun, place=f"{path.name}, entry {number}")
        for number, entry in enumerate(entries, 1)
    )


def parse(data: object, noun: type[N], *, place: str) -> N:
    """A noun from plain data; the first wrong field is a mistake that names it."""
    try:
        return noun.model_validate(data)
    except ValidationError as error:
        # An unknown field explains a missing one, so it comes first.
        found = error.errors(include_url=False)
        first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    where, kind = first["loc"], first["type"]
    field = ".".join(str(part) for part in where)
    known = _fields(noun, where[:-1])
    if kind == "extra_forbidden":
        raise Mistake(
            f"{place}: {noun.__name__} has no field `{field}`.",
            f"It has: {listed(known)}.",
            nearest(str(where[-1]), known),
        )
    if kind == "missing":
        given = listed(data) if isinstance(data, dict) else type(data).__name__
        raise Mistake(
            f"{place}: {noun.__name__} lacks `{field}`.", f"It has: {given}.", f"add `{field}:`."
        )
    raise Mistake(
        f"{place}: `{field}: {first['input']}` is wrong." if field else f"{place} is wrong.",
        f"{first['msg'].removeprefix('Value error, ')}.",
        "correct the value; docs of the fields are in playbook/declare.",
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(entry) for key, entry in value.items()}
        case list():
            return [_plain(entry) for entry in value]
        case date():
            return value.isoformat()
        case _:
            return value


def _fields(noun: type[BaseModel], where: tuple) -> list[str]:
    """The fields of the model at a place inside a noun, aliases as the user writes them."""
    model: Any = noun
    for part in where:
        if isinstance(part, str) and isinstance(model, type) and issubclass(model, BaseModel):
            match = [f for n, f in model.model_fields.items() if part in (n, f.alias)]
            model = match[0].annotation if match else model
        model = _model_within(model) or model
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        model = noun
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for argument in typing.get_args(annotation):
        if found := _model_within(argument):
            return found
    return None
