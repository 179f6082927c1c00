"""The look of every chart: colours with one meaning each, numbers as text, labels that fit."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from playbook.language.wording import count
from playbook.results import UNKNOWN, Result

Rows = list[dict[str, Any]]

# Okabe and Ito's colours, told apart by colour-blind people too. One meaning each:
BLUE = "#0072B2"  # the people or things that are counted
DARK_BLUE = "#08427A"  # of these, those who did it again
ORANGE = "#D55E00"  # the worst step, a harm, something missing
GREEN = "#009E73"  # better, in order
AMBER = "#E69F00"  # with a caveat
GREY = "#7B8794"  # the data cannot tell
NOTHING = "#C3CAD2"  # nothing was done
PALE = "#EEF1F4"  # not needed
INK, MUTED, RULE, WHITE = "#1F2933", "#5F6B7A", "#DDE2E7", "#FFFFFF"
SHADES = ("#08427A", "#0072B2", "#4A9CCF", "#8CC0E3", "#BFDDF0", "#DDEDF7")
SEGMENTS = (BLUE, "#AA5A85", "#2E95D3", INK, "#8F7CC8")  # then again, dashed
DASHES = ([1, 0], [6, 3], [2, 2])

NOT_KNOWN = "unknown"
WIDTH = 640  # of the whole chart, so that it prints on a page
EM = 6.6  # pixels of an average character at 12 px, for the widest font that we meet
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def json_rows(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows with nothing but JSON in them, the same on every engine and in every run."""
    return [{key: _json_value(value) for key, value in row.items()} for row in rows]


def is_few(result: Result, n: int | None) -> bool:
    """Whether too few stand behind a value to show it."""
    return (n or 0) < max(result.min_n, 1)


def segment_label(result: Result, row: Mapping[str, Any]) -> str:
    """A row's segment in words that no other has, "" for everybody."""
    name = result.segment_names[result.segment(row)]
    if UNKNOWN not in (row[column] for column in result.by):
        return f"“{name}”" if name == NOT_KNOWN else name
    return " · ".join(
        NOT_KNOWN if row[column] == UNKNOWN else result.label(row[column]) for column in result.by
    )


def segments(result: Result, rows: Rows) -> dict[str, Rows]:
    """Rows by segment, both in their order."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(segment_label(result, row), []).append(row)
    return found


def how_counted(result: Result, *, without: Iterable[str] = ()) -> str:
    """How it is counted and how far the data goes, but for some of the words."""
    parts = [
        f"{word}: {', '.join(result.label(name) for name in value.split(', '))}"
        for word, value in result.definition
        if word not in without
    ]
    return " · ".join([*parts, f"data up to {result.as_of}"] if result.as_of else parts)


def in_words(result: Result, title: str) -> list[str]:
    """The words of its definition that a title says already."""
    said = title.lower()
    values = {word: value.partition(", end included")[0] for word, value in result.definition}
    known = [w for w, v in values.items() if all(_is_said(result, n, said) for n in v.split(", "))]
    return known + (["unit"] if result.counted.lower() in said else [])


def _is_said(result: Result, name: str, title: str) -> bool:
    return f"“{result.label(name).lower()}”" in title or f" within {name} " in f"{title} "


def joined(*parts: str) -> str:
    """The parts that say anything, set apart by " · "."""
    return " · ".join(part for part in parts if part)


def every_day(rows: Rows) -> list[str]:
    """Every day from the first `day` of some rows to their last, as ISO text."""
    first, last = (date.fromisoformat(end(row["day"][:10] for row in rows)) for end in (min, max))
    return [str(first + timedelta(days=k)) for k in range((last - first).days + 1)]


def with_n(name: str, n: int | None) -> str:
    """A name and how many stand behind it, which never part."""
    return f"{name} (n\u00a0=\u00a0{count(n)})".lstrip()


def wrapped(text: str, width: int, *, most: int = 2) -> list[str]:
    """Text in at most `most` lines of `width` characters; what is cut off ends in "…"."""
    text = re.sub(r"[ \t\r\n]+", " ", text)  # no-break spaces stay
    return textwrap.wrap(text, width, max_lines=most, placeholder=" …") or [""]


def parted(text: str, width: int) -> list[str]:
    """Text in lines that end where its parts, set apart by " · ", do."""
    lines: list[str] = []
    for part in text.split(" · ") if text else []:
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines += wrapped(part, width)
    return lines


def fitted(text: str, width: int = 30) -> str:
    """A label in two lines, as wide as they must be, but cut off in the end."""
    lines = next((ls for w in (width, width + 9) if len(ls := wrapped(text, w, most=9)) <= 2), [])
    return "\n".join(lines or wrapped(text, width + 18))


def room(texts: Iterable[str]) -> int:
    """Pixels that the widest line of some labels needs."""
    longest = max((len(line) for text in texts for line in text.split("\n")), default=0)
    return math.ceil(longest * EM) + 12


def column(texts: Iterable[str]) -> int:
    """Pixels that a column of figures needs, with the gap before it."""
    return math.ceil(max(map(len, texts), default=0) * 5.8) + 18


def legend_columns(names: Iterable[str]) -> int:
    """How many entries of a legend fit side by side."""
    return max(1, int(WIDTH // (room(names) + 26)))


def shades(n: int) -> list[str]:
    """n blues from dark to light."""
    if n <= 2:
        return [SHADES[1], SHADES[3]][:n]
    last = 4 if n <= 5 else len(SHADES) - 1
    return [SHADES[round(i * last / (n - 1))] for i in range(n)]


def ink_on(colour: str) -> str:
    """The colour of text that can be read on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else WHITE


