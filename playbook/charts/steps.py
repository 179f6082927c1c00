"""Steps as bars, one below the other, with what is lost between them."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.language.wording import MINUS, NONE, count, interval, percent, too_few
from playbook.results import Result

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
ROW, DENSE = 48, 26  # pixels from one bar to the next, alone and in panels
ENDS = 110  # pixels for "4,182 (100.0 %)" after the longest bar
LOSSES = 140  # pixels for "−1,234 lost here (32.2 %)"


def draw(result: Result, rows: Rows) -> Drawn:
    """A panel of bars per segment; the largest relative loss of each is orange."""
    panels, said = [], []
    panel = _dense if result.by else _wide
    for name, own in look.segments(result, rows).items():
        own = sorted(own, key=lambda row: row["position"])
        n, still = own[0]["n"], own[0].get("open")
        if n < max(result.min_n, 1):
            panels.append(_too_few(name, n))
            said.append(f"{name or 'All'}: {too_few(n)}")
            continue
        drawn = _steps(result, own)
        heading = look.with_n(name, n) + (f", {count(still)} still open" if still else "")
        panels.append(_headed(panel(drawn), heading if name else ""))
        said += [f"{name}: {row['said']}" if name else row["said"] for row in drawn]
    whole = (
        panels[0] if len(panels) == 1 else alt.concat(*panels, columns=1, spacing=14, align="none")
    )
    still = "" if result.by else rows[0].get("open")
    opened = f" {count(still)} still open are left out." if still else ""
    return whole, [f"Orange: the largest relative loss.{opened}"], said


def worst(rows: Rows, least: int) -> int | None:
    """Place of the step with the largest relative loss from at least `least`; of equals the first.

    Args:
        rows: A segment's steps in order.
        least: Below this n of the step before no loss counts.
    """
    losses = [
        (row["of_previous"], i)
        for i, row in enumerate(rows)
        if i and row["of_previous"] is not None and row["lost"] > 0 and rows[i - 1]["n"] >= least
    ]
    return min(losses)[1] if losses else None


def _steps(result: Result, rows: Rows) -> Rows:
    """Rows with their words."""
    found, place = [], worst(rows, result.min_n)
    for i, row in enumerate(rows):
        lost = i > 0 and row["lost"] > 0 and row["of_previous"] is not None
        gone = f"{MINUS}{count(row['lost'])} lost here" if lost else ""
        name = result.label(row["step"])
        text = f"{count(row['n'])} ({percent(row['of_first'])})"
        loss = f"{gone} ({percent(1 - row['of_previous'])})" if lost else ""
        found.append(
            {
                "name": look.fitted(name),
                "share": row["of_first"],
                "text": text,
                "loss": loss,
                "said": f"{name}: {text}" + (f", {loss}" if loss else ""),
                "colour": look.ORANGE if i == place else look.BLUE,
                "quiet": look.ORANGE if i == place else look.MUTED,
                "previous_text": percent(row["of_previous"]) if i else NONE,
                "interval_text": interval(row["low"], row["high"]),
                "n_text": count(row["n"]),
                "share_text": percent(row["of_first"]),
            }
        )
    return found


def _wide(rows: Rows) -> alt.LayerChart:
    """Steps with the losses between them."""
    base, layers = _bars(rows, size=24, row=ROW)
    loss = base.transform_filter("datum.loss != ''")
    loss = loss.mark_text(align="left", fontSize=11, dy=-ROW / 2)
    layers.append(
        loss.encode(x=alt.value(6), text="loss:N", color=alt.Color("quiet:N", scale=None))
    )
    width = look.WIDTH - look.room(row["name"] for row in rows) - ENDS
    return _layered(layers, rows, width, ROW)


def _dense(rows: Rows) -> alt.LayerChart:
    """Steps with the losses beside them: one panel of several."""
    base, layers = _bars(rows, size=17, row=DENSE)
    width = look.WIDTH - look.room(row["name"] for row in rows) - ENDS - LOSSES
    loss = base.mark_text(align="right", fontSize=11)
    x = alt.value(width + ENDS + LOSSES)
    layers.append(loss.encode(x=x, text="loss:N", color=alt.Color("quiet:N", scale=None)))
    return _layered(layers, rows, width, DENSE)


def _bars(rows: Rows, *, size: int, row: int) -> tuple[alt.Chart, list[alt.Chart]]:
    names = [row["name"] for row in rows]
    base = alt.Chart().encode(y=marks.rows("name", names))
    x = alt.X("share:Q").scale(domain=[0, 1]).axis(None)
    tip = {"name": "step", "n_text": "n", "share_text": "of the first step"}
    tip |= {"interval_text": "95 % interval", "previous_text": "of the step before"}
    bar = base.mark_bar(size=size, cornerRadiusEnd=2)
    bar = bar.encode(x=x, color=alt.Color("colour:N", scale=None), tooltip=marks.tips(tip))
    text = base.mark_text(align="left", dx=6).encode(x=x, text="text:N")
    return base, [bar, text, marks.labels(names, row)]


def _layered(layers: list[alt.Chart], rows: Rows, width: int, row: int) -> alt.LayerChart:
    picture = alt.layer(*layers, data=alt.Data(values=rows))
    return picture.properties(width=width, height=row * len(rows))


def _too_few(name: str, n: int) -> alt.LayerChart:
    text = alt.Chart(alt.Data(values=[{"said": too_few(n)}]))
    text = text.mark_text(align="left", color=look.MUTED, fontStyle="italic")
    text = text.encode(x=alt.value(0), y=alt.value(DENSE / 2), text="said:N")
    return (text + marks.labels([look.fitted(name)], DENSE)).properties(width=300, height=DENSE)


def _headed(panel: Any, heading: str) -> Any:
    """A panel with its segment above it."""
    if not heading:
        return panel
    return panel.properties(title=alt.Title(heading, fontSize=13, frame="bounds", offset=2))
