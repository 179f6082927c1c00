"""An executed notebook as one self-contained page, and a report's index; nothing in them runs."""

from __future__ import annotations

import ast
import base64
import binascii
import functools
import hashlib
import html
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from markupsafe import Markup

from playbook.language.wording import plain
from playbook.report import sections
from playbook.report.pages import safe
from playbook.report.sections import BOTTOM_LINE, PARAMETERS
from playbook.results.sentences import reason_said
from playbook.views import UNASKED

INJECTED = "injected-parameters"
HEADING = re.compile(r'(<h2 id="\w+">)(.*?)</h2>')
EMPTY = {"parameters": None, "parts": (), "code": "", "lead": False}  # a cell as a page has it
FOLDED = ("Appendix", "How the numbers are made")  # sections to look up, and not to read
VEGALITE = ("application/vnd.vegalite.v6+json", "application/vnd.vegalite.v5+json")
TEMPLATES = Path(__file__).with_name("templates")
PNG = b"\x89PNG\r\n\x1a\n"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class _Page:
    """What has been found while a notebook is read, and the addresses of the report's pages."""

    addresses: set[str] = field(default_factory=set)
    contents: list[tuple[str, str]] = field(default_factory=list)
    specs: list[tuple[str, Markup]] = field(default_factory=list)


def page(
    notebook: nbformat.NotebookNode,
    *,
    title: str,
    nav: Sequence[tuple[str, str]],
    status: Mapping[str, Any],
) -> str:
    """An executed notebook as one HTML page that needs no network and runs no code of its own.

    Args:
        notebook: The executed notebook; all of it is untrusted.
        title: The page's title, as in `nav`.
        nav: (address, title) of each page of the report.
        status: `state` (of which "failed" matters) and `reason`.
    """
    found = _Page({href for href, _title in nav})
    kept, untold = sections.shown(notebook.cells), sections.untold(notebook.cells)
    unasked = sections.unasked(notebook.cells)
    cells = _folded(_gathered([_cell_parts(cell, found) for cell in _shown_cells(kept)]))
    scripts = [_bundle(), _template("draw.js")] if found.specs else []
    return _render(
        "page.html",
        scripts,
        title=title,
        nav=nav,
        status=status,
        cells=cells,
        contents=[*found.contents, *_last_heads(unasked, untold)],
        unasked=[safe.markdown(text) for text in unasked],
        untold=[_untold_said(*each) for each in untold.items()],
        specs=found.specs,
        has_heading=any("<h1>" in part for cell in cells for part in cell["parts"]),
    )


def index(report: Mapping[str, Any]) -> str:
    """A report's first page.

    Args:
        report: `product`, `run`, `since`, `until`, `as_of`, `made_at` as text; `stages`: each
            with `slug`, `title`, `state` (ok, partial, blank, failed) and the same `in_words`,
            `reason`, `bottom_line` (a list of Markdown) and `page` (its address, or "");
            `changes`: rows of `label`, `before`, `now`, `change`; `files`: (label, address)
            pairs; and, if it has any, `audiences`: `said`, `heads` and `rows` of `play`,
            `counts`, `note` and `files`.
    """
    stages = [
        {**stage, "said": [safe.markdown(text) for text in stage["bottom_line"]]}
        for stage in report["stages"]
    ]
    return _render("index.html", [], report={"audiences": None, **report, "stages": stages})


def _render(name: str, scripts: list[str], **given: Any) -> str:
    hashes = " ".join(f"'sha256-{_script_hash(script)}'" for script in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name).render(
        policy=policy,
        css=Markup(_template("report.css")),  # noqa: S704 (a file of ours)
        scripts=[Markup(script) for script in scripts],  # noqa: S704 (files of ours)
        **given,
    )


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@functools.cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    # Its top level is full of short names; in a function they stay there.
    return f"(() => {{{vl_convert.javascript_bundle(vl_version='6.4')}}})();"


def _script_hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _shown_cells(cells: Sequence[Any]) -> list[Any]:
    """The cells to show: the injected parameters are told by the declared ones' table."""
    injected = [cell for cell in cells if INJECTED in cell.metadata.get("tags", [])]
    given = {name: value for cell in injected for name, value, _ in _parameters(cell.source)}
    shown = []
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if PARAMETERS in tags:
            rows = _parameters(cell.source)
            cell = nbformat.from_dict({**cell, "table": []})
            cell.table = [(name, given.get(name, value), said) for name, value, said in rows]
        if INJECTED not in tags:
            shown.append(cell)
    return shown


def _parameters(source: str) -> list[tuple[str, str, str]]:
    """(name, value, help) of each `name = literal  # help`."""
    try:
        body, lines = ast.parse(source).body, source.splitlines()
    except SyntaxError:
        return []
    found = []
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(targets[0], ast.Name) and isinstance(value, ast.Constant):
            said = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
            shown = "–" if value.value in (None, "") else str(value.value)
            found.append((targets[0].id, shown, said.strip(" #")))
    return found


def _cell_parts(cell: Any, page: _Page) -> dict[str, Any]:
    """A cell as parts of HTML, each of them safe."""
    shown: dict[str, Any] = {**EMPTY, "parts": [], "parameters": cell.get("table")}
    if cell.cell_type == "markdown":
        shown["parts"] = [_anchored(_markdown_part(cell.source, {}, page), page)]
    elif cell.cell_type == "code" and not shown["parameters"]:
        parts = [part for output in cell.get("outputs", []) if (part := _output_part(output, page))]
        shown |= {"parts": parts, "code": cell.source}
        shown["lead"] = BOTTOM_LINE in cell.metadata.get("tags", []) and bool(parts)
    return shown