def colours(names: Sequence[str]) -> list[str]:
    """A colour for each segment, in their order; unknown ones are grey."""
    return [
        GREY if name == NOT_KNOWN else SEGMENTS[i % len(SEGMENTS)] for i, name in enumerate(names)
    ]


def dashes(names: Sequence[str]) -> list[list[int]]:
    """A dash for each segment: a second round of colours is dashed."""
    return [list(DASHES[i // len(SEGMENTS) % len(DASHES)]) for i in range(len(names))]


def spread(wanted: Sequence[float], sizes: Sequence[float], height: float) -> list[float]:
    """Middles of labels near the wanted ones, from 0 to `height`, none upon another."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    found = [0.0] * len(wanted)
    end = -sizes[order[0]] if order else 0.0
    for i in order:
        found[i] = max(wanted[i], end + sizes[i] / 2)
        end = found[i] + sizes[i] / 2
    begin = height
    for i in reversed(order):
        found[i] = min(found[i], begin - sizes[i] / 2)
        begin = found[i] - sizes[i] / 2
    return [round(value, 1) for value in found]


def config() -> dict[str, Any]:
    """Vega-Lite's configuration: quiet axes, no frame."""
    axis = {"domain": False, "ticks": False, "grid": False, "labelLimit": 0, "titleLimit": 0}
    small = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    colour = {"labelColor": INK, "titleColor": MUTED, "gridColor": RULE}
    legend = {"labelLimit": 0, "symbolStrokeWidth": 0, "titleLimit": 0, "symbolSize": 130}
    return {
        "font": FONT,
        "background": WHITE,
        "view": {"stroke": None},
        "axis": {**axis, **small, **colour, "labelPadding": 6},
        "legend": {**legend, **small, "labelColor": INK, "titleColor": MUTED},
        "text": {"fontSize": 12, "color": INK, "lineBreak": "\n"},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "fontSize": 16,
            "color": INK,
            "subtitleColor": MUTED,
            "subtitleFontSize": 12,
            "subtitlePadding": 5,
            "subtitleLineHeight": 16,
            "offset": 14,
            "limit": 0,
        },
        "padding": {"left": 2, "right": 6, "top": 6, "bottom": 6},
    }


def _json_value(value: Any) -> Any:
    if hasattr(value, "item"):  # of NumPy, whose truth values are no `bool`
        value = value.item()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
