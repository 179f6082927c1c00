"""Steps as bars, one below the other, with what is lost between them."""

from __future__ import annotations

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import MINUS, NONE, count, interval, percent, too_few
from playbook.results import Result

ROW, DENSE = 48, 26  # pixels from one bar to the next, alone and in panels
ENDS = 110  # pixels for "4,182 (100.0 %)" after the longest bar
LOSSES = 140  # pixels for "−1,234 lost here (32.2 %)"
LEAST = 60  # pixels of a bar of everybody at least, however long the names
TIP = {"name": "step", "n_text": "n", "share_text": "of the first step"}
TIP |= {"interval_text": "95 % interval", "previous_text": "of the step before"}
LOSS = {"text": "loss:N", "color": alt.Color("quiet:N", scale=None)}


def draw(result: Result, rows: Rows) -> Drawn:
    """A panel of bars per segment; the largest relative loss of each is orange."""
    panels, said = [], []
    panel = _dense if result.by else _wide
    for name, own in look.segments(result, rows).items():
        own = sorted(own, key=lambda row: row["position"])
        n, still = own[0]["n"], own[0].get("open")
        if look.is_few(result, n):
            panels.append(_panel_of_too_few(name, n))
            said.append(f"{name or 'All'}: {too_few(n)}")
            continue
        drawn = _step_bars(result, own)
        heading = look.with_n(name, n) + (f", {count(still)} still open" if still else "")
        panels.append(marks.headed(panel(drawn), heading if name else "", offset=2))
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


def _step_bars(result: Result, rows: Rows) -> Rows:
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

    def wide_layers(base: alt.Chart, _width: int) -> Layers:
        loss = base.transform_filter("datum.loss != ''")
        loss = loss.mark_text(align="left", fontSize=11, dy=-ROW / 2)
        return [*_bars(base, 24), loss.encode(x=alt.value(6), **LOSS)]

    return marks.board(rows, {}, wide_layers, height=ROW * len(rows), least=LEAST, spare=ENDS)


def _dense(rows: Rows) -> alt.LayerChart:
    """Steps with the losses beside them: one panel of several."""
    spare = ENDS + LOSSES

    def dense_layers(base: alt.Chart, width: int) -> Layers:
        loss = base.mark_text(align="right", fontSize=11)
        return [*_bars(base, 17), loss.encode(x=alt.value(width + spare), **LOSS)]

    return marks.board(rows, {}, dense_layers, height=DENSE * len(rows), least=LEAST, spare=spare)


def _bars(base: alt.Chart, size: int) -> Layers:
    """Bars of so many pixels, and at their ends how many."""
    x = alt.X("share:Q").scale(domain=[0, 1]).axis(None)
    bar = base.mark_bar(size=size, cornerRadiusEnd=2)
    text = base.mark_text(align="left", dx=6).encode(x=x, text="text:N")
    colour = alt.Color("colour:N", scale=None)
    return [bar.encode(x=x, color=colour, tooltip=marks.tips(TIP)), text]


def _panel_of_too_few(name: str, n: int) -> alt.LayerChart:
    text = alt.Chart(alt.Data(values=[{"said": too_few(n)}]))
    text = marks.quiet(text, "said", 0).encode(y=alt.value(DENSE / 2))
    return (text + marks.row_labels([look.fitted(name)], DENSE)).properties(width=300, height=DENSE)
