"""Markdown and HTML that nobody vouches for, as HTML in which nothing runs and nothing loads."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import mistune
import nh3
from markupsafe import Markup

# What HTML of notebooks may keep: text and tables. No addresses but links, no styles, no ids.
TEXT = {"a", "b", "blockquote", "br", "code", "del", "em", "hr", "i", "p", "pre", "small"}
TEXT |= {"h1", "h2", "h3", "h4", "li", "ol", "strong", "sub", "sup", "ul"}
TABLE = {"table", "tbody", "td", "tfoot", "th", "thead", "tr"}
SPANS = {"colspan", "rowspan"}
ATTRIBUTES = {"*": {"class"}, "a": {"href"}, "td": SPANS, "th": SPANS}
CLASSES = {"note", "number"}
DROPPED = {"iframe", "math", "script", "style", "svg", "template", "title"}  # with what is inside
NUMBER = re.compile(r"[-+\u2212]?[\d,.]+( %)?|–")


def markdown(text: str) -> Markup:
    """Markdown as HTML; HTML inside it is shown as text."""
    return clean(mistune.create_markdown(escape=True, plugins=["table"])(text))


def clean(text: str) -> Markup:
    """HTML with nothing but text, tables and links; numbers in tables are right-aligned."""
    kept = nh3.clean(
        text,
        tags=TEXT | TABLE,
        clean_content_tags=DROPPED,
        attributes=ATTRIBUTES,
        attribute_filter=_kept_value,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    kept = re.sub(r"(?s)<table>.*?</table>", _aligned, kept)
    return Markup(kept)  # noqa: S704 (cleaned above)


def _kept_value(_tag: str, name: str, value: str) -> str | None:
    """The value of an attribute that may stay; None: the attribute goes."""
    fits = value in CLASSES if name == "class" else name == "href" or value.isdigit()
    return value if fits else None


def _aligned(match: re.Match[str]) -> str:
    """A table whose columns of numbers, with their heads, are marked as such."""
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", match[0])
    body = [re.findall(r"(?s)<t[dh]>(.*?)</t[dh]>", row) for row in rows if "<td>" in row]
    numbers = {i for i, column in enumerate(zip(*body, strict=False)) if _are_numbers(column)}

    def mark(row: re.Match[str]) -> str:
        place = itertools.count()
        return re.sub(
            r"<(td|th)>",
            lambda tag: f'<{tag[1]} class="number">' if next(place) in numbers else tag[0],
            row[0],
        )

    table = re.sub(r"(?s)<tr>.*?</tr>", mark, match[0])
    # Long names may part after an underscore: else one of them makes a table wider than a page.
    table = re.sub(r">[^<]+<", lambda text: text[0].replace("_", "_<wbr>"), table)
    return f'<div class="table">{table}</div>'


def _are_numbers(column: Sequence[str]) -> bool:
    return all(NUMBER.fullmatch(cell) for cell in column) and any(c != "–" for c in column)
