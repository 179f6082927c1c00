"""A product as the text of its files, with the reason of each choice as a comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.adapters.plans.writing import ALONE, comment, scalar
from playbook.beginning.maps import Found, Map
from playbook.beginning.questions import Asked, Guide

HEAD = (
    "Written by `playbook init` from the tables: what it chose stands beside its reason. Yours now."
)


def product_yaml(name: str, found: Found, guide: Guide) -> str:
    """product.yaml: the maps, the roles and the path."""
    lines = [*comment(HEAD, "")]
    for note in found.notes:
        lines += comment(note, "")
    lines.append(f"name: {scalar(name, ALONE)}")
    if found.source:
        lines += comment("What the vendor's tables have everywhere is mapped by its preset.", "")
        lines.append(f"source: {found.source}")
    lines += comment("Which questions play which part of the guide.", "")
    lines.append("roles:")
    lines += [f"  {role}: {id}" for role, id in guide.roles.items()]
    lines += comment("The way to value, as in questions.yaml.", "")
    lines.append(f"path: {_flow(guide.path)}")
    if guide.passive:
        lines += comment("What nobody decides to do: paths pass over it.", "")
        lines.append(f"passive: {_flow(guide.passive)}")
    lines += ["", "tables:"]
    for table in dict.fromkeys(each.to for each in found.maps if each.to != "exports"):
        lines.append(f"  {table}:")
        for each in found.of(table):
            lines += _map_lines(each)
    if exports := found.of("exports"):
        lines += ["", "exports:", *(line for each in exports for line in _map_lines(each))]
    return "\n".join(lines) + "\n"


def questions_yaml(guide: Guide) -> str:
    """questions.yaml: each question with why it is asked so."""
    lines = [*comment("The first questions, as the data suggest them. Ask your own.", "")]
    for asked in guide.questions:
        lines += _question_lines(asked)
    return "\n".join(lines) + "\n"


def run_yaml(product: str, warehouse: str, by: tuple[str, str]) -> str:
    """runs/weekly.yaml: the parameters of a report."""
    column, why = by
    lines = [
        "# Parameters of the weekly report: since, until and as_of may be said, too.",
        f"product: {scalar(product, ALONE)}",
        f"warehouse: {scalar(warehouse, ALONE)}",
    ]
    lines += comment(f"What answers are broken down by: {why}.", "")
    lines.append(f"by: {scalar(column) if column else _quoted('')}")
    return "\n".join(lines) + "\n"


def _map_lines(each: Map) -> list[str]:
    lines = [line for note in each.notes for line in comment(note, "    ")]
    begin = "    - "
    for field, value in each.says.items():
        if field == "columns":
            lines.append(f"{begin}columns:")
            lines += [f"        {scalar(key)}: {_flow(of)}" for key, of in value.items()]
        else:
            lines.append(f"{begin}{field}: {_flow(value)}")
        begin = "      "
    return lines


def _question_lines(asked: Asked) -> list[str]:
    lines = [line for note in asked.notes for line in comment(note, "")]
    begin = "- "
    for field, value in asked.says.items():
        lines.append(f"{begin}{field}: {_flow(value, alone=True)}")
        begin = "  "
    return lines


def _flow(value: Any, *, alone: bool = False) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{scalar(str(key))}: {_flow(of)}" for key, of in value.items())
        return f"{{{inside}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_flow(each) for each in value)}]"
    return scalar(str(value), ALONE) if alone else scalar(str(value))


def _quoted(text: str) -> str:
    return f'"{text}"'
