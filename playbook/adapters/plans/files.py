"""The files of a plan: which ones a path stands for, and what each holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playbook.language.mistakes import Mistake, listed

VERSION = re.compile(r"[0-9]+-[0-9]+-[0-9]+")


def candidates(path: Path) -> list[Path]:
    """The file itself, or the files of a folder that may be schemas."""
    if not path.is_dir():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and (file.suffix.lower() in {".json", ".csv"} or VERSION.fullmatch(file.name))
    ]
    if not found:
        raise Mistake(
            f"The folder `{path}` holds no plan.",
            f"It has: {listed(sorted(file.name for file in path.iterdir()))}.",
            "name a folder of schemas, such as schemas/com.acme/button_click/jsonschema/1-0-0.",
        )
    return found


def content(path: Path, *, csv: bool = False) -> object:
    """What a file holds: parsed where it is JSON, else its text."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        there = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        raise Mistake(
            f"There is no file `{path}`.",
            f"The folder has: {listed(there)}.",
            "correct the path.",
        ) from None
    except UnicodeDecodeError:
        raise Mistake(
            f"`{path.name}` is no text in UTF-8.",
            "It is another encoding, or no text at all.",
            "export the plan as CSV or JSON in UTF-8.",
        ) from None
    except OSError as error:
        raise Mistake(
            f"`{path}` cannot be read.", f"The system says: {error.strerror}.", "name a file."
        ) from None
    if csv or not (text.lstrip()[:1] in {"{", "["} or path.suffix.lower() == ".json"):
        return text
    return _parsed(text, path)


def is_name(name: object) -> bool:
    """Whether it can name an event."""
    return isinstance(name, str) and bool(name.strip())


def mapping(data: object) -> dict[str, Any]:
    """The data, if it is a mapping; else an empty one."""
    return data if isinstance(data, dict) else {}


def mappings(data: object) -> list[dict[str, Any]]:
    """The mappings of a list; none if it is no list."""
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def _parsed(text: str, path: Path) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise Mistake(
            f"`{path.name}` is not JSON.",
            f"The parser says: {said}.",
            "export the plan again; a CSV begins with its header.",
        ) from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
