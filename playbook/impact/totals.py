"""Tests that are known by their totals alone, by day and arm."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from playbook.counting.shaping import Rows, grouped
from playbook.declare import Experiment, Metric
from playbook.declare.play import CONTROLS
from playbook.impact import valued
from playbook.impact.checking import FAILED, arm_sizes
from playbook.impact.compared import COUNTS
from playbook.impact.counts import Counts
from playbook.impact.judging import CANNOT_TELL, NO_CLAIM
from playbook.impact.metrics import MEASURED, measured, metric_said
from playbook.impact.trial import looks_by
from playbook.inference.samples import SUMS
from playbook.language.mistakes import listed
from playbook.language.periods import duration, interval, moment
from playbook.language.portable import count_if, pieces, seconds, united, when
from playbook.language.wording import capital, plain
from playbook.ledger import Arms
from playbook.results import Answer, Result
from playbook.results.columns import KEY, TEXT
from playbook.results.section import Unanswerable, section
from playbook.results.sentences import Told, bullets
from playbook.run import Run

DAY = ibis.interval(days=1)
UNSEEN = "its totals alone are known: nobody can check who got it, or whether the arms were alike"
NO_SQUARES = "`squares` of `totals` are not there: nobody can say how much units differ"
NO_SUCH = (
    "`totals` holds what cannot be: fewer than no units, more that did it than there were, or "
    "squares too small for their sum"
)
SHOWN = {"experiment": KEY, "hypothesis": TEXT} | MEASURED


@section("impact.totals")
def totals(run: Run) -> Answer:
    """What tests changed that are known by their totals alone (`totals:` of an experiment).

    The units of a day count when their time is over for all who entered on it, and by the figures
    that were counted last, if the table says when that was. A mean takes the sum of squares, too;
    the third moment, by which an interval leans where arms differ in size, is the least that
    values without a negative one among them can have: (Σ x²)² ≤ Σ x Σ x³ (Cauchy and Schwarz).

    Returns:
        Shape `table`: one row per experiment, treatment and metric: `experiment`, `hypothesis`,
        and the columns of `metrics`. The grade is C at best, because nobody can check who got
        what. Arms whose sizes do not fit the planned split have no effect.
    """
    declared = [each for each in run.declared.experiments if each.totals]
    if not declared:
        raise Unanswerable(
            "No experiment is known by its totals alone. One that another tool counted by day and "
            "arm stands under `totals:` in experiments/<name>.yaml."
        )
    if reason := run.tables.unknown("totals"):
        raise Unanswerable(f"Totals cannot be read: {reason}.")

    def finish(rows: Rows) -> Rows:
        own = grouped(rows, ("experiment",))
        return [row for e in declared for row in _measured(run, e, own.get((e.slug,), []))]

    return run.result(
        "table",
        united([_summed(run, each, m) for each in declared for m in each.as_play.metrics]),
        finish,
        own=SHOWN,
        title="Tests that are known by their totals",
        counted="units",
        counts="units that entered an arm on a day, whose time is over",
        told=(("grade", UNSEEN), ("declared", " ".join(e.as_play.version for e in declared))),
        says=_say,
    )


def _summed(run: Run, experiment: Experiment, metric: Metric) -> ir.Table:
    """The totals of one metric by `arm` and `look`, as the table has the arms: `entered`, and of
    days whose units' time is over `n`, `value`, `squares` (null if any is not there); how many
    rows hold what cannot be (`wrong`), and the test's first day (`first_at`)."""
    how, play = experiment.totals, experiment.as_play
    length = duration(metric.within or play.goal_within)
    only = _.metric.isnull() if len(play.metrics) == 1 else ibis.literal(False)
    rows = run.tables.totals.filter(_.test == (how.test or experiment.slug))
    rows = rows.filter((_.metric == metric.value) | only).mutate(day=_.at.truncate("D"))
    rows = rows.filter(_.day >= _day(how.since)) if how.since else rows
    rows = rows.filter(_.day < _day(how.until)) if how.until else rows
    last = _.counted_at.max().over(ibis.window(group_by=["arm", "day"]))
    rows = rows.mutate(last_=last).filter(_.last_.isnull() | (_.counted_at == _.last_))
    first = _day(how.since) if how.since else _.day.min().over(ibis.window())
    rows = rows.mutate(first_=first, over_=_.day + DAY + interval(length))
    known = ibis.least(moment(run.period.as_of), ibis.coalesce(_.last_, moment(run.period.as_of)))
    spacing = int(duration(play.looks).total_seconds())
    squares = _.value if metric.of == "share" else _.squares
    look = pieces(seconds(rows.first_, rows.over_), spacing)
    rows = rows.mutate(mature_=_.over_ <= known, look=look, squares_=squares)
    return rows.group_by("arm", "look").aggregate(
        experiment=ibis.literal(experiment.slug),
        metric=ibis.literal(metric.name),
        entered=_.n.sum(),
        n=when(_.mature_, _.n).sum(),
        value=when(_.mature_, _.value).sum(),
        squares=when(_.mature_, _.squares_).sum(),
        unsquared=count_if(_.mature_ & _.squares_.isnull()),
        wrong=count_if(_cannot_be(metric)),
        first_at=_.first_.min(),
    )


def _cannot_be(metric: Metric) -> ir.Deferred:
    unknown = _.n.isnull() | _.value.isnull() | (_.n < 0)
    if metric.of == "share":
        return unknown | (_.value < 0) | (_.value > _.n)
    # Sums that are told with few digits may miss it by a little.
    return unknown | (_.value * _.value > _.squares * _.n * 1.001).fill_null(False)


