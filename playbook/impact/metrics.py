"""What a play brings besides its goal: shares, counts, means and ratios, and what it must not."""

from __future__ import annotations

from typing import Any

from playbook.counting.shaping import Rows
from playbook.declare import Metric, Play
from playbook.impact import valued
from playbook.impact.counts import Counts
from playbook.impact.judging import (
    CANNOT_TELL,
    CHECK_FAILED,
    HARMS,
    NEVER_SENT,
    NO_CLAIM,
    RANDOMIZED,
    TOO_FEW,
    UNKNOWN,
    WORKS,
    Judged,
    doubtful,
    of_play,
)
from playbook.impact.trial import trial
from playbook.inference import compare, stats, values
from playbook.inference.arms import Arm, Difference
from playbook.inference.permuted import two_sided
from playbook.language.periods import duration, words
from playbook.language.wording import count, measure, percent, plain, signed
from playbook.results import Answer, Result
from playbook.results.columns import COUNT, KEY, MEASURE, SHARE, TEXT, P, with_ends
from playbook.results.section import Unanswerable, Unfit, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

BETTER, WORSE = "better", "worse"
NO_WORSE, TOO_MUCH_WORSE = "no worse", "worse than allowed"
SKEWED = "a few units carry most of it: too few units to say (`winsorize` narrows it)"
MEASURED = {"metric": KEY, "treatment": KEY, "says": TEXT, "role": TEXT, "in": TEXT}
MEASURED |= {"n_treated": COUNT, "n_holdout": COUNT, "treated": MEASURE, "holdout": MEASURE}
MEASURED |= with_ends("difference", MEASURE) | {"p": P, "explained": SHARE}
MEASURED |= {"verdict": TEXT, "grade": TEXT, "because": TEXT}


@section("impact.{slug}.metrics")
def metrics(run: Run, slug: str) -> Answer:
    """What a play changes in the metrics that it declares, each treatment against the control.

    What the same metric was in as long a time before the moment is taken out where it tells
    (CUPED). Intervals are widened for looks, as the goal's are.

    Returns:
        Shape `table`: one row per metric and treatment, the primary one first: `metric`,
        `treatment`, `says`, `role`, `in` (what its numbers are in: shares are in per cent),
        `n_treated` and `n_holdout` (units whose window is closed), `treated`, `holdout`,
        `difference`, `low`, `high`, `p` (of secondary ones corrected for their number, Benjamini
        and Hochberg), `explained` (the share of its variance that the time before explains),
        `verdict`, `grade` (the play's) and `because`: why there is no number, or "". The verdict
        of the primary one is `works`, `harms` or `cannot tell`; of a secondary one `better`,
        `worse` or `cannot tell`; of a guardrail `no worse` (by less than its margin, surely),
        `worse than allowed` or `cannot tell`.
    """
    of = trial(run, slug)
    if not of.play.metrics:
        raise Unfit(f"`{slug}` declares no `metrics`: it is measured by its goal alone.")
    if of.play.holdout_by:
        raise Unanswerable("Its arms are drawn by strata: metrics are compared over one share.")
    wholes = of_play(of)
    if all(whole.row["verdict"] in (CHECK_FAILED, NEVER_SENT) for whole in wholes):
        raise Unanswerable(f"There is no effect to measure: {wholes[0].why}.")

    def finish(rows: Rows) -> Rows:
        return [row for whole in wholes for row in _of_judged(whole, rows)]

    return of.result(
        "table",
        valued.sums(of),
        finish,
        fetched=lambda: of.metric_rows,  # which plans and verdicts rest on, too
        own=MEASURED,
        title=f"What it brings besides its goal: {run.label(slug)}",
        told=(("before", "taken out where it tells (CUPED), as long before as the metric has"),),
        says=_metrics_said,
    )


def measured(counts: Counts, rows: Rows, *, refused: str, doubt: str) -> Rows:
    """The metrics of one treatment; see `metrics`.

    Args:
        counts: Its counts.
        rows: Its sums, as `valued.sums` has them.
        refused: Why nothing may be told of it, or "".
        doubt: Why it is no claim of grade A, or "".
    """
    order = {"primary": 0, "secondary": 1, "guardrail": 2}
    declared = sorted(counts.play.metrics, key=lambda metric: order[metric.role])
    found = [(metric, _compared(counts, metric, rows)) for metric in declared]
    secondary = [m.name for m, d in found if m.role == "secondary" and d.error]
    p_values = stats.corrected([d.p for m, d in found if m.name in secondary])
    corrected = dict(zip(secondary, p_values, strict=True))
    grade = UNKNOWN if doubt else RANDOMIZED
    return [
        _row(counts, metric, each, corrected.get(metric.name), refused=refused, grade=grade)
        for metric, each in found
    ]


