"""Effects around zero, with their numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.charts.marks import Drawn, Layers
from playbook.language.wording import NONE, count, percent, points, too_few
from playbook.results import Result

ROW = 34
SIGNED = "(datum.value > 0 ? '+' : '') + format(datum.value * 100, '.3~g')"
# What the chart says → its symbol and its colour; a verdict in the data → what the chart says.
LOOKS = {
    "better": ("triangle-up", look.GREEN),
    "not decided": ("circle", look.GREY),
    "worse": ("triangle-down", look.ORANGE),
    "worse for some": ("diamond", look.ORANGE),
}
VERDICTS = {"works": "better", "harms": "worse", "harms some": "worse for some"}
VERDICTS |= dict.fromkeys(("cannot tell", "not told apart"), "not decided")
VERDICTS |= {said: said for said in LOOKS}
HEADS = {"effect": "effect", "interval": "95 % interval", "sizes": "treated + held out"}
HEADS |= {"grade": "grade"}
TIP = {"who": "who", "effect": "effect", "interval": "95 % interval, pp"}
TIP |= {"treated_text": "treated", "holdout_text": "held out", "sizes": HEADS["sizes"]}
TIP |= {"verdict": "verdict", "grade": "grade of the claim"}
REFUSED = ("D", "F")  # grades that print no effect


def draw(result: Result, rows: Rows) -> Drawn:
    """A forest plot with the numbers beside it."""
    # Segments of one play: its name on every row would leave no room for theirs.
    one = bool(result.by) and len({row["label"] for row in rows}) == 1
    drawn = [_effect_line(result, row, "" if one else result.label(row["label"])) for row in rows]

    # Two treatments of one play: nobody of these is held out.
    paired = any("against" in row for row in rows)
    words = {"sizes": "one + other"} if paired else {}

    def effect_layers(base: alt.Chart, width: int) -> Layers:
        return [*forest(base, drawn, LOOKS, TIP | words), marks.quiet(base, "refusal", width + 20)]

    heads = HEADS | words
    picture = marks.board(drawn, heads, effect_layers, height=ROW * len(rows), bold="effect")
    compared = "One treatment against the other" if paired else "Treated against held out"
    notes = [f"{compared}, in percentage points (pp) with 95 % interval."]
    return picture, notes, [row["said"] for row in drawn]


def forest(
    base: alt.Chart, rows: Rows, looks: Mapping[str, tuple[str, str]], tip: Mapping[str, str]
) -> Layers:
    """Whiskers and symbols around the zero line.

    Args:
        base: A chart of the rows.
        rows: With `difference`, `low`, `high`, `verdict` and, if there is any, `adjusted`.
        looks: Verdict → its symbol and its colour, in the order of the legend.
        tip: Fields of the tooltip, and what they are.
    """
    keys = ("low", "high", "adjusted")
    ends = [0.0, *(row[key] for row in rows for key in keys if row.get(key) is not None)]
    pad = (max(ends) - min(ends)) * 0.06 or 0.01
    axis = {"grid": True, "tickCount": 5, "labelColor": look.MUTED, "titlePadding": 6}
    x = alt.X("difference:Q", title="percentage points")
    x = x.scale(domain=[min(ends) - pad, max(ends) + pad], nice=False)
    x = x.axis(labelExpr=SIGNED, labelFlush=False, **axis)
    used = [word for word in looks if any(row["verdict"] == word for row in rows)]
    legend = alt.Legend(orient="bottom", title=None, offset=8, symbolSize=110) if used else None
    shape, colour = (
        channel("verdict:N", legend=legend).scale(domain=used, range=[looks[w][i] for w in used])
        for i, channel in enumerate((alt.Shape, alt.Color))
    )
    known = base.transform_filter("isValid(datum.difference)")
    known = known.encode(color=colour, tooltip=marks.tips(tip))
    whisker = known.mark_rule(strokeWidth=2.4)
    symbol = known.mark_point(filled=True, size=110, opacity=1)
    zero = alt.Chart(alt.Data(values=[{"difference": 0}])).mark_rule(color=look.INK)
    return [
        zero.encode(x=x),
        whisker.encode(x=alt.X("low:Q"), x2="high:Q"),
        symbol.encode(x=x, shape=shape),
    ]


def ends_said(row: Mapping[str, Any]) -> str:
    """The interval of a difference, in percentage points."""
    return f"[{points(row['low'])}, {points(row['high'])}]"


def _effect_line(result: Result, row: dict[str, Any], name: str) -> dict[str, Any]:
    """A row with its words, or with what stands in the place of an effect."""
    verdict = VERDICTS.get(row["verdict"])
    if row.get("metric") and row["difference"] is not None:
        # It is judged by a metric: here its goal is drawn, with what the goal's interval says.
        verdict = "better" if row["low"] > 0 else "worse" if row["high"] < 0 else "not decided"
    refusal = ""
    if row["verdict"] == "too few" or look.is_few(result, min(row["n_treated"], row["n_holdout"])):
        refusal = too_few(row["n_treated"] + row["n_holdout"])
    elif verdict is None or row["difference"] is None or row["grade"] in REFUSED:
        why = row["verdict"] if verdict is None else f"grade {row['grade']}"
        refusal = f"{why or 'refused'}: no effect"
    who = look.joined(name, look.segment_label(result, row))
    sizes = f"{count(row['n_treated'])} + {count(row['n_holdout'])}"
    line = {"who": who, "name": look.fitted(who, 26), "refusal": refusal, "sizes": sizes}
    line |= {"grade": row["grade"] or NONE, "verdict": refusal or verdict}
    if refusal:
        none = dict.fromkeys(("difference", "low", "high")) | {"effect": "", "interval": ""}
        none |= dict.fromkeys(("treated_text", "holdout_text"), NONE)
        return line | none | {"said": f"{who}: {refusal}, n = {sizes}"}
    effect, ends = f"{points(row['difference'])} pp", ends_said(row)
    return line | {
        **{key: row[key] for key in ("difference", "low", "high")},
        "effect": effect,
        "interval": ends,
        "treated_text": percent(row["treated"]),
        "holdout_text": percent(row["holdout"]),
        "said": f"{who}: {effect} {ends}, n = {sizes}",
    }
