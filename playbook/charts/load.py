"""What becomes of messages, day by day: stacked bars, what goes out at the bottom."""

from __future__ import annotations

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn
from playbook.language.wording import count, percent
from playbook.results import Result

HEIGHT, LEFT = 240, 46
MONTHS = 70  # days, from which on months are ticks
COLOURS = {  # decision → colour, from the bottom
    "send": look.BLUE,
    "holdout": look.SHADES[3],
    "already_done": look.NOTHING,
    "quiet": look.MUTED,
    "suppressed": "#8F7CC8",
    "unreachable": look.INK,
    "lost_priority": look.AMBER,
    "capped": look.ORANGE,
}


def draw(result: Result, rows: Rows, most: int = 91) -> Drawn:
    """A bar per day, at most so many of the last; each decision has its colour."""
    every = look.every_day(rows)
    days = every[-most:]
    shown = [row for row in rows if row["day"] >= days[0]]
    sums = {name: sum(row["n"] for row in shown if row["decision"] == name) for name in COLOURS}
    names = [name for name in COLOURS if sums[name]]
    data: dict[str, dict] = {day: {"day": day} for day in days}
    for row in shown:
        data[row["day"]][row["decision"]] = row["n"]
    said = {name: result.label(name) for name in names}
    bars = alt.Chart(alt.Data(values=list(data.values()))).transform_fold(names, ["name", "n"])
    bars = bars.transform_filter("datum.n > 0")
    bars = bars.transform_calculate(
        place=f"indexof({names!r}, datum.name)",
        said=f"({said!r})[datum.name]",
        at="toNumber(toDate(datum.day))",
    )
    ticks = "month" if len(days) > MONTHS else "week"
    x = alt.X("utcyearmonthdate(at):T", title=None).scale(type="utc")
    x = x.axis(tickCount=ticks, format="%-d %b", grid=False, labelColor=look.MUTED)
    y = alt.Y("n:Q", title=None, stack="zero").axis(grid=True, tickCount=4, format=",~r")
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=look.legend_columns(said.values()),
        labelExpr=f"({said!r})[datum.label]",
    )
    colour = alt.Color("name:N", legend=legend)
    colour = colour.scale(domain=names, range=[COLOURS[name] for name in names])
    picture = bars.mark_bar().encode(
        x=x,
        y=y,
        color=colour,
        order=alt.Order("place:Q"),
        tooltip=marks.tips({"day": "day", "said": "what", "n": "messages"}),
    )
    total = sum(sums.values())
    told = [f"{said[name]}: {count(sums[name])} ({percent(sums[name] / total)})" for name in names]
    notes = (
        [f"The last {len(days)} days; each day is of UTC."]
        if len(look.every_day(rows)) > most
        else []
    )
    return picture.properties(width=look.WIDTH - LEFT, height=HEIGHT), notes, told
