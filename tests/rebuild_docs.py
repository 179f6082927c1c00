"""Writes what the pages of `docs/` say of the code, from the code: `python -m tests.rebuild_docs`.

A page is prose by hand. Where it says `<!-- made of: … -->`, what follows, up to `<!-- end -->`,
is made of the models, the parser and the functions themselves; a test compares it.
"""

from __future__ import annotations

import argparse
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import playbook as pb
from playbook import __main__ as command_line
from playbook.data.engines import ALIASES, BUCKETS, CLOUD, EXTRAS
from playbook.data.mapping.presets import PRESETS
from playbook.data.tables import COLUMNS
from playbook.declare import experiment, mapping, play, reading, sending, shape
from playbook.declare.preset import Preset
from playbook.declare.question import MEASURES
from playbook.declare.roles import PARTS, Roles
from playbook.findings import SENTENCES

DOCS = Path(__file__).parents[1] / "docs"
MADE = re.compile(r"(<!-- made of: (.+?) -->\n)(.*?)(<!-- end -->)", re.S)
ENTRY = re.compile(r"^ {4}(\w[\w, ]*): (.*)$")
# What a type of a declaration is, in words; a type that is not here is told by its parts.
WORDS = [
    (reading.Names, "a name, or a list of them"),
    (reading.Duration, "a length of time, such as `24h`"),
    (reading.Identifier, "a name of letters, digits, `_`, `.`, `-`"),
    (mapping.Tables, "a table or pattern, or a list of them"),
    (mapping.Clock, "[a form](#clock)"),
    (mapping.FirstOf, "[the first of several](#firstof)"),
    (mapping.Value, "a value"),
    (play.Share, "a share, from 0 and below 1"),
    (play.Day, "a day, such as `2026-01-31`"),
    (play.Split, "arm → share"),
    (experiment.Difference, "a difference of shares, from -1 to 1"),
    (sending.Zone, "a time zone, such as `Europe/Berlin`"),
    (sending.Clock, "a time of day, such as `08:00`"),
    (sending.Within, "a length of time, `day` or `week`"),
    (shape.Value, "[a value](#cell)"),
    (shape.Word, "a word, or [a value](#cell)"),
    (shape.Where, "column → its texts"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a number"),
    (bool, "`true` or `false`"),
    (Any, "as below"),
]
SAID_ONCE = ("help", "quiet", "verbose")  # of the command line: every command has them


def rebuilt() -> dict[Path, str]:
    """Each page with what is made of the code made again, and links to where nouns stand."""

    def made(found: re.Match) -> str:
        maker, *arguments = found[2].split()
        return f"{found[1]}{MAKERS[maker](*arguments).strip()}\n{found[4]}"

    pages = {page: MADE.sub(made, page.read_text("utf-8")) for page in sorted(DOCS.glob("*.md"))}
    places = {anchor: page for page, text in pages.items() for anchor in anchors(text)}

    def linked(found: re.Match, page: Path) -> str:
        return f"]({'' if found[1] in anchors(pages[page]) else places[found[1]].name}#{found[1]})"

    return {
        page: re.sub(r"\]\(#([\w-]+)\)", lambda found, page=page: linked(found, page), text)
        for page, text in pages.items()
    }


def anchors(text: str) -> set[str]:
    """What a page's headings can be linked to by."""
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


def noun(path: str, *without: str) -> str:
    """Each field of a model: what it says, what it may be, and what it is unless given."""
    module, _dot, name = path.rpartition(".")
    model = getattr(import_module(f"playbook.declare.{module}"), name)
    says, hints = attributes(model), typing.get_type_hints(model, include_extras=True)
    rows = [
        (f"`{field}`", says.get(field, ""), in_words(hints[field]), _unless_given(info))
        for field, info in model.model_fields.items()
        if field not in {"slug", *without}
    ]
    return table(("field", "what it says", "it is", "unless given"), rows)


def attributes(model: type[BaseModel]) -> dict[str, str]:
    """What the docstrings of a model and of those it is made of say of each field."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        _head, _word, section = (inspect.getdoc(one) or "").partition("Attributes:\n")
        names: list[str] = []
        for line in section.splitlines():
            if entry := ENTRY.match(line):
                names = entry[1].split(", ")
                found |= dict.fromkeys(names, entry[2])
            elif not line.strip():
                break
            else:
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def in_words(hint: Any) -> str:
    """A type as whoever writes YAML reads it."""
    if known := next((words for kind, words in WORDS if kind == hint), ""):
        return known
    parts = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Annotated:
            return in_words(parts[0])
        case typing.Literal:
            return " or ".join(f"`{part}`" for part in parts if part != "")
        case typing.Union | types.UnionType:
            said = [in_words(part) for part in parts if part is not type(None)]
            return " or ".join(dict.fromkeys(filter(None, said)))
        case origin if origin is tuple:
            return f"a list: {in_words(parts[0])}"
        case origin if origin is dict:
            return f"{in_words(parts[0])} → {in_words(parts[1])}"
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def tables(*names: str) -> str:
    """Canonical tables: their columns, types and meanings."""
    return "\n\n".join(
        f"### `{name}`\n\n"
        + table(
            ("column", "type", "what it is"),
            [
                (f"`{column}`", spec.type, f"{spec.means}{' (**needed**)' * spec.required}")
                for column, spec in COLUMNS[name].items()
            ],
        )
        for name in names or COLUMNS
    )


def measures() -> str:
    """What each measure must and may be told."""
    rows = [
        (f"`{name}`", _coded(sorted(measure.must)), _coded(sorted(measure.may)))
        for name, measure in MEASURES.items()
    ]
    return table(("measure", "it needs", "it may say"), rows)


def roles() -> str:
    """The parts of the guide, what plays them, and what is told where somebody does."""
    says = attributes(Roles)
    rows = [(f"`{name}`", says[name], part.asked, part.tells) for name, part in PARTS.items()]
    return table(("role", "what it is", "it is played by", "what is told then"), rows)


def presets() -> str:
    """What each preset's file says at its head, and which canonical columns it gives."""
    found = []
    for path in sorted(PRESETS.glob("*.yaml")):
        preset = reading.read_one(path, Preset)
        lines = path.read_text("utf-8").splitlines()
        head = [line[2:] for line in lines[: lines.index(f"name: {preset.name}")] if line[0] == "#"]
        given = [
            (f"`{name}`", f"`{each.called}`", _coded(each.named))
            for name, maps in preset.tables.items()
            for each in maps
        ]
        text = "\n".join(line if line[:1] == " " else line.replace("<", "\\<") for line in head)
        found.append(f"### `{path.stem}`\n\n{text}\n\n")
        found[-1] += table(("canonical table", "of their table", "columns that it gives"), given)
    return "\n\n".join(found)


def functions(room: str) -> str:
    """The public functions of a room, and the first line of what each says."""
    inside, before = (pb, "pb.") if room == "pb" else (getattr(pb, room), f"pb.{room}.")
    names = {
        "charts": ["of", "has"],
        "findings": ["of", "headline", "answers", "together", *SENTENCES],
        "listings": ["table", "sql", "definition"],
    }.get(room) or inside.__all__
    rows = []
    for name in sorted(names):
        each = (
            SENTENCES[name] if room == "findings" and name in SENTENCES else getattr(inside, name)
        )
        if callable(each):
            first = (inspect.getdoc(each) or "").partition("\n\n")[0].replace("\n", " ")
            told = "result, words" if each in SENTENCES.values() else _signature(each)
            rows.append((f"`{before}{name}({told})`", first))
    return table(("function", "what it gives"), rows)


def commands() -> str:
    """Every command with its arguments, as the parser knows them."""
    return "\n\n".join(_commands(command_line.parser(), "playbook"))


def engines() -> str:
    """How a URL begins, and what it needs."""
    rows = [(f"`{each}:NAME`", "DuckDB's extension `motherduck`") for each in CLOUD]
    rows += [(f"`{each}://…`", "DuckDB's extension `httpfs`") for each in BUCKETS]
    rows += [(f"`{each}://…`", f"`pip install 'growth-playbook[{each}]'`") for each in EXTRAS]
    rows += [(f"`{each}://…`", f"the same as `{engine}://…`") for each, engine in ALIASES.items()]
    return table(("a URL begins with", "and needs"), rows)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown; a bar in a cell parts nothing."""
    cells = [head, ("---",) * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in cells
    )


def _unless_given(info: Any) -> str:
    if info.is_required():
        return "**needed**"
    default = info.get_default(call_default_factory=True)
    if default is None or default in ("", (), {}) or isinstance(default, BaseModel):
        return ""
    if isinstance(default, tuple):
        return _coded(default) if default != ("",) else ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _coded(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _signature(function: Callable) -> str:
    if inspect.isclass(function):
        return "…"
    parts = [
        part.replace(annotation=inspect.Parameter.empty)
        for part in inspect.signature(function).parameters.values()
    ]
    return str(inspect.Signature(parts))[1:-1].replace("'", '"')


def _commands(parser: argparse.ArgumentParser, called: str) -> Iterator[str]:
    inner = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    everywhere = SAID_ONCE if " " in called else ()
    rows = [
        (_option(each), _help(each))
        for each in parser._actions
        if each not in inner and each.dest not in everywhere
    ]
    example = (parser.epilog or "").removeprefix("example: ")
    shown = f"\n\n```sh\n{example}\n```" if example else ""
    told = table(("argument", "what it says"), rows) if rows else ""
    yield f"### `{called}`\n\n{_sentence(parser.description)}{shown}\n\n{told}".strip()
    for action in inner:
        for name, each in action.choices.items():
            yield from _commands(each, f"{called} {name}")


def _option(action: argparse.Action) -> str:
    names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{action.dest}`"
    needed = action.required and action.nargs != "?" and bool(action.option_strings)
    choices = f" {' or '.join(action.choices)}" if action.choices else ""
    return f"{names}{choices}{' (**needed**)' * needed}"


def _help(action: argparse.Action) -> str:
    told = action.default not in (None, False, "", argparse.SUPPRESS)
    return f"{action.help}{f' (`{action.default}`, unless given)' * told}"


def _sentence(text: str | None) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


MAKERS: dict[str, Callable[..., str]] = {
    each.__name__: each
    for each in (noun, tables, measures, roles, presets, functions, commands, engines)
}


if __name__ == "__main__":
    for page, text in rebuilt().items():
        page.write_text(text, "utf-8")
        print(f"{page.name}: {len(text):,} characters")