def of_primary(whole: Judged) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of the metric that a play is judged by, and as columns beside those of its goal:
    `judging.PRIMARY`."""
    rows = _of_judged(whole, whole.of.metric_rows)
    found = next(row for row in rows if row["role"] == "primary")
    numbers = ("treated", "holdout", "difference", "low", "high")
    said = {"metric": found["says"], "metric_in": found["in"]}
    return found, said | {f"metric_{name}": found[name] for name in numbers}


def _of_judged(whole: Judged, rows: Rows) -> Rows:
    # Its goal may be too rare to say anything, and a metric not: the doubt is that of the arms.
    doubt = doubtful(whole.of, whole.counts)
    blocked = whole.row["verdict"] in (CHECK_FAILED, NEVER_SENT)
    return measured(whole.counts, rows, refused=whole.why if blocked else "", doubt=doubt)


def _compared(counts: Counts, metric: Metric, rows: Rows) -> Difference:
    deviations = counts.deviations
    own = [
        [row for row in rows if (row["metric"], row["arm"]) == (metric.name, arm)]
        for arm in (counts.treatment, counts.control)
    ]
    if metric.of == "share":
        arms = [_as_arm(each) for each in own]
        if counts.play.unit == "account":
            return compare.accounts(*arms, deviations=deviations)
        people = ((arm.n, arm.did) for arm in arms)
        return compare.people(*people, deviations=deviations)
    return values.difference(*(valued.sample_of(each) for each in own), deviations=deviations)


def _as_arm(rows: Rows) -> Arm:
    if not rows or any(row["drawn"] is not None for row in rows):
        return Arm.of([(int(row["base"]), int(row["value"])) for row in rows])
    (row,) = rows
    return Arm(
        accounts=int(row["clusters"]),
        n=int(row["base"]),
        did=int(row["value"]),
        n_n=row["base_base"],
        n_did=row["base_value"],
        did_did=row["value_value"],
    )


def _row(
    counts: Counts,
    metric: Metric,
    found: Difference,
    p: float | None,
    *,
    refused: str,
    grade: str,
) -> dict[str, Any]:
    scale = 100 if metric.of == "share" else 1
    treated, held = found.units
    few = min(treated, held) < max(counts.least, 1)
    because = "too few to say" if few else SKEWED if found.method == "skewed" else ""
    if not because and not found.error:
        because = "all did the same: there is nothing to compare"
    told = not because and not refused
    verdict = _verdict(metric, found, p, counts) if told else TOO_FEW if few else CANNOT_TELL
    row = {
        "metric": metric.name,
        "treatment": counts.treatment if counts.arms and counts.arms.several else "treated",
        "says": metric.words,
        "role": metric.role,
        "in": _in(counts.play, metric),
        "n_treated": treated,
        "n_holdout": held,
        "treated": found.treated,
        "holdout": found.holdout,
        **{name: getattr(found, name) if told else None for name in ("difference", "low", "high")},
    }
    numbers = ("treated", "holdout", "difference", "low", "high")
    row |= {name: row[name] * scale for name in numbers if row[name] is not None}
    shown = p if p is not None else found.p
    row |= {"p": shown if told else None, "explained": found.explained, "verdict": verdict}
    return row | {"grade": grade if told else NO_CLAIM, "because": because or refused}


def _verdict(metric: Metric, found: Difference, p: float | None, counts: Counts) -> str:
    """What the interval says; a guardrail is read against its margin."""
    low, high = found.low, found.high
    if metric.better == "lower":
        low, high = -high, -low
    if metric.role == "guardrail":
        if low > -metric.margin:
            return NO_WORSE
        return TOO_MUCH_WORSE if high < -metric.margin else CANNOT_TELL
    good, bad = (WORKS, HARMS) if metric.role == "primary" else (BETTER, WORSE)
    if p is not None and p >= two_sided(counts.deviations):
        return CANNOT_TELL
    return good if low > 0 else bad if high < 0 else CANNOT_TELL


def _in(play: Play, metric: Metric) -> str:
    """What a metric's numbers are in."""
    whom = {"user": "person", "account": "account"}[play.measured]
    within = words(duration(metric.within or play.goal_within))
    if metric.of == "share":
        return f"% of {whom}s within {within}"
    if metric.per:
        return f"per {metric.per.property or metric.per.event or metric.per.value}"
    return f"per {whom} within {within}"


def _metrics_said(result: Result, told: Told, _words: str) -> str:
    """Per metric and treatment what it changes, and by how much."""
    several = len({row["treatment"] for row in result.rows}) > 1
    return bullets(metric_said(row, told, several=several) for row in result.rows)


def metric_said(row: dict[str, Any], told: Told, *, several: bool) -> str:
    """What a metric says, in a line."""
    name = f"**{plain(row['says'])}**" + (f", {plain(row['treatment'])}" if several else "")
    role = f" ({row['role']})" if row["role"] != "secondary" else ""
    sizes = f"n = {count(row['n_treated'])} + {count(row['n_holdout'])}"
    if row["difference"] is None:
        return f"{name}{role}: {plain(row['because'])} ({sizes})."
    told.segment = f"{row['metric']}.{row['treatment']}"
    unit = "" if row["in"].startswith("%") else f" {plain(row['in'])}"
    change = f"**{signed(row['difference'])}**{unit or ' points'}"
    ends = f"{signed(row['low'])} to {signed(row['high'])}"
    says = "no difference shown" if row["verdict"] == CANNOT_TELL else row["verdict"]
    explained = ""
    if row["explained"]:
        explained = f"; the time before explains {percent(row['explained'])} of its spread"
    return (
        f"{name}{role} {says}: {change} ({ends}), from {measure(row['holdout'])} to "
        f"{measure(row['treated'])} ({sizes}{explained}); grade {row['grade']}."
    )
