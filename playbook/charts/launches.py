"""Launches over the periods of a trend: a rule each, under names that do not touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Layers
from playbook.language.wording import times
from playbook.results import Result

Launches = Mapping[str, Sequence[str]]  # day, as ISO writes it → the plays
LONGEST = 30  # characters of a play's name


def launched_among(
    result: Result, launches: Launches, periods: Sequence[str]
) -> tuple[Rows, list[str]]:
    """The periods in which plays went live, and those that were live before all of them.

    Returns:
        Per period `place`, `days` and `names` as text, and what is `said` over its rule.
    """
    found: dict[int, dict[str, Sequence[str]]] = {}
    for day in sorted(launches):
        place = sum(period[:10] <= day for period in periods) - 1
        found.setdefault(place, {})[day] = [result.label(name) for name in launches[day]]
    before = [name for names in found.pop(-1, {}).values() for name in names]
    rows = []
    for place, own in found.items():
        names = [name for some in own.values() for name in some]
        said = look.wrapped(names[0], LONGEST, most=1)[0]
        rows.append(
            {
                "place": place,
                "days": ", ".join(own),
                "names": ", ".join(names),
                "said": said if len(names) == 1 else times(len(names), "play"),
            }
        )
    return rows, before


def launch_rules(rows: Rows, xs: Sequence[float], size: tuple[int, int]) -> Layers:
    """A rule at each place, from its name down; where two stand too near, the earlier goes up.

    Args:
        rows: What `launched_among` gives.
        xs: Pixels from the left of every period.
        size: Width and height of the plot.
    """
    width, height = size
    begins: list[float] = []  # of the last name on each line
    drawn: Rows = []
    for row in reversed(rows):  # so that no rule goes through the name of a later one
        x, room = xs[row["place"]], look.column([row["said"]])
        left = x - 4 if x - 4 + room <= width else x + 4 - room
        lines = range(len(begins))
        line = next((k for k in lines if left + room <= min(begins[k:])), len(begins))
        begins[line : line + 1] = [left]
        side = {"align": "left", "text_x": x - 4}
        if left < x - 4:  # no room to its right
            side = {"align": "right", "text_x": x + 4}
        drawn.append(row | side | {"x": x, "at": -8 - marks.LINE * line})
    tip = marks.tips({"names": "went live", "days": "on"})
    base = alt.Chart(alt.Data(values=drawn[::-1])).encode(y=marks.from_top("at"), tooltip=tip)
    rule = base.mark_rule(color=look.MUTED, strokeDash=[2, 2], strokeWidth=1.2)
    style = {"align": alt.expr("datum.align"), "baseline": "bottom", "fontSize": 11}
    names = [
        base.mark_text(**style, color=look.WHITE, stroke=look.WHITE, strokeWidth=4),
        base.mark_text(**style, color=look.MUTED),
    ]
    return [
        rule.encode(x=marks.from_left("x"), y2=alt.value(height)),
        *(name.encode(x=marks.from_left("text_x"), text="said:N") for name in names),
    ]