def _gathered(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Code of cells that follow one another, folded once after the last of them."""
    for cell, later in itertools.pairwise(cells):
        if cell["code"] and later["code"]:
            later["code"], cell["code"] = f"{cell['code']}\n\n{later['code']}", ""
    return cells


def _last_heads(unasked: Sequence[str], untold: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The headings at the end of a page, for its contents."""
    ends = [("not-asked", "Not asked", unasked), ("not-available", "Not available", untold)]
    return [(anchor, head) for anchor, head, found in ends if found]


def _untold_said(why: str, heads: Sequence[str]) -> Markup:
    """Why sections are not told, and which."""
    names = " ".join(f"*{plain(head)}*" for head in heads)
    return safe.markdown(f"{reason_said(why)} So it is not told: {names}")


def _folded(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells of which sections that few read stay folded under their heading, until one opens it."""
    is_open = False
    for cell in cells:
        head = HEADING.match(cell["parts"][0]) if cell["parts"] and not cell["code"] else None
        cell |= {"closes": is_open and head is not None, "summary": ""}
        if head:
            is_open = head[2].startswith(FOLDED)
        if head and is_open:
            text = cell["parts"][0]
            cell["summary"], cell["parts"][0] = text[: head.end()], text[head.end() :]
    return [*cells, {**EMPTY, "closes": is_open, "summary": ""}]


def _anchored(text: Markup, page: _Page) -> Markup:
    """Headings of the second level get an anchor, and a line in the table of contents."""

    def anchor(match: re.Match[str]) -> str:
        name = f"s{len(page.contents) + 1}"
        page.contents.append((name, html.unescape(re.sub(r"<[^>]*>", "", match[1]))))
        return f'<h2 id="{name}">{match[1]}</h2>'

    return Markup(re.sub(r"(?s)<h2>(.*?)</h2>", anchor, text))  # noqa: S704 (was cleaned)


def _output_part(output: Any, page: _Page) -> Markup | None:
    """An output by the richest of the types that are allowed; the others are dropped."""
    if output.output_type == "error":
        said = ANSI.sub("", f"{output.ename}: {output.evalue}")
        return Markup('<pre class="failed">{}</pre>').format(said)
    if output.output_type == "stream":
        shown = _one_text(output.text) if output.name == "stdout" else ""
        return Markup("<pre>{}</pre>").format(shown) if shown.strip() else None
    data = output.get("data", {})
    if UNASKED in data:
        return None  # it stands at the end of the page
    for mime, show in _SHOWN.items():
        if mime in data and (part := show(data[mime], data, page)):
            return part
    return None


def _chart_part(spec: Any, _data: Mapping[str, Any], page: _Page) -> Markup | None:
    """A place for a chart; its data stand at the end of the page, where no tag can end them."""
    if not isinstance(spec, dict) or _points_outside(spec):
        return None
    # `usermeta` could change how the chart is embedded.
    own = {key: value for key, value in spec.items() if key != "usermeta"}
    try:
        text = json.dumps(own, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return None
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    name = f"c{len(page.specs) + 1}"
    page.specs.append((name, Markup(text)))  # noqa: S704 (no markup is left in it)
    return Markup('<figure><div data-chart="{}"></div></figure>').format(name)


def _points_outside(spec: Any) -> bool:
    """Whether a chart names an address."""
    if isinstance(spec, dict):
        return any(k in {"url", "href"} or _points_outside(v) for k, v in spec.items())
    return isinstance(spec, list) and any(_points_outside(item) for item in spec)


def _html_part(value: Any, _data: Mapping[str, Any], _page: _Page) -> Markup:
    return safe.clean(_one_text(value))


def _picture_part(value: Any, data: Mapping[str, Any], _page: _Page) -> Markup | None:
    try:
        picture = base64.b64decode(_one_text(value))
    except (binascii.Error, ValueError):
        return None
    if not picture.startswith(PNG):
        return None
    src = "data:image/png;base64," + base64.b64encode(picture).decode()
    alt = _one_text(data.get("text/plain", ""))
    return Markup('<figure><img src="{}" alt="{}"></figure>').format(src, alt)


def _markdown_part(value: Any, _data: Mapping[str, Any], page: _Page) -> Markup:
    """Markdown in which links to the report's notebooks lead to their pages."""

    def link(match: re.Match[str]) -> str:
        address = f"{match[1]}.html"
        return f'<a href="{address}">{match[2]}</a>' if address in page.addresses else match[2]

    text = safe.markdown(_one_text(value))
    linked = re.sub(r'(?s)<a href="([\w.-]+)\.ipynb">(.*?)</a>', link, text)
    return Markup(linked)  # noqa: S704 (was cleaned)


def _text_part(value: Any, _data: Mapping[str, Any], _page: _Page) -> Markup | None:
    shown = _one_text(value)
    return Markup("<pre>{}</pre>").format(shown) if shown.strip() else None


_SHOWN = {
    **dict.fromkeys(VEGALITE, _chart_part),
    "text/html": _html_part,
    "image/png": _picture_part,
    "text/markdown": _markdown_part,
    "text/plain": _text_part,
}


def _one_text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