def _measured(run: Run, experiment: Experiment, rows: Rows) -> Rows:
    """The metrics of one experiment, of each treatment."""
    play, how = experiment.as_play, experiment.totals
    arms = _arms(experiment, rows)
    named = {"experiment": experiment.slug, "hypothesis": experiment.hypothesis}
    if reason := _refusal(experiment, arms, rows):
        return [named | _untold(metric, reason) for metric in play.metrics]
    called = {its: own for own, its in arms.called.items()}
    rows = [row | {"arm": called[row["arm"]]} for row in rows if row["arm"] in called]
    judging = play.primary or play.metrics[0]
    ends = how.until and datetime.fromisoformat(how.until) + duration(play.goal_within)
    begins = min(row["first_at"] for row in rows)
    last = min(filter(None, (run.period.as_of, ends)))
    counts = Counts(
        play,
        [_as_counts(row, judging) for row in rows if row["metric"] == judging.name],
        looks_by(play, begins, last),
        run.declared.product.min_n,
        arms=arms,
        planned_looks=looks_by(play, begins, ends) if ends else None,
        is_over=bool(ends) and last >= ends,
    )
    sums = [sums for own in grouped(rows, ("metric", "arm")).values() for sums in _as_sums(own)]
    found = []
    for each in (counts.of(arm) for arm in arms.own):
        each = replace(each, units_planned=valued.planned(each, sums))
        sizes = arm_sizes(each, "triggered")
        refused = f"{sizes.check}: {sizes.seen}" if sizes.status == FAILED else ""
        found += measured(each, sums, refused=refused, doubt=UNSEEN)
    squared = {row["metric"] for row in rows if row["unsquared"]}
    return [named | (row | _unsquared() if row["metric"] in squared else row) for row in found]


def _arms(experiment: Experiment, rows: Rows) -> Arms:
    """The arms that the totals name, or the split does."""
    how = experiment.totals
    names = tuple(sorted({row["arm"] for row in rows if row["arm"] is not None}))
    known = dict.fromkeys([*how.split, *names])
    control = how.control or next((name for name in CONTROLS if name in known), "")
    treatments = tuple(name for name in how.split or names if name != control)
    return Arms(True, control, treatments, dict(how.split), names)


def _refusal(experiment: Experiment, arms: Arms, rows: Rows) -> str:
    """Why nothing can be told of a test, or ""."""
    test = experiment.totals.test or experiment.slug
    told = {row["metric"] for row in rows}
    if not rows:
        return f"`totals` names no test `{test}` with these metrics"
    if lacking := [m.value for m in experiment.as_play.metrics if m.name not in told]:
        return f"`totals` of `{test}` has no {listed(lacking)}"
    if arms.control not in arms.names:
        return f"its arms are {listed(arms.names)}, and none is the control: `control:` names it"
    if not {*arms.treatments} & {*arms.names}:
        return f"its only arm is `{arms.control}`: there is nothing to compare it with"
    return NO_SUCH if any(row["wrong"] for row in rows) else ""


def _untold(metric: Metric, reason: str) -> dict[str, Any]:
    said = {"metric": metric.name, "treatment": "treated", "says": metric.words, "in": ""}
    said |= {"role": metric.role, "verdict": CANNOT_TELL, "grade": NO_CLAIM, "because": reason}
    return dict.fromkeys(MEASURED) | {"n_treated": 0, "n_holdout": 0} | said


def _unsquared() -> dict[str, Any]:
    nothing = dict.fromkeys(("difference", "low", "high", "p", "explained"))
    return nothing | {"verdict": CANNOT_TELL, "grade": NO_CLAIM, "because": NO_SQUARES}


def _as_counts(row: dict[str, Any], metric: Metric) -> dict[str, Any]:
    """A row of `compared.sums`, of a metric: of who did it, if it is a share."""
    did = int(row["value"] or 0) if metric.of == "share" else 0
    given = {"arm": row["arm"], "stratum": "", "look": row["look"], "did": did}
    given |= dict.fromkeys(("assigned", "triggered"), int(row["entered"] or 0))
    n = int(row["n"] or 0)
    return dict.fromkeys(COUNTS, 0) | given | {"n": n, "accounts": n}


def _as_sums(rows: Rows) -> Rows:
    """A row of `valued.sums`, of one metric and arm: units whose own base is 1."""
    n, value, squares = (
        sum(float(row[name] or 0) for row in rows) for name in ("n", "value", "squares")
    )
    if not n:
        return []
    powers = (n, value, squares, squares**2 / value if value > 0 else 0.0)
    summed = {
        name: powers[columns.count("value")]
        for name, columns in SUMS.items()
        if not any("before" in column for column in columns)
    }
    own = {"metric": rows[0]["metric"], "arm": rows[0]["arm"], "drawn": None}
    return [own | {"clusters": int(n), "units": int(n)} | summed]


def _day(day: str) -> ir.TimestampScalar:
    return moment(datetime.fromisoformat(day))


def _say(result: Result, told: Told, _words: str) -> str:
    """Per experiment what it changed by each metric."""
    lines = []
    for (slug,), rows in grouped(result.rows, ("experiment",)).items():
        several = len({row["treatment"] for row in rows}) > 1
        said = "; ".join(metric_said(row, told, several=several).rstrip(".") for row in rows)
        lines.append(f"**{plain(slug)}**: {said}.")
    return f"{bullets(lines)}\n\n{capital(UNSEEN)}."
