"""Effects around zero, with their numbers beside them."""

from __future__ import annotations

from typing import Any

import altair as alt

from playbook.charts import look, marks
from playbook.charts.look import Rows
from playbook.language.wording import NONE, count, percent, points, too_few
from playbook.results import Result

Drawn = tuple[alt.TopLevelMixin, list[str], list[str]]
ROW = 34
SIGNED = "(datum.value > 0 ? '+' : '') + format(datum.value * 100, '.3~g')"
# Verdict in the data → what the chart says, its symbol and its colour.
BETTER = ("better", "triangle-up", look.GREEN)
UNDECIDED = ("not decided", "circle", look.GREY)
WORSE = ("worse", "triangle-down", look.ORANGE)
VERDICTS = {
    "works": BETTER,
    "better": BETTER,
    "cannot tell": UNDECIDED,
    "not told apart": UNDECIDED,
    "not decided": UNDECIDED,
    "harms": WORSE,
    "worse": WORSE,
}
HEADS = {"effect": "effect", "interval": "95 % interval", "sizes": "treated + held out"}
HEADS |= {"grade": "grade"}
REFUSED = ("D", "F")  # grades that print no effect


def draw(result: Result, rows: Rows) -> Drawn:
    """A forest plot with the numbers beside it."""
    # Segments of one play: its name on every row would leave no room for theirs.
    one = bool(result.by) and len({row["label"] for row in rows}) == 1
    drawn = [_effect(result, row, "" if one else result.label(row["label"])) for row in rows]
    names = [row["name"] for row in drawn]
    widths = {key: look.column([head, *(r[key] for r in drawn)]) for key, head in HEADS.items()}
    width = max(170, look.WIDTH - look.room(names) - sum(widths.values()))
    base = alt.Chart().encode(y=marks.rows("name", names))
    layers = [*_forest(base, drawn), marks.labels(names, ROW)]
    layers += marks.columns(base, HEADS, widths, width, bold="effect")
    layers.append(marks.quiet(base, "refusal", width + 20))
    picture = alt.layer(*layers, data=alt.Data(values=drawn))
    picture = picture.properties(width=width, height=ROW * len(rows))
    notes = ["Treated against held out, in percentage points (pp) with 95 % interval."]
    return picture, notes, [row["said"] for row in drawn]


def _effect(result: Result, row: dict[str, Any], name: str) -> dict[str, Any]:
    """A row with its words, or with what stands in the place of an effect."""
    least = min(row["n_treated"], row["n_holdout"])
    verdict = VERDICTS.get(row["verdict"])
    few = row["verdict"] == "too few" or least < result.min_n
    refusal = ""
    if few:
        refusal = too_few(row["n_treated"] + row["n_holdout"])
    elif verdict is None or row["difference"] is None or row["grade"] in REFUSED:
        why = row["verdict"] if verdict is None else f"grade {row['grade']}"
        refusal = f"{why or 'refused'}: no effect"
    who = " · ".join(x for x in (name, look.segment(result, row)) if x)
    shown = not refusal
    sides = f"[{points(row['low'])}, {points(row['high'])}]" if shown else ""
    sizes = f"{count(row['n_treated'])} + {count(row['n_holdout'])}"
    effect = f"{points(row['difference'])} pp {sides}"
    return {
        "who": who,
        "said": f"{who}: {refusal or effect}, n = {sizes}",
        "name": look.fitted(who, 26),
        "difference": row["difference"] if shown else None,
        "low": row["low"] if shown else None,
        "high": row["high"] if shown else None,
        "verdict": verdict[0] if shown else refusal,
        "refusal": refusal,
        "effect": f"{points(row['difference'])} pp" if shown else "",
        "interval": sides,
        "sizes": sizes,
        "grade": row["grade"] or NONE,
        "treated_text": percent(row["treated"]) if shown else NONE,
        "holdout_text": percent(row["holdout"]) if shown else NONE,
    }


def _forest(base: alt.Chart, rows: Rows) -> list[alt.Chart]:
    """Whiskers and symbols around the zero line."""
    ends = [row[side] for row in rows for side in ("low", "high") if row[side] is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    pad = (high - low) * 0.06 or 0.01
    title = "percentage points"
    x = alt.X("difference:Q", title=title).scale(domain=[low - pad, high + pad], nice=False)
    x = x.axis(
        labelExpr=SIGNED,
        grid=True,
        tickCount=5,
        labelColor=look.MUTED,
        titlePadding=6,
        labelFlush=False,
    )
    used = [v for v in (BETTER, UNDECIDED, WORSE) if any(row["verdict"] == v[0] for row in rows)]
    words = [word for word, *_ in used]
    legend = alt.Legend(orient="bottom", title=None, offset=8, symbolSize=110) if used else None
    colour = alt.Color("verdict:N").scale(domain=words, range=[c for *_, c in used])
    shape = alt.Shape("verdict:N").scale(domain=words, range=[s for _, s, _ in used])
    tip = {"who": "who", "effect": "effect", "interval": "95 % interval, pp"}
    tip |= {"treated_text": "treated", "holdout_text": "held out", "sizes": HEADS["sizes"]}
    tips = marks.tips(tip | {"verdict": "verdict", "grade": "grade of the claim"})
    known = base.transform_filter("isValid(datum.difference)")
    zero = alt.Chart(alt.Data(values=[{"difference": 0}])).mark_rule(color=look.INK)
    whisker = known.mark_rule(strokeWidth=2.4).encode(
        x=alt.X("low:Q"), x2="high:Q", color=colour.legend(legend), tooltip=tips
    )
    symbol = known.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, color=colour.legend(legend), shape=shape.legend(legend), tooltip=tips
    )
    return [zero.encode(x=x), whisker, symbol]
